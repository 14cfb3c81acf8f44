"""What the conformance suite asks of a backend, second part: what a caller may rely on beside the numbers."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad.backends import Backend
from optkit.errors import InvalidInputError, OptkitError
from optkit.testing.samples import SAMPLES
from optkit.testing.scenarios import COTANGENT, DIRECTION, MismatchError, Scenario, require

Array = NDArray[np.float64]

_SCALAR, _VECTOR = SAMPLES[0], SAMPLES[9]


def _results(backend: Backend, f: Any, g: Any, x: Array) -> dict[str, Any]:
    """One result of each operator, for a scalar function f and a vector function g."""
    return {
        "value": np.asarray(backend.value(g, x)),
        "value_and_jvp": backend.value_and_jvp(g, x, DIRECTION[:3])[1],
        "value_and_vjp": backend.value_and_vjp(g, x)[1](COTANGENT[:2]),
        "grad": backend.grad(f, x),
        "jacobian": backend.jacobian(g, x),
        "hessian": backend.hessian(f, x),
        "hvp": backend.hvp(f, x, DIRECTION[:3]),
    }


def _functions(backend: Backend) -> tuple[Any, Any, Array]:
    ns = backend.namespace
    return _SCALAR.write(ns), _VECTOR.write(ns), _SCALAR.points[0].copy()


def same_twice(backend: Backend) -> None:
    """Two calls at the same point give the same numbers."""
    f, g, x = _functions(backend)
    first, second = _results(backend, f, g, x), _results(backend, f, g, x)
    for name, result in first.items():
        if not np.array_equal(result, second[name]):
            raise MismatchError(f"{name} gives other numbers when it is called again")


def own_results(backend: Backend) -> None:
    """Results belong to the caller: they can be written to, and share no memory with anything."""
    f, g, x = _functions(backend)
    expected = {name: np.array(r) for name, r in _results(backend, f, g, x).items()}
    kept = _results(backend, f, g, x)
    _results(backend, f, g, x + 1.0)
    for name, result in kept.items():
        if not np.array_equal(result, expected[name]):
            raise MismatchError(f"the result of {name} changes when it is called at another point")
        if np.ndim(result) and not result.flags.writeable:
            raise MismatchError(f"the result of {name} cannot be written to")
    arrays = [(name, result) for name, result in kept.items() if np.ndim(result)]
    for i, (name, result) in enumerate(arrays):
        for other_name, other in [("x", x), *arrays[:i]]:
            if np.shares_memory(result, other):
                raise MismatchError(f"the result of {name} shares memory with {other_name}")
        result[...] = np.nan
    for name, result in _results(backend, f, g, x).items():
        if not np.array_equal(result, expected[name]):
            raise MismatchError(f"writing to an earlier result of {name} changed a later one")


def own_prepared_results(backend: Backend) -> None:
    """The same for a prepared function, where buffers and compiled code are kept."""
    f, _, x = _functions(backend)
    prepared = backend.prepare(f, x)
    kept = [prepared.grad(x), prepared.hessian(x), prepared.hvp(x, DIRECTION[:3])]
    expected = [np.array(result) for result in kept]
    again = [
        prepared.grad(x + 1.0),
        prepared.hessian(x + 1.0),
        prepared.hvp(x + 1.0, DIRECTION[:3]),
    ]
    for result, right, other in zip(kept, expected, again, strict=True):
        if not np.array_equal(result, right) or np.shares_memory(result, other):
            raise MismatchError("a result of a prepared function changes when it is called again")


def arguments_unchanged(backend: Backend) -> None:
    """The point, the direction and the cotangent stay as they were."""
    f, g, x = _functions(backend)
    v, u = DIRECTION[:3].copy(), COTANGENT[:2].copy()
    before = x.copy()
    backend.value_and_vjp(g, x)[1](u)
    backend.value_and_jvp(g, x, v)
    _results(backend, f, g, x)
    for name, now, then in (("x", x, before), ("v", v, DIRECTION[:3]), ("u", u, COTANGENT[:2])):
        if not np.array_equal(now, then):
            raise MismatchError(f"{name} was changed")


def late_changes(backend: Backend) -> None:
    """A pullback belongs to the point at which it was made, whatever happens to that array later."""
    _, g, x = _functions(backend)
    _, pullback = backend.value_and_vjp(g, x)
    expected = pullback(COTANGENT[:2])
    x[...] = 7.0
    if not np.array_equal(pullback(COTANGENT[:2]), expected):
        raise MismatchError("the pullback changes when x is changed after it was made")


def linear_and_adjoint(backend: Backend) -> None:
    """J v is linear in v, and ⟨u, J v⟩ = ⟨Jᵀu, v⟩; H is symmetric, and H v is the product."""
    f, g, x = _functions(backend)
    v, w, u = DIRECTION[:3], DIRECTION[1:], COTANGENT[:2]
    first, second = backend.accuracy

    def push(direction: Array) -> Array:
        return np.asarray(backend.value_and_jvp(g, x, direction)[1])

    require(
        push(2.0 * v - w), 2.0 * push(v) - push(w), "J (2v − w) beside 2 J v − J w", 10.0 * first
    )
    pulled = np.asarray(backend.value_and_vjp(g, x)[1](u))
    require(np.float64(u @ push(v)), pulled @ v, "⟨u, J v⟩ beside ⟨Jᵀu, v⟩", 10.0 * first)
    hessian = backend.hessian(f, x)
    require(hessian, hessian.T, "H beside Hᵀ", 10.0 * second)
    require(backend.hvp(f, x, v), hessian @ v, "hvp beside hessian @ v", 10.0 * second)


def settings_untouched(backend: Backend) -> None:
    """Global settings of NumPy and of loaded frameworks are as before."""
    f, g, x = _functions(backend)
    # From a known state: an earlier scenario may have left another one.
    with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
        before = _settings()
        _results(backend, f, g, x)
        backend.prepare(f, x).grad(x)
        after = _settings()
    for name, value in before.items():
        if name in after and after[name] != value:
            raise MismatchError(f"{name} was {value} before and is {after[name]} after a call")


def _settings() -> dict[str, Any]:
    settings: dict[str, Any] = {"np.geterr()": np.geterr(), "np.random": _random_state()}
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    if torch is not None:
        settings["torch.get_default_dtype()"] = torch.get_default_dtype()
        settings["torch.is_grad_enabled()"] = torch.is_grad_enabled()
    if jax is not None:
        settings["jax.config.jax_enable_x64"] = jax.config.jax_enable_x64
    return settings


def _random_state() -> int:
    state: Any = np.random.get_state()  # noqa: NPY002 - the global one is what must not change
    return hash((state[1].tobytes(), state[2]))


def errors_pass_through(backend: Backend) -> None:
    """An exception of the user's function arrives as it is, and leaves the backend in order."""

    class OwnError(Exception):
        pass

    def broken(_: Any) -> Any:
        raise OwnError("of the user")

    f, g, x = _functions(backend)
    expected = _results(backend, f, g, x)
    for operator in ("grad", "jacobian", "hessian", "value_and_vjp"):
        try:
            getattr(backend, operator)(broken, x)
        except OwnError:
            continue
        except Exception as error:
            raise MismatchError(
                f"an exception of the function came out of {operator} as {type(error).__name__}: {error}"
            ) from error
        raise MismatchError(f"{operator} swallowed an exception of the function")
    for name, result in _results(backend, f, g, x).items():
        if not np.array_equal(result, expected[name]):
            raise MismatchError(f"{name} gives other numbers after a function has failed")


