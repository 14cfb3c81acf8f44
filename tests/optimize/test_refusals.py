"""What every driver refuses before it calls the user's function, and the success that no driver claims."""

from __future__ import annotations

import re

import numpy as np
import pytest
import scipy.optimize

from optkit import ad
from optkit.errors import InvalidInputError, InvalidTypeError, LostDerivativeError
from optkit.optimize import (
    BFGS,
    GradientDescent,
    Problem,
    Verdict,
    iterate,
    least_squares,
    minimize,
    solve,
)

X0 = [0.5, 2.0]


def bowl(x):
    return np.sum((x - 1.0) ** 2)


def never(x):
    raise AssertionError("called before the arguments were checked")


def by_solve(fun, x0, *, tol=None, callback=None):
    return solve(Problem(fun), BFGS(), x0, tol=tol, callback=callback)


def by_iterate(fun, x0, *, tol=None):
    return iterate(fun, BFGS(), x0, tol=tol)  # not started: what is wrong is said at once


def by_scipy(fun, x0, **given):
    return minimize(fun, x0, method="scipy:L-BFGS-B", **given)


def by_scipys_least_squares(fun, x0, **given):
    return least_squares(fun, x0, method="scipy:trf", **given)


DRIVERS = [minimize, least_squares, by_scipy, by_scipys_least_squares]


@pytest.mark.parametrize("driver", [*DRIVERS, by_solve, by_iterate])
@pytest.mark.parametrize(
    ("tol", "error", "message"),
    [
        (-1, InvalidInputError, "tol must be at least 0.0 and finite, got -1; write"),
        (np.nan, InvalidInputError, "tol must be at least 0.0 and finite, got nan"),
        (np.inf, InvalidInputError, "tol must be at least 0.0 and finite, got inf"),
        (
            "a",
            InvalidTypeError,
            "tol must be a number or None, got 'a'; write, for example, tol=1e-8",
        ),
        (True, InvalidTypeError, "tol must be a number"),
        (1e-8j, InvalidTypeError, "tol must be a number"),
        ([1e-8], InvalidTypeError, "tol must be a number"),
    ],
)
def test_a_tolerance_is_a_finite_number_that_is_not_negative(driver, tol, error, message):
    with pytest.raises(error, match=re.escape(message)):
        driver(never, X0, tol=tol)


@pytest.mark.parametrize("driver", [*DRIVERS, by_solve])
@pytest.mark.parametrize("callback", [3, "print", [print]])
def test_a_callback_is_a_function(driver, callback):
    message = (
        f"callback must be a function, got {callback!r}; write, for example, callback=lambda state"
    )
    with pytest.raises(InvalidTypeError, match=re.escape(message)):
        driver(never, X0, callback=callback)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("max_iter", 1.5, InvalidTypeError, "max_iter must be an integer or None, got 1.5"),
        ("max_iter", 1e4, InvalidTypeError, "write, for example, max_iter=10000"),
        ("max_iter", np.nan, InvalidTypeError, "max_iter must be an integer"),
        ("max_iter", -1, InvalidInputError, "max_iter must be at least 0, got -1; write"),
        ("max_evaluations", 0, InvalidInputError, "max_evaluations must be at least 1, got 0"),
        ("max_evaluations", -3, InvalidInputError, "max_evaluations must be at least 1, got -3"),
        ("max_evaluations", np.nan, InvalidTypeError, "max_evaluations must be an integer"),
        ("max_evaluations", 7.0, InvalidTypeError, "options={'max_evaluations': 7}"),
        ("max_evaluations", "9", InvalidTypeError, "max_evaluations must be an integer"),
        ("max_time", -1.0, InvalidInputError, "max_time must be at least 0.0, got -1.0"),
        ("max_time", np.nan, InvalidInputError, "max_time must be at least 0.0, got nan"),
        ("max_time", "1 s", InvalidTypeError, "max_time must be a number or None, got '1 s'"),
    ],
)
def test_limits_are_numbers_of_their_kind(driver, name, value, error, message):
    given = {"options": {name: value}} if name == "max_evaluations" else {name: value}
    with pytest.raises(error, match=re.escape(message)):
        driver(never, X0, **given)


@pytest.mark.parametrize("driver", DRIVERS)
def test_no_time_is_a_limit_and_numpys_integers_are_integers(driver):
    def fun(x):
        return bowl(x) if driver in (minimize, by_scipy) else x - 1.0

    assert driver(fun, X0, max_time=0).verdict is Verdict.LIMIT
    assert driver(fun, X0, max_iter=np.int64(0)).nit == 0
    assert driver(fun, X0, max_time=np.inf, tol=np.float64(1e-6)).success


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("x0", "entry"), [([0.0, np.nan], "x0[1] is nan"), (np.inf, "x0[0] is inf")]
)
def test_a_start_is_finite(driver, x0, entry):
    with pytest.raises(InvalidInputError, match=re.escape(f"{entry}; it must be finite")):
        driver(never, x0)


@pytest.mark.parametrize("driver", [minimize, least_squares])
def test_a_class_is_not_a_solver_yet(driver):
    with pytest.raises(
        InvalidTypeError, match=re.escape("got the class BFGS; write method=BFGS()")
    ):
        driver(never, X0, method=BFGS)


