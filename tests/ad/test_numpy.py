"""The drop-in namespace: code that fills arrays, with one line changed."""

import numpy
import pytest

from optkit import ad
from optkit.ad import numpy as np
from optkit.ad.buffers import Buffer
from optkit.errors import EscapedTracerError, LostDerivativeError, PerformanceWarning

X = numpy.array([2.0, 3.0, 0.5])


def filled(x):
    r = np.zeros(3)
    r[0] = x[0] * x[1]
    r[1:] = np.array([x[0], x[1] ** 2])
    return r


def views_before_the_first_write(x):
    r = np.empty((2, 2))
    v = r[1]
    r[:] = 0
    v[0] = x[0]
    v[1] = 2.0
    r[0, 1] = x[2] ** 2
    v *= x[1]
    r.T[0] += x[0]
    return r


def a_view_of_a_view(x):
    r = np.zeros(3)
    v = r[1:]
    r[0] = x[0]
    v[0] = 5.0
    w = v[::-1]
    w[0] = x[2]
    return r * x


def loops(x):
    r = np.zeros_like(x)
    for i in range(3):
        r[i] += x[i] ** 2
        r[i - 1] -= x[i]
    return np.cumsum(r)


def what_is_computed_from_a_new_array(x):
    b = 2 * np.ones(3) + 1
    b[1] = x[1]
    c = np.full((3, 3), 2.0)
    c[np.arange(3), np.arange(3)] = x
    return c @ b


def linear_algebra(x):
    e = np.eye(3)
    e[0] = x
    return np.linalg.solve(e + np.eye(3), np.array([1.0, x[0], 2.0]))


def nested_lists(x):
    a = np.array([[x[0], 1.0], [2.0, x[1]]])
    b = np.asarray([a[0], [x[2], x[2]]])
    return a @ b


def in_place(x):
    r = np.zeros(3)
    s = r
    r += x
    np.multiply(s, x, out=s)
    return s


def numbers_of_a_constant(x):
    w = np.array([1.0, 2.0, 3.0])
    return x * w * numpy.asarray(w).sum() * float(w[0]) * numpy.float64(w[1])


def integers_and_masks(x):
    index, mask, r = np.array([0, 2]), np.zeros(3, bool), np.zeros(3)
    mask[1] = True
    r[index] = x[index]
    r[mask] = x[0]
    return r


def reshapes_and_copies(x):
    r = np.zeros((2, 3))
    r[0] = x
    flat = r.reshape(3, 2)
    flat[2] = x[0] * x[1]
    copy = np.array(r)
    r[:] = 0
    return copy


def values_before_a_write_stay(x):
    r = np.zeros(3)
    y = r * x
    r[0] = x[0]
    z = r * x
    r[0] = 7.0
    return y + z + r


def a_copy_of_the_argument(x):
    a = np.array(x, dtype=float)
    b = np.asarray(a)
    a[0] = a[1] * b[2]
    return b


def never_written(x):
    return {"a": np.zeros(2)}["a"] + x[:2]


def rows(x):
    return np.array([x, 2 * x, np.ones(3)], ndmin=3)


FUNCTIONS = [
    filled, views_before_the_first_write, a_view_of_a_view, loops, what_is_computed_from_a_new_array, linear_algebra,
    nested_lists, in_place, numbers_of_a_constant, integers_and_masks, reshapes_and_copies, values_before_a_write_stay,
    a_copy_of_the_argument, never_written, rows,
]  # fmt: skip


def differences(f, x, h=1e-6):
    return numpy.stack(
        [(f(x + h * e) - f(x - h * e)) / (2 * h) for e in numpy.eye(len(x))], axis=-1
    )


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_code_that_fills_arrays(f):
    forward, reverse = (ad.jacobian(f, mode=mode)(X) for mode in ("forward", "reverse"))
    numpy.testing.assert_allclose(forward, reverse, rtol=1e-14)
    numpy.testing.assert_allclose(forward, differences(f, X), atol=1e-7)
    scalar = lambda x: np.sum(np.sin(f(x)))  # noqa: E731
    numpy.testing.assert_allclose(ad.hessian(scalar)(X), differences(ad.grad(scalar), X), atol=1e-6)
    numpy.testing.assert_array_equal(ad.vjp(f, X)[0], f(X))
    assert type(f(X)) is numpy.ndarray


