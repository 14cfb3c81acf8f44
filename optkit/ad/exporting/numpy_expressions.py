"""Equations as NumPy expressions, with as few parentheses as Python's precedence allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from optkit.ad.graph import Equation
from optkit.ad.registry import FUNCTIONS
from optkit.errors import ExportError


class Expression(NamedTuple):
    """A text, and how strongly it binds: 10 a name or a call, 9 a power, 8 a sign, 7 a product, 6 a sum, 3 a test."""

    text: str
    strength: int = 10

    def within(self, strength: int) -> str:
        """The text as an operand that has to bind at least that strongly."""
        return self.text if self.strength >= strength else f"({self.text})"


# Symbol, strength, and what the operands have to bind with.
_OPERATORS = {
    "add": ("+", 6, 6, 7), "subtract": ("-", 6, 6, 7), "multiply": ("*", 7, 7, 8), "divide": ("/", 7, 7, 8),
    "matmul": ("@", 7, 7, 8), "power": ("**", 9, 10, 9), "less": ("<", 3, 4, 4), "less_equal": ("<=", 3, 4, 4),
    "greater": (">", 3, 4, 4), "greater_equal": (">=", 3, 4, 4), "equal": ("==", 3, 4, 4),
    "not_equal": ("!=", 3, 4, 4), "remainder": ("%", 7, 7, 8), "floor_divide": ("//", 7, 7, 8),
}  # fmt: skip
_CALLS = {
    "total": "np.sum", "sum": "np.sum", "max": "np.max", "min": "np.min", "prod": "np.prod", "cumsum": "np.cumsum",
    "argsort": "np.argsort",
    "copy": "np.copy", "where": "np.where", "reshape": "np.reshape", "broadcast_to": "np.broadcast_to",
    "abs": "np.abs", "sign": "np.sign", "real": "np.real", "imag": "np.imag", "solve": "np.linalg.solve",
    "inv": "np.linalg.inv", "det": "np.linalg.det", "cholesky": "np.linalg.cholesky", "slogdet": "np.linalg.slogdet",
    "strong_product": "_strong_product",
}  # fmt: skip


def number_text(number: Any, weak: bool = True) -> Expression:
    """A number; a NumPy scalar that raises the precision of what it meets keeps its type."""
    if isinstance(number, np.generic) and not weak:
        return Expression(f"np.{number.dtype.name}({number_text(number.item()).text})")
    value = number.item() if isinstance(number, np.generic) else number
    if isinstance(value, float):
        name = (
            "np.nan" if math.isnan(value) else "np.inf" if math.isinf(value) else repr(abs(value))
        )
        negative = math.copysign(1.0, value) < 0 and not math.isnan(value)
        return Expression(f"-{name}" if negative else name, 8 if negative else 10)
    text = repr(value)
    return Expression(text, 8 if text[0] == "-" else 10)


def thing_text(thing: Any) -> str:
    """A parameter as it is written: numbers, tuples, slices in an index excepted."""
    if isinstance(thing, np.dtype):
        return f"np.{thing.type.__name__}" if thing.name != "bool" else "bool"
    if isinstance(thing, tuple):
        return f"({', '.join(map(thing_text, thing))}{',' if len(thing) == 1 else ''})"
    if isinstance(thing, np.generic):
        return repr(thing.item())
    return repr(thing)


def index_text(index: Any, arrays: Sequence[str] = ()) -> str:
    """What stands between the brackets; slots for index arrays are tuples with their number."""
    parts = list(index) if type(index) is tuple else [index]
    if not parts:
        return "()"
    return ", ".join(_part_text(part, arrays) for part in parts) + _comma(parts, arrays)


def _comma(parts: list[Any], arrays: Sequence[str]) -> str:
    return "," if len(parts) == 1 and arrays and not isinstance(parts[0], tuple) else ""


def _part_text(part: Any, arrays: Sequence[str]) -> str:
    if part is Ellipsis:
        return "..."
    if isinstance(part, slice):
        ends = ["" if end is None else str(int(end)) for end in (part.start, part.stop)]
        return ":".join(ends if part.step is None else [*ends, str(int(part.step))])
    if isinstance(part, tuple):
        return arrays[part[0]]
    return "None" if part is None else str(int(part))


def expression(equation: Equation, operands: Sequence[Expression]) -> Expression:
    """The expression of an equation that is one."""
    name = equation.primitive.name
    special = _SPECIAL.get(name)
    if special is not None:
        return special(equation, operands)
    if name in _OPERATORS and len(operands) == 2:
        symbol, strength, left, right = _OPERATORS[name]
        a, b = operands[0].within(left), operands[1].within(right)
        return Expression(f"{a}{symbol}{b}" if symbol == "**" else f"{a} {symbol} {b}", strength)
    arguments = [x.text for x in operands] + _keywords(equation)
    return Expression(f"{_function(equation)}({', '.join(arguments)})")


def _keywords(equation: Equation) -> list[str]:
    found = []
    for key, value in equation.params.items():
        if key == "keepdims" and not value:
            continue
        if key == "axis" and isinstance(value, tuple) and len(value) == 1:
            value = value[0]
        if key == "order":
            continue
        found.append(thing_text(value) if key in ("shape",) else f"{key}={thing_text(value)}")
    return found


def _function(equation: Equation) -> str:
    primitive = equation.primitive
    if primitive.name in _CALLS:
        return _CALLS[primitive.name]
    function = getattr(np, primitive.name, None)
    if function is not None and (
        primitive.impl is function or FUNCTIONS.get(function) is primitive
    ):
        return f"np.{primitive.name}"
    raise ExportError(
        f"ad.export(target='numpy') cannot write {primitive.name}, which is no function of NumPy: compute it outside "
        "of the function and pass it in"
    )


Special = Callable[[Equation, Sequence[Expression]], Expression]


def _basic(equation: Equation, operands: Sequence[Expression]) -> Expression:
    return Expression(f"{operands[0].within(10)}[{index_text(equation.params['index'])}]")


def _gather(equation: Equation, operands: Sequence[Expression]) -> Expression:
    arrays = [x.text for x in operands[1:]]
    x = operands[0].within(10)
    return Expression(f"{x}[{index_text(equation.params['template'], arrays)}]")


def _transpose(equation: Equation, operands: Sequence[Expression]) -> Expression:
    axes = tuple(map(int, equation.params["axes"]))
    if axes == (1, 0):
        return Expression(f"{operands[0].within(10)}.T")
    return Expression(f"np.transpose({operands[0].text}, {axes})")


def _concatenate(equation: Equation, operands: Sequence[Expression]) -> Expression:
    axis = equation.params["axis"]
    parts = ", ".join(x.text for x in operands)
    return Expression(f"np.concatenate([{parts}]{f', axis={axis}' if axis else ''})")


def _einsum(equation: Equation, operands: Sequence[Expression]) -> Expression:
    parts = ", ".join(x.text for x in operands)
    optimize = ", optimize=True" if equation.params["optimize"] else ""
    return Expression(f'np.einsum("{equation.params["subscripts"]}", {parts}{optimize})')


def _astype(equation: Equation, operands: Sequence[Expression]) -> Expression:
    return Expression(f"{operands[0].within(10)}.astype({thing_text(equation.result.dtype)})")


def _square(_: Equation, operands: Sequence[Expression]) -> Expression:
    return Expression(f"{operands[0].within(10)}**2", 9)


def _negative(_: Equation, operands: Sequence[Expression]) -> Expression:
    return Expression(f"-{operands[0].within(8)}", 8)


def _singular(_: Equation, operands: Sequence[Expression]) -> Expression:
    return Expression(f"np.any(np.linalg.cond({operands[0].text}) > 1e7)")


def _triangular(equation: Equation, operands: Sequence[Expression]) -> Expression:
    part = "np.tril" if equation.params["lower"] else "np.triu"
    triangle = f"{part}({operands[0].text})"
    if equation.params["unit"]:
        beside = "-1" if equation.params["lower"] else "1"
        n = equation.operands[0].shape[-1]
        triangle = f"{part}({operands[0].text}, {beside}) + np.eye({n})"
    return Expression(f"np.linalg.solve({triangle}, {operands[1].text})")


def _same(_: Equation, operands: Sequence[Expression]) -> Expression:
    return operands[0]


_SPECIAL: dict[str, Special] = {
    "basic_index": _basic,
    "gather": _gather,
    "transpose": _transpose,
    "concatenate": _concatenate,
    "einsum": _einsum,
    "astype": _astype,
    "square": _square,
    "negative": _negative,
    "any_singular": _singular,
    "solve_triangular": _triangular,
    "plain": _same,
    "stop_gradient": _same,
}
