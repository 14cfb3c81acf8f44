"""The Backend protocol: who differentiates.

A backend implements ONE of two operators on functions of a flat float64 vector ``x`` of shape (n,) that return a scalar
or an array of shape (m,):

- `Backend.value_and_jvp`, the pushforward (y, J v), or
- `Backend.value_and_vjp`, the pullback (y, u ↦ uᵀ J).

Every other operator is derived from it here, and may be overridden where the backend knows a better way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.errors import BackendError, InvalidInputError

Vector = NDArray[np.float64]
Function = Callable[[Any], Any]
Pullback = Callable[[Any], Vector]


class Backend(ABC):
    """Someone who can differentiate; subclass it and implement `value_and_jvp` or `value_and_vjp`.

    Functions take a float64 vector of shape (n,), which they may change, and return a scalar or an array of shape (m,).

    Examples
    --------
    The complex step, exact to the last digit for analytic functions (Squire & Trapp 1998, "Using complex variables to
    estimate derivatives of real functions"):

    >>> import numpy as np
    >>> from optkit import ad
    >>> class ComplexStep(ad.Backend):
    ...     name = "complex-step"
    ...
    ...     def value_and_jvp(self, f, x, v):
    ...         return f(x), np.imag(f(x + 1e-30j * v)) / 1e-30
    >>> ComplexStep().grad(lambda x: x[0] * np.exp(x[1]), np.array([2.0, 0.0]))
    array([1., 2.])
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """The name under which ``backend="…"`` finds it."""

    def available(self) -> bool:
        """Whether what the backend needs is installed."""
        return True

    def value_and_jvp(self, f: Function, x: Vector, v: Vector) -> tuple[Any, Any]:
        """The value ``f(x)`` and the directional derivative ``J(x) @ v``, of the value's shape."""
        if type(self).value_and_vjp is Backend.value_and_vjp:
            raise BackendError(
                f"backend {self.name!r} implements neither value_and_jvp nor value_and_vjp"
            )
        y, jacobian = self.value_and_jacobian(f, x)
        return y, jacobian @ v

    def value_and_vjp(self, f: Function, x: Vector) -> tuple[Any, Pullback]:
        """The value ``f(x)`` and the function ``u ↦ uᵀ J(x)``, which gives an array of shape (n,)."""
        if type(self).value_and_jvp is Backend.value_and_jvp:
            raise BackendError(
                f"backend {self.name!r} implements neither value_and_jvp nor value_and_vjp"
            )
        y, jacobian = self.value_and_jacobian(f, x)
        return y, lambda u: np.asarray(u @ jacobian if np.ndim(u) else u * jacobian)

    def value_and_grad(self, f: Function, x: Vector) -> tuple[Any, Vector]:
        """The value and the gradient, shape (n,), of a scalar-valued ``f``."""
        y, pullback = self.value_and_vjp(f, x)
        if np.size(y) != 1:
            raise InvalidInputError(
                f"the gradient needs a scalar-valued function, but it returned shape {np.shape(y)}; "
                "perhaps you meant jacobian"
            )
        return y, pullback(np.ones_like(y))

    def value_and_jacobian(self, f: Function, x: Vector) -> tuple[Any, NDArray[np.float64]]:
        """The value and the Jacobian: shape (m, n) for a value of shape (m,), (n,) for a scalar value."""
        if type(self).value_and_vjp is not Backend.value_and_vjp:
            y, pullback = self.value_and_vjp(f, x)
            if not np.ndim(y):
                return y, pullback(np.ones_like(y))
            rows = [pullback(row) for row in np.eye(len(y))]
            return y, np.array(rows).reshape(len(y), len(x))
        if not len(x):
            y = f(x)
            return y, np.zeros((*np.shape(y), 0))
        columns = [self.value_and_jvp(f, x, column) for column in np.eye(len(x))]
        return columns[0][0], np.stack([dy for _, dy in columns], axis=-1)

    def grad(self, f: Function, x: Vector) -> Vector:
        """The gradient of a scalar-valued ``f``, shape (n,)."""
        return self.value_and_grad(f, x)[1]

    def jacobian(self, f: Function, x: Vector) -> NDArray[np.float64]:
        """The Jacobian, shape (m, n)."""
        return self.value_and_jacobian(f, x)[1]

    def hessian(self, f: Function, x: Vector) -> NDArray[np.float64]:
        """The Hessian of a scalar-valued ``f``, shape (n, n): the Jacobian of its gradient."""
        return self.jacobian(lambda z: self.grad(f, z), x)

    def hvp(self, f: Function, x: Vector, v: Vector) -> Vector:
        """The product ``H(x) @ v`` of the Hessian of a scalar-valued ``f`` with a vector, shape (n,)."""
        product: Vector = self.value_and_jvp(lambda z: self.grad(f, z), x, v)[1]
        return product

    def __repr__(self) -> str:
        return f"<backend {self.name}>"
