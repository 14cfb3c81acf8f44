"""The engine of this package: exact derivatives of plain NumPy code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad import transforms
from optkit.ad.backends.base import Backend, Function, Pullback, Vector


class NativeBackend(Backend):
    """Forward and reverse mode of `optkit.ad`, chosen by shape."""

    @property
    def name(self) -> str:
        return "native"

    def value_and_jvp(self, f: Function, x: Vector, v: Vector) -> tuple[Any, Any]:
        return transforms.jvp(f, (x,), (v,))

    def value_and_vjp(self, f: Function, x: Vector) -> tuple[Any, Pullback]:
        y, pullback = transforms.vjp(f, x)
        return y, lambda u: pullback(u)[0]

    def value_and_grad(self, f: Function, x: Vector) -> tuple[Any, Vector]:
        value, gradient = transforms.value_and_grad(f)(x)
        return value, gradient

    def value_and_jacobian(self, f: Function, x: Vector) -> tuple[Any, NDArray[np.float64]]:
        y, jacobian = transforms.value_and_jacobian(f)(x)
        return y, jacobian

    def hessian(self, f: Function, x: Vector) -> NDArray[np.float64]:
        hessian: NDArray[np.float64] = transforms.hessian(f)(x)
        return hessian
