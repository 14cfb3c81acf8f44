"""Automatic differentiation of plain NumPy code; knows nothing of optimizers."""

from optkit.ad import extend
from optkit.ad.backends import Backend, Prepared, get_backend, register_backend
from optkit.ad.compiler import Compiled, jit
from optkit.ad.custom import custom_jvp, custom_vjp
from optkit.ad.directional import derivative, hvp, jvp, linearize, vjp
from optkit.ad.explain import draw_graph, symbolic, trace_table
from optkit.ad.exporting.exporter import Export, export
from optkit.ad.implicit import fixed_point, implicit_root
from optkit.ad.transforms import (
    grad,
    hessian,
    jacobian,
    stop_gradient,
    value_and_grad,
    value_and_jacobian,
)

__all__ = [
    "Backend",
    "Compiled",
    "Export",
    "Prepared",
    "custom_jvp",
    "custom_vjp",
    "derivative",
    "draw_graph",
    "export",
    "extend",
    "fixed_point",
    "get_backend",
    "grad",
    "hessian",
    "hvp",
    "implicit_root",
    "jacobian",
    "jit",
    "jvp",
    "linearize",
    "register_backend",
    "stop_gradient",
    "symbolic",
    "trace_table",
    "value_and_grad",
    "value_and_jacobian",
    "vjp",
]
