"""Elementwise functions: one row each, the partial derivative with respect to each operand as ``(y, *operands)``.

Constants are Python numbers, never NumPy scalars, so that float32 stays float32. At corners the rows follow one rule:
ties share equally, an exact zero wins over an infinite partner, NaN goes in and comes out.
"""

# fmt: off
# ruff: noqa: E501 -- rows of a table
from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from optkit.ad.core import Tracer
from optkit.ad.primitives import Constant, Elementwise, Rule, has_nan
from optkit.ad.registry import FUNCTIONS, composite, constant, elementwise, linear

_LN2, _LN10 = math.log(2.0), math.log(10.0)


def _share(y: Any, a: Any, b: Any, wins: Any) -> Any:
    """The partial derivative of a maximum or minimum: 1 where ``a`` wins, ½ at a tie, NaN where the result is NaN."""
    if type(wins) is type(y) is np.ndarray and not has_nan(y):  # As below, in fewer passes over the memory.
        share = wins.astype(y.dtype)
        tied = np.equal(a, b)
        if tied.any():
            share[tied] = 0.5
        return share
    return np.where(np.isnan(y), math.nan, np.where(a == b, 0.5, wins)).astype(y.dtype)


def _reciprocal(x: Any) -> Any:
    try:
        return 1 / x
    except ZeroDivisionError:  # Python's own zero; an array's is a pole.
        return math.copysign(math.inf, x)


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
divide    = elementwise(np.divide,     lambda y, a, b: _reciprocal(b), lambda y, a, b: -y / b, impl=operator.truediv)
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
elementwise(np.arcsin,     lambda y, x: 1 / _on_branch(np.sqrt((1 - x) * (1 + x)), np.cos, y))
elementwise(np.arccos,     lambda y, x: -1 / _on_branch(np.sqrt((1 - x) * (1 + x)), np.sin, y))
elementwise(np.arctan,     lambda y, x: 1 / (1 + x * x))
elementwise(np.arctan2,    lambda y, a, b: _over_square(b, a, b), lambda y, a, b: -_over_square(a, a, b))
elementwise(np.hypot,      lambda y, a, b: _over_norm(a, y), lambda y, a, b: _over_norm(b, y))
elementwise(np.sinh,       lambda y, x: np.cosh(x))
elementwise(np.cosh,       lambda y, x: np.sinh(x))
elementwise(np.tanh,       lambda y, x: 1 - y * y)
elementwise(np.arcsinh,    lambda y, x: 1 / _on_branch(np.sqrt(x * x + 1), np.cosh, y))
elementwise(np.arccosh,    lambda y, x: 1 / _on_branch(np.sqrt(x - 1) * np.sqrt(x + 1), np.sinh, y))
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

# digits and exponents
elementwise(np.nextafter,  1, lambda y, a, b: 0.0)
elementwise(np.ldexp,      lambda y, x, n: np.ldexp(np.ones((), y.dtype), n), lambda y, x, n: 0.0)
exponent: Any = Constant("frexp", lambda x: np.frexp(x)[1])
mantissa = elementwise("frexp", lambda y, x: np.ldexp(np.ones((), y.dtype), -exponent(x)), impl=lambda x: np.frexp(x)[0])
fraction = elementwise("modf", lambda y, x: 1.0, impl=lambda x: np.modf(x)[0])
whole = Constant("modf", lambda x: np.modf(x)[1])

# complex numbers; a map from complex to real keeps the real part of its cotangent
linear(np.conjugate, lambda ct, x: np.conjugate(ct), tangent="same")
real_part = linear("real", lambda ct, x: np.real(ct) + 0j, impl=np.real, tangent="same")
imag_part = linear("imag", lambda ct, x: np.multiply(-1j, np.real(ct)), impl=np.imag, tangent="same")

# derivative zero
sign_real = Constant("sign", np.sign)
constant(np.floor, np.ceil, np.trunc, np.rint, np.signbit, np.spacing, np.floor_divide,
         np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal,
         np.logical_and, np.logical_or, np.logical_xor, np.logical_not, np.isnan, np.isfinite, np.isinf,
         # Of integers and truth values; of other numbers NumPy knows nothing of the kind either.
         np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift, np.bitwise_count,
         np.gcd, np.lcm)
# A number that is no longer differentiated.
plain = Constant("plain", lambda x: x)
# fmt: on


def _softmax(a: Any, b: Any) -> Any:
    """e^a / (e^a + e^b), and ½ where both are the same infinity."""
    gap = b - a
    if type(gap) is not np.ndarray or has_nan(gap):
        gap = np.where((a == b) & np.isinf(a), 0.0, gap)
    return 1 / (1 + np.exp(gap))


def _on_branch(root: Any, function: Any, y: Any) -> Any:
    """A square root that equals ``function(y)`` up to rounding and, on a branch cut of complex numbers, its sign."""
    if not np.iscomplexobj(root):
        return root
    return np.where(np.real(root * np.conjugate(function(y))) < 0, -root, root)


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


# Of a complex number the sign turns with its angle; no derivative is lost where it is constant.
@composite(np.sign)
def _sign(x: Any) -> Any:
    return x / np.where(x == 0, 1, np.absolute(x)) if np.iscomplexobj(x) else sign_real(x)


