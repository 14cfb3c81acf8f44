"""Problems: what comes from the user is validated once and copied always; nothing is evaluated twice at a point."""

from __future__ import annotations

import re

import numpy as np
import pytest
import scipy.sparse

import optkit.errors
from optkit.errors import DerivativeError, InvalidInputError, InvalidTypeError
from optkit.optimize import BFGS, LeastSquaresProblem, Problem, least_squares, minimize


def parabola(x):
    return float(np.sum((x - 1.0) ** 2))


def slope(x):
    return 2.0 * (x - 1.0)


# ---------------------------------------------------------------------------------------------------------- the start


@pytest.mark.parametrize(
    ("x0", "message"),
    [
        (None, "x0 must be an array of real numbers, got None"),
        ("3", "got str"),
        ({"a": 1.0}, "got dict"),
        ([1.0 + 2.0j], "x0 is complex"),
        (np.array([object()]), "got dtype object"),
        (np.ma.masked_array([1.0, 2.0], [False, True]), "masked array"),
        (scipy.sparse.csr_array([[1.0, 0.0]]), "x0 is a sparse container; pass x0.toarray()"),
    ],
)
def test_a_start_of_the_wrong_kind_is_refused(x0, message):
    with pytest.raises(InvalidTypeError, match=re.escape(message)):
        minimize(parabola, x0)


def test_a_ragged_start_is_refused():
    with pytest.raises(InvalidInputError, match="x0 is not a rectangular array"):
        minimize(parabola, [[1.0], [1.0, 2.0]])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_start_that_is_not_finite_is_refused_by_its_first_bad_entry(bad):
    with pytest.raises(InvalidInputError, match=re.escape(f"x0[1, 0] is {bad}")):
        minimize(parabola, [[1.0, 2.0], [bad, bad]])


@pytest.mark.parametrize("x0", [[3, 2], np.array([3, 2], np.int8), np.array([3, 2], np.float32)])
def test_numbers_of_any_real_kind_are_cast_to_float64(x0):
    seen = []
    result = minimize(lambda x: (seen.append(x.dtype), parabola(x))[1], x0, jac=slope)
    assert set(seen) == {np.dtype(np.float64)}
    np.testing.assert_allclose(result.x, 1.0)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (2, 1, 2)])
def test_functions_see_the_shape_of_x0_and_so_does_the_result(shape):
    expected = shape or (1,)

    def fun(x):
        assert x.shape == expected
        return np.sum((x - 1.0) ** 2)

    result = minimize(fun, np.full(shape, 3.0))
    assert result.x.shape == result.jac.shape == expected
    np.testing.assert_allclose(result.x, 1.0)
    fit = least_squares(lambda x: (x - 1.0) * np.ones((2, *expected)), np.full(shape, 3.0))
    assert fit.x.shape == expected
    assert fit.fun.shape == (2 * fit.x.size,)
    assert fit.jac.shape == (2 * fit.x.size, fit.x.size)


# -------------------------------------------------------------------------------------------------------- the outputs


@pytest.mark.parametrize(
    ("fun", "error", "message"),
    [
        (
            lambda x: None,
            InvalidTypeError,
            "fun(x) must be an array of real numbers, got None; does",
        ),
        (lambda x: "1", InvalidTypeError, "fun(x) must be an array of real numbers, got str"),
        (lambda x: x * x, InvalidInputError, "fun(x) must be a scalar, got shape (2,)"),
        (lambda x: 1j, InvalidTypeError, "fun(x) is complex"),
        (lambda x: np.nan, InvalidInputError, "fun(x0) is nan"),
    ],
)
def test_a_wrong_value_is_refused(fun, error, message):
    with pytest.raises(error, match=re.escape(message)):
        minimize(fun, [1.0, 2.0], jac=slope)


@pytest.mark.parametrize("wrap", [float, np.float32, np.array, lambda y: np.array([[y]]), int])
def test_a_scalar_may_come_in_any_form(wrap):
    problem = Problem(lambda x: wrap(parabola(x)), jac=slope, check_derivatives=False)
    assert problem.value(problem.start([3.0, 2.0])) == 5.0


