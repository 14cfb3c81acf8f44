"""Functions for the conformance suite, written for any backend, with derivatives worked out by hand.

A sample is written once in the terms of a namespace (``exp``, ``sum``, ``stack``, …; see `Backend.namespace`), so that
the same function goes to every backend, and to NumPy for its value. The derivatives are formulas of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_A = np.array([[2.0, -0.7, 0.3], [1.1, 3.0, -0.4], [0.6, 0.2, -1.5]])
_W = np.array([[2.0, 0.0, -1.0], [1.0, 3.0, 0.5]])
_T = np.array([0.0, 0.3, 0.7, 1.2, 2.0])


@dataclass(frozen=True)
class Sample:
    """A function with its derivatives.

    Attributes
    ----------
    name : str
        What the report calls it.
    write : callable
        Takes a namespace and gives the function of a vector, written with it.
    points : tuple of arrays
        Where it is differentiated. Their digits do not fit into float32.
    jacobian : callable
        Its Jacobian as a formula: shape (m, n), (n,) for a scalar function.
    hessian : callable or None
        The Hessian of a scalar function.
    group : str
        What a backend must be able to do for it, where that is not a matter of course.
    """

    name: str
    write: Callable[[Any], Callable[[Any], Any]]
    points: tuple[Array, ...]
    jacobian: Callable[[Array], Array]
    hessian: Callable[[Array], Array] | None = None
    group: str = ""

    def value(self, x: Array) -> Any:
        """The value, by NumPy."""
        return self.write(np)(x)


def _points(*rows: tuple[float, ...]) -> tuple[Array, ...]:
    return tuple(np.array(row) for row in rows)


def _exponentials_grad(x: Array) -> Array:
    gradient: Array = np.exp(x) * x[1]
    gradient[1] += np.sum(np.exp(x))
    return gradient


def _exponentials_hess(x: Array) -> Array:
    cross = np.zeros((3, 3))
    cross[1] = np.exp(x)
    return np.diag(np.exp(x) * x[1]) + cross + cross.T


def _rosenbrock(ns: Any) -> Callable[[Any], Any]:
    def rosenbrock(x: Any) -> Any:
        return ns.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    return rosenbrock


def _rosenbrock_grad(x: Array) -> Array:
    rise = x[1:] - x[:-1] ** 2
    gradient = np.zeros_like(x)
    gradient[1:] += 200.0 * rise
    gradient[:-1] += -400.0 * x[:-1] * rise - 2.0 * (1.0 - x[:-1])
    return gradient


def _rosenbrock_hess(x: Array) -> Array:
    n = x.size
    hessian = np.zeros((n, n))
    k = np.arange(n - 1)
    hessian[k, k] += 1200.0 * x[:-1] ** 2 - 400.0 * x[1:] + 2.0
    hessian[k + 1, k + 1] += 200.0
    hessian[k, k + 1] = hessian[k + 1, k] = -400.0 * x[:-1]
    return hessian


def _quotient_grad(x: Array) -> Array:
    a, b = x
    return np.array(
        [1.0 / b + np.tanh(b) / (2.0 * np.sqrt(a)), -a / b**2 + np.sqrt(a) / np.cosh(b) ** 2]
    )


def _quotient_hess(x: Array) -> Array:
    a, b = x
    mixed = -1.0 / b**2 + 0.5 / (np.sqrt(a) * np.cosh(b) ** 2)
    last = 2.0 * a / b**3 - 2.0 * np.sqrt(a) * np.tanh(b) / np.cosh(b) ** 2
    return np.array([[-np.tanh(b) / (4.0 * a**1.5), mixed], [mixed, last]])


def _horner(ns: Any) -> Callable[[Any], Any]:
    def horner(x: Any) -> Any:
        y = 1.0
        for _ in range(5):
            y = y * x[0] + x[1]
        return y

    return horner


def _horner_grad(x: Array) -> Array:
    a, b = x
    k = np.arange(1.0, 5.0)
    return np.array([5.0 * a**4 + b * np.sum(k * a ** (k - 1)), np.sum(a ** np.arange(5.0))])


def _horner_hess(x: Array) -> Array:
    a, b = x
    k = np.arange(1.0, 5.0)
    mixed = np.sum(k * a ** (k - 1))
    first = 20.0 * a**3 + b * np.sum((k * (k - 1))[1:] * a ** (k[1:] - 2))
    return np.array([[first, mixed], [mixed, 0.0]])


def _branches(ns: Any) -> Callable[[Any], Any]:
    def branches(x: Any) -> Any:
        return x[0] ** 2 * x[1] if x[0] > 0.0 else ns.sin(x[0]) + x[1]

    return branches


def _branches_grad(x: Array) -> Array:
    if x[0] > 0.0:
        return np.array([2.0 * x[0] * x[1], x[0] ** 2])
    return np.array([np.cos(x[0]), 1.0])


def _branches_hess(x: Array) -> Array:
    if x[0] > 0.0:
        return np.array([[2.0 * x[1], 2.0 * x[0]], [2.0 * x[0], 0.0]])
    return np.array([[-np.sin(x[0]), 0.0], [0.0, 0.0]])


def _curve_slopes(x: Array) -> Array:
    return np.array([[np.cos(x[0])], [2.0 * x[0]], [np.exp(x[0])], [3.0]])


# fmt: off
SAMPLES = (
    Sample("sum of exponentials", lambda ns: lambda x: ns.sum(ns.exp(x)) * x[1],
           _points((0.3, -1.2, 2.1), (0.7, 0.1, -0.9)), _exponentials_grad, _exponentials_hess),
    Sample("Rosenbrock", _rosenbrock,
           _points((-1.2, 1.1, 0.3, 0.7), (0.6, -0.3, 1.9, 1.3)), _rosenbrock_grad, _rosenbrock_hess),
    Sample("quadratic form", lambda ns: lambda x: ns.sum(x * (ns.asarray(_A) @ x)),
           _points((0.3, -1.2, 2.1), (1.1, 0.2, 0.4)), lambda x: (_A + _A.T) @ x, lambda x: _A + _A.T),
    Sample("quotient and roots", lambda ns: lambda x: x[0] / x[1] + ns.sqrt(x[0]) * ns.tanh(x[1]),
           _points((1.3, 0.7), (0.4, -1.1)), _quotient_grad, _quotient_hess),
    Sample("one variable", lambda ns: lambda x: x[0] * ns.log(x[0]),
           _points((1.3,), (0.2,)), lambda x: np.log(x) + 1.0, lambda x: np.diag(1.0 / x)),
    Sample("linear", lambda ns: lambda x: 3.0 * x[0] - x[2] + 0.1,
           _points((0.3, -1.2, 2.1), (0.0, 0.1, 0.2)), lambda x: np.array([3.0, 0.0, -1.0]),
           lambda x: np.zeros((3, 3))),
    Sample("loop", _horner, _points((0.9, -1.3), (-0.3, 0.7)), _horner_grad, _horner_hess),
    Sample("constant", lambda ns: lambda x: 2.5,
           _points((0.3, -1.2)), lambda x: np.zeros(2), lambda x: np.zeros((2, 2)), "constants"),
    Sample("branches", _branches,
           _points((1.3, 0.7), (-0.4, 0.9)), _branches_grad, _branches_hess, "branches"),
    Sample("wide map, 3 → 2", lambda ns: lambda x: ns.asarray(_W) @ x**3,
           _points((0.3, -1.2, 2.1), (1.1, 0.2, 0.4)), lambda x: _W * 3.0 * x**2),
    Sample("square map, 3 → 3", lambda ns: lambda x: ns.asarray(_A) @ ns.sin(x),
           _points((0.3, -1.2, 2.1), (1.1, 0.2, 0.4)), lambda x: _A * np.cos(x)),
    Sample("tall map, 2 → 5", lambda ns: lambda x: x[0] * ns.exp(-x[1] * ns.asarray(_T)),
           _points((1.3, 0.7), (-0.4, 1.1)),
           lambda x: np.stack([np.exp(-x[1] * _T), -x[0] * _T * np.exp(-x[1] * _T)], axis=1)),
    Sample("curve, 1 → 4", lambda ns: lambda x: ns.stack([ns.sin(x[0]), x[0] ** 2, ns.exp(x[0]), 3.0 * x[0]]),
           _points((0.7,), (-1.3,)), _curve_slopes),
    Sample("one-entry vector, 2 → 1", lambda ns: lambda x: x[:1] * x[1:] ** 2,
           _points((1.3, 0.7), (-0.4, 1.1)), lambda x: np.array([[x[1] ** 2, 2.0 * x[0] * x[1]]]), None,
           "one-entry vectors"),
)
# fmt: on
