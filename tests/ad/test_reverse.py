"""Cotangents: shared operands, aliasing, and pullbacks that can be called again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from optkit import ad

X = np.array([0.3, -1.2, 2.0])
A = np.array([[2.0, 1.0, 0.0], [0.5, 3.0, -1.0], [1.0, 0.0, 4.0]])
CONSTANT = np.array([1.0, 5.0, -2.0])

# Functions of an array of shape (3,) whose cotangents tempt a rule to hand on an array that is not its own.
TEMPTING: dict[str, Callable[[Any], Any]] = {
    "identity": lambda x: x,
    "sum with zero": lambda x: x + 0.0,
    "twice": lambda x: x + x,
    "copy": lambda x: x.copy(),
    "view": lambda x: x[:],
    "reversed": lambda x: x[::-1],
    "reshape": lambda x: x.reshape(3, 1),
    "transpose": lambda x: x.reshape(1, 3).T,
    "broadcast": lambda x: np.broadcast_to(x, (2, 3)),
    "concatenate": lambda x: np.concatenate([x, x]),
    "stack": lambda x: np.stack([x, x]),
    "constant factor": lambda x: x * CONSTANT,
    "inner product": lambda x: x @ CONSTANT,
    "dot": lambda x: np.dot(CONSTANT, x),
    "outer": lambda x: np.outer(x, CONSTANT),
    "matrix": lambda x: A @ x,
    "einsum": lambda x: np.einsum("i->i", x),
    "where": lambda x: np.where(CONSTANT > 0, x, CONSTANT),
    "maximum": lambda x: np.maximum(x, CONSTANT),
    "astype": lambda x: x.astype(np.float64),
    "real": lambda x: np.real(x),
    "cumsum": np.cumsum,
    "sum": np.sum,
    "gather": lambda x: x[[0, 0, 2]],
    "assignment": lambda x: _assigned(x),
    "positive": lambda x: +x,
    "split": lambda x: np.split(x, 3)[1],
}
each = pytest.mark.parametrize("f", TEMPTING.values(), ids=TEMPTING)


def _assigned(x: Any) -> Any:
    y = np.zeros_like(x)
    y[:] = x
    return y


def memory_is_its_own(*arrays: Any) -> bool:
    return not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


@each
def test_results_share_memory_with_nothing(f: Callable[[Any], Any]) -> None:
    x = X.copy()
    y, pullback = ad.vjp(lambda a, b: {"y": f(a), "z": f(a) + f(b)}, x, x)
    ct = {"y": np.ones(y["y"].shape), "z": np.ones(y["z"].shape)}
    given = [x, CONSTANT, A, y["y"], y["z"], ct["y"], ct["z"]]
    assert memory_is_its_own(*given, *pullback(ct), *pullback(ct))

    _, gradient = ad.value_and_grad(lambda ab: np.sum(f(ab[0]) * 2.0) + np.sum(f(ab[1])))([x, x])
    assert memory_is_its_own(x, CONSTANT, A, *gradient)
    assert all(g.flags.writeable and g.flags.owndata for g in gradient)

    dy = ad.jvp(lambda a: (f(a), f(a)), (x,), (X,))[1]
    _, pushforward = ad.linearize(lambda a: (f(a), f(a)), x)
    tangent = X.copy()
    assert memory_is_its_own(
        x, X, CONSTANT, A, tangent, *dy, *pushforward(tangent), *pushforward(tangent)
    )
    assert memory_is_its_own(x, CONSTANT, *ad.jacobian(lambda a: (f(a), f(a)))(x))


@each
def test_a_pullback_can_be_called_again(f: Callable[[Any], Any]) -> None:
    """Whatever is done to what went in and came out in the meantime."""
    x = X.copy()
    y, pullback = ad.vjp(f, x)
    cotangent = np.array(2.0 * np.ones_like(y))
    expected = ad.vjp(f, X)[1](cotangent)[0].copy()
    _, pushforward = ad.linearize(f, x)
    slope = pushforward(np.ones(3)).copy()
    x[:] = np.nan
    if isinstance(y, np.ndarray):
        y[...] = np.nan
    for _ in range(3):
        found = pullback(cotangent)[0]
        np.testing.assert_allclose(found, expected)
        found[:] = np.nan
        np.testing.assert_allclose(pushforward(np.ones(3)), slope)


def test_a_value_used_many_times_collects_all_its_cotangents() -> None:
    # A naive sweep assigns where it has to add, or adds into an array that somebody else holds.
    def f(x: Any) -> Any:
        y = A @ x
        z = y + y
        z = z + y[0] + y[::-1] + z * y
        y[0] = z[1] * y[2]
        return np.sum(z) + np.sum(y * y) + x[0] + np.sum(x[1:])

    step = 1e-30
    expected = [np.imag(f(X + 1j * step * e)) / step for e in np.eye(3)]
    np.testing.assert_allclose(ad.grad(f)(X), expected)


def test_leaves_of_one_argument_may_be_the_same_array() -> None:
    x = X.copy()
    by_name = ad.grad(lambda p: np.sum(p["a"] * p["b"] ** 2))({"a": x, "b": x})
    np.testing.assert_allclose(by_name["a"], X**2)
    np.testing.assert_allclose(by_name["b"], 2 * X**2)
    np.testing.assert_allclose(ad.grad(lambda a, b: np.sum(a * b**2), (0, 1))(x, x)[1], 2 * X**2)


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_reading_an_element_or_everything_again_and_again(shape: tuple[int, ...]) -> None:
    x = np.full(shape, 3.0)

    def f(z: Any) -> Any:
        return np.sum(z * z[...] + z[...] * z[()] + z[(0,) * z.ndim] + z[None][0])

    np.testing.assert_allclose(ad.grad(f)(x).sum(), 4 * x.sum() + 2 * x.size)
    assert ad.grad(f)(x).shape == shape


# --- what is read later must not change before ------------------------------------------------------------------------

READERS: dict[str, Callable[[Any, Any], Any]] = {
    "a factor": lambda x, b: x * b,
    "a divisor": lambda x, b: x / b,
    "an exponent": lambda x, b: np.abs(x) ** b,
    "a vector": lambda x, b: x @ b,
    "a matrix": lambda x, b: np.outer(x, b) @ b,
    "a bound": lambda x, b: np.maximum(x, b),
    "a mask": lambda x, b: np.where(b > 1, x, 0.0),
    "an index": lambda x, b: x[b.astype(int) % 3],
    "an index list": lambda x, b: x[np.asarray(b, dtype=int) % 3],
    "einsum": lambda x, b: np.einsum("i,i,j->j", x, b, x),
    "solve": lambda x, b: np.linalg.solve(A * b, x),
    "a 0-d array": lambda x, b: x * b.sum(keepdims=True).reshape(()),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_refilling_a_buffer_changes_no_derivative(read: Callable[[Any, Any], Any]) -> None:
    def loop(x: Any, fresh: bool) -> Any:
        buffer = np.empty(3)
        total = 0.0
        for k in range(1, 4):
            buffer = np.empty(3) if fresh else buffer
            buffer[:] = [k, 2.0, 1.0 + k]
            total = total + np.sum(read(x, buffer))
        buffer[:] = np.nan
        return total

    for mode in ("forward", "reverse"):
        found = ad.jacobian(lambda x: loop(x, fresh=False), mode=mode)(X)
        np.testing.assert_array_equal(
            found, ad.jacobian(lambda x: loop(x, fresh=True), mode=mode)(X)
        )


def test_a_function_may_change_the_array_it_was_called_with() -> None:
    x = X.copy()

    def f(z: Any) -> Any:
        y = z * z
        x[:] = 0.0
        return np.sum(y)

    np.testing.assert_array_equal(ad.grad(f)(x), 2 * X)


# --- threads inside one function --------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [False, True], ids=["apart", "into one array"])
def test_threads_may_work_on_one_function(shared: bool) -> None:
    parts, size = 8, 50

    def f(x: Any, each: Callable[..., Any]) -> Any:
        out = np.zeros((parts, size), like=x)

        def one(i: int) -> Any:
            y = x[i * size : (i + 1) * size].copy()
            for _ in range(20):
                y[1:] = np.sin(y[1:]) * y[:-1] + x[i]
            if shared:
                out[i] = y
            return y.sum()

        return sum(each(one, range(parts))) + np.sum(out**2)

    x = np.linspace(0.1, 1.0, parts * size)
    value, gradient = ad.value_and_grad(f)(x, map)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            found, slope = ad.value_and_grad(f)(x, pool.map)
            np.testing.assert_allclose(found, value, rtol=1e-13)
            np.testing.assert_allclose(slope, gradient, rtol=1e-12)


# --- poles, and what a sweep costs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [lambda x: 1 / x**2, lambda x: np.log(x**2), lambda x: (x / np.linalg.norm(x)).sum()],
    ids=["1/x²", "log x²", "x/‖x‖"],
)
def test_the_gradient_at_a_pole_is_not_mended(f: Callable[[Any], Any]) -> None:
    with np.errstate(all="ignore"):
        assert np.isnan(ad.grad(f)(0.0))


def test_forward_mode_leaves_the_functions_own_warnings_alone() -> None:
    for transform in (ad.grad, ad.derivative, ad.hessian):
        with pytest.warns(RuntimeWarning, match="divide by zero"):
            transform(lambda x: x * np.divide(1.0, 0.0 * ad.stop_gradient(x)))(1.0)


def test_a_stack_of_many_parts_is_swept_in_as_many_steps() -> None:
    count = 0

    def counting(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    counts = []
    for n in (300, 600):
        y, pullback = ad.vjp(lambda x: np.stack([v * v for v in x]), np.ones(n))
        count = 0
        sys.setprofile(counting)
        try:
            pullback(np.ones_like(y))
        finally:
            sys.setprofile(None)
        counts.append(count)
    assert counts[1] < 2.2 * counts[0]
