"""The drivers: names, options, what is refused and what is suggested; the four verdicts."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

from optkit import ad
from optkit.errors import InvalidInputError, InvalidTypeError
from optkit.optimize import (
    BFGS,
    Armijo,
    GradientDescent,
    LevenbergMarquardt,
    Verdict,
    least_squares,
    minimize,
)


def bowl(x):
    return np.sum((x - 1.0) ** 2)


@pytest.mark.parametrize(
    ("driver", "method", "message"),
    [
        (
            minimize,
            "bgfs",
            "unknown method 'bgfs'; did you mean 'bfgs'? known: bfgs, lbfgs, lbfgsb, sr1, newton",
        ),
        (minimize, "SLSQP", "did you mean 'scipy:SLSQP'?"),
        (minimize, "L-BFGS-B", "did you mean 'scipy:L-BFGS-B'?"),
        (minimize, "gradient_descent", "did you mean 'gradient-descent'?"),
        (minimize, "scipy:slsp", "did you mean 'scipy:SLSQP'?"),
        (least_squares, "trf", "did you mean 'scipy:trf'?"),
        (least_squares, "scipy:drf", "did you mean 'scipy:trf'?"),
        (least_squares, "gauss_newton", "did you mean 'gauss-newton'?"),
        (least_squares, BFGS(), "method 'bfgs' takes a Problem: call it through minimize"),
        (
            minimize,
            LevenbergMarquardt(),
            "takes a LeastSquaresProblem: call it through least_squares",
        ),
    ],
)
def test_an_unknown_method_is_refused_with_the_closest_name(driver, method, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        driver(bowl, [0.0], method=method)


@pytest.mark.parametrize("method", [3, None, BFGS])
def test_a_method_is_a_name_or_a_solver(method):
    with pytest.raises(InvalidTypeError, match="method must be a name or a solver"):
        minimize(bowl, [0.0], method=method)


@pytest.mark.parametrize(
    ("method", "option", "message"),
    [
        (
            "bfgs",
            "line_serch",
            "unknown option 'line_serch' of method 'bfgs'; did you mean 'line_search'?",
        ),
        ("bfgs", "max_evals", "did you mean 'max_evaluations'?"),
        ("bfgs", "maxiter", "unknown option 'maxiter'"),
        (BFGS(), "line_search", "unknown option 'line_search' of method 'BFGS(…)'"),
        (
            "scipy:BFGS",
            "gtoll",
            "unknown option 'gtoll' of method 'scipy:BFGS'; did you mean 'gtol'?",
        ),
        ("scipy:Nelder-Mead", "xatoll", "did you mean 'xatol'?"),
    ],
)
def test_an_unknown_option_is_refused_with_the_closest_name(method, option, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        minimize(bowl, [0.0], method=method, options={option: 1})


def test_an_unknown_option_of_scipys_least_squares_is_refused():
    with pytest.raises(InvalidInputError, match="did you mean 'x_scale'"):
        least_squares(lambda x: x, [1.0], method="scipy:trf", options={"x_scal": 1.0})


def test_options_reach_the_solver():
    by_option = minimize(bowl, [5.0, 3.0], method="bfgs", options={"line_search": Armijo()})
    by_object = minimize(bowl, [5.0, 3.0], method=BFGS(line_search=Armijo()))
    assert by_option.history.fun.tolist() == by_object.history.fun.tolist()
    fit = least_squares(lambda x: np.exp(x) - 2.0, [4.0], options={"initial_radius": 1e-3})
    assert fit.history.step_size[1] < 1.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"bounds": [(0.0, 1.0)]},
            "'bfgs' takes no bounds but equal ones, which fix a variable; use method='lbfgsb'",
        ),
        (
            {"constraints": {"type": "eq", "fun": bowl}},
            "takes no constraints; use method='scipy:SLSQP'",
        ),
    ],
)
def test_bounds_and_constraints_are_refused_by_methods_without_them(given, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        minimize(bowl, [0.0], method="bfgs", **given)


@pytest.mark.parametrize("constraints", [(), [], {"type": "eq", "fun": lambda x: x[0] - 0.5}])
@pytest.mark.parametrize("bounds", [None, [(0.0, 0.4), (0.0, 2.0)]])
def test_auto_picks_by_what_is_known_and_says_so(bounds, constraints):
    if isinstance(constraints, dict) and bounds is not None:
        bounds = [(0.0, 0.6), (0.0, 2.0)]
    result = minimize(bowl, [0.2, 0.2], bounds=bounds, constraints=constraints)
    constrained = isinstance(constraints, dict)
    expected = "scipy:SLSQP" if constrained else "trust-exact" if bounds is None else "lbfgsb"
    assert result.method == expected
    assert result.choice.startswith(f"{expected}: ")
    first = 0.5 if constrained else 1.0 if bounds is None else 0.4
    np.testing.assert_allclose(result.x, [first, 1.0], rtol=1e-6)


def test_auto_keeps_no_dense_matrix_of_many_variables():
    result = minimize(bowl, np.zeros(5000))
    assert result.method == "lbfgs"
    assert result.choice == "lbfgs: 5000 variables are too many for a dense matrix"
    assert minimize(bowl, [0.0] * 3000).method == "lbfgs"
    assert minimize(bowl, [0.0] * 200).method == "bfgs"
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "method"),
    [
        ({"jac": lambda x: 2.0 * (x - 1.0)}, "bfgs"),
        ({"jac": lambda x: 2.0 * (x - 1.0), "hess": lambda x: 2.0 * np.eye(2)}, "trust-exact"),
        ({"backend": "finite-difference"}, "bfgs"),
        ({"bounds": [(None, None), (0.0, 0.0)]}, "trust-exact"),
    ],
)
def test_auto_uses_second_derivatives_where_they_are_exact(given, method):
    result = minimize(bowl, [0.0, 0.0], **given)
    assert result.method == method
    assert result.success, result.message


def test_auto_does_without_second_derivatives_that_cannot_be_had():
    @ad.custom_vjp
    def once(x):
        return np.sum((x - 1.0) ** 4)

    # float() of a traced value is refused: this derivative cannot be differentiated again.
    once.defvjp(
        lambda x: (once(x), x), lambda x, ct: (np.array([4.0 * (float(x[0]) - 1.0) ** 3]) * ct,)
    )
    result = minimize(once, [3.0])
    assert result.method == "bfgs"
    assert "second derivatives fail at x0 (LostDerivativeError" in result.choice


def test_names_are_not_case_sensitive():
    assert minimize(bowl, [0.0], method="BFGS").method == "bfgs"
    assert minimize(bowl, [0.0], method="SciPy:slsqp").method == "scipy:SLSQP"
    assert least_squares(lambda x: x, [1.0], method="GN").method == "gauss-newton"


def test_every_argument_of_a_signature_does_something():
    """The names are those that the drivers pass on; a new one must be added here and to a test of what it does."""
    assert set(inspect.signature(minimize).parameters) == {
        "fun", "x0", "args", "method", "backend", "jac", "hess", "hessp", "bounds", "constraints",
        "batches", "tol", "callback", "max_iter", "max_time", "options",
    }  # fmt: skip
    assert set(inspect.signature(least_squares).parameters) == {
        "residuals", "x0", "args", "method", "loss", "f_scale", "bounds", "backend", "jac", "tol",
        "callback", "max_iter", "max_time", "options",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "status", "success", "run"),
    [
        (Verdict.CONVERGED, 0, True, lambda: minimize(bowl, [0.0])),
        (Verdict.LIMIT, 1, False, lambda: minimize(bowl, [0.0], max_iter=0)),
        (
            Verdict.STALLED, 2, True,
            lambda: minimize(lambda x: 1e10 + bowl(x), [0.0], backend="finite-difference"),
        ),
        (Verdict.FAILED, 3, False, lambda: minimize(lambda x: -bowl(x), [0.0])),
    ],
)  # fmt: skip
def test_the_four_verdicts(verdict, status, success, run):
    result = run()
    assert (result.verdict, result.status, result.success) == (verdict, status, success)
    assert result.message.startswith(verdict.value + ": ")


def test_a_result_is_scipys():
    import scipy.optimize

    result = minimize(bowl, [0.0, 0.0], method=GradientDescent())
    assert isinstance(result, scipy.optimize.OptimizeResult)
    assert {
        "x",
        "fun",
        "jac",
        "nit",
        "nfev",
        "njev",
        "nhev",
        "success",
        "status",
        "message",
    } <= set(result)
    assert result["x"] is result.x
    assert "history: <history of" in repr(result)


def test_a_result_plots_itself():
    from matplotlib.figure import Figure

    drawn = minimize(bowl, [0.0, 0.0]).plot()
    figure = drawn if isinstance(drawn, Figure) else drawn.figure
    assert figure.axes
