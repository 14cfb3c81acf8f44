"""Reshaping, permuting, copying: linear functions that move elements about.

Four primitives (`reshape`, `transpose`, `broadcast_to`, `concatenate`) carry everything else. Results that NumPy makes
as views are linked to their base, so that assignments write through (`optkit.ad.inplace`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from optkit.ad import inplace
from optkit.ad.core import Tracer, primal, unpack_objects
from optkit.ad.primitives import Constant, Linear, unbroadcast
from optkit.ad.registry import FUNCTIONS, composite, linear
from optkit.ad.rules.axes import one_axis
from optkit.ad.rules.elementwise import imag_part, real_part

# --- the primitives ---------------------------------------------------------------------------------------------------

reshape = linear(
    "reshape",
    lambda ct, x, shape: ct.reshape(x.shape),
    impl=lambda x, shape: np.reshape(x, shape),
    tangent=lambda t, args, p, k: np.reshape(t[0], (*p["shape"], k)),
)
transpose = linear(
    "transpose",
    lambda ct, x, axes: np.transpose(ct, np.argsort(axes)),
    impl=lambda x, axes: np.transpose(x, axes),
    tangent=lambda t, args, p, k: np.transpose(t[0], (*p["axes"], len(p["axes"]))),
)


def _broadcast_tangent(t: Any, args: Any, params: Any, k: int) -> Any:
    return np.broadcast_to(t[0], (*params["shape"], k))


broadcast_to = linear(
    "broadcast_to",
    lambda ct, x, shape: unbroadcast(ct, x),
    impl=lambda x, shape: np.broadcast_to(x, shape),
    tangent=_broadcast_tangent,
)


class _Concatenate(Linear):
    """Joins any number of operands; the transpose takes the piece of operand ``i`` out again."""

    __slots__ = ()

    def pull(self, i: int, ct: Any, y: Any, args: Any, params: dict[str, Any]) -> Any:
        axis, start = params["axis"], params["starts"][i]
        return ct[(slice(None),) * axis + (slice(start, start + np.shape(args[i])[axis]),)]


concatenate = _Concatenate(
    "concatenate", lambda *arrays, axis, starts: np.concatenate(arrays, axis), tangent="same"
)
copied = linear(
    "copy", lambda ct, x, order: ct, impl=lambda x, order: np.copy(x, order), tangent="same"
)
cast = linear(
    "astype",
    lambda ct, x, dtype: (
        ct.astype(x.dtype) if np.iscomplexobj(x) or not np.iscomplexobj(ct) else np.real(ct)
    ),
    impl=lambda x, dtype: x.astype(dtype),
    tangent="same",
)
_to_integers = Constant("astype", lambda x, dtype: x.astype(dtype))


# --- views ------------------------------------------------------------------------------------------------------------


inplace.PUT[reshape] = lambda base, value, shape: reshape(value, shape=base.shape)
inplace.PUT[transpose] = lambda base, value, axes: transpose(value, axes=tuple(np.argsort(axes)))


def _view(primitive: Any, x: Any, **params: Any) -> Any:
    """``primitive(x)``, linked to ``x`` as its view."""
    result = primitive(x, **params)
    if isinstance(result, Tracer) and isinstance(x, Tracer):
        inplace.link(result, x, primitive, params)
    return result


def is_traced(x: Any) -> bool:
    """Whether ``x`` is a tracer; unlike isinstance it leaves the type of ``x`` open to mypy."""
    return isinstance(x, Tracer)


def traced(x: Any) -> Any:
    """What NumPy's array functions take: lists of traced values become one."""
    if isinstance(x, Tracer):
        return x
    x = np.asarray(x)
    return unpack_objects(x) if x.dtype.hasobject else x


def reshape_to(x: Any, shape: tuple[int, ...]) -> Any:
    """``x`` in another shape, as a view where NumPy makes one."""
    return _view(reshape, x, shape=shape)


def permute(x: Any, axes: tuple[int, ...]) -> Any:
    """``x`` with its axes permuted, as a view."""
    return _view(transpose, x, axes=axes)


def _order(x: Any, order: str) -> str:
    """In which order to read the elements: "A" and "K" depend on how the array lies in memory."""
    if order in ("C", "F"):
        return order
    flags = np.asarray(primal(x)).flags
    if order in ("A", "K") and (order == "A" or flags.forc):
        return "F" if flags.fnc else "C"
    raise ValueError(
        f"order={order!r} of a traced array that is not contiguous: use order='C' or 'F'"
    )


@composite(np.reshape)
def _np_reshape(
    a: Any, /, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: Any = None
) -> Any:
    x = traced(a)
    shape = newshape if shape is None else shape
    shape = tuple(int(n) for n in shape) if np.iterable(shape) else (int(shape),)
    order = _order(x, order)
    if -1 in shape:
        known = -math.prod(shape)
        rest = x.size // known if known else 0
        shape = tuple(rest if n == -1 else n for n in shape)
    if math.prod(shape) != x.size:
        raise ValueError(f"cannot reshape array of size {x.size} into shape {shape}")
    result = reshape_to(x, shape) if order == "C" else reshape_to(x.T, shape[::-1]).T
    return np.copy(result) if copy else result


@composite(np.ravel)
def _ravel(a: Any, order: str = "C") -> Any:
    x = traced(a)
    order = _order(x, order)
    flags = np.asarray(primal(x)).flags
    contiguous = flags.f_contiguous if order == "F" else flags.c_contiguous
    flat = x.reshape((x.size,), order=order)
    return flat if contiguous else np.copy(flat)  # np.reshape gives more views than np.ravel does.


