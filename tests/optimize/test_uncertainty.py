"""Covariances of parameters: right against formulas and simulation, refused where they do not exist."""

from __future__ import annotations

import numpy as np
import pytest

from optkit.errors import RankDeficientError
from optkit.optimize import covariance, least_squares

T = np.linspace(0.0, 1.0, 30)


def test_a_straight_line_has_its_textbook_covariance():
    design = np.column_stack([np.ones_like(T), T])
    residuals = 0.1 * np.cos(37.0 * T)
    variance = residuals @ residuals / 28
    np.testing.assert_allclose(
        covariance(design, residuals), variance * np.linalg.inv(design.T @ design), rtol=1e-12
    )


def test_it_is_accurate_where_the_normal_equations_are_not():
    """Columns of sizes 1 and 10⁻¹² that are nearly parallel: JᵀJ is singular in float64."""
    jacobian = np.column_stack([np.ones_like(T), 1e-12 * (1.0 + 1e-7 * T)])
    exact = covariance(np.column_stack([np.ones_like(T), T]), np.ones(30))
    # x₀ + x₁ z = (x₀ + 10⁻¹² x₁) + 10⁻¹⁹ x₁ T: the second parameter of the line is 10⁻¹⁹ x₁.
    found = covariance(jacobian, np.ones(30))
    assert np.sqrt(found[1, 1]) * 1e-19 == pytest.approx(np.sqrt(exact[1, 1]), rel=1e-6)


def test_standard_errors_are_what_repeated_experiments_scatter_by():
    rng, estimates, claimed = np.random.default_rng(3), [], []
    for _ in range(300):
        y = 2.0 * np.exp(-1.5 * T) + 0.05 * rng.standard_normal(30)
        fit = least_squares(
            lambda p, y: p[0] * np.exp(-p[1] * T) - y, [1.0, 1.0], args=(y,),
            jac=lambda p, y: np.column_stack([np.exp(-p[1] * T), -T * p[0] * np.exp(-p[1] * T)]),
        )  # fmt: skip
        estimates.append(fit.x)
        claimed.append(fit.standard_errors)
    np.testing.assert_allclose(np.std(estimates, axis=0), np.mean(claimed, axis=0), rtol=0.1)


def test_parameters_that_cannot_be_told_apart_are_named():
    fit = least_squares(lambda p: p[0] * p[1] * T + p[2] - np.sin(T), [1.0, 2.0, 0.0])
    assert fit.success
    assert fit.rank == 2
    with pytest.raises(
        RankDeficientError, match=r"rank 2 of 3; the data do not determine x\[0\], x\[1\]"
    ):
        _ = fit.covariance
    with pytest.raises(RankDeficientError, match="no covariance"):
        _ = fit.standard_errors


def test_a_parameter_without_influence_is_named():
    with pytest.raises(RankDeficientError, match=r"no residual depends on x\[1\]"):
        covariance(np.array([[1.0, 0.0], [2.0, 0.0], [1.0, 0.0]]), np.ones(3))


def test_too_few_residuals_are_refused():
    with pytest.raises(
        RankDeficientError, match=r"2 residuals and 2 parameters .* at least 3 residuals"
    ):
        covariance(np.eye(2), np.ones(2))
