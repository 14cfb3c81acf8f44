"""Gauss-Newton and Levenberg–Marquardt: known minima, every rank and shape, rejected steps, precision."""

from __future__ import annotations

import numpy as np
import pytest

from optkit.optimize import Armijo, GaussNewton, LevenbergMarquardt, Verdict, least_squares
from optkit.testing import problems

SOLVERS = {
    "lm": LevenbergMarquardt(),
    "lm, small region": LevenbergMarquardt(initial_radius=1e-3),
    "lm, large region": LevenbergMarquardt(initial_radius=100.0),
    "gauss-newton": GaussNewton(),
}
CASES = {case.name: case for case in problems.all_cases() if case.residuals is not None} | {
    case.name: case for case in [problems.rosenbrock(10), problems.three_exponentials()]
}
T = np.linspace(0.0, 2.0, 15)


@pytest.fixture(params=SOLVERS)
def solver(request):
    return SOLVERS[request.param]


# --------------------------------------------------------------------------------------------------- problems × solvers


@pytest.mark.parametrize("case", CASES)
def test_the_minimum_is_found(solver, case):
    case = CASES[case]
    fit = least_squares(case.residuals, case.x0, method=solver)
    assert fit.success, fit.message
    assert 2.0 * fit.cost - case.f_min <= 1e-10 * max(1.0, case.f_min)
    scale = np.where(case.x_min == 0.0, 1.0, np.abs(case.x_min))
    np.testing.assert_array_less(np.abs(fit.x - case.x_min) / scale, 1e-6)


def test_puromycin_is_fitted_as_published():
    """Bates & Watts 1988, table A1.3 and p. 41: 212.7 ± 6.95 and 0.0641 ± 0.00828."""
    case = problems.michaelis_menten()
    fit = least_squares(case.residuals, case.x0)
    np.testing.assert_allclose(fit.x, [212.7, 0.0641], rtol=1e-3)
    np.testing.assert_allclose(fit.standard_errors, [6.95, 0.00828], rtol=1e-3)


def test_linear_least_squares_takes_one_step(solver):
    rng = np.random.default_rng(1)
    matrix, b = rng.standard_normal((20, 4)), rng.standard_normal(20)
    fit = least_squares(lambda x: matrix @ x - b, np.zeros(4), jac=lambda x: matrix, method=solver)
    np.testing.assert_allclose(fit.x, np.linalg.lstsq(matrix, b)[0], rtol=1e-9)
    if isinstance(solver, GaussNewton):
        assert fit.nit == 1


