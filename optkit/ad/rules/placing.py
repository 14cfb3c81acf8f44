"""NumPy's functions that put values into an array that is there, and those that choose between values.

The array that is written into must be traced, or what is written must not be: a plain array would lose the derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from optkit.ad.core import Tracer, reveal
from optkit.ad.registry import composite
from optkit.ad.rules.axes import one_axis, without_out
from optkit.ad.rules.index import along_axis
from optkit.ad.rules.shape import is_traced, traced
from optkit.errors import LostDerivativeError

# --- into an array ----------------------------------------------------------------------------------------------------


def _target(a: Any, name: str) -> Any:
    """The traced array that a function is to write into."""
    if not isinstance(a, Tracer):
        raise LostDerivativeError(
            f"np.{name} would write a traced value into a plain array and lose its derivative: make that array with "
            "np.zeros_like(x) or np.zeros(shape, like=x)"
        )
    return a


@composite(np.copyto)
def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    if not is_traced(dst):  # np.full and np.full_like end here, too.
        raise LostDerivativeError(
            "np.full, np.full_like or np.copyto would write a traced value x into a plain array and lose its "
            "derivative: write np.broadcast_to(x, shape), or np.full_like(x, x, shape=shape)"
        )
    dst[...] = src if where is True else np.where(where, src, dst)


def _repeated(values: Any, size: int) -> Any:
    """As many values as are needed, again from the first where they run out."""
    values = np.ravel(traced(values))
    return values[np.arange(size) % len(values)] if len(values) else values


@composite(np.put)
def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    a = _target(a, "put")
    places = np.ravel(np.asarray(reveal(ind)))
    if mode != "raise":
        places = places % a.size if mode == "wrap" else np.clip(places, 0, a.size - 1)
    if places.size and np.size(v):
        a[np.unravel_index(places % a.size if _within(places, a.size) else places, a.shape)] = (
            _repeated(v, places.size)
        )


def _within(places: Any, size: int) -> bool:
    """Whether all places count from the front or from the end; if not, NumPy's own error will say so."""
    return bool(np.all((places >= -size) & (places < size)))


@composite(np.place)
def _place(arr: Any, mask: Any, vals: Any) -> None:
    arr = _target(arr, "place")
    chosen = np.reshape(np.asarray(reveal(mask), dtype=bool), arr.shape)
    count = int(np.count_nonzero(chosen))
    if count:
        if not np.size(vals):
            raise ValueError("Cannot insert from an empty array!")
        arr[chosen] = _repeated(vals, count)


@composite(np.putmask)
def _putmask(a: Any, mask: Any, values: Any) -> None:
    a = _target(a, "putmask")
    a[...] = np.where(
        np.reshape(np.not_equal(mask, 0), a.shape),
        np.reshape(_repeated(values, a.size), a.shape),
        a,
    )


@composite(np.put_along_axis)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any = -1) -> None:
    arr = _target(arr, "put_along_axis")
    if axis is None:
        np.put(arr, indices, np.broadcast_to(traced(values), np.shape(indices)))
        return
    arr[along_axis(indices, arr.shape, one_axis(axis, arr.ndim))] = values


@composite(np.fill_diagonal)
def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    a = _target(a, "fill_diagonal")
    plain = np.zeros(a.shape, dtype=bool)
    np.fill_diagonal(plain, True, wrap)
    count = int(np.count_nonzero(plain))
    a[np.nonzero(plain)] = _repeated(val, count)


# --- by an index or by conditions -------------------------------------------------------------------------------------


@composite(np.choose)
def _choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    without_out(out, "choose")
    numbers = (int, float, complex)
    kind = np.result_type(*(c if isinstance(c, numbers) else traced(c) for c in choices))
    options = [traced(choice).astype(kind) for choice in choices]
    index = traced(a)
    if index.dtype.kind not in "iub":
        raise TypeError("np.choose takes integers to choose by")
    n = len(options)
    if mode != "raise":
        index = index % n if mode == "wrap" else np.clip(index, 0, n - 1)
    elif np.any((index < 0) | (index >= n)):
        raise ValueError("invalid entry in choice array")
    shape = np.broadcast_shapes(index.shape, *(choice.shape for choice in options))
    stacked = np.stack([np.broadcast_to(choice, shape) for choice in options])
    return np.take_along_axis(stacked, np.broadcast_to(index, shape)[None], axis=0)[0]


@composite(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    x = traced(x)
    # As in NumPy: a single condition for all elements need not be in a list.
    single = np.isscalar(condlist) or (
        x.ndim and not isinstance(condlist[0], list | np.ndarray) and np.ndim(condlist[0]) == 0
    )
    conditions = [np.asarray(reveal(c), dtype=bool) for c in ([condlist] if single else condlist)]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~np.any(conditions, axis=0))
    elif len(funclist) != len(conditions):
        raise ValueError(
            f"with {len(conditions)} condition(s), either {len(conditions)} or {len(conditions) + 1} functions are "
            "expected"
        )
    y = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        if not callable(function):
            y[condition] = function
        elif np.any(condition):
            y[condition] = function(x[condition], *args, **kw)
    return y


# --- more or fewer elements -------------------------------------------------------------------------------------------


@composite(np.delete)
def _delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    x = traced(arr)
    if axis is None:
        x, axis = np.ravel(x), 0
    axis = one_axis(axis, x.ndim)
    return np.take(x, np.delete(np.arange(x.shape[axis]), reveal(obj)), axis=axis)


@composite(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    x, v = traced(arr), traced(values)
    if axis is None:
        x, axis = np.ravel(x), 0
    axis = one_axis(axis, x.ndim)
    n = x.shape[axis]
    places = np.asarray(reveal(obj) if not isinstance(obj, slice) else np.arange(*obj.indices(n)))
    places = places if places.size else places.astype(np.intp)
    count = int(np.count_nonzero(places)) if places.dtype == bool else places.size
    v = np.reshape(v, (1,) * (x.ndim - v.ndim) + v.shape)
    if (
        places.ndim == 0
    ):  # A single place: the values are what goes there, however many rows of them.
        v = np.moveaxis(v, 0, axis)
    if count == 1:
        count = v.shape[axis]
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    both = np.concatenate([x, np.broadcast_to(v, shape).astype(x.dtype)], axis=axis)
    if places.size == 1 and places.dtype != bool:
        places = places.reshape(())
    return np.take(both, np.insert(np.arange(n), places, n + np.arange(count)), axis=axis)


@composite(np.resize)
def _resize(a: Any, new_shape: Any) -> Any:
    x = np.ravel(traced(a))
    return (
        np.zeros_like(x, shape=new_shape)
        if not x.size
        else x[np.resize(np.arange(x.size), new_shape)]
    )


@composite(np.trim_zeros)
def _trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    x = traced(filt)
    trim = trim.lower()
    if trim not in ("fb", "bf", "f", "b"):
        raise ValueError(f"unexpected character(s) in `trim`: {trim!r}")
    axes = range(x.ndim) if axis is None else [one_axis(i, x.ndim) for i in np.atleast_1d(axis)]
    present = np.argwhere(reveal(np.not_equal(x, 0)))
    index = [slice(None)] * x.ndim
    for i in axes:
        if not len(present):
            index[i] = slice(0, 0)
        else:
            first, last = int(present[:, i].min()), int(present[:, i].max())
            index[i] = slice(first if "f" in trim else None, last + 1 if "b" in trim else None)
    return x[tuple(index)] if index else x
