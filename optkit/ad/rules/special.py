"""The functions of `scipy.special`: one row each, a slope for every argument or the reason why there is none.

SciPy's ufuncs dispatch to us by themselves; this module is imported when the first of them meets a traced value. A row
is ``row("name", "arguments", slope, ...)`` with slopes as in `registry.elementwise`; a text in the place of a slope
says why the derivative with respect to that argument is refused, and it is refused only when that argument is traced.
``inverse`` rows take their slopes from the function that they invert. Formulas: NIST Digital Library of Mathematical
Functions (DLMF), §5 to §30; what needs integrals or series is in `optkit.ad.rules.parameters`.
"""

# fmt: off
# ruff: noqa: E501 -- rows of a table
from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sp

from optkit.ad.registry import FUNCTIONS
from optkit.ad.rules import hypergeometric as hyper
from optkit.ad.rules import orders as at_order
from optkit.ad.rules import parameters as by
from optkit.ad.rules.parameters import fixed
from optkit.ad.rules.special_rows import INTEGER, SLOPES, inverse, refused, row, steps
from optkit.errors import NotDifferentiableError

_PI, _SQRT_PI = math.pi, math.sqrt(math.pi)
_DEGREE = math.pi / 180.0
_NONCENTRAL = "its noncentral distribution has no derivative rule; integrate the density over the mixture yourself"
_ORDER = "the derivative with respect to the order has no closed form"
_PARAMETER = "the derivative with respect to this parameter has no closed form"


# --- helpers: limits at removable singularities, and differences that would cancel ------------------------------------


def _where_zero(x: Any, limit: Any, f: Any) -> Any:
    """``f(x)``, and ``limit`` where x is 0."""
    zero = fixed(x) == 0
    return np.where(zero, limit, f(np.where(zero, 1.0, x)))


def _polynomial(coefficients: Any, x: Any) -> Any:
    total: Any = 0.0
    for c in reversed(coefficients):
        total = total * x + c
    return total


def _near_zero(x: Any, radius: float, coefficients: Any, f: Any) -> Any:
    """``f(x)``, within the ``radius`` of 0 by its Taylor series."""
    near = np.abs(fixed(x)) < radius
    return np.where(near, _polynomial(coefficients, np.where(near, x, 0.0)), f(np.where(near, radius, x)))


_EXPREL = [(k + 1.0) / math.factorial(k + 2) for k in range(16)]


def _exprel_slope(x: Any) -> Any:
    """d/dx (eˣ − 1)/x, accurate near 0."""
    return _near_zero(x, 0.6, _EXPREL, lambda t: (np.exp(t) - sp.exprel(t)) / t)


def _spence_slope(z: Any) -> Any:
    """The quotient ln z / (1 − z), −1 at 1."""
    return _near_zero(z - 1.0, 0.02, [(-1.0) ** (k + 1) / (k + 1) for k in range(10)], lambda u: -np.log1p(u) / u)


# (2k − 1)!! for k ≥ 1, and signed.
_ODD = [0.0, *np.cumprod(np.arange(1.0, 40.0, 2.0)).tolist()]
_ODD_SIGNED = [(-1.0) ** k * c for k, c in enumerate(_ODD)]


def _dawsn_slope(y: Any, x: Any) -> Any:
    """1 − 2xF(x), far out by its asymptotic series (DLMF 7.12.1 with z → ix)."""
    far = np.abs(fixed(x)) > 7.0
    u = np.where(far, x, 7.0)
    return np.where(far, -_polynomial(_ODD, 0.5 / (u * u)), 1.0 - 2.0 * np.where(far, 0.0, x) * y)


def _erfcx_slope(y: Any, x: Any) -> Any:
    """2x erfcx(x) − 2/√π, far out on the right by the asymptotic series (DLMF 7.12.1)."""
    far = np.real(fixed(x)) > 7.0
    u = np.where(far, x, 7.0)
    return np.where(far, 2.0 / _SQRT_PI * _polynomial(_ODD_SIGNED, 0.5 / (u * u)), 2.0 * x * y - 2.0 / _SQRT_PI)


def _wofz_slope(y: Any, z: Any) -> Any:
    """−2z w(z) + 2i/√π, far out in the upper half-plane by the asymptotic series."""
    far = (np.abs(fixed(z)) > 7.0) & (np.imag(fixed(z)) >= 0)
    u = np.where(far, z, 7.0)
    return np.where(far, -2j / _SQRT_PI * _polynomial(_ODD, 0.5 / (u * u)), -2.0 * z * y + 2j / _SQRT_PI)


def _normal(x: Any) -> Any:
    """The standard normal density."""
    return np.exp(-0.5 * x * x) / math.sqrt(2.0 * _PI)


def _hazard(x: Any) -> Any:
    """φ(x)/Φ(x), without cancellation or underflow in the tails."""
    if np.iscomplexobj(x):
        return np.exp(-0.5 * x * x - sp.log_ndtr(x)) / math.sqrt(2.0 * _PI)
    return math.sqrt(2.0 / _PI) / sp.erfcx(x * -math.sqrt(0.5))


def _pole(x: Any) -> Any:
    """Where the gamma function has a pole."""
    x = fixed(x)
    return (np.real(x) <= 0) & (x == np.floor(np.real(x)))


def _rgamma_slope(y: Any, x: Any) -> Any:
    """−ψ(x)/Γ(x); on the left by the reflection formula, which holds at the poles of both (DLMF 5.5.3)."""
    left = np.real(fixed(x)) < 0.5
    u = np.where(left, x, 0.5)
    mirrored = sp.gamma(1.0 - u) * (np.cos(_PI * u) - sp.digamma(1.0 - u) * np.sin(_PI * u) / _PI)
    return np.where(left, mirrored, -y * sp.digamma(np.where(left, 1.0, x)))


def _regular(x: Any) -> Any:
    return np.where(_pole(x), 1.0, x)


def _binom_slope(n: Any, k: Any, y: Any, by_n: float, by_k: float) -> Any:
    """by_n ∂/∂n + by_k ∂/∂k of Γ(n+1)/(Γ(k+1) Γ(n−k+1)); where one of the three is at a pole, by reciprocals."""
    p, q = k + 1.0, n - k + 1.0
    pole = _pole(p) | _pole(q) | _pole(n + 1.0)
    plain = y * (by_n * sp.digamma(_regular(n + 1.0)) - by_k * sp.digamma(_regular(p)) - (by_n - by_k) * sp.digamma(_regular(q)))
    if not np.any(pole):
        return plain
    P, Q = sp.rgamma(p), sp.rgamma(q)
    dP, dQ = _rgamma_slope(P, p), _rgamma_slope(Q, q)
    m = np.where(pole, n + 1.0, 1.0)
    return np.where(pole, sp.gamma(m) * ((by_n * sp.digamma(m)) * P * Q + by_k * dP * Q + (by_n - by_k) * P * dQ), plain)


