"""How operations and values read: ``v₁ × v₂``, ``ln v₋₁``, ``0.6931``."""

from __future__ import annotations

import math
import operator
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.ad.core import primal
from optkit.ad.explain.recorder import PICK, Node

# How tightly a piece of text holds together.
_SUM, _PRODUCT, _APPLIED, _POWER, _ATOM = range(5)

_INFIX = {
    "add": (" + ", _SUM),
    "subtract": (" − ", _SUM),
    "multiply": (" × ", _PRODUCT),
    "strong_product": (" × ", _PRODUCT),
    "divide": (" / ", _PRODUCT),
    "matmul": (" @ ", _PRODUCT),
    "less": (" < ", _SUM), "less_equal": (" ≤ ", _SUM), "greater": (" > ", _SUM),
    "greater_equal": (" ≥ ", _SUM), "equal": (" == ", _SUM), "not_equal": (" ≠ ", _SUM),
    "logical_and": (" and ", _SUM), "logical_or": (" or ", _SUM),
}  # fmt: skip
_NOT_ASSOCIATIVE = {"subtract", "divide", "matmul"}
_TEXTBOOK_NAMES = {
    "log": "ln",
    "total": "sum",
    "absolute": "abs",
    "logical_not": "not",
    "basic_index": "getitem",
}
_SUBSCRIPTS = str.maketrans("0123456789-", "₀₁₂₃₄₅₆₇₈₉₋")
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_DOT, _BAR = "\N{COMBINING DOT ABOVE}", "\N{COMBINING MACRON}"
# Arrays of so many elements are written out.
_FEW = 4


def subscripted(name: str) -> str:
    """``x1`` as x₁; other names as they are."""
    match = re.fullmatch(r"([^\W\d_])(\d+)", name)
    return match[1] + match[2].translate(_SUBSCRIPTS) if match else name


def variable(number: int) -> str:
    """The name of an intermediate: v₋₁, v₀, v₁ and so on."""
    return "v" + str(number).translate(_SUBSCRIPTS)


def dotted(name: str) -> str:
    """The name of a tangent: ẋ₁; of a longer name ``d name``."""
    name = subscripted(name)
    return _with_mark(name, _DOT) if _is_letter(name) else f"d {name}"


def barred(name: str) -> str:
    """The name of an adjoint: x̄₁; of a longer name ``∂ name``."""
    name = subscripted(name)
    return _with_mark(name, _BAR) if _is_letter(name) else f"∂ {name}"


def _with_mark(name: str, mark: str) -> str:
    return unicodedata.normalize("NFC", name[0] + mark) + name[1:]


def _is_letter(name: str) -> bool:
    return re.fullmatch(r"[^\W\d_][₀-₉₋]*", name) is not None


def width(text: str) -> int:
    """How many places a text takes where each letter takes one."""
    return sum(not unicodedata.combining(c) for c in text)


def padded(text: str, to: int) -> str:
    """The text with spaces behind, to that width."""
    return text + " " * (to - width(text))


# --- values -----------------------------------------------------------------------------------------------------------


def shown(value: Any, digits: int = 4) -> str:
    """A number to so many significant digits, a small array element by element, of a large one the shape."""
    value = primal(value)
    if isinstance(value, tuple):
        # Of the adjoints of several results None is one that nothing depends on.
        return "(" + ", ".join("0" if part is None else shown(part, digits) for part in value) + ")"
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        return str(value)
    if array.ndim == 0:
        return _number(array[()], digits)
    if array.size > _FEW:
        return f"array {_shape(array)}"
    return _nested(array.tolist(), digits)


def _nested(values: Any, digits: int) -> str:
    if isinstance(values, list):
        return "[" + ", ".join(_nested(value, digits) for value in values) + "]"
    return _number(values, digits)


