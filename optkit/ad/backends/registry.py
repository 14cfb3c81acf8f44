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
    """Make ``backend=name`` mean the backend that ``factory()`` returns.

    Parameters
    ----------
    name : str
        A name that is known already gets a new meaning.
    factory : callable
        Gives the backend; called whenever the name is looked up, so that nothing is imported before it is used.

    Examples
    --------
    >>> from optkit import ad
    >>> from optkit.ad.backends.finite_difference import FiniteDifferenceBackend
    >>> ad.register_backend("differences", FiniteDifferenceBackend)
    >>> ad.get_backend("differences")
    <backend finite-difference>
    """
    _FACTORIES[name] = factory


def get_backend(backend: str | Backend = "auto") -> Backend:
    """The backend of that name; a `Backend` object is returned as it is.

    Parameters
    ----------
    backend : str or Backend
        ``"auto"`` is the native engine.

    Raises
    ------
    BackendError
        When the name is unknown (the closest one is suggested) or the backend is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> ad.get_backend("native").grad(lambda x: np.sum(x**2), np.array([1.0, 2.0]))
    array([2., 4.])
    """
    if isinstance(backend, Backend):
        return backend
    if not isinstance(backend, str):
        raise InvalidTypeError(
            f"backend must be a name or a Backend object, got {type(backend).__name__}"
        )
    name = "native" if backend == "auto" else backend
    if name not in _FACTORIES:
        close = difflib.get_close_matches(name, _FACTORIES, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise BackendError(
            f"unknown backend {name!r}; {hint}known: {', '.join(sorted(_FACTORIES))}"
        )
    found = _FACTORIES[name]()
    if not found.available():
        raise BackendError(
            f"backend {name!r} is not available here: what it needs is not installed"
        )
    return found
