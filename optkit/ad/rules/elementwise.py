"""Elementwise functions: one row each, the partial derivative with respect to each operand as ``(y, *operands)``.

Constants are Python numbers, never NumPy scalars, so that float32 stays float32. At corners the rows follow one rule:
ties share equally, an exact zero wins over an infinite partner, NaN goes in and comes out.
"""

# fmt: off
# ruff: noqa: E501 -- rows of a table
from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from optkit.ad.registry import FUNCTIONS, Constant, composite, constant, elementwise, linear
from optkit.errors import NotDifferentiableError

_LN2, _LN10 = math.log(2.0), math.log(10.0)


def _share(y: Any, a: Any, b: Any, wins: Any) -> Any:
    """The partial derivative of a maximum or minimum: 1 where ``a`` wins, ½ at a tie, NaN where the result is NaN."""
    return np.where(np.isnan(y), math.nan, np.where(a == b, 0.5, wins)).astype(y.dtype)


def _power_base(y: Any, x: Any, p: Any) -> Any:
    """∂(x^p)/∂x = p x^(p−1), and 0 for p = 0 even at x = 0."""
    if isinstance(p, int | float):
        return p * x ** (p - 1) if p else 0.0 * np.where(np.isnan(x), x, 0.0)
    return p * np.where((x == 0) & (p == 0), 1, x) ** (p - 1)


def _power_exponent(y: Any, x: Any, p: Any) -> Any:
    """∂(x^p)/∂p = y ln x, and 0 at x = 0 for p ≥ 0 (where the limit from p > 0 is 0)."""
    return y * np.log(np.where((x == 0) & (np.real(p) >= 0), 1, x).astype(y.dtype))


# arithmetic
add       = elementwise(np.add,        1, 1, impl=operator.add)
subtract  = elementwise(np.subtract,   1, -1, impl=operator.sub)
multiply  = elementwise(np.multiply,   lambda y, a, b: b, lambda y, a, b: a, impl=operator.mul)
divide    = elementwise(np.divide,     lambda y, a, b: 1 / b, lambda y, a, b: -y / b, impl=operator.truediv)
negative  = elementwise(np.negative,   lambda y, x: -1.0, impl=operator.neg)
square    = elementwise(np.square,     lambda y, x: x + x)
elementwise(np.positive,   lambda y, x: 1.0)
elementwise(np.reciprocal, lambda y, x: -y * y)
elementwise(np.remainder,  1, lambda y, a, b: -np.floor_divide(a, b))
elementwise(np.fmod,       1, lambda y, a, b: -np.rint((a - y) / b))
power     = elementwise("power", _power_base, _power_exponent, impl=operator.pow)

# powers, exponentials, logarithms
elementwise(np.sqrt,       lambda y, x: 0.5 / y)
elementwise(np.cbrt,       lambda y, x: 1 / (3 * y * y))
elementwise(np.exp,        lambda y, x: y)
elementwise(np.exp2,       lambda y, x: _LN2 * y)
elementwise(np.expm1,      lambda y, x: np.exp(x))
elementwise(np.log,        lambda y, x: 1 / x)
elementwise(np.log2,       lambda y, x: 1 / (_LN2 * x))
elementwise(np.log10,      lambda y, x: 1 / (_LN10 * x))
elementwise(np.log1p,      lambda y, x: 1 / (1 + x))
elementwise(np.logaddexp,  lambda y, a, b: _softmax(a, b), lambda y, a, b: _softmax(b, a))
elementwise(np.logaddexp2, lambda y, a, b: _softmax(_LN2 * a, _LN2 * b), lambda y, a, b: _softmax(_LN2 * b, _LN2 * a))

# trigonometric and hyperbolic
elementwise(np.sin,        lambda y, x: np.cos(x))
elementwise(np.cos,        lambda y, x: -np.sin(x))
elementwise(np.tan,        lambda y, x: 1 + y * y)
elementwise(np.arcsin,     lambda y, x: 1 / np.sqrt((1 - x) * (1 + x)))
elementwise(np.arccos,     lambda y, x: -1 / np.sqrt((1 - x) * (1 + x)))
elementwise(np.arctan,     lambda y, x: 1 / (1 + x * x))
elementwise(np.arctan2,    lambda y, a, b: _over_square(b, a, b), lambda y, a, b: -_over_square(a, a, b))
elementwise(np.hypot,      lambda y, a, b: _over_norm(a, y), lambda y, a, b: _over_norm(b, y))
elementwise(np.sinh,       lambda y, x: np.cosh(x))
elementwise(np.cosh,       lambda y, x: np.sinh(x))
elementwise(np.tanh,       lambda y, x: 1 - y * y)
elementwise(np.arcsinh,    lambda y, x: 1 / np.sqrt(x * x + 1))
elementwise(np.arccosh,    lambda y, x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)))
elementwise(np.arctanh,    lambda y, x: 1 / ((1 - x) * (1 + x)))
for _degrees in (np.deg2rad, np.radians):
    elementwise(_degrees,  lambda y, x: math.pi / 180)
