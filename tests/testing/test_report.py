"""What gradcheck takes, and how its report reads."""

import dataclasses
import math
from typing import NamedTuple

import numpy as np
import pytest
import scipy.sparse

from optkit import ad
from optkit.errors import BackendError, DerivativeError, InvalidInputError, InvalidTypeError
from optkit.testing import gradcheck, problems
from optkit.testing.comparison import EntryVerdict

POINT = np.array([0.3, -1.2, 2.0, 0.7])
rosenbrock = problems.rosenbrock(4).fun
rosenbrock_grad = ad.grad(rosenbrock)


def quiet(*args, **options):
    return gradcheck(*args, raise_on_failure=False, **options)


def verdicts(report):
    return {entry.name: entry.verdict for entry in report.entries}


def failures(report):
    return {name: v for name, v in verdicts(report).items() if v != EntryVerdict.OK}


class Rates(NamedTuple):
    on: float
    off: np.ndarray


@dataclasses.dataclass
class Model:
    rates: Rates
    scale: float


def test_containers_are_differentiated_leaf_by_leaf_and_named():
    def f(model, t):
        return model.scale * np.exp(-model.rates.on * t) + np.sum(model.rates.off)

    model = Model(Rates(0.5, np.array([1.0, 2.0])), 3.0)
    report = gradcheck(f, model, np.arange(2.0))
    assert "∂f[1]/∂model.rates.off[0]" in verdicts(report)
    assert "∂f[0]/∂model.scale" in verdicts(report)
    by_key = gradcheck(
        lambda p: p["a"] * p["b"][0], {"a": 2.0, "b": [3.0]}, jac=lambda p: {"a": 3.0, "b": [2.0]}
    )
    assert set(verdicts(by_key)) == {"∂f/∂p['a']", "∂f/∂p['b'][0]"}


def test_an_empty_container_is_nothing_to_check():
    assert gradcheck(lambda p: 3.0, {}, jac=lambda p: {})


def test_argnums_choose_the_arguments():
    x, y = np.array([1.0, 2.0]), np.array([3.0, -1.0])

    def product(x, y):
        return x @ y

    assert set(verdicts(gradcheck(product, x, y, argnums=1))) == {"∂f/∂y[0]", "∂f/∂y[1]"}

    assert gradcheck(product, x, y, argnums=-1, jac=lambda x, y: x)
    both = gradcheck(product, x, y, argnums=(0, 1), jac=lambda x, y: (y, x))
    assert len(both.entries) == 4
    report = quiet(product, x, y, argnums=(0, 1), jac=lambda x, y: (y, -x))
    assert set(failures(report)) == {"∂f/∂y[0]", "∂f/∂y[1]"}


def test_a_sparse_jacobian_is_accepted():
    assert gradcheck(lambda x: x**2, POINT, jac=lambda x: scipy.sparse.diags_array(2.0 * x))


def test_a_list_that_is_returned_counts_as_an_array():
    report = gradcheck(lambda x: [x[0] * x[1], x[0]], np.array([2.0, 1.0]))
    assert len(report.entries) == 4


def test_integers_are_promoted():
    assert gradcheck(rosenbrock, np.array([2, 3]))
    assert gradcheck(lambda x: x**2, 3)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: gradcheck(3.0, 1.0), InvalidTypeError, "needs a function first, got float"),
        (lambda: gradcheck(rosenbrock), InvalidInputError, "needs the point"),
        (lambda: gradcheck(rosenbrock, POINT, order=3), InvalidInputError, "order must be 1"),
        (
            lambda: gradcheck(rosenbrock, POINT, rtol=-1.0),
            InvalidInputError,
            "must not be negative",
        ),
        (
            lambda: gradcheck(rosenbrock, POINT, argnums=1),
            InvalidInputError,
            "argnums=1 does not fit",
        ),
        (
            lambda: gradcheck(rosenbrock, "here"),
            InvalidTypeError,
            "x must be an array of real numbers, got str",
        ),
        (lambda: gradcheck(rosenbrock, None), InvalidTypeError, "got None"),
        (lambda: gradcheck(rosenbrock, np.array([True, False])), InvalidTypeError, "boolean"),
        (lambda: gradcheck(rosenbrock, np.ma.array([1.0, 2.0])), InvalidTypeError, "masked"),
        (lambda: gradcheck(rosenbrock, 1j * POINT), InvalidTypeError, "complex"),
        (lambda: gradcheck(lambda x: 1j * x, POINT, jac=np.diag), InvalidTypeError, "complex"),
        (
            lambda: gradcheck(rosenbrock, POINT, argnums=(0,), jac=rosenbrock_grad),
            InvalidInputError,
            "jac must return a tuple of 1",
        ),
        (lambda: gradcheck(lambda x: None, POINT), InvalidTypeError, "return"),
        (
            lambda: gradcheck(rosenbrock, POINT, jac=lambda x: "none"),
            InvalidTypeError,
            "what jac returns",
        ),
        (
            lambda: gradcheck(rosenbrock, POINT, jac=rosenbrock_grad, backend="nativ"),
            BackendError,
            "did you mean 'native'",
        ),
    ],
)
def test_bad_arguments_are_named(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_an_error_at_a_point_nearby_says_where():
    def f(x):
        return math.sqrt(x[0])

    with pytest.raises(ValueError, match=r"math domain error|nonnegative") as caught:
        gradcheck(f, np.zeros(1), jac=lambda x: np.ones(1))
    assert "at a point nearby" in caught.value.__notes__[0]


# ------------------------------------------------------------------------------------------------ the report


def test_the_error_carries_the_report_and_says_what_it_says():
    with pytest.raises(DerivativeError) as caught:
        gradcheck(rosenbrock, POINT, jac=lambda x: -rosenbrock_grad(x))
    report = caught.value.report
    assert not report
    assert str(caught.value) == str(report)
    assert isinstance(caught.value, AssertionError)


def test_the_worst_entry_comes_first_with_both_values_and_the_error_bar():
    right = rosenbrock_grad(POINT)
    given_ = right * np.array([1.0, 1.0 + 1e-3, 1.0 + 1e-1, 1.0])
    report = quiet(rosenbrock, POINT, jac=lambda x: given_)
    assert [entry.name for entry in report.entries[:2]] == ["∂f/∂x[2]", "∂f/∂x[1]"]
    worst = report.entries[0]
    assert worst.given == given_[2]
    assert abs(worst.estimate - right[2]) <= worst.error_bar <= 1e-8 * abs(right[2])
    assert worst.difference == abs(worst.given - worst.estimate)


def test_a_long_list_of_failures_is_cut():
    text = str(quiet(lambda x: np.sum(x**2), np.arange(1.0, 41.0), jac=lambda x: -2.0 * x))
    assert "40 wrong (40 entries)" in text
    assert "… and 30 more" in text


def test_a_function_that_changes_its_argument_is_noticed_and_changes_nothing():
    def f(x):
        x *= 2.0
        return np.sum(x)

    x = np.ones(2)
    report = gradcheck(f, x, jac=lambda x: np.full(2, 2.0))
    assert "changes its argument in place" in str(report)
    assert np.array_equal(x, np.ones(2))


def test_a_function_that_reuses_its_output_buffer_is_checked_right():
    buffer = np.zeros(3)

    def f(x):
        buffer[:] = x**2
        return buffer

    assert gradcheck(f, np.array([1.0, 2.0, 3.0]), jac=lambda x: np.diag(2.0 * x))
