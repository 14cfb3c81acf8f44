"""Hyper-dual arrays: a + b ε₁ + c ε₂ + d ε₁ε₂ with ε₁² = ε₂² = 0.

f(x + v ε₁ + w ε₂) = f(x) + (∇f·v) ε₁ + (∇f·w) ε₂ + (vᵀ∇²f w) ε₁ε₂, without any truncation (Fike and Alonso 2011, "The
development of hyper-dual numbers for exact second-derivative calculations", AIAA paper 2011-886).
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Functions of one variable: value, first and second derivative.
_UNARY = {
    np.exp: lambda a: (np.exp(a), np.exp(a), np.exp(a)),
    np.log: lambda a: (np.log(a), 1.0 / a, -1.0 / a**2),
    np.sin: lambda a: (np.sin(a), np.cos(a), -np.sin(a)),
    np.cos: lambda a: (np.cos(a), -np.sin(a), -np.cos(a)),
    np.sqrt: lambda a: (np.sqrt(a), 0.5 / np.sqrt(a), -0.25 / a**1.5),
    np.tanh: lambda a: (np.tanh(a), 1 - np.tanh(a) ** 2, -2 * np.tanh(a) * (1 - np.tanh(a) ** 2)),
    np.negative: lambda a: (-a, -np.ones_like(a), np.zeros_like(a)),
    np.reciprocal: lambda a: (1.0 / a, -1.0 / a**2, 2.0 / a**3),
}


class HyperDual:
    """An array with its three derivative parts; NumPy's functions and operators work on it."""

    def __init__(self, a: Any, b: Any, c: Any, d: Any) -> None:
        self.parts = tuple(np.asarray(part, dtype=np.float64) for part in (a, b, c, d))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.parts[0].shape

    def each(self, function: Any) -> HyperDual:
        """A linear function of each part."""
        return HyperDual(*map(function, self.parts))

    def reshape(self, *shape: Any) -> HyperDual:
        """The same numbers in another shape."""
        return self.each(lambda part: part.reshape(*shape))

    def __getitem__(self, index: Any) -> HyperDual:
        return self.each(lambda part: part[index])

    def __len__(self) -> int:
        return len(self.parts[0])

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            raise TypeError(
                f"hyper-dual numbers do not know np.{ufunc.__name__}.{method} with {options}"
            )
        if ufunc in _UNARY:
            return _chain(lift(inputs[0]), *_UNARY[ufunc](lift(inputs[0]).parts[0]))
        if ufunc in _BINARY:
            return _BINARY[ufunc](*inputs)
        raise TypeError(f"hyper-dual numbers do not know np.{ufunc.__name__}")

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.sum:
            return self.each(np.sum)
        if function is np.stack:
            return stack(*args)
        if function is np.shape:
            return self.shape
        raise TypeError(f"hyper-dual numbers do not know np.{function.__name__}")

    def __add__(self, other: Any) -> HyperDual:
        x, y = lift(self), lift(other)
        return HyperDual(*(p + q for p, q in zip(x.parts, y.parts, strict=True)))

    def __mul__(self, other: Any) -> HyperDual:
        (a, b, c, d), (p, q, r, s) = lift(self).parts, lift(other).parts
        return HyperDual(a * p, a * q + b * p, a * r + c * p, a * s + b * r + c * q + d * p)

    def __rmatmul__(self, matrix: Any) -> HyperDual:
        return self.each(lambda part: matrix @ part)

    def __matmul__(self, other: Any) -> Any:
        y = lift(other)
        if self.parts[0].ndim != 2 or y.parts[0].ndim != 1:
            raise TypeError("hyper-dual numbers know the product of a matrix and a vector")
        rows = self * y[None, :]
        return rows.each(lambda part: np.sum(part, axis=1))

    def __pow__(self, power: Any) -> HyperDual:
        a, k = self.parts[0], float(power)
        first = k * a ** (k - 1) if k else np.zeros_like(a)
        second = k * (k - 1) * a ** (k - 2) if k * (k - 1) else np.zeros_like(a)
        return _chain(self, a**k, first, second)

    def __neg__(self) -> HyperDual:
        return self * -1.0

    def __sub__(self, other: Any) -> HyperDual:
        return self + lift(other) * -1.0

    def __rsub__(self, other: Any) -> HyperDual:
        return lift(other) - self

    def __truediv__(self, other: Any) -> HyperDual:
        return self * np.reciprocal(lift(other))

    def __rtruediv__(self, other: Any) -> HyperDual:
        return lift(other) / self

    def __gt__(self, other: Any) -> Any:
        return self.parts[0] > lift(other).parts[0]

    def __lt__(self, other: Any) -> Any:
        return self.parts[0] < lift(other).parts[0]

    __radd__, __rmul__ = __add__, __mul__


def lift(x: Any) -> HyperDual:
    """A number or an array as a constant."""
    if isinstance(x, HyperDual):
        return x
    zero = np.zeros(np.shape(x))
    return HyperDual(x, zero, zero, zero)


def stack(parts: Any) -> HyperDual:
    """Scalars as a vector."""
    lifted = [lift(part) for part in parts]
    return HyperDual(*(np.stack([x.parts[k] for x in lifted]) for k in range(4)))


def _chain(x: HyperDual, value: Any, first: Any, second: Any) -> HyperDual:
    _, b, c, d = x.parts
    return HyperDual(value, first * b, first * c, first * d + second * b * c)


_BINARY = {
    np.add: lambda x, y: lift(x) + y,
    np.subtract: lambda x, y: lift(x) - y,
    np.multiply: lambda x, y: lift(x) * y,
    np.divide: lambda x, y: lift(x) / y,
    np.power: lambda x, y: lift(x) ** y,
    np.matmul: lambda x, y: x @ y if isinstance(x, HyperDual) else y.__rmatmul__(x),
    np.greater: lambda x, y: lift(x) > y,
    np.less: lambda x, y: lift(x) < y,
}
