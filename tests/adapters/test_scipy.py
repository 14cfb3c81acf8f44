"""SciPy's methods under our rules, and our solvers under SciPy's."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
import scipy.optimize

from optkit import ad
from optkit.adapters.scipy import MINIMIZERS, as_scipy_method
from optkit.errors import DerivativeError, InvalidInputError
from optkit.optimize import BFGS, GradientDescent, Verdict, least_squares, minimize

X0 = [-1.2, 1.0]
ALL = [f"scipy:{method.name}" for method in MINIMIZERS.values()]
WITH_GRADIENT = [f"scipy:{method.name}" for method in MINIMIZERS.values() if method.gradient]
WITH_BOUNDS = [f"scipy:{method.name}" for method in MINIMIZERS.values() if method.bounds]
WITH_CONSTRAINTS = [f"scipy:{method.name}" for method in MINIMIZERS.values() if method.constraints]
LEAST_SQUARES = ["scipy:trf", "scipy:dogbox", "scipy:lm"]


def rosenbrock(x):
    return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2


def bowl(x):
    return np.sum((x - np.array([1.0, 2.0])) ** 2)


def residuals(x):
    return np.array([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])


# --------------------------------------------------------------------------------------------------- SciPy's minimizers


@pytest.mark.parametrize("method", ALL)
def test_every_method_minimises(method):
    result = minimize(bowl, [3.0, -1.0], method=method)
    assert result.success, result.message
    np.testing.assert_allclose(result.x, [1.0, 2.0], atol=1e-3)
    assert (result.method, result.verdict) == (method, Verdict.CONVERGED)
    assert result.message.startswith("converged: ")
    assert isinstance(result.scipy_result, scipy.optimize.OptimizeResult)
    history = result.history
    assert len(history) == result.nit + 1 > 1
    assert history.fun[0] == bowl(np.array([3.0, -1.0]))
    assert result.fun <= np.min(history.fun)
    uses_gradient = method in WITH_GRADIENT
    assert (result.njev > 0) == uses_gradient
    assert np.isfinite(history.gradient_norm).all() == uses_gradient


@pytest.mark.parametrize("method", WITH_GRADIENT)
def test_it_goes_the_way_that_scipy_goes_with_the_same_derivatives(method):
    name = method.removeprefix("scipy:")
    second = {"hess": ad.hessian(rosenbrock)} if MINIMIZERS[name.lower()].second else {}
    theirs = scipy.optimize.minimize(
        rosenbrock, X0, method=name, jac=ad.grad(rosenbrock), **second, options={"maxiter": 30}
        if name != "TNC" else {"maxfun": 30},
    )  # fmt: skip
    ours = minimize(
        rosenbrock, X0, method=method, hess=second.get("hess"),
        options={"maxiter": 30} if name != "TNC" else {"maxfun": 30},
    )  # fmt: skip
    np.testing.assert_allclose(ours.scipy_result.x, theirs.x, rtol=1e-6)
    assert ours.fun <= theirs.fun
    assert ours.nfev <= theirs.nfev + 3


@pytest.mark.parametrize("method", ALL)
def test_iterations_are_limited(method):
    result = minimize(rosenbrock, X0, method=method, max_iter=3)
    assert result.nit <= 3
    assert (result.verdict, result.success) == (Verdict.LIMIT, False)


@pytest.mark.parametrize("method", ALL)
def test_evaluations_and_time_are_limited(method, monkeypatch):
    result = minimize(rosenbrock, X0, method=method, options={"max_evaluations": 9})
    assert result.nfev <= 10
    assert result.verdict is Verdict.LIMIT

    seconds = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: seconds[0])

    def slow(x):
        seconds[0] += 1.0
        return rosenbrock(x)

    result = minimize(slow, X0, method=method, max_time=6.0)
    assert seconds[0] <= 10.0
    assert "max_time has passed" in result.message


def _raise_stop_iteration():
    raise StopIteration


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("how", [lambda: True, _raise_stop_iteration])
def test_a_callback_stops_every_method_and_the_best_point_is_returned(method, how):
    states = []

    def callback(state):
        states.append(state)
        return how() if len(states) == 2 else None

    result = minimize(rosenbrock, X0, method=method, callback=callback)
    assert result.nit == 2
    assert result.verdict is Verdict.LIMIT
    assert result.fun <= min(state.fun for state in states)


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError("oh")])
def test_what_the_user_raises_carries_the_result_so_far(method, error):
    count = 0

    def fun(x):
        nonlocal count
        count += 1
        if count > 12:
            raise error
        return rosenbrock(x)

    with pytest.raises(type(error)) as caught:
        minimize(fun, X0, method=method)
    assert caught.value is error
    assert caught.value.partial_result.fun <= rosenbrock(np.array(X0))


@pytest.mark.parametrize("method", ALL)
def test_never_worse_than_a_point_seen(method):
    values = []

    def fun(x):
        values.append(float(rosenbrock(np.asarray(x))))
        return values[-1]

    jac = ad.grad(rosenbrock) if method in WITH_GRADIENT else None
    hess = ad.hessian(rosenbrock) if MINIMIZERS[method[6:].lower()].second else None
    options = {"check_derivatives": False, "max_evaluations": 25}
    result = minimize(fun, X0, method=method, jac=jac, hess=hess, options=options)
    assert result.fun == min(values)
    assert result.fun == rosenbrock(result.x)


@pytest.mark.parametrize("method", ["scipy:BFGS", "scipy:SLSQP", "scipy:trust-exact"])
def test_a_function_may_mutate_what_it_is_given(method):
    def vandal(x):
        value = bowl(x)
        x[:] = np.nan
        return value

    result = minimize(vandal, [3.0, 4.0], method=method, jac=lambda x: 2.0 * (x - [1.0, 2.0]),
                      hess=lambda x: 2.0 * np.eye(2))  # fmt: skip
    np.testing.assert_allclose(result.x, [1.0, 2.0], atol=1e-6)


def test_a_wrong_gradient_is_found_out_before_scipy_gets_it():
    with pytest.raises(DerivativeError, match="the sign is wrong"):
        minimize(bowl, [3.0, 4.0], method="scipy:BFGS", jac=lambda x: -2.0 * (x - [1.0, 2.0]))


@pytest.mark.parametrize(
    "given",
    [{"hess": lambda x: 2.0 * np.eye(2)}, {"hessp": lambda x, v: 2.0 * v}, {}],
    ids=["hess", "hessp", "backend"],
)
@pytest.mark.parametrize(
    "method", [f"scipy:{method.name}" for method in MINIMIZERS.values() if method.second]
)
def test_second_derivatives_come_from_whoever_has_them(method, given):
    result = minimize(bowl, [3.0, 4.0], method=method, **given)
    np.testing.assert_allclose(result.x, [1.0, 2.0], atol=1e-6)
    assert result.nhev > 0


@pytest.mark.parametrize("shape", [(), (2, 2)])
def test_any_shape_of_x0(shape):
    result = minimize(lambda x: np.sum((x - 3.0) ** 2), np.zeros(shape), method="scipy:BFGS")
    assert result.x.shape == (shape or (1,))
    np.testing.assert_allclose(result.x, 3.0, rtol=1e-6)


def test_nothing_to_optimise_is_a_success():
    result = minimize(lambda x: np.sum(x) + 2.0, [], method="scipy:L-BFGS-B")
    assert (result.success, result.fun) == (True, 2.0)


# --------------------------------------------------------------------------------------------- bounds and constraints


@pytest.mark.parametrize("method", WITH_BOUNDS)
@pytest.mark.parametrize(
    "bounds",
    [[(0.0, 0.5), (None, 3.0)], scipy.optimize.Bounds([0.0, -np.inf], [0.5, 3.0])],
    ids=["pairs", "Bounds"],
)
def test_bounds_hold(method, bounds):
    result = minimize(bowl, [0.25, 0.0], method=method, bounds=bounds)
    np.testing.assert_allclose(result.x, [0.5, 2.0], atol=2e-2)
    assert result.x[0] <= 0.5 + 1e-9


@pytest.mark.parametrize("method", WITH_CONSTRAINTS)
def test_constraints_hold(method):
    below_line = scipy.optimize.LinearConstraint([[1.0, 1.0]], -np.inf, 2.0)
    result = minimize(bowl, [0.0, 0.0], method=method, constraints=below_line)
    np.testing.assert_allclose(result.x, [0.5, 1.5], atol=1e-2)
    assert result.x.sum() <= 2.0 + 1e-6


def test_an_infeasible_point_is_never_the_best():
    """SLSQP starts at the unconstrained minimum, whose value no feasible point has."""
    result = minimize(
        bowl, [1.0, 2.0], method="scipy:SLSQP",
        constraints={"type": "eq", "fun": lambda x: x[0] + x[1] - 5.0},
    )  # fmt: skip
    np.testing.assert_allclose(result.x, [2.0, 3.0], rtol=1e-6)
    assert result.fun > result.history.fun[0]


def test_a_start_outside_of_the_bounds_is_moved_with_a_warning():
    with pytest.warns(RuntimeWarning, match=re.escape("x0[1] = 9.0 is outside of the bounds")):
        result = minimize(bowl, [0.2, 9.0], bounds=[(0.0, 0.5), (0.0, 3.0)])
    np.testing.assert_allclose(result.x, [0.5, 2.0], rtol=1e-6)


def test_crossed_bounds_are_refused_and_equal_ones_fix():
    with pytest.raises(InvalidInputError, match=re.escape("bounds of x[1]: lower 2.0 > upper 1.0")):
        minimize(bowl, [0.0, 0.0], bounds=[(0.0, 1.0), (2.0, 1.0)])
    result = minimize(bowl, [0.3, 0.0], bounds=[(0.3, 0.3), (None, None)])
    np.testing.assert_allclose(result.x, [0.3, 2.0], rtol=1e-6)


@pytest.mark.parametrize(
    ("method", "given", "able"),
    [
        ("scipy:BFGS", {"bounds": [(0.0, 1.0)] * 2}, "'scipy:L-BFGS-B'"),
        ("scipy:L-BFGS-B", {"constraints": {"type": "eq", "fun": bowl}}, "'scipy:SLSQP'"),
    ],
)
def test_what_a_method_does_not_take_is_refused(method, given, able):
    with pytest.raises(
        InvalidInputError, match=f"'{method}' takes no .*; methods that do: .*{able}"
    ):
        minimize(bowl, [0.0, 0.0], method=method, **given)


# ------------------------------------------------------------------------------------------------ SciPy's least squares


@pytest.mark.parametrize("method", LEAST_SQUARES)
def test_least_squares_of_scipy(method):
    fit = least_squares(residuals, X0, method=method)
    assert fit.success, fit.message
    np.testing.assert_allclose(fit.x, 1.0, rtol=1e-6)
    assert fit.rank == 2
    assert len(fit.history) == fit.nit + 1 > 5
    assert fit.history.fun[0] == 0.5 * np.sum(residuals(np.array(X0)) ** 2)
    theirs = scipy.optimize.least_squares(
        residuals, X0, method=method[6:], jac=ad.jacobian(residuals)
    )
    np.testing.assert_allclose(fit.scipy_result.x, theirs.x)


@pytest.mark.parametrize("method", LEAST_SQUARES)
def test_least_squares_of_scipy_obeys_the_loop(method):
    short = least_squares(residuals, X0, method=method, max_iter=2)
    assert (short.nit, short.verdict) == (2, Verdict.LIMIT)
    stopped = least_squares(residuals, X0, method=method, callback=lambda state: state.fun < 2.0)
    assert stopped.verdict is Verdict.LIMIT
    assert stopped.cost < 2.0
    few = least_squares(residuals, X0, method=method, options={"max_evaluations": 5})
    assert few.nfev <= 6
    assert few.verdict is Verdict.LIMIT
    tight = least_squares(residuals, X0, method=method, tol=1e-15)
    assert tight.cost <= least_squares(residuals, X0, method=method, tol=1e-2).cost


def test_options_of_scipys_least_squares_reach_it():
    y = np.array([1.0, 1.1, 0.9, 50.0])
    robust = least_squares(
        lambda x: x - y, [0.0], method="scipy:trf", options={"loss": "soft_l1", "f_scale": 0.1}
    )
    assert robust.x == pytest.approx(1.05, abs=0.06)
    bounded = least_squares(
        lambda x: x - y, [0.0], method="scipy:trf", options={"bounds": (-1.0, 0.5)}
    )
    assert bounded.x == pytest.approx(0.5, abs=1e-6)


def test_lm_of_scipy_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="less than the number of variables"):
        least_squares(lambda x: x[:1], [1.0, 2.0], method="scipy:lm")


# ------------------------------------------------------------------------------------------------ our solvers in SciPy


@pytest.mark.parametrize("solver", [BFGS(), GradientDescent()])
@pytest.mark.parametrize("jac", [None, ad.grad(rosenbrock)])
def test_our_solvers_are_methods_of_scipy(solver, jac):
    found = scipy.optimize.minimize(rosenbrock, X0, jac=jac, method=as_scipy_method(solver))
    ours = minimize(rosenbrock, X0, method=solver)
    np.testing.assert_array_equal(found.x, ours.x)
    assert found.success


def test_scipys_own_arguments_are_understood():
    method = as_scipy_method(BFGS())
    pair = scipy.optimize.minimize(
        ad.value_and_grad(lambda x, a: np.sum((x - a) ** 2)),
        X0,
        args=(2.0,),
        jac=True,
        method=method,
    )
    np.testing.assert_allclose(pair.x, 2.0)
    short = scipy.optimize.minimize(rosenbrock, X0, method=method, options={"maxiter": 2})
    assert short.nit == 2
    loose = scipy.optimize.minimize(rosenbrock, X0, method=method, tol=1e-2)
    assert loose.nit < scipy.optimize.minimize(rosenbrock, X0, method=method).nit


def test_both_forms_of_scipys_callback_work():
    points, results = [], []

    def by_result(intermediate_result):
        results.append(intermediate_result)
        if len(results) == 3:
            raise StopIteration

    method = as_scipy_method(BFGS())
    found = scipy.optimize.minimize(rosenbrock, X0, method=method, callback=points.append)
    assert len(points) == found.nit
    stopped = scipy.optimize.minimize(rosenbrock, X0, method=method, callback=by_result)
    assert (stopped.nit, stopped.success) == (3, False)
    assert results[1].fun == rosenbrock(results[1].x)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"options": {"gtol": 1e-3}}, "unknown option 'gtol'"),
        ({"bounds": [(-2.0, 1.0)] * 2}, "'bfgs' takes no bounds but equal ones"),
        ({"constraints": {"type": "eq", "fun": bowl}}, "'bfgs' takes no constraints"),
    ],
)
def test_what_our_solvers_do_not_take_is_refused_under_scipy_too(given, message):
    with pytest.raises(InvalidInputError, match=message):
        scipy.optimize.minimize(rosenbrock, X0, method=as_scipy_method(BFGS()), **given)
