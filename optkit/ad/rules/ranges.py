"""Ranges between traced ends, and grids."""

from __future__ import annotations

from typing import Any

import numpy as np

from optkit.ad.registry import composite
from optkit.ad.rules.shape import traced


@composite(np.linspace)
def _linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: int = 0, *, device: Any = None,
) -> Any:  # fmt: skip
    start, stop = traced(start), traced(stop)
    kind = np.result_type(start, stop, float(num))
    start, stop = np.broadcast_arrays(start, stop)
    steps = num - 1 if endpoint else num
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    step = (stop - start) / steps if steps > 0 else np.nan
    column = np.reshape(np.arange(num, dtype=kind), (num,) + (1,) * start.ndim)
    values = start + column * (step if steps > 0 else stop - start)
    if endpoint and num > 1:  # The last one is the end itself, without rounding.
        values = np.concatenate([values[:-1], np.broadcast_to(stop, values.shape[1:])[None]])
    if dtype is not None and np.dtype(dtype).kind in "iu":
        values = np.floor(values)
    values = values.astype(kind if dtype is None else dtype)
    values = np.moveaxis(values, 0, axis) if axis else values
    return (values, step) if retstep else values


@composite(np.logspace)
def _logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    if np.ndim(base):  # Each base has a range of its own.
        base = traced(base)
        ndim = np.broadcast(
            np.zeros(np.shape(start)), np.zeros(np.shape(stop)), np.zeros(base.shape)
        ).ndim
        start, stop = (
            np.reshape(x, (1,) * (ndim - np.ndim(x)) + np.shape(x)) for x in (start, stop)
        )
        base = np.expand_dims(base, axis)
    values = np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))
    return values if dtype is None else values.astype(dtype)


@composite(np.geomspace)
def _geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    start, stop = np.broadcast_arrays(traced(start), traced(stop))
    if np.any(np.equal(start, 0)) or np.any(np.equal(stop, 0)):
        raise ValueError("Geometric sequence cannot include zero")
    kind = np.result_type(start, stop, np.float64 if dtype is None else dtype)
    start, stop = start.astype(kind), stop.astype(kind)
    part = np.linspace(0.0, 1.0, num, endpoint).reshape((num,) + (1,) * start.ndim)
    values = start * np.power(stop / start, part)
    if num > 1 and endpoint:
        values = np.concatenate([values[:-1], stop[None]])
    values = np.moveaxis(values, 0, axis) if axis else values
    return values.astype(kind if dtype is None else dtype)


@composite(np.meshgrid)
def _meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    n = len(xi)
    grid = [
        np.reshape(traced(x), [-1 if i == j else 1 for j in range(n)]) for i, x in enumerate(xi)
    ]
    if indexing == "xy" and n > 1:
        grid = [np.swapaxes(x, 0, 1) for x in grid]
    if not sparse:
        grid = list(np.broadcast_arrays(*grid))
    return tuple(np.copy(x) for x in grid) if copy else tuple(grid)
