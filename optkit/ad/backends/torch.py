"""PyTorch: functions written with ``torch`` and called with tensors of float64; the default dtype is left alone."""

from __future__ import annotations

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


class TorchBackend(FrameworkBackend):
    """Derivatives by PyTorch: reverse mode, and reverse over reverse for Hessians.

    Examples
    --------
    ::

        import torch

        ad.grad(lambda x: torch.sum(x**2), backend="torch")(np.array([1.0, 2.0]))
    """

    package = "torch"
    extra = "torch"
    arrays = "tensors of torch.float64: write it with torch"

    @property
    def namespace(self) -> Any:
        return self.load()

    def pack(self, leaves: Any) -> tuple[Any, list[tuple[int, ...]]]:
        arrays = [self._tensor(leaf) for leaf in leaves]
        shapes = [tuple(array.shape) for array in arrays]
        if len(arrays) == 1 and arrays[0].ndim < 2:
            return arrays[0], shapes
        flat = [array.reshape(-1) for array in arrays]
        return self.load().cat(flat) if flat else self._tensor([]), shapes

    def value(self, f: Function, x: Vector) -> Any:
        torch = self.load()
        with torch.no_grad():
            return self._numbers(self._result(f, self._tensor(x)))

    def value_and_jvp(self, f: Function, x: Vector, v: Vector) -> tuple[Any, Any]:
        torch, v = self.load(), direction(x, v)
        z, y = self._recorded(f, x)
        if not y.requires_grad:
            return self._numbers(y), np.zeros(tuple(y.shape))[()]
        # uᵀJ is linear in u, so it can be transposed at any u: at zero. Forward mode has fewer rules.
        u = torch.zeros_like(y, requires_grad=True)
        (pulled,) = torch.autograd.grad(y, z, u, create_graph=True)
        return self._numbers(y), self._swept(pulled, u, self._tensor(v))

    def value_and_vjp(self, f: Function, x: Vector) -> tuple[Any, Pullback]:
        z, y = self._recorded(f, x)
        value = self._numbers(y)
        return value, lambda u: self._swept(y, z, self._tensor(cotangent(value, u)))

    def hessian(self, f: Function, x: Vector) -> NDArray[np.float64]:
        z, gradient = self._gradient(f, x)
        rows = [self._swept(gradient, z, self._tensor(row)) for row in np.eye(x.size)]
        return np.array(rows).reshape(x.size, x.size)

    def hvp(self, f: Function, x: Vector, v: Vector) -> Vector:
        z, gradient = self._gradient(f, x)
        return self._swept(gradient, z, self._tensor(direction(x, v)))

    def _gradient(self, f: Function, x: Vector) -> tuple[Any, Any]:
        """X and the gradient there, which can be differentiated again."""
        torch = self.load()
        z, y = self._recorded(f, x)
        require_scalar(self._numbers(y))
        if not y.requires_grad:
            return z, torch.zeros_like(z)
        (gradient,) = torch.autograd.grad(
            y.reshape(()), z, create_graph=True, allow_unused=True, materialize_grads=True
        )
        return z, gradient

    def _recorded(self, f: Function, x: Vector) -> tuple[Any, Any]:
        torch = self.load()
        with torch.enable_grad():
            z = self._tensor(x).requires_grad_(True)
            return z, self._result(f, z.clone())  # of a copy, which the function may change

    def _swept(self, y: Any, z: Any, u: Any) -> Vector:
        """The cotangent of z, given that of y."""
        if not y.requires_grad:
            return np.zeros(tuple(z.shape))
        (ct,) = self.load().autograd.grad(
            y, z, u.to(y.dtype), retain_graph=True, allow_unused=True, materialize_grads=True
        )
        swept: Vector = self._numbers(ct)
        return swept

    def _result(self, f: Function, z: Any) -> Any:
        return self._tensor(self.watched(f)(z))

    def _tensor(self, value: Any) -> Any:
        torch = self.load()
        if isinstance(
            value, np.ndarray
        ):  # a tensor would share its memory, and knows no negative strides
            value = np.array(value)
        return value if torch.is_tensor(value) else torch.as_tensor(value, dtype=torch.float64)

    def _numbers(self, tensor: Any) -> Any:
        return as_numbers(tensor.detach().cpu().numpy())
