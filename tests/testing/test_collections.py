"""The collections of problems: published values, minima that are minima, derivatives by complex step, profiles."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.optimize

from optkit import ad
from optkit.errors import InvalidInputError
from optkit.optimize import Curvature
from optkit.testing import problems
from optkit.testing.profiles import data_profile, performance_profile, work_to_converge

MGH = problems.more_garbow_hillstrom()
SCALABLE = [*problems.unconstrained(12), *problems.unconstrained(24)]
LANDSCAPES = problems.landscapes()


def by_name(cases):
    return {"argvalues": cases, "ids": [case.name for case in cases]}


# f(x0) of each problem, computed from the formulas of the paper with other code or by hand where they are short.
AT_THE_START = {
    1: 24.2, 2: 400.5, 3: 1.13526171734838, 4: 999998000002.999996, 5: 14.203125,
    6: 4171.30616196, 7: 2500.0, 8: 41.68169586, 9: 3.888106991e-06, 10: 1693607809.0,
    12: 1031.15381, 13: 215.0, 14: 19192.0, 15: 5.313172272e-3, 16: 7926693.337,
    17: 0.8790262935, 18: 0.7790700757, 19: 2.093419514, 20: 30.0, 21: 121.0, 22: 645.0,
    23: 148032.56535, 24: 162.65277656, 25: 2198551.1625, 27: 273.24804785, 30: 21.0, 31: 360.0,
    32: 50.0, 33: 8658670.0, 34: 4067996.0,
}  # fmt: skip


def test_there_are_thirty_five():
    assert len(MGH) == 35
    assert len({case.name for case in MGH}) == 35


@pytest.mark.parametrize("number", AT_THE_START)
def test_values_at_the_published_starts(number):
    case = MGH[number - 1]
    assert case.fun(case.x0) == pytest.approx(AT_THE_START[number], rel=1e-9)


@pytest.mark.parametrize("case", **by_name(MGH))
def test_the_sum_of_squares_and_its_gradient(case):
    x = case.x0 + 0.01
    residuals = case.residuals(x)
    assert case.fun(x) == pytest.approx(float(residuals @ residuals), rel=1e-13)
    gradient, jacobian = ad.grad(case.fun)(x), ad.jacobian(case.residuals)(x)
    np.testing.assert_allclose(gradient, 2.0 * jacobian.T @ residuals, rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize("case", **by_name(MGH))
def test_the_published_minimum_is_found_by_other_hands(case):
    """SciPy's Levenberg-Marquardt, which knows nothing of optkit but the Jacobian, ends at one of the known minima."""
    if case.residuals(case.x0).size < case.x0.size:
        pytest.skip("MINPACK wants m ≥ n")
    found = scipy.optimize.least_squares(
        case.residuals, case.x0, ad.jacobian(case.residuals), method="lm", max_nfev=20_000,
        xtol=1e-15, ftol=1e-15, gtol=1e-15,
    )  # fmt: skip
    value = 2.0 * found.cost
    known = [case.f_min, *case.other_minima]
    assert min(abs(value - f) / max(abs(f), 1e-8) for f in known) <= 1e-5, value
    assert value >= case.f_min * (1.0 - 1e-9) - 1e-12


@pytest.mark.parametrize("case", **by_name([c for c in MGH if c.x_min is not None]))
def test_the_minimiser_is_one(case):
    assert case.fun(case.x_min) == pytest.approx(case.f_min, rel=1e-9, abs=1e-20)
    curvature = Curvature.of(ad.hessian(case.fun)(case.x_min), ad.grad(case.fun)(case.x_min))
    assert not curvature.negative
    assert curvature.decrement <= 1e-12 * max(case.f_min, 1e-8)


@pytest.mark.parametrize("n", [4, 10])
@pytest.mark.parametrize("build", [problems.penalty_1, problems.penalty_2])
def test_minima_are_known_for_the_sizes_of_the_paper(build, n):
    case = build(n)
    x, hessian = case.x0.copy(), ad.hessian(case.fun)
    found = scipy.optimize.minimize(
        case.fun, x, jac=ad.grad(case.fun), hess=hessian, method="trust-exact",
        options={"gtol": 1e-12, "maxiter": 5000},
    )  # fmt: skip
    assert found.fun == pytest.approx(case.f_min, rel=1e-6)
    assert math.isnan(build(5).f_min)