for _radians in (np.rad2deg, np.degrees):
    elementwise(_radians,  lambda y, x: 180 / math.pi)

# kinks and steps
abs_real = elementwise("abs", lambda y, x: np.sign(x), impl=np.absolute)
elementwise(np.maximum,    lambda y, a, b: _share(y, a, b, a > b), lambda y, a, b: _share(y, b, a, b > a))
elementwise(np.minimum,    lambda y, a, b: _share(y, a, b, a < b), lambda y, a, b: _share(y, b, a, b < a))
elementwise(np.fmax,       lambda y, a, b: _share(y, a, b, (a > b) | np.isnan(b)), lambda y, a, b: _share(y, b, a, (b > a) | np.isnan(a)))
elementwise(np.fmin,       lambda y, a, b: _share(y, a, b, (a < b) | np.isnan(b)), lambda y, a, b: _share(y, b, a, (b < a) | np.isnan(a)))
elementwise(np.copysign,   lambda y, a, b: np.sign(a) * np.copysign(1.0, b), lambda y, a, b: 0.0)
elementwise(np.heaviside,  lambda y, x, h: 0.0, lambda y, x, h: np.equal(x, 0))

# complex numbers; a map from complex to real keeps the real part of its cotangent
linear(np.conjugate, lambda ct, x: np.conjugate(ct), tangent="same")
real_part = linear("real", lambda ct, x: np.real(ct) + 0j, impl=np.real, tangent="same")
imag_part = linear("imag", lambda ct, x: np.multiply(-1j, np.real(ct)), impl=np.imag, tangent="same")

# derivative zero
sign_real = Constant("sign", np.sign)
constant(np.floor, np.ceil, np.trunc, np.rint, np.signbit, np.spacing, np.floor_divide,
         np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal,
         np.logical_and, np.logical_or, np.logical_xor, np.logical_not, np.isnan, np.isfinite, np.isinf)
# fmt: on


def _softmax(a: Any, b: Any) -> Any:
    """e^a / (e^a + e^b), and ½ where both are the same infinity."""
    return 1 / (1 + np.exp(np.where((a == b) & np.isinf(a), 0.0, b - a)))


def _over_square(part: Any, a: Any, b: Any) -> Any:
    """The quotient part / (a² + b²), without overflow or underflow of the squares."""
    norm = np.hypot(a, b)
    return part / norm / norm


def _over_norm(part: Any, norm: Any) -> Any:
    """The quotient part / norm, and 0 at the origin: the subgradient of least norm."""
    return np.where(norm == 0, 0.0, part / np.where(norm == 0, 1.0, norm))


@composite(np.power, np.pow)
def _power(x: Any, p: Any) -> Any:
    # The same shortcuts as NumPy's own operator, so that the values agree to the last bit.
    if isinstance(p, int | float):
        if p == 2:
            return np.square(x)
        if p == 0.5:
            return np.sqrt(x)
        if p == 1:
            return np.positive(x)
    return power(x, p)


@composite(np.float_power)
def _float_power(x: Any, p: Any) -> Any:
    return np.power(np.multiply(x, np.float64(1.0)), p)


@composite(np.absolute)
def _absolute(x: Any) -> Any:
    return np.hypot(np.real(x), np.imag(x)) if np.iscomplexobj(x) else abs_real(x)


@composite(np.fabs)
def _fabs(x: Any) -> Any:
    return abs_real(x)


@composite(np.sign)
def _sign(x: Any) -> Any:
    return x / np.where(x == 0, 1, np.absolute(x)) if np.iscomplexobj(x) else sign_real(x)


@composite(np.divmod)
def _divmod(a: Any, b: Any) -> tuple[Any, Any]:
    return np.floor_divide(a, b), np.remainder(a, b)


def _on_masks(name: str, logical: Any) -> Any:
    """The bitwise operation of that name, of masks: for numbers it is none that could be differentiated."""

    def function(*operands: Any) -> Any:
        if any(np.result_type(x).kind != "b" for x in operands):
            raise NotDifferentiableError(f"np.{name} of traced numbers that are no masks")
        return logical(*operands)

    return function


for _bitwise, _logical in (
    (np.bitwise_and, np.logical_and), (np.bitwise_or, np.logical_or), (np.bitwise_xor, np.logical_xor),
    (np.invert, np.logical_not),
):  # fmt: skip
    FUNCTIONS[_bitwise] = _on_masks(_bitwise.__name__, _logical)
