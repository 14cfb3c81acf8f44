"""Every method on problems with known minima; line searches by their conditions; steps without a search; batches."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from optkit import ad
from optkit.errors import InvalidInputError
from optkit.optimize import (
    BFGS,
    LBFGS,
    LBFGSB,
    SGD,
    SR1,
    Adagrad,
    Adam,
    AdamW,
    Armijo,
    ConjugateGradient,
    DoglegPath,
    FixedStep,
    GradientDescent,
    HagerZhang,
    HeavyBall,
    Minibatches,
    MoreSorensen,
    Nesterov,
    Newton,
    NewtonCG,
    Problem,
    RMSProp,
    Schedule,
    StrongWolfe,
    TrustRegionNewton,
    TrustRegionNewtonCG,
    Verdict,
    iterate,
    minimize,
)
from optkit.testing import problems

SOLVERS = {
    "lbfgs": LBFGS(), "lbfgs, 3 pairs": LBFGS(memory=3), "lbfgs, hager-zhang": LBFGS(line_search=HagerZhang()),
    "lbfgsb": LBFGSB(), "bfgs, hager-zhang": BFGS(line_search=HagerZhang()), "sr1": SR1(),
    "newton": Newton(), "newton, armijo": Newton(line_search=Armijo()), "newton-cg": NewtonCG(),
    "newton-cg, hager-zhang": NewtonCG(line_search=HagerZhang()), "trust-exact": TrustRegionNewton(),
    "trust-exact, scaled": TrustRegionNewton(scaled=True),
    "trust, dogleg": TrustRegionNewton(subproblem=DoglegPath()), "trust-ncg": TrustRegionNewtonCG(),
    "sr1, loose": SR1(subproblem=MoreSorensen(tolerance=0.1)),
}  # fmt: skip
CONJUGATE = {
    f"{formula}, {name}": ConjugateGradient(formula=formula, line_search=search)
    for formula in ("fr", "pr+", "hs", "dy", "hz")
    for name, search in (("wolfe", StrongWolfe(curvature=0.1)), ("hager-zhang", HagerZhang()))
}
CASES = {
    case.name: case
    for case in (
        problems.rosenbrock(2), problems.rosenbrock(20), problems.quadratic(30, 1e4), problems.beale(),
        problems.wood(), problems.helical_valley(), problems.michaelis_menten(), problems.gaussian(),
        problems.broyden_tridiagonal(), problems.variably_dimensioned(), problems.bard(),
        problems.kowalik_osborne(), problems.watson(), problems.extended_powell_singular(8),
    )
}  # fmt: skip
EASY = ["Rosenbrock", "quadratic, n = 30", "Beale", "helical valley", "Broyden tridiagonal, n = 10"]


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_methods_for_hard_problems_find_the_minimum(solver, case):
    case = CASES[case]
    result = minimize(case.fun, case.x0, method=SOLVERS[solver])
    known = [f for f in (case.f_min, *case.other_minima) if np.isfinite(f)]
    if case.name == "Rosenbrock, n = 20":
        known.append(3.986623854261198)  # the local minimum near (−1, 1, …, 1)
    assert result.success, result.message
    assert min(abs(result.fun - f) / max(f, 1e-3) for f in known) <= 1e-6


@pytest.mark.parametrize("case", EASY)
@pytest.mark.parametrize("solver", CONJUGATE)
def test_conjugate_gradients_find_the_minimum(solver, case):
    case = CASES[case]
    result = minimize(case.fun, case.x0, method=CONJUGATE[solver])
    assert result.success, result.message
    assert result.fun - case.f_min <= 1e-8


def test_conjugate_gradients_solve_a_quadratic_in_n_steps():
    """All formulas are the linear method on a quadratic with exact line searches (Nocedal & Wright §5.2)."""
    case = problems.quadratic(8, 50.0)
    for formula in ("fr", "pr+", "hs", "dy", "hz"):
        solver = ConjugateGradient(formula=formula, line_search=StrongWolfe(curvature=1e-7))
        result = minimize(case.fun, case.x0, method=solver)
        assert result.history.gradient_norm[8] <= 1e-5 * result.history.gradient_norm[0], formula


def test_an_unknown_formula_is_refused():
    with pytest.raises(InvalidInputError, match=r"did you mean 'pr\+'"):
        ConjugateGradient(formula="pr")


@pytest.mark.parametrize("solver", [GradientDescent(), Nesterov(), HeavyBall(momentum=0.8)])
def test_acceleration_pays(solver):
    case = problems.quadratic(20, 1e3)
    result = minimize(case.fun, case.x0, method=solver)
    assert result.success, result.message
    assert (
        result.nit
        < minimize(case.fun, case.x0, method=GradientDescent(FixedStep(1e-3)), max_iter=20_000).nit
    )


@pytest.mark.parametrize("restart", [True, False])
def test_nesterovs_rate_on_a_convex_function(restart):
    """f(x_k) − f* ≤ 2 ‖x₀ − x*‖² / (t (k + 1)²) with t = 1/L (Beck & Teboulle, theorem 4.4)."""
    case = problems.quadratic(20, 1e4)
    result = minimize(
        case.fun, case.x0, method=Nesterov(length=1e-4, restart=restart), max_iter=200
    )
    k = np.arange(1, len(result.history))
    bound = 2.0 * 20.0 / (1e-4 * (k + 1.0) ** 2)
    assert (result.history.fun[1:] <= bound).all()


@pytest.mark.parametrize("n", [2, 10])
def test_quasi_newton_methods_need_no_more_than_they_should(n):
    """Counted budgets, a little above what they take today; SciPy's L-BFGS-B takes 44 and 88."""
    budget = {2: 60, 10: 125}[n]
    x0 = np.resize([-1.2, 1.0], n)
    assert minimize(rosenbrock, x0, method="lbfgs").nfev <= budget
    assert minimize(rosenbrock, x0, method="trust-exact").nfev <= 60


