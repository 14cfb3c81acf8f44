"""Every minimizer on problems with known minima, and the hard cases that no minimizer may get wrong silently."""

from __future__ import annotations

import numpy as np
import pytest

from optkit.optimize import BFGS, Armijo, GradientDescent, StrongWolfe, Verdict, minimize
from optkit.testing import problems

SOLVERS = {
    "bfgs": BFGS(),
    "bfgs, armijo": BFGS(line_search=Armijo()),
    "bfgs, nearly exact": BFGS(line_search=StrongWolfe(curvature=0.1)),
    "gradient descent": GradientDescent(),
    "gradient descent, wolfe": GradientDescent(line_search=StrongWolfe()),
}
QUASI_NEWTON = [name for name in SOLVERS if name.startswith("bfgs")]
CASES = {case.name: case for case in problems.all_cases()} | {
    "Rosenbrock, n = 10": problems.rosenbrock(10),
    "ill-conditioned": problems.quadratic(20, 1e6),
}
# What first-order steps reach within a second; the others have conditions of 10⁵ and more.
EASY = ["Rosenbrock", "quadratic, n = 10", "Beale", "helical valley", "Michaelis-Menten"]


def rosenbrock(x):
    return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2


def rosenbrock_slope(x):
    d = x[1] - x[0] ** 2
    return np.array([-400.0 * x[0] * d - 2.0 * (1.0 - x[0]), 200.0 * d])


# --------------------------------------------------------------------------------------------------- problems × solvers


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("solver", QUASI_NEWTON)
def test_quasi_newton_methods_find_the_minimum(solver, case):
    case = CASES[case]
    result = minimize(case.fun, case.x0, method=SOLVERS[solver])
    assert result.success, result.message
    assert result.fun - case.f_min <= 1e-8 * max(1.0, abs(case.f_min))
    scale = np.where(case.x_min == 0.0, 1.0, np.abs(case.x_min))
    np.testing.assert_array_less(np.abs(result.x - case.x_min) / scale, 1e-5)


@pytest.mark.parametrize("case", EASY)
def test_gradient_descent_finds_the_minimum_of_what_is_not_too_ill_conditioned(case):
    case = CASES[case]
    result = minimize(case.fun, case.x0, method=SOLVERS["gradient descent"])
    assert result.success, result.message
    assert result.fun - case.f_min <= 1e-8 * max(1.0, abs(case.f_min))


def test_gradient_descent_takes_any_line_search():
    case = CASES["quadratic, n = 10"]
    result = minimize(case.fun, case.x0, method=SOLVERS["gradient descent, wolfe"])
    np.testing.assert_allclose(result.x, case.x_min, rtol=1e-6)


def test_bfgs_needs_no_more_evaluations_than_it_should():
    """Counted budgets: what SciPy's BFGS needs, 39, 83 and 649, and a few more for more digits."""
    for n, budget in ((2, 50), (10, 115), (100, 720)):
        case = problems.rosenbrock(n)
        assert minimize(case.fun, case.x0, method="bfgs").nfev <= budget


def test_bfgs_learns_the_hessian_of_a_quadratic():
    case = problems.quadratic(6, 100.0)
    last = []
    minimize(case.fun, case.x0, method=BFGS(StrongWolfe(curvature=1e-6)), callback=last.append)
    np.testing.assert_allclose(
        np.linalg.inv(last[-1].inverse), np.diag(np.geomspace(1.0, 100.0, 6)), atol=1e-3
    )
    # With exact line searches it ends after n steps (Nocedal & Wright, theorem 6.4), but for the first scaling.
    assert len(last) <= 6 + 2


@pytest.mark.parametrize("n", [1, 2, 30])
@pytest.mark.parametrize("solver", SOLVERS)
def test_starting_at_the_minimum_ends_there(solver, n):
    result = minimize(lambda x: np.sum((x - 3.0) ** 2), np.full(n, 3.0), method=SOLVERS[solver])
    assert (result.success, result.nit) == (True, 0)
    assert result.message == "converged: the gradient is zero"


@pytest.mark.parametrize("solver", SOLVERS)
def test_nothing_to_optimise_is_a_success(solver):
    result = minimize(lambda x: np.sum(x) + 2.0, [], method=SOLVERS[solver])
    assert (result.success, result.fun, result.x.shape, result.nit) == (True, 2.0, (0,), 0)


# ---------------------------------------------------------------------------------------------------- scales and noise


