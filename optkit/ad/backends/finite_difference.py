"""Finite differences: derivatives from values alone, for functions that nothing else can differentiate.

Central differences, (f(x + h v) − f(x − h v)) / 2h, whose truncation error is O(h²) and whose rounding error is
O(ε/h); the step h = ε^(1/3) · max(1, |x|) balances the two. Second derivatives use h = ε^(1/4) · max(1, |x|). The
default agrees with the exact derivative to about ten digits for a well-scaled function (Nocedal & Wright, Numerical
Optimization, 2nd ed., §8.1).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad.backends.base import Backend, Function, Vector

_EPS = float(np.finfo(np.float64).eps)


class FiniteDifferenceBackend(Backend):
    """Central finite differences with a step relative to the size of each component of x."""

    @property
    def name(self) -> str:
        return "finite-difference"

    def value_and_jvp(self, f: Function, x: Vector, v: Vector) -> tuple[Any, Any]:
        size = float(np.max(np.abs(v), initial=0.0))
        y = _value(f, x)
        if size == 0.0:
            return y, np.zeros_like(y)
        scale = max(1.0, float(np.max(np.abs(x[v != 0.0]), initial=0.0)))
        h = _EPS ** (1 / 3) * scale / size
        return y, (_value(f, x + h * v) - _value(f, x - h * v)) / (2.0 * h)

    def value_and_jacobian(self, f: Function, x: Vector) -> tuple[Any, NDArray[np.float64]]:
        y = _value(f, x)
        jacobian = np.empty((*y.shape, x.size))
        for i, h in enumerate(_EPS ** (1 / 3) * np.maximum(1.0, np.abs(x))):
            forward, backward = x.copy(), x.copy()
            forward[i] += h
            backward[i] -= h
            # What was really stepped, not h: x + h is rounded.
            jacobian[..., i] = (_value(f, forward) - _value(f, backward)) / (
                forward[i] - backward[i]
            )
        return y, jacobian

    def hessian(self, f: Function, x: Vector) -> NDArray[np.float64]:
        n = x.size
        steps = _EPS**0.25 * np.maximum(1.0, np.abs(x))
        center = _value(f, x).item()
        hessian = np.empty((n, n))

        def moved(*moves: tuple[int, float]) -> float:
            z = x.copy()
            for index, by in moves:
                z[index] += by
            return float(_value(f, z).item())

        for i, h in enumerate(steps):
            hessian[i, i] = (moved((i, h)) - 2.0 * center + moved((i, -h))) / h**2
            for j in range(i):
                k = steps[j]
                same = moved((i, h), (j, k)) + moved((i, -h), (j, -k))
                opposite = moved((i, h), (j, -k)) + moved((i, -h), (j, k))
                hessian[i, j] = hessian[j, i] = (same - opposite) / (4.0 * h * k)
        return hessian

    def hvp(self, f: Function, x: Vector, v: Vector) -> Vector:
        size = float(np.max(np.abs(v), initial=0.0))
        if size == 0.0:
            return np.zeros_like(x)
        h = _EPS**0.25 * max(1.0, float(np.max(np.abs(x), initial=0.0))) / size
        product: Vector = (self.grad(f, x + h * v) - self.grad(f, x - h * v)) / (2.0 * h)
        return product


def _value(f: Function, x: Vector) -> Any:
    """``f(x)`` as a float64 array or scalar; ``f`` may change its argument, or return the same buffer every time."""
    return np.array(f(x.copy()), dtype=np.float64)[()]
