"""The native engine and finite differences, on the same functions, against derivatives worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optkit import ad
from optkit.ad.backends import Backend
from optkit.errors import LostDerivativeError

X = np.array([0.3, -1.2, 2.0])
V = np.array([1.0, 0.5, -2.0])
WEIGHTS = np.array([[2.0, 0.0, -1.0], [1.0, 3.0, 0.5]])

# Relative errors of first and of second derivatives.
TOLERANCE = {"native": (1e-13, 1e-13), "finite-difference": (1e-8, 1e-5)}


@pytest.fixture(params=TOLERANCE)
def backend(request: pytest.FixtureRequest) -> Backend:
    return ad.get_backend(request.param)


def close(backend: Backend, order: int, found: Any, expected: Any) -> None:
    expected = np.asarray(expected)
    scale = max(1.0, np.abs(expected).max(initial=0.0))
    np.testing.assert_allclose(
        found, expected, rtol=0.0, atol=TOLERANCE[backend.name][order - 1] * scale
    )


def scalar(x: Any) -> Any:
    return np.sum(np.exp(x)) * x[1]


def gradient(x: Any) -> Any:
    return np.exp(x) * x[1] + np.array([0.0, np.sum(np.exp(x)), 0.0])


def hessian(x: Any) -> Any:
    cross = np.zeros((3, 3))
    cross[1] = np.exp(x)
    return np.diag(np.exp(x) * x[1]) + cross + cross.T


def vector(x: Any) -> Any:
    return WEIGHTS @ x**3


def jacobian(x: Any) -> Any:
    return WEIGHTS * 3 * x**2


def test_scalar_functions(backend: Backend) -> None:
    value, found = backend.value_and_grad(scalar, X)
    assert value == scalar(X)
    close(backend, 1, found, gradient(X))
    close(backend, 1, backend.jacobian(scalar, X), gradient(X))
    close(backend, 2, backend.hessian(scalar, X), hessian(X))
    close(backend, 2, backend.hvp(scalar, X, V), hessian(X) @ V)
    close(backend, 2, backend.hvp(scalar, X, 1e-3 * V), 1e-3 * hessian(X) @ V)


def test_vector_functions(backend: Backend) -> None:
    value, found = backend.value_and_jacobian(vector, X)
    np.testing.assert_array_equal(value, vector(X))
    close(backend, 1, found, jacobian(X))
    close(backend, 1, backend.value_and_jvp(vector, X, V)[1], jacobian(X) @ V)
    close(backend, 1, backend.value_and_vjp(vector, X)[1](V[:2]), V[:2] @ jacobian(X))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_steps_follow_the_scale_of_the_variables(backend: Backend, scale: float) -> None:
    x = np.array([scale, 1.0])
    close(backend, 1, backend.grad(lambda z: np.sum((z / x) ** 2), x) * x, [2.0, 2.0])


def test_zero_directions(backend: Backend) -> None:
    np.testing.assert_array_equal(backend.value_and_jvp(vector, X, 0 * V)[1], np.zeros(2))
    np.testing.assert_array_equal(backend.hvp(scalar, X, 0 * V), np.zeros(3))


def test_empty_inputs_and_outputs(backend: Backend) -> None:
    assert backend.jacobian(lambda x: x[:0], X).shape == (0, 3)
    assert backend.jacobian(lambda x: np.ones(2) * np.sum(x), np.zeros(0)).shape == (2, 0)
    assert backend.grad(lambda x: np.sum(x), np.zeros(0)).shape == (0,)
    assert backend.hessian(lambda x: np.sum(x), np.zeros(0)).shape == (0, 0)


def test_the_point_is_not_changed_even_where_the_function_changes_it(backend: Backend) -> None:
    x = X.copy()

    def f(z: Any) -> Any:
        y = np.sum(z**2)
        z *= 0.0
        return y

    close(backend, 1, backend.grad(f, x), 2 * X)
    close(backend, 1, backend.value_and_jvp(f, x, V)[1], 2 * X @ V)
    close(backend, 2, backend.hessian(f, x), 2 * np.eye(3))
    close(backend, 2, backend.hvp(f, x, V), 2 * V)
    np.testing.assert_array_equal(x, X)


def test_a_result_buffer_may_be_used_again(backend: Backend) -> None:
    buffer = np.empty(2)

    def f(z: Any) -> Any:
        buffer[:] = vector(z)
        return buffer

    if backend.name == "native":
        with pytest.raises(LostDerivativeError, match="plain array"):
            backend.value_and_jacobian(f, X)
        return
    value, found = backend.value_and_jacobian(f, X)
    close(backend, 1, found, jacobian(X))
    np.testing.assert_array_equal(value, vector(X))
    close(backend, 1, backend.value_and_jvp(f, X, V)[1], jacobian(X) @ V)
