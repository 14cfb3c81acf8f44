"""Bounds: the box, the minima within it, and that nothing outside is ever evaluated."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

from optkit import ad
from optkit.errors import InvalidInputError
from optkit.optimize import LBFGSB, Box, GradientDescent, Problem, Verdict, minimize, solve

BOUNDED = ["lbfgsb", "gradient-descent"]


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def random_box(seed, n):
    rng = np.random.default_rng(seed)
    low = rng.uniform(-2.0, 0.5, n)
    high = low + rng.uniform(0.0, 2.0, n)
    low[rng.random(n) < 0.2], high[rng.random(n) < 0.2] = -np.inf, np.inf
    fixed = rng.random(n) < 0.1
    low[fixed] = high[fixed] = 0.3
    x0 = np.clip(rng.standard_normal(n), low, high)
    return low, high, x0


@given(st.integers(0, 10_000), st.integers(1, 30))
def test_lbfgsb_finds_a_minimum_within_random_boxes(seed, n):
    """The projected gradient vanishes, and SciPy's L-BFGS-B finds nothing lower from there."""
    low, high, x0 = random_box(seed, n + 1)
    result = minimize(rosenbrock, x0, method="lbfgsb", bounds=scipy.optimize.Bounds(low, high))
    assert result.success, result.message
    assert ((result.x >= low) & (result.x <= high)).all()
    gradient = ad.grad(rosenbrock)(result.x)
    free = ~(((result.x == low) & (gradient > 0.0)) | ((result.x == high) & (gradient < 0.0)))
    free &= low < high
    assert np.linalg.norm(gradient[free]) <= 1e-4 * (1.0 + np.linalg.norm(gradient))
    again = scipy.optimize.minimize(
        rosenbrock, result.x, jac=ad.grad(rosenbrock), method="L-BFGS-B",
        bounds=np.c_[low, high], options={"ftol": 1e-15, "gtol": 1e-10},
    )  # fmt: skip
    assert result.fun <= again.fun + 1e-9 * (1.0 + abs(again.fun))


@pytest.mark.parametrize("method", BOUNDED)
def test_nothing_outside_is_evaluated(method):
    def fun(x):
        assert (np.asarray(ad.stop_gradient(x)) >= 0.0).all()
        return rosenbrock(x)

    def jac(x):
        assert (x >= 0.0).all()
        return ad.grad(rosenbrock)(x)

    for x0 in ([0.0, 0.0], [0.0, 2.0]):
        result = minimize(
            fun,
            x0,
            jac=jac,
            method=method,
            bounds=[(0.0, 0.8)] * 2 if x0[1] < 1 else [(0.0, 3.0)] * 2,
        )
        assert result.success, result.message
        expected = [0.8, 0.64] if x0[1] < 1 else [1.0, 1.0]
        np.testing.assert_allclose(result.x, expected, rtol=1e-5)


@pytest.mark.parametrize("method", BOUNDED)
def test_an_active_bound_is_met_exactly(method):
    result = minimize(
        lambda x: np.sum((x - [1.0, -1.0, 0.5]) ** 2), [0.2, 0.2, 0.2], method=method,
        bounds=[(0.0, 0.5), (0.0, 0.5), (0.0, 0.6)],
    )  # fmt: skip
    assert result.success
    assert (result.x[0], result.x[1]) == (0.5, 0.0)
    assert result.x[2] == pytest.approx(0.5, rel=1e-7)


@pytest.mark.parametrize(
    "method",
    ["bfgs", "lbfgs", "lbfgsb", "sr1", "newton", "newton-cg", "trust-exact", "trust-ncg", "cg"],
)
def test_equal_bounds_fix_a_variable_of_any_method(method):
    bounds = [(None, None), (0.25, 0.25), (None, None)]
    result = minimize(rosenbrock, [-1.2, 0.25, 1.0], method=method, bounds=bounds)
    assert result.success, result.message
    assert result.x[1] == 0.25
    assert result.jac[1] == 0.0
    reduced = minimize(
        lambda z: rosenbrock(np.stack([z[0], 0.25, z[1]])), [-1.2, 1.0], method="bfgs"
    )
    assert result.fun == pytest.approx(reduced.fun, rel=1e-9) or result.fun < reduced.fun