def test_outside_differentiation_it_is_numpy():
    for made in (
        np.zeros(3),
        np.array([1.0]),
        np.asarray([1.0]),
        np.eye(2),
        np.linspace(0, 1, 3),
        np.zeros_like(X),
    ):
        assert type(made) is numpy.ndarray
    assert np.sin is numpy.sin
    assert np.linalg is numpy.linalg
    assert np.pi == numpy.pi
    assert np.asarray(X) is X
    assert ad.grad(lambda x: np.sum(filled(x)))(X) is not None
    assert type(np.zeros(3)) is numpy.ndarray
    with pytest.raises(ZeroDivisionError):
        ad.grad(lambda x: x / 0 if isinstance(np.zeros(1), numpy.ndarray) else 1 // 0)(1.0)
    assert type(np.zeros(3)) is numpy.ndarray, "an error has left it as it was"


def test_what_was_there_before_is_returned_as_it_is():
    shared = numpy.zeros(3)

    def f(x):
        assert np.asarray(shared) is shared
        assert type(np.array(shared)) is Buffer
        assert type(np.zeros(3, dtype=int)) is numpy.ndarray
        return np.sum(x)

    ad.grad(f)(X)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize(
    "take",
    [lambda r: float(r[0]), lambda r: complex(r[0]), lambda r: numpy.array(r, dtype=float),
     lambda r: [*map(float, r)]],
)  # fmt: skip
def test_the_numbers_of_an_array_that_holds_traced_values_are_not_given_away(take, mode):
    def f(x):
        r = np.zeros(2)
        r[0] = x[0]
        return take(r)

    with pytest.raises(LostDerivativeError):
        ad.jacobian(f, mode=mode)(X)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize(
    "take", [numpy.asarray, lambda r: numpy.array([r, r])[1], lambda r: numpy.r_[r], lambda r: numpy.asarray(r, object)]
)  # fmt: skip
def test_numpy_makes_an_array_of_its_traced_elements(take, mode):
    def f(x):
        r = np.zeros(2)
        r[0] = 3.0 * x[1]
        return take(r) * x[0]

    numpy.testing.assert_array_equal(
        ad.jacobian(f, mode=mode)(numpy.array([2.0, 5.0])), [[15, 6], [0, 0]]
    )


def test_a_long_one_warns_and_what_is_written_into_the_copy_is_refused():
    def f(x):
        r = np.zeros(200)
        r[:] = x
        with pytest.warns(PerformanceWarning, match="single elements"):
            copy = numpy.asarray(r)
        with pytest.raises(ValueError, match="read-only"):
            copy[0] = 1.0
        return np.sum(r)

    ad.grad(f)(numpy.ones(200))


def test_its_numbers_cannot_be_changed_behind_its_back():
    def f(x):
        r = np.zeros(2)
        numpy.asarray(r)[0] = 1.0
        return r + x[0]

    with pytest.raises(ValueError, match="read-only"):
        ad.jacobian(f)(X)


def test_nested_derivatives():
    def outer(x):
        r = np.zeros(2)
        r[0] = ad.grad(lambda y: filled(np.array([y, x[0], 1.0]))[0])(x[1])
        r[1] = ad.grad(lambda y: y * y * x[0] * x[2])(x[1])
        return r

    for mode in ("forward", "reverse"):
        numpy.testing.assert_allclose(
            ad.jacobian(outer, mode=mode)(X), [[1, 0, 0], [2 * 3 * 0.5, 2 * 2 * 0.5, 2 * 3 * 2]]
        )


def test_an_inner_value_that_stays_in_an_outer_array_is_caught():
    def f(x):
        r = np.zeros(2)

        def inner(y):
            r[0] = y
            return y * y

        return ad.grad(inner)(x[0]) * r

    for mode in ("forward", "reverse"):
        with pytest.raises(EscapedTracerError):
            ad.jacobian(f, mode=mode)(X)


def test_an_array_as_the_argument_of_an_inner_derivative():
    def f(x):
        r = np.ones(2)
        s = ad.grad(lambda q: np.sum(q**3))(r)
        r[0] = x[0]
        return np.sum(ad.grad(lambda q: np.sum(q**3))(r)) + np.sum(s)

    assert ad.grad(f)(X)[0] == pytest.approx(6 * X[0])
    custom = ad.custom_jvp(lambda a: a * a)
    custom.defjvp(lambda p, t: (custom(p[0]), 2 * p[0] * t[0]))

    def g(x):
        r = np.ones(2)
        r[1] = x[1]
        return np.sum(custom(r))

    assert ad.grad(g)(X)[1] == pytest.approx(2 * X[1])


def test_a_captured_input_that_is_changed_after_the_forward_pass_changes_nothing():
    data = numpy.array([1.0, 2.0, 3.0])
    _, pullback = ad.vjp(lambda x: filled(x) * np.asarray(data), X)
    before = pullback(numpy.ones(3))[0]
    data[:] = 0.0
    numpy.testing.assert_array_equal(pullback(numpy.ones(3))[0], before)


def test_integers_truncate_as_in_numpy_with_derivative_zero():
    def f(x):
        r = np.zeros(2, dtype=int)
        r[0] = x[0] + 0.7
        return r

    numpy.testing.assert_array_equal(f(X), [2, 0])
    numpy.testing.assert_array_equal(ad.jacobian(f)(X), numpy.zeros((2, 3)))
