"""Algebra that is exact in floating point, and the clean-up of shapes: one rule a line of thought."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from optkit.ad.graph import Constant, Equation, Graph, Value
from optkit.ad.passes.rewriting import Rewriter
from optkit.ad.primitives import Primitive
from optkit.ad.rules import elementwise as rules
from optkit.ad.rules.index import basic, embed
from optkit.ad.rules.shape import broadcast_to, reshape

Rule = Callable[[Rewriter, Equation, tuple[Value, ...]], Any]


def simplify_algebra(graph: Graph) -> Graph:
    """Apply the rules below wherever they fit, once each from front to back."""

    def rule(rewriter: Rewriter, equation: Equation, operands: tuple[Value, ...]) -> Any:
        found = _RULES.get(equation.primitive)
        return None if found is None else found(rewriter, equation, operands)

    return Rewriter(graph).run(rule)


def _number(value: Value) -> Any:
    """The number that a value is at every element, None if it is not known to be one."""
    if isinstance(value, Constant):
        return value.number
    made = value.origin
    if made is not None and made.primitive is broadcast_to:
        return _number(made.operands[0])
    return None


def _fits(value: Value, result: Value) -> bool:
    return value.shape == result.shape and value.dtype == result.dtype


def _made_by(value: Value, primitive: Primitive) -> Equation | None:
    made = value.origin
    return made if made is not None and made.primitive is primitive else None


def _multiply(rewriter: Rewriter, equation: Equation, operands: tuple[Value, ...]) -> Any:
    """1 x = x; −1 x = −x, exact up to the sign of NaN."""
    (result,) = equation.results
    for factor, other in (operands, operands[::-1]):
        number = _number(factor)
        if number == 1 and _fits(other, result):
            return (other,)
        if number == -1 and _fits(other, result):
            return rewriter.emit(rules.negative, (other,), {}, (result,))
    return None


def _divide(rewriter: Rewriter, equation: Equation, operands: tuple[Value, ...]) -> Any:
    """The quotient x / 1 is x."""
    fits = _number(operands[1]) == 1 and _fits(operands[0], equation.result)
    return (operands[0],) if fits else None


def _negative(rewriter: Rewriter, equation: Equation, operands: tuple[Value, ...]) -> Any:
    """−(−x) is x."""
    made = _made_by(operands[0], rules.negative)
    return None if made is None else (made.operands[0],)


def _add(rewriter: Rewriter, equation: Equation, operands: tuple[Value, ...]) -> Any:
    """The sum a + (−b) is a − b; (−a) + b is b − a; x + (−0) is x."""
    (result,) = equation.results
    a, b = operands
    for zero, other in (operands, operands[::-1]):
        number = _number(zero)
        negative = isinstance(number, float) and number == 0 and math.copysign(1, number) < 0
        if negative and _fits(other, result):
            return (other,)
    if (made := _made_by(b, rules.negative)) is not None:
        return rewriter.emit(rules.subtract, (a, made.operands[0]), {}, (result,))
    if (made := _made_by(a, rules.negative)) is not None:
        return rewriter.emit(rules.subtract, (b, made.operands[0]), {}, (result,))
    return None


def _subtract(rewriter: Rewriter, equation: Equation, operands: tuple[Value, ...]) -> Any:
    """The difference a − (−b) is a + b; x − 0 is x."""
    (result,) = equation.results
    a, b = operands
    if _number(b) == 0 and _fits(a, result):
        number = _number(b)
        return (a,) if str(number)[0] != "-" else None
    if (made := _made_by(b, rules.negative)) is not None:
        return rewriter.emit(rules.add, (a, made.operands[0]), {}, (result,))
    return None


def _same_shape(rewriter: Rewriter, equation: Equation, operands: tuple[Value, ...]) -> Any:
    """What has the shape already, or had it, is left as it is; of two changes of shape the second is enough."""
    (x,) = operands
    if _fits(x, equation.result):
        return operands
    made = _made_by(x, equation.primitive)
    if made is not None:
        if _fits(made.operands[0], equation.result):
            return made.operands
        return rewriter.emit(equation.primitive, made.operands, equation.params, equation.results)
    return None


def _basic(rewriter: Rewriter, equation: Equation, operands: tuple[Value, ...]) -> Any:
    """Everything of an array is the array; what has just been put there is what is read there."""
    (x,) = operands
    index = equation.params["index"]
    if _fits(x, equation.result) and _takes_all(index, x.shape):
        return operands
    made = _made_by(x, embed)
    if (
        made is not None
        and made.params["index"] == index
        and _fits(made.operands[0], equation.result)
    ):
        return made.operands
    return None


def _takes_all(index: Any, shape: tuple[int, ...]) -> bool:
    """Whether a basic index picks all elements in their order."""
    parts = index if isinstance(index, tuple) else (index,)
    axes = iter(shape[len(shape) - sum(isinstance(p, slice) for p in parts) :])
    front = iter(shape)
    source = axes if parts and parts[0] is Ellipsis else front
    for part in parts:
        if part is Ellipsis:
            continue
        if not isinstance(part, slice) or part.indices(n := next(source)) != (0, n, 1):
            return False
    return True


_RULES: dict[Primitive, Rule] = {
    rules.multiply: _multiply,
    rules.divide: _divide,
    rules.negative: _negative,
    rules.add: _add,
    rules.subtract: _subtract,
    reshape: _same_shape,
    broadcast_to: _same_shape,
    basic: _basic,
}