# -------------------------------------------------------------------------------------------------------- line searches


@pytest.mark.parametrize("first", [1e-6, 1e-2, 1.0, 1e2])
@pytest.mark.parametrize("shape", ["quartic", "wave", "log"])
def test_hager_and_zhangs_conditions_hold(shape, first):
    functions = {
        "quartic": lambda x: np.sum((x - 1.0) ** 4 + (x - 1.0) ** 2),
        "wave": lambda x: np.sum(0.05 * x**2 + np.cos(3.0 * x)),
        "log": lambda x: np.sum(x - 2.0 * np.log(x)) if x[0] > 0.0 else np.nan * x[0],
    }
    problem, search = Problem(functions[shape]), HagerZhang()
    state = next(iter(iterate(problem, BFGS(), [0.3])))
    direction = -state.grad
    found = search.search(problem, state, direction, first)
    slope = float(state.grad @ direction)
    assert found is not None
    assert found.slope >= search.curvature * slope
    wolfe = found.fun <= state.fun + search.decrease * found.t * slope
    approximate = found.slope <= (2.0 * search.decrease - 1.0) * slope
    assert wolfe or (approximate and found.fun <= state.fun + state.noise)


@pytest.mark.parametrize("search", [Armijo(), StrongWolfe(), HagerZhang()])
def test_a_search_goes_no_further_than_it_may(search):
    problem = Problem(lambda x: -np.sum(x) + 1e-3 * np.sum(x**2))
    state = next(iter(iterate(problem, BFGS(), [0.0, 0.0])))
    found = search.search(problem, state, -state.grad, 1.0, 2.5)
    assert found is not None
    assert 1.0 <= found.t <= 2.5
    if not isinstance(search, Armijo):
        assert found.t == 2.5 or found.slope >= 0.9 * float(-state.grad @ state.grad)


def test_fixed_steps_and_schedules_are_taken_as_they_are():
    lengths = [0.3, 0.1, 0.05, 0.2]
    solver = GradientDescent(line_search=Schedule(lambda k: lengths[k]))
    result = minimize(lambda x: np.sum(x**2), [1.0, -2.0], method=solver, max_iter=4)
    np.testing.assert_allclose(result.history.step_size[1:], lengths)
    factor = np.cumprod(1.0 - 2.0 * np.array(lengths))
    np.testing.assert_allclose(result.history.fun[1:], 5.0 * factor**2)
    diverging = minimize(lambda x: np.sum(x**2), [1.0], method=GradientDescent(FixedStep(3.0)))
    assert not diverging.success
    assert diverging.fun <= 1.0


