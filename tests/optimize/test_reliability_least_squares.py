"""What goes wrong in practice, one test each: nothing here may end in a wrong answer, a false success or lost work."""

from __future__ import annotations

import re

import numpy as np
import pytest

from optkit.errors import DerivativeError, InvalidInputError, InvalidTypeError
from optkit.optimize import LevenbergMarquardt, Verdict, curve_fit, least_squares

SOLVERS = {
    "lm": "lm", "dogleg": "dogleg", "gauss-newton": "gauss-newton",
    "nielsen": LevenbergMarquardt(damping="nielsen"),
    "geodesic": LevenbergMarquardt(geodesic=True),
}  # fmt: skip
X0 = [-1.2, 1.0]


@pytest.fixture(params=SOLVERS)
def method(request):
    return SOLVERS[request.param]


def rosenbrock(x):
    return np.array([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])


def slopes(x):
    return np.array([[-20.0 * x[0], 10.0], [-1.0, 0.0]])


def test_nan_at_a_trial_point_is_a_rejected_step(method):
    def walled(x):
        return rosenbrock(x) if x[0] < 1.05 else np.full(2, np.nan)

    fit = least_squares(walled, X0, jac=slopes, method=method)
    assert fit.success, fit.message
    np.testing.assert_allclose(fit.x, 1.0, rtol=1e-8)
    assert np.isfinite(fit.history.fun).all()


def test_a_jacobian_that_is_not_finite_is_a_rejected_step(method):
    def jac(x):
        return slopes(x) if x[1] < 1.2 else np.full((2, 2), np.inf)

    fit = least_squares(rosenbrock, X0, jac=jac, method=method)
    assert fit.success, fit.message
    np.testing.assert_allclose(fit.x, 1.0, rtol=1e-8)
    assert np.isfinite(fit.jac).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_start_that_is_not_finite_fails_at_once_naming_the_entry(bad, method):
    calls = []

    def broken(x):
        calls.append(x)
        return np.array([1.0, bad])

    with pytest.raises(InvalidInputError, match=re.escape("residuals(x0)[1] is")):
        least_squares(broken, X0, jac=slopes, method=method)
    assert len(calls) == 1
    with pytest.raises(InvalidInputError, match=re.escape("the Jacobian at x0[0, 1] is")):
        least_squares(
            rosenbrock, X0, jac=lambda x: np.array([[1.0, bad], [0.0, 1.0]]), method=method
        )


def test_rank_deficiency_gives_the_least_norm_and_its_null_vectors(method):
    fit = least_squares(
        lambda x: (x[0] + 2.0 * x[1] - 3.0) * np.arange(1.0, 5.0), [0.0, 0.0], method=method
    )
    assert (fit.success, fit.rank) == (True, 1)
    assert "not every parameter is determined" in fit.message
    null = fit.null_vectors
    assert null.shape == (2, 1)
    np.testing.assert_allclose(fit.jac @ null, 0.0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(null), 1.0)


def test_a_full_rank_has_no_null_vectors():
    fit = least_squares(rosenbrock, X0)
    assert (fit.rank, fit.null_vectors.shape) == (2, (2, 0))


def test_fewer_residuals_than_unknowns(method):
    fit = least_squares(
        lambda x: np.array([x[0] * x[1] - 2.0, x[2] - 1.0]), [1.0, 1.0, 0.0], method=method
    )
    assert fit.success, fit.message
    assert fit.cost < 1e-20
    assert (fit.rank, fit.null_vectors.shape) == (2, (3, 1))


def test_bad_scaling_in_both_directions(method):
    units = np.array([1e-9, 1e9])
    fit = least_squares(lambda x: rosenbrock(x / units), np.array(X0) * units, method=method)
    assert fit.success, fit.message
    np.testing.assert_allclose(fit.x / units, 1.0, rtol=1e-8)
    fit = least_squares(lambda x: np.array([1e6, 1e-6]) * (x - 1.0), [0.0, 0.0], method=method)
    np.testing.assert_allclose(fit.x, 1.0, rtol=1e-8)


