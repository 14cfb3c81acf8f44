"""What the conformance suite asks of a backend, third part: the operators of `optkit.ad` and the optimizers through it.

Arguments of every structure, shape, dtype and layout; results likewise; more than one argument; solves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optkit import ad
from optkit.ad.backends import Backend
from optkit.errors import OptkitError
from optkit.optimize import least_squares, minimize
from optkit.testing.scenarios import MismatchError, Scenario, require

Array = NDArray[np.float64]

_X = np.array([0.3, -1.2, 2.1])
_M = np.array([[2.1, -0.7, 0.3], [1.1, 3.0, -0.4]])


class _Pair(NamedTuple):
    scale: Any
    shift: Any


@dataclass
class _Model:
    rate: Any
    weights: Any


def dictionaries(backend: Backend) -> None:
    """Nested dicts, lists, tuples, namedtuples and dataclasses of numbers and vectors."""
    ns = backend.namespace
    p = {
        "a": _X,
        "b": [np.float64(0.7), (_X[:2] + 1.0,)],
        "c": _Pair(1.3, _X),
        "d": _Model(0.4, _X),
    }

    def f(p: Any) -> Any:
        inner = p["b"][0] * ns.sum(p["b"][1][0] ** 2) * p["c"].scale
        return ns.sum(p["a"] ** 3) + inner + ns.sum(p["c"].shift * p["d"].weights) * p["d"].rate

    value, g = ad.value_and_grad(f, backend=backend)(p)
    first = backend.accuracy[0]
    total = float(np.sum((_X[:2] + 1.0) ** 2))
    require(value, np.sum(_X**3) + 0.7 * 1.3 * total + 0.4 * np.sum(_X**2), "the value", first)
    require(g["a"], 3.0 * _X**2, "the gradient by p['a']", first)
    require(g["b"][0], 1.3 * total, "the gradient by p['b'][0]", first)
    require(g["b"][1][0], 2.0 * 0.7 * 1.3 * (_X[:2] + 1.0), "the gradient by p['b'][1][0]", first)
    require(g["c"].scale, 0.7 * total, "the gradient by p['c'].scale", first)
    require(g["c"].shift, 0.4 * _X, "the gradient by p['c'].shift", first)
    require(g["d"].rate, np.sum(_X**2), "the gradient by p['d'].rate", first)
    require(g["d"].weights, 0.4 * _X, "the gradient by p['d'].weights", first)


def nested_results(backend: Backend) -> None:
    """The Jacobian of a dict of results by a dict of arguments; products with it."""
    ns = backend.namespace
    p, first = {"x": _X, "s": np.float64(0.7)}, backend.accuracy[0]

    def f(p: Any) -> Any:
        return {"map": p["x"] ** 2 * p["s"], "sum": ns.sum(p["x"]) * p["s"]}

    y, j = ad.value_and_jacobian(f, backend=backend)(p)
    require(y["map"], 0.7 * _X**2, "the value of 'map'", first)
    require(j["map"]["x"], np.diag(1.4 * _X), "the block of 'map' by 'x'", first)
    require(j["map"]["s"], _X**2, "the block of 'map' by 's'", first)
    require(j["sum"]["x"], np.full(3, 0.7), "the block of 'sum' by 'x'", first)
    require(j["sum"]["s"], np.sum(_X), "the block of 'sum' by 's'", first)
    _, dy = ad.jvp(f, (p,), ({"x": np.ones(3), "s": 2.0},), backend=backend)
    require(dy["map"], 1.4 * _X + 2.0 * _X**2, "the tangent of 'map'", first)
    _, pullback = ad.vjp(f, p, backend=backend)
    (ct,) = pullback({"map": np.zeros(3), "sum": 2.0})
    require(ct["x"], np.full(3, 1.4), "the cotangent of 'x'", first)
    require(ct["s"], 2.0 * np.sum(_X), "the cotangent of 's'", first)


def matrices(backend: Backend) -> None:
    """Matrices as arguments and results, in any layout; rows and columns are not confused."""
    ns, first = backend.namespace, backend.accuracy[0]

    def f(w: Any, x: Any) -> Any:
        return ns.sum((w @ x) ** 2)

    expected = 2.0 * np.outer(_M @ _X, _X)
    spread = np.zeros((2, 6))
    spread[:, ::2] = _M
    for name, w in {"C": _M, "Fortran": np.asfortranarray(_M), "strided": spread[:, ::2]}.items():
        by_w, by_x = ad.grad(f, argnums=(0, 1), backend=backend)(w, _X)
        require(by_w, expected, f"the gradient by a matrix in {name} order", first)
        require(by_x, 2.0 * _M.T @ (_M @ _X), "the gradient by a vector", first)
    block = ad.jacobian(lambda w: w * w, backend=backend)(_M)
    diagonal = np.einsum("ik,jl,ij->ijkl", np.eye(2), np.eye(3), 2.0 * _M)
    require(block, diagonal, "the Jacobian of a matrix by a matrix", first)


def numbers(backend: Backend) -> None:
    """Python floats, NumPy scalars, 0-d arrays and integers as arguments; derivatives of curves."""
    ns, first = backend.namespace, backend.accuracy[0]
    for x in (1.3, np.float64(1.3)):
        require(
            ad.grad(lambda t: t * ns.sin(t), backend=backend)(x),
            np.sin(1.3) + 1.3 * np.cos(1.3),
            f"{x!r}",
            first,
        )
    zero_d = ad.grad(lambda t: t**3, backend=backend)(np.array(1.3))
    if not isinstance(zero_d, np.ndarray) or zero_d.shape != ():
        raise MismatchError(f"the gradient by a 0-d array is a {type(zero_d).__name__}")
    require(zero_d[()], 3.0 * 1.3**2, "the gradient by a 0-d array", first)
    require(ad.grad(lambda t: t**3, backend=backend)(2), 12.0, "the gradient by an integer", first)
    whole = ad.grad(lambda x: ns.sum(x**2), backend=backend)(np.array([1, 2]))
    require(whole, [2.0, 4.0], "the gradient by an array of integers", first)
    require(
        ad.derivative(lambda x: ns.sin(x), backend=backend)(_X), np.cos(_X), "the derivative", first
    )
    require(ad.derivative(lambda t: ns.sin(t), backend=backend)(0.7), np.cos(0.7), "a slope", first)


def single_precision(backend: Backend) -> None:
    """float32 arguments: computed in float64, handed back in float32."""
    x = _X.astype(np.float32)
    found = ad.grad(lambda x: backend.namespace.sum(backend.namespace.exp(x)), backend=backend)(x)
    if found.dtype != np.float32:
        raise MismatchError(
            f"the gradient by a float32 array is of {found.dtype}, expected float32"
        )
    tolerance = max(backend.accuracy[0], 1e-7)
    require(found.astype(np.float64), np.exp(x.astype(np.float64)), "the gradient", tolerance)


def other_arguments(backend: Backend) -> None:
    """Arguments that are not differentiated, by position and by keyword; argnums counted from behind."""

    def f(a: Any, x: Any, *, power: int) -> Any:
        return a * backend.namespace.sum(x**power)

    found = ad.grad(f, argnums=1, backend=backend)(0.7, _X, power=3)
    require(found, 2.1 * _X**2, "the gradient by the second argument", backend.accuracy[0])
    # What is not differentiated is handed through as it is: JAX, for one, makes it float32 out here.
    plain = np.array([0.25, -1.5, 2.125])
    x = backend.namespace.asarray(plain)
    found = ad.grad(f, argnums=-2, backend=backend)(0.7, x, power=2)
    require(found, np.sum(plain**2), "the gradient by the first argument", backend.accuracy[0])


def second_order(backend: Backend) -> None:
    """Hessians of structures, and products with them."""
    p, (first, second) = {"x": _X, "s": np.float64(0.7)}, backend.accuracy

    def f(p: Any) -> Any:
        return backend.namespace.sum(p["x"] ** 2) * p["s"] ** 2

    h = ad.hessian(f, backend=backend)(p)
    require(h["x"]["x"], 0.98 * np.eye(3), "the block 'x', 'x'", second)
    require(h["x"]["s"], 2.8 * _X, "the block 'x', 's'", second)
    require(h["s"]["x"], 2.8 * _X, "the block 's', 'x'", second)
    require(h["s"]["s"], 2.0 * np.sum(_X**2), "the block 's', 's'", second)
    product = ad.hvp(f, backend=backend)(p, {"x": np.ones(3), "s": 1.0})
    require(product["x"], 0.98 + 2.8 * _X, "the product, 'x'", second)
    y, pushforward = ad.linearize(f, p, backend=backend)
    require(y, np.sum(_X**2) * 0.49, "the value of linearize", first)
    require(pushforward({"x": _X, "s": 0.0}), 0.98 * np.sum(_X**2), "the pushforward", first)


def wrong_arguments(backend: Backend) -> None:
    """What has no real derivative is refused: strings, complex arguments, functions that return nothing."""
    calls: dict[str, Callable[[], Any]] = {
        "a string": lambda: ad.grad(lambda x: x, backend=backend)("x"),
        "a complex argument": lambda: ad.grad(lambda x: x, backend=backend)(np.array([1.0 + 1.0j])),
        "a function that returns None": lambda: ad.grad(lambda _: None, backend=backend)(_X),
    }
    for what, call in calls.items():
        try:
            call()
        except OptkitError:
            continue
        except Exception as error:
            raise MismatchError(f"{what} ends in {type(error).__name__}: {error}") from error
        if not (
            what == "a complex argument" and backend.nests
        ):  # the native engine has complex gradients
            raise MismatchError(f"{what} is not refused")


def minimization(backend: Backend) -> None:
    """`optkit.minimize` with the gradient, and the Hessian for a method that wants it."""
    ns = backend.namespace

    def f(x: Any) -> Any:
        return ns.sum((x - 1.0) ** 2) + ns.sum(x**4)

    for method in ("bfgs", "scipy:trust-exact"):
        result = minimize(f, [0.3, -1.2], backend=backend, method=method)
        if not result.success:
            raise MismatchError(f"{method} fails: {result.message}")
        require(
            np.asarray(result.x), np.full(2, 0.589754512301458), f"the minimum by {method}", 1e-5
        )


def fitting(backend: Backend) -> None:
    """`optkit.least_squares` with the Jacobian of residuals."""
    ns = backend.namespace
    t = np.array([0.0, 0.3, 0.7, 1.2, 2.0])
    data = 2.5 * np.exp(-1.3 * t)

    def residuals(p: Any) -> Any:
        return p[0] * ns.exp(-p[1] * ns.asarray(t)) - ns.asarray(data)

    result = least_squares(residuals, [1.0, 1.0], backend=backend)
    require(np.asarray(result.x), np.array([2.5, 1.3]), "the fit", 1e-6)


FACE = (
    Scenario("nested containers as arguments", dictionaries),
    Scenario("nested containers as results", nested_results),
    Scenario("matrices", matrices, "matrices"),
    Scenario("numbers and integers", numbers),
    Scenario("float32 arguments", single_precision),
    Scenario("other arguments", other_arguments),
    Scenario("second derivatives of structures", second_order),
    Scenario("what has no derivative is refused", wrong_arguments),
    Scenario("a minimization", minimization),
    Scenario("a fit", fitting),
)