@pytest.mark.parametrize(
    "make", [lambda: FixedStep(0.0), lambda: FixedStep(np.nan), lambda: HeavyBall(momentum=1.0),
             lambda: Adam(learning_rate=-1.0), lambda: Adam(beta1=1.0), lambda: AdamW(weight_decay=-1.0),
             lambda: Nesterov(length=0.0)]
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(make):
    with pytest.raises(InvalidInputError, match="must be"):
        make()


# ------------------------------------------------------------------------------------------------- adaptive, stochastic


def by_the_book(rule, gradient, x, steps):
    """The published update, written once more as loops over scalars."""
    memory = {}
    for k in range(1, steps + 1):
        x = np.array(
            [
                rule(memory.setdefault(i, {}), k, g, xi)
                for i, (g, xi) in enumerate(zip(gradient(x), x, strict=True))
            ]
        )
    return x


def adam(m, k, g, x, decay=0.0):
    m["m"] = 0.9 * m.get("m", 0.0) + 0.1 * g
    m["v"] = 0.999 * m.get("v", 0.0) + 0.001 * g * g
    return x - 0.05 * (
        m["m"] / (1 - 0.9**k) / (np.sqrt(m["v"] / (1 - 0.999**k)) + 1e-8) + decay * x
    )


def rmsprop(m, k, g, x):
    m["v"] = 0.9 * m.get("v", 0.0) + 0.1 * g * g
    return x - 0.05 * g / (np.sqrt(m["v"]) + 1e-8)


def adagrad(m, k, g, x):
    m["v"] = m.get("v", 0.0) + g * g
    return x - 0.05 * g / (np.sqrt(m["v"]) + 1e-10)


def sgd(m, k, g, x):
    m["m"] = 0.9 * m.get("m", 0.0) + g
    return x - 0.05 * m["m"]


@pytest.mark.parametrize(
    ("solver", "rule"),
    [
        (Adam(0.05), adam), (AdamW(0.05, weight_decay=0.1), lambda *a: adam(*a, decay=0.1)),
        (RMSProp(0.05), rmsprop), (Adagrad(0.05), adagrad), (SGD(0.05), sgd),
    ],
)  # fmt: skip
def test_adaptive_methods_are_the_published_ones(solver, rule):
    def fun(x):
        return np.sum(np.cosh(x - [0.5, -1.0, 2.0]))

    x0 = np.array([1.0, 1.0, 1.0])
    states = list(itertools.islice(iterate(fun, solver, x0), 21))
    np.testing.assert_allclose(states[-1].x, by_the_book(rule, ad.grad(fun), x0, 20), rtol=1e-12)


@pytest.mark.parametrize(
    "solver", [Adam(0.02), AdamW(0.02, weight_decay=0.0), SGD(0.02), RMSProp(5e-3), Adagrad(0.5)]
)
def test_minibatches_fit_a_line(solver):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((256, 4))
    truth = np.array([1.0, -2.0, 0.5, 3.0])
    data = rows @ truth + 0.01 * rng.standard_normal(256)

    def loss(x, batch, power):
        a, b = batch
        return np.mean((a @ x - b) ** power)

    batches = Minibatches(rows, data, size=32, epochs=150)
    result = minimize(loss, np.zeros(4), args=(2,), method=solver, batches=batches)
    assert result.verdict is Verdict.LIMIT
    assert "the batches are used up, 1200 of them" in result.message
    assert result.nit == 1199
    np.testing.assert_allclose(result.x, truth, atol=0.05)


def test_any_iterable_is_a_source_of_batches_and_auto_knows_what_to_do():
    batches = (np.array([1.0, 2.0, 3.0]) for _ in range(50))
    result = minimize(lambda x, b: np.sum((x - b) ** 2), np.zeros(3), batches=batches)
    assert result.method == "adam"
    assert result.nit == 49


def test_every_row_comes_once_in_an_epoch():
    rows = np.arange(10)
    batches = Minibatches(rows, size=4, epochs=3, seed=1)
    found = list(batches)
    assert [len(b) for b in found] == [4, 4, 2] * 3
    epochs = [np.concatenate(found[3 * e : 3 * e + 3]) for e in range(3)]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), rows)
    assert not np.array_equal(epochs[0], epochs[1])
    np.testing.assert_array_equal(batches[7], found[7])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Minibatches(), "one or more arrays"),
        (
            lambda: Minibatches(np.zeros(3), np.zeros(4)),
            r"same number of rows, at least one; got \[3, 4\]",
        ),
        (lambda: Minibatches(np.zeros(3), size=0), "size must be at least 1"),
        (lambda: minimize(lambda x, b: x[0], [0.0], batches=3), "batches must be iterable"),
        (
            lambda: minimize(lambda x, b: x[0], [0.0], batches=[1.0], method="bfgs"),
            "needs the same function in every step",
        ),
    ],
)
def test_batches_that_make_no_sense_are_refused(make, message):
    with pytest.raises(InvalidInputError, match=message):
        make()


def test_a_learning_rate_that_is_too_large_says_so():
    result = minimize(lambda x: np.sum(x**4), [10.0], method=SGD(1e3), max_iter=100)
    assert result.verdict is Verdict.FAILED
    assert "take a smaller one" in result.message


# ------------------------------------------------------------------------------------------------------ many variables


@pytest.mark.parametrize("method", ["lbfgs", "lbfgsb", "trust-ncg", "newton-cg", "cg"])
def test_many_variables(method):
    result = minimize(
        lambda x: np.sum(np.cosh(x - 1.0)) + 0.5 * np.sum(np.diff(x) ** 2),
        np.zeros(2000),
        method=method,
    )
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1.0, atol=1e-6)


def test_a_saddle_of_many_variables_is_no_minimum():
    def fun(x):
        return np.sum(x[1:] ** 2) - x[0] ** 2 + x[0] ** 4 + 0.1 * x[0] * x[1]

    start = np.ones(300)
    start[0] = 1e-9
    result = minimize(fun, start, method="lbfgs")
    assert not result.success or result.fun == pytest.approx(-0.2512, abs=2e-3)


@pytest.mark.parametrize("n", [150, 400])
def test_a_claim_of_many_variables_is_checked_by_products(n):
    """Badly scaled in one of many variables: L-BFGS alone would be content without having moved it."""
    weights = np.ones(n)
    weights[7] = 1e-10

    def fun(x):
        return 0.5 * np.sum(weights * (x - 1.0) ** 2)

    result = minimize(fun, np.zeros(n), method="lbfgs")
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-5)
