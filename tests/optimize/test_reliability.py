"""The failure modes that an optimizer must survive, one after the other, for every method of `minimize`."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest

from optkit.errors import DerivativeError, InvalidInputError, InvalidTypeError
from optkit.optimize import SGD, Verdict, minimize

METHODS = [
    "bfgs", "lbfgs", "lbfgsb", "sr1", "trust-exact", "trust-ncg", "newton", "newton-cg", "cg",
    "gradient-descent", "nesterov", "heavy-ball",
]  # fmt: skip
FAST = METHODS[:8]
ADAPTIVE = ["sgd", "adagrad", "rmsprop", "adam", "adamw"]

every_method = pytest.mark.parametrize("method", METHODS)
fast_methods = pytest.mark.parametrize("method", FAST)


def gentle(method):
    """The method; SGD with a learning rate at which it does not leave Rosenbrock's valley for good."""
    return SGD(1e-4) if method == "sgd" else method


def rosenbrock(x):
    return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2


def slope(x):
    d = x[1] - x[0] ** 2
    return np.array([-400.0 * x[0] * d - 2.0 * (1.0 - x[0]), 200.0 * d])


def curvature(x):
    return np.array(
        [[1200.0 * x[0] ** 2 - 400.0 * x[1] + 2.0, -400.0 * x[0]], [-400.0 * x[0], 200.0]]
    )


X0 = [-1.2, 1.0]
# Without second derivatives of the engine's, where the function is not one that the engine can see through.
BY_HAND = {"jac": slope, "hess": curvature, "options": {"check_derivatives": False}}


@every_method
def test_nan_at_a_trial_step(method):
    def fun(x):
        return x[0] - np.log(x[0]) + (x[1] - 2.0) ** 2 if x[0] > 0.0 else np.nan * x[0]

    states = []
    result = minimize(fun, [30.0, 30.0], method=method, callback=states.append)
    assert result.success, result.message
    np.testing.assert_allclose(result.x, [1.0, 2.0], rtol=1e-5)
    assert all(np.isfinite(state.fun) and np.isfinite(state.grad).all() for state in states)


@fast_methods
def test_a_derivative_that_is_not_finite_at_a_trial_step(method):
    def jac(x):
        return slope(x) if x[0] < 1.2 else np.array([np.nan, 0.0])

    def hess(x):
        return curvature(x) if x[0] < 1.1 else np.full((2, 2), np.inf)

    result = minimize(rosenbrock, X0, jac=jac, hess=hess, method=method)
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-5)


@pytest.mark.parametrize("method", [*METHODS, *ADAPTIVE])
def test_nan_everywhere_fails_at_once(method):
    calls = []

    def fun(x):
        calls.append(1)
        return np.nan * np.sum(x)

    with pytest.raises(InvalidInputError, match=re.escape("fun(x0) is nan")):
        minimize(fun, X0, method=method)
    assert len(calls) == 1


@fast_methods
def test_nan_in_the_gradient_at_the_start_names_its_place(method):
    with pytest.raises(InvalidInputError, match=re.escape("the gradient at x0[1] is nan")):
        minimize(rosenbrock, X0, jac=lambda x: np.array([0.0, np.nan]), method=method)


@fast_methods
def test_inf_at_the_start_is_no_obstacle_where_there_is_a_gradient(method):
    def fun(x):
        return rosenbrock(x) if x[0] > -1.1 else np.inf

    with pytest.warns(RuntimeWarning, match="any finite value counts as lower"):
        result = minimize(fun, X0, method=method, **BY_HAND)
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-5)


@every_method
def test_a_maximum_is_not_a_success_unless_it_is_left(method):
    def fun(x):
        return np.sum(x**4 - x**2)

    result = minimize(fun, [0.0, 0.0], method=method)
    if result.success:  # the trust region has used the negative curvature
        assert method == "trust-exact"
        assert result.fun == pytest.approx(-0.5)
    else:
        assert result.verdict is Verdict.FAILED
        assert "curves downwards along" in result.message


@every_method
def test_a_saddle_is_left_on_request(method):
    def fun(x):
        return x[0] ** 2 + 0.25 * x[1] ** 4 - 0.5 * x[1] ** 2

    for x0 in ([0.0, 0.0], [1.0, 0.0]):
        result = minimize(fun, x0, method=method, options={"escape_saddles": True})
        assert result.success, result.message
        assert result.fun == pytest.approx(-0.25, rel=1e-6)


def badly_scaled(x):
    return 0.5 * (1e6 * (x[0] - 1.0)) ** 2 + 0.5 * (1e-6 * (x[1] - 1.0)) ** 2


