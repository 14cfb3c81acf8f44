"""gradcheck lets right derivatives pass, at every scale, and catches the slips that people make."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optkit.ad.backends import Backend
from optkit.ad.backends.native import NativeBackend
from optkit.errors import DerivativeError, InvalidInputError, InvalidTypeError
from optkit.testing import gradcheck, problems
from optkit.testing.comparison import EntryVerdict

RNG = np.random.default_rng(12)
MATRIX = RNG.standard_normal((3, 4))
SQUARE = RNG.standard_normal((3, 3))
POINT = np.array([0.3, -1.2, 2.0, 0.7])


def quiet(*args, **options):
    return gradcheck(*args, raise_on_failure=False, **options)


def verdicts(report):
    return {entry.name: entry.verdict for entry in report.entries}


def failures(report):
    return {name: v for name, v in verdicts(report).items() if v != EntryVerdict.OK}


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def rosenbrock_grad(x):
    r = x[1:] - x[:-1] ** 2
    gradient = np.zeros_like(x)
    gradient[1:] += 200.0 * r
    gradient[:-1] += -400.0 * x[:-1] * r - 2.0 * (1.0 - x[:-1])
    return gradient


def exponential(p):
    t = np.linspace(0.0, 2.0, 5)
    return p[0] * np.exp(-p[1] * t) + p[2]


def exponential_jac(p):
    t = np.linspace(0.0, 2.0, 5)
    decay = np.exp(-p[1] * t)
    return np.stack([decay, -p[0] * t * decay, np.ones_like(t)], axis=1)


# ------------------------------------------------------------------------------------------------ right ones pass


RIGHT = [
    ("scalar of an array", rosenbrock, rosenbrock_grad, POINT),
    ("array of an array", exponential, exponential_jac, np.array([2.0, 0.5, 1.0])),
    ("scalar of a scalar", np.sin, np.cos, 1.3),
    ("array of a scalar", lambda x: x * np.arange(3.0), lambda x: np.arange(3.0), 2.0),
    (
        "matrix of a matrix",
        lambda x: SQUARE @ x,
        lambda x: np.einsum("ij,kl->ikjl", SQUARE, np.eye(2)),
        SQUARE[:, :2],
    ),
    ("constant", lambda x: 3.0, lambda x: np.zeros(2), np.ones(2)),
    ("zero", lambda x: 0.0 * np.sum(x), lambda x: np.zeros(2), np.ones(2)),
    (
        "at the minimum",
        lambda x: np.sum((3.0 * x - 3.3) ** 2),
        lambda x: 6.0 * (3.0 * x - 3.3),
        np.full(3, 1.1),
    ),
    ("at an exact zero", lambda x: x**2, lambda x: np.diag(2.0 * x), np.zeros(3)),
    ("empty point", lambda x: np.sum(x), lambda x: np.zeros(0), np.zeros(0)),
    ("empty value", lambda x: np.zeros(0), lambda x: np.zeros((0, 2)), np.ones(2)),
    (
        "one of a size of its own",
        lambda x: x[0] + 1e-12 * x[1],
        lambda x: np.array([1.0, 1e-12]),
        np.ones(2),
    ),
    (
        "variables of all sizes",
        lambda x: np.log(x),
        lambda x: np.diag(1.0 / x),
        10.0 ** np.arange(-8.0, 9.0),
    ),
]
RIGHT_IDS = [row[0] for row in RIGHT]
RIGHT_ROWS = [row[1:] for row in RIGHT]


@pytest.mark.parametrize(("f", "jac", "x"), RIGHT_ROWS, ids=RIGHT_IDS)
def test_a_right_derivative_by_hand_passes(f, jac, x):
    report = gradcheck(f, x, jac=jac)
    assert report
    assert len(report.entries) == np.size(f(x)) * np.size(x)


@pytest.mark.parametrize(("f", "jac", "x"), RIGHT_ROWS, ids=RIGHT_IDS)
def test_the_native_engine_passes(f, jac, x):
    assert gradcheck(f, x)


@pytest.mark.parametrize(
    ("f", "x"), [(rosenbrock, POINT), (exponential, np.array([2.0, 0.5, 1.0])), (np.sin, 1.3)]
)
def test_fixed_finite_differences_pass_to_their_own_precision(f, x):
    assert gradcheck(f, x, backend="finite-difference", rtol=1e-5)


@pytest.mark.parametrize("case", problems.all_cases(), ids=lambda case: case.name)
def test_the_native_engine_passes_on_the_test_problems_twice(case):
    assert gradcheck(case.fun, case.x0, order=2)
    if case.residuals is not None:
        assert gradcheck(case.residuals, case.x0)


@pytest.mark.parametrize("exponent", range(-8, 9))
@pytest.mark.parametrize("units", [-8, 0, 8])
def test_the_magnitudes_of_f_and_x_do_not_matter(exponent, units):
    scale, unit = 10.0**exponent, 10.0**units

    def f(x):
        return scale * np.sum(np.sin(x / unit) * np.exp(-((x / unit) ** 2) / 10.0))

    def grad(x):
        z = x / unit
        return scale / unit * (np.cos(z) - np.sin(z) * z / 5.0) * np.exp(-(z**2) / 10.0)

    x = unit * POINT
    assert gradcheck(f, x, jac=grad)
    assert (
        len(failures(quiet(f, x, jac=lambda x: grad(x) * (1.0 + 1e-4 * (np.arange(4) == 2))))) == 1
    )


@given(st.integers(0, 10_000), st.integers(-6, 6))
def test_random_models_pass_and_a_slip_in_one_entry_is_named(seed, exponent):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((4, 3)), rng.standard_normal((2, 4)) * 10.0**exponent
    x = rng.standard_normal(3)

    def jac(x):
        return b @ (a * (1.0 - np.tanh(a @ x) ** 2)[:, None])

    row, column = rng.integers(2), rng.integers(3)

    def slipped(x):
        matrix = jac(x)
        matrix[row, column] += 1e-3 * np.abs(matrix).max()
        return matrix

    assert gradcheck(lambda x: b @ np.tanh(a @ x), x, jac=jac)
    report = quiet(lambda x: b @ np.tanh(a @ x), x, jac=slipped)
    assert failures(report) == {f"∂f[{row}]/∂x[{column}]": EntryVerdict.WRONG}


def test_float32_is_judged_by_its_own_precision():
    def f(x):
        return np.sum(np.exp(x.astype(np.float32)), dtype=np.float32)

    x = np.array([0.5, 1.0, 2.0])
    assert gradcheck(f, x, jac=lambda x: np.exp(x.astype(np.float32)))
    assert not quiet(f, x, jac=lambda x: np.float32(1.01) * np.exp(x.astype(np.float32)))


def test_a_one_sided_derivative_at_the_edge_of_the_domain_passes():
    def f(x):
        return np.sum(x * np.sqrt(x))

    assert gradcheck(f, np.array([0.0, 1.0]), jac=lambda x: 1.5 * np.sqrt(x))


# ------------------------------------------------------------------------------------------------ wrong ones do not


def wrong(change):
    return lambda x: change(rosenbrock_grad(x), x)


@pytest.mark.parametrize(
    ("change", "bad", "hint"),
    [
        (lambda g, x: -g, 4, "looks like −1 × the right derivative"),
        (lambda g, x: 2.0 * g, 4, "looks like 2 × the right derivative"),
        (lambda g, x: 0.5 * g, 4, "looks like ½ × the right derivative"),
        (lambda g, x: 0.0 * g, 4, "a dependence is missing"),
        (lambda g, x: g + 2.0 * (1.0 - x) * (np.arange(4) < 3), 3, None),
        (
            lambda g, x: g * np.array([1.0, 1.0, -1.0, 1.0]),
            1,
            "−1 × the right values in these entries",
        ),
        (lambda g, x: g * np.array([1.0, 1.0, 1.0 + 1e-5, 1.0]), 1, None),
        (lambda g, x: np.roll(g, 1), 4, None),
    ],
    ids=["sign", "twice", "half", "zero", "dropped term", "one sign", "slightly", "shifted"],
)
def test_a_slip_in_a_gradient_is_caught_counted_and_recognised(change, bad, hint):
    report = quiet(rosenbrock, POINT, jac=wrong(change))
    assert not report
    assert list(failures(report).values()) == [EntryVerdict.WRONG] * bad
    assert hint is None or hint in str(report)
    assert ("hint" in str(report)) == (hint is not None)


def test_a_transposed_square_jacobian_is_recognised():
    report = quiet(lambda x: SQUARE @ x, np.ones(3), jac=lambda x: SQUARE.T)
    assert set(failures(report).values()) == {EntryVerdict.WRONG}
    assert "looks transposed" in str(report)


def test_a_wrong_shape_is_named_with_the_expected_and_the_actual_one():
    report = quiet(lambda x: MATRIX @ x, POINT, jac=lambda x: MATRIX.T)
    assert "(4, 3)" in str(report)
    assert "(3, 4)" in str(report)
    assert "looks transposed" in str(report)
    with pytest.raises(
        DerivativeError, match=r"shape \(4,\), expected \(4, 4\).*looks like its diagonal"
    ):
        gradcheck(lambda x: x**2, POINT, jac=lambda x: 2.0 * x)
    with pytest.raises(DerivativeError, match=r"shape \(1, 4\), expected \(4,\)"):
        gradcheck(rosenbrock, POINT, jac=lambda x: rosenbrock_grad(x)[None])
    with pytest.raises(DerivativeError, match=r"hess returned shape \(4,\), expected \(4, 4\)"):
        gradcheck(rosenbrock, POINT, jac=rosenbrock_grad, hess=rosenbrock_grad)


def test_kinks_are_told_apart_from_wrong_entries():
    report = quiet(lambda x: np.sum(np.abs(x)), np.array([0.0, 1.0, -2.0]), jac=np.sign)
    assert failures(report) == {"∂f/∂x[0]": EntryVerdict.KINK}
    assert "kink here: slope -1 on the left, 1 on the right" in str(report)
    assert not quiet(lambda x: np.sum(np.maximum(x, 0.0)), np.zeros(2))
    tie = quiet(lambda x: np.max(x), np.array([1.0, 1.0, 0.0]))
    assert failures(tie) == {"∂f/∂x[0]": EntryVerdict.KINK, "∂f/∂x[1]": EntryVerdict.KINK}


def test_noise_is_told_apart_from_a_wrong_derivative_and_widens_the_error_bars():
    def noisy(amplitude):
        rng = np.random.default_rng(5)
        return lambda x: np.sum(x**2) + amplitude * rng.standard_normal()

    x = np.array([1.0, 2.0])
    loud = quiet(noisy(0.1), x, jac=lambda x: 2.0 * x)
    assert set(verdicts(loud).values()) == {EntryVerdict.NOISY}
    assert "not deterministic" in str(loud)
    assert gradcheck(noisy(1e-7), x, jac=lambda x: 2.0 * x)
    wrong = quiet(noisy(1e-7), x, jac=lambda x: 2.1 * x)
    assert set(verdicts(wrong).values()) == {EntryVerdict.WRONG}
    quiet_bar = gradcheck(noisy(0.0), x, jac=lambda x: 2.0 * x).entries[0].error_bar
    assert (
        1e-8
        < gradcheck(noisy(1e-7), x, jac=lambda x: 2.0 * x).entries[0].error_bar
        > 1e3 * quiet_bar
    )


@pytest.mark.parametrize("offset", [1e16, 1e17, 1e30])
def test_a_claim_that_rounding_hides_is_not_passed(offset):
    report = quiet(lambda x: offset + x[0] ** 2, np.ones(1), jac=lambda x: 2.0 * x)
    assert failures(report) == {"∂f/∂x[0]": EntryVerdict.NOISY}


@pytest.mark.parametrize("x", [5e-324, 1e-310, 1e-200])
def test_points_that_are_as_good_as_zero_are_checked_like_zero(x):
    assert gradcheck(np.sin, x, jac=np.cos)
    assert not quiet(np.sin, x, jac=lambda x: 7.0)


def test_one_absurd_entry_does_not_hide_the_other_wrong_ones():
    report = quiet(lambda x: np.sum(x**2), np.ones(3), jac=lambda x: np.array([1e30, 2.1, 2.0]))
    assert set(failures(report)) == {"∂f/∂x[0]", "∂f/∂x[1]"}


@pytest.mark.parametrize(
    ("f", "jac", "x", "bad"),
    [
        (lambda x: np.sum(np.sqrt(x)), lambda x: np.array([np.inf, 0.5]), [0.0, 1.0], ["∂f/∂x[0]"]),
        (lambda x: np.sum(np.sqrt(x)), lambda x: np.array([0.0, 0.5]), [0.0, 1.0], ["∂f/∂x[0]"]),
        (lambda x: np.sum(x**2), lambda x: np.array([2.0, np.nan]), [1.0, 1.0], ["∂f/∂x[1]"]),
        (
            lambda x: np.log(x),
            lambda x: np.diag(1.0 / x),
            [-1.0, 1.0],
            ["∂f[0]/∂x[0]", "∂f[0]/∂x[1]"],
        ),
        (
            lambda x: x * np.array([np.nan, 1.0]),
            lambda x: np.eye(2),
            [1.0, 1.0],
            ["∂f[0]/∂x[0]", "∂f[0]/∂x[1]"],
        ),
    ],
    ids=["infinite", "infinite, denied", "NaN given", "NaN value", "NaN row"],
)
def test_what_is_not_finite_is_said_to_be(f, jac, x, bad):
    report = quiet(f, np.array(x), jac=jac)
    assert sorted(failures(report)) == bad
    assert set(failures(report).values()) == {EntryVerdict.NOT_FINITE}


# ------------------------------------------------------------------------------------------------ second order


def rosenbrock_hess(x):
    a, b = x
    return np.array([[1200.0 * a**2 - 400.0 * b + 2.0, -400.0 * a], [-400.0 * a, 200.0]])


def test_a_hessian_is_checked_against_differences_of_the_gradient():
    x = np.array([-1.2, 1.0])
    assert len(gradcheck(rosenbrock, x, order=2).checks) == 2
    assert gradcheck(rosenbrock, x, jac=rosenbrock_grad, hess=rosenbrock_hess)
    assert gradcheck(rosenbrock, x, hess=rosenbrock_hess)
    report = quiet(
        rosenbrock, x, hess=lambda x: rosenbrock_hess(x) + np.array([[0.0, 1.0], [0.0, 0.0]])
    )
    assert failures(report) == {"∂²f/∂x[0]∂x[1]": EntryVerdict.WRONG}


def test_a_hessian_is_not_compared_with_differences_of_a_wrong_gradient():
    report = quiet(
        rosenbrock, np.array([-1.2, 1.0]), jac=lambda x: -rosenbrock_grad(x), hess=rosenbrock_hess
    )
    assert [check.title for check in report.checks] == ["gradient"]
    assert "Hessian was not checked" in str(report)


def test_the_hessian_of_a_vector_is_refused():
    with pytest.raises(InvalidInputError, match="order=2 needs a scalar"):
        gradcheck(exponential, np.ones(3), order=2)


# ------------------------------------------------------------------------------------------------ many variables


def test_many_variables_are_checked_along_random_directions():
    x = RNG.standard_normal(1000)
    report = gradcheck(rosenbrock, x, jac=rosenbrock_grad)
    assert report.evaluations < 500
    assert "along random directions" in str(report)
    assert gradcheck(rosenbrock, x, order=2)
    assert gradcheck(lambda x: x[1:] * x[:-1], x)


def test_one_wrong_entry_among_many_is_found_and_named():
    def slipped(x):
        gradient = rosenbrock_grad(x)
        gradient[613] *= 1.5
        return gradient

    report = quiet(rosenbrock, RNG.standard_normal(1000), jac=slipped)
    assert report.entries[0].verdict == EntryVerdict.WRONG
    assert "∂f/∂x[613]" in failures(report)
    assert report.evaluations < 2000


def test_the_random_directions_are_seeded():
    x = RNG.standard_normal(300)

    def numbers(seed):
        return [entry.given for entry in gradcheck(rosenbrock, x, seed=seed).entries]

    assert numbers(1) == numbers(1) != numbers(2)


# ------------------------------------------------------------------------------------------------ broken backends


class ForwardOff(NativeBackend):
    """Its forward mode has a slip that its Jacobians, being computed in reverse, do not show."""

    @property
    def name(self):
        return "forward-off"

    def value_and_jvp(self, f, x, v):
        y, dy = super().value_and_jvp(f, x, v)
        return y, 1.001 * dy


def test_forward_and_reverse_mode_of_a_backend_are_compared():
    assert gradcheck(rosenbrock, POINT)
    report = quiet(rosenbrock, POINT, backend=ForwardOff())
    assert "forward and reverse mode disagree" in str(report)
    assert not report
    assert all(check.ok for check in report.checks)


class Transposed(Backend):
    @property
    def name(self):
        return "transposed"

    def value_and_jvp(self, f, x, v):
        y, jacobian = NativeBackend().value_and_jacobian(f, x)
        return y, jacobian.T @ v


def test_a_broken_backend_is_caught():
    report = quiet(lambda x: SQUARE @ x, np.ones(3), backend=Transposed())
    assert "looks transposed" in str(report)
    assert "backend 'transposed'" in str(report)


@pytest.mark.parametrize(("name", "value"), [("rtol", "a"), ("atol", "a"), ("atol", None)])
def test_a_tolerance_that_is_no_number_is_named(name, value):
    with pytest.raises(InvalidTypeError, match=f"gradcheck: {name} must be a number"):
        gradcheck(np.sin, 1.0, **{name: value})