def refusals(backend: Backend) -> None:
    """What cannot be right is refused: the gradient of a vector function, a direction of another shape."""
    f, g, x = _functions(backend)
    calls: dict[str, Callable[[], Any]] = {
        "the gradient of a vector function": lambda: backend.grad(g, x),
        "the Hessian of a vector function": lambda: backend.hessian(g, x),
        "a direction of another shape": lambda: backend.value_and_jvp(g, x, np.ones(2)),
        "a scalar direction": lambda: backend.value_and_jvp(g, x, np.array(1.0)),
        "a cotangent of another shape": lambda: backend.value_and_vjp(g, x)[1](np.ones(3)),
        "a direction of another shape in hvp": lambda: backend.hvp(f, x, np.ones(2)),
    }
    for what, call in calls.items():
        try:
            call()
        except InvalidInputError:
            continue
        except OptkitError as error:
            raise MismatchError(f"{what} is refused with {type(error).__name__}") from error
        except Exception as error:
            raise MismatchError(
                f"{what} ends in {type(error).__name__}: {error}; raise optkit.errors.InvalidInputError"
            ) from error
        raise MismatchError(f"{what} is not refused")


def not_a_number(backend: Backend) -> None:
    """NaN goes in and comes out."""
    f, _, x = _functions(backend)
    x[1] = np.nan
    if not np.isnan(backend.grad(f, x)[1]):
        raise MismatchError("the gradient at a point with NaN is not NaN")