def test_everything_fixed():
    result = minimize(rosenbrock, [0.5, 0.5], bounds=[(0.5, 0.5)] * 2)
    assert (result.success, result.nit) == (True, 0)


def test_a_start_outside_is_moved_with_a_warning():
    with pytest.warns(RuntimeWarning, match=r"x0\[1\] = 5.0 is outside of the bounds"):
        result = minimize(rosenbrock, [0.0, 5.0], bounds=[(0.0, 2.0), (0.0, 2.0)])
    assert result.success


@pytest.mark.parametrize("method", ["bfgs", "trust-exact", "adam", "newton"])
def test_methods_without_bounds_say_so(method):
    with pytest.raises(InvalidInputError, match="takes no bounds but equal ones"):
        minimize(rosenbrock, [0.0, 0.0], method=method, bounds=[(0.0, 1.0)] * 2)


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ([(1.0, 0.0), (0.0, 1.0)], r"bounds of x\[0\]: lower 1.0 > upper 0.0"),
        ([(0.0, 1.0), (np.inf, np.inf)], r"bounds of x\[1\]: no finite number lies between"),
        ([(0.0, 1.0), (np.nan, 1.0)], r"bounds of x\[1\]: nan"),
    ],
)
def test_impossible_bounds_are_refused(bounds, message):
    with pytest.raises(InvalidInputError, match=message):
        minimize(rosenbrock, [0.0, 0.0], bounds=bounds)


def test_a_minimum_on_the_bound_that_is_a_maximum_along_it_is_none():
    """At (0, 0) the bound holds x₀, and the function curves downwards along x₁."""
    result = minimize(
        lambda x: x[0] - x[1] ** 2 + x[1] ** 4, [0.0, 0.0], method="lbfgsb",
        bounds=[(0.0, 1.0), (-2.0, 2.0)],
    )  # fmt: skip
    assert result.verdict is Verdict.FAILED
    # Where the bound holds the direction of negative curvature too, it is a minimum.
    result = minimize(lambda x: x[0] - x[0] ** 2, [0.0], method="lbfgsb", bounds=[(0.0, 0.4)])
    assert (result.success, result.x[0]) == (True, 0.0)


def test_many_active_bounds_in_one_step():
    n = 300
    target = np.linspace(-3.0, 3.0, n)
    result = solve(
        Problem(lambda x: np.sum((x - target) ** 2), bounds=[(-1.0, 1.0)] * n),
        LBFGSB(),
        np.zeros(n),
    )
    assert result.success
    np.testing.assert_allclose(result.x, np.clip(target, -1.0, 1.0), atol=1e-7)
    slow = solve(
        Problem(lambda x: np.sum((x - target) ** 2), bounds=[(-1.0, 1.0)] * n),
        GradientDescent(),
        np.zeros(n),
    )
    np.testing.assert_allclose(slow.x, result.x, atol=1e-6)


def test_bounds_and_bad_scaling():
    def fun(x):
        return 0.5 * (1e6 * (x[0] - 1.0)) ** 2 + 0.5 * (1e-6 * (x[1] - 1.0)) ** 2 + x[2] ** 2

    result = minimize(fun, [0.0, 0.0, 1.0], bounds=[(None, None), (-5.0, 5.0), (0.5, 2.0)])
    assert result.success, result.message
    np.testing.assert_allclose(result.x, [1.0, 1.0, 0.5], rtol=1e-6)


@given(st.integers(0, 1000))
def test_a_box_projects_and_reaches(seed):
    rng = np.random.default_rng(seed)
    low, high, x = random_box(seed, 4)
    box, direction = Box(low, high), rng.standard_normal(4)
    t = box.reach(x, direction)
    if np.isfinite(t):
        assert np.allclose(
            box.project(x + 0.999 * t * direction), x + 0.999 * t * direction, atol=1e-12
        )
        beyond = x + (1.001 * t + 1e-9) * direction
        assert not np.array_equal(box.project(beyond), beyond)
    center, reach = box.interior(x, 1e-3 * direction)
    for sign in (1.0, -1.0):
        assert np.allclose(box.project(center + sign * reach), center + sign * reach, atol=1e-15)
