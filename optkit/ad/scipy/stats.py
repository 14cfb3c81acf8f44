"""`scipy.stats` with derivatives: densities and distribution functions of the common distributions.

The same names and parameters as SciPy's, and the same values; differentiable in the data and in every continuous
parameter. Outside the support the density is 0 (its logarithm −∞) and the derivative is zero; where a parameter is not
allowed the value is NaN. Every other name is SciPy's own and refuses traced values.

Examples
--------
>>> import numpy as np
>>> from optkit import ad
>>> from optkit.ad.scipy import stats
>>> data = np.array([1.0, 2.0, 4.0])
>>> ad.grad(lambda p: stats.norm.logpdf(data, loc=p[0], scale=p[1]).sum())(np.array([1.0, 2.0]))
array([ 1.  , -0.25])
"""

# fmt: off
# ruff: noqa: E501, ARG005 -- rows of a table
from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sp

from optkit.ad.rules import special as _rules
from optkit.ad.rules.parameters import fixed
from optkit.ad.scipy.distributions import Continuous, Discrete, Distribution
from optkit.ad.scipy.multivariate import dirichlet, multinomial, multivariate_normal  # noqa: F401 -- names of this namespace
from optkit.ad.scipy.replacement import refused

_INF = math.inf
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_LOG_PI, _LOG2 = math.log(math.pi), math.log(2.0)


def _positive(*_: Any) -> tuple[float, float, float]:
    return 0.0, _INF, 1.0


def _unit(*_: Any) -> tuple[float, float, float]:
    return 0.0, 1.0, 0.5


def _all_positive(*shapes: Any) -> Any:
    allowed: Any = True
    for s in shapes:
        allowed = allowed & (s > 0)
    return allowed


def _log1mexp(z: Any) -> Any:
    """The logarithm of 1 − e^(−z), z > 0."""
    near = fixed(z) < _LOG2
    return np.where(near, np.log(-np.expm1(-np.where(near, z, 1.0))), np.log1p(-np.exp(-np.where(near, 1.0, z))))


def _student_logpdf(t: Any, df: Any) -> Any:
    normal = fixed(df) == _INF
    n = np.where(normal, 1.0, df)
    return np.where(normal, -0.5 * t * t - _HALF_LOG_2PI, -sp.betaln(0.5 * n, 0.5) - 0.5 * np.log(n) - 0.5 * (n + 1.0) * np.log1p(t * t / n))


def _laplace_below(z: Any) -> Any:
    return np.where(fixed(z) > 0, 1.0 - 0.5 * np.exp(-np.abs(z)), 0.5 * np.exp(-np.abs(z)))


def _laplace_log_below(z: Any) -> Any:
    return np.where(fixed(z) > 0, np.log1p(-0.5 * np.exp(-np.abs(z))), -np.abs(z) - _LOG2)


def _gennorm_below(z: Any, b: Any) -> Any:
    tail = 0.5 * sp.gammaincc(1.0 / b, np.power(np.abs(z), b))
    return np.where(fixed(z) > 0, 1.0 - tail, tail)


def _extreme(z: Any, c: Any) -> Any:
    """−ln of the generalised extreme value distribution function's exponent: ln(1 − cz)/c, −z at c = 0."""
    zero = fixed(c) == 0
    safe = np.where(zero, 1.0, c)
    return np.where(zero, -z, np.log1p(-safe * np.where(zero, 0.0, z)) / safe)


def _genextreme_support(c: Any) -> Any:
    safe = np.where(c == 0, 1.0, c)
    return np.where(c < 0, 1.0 / safe, -_INF), np.where(c > 0, 1.0 / safe, _INF), 0.0


def _genpareto_log(z: Any, c: Any) -> Any:
    """The logarithm of the survival function: −ln(1 + cz)/c, −z at c = 0."""
    zero = fixed(c) == 0
    safe = np.where(zero, 1.0, c)
    return np.where(zero, -z, -np.log1p(safe * np.where(zero, 0.0, z)) / safe)