def _poch_slope(y: Any, z: Any, m: Any) -> Any:
    """∂/∂z of Γ(z + m)/Γ(z)."""
    pole = _pole(z)
    plain = y * (sp.digamma(_regular(z + m)) - sp.digamma(_regular(z)))
    at_pole = sp.gamma(np.where(pole, z + m, 1.0)) * _rgamma_slope(0.0 * y, np.where(pole, z, 1.0))
    return np.where(pole, at_pole, plain)


def _trigamma(x: Any) -> Any:
    return FUNCTIONS["polygamma"](1, x)


def _plain_polygamma(n: Any, x: Any) -> Any:
    return _complex_polygamma(n, x) if np.iscomplexobj(x) else sp.polygamma(n, x)[()]


def _complex_polygamma(n: Any, z: Any) -> Any:
    """By upward recurrence and the asymptotic series (DLMF 5.15.5, 5.15.8)."""
    n, z = int(n), np.array(z)
    if np.any(np.real(z) < -500.0):
        raise NotDifferentiableError("the derivative of scipy.special.digamma of a complex number left of −500")
    total: Any = 0.0
    sign = (-1.0) ** (n + 1)
    while np.any(np.real(z) < 20.0 + n):
        low = np.real(z) < 20.0 + n
        total = total + np.where(low, sign * math.factorial(n) * z ** (-n - 1.0), 0.0)
        z = np.where(low, z + 1.0, z)
    series = math.factorial(n - 1) * z ** (-float(n)) + 0.5 * math.factorial(n) * z ** (-n - 1.0)
    for j in range(1, 12):
        series = series + by.BERNOULLI[j] * math.factorial(2 * j + n - 1) * z ** (-2.0 * j - n)
    return total + sign * series


def _expn_slope(n: Any, x: Any) -> Any:
    """−E_{n−1}(x), where E₋₁ is written out."""
    zero = np.equal(n, 0)
    return np.where(zero, -np.exp(-x) * (1.0 + x) / np.where(zero, x * x, 1.0), -sp.expn(np.where(zero, 1, n) - 1, x))


def _kolmogorov_slope(x: Any) -> Any:
    """By the alternating series, and near 0 by its theta transform."""
    near, positive = fixed(x) < 0.8, fixed(x) > 0.04
    u, v = np.where(near, 1.0, x), np.where(near & positive, x, 0.5)
    far_out = sum((-1.0) ** k * 8.0 * k * k * u * np.exp(-2.0 * k * k * u * u) for k in range(1, 8))
    close: Any = 0.0
    for k in (1, 3, 5, 7):
        c = (k * _PI) ** 2 / (8.0 * v * v)
        close = close + (1.0 - 2.0 * c) * np.exp(-c) * math.sqrt(2.0 * _PI) / (v * v)
    return np.where(near, np.where(positive, close, 0.0), far_out)


def _tukey_slopes(p: Any, lam: Any) -> tuple[Any, Any]:
    """Of the quantile Q(p) = (p^λ − (1−p)^λ)/λ: ∂Q/∂p, ∂Q/∂λ."""
    low, high = np.log(p), np.log1p(-p)
    by_lambda = low * low * _exprel_slope(lam * low) - high * high * _exprel_slope(lam * high)
    return np.exp((lam - 1.0) * low) + np.exp((lam - 1.0) * high), by_lambda


def _tklmbda(p: Any, x: Any, lam: Any, which: int) -> Any:
    inside = (fixed(p) > 0) & (fixed(p) < 1)
    by_p, by_lambda = _tukey_slopes(np.where(inside, p, 0.5), lam)
    return np.where(inside, (1.0 if which == 0 else -by_lambda) / by_p, 0.0)


def _voigt(x: Any, sigma: Any, gamma: Any, which: int) -> Any:
    """The slopes of Re w(z)/(σ√(2π)), z = (x + iγ)/(σ√2); at σ = 0 those of the Lorentz profile."""
    lorentz = fixed(sigma) == 0
    s = np.where(lorentz, 1.0, sigma)
    z = (x + 1j * gamma) / (s * math.sqrt(2.0))
    w = sp.wofz(z)
    dw = _wofz_slope(w, z)
    scale = 1.0 / (s * math.sqrt(2.0 * _PI))
    if which == 0:
        g, center = np.real(dw) / (s * math.sqrt(2.0)), -2.0 * gamma * x / (_PI * np.where(lorentz, (x * x + gamma * gamma) ** 2, 1.0))
    elif which == 1:
        g, center = -np.real(w + z * dw) / s, 0.0
    else:
        g, center = -np.imag(dw) / (s * math.sqrt(2.0)), (x * x - gamma * gamma) / (_PI * np.where(lorentz, (x * x + gamma * gamma) ** 2, 1.0))
    return np.where(lorentz, center, scale * g)


def _agm_slope(y: Any, a: Any, b: Any) -> Any:
    """∂M/∂a = 2 M² a R_D(0, b², a²)/(3π), from M = π/(2 R_F(0, a², b²)) (DLMF 19.8.5)."""
    flat = fixed(y) == 0  # Where the other argument is 0; both have one sign elsewhere.
    u, v = np.where(flat, 1.0, np.abs(a)), np.where(flat, 1.0, b)
    return np.where(flat, 0.0, 2.0 * y * y * u * sp.elliprd(0.0 * v, v * v, u * u) / (3.0 * _PI))


def _pseudo_huber_slope(delta: Any, r: Any) -> Any:
    zero = fixed(delta) == 0
    u = r / np.where(zero, 1.0, delta)
    h = np.sqrt(1.0 + u * u)
    return np.where(zero, 0.0, delta * (u * u / (1.0 + h)) ** 2 / h)


def _boxcox_slope(log_x: Any, lam: Any) -> Any:
    """∂/∂λ of (x^λ − 1)/λ."""
    zero = fixed(log_x) == -math.inf
    L = np.where(zero, 0.0, log_x)
    return np.where(zero, np.where(fixed(lam) > 0, 1.0 / np.square(np.where(zero, lam, 1.0)), math.nan), L * L * _exprel_slope(lam * L))


def _turns(phi: Any) -> Any:
    return np.rint(fixed(phi) / _PI)


def _ellipkinc_m(phi: Any, m: Any) -> Any:
    """∂F/∂m by Carlson's R_D, which does not cancel at m = 0 (DLMF 19.25.5, 19.18.1)."""
    k = _turns(phi)
    s, c = np.sin(phi - _PI * k), np.cos(phi - _PI * k)
    return s**3 / 6.0 * sp.elliprd(c * c, 1.0 + 0.0 * c, 1.0 - m * s * s) + np.where(k == 0, 0.0, 2.0 * k * _ellipk_m(np.where(k == 0, 0.0, m)))


