"""The one loop: limits, history, callbacks, interrupts, the best point; and stepping by hand."""

from __future__ import annotations

import copy
import pickle
import time
from dataclasses import dataclass

import numpy as np
import pytest

from optkit.errors import InvalidInputError, InvalidTypeError
from optkit.optimize import (
    BFGS,
    GaussNewton,
    GradientDescent,
    LeastSquaresProblem,
    LevenbergMarquardt,
    Problem,
    Solver,
    State,
    Verdict,
    iterate,
    least_squares,
    minimize,
    solve,
)

X0 = [-1.2, 1.0]
MINIMIZERS = ["bfgs", "gradient-descent"]


def rosenbrock(x):
    return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2


def residuals(x):
    return np.array([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])


# ------------------------------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize("method", MINIMIZERS)
@pytest.mark.parametrize("max_iter", [0, 1, 5])
def test_iterations_are_limited_exactly(method, max_iter):
    result = minimize(rosenbrock, X0, method=method, max_iter=max_iter)
    assert result.nit == max_iter
    assert len(result.history) == max_iter + 1
    assert result.verdict is Verdict.LIMIT
    assert (result.status, result.success) == (1, False)
    assert f"{max_iter} iterations ≥ {max_iter}" in result.message


def test_evaluations_are_limited_inside_line_searches_too():
    for limit in range(1, 30):
        result = minimize(rosenbrock, X0, method="bfgs", options={"max_evaluations": limit})
        assert result.nfev == limit, result.message
        assert result.verdict is Verdict.LIMIT
        assert result.fun <= rosenbrock(np.array(X0))


@pytest.mark.parametrize("driver", [minimize, least_squares])
def test_time_is_limited_inside_a_step(driver, monkeypatch):
    seconds = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: seconds[0])

    def slow(x):
        seconds[0] += 1.0
        return rosenbrock(x) if driver is minimize else residuals(x)

    result = driver(slow, X0, max_time=5.0)
    assert seconds[0] <= 7.0
    assert result.verdict is Verdict.LIMIT
    assert "max_time has passed" in result.message


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ({"max_iter": -1}, InvalidInputError, "max_iter must be at least 0, got -1"),
        ({"max_iter": "3"}, InvalidTypeError, "max_iter must be an integer"),
        ({"max_time": np.nan}, InvalidInputError, "max_time must be at least"),
        (
            {"options": {"max_evaluations": 0}},
            InvalidInputError,
            "max_evaluations must be at least 1",
        ),
        (
            {"options": {"on_interrupt": "ignore"}},
            InvalidInputError,
            "on_interrupt must be 'raise'",
        ),
        ({"options": [1]}, InvalidTypeError, "options must be a dict, got list"),
    ],
)
def test_limits_that_make_no_sense_are_refused(bad, error, message):
    with pytest.raises(error, match=message):
        minimize(rosenbrock, X0, **bad)


# ------------------------------------------------------------------------------------------------------------ history


@pytest.mark.parametrize("method", MINIMIZERS)
def test_the_history_tells_the_course(method):
    result = minimize(rosenbrock, X0, method=method, options={"keep_x": True})
    history = result.history
    assert len(history) == result.nit + 1
    assert history.fun[0] == rosenbrock(np.array(X0))
    assert history.fun[-1] == result.fun
    assert np.all(np.diff(history.fun) <= 0.0)
    np.testing.assert_array_equal(history.x[0], X0)
    np.testing.assert_array_equal(history.x[-1], result.x)
    np.testing.assert_allclose(
        history.step_norm[1:], np.linalg.norm(np.diff(history.x, axis=0), axis=1), rtol=1e-9
    )
    np.testing.assert_allclose(
        history.gradient_norm[-1], np.linalg.norm(result.jac), rtol=1e-12, atol=0.0
    )
    assert np.isnan(history.step_size[0])
    assert np.all(history.step_size[1:] > 0.0)
    assert np.all(np.diff(history.evaluations) > 0)
    assert np.all(np.diff(history.seconds) >= 0.0)
    np.testing.assert_array_equal(history["iteration"], np.arange(result.nit + 1))