@pytest.mark.parametrize(
    ("jac", "message"),
    [
        (lambda x: np.zeros(3), "jac(x) must have shape (2,), got shape (3,)"),
        (lambda x: slope(x)[:, None], "jac(x) must have shape (2,), got shape (2, 1)"),
        (lambda x: 0.0, "jac(x) must have shape (2,), got shape ()"),
        (lambda x: np.array([np.nan, 1.0]), "the gradient at x0[0] is nan"),
    ],
)
def test_a_gradient_of_a_wrong_shape_or_not_finite_is_refused(jac, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        minimize(parabola, [3.0, 2.0], jac=jac)


def test_a_jacobian_of_a_wrong_shape_is_refused():
    with pytest.raises(
        InvalidInputError, match=re.escape("must have shape (3, 2), got shape (2, 3)")
    ):
        least_squares(lambda x: np.array([x[0], x[1], 1.0]), [1.0, 2.0], jac=lambda x: np.eye(2, 3))


def test_residuals_that_are_not_finite_are_named_by_index():
    with pytest.raises(InvalidInputError, match=re.escape("residuals(x0)[1] is inf")):
        least_squares(lambda x: np.array([x[0], np.inf]), [1.0], jac=lambda x: np.ones((2, 1)))


def test_a_sparse_jacobian_of_a_wrong_shape_is_refused():
    with pytest.raises(
        InvalidInputError, match=re.escape("must have shape (2, 2), got shape (3, 2)")
    ):
        least_squares(lambda x: x, [1.0, 2.0], jac=lambda x: scipy.sparse.eye_array(3, 2).tocsr())


@pytest.mark.parametrize("jac", ["2-point", 3, "exact"])
def test_jac_must_be_a_function(jac):
    with pytest.raises(InvalidTypeError, match="jac must be a function"):
        minimize(parabola, [1.0], jac=jac)


def test_jac_true_means_that_fun_returns_a_pair():
    result = minimize(lambda x: (parabola(x), slope(x)), [3.0, 2.0], jac=True)
    np.testing.assert_allclose(result.x, 1.0)
    assert result.nfev == result.njev
    with pytest.raises(InvalidTypeError, match=re.escape("must return the pair (value, gradient)")):
        minimize(parabola, [3.0, 2.0], jac=True)


def test_args_reach_every_function():
    def fun(x, a, b):
        return np.sum((x - a) ** 2) + b

    result = minimize(fun, [0.0], args=(3.0, 5.0), jac=lambda x, a, b: 2.0 * (x - a))
    np.testing.assert_allclose(result.x, 3.0)
    np.testing.assert_allclose(minimize(fun, [0.0], args=(3.0, 5.0)).x, 3.0)
    assert minimize(lambda x, a: np.sum((x - a) ** 2), [0.0], args=2.0).x == pytest.approx(2.0)


def test_infinity_at_the_start_is_allowed_with_a_warning():
    def fun(x):
        return np.inf if x[0] > 2.0 else parabola(x)

    with pytest.warns(RuntimeWarning, match=re.escape("fun(x0) is inf")):
        result = minimize(fun, [3.0], jac=slope, options={"check_derivatives": False})
    np.testing.assert_allclose(result.x, 1.0)
    assert result.success


# ------------------------------------------------------------------------------------------------ copies and counters


def test_a_function_may_mutate_what_it_is_given():
    def vandal(x):
        value = parabola(x)
        x[:] = np.nan
        return value

    def vandal_slope(x):
        g = slope(x)
        x[:] = -7.0
        return g

    result = minimize(vandal, [3.0, 2.0], jac=vandal_slope)
    np.testing.assert_allclose(result.x, 1.0)
    assert result.success


def test_a_function_may_reuse_its_output_buffer():
    residual_buffer, jacobian_buffer, gradient_buffer = np.empty(2), np.empty((2, 2)), np.empty(2)

    def residuals(x):
        residual_buffer[:] = 10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]
        return residual_buffer

    def jac(x):
        jacobian_buffer[:] = [[-20.0 * x[0], 10.0], [-1.0, 0.0]]
        return jacobian_buffer

    def value(x):
        return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2

    def gradient(x):
        d = x[1] - x[0] ** 2
        gradient_buffer[:] = -400.0 * x[0] * d - 2.0 * (1.0 - x[0]), 200.0 * d
        return gradient_buffer

    last = []
    fit = least_squares(residuals, [-1.2, 1.0], jac=jac, callback=last.append)
    found = minimize(value, [-1.2, 1.0], jac=gradient)
    for solution in (fit.x, found.x):
        np.testing.assert_allclose(solution, 1.0)
    residual_buffer[:], jacobian_buffer[:] = 9.0, 9.0
    assert not np.any(last[-1].residuals == 9.0)
    assert not np.any(last[-1].jacobian == 9.0)


def test_counters_count_the_calls():
    calls = {"fun": 0, "jac": 0}

    def fun(x):
        calls["fun"] += 1
        return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2

    def jac(x):
        calls["jac"] += 1
        d = x[1] - x[0] ** 2
        return np.array([-400.0 * x[0] * d - 2.0 * (1.0 - x[0]), 200.0 * d])

    result = minimize(fun, [-1.2, 1.0], jac=jac)
    assert (result.nfev, result.njev) == (calls["fun"], calls["jac"])


def test_nothing_is_evaluated_twice_at_a_point():
    points = []

    def fun(x):
        points.append(x.tobytes())
        return np.sum(np.cosh(x))

    minimize(fun, [1.0, -2.0], jac=np.sinh)
    assert len(points) == len(set(points))
    residual_points = []

    def residuals(x):
        residual_points.append(x.tobytes())
        return np.array([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])

    least_squares(residuals, [-1.2, 1.0], jac=lambda x: np.array([[-20 * x[0], 10.0], [-1.0, 0.0]]))
    assert len(residual_points) == len(set(residual_points))


