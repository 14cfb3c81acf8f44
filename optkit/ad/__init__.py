"""Automatic differentiation of plain NumPy code; knows nothing of optimizers."""

from optkit.ad.backends import Backend, get_backend, register_backend
from optkit.ad.compiler import Compiled, jit
from optkit.ad.custom import custom_jvp, custom_vjp
from optkit.ad.exporting.exporter import Export, export
from optkit.ad.transforms import (
    derivative,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    linearize,
    stop_gradient,
    value_and_grad,
    value_and_jacobian,
    vjp,
)

__all__ = [
    "Backend",
    "Compiled",
    "Export",
    "custom_jvp",
    "custom_vjp",
    "derivative",
    "export",
    "get_backend",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jit",
    "jvp",
    "linearize",
    "register_backend",
    "stop_gradient",
    "value_and_grad",
    "value_and_jacobian",
    "vjp",
]