@composite(np.divmod)
def _divmod(a: Any, b: Any) -> tuple[Any, Any]:
    return np.floor_divide(a, b), np.remainder(a, b)


@composite(np.frexp)
def _frexp(x: Any) -> tuple[Any, Any]:
    return mantissa(x), exponent(x)


@composite(np.modf)
def _modf(x: Any) -> tuple[Any, Any]:
    return fraction(x), whole(x)


# --- functions with a formula for every derivative --------------------------------------------------------------------


def _all_derivatives(name: str, function: Any, nth: Rule) -> Elementwise:
    """Declare ``function``, of which ``nth(n, x)`` computes the n-th derivative, so that each is exact at all orders."""

    @functools.cache
    def derivative(n: int) -> Any:
        impl = (lambda x: nth(n, x)) if n else function
        return elementwise(f"{name}^({n})", lambda y, x: derivative(n + 1)(x), impl=impl)

    made: Elementwise = derivative(0)
    return made


def _sinc_derivative(n: int, x: Any) -> Any:
    """The n-th derivative of sin(πx)/(πx).

    With f(t) = sin(t)/t: t f⁽ⁿ⁾ = sin(t + nπ/2) − n f⁽ⁿ⁻¹⁾ away from 0, the power series near it.
    """
    t = math.pi * x
    near = np.abs(t) < n + 1.5
    away = np.where(near, 1.0, t)
    f = np.sin(away) / away
    for k in range(1, n + 1):
        f = (np.sin(away + k * math.pi / 2) - k * f) / away
    small = np.where(near, t, 0.0)
    series = np.zeros_like(small)
    for j in range(n + n % 2, 2 * n + 42, 2):
        series = series + (-1) ** (j // 2) / (math.factorial(j - n) * (j + 1)) * small ** (j - n)
    return (math.pi**n * np.where(near, series, f)).astype(t.dtype)[()]


def _i0_derivative(n: int, x: Any) -> Any:
    """The n-th derivative of the Bessel function I₀: 2⁻ⁿ Σₖ C(n, k) I_{n−2k} (DLMF 10.29.5)."""
    from scipy.special import iv

    terms = (math.comb(n, k) * iv(abs(n - 2 * k), x) for k in range(n + 1))
    return (sum(terms) / 2**n).astype(np.result_type(x))[()]


FUNCTIONS[np.sinc] = _all_derivatives("sinc", np.sinc, _sinc_derivative)
FUNCTIONS[np.i0] = _all_derivatives("i0", np.i0, _i0_derivative)

# --- numbers that are not numbers, complex numbers --------------------------------------------------------------------


@composite(np.nan_to_num)
def _nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    if np.iscomplexobj(x):
        parts = [_nan_to_num(part, True, nan, posinf, neginf) for part in (x.real, x.imag)]
        result = parts[0] + 1j * parts[1]
    else:
        limits = np.finfo(np.result_type(x))
        posinf, neginf = (
            limits.max if posinf is None else posinf,
            limits.min if neginf is None else neginf,
        )
        result = np.where(np.isneginf(x), neginf, np.where(np.isposinf(x), posinf, x))
        result = np.where(np.isnan(x), nan, result).astype(np.result_type(x))
    if not copy:
        x[...] = result
        return x
    return result


@composite(np.angle)
def _angle(z: Any, deg: bool = False) -> Any:
    angle = np.arctan2(np.imag(z), np.real(z)) if np.iscomplexobj(z) else _angle_real(z)
    return angle * (180 / math.pi) if deg else angle


_angle_real = Constant("angle", np.angle)


@composite(np.real_if_close)
def _real_if_close(a: Any, tol: float = 100) -> Any:
    if not np.iscomplexobj(a):
        return a
    near = tol * np.finfo(np.result_type(a)).eps if tol > 1 else tol
    return np.real(a) if np.all(np.absolute(np.imag(a)) < near) else a


# --- functions that become complex where they have to -----------------------------------------------------------------


def _extended(function: Any, plain: Any, outside: Rule) -> None:
    """A function of `numpy.emath`: of complex numbers where any element is outside the real domain."""

    def replacement(x: Any) -> Any:
        return plain(x + 0j if not np.iscomplexobj(x) and np.any(outside(x)) else x)

    composite(function)(replacement)


for _function, _plain, _outside in (
    (np.emath.sqrt, np.sqrt, lambda x: x < 0), (np.emath.log, np.log, lambda x: x < 0),
    (np.emath.log2, np.log2, lambda x: x < 0), (np.emath.log10, np.log10, lambda x: x < 0),
    (np.emath.arccos, np.arccos, lambda x: np.absolute(x) > 1), (np.emath.arcsin, np.arcsin, lambda x: np.absolute(x) > 1),
    (np.emath.arctanh, np.arctanh, lambda x: np.absolute(x) > 1),
):  # fmt: skip
    _extended(_function, _plain, _outside)


@composite(np.emath.power)
def _emath_power(x: Any, p: Any) -> Any:
    p = p if isinstance(p, Tracer) else np.asarray(p)  # As there, a number counts as float64.
    return np.power(x + 0j if np.any(np.less(x, 0)) else x, p)


@composite(np.emath.logn)
def _emath_logn(n: Any, x: Any) -> Any:
    return np.emath.log(x) / np.emath.log(n)