@pytest.mark.parametrize("factor", [1e-150, 1e-8, 1e8, 1e150])
def test_the_size_of_residuals_changes_nothing(factor, method):
    fit = least_squares(lambda x: factor * rosenbrock(x), X0, method=method)
    assert fit.success, fit.message
    np.testing.assert_allclose(fit.x, 1.0, rtol=1e-8)


def test_whole_numbers_as_a_start_and_as_residuals(method):
    fit = least_squares(lambda x: np.array([x[0] - 3, 0]), [7], method=method)
    np.testing.assert_allclose(fit.x, 3.0)
    assert fit.x.dtype == np.float64


def test_the_users_function_may_change_what_it_gets_and_reuse_what_it_returns(method):
    buffer, matrix = np.empty(2), np.empty((2, 2))

    def fun(x):
        buffer[:] = rosenbrock(x)
        x[:] = np.nan
        return buffer

    def jac(x):
        matrix[:] = slopes(x)
        x[:] = np.nan
        return matrix

    fit = least_squares(fun, X0, jac=jac, method=method)
    assert fit.success, fit.message
    np.testing.assert_allclose(fit.x, 1.0, rtol=1e-8)
    buffer[:], matrix[:] = 7.0, 7.0
    assert not (fit.fun == 7.0).any()
    assert not (fit.jac == 7.0).any()


@pytest.mark.parametrize(
    ("jac", "message"),
    [
        (lambda x: -slopes(x), "the sign is wrong"),
        (lambda x: slopes(x).T, "jac disagrees with residuals"),
        (lambda x: 2.0 * slopes(x), "jac disagrees with residuals"),
        (lambda x: slopes(x) * [[1.0, 1.0], [0.0, 0.0]], "component 1"),
    ],
)
def test_a_wrong_jacobian_is_found_at_the_start(jac, message, method):
    with pytest.raises(DerivativeError, match=re.escape(message)):
        least_squares(rosenbrock, X0, jac=jac, method=method)


@pytest.mark.parametrize("shape", [(2,), (1, 2), (3, 2), (2, 2, 1), ()])
def test_a_jacobian_of_a_wrong_shape_names_both(shape, method):
    with pytest.raises(InvalidInputError, match=re.escape(f"(2, 2), got shape {shape}")):
        least_squares(rosenbrock, X0, jac=lambda x: np.zeros(shape), method=method)


def test_residuals_must_not_change_their_shape(method):
    calls = []

    def fun(x):
        calls.append(1)
        return np.ones(3) if len(calls) > 4 else rosenbrock(x)

    with pytest.raises(InvalidInputError, match=re.escape("must have shape (2,), got shape (3,)")):
        least_squares(fun, X0, jac=slopes, method=method)


def test_complex_residuals_are_refused_with_advice(method):
    with pytest.raises(InvalidTypeError, match="real and imaginary parts"):
        least_squares(lambda x: x + 1j, X0, method=method)
    with pytest.raises(InvalidTypeError, match="x0 is complex"):
        least_squares(rosenbrock, np.array(X0) + 0j, method=method)


def test_float32_residuals_are_fitted_to_their_precision(method):
    t = np.linspace(0.0, 2.0, 12, dtype=np.float32)
    y = np.float32(2.0) * np.exp(np.float32(-1.5) * t)

    def fun(p):
        return (p[0] * np.exp(-p[1] * t) - y).astype(np.float32)

    fit = least_squares(fun, [1.0, 1.0], method=method, backend="finite-difference")
    assert fit.success, fit.message
    np.testing.assert_allclose(fit.x, [2.0, 1.5], rtol=1e-4)


