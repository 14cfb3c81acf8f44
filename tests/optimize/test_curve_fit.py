"""curve_fit: estimates and errors as SciPy's, parameters by name, intervals, bands, and how it reads."""

from __future__ import annotations

import html.parser
import math
import re

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from optkit.errors import DerivativeError, InvalidInputError, InvalidTypeError, RankDeficientError
from optkit.optimize import FitResult, Parameter, curve_fit
from optkit.optimize.expressions import compile_expression

# Treated Puromycin cells: Bates & Watts 1988, table A1.3; the fit and its intervals are on pp. 41 and 210.
X = np.repeat([0.02, 0.06, 0.11, 0.22, 0.56, 1.10], 2)
Y = np.array([76.0, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200])


def model(x, top, half):
    return top * x / (half + x)


def line(x, a, b, c):
    return a + b * x + c * x**2


@pytest.fixture(scope="module")
def fit():
    return curve_fit(model, X, Y, [200.0, 0.05])


# ------------------------------------------------------------------------------------------- what SciPy's users know


def test_the_published_estimates_are_found(fit):
    assert isinstance(fit, FitResult)
    assert fit.success, fit.message
    np.testing.assert_allclose(fit.popt, [212.7, 0.0641], rtol=1e-3)
    np.testing.assert_allclose(list(fit.standard_errors.values()), [6.95, 0.00828], rtol=1e-3)
    assert fit.correlation[0, 1] == pytest.approx(0.765, abs=1e-2)


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("kind", ["none", "number", "vector", "matrix"])
def test_estimates_and_covariances_are_scipys(kind, absolute):
    rng = np.random.default_rng(2)
    factor = rng.standard_normal((12, 12))
    sigma = {
        "none": None, "number": 7.0, "vector": rng.uniform(5.0, 15.0, 12),
        "matrix": factor @ factor.T + 50.0 * np.eye(12),
    }[kind]  # fmt: skip
    popt, pcov = curve_fit(model, X, Y, [200.0, 0.05], sigma, absolute)
    theirs = np.full(12, sigma) if kind == "number" else sigma
    expected = scipy.optimize.curve_fit(
        model, X, Y, [200.0, 0.05], theirs, absolute, xtol=1e-14, ftol=1e-14, gtol=1e-14
    )
    np.testing.assert_allclose(popt, expected[0], rtol=1e-7)
    np.testing.assert_allclose(pcov, expected[1], rtol=1e-5)


@pytest.mark.parametrize("method", ["lm", "dogleg", "gn", "scipy:lm", "scipy:trf"])
def test_methods_are_those_of_least_squares(method, fit):
    other = curve_fit(model, X, Y, [200.0, 0.05], method=method)
    np.testing.assert_allclose(other.popt, fit.popt, rtol=1e-5)  # SciPy stops at 1e-8 of the value


def test_a_jacobian_of_the_users_is_weighted_chained_and_checked(fit):
    def jac(x, top, half):
        return np.column_stack([x / (half + x), -top * x / (half + x) ** 2])

    sigma = 1.0 + X
    for given in ({}, {"fixed": {"half": 0.06}}, {"expressions": {"half": "top / 3000"}}):
        ours = curve_fit(model, X, Y, [200.0, 0.05], sigma, jac=jac, **given)
        np.testing.assert_allclose(
            ours.popt, curve_fit(model, X, Y, [200.0, 0.05], sigma, **given).popt, rtol=1e-9
        )
    with pytest.raises(DerivativeError):
        curve_fit(model, X, Y, [200.0, 0.05], jac=lambda x, a, b: -jac(x, a, b))


def test_models_take_anything_as_x_and_data_of_any_shape():
    a, b = np.meshgrid(np.linspace(0.0, 1.0, 5), np.linspace(0.0, 2.0, 4))
    surface = 1.5 * a + np.exp(0.5 * b)
    fit = curve_fit(lambda xy, p, q: p * xy[0] + np.exp(q * xy[1]), (a, b), surface)
    np.testing.assert_allclose(fit.popt, [1.5, 0.5], rtol=1e-9)
    assert fit.predict().shape == (4, 5)
    low, high = fit.band()
    assert low.shape == high.shape == (4, 5)


def test_parameters_may_be_a_vector_or_a_tail_of_arguments():
    vector = curve_fit(lambda x, p: p[0] * x / (p[1] + x), X, Y, np.array([200.0, 0.05]))
    assert vector.names == ("p[0]", "p[1]")
    tail = curve_fit(lambda x, *p: p[0] * x / (p[1] + x), X, Y, [200.0, 0.05])
    np.testing.assert_allclose(tail.popt, vector.popt)
    fixed = curve_fit(
        lambda x, p: p[0] * x / (p[1] + x), X, Y, np.array([200.0, 0.05]), fixed=["p[1]"]
    )
    assert fixed["p[1]"] == 0.05


