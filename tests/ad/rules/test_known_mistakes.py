"""Silent wrong answers that were found in other systems, each with the right one.

Those of linear algebra and special functions stand with their families.
"""

import threading

import numpy as np
import pytest

from optkit import ad

X = np.array([[3.0, -4.0], [1.0, 2.0]])
ORDERS = (None, 1, 2, np.inf, -np.inf, 3)


def both(function, x, *more):
    """The Jacobian in both modes, which must agree."""
    forward = ad.jacobian(function, mode="forward")(x, *more)
    reverse = ad.jacobian(function, mode="reverse")(x, *more)
    np.testing.assert_allclose(forward, reverse, rtol=1e-14, atol=1e-15)
    return reverse


def differences(function, x):
    steps = 1e-6 * np.eye(x.size).reshape(-1, *x.shape)
    columns = [(function(x + h) - function(x - h)) / 2e-6 for h in steps]
    return np.stack(columns, axis=-1).reshape(*np.shape(function(x)), *x.shape)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_norm_along_an_axis_with_keepdims(order, axis):
    def f(x):
        return np.linalg.norm(x, order, axis=axis, keepdims=True)

    assert both(f, X).shape == np.shape(f(X)) + X.shape
    np.testing.assert_allclose(both(f, X), differences(f, X), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("axes", [(-1, 0), (1, -2)])
def test_transpose_with_negative_axes(axes):
    weights = np.arange(4.0).reshape(2, 2)
    gradient = ad.grad(lambda x: np.sum(np.transpose(x, axes) * weights))(X)
    np.testing.assert_array_equal(gradient, weights.T)


def test_masks_and_initial_values_of_reductions():
    mask = np.array([[True, False], [True, True]])
    np.testing.assert_array_equal(ad.grad(lambda x: np.sum(x, where=mask))(X), mask)
    np.testing.assert_array_equal(ad.grad(lambda x: np.max(x, initial=1.0))(X), X == 3.0)
    value, slope = ad.jvp(lambda x: np.sum(x, initial=7.0), (X,), (np.ones_like(X),))
    assert (value, slope) == (9.0, 4.0)


def test_full_like_and_where_of_a_traced_number():
    assert ad.grad(lambda x: np.sum(np.full_like(x * X, x * x)))(3.0) == 24.0
    gradient = ad.grad(lambda x: np.sum(np.where(X > 0, x, X)))(3.0)
    assert np.shape(gradient) == ()
    assert gradient == 3.0


@pytest.mark.parametrize("function", [np.var, np.std, np.mean, np.prod])
@pytest.mark.parametrize("axis", [(0, 1), (1, 0), (-1,), None])
def test_reductions_over_a_tuple_of_axes(function, axis):
    def f(x):
        return function(x, axis=axis)

    np.testing.assert_allclose(both(f, X), differences(f, X), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_sort_and_partition_of_a_matrix(axis):
    for f in (lambda x: np.sort(x, axis=axis), lambda x: np.partition(x, 1, axis=axis)):
        np.testing.assert_allclose(both(f, X), differences(f, X), rtol=1e-8, atol=1e-9)


def test_a_matrix_used_twice_and_broadcast():
    eye = np.eye(2)
    np.testing.assert_array_equal(
        ad.grad(lambda a: np.sum(a @ eye + a @ eye))(X), np.full((2, 2), 2.0)
    )
    np.testing.assert_array_equal(ad.grad(lambda a: np.sum(a * np.ones((3, 2))))(X[0]), [3.0, 3.0])


def test_a_plain_array_times_a_traced_number_is_an_array():
    np.testing.assert_array_equal(ad.jacobian(lambda x: np.ones(3) * x)(2.0), np.ones(3))


def test_an_index_that_repeats_assigns_the_last_value():
    def f(v):
        y = np.zeros_like(v)
        y[[1, 1]] = v
        return y

    np.testing.assert_array_equal(both(f, np.array([5.0, 6.0])), [[0.0, 0.0], [0.0, 1.0]])


def test_an_index_out_of_range_is_an_error():
    for index in (4, -5, [0, 9]):
        with pytest.raises(IndexError):
            ad.grad(lambda x, index=index: np.sum(x[index]))(np.ones(3))


def test_a_second_sweep_adds_nothing_up():
    _, pullback = ad.vjp(lambda x: x**3, 2.0)
    assert [pullback(1.0)[0], pullback(1.0)[0]] == [12.0, 12.0]


def test_a_deep_chain_is_no_recursion():
    def f(x):
        for _ in range(20_000):
            x = x + 1.0
        return x

    assert ad.grad(f)(1.0) == 1.0


def test_inputs_that_change_after_the_forward_pass_do_not_matter():
    x, c = np.array([1.0, 2.0]), np.array([10.0, 20.0])
    _, pullback = ad.vjp(lambda x: x * c, x)
    x[:], c[:] = 0.0, 0.0
    np.testing.assert_array_equal(pullback(np.ones(2))[0], [10.0, 20.0])


def test_an_exception_leaves_nothing_behind():
    def fails(x):
        raise ZeroDivisionError

    for operator in (ad.grad, ad.derivative, ad.hessian, ad.jacobian):
        with pytest.raises(ZeroDivisionError):
            ad.grad(lambda x, operator=operator: operator(fails)(x))(1.0)
    assert ad.grad(lambda x: x * ad.grad(lambda y: x * y)(2.0))(3.0) == 6.0


def test_threads_do_not_see_each_other():
    found = {}

    def work(k):
        f = ad.hessian(lambda x: np.sum(np.sort(x) ** 2 * np.arange(1, 4)) * k)
        found[k] = f(np.array([3.0, 1.0, 2.0]))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(1, 5):
        np.testing.assert_array_equal(found[k], 2.0 * k * np.diag([3.0, 1.0, 2.0]))
