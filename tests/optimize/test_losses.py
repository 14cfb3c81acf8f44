"""Losses: their derivatives, their place in the model, and what they do to outliers."""

from __future__ import annotations

import re

import numpy as np
import pytest
import scipy.optimize

from optkit.errors import InvalidInputError, InvalidTypeError, RankDeficientError
from optkit.optimize import LeastSquaresProblem, Verdict, covariance, least_squares
from optkit.optimize.losses import (
    LOSSES,
    Cauchy,
    Composed,
    Huber,
    Loss,
    Scaled,
    SoftL1,
    Tukey,
    as_loss,
    influence,
)

ALL = LOSSES | {
    "scaled": Scaled(Cauchy(), width=3.0, factor=0.5),
    "composed": Composed(Cauchy(), SoftL1()),
    "composed of scaled": Composed(Scaled(Tukey(), 2.0), Huber()),
}
T = np.linspace(0.0, 4.0, 40)
CLEAN = 2.5 * np.exp(-1.3 * T) + 0.3 + 0.01 * np.cos(37.0 * T)
DIRTY = CLEAN.copy()
DIRTY[[3, 17, 30]] += [2.0, -1.5, 1.0]


def residuals(p):
    return p[0] * np.exp(-p[1] * T) + p[2] - DIRTY


@pytest.fixture(params=ALL)
def loss(request):
    return ALL[request.param]


def test_the_derivatives_are_those_of_the_value(loss):
    z = np.array([1e-3, 0.1, 0.5, 0.9, 1.2, 2.0, 5.0, 30.0])
    h = 1e-5 * z
    value, slope, curvature = loss(z)
    ahead, behind = loss(z + h), loss(z - h)
    np.testing.assert_allclose(slope, (ahead[0] - behind[0]) / (2 * h), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(curvature, (ahead[1] - behind[1]) / (2 * h), rtol=1e-6, atol=1e-9)
    assert (value >= 0.0).all()


def test_a_small_residual_counts_as_in_plain_least_squares(loss):
    factor = 0.5 if loss is ALL["scaled"] else 1.0
    np.testing.assert_allclose(loss(np.array([0.0, 1e-9]))[0] / factor, [0.0, 1e-9], rtol=1e-6)
    assert loss(np.zeros(1))[1] == pytest.approx(factor)


def test_no_size_of_residual_makes_them_nan(loss):
    r = np.array([0.0, 1e-200, 1.0, 1e100, 1e200])
    psi, h = influence(r, loss)
    assert np.isfinite(psi).all()
    assert np.isfinite(h).all()
    assert (h >= 0.0).all()


def test_the_gradient_of_the_problem_is_that_of_its_value(loss):
    problem = LeastSquaresProblem(residuals, loss=loss)
    x = problem.start([2.0, 1.0, 0.1])
    for j in range(3):
        h = 1e-6 * np.eye(3)[j]
        slope = (problem.value(x + h) - problem.value(x - h)) / 2e-6
        assert problem.gradient(x)[j] == pytest.approx(slope, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", ["huber", "soft_l1", "cauchy", "arctan"])
def test_the_minimum_is_scipys(name):
    ours = least_squares(residuals, [2.0, 1.0, 0.2], loss=name, f_scale=0.1)
    theirs = scipy.optimize.least_squares(
        residuals, [2.0, 1.0, 0.2], loss=name, f_scale=0.1, xtol=1e-14, ftol=1e-14, gtol=1e-14
    )
    assert ours.success, ours.message
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-6)
    assert ours.cost == pytest.approx(theirs.cost, rel=1e-10)


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "linear"])
def test_outliers_do_not_decide(name):
    fit = least_squares(
        residuals, [2.0, 1.0, 0.2], loss=name, f_scale=0.3 if name == "tukey" else 0.1
    )
    assert fit.success, fit.message
    np.testing.assert_allclose(fit.x, [2.5, 1.3, 0.3], rtol=0.03)
    np.testing.assert_allclose(fit.grad, 0.0, atol=1e-8)


def test_a_function_of_the_users_is_a_loss_in_both_forms():
    def stacked(z):
        return np.stack(Cauchy()(z))

    expected = least_squares(residuals, [2.0, 1.0, 0.2], loss="cauchy").x
    for loss in (stacked, lambda z: Cauchy()(z), Cauchy()):
        np.testing.assert_allclose(least_squares(residuals, [2.0, 1.0, 0.2], loss=loss).x, expected)


@pytest.mark.parametrize("method", ["lm", "dogleg", "gn", "scipy:trf", "scipy:dogbox"])
def test_every_method_takes_a_loss(method):
    fit = least_squares(residuals, [2.0, 1.0, 0.2], loss="soft_l1", f_scale=0.1, method=method)
    expected = least_squares(residuals, [2.0, 1.0, 0.2], loss="soft_l1", f_scale=0.1)
    np.testing.assert_allclose(fit.x, expected.x, rtol=1e-5)
    assert fit.cost == pytest.approx(expected.cost)


def test_a_start_beyond_the_reach_of_a_loss_is_no_success():
    fit = least_squares(lambda x: np.array([x[0] - 5.0, x[0] - 6.0]), [100.0], loss="tukey")
    assert fit.verdict is Verdict.FAILED
    assert "no influence" in fit.message


def test_the_standard_errors_of_an_m_estimate_are_those_of_clean_data():
    clean = least_squares(lambda p: residuals(p) + DIRTY - CLEAN, [2.0, 1.0, 0.2])
    robust = least_squares(residuals, [2.0, 1.0, 0.2], loss="tukey", f_scale=0.3)
    np.testing.assert_allclose(robust.standard_errors, clean.standard_errors, rtol=0.4)
    plain = least_squares(residuals, [2.0, 1.0, 0.2])
    assert (plain.standard_errors > 5.0 * robust.standard_errors).all()


def test_no_variance_is_claimed_where_the_loss_is_not_convex():
    with pytest.raises(RankDeficientError, match="larger f_scale"):
        covariance(np.ones((4, 1)), np.full(4, 3.0), Cauchy())


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        ("hubber", InvalidInputError, "did you mean 'huber'?"),
        (3, InvalidTypeError, "loss must be a name"),
        (Huber, InvalidTypeError, "write loss=Huber()"),
        (lambda z: z, InvalidInputError, "three arrays"),
        (lambda z: (z, z[:1], z), InvalidInputError, "loss(z)[1] must have shape (40,)"),
    ],
)
def test_what_is_no_loss_is_refused(loss, error, message):
    with pytest.raises(error, match=re.escape(message)):
        least_squares(residuals, [2.0, 1.0, 0.2], loss=loss)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf, np.nan])
def test_a_scale_is_positive_and_finite(scale):
    with pytest.raises(InvalidInputError, match="must be positive and finite"):
        least_squares(residuals, [2.0, 1.0, 0.2], loss="huber", f_scale=scale)


def test_plain_squares_are_no_loss():
    assert as_loss("linear") is None
    assert isinstance(as_loss("huber", 2.0), Loss)