@every_method
def test_bad_scaling_gives_no_false_success(method):
    result = minimize(badly_scaled, [0.0, 0.0], method=method, max_iter=3000)
    if result.success or method in FAST:
        assert result.success, result.message
        np.testing.assert_allclose(result.x, 1.0, rtol=1e-6)


@every_method
def test_a_scaled_and_a_shifted_function(method):
    for factor, offset in ((1e-8, 0.0), (1e8, 0.0), (1.0, 1e10)):
        result = minimize(
            lambda x, a=factor, b=offset: a * np.sum(np.cosh(x - 0.3)) + b,
            [2.0, -1.0],
            method=method,
        )
        assert result.success, result.message
        # The rounding of 10¹⁰ is 10⁻⁵: values alone know x to the third digit, and momentum leaves it at that.
        np.testing.assert_allclose(result.x, 0.3, rtol=1e-2 if method == "heavy-ball" else 1e-5)


@pytest.mark.parametrize("method", [*METHODS, *ADAPTIVE])
def test_integers_are_cast_and_nothing_is_empty_success(method):
    result = minimize(lambda x: np.sum((x - 1.0) ** 2), [1, 1], method=method)
    assert result.x.dtype == np.float64
    assert result.success
    empty = minimize(lambda x: np.sum(x), [], method=method)
    assert (empty.success, empty.nit) == (True, 0)


@pytest.mark.parametrize("method", [*METHODS, *ADAPTIVE])
def test_the_user_may_overwrite_x_and_reuse_a_buffer(method):
    buffer = np.empty(2)

    def fun(x):
        value = rosenbrock(x)
        x[:] = np.nan
        return value

    def jac(x):
        buffer[:] = slope(x)
        x[:] = np.nan
        return buffer

    def hess(x):
        matrix = curvature(x)
        x[:] = np.nan
        return matrix

    plain = minimize(rosenbrock, X0, jac=slope, hess=curvature, method=method, max_iter=20)
    rude = minimize(fun, X0, jac=jac, hess=hess, method=method, max_iter=20)
    np.testing.assert_array_equal(plain.history.fun, rude.history.fun)
    np.testing.assert_array_equal(plain.x, rude.x)


class UserError(Exception):
    pass


@pytest.mark.parametrize("method", [*METHODS, *ADAPTIVE])
@pytest.mark.parametrize("error", [KeyboardInterrupt, UserError, StopIteration])
def test_what_the_user_raises_carries_the_result_so_far(method, error):
    def failing():
        left = [12]

        def fun(x):
            left[0] -= 1
            if not left[0]:
                raise error("enough")
            return rosenbrock(x)

        return fun

    given = {"jac": slope, "hess": curvature, "method": gentle(method)}
    with pytest.raises(error) as caught:
        minimize(failing(), X0, **given)
    partial = caught.value.partial_result
    assert partial.fun <= rosenbrock(np.array(X0))
    assert partial.fun == rosenbrock(partial.x)
    returned = minimize(failing(), X0, **given, options={"on_interrupt": "return"})
    assert not returned.success
    assert returned.fun == partial.fun


@pytest.mark.parametrize("method", [*METHODS, *ADAPTIVE])
def test_a_callback_stops_and_the_best_point_is_returned(method):
    seen = []

    def callback(state):
        seen.append(state)
        return len(seen) == 4

    result = minimize(rosenbrock, X0, method=method, callback=callback)
    assert result.nit == len(seen) == 4
    assert result.verdict is Verdict.LIMIT
    assert result.fun <= min(state.fun for state in seen)


@fast_methods
@pytest.mark.parametrize("amplitude", [1e-12, 1e-8])
def test_noisy_values_with_an_exact_gradient(method, amplitude):
    rng = np.random.default_rng(0)

    def fun(x):
        return 1.0 + rosenbrock(x) + amplitude * rng.standard_normal()

    result = minimize(fun, X0, method=method, **BY_HAND)
    assert result.fun <= 1.0 + 1e-3
    if result.success:
        np.testing.assert_allclose(result.x, 1.0, atol=3e2 * np.sqrt(amplitude))
    told = BY_HAND | {"options": BY_HAND["options"] | {"f_noise": 10.0 * amplitude}}
    result = minimize(fun, X0, method=method, **told)
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1.0, atol=3e2 * np.sqrt(amplitude))


