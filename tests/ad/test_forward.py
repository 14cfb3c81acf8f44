"""Dual numbers: several directions at once, corners, and no warnings from derivative code."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optkit import ad
from optkit.ad.forward import ForwardTrace

X = np.array([[0.3, -1.2, 2.0], [1.5, 0.8, -0.4]])

# Functions whose tangents take every way through the registry: elementwise, linear, both operands, explicit rules.
FUNCTIONS: dict[str, Any] = {
    "elementwise": lambda x: np.sin(x) * x[::-1] + np.exp(x) / 2.0,
    "broadcast": lambda x: x * x[0] - x[:, :1],
    "linear": lambda x: np.concatenate([x.T.reshape(3, 2), np.cumsum(x, axis=0).T]),
    "products": lambda x: x @ x.T @ np.ones((2, 4)),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x),
    "solve": lambda x: np.linalg.solve(x @ x.T + 3 * np.eye(2), x),
    "extremum": lambda x: np.max(x, axis=0),
    "where": lambda x: np.where(x > 0, x**2, -x),
    "product": lambda x: np.prod(x, axis=1),
    "assignment": lambda x: _assigned(x),
    "constant": lambda x: np.floor(x),
}


def _assigned(x: Any) -> Any:
    y = x * 2.0
    y[0, ::2] = x[1, 1:] ** 2
    return y


@pytest.mark.parametrize("name", FUNCTIONS)
def test_several_directions_at_once_are_the_same_as_one_by_one(name: str) -> None:
    f = FUNCTIONS[name]
    jacobian = ad.jacobian(f, mode="forward")(X)
    for index in np.ndindex(X.shape):
        direction = np.zeros_like(X)
        direction[index] = 1.0
        _, column = ad.jvp(f, (X,), (direction,))
        np.testing.assert_allclose(jacobian[(..., *index)], column, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(seed=st.integers(0, 2**32 - 1))
def test_forward_is_the_transpose_of_reverse(name: str, seed: int) -> None:
    """⟨u, J v⟩ = ⟨Jᵀ u, v⟩ at random points for random u and v."""
    rng = np.random.default_rng(seed)
    x, v = rng.normal(size=(2, 2, 3))
    y, dy = ad.jvp(FUNCTIONS[name], (x,), (v,))
    u = rng.normal(size=y.shape)
    _, pullback = ad.vjp(FUNCTIONS[name], x)
    _, pushforward = ad.linearize(FUNCTIONS[name], x)
    np.testing.assert_allclose(np.sum(u * dy), np.sum(pullback(u)[0] * v), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(pushforward(v), dy, rtol=1e-12, atol=1e-12)


def test_the_tangent_is_linear_in_the_direction() -> None:
    f = FUNCTIONS["solve"]
    a, b = np.random.default_rng(0).normal(size=(2, 2, 3))

    def slope(v: Any) -> Any:
        return ad.jvp(f, (X,), (v,))[1]

    np.testing.assert_allclose(slope(2 * a - b), 2 * slope(a) - slope(b), rtol=1e-12)
    np.testing.assert_array_equal(slope(np.zeros_like(X)), np.zeros((2, 3)))


def test_what_does_not_depend_on_the_input_has_tangent_zero() -> None:
    trace = ForwardTrace(4)
    value, tangent = trace.split(np.ones((2, 3)))
    assert value.shape == (2, 3)
    np.testing.assert_array_equal(tangent, np.zeros((2, 3, 4)))
    lifted = trace.lift(np.ones(2, np.float32))
    assert (lifted.tangent.shape, lifted.tangent.dtype) == ((2, 4), np.float32)


# --- corners: what was not taken has no say, NaN goes through ---------------------------------------------------------

AT_ZERO = np.array([0.0, 1.0, -1.0])
GUARDED: dict[str, tuple[Any, list[float], list[float]]] = {
    # the function, its slope and its second derivative at 0, 1 and −1
    "log": (lambda x: np.where(x > 0, np.log(x), 0.0), [0, 1, 0], [0, -1, 0]),
    "sqrt": (lambda x: np.where(x > 0, np.sqrt(x), 0.0), [0, 0.5, 0], [0, -0.25, 0]),
    "reciprocal": (lambda x: np.where(x != 0, 1 / x, 0.0), [0, -1, -1], [0, 2, -2]),
    "a power": (lambda x: np.where(x > 0, x**0.5, 0.0), [0, 0.5, 0], [0, -0.25, 0]),
    "x log x": (lambda x: np.where(x > 0, x * np.log(x), 0.0), [0, 1, 0], [0, 1, 0]),
    "a norm": (lambda x: np.where(x > 0, np.hypot(x, 0.0), 0.0), [0, 1, 0], [0, 0, 0]),
    "exp": (
        lambda x: np.where(x < 0.5, np.exp(1000 * (x - 0.5) * (x < 0.5)) * 0.0, x),
        [0, 1, 0],
        [0, 0, 0],
    ),
    "NaN": (
        lambda x: np.where(x > 0, x, 0.0) - np.where(x < 9, 0.0, x / (x - x)),
        [0, 1, 0],
        [0, 0, 0],
    ),
}


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("name", GUARDED)
def test_a_branch_that_is_not_taken_does_not_leak(name: str, mode: str) -> None:
    f, slope, curvature = GUARDED[name]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(ad.jacobian(f, mode=mode)(AT_ZERO), np.diag(slope), atol=1e-15)
        for inner in ("forward", "reverse"):
            gradient = ad.jacobian(lambda x: np.sum(f(x)), mode=inner)
            hessian = ad.jacobian(gradient, mode=mode)(AT_ZERO)
            np.testing.assert_allclose(hessian, np.diag(curvature), atol=1e-15)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_nan_goes_in_and_comes_out(mode: str) -> None:
    x = np.array([1.0, np.nan, 3.0])
    value, jacobian = ad.value_and_jacobian(lambda z: np.sin(z) * z, mode=mode)(x)
    np.testing.assert_array_equal(np.isnan(value), [False, True, False])
    np.testing.assert_array_equal(np.isnan(np.diag(jacobian)), [False, True, False])
    assert np.isnan(ad.jacobian(lambda z: np.sum(z**2), mode=mode)(x)[1])
    masked = ad.jacobian(lambda z: np.where(np.isnan(z), 0.0, z * z), mode=mode)(x)
    np.testing.assert_array_equal(masked, np.diag([2.0, 0.0, 6.0]))


def test_derivative_code_does_not_warn_where_the_function_does_not() -> None:
    x = np.array([0.0, 1.0, 1e200])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(ad.grad(lambda z: np.sum(np.sqrt(z)))(x[:2]), [np.inf, 0.5])
        np.testing.assert_array_equal(ad.jacobian(np.sqrt)(x[:1]), [[np.inf]])
        ad.grad(lambda z: np.sum(np.tanh(z)))(x)
        ad.hessian(lambda z: np.sum(np.sqrt(z)))(x[:2])
        ad.vjp(np.sqrt, x)[1](x)
        ad.linearize(np.sqrt, x)[1](x)
