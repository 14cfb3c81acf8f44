"""Functions of the user's that NumPy calls on one part of an array after the other, and windows on arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from optkit.ad.registry import composite
from optkit.ad.rules.axes import one_axis
from optkit.ad.rules.shape import traced


@composite(np.apply_along_axis)
def _apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    x = traced(arr)
    axis = one_axis(axis, x.ndim)
    lines = np.moveaxis(x, axis, -1)
    shape = lines.shape[:-1]
    if 0 in shape:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    results = [traced(func1d(lines[i], *args, **kwargs)) for i in np.ndindex(shape)]
    inner = results[0].shape
    stacked = np.reshape(np.stack(results), shape + inner)
    # What a line has become takes the place of the line.
    ends = range(len(shape), len(shape) + len(inner))
    return np.moveaxis(stacked, tuple(ends), tuple(range(axis, axis + len(inner))))


@composite(np.apply_over_axes)
def _apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    x = traced(a)
    ndim = x.ndim
    for axis in np.atleast_1d(axes).tolist():
        axis = one_axis(axis, ndim)
        result = func(x, axis)
        if result.ndim != x.ndim:
            result = np.expand_dims(result, axis)
            if result.ndim != x.ndim:
                raise ValueError("function is not returning an array of the correct shape")
        x = result
    return x


@composite(sliding_window_view)
def _sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    x = traced(x)
    # Where each window reads: windows of the numbers of the elements.
    places = sliding_window_view(np.arange(x.size).reshape(x.shape), window_shape, axis)
    return np.ravel(x)[places]