def test_the_fields_are_those_of_scipy():
    fit = least_squares(lambda x: np.array([x[0] - 1.0, x[1] - 2.0, x[0] + x[1]]), [0.0, 0.0])
    np.testing.assert_allclose(fit.fun, [fit.x[0] - 1.0, fit.x[1] - 2.0, fit.x.sum()])
    np.testing.assert_allclose(fit.cost, 0.5 * fit.fun @ fit.fun)
    np.testing.assert_allclose(fit.jac, [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    np.testing.assert_allclose(fit.grad, fit.jac.T @ fit.fun, atol=1e-12)
    assert (fit.rank, fit.method, fit.history.fun[-1]) == (2, "lm", fit.cost)


# ---------------------------------------------------------------------------------------------------- ranks and shapes


def test_a_rank_deficient_jacobian_gives_the_shortest_step(solver):
    """r depends on x₀ + x₁ only: the minimiser nearest to the start is on the diagonal."""
    fit = least_squares(lambda x: (x[0] + x[1] - 3.0) * np.ones(4), [0.0, 0.0], method=solver)
    np.testing.assert_allclose(fit.x, 1.5)
    assert (fit.rank, fit.success) == (1, True)


def test_fewer_residuals_than_parameters(solver):
    fit = least_squares(
        lambda x: np.array([x[0] + 2.0 * x[1] - x[2] - 4.0]), np.zeros(3), method=solver
    )
    assert fit.success, fit.message
    assert fit.cost < 1e-20
    assert fit.rank == 1
    # Each column of J has the scale 1 in its own units: the shortest scaled step moves |Jⱼ xⱼ| alike.
    np.testing.assert_allclose(fit.x * fit.jac[0], 4.0 / 3.0)


def test_a_parameter_without_influence_stays(solver):
    fit = least_squares(
        lambda x: np.array([x[0] - 1.0, x[0] + 1.0, 0.0 * x[1]]), [5.0, 7.0], method=solver
    )
    np.testing.assert_allclose(fit.x, [0.0, 7.0], atol=1e-12)
    assert (fit.rank, fit.success) == (1, True)


@pytest.mark.parametrize(("m", "n"), [(0, 2), (3, 0), (0, 0)])
def test_empty_problems_are_successes(solver, m, n):
    fit = least_squares(lambda x: np.ones(m), np.zeros(n), method=solver)
    assert (fit.success, fit.nit, fit.cost) == (True, 0, 0.5 * m)
    assert fit.jac.shape == (m, n)
    assert fit.x.shape == (n,)


def test_zero_residuals_at_the_start_are_a_success(solver):
    fit = least_squares(lambda x: x - 3.0, [3.0, 3.0], method=solver)
    assert (fit.success, fit.nit) == (True, 0)


@pytest.mark.parametrize(
    "residuals", [lambda x: x[0] - 3.0, lambda x: [x[0] - 3.0, 2.0 * (x[0] - 3.0)]]
)
def test_residuals_may_be_a_number_or_a_list(solver, residuals):
    np.testing.assert_allclose(least_squares(residuals, [1.0], method=solver).x, 3.0)


@pytest.mark.parametrize(
    ("jac", "x0"),
    [
        (lambda x: np.ones(3), 1.0),
        (lambda x: np.ones((3, 1)), 1.0),
        (lambda x: np.broadcast_to(np.eye(2), (2, 2)), [1.0, 2.0]),
    ],
)
def test_jacobians_of_unambiguous_shapes_are_taken(jac, x0):
    n = np.size(x0)
    fit = least_squares(lambda x: x - 3.0 if n == 2 else (x - 3.0) * np.ones(3), x0, jac=jac)
    np.testing.assert_allclose(fit.x, 3.0)


# ------------------------------------------------------------------------------------------------ scales and precision


@pytest.mark.parametrize("factor", [1e-100, 1e-8, 1e8, 1e100])
def test_the_scale_of_residuals_changes_nothing(solver, factor):
    case = problems.michaelis_menten()
    fit = least_squares(lambda x: factor * case.residuals(x), case.x0, method=solver)
    assert fit.success
    np.testing.assert_allclose(fit.x, case.x_min, rtol=1e-8)


@pytest.mark.parametrize("name", ["lm", "gauss-newton"])
def test_the_units_of_the_parameters_change_nothing(name):
    case, units = problems.michaelis_menten(), np.array([1e-6, 1e6])
    plain = least_squares(case.residuals, case.x0, method=name)
    scaled = least_squares(lambda x: case.residuals(x / units), case.x0 * units, method=name)
    assert plain.nit == scaled.nit
    np.testing.assert_allclose(scaled.x / units, plain.x, rtol=1e-9)
    np.testing.assert_allclose(scaled.standard_errors / units, plain.standard_errors, rtol=1e-6)


def test_badly_scaled_variables():
    fit = least_squares(lambda x: np.array([1e6 * (x[0] - 1.0), 1e-6 * (x[1] - 1.0)]), [0.0, 0.0])
    assert fit.success
    np.testing.assert_allclose(fit.x, 1.0, rtol=1e-9)


def test_convergence_goes_to_the_end_of_precision():
    """A tight default: the reward of J, which tells x when values have long been equal."""
    y = 2.0 * np.exp(-1.5 * T) + 0.05 * np.sin(40.0 * T)
    fit = least_squares(lambda p: p[0] * np.exp(-p[1] * T) - y, [1.0, 1.0])
    cosine = np.abs(fit.grad) / (np.linalg.norm(fit.jac, axis=0) * np.linalg.norm(fit.fun))
    assert np.max(cosine) <= 1e-9


def test_the_residuals_end_orthogonal_to_the_tangent_plane():
    case = problems.michaelis_menten()
    fit = least_squares(case.residuals, case.x0, method="gauss-newton")
    assert fit.message.startswith("converged: cosine of residuals and tangent plane ")


@pytest.mark.parametrize("name", ["lm", "gauss-newton"])
def test_a_tolerance_that_cannot_be_met_ends_at_the_limit_of_precision(name):
    case = problems.michaelis_menten()
    fit = least_squares(case.residuals, case.x0, method=name, tol=0.0)
    assert fit.verdict in (Verdict.STALLED, Verdict.CONVERGED)
    assert fit.nit < 40
    np.testing.assert_allclose(fit.x, case.x_min, rtol=1e-9)


def test_a_tolerance_can_be_loosened():
    case = problems.michaelis_menten()
    loose = least_squares(case.residuals, case.x0, tol=1e-3)
    assert loose.success
    assert loose.nfev < least_squares(case.residuals, case.x0).nfev
    assert "≤ 0.001" in loose.message


# ------------------------------------------------------------------------------------------------------- rejected steps


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_residuals_that_are_not_finite_reject_the_step(solver, bad):
    states = []

    def residuals(x):
        return np.array([np.log(x[0]) - 1.0, 0.1]) if x[0] > 0.0 else np.array([bad, 0.1])

    fit = least_squares(
        residuals, [20.0], jac=lambda x: np.array([[1.0 / x[0]], [0.0]]), method=solver,
        callback=states.append,
    )  # fmt: skip
    assert fit.success, fit.message
    np.testing.assert_allclose(fit.x, np.e, rtol=1e-9)
    assert all(np.isfinite(state.residuals).all() for state in states)


def test_a_jacobian_that_is_not_finite_rejects_the_step(solver):
    """The residuals are fine everywhere; J is not below 1, where the first steps of all solvers lead."""
    states, refused = [], []

    def jac(x):
        if x[0] < 1.0:
            refused.append(x[0])
            return np.array([[np.nan]])
        return np.array([[1.0 / np.cosh(x[0] - 2.0) ** 2]])

    fit = least_squares(
        lambda x: np.array([np.tanh(x[0] - 2.0)]), [3.0], jac=jac, method=solver,
        callback=states.append,
    )  # fmt: skip
    assert all(np.isfinite(state.jacobian).all() for state in states)
    np.testing.assert_allclose(fit.x, 2.0)
    assert fit.success, fit.message


def test_a_sum_of_squares_that_overflows_rejects_the_step(solver):
    fit = least_squares(lambda x: np.exp(x[0] ** 2) * np.array([1.0, x[0]]), [3.0], method=solver)
    assert np.isfinite(fit.history.fun).all()
    np.testing.assert_allclose(fit.x, 0.0, atol=1e-8)


def test_gauss_newton_says_when_it_is_not_the_method():
    """Powell's 1970 example, where the Gauss-Newton step becomes orthogonal to the gradient."""

    def residuals(x):
        return np.array([x[0], 10.0 * x[0] / (x[0] + 0.1) + 2.0 * x[1] ** 2])

    fit = least_squares(residuals, [3.0, 1.0], method=GaussNewton(Armijo(max_trials=8)))
    if not fit.success:
        assert "method='lm' is more robust" in fit.message
    assert least_squares(residuals, [3.0, 1.0]).cost < 1e-12


def test_a_wrong_jacobian_is_a_failure(solver):
    fit = least_squares(
        lambda x: np.array([x[0] - 1.0, x[1] * x[0] - 1.0]), [3.0, 2.0],
        jac=lambda x: -np.array([[1.0, 0.0], [x[1], x[0]]]),
        options={"check_derivatives": False}, method=solver,
    )  # fmt: skip
    assert fit.verdict is Verdict.FAILED
    assert not fit.success


@pytest.mark.parametrize("name", ["lm", "gauss-newton"])
def test_noise_in_the_residuals_ends_the_fit_with_success_where_x_is_known(name):
    """Residuals of 10⁻⁹ that are all noise: no step lowers their sum, and none needs to."""

    def residuals(p):
        noise = 1e-9 * np.sin(1e9 * p.sum() * (1.0 + T))
        return p[0] * np.exp(-p[1] * T) - 2.0 * np.exp(-1.5 * T) + noise

    def jac(p):
        decay = np.exp(-p[1] * T)
        return np.column_stack([decay, -p[0] * T * decay])

    options = {"check_derivatives": False}
    fit = least_squares(residuals, [1.0, 1.0], jac=jac, method=name, options=options)
    assert (fit.verdict, fit.success) == (Verdict.STALLED, True), fit.message
    assert "estimated distance to the minimum" in fit.message
    np.testing.assert_allclose(fit.x, [2.0, 1.5], rtol=1e-8)


def _freudenstein_roth(x):
    first = -13.0 + x[0] + ((5.0 - x[1]) * x[1] - 2.0) * x[1]
    second = -29.0 + x[0] + ((x[1] + 1.0) * x[1] - 14.0) * x[1]
    return np.array([first, second])


def _brown_dennis(x):
    t = np.arange(1, 21) / 5.0
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


def _jennrich_sampson(x):
    i = np.arange(1, 11)
    return 2.0 + 2.0 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))


# Sums of squares as in Moré, Garbow & Hillstrom, ACM TOMS 7 (1981), problems 2, 16 and 6.
@pytest.mark.parametrize("backend", ["native", "finite-difference"])
@pytest.mark.parametrize(
    ("residuals", "x0", "squares"),
    [
        (_freudenstein_roth, [0.5, -2.0], 48.9842),
        (_freudenstein_roth, [15.0, -2.0], 48.9842),
        (_brown_dennis, [25.0, 5.0, -5.0, -1.0], 85822.2),
        (_jennrich_sampson, [0.3, 0.4], 124.362),
    ],
)
def test_a_minimum_with_large_residuals_is_no_failure(residuals, x0, squares, backend):
    fit = least_squares(residuals, x0, backend=backend)
    assert fit.success, fit.message
    assert 2.0 * fit.cost == pytest.approx(squares, rel=2e-6)
