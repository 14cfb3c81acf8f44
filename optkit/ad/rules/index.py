"""Indexing of every kind, assignment to an index, and choosing between arrays.

Two primitives read: `basic` (slices and integers, a view) and `gather` (integer or boolean arrays, a copy); `update`
writes. Index arrays are operands, so that a tape keeps them as they were; ``template`` is the index with `Slot` in
their places.
"""

from __future__ import annotations

from types import EllipsisType
from typing import Any, NamedTuple

import numpy as np

from optkit.ad import inplace
from optkit.ad.core import Tracer, primal, reveal
from optkit.ad.primitives import Linear, has_nan, trail, unbroadcast
from optkit.ad.registry import FUNCTIONS, composite, elementwise, linear
from optkit.ad.rules.axes import one_axis, with_ndim, without_out
from optkit.ad.rules.shape import is_traced, traced
from optkit.errors import LostDerivativeError, NotDifferentiableError

_BASIC = (int, slice, EllipsisType, type(None), np.integer)


class Slot(NamedTuple):
    """Marks the place of the ``number``-th index array in a template."""

    number: int


# --- reading ----------------------------------------------------------------------------------------------------------


def _add_at(total: Any, ct: Any, args: Any, params: Any) -> None:
    np.add.at(total, _fill(params["template"], args[1:]), ct)


def _add_part(total: Any, ct: Any, args: Any, params: Any) -> None:
    part = total[params["index"]]
    if type(part) is np.ndarray:
        part += ct
    else:
        total[params["index"]] = part + ct


def _scatter(ct: Any, x: Any, accumulate: Any, *rest: Any, **params: Any) -> Any:
    """The cotangent of an indexed array: zeros with ``ct`` added at the index."""
    if is_traced(ct) or any(map(is_traced, rest)):
        flat = _positions(x.shape, *rest, **params)
        return scatter_add(np.ravel(ct), flat.reshape(-1), size=x.size).reshape(x.shape)
    total = np.zeros(x.shape, dtype=ct.dtype)
    accumulate(total, ct, (x, *rest), params)
    return total


def _positions(shape: Any, *arrays: Any, index: Any = None, template: Any = None) -> Any:
    """Where each element that an index picks stands in the flattened array."""
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    if any(map(is_traced, arrays)):
        return gather(numbers, *arrays, template=template)
    return np.asarray(numbers[index if template is None else _fill(template, arrays)])


def _embed_impl(v: Any, shape: Any, index: Any) -> Any:
    total = np.zeros(shape, dtype=v.dtype)
    total[index] = v
    return total


# Zeros with ``v`` at a basic index: the transpose of reading there, for derivatives of derivatives.
embed: Linear = linear(
    "embed",
    lambda ct, v, shape, index: basic(ct, index=index),
    impl=_embed_impl,
    tangent=lambda t, args, p, k: embed(
        t[0], shape=(*p["shape"], k), index=_for_tangent(p["index"])
    ),
)


def _basic_transpose(ct: Any, x: Any, index: Any) -> Any:
    if is_traced(ct):
        return embed(ct, shape=np.shape(x), index=index)
    return _scatter(ct, x, _add_part, index=index)


basic: Linear = linear(
    "basic_index",
    _basic_transpose,
    impl=lambda x, index: x[index],
    tangent=lambda t, args, p, k: basic(t[0], index=_for_tangent(p["index"])),
    accumulate=_add_part,
)


class _Gather(Linear):
    """``x[index]`` with index arrays; equal positions add up in the cotangent."""

    __slots__ = ()

    def pull(self, i: int, ct: Any, y: Any, args: Any, params: dict[str, Any]) -> Any:
        return _scatter(ct, args[0], _add_at, *args[1:], **params)

    def _differentiated(self, i: int) -> bool:
        return i == 0


gather: Linear = _Gather(
    "gather",
    lambda x, *arrays, template: x[_fill(template, arrays)],
    tangent=lambda t, args, p, k: gather(t[0], *args[1:], template=_for_tangent(p["template"])),
)
gather.accumulate = _add_at


