"""What a function computes and how it is differentiated, to look at: tables, graphs, formulas."""

from optkit.ad.explain.algebra import Symbolic, symbolic
from optkit.ad.explain.drawing import GraphDrawing, draw_graph
from optkit.ad.explain.table import TraceTable, trace_table

__all__ = ["GraphDrawing", "Symbolic", "TraceTable", "draw_graph", "symbolic", "trace_table"]