def _genpareto_support(c: Any) -> Any:
    return 0.0, np.where(c < 0, -1.0 / np.where(c < 0, c, -1.0), _INF), 0.25 / (1.0 + np.abs(c))


def _truncated_mass(a: Any, b: Any) -> Any:
    """The logarithm of Φ(b) − Φ(a), on the side of 0 where nothing cancels."""
    flip = fixed(a) > 0
    low, high = np.where(flip, -b, a), np.where(flip, -a, b)
    return sp.log_ndtr(high) + np.log1p(-np.exp(sp.log_ndtr(low) - sp.log_ndtr(high)))


norm = Continuous("norm", "", logpdf=lambda z: -0.5 * z * z - _HALF_LOG_2PI, cdf=sp.ndtr, sf=lambda z: sp.ndtr(-z), logcdf=sp.log_ndtr, logsf=lambda z: sp.log_ndtr(-z))
t = Continuous("t", "df", logpdf=_student_logpdf, cdf=lambda z, df: sp.stdtr(df, z), sf=lambda z, df: sp.stdtr(df, -z), valid=_all_positive)
gamma = Continuous("gamma", "a", logpdf=lambda z, a: sp.xlogy(a - 1.0, z) - z - sp.gammaln(a), cdf=lambda z, a: sp.gammainc(a, z), sf=lambda z, a: sp.gammaincc(a, z), support=_positive, valid=_all_positive)
invgamma = Continuous("invgamma", "a", logpdf=lambda z, a: -(a + 1.0) * np.log(z) - sp.gammaln(a) - 1.0 / z, cdf=lambda z, a: sp.gammaincc(a, 1.0 / z), sf=lambda z, a: sp.gammainc(a, 1.0 / z), support=_positive, valid=_all_positive)
beta = Continuous("beta", "a b", logpdf=lambda z, a, b: sp.xlog1py(b - 1.0, -z) + sp.xlogy(a - 1.0, z) - sp.betaln(a, b), cdf=lambda z, a, b: sp.betainc(a, b, z), sf=lambda z, a, b: sp.betaincc(a, b, z), support=_unit, valid=_all_positive)
chi2 = Continuous("chi2", "df", logpdf=lambda z, df: sp.xlogy(0.5 * df - 1.0, z) - 0.5 * z - sp.gammaln(0.5 * df) - 0.5 * _LOG2 * df, cdf=lambda z, df: sp.chdtr(df, z), sf=lambda z, df: sp.chdtrc(df, z), support=_positive, valid=_all_positive)
chi = Continuous("chi", "df", logpdf=lambda z, df: _LOG2 - 0.5 * _LOG2 * df - sp.gammaln(0.5 * df) + sp.xlogy(df - 1.0, z) - 0.5 * z * z, cdf=lambda z, df: sp.gammainc(0.5 * df, 0.5 * z * z), sf=lambda z, df: sp.gammaincc(0.5 * df, 0.5 * z * z), support=_positive, valid=_all_positive)
f = Continuous("f", "dfn dfd", logpdf=lambda z, n, d: 0.5 * d * np.log(d) + 0.5 * n * np.log(n) + sp.xlogy(0.5 * n - 1.0, z) - 0.5 * (n + d) * np.log(d + n * z) - sp.betaln(0.5 * n, 0.5 * d), cdf=lambda z, n, d: sp.fdtr(n, d, z), sf=lambda z, n, d: sp.fdtrc(n, d, z), support=_positive, valid=_all_positive)
expon = Continuous("expon", "", logpdf=lambda z: -z, cdf=lambda z: -np.expm1(-z), sf=lambda z: np.exp(-z), logcdf=_log1mexp, logsf=lambda z: -z, support=_positive)
lognorm = Continuous("lognorm", "s", logpdf=lambda z, s: -0.5 * np.square(np.log(z) / s) - np.log(s * z) - _HALF_LOG_2PI, cdf=lambda z, s: sp.ndtr(np.log(z) / s), sf=lambda z, s: sp.ndtr(-np.log(z) / s), logcdf=lambda z, s: sp.log_ndtr(np.log(z) / s), logsf=lambda z, s: sp.log_ndtr(-np.log(z) / s), support=lambda *_: (5e-324, _INF, 1.0), valid=_all_positive)
weibull_min = Continuous("weibull_min", "c", logpdf=lambda z, c: np.log(c) + sp.xlogy(c - 1.0, z) - np.power(z, c), cdf=lambda z, c: -np.expm1(-np.power(z, c)), sf=lambda z, c: np.exp(-np.power(z, c)), logcdf=lambda z, c: _log1mexp(np.power(z, c)), logsf=lambda z, c: -np.power(z, c), support=_positive, valid=_all_positive)
weibull_max = Continuous("weibull_max", "c", logpdf=lambda z, c: np.log(c) + sp.xlogy(c - 1.0, -z) - np.power(-z, c), cdf=lambda z, c: np.exp(-np.power(-z, c)), sf=lambda z, c: -np.expm1(-np.power(-z, c)), logcdf=lambda z, c: -np.power(-z, c), support=lambda *_: (-_INF, 0.0, -1.0), valid=_all_positive)
uniform = Continuous("uniform", "", logpdf=lambda z: 0.0 * z, cdf=lambda z: np.positive(z), sf=lambda z: 1.0 - z, support=_unit)
cauchy = Continuous("cauchy", "", logpdf=lambda z: -_LOG_PI - np.log1p(z * z), cdf=lambda z: np.arctan2(1.0, -z) / math.pi, sf=lambda z: np.arctan2(1.0, z) / math.pi)
halfcauchy = Continuous("halfcauchy", "", logpdf=lambda z: _LOG2 - _LOG_PI - np.log1p(z * z), cdf=lambda z: 2.0 / math.pi * np.arctan(z), sf=lambda z: 2.0 / math.pi * np.arctan2(1.0, z), support=_positive)
laplace = Continuous("laplace", "", logpdf=lambda z: -_LOG2 - np.abs(z), cdf=_laplace_below, sf=lambda z: _laplace_below(-z), logcdf=_laplace_log_below, logsf=lambda z: _laplace_log_below(-z))
logistic = Continuous("logistic", "", logpdf=lambda z: -np.abs(z) - 2.0 * np.log1p(np.exp(-np.abs(z))), cdf=sp.expit, sf=lambda z: sp.expit(-z), logcdf=sp.log_expit, logsf=lambda z: sp.log_expit(-z))
halfnorm = Continuous("halfnorm", "", logpdf=lambda z: 0.5 * math.log(2.0 / math.pi) - 0.5 * z * z, cdf=lambda z: sp.erf(z * math.sqrt(0.5)), sf=lambda z: 2.0 * sp.ndtr(-z), support=_positive)
rayleigh = Continuous("rayleigh", "", logpdf=lambda z: np.log(z) - 0.5 * z * z, cdf=lambda z: -np.expm1(-0.5 * z * z), sf=lambda z: np.exp(-0.5 * z * z), logcdf=lambda z: _log1mexp(0.5 * z * z), logsf=lambda z: -0.5 * z * z, support=_positive)
maxwell = Continuous("maxwell", "", logpdf=lambda z: 0.5 * math.log(2.0 / math.pi) + 2.0 * np.log(z) - 0.5 * z * z, cdf=lambda z: sp.gammainc(1.5, 0.5 * z * z), sf=lambda z: sp.gammaincc(1.5, 0.5 * z * z), support=_positive)
gumbel_r = Continuous("gumbel_r", "", logpdf=lambda z: -z - np.exp(-z), cdf=lambda z: np.exp(-np.exp(-z)), sf=lambda z: -np.expm1(-np.exp(-z)), logcdf=lambda z: -np.exp(-z))
gumbel_l = Continuous("gumbel_l", "", logpdf=lambda z: z - np.exp(z), cdf=lambda z: -np.expm1(-np.exp(z)), sf=lambda z: np.exp(-np.exp(z)), logsf=lambda z: -np.exp(z))
genextreme = Continuous("genextreme", "c", logpdf=lambda z, c: _extreme(z, c) - np.log1p(-c * z) - np.exp(_extreme(z, c)), cdf=lambda z, c: np.exp(-np.exp(_extreme(z, c))), sf=lambda z, c: -np.expm1(-np.exp(_extreme(z, c))), logcdf=lambda z, c: -np.exp(_extreme(z, c)), support=_genextreme_support, valid=np.isfinite)
genpareto = Continuous("genpareto", "c", logpdf=lambda z, c: _genpareto_log(z, c) - np.log1p(c * z), cdf=lambda z, c: -np.expm1(_genpareto_log(z, c)), sf=lambda z, c: np.exp(_genpareto_log(z, c)), logsf=_genpareto_log, support=_genpareto_support, valid=np.isfinite)
pareto = Continuous("pareto", "b", logpdf=lambda z, b: np.log(b) - (b + 1.0) * np.log(z), cdf=lambda z, b: -np.expm1(-b * np.log(z)), sf=lambda z, b: np.power(z, -b), logsf=lambda z, b: -b * np.log(z), support=lambda *_: (1.0, _INF, 2.0), valid=_all_positive)
lomax = Continuous("lomax", "c", logpdf=lambda z, c: np.log(c) - (c + 1.0) * np.log1p(z), cdf=lambda z, c: -np.expm1(-c * np.log1p(z)), sf=lambda z, c: np.exp(-c * np.log1p(z)), logsf=lambda z, c: -c * np.log1p(z), support=_positive, valid=_all_positive)
powerlaw = Continuous("powerlaw", "a", logpdf=lambda z, a: np.log(a) + sp.xlogy(a - 1.0, z), cdf=lambda z, a: np.power(z, a), sf=lambda z, a: -np.expm1(a * np.log(z)), logcdf=lambda z, a: a * np.log(z), support=_unit, valid=_all_positive)
gennorm = Continuous("gennorm", "beta", logpdf=lambda z, b: np.log(0.5 * b) - sp.gammaln(1.0 / b) - np.power(np.abs(z), b), cdf=_gennorm_below, sf=lambda z, b: _gennorm_below(-z, b), valid=_all_positive)
skewnorm = Continuous("skewnorm", "a", logpdf=lambda z, a: _LOG2 - 0.5 * z * z - _HALF_LOG_2PI + sp.log_ndtr(a * z), cdf=lambda z, a: sp.ndtr(z) - 2.0 * sp.owens_t(z, a), sf=lambda z, a: sp.ndtr(-z) + 2.0 * sp.owens_t(z, a), valid=np.isfinite)
truncnorm = Continuous("truncnorm", "a b", logpdf=lambda z, a, b: -0.5 * z * z - _HALF_LOG_2PI - _truncated_mass(a, b), cdf=lambda z, a, b: np.exp(_truncated_mass(a, z) - _truncated_mass(a, b)), sf=lambda z, a, b: np.exp(_truncated_mass(z, b) - _truncated_mass(a, b)), logcdf=lambda z, a, b: _truncated_mass(a, z) - _truncated_mass(a, b), logsf=lambda z, a, b: _truncated_mass(z, b) - _truncated_mass(a, b), support=lambda a, b: (a, b, 0.5 * (np.clip(a, -1e8, 1e8) + np.clip(b, -1e8, 1e8))), valid=lambda a, b: a < b)
fisk = Continuous("fisk", "c", logpdf=lambda z, c: np.log(c) + (c - 1.0) * np.log(z) - 2.0 * np.logaddexp(0.0, c * np.log(z)), cdf=lambda z, c: sp.expit(c * np.log(z)), sf=lambda z, c: sp.expit(-c * np.log(z)), logcdf=lambda z, c: sp.log_expit(c * np.log(z)), logsf=lambda z, c: sp.log_expit(-c * np.log(z)), support=_positive, valid=_all_positive)
invgauss = Continuous("invgauss", "mu", logpdf=lambda z, mu: -_HALF_LOG_2PI - 1.5 * np.log(z) - np.square((z - mu) / mu) / (2.0 * z), cdf=lambda z, mu: sp.ndtr((z / mu - 1.0) / np.sqrt(z)) + np.exp(2.0 / mu + sp.log_ndtr(-(z / mu + 1.0) / np.sqrt(z))), sf=lambda z, mu: sp.ndtr(-(z / mu - 1.0) / np.sqrt(z)) - np.exp(2.0 / mu + sp.log_ndtr(-(z / mu + 1.0) / np.sqrt(z))), support=lambda *_: (5e-324, _INF, 1.0), valid=_all_positive)

