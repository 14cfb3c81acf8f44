"""Structural equations: where each element of a result comes from, as a map of indices.

A *slice map* gives for the index of a result the index of the operand (`source`); `embed` and `concatenate` are
piecewise: a result is an operand inside a box and zero (or another operand) outside (`boxes`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from optkit.ad.executors.emitter import Index, at
from optkit.ad.graph import Equation, Value
from optkit.ad.rules.index import basic, embed, expanded, update
from optkit.ad.rules.shape import broadcast_to, concatenate, reshape, transpose

# Those of one operand of which every element of the result is an element.
VIEWS = (basic, broadcast_to, reshape, transpose)
PIECEWISE = (embed, concatenate, update)

Place = tuple[Index, ...]


class Box(NamedTuple):
    """A part of a result that is one operand: bounds per axis, and the operand."""

    low: tuple[int, ...]
    high: tuple[int, ...]
    operand: Value
    # The axis of the result for each axis of the operand, None for a new one; integers have dropped the others.
    axes: tuple[int | None, ...]


def source(equation: Equation, place: Place) -> Place | None:
    """Where in its operand a view finds the element at ``place``; None for a reshape that mixes axes."""
    (x,) = (v.shape for v in equation.operands)
    primitive = equation.primitive
    if primitive is basic:
        rest = iter(place)
        found = []
        sizes = iter(x)
        for part in expanded(equation.params["index"], len(x)):
            if part is None:
                next(rest)
            elif isinstance(part, slice):
                start, _, step = part.indices(next(sizes))
                found.append(next(rest).scaled(step, start))
            else:
                found.append(at(int(part) % next(sizes)))
        return tuple(found)
    if primitive is broadcast_to:
        inner = place[len(place) - len(x) :]
        return tuple(at(0) if n == 1 else index for n, index in zip(x, inner, strict=True))
    if primitive is transpose:
        order = equation.params["axes"]
        found = [at(0)] * len(x)
        for axis, index in zip(order, place, strict=True):
            found[axis] = index
        return tuple(found)
    shape = equation.result.shape
    if [n for n in shape if n != 1] != [n for n in x if n != 1]:
        return None
    real = iter(index for n, index in zip(shape, place, strict=True) if n != 1)
    return tuple(at(0) if n == 1 else next(real) for n in x)


def mixes_axes(equation: Equation) -> bool:
    """Whether a reshape does more than adding or dropping axes of length 1."""
    if equation.primitive is not reshape:
        return False
    (x,) = equation.operands
    return [n for n in equation.result.shape if n != 1] != [n for n in x.shape if n != 1]


def boxes(equation: Equation) -> list[Box] | None:
    """The boxes of a piecewise equation; None where they are not boxes, or a step leaves gaps."""
    shape = equation.result.shape
    if equation.primitive is concatenate:
        axis = equation.params["axis"]
        found, start = [], 0
        for v in equation.operands:
            low, high = [0] * len(shape), list(shape)
            low[axis], high[axis] = start, start + v.shape[axis]
            start = high[axis]
            found.append(Box(tuple(low), tuple(high), v, tuple(range(len(shape)))))
        return found
    if equation.primitive is embed:
        inner, index = equation.operands[0], equation.params["index"]
    else:
        if len(equation.operands) > 2:
            return None  # Index arrays.
        inner, index = equation.operands[1], equation.params["template"]
    box = _box(index, shape, inner)
    return None if box is None else [box]


def _box(index: Any, shape: tuple[int, ...], inner: Value) -> Box | None:
    low: list[int] = []
    high: list[int] = []
    axes: list[int | None] = []
    for part in expanded(index, len(shape)):
        if part is None:
            axes.append(None)
            continue
        n = shape[len(low)]
        if isinstance(part, slice):
            start, stop, step = part.indices(n)
            if step != 1:
                return None
            axes.append(len(low))
        else:
            start = int(part) % n
            stop = start + 1
        low.append(start)
        high.append(max(stop, start))
    if inner.ndim > len(axes):
        return None
    return Box(tuple(low), tuple(high), inner, tuple(axes))


def covers(box: Box, region: tuple[tuple[int, int], ...]) -> bool:
    """Whether a region lies in a box."""
    return all(
        low <= start and stop <= high
        for low, high, (start, stop) in zip(box.low, box.high, region, strict=True)
    )


def background(equation: Equation) -> Value | None:
    """What a piecewise result is outside of its boxes; None for zero."""
    return equation.operands[0] if equation.primitive is update else None


def inside(box: Box, place: Place) -> Place:
    """Where in the operand of a box, which may be broadcast into it, the element at ``place`` of the result is."""
    full = [at(0) if axis is None else place[axis].scaled(1, -box.low[axis]) for axis in box.axes]
    shape = box.operand.shape
    return tuple(
        at(0) if n == 1 else index
        for n, index in zip(shape, full[len(full) - len(shape) :], strict=True)
    )


def elements(equation: Equation) -> list[tuple[int, int] | None]:
    """For each element of the flat result, of which operand it is which flat element; None for zero."""
    ends = np.cumsum([0, *(v.size for v in equation.operands)])
    numbered = [
        (np.arange(v.size) + start + 1).reshape(v.shape)
        for v, start in zip(equation.operands, ends[:-1], strict=True)
    ]
    flat = np.ravel(equation.primitive.impl(*numbered, **equation.params))
    found: list[Any] = []
    for number in flat.tolist():
        if not number:
            found.append(None)
            continue
        which = int(np.searchsorted(ends, number, side="left")) - 1
        found.append((which, number - 1 - int(ends[which])))
    return found
