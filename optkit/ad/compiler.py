"""`jit`: captured once for each kind of arguments, cleaned by the passes, run by an executor.

A call is answered by a *specialisation*: a graph that is good for arguments of these shapes and dtypes, for these
static values, and for these answers to the questions that the function's Python code asked while it was captured (its
guards). Where no specialisation fits, the function is captured anew, up to a limit, past which calls run eagerly.

Capturing takes a function for what it does on one run. So results are audited: at calls 1, 2, 4, 8, … the plain
function runs too, and where the results differ the function is not pure and `ImpureFunctionError` is raised.
"""

from __future__ import annotations

import functools
import gc
import threading
import time
import warnings
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from optkit.ad import tree
from optkit.ad.capture import CannotCaptureError, capture
from optkit.ad.executors.choice import choose
from optkit.ad.executors.forms import CallForm
from optkit.ad.passes import simplify
from optkit.ad.reporting import report_of
from optkit.ad.specialisation import MISSED, Arguments, Specialisation, take_apart
from optkit.errors import ImpureFunctionError, InvalidInputError, PerformanceWarning

# Relative to the largest number in a result: far above rounding, far below what an impure function does.
_AUDIT_TOLERANCE = 1e-6


def jit(
    f: Callable[..., Any],
    *,
    static: int | str | tuple[int | str, ...] = (),
    limit: int = 16,
    executor: str = "auto",
) -> Compiled:
    """Compile a function, or a derivative of one.

    Parameters
    ----------
    f : callable
        Plain NumPy code, or what `grad`, `value_and_grad`, `jacobian`, `hessian`, `hvp` made of it. It has to be pure:
        what it returns depends on its arguments alone. Arrays that it closes over may be refilled.
    static : int, str, or tuple of them
        Positions and names of arguments that are taken as they are: the function is compiled anew for each value of
        them, which must be hashable. Arguments that are neither arrays nor floating-point numbers, an ``int`` or a
        string, are static anyway.
    limit : int
        How many specialisations are made, for other shapes, static values and branches taken, before calls that none
        of them fits run eagerly, with one warning.
    executor : {"auto", "numpy", "llvm"}
        What runs the compiled function: machine code where llvmlite is installed (``pip install 'optkit[jit]'``), or
        NumPy calls.

    Returns
    -------
    Compiled
        Takes the arguments of ``f`` and returns what it returns, in arrays of its own. Under another transformation, as
        in ``ad.grad(ad.jit(f))``, it runs ``f`` itself: compile the derivative, ``ad.jit(ad.grad(f))``.

    Raises
    ------
    ImpureFunctionError
        At call 1, 2, 4, 8, … when the plain function gives something else than the compiled one.
    InvalidInputError
        For an unknown executor or a limit below 1.
    MissingPackageError
        For ``executor="llvm"`` without llvmlite.

    Notes
    -----
    The function is run once on real values while what it does is written down (design and limits: the page
    *Compiled functions* of the documentation). Where Python asks for a value, as ``if x > 0`` does, the answer becomes
    a guard; another answer leads to another specialisation. Operations on plain arrays that do not depend on the
    arguments are done once, while capturing.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> value_and_grad = ad.jit(ad.value_and_grad(lambda x: np.sum(x**2) if x[0] > 0 else x[1]))
    >>> value_and_grad(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    >>> value_and_grad(np.array([-1.0, 2.0]))
    (np.float64(2.0), array([0., 1.]))
    >>> len(value_and_grad.specialisations)
    2
    """
    return Compiled(f, static, limit, executor)


