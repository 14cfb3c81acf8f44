"""HIPS autograd: functions written with ``autograd.numpy``.

Its forward mode lacks rules that its reverse mode has, so J v is computed as the transpose of the transpose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad.backends.base import (
    Function,
    Pullback,
    Vector,
    as_numbers,
    cotangent,
    direction,
    require_scalar,
)
from optkit.ad.backends.framework import FrameworkBackend


class AutogradBackend(FrameworkBackend):
    """Derivatives by HIPS autograd, in reverse mode.

    Examples
    --------
    ::

        import autograd.numpy as anp

        ad.grad(lambda x: anp.sum(x**2), backend="autograd")(np.array([1.0, 2.0]))
    """

    package = "autograd"
    extra = "autograd"
    arrays = "arrays of autograd: write it with autograd.numpy"

    @property
    def namespace(self) -> Any:
        return self.load("autograd.numpy")

    def pack(self, leaves: Any) -> tuple[Any, list[tuple[int, ...]]]:
        anp = self.namespace
        shapes = [tuple(anp.shape(leaf)) for leaf in leaves]
        if len(leaves) == 1 and len(shapes[0]) < 2:
            return leaves[0], shapes
        flat = [anp.reshape(leaf, (-1,)) for leaf in leaves]
        return anp.concatenate(flat) if flat else np.zeros(0), shapes

    def value_and_jvp(self, f: Function, x: Vector, v: Vector) -> tuple[Any, Any]:
        v, y = direction(x, v), self.value(f, x)
        # uᵀJ is linear in u, so it can be transposed at any u: at zero.
        pull, _ = self._vjp(self._result(f), x)
        push, _ = self._vjp(pull, np.zeros_like(y))
        return y, as_numbers(push(v.copy()))

    def value_and_vjp(self, f: Function, x: Vector) -> tuple[Any, Pullback]:
        pull, y = self._vjp(self._result(f), x)
        value = as_numbers(y)
        # Copies: autograd hands out the memory of a cotangent again (the pullback of x + 0 is the identity).
        return value, lambda u: as_numbers(pull(_fresh(cotangent(value, u))))

    def hessian(self, f: Function, x: Vector) -> NDArray[np.float64]:
        pull = self._pull_of_gradient(f, x)
        return np.array([pull(row) for row in np.eye(x.size)]).reshape(x.size, x.size)

    def hvp(self, f: Function, x: Vector, v: Vector) -> Vector:
        product: Vector = as_numbers(self._pull_of_gradient(f, x)(direction(x, v).copy()))
        return product

    def _pull_of_gradient(self, f: Function, x: Vector) -> Callable[[Any], Any]:
        require_scalar(self.value(f, x))
        result = self._result(f)

        def scalar(z: Any) -> Any:
            return self.namespace.reshape(result(z), ())

        pull: Callable[[Any], Any] = self._vjp(self.load().grad(scalar), x)[0]
        return pull

    def _vjp(self, f: Function, x: Any) -> Any:
        """The pullback and the value at a copy of x."""
        return self.load("autograd.core").make_vjp(lambda z: self._linked(f(z), z), np.array(x)[()])

    def _result(self, f: Function) -> Function:
        """``f``, with a list of scalars made an array, an integer made a float, and a constant linked to x."""
        f, anp = self.watched(f), self.namespace

        def result(x: Any) -> Any:
            y = f(x)
            if isinstance(y, list | tuple):
                y = anp.array(y)
            if np.dtype(getattr(y, "dtype", np.int64)).kind != "f":
                y = anp.asarray(y) * 1.0
            return self._linked(y, x)

        return result

    def _linked(self, y: Any, x: Any) -> Any:
        """Y as a function of x, of which it may be independent, and at which autograd would then warn."""
        anp = self.namespace
        nowhere = np.zeros(anp.shape(y), dtype=bool)
        return anp.where(nowhere, anp.sum(x) * np.ones(anp.shape(y)), y)


def _fresh(u: Any) -> Any:
    return np.array(u, dtype=np.float64)[()]
