"""Line searches: what they accept satisfies their conditions, on the functions of Moré and Thuente and others."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optkit.optimize import Armijo, Problem, State, StrongWolfe
from optkit.optimize.line_search import first_step_length

ROOT = math.sqrt


def phi_1(t, beta=2.0):
    """(5.1) of Moré and Thuente (1994)."""
    return -t / (t * t + beta), (t * t - beta) / (t * t + beta) ** 2


def phi_2(t, beta=0.004):
    """(5.2)."""
    return (t + beta) ** 5 - 2.0 * (t + beta) ** 4, 5.0 * (t + beta) ** 4 - 8.0 * (t + beta) ** 3


def phi_3(t, beta=0.01, waves=39):
    """(5.3)."""
    if t <= 1.0 - beta:
        base, slope = 1.0 - t, -1.0
    elif t >= 1.0 + beta:
        base, slope = t - 1.0, 1.0
    else:
        base, slope = (t - 1.0) ** 2 / (2.0 * beta) + beta / 2.0, (t - 1.0) / beta
    k = waves * math.pi / 2.0
    return base + 2.0 * (1.0 - beta) / (waves * math.pi) * math.sin(k * t), slope + (
        1.0 - beta
    ) * math.cos(k * t)


def phi_4(beta_1, beta_2):
    """(5.4)."""
    g1, g2 = (ROOT(1.0 + b * b) - b for b in (beta_1, beta_2))

    def phi(t):
        r1, r2 = ROOT((1.0 - t) ** 2 + beta_2**2), ROOT(t * t + beta_1**2)
        return g1 * r1 + g2 * r2, -g1 * (1.0 - t) / r1 + g2 * t / r2

    return phi


MORE_THUENTE = [
    (phi_1, 1e-3, 0.1), (phi_2, 0.1, 0.1), (phi_3, 0.1, 0.1),
    (phi_4(1e-3, 1e-3), 1e-3, 1e-3), (phi_4(1e-2, 1e-3), 1e-3, 1e-3), (phi_4(1e-3, 1e-2), 1e-3, 1e-3),
]  # fmt: skip


def search(line_search, phi, first):
    """Search from t = 0 along the line on which f is φ; also return how many trials it took."""
    problem = Problem(
        lambda x: phi(x[0])[0], jac=lambda x: np.array([phi(x[0])[1]]), check_derivatives=False
    )
    x = problem.start([0.0])
    fun, grad = problem.value_and_gradient(x)
    state = State(
        x=x, fun=fun, grad=grad, newton_step=-grad, decrement=0.0, noise=problem.noise(fun)
    )
    found = line_search.search(problem, state, np.ones(1), first)
    return found, problem.nfev - 1


@pytest.mark.parametrize("first", [1e-3, 1e-1, 1e1, 1e3])
@pytest.mark.parametrize(("phi", "decrease", "curvature"), MORE_THUENTE)
def test_the_functions_of_more_and_thuente(phi, decrease, curvature, first):
    """Their tables 1–6: never more than some twenty trials, from first steps far too short and far too long."""
    found, trials = search(StrongWolfe(decrease, curvature), phi, first)
    (f0, s0), (f, s) = phi(0.0), phi(found.t)
    assert f <= f0 + decrease * found.t * s0
    assert abs(s) <= curvature * abs(s0)
    assert trials <= 20
    assert (found.fun, found.slope) == (f, s)
    np.testing.assert_array_equal(found.x, [found.t])


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.floats(0.05, 0.9), st.sampled_from([2, 4, 6]))
def test_strong_wolfe_holds_on_powers(minimum, first, curvature, power):
    def phi(t):
        z = t / minimum - 1.0
        return z**power, power * z ** (power - 1) / minimum

    found, _ = search(StrongWolfe(curvature=curvature), phi, first)
    assert found is not None
    (f0, s0), (f, s) = phi(0.0), phi(found.t)
    assert f <= f0 + 1e-4 * found.t * s0 + 1e-14
    assert abs(s) <= curvature * abs(s0) * (1.0 + 1e-9)


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_armijo_decreases_enough(minimum, first):
    def phi(t):
        return (t / minimum - 1.0) ** 2, 2.0 * (t / minimum - 1.0) / minimum

    found, _ = search(Armijo(), phi, first)
    assert found.fun <= 1.0 - 2e-4 * found.t / minimum + 1e-14


@pytest.mark.parametrize("line_search", [Armijo(), StrongWolfe()])
@pytest.mark.parametrize("wall", [math.nan, math.inf, -math.inf])
def test_a_wall_is_stepped_back_from(line_search, wall):
    def phi(t):
        return (wall, wall) if t > 1.5 else ((t - 1.0) ** 2, 2.0 * (t - 1.0))

    found, trials = search(line_search, phi, 1e4)
    assert 0.0 < found.t <= 1.5
    assert found.fun < 1.0
    assert trials <= 20


@pytest.mark.parametrize("line_search", [Armijo(), StrongWolfe()])
def test_an_ascent_direction_is_refused(line_search):
    found, trials = search(line_search, lambda t: (t, -1.0), 1.0)
    assert found is None
    assert trials <= 60


@pytest.mark.parametrize("line_search", [Armijo(), StrongWolfe()])
def test_a_kink_gives_a_decrease_or_nothing(line_search):
    found, _ = search(line_search, lambda t: (abs(t - 1.0), math.copysign(1.0, t - 1.0)), 0.7)
    assert found.fun < 1.0


def test_values_that_drown_in_rounding_leave_the_slopes():
    """φ is 1 + (t − 1)² · 10⁻²⁰: all values are equal in float64, and only φ′ tells the minimum."""

    def phi(t):
        return 1.0 + 1e-20 * (t - 1.0) ** 2, 2e-20 * (t - 1.0)

    found, _ = search(StrongWolfe(curvature=0.1), phi, 17.0)
    assert abs(found.slope) <= 0.1 * 2e-20


def test_a_slope_that_never_flattens_ends_with_the_lowest_trial():
    found, trials = search(StrongWolfe(max_trials=12), lambda t: (-t, -1.0), 1.0)
    assert trials == 12
    assert found.t >= 4.0**10


@pytest.mark.parametrize(
    ("x", "fun", "grad", "length"),
    [
        ([3.0, 4.0], 7.0, [0.0, 2.0], 0.25),
        ([0.0, 0.0], 8.0, [0.0, 2.0], 0.2),
        ([0.0, 0.0], 0.0, [0.0, 2.0], 0.5),
        ([0.0, 0.0], 5.0, [0.0, 0.0], 1.0),
    ],
)
def test_the_first_step_moves_x_by_a_tenth(x, fun, grad, length):
    assert first_step_length(np.array(x), fun, np.array(grad)) == pytest.approx(length)