def test_defaults_of_the_signature_are_the_start():
    seen = []

    def watched(x, top=190.0, half=0.07):
        seen.append((top, half))
        return model(x, top, half)

    curve_fit(watched, X, Y)
    assert seen[0] == (190.0, 0.07)


# ------------------------------------------------------------------------------------------------------- parameters


def test_a_fixed_parameter_stays(fit):
    for given in ({"fixed": {"half": 0.06}}, {"p0": {"half": Parameter(0.06, fixed=True), "top": 200.0}},
                  {"p0": {"top": 200.0, "half": {"value": 0.06, "fixed": True}}},
                  {"p0": [200.0, 0.05], "bounds": {"half": (0.06, 0.06)}}):  # fmt: skip
        held = curve_fit(model, X, Y, **given)
        assert held["half"] == 0.06
        assert held.standard_errors["half"] == 0.0
        assert held["top"] == pytest.approx(Y @ (X / (0.06 + X)) / np.sum((X / (0.06 + X)) ** 2))
        assert held.dof == 11
    assert curve_fit(model, X, Y, [200.0, 0.05], fixed="half")["half"] == 0.05


def test_all_parameters_fixed_is_no_failure():
    held = curve_fit(model, X, Y, fixed={"top": 200.0, "half": 0.06})
    assert held.success
    assert held.popt.tolist() == [200.0, 0.06]
    assert "fixed" in held.report()


def test_expressions_follow_and_have_errors():
    exact = curve_fit(line, X, Y, [1.0, 1.0, 1.0], expressions={"c": "-b * sqrt(b) / 20"})
    called = curve_fit(
        line, X, Y, [1.0, 1.0, 1.0], expressions={"c": lambda b: -b * np.sqrt(b) / 20}
    )
    assert exact["c"] == pytest.approx(-(exact["b"] ** 1.5) / 20)
    np.testing.assert_allclose(exact.popt, called.popt, rtol=1e-9)
    slope = 1.5 * math.sqrt(exact["b"]) / 20
    assert exact.standard_errors["c"] == pytest.approx(slope * exact.standard_errors["b"])
    assert exact.n_free == 2


def test_expressions_of_expressions_come_in_their_order():
    fit = curve_fit(line, X, Y, [1.0, 1.0, 1.0], expressions={"a": "2 * c", "c": "-b"})
    assert fit["c"] == -fit["b"]
    assert fit["a"] == 2 * fit["c"]