@pytest.mark.parametrize("solver", QUASI_NEWTON)
@pytest.mark.parametrize("factor", [1e-150, 1e-8, 1e8, 1e150])
def test_the_scale_of_f_changes_nothing(solver, factor):
    result = minimize(lambda x: factor * rosenbrock(x), [-1.2, 1.0], method=SOLVERS[solver])
    assert result.verdict is Verdict.CONVERGED
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-7)


@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_the_scale_of_f_changes_no_step(factor):
    plain = minimize(rosenbrock, [-1.2, 1.0], options={"keep_x": True})
    scaled = minimize(lambda x: factor * rosenbrock(x), [-1.2, 1.0], options={"keep_x": True})
    assert scaled.nit == plain.nit
    np.testing.assert_allclose(scaled.history.x, plain.history.x, rtol=1e-4)


@pytest.mark.parametrize("solver", QUASI_NEWTON)
def test_a_large_constant_drowns_values_but_not_the_minimum(solver):
    result = minimize(lambda x: 1e10 + rosenbrock(x), [-1.2, 1.0], method=SOLVERS[solver])
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-5)


def badly_scaled(x):
    return 0.5 * (1e6 * (x[0] - 1.0)) ** 2 + 0.5 * (1e-6 * (x[1] - 1.0)) ** 2


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("x0", [[0.0, 0.0], [2.0, 5.0], [-1e3, 1e4]])
def test_badly_scaled_variables_give_no_false_success(solver, x0):
    result = minimize(badly_scaled, x0, method=SOLVERS[solver], max_iter=2000)
    if result.success or solver == "bfgs":
        assert result.success
        np.testing.assert_allclose(result.x, 1.0, rtol=1e-6)


def test_rosenbrock_in_units_of_a_million():
    units = np.array([1e-6, 1e6])
    result = minimize(lambda x: rosenbrock(x / units), np.array([-1.2, 1.0]) * units, method="bfgs")
    assert result.success
    np.testing.assert_allclose(result.x / units, 1.0, rtol=1e-6)


def test_a_cancelling_sum_ends_at_its_precision_with_success():
    """xᵀAx/2 − bᵀx near its minimum is a small difference of large numbers: its noise is not ε|f|."""
    root = np.random.default_rng(0).standard_normal((20, 20))
    matrix, b = root @ root.T, np.arange(20.0)
    result = minimize(
        lambda x: 0.5 * x @ matrix @ x - b @ x, np.zeros(20), jac=lambda x: matrix @ x - b
    )
    # Which of the two it is depends on the order in which the sums are made.
    assert result.verdict in (Verdict.STALLED, Verdict.CONVERGED), result.message
    assert np.linalg.norm(result.x - np.linalg.solve(matrix, b)) <= 1e-5 * np.linalg.norm(result.x)


def test_float32_values_are_taken_for_what_they_are_worth():
    def fun(x):
        return np.float32(rosenbrock(x.astype(np.float32)))

    result = minimize(fun, [-1.2, 1.0], jac=rosenbrock_slope)
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1.0, rtol=5e-3)


def test_finite_differences_reach_what_they_can():
    result = minimize(rosenbrock, [-1.2, 1.0], backend="finite-difference")
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-4)


def test_where_finite_differences_see_nothing_it_is_not_called_converged():
    result = minimize(lambda x: 1e10 + rosenbrock(x), [-1.2, 1.0], backend="finite-difference")
    assert result.verdict is not Verdict.CONVERGED


# ------------------------------------------------------------------------------------------------------------- domains


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("wall", [np.nan, np.inf, -np.inf])
def test_a_trial_without_a_finite_value_is_a_rejected_trial(solver, wall):
    def fun(x):
        return x[0] - np.log(x[0]) if x[0] > 0.0 else x[0] * 0.0 + wall

    result = minimize(fun, [50.0], method=SOLVERS[solver])
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-6)
    assert np.isfinite(result.history.fun).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_trial_without_a_finite_gradient_is_a_rejected_trial(solver):
    def jac(x):
        return np.array([np.nan]) if x[0] < 0.3 else np.array([np.sinh(x[0] - 0.5)])

    states = []
    result = minimize(
        lambda x: np.cosh(x[0] - 0.5),
        [4.0],
        jac=jac,
        method=SOLVERS[solver],
        callback=states.append,
    )
    assert all(np.isfinite(state.grad).all() for state in states)
    np.testing.assert_allclose(result.x, 0.5, atol=1e-6)