poisson = Discrete("poisson", "mu", logpmf=lambda k, mu: sp.xlogy(k, mu) - sp.gammaln(k + 1.0) - mu, cdf=sp.pdtr, sf=sp.pdtrc, support=lambda mu: (0.0, _INF), valid=lambda mu: mu >= 0)
binom = Discrete("binom", "n p", logpmf=lambda k, n, p: sp.gammaln(fixed(n) + 1.0) - sp.gammaln(k + 1.0) - sp.gammaln(fixed(n) - k + 1.0) + sp.xlogy(k, p) + sp.xlog1py(fixed(n) - k, -p), cdf=lambda k, n, p: _binomial(k, n, p, sp.betaincc), sf=lambda k, n, p: _binomial(k, n, p, sp.betainc), support=lambda n, p: (0.0, n), valid=lambda n, p: (n >= 0) & (n == np.floor(n)) & (p >= 0) & (p <= 1))
bernoulli = Discrete("bernoulli", "p", logpmf=lambda k, p: sp.xlogy(k, p) + sp.xlog1py(1.0 - k, -p), cdf=lambda k, p: np.where(k < 1, 1.0 - p, 1.0), sf=lambda k, p: np.where(k < 1, p, 0.0), support=lambda p: (0.0, 1.0), valid=lambda p: (p >= 0) & (p <= 1))
nbinom = Discrete("nbinom", "n p", logpmf=lambda k, n, p: sp.gammaln(n + k) - sp.gammaln(k + 1.0) - sp.gammaln(n) + n * np.log(p) + sp.xlog1py(k, -p), cdf=lambda k, n, p: sp.betainc(n, k + 1.0, p), sf=lambda k, n, p: sp.betaincc(n, k + 1.0, p), support=lambda n, p: (0.0, _INF), valid=lambda n, p: (n > 0) & (p > 0) & (p <= 1))
geom = Discrete("geom", "p", logpmf=lambda k, p: sp.xlog1py(k - 1.0, -p) + np.log(p), cdf=lambda k, p: -np.expm1(k * np.log1p(-p)), sf=lambda k, p: np.exp(k * np.log1p(-p)), support=lambda p: (1.0, _INF), valid=lambda p: (p > 0) & (p <= 1))
# fmt: on


def _binomial(k: Any, n: Any, p: Any, f: Any) -> Any:
    """I_p(k + 1, n − k) or its complement; at k = n the probabilities are 1 and 0."""
    n = fixed(n)
    last = k >= n
    y = f(k + 1.0, np.where(last, 1.0, n - k), p)
    return np.where(last, 1.0 if f is sp.betaincc else 0.0, y)


def __getattr__(name: str) -> Any:
    import scipy.stats

    thing = getattr(scipy.stats, name)
    if hasattr(thing, "rvs") and not isinstance(thing, type):
        return Distribution(name, "")
    return (
        refused(thing, "scipy.stats") if callable(thing) and not isinstance(thing, type) else thing
    )


# Importing the rules declares those of the ufuncs; the multivariate distributions are of this namespace, too.
assert _rules
__all__ = [name for name, thing in globals().items() if isinstance(thing, Distribution)]
