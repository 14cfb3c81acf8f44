"""A backend implements one of two operators; all others follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optkit import ad
from optkit.ad.backends.base import Backend
from optkit.errors import BackendError, InvalidInputError, InvalidTypeError

STEP = 1e-30


class Pushes(Backend):
    """Complex steps: exact directional derivatives of analytic functions."""

    name = "pushes"

    def value_and_jvp(self, f: Any, x: Any, v: Any) -> Any:
        return f(x), np.imag(f(x + 1j * STEP * v)) / STEP


class Pulls(Backend):
    """Jacobians by complex steps, handed out as pullbacks."""

    name = "pulls"

    def value_and_vjp(self, f: Any, x: Any) -> Any:
        columns = [np.imag(f(x + 1j * STEP * e)) / STEP for e in np.eye(len(x))]
        jacobian = np.stack(columns, axis=-1) if columns else np.zeros((*np.shape(f(x)), 0))
        return f(x), lambda u: np.asarray(u @ jacobian if np.ndim(u) else u * jacobian)


class Neither(Backend):
    name = "neither"


X = np.array([0.3, -1.2, 2.0])
V = np.array([1.0, 0.5, -2.0])


def scalar(x: Any) -> Any:
    return np.sum(np.exp(x) * x[::-1])


def gradient(x: Any) -> Any:
    return np.exp(x) * x[::-1] + np.exp(x[::-1])


def vector(x: Any) -> Any:
    return np.array([x[0] * x[1], np.sin(x[2])])


JACOBIAN = np.array([[X[1], X[0], 0.0], [0.0, 0.0, np.cos(X[2])]])


@pytest.mark.parametrize("backend", [Pushes(), Pulls()], ids=repr)
class TestWhatFollows:
    def test_gradients(self, backend: Backend) -> None:
        value, found = backend.value_and_grad(scalar, X)
        assert value == scalar(X)
        np.testing.assert_allclose(found, gradient(X))
        np.testing.assert_allclose(backend.grad(scalar, X), gradient(X))

    def test_jacobians(self, backend: Backend) -> None:
        value, found = backend.value_and_jacobian(vector, X)
        np.testing.assert_array_equal(value, vector(X))
        np.testing.assert_allclose(found, JACOBIAN)
        assert backend.jacobian(scalar, X).shape == (3,)

    def test_products(self, backend: Backend) -> None:
        np.testing.assert_allclose(backend.value_and_jvp(vector, X, V)[1], JACOBIAN @ V)
        np.testing.assert_allclose(backend.value_and_jvp(scalar, X, V)[1], gradient(X) @ V)
        _, pullback = backend.value_and_vjp(vector, X)
        np.testing.assert_allclose(pullback(V[:2]), V[:2] @ JACOBIAN)
        np.testing.assert_allclose(backend.value_and_vjp(scalar, X)[1](2.0), 2 * gradient(X))

    def test_no_inputs_and_no_outputs(self, backend: Backend) -> None:
        assert backend.jacobian(lambda x: np.ones(2) * np.sum(x), np.zeros(0)).shape == (2, 0)
        assert backend.jacobian(lambda x: x[:0], X).shape == (0, 3)

    def test_a_gradient_needs_a_scalar(self, backend: Backend) -> None:
        with pytest.raises(InvalidInputError, match=r"shape \(2,\); perhaps you meant jacobian"):
            backend.grad(vector, X)


def test_a_backend_that_implements_neither_says_so() -> None:
    for call in (
        lambda: Neither().grad(scalar, X),
        lambda: Neither().jacobian(vector, X),
        lambda: Neither().hvp(scalar, X, V),
    ):
        with pytest.raises(
            BackendError, match="implements neither value_and_jvp nor value_and_vjp"
        ):
            call()


def test_a_backend_has_a_name() -> None:
    assert repr(Pushes()) == "<backend pushes>"
    with pytest.raises(TypeError, match="abstract"):
        type("Nameless", (Backend,), {})()


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "returned None: is a return statement missing"),
        ("text", "not numbers"),
        ([1.0, None], "array of object, not numbers"),
    ],
)
def test_what_is_no_number_is_refused(result: Any, message: str) -> None:
    for backend in (ad.get_backend("finite-difference"), ad.get_backend("complex-step")):
        with pytest.raises(InvalidTypeError, match=message):
            backend.jacobian(lambda x: result, X)


def test_second_derivatives_follow_from_differences_of_gradients_at_every_scale() -> None:
    """Operators that give NumPy numbers cannot be nested; complex steps even would be silently wrong."""
    for scale in (1e-8, 1.0, 1e8):
        for backend in (Pushes(), Pulls()):
            x = scale * X

            def f(x: Any, scale: float = scale) -> Any:
                return np.sum(np.exp(x / scale) * x[::-1] / scale)

            exact = ad.hessian(f)(x) * scale**2
            np.testing.assert_allclose(backend.hessian(f, x) * scale**2, exact, atol=1e-8)
            product = backend.hvp(f, x, scale * V) * scale
            np.testing.assert_allclose(product, exact @ V, atol=1e-8)