def test_value_and_gradient_come_from_one_call_of_the_backend():
    problem = Problem(lambda x: np.sum(np.cosh(x)))
    x = problem.start([1.0, 2.0]) + 1.0
    before = problem.nfev, problem.njev
    value, gradient = problem.value_and_gradient(x)
    assert (problem.nfev, problem.njev) == (before[0] + 1, before[1] + 1)
    assert (problem.value(x), problem.nfev) == (value, before[0] + 1)
    np.testing.assert_allclose(gradient, np.sinh(x))


def test_starting_again_forgets_the_counts():
    problem = Problem(parabola, jac=slope)
    problem.start([3.0])
    problem.value(np.array([5.0]))
    assert problem.start([2.0]).tolist() == [2.0]
    assert problem.nfev == 3  # the start and the two evaluations of the check


# ----------------------------------------------------------------------------------------------- second derivatives

HESSIAN = np.array([[2.0, 0.5], [0.5, 4.0]])


def quadratic(x):
    return 0.5 * np.sum(x * (HESSIAN @ x))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"hess": lambda x: HESSIAN},
        {"hessp": lambda x, v: HESSIAN @ v},
        {"jac": lambda x: HESSIAN @ x},
        {"backend": "finite-difference"},
    ],
    ids=lambda given: next(iter(given), "native"),
)
def test_second_derivatives_come_from_whoever_knows_them(given):
    problem = Problem(quadratic, **given)
    x = problem.start([1.0, 2.0])
    tolerance = 1e-5 if "backend" in given else 1e-9
    np.testing.assert_allclose(problem.hessian(x), HESSIAN, rtol=tolerance)
    np.testing.assert_allclose(problem.hvp(x, np.array([1.0, -1.0])), [1.5, -3.5], rtol=tolerance)
    assert problem.nhev >= 2


def test_a_hessian_that_is_wrong_is_found_out():
    with pytest.raises(DerivativeError, match="hess disagrees with the gradient at x0"):
        minimize(quadratic, [1.0, 2.0], hess=lambda x: -HESSIAN)


# --------------------------------------------------------------------------------------------------- derivative check


def test_a_gradient_of_the_wrong_sign_is_recognised():
    with pytest.raises(DerivativeError, match="the sign is wrong") as caught:
        minimize(parabola, [3.0, 2.0], jac=lambda x: -slope(x))
    assert caught.value.report["claimed"] == pytest.approx(-caught.value.report["difference"])


def test_a_wrong_gradient_is_refused_with_both_numbers():
    with pytest.raises(
        DerivativeError, match=r"jac disagrees with fun at x0: the slope .* is \S+ by jac, \S+ by"
    ):
        minimize(parabola, [3.0, 2.0], jac=lambda x: slope(x) + np.array([0.0, 0.1]))


def test_a_transposed_jacobian_is_found_out():
    matrix = np.array([[1.0, 2.0], [-3.0, 5.0]])
    with pytest.raises(
        DerivativeError, match="jac disagrees with residuals at x0: the slope of component"
    ):
        least_squares(lambda x: matrix @ x - 1.0, [1.0, 2.0], jac=lambda x: matrix.T)


def test_the_check_can_be_turned_off_and_costs_two_evaluations():
    def run(**options):
        return minimize(parabola, [3.0, 2.0], jac=slope, options=options).nfev

    assert run() == run(check_derivatives=False) + 2
    assert not minimize(
        parabola, [3.0, 2.0], jac=lambda x: -slope(x), options={"check_derivatives": False}
    ).success


def test_derivatives_of_a_backend_are_not_checked():
    assert Problem(parabola, jac=slope).start([3.0]).size == 1
    problem = Problem(lambda x: np.sum(x**2))
    problem.start([3.0])
    assert problem.nfev == 1


@pytest.mark.parametrize(
    ("fun", "jac", "x0"),
    [
        (lambda x: np.sum(np.exp(30.0 * x)), lambda x: 30.0 * np.exp(30.0 * x), [1.0, 2.0]),
        (lambda x: np.sum(np.abs(x)), np.sign, [0.0, 1.0]),
        (lambda x: 1e10 + 1e-3 * np.sum(x), lambda x: np.full(2, 1e-3), [1.0, 2.0]),
        (lambda x: np.sum(np.sqrt(x)), lambda x: 0.5 / np.sqrt(x), [1e-12, 1.0]),
        (lambda x: np.float32(np.sum(x**3)), lambda x: 3.0 * x**2, [1.0, -2.0]),
        (lambda x: np.sin(1e4 * x[0]), lambda x: 1e4 * np.cos(1e4 * x), [1.0]),
    ],
    ids=["steep", "kink", "offset", "near the edge", "float32", "oscillating"],
)
def test_a_right_gradient_passes_where_differences_are_poor(fun, jac, x0):
    Problem(fun, jac=jac).start(x0)


def test_errors_are_those_of_the_package():
    assert issubclass(InvalidInputError, optkit.errors.OptkitError)
    with pytest.raises(
        optkit.errors.BackendError, match="unknown backend 'nativ'; did you mean 'native'"
    ):
        minimize(parabola, [1.0], backend="nativ", method=BFGS())


def test_least_squares_takes_no_jac_true():
    with pytest.raises(InvalidTypeError, match="jac of a least-squares problem must be a function"):
        LeastSquaresProblem(parabola, jac=True)
