"""The engine of this package: exact derivatives of plain NumPy code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad import directional, transforms
from optkit.ad.backends.base import (
    Backend,
    Function,
    Pullback,
    Vector,
    cotangent,
    direction,
    require_scalar,
)
from optkit.errors import InvalidInputError


class NativeBackend(Backend):
    """Forward and reverse mode of `optkit.ad`.

    Parameters
    ----------
    mode : {"auto", "forward", "reverse"}
        "auto" chooses by the numbers of inputs and outputs; the others compute everything in that mode.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> ad.get_backend("native:forward").grad(lambda x: np.prod(x), np.array([2.0, 3.0]))
    array([3., 2.])
    """

    accuracy = (1e-12, 1e-12)
    nests = True

    def __init__(self, mode: str = "auto") -> None:
        if mode not in ("auto", "forward", "reverse"):
            raise InvalidInputError(f"mode must be 'auto', 'forward' or 'reverse', got {mode!r}")
        self.mode = mode

    @property
    def name(self) -> str:
        return "native" if self.mode == "auto" else f"native:{self.mode}"

    def value_and_jvp(self, f: Function, x: Vector, v: Vector) -> tuple[Any, Any]:
        v = direction(x, v)
        if self.mode == "reverse":
            y, pushforward = directional.linearize(f, x)
            return y, pushforward(v)
        return directional.jvp(f, (x,), (v,))

    def value_and_vjp(self, f: Function, x: Vector) -> tuple[Any, Pullback]:
        if self.mode == "forward":  # by the Jacobian, which is had by columns
            y, jacobian = self.value_and_jacobian(f, x)
            return y, lambda u: np.tensordot(cotangent(y, u), jacobian, np.ndim(y))
        y, pullback = directional.vjp(f, x)
        return y, lambda u: pullback(u)[0]

    def value_and_grad(self, f: Function, x: Vector) -> tuple[Any, Vector]:
        if self.mode == "forward":
            y, jacobian = self.value_and_jacobian(f, x)
            require_scalar(y)
            return y, np.reshape(jacobian, np.shape(x))
        value, gradient = transforms.value_and_grad(f)(x)
        return value, gradient

    def value_and_jacobian(self, f: Function, x: Vector) -> tuple[Any, NDArray[np.float64]]:
        y, jacobian = transforms.value_and_jacobian(f, mode=self.mode)(x)
        return y, jacobian

    def hessian(self, f: Function, x: Vector) -> NDArray[np.float64]:
        if self.mode == "auto":
            hessian: NDArray[np.float64] = transforms.hessian(f)(x)
            return hessian
        return self.jacobian(lambda z: self.grad(f, z), x)

    def hvp(self, f: Function, x: Vector, v: Vector) -> Vector:
        v = direction(x, v)
        product: Vector = self.value_and_jvp(lambda z: self.grad(f, z), x, v)[1]
        return product