def nothing_in_and_nothing_out(backend: Backend) -> None:
    """No variables, or no outputs, give Jacobians of the right empty shape."""
    ns = backend.namespace
    first = backend.accuracy[0]
    require(backend.grad(lambda x: ns.sum(x), np.zeros(0)), np.zeros(0), "the gradient", first)
    require(
        backend.hessian(lambda x: ns.sum(x), np.zeros(0)), np.zeros((0, 0)), "the Hessian", first
    )
    require(backend.jacobian(lambda x: x[:0], np.ones(3)), np.zeros((0, 3)), "the Jacobian", first)


def threads(backend: Backend) -> None:
    """Four threads at once get what one gets."""
    f, g, x = _functions(backend)
    points = [x + 0.1 * k for k in range(4)]
    expected = [_results(backend, f, g, point) for point in points]
    prepared = backend.prepare(f, x)
    gradients = [prepared.grad(point) for point in points]
    found: list[Any] = []
    together = threading.Barrier(
        len(points), timeout=60.0
    )  # So that they do meet, on a busy machine too.

    def work(k: int) -> None:
        try:
            for _ in range(3):
                together.wait()
                results = _results(backend, f, g, points[k])
                found.append((k, results, prepared.grad(points[k])))
        except Exception as error:
            together.abort()
            found.append(error)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(len(points))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    errors = [outcome for outcome in found if isinstance(outcome, Exception)]
    for error in errors:
        if not isinstance(error, threading.BrokenBarrierError):
            raise MismatchError(f"a thread failed with {type(error).__name__}: {error}")
    for k, results, gradient in (outcome for outcome in found if isinstance(outcome, tuple)):
        same = all(np.array_equal(r, expected[k][name]) for name, r in results.items())
        if not same or not np.array_equal(gradient, gradients[k]):
            raise MismatchError("threads at once get other numbers than one alone")


def has_a_name(backend: Backend) -> None:
    """The backend tells its name, and is available where it is tested."""
    if not isinstance(backend.name, str) or not backend.name:
        raise MismatchError(f"the name is {backend.name!r}; expected a string")
    if backend.available() is not True:
        raise MismatchError(f"available() gives {backend.available()!r}; expected True")
    if not all(isinstance(v, str) and v for v in backend.unsupported.values()):
        raise MismatchError("each entry of `unsupported` needs its reason")


CONTRACT = (
    Scenario("it has a name and is available", has_a_name),
    Scenario("two calls give the same", same_twice),
    Scenario("results are the caller's own", own_results),
    Scenario("results are the caller's own, prepared", own_prepared_results),
    Scenario("arguments stay as they are", arguments_unchanged),
    Scenario("a pullback belongs to its point", late_changes),
    Scenario("products are linear, adjoint and symmetric", linear_and_adjoint),
    Scenario("global settings stay as they are", settings_untouched),
    Scenario("errors of the function pass through", errors_pass_through),
    Scenario("what cannot be right is refused", refusals),
    Scenario("NaN comes out where it goes in", not_a_number),
    Scenario("nothing in, nothing out", nothing_in_and_nothing_out, "empty"),
    Scenario("threads do not disturb each other", threads, "threads"),
)
