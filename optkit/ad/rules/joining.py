"""Joining, splitting, repeating and turning arrays: composed of concatenations, indices and permutations."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from optkit.ad.registry import FUNCTIONS, composite
from optkit.ad.rules.axes import one_axis, recent, without_out
from optkit.ad.rules.shape import concatenate, reshape_to, traced

# --- joining ----------------------------------------------------------------------------------------------------------


@composite(np.concatenate, np.concat)
def _np_concatenate(
    arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Any:
    without_out(out, "concatenate")
    parts = [traced(a) for a in arrays]
    if axis is None:
        parts, axis = [np.ravel(a) for a in parts], 0
    if any(a.ndim == 0 for a in parts):
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    axis = one_axis(axis, parts[0].ndim)
    # Where each part begins, counted once: a list of n parts is swept in n steps.
    starts = tuple(itertools.accumulate((a.shape[axis] for a in parts), initial=0))
    joined = concatenate(*parts, axis=axis, starts=starts)
    return joined if dtype is None else joined.astype(dtype)


@composite(np.stack)
def _stack(
    arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Any:
    parts = [traced(a) for a in arrays]
    if len({a.shape for a in parts}) != 1:
        raise ValueError("all input arrays must have the same shape")
    axis = one_axis(axis, parts[0].ndim + 1)
    return np.concatenate([np.expand_dims(a, axis) for a in parts], axis=axis, out=out, dtype=dtype)


@composite(np.vstack)
def _vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    return np.concatenate([np.atleast_2d(traced(a)) for a in tup], axis=0, dtype=dtype)


@composite(np.hstack)
def _hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    parts = [np.atleast_1d(traced(a)) for a in tup]
    return np.concatenate(parts, axis=0 if parts and parts[0].ndim == 1 else 1, dtype=dtype)


@composite(np.dstack)
def _dstack(tup: Any) -> Any:
    return np.concatenate([np.atleast_3d(traced(a)) for a in tup], axis=2)


@composite(np.column_stack)
def _column_stack(tup: Any) -> Any:
    parts = [traced(a) for a in tup]
    return np.concatenate([a if a.ndim >= 2 else np.atleast_2d(a).T for a in parts], axis=1)


@composite(np.append)
def _append(arr: Any, values: Any, axis: Any = None) -> Any:
    return np.concatenate([traced(arr), traced(values)], axis=axis)


@composite(np.block)
def _block(arrays: Any) -> Any:
    def depth(a: Any) -> int:
        return 1 + max(map(depth, a)) if isinstance(a, list) else 0

    def join(a: Any, axis: int, ndim: int) -> Any:
        if not isinstance(a, list):
            x = traced(a)
            return reshape_to(x, (1,) * (ndim - x.ndim) + x.shape)
        return np.concatenate([join(part, axis + 1, ndim) for part in a], axis=axis)

    def largest(a: Any) -> int:
        return max(map(largest, a)) if isinstance(a, list) else traced(a).ndim

    levels = depth(arrays)
    ndim = max(levels, largest(arrays))
    return join(arrays, -levels, ndim) if levels else np.copy(traced(arrays))


# --- splitting, repeating, turning ------------------------------------------------------------------------------------


@composite(np.array_split)
def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    x = traced(ary)
    axis = one_axis(axis, x.ndim)
    n = x.shape[axis]
    if np.iterable(indices_or_sections):
        cuts = [0, *(int(i) for i in indices_or_sections), n]
    else:
        each, extra = divmod(n, int(indices_or_sections))
        cuts = [
            0,
            *np.cumsum([each + (i < extra) for i in range(int(indices_or_sections))]).tolist(),
        ]
    return [x[(slice(None),) * axis + (slice(a, b),)] for a, b in itertools.pairwise(cuts)]


@composite(np.split)
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    x = traced(ary)
    if not np.iterable(indices_or_sections) and x.shape[axis] % int(indices_or_sections):
        raise ValueError("array split does not result in an equal division")
    return np.array_split(x, indices_or_sections, axis)


def _splitter(function: Any, axis: int) -> None:
    def replacement(ary: Any, indices_or_sections: Any) -> Any:
        x = traced(ary)
        if x.ndim < max(axis + 1, 2) and not (x.ndim == axis == 1):
            raise ValueError(
                f"{function.__name__} only works on arrays of {axis + 1} or more dimensions"
            )
        return np.split(x, indices_or_sections, axis if x.ndim > 1 else 0)

    composite(function)(replacement)


_splitter(np.vsplit, 0)
_splitter(np.hsplit, 1)
_splitter(np.dsplit, 2)


@composite(np.flip)
def _flip(m: Any, axis: Any = None) -> Any:
    m = traced(m)
    axes = (
        range(m.ndim)
        if axis is None
        else [one_axis(i, m.ndim) for i in (axis if np.iterable(axis) else (axis,))]
    )
    return m[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(m.ndim))]


@composite(np.rot90)
def _rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    x = traced(m)
    first, second = (one_axis(i, x.ndim) for i in axes)
    if first == second:
        raise ValueError("Axes must be different.")
    k %= 4
    if k % 2:
        # A quarter turn is a mirror image, transposed.
        x = np.swapaxes(np.flip(x, second if k == 1 else first), first, second)
        return x
    return np.flip(x, (first, second)) if k else x[...]


@composite(*recent("unstack"))
def _unstack(x: Any, /, *, axis: int = 0) -> Any:
    x = traced(x)
    if not x.ndim:
        raise ValueError("Input array must be at least 1-d.")
    return tuple(np.moveaxis(x, axis, 0))


FUNCTIONS[np.flipud] = lambda m: np.flip(m, 0)
FUNCTIONS[np.fliplr] = lambda m: np.flip(m, 1)


@composite(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    a = traced(a)
    if axis is None:
        return np.roll(np.ravel(a), shift, 0).reshape(a.shape)
    for by, i in np.broadcast(shift, axis):
        i = one_axis(int(i), a.ndim)
        if n := a.shape[i]:
            cut = n - int(by) % n
            before, after = np.array_split(a, [cut], i)
            a = np.concatenate([after, before], i)
    return a


@composite(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    A = traced(A)
    reps = tuple(reps) if np.iterable(reps) else (reps,)
    ndim = max(A.ndim, len(reps))
    reps = (1,) * (ndim - len(reps)) + reps
    shape = (1,) * (ndim - A.ndim) + A.shape
    spread = np.broadcast_to(
        A.reshape(*(n for size in shape for n in (1, size))),
        [n for pair in zip(reps, shape, strict=True) for n in pair],
    )
    return spread.reshape(tuple(r * n for r, n in zip(reps, shape, strict=True)))


@composite(np.repeat)
def _repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    x = traced(a)
    if axis is None:
        x, axis = np.ravel(x), 0
    return np.take(x, np.repeat(np.arange(x.shape[axis]), repeats), axis=axis)