def _ellipeinc_m(phi: Any, m: Any) -> Any:
    k = _turns(phi)
    s, c = np.sin(phi - _PI * k), np.cos(phi - _PI * k)
    return -(s**3) / 6.0 * sp.elliprd(c * c, 1.0 - m * s * s, 1.0 + 0.0 * c) + np.where(k == 0, 0.0, 2.0 * k * _ellipe_m(np.where(k == 0, 0.0, m)))


def _ellipk_m(m: Any) -> Any:
    return sp.elliprd(0.0 * m, 1.0 + 0.0 * m, 1.0 - m) / 6.0


def _ellipe_m(m: Any) -> Any:
    return -sp.elliprd(0.0 * m, 1.0 - m, 1.0 + 0.0 * m) / 6.0


def _ellipj_m(y: Any, u: Any, m: Any) -> tuple[Any, Any, Any, Any]:
    sn, cn, dn, phi = y
    phi_m = -dn * _ellipkinc_m(phi, m)
    return cn * phi_m, -sn * phi_m, -(sn * sn + 2.0 * m * sn * cn * phi_m) / (2.0 * dn), phi_m


def _elliprc_slopes(y: Any, x: Any, z: Any, which: int) -> Any:
    """Of R_C(x, z); for z < 0 (a principal value) from the closed forms, which do not cancel there."""
    principal = (np.real(fixed(z)) < 0) & (np.imag(fixed(z)) == 0)
    a, b = np.where(principal, 1.0, x), np.where(principal, 1.0, z)
    u, v = np.where(principal, x, 1.0), np.where(principal, z, -1.0)
    by_x = 0.5 * (y - 1.0 / np.sqrt(u)) / (v - u)
    if which == 0:
        return np.where(principal, by_x, -0.25 * by.carlson((-1.5, a), (-1.0, b)))
    return np.where(principal, (-0.5 * y - 0.5 * (u * y - np.sqrt(u)) / (v - u)) / v, -0.5 * by.carlson((-0.5, a), (-2.0, b)))


def _elliprj_slope(x: Any, y: Any, z: Any, p: Any, powers: tuple[float, ...], factor: float) -> Any:
    if np.any((np.real(fixed(p)) < 0) & (np.imag(fixed(p)) == 0)):
        raise NotDifferentiableError("scipy.special.elliprj has no derivative rule for p < 0, where it is a principal value")
    return factor * by.carlson(*zip(powers, (x, y, z, p), strict=True))


def _scaled(y: Any, x: Any) -> Any:
    """sign(x) y: what a factor e^(−|x|) adds to a slope; complex arguments have none."""
    if np.iscomplexobj(x):
        raise NotDifferentiableError("the scaled Bessel and Airy functions contain |Re z| or |Im z|, so they have no complex derivative: use the unscaled ones, scipy.special.iv, jv, yv, airy")
    return np.sign(x) * y


def _airye_slopes(y: Any, z: Any) -> Any:
    _scaled(0.0, z)
    a, da, b, db = y
    root = np.sqrt(np.where(fixed(z) > 0, z, 0.0))
    return da + root * a, z * a + root * da, db - root * b, z * b - root * db


def _struve_slope(v: Any, x: Any, upper: float, f: Any) -> Any:
    return 0.5 * (f(v - 1, x) + upper * f(v + 1, x) + (0.5 * x) ** v * sp.rgamma(v + 1.5) / _SQRT_PI)


def _below(n: Any, f: Any) -> Any:
    """``f(n − 1)``, and 0 for n = 0."""
    zero = np.equal(n, 0)
    return np.where(zero, 0.0, f(np.where(zero, 1, n)[()] - 1)) if np.any(zero) else f(n - 1)


def _genlaguerre_alpha(n: Any, alpha: Any, x: Any) -> Any:
    """Σ L_k^(α)(x)/(n − k) over k < n (DLMF 18.18.22 differentiated at β = α)."""
    if np.any(np.asarray(n) != np.floor(n)):
        raise NotDifferentiableError("scipy.special.eval_genlaguerre of a degree that is not an integer has no derivative with respect to alpha")
    total: Any = 0.0 * x * alpha * n
    for k in range(int(np.max(n, initial=0))):
        total = total + np.where(np.greater(n, k), sp.eval_genlaguerre(k, alpha, x) / np.maximum(np.subtract(n, k), 1), 0.0)
    return total


def _spheroidal(squared: float, oblate_radial: bool, f: Any, cv: Any) -> Any:
    """The slopes with respect to x of (S, S′), from the differential equation (DLMF 30.2.1); c² has the sign ``squared``."""
    def slopes(y: Any, m: Any, n: Any, c: Any, *rest: Any) -> Any:
        value, slope = y
        x = rest[-1]
        separation = rest[0] if len(rest) == 2 else cv(m, n, c)
        if oblate_radial:
            u = x * x + 1.0
            return slope, (-2.0 * x * slope + (separation - np.square(c) * x * x - np.square(m) / u) * value) / u
        u = 1.0 - x * x
        return slope, (2.0 * x * slope - (separation - squared * np.square(c) * x * x - np.square(m) / u) * value) / u

    return slopes


def _log_wright_slope(y: Any, a: Any, b: Any, x: Any) -> Any:
    return np.exp(sp.log_wright_bessel(a, a + b, x) - y)


# --- elementary -------------------------------------------------------------------------------------------------------