def test_bounds_hold_by_name_by_sides_and_as_scipys_class(fit):
    for bounds in ({"top": (None, 205.0)}, ([-np.inf, -np.inf], [205.0, np.inf]),
                   scipy.optimize.Bounds([-np.inf, -np.inf], [205.0, np.inf])):  # fmt: skip
        held = curve_fit(model, X, Y, [200.0, 0.05], bounds=bounds)
        assert held["top"] == 205.0
        assert "at its bound" in held.report()
    loose = curve_fit(model, X, Y, [200.0, 0.05], bounds=(0.0, np.inf))
    np.testing.assert_allclose(loose.popt, fit.popt, rtol=1e-9)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"p0": {"tob": 1.0}}, InvalidInputError, "did you mean 'top'?"),
        ({"p0": [1.0, 2.0, 3.0]}, InvalidInputError, "p0 must hold 2 values, for top, half"),
        ({"p0": [1.0, np.nan]}, InvalidInputError, "the value of half must be a finite number"),
        ({"p0": {"top": {"valu": 1}}}, InvalidInputError, "did you mean 'value'?"),
        (
            {"bounds": {"top": (3.0, 1.0)}},
            InvalidInputError,
            "bounds of top: lower 3.0 > upper 1.0",
        ),
        ({"bounds": [(0, 1)]}, InvalidInputError, "two sequences (lower, upper)"),
        ({"fixed": ["topp"]}, InvalidInputError, "did you mean 'top'?"),
        ({"expressions": {"top": "half +"}}, InvalidInputError, "cannot be read"),
        (
            {"expressions": {"top": "halv"}},
            InvalidInputError,
            "names 'halv', which is no parameter",
        ),
        ({"expressions": {"top": "half", "half": "top"}}, InvalidInputError, "in a circle"),
        ({"expressions": {"top": "half.real"}}, InvalidInputError, "not Attribute"),
        ({"expressions": {"top": "(lambda: half)()"}}, InvalidInputError, "may hold arithmetic"),
        ({"expressions": {"top": "open(half)"}}, InvalidInputError, "calls open"),
        ({"expressions": {"top": 3.0}}, InvalidTypeError, "a text or a function"),
        ({"sigma": -Y}, InvalidInputError, "sigma must be positive"),
        ({"sigma": np.ones(3)}, InvalidInputError, "sigma must have the shape (12,)"),
        ({"sigma": -np.eye(12)}, InvalidInputError, "symmetric and positive definite"),
        ({"method": "lmm"}, InvalidInputError, "did you mean 'lm'?"),
        ({"loss": "hubert"}, InvalidInputError, "did you mean 'huber'?"),
    ],
)
def test_what_cannot_be_is_refused(given, error, message):
    with pytest.raises(error, match=re.escape(message)):
        curve_fit(model, X, Y, **{"p0": [200.0, 0.05], **given})


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, Y * np.nan, "ydata[0] is nan"),
        (np.append(X[1:], np.inf), Y, "xdata[11] is inf"),
        (X[:5], Y, "the model returned shape (5,) for data of shape (12,)"),
        (X[:0], Y[:0], "ydata is empty"),
    ],
)
def test_data_are_checked(x, y, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        curve_fit(model, x, y, [200.0, 0.05])


def test_complex_data_are_refused_with_advice():
    with pytest.raises(InvalidTypeError, match="real and imaginary parts"):
        curve_fit(model, X, Y + 1j, [200.0, 0.05])


def test_an_expression_is_a_function_of_the_names_in_it():
    rule, used = compile_expression("exp(-a) * pi + minimum(b, 2)", "c", ["a", "b"])
    assert used == {"a", "b"}
    assert rule({"a": 0.0, "b": 5.0}) == pytest.approx(math.pi + 2.0)


# ------------------------------------------------------------------------------------------------------- uncertainty


def test_profile_intervals_are_those_of_bates_and_watts(fit):
    """95 % likelihood intervals of table 6.1 there: (197.3, 229.3) and (0.0470, 0.0862)."""
    found = fit.confidence_intervals()
    np.testing.assert_allclose(found["top"], (197.3, 229.3), atol=0.06)
    np.testing.assert_allclose(found["half"], (0.0470, 0.0862), atol=1e-4)


def test_the_ends_of_a_profile_interval_are_where_the_sum_of_squares_says(fit):
    low, high = fit.confidence_intervals(0.9, names=["half"])["half"]
    t = scipy.stats.t.ppf(0.95, 10)
    for end in (low, high):
        held = curve_fit(model, X, Y, [200.0, 0.05], fixed={"half": end})
        ratio = (held.chi_square - fit.chi_square) / fit.reduced_chi_square
        assert ratio == pytest.approx(t**2, rel=1e-5)


def test_profile_and_wald_agree_for_a_linear_model():
    fit = curve_fit(line, X, Y)
    profile, wald = fit.confidence_intervals(), fit.confidence_intervals(method="wald")
    for name in fit.names:
        np.testing.assert_allclose(profile[name], wald[name], rtol=1e-5)
    single = curve_fit(lambda x, a: a * x, X, Y)
    np.testing.assert_allclose(
        single.confidence_intervals()["a"],
        single.confidence_intervals(method="wald")["a"],
        rtol=1e-5,
    )


def test_absolute_sigma_takes_the_normal_distribution():
    fit = curve_fit(line, X, Y, sigma=10.0, absolute_sigma=True)
    low, high = fit.confidence_intervals(0.95)["a"]
    assert (high - low) / 2.0 == pytest.approx(1.959964 * fit.standard_errors["a"], rel=1e-5)


def test_an_end_that_the_data_do_not_set_is_infinite_or_the_bound():
    x = np.linspace(0.0, 1.0, 8)
    y = 1.0 - np.exp(-30.0 * x) + 0.05 * np.cos(9.0 * np.arange(8))
    fit = curve_fit(lambda x, rate: 1.0 - np.exp(-rate * x), x, y, [20.0])
    assert fit.confidence_intervals(0.99)["rate"][1] == math.inf
    held = curve_fit(
        lambda x, rate: 1.0 - np.exp(-rate * x), x, y, [20.0], bounds={"rate": (0.0, 50.0)}
    )
    assert held.confidence_intervals(0.99)["rate"][1] == 50.0


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng, inside = np.random.default_rng(11), 0
    for _ in range(100):
        y = model(X, 200.0, 0.06) + 10.0 * rng.standard_normal(12)
        low, high = curve_fit(model, X, y, [200.0, 0.06]).confidence_intervals(0.8, names="half")[
            "half"
        ]
        inside += low <= 0.06 <= high
    assert 68 <= inside <= 92


def test_bands_are_those_of_the_textbook_for_a_straight_line():
    fit = curve_fit(lambda x, a, b: a + b * x, X, Y)
    at, t = np.array([0.0, 0.4, 2.0]), scipy.stats.t.ppf(0.975, 10)
    spread = 1.0 / 12 + (at - X.mean()) ** 2 / np.sum((X - X.mean()) ** 2)
    s = math.sqrt(fit.reduced_chi_square)
    low, high = fit.band(at)
    np.testing.assert_allclose((high - low) / 2.0, t * s * np.sqrt(spread), rtol=1e-9)
    low, high = fit.band(at, kind="prediction")
    np.testing.assert_allclose((high - low) / 2.0, t * s * np.sqrt(1.0 + spread), rtol=1e-9)
    np.testing.assert_allclose((high + low) / 2.0, fit.predict(at))


def test_a_prediction_band_asks_for_the_errors_that_it_cannot_know():
    fit = curve_fit(line, X, Y, sigma=1.0 + X)
    assert np.isfinite(fit.band(kind="prediction")).all()
    with pytest.raises(InvalidInputError, match="sigma="):
        fit.band(np.array([0.5]), kind="prediction")
    low, high = fit.band(np.array([0.5]), kind="prediction", sigma=1.5)
    assert low < fit.predict(np.array([0.5])) < high


def test_what_the_data_do_not_determine_has_no_covariance_and_says_so():
    fit = curve_fit(lambda x, a, b: a * b * x, X, Y, [10.0, 10.0])
    assert fit.success
    assert np.isinf(fit.pcov).all()
    assert fit.standard_errors == {"a": math.inf, "b": math.inf}
    with pytest.raises(RankDeficientError, match="do not determine a, b separately"):
        _ = fit.covariance
    assert "undetermined" in fit.report()
    assert "do not determine a, b separately" in fit.report()


def test_a_robust_fit_has_no_likelihood_to_profile():
    dirty = Y.copy()
    dirty[4] = 900.0
    fit = curve_fit(model, X, dirty, [200.0, 0.05], loss="cauchy", f_scale=10.0)
    np.testing.assert_allclose(fit.popt, [212.7, 0.0641], rtol=0.05)
    with pytest.raises(InvalidInputError, match="method='wald'"):
        fit.confidence_intervals()
    assert fit.confidence_intervals(method="wald")["top"][0] < fit["top"]


@pytest.mark.parametrize("level", [0.0, 1.0, 95, -0.5])
def test_a_level_is_a_probability(fit, level):
    with pytest.raises(InvalidInputError, match="0.95 for 95 %"):
        fit.confidence_intervals(level)


# ------------------------------------------------------------------------------------------------------------ report


def test_the_statistics_are_those_of_lmfit(fit):
    lmfit = pytest.importorskip("lmfit")
    theirs = lmfit.Model(model).fit(Y, x=X, top=200.0, half=0.05)
    assert fit.chi_square == pytest.approx(theirs.chisqr)
    assert fit.reduced_chi_square == pytest.approx(theirs.redchi)
    assert fit.aic == pytest.approx(theirs.aic)
    assert fit.bic == pytest.approx(theirs.bic)
    assert fit.r_squared == pytest.approx(theirs.rsquared)


def test_the_report_says_it_all(fit):
    text = str(fit)
    for part in ("Fit converged", "chi-square", "R-squared", "AIC, BIC", "top", "212.68374", "3.27 %",
                 "from 200", "top, half  +0.76", "95 % interval"):  # fmt: skip
        assert part in text, part
    assert max(map(len, text.splitlines())) <= 100
    assert "top, half" not in fit.report(min_correlation=0.9)
    assert "90 % interval" in fit.report(level=0.9)
    assert repr(fit).startswith("<fit top=212.684, half=0.0641213; converged")
    assert "NO FIT" in str(curve_fit(model, X, Y, [200.0, 0.05], max_iter=0))


def test_the_notebook_form_is_well_formed_and_escapes():
    fit = curve_fit(line, X, Y, [1.0, 1.0, 1.0], expressions={"c": "a*b"})

    class Balance(html.parser.HTMLParser):
        def __init__(self):
            super().__init__()
            self.open, self.text = [], []

        def handle_starttag(self, tag, attrs):
            self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

        def handle_data(self, data):
            self.text.append(data)

    parser = Balance()
    parser.feed(fit._repr_html_())
    assert not parser.open
    assert "= a*b" in parser.text
    assert f"{fit['a']:.8g}" in parser.text


def test_estimates_are_found_by_name(fit):
    assert fit["top"] == fit.values["top"] == fit.popt[0]
    with pytest.raises(KeyError, match="did you mean 'half'"):
        _ = fit["halv"]