# ------------------------------------------------------------------------------------------------------------- bounds


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ([(0.0, 2.0)], "for each of the 2 variables, got 1; to give all variables the same"),
        ([(0.0, 2.0)] * 3, "for each of the 2 variables, got 3"),
        ([], "for each of the 2 variables, got 0"),
        ((0.0, 2.0), "one pair (low, high) for each of the 2 variables, got (0.0, 2.0)"),
        ([(0.0, 1.0, 2.0)] * 2, "one pair (low, high) for each of the 2 variables"),
        (3.0, "one pair (low, high) for each of the 2 variables, got 3.0"),
        ([(0.0, np.nan), (0.0, 1.0)], "bounds of x[0]: nan; write None for no bound"),
        (
            scipy.optimize.Bounds([0.0] * 3, 2.0),
            "bounds have shape (3,), but there are 2 variables",
        ),
    ],
)
@pytest.mark.parametrize("method", ["auto", "scipy:Nelder-Mead", "scipy:trust-constr"])
def test_bounds_are_one_pair_for_each_variable(method, bounds, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        minimize(never, X0, method=method, bounds=bounds)


@pytest.mark.parametrize("method", ["auto", "scipy:TNC", "scipy:SLSQP", "scipy:COBYQA"])
def test_scalars_in_scipys_bounds_hold_for_all_variables(method):
    result = minimize(bowl, X0, method=method, bounds=scipy.optimize.Bounds(0.0, [0.5, 3.0]))
    np.testing.assert_allclose(result.x, [0.5, 1.0], atol=1e-3)
    both = minimize(bowl, [0.1, 0.2], method=method, bounds=scipy.optimize.Bounds(-np.inf, 0.5))
    np.testing.assert_allclose(both.x, [0.5, 0.5], atol=1e-3)


# ----------------------------------------------------------------------------------------------- no success at infinity


def pole(x):
    with np.errstate(divide="ignore"):
        return float(1.0 / np.abs(x[0]))


def flat(x):
    return np.zeros_like(x)


@pytest.mark.filterwarnings("ignore:fun.x0. is inf:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning:scipy")
@pytest.mark.parametrize(
    "method",
    ["bfgs", "gradient-descent", "scipy:BFGS", "scipy:L-BFGS-B", "scipy:SLSQP", "scipy:CG"],
)
def test_a_zero_gradient_at_infinity_is_no_minimum(method):
    result = minimize(pole, [0.0], jac=flat, method=method)
    assert result.fun == np.inf
    assert (result.success, result.verdict) == (False, Verdict.FAILED)
    assert result.message.startswith("failed: ")


@pytest.mark.filterwarnings("ignore:fun.x0. is inf:RuntimeWarning")
@pytest.mark.parametrize("solver", [BFGS(), GradientDescent()])
def test_stepping_by_hand_claims_nothing_at_infinity(solver):
    *_, last = iterate(Problem(pole, jac=flat), solver, [0.0])
    assert last.verdict is Verdict.FAILED
    assert "the function is inf at x, which is no minimum" in last.message


@pytest.mark.filterwarnings("ignore:fun.x0. is inf:RuntimeWarning")
@pytest.mark.parametrize("tol", [None, 1e3])
@pytest.mark.parametrize("solver", ["bfgs", "gradient-descent"])
def test_no_tolerance_makes_infinity_a_minimum(solver, tol):
    def wall(x):
        return np.inf if x[0] > 1.0 else bowl(x)

    def slope(x):
        return np.array([2.0 * x[0], 2.0 * x[1] - 2.0])

    result = minimize(
        wall, [1.5, 1.0], jac=slope, method=solver, tol=tol, options={"check_derivatives": False}
    )
    assert np.isfinite(result.fun) or not result.success


# ------------------------------------------------------------------------------------ inside a differentiated function


@pytest.mark.parametrize(
    "transform", [ad.grad, ad.hessian, lambda f: ad.jacobian(f, mode="forward")]
)
@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("fun(x)", lambda a: minimize(lambda x: np.sum((x - a) ** 2), X0).fun),
        ("fun(x)", lambda a: minimize(lambda x, a: np.sum((x - a) ** 2), X0, args=(a,)).fun),
        ("x0", lambda a: minimize(bowl, a).fun),
        ("x0", lambda a: minimize(bowl, [a[0], 1.0]).fun),
        ("jac(x)", lambda a: minimize(bowl, X0, jac=lambda x: 2.0 * (x - 1.0) + 0.0 * a).fun),
        ("residuals(x)", lambda a: least_squares(lambda x: x - a, X0).cost),
        ("residuals(x)", lambda a: least_squares(lambda x: [x[0] - a[0], x[1]], X0).cost),
        ("bounds", lambda a: minimize(bowl, X0, bounds=[(a[0], 3.0), (0.0, 3.0)]).fun),
    ],
)
def test_a_solve_inside_of_a_derivative_says_what_to_do(transform, name, of):
    a = np.array([1.0, 2.0])
    says = f"{name} is a traced value of an outer derivative, which has reached a solver"
    with pytest.raises(LostDerivativeError, match=re.escape(says)) as caught:
        transform(of)(a)
    assert "ad.stop_gradient(value)" in str(caught.value)
    assert "differentiate the optimality conditions" in str(caught.value)


def test_a_solve_on_stopped_inputs_is_a_constant():
    def outer(a):
        fixed = ad.stop_gradient(a)
        return np.sum(a * minimize(lambda x: np.sum((x - fixed) ** 2), X0).x)

    np.testing.assert_allclose(ad.grad(outer)(np.array([1.0, 2.0])), [1.0, 2.0], rtol=1e-6)


def test_other_objects_are_still_called_by_their_dtype():
    with pytest.raises(InvalidTypeError, match="array of real numbers, got dtype object"):
        minimize(lambda x: np.array(object()), X0)