class Compiled:
    """A compiled function; see `jit`.

    Attributes
    ----------
    specialisations : list
        What has been compiled, in the order in which it was.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> slope = ad.jit(ad.grad(lambda x: np.sum(x**3) if x[0] > 0 else np.sum(x)))
    >>> slope(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> slope(np.array([-1.0, 2.0]))
    array([1., 1.])
    >>> len(slope.specialisations)  # One for each way through the function.
    2
    """

    def __init__(self, f: Callable[..., Any], static: Any, limit: int, executor: str) -> None:
        if limit < 1:
            raise InvalidInputError(f"ad.jit: limit must be at least 1, got {limit}")
        functools.update_wrapper(self, f)
        self._f = f
        self._name = getattr(f, "__name__", type(f).__name__)
        self._static = frozenset(static if isinstance(static, tuple | list) else (static,))
        self._limit = limit
        self._make = choose(executor)
        self._by_key: dict[Hashable, list[Specialisation]] = {}
        self._lock = threading.RLock()
        self._warned = False
        self._entry: Any = None
        self._calls = 0
        self._audit = 1
        self.specialisations: list[Specialisation] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._calls += 1
        if self._entry is not None and self._calls < self._audit and not kwargs:
            result = self._entry(*args)
            if result is not NotImplemented:
                return result
        return self._call(args, kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def report(self) -> str:
        """What was compiled, as text: guards, equations before and behind the passes, kernels, times.

        Examples
        --------
        >>> from optkit import ad
        >>> double = ad.jit(lambda x: 2.0 * x, executor="numpy")
        >>> double(1.0)
        np.float64(2.0)
        >>> print(double.report().partition(" ms")[0])  # doctest: +ELLIPSIS
        <lambda>: 1 specialisation, 1 call
        ...
        """
        return report_of(self._name, self.specialisations, self._calls)

    def audit(self, *args: Any, **kwargs: Any) -> None:
        """Raise `ImpureFunctionError` unless the plain function gives what the compiled one gives."""
        self._check(self(*args, **kwargs), args, kwargs)

    # --- the way of a call ------------------------------------------------------------------------------------------

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        arguments = take_apart(args, kwargs, self._static, self._name)
        if arguments.traced:
            return self._f(*args, **kwargs)
        result = self._specialised(arguments)
        if result is MISSED:
            if len(self.specialisations) >= self._limit:
                return self._give_up(args, kwargs)
            try:
                result = self._specialise(arguments)
            except CannotCaptureError:
                return self._f(*args, **kwargs)
        if self._calls >= self._audit:
            self._audit = 2 * self._calls
            self._check(result, args, kwargs)
        return result

    def _specialised(self, arguments: Arguments) -> Any:
        """The result of the first specialisation that fits, `MISSED` where none does."""
        known = self._by_key.get(arguments.key, ())
        for place, specialisation in enumerate(known):
            result = specialisation(arguments.dynamic)
            if result is not MISSED:
                if place:  # The next call is likely to take the same branches.
                    with self._lock:
                        self._by_key[arguments.key] = [
                            specialisation,
                            *(s for s in known if s is not specialisation),
                        ]
                self._entry = specialisation.entry
                return result
        return MISSED

    def _specialise(self, arguments: Arguments) -> Any:
        """A new specialisation, and its result."""
        with self._lock, _no_collection():
            result = self._specialised(arguments)  # Another thread may have been faster.
            if result is not MISSED:
                return result
            times = [time.perf_counter()]
            captured = capture(self._f, arguments.dynamic, arguments.rebuild)
            times.append(time.perf_counter())
            cleaned = simplify(captured.graph)
            times.append(time.perf_counter())
            form = None
            if arguments.numbers is not None:
                form = CallForm(captured.structure, len(captured.leaves), arguments.numbers)
            made = Specialisation(captured, cleaned, self._make(cleaned, form))
            times.append(time.perf_counter())
            made.seconds = dict(zip(("capture", "passes", "compile"), np.diff(times), strict=True))
            result = made(arguments.dynamic)
            self.specialisations.append(made)
            self._by_key[arguments.key] = [made, *self._by_key.get(arguments.key, ())]
            self._entry = made.entry
        return captured.result() if result is MISSED else result

    def _give_up(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"ad.jit({self._name}): {self._limit} specialisations have been made, and none fits this call: such "
                "calls run eagerly from now on. See report() for what they differ in; a larger limit= allows more",
                PerformanceWarning,
                stacklevel=4,
            )
        return self._f(*args, **kwargs)

    def _check(self, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        plain = self._f(*args, **kwargs)
        if not agree(plain, result):
            raise ImpureFunctionError(
                f"ad.jit({self._name}): the compiled function returned {_brief(result)}, the plain one {_brief(plain)} "
                "for the same arguments. Is it pure? What it reads beside its arguments (random numbers, counters, "
                "globals that are set anew) has to be passed as an argument"
            )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without Python's search for cycles, which would go through a growing graph again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def agree(a: Any, b: Any) -> bool:
    """Whether two results are the same up to rounding, NaN and infinities in the same places."""
    leaves, structure = tree.flatten(a)
    others, other_structure = tree.flatten(b)
    return structure == other_structure and all(map(_agree, leaves, others))


def _agree(a: Any, b: Any) -> bool:
    if not isinstance(a, np.ndarray | np.generic | int | float | complex):
        return bool(a == b)
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    with np.errstate(all="ignore"):
        scale = np.max(np.abs(a), initial=0.0, where=np.isfinite(a))
        tolerance = _AUDIT_TOLERANCE if a.dtype.char not in "efF" else 1e-3
        return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True))


def _brief(thing: Any) -> str:
    text = repr(thing)
    return text if len(text) <= 80 else text[:77] + "..."