row("cbrt", "x", lambda y, x: 1 / (3 * y * y))
row("exp2", "x", lambda y, x: math.log(2.0) * y)
row("exp10", "x", lambda y, x: math.log(10.0) * y)
row("expm1", "x", lambda y, x: np.exp(x))
row("log1p", "x", lambda y, x: 1 / (1 + x))
row("cosm1", "x", lambda y, x: -np.sin(x))
row("exprel", "x", lambda y, x: _exprel_slope(x))
row("powm1", "x y", lambda v, x, y: y * np.power(x, y - 1), lambda v, x, y: sp.xlogy(v + 1, x))
row("sindg", "x", lambda y, x: _DEGREE * sp.cosdg(x))
row("cosdg", "x", lambda y, x: -_DEGREE * sp.sindg(x))
row("tandg", "x", lambda y, x: _DEGREE * (1 + y * y))
row("cotdg", "x", lambda y, x: -_DEGREE * (1 + y * y))
row("radian", "d m s", lambda y, d, m, s: _DEGREE, lambda y, d, m, s: _DEGREE / 60, lambda y, d, m, s: _DEGREE / 3600)
row("agm", "a b", lambda y, a, b: _agm_slope(y, a, b), lambda y, a, b: _agm_slope(y, b, a))
row("expit", "x", lambda y, x: y * sp.expit(-x))
row("log_expit", "x", lambda y, x: sp.expit(-x))
row("logit", "x", lambda y, x: 1 / (x * (1 - x)))
row("_log1mexp", "x", lambda y, x: -1 / np.expm1(-x))
row("_log1pmx", "x", lambda y, x: -x / (1 + x))
row("_sinpi", "x", lambda y, x: _PI * sp._ufuncs._cospi(x))
row("_cospi", "x", lambda y, x: -_PI * sp._ufuncs._sinpi(x))
row("xlogy", "x y", lambda v, x, y: np.log(y), lambda v, x, y: np.where(fixed(x) == 0, 0.0, x / np.where(fixed(x) == 0, 1.0, y)))
row("xlog1py", "x y", lambda v, x, y: np.log1p(y), lambda v, x, y: np.where(fixed(x) == 0, 0.0, x / np.where(fixed(x) == 0, 1.0, 1.0 + y)))
row("entr", "x", lambda y, x: -np.log(x) - 1)
row("rel_entr", "x y", lambda v, x, y: np.log(x) - np.log(y) + 1, lambda v, x, y: np.where(fixed(x) == 0, 0.0, -x / np.where(fixed(x) == 0, 1.0, y)))
row("kl_div", "x y", lambda v, x, y: np.log(x) - np.log(y), lambda v, x, y: 1 - np.where(fixed(x) == 0, 0.0, x / np.where(fixed(x) == 0, 1.0, y)))
row("huber", "delta r", lambda y, d, r: np.maximum(np.abs(r) - d, 0.0), lambda y, d, r: np.clip(r, -d, d))
row("pseudo_huber", "delta r", lambda y, d, r: _pseudo_huber_slope(d, r), lambda y, d, r: np.where(fixed(d) == 0, 0.0, r / np.sqrt(1 + np.square(r / np.where(fixed(d) == 0, 1.0, d)))))
row("boxcox", "x lmbda", lambda y, x, a: np.power(x, a - 1), lambda y, x, a: _boxcox_slope(np.log(x), a))
row("boxcox1p", "x lmbda", lambda y, x, a: np.exp((a - 1) * np.log1p(x)), lambda y, x, a: _boxcox_slope(np.log1p(x), a))
inverse("inv_boxcox", "p lmbda", "boxcox", "y lmbda")
inverse("inv_boxcox1p", "p lmbda", "boxcox1p", "y lmbda")
steps("round", "gammasgn")

# --- gamma and relatives (DLMF 5, 8, 25) ------------------------------------------------------------------------------

row("gamma", "x", lambda y, x: y * sp.digamma(x))
row("gammaln", "x", lambda y, x: sp.digamma(x))
row("loggamma", "x", lambda y, x: sp.digamma(x))
row("rgamma", "x", _rgamma_slope)
row("digamma", "x", lambda y, x: _trigamma(x))
row("psi", "x", lambda y, x: _trigamma(x))
row("polygamma", "n x", INTEGER, lambda y, n, x: FUNCTIONS["polygamma"](n + 1, x), impl=_plain_polygamma)
row("_zeta", "x q", lambda y, x, q: by.zeta_s(x, q), lambda y, x, q: -x * sp.zeta(x + 1, q))
row("_riemann_zeta", "x", lambda y, x: by.riemann_zeta_s(x))
row("zetac", "x", lambda y, x: by.riemann_zeta_s(x))
row("beta", "a b", lambda y, a, b: y * (sp.digamma(a) - sp.digamma(a + b)), lambda y, a, b: y * (sp.digamma(b) - sp.digamma(a + b)))
row("betaln", "a b", lambda y, a, b: sp.digamma(a) - sp.digamma(a + b), lambda y, a, b: sp.digamma(b) - sp.digamma(a + b))
row("binom", "n k", lambda y, n, k: _binom_slope(n, k, y, 1.0, 0.0), lambda y, n, k: _binom_slope(n, k, y, 0.0, 1.0))
row("poch", "z m", lambda y, z, m: _poch_slope(y, z, m), lambda y, z, m: y * sp.digamma(_regular(z + m)))
row("gammainc", "a x", lambda y, a, x: by.gammainc_a(a, x), lambda y, a, x: by.gamma_density(a, x))
row("gammaincc", "a x", lambda y, a, x: -by.gammainc_a(a, x), lambda y, a, x: -by.gamma_density(a, x))
row("betainc", "a b x", lambda y, a, b, x: by.betainc_a(a, b, x), lambda y, a, b, x: by.betainc_b(a, b, x), lambda y, a, b, x: by.beta_density(a, b, x))
row("betaincc", "a b x", lambda y, a, b, x: -by.betainc_a(a, b, x), lambda y, a, b, x: -by.betainc_b(a, b, x), lambda y, a, b, x: -by.beta_density(a, b, x))
inverse("gammaincinv", "a p", "gammainc", "a y")
inverse("gammainccinv", "a p", "gammaincc", "a y")
inverse("betaincinv", "a b p", "betainc", "a b y")
inverse("betainccinv", "a b p", "betaincc", "a b y")

# --- error functions (DLMF 7) -----------------------------------------------------------------------------------------

row("erf", "x", lambda y, x: 2 / _SQRT_PI * np.exp(-x * x))
row("erfc", "x", lambda y, x: -2 / _SQRT_PI * np.exp(-x * x))
row("erfcx", "x", _erfcx_slope)
row("erfi", "x", lambda y, x: 2 / _SQRT_PI * np.exp(x * x))
row("erfinv", "x", lambda y, x: 0.5 * _SQRT_PI * np.exp(y * y))
row("erfcinv", "x", lambda y, x: -0.5 * _SQRT_PI * np.exp(y * y))
row("dawsn", "x", _dawsn_slope)
row("wofz", "z", _wofz_slope)
row("ndtr", "x", lambda y, x: _normal(x))
row("log_ndtr", "x", lambda y, x: _hazard(x))
row("ndtri", "p", lambda y, p: 1 / _normal(y))
row("ndtri_exp", "p", lambda y, p: 1 / _hazard(y))
row("voigt_profile", "x sigma gamma", lambda y, x, s, g: _voigt(x, s, g, 0), lambda y, x, s, g: _voigt(x, s, g, 1), lambda y, x, s, g: _voigt(x, s, g, 2))
row("owens_t", "h a", lambda y, h, a: -0.5 * _normal(h) * sp.erf(a * h * math.sqrt(0.5)), lambda y, h, a: np.exp(-0.5 * h * h * (1 + a * a)) / (2 * _PI * (1 + a * a)))
row("fresnel", "z", lambda y, z: (np.sin(0.5 * _PI * z * z), np.cos(0.5 * _PI * z * z)))
row("modfresnelp", "x", lambda y, x: (-np.exp(1j * x * x), -2j * x * y[1] - np.exp(-0.25j * _PI) / _SQRT_PI))
row("modfresnelm", "x", lambda y, x: (-np.exp(-1j * x * x), 2j * x * y[1] - np.exp(0.25j * _PI) / _SQRT_PI))

