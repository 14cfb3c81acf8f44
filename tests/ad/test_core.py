"""Traces, levels and threads: nothing global, nothing left behind."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from optkit import ad
from optkit.ad import core
from optkit.errors import EscapedTracerError, InvalidTypeError

X = np.array([0.3, -1.2, 2.0])

# Every operator, as a derivative of a vector-valued function at X.
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "grad": lambda f, x: ad.grad(lambda z: np.sum(f(z)))(x),
    "forward": lambda f, x: ad.jacobian(f, mode="forward")(x),
    "reverse": lambda f, x: ad.jacobian(f, mode="reverse")(x),
    "hessian": lambda f, x: ad.hessian(lambda z: np.sum(f(z)))(x),
    "jvp": lambda f, x: ad.jvp(f, (x,), (np.ones(3),))[1],
    "vjp": lambda f, x: ad.vjp(f, x)[1](np.ones(3))[0],
    "linearize": lambda f, x: ad.linearize(f, x)[1](np.ones(3)),
    "hvp": lambda f, x: ad.hvp(lambda z: np.sum(f(z)))(x, np.ones(3)),
}
each_operator = pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)


def curve(x: Any) -> Any:
    y = np.zeros_like(x)
    y[:] = np.exp(x) * x[::-1]
    y[1:] += y[:-1]
    return y / (1 + x @ x)


def test_newer_traces_have_higher_levels() -> None:
    levels = []

    def remember(x: Any) -> Any:
        levels.append(x.owner.level)
        return x

    ad.grad(lambda x: ad.derivative(lambda y: remember(y) * x)(remember(x)))(1.0)
    outer, inner = levels
    assert outer < inner


def test_primal_looks_through_all_levels() -> None:
    found = []
    ad.grad(lambda x: ad.derivative(lambda y: (found.append(core.primal(y * x)), y)[1])(x))(3.0)
    assert found == [9.0]
    assert core.primal("text") == "text"
    assert core.newest_trace([1.0, None]) is None


# --- nothing is left behind -------------------------------------------------------------------------------------------


@each_operator
def test_an_exception_leaves_nothing_behind(operator: Any) -> None:
    expected = operator(curve, X)

    def failing(x: Any) -> Any:
        ad.grad(lambda y: np.sum(y * x))(x)
        raise KeyError("in the function")

    with pytest.raises(KeyError, match="in the function"):
        operator(failing, X)
    with pytest.raises(KeyError):
        ad.grad(lambda x: operator(failing, x))(X)
    np.testing.assert_array_equal(operator(curve, X), expected)


@each_operator
@pytest.mark.parametrize("fails", [False, True])
def test_arrays_die_without_the_garbage_collector(operator: Any, fails: bool) -> None:
    alive: list[weakref.ref[Any]] = []

    def f(x: Any) -> Any:
        y = curve(x)
        view = y[1:]
        view[0] = 2.0 * x[0]
        alive.extend(weakref.ref(z) for z in (x, y, view, core.primal(y)))
        if fails:
            raise KeyError
        return y

    gc.disable()
    try:
        if fails:
            with pytest.raises(KeyError):
                operator(f, X)
            sys.exc_info()
        else:
            operator(f, X)
        assert alive
        assert [r for r in alive if r() is not None] == []
    finally:
        gc.enable()


# --- escaped values ---------------------------------------------------------------------------------------------------

USES: dict[str, Callable[[Any], Any]] = {
    "an operator": lambda t: 2.0 * t,
    "its power": lambda t: t**2,
    "its negative": lambda t: -t,
    "a ufunc": np.sin,
    "a sum": np.sum,
    "an index": lambda t: t[0],
    "a slice": lambda t: t[1:],
    "a transpose": lambda t: t.T,
    "an assignment": lambda t: t.__setitem__(0, 1.0),
    "an in-place operator": lambda t: t.__iadd__(1.0),
    "iteration": list,
    "a product": lambda t: t @ t,
    "np.array": lambda t: np.sum(np.array([t[0], 1.0])),
    "its gradient": lambda t: ad.grad(np.sum)(t),
    "a closure": lambda t: ad.grad(lambda x: np.sum(x * t))(X),
    "a result": lambda t: ad.grad(lambda x: t)(X),
    "part of a result": lambda t: ad.jacobian(lambda x: {"x": x, "t": t})(X),
}


@each_operator
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_value_that_escaped_is_refused(operator: Any, use: Any) -> None:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        kept.append(x)
        return curve(x)

    operator(f, X)
    with pytest.raises(EscapedTracerError, match="stop_gradient"):
        use(kept[-1])


@pytest.mark.parametrize("operator", [ad.grad, ad.derivative, ad.jacobian, ad.hessian])
def test_a_result_kept_from_an_earlier_call_is_refused(operator: Any) -> None:
    """A cache without its key: the second call would have derivative zero."""
    cache: list[Any] = []

    def f(x: Any) -> Any:
        if not cache:
            cache.append(x**2)
        return cache[0]

    operator(f)(3.0)
    with pytest.raises(EscapedTracerError, match=r"earlier derivative computation|had ended"):
        operator(f)(4.0)


def test_an_escaped_value_still_shows_what_it_was() -> None:
    kept = []
    ad.grad(lambda x: (kept.append(x), np.sum(x))[1])(X)
    assert "-1.2" in repr(kept[0])
    assert kept[0].shape == (3,)


# --- threads ----------------------------------------------------------------------------------------------------------


@each_operator
def test_threads_do_not_touch_each_other(operator: Any) -> None:
    points = np.random.default_rng(0).normal(size=(40, 3))
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda x: operator(curve, x), points))
    finally:
        sys.setswitchinterval(switch)
    for x, result in zip(points, found, strict=True):
        np.testing.assert_array_equal(result, operator(curve, x))


def test_an_inner_derivative_may_run_in_another_thread() -> None:
    def f(x: Any) -> Any:
        with ThreadPoolExecutor(2) as pool:
            parts = pool.map(lambda k: ad.grad(lambda y: x[0] * y**k)(x[1]), [2, 3])
            return sum(parts)

    # x₀ (2 x₁ + 3 x₁²)
    np.testing.assert_allclose(ad.grad(f)(np.array([2.0, 5.0])), [85.0, 64.0])


# --- arrays of references to traced values ----------------------------------------------------------------------------


def test_numbers_in_an_object_array_are_taken_as_floats() -> None:
    numbers = np.array([1, 2.5, np.float32(2.0)], dtype=object)
    for f in (lambda x: np.sum(numbers * x), lambda x: x @ numbers):
        np.testing.assert_array_equal(ad.grad(f)(X), [1.0, 2.5, 2.0])


@pytest.mark.parametrize("strange", [None, "a", [1.0]], ids=str)
def test_anything_else_in_an_object_array_is_refused(strange: Any) -> None:
    array = np.empty(3, dtype=object)
    array[:] = [1.0, strange, 2.0]
    with pytest.raises(InvalidTypeError, match="elements are not numbers"):
        core.unpack_objects(array)
