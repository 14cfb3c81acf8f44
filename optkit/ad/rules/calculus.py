"""Differences, integrals and interpolation of sampled functions."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from optkit.ad.primitives import Constant
from optkit.ad.registry import composite
from optkit.ad.rules.axes import all_axes, is_default, one_axis
from optkit.ad.rules.index import getitem
from optkit.ad.rules.shape import is_traced, traced

# --- differences ------------------------------------------------------------------------------------------------------


def _along(axis: int, *index: Any) -> Any:
    """The index that takes ``index`` along an axis counted from the front."""
    return (*(slice(None),) * axis, *index)


@composite(np.diff)
def _diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue
) -> Any:
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    x = traced(a)
    axis = one_axis(axis, x.ndim)
    ends = [None if is_default(end) else traced(end) for end in (prepend, append)]
    one = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    ends = [
        None if end is None else np.broadcast_to(end, one) if not end.ndim else end for end in ends
    ]
    if any(end is not None for end in ends):
        x = np.concatenate([part for part in (ends[0], x, ends[1]) if part is not None], axis=axis)
    for _ in range(n):
        x = x[_along(axis, slice(1, None))] - x[_along(axis, slice(None, -1))]
    return x


@composite(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    middle = np.diff(np.ravel(traced(ary)))
    ends = [None if end is None else np.ravel(traced(end)) for end in (to_begin, to_end)]
    if ends == [None, None]:
        return middle
    parts = [part for part in (ends[0], middle, ends[1]) if part is not None]
    return np.concatenate(parts, dtype=np.result_type(traced(ary)))


@composite(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    x = traced(f)
    axes = (
        all_axes(None, x.ndim)
        if axis is None
        else tuple(one_axis(i, x.ndim) for i in (axis if np.iterable(axis) else (axis,)))
    )
    if len(varargs) not in (0, 1, len(axes)) or (
        len(varargs) == 1 < len(axes) and np.ndim(varargs[0])
    ):
        raise TypeError("invalid number of arguments")
    spacings = (
        varargs * len(axes) if len(varargs) == 1 < len(axes) else varargs or (1.0,) * len(axes)
    )
    if edge_order not in (1, 2):
        raise ValueError("np.gradient of traced values knows the edge_order 1 and 2")
    slopes = [
        _slopes(np.moveaxis(x, i, 0), traced(spacing), edge_order, i)
        for i, spacing in zip(axes, spacings, strict=True)
    ]
    return slopes[0] if len(axes) == 1 else tuple(slopes)


def _slopes(f: Any, spacing: Any, edge_order: int, axis: int) -> Any:
    """The derivative of the parabola through each point and its neighbours, at the points along the first axis."""
    n = len(f)
    if n < edge_order + 1:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, "
            "at least (edge_order + 1) elements are required."
        )
    if spacing.ndim > 1 or (spacing.ndim and len(spacing) != n):
        raise ValueError("when 1d, distances must match the length of the corresponding dimension")
    h = np.diff(spacing) if spacing.ndim else np.broadcast_to(spacing, (n - 1,))
    h = np.reshape(h, (n - 1,) + (1,) * (f.ndim - 1)).astype(np.result_type(h, f))
    chord = np.diff(f, axis=0) / h
    first, last = chord[:1], chord[-1:]
    if n == 2:
        middle = chord[:0]
    else:
        before, after = h[:-1], h[1:]
        middle = (after * chord[:-1] + before * chord[1:]) / (before + after)
        if edge_order == 2:
            bend = np.diff(chord, axis=0) / (before + after)
            first, last = first - h[:1] * bend[:1], last + h[-1:] * bend[-1:]
    slopes = np.concatenate([first, middle, last]).astype(f.dtype)
    return np.moveaxis(slopes, 0, axis)


# How many whole periods are added is constant wherever there is a derivative.
_turns = Constant(
    "turns",
    lambda x, period, discont, axis: np.rint(
        (np.unwrap(x, discont, axis, period=period) - x) / period
    ),
)


@composite(np.unwrap)
def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Any:
    x = traced(p)
    return x + _turns(x, period, discont=discont, axis=axis).astype(x.dtype) * period


# --- integrals --------------------------------------------------------------------------------------------------------


@composite(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = traced(y)
    front = one_axis(axis, y.ndim)
    if x is None:
        width = dx
    elif np.ndim(x) == 1:
        width = np.reshape(np.diff(traced(x)), (-1,) + (1,) * (y.ndim - 1 - front))
    else:  # It may have axes that y has not, so the axis is counted anew.
        width = np.diff(traced(x), axis=axis)
    pairs = y[_along(front, slice(1, None))] + y[_along(front, slice(None, -1))]
    return np.sum(width * pairs / 2.0, axis=axis)


# --- interpolation ----------------------------------------------------------------------------------------------------


@composite(np.interp)
def _interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """At a node the slope is that of the interval to the right, at the last node of the one to the left."""
    x, xp, fp = (traced(z) for z in (x, xp, fp))
    x, xp, fp = (z.astype(np.result_type(z, np.float64)) for z in (x, xp, fp))
    if xp.ndim != 1 or fp.shape != xp.shape:
        raise ValueError("fp and xp are not of the same length.")
    if not xp.size:
        raise ValueError("array of sample points is empty")
    if period is not None:
        x, xp, fp = _on_a_circle(x, xp, fp, period)
        left = right = None
    left = fp[0] if left is None else left
    right = fp[-1] if right is None else right
    if len(xp) == 1:
        inside = fp[0] + 0.0 * x
    else:
        at = np.searchsorted(xp, x, side="right") - 1
        at = np.clip(at, 0, len(xp) - 2)
        nodes, values = (partial(getitem, z) for z in (xp, fp))
        width = nodes(at + 1) - nodes(at)
        slope = (values(at + 1) - values(at)) / np.where(
            width == 0, math.inf, width
        )  # a step has no slope
        if np.any(np.isnan(x)):
            slope = np.where(np.isnan(x), math.nan, slope)
        anchor = at + np.equal(x, xp[-1])  # So that the value at a node is that of the node.
        inside = values(anchor) + slope * (x - nodes(anchor))
    return np.where(np.less(x, xp[0]), left, np.where(np.greater(x, xp[-1]), right, inside))


def _on_a_circle(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """Points and nodes brought into one period, which a node beyond either end completes."""
    if not is_traced(period) and period == 0:
        raise ValueError("period must be a non-zero value")
    period = np.absolute(period)
    x, xp = x % period, xp % period
    order = np.argsort(xp, kind="stable")
    xp, fp = getitem(xp, order), getitem(fp, order)
    xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, np.concatenate([fp[-1:], fp, fp[:1]])