# --- exponential, sine and other integrals (DLMF 6) -------------------------------------------------------------------

row("exp1", "z", lambda y, z: -np.exp(-z) / z)
row("expi", "z", lambda y, z: np.exp(z) / z)
row("expn", "n x", INTEGER, lambda y, n, x: _expn_slope(n, x))
row("_scaled_exp1", "x", lambda y, x: y * (1 + 1 / x) - 1)
row("sici", "z", lambda y, z: (_where_zero(z, 1.0, lambda t: np.sin(t) / t), np.cos(z) / z))
row("shichi", "z", lambda y, z: (_where_zero(z, 1.0, lambda t: np.sinh(t) / t), np.cosh(z) / z))
row("spence", "z", lambda y, z: _spence_slope(z))
row("_lambertw", "z k tol", lambda y, z, k, tol: 1 / (np.exp(y) * (1 + y)), INTEGER, 0)
row("wrightomega", "z", lambda y, z: y / (1 + y))

# --- Bessel functions and relatives (DLMF 9, 10, 11) ------------------------------------------------------------------

row("j0", "x", lambda y, x: -sp.j1(x))
row("j1", "x", lambda y, x: 0.5 * (sp.j0(x) - sp.jv(2, x)))
row("y0", "x", lambda y, x: -sp.y1(x))
row("y1", "x", lambda y, x: sp.y0(x) - y / x)
row("i0", "x", lambda y, x: sp.i1(x))
row("i1", "x", lambda y, x: 0.5 * (sp.i0(x) + sp.iv(2, x)))
row("k0", "x", lambda y, x: -sp.k1(x))
row("k1", "x", lambda y, x: -sp.k0(x) - y / x)
row("i0e", "x", lambda y, x: sp.i1e(x) - _scaled(y, x))
row("i1e", "x", lambda y, x: 0.5 * (sp.i0e(x) + sp.ive(2, x)) - _scaled(y, x))
row("k0e", "x", lambda y, x: y - sp.k1e(x))
row("k1e", "x", lambda y, x: y - sp.k0e(x) - y / x)
row("jv", "v z", lambda y, v, z: at_order.jv_v(v, z), lambda y, v, z: 0.5 * (sp.jv(v - 1, z) - sp.jv(v + 1, z)))
row("jve", "v z", lambda y, v, z: at_order.jv_v(v, z), lambda y, v, z: 0.5 * (sp.jve(v - 1, z) - sp.jve(v + 1, z)) - 0.0 * _scaled(y, z))
row("yv", "v z", lambda y, v, z: at_order.yv_v(v, z), lambda y, v, z: 0.5 * (sp.yv(v - 1, z) - sp.yv(v + 1, z)))
row("yve", "v z", lambda y, v, z: at_order.yv_v(v, z), lambda y, v, z: 0.5 * (sp.yve(v - 1, z) - sp.yve(v + 1, z)) - 0.0 * _scaled(y, z))
row("yn", "n x", INTEGER, lambda y, n, x: 0.5 * (sp.yn(n - 1, x) - sp.yn(n + 1, x)))
row("iv", "v z", lambda y, v, z: np.exp(z) * at_order.ive_v(v, z), lambda y, v, z: 0.5 * (sp.iv(v - 1, z) + sp.iv(v + 1, z)))
row("ive", "v z", lambda y, v, z: at_order.ive_v(v, z), lambda y, v, z: 0.5 * (sp.ive(v - 1, z) + sp.ive(v + 1, z)) - _scaled(y, z))
row("kv", "v z", lambda y, v, z: np.exp(-z) * at_order.kve_v(v, z), lambda y, v, z: -0.5 * (sp.kv(v - 1, z) + sp.kv(v + 1, z)))
row("kve", "v z", lambda y, v, z: at_order.kve_v(v, z), lambda y, v, z: y - 0.5 * (sp.kve(v - 1, z) + sp.kve(v + 1, z)))
row("kn", "n x", INTEGER, lambda y, n, x: -0.5 * (sp.kn(abs(n - 1), x) + sp.kn(n + 1, x)))
row("hankel1", "v z", _ORDER, lambda y, v, z: 0.5 * (sp.hankel1(v - 1, z) - sp.hankel1(v + 1, z)))
row("hankel2", "v z", _ORDER, lambda y, v, z: 0.5 * (sp.hankel2(v - 1, z) - sp.hankel2(v + 1, z)))
row("hankel1e", "v z", _ORDER, lambda y, v, z: 0.5 * (sp.hankel1e(v - 1, z) - sp.hankel1e(v + 1, z)) - 1j * y)
row("hankel2e", "v z", _ORDER, lambda y, v, z: 0.5 * (sp.hankel2e(v - 1, z) - sp.hankel2e(v + 1, z)) + 1j * y)
row("airy", "z", lambda y, z: (y[1], z * y[0], y[3], z * y[2]))
row("airye", "z", _airye_slopes)
row("itairy", "x", lambda y, x: (sp.airy(x)[0], sp.airy(x)[2], sp.airy(-x)[0], sp.airy(-x)[2]))
row("itj0y0", "x", lambda y, x: (sp.j0(x), sp.y0(x)))
row("iti0k0", "x", lambda y, x: (sp.i0(x), sp.k0(x)))
row("it2j0y0", "x", lambda y, x: (_where_zero(x, 0.0, lambda t: (1 - sp.j0(t)) / t), -sp.y0(x) / x))
row("it2i0k0", "x", lambda y, x: (_where_zero(x, 0.0, lambda t: (sp.i0(t) - 1) / t), -sp.k0(x) / x))
row("struve", "v x", _ORDER, lambda y, v, x: _struve_slope(v, x, -1.0, sp.struve))
row("modstruve", "v x", _ORDER, lambda y, v, x: _struve_slope(v, x, 1.0, sp.modstruve))
row("itstruve0", "x", lambda y, x: sp.struve(0, x))
row("itmodstruve0", "x", lambda y, x: sp.modstruve(0, x))
row("it2struve0", "x", lambda y, x: -_where_zero(x, 2 / _PI, lambda t: sp.struve(0, t) / t))
row("besselpoly", "a lmb nu", lambda y, a, lmb, nu: sp.besselpoly(a, lmb + 1, nu - 1) - sp.besselpoly(a, lmb + 1, nu + 1), _PARAMETER, _ORDER)
row("ber", "x", lambda y, x: sp.berp(x))
row("bei", "x", lambda y, x: sp.beip(x))
row("ker", "x", lambda y, x: sp.kerp(x))
row("kei", "x", lambda y, x: sp.keip(x))
row("berp", "x", lambda y, x: -sp.bei(x) - _where_zero(x, 0.0, lambda t: sp.berp(t) / t))
row("beip", "x", lambda y, x: sp.ber(x) - _where_zero(x, 0.5, lambda t: sp.beip(t) / t))
row("kerp", "x", lambda y, x: -sp.kei(x) - y / x)
row("keip", "x", lambda y, x: sp.ker(x) - y / x)
row("kelvin", "x", lambda y, x: (y[2], y[3], 1j * y[0] - _where_zero(x, 0.5j, lambda t: y[2] / t), 1j * y[1] - y[3] / x))
row("_spherical_jn", "n z", INTEGER, lambda y, n, z: sp._ufuncs._spherical_jn_d(n, z))
row("_spherical_yn", "n z", INTEGER, lambda y, n, z: sp._ufuncs._spherical_yn_d(n, z))
row("_spherical_in", "n z", INTEGER, lambda y, n, z: sp._ufuncs._spherical_in_d(n, z))
row("_spherical_kn", "n z", INTEGER, lambda y, n, z: sp._ufuncs._spherical_kn_d(n, z))
for _f, _sign in (("jn", -1.0), ("yn", -1.0), ("in", 1.0), ("kn", 1.0)):
    # w″ = (n(n+1)/z² ± 1) w − 2 w′/z (DLMF 10.47.1, 10.47.2)
    row(f"_spherical_{_f}_d", "n z", INTEGER, lambda y, n, z, f=_f, sign=_sign: (n * (n + 1) / (z * z) + sign) * getattr(sp._ufuncs, f"_spherical_{f}")(n, z) - 2 * y / z)