@composite(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> Any:
    x = traced(a)
    shape = x.shape
    if axis is None:
        return reshape_to(x, tuple(n for n in shape if n != 1))
    axes = {one_axis(i, x.ndim) for i in (axis if np.iterable(axis) else (axis,))}
    if any(shape[i] != 1 for i in axes):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return reshape_to(x, tuple(n for i, n in enumerate(shape) if i not in axes))


@composite(np.expand_dims)
def _expand_dims(a: Any, axis: Any) -> Any:
    x = traced(a)
    axes = tuple(axis) if np.iterable(axis) else (axis,)
    ndim = x.ndim + len(axes)
    places = {one_axis(i, ndim) for i in axes}
    if len(places) != len(axes):
        raise ValueError("repeated axis")
    rest = iter(x.shape)
    return reshape_to(x, tuple(1 if i in places else next(rest) for i in range(ndim)))


def _at_least(ndim: int, shape: Any) -> Any:
    def function(*arrays: Any) -> Any:
        results = [
            x if x.ndim >= ndim else reshape_to(x, shape(*x.shape)) for x in map(traced, arrays)
        ]
        return results[0] if len(results) == 1 else tuple(results)

    return function


FUNCTIONS[np.atleast_1d] = _at_least(1, lambda: (1,))
FUNCTIONS[np.atleast_2d] = _at_least(2, lambda n=1: (1, n))
FUNCTIONS[np.atleast_3d] = _at_least(3, lambda m=1, n=None: (1, m, 1) if n is None else (m, n, 1))


@composite(np.transpose, np.permute_dims)
def _np_transpose(a: Any, axes: Any = None) -> Any:
    x = traced(a)
    if axes is None:
        return permute(x, tuple(range(x.ndim))[::-1])
    axes = tuple(one_axis(i, x.ndim) for i in axes)
    if sorted(axes) != list(range(x.ndim)):
        raise ValueError("axes don't match array")
    return permute(x, axes)


@composite(np.matrix_transpose)
def _matrix_transpose(x: Any, /) -> Any:
    return np.swapaxes(x, -1, -2)


@composite(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    x = traced(a)
    axes = list(range(x.ndim))
    i, j = one_axis(axis1, x.ndim), one_axis(axis2, x.ndim)
    axes[i], axes[j] = j, i
    return permute(x, tuple(axes))


@composite(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    x = traced(a)
    sources = [one_axis(i, x.ndim) for i in (source if np.iterable(source) else (source,))]
    destinations = [
        one_axis(i, x.ndim) for i in (destination if np.iterable(destination) else (destination,))
    ]
    if len(sources) != len(destinations):
        raise ValueError(
            "`source` and `destination` arguments must have the same number of elements"
        )
    axes = [i for i in range(x.ndim) if i not in sources]
    for to, i in sorted(zip(destinations, sources, strict=True)):
        axes.insert(to, i)
    return permute(x, tuple(axes))


@composite(np.rollaxis)
def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    x = traced(a)
    axis = one_axis(axis, x.ndim)
    start = start + x.ndim if start < 0 else start
    return np.moveaxis(x, axis, start - 1 if axis < start else start)


@composite(np.broadcast_to)
def _np_broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    return broadcast_to(traced(array), shape=tuple(shape) if np.iterable(shape) else (shape,))


@composite(np.broadcast_arrays)
def _broadcast_arrays(*arrays: Any, subok: bool = False) -> Any:
    arrays = tuple(map(traced, arrays))
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return tuple(np.broadcast_to(x, shape) for x in arrays)


# --- copies, kinds and constants --------------------------------------------------------------------------------------


@composite(np.copy)
def _np_copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return copied(traced(a), order=order)


@composite(np.astype)
def astype(
    x: Any,
    dtype: Any,
    order: str = "K",
    casting: str = "unsafe",
    subok: bool = True,
    copy: bool = True,
    device: Any = None,
) -> Any:
    """A float or complex array of another precision; to integers and booleans the derivative is zero."""
    dtype = np.dtype(dtype)
    if not copy and dtype == x.dtype:
        return x
    if dtype.kind in "iub":
        return _to_integers(x, dtype=dtype)
    if np.iscomplexobj(x) and dtype.kind == "f":
        x = np.real(x)
    return cast(x, dtype=dtype)


@composite(np.real)
def _real(val: Any) -> Any:
    return _view(real_part, val) if np.iscomplexobj(val) else reshape_to(val, val.shape)


@composite(np.imag)
def _imag(val: Any) -> Any:
    return _view(imag_part, val) if np.iscomplexobj(val) else np.zeros(val.shape, val.dtype)


inplace.PUT[real_part] = lambda base, value: value + 1j * np.imag(base)
inplace.PUT[imag_part] = lambda base, value: np.real(base) + 1j * value


def _filled(make: Any) -> Any:
    def function(a: Any, dtype: Any = None, **options: Any) -> Any:
        return inplace.assignable(
            make(primal(a), a.dtype if dtype is None else dtype, **options), a
        )

    return function


for _make in (np.zeros_like, np.ones_like):
    FUNCTIONS[_make] = _filled(_make)
FUNCTIONS[np.empty_like] = FUNCTIONS[np.zeros_like]


@composite(np.full_like)
def _full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    device: Any = None,
) -> Any:
    filled = np.zeros_like(a, dtype=dtype, shape=shape) if isinstance(a, Tracer) else None
    if filled is None:
        filled = inplace.assignable(np.zeros_like(a, dtype=dtype, shape=shape), fill_value)
    filled[...] = fill_value
    return filled
