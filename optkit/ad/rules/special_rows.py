"""How a row of the table of `optkit.ad.rules.special` becomes a rule."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import numpy as np
import scipy.special as sp

from optkit.ad.core import Tracer
from optkit.ad.primitives import Constant
from optkit.ad.registry import FUNCTIONS, elementwise
from optkit.ad.rules.parameters import fixed
from optkit.errors import NotDifferentiableError

Slope = Callable[..., Any] | int | str

INTEGER = "it is an integer, or interpolates integers"


class Row(NamedTuple):
    """What is known of one function: its arguments, and for those without a derivative the reason."""

    arguments: tuple[str, ...]
    refused: dict[str, str]
    constant: bool = False


# By the name in `scipy.special`; the source of the walk over its names and of the documentation.
ROWS: dict[str, Row] = {}
# The slopes of each function, for the rows of its inverses.
SLOPES: dict[str, tuple[Slope, ...]] = {}


def row(name: str, arguments: str, *slopes: Slope, impl: Any = None) -> None:
    """Declare ``scipy.special.<name>``: a slope, 0, or the reason why there is none, for each of the arguments."""
    function = impl or getattr(sp._ufuncs if name.startswith("_") else sp, name, None)
    if function is None:  # This SciPy does not have it yet.
        return
    names = _documented(name, function, tuple(arguments.split()))
    reasons = {i: slope for i, slope in enumerate(slopes) if isinstance(slope, str)}
    whole = [i for i, slope in enumerate(slopes) if slope is INTEGER]
    if whole:
        slopes = tuple(_at_integers(s, whole) if callable(s) else s for s in slopes)
    SLOPES[name] = slopes
    ROWS[name] = Row(names, {names[i]: reason for i, reason in reasons.items()})
    several = getattr(function, "nout", 1) > 1
    primitive = elementwise(
        name,
        *(_fitted(slope) if callable(slope) else _flat for slope in slopes),
        impl=function,
        several=several,
    )
    key = name if impl else function
    # What stands here as a primitive, executors take for a ufunc with one result.
    FUNCTIONS[key] = _guarded(name, primitive, names, reasons) if reasons or several else primitive


def _documented(name: str, function: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names that SciPy's documentation gives the arguments; some rows have others, that tell their roles."""
    for signature in re.findall(rf"^\s*{name}\(([^)]*)\)", function.__doc__ or "", re.MULTILINE):
        given = tuple(a.strip() for a in signature.split(",") if "=" not in a)
        if len(given) == len(names) and "x1" not in given:
            return given
    return names


def _fitted(slope: Callable[..., Any]) -> Callable[..., Any]:
    """``slope`` in the precision of the result: many are computed by functions that have no float32 version."""

    def fitted(y: Any, *args: Any) -> Any:
        s = slope(y, *args)
        if isinstance(y, tuple):
            return tuple(map(_as_precise_as, s, y))
        return _as_precise_as(s, y)

    return fitted


def _as_precise_as(slope: Any, y: Any) -> Any:
    if y.dtype.char not in "fF" or getattr(slope, "dtype", y.dtype).char not in "dD":
        return slope
    return slope.astype(np.complex64 if slope.dtype.kind == "c" else np.float32)


def _at_integers(slope: Callable[..., Any], whole: list[int]) -> Callable[..., Any]:
    """``slope`` with those arguments truncated that SciPy truncates."""

    def truncated(y: Any, *args: Any) -> Any:
        return slope(y, *(np.trunc(a) if i in whole else a for i, a in enumerate(args)))

    return truncated


def _flat(*_: Any) -> float:
    return 0.0


def _guarded(
    name: str, primitive: Any, names: tuple[str, ...], reasons: dict[int, str]
) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        for i, reason in reasons.items():
            if isinstance(args[i], Tracer):
                raise NotDifferentiableError(
                    f"scipy.special.{name} has no derivative with respect to its argument {names[i]}: "
                    f"{reason}. Keep it constant with ad.stop_gradient({names[i]}), or give the call a "
                    "derivative with ad.custom_jvp"
                )
        return primitive(*args)

    return call


def inverse(
    name: str, arguments: str, of: str, order: str, bounds: tuple[float, float] | None = None
) -> None:
    """Declare the inverse of the function ``of``, by the implicit function theorem.

    ``order`` names the arguments of ``of`` by those of the inverse; in the place of the one that is solved for stands
    "y". The probability (the value of ``of``) is the argument "p". SciPy seeks the solution between ``bounds``, and
    gives one of them where there is none: there it does not move.
    """
    names, inner = arguments.split(), order.split()
    slopes = SLOPES[of]
    solved: Any = slopes[inner.index("y")]

    def slope(argument: str) -> Slope:
        other: Any = 0 if argument == "p" else slopes[inner.index(argument)]
        if isinstance(other, str):
            return other

        def rule(y: Any, *operands: Any) -> Any:
            known = dict(zip(names, operands, strict=True))
            at = [y if n == "y" else known[n] for n in inner]
            down = solved(known["p"], *at)
            slope = 1.0 / down if argument == "p" else -other(known["p"], *at) / down
            if bounds is None:
                return slope
            return np.where((fixed(y) <= bounds[0]) | (fixed(y) >= bounds[1]), 0.0, slope)

        return rule

    row(name, arguments, *map(slope, names))


def steps(*names: str) -> None:
    """Declare functions whose derivative is zero wherever it exists."""
    for name in names:
        function = getattr(sp, name)
        FUNCTIONS[function] = Constant(name, function)
        ROWS[name] = Row((), {}, constant=True)


def refused(name: str, reason: str) -> None:
    """Declare that ``scipy.special.<name>`` has no derivative, and why."""
    function = getattr(sp, name, None)
    if function is None:
        return

    def call(*args: Any) -> NoReturn:
        raise NotDifferentiableError(
            f"scipy.special.{name} has no derivative: {reason}. Give the call a derivative with ad.custom_jvp, or, "
            "where it is meant to be zero, call it on ad.stop_gradient(x)"
        )

    FUNCTIONS[function] = call
    ROWS[name] = Row((), {"every argument": reason})


def undeclared() -> list[str]:
    """The ufuncs of this SciPy that the table does not mention."""
    ufuncs = {n: f for n, f in vars(sp).items() if isinstance(f, np.ufunc)}
    return sorted(n for n, f in ufuncs.items() if f not in FUNCTIONS)


def page() -> str:
    """The page of the documentation that lists the functions, with what is differentiated and what is not."""
    lines = [
        "# Special functions",
        "",
        "What optkit differentiates of `scipy.special`. The page is written by",
        "`optkit/ad/rules/special_rows.py` from the table of rules; a test holds the two together.",
        "",
        "| function | differentiated in | not in, and why |",
        "| --- | --- | --- |",
    ]
    public = {name: what for name, what in sorted(ROWS.items()) if not name.startswith("_")}
    for name, what in public.items():
        free = [a for a in what.arguments if a not in what.refused]
        said = "; ".join(f"{a}: {reason}" for a, reason in what.refused.items())
        moving = "constant" if what.constant else ", ".join(free) or "nothing"
        lines.append(f"| `{name}` | {moving} | {said} |")
    return "\n".join(lines) + "\n"