# --- elliptic integrals and functions (DLMF 19, 22) -------------------------------------------------------------------

row("ellipk", "m", lambda y, m: _ellipk_m(m))
row("ellipkm1", "p", lambda y, p: -sp.elliprd(0.0 * p, 1.0 + 0.0 * p, p) / 6.0)
row("ellipe", "m", lambda y, m: _ellipe_m(m))
row("ellipkinc", "phi m", lambda y, phi, m: 1 / np.sqrt(1 - m * np.square(np.sin(phi))), lambda y, phi, m: _ellipkinc_m(phi, m))
row("ellipeinc", "phi m", lambda y, phi, m: np.sqrt(1 - m * np.square(np.sin(phi))), lambda y, phi, m: _ellipeinc_m(phi, m))
row("ellipj", "u m", lambda y, u, m: (y[1] * y[2], -y[0] * y[2], -m * y[0] * y[1], y[2]), _ellipj_m)
row("elliprc", "x y", lambda v, x, y: _elliprc_slopes(v, x, y, 0), lambda v, x, y: _elliprc_slopes(v, x, y, 1))
row("elliprf", "x y z", lambda v, x, y, z: sp.elliprd(y, z, x) / -6, lambda v, x, y, z: sp.elliprd(z, x, y) / -6, lambda v, x, y, z: sp.elliprd(x, y, z) / -6)
row("elliprd", "x y z", lambda v, x, y, z: -0.75 * by.carlson((-1.5, x), (-0.5, y), (-1.5, z)), lambda v, x, y, z: -0.75 * by.carlson((-0.5, x), (-1.5, y), (-1.5, z)), lambda v, x, y, z: -2.25 * by.carlson((-0.5, x), (-0.5, y), (-2.5, z)))
row("elliprg", "x y z", lambda v, x, y, z: 0.125 * by.carlson((-1.5, x), (-0.5, y), (-0.5, z), (1.0, 0.0 * x)), lambda v, x, y, z: 0.125 * by.carlson((-0.5, x), (-1.5, y), (-0.5, z), (1.0, 0.0 * x)), lambda v, x, y, z: 0.125 * by.carlson((-0.5, x), (-0.5, y), (-1.5, z), (1.0, 0.0 * x)))
row("elliprj", "x y z p", lambda v, x, y, z, p: _elliprj_slope(x, y, z, p, (-1.5, -0.5, -0.5, -1.0), -0.75), lambda v, x, y, z, p: _elliprj_slope(x, y, z, p, (-0.5, -1.5, -0.5, -1.0), -0.75), lambda v, x, y, z, p: _elliprj_slope(x, y, z, p, (-0.5, -0.5, -1.5, -1.0), -0.75), lambda v, x, y, z, p: _elliprj_slope(x, y, z, p, (-0.5, -0.5, -0.5, -2.0), -1.5))

# --- hypergeometric functions, parabolic cylinders, Mathieu, spheroidal (DLMF 12, 13, 15, 28, 30) ---------------------

row("hyp0f1", "v z", lambda y, v, z: hyper.hyp0f1_v(v, z), lambda y, v, z: sp.hyp0f1(v + 1, z) / v)
row("hyp1f1", "a b x", lambda y, a, b, x: hyper.hyp1f1_parameter(a, b, x, 0), lambda y, a, b, x: hyper.hyp1f1_parameter(a, b, x, 1), lambda y, a, b, x: a / b * sp.hyp1f1(a + 1, b + 1, x))
row("hyp2f1", "a b c z", *(lambda y, a, b, c, z, which=i: hyper.hyp2f1_parameter(a, b, c, z, which) for i in range(3)), lambda y, a, b, c, z: np.where(fixed(a * b) == 0, 0.0, a * b / c * sp.hyp2f1(a + 1, b + 1, c + 1, z)))
row("hyperu", "a b x", _PARAMETER, _PARAMETER, lambda y, a, b, x: -a * sp.hyperu(a + 1, b + 1, x))
row("wright_bessel", "a b x", _PARAMETER, _PARAMETER, lambda y, a, b, x: sp.wright_bessel(a, a + b, x))
row("log_wright_bessel", "a b x", _PARAMETER, _PARAMETER, _log_wright_slope)
row("pbdv", "v x", _ORDER, lambda y, v, x: (y[1], (0.25 * x * x - v - 0.5) * y[0]))
row("pbvv", "v x", _ORDER, lambda y, v, x: (y[1], (0.25 * x * x - v - 0.5) * y[0]))
row("pbwa", "a x", _PARAMETER, lambda y, a, x: (y[1], (a - 0.25 * x * x) * y[0]))
row("lpmv", "m v x", INTEGER, _ORDER, lambda y, m, v, x: ((v + 1) * x * y - (v - m + 1) * sp.lpmv(m, v + 1, x)) / (1 - x * x))
row("mathieu_a", "m q", INTEGER, _PARAMETER)
row("mathieu_b", "m q", INTEGER, _PARAMETER)
for _f, _cv in (("cem", sp.mathieu_a), ("sem", sp.mathieu_b)):  # x in degrees, y′ by radians
    row(f"mathieu_{_f}", "m q x", INTEGER, _PARAMETER, lambda y, m, q, x, cv=_cv: (_DEGREE * y[1], -_DEGREE * (cv(m, q) - 2 * q * sp.cosdg(2 * x)) * y[0]))