@fast_methods
@pytest.mark.parametrize(
    ("jac", "message"),
    [
        (lambda x: -slope(x), "the sign is wrong"),
        (lambda x: 2.0 * slope(x), "jac disagrees with fun at x0"),
        (lambda x: slope(x)[::-1], "jac disagrees with fun at x0"),
        (lambda x: np.zeros(2), "jac disagrees with fun at x0"),
    ],
)
def test_a_wrong_gradient_is_caught_at_the_start(method, jac, message):
    with pytest.raises(DerivativeError, match=message):
        minimize(rosenbrock, X0, jac=jac, method=method)


@fast_methods
def test_a_wrong_gradient_is_never_a_success(method):
    result = minimize(
        rosenbrock, X0, jac=lambda x: -slope(x), hess=lambda x: -curvature(x), method=method,
        max_iter=200, options={"check_derivatives": False},
    )  # fmt: skip
    assert not result.success


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"jac": lambda x: np.zeros(3)}, "jac(x) must have shape (2,), got shape (3,)"),
        ({"jac": lambda x: 0.0}, "jac(x) must have shape (2,), got shape ()"),
        (
            {"jac": slope, "hess": lambda x: np.eye(3)},
            "hess(x) must have shape (2, 2), got shape (3, 3)",
        ),
        ({"jac": slope, "hessp": lambda x, v: np.eye(2)}, "hessp(x, v) must have shape (2,)"),
    ],
)
def test_shapes_are_named_expected_and_actual(given, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        minimize(rosenbrock, X0, **given)


def test_float32_values_with_differences():
    def fun(x):
        y = x.astype(np.float32) if isinstance(x, np.ndarray) else x
        return np.float32(np.sum((y - np.float32(1.0)) ** 2) + np.float32(1.0))

    result = minimize(fun, [3.0, -2.0], backend="finite-difference")
    assert not result.success or np.max(np.abs(result.x - 1.0)) < 0.05


@pytest.mark.parametrize(
    ("fun", "x0"), [(lambda x: 1j * np.sum(x**2), X0), (rosenbrock, [1.0 + 1j, 0.0])]
)
def test_complex_numbers_are_refused_with_advice(fun, x0):
    with pytest.raises(InvalidTypeError, match="an optimum needs an order"):
        minimize(fun, x0)


@every_method
def test_what_is_unbounded_below_is_recognised(method):
    result = minimize(lambda x: -np.sum(x**2) - np.sum(x), [1.0, 2.0], method=method)
    assert result.verdict is Verdict.FAILED
    assert "unbounded below" in result.message
    assert result.nfev < 2000


@fast_methods
def test_a_kink_is_not_called_converged(method):
    result = minimize(
        lambda x: np.abs(x[0]) + 10.0 * np.abs(x[1] - 1.0), [3.0, 0.3], method=method, max_iter=500
    )
    assert result.verdict is not Verdict.CONVERGED or result.fun < 1e-6


@pytest.mark.parametrize("method", [*METHODS, *ADAPTIVE])
def test_time_is_up_within_a_step_too(method, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def fun(x):
        clock[0] += 1.0
        return rosenbrock(x)

    result = minimize(fun, X0, jac=slope, hess=curvature, method=gentle(method), max_time=8.0)
    assert clock[0] <= 12.0
    assert result.verdict is Verdict.LIMIT
    assert "max_time has passed" in result.message


@pytest.mark.parametrize("method", [*METHODS, *ADAPTIVE])
def test_evaluations_are_limited_exactly(method):
    for limit in (1, 2, 3, 7, 20):
        result = minimize(
            rosenbrock, X0, jac=slope, hess=curvature, method=method,
            options={"max_evaluations": limit, "check_derivatives": False},
        )  # fmt: skip
        assert result.nfev <= limit
        assert result.fun <= rosenbrock(np.array(X0))


@pytest.mark.parametrize("method", [*METHODS, *ADAPTIVE])
def test_never_a_worse_point_than_one_seen(method):
    seen = []

    def fun(x):
        seen.append(float(rosenbrock(x)))
        return seen[-1]

    for limit in (1, 5, 10, 17, 1000):
        seen.clear()
        result = minimize(
            fun, X0, jac=slope, hess=curvature, method=method, max_iter=limit,
            options={"check_derivatives": False},
        )  # fmt: skip
        assert result.fun <= min(seen) + 1e-15


@pytest.mark.parametrize("method", [*METHODS, *ADAPTIVE])
def test_unknown_options_are_refused(method):
    with pytest.raises(InvalidInputError, match="unknown option 'gtol' of method"):
        minimize(rosenbrock, X0, method=method, options={"gtol": 1e-3})
