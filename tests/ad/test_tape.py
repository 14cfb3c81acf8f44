"""Recording and sweeping: deep, long and heavy computations, in linear time and memory."""

from __future__ import annotations

import sys
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from optkit import ad
from optkit.ad import core, tape

X = np.array([0.3, 1.2, 0.9])


def scalar_chain(n: int) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        for _ in range(n):
            x = x * 1.00001 + 1e-9
        return np.sum(x)

    return f


def ufunc_chain(n: int) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        for _ in range(n):
            x = np.sin(x)
        return np.sum(x)

    return f


def view_chain(n: int) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        x = x * 1.0
        for _ in range(n):
            x = x[::-1]
        x[0] = x[0] * 2.0
        return np.sum(x)

    return f


def assignment_chain(n: int) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        x = x * 1.0
        for _ in range(n):
            x[1:] *= 1.00001
        return np.sum(x)

    return f


CHAINS = [scalar_chain, ufunc_chain, view_chain, assignment_chain]


@pytest.mark.parametrize("make", CHAINS)
def test_depth_is_no_limit(make: Callable[[int], Callable[[Any], Any]]) -> None:
    """100,000 operations neither recurse, nor overflow the stack when they are let go of."""
    f = make(100_000 if make in (scalar_chain, ufunc_chain) else 20_000)
    gradient = ad.grad(f)(X)
    assert np.isfinite(gradient).all()
    assert np.all(gradient > 0)
    _, pullback = ad.vjp(f, X)
    np.testing.assert_array_equal(pullback(1.0)[0], gradient)
    np.testing.assert_allclose(ad.jvp(f, (X,), (np.ones(3),))[1], np.sum(gradient))


def long_loop(n: int) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        total = 0.0
        for i in range(n):
            total = total + x[i] * x[n - 1 - i]
        return total

    return f


def slices(n: int) -> Callable[[Any], Any]:
    return lambda x: sum(x[i : i + 2] @ x[i : i + 2] for i in range(n - 1))


def iteration(n: int) -> Callable[[Any], Any]:
    return lambda x: sum(v * v for v in x)


@pytest.mark.parametrize("make", [*CHAINS, long_loop, slices, iteration])
def test_work_and_memory_are_linear(
    make: Callable[[int], Callable[[Any], Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five times the operations take about five times the calls and the memory; arrays of the input's size are rare."""
    arrays: list[Any] = []
    own = tape._own
    monkeypatch.setattr(tape, "_own", lambda *args: arrays.append(args) or own(*args))

    def cost(n: int) -> tuple[int, int]:
        f, x = make(n), X if make in CHAINS else np.ones(n)
        calls = _calls(ad.grad(f), x)
        tracemalloc.start()
        ad.grad(f)(x)
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return calls, memory

    (calls, memory), (more_calls, more_memory) = cost(1_000), cost(5_000)
    assert more_memory < 12 * memory
    assert more_calls < 6 * calls
    if make not in CHAINS:
        assert (
            len(arrays) <= 4
        )  # One for the input in each of the four gradients, not one for each element.


def _calls(f: Callable[[Any], Any], x: Any) -> int:
    """How many functions, of Python and of C, are called on the way."""
    count = 0

    def counting(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counting)
    try:
        f(x)
    finally:
        sys.setprofile(None)
    return count


def test_an_element_read_many_times_adds_up() -> None:
    n = 20_000
    x = np.linspace(0.0, 1.0, n)
    np.testing.assert_allclose(ad.grad(long_loop(n))(x), 2 * x[::-1])
    np.testing.assert_allclose(ad.grad(iteration(n))(x), 2 * x)


def test_a_heavy_tape_is_freed_as_the_sweep_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the sweep comes to an early operation, what later ones had kept is gone."""
    monkeypatch.setattr(tape, "_HEAVY_BYTES", 0)
    kept: list[weakref.ref[Any]] = []
    alive_at_start: list[int] = []

    @ad.custom_vjp
    def watch(x: Any) -> Any:
        return x

    def backward(residuals: Any, ct: Any) -> Any:
        alive_at_start.append(sum(r() is not None for r in kept))
        return (ct,)

    watch.defvjp(lambda x: (x, None), backward)

    def f(x: Any) -> Any:
        y = watch(x)
        for _ in range(20):
            y = np.exp(-y * y)
            kept.append(weakref.ref(core.primal(y)))
        return np.sum(y)

    heavy = ad.grad(f)(X)
    assert alive_at_start[0] <= 3
    monkeypatch.undo()
    np.testing.assert_allclose(ad.grad(f)(X), heavy)
    assert alive_at_start[1] >= 19


def test_a_heavy_tape_minds_zeros_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape, "_HEAVY_BYTES", 0)
    x = np.array([0.0, 4.0])
    with np.errstate(all="ignore"):
        gradient = ad.grad(lambda z: np.sum(np.where(z > 0, np.sqrt(z) + 1 / z, 0.0)))(x)
    np.testing.assert_array_equal(gradient, [0.0, 0.25 - 1 / 16])


# --- which operations are recorded ------------------------------------------------------------------------------------


def recorded(f: Callable[[Any], Any]) -> int:
    """How many operations stand on the tape of ``f``."""
    count = []

    def counted(x: Any) -> Any:
        y = f(x)
        count.append(len(x.owner.tape) - 1)
        return np.sum(y)

    ad.grad(counted)(X)
    return count[0]


@pytest.mark.parametrize(
    ("f", "operations"),
    [
        (lambda x: x, 0),
        (lambda x: x * 2.0 + X, 2),
        (lambda x: np.floor(x) + x, 1),
        (lambda x: (x > 0) * x, 1),
        (lambda x: ad.stop_gradient(x) * x, 1),
        (lambda x: x**2, 1),
        (lambda x: x[0] * x[1], 3),
        (lambda x: np.einsum("i,i->", x, x), 1),
        (lambda x: x @ X, 1),
        (lambda x: x.shape[0] * np.ones(len(x)), 0),
    ],
)
def test_a_tape_holds_no_more_than_what_depends_on_the_input(
    f: Callable[[Any], Any], operations: int
) -> None:
    assert recorded(f) == operations
