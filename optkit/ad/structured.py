"""Forward mode in all directions at once, for functions of which each value depends on few inputs in a known pattern.

The tangent of a value of shape S in k unit directions is an array of shape (S, k), most of it zero: each element of
``x[1:] - x[:-1]`` moves with two directions only. Here it is kept as a sum of *terms*, arrays w of shape S: a *column*
is the tangent in one direction d; a *diagonal* along an axis says that the element with index i there moves with
direction ``d + i``. Products, sums and slices keep that form, so that the Hessian of a function with neighbours only
costs as much as a few of its gradients (the idea of compressed Jacobians, Curtis, Powell & Reid 1974, without a
colouring). What does not keep it gets the full array.

The price is bookkeeping at every operation; so it is used where a function is compiled, and the bookkeeping done once.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import neg
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from optkit.ad.core import is_of
from optkit.ad.forward import DualTracer, ForwardTrace
from optkit.ad.inplace import own
from optkit.ad.primitives import Elementwise, Linear, Nonlinear, Primitive, strong_product
from optkit.ad.rules.index import basic, embed, expanded
from optkit.ad.rules.reduce import sum_along, total
from optkit.ad.rules.shape import broadcast_to, reshape

# More terms than this are no pattern any more.
_MOST = 16

# A column has axis None.
Key = tuple[int | None, int]


class Terms:
    """A tangent as a sum of columns and diagonals."""

    __slots__ = ("parts",)

    def __init__(self, parts: dict[Key, Any]) -> None:
        self.parts = parts

    def add(self, key: Key, w: Any) -> None:
        """Add a term."""
        self.parts[key] = self.parts[key] + w if key in self.parts else w


def _assemble(*parts: Any, shape: tuple[int, ...], places: tuple[Any, ...]) -> Any:
    full = np.zeros(shape, dtype=np.result_type(*parts))
    for w, (start, low, high, strides) in zip(parts, places, strict=True):
        cut = w[tuple(map(slice, low, high))]
        steps = [s * full.itemsize for s in strides]
        as_strided(full.reshape(-1)[start:], cut.shape, steps)[...] += cut
    return full


def _spread(i: int, ct: Any, parts: Any, places: Any) -> Any:
    start, low, high, strides = places[i]
    flat = np.reshape(ct, (-1,))
    size = [h - b for b, h in zip(low, high, strict=True)]
    numbers = start + sum(
        (np.arange(n) * s).reshape(-1, *(1,) * (len(size) - 1 - axis))
        for axis, (n, s) in enumerate(zip(size, strides, strict=True))
    )
    return embed(flat[numbers], shape=np.shape(parts[i]), index=tuple(map(slice, low, high)))


class _Assemble(Linear):
    """Zeros with arrays added along strides: part j of ``places[j] = (start, low, high, strides)``."""

    __slots__ = ()

    def pull(self, i: int, ct: Any, y: Any, args: Any, params: dict[str, Any]) -> Any:
        return _spread(i, ct, args, params["places"])


assemble: Linear = _Assemble("assemble", _assemble)


class StructuredTrace(ForwardTrace):
    """Carries terms along, in ``k`` directions."""

    __slots__ = ()

    k: int

    def lift(self, value: Any) -> DualTracer:
        return DualTracer(value, self, Terms({}))

    def seed(self, value: Any, start: int) -> DualTracer:
        """A tracer whose elements, in order, move with directions ``start``, ``start + 1`` and so on."""
        one = np.ones(np.shape(value), dtype=value.dtype)[()]
        if np.ndim(value) == 0:
            tangent: Any = Terms({(None, start): one})
        elif np.ndim(value) == 1:
            tangent = Terms({(0, start): one})
        else:
            flat = np.eye(value.size, self.k, start, dtype=value.dtype)
            tangent = flat.reshape(*np.shape(value), self.k)
        return DualTracer(value, self, tangent)

    def split(self, y: Any) -> tuple[Any, Any]:
        """The value and the whole tangent of a result; zeros where it was not traced."""
        if not is_of(self, y):
            return own(y), np.zeros((*np.shape(y), self.k), dtype=y.dtype)
        return own(y.value), own(self.whole(y.tangent, y.value))

    def whole(self, tangent: Any, value: Any) -> Any:
        """A tangent as an array with a trailing axis."""
        if not isinstance(tangent, Terms):
            return tangent
        shape = (*np.shape(value), self.k)
        parts = [
            (w, place)
            for key, w in tangent.parts.items()
            if (place := _place(key, np.shape(value), self.k)) is not None
        ]
        if not parts:
            return np.zeros(shape, dtype=value.dtype)
        arrays = [np.broadcast_to(w, np.shape(value)) for w, _ in parts]
        return assemble(*arrays, shape=shape, places=tuple(place for _, place in parts))

    def push(
        self,
        primitive: Primitive,
        y: Any,
        values: Sequence[Any],
        tangents: Sequence[Any],
        params: dict[str, Any],
    ) -> Any:
        if all(t is None or isinstance(t, Terms) for t in tangents):
            found = self._push_terms(primitive, y, values, tangents, params)
            if found is not None:
                return found if len(found.parts) <= _MOST else self.whole(found, y)
        whole = [
            None if t is None else self.whole(t, v) for t, v in zip(tangents, values, strict=True)
        ]
        return primitive.push(y, values, whole, params, self.k)

    def _push_terms(
        self,
        primitive: Primitive,
        y: Any,
        values: Sequence[Any],
        tangents: Sequence[Any],
        params: dict[str, Any],
    ) -> Terms | None:
        """The tangent of the result in terms; None where it has not that form."""
        if isinstance(primitive, Elementwise):
            return _elementwise(primitive, y, values, tangents)
        if len(values) == 1 and primitive in _MOVES:
            (tangent,) = tangents
            made = Terms({})
            for key, w in tangent.parts.items():
                moved = _MOVES[primitive](key, values[0], params)
                if moved is None:
                    return None
                made.add(moved, primitive(w, **params))
            return made
        columns = [t for t in tangents if t is not None]
        if isinstance(primitive, Linear | Nonlinear) and not isinstance(y, tuple):
            keys = dict.fromkeys(key for t in columns for key in t.parts)
            if len(keys) <= _MOST and all(axis is None for axis, _ in keys):
                made = Terms({})
                for key in keys:
                    one = [
                        None
                        if t is None or key not in t.parts
                        else np.broadcast_to(t.parts[key], np.shape(v))
                        for t, v in zip(tangents, values, strict=True)
                    ]
                    made.add(key, primitive.push(y, values, one, params, None))
                return made
        return None


def _place(key: Key, shape: tuple[int, ...], k: int) -> Any:
    """Where in the flat array of shape (shape, k) a term goes: start, bounds of what fits, strides; None if nothing."""
    axis, direction = key
    strides = [k] * len(shape)
    for i in range(len(shape) - 2, -1, -1):
        strides[i] = strides[i + 1] * shape[i + 1]
    low, high = [0] * len(shape), list(shape)
    if axis is None:
        return (direction, tuple(low), tuple(high), tuple(strides)) if 0 <= direction < k else None
    low[axis], high[axis] = max(0, -direction), min(shape[axis], k - direction)
    if low[axis] >= high[axis]:
        return None
    start = direction + low[axis] * (strides[axis] + 1)
    strides[axis] += 1
    return start, tuple(low), tuple(high), tuple(strides)


def _elementwise(
    primitive: Elementwise, y: Any, values: Sequence[Any], tangents: Sequence[Any]
) -> Terms:
    made = Terms({})
    assert primitive.partials is not None
    for partial, tangent, x in zip(primitive.partials, tangents, values, strict=True):
        if tangent is None or not tangent.parts:
            continue
        slope = partial(y, *values) if partial not in (None, neg) and partial is not None else None
        for (axis, direction), w in tangent.parts.items():
            key: Key = (axis, direction)
            if axis is not None:
                there = axis + np.ndim(y) - np.ndim(x)
                stretched = np.shape(x)[axis] == 1 and np.shape(y)[there] != 1
                key = (None, direction) if stretched else (there, direction)
            term = w if partial is None else -w if partial is neg else strong_product(w, slope)
            made.add(
                key, term if np.shape(term) == np.shape(y) else np.broadcast_to(term, np.shape(y))
            )
    return made


def _moved_by_index(key: Key, x: Any, params: dict[str, Any]) -> Key | None:
    axis, direction = key
    if axis is None:
        return key
    source = target = 0
    for part in expanded(params["index"], np.ndim(x)):
        if part is None:
            target += 1
            continue
        if source == axis:
            n = np.shape(x)[axis]
            if not isinstance(part, slice):
                return None, direction + int(part) % n
            start, _, step = part.indices(n)
            return (target, direction + start) if step == 1 else None
        source += 1
        target += isinstance(part, slice)
    raise AssertionError("an axis behind the index")


def _moved_by_embed(key: Key, _v: Any, params: dict[str, Any]) -> Key | None:
    axis, direction = key
    if axis is None:
        return key
    inner = outer = 0
    for part in expanded(params["index"], len(params["shape"])):
        if part is None:
            inner += 1
            continue
        if isinstance(part, slice):
            if inner == axis:
                start, _, step = part.indices(params["shape"][outer])
                return (outer, direction - start) if step == 1 else None
            inner += 1
        outer += 1
    return None


def _moved_by_sum(key: Key, x: Any, params: dict[str, Any]) -> Key | None:
    axis, direction = key
    if axis is None:
        return key
    axes = params.get("axis", tuple(range(np.ndim(x))))
    if axis in axes:
        return None
    return (axis if params.get("keepdims") else axis - sum(a < axis for a in axes)), direction


def _moved_by_shape(key: Key, x: Any, params: dict[str, Any]) -> Key | None:
    """By a reshape that adds or drops axes of length 1, or by broadcasting to more axes."""
    axis, direction = key
    if axis is None:
        return key
    old, new = np.shape(x), tuple(params["shape"])
    if [n for n in old if n != 1] != [n for n in new if n != 1] or old[axis] == 1:
        return None
    rank = sum(n != 1 for n in old[:axis])
    return [i for i, n in enumerate(new) if n != 1][rank], direction


def _moved_by_broadcast(key: Key, x: Any, params: dict[str, Any]) -> Key | None:
    axis, direction = key
    if axis is None:
        return key
    there = axis + len(params["shape"]) - np.ndim(x)
    if np.shape(x)[axis] == 1 and params["shape"][there] != 1:
        return None, direction
    return there, direction


_MOVES: dict[Primitive, Any] = {
    basic: _moved_by_index,
    embed: _moved_by_embed,
    total: _moved_by_sum,
    sum_along: _moved_by_sum,
    reshape: _moved_by_shape,
    broadcast_to: _moved_by_broadcast,
}
