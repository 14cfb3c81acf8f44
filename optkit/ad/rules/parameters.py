"""Derivatives of special functions with respect to their parameters: integrals and series in plain NumPy.

Where no closed form exists, the derivative is taken under the integral sign, and the integral is computed to rounding
error: by Gauss's rule over the interval in which the integrand is not negligible, or by the trapezoidal rule, which
converges exponentially for an analytic integrand that dies away at both ends (Trefethen & Weideman 2014, "The
exponentially convergent trapezoidal rule"). All of it is plain NumPy, so it can be differentiated again. What only
chooses the nodes is computed from plain values.

Incomplete gamma and beta functions
-----------------------------------
In the variable s = ln t, or s = ln(t/(1−t)), their densities are log-concave on the whole line. Differentiation by a
parameter multiplies the density by ln t − E[ln t], whose integral over the whole line is 0: so the side of the mode on
which the argument lies is enough, and nothing cancels.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from optkit.ad.core import reveal
from optkit.ad.primitives import Constant

# What chooses nodes and branches is not differentiated; but it is recorded where a graph is captured.
fixed: Any = Constant("fixed", lambda x: x)

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
# exp(−45) is less than the rounding error of what stands beside it.
_NEGLIGIBLE = 45.0
# B₂ⱼ / (2j)!
BERNOULLI = [b / math.factorial(2 * j) for j, b in enumerate(sp.bernoulli(24)[::2].tolist())]


def every(*conditions: Any) -> Any:
    """Where all of the conditions hold."""
    return functools.reduce(np.logical_and, conditions)


def some(*conditions: Any) -> Any:
    """Where any of the conditions holds."""
    return functools.reduce(np.logical_or, conditions)


def column(x: Any) -> Any:
    """``x`` with a trailing axis for the nodes."""
    return np.reshape(x, (*np.shape(x), 1))


def _gauss(f: Callable[[Any], Any], start: Any, end: Any) -> Any:
    """The integral of ``f`` from ``start`` to ``end``, both with a trailing axis."""
    half = 0.5 * (end - start)
    return np.sum(f(start + half * (1.0 + _NODES)) * _WEIGHTS, axis=-1) * half[..., 0]


def _one_sided(f: Callable[[Any], Any], edge: Any, left: Any, width: Any, steepness: Any) -> Any:
    """The integral of a log-concave density times a slow factor, from its far end to ``edge``, away from the mode.

    The intervals grow with the distance in multiples of the ``width`` of the density, up to where it has vanished by
    its ``steepness`` at the edge; the last one lasts until a tail of the steepness found there has vanished, too.
    """
    side = np.where(left, -1.0, 1.0)
    at = fixed(edge)
    vanished = _NEGLIGIBLE / np.maximum(steepness(at), 1e-300)
    ends = [at + side * np.minimum(reach * width, vanished) for reach in (5.0, 10.0, 20.0, 40.0)]
    far = ends[-1] + side * _NEGLIGIBLE / np.maximum(steepness(ends[-1]), 1e-300)
    total = _gauss(f, ends[0], edge)
    for start, end in itertools.pairwise([far, *ends[::-1]]):
        total = total + _gauss(f, start, end)
    return total


# --- the incomplete gamma function ------------------------------------------------------------------------------------


def _log_minus_digamma(a: Any) -> Any:
    """The difference ln a − ψ(a)."""
    large = np.where(fixed(a) > 20.0, a, 20.0)
    r = 1.0 / (large * large)
    series = 0.5 / large + r * (
        1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r * (1 / 132 - r * 691 / 32760))))
    )
    return np.where(fixed(a) > 20.0, series, np.log(a) - sp.digamma(a))


def _log_gamma_norm(a: Any) -> Any:
    """The difference a ln a − a − ln Γ(a)."""
    large = np.where(fixed(a) > 20.0, a, 20.0)
    r = 1.0 / (large * large)
    stirling = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / large
    return np.where(
        fixed(a) > 20.0,
        0.5 * np.log(large / (2.0 * math.pi)) - stirling,
        a * np.log(a) - a - sp.gammaln(a),
    )


def gamma_density(a: Any, x: Any) -> Any:
    """The density x^(a−1) e^(−x) / Γ(a), the derivative of P(a, x) with respect to x; 0 below 0."""
    inside = fixed(x) >= 0
    x = np.where(inside, x, 1.0)
    return np.where(inside, np.exp(sp.xlogy(a - 1.0, x) - x - sp.gammaln(a)), 0.0)


def gammainc_a(a: Any, x: Any) -> Any:
    """The derivative of the regularized lower incomplete gamma function P(a, x) with respect to ``a``."""
    valid = every(fixed(x) > 0, fixed(x) < math.inf, fixed(a) > 0, fixed(a) < math.inf)
    shape = np.where(valid, a, 1.0)
    alpha, edge = column(shape), column(np.log(np.where(valid, x, 1.0)))
    plain = fixed(alpha)
    center = np.log(alpha)
    norm, shift = _log_gamma_norm(alpha), _log_minus_digamma(alpha)

    def integrand(s: Any) -> Any:
        r = s - center
        return np.exp(norm - alpha * (np.expm1(r) - r)) * (r + shift)

    integral = _one_sided(
        integrand,
        edge,
        fixed(edge) <= np.log(plain),
        np.minimum(1.0, 1.0 / np.sqrt(plain)),
        lambda s: np.abs(plain - np.exp(s)),
    )
    undefined = some(np.isnan(fixed(a)), np.isnan(fixed(x)), fixed(a) < 0)
    return np.where(valid, integral, np.where(undefined, math.nan, 0.0))


# --- the incomplete beta function -------------------------------------------------------------------------------------


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """The density x^(a−1) (1−x)^(b−1) / B(a, b), the derivative of I_x(a, b) with respect to x; 0 outside [0, 1]."""
    inside = every(fixed(x) >= 0, fixed(x) <= 1)
    x = np.where(inside, x, 0.5)
    density = np.exp(sp.xlogy(a - 1.0, x) + sp.xlog1py(b - 1.0, -x) - sp.betaln(a, b))
    return np.where(inside, density, 0.0)


def _beta_integral(a: Any, b: Any, x: Any, which: int) -> Any:
    """The derivative of I_x(a, b) with respect to ``a`` (which = 1) or ``b`` (which = −1)."""
    valid = every(fixed(x) > 0, fixed(x) < 1, fixed(a) > 0, fixed(b) > 0)
    alpha, beta = column(np.where(valid, a, 1.0)), column(np.where(valid, b, 1.0))
    inside = np.where(valid, x, 0.5)
    edge = column(np.log(inside) - np.log1p(-inside))
    p, q = fixed(alpha), fixed(beta)
    norm = sp.betaln(alpha, beta)
    expected = sp.digamma(alpha if which == 1 else beta) - sp.digamma(alpha + beta)

    def integrand(s: Any) -> Any:
        lower, upper = sp.log_expit(s), sp.log_expit(-s)
        return np.exp(alpha * lower + beta * upper - norm) * (
            (lower if which == 1 else upper) - expected
        )

    integral = _one_sided(
        integrand,
        edge,
        fixed(edge) <= np.log(p / q),
        np.minimum(1.0, np.sqrt((p + q) / (p * q))),
        lambda s: np.abs(p * sp.expit(-s) - q * sp.expit(s)),
    )
    undefined = some(np.isnan(fixed(a) + fixed(b) + fixed(x)), fixed(a) < 0, fixed(b) < 0)
    return np.where(valid, integral, np.where(undefined, math.nan, 0.0))


def betainc_a(a: Any, b: Any, x: Any) -> Any:
    """The derivative of the regularized incomplete beta function I_x(a, b) with respect to ``a``."""
    return _beta_integral(a, b, x, 1)


def betainc_b(a: Any, b: Any, x: Any) -> Any:
    """The derivative of the regularized incomplete beta function I_x(a, b) with respect to ``b``."""
    return _beta_integral(a, b, x, -1)


# --- the zeta function ------------------------------------------------------------------------------------------------


def zeta_s(s: Any, q: Any) -> Any:
    """The derivative of Hurwitz's ζ(s, q) with respect to ``s``, by the Euler-Maclaurin formula (DLMF 25.11.5)."""
    terms = 12
    total: Any = 0.0
    for k in range(terms):
        total = total - np.log(q + k) * (q + k) ** (-s)
    w = q + terms
    log_w, power = np.log(w), w ** (-s)
    total = total - power * (w * (log_w + 1.0 / (s - 1.0)) / (s - 1.0) + 0.5 * log_w)
    # (s)ₘ and its derivative, m = 2j − 1.
    rising, slope = s, 1.0
    for j in range(1, len(BERNOULLI)):
        m = 2 * j - 1
        total = total + BERNOULLI[j] * (slope - rising * log_w) * power / w**m
        for step in (m, m + 1):
            rising, slope = rising * (s + step), slope * (s + step) + rising
    return total


