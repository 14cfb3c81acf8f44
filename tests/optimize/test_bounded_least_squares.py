"""Least squares within bounds: the right point, never outside, exact on the walls."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

from optkit.errors import InvalidInputError
from optkit.optimize import LevenbergMarquardt, least_squares

T = np.linspace(0.0, 4.0, 40)
Y = 2.5 * np.exp(-1.3 * T) + 0.3 + 0.05 * np.cos(37.0 * T)
METHODS = ["lm", "dogleg", LevenbergMarquardt(damping="nielsen")]


def residuals(p):
    return p[0] * np.exp(-p[1] * T) + p[2] - Y


def optimal(fit, low, high):
    """Whether no free direction descends: the conditions of Karush, Kuhn and Tucker."""
    size = np.linalg.norm(fit.jac, axis=0) * np.sqrt(2.0 * fit.cost)
    g = fit.grad / np.maximum(size, 1e-300)
    inside = (fit.x > low) & (fit.x < high)
    return (
        np.all(np.abs(g[inside]) < 1e-6)
        and np.all(g[(fit.x == low) & (low < high)] > -1e-6)
        and np.all(g[(fit.x == high) & (low < high)] < 1e-6)
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "bounds",
    [
        [(0.0, 2.0), (0.0, None), (None, None)],
        [(0.0, 2.0), (1.5, 3.0), (0.5, 1.0)],
        [(0.0, None), (0.0, 1.0), (0.0, 0.2)],
        [(-10.0, 10.0)] * 3,
        [(None, None)] * 3,
        [(2.0, 2.0), (0.0, 1.0), (0.0, 1.0)],
    ],
)
def test_the_minimum_within_bounds_is_found(bounds, method):
    low = np.array([-np.inf if a is None else a for a, _ in bounds])
    high = np.array([np.inf if b is None else b for _, b in bounds])
    start = np.clip([1.0, 1.6, 0.55], low, high)
    fit = least_squares(residuals, start, bounds=bounds, method=method)
    assert fit.success, fit.message
    assert (fit.x >= low).all()
    assert (fit.x <= high).all()
    assert optimal(fit, low, high)
    theirs = scipy.optimize.least_squares(
        residuals, start, xtol=1e-14, ftol=1e-14, gtol=1e-14,
        bounds=(low - 1e-12, high + 1e-12),
    )  # fmt: skip
    assert fit.cost <= theirs.cost * (1.0 + 1e-6)


def test_random_linear_problems_agree_with_an_active_set_method():
    rng = np.random.default_rng(5)
    for _ in range(40):
        matrix, b = rng.standard_normal((12, 6)), rng.standard_normal(12)
        low = -rng.uniform(0.0, 0.3, 6)
        high = low + rng.uniform(0.0, 0.5, 6)
        fit = least_squares(
            lambda x, m, b: m @ x - b, 0.5 * (low + high), args=(matrix, b),
            bounds=scipy.optimize.Bounds(low, high),
        )  # fmt: skip
        expected = scipy.optimize.lsq_linear(matrix, b, (low, high), method="bvls", tol=1e-14)
        assert fit.success, fit.message
        np.testing.assert_allclose(fit.x, expected.x, atol=1e-8)


def test_no_evaluation_leaves_the_box():
    seen = []

    def watched(p):
        seen.append(np.array(p, dtype=float))
        return np.sqrt(p) - np.array([2.0, 0.1])

    jac = lambda p: np.diag(0.5 / np.sqrt(np.maximum(p, 1e-300)))  # noqa: E731
    fit = least_squares(watched, [1.0, 1.0], jac=jac, bounds=[(0.0, 3.0), (0.2, 2.0)])
    np.testing.assert_allclose(fit.x, [3.0, 0.2], atol=1e-12)
    assert fit.active_mask.tolist() == [1, -1]
    assert all(0.0 <= p[0] <= 3.0 and 0.2 <= p[1] <= 2.0 for p in seen)


def test_walls_are_reached_exactly():
    fit = least_squares(lambda x: x - np.array([0.7, -0.3]), [0.1, 0.1], bounds=[(0.0, 0.3)] * 2)
    assert fit.x.tolist() == [0.3, 0.0]


def test_a_start_outside_is_moved_with_a_warning():
    with pytest.warns(RuntimeWarning, match=r"x0\[0\] = 9.0 is outside"):
        fit = least_squares(lambda x: x - 2.0, [9.0], bounds=[(0.0, 5.0)])
    np.testing.assert_allclose(fit.x, 2.0)


def test_equal_bounds_fix_a_variable_which_then_has_no_error():
    fit = least_squares(residuals, [2.0, 1.0, 0.2], bounds=[(2.0, 2.0), (None, None), (None, None)])
    free = least_squares(lambda q: residuals(np.array([2.0, q[0], q[1]])), [1.0, 0.2], jac=None,
                         backend="finite-difference")  # fmt: skip
    np.testing.assert_allclose(fit.x[1:], free.x, rtol=1e-6)
    assert fit.standard_errors[0] == 0.0
    np.testing.assert_allclose(fit.standard_errors[1:], free.standard_errors, rtol=1e-5)


def test_all_variables_fixed_is_the_end():
    fit = least_squares(residuals, [2.0, 1.0, 0.2], bounds=[(2.0, 2.0), (1.0, 1.0), (0.2, 0.2)])
    assert (fit.success, fit.nit) == (True, 0)


@pytest.mark.parametrize("method", ["gauss-newton", "scipy:lm"])
def test_methods_without_bounds_say_so(method):
    with pytest.raises(InvalidInputError, match="takes no bounds"):
        least_squares(residuals, [1.0, 1.0, 0.1], bounds=[(0.0, 1.0)] * 3, method=method)


def test_geodesic_acceleration_takes_no_bounds():
    with pytest.raises(InvalidInputError, match="takes no bounds"):
        least_squares(
            residuals, [1.0, 1.0, 0.1], bounds=[(0.0, 1.5)] * 3, options={"geodesic": True}
        )


def test_losses_and_bounds_go_together():
    dirty = Y.copy()
    dirty[5] += 3.0
    fit = least_squares(
        lambda p: residuals(p) + Y - dirty, [1.0, 1.0, 0.1], loss="huber", f_scale=0.1,
        bounds=[(0.0, 2.4), (0.0, 5.0), (0.0, 5.0)],
    )  # fmt: skip
    assert fit.success, fit.message
    assert fit.x[0] == 2.4
    assert np.abs(fit.grad[1:]).max() < 1e-7
