"""Integrals of samples: the trapezoidal rule and Simpson's, along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.integrate

from optkit.ad.rules.shape import traced
from optkit.ad.scipy.replacement import replaces


def _prepared(y: Any, x: Any, dx: Any, axis: int) -> tuple[Any, Any]:
    """The samples along the last axis, and the distances between them."""
    y = np.moveaxis(traced(y), axis, -1)
    if x is None:
        return y, traced(dx) * np.ones(y.shape[-1] - 1)
    x = traced(x)
    if x.ndim > 1:
        x = np.moveaxis(x, axis, -1)
    if x.shape[-1] != y.shape[-1]:
        raise ValueError("If given, length of x along axis must be the same as y.")
    return y, x[..., 1:] - x[..., :-1]


@replaces(scipy.integrate.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """`scipy.integrate.trapezoid`."""
    y, h = _prepared(y, x, dx, axis)
    return np.sum(0.5 * h * (y[..., 1:] + y[..., :-1]), axis=-1)


@replaces(scipy.integrate.cumulative_trapezoid)
def cumulative_trapezoid(
    y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Any:
    """`scipy.integrate.cumulative_trapezoid`."""
    y, h = _prepared(y, x, dx, axis)
    total = np.cumsum(0.5 * h * (y[..., 1:] + y[..., :-1]), axis=-1)
    if initial is not None:
        if initial != 0:
            raise ValueError("`initial` must be `None` or `0`.")
        total = np.concatenate([0.0 * total[..., :1], total], axis=-1)
    return np.moveaxis(total, -1, axis)


@replaces(scipy.integrate.simpson)
def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """`scipy.integrate.simpson`; for an even number of samples with Cartwright's correction of the last interval."""
    y, h = _prepared(y, x, dx, axis)
    n = y.shape[-1]
    if n < 3:
        return np.sum(0.5 * h * (y[..., 1:] + y[..., :-1]), axis=-1)
    odd = n - 1 + n % 2
    a, b = h[..., 0 : odd - 1 : 2], h[..., 1 : odd - 1 : 2]
    left, middle, right = y[..., 0 : odd - 2 : 2], y[..., 1 : odd - 1 : 2], y[..., 2:odd:2]
    both = a + b
    pairs = both / 6.0 * (left * (2.0 - b / a) + middle * both**2 / (a * b) + right * (2.0 - a / b))
    total = np.sum(pairs, axis=-1)
    if n % 2 == 0:
        a, b = h[..., -2], h[..., -1]
        total = (
            total
            + y[..., -1] * (2.0 * b**2 + 3.0 * a * b) / (6.0 * (a + b))
            + y[..., -2] * (b**2 + 3.0 * a * b) / (6.0 * a)
            - y[..., -3] * b**3 / (6.0 * a * (a + b))
        )
    return total