def test_columns_are_named_and_others_are_refused():
    history = minimize(rosenbrock, X0).history
    assert "x" not in history.columns
    with pytest.raises(KeyError, match="'keep_x': True"):
        history["x"]
    with pytest.raises(AttributeError, match="no column 'loss' in the history; it has iteration"):
        _ = history.loss
    assert {"fun", "gradient_norm"} <= set(dir(history))
    rows = list(history)
    assert rows[3].fun == history.fun[3]
    assert repr(history).startswith(f"<history of {len(history) - 1} iterations")


def test_rejected_steps_of_a_trust_region_are_rows_of_zero_length():
    fit = least_squares(residuals, X0, options={"keep_x": True})
    stayed = np.all(np.diff(fit.history.x, axis=0) == 0.0, axis=1)
    assert stayed.any()
    np.testing.assert_array_equal(fit.history.step_norm[1:] == 0.0, stayed)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])
def test_a_result_can_be_copied_and_pickled(duplicate):
    result = least_squares(residuals, X0)
    twin = duplicate(result)
    np.testing.assert_array_equal(twin.x, result.x)
    np.testing.assert_array_equal(twin.history.fun, result.history.fun)
    assert twin.verdict is result.verdict
    np.testing.assert_array_equal(np.isfinite(twin.jac), True)


# ---------------------------------------------------------------------------------------------------------- callbacks


class Count:
    def __init__(self, stop_at, how):
        self.states, self.stop_at, self.how = [], stop_at, how

    def __call__(self, state):
        self.states.append(state)
        if len(self.states) == self.stop_at:
            return self.how()
        return None


def _raise_stop_iteration():
    raise StopIteration


@pytest.mark.parametrize("how", [lambda: True, lambda: np.bool_(True), _raise_stop_iteration])
@pytest.mark.parametrize("driver", [minimize, least_squares])
def test_a_callback_stops_by_true_or_stop_iteration(driver, how):
    callback = Count(3, how)
    result = driver(rosenbrock if driver is minimize else residuals, X0, callback=callback)
    assert len(callback.states) == result.nit == 3
    assert result.verdict is Verdict.LIMIT
    assert "the callback stopped iteration 3" in result.message
    best = min(callback.states, key=lambda state: state.fun)
    np.testing.assert_array_equal(result.x, best.x)


@pytest.mark.parametrize("answer", [None, False, 1, "stop", [True]])
def test_anything_else_that_a_callback_returns_means_go_on(answer):
    assert minimize(rosenbrock, X0, callback=lambda state: answer).success


def test_a_callback_cannot_disturb_the_solver():
    def vandal(state):
        with pytest.raises(ValueError, match="read-only"):
            state.x[:] = 0.0

    assert minimize(rosenbrock, X0, callback=vandal).success


# --------------------------------------------------------------------------------------------------------- interrupts


def failing_after(calls, error):
    count = 0

    def fun(x):
        nonlocal count
        count += 1
        if count > calls:
            raise error
        return rosenbrock(x)

    return fun


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError("oh"), StopIteration(3)])
def test_what_the_user_raises_propagates_with_the_result_so_far(error):
    with pytest.raises(type(error)) as caught:
        minimize(failing_after(20, error), X0)
    partial = caught.value.partial_result
    assert caught.value is error
    assert partial.fun < rosenbrock(np.array(X0))
    assert not partial.success
    expected = Verdict.LIMIT if isinstance(error, KeyboardInterrupt) else Verdict.FAILED
    assert partial.verdict is expected
    assert len(partial.history) == partial.nit + 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError("oh")])
def test_an_interrupt_returns_the_result_where_that_is_wanted(error):
    result = minimize(failing_after(20, error), X0, options={"on_interrupt": "return"})
    assert not result.success
    assert (
        "interrupted by the user" if isinstance(error, KeyboardInterrupt) else "oh"
    ) in result.message


def test_an_exception_in_a_callback_carries_the_result_too():
    def callback(state):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more") as caught:
        minimize(rosenbrock, X0, callback=callback)
    assert caught.value.partial_result.nit == 1


def test_before_the_first_state_there_is_no_result():
    with pytest.raises(ZeroDivisionError) as caught:
        minimize(failing_after(0, ZeroDivisionError()), X0, options={"on_interrupt": "return"})
    assert caught.value.partial_result is None