for _f, _cv in (("modcem1", sp.mathieu_a), ("modcem2", sp.mathieu_a), ("modsem1", sp.mathieu_b), ("modsem2", sp.mathieu_b)):
    row(f"mathieu_{_f}", "m q x", INTEGER, _PARAMETER, lambda y, m, q, x, cv=_cv: (y[1], (cv(m, q) - 2 * q * np.cosh(2 * x)) * y[0]))
for _f, _sq, _radial in (("pro_ang1", 1.0, False), ("pro_rad1", 1.0, False), ("obl_ang1", -1.0, False), ("obl_rad1", -1.0, True)):
    _slopes = _spheroidal(_sq, _radial, _f, sp.pro_cv if _sq > 0 else sp.obl_cv)
    row(_f, "m n c x", INTEGER, INTEGER, _PARAMETER, _slopes)
    row(f"{_f}_cv", "m n c cv x", INTEGER, INTEGER, _PARAMETER, _PARAMETER, _slopes)
for _f in ("pro_rad2", "pro_rad2_cv", "obl_rad2", "obl_rad2_cv"):
    refused(_f, "the two values that SciPy gives, of the function and of its slope, do not agree with each other")
row("pro_cv", "m n c", INTEGER, INTEGER, _PARAMETER)
row("obl_cv", "m n c", INTEGER, INTEGER, _PARAMETER)

# --- orthogonal polynomials (DLMF 18.9) -------------------------------------------------------------------------------

_DEGREE_N = "the degree is an integer, or interpolates integers"
row("eval_chebyt", "n x", _DEGREE_N, lambda y, n, x: _below(n, lambda k: n * sp.eval_chebyu(k, x)))
row("eval_chebyu", "n x", _DEGREE_N, lambda y, n, x: _below(n, lambda k: 2 * sp.eval_gegenbauer(k, 2.0, x)))
row("eval_chebyc", "n x", _DEGREE_N, lambda y, n, x: _below(n, lambda k: n * sp.eval_chebyu(k, 0.5 * x)))
row("eval_chebys", "n x", _DEGREE_N, lambda y, n, x: _below(n, lambda k: sp.eval_gegenbauer(k, 2.0, 0.5 * x)))
row("eval_sh_chebyt", "n x", _DEGREE_N, lambda y, n, x: _below(n, lambda k: 2 * n * sp.eval_chebyu(k, 2 * x - 1)))
row("eval_sh_chebyu", "n x", _DEGREE_N, lambda y, n, x: _below(n, lambda k: 4 * sp.eval_gegenbauer(k, 2.0, 2 * x - 1)))
row("eval_legendre", "n x", _DEGREE_N, lambda y, n, x: _below(n, lambda k: 0.5 * (n + 1) * sp.eval_jacobi(k, 1.0, 1.0, x)))
row("eval_sh_legendre", "n x", _DEGREE_N, lambda y, n, x: _below(n, lambda k: (n + 1) * sp.eval_jacobi(k, 1.0, 1.0, 2 * x - 1)))
row("eval_laguerre", "n x", _DEGREE_N, lambda y, n, x: -_below(n, lambda k: sp.eval_genlaguerre(k, 1.0, x)))
row("eval_genlaguerre", "n alpha x", _DEGREE_N, lambda y, n, a, x: _genlaguerre_alpha(n, a, x), lambda y, n, a, x: -_below(n, lambda k: sp.eval_genlaguerre(k, a + 1, x)))
row("eval_hermite", "n x", _DEGREE_N, lambda y, n, x: _below(n, lambda k: 2 * n * sp.eval_hermite(k, x)))
row("eval_hermitenorm", "n x", _DEGREE_N, lambda y, n, x: _below(n, lambda k: n * sp.eval_hermitenorm(k, x)))
row("eval_gegenbauer", "n alpha x", _DEGREE_N, _PARAMETER, lambda y, n, a, x: _below(n, lambda k: 2 * a * sp.eval_gegenbauer(k, a + 1, x)))
row("eval_jacobi", "n alpha beta x", _DEGREE_N, _PARAMETER, _PARAMETER, lambda y, n, a, b, x: _below(n, lambda k: 0.5 * (n + a + b + 1) * sp.eval_jacobi(k, a + 1, b + 1, x)))
row("eval_sh_jacobi", "n p q x", _DEGREE_N, _PARAMETER, _PARAMETER, lambda y, n, p, q, x: _below(n, lambda k: (n + p) * sp.eval_jacobi(k, p - q + 1, q, 2 * x - 1)) / sp.binom(2 * n + p - 1, n))

# --- distributions ----------------------------------------------------------------------------------------------------

# The continuous forms of the discrete ones, whose inverses are continuous.
SLOPES["binomial"] = (lambda y, k, n, p: by.betainc_b(n - k, k + 1, 1 - p) - by.betainc_a(n - k, k + 1, 1 - p), lambda y, k, n, p: by.betainc_a(n - k, k + 1, 1 - p), lambda y, k, n, p: -by.beta_density(n - k, k + 1, 1 - p))
SLOPES["negative binomial"] = (lambda y, k, n, p: by.betainc_b(n, k + 1, p), lambda y, k, n, p: by.betainc_a(n, k + 1, p), lambda y, k, n, p: by.beta_density(n, k + 1, p))
SLOPES["poisson"] = (lambda y, k, m: -by.gammainc_a(k + 1, m), lambda y, k, m: -by.gamma_density(k + 1, m))


def _student(df: Any, t: Any) -> Any:
    """The density of Student's t."""
    return np.exp(-sp.betaln(0.5 * df, 0.5) - 0.5 * np.log(df) - 0.5 * (df + 1) * np.log1p(t * t / df))


def _student_df(df: Any, t: Any) -> Any:
    """∂F/∂ν from F = 1 − ½ I_x(ν/2, ½) for t > 0, x = ν/(ν + t²)."""
    x = df / (df + t * t)
    moved = by.beta_density(0.5 * df, 0.5, x) * t * t / np.square(df + t * t)
    return np.where(fixed(t) == 0, 0.0, -0.5 * np.sign(t) * (0.5 * by.betainc_a(0.5 * df, 0.5, x) + moved))


