"""How elementwise primitives are written in LLVM's assembly language: a table, one row each."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.ad.executors.emitter import Emitter, typed
from optkit.ad.executors.machine import hexadecimal, machine, vector_name
from optkit.ad.executors.ufuncs import ufuncs
from optkit.ad.primitives import Primitive
from optkit.ad.rules.index import where

# Kinds of elements that machine code is made for; bools are single bits in registers, bytes in memory.
KINDS = {"float64": "double", "float32": "float", "int64": "i64", "bool": "i1"}
FLOATS = ("double", "float")

# (emitter, operands, kind of the operands, width) → operand
Lowering = Callable[[Emitter, list[str], str, int], str]

# By NumPy's name: the instruction for floating-point operands, and for integers.
_ARITHMETIC = {
    "add": ("fadd", "add"),
    "subtract": ("fsub", "sub"),
    "multiply": ("fmul", "mul"),
    "divide": ("fdiv", None),
}
_COMPARISONS = {
    "less": ("olt", "slt"),
    "less_equal": ("ole", "sle"),
    "greater": ("ogt", "sgt"),
    "greater_equal": ("oge", "sge"),
    "equal": ("oeq", "eq"),
    "not_equal": ("une", "ne"),
}
_INTRINSICS = {
    "sqrt": "sqrt",
    "absolute": "fabs",
    "fabs": "fabs",
    "floor": "floor",
    "ceil": "ceil",
    "trunc": "trunc",
    "rint": "rint",
    "copysign": "copysign",
}
# NumPy's name → that of the C library.
_LIBRARY = {
    "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log", "log2": "log2", "log10": "log10", "log1p": "log1p",
    "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sinh": "sinh",
    "cosh": "cosh", "tanh": "tanh", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "cbrt": "cbrt",
    "arctan2": "atan2", "hypot": "hypot", "fmod": "fmod",
}  # fmt: skip
# Of single bits.
_LOGICAL = {
    "logical_and": "and", "logical_or": "or", "logical_xor": "xor",
    "bitwise_and": "and", "bitwise_or": "or", "bitwise_xor": "xor",
}  # fmt: skip
# How much dearer than an addition each is; what is not named costs 1.
COSTS = dict.fromkeys(_LIBRARY, 20) | {"power": 40, "divide": 4, "sqrt": 5, "reciprocal": 4}


@functools.cache
def _names() -> dict[Primitive, str]:
    return {primitive: ufunc.__name__ for primitive, ufunc in ufuncs().items()} | {where: "where"}


def name_of(primitive: Primitive) -> str | None:
    """NumPy's name of an elementwise primitive, None for any other."""
    return _names().get(primitive)


def is_lowered(name: str | None) -> bool:
    """Whether an elementwise operation of that name has a lowering for some kinds of operands."""
    return name == "where" or name in _FLOATING


def is_native(primitive: Primitive, kinds: list[str | None], result: str | None) -> bool:
    """Whether an elementwise primitive on operands of these kinds has a lowering."""
    name = name_of(primitive)
    if name is None or result is None or None in kinds:
        return False
    if name == "where":
        return kinds[0] == "i1"
    if name in _LOGICAL or name == "logical_not" or name == "invert":
        return set(kinds) == {"i1"}
    if name in _COMPARISONS:
        return True
    if name in ("isnan", "isfinite", "isinf"):
        return kinds[0] in FLOATS
    if result == "i64":
        return name in ("add", "subtract", "multiply", "negative", "positive") and "i1" not in kinds
    return result in FLOATS and name in _FLOATING


def emit(e: Emitter, name: str, operands: list[str], kind: str, width: int) -> str:
    """Write one elementwise operation on operands of one kind."""
    return _FLOATING[name](e, operands, kind, width)


# --- the rows -----------------------------------------------------------------------------------------------------


def constant(number: Any, kind: str, width: int) -> str:
    """A number in all lanes."""
    if kind in FLOATS:
        text = hexadecimal(float(number), kind)
    elif kind == "i1":
        text = "true" if number else "false"
    else:
        text = str(int(number))
    if width == 1:
        return text
    return f"<{', '.join([f'{kind} {text}'] * width)}>"


