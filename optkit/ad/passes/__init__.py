"""The passes: each takes a graph and gives a graph that computes the same with fewer or simpler equations.

They are exact in floating point: what a pass replaces has the same bits, for NaN, infinities and signed zeros too,
unless its docstring says otherwise. `simplify` runs them in order; with ``check=True`` the legality check of
`optkit.ad.graph` runs behind each.
"""

from __future__ import annotations

from collections.abc import Callable

from optkit.ad.graph import Graph, check
from optkit.ad.passes.algebra import simplify_algebra
from optkit.ad.passes.cleaning import drop_dead, fold_constants, merge_common

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    drop_dead,
    fold_constants,
    simplify_algebra,
    merge_common,
    simplify_algebra,
    drop_dead,
)


def simplify(graph: Graph, *, checked: bool = False) -> Graph:
    """The graph after all passes."""
    for run in PASSES:
        graph = run(graph)
        if checked:
            check(graph)
    return graph
