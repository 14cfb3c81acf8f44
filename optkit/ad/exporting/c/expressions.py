"""Elementwise primitives as C expressions of operands that are names, numbers or elements of arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.ad.graph import Constant, Equation, Value
from optkit.ad.rules.index import where
from optkit.errors import ExportError

TYPES = {"float64": "double", "float32": "float", "int64": "int64_t", "bool": "int64_t"}

# ``@`` is the suffix of a function of single precision; helpers stand between # signs.
_REAL = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}",
    "negative": "-{0}", "positive": "{0}", "conjugate": "{0}", "square": "{0} * {0}", "reciprocal": "1 / {0}",
    "remainder": "#remainder#({0}, {1})", "fmod": "fmod@({0}, {1})", "floor_divide": "#floor_divide#({0}, {1})",
    "sqrt": "sqrt@({0})", "cbrt": "cbrt@({0})", "exp": "exp@({0})", "exp2": "exp2@({0})", "expm1": "expm1@({0})",
    "log": "log@({0})", "log2": "log2@({0})", "log10": "log10@({0})", "log1p": "log1p@({0})",
    "logaddexp": "#logaddexp#({0}, {1})", "logaddexp2": "#logaddexp2#({0}, {1})",
    "sin": "sin@({0})", "cos": "cos@({0})", "tan": "tan@({0})", "arcsin": "asin@({0})", "arccos": "acos@({0})",
    "arctan": "atan@({0})", "arctan2": "atan2@({0}, {1})", "hypot": "hypot@({0}, {1})", "sinh": "sinh@({0})",
    "cosh": "cosh@({0})", "tanh": "tanh@({0})", "arcsinh": "asinh@({0})", "arccosh": "acosh@({0})",
    "arctanh": "atanh@({0})", "abs": "fabs@({0})", "sign": "#sign#({0})", "copysign": "copysign@({0}, {1})",
    "maximum": "#maximum#({0}, {1})", "minimum": "#minimum#({0}, {1})", "fmax": "fmax@({0}, {1})",
    "fmin": "fmin@({0}, {1})", "heaviside": "#heaviside#({0}, {1})", "strong_product": "#strong#({0}, {1})",
    "floor": "floor@({0})", "ceil": "ceil@({0})", "trunc": "trunc@({0})", "rint": "rint@({0})",
    "round": "rint@({0})", "around": "rint@({0})", "fix": "trunc@({0})",
}  # fmt: skip
for _name in ("deg2rad", "radians"):
    _REAL[_name] = f"{{0}} * (TYPE){math.pi / 180!r}"
for _name in ("rad2deg", "degrees"):
    _REAL[_name] = f"{{0}} * (TYPE){180 / math.pi!r}"
_TESTS = {
    "less": "{0} < {1}", "less_equal": "{0} <= {1}", "greater": "{0} > {1}", "greater_equal": "{0} >= {1}",
    "equal": "{0} == {1}", "not_equal": "{0} != {1}", "logical_and": "{0} && {1}", "logical_or": "{0} || {1}",
    "logical_xor": "!{0} != !{1}", "logical_not": "!{0}",
}  # fmt: skip
_REAL_TESTS = {
    "isnan": "isnan({0}) != 0", "isfinite": "isfinite({0}) != 0", "isinf": "isinf({0}) != 0",
    "signbit": "signbit({0}) != 0",
}  # fmt: skip
_INTEGER = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "negative": "-{0}", "positive": "{0}",
    "square": "{0} * {0}", "maximum": "{0} > {1} ? {0} : {1}", "minimum": "{0} < {1} ? {0} : {1}",
    "abs": "{0} < 0 ? -{0} : {0}", "conjugate": "{0}",
}  # fmt: skip
_BOOLEAN = {
    "bitwise_and": "{0} && {1}", "bitwise_or": "{0} || {1}", "bitwise_xor": "{0} != {1}", "invert": "!{0}",
    "maximum": "{0} || {1}", "minimum": "{0} && {1}", "add": "{0} || {1}", "multiply": "{0} && {1}",
}  # fmt: skip
_WHOLE = {
    1: "{0}", 2: "{0} * {0}", 3: "{0} * {0} * {0}", 4: "({0} * {0}) * ({0} * {0})", -1: "1 / {0}", 0.5: "sqrt@({0})",
}  # fmt: skip
_IDENTITIES = ("astype", "copy", "plain", "stop_gradient")
_NAMES = {*_REAL, *_TESTS, *_REAL_TESTS, *_INTEGER, *_BOOLEAN, *_IDENTITIES, "power"}
_ROUNDINGS = ("round", "around")


def is_elementwise(equation: Equation) -> bool:
    """Whether each element of the result comes from the elements in the same place."""
    if equation.primitive is where:
        return True
    return equation.primitive.name in _NAMES


def type_of(value: Value, what: str = "a value") -> str:
    """The C type of an element."""
    found = TYPES.get(value.dtype.name)
    if found is None:
        raise ExportError(
            f"ad.export(target='c') has no C type for {what} of dtype {value.dtype}: use float64, float32, int64 "
            "or bool"
        )
    return found


def literal(number: Any, kind: str) -> str:
    """A number as C writes it, in parentheses where it has a sign."""
    if kind == "int64_t":
        if int(number) == -(2**63):
            return "INT64_MIN"
        text = str(int(number))
        return f"({text})" if text[0] == "-" else text
    number = float(np.float32(number)) if kind == "float" else float(number)
    if math.isnan(number):
        return "NAN"
    text = (
        "INFINITY" if math.isinf(number) else repr(abs(number)) + ("f" if kind == "float" else "")
    )
    return f"(-{text})" if math.copysign(1.0, number) < 0 else text


def computing_type(equation: Equation) -> str:
    """The C type in which NumPy computes an elementwise result, numbers of Python being weak."""
    if equation.result.dtype.kind == "f":
        return type_of(equation.result)
    kinds = [
        v.data if isinstance(v, Constant) and type(v.data) in (bool, int, float) else v.dtype
        for v in equation.operands
    ]
    return type_of(Value((), np.result_type(*kinds)), f"the operands of {equation.primitive.name}")


Reader = Callable[[Value, str], str]


def expression(equation: Equation, read: Reader, use: Callable[[str, str], str]) -> str:
    """The C expression of an elementwise equation.

    ``read(value, type)`` gives an operand converted to a type, and ``use(helper, type)`` the name of a helper.
    """
    operands, result = equation.operands, equation.result
    to = type_of(result, f"the result of {equation.primitive.name}")
    name = equation.primitive.name
    if equation.primitive is where:
        mask, a, b = operands
        return f"{read(mask, type_of(mask))} ? {read(a, to)} : {read(b, to)}"
    if name in _IDENTITIES:
        return _converted(operands[0], result, read, use)
    kind = computing_type(equation)
    template = _template(equation, kind)
    count = 1 if name in _ROUNDINGS else len(operands)
    text = template.format(*(read(v, kind) for v in operands[:count]))
    suffix = "f" if kind == "float" else ""
    parts = text.replace("@", suffix).replace("TYPE", kind).split("#")
    parts[1::2] = [use(helper, kind) for helper in parts[1::2]]
    return "".join(parts)


def _template(equation: Equation, kind: str) -> str:
    name, operands = equation.primitive.name, equation.operands
    real = kind != "int64_t"
    if name == "power" and real:
        exponent = operands[1]
        number = exponent.number if isinstance(exponent, Constant) else None
        return _WHOLE.get(number, "pow@({0}, {1})") if number is not None else "pow@({0}, {1})"
    if name in _ROUNDINGS and len(operands) > 1:
        decimals = operands[1]
        if not (isinstance(decimals, Constant) and decimals.number == 0):
            name = "round to decimals"
    boolean = all(v.dtype.kind == "b" for v in (*operands, equation.result))
    tables = [_TESTS] if equation.result.dtype.kind == "b" else []
    tables += [_REAL, _REAL_TESTS] if real else [_BOOLEAN if boolean else _INTEGER]
    for table in tables:
        if name in table:
            return table[name]
    raise refusal(equation, name)


def _converted(x: Value, result: Value, read: Reader, use: Callable[[str, str], str]) -> str:
    kind, to = type_of(x), type_of(result)
    text = read(x, kind)
    if result.dtype.kind == "b" and x.dtype.kind != "b":
        return f"{text} != 0"
    if to == "int64_t" and kind != to:
        return f"{use('integer', kind)}({text})"
    return text if kind == to else f"({to}){text}"


def refusal(equation: Equation, name: str = "") -> ExportError:
    """The error for an operation that has no C form here."""
    kinds = ", ".join(str(v)[7:-1] for v in equation.operands)
    return ExportError(
        f"ad.export(target='c') cannot write {name or equation.primitive.name} of {kinds}: compute it outside of the "
        "function and pass it in, or use target='numpy'"
    )