def test_limits_do_not_outlive_the_solve():
    problem = Problem(rosenbrock)
    assert minimize(rosenbrock, X0, options={"max_evaluations": 3}).nfev == 3
    result = solve(problem, BFGS(), X0)
    assert result.success
    assert problem.max_evaluations == np.inf


# ----------------------------------------------------------------------------------------------------- the best point


@pytest.mark.parametrize("limit", range(2, 40))
def test_the_result_is_never_worse_than_a_point_seen(limit):
    """Also where the limit falls inside a line search whose lowest trial nobody has accepted yet."""
    values = []

    def fun(x):
        values.append(rosenbrock(x))
        return values[-1]

    def jac(x):
        d = x[1] - x[0] ** 2
        return np.array([-400.0 * x[0] * d - 2.0 * (1.0 - x[0]), 200.0 * d])

    options = {"max_evaluations": limit, "check_derivatives": False}
    for method in MINIMIZERS:
        values.clear()
        assert minimize(fun, X0, jac=jac, method=method, options=options).fun == min(values)


@dataclass(frozen=True)
class Wanderer(Solver[State]):
    """Goes to given points in turn, good or bad."""

    points: tuple[float, ...]
    name = "wanderer"

    def init(self, problem, x0):
        return self._at(problem, x0)

    def step(self, problem, state):
        here = self.points.index(float(state.x[0]))
        if here + 1 == len(self.points):
            return State(
                x=state.x, fun=state.fun, grad=state.grad, newton_step=state.newton_step,
                decrement=state.decrement, noise=0.0, verdict=Verdict.FAILED, message="lost",
            )  # fmt: skip
        return self._at(problem, np.array([self.points[here + 1]]))

    def _at(self, problem, x):
        fun, grad = problem.value_and_gradient(x)
        return State(x=x, fun=fun, grad=grad, newton_step=np.ones(1), decrement=1.0, noise=0.0)


def test_the_best_state_is_returned_whatever_the_solver_does():
    result = minimize(lambda x: np.sum((x - 3.0) ** 2), [5.0], method=Wanderer((5.0, 2.5, 9.0)))
    assert result.x == 2.5
    assert (result.message, result.verdict, result.nit) == ("lost", Verdict.FAILED, 3)
    np.testing.assert_allclose(result.jac, -1.0)


# ----------------------------------------------------------------------------------------------------------- by hand


@pytest.mark.parametrize("solver", [BFGS(), GradientDescent()])
def test_stepping_by_hand_is_what_the_driver_does(solver):
    states = list(iterate(rosenbrock, solver, X0))
    result = minimize(rosenbrock, X0, method=solver)
    assert states[-1].verdict is result.verdict is Verdict.CONVERGED
    assert [state.fun for state in states] == list(result.history.fun)


@pytest.mark.parametrize("solver", [LevenbergMarquardt(), GaussNewton()])
def test_residuals_are_made_into_their_kind_of_problem(solver):
    states = list(iterate(residuals, solver, X0))
    assert states[-1].fun == pytest.approx(0.0, abs=1e-20)
    assert states[0].residuals.tolist() == residuals(np.array(X0)).tolist()


def test_states_are_values():
    solver, problem = BFGS(), Problem(rosenbrock)
    first = solver.init(problem, problem.start(X0))
    one, again = solver.step(problem, first), solver.step(problem, first)
    np.testing.assert_array_equal(one.x, again.x)
    np.testing.assert_array_equal(first.x, X0)
    with pytest.raises(AttributeError, match="cannot assign"):
        first.fun = 0.0


def test_a_solver_of_residuals_refuses_a_scalar():
    with pytest.raises(InvalidTypeError, match="'lm' needs residuals"):
        next(iterate(Problem(rosenbrock), LevenbergMarquardt(), X0))


def test_a_sum_of_squares_may_be_given_to_any_minimizer():
    result = solve(LeastSquaresProblem(residuals), BFGS(), X0)
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-6)
    np.testing.assert_allclose(result.fun, residuals(result.x))
    assert (result.rank, result.success) == (2, True)


@pytest.mark.parametrize("solver", ["bfgs", BFGS, None])
def test_iterate_refuses_what_is_no_solver_at_the_call(solver):
    with pytest.raises(
        InvalidTypeError, match=r"iterate: solver must be .* optkit.optimize.BFGS\(\)"
    ):
        iterate(lambda x: x @ x, solver, [1.0])
