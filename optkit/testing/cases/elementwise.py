"""Elementwise functions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from optkit.testing.cases.case import (
    ABOVE_ONE,
    BETWEEN,
    FAR,
    FRACTION,
    NONZERO,
    POSITIVE,
    REAL,
    UNIT,
    Case,
    Domain,
)
from optkit.testing.cases.making import (
    SHAPES,
    binary,
    row,
    unary,
)

# fmt: off
_ANALYTIC: tuple[tuple[Any, Domain], ...] = (
    (np.negative, REAL), (np.positive, REAL), (np.square, REAL), (np.reciprocal, NONZERO), (np.sqrt, POSITIVE),
    (np.exp, REAL), (np.exp2, REAL), (np.expm1, REAL), (np.log, POSITIVE), (np.log2, POSITIVE), (np.log10, POSITIVE),
    (np.log1p, UNIT), (np.sin, REAL), (np.cos, REAL), (np.tan, UNIT), (np.arcsin, UNIT), (np.arccos, UNIT),
    (np.arctan, REAL), (np.sinh, REAL), (np.cosh, REAL), (np.tanh, REAL), (np.arcsinh, REAL), (np.arccosh, ABOVE_ONE),
    (np.arctanh, UNIT),
)
_OF_REALS: tuple[tuple[Any, Domain], ...] = (
    (np.absolute, NONZERO), (np.fabs, NONZERO), (np.cbrt, NONZERO), (np.deg2rad, REAL), (np.radians, REAL),
    (np.rad2deg, REAL), (np.degrees, REAL), (np.conjugate, REAL), (np.real, REAL),
    (np.sinc, REAL), (np.i0, REAL),
)
_ANALYTIC_PAIRS: tuple[tuple[Any, Domain, Domain], ...] = (
    (np.add, REAL, REAL), (np.subtract, REAL, REAL), (np.multiply, REAL, REAL), (np.divide, REAL, NONZERO),
    (np.power, POSITIVE, REAL), (np.float_power, POSITIVE, REAL),
)
_PAIRS_OF_REALS: tuple[tuple[Any, Domain, Domain], ...] = (
    (np.arctan2, NONZERO, POSITIVE), (np.hypot, NONZERO, POSITIVE), (np.logaddexp, REAL, REAL),
    (np.logaddexp2, REAL, REAL), (np.copysign, NONZERO, NONZERO), (np.heaviside, NONZERO, REAL),
    (np.remainder, Domain(((7.2, 8.8),)), Domain(((-2.39, -2.21),))),  # quotients between −3 and −4
    (np.fmod, Domain(((-8.8, -7.2),)), Domain(((2.21, 2.39),))),
    (np.maximum, BETWEEN, FAR), (np.minimum, BETWEEN, FAR), (np.fmax, BETWEEN, FAR), (np.fmin, BETWEEN, FAR),
)
# fmt: on
_CHANGED: tuple[tuple[str, Any], ...] = (
    ("ldexp", lambda x: np.ldexp(x, [1, -2, 0])),
    ("frexp", lambda x: np.frexp(x)[0] * np.frexp(x)[1]),
    ("modf", lambda x: np.modf(x)[0] * np.modf(x)[1]),
    ("nan_to_num", lambda x: np.nan_to_num(x)),
    ("nan_to_num values", lambda x: np.nan_to_num(np.where(x > 0, x, np.nan), nan=x[0, 0])),
    ("nan_to_num in place", lambda x: _mended(x * x)),
    ("real_if_close", lambda x: np.real_if_close(x * (1 + 1e-20j))),
    ("angle", lambda x: np.angle(x + 1j * x[0] ** 2)),
    ("angle degrees", lambda x: np.angle(x[0] + 1j * x, deg=True)),
    ("angle real", lambda x: np.angle(x) * x),
    ("sign nextafter spacing", lambda x: x * np.sign(x) + np.nextafter(x, 9) * x.shape[0]),
    ("fix", lambda x: x * np.fix(x)),
    ("float_power", lambda x: np.float_power(np.abs(x), 1.7).astype(x.dtype)),
    ("absolute complex", lambda x: np.abs(x + 1j * x[0] ** 2)),
    ("sign complex", lambda x: np.real(np.sign(x + 1j * x[0] ** 2))),
    ("emath.sqrt", lambda x: _modulus(np.emath.sqrt(x))),
    ("emath.log", lambda x: _modulus(np.emath.log(x))),
    ("emath.log2", lambda x: _modulus(np.emath.log2(x))),
    ("emath.log10", lambda x: _modulus(np.emath.log10(x))),
    ("emath.arccos", lambda x: _modulus(np.emath.arccos(x))),
    ("emath.arcsin", lambda x: _modulus(np.emath.arcsin(x))),
    ("emath.arctanh", lambda x: _modulus(np.emath.arctanh(x))),
    ("emath.logn", lambda x: _modulus(np.emath.logn(3, x))),
    ("emath.power", lambda x: _modulus(np.emath.power(x, 0.7))),
    ("emath of reals", lambda x: np.emath.sqrt(x * x)),
    ("imag", lambda x: np.imag(np.exp(1j * x))),
    ("positive", lambda x: +x),
    ("rad2deg", np.rad2deg),
)


def _modulus(z: Any) -> Any:
    return np.square(np.real(z)) + np.square(np.imag(z))


def _mended(x: Any) -> Any:
    np.nan_to_num(x, copy=False, nan=1.0)
    return x


def _raised(exponent: float, x: Any) -> Any:
    return x**exponent


def cases() -> Iterator[Case]:
    """The rows of this family."""
    for analytic, rows in ((True, _ANALYTIC), (False, _OF_REALS)):
        for function, domain in rows:
            yield from unary(function, domain, analytic)
    for analytic, pairs in ((True, _ANALYTIC_PAIRS), (False, _PAIRS_OF_REALS)):
        for function, left, right in pairs:
            yield from binary(function, left, right, analytic)
    for exponent, domain in ((2, NONZERO), (3, NONZERO), (-3.0, NONZERO), (0.5, POSITIVE)):
        for shape in SHAPES:
            yield row(f"x ** {exponent}", partial(_raised, exponent), shape, domains=domain)
    yield row("2 ** x", lambda x: 2**x, (2, 3))
    yield row("x ** x", lambda x: x**x, (2, 3), domains=POSITIVE)
    yield row("1 - 2 / x", lambda x: 1 - 2 / x, (2, 3), domains=NONZERO)
    for name, function in _CHANGED:
        yield row(name, function, (2, 3), domains=FRACTION, analytic=False)
    yield row("divmod", lambda x: sum(divmod(x, 2)), (2, 3), domains=FRACTION, analytic=False)
