"""The registry of backends: names to factories, so that nothing is imported before it is used."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from optkit.ad.backends.base import Backend
from optkit.errors import BackendError, InvalidTypeError


def _native() -> Backend:
    from optkit.ad.backends.native import NativeBackend

    return NativeBackend()


def _finite_difference() -> Backend:
    from optkit.ad.backends.finite_difference import FiniteDifferenceBackend

    return FiniteDifferenceBackend()


_FACTORIES: dict[str, Callable[[], Backend]] = {
    "native": _native,
    "finite-difference": _finite_difference,
}


def register_backend(name: str, factory: Callable[[], Backend]) -> None:
    """Make ``backend=name`` mean the backend that ``factory()`` returns; it is called when first used."""
    _FACTORIES[name] = factory


def get_backend(backend: str | Backend = "auto") -> Backend:
    """The backend of that name (``"auto"`` is the native engine); a `Backend` object is returned as it is.

    Raises
    ------
    BackendError
        When the name is unknown (the closest one is suggested) or the backend is not installed.
    """
    if isinstance(backend, Backend):
        return backend
    if not isinstance(backend, str):
        raise InvalidTypeError(f"backend must be a name or a Backend object, got {type(backend).__name__}")
    name = "native" if backend == "auto" else backend
    if name not in _FACTORIES:
        close = difflib.get_close_matches(name, _FACTORIES, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise BackendError(f"unknown backend {name!r}; {hint}known: {', '.join(sorted(_FACTORIES))}")
    found = _FACTORIES[name]()
    if not found.available():
        raise BackendError(f"backend {name!r} is not available here: what it needs is not installed")
    return found
