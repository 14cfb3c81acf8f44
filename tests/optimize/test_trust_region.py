"""The linear model in a region: its step is the minimiser, checked against conditions that characterise it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optkit.optimize.linear_model import LinearModel
from optkit.optimize.trust_region import gain_ratio, next_radius


def random_model(seed, m, n, rank):
    rng = np.random.default_rng(seed)
    k = min(m, n, rank)
    jacobian = rng.standard_normal((m, k)) @ rng.standard_normal((k, n))
    return jacobian, rng.standard_normal(m), rng.uniform(0.1, 10.0, n)


sizes = st.integers(1, 7)


@given(st.integers(0, 10**6), sizes, sizes, sizes)
def test_the_newton_step_is_the_shortest_least_squares_solution(seed, m, n, rank):
    jacobian, residuals, scale = random_model(seed, m, n, rank)
    model = LinearModel.of(jacobian, residuals, scale)
    assert model.rank == min(m, n, rank)
    expected = -np.linalg.pinv(jacobian / scale, rcond=1e-10) @ residuals / scale
    np.testing.assert_allclose(model.newton_step(), expected, atol=1e-6 * np.abs(expected).max())
    decrease = 0.5 * residuals @ residuals - 0.5 * np.sum((residuals + jacobian @ expected) ** 2)
    assert model.decrement == pytest.approx(decrease, abs=1e-9)


@given(st.integers(0, 10**6), sizes, sizes, sizes, st.floats(1e-6, 2.0))
def test_the_step_within_a_radius_is_the_minimiser_there(seed, m, n, rank, fraction):
    """Moré 1978, lemma 2.1: p solves (JᵀJ + λD²) p = −Jᵀr with λ ≥ 0, and ‖D p‖ = Δ unless λ = 0."""
    jacobian, residuals, scale = random_model(seed, m, n, rank)
    model = LinearModel.of(jacobian, residuals, scale)
    radius = fraction * float(np.linalg.norm(scale * model.newton_step()))
    step, predicted, length = model.step_within(radius)
    assert length == pytest.approx(np.linalg.norm(scale * step), rel=1e-9)
    assert length <= 1.1 * radius * (1.0 + 1e-9)
    decrease = 0.5 * residuals @ residuals - 0.5 * np.sum((residuals + jacobian @ step) ** 2)
    assert predicted == pytest.approx(decrease, rel=1e-6, abs=1e-12 * float(residuals @ residuals))
    gradient = jacobian.T @ (residuals + jacobian @ step)
    damping = -float(gradient @ step) / length**2
    np.testing.assert_allclose(
        gradient, -damping * scale**2 * step, atol=1e-7 * np.abs(residuals).max()
    )
    assert damping >= -1e-9
    if fraction < 0.85:
        assert length >= 0.9 * radius


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_empty_models_have_no_step(shape):
    m, n = shape
    model = LinearModel.of(np.zeros(shape), np.ones(m), np.ones(n))
    assert (model.rank, model.decrement) == (0, 0.0)
    np.testing.assert_array_equal(model.newton_step(), np.zeros(n))


def test_a_radius_follows_the_ratio():
    assert next_radius(8.0, 4.0, 0.9, 0.3) == 8.0
    assert next_radius(5.0, 4.0, 0.9, 0.3) == 8.0
    assert next_radius(8.0, 4.0, 0.5, 0.3) == 8.0
    assert next_radius(8.0, 4.0, 0.1, 0.3) == pytest.approx(1.2)
    assert next_radius(8.0, 4.0, -math.inf, 0.01) == pytest.approx(0.4)
    assert next_radius(8.0, 4.0, -1.0, 0.9) == 2.0


def test_where_values_are_rounding_the_model_is_believed():
    assert gain_ratio(-1e-17, 1e-20, 1e-16) == 1.0
    assert gain_ratio(-1e-15, 1e-20, 1e-16) < 0.0
    assert gain_ratio(0.5, 2.0, 1e-16) == 0.25
    assert gain_ratio(math.nan, 2.0, 1e-16) == gain_ratio(-math.inf, 2.0, 1e-16) == -math.inf
