"""Distributions: values of SciPy, derivatives, outside the support, and parameters that are not allowed."""

# ruff: noqa: E501 -- rows of tables

import math

import numpy as np
import pytest
import scipy.stats

from optkit import ad, gradcheck
from optkit.ad.scipy import stats
from optkit.errors import InvalidInputError, NotDifferentiableError

# Parameters of each, and points inside, outside and at the ends of the support.
CONTINUOUS = {
    "norm": (), "t": (4.3,), "gamma": (1.7,), "invgamma": (1.7,), "beta": (1.7, 2.4), "chi2": (4.3,), "chi": (4.3,),
    "f": (3.0, 5.0), "expon": (), "lognorm": (0.6,), "weibull_min": (1.6,), "weibull_max": (1.6,), "uniform": (),
    "cauchy": (), "halfcauchy": (), "laplace": (), "logistic": (), "halfnorm": (), "rayleigh": (), "maxwell": (),
    "gumbel_r": (), "gumbel_l": (), "genextreme": (0.3,), "genpareto": (-0.3,), "pareto": (2.4,), "lomax": (1.6,),
    "powerlaw": (1.7,), "gennorm": (1.7,), "skewnorm": (1.7,), "truncnorm": (-0.5, 1.4), "fisk": (1.6,), "invgauss": (1.3,),
}  # fmt: skip
DISCRETE = {
    "poisson": (1.3,),
    "binom": (7, 0.4),
    "bernoulli": (0.4,),
    "nbinom": (3.5, 0.4),
    "geom": (0.4,),
}
X = np.array([-3.0, -0.6, 0.25, 0.8, 2.2, 9.0])
K = np.array([-1.0, 0.0, 1.0, 2.5, 3.0, 7.0, 9.0])
METHODS = ("logpdf", "pdf", "cdf", "logcdf", "sf", "logsf")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CONTINUOUS)
def test_values_are_scipys_and_nothing_leaks_from_outside_the_support(name, method):
    shapes = (*CONTINUOUS[name], 0.1, 1.5)
    with np.errstate(all="ignore"):
        wanted = getattr(getattr(scipy.stats, name), method)(X, *shapes)
    f = lambda x, *p: getattr(getattr(stats, name), method)(x, *p)  # noqa: E731
    directions = (np.ones_like(X), *(np.float64(0.3) for _ in shapes))
    value, slope = ad.jvp(f, (X, *map(np.float64, shapes)), directions)
    np.testing.assert_allclose(value, wanted, rtol=1e-11, atol=2e-15)
    assert np.all(np.isfinite(slope))
    flat = ~np.isfinite(wanted) | (wanted == 0.0) | (wanted == 1.0)
    inside = getattr(scipy.stats, name)(*shapes).support()
    outside = (inside[0] > X) | (inside[1] < X)
    assert np.all(flat[outside])
    np.testing.assert_array_equal(slope[outside], 0.0)
    pulled = ad.grad(
        lambda *a: np.sum(np.where(np.isfinite(wanted), f(*a), 0.0)),
        (0, *range(1, 1 + len(shapes))),
    )(X, *shapes)
    assert all(np.all(np.isfinite(p)) for p in pulled)
    total = sum(np.sum(p * d) for p, d in zip(pulled, directions, strict=True))
    assert total == pytest.approx(np.sum(slope[np.isfinite(wanted)]), rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("method", ["logpmf", "pmf", "cdf", "logcdf", "sf", "logsf"])
@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_values_are_scipys(name, method):
    shapes = DISCRETE[name]
    with np.errstate(all="ignore"):
        wanted = getattr(getattr(scipy.stats, name), method)(K, *shapes)
    moving = [i for i, p in enumerate(shapes) if not isinstance(p, int)]

    def f(*moved):
        given = list(shapes)
        for i, value in zip(moving, moved, strict=True):
            given[i] = value
        return getattr(getattr(stats, name), method)(K, *given)

    value, slope = ad.jvp(f, tuple(shapes[i] for i in moving), (1.0,) * len(moving))
    np.testing.assert_allclose(value, wanted, rtol=1e-12, atol=2e-15)
    assert np.all(np.isfinite(slope))
    assert ad.grad(lambda k: getattr(getattr(stats, name), method)(k, *shapes))(1.0) == 0.0


def test_known_gradients():
    data = np.array([1.0, 2.0, 4.0])
    by_loc, by_scale = ad.grad(lambda m, s: np.sum(stats.norm.logpdf(data, m, s)), (0, 1))(1.0, 2.0)
    assert by_loc == pytest.approx(np.sum(data - 1.0) / 4.0)
    assert by_scale == pytest.approx(np.sum((data - 1.0) ** 2) / 8.0 - 1.5)
    # autograd 1.9.1 gives 0 here.
    assert ad.grad(lambda df: stats.chi2.logpdf(2.0, df))(3.3) == pytest.approx(
        0.5 * math.log(2.0) - 0.5 * math.log(2.0) - 0.5 * float(scipy.special.digamma(1.65))
    )
    assert ad.grad(lambda z: stats.norm.logcdf(z))(-40.0) == pytest.approx(40.02493, rel=1e-6)
    assert ad.grad(lambda mu: stats.poisson.pmf(0, mu))(0.0) == -1.0


def test_names_and_order_of_arguments():
    f = lambda s: stats.gamma.logpdf(2.0, a=1.5, scale=s)  # noqa: E731
    g = lambda s: stats.gamma.logpdf(2.0, 1.5, 0.0, s)  # noqa: E731
    assert ad.grad(f)(0.7) == ad.grad(g)(0.7)
    with pytest.raises(InvalidInputError, match="scipy.stats.gamma takes a, loc, scale"):
        ad.grad(lambda s: stats.gamma.logpdf(2.0, 1.5, sigma=s))(0.7)
    with pytest.raises(NotDifferentiableError, match="scipy.stats.norm.ppf"):
        ad.grad(lambda p: stats.norm.ppf(p))(0.7)
    with pytest.raises(NotDifferentiableError, match="scipy.stats.nakagami.logpdf"):
        ad.grad(lambda x: stats.nakagami.logpdf(x, 1.0))(0.7)
    assert stats.norm.ppf(0.3) == scipy.stats.norm.ppf(0.3)
    assert stats.norm.logpdf(0.3) == scipy.stats.norm.logpdf(0.3)


def test_parameters_that_are_not_allowed_give_nan():
    scale = np.array([-1.0, 0.0, 1.0])
    value, slope = ad.jvp(lambda s: stats.norm.logpdf(0.3, 0.0, s), (scale,), (np.ones(3),))
    np.testing.assert_array_equal(np.isnan(value), [True, True, False])
    assert np.isfinite(slope[2])


def test_broadcasting_and_second_derivatives():
    x, p = np.array([[0.5], [1.5]]), np.array([1.2, 2.0, 3.0])
    f = lambda a: np.sum(stats.gamma.logpdf(x, a, scale=2.0) + stats.t.cdf(x, a))  # noqa: E731
    assert gradcheck(f, p, order=2).ok


A = np.array([[2.0, 0.3], [0.3, 1.0]])
POINTS = np.array([[0.1, 0.4], [1.0, -1.0], [2.0, 2.0]])


def test_multivariate_normal():
    f = lambda x, m, c: stats.multivariate_normal.logpdf(x, m, c)  # noqa: E731
    value = ad.vjp(f, POINTS, np.ones(2), A)[0]
    np.testing.assert_allclose(
        value, scipy.stats.multivariate_normal.logpdf(POINTS, np.ones(2), A), rtol=1e-14
    )
    assert gradcheck(lambda m: np.sum(f(POINTS, m, A)), np.ones(2), order=2).ok
    assert gradcheck(lambda s: np.sum(f(POINTS, np.ones(2), A * s)), 1.3, order=2).ok
    entropy = ad.vjp(lambda c: stats.multivariate_normal.entropy(np.ones(2), c), A)
    assert entropy[0] == pytest.approx(scipy.stats.multivariate_normal.entropy(np.ones(2), A))
    np.testing.assert_allclose(entropy[1](1.0)[0], 0.5 * np.linalg.inv(A), rtol=1e-13)
    for cov in (2.0, np.array([2.0, 1.0])):
        by_mean = ad.vjp(lambda m, cov=cov: f(POINTS[0], m, cov), np.ones(2))[0]
        assert by_mean == pytest.approx(
            scipy.stats.multivariate_normal.logpdf(POINTS[0], np.ones(2), cov)
        )


def test_dirichlet_and_multinomial():
    x, alpha = np.array([0.2, 0.3, 0.5]), np.array([1.5, 2.0, 3.0])
    f = lambda x, a: stats.dirichlet.logpdf(x, a)  # noqa: E731
    assert ad.vjp(f, x, alpha)[0] == pytest.approx(scipy.stats.dirichlet.logpdf(x, alpha))
    assert gradcheck(lambda a: stats.dirichlet.pdf(x, a), alpha, order=2).ok
    with pytest.raises(ValueError, match="simplex"):
        ad.grad(f)(2 * x, alpha)
    g = lambda p: stats.multinomial.logpmf([1, 2, 3], 6, p)  # noqa: E731
    assert ad.vjp(g, x)[0] == pytest.approx(scipy.stats.multinomial.logpmf([1, 2, 3], 6, x))
    np.testing.assert_allclose(ad.grad(g)(x)[:2], [1 / 0.2 - 3 / 0.5, 2 / 0.3 - 3 / 0.5])