def test_jac_is_not_called_where_fun_has_no_value():
    def jac(x):
        assert x[0] > 0.0
        return 1.0 - 1.0 / x

    fun = minimize(lambda x: x[0] - np.log(x[0]) if x[0] > 0.0 else np.nan, [50.0], jac=jac)
    assert fun.success


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("fun", [lambda x: -np.sum(x**2), lambda x: -np.sum(x)])
def test_what_is_unbounded_below_is_a_failure(solver, fun):
    result = minimize(fun, [1.0, 2.0], method=SOLVERS[solver])
    assert result.verdict is Verdict.FAILED
    assert "unbounded below" in result.message
    assert np.isfinite(result.x).all()
    assert result.nfev < 1000


def test_a_minimum_at_infinity_never_becomes_an_infinite_x():
    result = minimize(lambda x: np.exp(-x[0]), [1.0])
    assert np.isfinite(result.x).all()
    assert result.fun < 1e-100


# -------------------------------------------------------------------------------------------------------------- saddles


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("fun", "x0"),
    [
        (lambda x: -np.sum(x**2) + np.sum(x**4), [0.0, 0.0]),
        (lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, [0.0, 0.0]),
        (lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, [1.0, 0.0]),
    ],
    ids=["maximum", "saddle", "towards a saddle"],
)
def test_a_stationary_point_that_is_no_minimum_is_not_a_success(solver, fun, x0):
    result = minimize(fun, x0, method=SOLVERS[solver])
    assert result.verdict is Verdict.FAILED
    assert "not a minimum" in result.message
    assert "curves downwards along" in result.message


def test_flat_directions_are_no_saddles():
    result = minimize(lambda x: (x[0] + x[1] - 1.0) ** 2, [3.0, 1.0])
    assert result.success
    assert minimize(lambda x: np.sum(x) * 0.0 + 3.0, [3.0, 1.0]).success


def test_a_hessian_that_cannot_be_had_costs_only_a_remark():
    class NoSecondDerivativesError(Exception):
        pass

    def hess(x):
        raise NoSecondDerivativesError("sorry")

    result = minimize(
        rosenbrock, [-1.2, 1.0], hess=hess, method="bfgs", options={"check_derivatives": False}
    )
    assert result.success
    assert "(curvature not confirmed: NoSecondDerivativesError: sorry)" in result.message


# ------------------------------------------------------------------------------------------------------------ failures


def test_a_wrong_gradient_is_a_failure_and_not_a_success():
    result = minimize(
        rosenbrock, [-1.2, 1.0], jac=lambda x: -rosenbrock_slope(x),
        options={"check_derivatives": False},
    )  # fmt: skip
    assert result.verdict is Verdict.FAILED
    assert "its derivative right?" in result.message


def test_the_message_carries_the_numbers_that_decided():
    result = minimize(rosenbrock, [-1.2, 1.0])
    assert result.message.startswith("converged: estimated distance to the minimum ")
    assert "≤ 1.5e-08 relative to x" in result.message
    assert result.status == 0


@pytest.mark.parametrize("tol", [1e-2, 1e-5, 1e-12])
def test_the_tolerance_is_that_of_x(tol):
    result = minimize(rosenbrock, [-1.2, 1.0], tol=tol)
    assert result.success
    assert np.max(np.abs(result.x - 1.0)) <= 10.0 * tol


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e10])
def test_a_tolerance_that_cannot_be_met_ends_at_the_limit_of_precision(offset):
    result = minimize(lambda x: offset + np.sum(np.cosh(x - 0.3)), [2.0, -1.0], tol=0.0)
    assert result.verdict in (Verdict.STALLED, Verdict.CONVERGED)
    assert result.nit < 50
    np.testing.assert_allclose(result.x, 0.3, rtol=1e-7)


@pytest.mark.parametrize("amplitude", [1e-13, 1e-12])
def test_noise_beyond_rounding_is_recognised_near_the_minimum(amplitude):
    """Values carry noise that rounding does not explain, gradients do not: x is good long before f can tell."""

    def fun(x):
        return 1.0 + rosenbrock(x) + amplitude * np.sin(1e9 * np.sum(x))

    result = minimize(fun, [-1.2, 1.0], jac=rosenbrock_slope, options={"check_derivatives": False})
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-4)


def test_a_slow_method_does_not_go_on_among_values_that_are_all_equal():
    case = problems.quadratic(20, 1e4)
    plain = minimize(case.fun, case.x0, method="gradient-descent")
    drowned = minimize(lambda x: 1e10 + case.fun(x), case.x0, method="gradient-descent")
    assert (drowned.verdict, drowned.success) == (Verdict.STALLED, True)
    assert "the rounding of f" in drowned.message
    assert case.fun(drowned.x) < 1e-4
    assert drowned.nit < 0.7 * plain.nit