def _fisher(n: Any, d: Any, x: Any, which: int) -> Any:
    """The slopes of I_u(n/2, d/2), u = nx/(d + nx)."""
    inside = fixed(x) >= 0
    x = np.where(inside, x, 1.0)
    total = d + n * x
    density = by.beta_density(0.5 * n, 0.5 * d, n * x / total) / np.square(total)
    if which == 0:
        slope = 0.5 * by.betainc_a(0.5 * n, 0.5 * d, n * x / total) + density * x * d
    elif which == 1:
        slope = 0.5 * by.betainc_b(0.5 * n, 0.5 * d, n * x / total) - density * n * x
    else:
        slope = density * n * d
    return np.where(inside, slope, 0.0)


def _scaled_density(a: Any, b: Any, x: Any) -> Any:
    none = fixed(a) == 0
    return np.where(none, 0.0, a * by.gamma_density(b, np.where(none, 1.0, a) * x))


_FROM_ZERO = (0.0, math.inf)
row("bdtr", "k n p", 0, INTEGER, lambda y, k, n, p: -by.beta_density(n - np.floor(k), np.floor(k) + 1, 1 - p))
row("bdtrc", "k n p", 0, INTEGER, lambda y, k, n, p: np.where(np.less(k, 0), 0.0, 1.0) * by.beta_density(n - np.floor(k), np.floor(k) + 1, 1 - p))
row("bdtri", "k n p", 0, INTEGER, lambda y, k, n, p: -1 / by.beta_density(n - np.floor(k), np.floor(k) + 1, 1 - y))
inverse("bdtrik", "p n q", "binomial", "y n q", _FROM_ZERO)
inverse("bdtrin", "k p q", "binomial", "k y q")
inverse("btdtria", "p b x", "betainc", "y b x", (3e-308, math.inf))
inverse("btdtrib", "a p x", "betainc", "a y x", (3e-308, math.inf))
row("nbdtr", "k n p", 0, INTEGER, lambda y, k, n, p: by.beta_density(n, np.floor(k) + 1, p))
row("nbdtrc", "k n p", 0, INTEGER, lambda y, k, n, p: -by.beta_density(n, np.floor(k) + 1, p))
row("nbdtri", "k n p", 0, INTEGER, lambda y, k, n, p: 1 / by.beta_density(n, np.floor(k) + 1, y))
inverse("nbdtrik", "p n q", "negative binomial", "y n q", _FROM_ZERO)
inverse("nbdtrin", "k p q", "negative binomial", "k y q")
row("pdtr", "k m", 0, lambda y, k, m: -by.gamma_density(np.floor(k) + 1, m))
row("pdtrc", "k m", 0, lambda y, k, m: by.gamma_density(np.floor(k) + 1, m))
row("pdtri", "k p", 0, lambda y, k, p: -1 / by.gamma_density(np.trunc(k) + 1, y))
inverse("pdtrik", "p m", "poisson", "y m", _FROM_ZERO)
row("chdtr", "v x", lambda y, v, x: 0.5 * by.gammainc_a(0.5 * v, 0.5 * x), lambda y, v, x: 0.5 * by.gamma_density(0.5 * v, 0.5 * x))
row("chdtrc", "v x", lambda y, v, x: -0.5 * by.gammainc_a(0.5 * v, 0.5 * x), lambda y, v, x: -0.5 * by.gamma_density(0.5 * v, 0.5 * x))
inverse("chdtri", "v p", "chdtrc", "v y")
inverse("chdtriv", "p x", "chdtr", "y x", _FROM_ZERO)
row("gdtr", "a b x", lambda y, a, b, x: x * by.gamma_density(b, a * x), lambda y, a, b, x: by.gammainc_a(b, a * x), lambda y, a, b, x: _scaled_density(a, b, x))
row("gdtrc", "a b x", lambda y, a, b, x: -x * by.gamma_density(b, a * x), lambda y, a, b, x: -by.gammainc_a(b, a * x), lambda y, a, b, x: -_scaled_density(a, b, x))
inverse("gdtria", "p b x", "gdtr", "y b x")
inverse("gdtrib", "a p x", "gdtr", "a y x", _FROM_ZERO)
inverse("gdtrix", "a b p", "gdtr", "a b y")
row("fdtr", "dfn dfd x", lambda y, n, d, x: _fisher(n, d, x, 0), lambda y, n, d, x: _fisher(n, d, x, 1), lambda y, n, d, x: _fisher(n, d, x, 2))
row("fdtrc", "dfn dfd x", lambda y, n, d, x: -_fisher(n, d, x, 0), lambda y, n, d, x: -_fisher(n, d, x, 1), lambda y, n, d, x: -_fisher(n, d, x, 2))
inverse("fdtri", "dfn dfd p", "fdtr", "dfn dfd y")
inverse("fdtridfd", "dfn p x", "fdtr", "dfn y x", (1e-100, 1e100))
row("stdtr", "df t", lambda y, df, t: _student_df(df, t), lambda y, df, t: _student(df, t))
inverse("stdtrit", "df p", "stdtr", "df y")
inverse("stdtridf", "p t", "stdtr", "y t", (0.0, 1e10))
row("nrdtrimn", "p std x", lambda y, p, std, x: -std / _normal((x - y) / std), lambda y, p, std, x: -(x - y) / std, lambda y, p, std, x: 1.0)
row("nrdtrisd", "mn p x", lambda y, mn, p, x: -y / (x - mn), lambda y, mn, p, x: -y * y / ((x - mn) * _normal((x - mn) / y)), lambda y, mn, p, x: y / (x - mn))
row("kolmogorov", "y", lambda y, x: _kolmogorov_slope(x))
inverse("kolmogi", "p", "kolmogorov", "y")
row("_smirnovp", "n d", INTEGER, "only the first derivative of scipy.special.smirnov is known")
row("smirnov", "n d", INTEGER, lambda y, n, d: FUNCTIONS[sp._ufuncs._smirnovp](n, d))
inverse("smirnovi", "n p", "smirnov", "n y")
row("tklmbda", "x lmbda", lambda y, x, a: _tklmbda(y, x, a, 0), lambda y, x, a: _tklmbda(y, x, a, 1))
for _name in ("chndtr chndtridf chndtrinc chndtrix ncfdtr ncfdtri ncfdtridfd ncfdtridfn ncfdtrinc nctdtr nctdtridf nctdtrinc nctdtrit").split():
    refused(_name, _NONCENTRAL)