def _number(x: Any, digits: int) -> str:
    if isinstance(x, bool | np.bool_):
        return str(bool(x))
    if isinstance(x, complex | np.complexfloating):
        sign = "−" if x.imag < 0 or (x.imag == 0 and math.copysign(1.0, x.imag) < 0) else "+"
        return f"({_number(x.real, digits)} {sign} {_number(abs(x.imag), digits)}i)"
    if not math.isfinite(x):
        return "NaN" if x != x else "∞" if x > 0 else "−∞"
    # Whole numbers are written out as far as they can be read.
    text = str(int(x)) if x == int(x) and abs(x) < 1e6 else f"{float(x):.{digits}g}"
    text = re.sub(r"e\+?(-?)0*(\d+)$", lambda m: "e" + m[1] + m[2], text)
    return text.replace("-", "−")


def _shape(array: Any) -> str:
    return "×".join(map(str, array.shape))


# --- operations -------------------------------------------------------------------------------------------------------


class Writer:
    """Writes nodes as formulas, down to the nodes that have a name.

    Parameters
    ----------
    digits : int
        Significant digits of constants.
    names : dict, optional
        Names of nodes; by default their own.
    """

    def __init__(self, digits: int = 4, names: dict[Node, str] | None = None) -> None:
        self.digits = digits
        self._names = names

    def name(self, node: Node) -> str:
        """What a node is called, empty for no name."""
        return node.name if self._names is None else self._names[node]

    def __call__(self, node: Node) -> str:
        """The operation of a node, whatever its own name."""
        return self._operation(node)[0]

    def operand(self, x: Any) -> str:
        """A node by its name, or its formula where it has none; a constant by its value."""
        return self._operand(x)[0]

    def _operand(self, x: Any) -> tuple[str, int]:
        if not isinstance(x, Node):
            text = shown(x, self.digits)
            return text, _ATOM if not text.startswith("−") else _SUM
        name = self.name(x)
        return (name, _ATOM) if name else self._operation(x)

    def _operation(self, node: Node) -> tuple[str, int]:
        primitive = node.primitive
        if primitive is None:
            return self.name(node), _ATOM
        name = primitive.name
        special = _SPECIAL.get(name)
        if special is not None:
            text = special(self, node)
            if text is not None:
                return text
        if primitive is PICK:
            return f"{self._tight(node.operands[0], _ATOM)}[{node.params['which']}]", _ATOM
        if name in _INFIX and len(node.operands) == 2:
            return self._infix(name, *node.operands)
        return self._applied(_TEXTBOOK_NAMES.get(name, name), node)

    def _infix(self, name: str, a: Any, b: Any) -> tuple[str, int]:
        sign, level = _INFIX[name]
        right = level + 1 if name in _NOT_ASSOCIATIVE or level == _PRODUCT else level
        if name in ("divide", "matmul"):
            right = _POWER
        # "cos v₀ × v₁" could be read as the cosine of a product.
        left = _POWER if level == _PRODUCT and self._operand(a)[1] == _APPLIED else level
        second = self._tight(b, right)
        second = f"({second})" if second.startswith("−") else second
        return self._tight(a, left) + sign + second, level

    def _tight(self, x: Any, level: int) -> str:
        """An operand, in parentheses where it holds together less than ``level``."""
        text, own = self._operand(x)
        return text if own >= level else f"({text})"

    def _applied(self, name: str, node: Node) -> tuple[str, int]:
        operands = [self._operand(x) for x in node.operands]
        params = [f"{k}={_parameter(v)}" for k, v in node.params.items() if not _is_void(v)]
        if len(operands) == 1 and not params and operands[0][1] == _ATOM:
            return f"{name} {operands[0][0]}", _APPLIED
        return f"{name}({', '.join([text for text, _ in operands] + params)})", _ATOM


def _is_void(parameter: Any) -> bool:
    return (
        parameter is None or parameter is False or (isinstance(parameter, tuple) and not parameter)
    )


def _parameter(value: Any) -> str:
    return str(value) if not isinstance(value, np.ndarray) else shown(value)


# What is not written as a call; each gives the text and how tightly it holds, or None for the ordinary way.


def _negative(writer: Writer, node: Node) -> tuple[str, int]:
    return "−" + writer._tight(node.operands[0], _PRODUCT), _SUM


def _square(writer: Writer, node: Node) -> tuple[str, int]:
    return writer._tight(node.operands[0], _ATOM) + "²", _POWER


