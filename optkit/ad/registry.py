"""The declarations of primitives: everything that the engine knows about a function stands in one place.

A function is declared once, in one of five ways, and both modes of differentiation follow from that:

- `elementwise`: a partial derivative per operand, ``(y, *operands) → ∂y/∂operand``.
- `linear`: the tangent goes through the function itself; the cotangent through the transpose that is given.
- `nonlinear`: an explicit pair of a tangent rule and a cotangent rule, where the first two do not serve.
- `constant`: the derivative is zero, and the result is an ordinary array.
- `composite`: plain NumPy in terms of other functions; needs no derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from optkit.ad.primitives import (
    Binary,
    Constant,
    Elementwise,
    Linear,
    Nonlinear,
    Primitive,
    Rule,
    Several,
    Unary,
)

# What to call instead of a NumPy function when one of its arguments is traced.
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
# Those among them whose derivative is zero wherever it exists: they answer with plain values.
ANSWERS: set[Any] = set()

_BY_OPERANDS: dict[int, type[Elementwise]] = {1: Unary, 2: Binary}

PrimitiveT = TypeVar("PrimitiveT", bound=Primitive)

# --- the declarations -------------------------------------------------------------------------------------------------


def elementwise(
    function: Any, *partials: Rule | int, impl: Rule | None = None, several: bool = False
) -> Any:
    """Declare ``function``: one partial derivative per operand, as ``(y, *operands) → ∂y/∂operand``, or 1 or −1.

    With ``several`` results, a tuple, so is each partial derivative.

    Examples
    --------
    >>> elementwise(np.sin, lambda y, x: np.cos(x))                      # doctest: +SKIP
    >>> elementwise(np.multiply, lambda y, a, b: b, lambda y, a, b: a)   # doctest: +SKIP
    """
    kind = Several if several else _BY_OPERANDS.get(len(partials), Elementwise)
    return _register(function, kind(_name(function), impl or function, partials))


def linear(
    function: Any,
    *transposes: Rule | None,
    impl: Rule | None = None,
    tangent: Rule | str | None = None,
    each: bool = False,
    accumulate: Rule | None = None,
) -> Linear:
    """Declare ``function``, linear in its operands: a transpose ``(ct, *operands, **params) → cotangent`` for each.

    None stands for an operand that is not differentiated (a mask, an index). See `Linear` for ``tangent`` and
    ``each``, `Primitive` for ``accumulate``.
    """
    primitive = Linear(_name(function), impl or function, transposes, tangent, each)
    primitive.accumulate = accumulate
    return _register(function, primitive)


def nonlinear(
    function: Any,
    *,
    jvp: Rule,
    vjp: Rule | tuple[Rule | None, ...],
    impl: Rule | None = None,
    leading: bool = False,
) -> Nonlinear:
    """Declare ``function`` by a tangent rule and a cotangent rule (one per operand); see `Nonlinear`."""
    vjps = vjp if isinstance(vjp, tuple) else (vjp,)
    return _register(function, Nonlinear(_name(function), impl or function, jvp, vjps, leading))


def constant(*functions: Any) -> None:
    """Declare functions whose derivative is zero wherever it exists: rounding, comparisons, positions."""
    for function in functions:
        answers(function)(Constant(_name(function), function))


def answers(*functions: Any) -> Callable[[Rule], Rule]:
    """Declare that the decorated function, whose derivative is zero, replaces ``functions``: questions of all kinds."""
    ANSWERS.update(functions)
    return composite(*functions)


def composite(*functions: Any) -> Callable[[Rule], Rule]:
    """Declare that the decorated function, plain NumPy, replaces ``functions`` when an argument is traced."""

    def declare(replacement: Rule) -> Rule:
        for function in functions:
            FUNCTIONS[function] = replacement
        return replacement

    return declare


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", function)).strip("_")


def _register(function: Any, primitive: PrimitiveT) -> PrimitiveT:
    if callable(function):
        FUNCTIONS[function] = primitive
    return primitive