def riemann_zeta_s(s: Any) -> Any:
    """The derivative of Riemann's ζ(s); for s < 0 by its functional equation (DLMF 25.4.1)."""
    negative = fixed(s) < 0
    t = np.where(negative, s, -1.0)
    half = 0.5 * math.pi * t
    factor = 2.0 * (2.0 * math.pi) ** (t - 1.0) * sp.gamma(1.0 - t)
    chi_s = factor * (
        (math.log(2.0 * math.pi) - sp.digamma(1.0 - t)) * np.sin(half)
        + 0.5 * math.pi * np.cos(half)
    )
    mirrored = chi_s * sp.zeta(1.0 - t, 1.0) - factor * np.sin(half) * zeta_s(1.0 - t, 1.0)
    return np.where(negative, mirrored, zeta_s(np.where(negative, 2.0, s), 1.0))


# --- Carlson's elliptic integrals -------------------------------------------------------------------------------------


def carlson(*factors: tuple[float, Any]) -> Any:
    """The integral over t from 0 to ∞ of the product of (t + z)^p over the factors (p, z).

    The trapezoidal rule in ln t. Derivatives of Carlson's symmetric integrals are of this form (DLMF 19.16.9, 19.18.4).
    """
    values = np.concatenate([np.ravel(np.abs(reveal(z))) for _, z in factors])
    values = values[(values > 0) & np.isfinite(values)]
    if not values.size:
        values = np.ones(1)
    step = 0.5
    s = np.arange(math.log(values.min()) - 80.0, math.log(values.max()) + 80.0, step)
    t = np.exp(s)
    exponent: Any = s
    for p, z in factors:
        exponent = exponent + p * np.log(t + column(z))
    return step * np.sum(np.exp(exponent), axis=-1)
