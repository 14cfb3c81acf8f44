"""Derivatives of Bessel functions with respect to their order, for real arguments.

Integral representations (DLMF 10.9.6, 10.9.7, 10.32.9) and power series (10.2.2, 10.25.2), differentiated under the
sign. Each is used where nothing cancels: K has an integral of positive terms; so has I its series; the series of J
serves small arguments and those below the order, its integral the others, to rounding errors of the amplitude.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from optkit.ad.core import reveal
from optkit.ad.rules.parameters import column, every, fixed
from optkit.errors import NotDifferentiableError

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_NEGLIGIBLE = 45.0


def _real(name: str, z: Any) -> Any:
    """The argument; where it is not positive the derivative is not known."""
    if np.iscomplexobj(z):
        raise NotDifferentiableError(
            f"scipy.special.{name} of complex arguments has no derivative with respect to its order v: keep it "
            "constant with ad.stop_gradient(v)"
        )
    return fixed(z) > 0


def _panels(f: Callable[[Any], Any], end: Any, count: int) -> Any:
    """The integral of ``f`` from 0 to ``end`` (with a trailing axis) over so many intervals, by Gauss's rule."""
    width = end / count
    total: Any = 0.0
    for i in range(count):
        total = total + np.sum(f(width * (i + 0.5 * (1.0 + _NODES))) * _WEIGHTS, axis=-1)
    return total * 0.5 * width[..., 0]


def _reach(grows: Callable[[Any], Any], v: Any, z: Any) -> Any:
    """Where z · grows⁻¹ has become so large that e^(−z f(t) + |v| t) is negligible."""
    t = np.ones(np.broadcast_shapes(v.shape, z.shape))
    for _ in range(40):
        t = grows((_NEGLIGIBLE + np.abs(v) * t) / z)
    return t


def kve_v(v: Any, z: Any) -> Any:
    """The derivative of e^z K_v(z) with respect to ``v``: the integral of t sinh(vt) e^(−z(cosh t − 1))."""
    valid = _real("kve", z)
    order, x = column(v), column(np.where(valid, z, 1.0))
    end = _reach(lambda s: np.arccosh(1.0 + s), fixed(order), fixed(x))
    # The integrand is as narrow as 1/√v at its peak.
    per_unit = max(5.0, 3.5 * math.sqrt(float(np.max(np.abs(reveal(order)), initial=0.0))))
    count = max(64, math.ceil(float(np.max(reveal(end), initial=0.0)) * per_unit))
    step = end / count
    t = step * np.arange(1, count + 1)
    decay = -2.0 * x * np.square(np.sinh(0.5 * t))
    total = np.sum(0.5 * t * (np.exp(order * t + decay) - np.exp(decay - order * t)), axis=-1)
    return np.where(valid, step[..., 0] * total, math.nan)


def _series(name: str, v: Any, z: Any, sign: float, shift: Any) -> Any:
    """Σ ± (z/2)^(2k+v) (ln(z/2) − ψ(v+k+1)) / (k! Γ(v+k+1)), each term times e^(−shift)."""
    if np.any(fixed(v) <= -1.0):
        raise NotDifferentiableError(
            f"scipy.special.{name} of orders up to −1 has no derivative with respect to its order v: keep it constant "
            "with ad.stop_gradient(v), or use the recurrence of the orders"
        )
    order, x = column(v), column(z)
    largest = float(np.max(reveal(x), initial=0.0))
    k = np.arange(math.ceil(0.5 * largest + 10.0 * math.sqrt(largest) + 40.0))
    half = np.log(0.5 * x)
    size = np.exp(
        (2.0 * k + order) * half - sp.gammaln(k + 1.0) - sp.gammaln(order + k + 1.0) - column(shift)
    )
    return np.sum(sign**k * size * (half - sp.digamma(order + k + 1.0)), axis=-1)


def ive_v(v: Any, z: Any) -> Any:
    """The derivative of e^(−z) I_v(z) with respect to ``v``."""
    valid = _real("ive", z)
    x = np.where(valid, z, 1.0)
    zero = every(fixed(z) == 0, fixed(v) > 0)
    return np.where(valid, _series("ive", v, x, 1.0, x), np.where(zero, 0.0, math.nan))


def _oscillating(v: Any, z: Any) -> tuple[Any, Any, int, Any, int]:
    """Order and argument with a trailing axis, the numbers of intervals, and the end of the second integral."""
    order, x = column(v), column(z)
    angles = 2 + math.ceil(float(np.max(np.abs(reveal(order)) + reveal(x), initial=0.0)) / 8.0)
    end = _reach(np.arcsinh, fixed(order), fixed(x))
    return order, x, angles, end, 2 + math.ceil(float(np.max(reveal(end), initial=0.0)) / 2.0)


def _jv_integral(v: Any, z: Any) -> Any:
    order, x, angles, end, panels = _oscillating(v, z)
    cos, sin = np.cos(math.pi * order), np.sin(math.pi * order)
    first = _panels(lambda a: a * np.sin(order * a - x * np.sin(a)), column(math.pi), angles)
    second = _panels(
        lambda t: np.exp(-x * np.sinh(t) - order * t) * (cos - sin * t / math.pi), end, panels
    )
    return -first / math.pi - second


def jv_v(v: Any, z: Any) -> Any:
    """The derivative of J_v(z) with respect to ``v``."""
    valid = _real("jv", z)
    zero = every(fixed(z) == 0, fixed(v) > 0)
    near = every(valid, fixed(z) < np.maximum(8.0, 0.75 * fixed(v)))
    small, large = np.where(near, z, 1.0), np.where(every(valid, np.logical_not(near)), z, 20.0)
    series = _series("jv", np.where(near, v, 1.0), small, -1.0, 0.0 * small)
    return np.where(
        near, series, np.where(valid, _jv_integral(v, large), np.where(zero, 0.0, math.nan))
    )


def yv_v(v: Any, z: Any) -> Any:
    """The derivative of Y_v(z) with respect to ``v``."""
    valid = _real("yv", z)
    order, x, angles, end, panels = _oscillating(v, np.where(valid, z, 1.0))
    cos, sin = np.cos(math.pi * order), np.sin(math.pi * order)
    first = _panels(lambda a: a * np.cos(x * np.sin(a) - order * a), column(math.pi), angles)

    def second(t: Any) -> Any:
        decay = -x * np.sinh(t)
        return t * np.exp(order * t + decay) - np.exp(decay - order * t) * (t * cos + math.pi * sin)

    return np.where(valid, -(first + _panels(second, end, panels)) / math.pi, math.nan)
