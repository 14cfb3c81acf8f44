"""The registry of backends: from names to backends; nothing is imported before it is used.

There are three kinds of names: those built in, those that `register_backend` made, and the entry points of the group
``optkit.backends`` in installed packages, which are read from their metadata and imported when asked for.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from optkit.ad.backends.base import Backend
from optkit.errors import BackendError, InvalidTypeError

GROUP = "optkit.backends"


@dataclass(frozen=True)
class BuiltIn:
    """A backend of this package: where it is, what it needs, and what it is for."""

    name: str
    module: str
    kind: str
    package: str
    extra: str
    purpose: str

    def make(self) -> Backend:
        """Import the file and make the backend; what follows the colon in the name is its option."""
        made = getattr(importlib.import_module(f"optkit.ad.backends.{self.module}"), self.kind)
        option = self.name.partition(":")[2]
        backend: Backend = made(option) if option else made()
        return backend

    @property
    def installed(self) -> bool:
        """Whether the package that it needs can be found."""
        return importlib.util.find_spec(self.package) is not None


# fmt: off
BUILT_IN = (
    BuiltIn("native", "native", "NativeBackend", "numpy", "", "exact, plain NumPy code; mode chosen by shape"),
    BuiltIn("native:forward", "native", "NativeBackend", "numpy", "", "the same, everything in forward mode"),
    BuiltIn("native:reverse", "native", "NativeBackend", "numpy", "", "the same, everything in reverse mode"),
    BuiltIn("finite-difference", "finite_difference", "FiniteDifferenceBackend", "numpy", "",
            "any function of NumPy arrays, about ten digits"),
    BuiltIn("finite-difference:forward", "finite_difference", "FiniteDifferenceBackend", "numpy", "",
            "the same with half the evaluations, about eight digits"),
    BuiltIn("finite-difference:high-order", "finite_difference", "FiniteDifferenceBackend", "numpy", "",
            "the same with many evaluations, twelve digits and more"),
    BuiltIn("complex-step", "complex_step", "ComplexStepBackend", "numpy", "",
            "exact, analytic NumPy functions that accept complex numbers"),
    BuiltIn("jax", "jax", "JaxBackend", "jax", "jax", "functions written with jax.numpy"),
    BuiltIn("torch", "torch", "TorchBackend", "torch", "torch", "functions written with PyTorch"),
    BuiltIn("autograd", "autograd", "AutogradBackend", "autograd", "autograd",
            "functions written with autograd.numpy"),
    BuiltIn("casadi", "casadi", "CasadiBackend", "casadi", "casadi", "functions written with CasADi's SX"),
    BuiltIn("sympy", "sympy", "SympyBackend", "sympy", "sympy", "formulas of few variables, written with SymPy"),
)
# fmt: on
_BUILT_IN = {row.name: row for row in BUILT_IN}
REGISTERED: dict[str, Callable[[], Backend]] = {}


def register_backend(name: str, factory: Callable[[], Backend]) -> None:
    """Make ``backend=name`` mean the backend that ``factory()`` returns.

    Parameters
    ----------
    name : str
        A name that is known already gets a new meaning.
    factory : callable
        Gives the backend; called whenever the name is looked up, so that nothing is imported before it is used.

    Notes
    -----
    A package registers for good with an entry point instead; in its ``pyproject.toml``::

        [project.entry-points."optkit.backends"]
        name = "package.module:BackendClass"

    Examples
    --------
    >>> from optkit import ad
    >>> from optkit.ad.backends.finite_difference import FiniteDifferenceBackend
    >>> ad.register_backend("differences", FiniteDifferenceBackend)
    >>> ad.get_backend("differences")
    <backend finite-difference>
    """
    if not isinstance(name, str) or not callable(factory):
        raise InvalidTypeError(
            f"register_backend(name, factory) takes a name and something to call, got {name!r} and {factory!r}"
        )
    REGISTERED[name] = factory


def get_backend(backend: str | Backend = "auto") -> Backend:
    """The backend of that name; a `Backend` object is returned as it is.

    Parameters
    ----------
    backend : str or Backend
        ``"auto"`` is the native engine; `optkit.backends` lists the names.

    Raises
    ------
    BackendError
        When the name is unknown (the closest one is suggested), the backend is not installed (the line that installs
        it is shown), or the package that provides it is broken.

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
        given = backend.__name__ if isinstance(backend, type) else type(backend).__name__
        raise InvalidTypeError(
            f"backend must be a name or a Backend object, got {given}"
            + (f"; write backend={given}()" if isinstance(backend, type) else "")
        )
    name = "native" if backend == "auto" else backend
    found = _make(name)
    if not found.available():
        raise BackendError(
            f"backend {name!r} is not available here: what it needs is not installed"
            + (f"; {found.install}" if found.install else "")
        )
    return found


def _make(name: str) -> Backend:
    if name in REGISTERED:
        return _checked(
            REGISTERED[name], f"backend {name!r}, made by {_described(REGISTERED[name])}"
        )
    if name in _BUILT_IN:
        return _BUILT_IN[name].make()
    offers = [point for point in plug_ins() if point.name == name]
    if not offers:
        known = list(names())
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise BackendError(f"unknown backend {name!r}; {hint}known: {', '.join(known)}")
    if len({provider(point) for point in offers}) > 1:
        raise BackendError(
            f"backend {name!r} is provided by several packages: {', '.join(map(provider, offers))}; uninstall all but "
            "one, or import the one you mean and pass the object"
        )
    return _load(offers[0])


def _load(point: EntryPoint) -> Backend:
    """The backend behind an entry point; whatever goes wrong bears its name."""
    who = f"backend {point.name!r} of {provider(point)} ({point.value})"
    try:
        loaded = point.load()
    except Exception as error:
        raise BackendError(
            f"{who} is broken: importing it raised {type(error).__name__}: {error}"
        ) from error
    return loaded if isinstance(loaded, Backend) else _checked(loaded, who)


def _checked(factory: Callable[[], Backend], who: str) -> Backend:
    try:
        made = factory()
    except Exception as error:
        raise BackendError(
            f"{who} is broken: making it raised {type(error).__name__}: {error}"
        ) from error
    if not isinstance(made, Backend):
        raise BackendError(f"{who} is broken: it gives a {type(made).__name__}, not a Backend")
    return made


def _described(factory: Callable[[], Backend]) -> str:
    return getattr(factory, "__qualname__", repr(factory))


def plug_ins() -> list[EntryPoint]:
    """The entry points of installed packages, from their metadata alone."""
    return sorted(entry_points(group=GROUP), key=lambda point: (point.name, provider(point)))


def provider(point: EntryPoint) -> str:
    """The package, with its version, that an entry point came with."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"


def names() -> Iterator[str]:
    """All names that `get_backend` knows, those of packages that are not installed included."""
    yield from dict.fromkeys([*_BUILT_IN, *REGISTERED, *(point.name for point in plug_ins())])