def call(e: Emitter, function: str, operands: list[str], kind: str, width: int) -> str:
    """A call of an intrinsic or of a function of the C library, which only computes."""
    t = typed(kind, width)
    arguments = ", ".join(f"{t} {x}" for x in operands)
    e.declarations.add(
        f"declare {t} @{function}({', '.join([t] * len(operands))}) nounwind willreturn memory(none)"
    )
    return e.value(f"call {t} @{function}({arguments})")


def _intrinsic(name: str) -> Lowering:
    def lower(e: Emitter, x: list[str], kind: str, width: int) -> str:
        suffix = {"double": "f64", "float": "f32"}[kind]
        return call(e, f"llvm.{name}.{'' if width == 1 else f'v{width}'}{suffix}", x, kind, width)

    return lower


def _library(name: str) -> Lowering:
    def lower(e: Emitter, x: list[str], kind: str, width: int) -> str:
        if (
            kind == "float"
        ):  # In double precision, as there are no vectors of floats in libmvec's table here.
            wide = [
                e.value(f"fpext {typed(kind, width)} {v} to {typed('double', width)}") for v in x
            ]
            y = lower(e, wide, "double", width)
            return e.value(f"fptrunc {typed('double', width)} {y} to {typed(kind, width)}")
        if width == 1:
            return call(e, name, x, kind, 1)
        if name in machine().vector_functions:
            return call(e, vector_name(name, width), x, kind, width)
        lanes = [
            [e.value(f"extractelement {typed(kind, width)} {v}, i64 {k}") for v in x]
            for k in range(width)
        ]
        return e.gathered(lambda k: call(e, name, lanes[k], kind, 1), kind, width)

    return lower


def _instruction(floating: str, integer: str | None) -> Lowering:
    def lower(e: Emitter, x: list[str], kind: str, width: int) -> str:
        name = floating if kind in FLOATS else integer
        return e.value(f"{name} {typed(kind, width)} {x[0]}, {x[1]}")

    return lower


def _comparison(floating: str, integer: str) -> Lowering:
    def lower(e: Emitter, x: list[str], kind: str, width: int) -> str:
        test = f"fcmp {floating}" if kind in FLOATS else f"icmp {integer}"
        return e.value(f"{test} {typed(kind, width)} {x[0]}, {x[1]}")

    return lower


def select(e: Emitter, test: str, a: str, b: str, kind: str, width: int) -> str:
    """``a`` where ``test``, else ``b``."""
    t = typed(kind, width)
    return e.value(f"select {typed('i1', width)} {test}, {t} {a}, {t} {b}")


def _compare(e: Emitter, test: str, a: str, b: str, kind: str, width: int) -> str:
    return e.value(f"fcmp {test} {typed(kind, width)} {a}, {b}")


def _negative(e: Emitter, x: list[str], kind: str, width: int) -> str:
    if kind in FLOATS:
        return e.value(f"fneg {typed(kind, width)} {x[0]}")
    return e.value(f"sub {typed(kind, width)} {constant(0, kind, width)}, {x[0]}")


def extremum(test: str, ignore_nan: bool = False) -> Lowering:
    """The larger or smaller of two; NaN wins, or loses with ``ignore_nan``."""

    def lower(e: Emitter, x: list[str], kind: str, width: int) -> str:
        a, b = x
        wins = _compare(e, test, a, b, kind, width)
        other = (
            _compare(e, "uno", b, b, kind, width)
            if ignore_nan
            else _compare(e, "uno", a, a, kind, width)
        )
        either = e.value(f"or {typed('i1', width)} {wins}, {other}")
        return select(e, either, a, b, kind, width)

    return lower


def _sign(e: Emitter, x: list[str], kind: str, width: int) -> str:
    zero, one, minus = (constant(c, kind, width) for c in (0.0, 1.0, -1.0))
    y = select(e, _compare(e, "ogt", x[0], zero, kind, width), one, x[0], kind, width)
    y = select(e, _compare(e, "olt", x[0], zero, kind, width), minus, y, kind, width)
    return select(e, _compare(e, "oeq", x[0], zero, kind, width), zero, y, kind, width)


def _power(e: Emitter, x: list[str], kind: str, width: int) -> str:
    return _library("pow")(e, x, kind, width)