def test_an_exception_carries_what_was_found(method):
    calls = []

    def fun(x):
        calls.append(1)
        if len(calls) > 6:
            raise OSError("the device is gone")
        return rosenbrock(x)

    with pytest.raises(OSError, match="device") as caught:
        least_squares(fun, X0, jac=slopes, method=method)
    partial = caught.value.partial_result
    assert partial.cost <= 0.5 * rosenbrock(X0) @ rosenbrock(X0)
    calls.clear()
    fit = least_squares(fun, X0, jac=slopes, method=method, options={"on_interrupt": "return"})
    assert fit.verdict is Verdict.FAILED
    assert "the device is gone" in fit.message


def test_ctrl_c_returns_the_best_so_far_when_asked_to(method):
    calls = []

    def fun(x):
        calls.append(1)
        if len(calls) > 6:
            raise KeyboardInterrupt
        return rosenbrock(x)

    fit = least_squares(fun, X0, jac=slopes, method=method, options={"on_interrupt": "return"})
    assert fit.verdict is Verdict.LIMIT
    assert "interrupted by the user" in fit.message


@pytest.mark.parametrize("way", ["True", "StopIteration"])
def test_a_callback_stops_in_either_way(way, method):
    def callback(state):
        if way == "StopIteration":
            raise StopIteration
        return True

    fit = least_squares(rosenbrock, X0, method=method, callback=callback)
    assert (fit.nit, fit.verdict) == (1, Verdict.LIMIT)
    assert fit.cost <= fit.history.fun[0]


def test_noise_in_the_residuals_is_no_false_success(method):
    rng = np.random.default_rng(3)
    fit = least_squares(
        lambda x: rosenbrock(x) + 1e-6 * rng.standard_normal(2), X0, jac=slopes, method=method,
        options={"check_derivatives": False},
    )  # fmt: skip
    assert np.abs(fit.x - 1.0).max() < 1e-3 or not fit.success


def test_a_run_that_goes_to_infinity_is_told(method):
    """1/(1 + x²) has no minimum; whatever the verdict, no minimum may be claimed at a finite slope."""
    fit = least_squares(lambda x: 1.0 / (1.0 + x**2), [1.0], method=method, max_iter=200)
    assert not fit.success or fit.cost < 1e-20


def test_limits_of_time_and_evaluations_hold(method):
    fit = least_squares(rosenbrock, X0, method=method, options={"max_evaluations": 5})
    assert (fit.verdict, fit.nfev <= 6) == (Verdict.LIMIT, True)
    assert least_squares(rosenbrock, X0, method=method, max_time=0.0).verdict is Verdict.LIMIT


def test_misspelt_names_are_answered_with_the_closest():
    for given, closest in (
        ({"method": "lmm"}, "'lm'"), ({"method": "scipy:trff"}, "'scipy:trf'"),
        ({"loss": "soft-l2"}, "'soft_l1'"), ({"options": {"max_evaluation": 3}}, "'max_evaluations'"),
    ):  # fmt: skip
        with pytest.raises(InvalidInputError, match=f"did you mean {closest}"):
            least_squares(rosenbrock, X0, **given)


def test_the_result_is_never_worse_than_a_point_seen(method):
    seen = []

    def fun(x):
        r = rosenbrock(x)
        seen.append(0.5 * float(r @ r))
        return r

    fit = least_squares(fun, X0, jac=slopes, method=method, max_iter=7)
    assert fit.cost <= min(seen) * (1.0 + 1e-12)


def test_curve_fit_inherits_it_all():
    t = np.linspace(0.0, 2.0, 9)

    def model(t, a, b):
        return np.log(a) * np.exp(-b * t) if a > 0.0 else np.full_like(t, np.nan)

    fit = curve_fit(model, t, 0.5 * np.exp(-t), [5.0, 3.0])
    assert fit.success, fit.message
    np.testing.assert_allclose(fit.popt, [np.exp(0.5), 1.0], rtol=1e-8)
