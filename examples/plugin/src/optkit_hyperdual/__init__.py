"""A backend for optkit in a package of its own: exact first and second derivatives by hyper-dual numbers."""

from optkit_hyperdual.backend import HyperDualBackend
from optkit_hyperdual.number import HyperDual

__all__ = ["HyperDual", "HyperDualBackend"]