def whole_power(e: Emitter, x: str, n: int, kind: str, width: int) -> str:
    """A power with a small whole exponent, by squaring."""
    t = typed(kind, width)
    result: str | None = None
    square, left = x, abs(n)
    while left:
        if left & 1:
            result = square if result is None else e.value(f"fmul {t} {result}, {square}")
        left >>= 1
        if left:
            square = e.value(f"fmul {t} {square}, {square}")
    assert result is not None
    return result if n > 0 else e.value(f"fdiv {t} {constant(1.0, kind, width)}, {result}")


def _isnan(e: Emitter, x: list[str], kind: str, width: int) -> str:
    return _compare(e, "uno", x[0], x[0], kind, width)


def _isfinite(e: Emitter, x: list[str], kind: str, width: int) -> str:
    size = _intrinsic("fabs")(e, x, kind, width)
    return _compare(e, "olt", size, constant(math.inf, kind, width), kind, width)


def _isinf(e: Emitter, x: list[str], kind: str, width: int) -> str:
    size = _intrinsic("fabs")(e, x, kind, width)
    return _compare(e, "oeq", size, constant(math.inf, kind, width), kind, width)


def _scaled(factor: float) -> Lowering:
    return lambda e, x, kind, width: e.value(
        f"fmul {typed(kind, width)} {x[0]}, {constant(factor, kind, width)}"
    )


def _logical(instruction: str) -> Lowering:
    return lambda e, x, kind, width: e.value(f"{instruction} {typed('i1', width)} {x[0]}, {x[1]}")


_FLOATING: dict[str, Lowering] = {
    **{name: _instruction(*row) for name, row in _ARITHMETIC.items()},
    **{name: _comparison(*row) for name, row in _COMPARISONS.items()},
    **{name: _intrinsic(row) for name, row in _INTRINSICS.items()},
    **{name: _library(row) for name, row in _LIBRARY.items()},
    "positive": lambda e, x, kind, width: x[0],
    "conjugate": lambda e, x, kind, width: x[0],
    "negative": _negative,
    "square": lambda e, x, kind, width: e.value(f"fmul {typed(kind, width)} {x[0]}, {x[0]}"),
    "reciprocal": lambda e, x, kind, width: e.value(
        f"fdiv {typed(kind, width)} {constant(1.0, kind, width)}, {x[0]}"
    ),
    "power": _power,
    "maximum": extremum("ogt"),
    "minimum": extremum("olt"),
    "fmax": extremum("ogt", ignore_nan=True),
    "fmin": extremum("olt", ignore_nan=True),
    "sign": _sign,
    "isnan": _isnan,
    "isfinite": _isfinite,
    "isinf": _isinf,
    "deg2rad": _scaled(math.pi / 180), "radians": _scaled(math.pi / 180),
    "rad2deg": _scaled(180 / math.pi), "degrees": _scaled(180 / math.pi),
    **{name: _logical(row) for name, row in _LOGICAL.items()},
    "invert": lambda e, x, kind, width: e.value(
        f"xor {typed('i1', width)} {x[0]}, {constant(True, 'i1', width)}"
    ),
    "logical_not": lambda e, x, kind, width: e.value(
        f"xor {typed('i1', width)} {x[0]}, {constant(True, 'i1', width)}"
    ),
}  # fmt: skip


@functools.cache
def kind_of(dtype: np.dtype[Any]) -> str | None:
    """The kind of an element in a register, None for dtypes without machine code."""
    return KINDS.get(dtype.name) if dtype.isnative else None


def memory_kind(kind: str) -> str:
    """The kind of an element in memory."""
    return "i8" if kind == "i1" else kind


def converted(e: Emitter, operand: str, kind: str, to: str, width: int) -> str:
    """An operand as another kind."""
    if kind == to:
        return operand
    a, b = typed(kind, width), typed(to, width)
    if kind == "i1":
        how = "uitofp" if to in FLOATS else "zext"
    elif kind == "i64":
        how = "sitofp"
    elif kind == "float":
        how = "fpext"
    else:
        how = "fptrunc"
    return e.value(f"{how} {a} {operand} to {b}")