def _scatter_add_impl(v: Any, flat: Any, size: int) -> Any:
    total = np.zeros((size, *v.shape[1:]), dtype=v.dtype)
    np.add.at(total, flat, v)
    return total


# The transpose of a gather, as a primitive of its own, for derivatives of derivatives.
scatter_add = linear(
    "scatter_add", lambda ct, v, flat, size: ct[flat], None, impl=_scatter_add_impl, tangent="same"
)
FUNCTIONS["scatter_add"] = scatter_add


def _for_tangent(index: Any) -> Any:
    """The index that picks the same of a tangent with its trailing axis, which an Ellipsis would take for its own."""
    if isinstance(index, tuple) and any(part is Ellipsis for part in index):
        return (*index, slice(None))
    return index


def _fill(template: tuple[Any, ...], arrays: Any) -> tuple[Any, ...]:
    return tuple(arrays[part.number] if isinstance(part, Slot) else part for part in template)


def _normalize(index: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """An index as (template, index arrays)."""
    parts = index if isinstance(index, tuple) else (index,)
    template: list[Any] = []
    arrays: list[Any] = []
    for part in parts:
        if isinstance(part, bool | np.bool_):
            part = np.asarray(part)
        if isinstance(part, _BASIC):
            template.append(part)
            continue
        if isinstance(part, Tracer):
            if part.dtype.kind not in "iub":  # type: ignore[attr-defined]
                raise IndexError(
                    "a traced value cannot be an index; int(x) or x.astype(int) have derivative zero"
                )
            # How many elements a mask picks is a question that has to be answered; where numbers point to is not.
            if part.dtype.kind == "b":  # type: ignore[attr-defined]
                part = reveal(part)
        array = part if is_traced(part) else np.asarray(part)
        if array.dtype.kind not in "iub":
            if array.size or isinstance(part, np.ndarray):
                raise IndexError("arrays used as indices must be of integer (or boolean) type")
            array = array.astype(np.intp)
        template.append(Slot(len(arrays)))
        arrays.append(array)
    return tuple(template), arrays


def expanded(index: Any, ndim: int) -> list[Any]:
    """A basic index of an array of so many axes as int, slice or None one after another, the Ellipsis written out."""
    parts = list(index) if isinstance(index, tuple) else [index]
    count = sum(part is not None and part is not Ellipsis for part in parts)
    missing = [slice(None)] * (ndim - count)
    if any(part is Ellipsis for part in parts):
        place = next(i for i, part in enumerate(parts) if part is Ellipsis)
        return [*parts[:place], *missing, *parts[place + 1 :]]
    return parts + missing


def getitem(x: Any, index: Any) -> Any:
    """``x[index]``: a view for slices and integers, a copy for index arrays."""
    if type(index) is not int and type(index) is not slice:
        index, arrays = _normalize(index)
        if arrays:
            return gather(x, *arrays, template=index)
    params = {"index": index}
    result = basic(x, **params)
    if isinstance(primal(result), np.ndarray):
        inplace.link(result, x, basic, params, certain=True)
    return result


FUNCTIONS["getitem"] = getitem
inplace.PUT[basic] = lambda base, value, index: update(
    base, value, template=index if isinstance(index, tuple) else (index,)
)


@composite(np.take)
def _take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    without_out(out, "take")
    x = traced(a)
    if axis is None or (not x.ndim and axis in (0, -1)):
        x, axis = np.ravel(x), 0
    axis = one_axis(axis, x.ndim)
    indices = indices if is_traced(indices) else np.asarray(indices)
    indices = indices if indices.size else indices.astype(np.intp)
    if mode != "raise":
        n = x.shape[axis]
        indices = indices % n if mode == "wrap" else np.clip(indices, 0, n - 1)
    return getitem(x, (slice(None),) * axis + (indices,))


@composite(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    x = traced(arr)
    if axis is None:
        return getitem(np.ravel(x), indices)
    axis = one_axis(axis, x.ndim)
    return getitem(x, along_axis(indices, x.shape, axis))


def along_axis(indices: Any, shape: tuple[int, ...], axis: int) -> tuple[Any, ...]:
    """The index of the elements that `np.take_along_axis` takes and `np.put_along_axis` puts."""
    grid: list[Any] = [
        np.arange(n).reshape([-1 if i == j else 1 for j in range(len(shape))])
        for i, n in enumerate(shape)
    ]
    grid[axis] = indices
    return tuple(grid)


@composite(np.compress)
def _compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    without_out(out, "compress")
    return np.take(a, np.flatnonzero(reveal(condition)), axis=axis)


@composite(np.extract)
def _extract(condition: Any, arr: Any) -> Any:
    return np.ravel(arr)[np.ravel(np.asarray(reveal(condition), dtype=bool))]


@composite(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    x = np.moveaxis(traced(a), (axis1, axis2), (-2, -1))
    m, n = x.shape[-2:]
    size = max(0, min(m + min(offset, 0), n - max(offset, 0)))
    rows = np.arange(size) - min(offset, 0)
    return x[..., rows, rows + offset]


@composite(np.trace)
def _trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype, out=out)


@composite(np.diag)
def _diag(v: Any, k: int = 0) -> Any:
    if v.ndim == 2:
        return np.diagonal(v, k)
    n = len(v) + abs(k)
    rows = np.arange(len(v)) - min(k, 0)
    return scatter_add(v, rows * n + rows + k, size=n * n).reshape(n, n)


def _lower(shape: Any, k: int) -> Any:
    """The mask of a lower triangle."""
    return np.tri(shape[-2] if len(shape) > 1 else shape[0], shape[-1], k, dtype=bool)


FUNCTIONS[np.diagflat] = lambda v, k=0: np.diag(np.ravel(v), k)
FUNCTIONS[np.tril] = lambda m, k=0: np.where(_lower(m.shape, k), m, 0)
FUNCTIONS[np.triu] = lambda m, k=0: np.where(_lower(m.shape, k - 1), 0, m)


# --- writing ----------------------------------------------------------------------------------------------------------


def _update_impl(x: Any, v: Any, *arrays: Any, template: Any) -> Any:
    y = np.array(x)
    y[_fill(template, arrays)] = v
    return y


def _winners(shape: Any, arrays: Any, template: Any) -> tuple[Any, Any]:
    """For each element that an assignment writes its place in the flat array, and whether it is the last to write."""
    flat = _positions(shape, *map(reveal, arrays), template=template)
    last = np.zeros(int(np.prod(shape)), dtype=np.intp)
    order = np.arange(flat.size).reshape(flat.shape)
    last[flat] = order
    return flat, last[flat] == order


class _Update(Linear):
    """``x`` with ``x[index] = v`` carried out; where an index repeats, the last value wins, as in NumPy."""

    __slots__ = ()

    def pull(self, i: int, ct: Any, y: Any, args: Any, params: dict[str, Any]) -> Any:
        x, v, *arrays = args
        template = params["template"]
        if i == 0:
            return self(ct, 0.0, *arrays, template=template)
        picked = gather(ct, *arrays, template=template) if arrays else ct[template]
        if arrays:
            picked = np.where(_winners(np.shape(x), arrays, template)[1], picked, 0)
        return unbroadcast(with_ndim(picked, np.ndim(v)), v)

    def push(self, y: Any, args: Any, tangents: Any, params: dict[str, Any], k: int | None) -> Any:
        arrays, (tx, tv), template = args[2:], tangents[:2], params["template"]
        tx = (
            np.zeros(np.shape(y) if k is None else (*np.shape(y), k), dtype=y.dtype)
            if tx is None
            else tx
        )
        return self(
            tx,
            0.0 if tv is None else tv,
            *arrays,
            template=template if k is None else _for_tangent(template),
        )

    def _differentiated(self, i: int) -> bool:
        return i < 2


update: Linear = _Update("update", _update_impl)


def setitem(x: Any, value: Any, index: Any) -> Any:
    """What ``x`` becomes by ``x[index] = value``."""
    value = traced(value) if isinstance(value, list | tuple | np.ndarray | Tracer) else value
    kinds = np.result_type(getattr(x, "dtype", x)), np.result_type(getattr(value, "dtype", value))
    if not np.can_cast(kinds[1], kinds[0], "same_kind"):
        raise LostDerivativeError(
            f"assigning {kinds[1]} values into an array of {kinds[0]} would lose a part of them"
        )
    template, arrays = _normalize(index)
    return update(x, value, *arrays, template=template)


FUNCTIONS["update"] = setitem


# --- choosing ---------------------------------------------------------------------------------------------------------


def _where_tangent(tangents: Any, args: Any, params: Any, k: int) -> Any:
    (_, a, b), (_, ta, tb) = args, tangents
    mask = traced(args[0])
    shape = (*np.broadcast_shapes(mask.shape, np.shape(a), np.shape(b)), k)
    return np.broadcast_to(
        np.where(trail(mask), 0 if ta is None else ta, 0 if tb is None else tb), shape
    )


where = linear(
    "where",
    None,
    lambda ct, mask, a, b: unbroadcast(np.where(mask, ct, 0), a),
    lambda ct, mask, a, b: unbroadcast(np.where(mask, 0, ct), b),
    impl=np.where,
    tangent=_where_tangent,
)


@composite(np.where)
def _np_where(condition: Any, *choices: Any) -> Any:
    condition = np.not_equal(condition, 0) if is_traced(condition) else np.asarray(condition)
    if not choices:
        return np.nonzero(condition)
    a, b = (x if isinstance(x, Tracer | int | float | complex) else traced(x) for x in choices)
    return where(condition, a, b)


@composite(np.select)
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    result = default
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        result = np.where(condition, choice, result)
    return result


# From this size on NumPy's clip, which takes longer to begin, is faster than a minimum of a maximum.
_MANY = 1000


def _clip_impl(a: Any, low: Any, high: Any) -> Any:
    if type(a) is np.ndarray and a.size >= _MANY:
        return np.clip(a, low, high)
    return np.minimum(np.maximum(a, low), high)


def _clip_slope(y: Any, a: Any, low: Any, high: Any) -> Any:
    """1 between the bounds, ½ on one of them, 0 beyond; NaN for NaN."""
    between = np.equal(a, y) if np.all(low <= high) else (a >= low) & (a <= high)
    share = between.astype(y.dtype)
    for bound in (low, high):
        tied = np.equal(a, bound)
        if type(tied) is not np.ndarray or tied.any():
            share = np.where(tied, 0.5, 1.0).astype(y.dtype) * share
    # NaN is in no interval; the sweep is told by NaN.
    return np.where(np.isnan(y), y, share) if type(y) is not np.ndarray or has_nan(y) else share


_clip_between = elementwise(
    "clip",
    _clip_slope,
    lambda y, a, low, high: 0.0,
    lambda y, a, low, high: 0.0,
    impl=_clip_impl,
)


@composite(np.clip)
def _clip(
    a: Any, a_min: Any = np._NoValue, a_max: Any = np._NoValue, out: Any = None, **bounds: Any
) -> Any:
    without_out(out, "clip")
    a_min = bounds.pop("min", None if a_min is np._NoValue else a_min)
    a_max = bounds.pop("max", None if a_max is np._NoValue else a_max)
    if bounds:
        raise NotDifferentiableError(
            f"np.clip of a traced value does not take {', '.join(bounds)}="
        )
    if all(bound is not None and not is_traced(bound) for bound in (a_min, a_max)):
        return _clip_between(traced(a), a_min, a_max)
    a = np.positive(traced(a)) if a_min is None else np.maximum(traced(a), a_min)
    return a if a_max is None else np.minimum(a, a_max)
