"""Who differentiates: the `Backend` protocol and the registry that finds a backend by name."""

from optkit.ad.backends.base import Backend, Prepared
from optkit.ad.backends.registry import get_backend, register_backend

__all__ = ["Backend", "Prepared", "get_backend", "register_backend"]