def _product(writer: Writer, node: Node) -> tuple[str, int] | None:
    a, b = node.operands
    if a is b:
        return _square(writer, node)
    if _is_operation(b, "divide") and _is_number(b.operands[0], 1):  # a × (1 / c)
        return writer._infix("divide", a, b.operands[1])
    return None


def _sum_of_two(writer: Writer, node: Node) -> tuple[str, int] | None:
    a, b = node.operands
    if _is_operation(b, "negative"):
        return writer._infix("subtract", a, b.operands[0])
    return ("2 × " + writer._tight(a, _PRODUCT + 1), _PRODUCT) if a is b else None


def _power(writer: Writer, node: Node) -> tuple[str, int]:
    base, exponent = node.operands
    left = writer._tight(base, _ATOM)
    if isinstance(exponent, int | float) and exponent == int(exponent):
        return left + str(int(exponent)).translate(_SUPERSCRIPTS), _POWER
    return left + "^" + writer._tight(exponent, _ATOM), _POWER


def _absolute(writer: Writer, node: Node) -> tuple[str, int]:
    return f"|{writer.operand(node.operands[0])}|", _ATOM


def _indexed(writer: Writer, node: Node) -> tuple[str, int]:
    index = node.params["index"] if "index" in node.params else node.params["template"]
    arrays = node.operands[1:]
    parts = [_index(part, arrays) for part in (index if isinstance(index, tuple) else (index,))]
    return f"{writer._tight(node.operands[0], _ATOM)}[{', '.join(parts)}]", _ATOM


def _embedded(writer: Writer, node: Node) -> tuple[str, int]:
    """Zeros but for one part."""
    index = node.params["index"]
    parts = [_index(part, ()) for part in (index if isinstance(index, tuple) else (index,))]
    return f"{writer.operand(node.operands[0])} at [{', '.join(parts)}]", _SUM


def _updated(writer: Writer, node: Node) -> tuple[str, int]:
    parts = ", ".join(_index(part, node.operands[2:]) for part in node.params["template"])
    base, value = map(writer.operand, node.operands[:2])
    return f"{base} with [{parts}] = {value}", _SUM


def _index(part: Any, arrays: Any) -> str:
    if isinstance(part, slice):
        ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
        return ":".join(ends if ends[2] else ends[:2])
    if part is Ellipsis:
        return "…"
    return shown(arrays[part.number]) if hasattr(part, "number") else str(part)


def _axes(writer: Writer, node: Node) -> tuple[str, int] | None:
    """A reduction; one along all axes needs no axes."""
    (x,), params = node.operands, node.params
    value = x.value if isinstance(x, Node) else x
    if params.get("keepdims") or params.get("axis") != tuple(range(np.ndim(value))):
        return None
    text, own = writer._operand(x)
    name = _TEXTBOOK_NAMES.get(node.primitive.name, node.primitive.name)  # type: ignore[union-attr]
    return (f"{name} {text}", _APPLIED) if own == _ATOM else (f"{name}({text})", _ATOM)


def _spread(writer: Writer, node: Node) -> tuple[str, int]:
    """A broadcast; the axes of length 1 that were put in for it go without saying."""
    (x,) = node.operands
    x = x.operands[0] if _is_operation(x, "reshape") else x
    return f"broadcast_to({writer.operand(x)}, {node.params['shape']})", _ATOM


_SPECIAL: dict[str, Callable[[Writer, Node], tuple[str, int] | None]] = {
    "constant": lambda _writer, _node: ("constant", _ATOM),
    "negative": _negative,
    "square": _square,
    "multiply": _product,
    "strong_product": _product,
    "add": _sum_of_two,
    "power": _power,
    "abs": _absolute,
    "absolute": _absolute,
    "basic_index": _indexed,
    "gather": _indexed,
    "embed": _embedded,
    "update": _updated,
    "broadcast_to": _spread,
    "sum": _axes,
    "max": _axes,
    "min": _axes,
    "prod": _axes,
}


def _is_operation(x: Any, name: str) -> bool:
    return (
        isinstance(x, Node) and not x.name and x.primitive is not None and x.primitive.name == name
    )


def _is_number(x: Any, number: float) -> bool:
    return isinstance(x, int | float) and operator.eq(x, number)
