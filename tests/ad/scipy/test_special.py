"""Functions of scipy.special that do not dispatch: values, both modes, corners."""

# ruff: noqa: E501 -- rows of tables

import math

import numpy as np
import pytest
import scipy.special as sp

from optkit import ad, gradcheck
from optkit.ad.scipy import special
from optkit.errors import NotDifferentiableError

X = np.array([[0.3, -1.2, 2.0], [0.7, 0.1, -0.4]])
INF = math.inf


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1), (1, 0)])
@pytest.mark.parametrize("weights", [None, np.array([1.0, 0.5, 2.0])])
def test_logsumexp(axis, keepdims, weights):
    f = lambda x: special.logsumexp(x, axis=axis, b=weights, keepdims=keepdims)  # noqa: E731
    wanted = sp.logsumexp(X, axis=axis, b=weights, keepdims=keepdims)
    value, slope = ad.jvp(f, (X,), (np.cos(X),))
    assert np.shape(value) == np.shape(wanted)
    np.testing.assert_allclose(value, wanted, rtol=1e-15)
    share = (1.0 if weights is None else weights) * np.exp(X)
    total = np.sum(share, axis=axis, keepdims=True)
    np.testing.assert_allclose(
        np.reshape(slope, -1),
        np.reshape(np.sum(share / total * np.cos(X), axis=axis), -1),
        rtol=1e-14,
    )
    assert gradcheck(lambda x: np.sum(f(x) ** 2), X, order=2).ok
    np.testing.assert_allclose(
        ad.jacobian(f, mode="forward")(X), ad.jacobian(f, mode="reverse")(X), rtol=1e-14
    )


def test_logsumexp_by_weights_and_with_sign():
    b = np.array([1.0, -0.5, -2.0])
    f = lambda b: special.logsumexp(X[0], b=b, return_sign=True)[0]  # noqa: E731
    assert ad.vjp(f, b)[0] == pytest.approx(sp.logsumexp(X[0], b=b, return_sign=True)[0])
    assert ad.vjp(lambda b: special.logsumexp(X[0], b=b, return_sign=True)[1], b)[0] == -1.0
    assert gradcheck(f, b, order=2).ok


@pytest.mark.parametrize(
    ("x", "wanted"),
    [
        ([-INF, -INF], [0.5, 0.5]), ([-INF, 1.0], [0.0, 1.0]), ([INF, 1.0], [1.0, 0.0]), ([INF, INF, 0.0], [0.5, 0.5, 0.0]),
        ([1000.0, 1000.0], [0.5, 0.5]), ([-1000.0, 0.0], [0.0, 1.0]), ([3.0], [1.0]),
    ],
)  # fmt: skip
def test_corners_of_logsumexp(x, wanted):
    x = np.array(x)
    np.testing.assert_array_equal(ad.grad(special.logsumexp)(x), wanted)
    np.testing.assert_array_equal(ad.jacobian(special.logsumexp, mode="forward")(x), wanted)
    assert ad.vjp(special.logsumexp, x)[0] == sp.logsumexp(x)


def test_an_unused_term_may_be_infinite():
    b = np.array([1.0, 0.0])
    slopes = ad.grad(lambda x: special.logsumexp(x, b=b))(np.array([1.0, 5000.0]))
    np.testing.assert_array_equal(slopes, [1.0, 0.0])


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name, axis):
    f = lambda x: getattr(special, name)(x, axis=axis)  # noqa: E731
    np.testing.assert_allclose(ad.vjp(f, X)[0], getattr(sp, name)(X, axis=axis), rtol=1e-15)
    assert gradcheck(lambda x: np.sum(np.sin(f(x))), X, order=2).ok


def test_softmax_with_a_term_that_vanishes():
    x = np.array([-INF, 0.0, 1.0])
    for f in (special.softmax, lambda x: special.log_softmax(x)[1:]):
        assert np.all(np.isfinite(ad.jacobian(f)(x)))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: special.polygamma(2, x), lambda x: special.multigammaln(x + 2.0, 3), special.factorial,
        lambda x: special.comb(x + 3.0, x), lambda x: special.comb(x + 3.0, x, repetition=True), lambda x: special.perm(x + 3.0, x),
        lambda x: special.diric(x, 4), lambda x: special.spherical_jn(2, x), lambda x: special.spherical_yn(3, x),
        lambda x: special.spherical_in(2, x), lambda x: special.spherical_jn(2, x, derivative=True),
        lambda x: special.spherical_jn(2, -x), lambda x: special.spherical_yn(3, -x), lambda x: special.spherical_in(3, -x),
        lambda x: special.jvp(2, x), lambda x: special.kvp(1, x, 2), lambda x: special.lambertw(x).real,
        lambda x: special.softplus(x), lambda x: special.zeta(x + 2.0), lambda x: special.sph_harm_y(3, 2, x, 2 * x).real,
        lambda x: special.sph_harm_y([4, 3, 1], [-1, 0, 2], x, 0.4).real, lambda x: np.imag(special.sph_harm_y(2, 1, 0.4, x)),
    ],
)  # fmt: skip
def test_values_and_derivatives_of_the_others(f):
    x = np.array([0.4, 1.1, 2.3])
    np.testing.assert_allclose(ad.vjp(f, x)[0], f(x), rtol=2e-14, atol=1e-15)
    forward, reverse = (ad.jacobian(f, mode=mode)(x) for mode in ("forward", "reverse"))
    np.testing.assert_allclose(forward, reverse, rtol=1e-13, atol=1e-14)
    assert gradcheck(lambda x: np.sum(f(x)), x, order=2).ok


def test_spherical_harmonics_are_smooth_at_the_pole():
    f = lambda t: special.sph_harm_y(2, 0, t, 0.0).real  # noqa: E731
    assert ad.grad(f)(0.0) == 0.0
    assert ad.grad(ad.grad(f))(0.0) == pytest.approx(-3.0 * math.sqrt(5.0 / (4.0 * math.pi)))


def test_what_has_no_derivative_refuses_and_what_is_plain_stays_scipys():
    with pytest.raises(NotDifferentiableError, match="scipy.special.ellip_harm"):
        ad.grad(lambda x: special.ellip_harm(5.0, 8.0, 1, 1, x))(2.5)
    with pytest.raises(NotDifferentiableError, match="exact=False"):
        ad.grad(lambda n: special.factorial(n, exact=True))(2.0)
    assert special.gamma is sp.gamma
    assert special.logsumexp(X) == sp.logsumexp(X)
    np.testing.assert_array_equal(special.softmax(X), sp.softmax(X))
    assert special.ellip_harm(5.0, 8.0, 1, 1, 2.5) == sp.ellip_harm(5.0, 8.0, 1, 1, 2.5)