@pytest.mark.parametrize("case", **by_name(SCALABLE))
def test_scalable_functions_have_the_derivative_of_the_complex_step(case):
    v = np.random.default_rng(1).standard_normal(case.x0.size)
    exact = np.imag(case.fun(case.x0 + 1e-30j * v)) / 1e-30
    assert ad.grad(case.fun)(case.x0) @ v == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("case", **by_name([c for c in SCALABLE if not math.isnan(c.f_min)]))
def test_no_value_is_below_the_least_one(case):
    rng = np.random.default_rng(2)
    for scale in (1e-3, 1.0, 10.0):
        assert case.fun(case.x0 + scale * rng.standard_normal(case.x0.size)) >= case.f_min


@pytest.mark.parametrize("case", **by_name(LANDSCAPES))
def test_landscapes_have_their_minimum_where_it_is_said(case):
    assert case.fun(case.x_min) == pytest.approx(case.f_min, rel=1e-12, abs=1e-12)
    rng = np.random.default_rng(3)
    for scale in (1e-4, 1e-2):
        around = [case.fun(case.x_min + scale * rng.standard_normal(2)) for _ in range(20)]
        assert min(around) > case.f_min
    assert np.max(np.abs(ad.grad(case.fun)(case.x_min))) <= 1e-10


@pytest.mark.parametrize(
    ("build", "n"),
    [
        (problems.watson, 1), (problems.watson, 32), (problems.extended_rosenbrock, 3),
        (problems.extended_powell_singular, 6),
    ],
)  # fmt: skip
def test_impossible_sizes_are_refused(build, n):
    with pytest.raises(InvalidInputError, match=f"got {n}"):
        build(n)


# ----------------------------------------------------------------------------------------------------------- profiles


def test_a_performance_profile_is_that_of_its_definition():
    work = {"a": [1.0, 4.0, np.inf, 3.0], "b": [2.0, 2.0, 5.0, np.nan]}
    profile = performance_profile(work)
    for tau in (1.0, 1.5, 2.0, 3.0):
        for name in work:
            other = work["b" if name == "a" else "a"]
            ratio = [
                t / np.nanmin([t, u]) if np.isfinite(t) else np.inf
                for t, u in zip(work[name], other, strict=True)
            ]
            assert profile.at(tau)[name] == np.mean(np.array(ratio) <= tau)
    assert profile.at(np.inf) == {"a": 0.75, "b": 0.75}
    steps, fraction = profile.curve("a")
    assert steps.tolist() == [1.0, 1.0, 2.0]
    assert fraction.tolist() == [0.25, 0.5, 0.75]


def test_a_problem_that_nobody_solves_counts_for_nobody():
    assert performance_profile({"a": [np.inf, 1.0], "b": [np.nan, 2.0]}).at(np.inf) == {
        "a": 0.5, "b": 0.5,
    }  # fmt: skip


def test_a_data_profile_counts_in_units():
    profile = data_profile({"a": [6.0, 10.0]}, units=[3.0, 11.0])
    assert profile.at(0.9) == {"a": 0.0}
    assert profile.at(1.0) == {"a": 0.5}
    assert profile.at(2.0) == {"a": 1.0}


def test_work_to_converge():
    values = [10.0, 6.0, np.nan, 1.0, 0.0]
    assert work_to_converge(values, 0.0, 0.6) == 2.0
    assert work_to_converge(values, 0.0, 0.1) == 4.0
    assert work_to_converge(values[:2], 0.0, 0.1) == np.inf


@pytest.mark.parametrize("work", [{}, {"a": []}, {"a": [1.0], "b": [1.0, 2.0]}, {"a": [0.0]}])
def test_nonsense_is_refused(work):
    with pytest.raises(InvalidInputError):
        performance_profile(work)
