"""Reductions and cumulative functions, along any axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from optkit.ad.core import Tracer
from optkit.ad.registry import composite, linear, nonlinear
from optkit.ad.rules.axes import all_axes, is_default, one_axis, without_out
from optkit.ad.rules.shape import traced
from optkit.errors import NotDifferentiableError


def _expand(ct: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """A reduced value with its axes back as ones, ready to broadcast against ``x``."""
    if keepdims or not np.ndim(x):
        return ct
    return np.reshape(ct, tuple(1 if i in axis else n for i, n in enumerate(np.shape(x))))


# --- sum --------------------------------------------------------------------------------------------------------------


def _spread(ct: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    if isinstance(ct, Tracer):
        return np.broadcast_to(_expand(ct, x, axis, keepdims), x.shape)
    filled = np.empty(np.shape(x), dtype=ct.dtype)
    filled[...] = _expand(ct, x, axis, keepdims) if np.ndim(ct) else ct
    return filled


_sum = linear(
    "sum",
    _spread,
    impl=lambda x, axis, keepdims: np.sum(x, axis=axis, keepdims=keepdims),
    tangent="same",
)


def _masked(x: Any, dtype: Any, where: Any, neutral: float) -> Any:
    """The operand of a reduction, with ``dtype=`` and ``where=`` applied."""
    x = traced(x)
    if dtype is not None:
        x = x.astype(dtype)
    return x if where is True or is_default(where) else np.where(where, x, neutral)


@composite(np.sum)
def _np_sum(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = 0, where: Any = True
) -> Any:
    without_out(out, "sum")
    x = _masked(a, dtype, where, 0)
    total = _sum(x, axis=all_axes(axis, x.ndim), keepdims=keepdims is True)
    return total if is_default(initial) or (not isinstance(initial, Tracer) and np.all(initial == 0)) else total + initial


def _count(x: Any, axis: Any, where: Any) -> Any:
    """How many elements go into each entry of a reduction over ``axis``."""
    if where is True or is_default(where):
        return math.prod(x.shape[i] for i in all_axes(axis, x.ndim))
    return np.sum(np.broadcast_to(where, x.shape), axis=axis)


@composite(np.mean)
def _mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Any:
    x = traced(a)
    n = _count(x, axis, where)
    if keepdims is True and np.ndim(n):
        n = np.expand_dims(n, all_axes(axis, x.ndim))
    return np.divide(np.sum(x, axis=axis, dtype=dtype, out=out, keepdims=keepdims, where=where), n)


@composite(np.var)
def _var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False, *,
    where: Any = True, mean: Any = np._NoValue, correction: Any = np._NoValue,
) -> Any:  # fmt: skip
    x = traced(a)
    ddof = ddof if is_default(correction) else correction
    center = np.mean(x, axis=axis, dtype=dtype, keepdims=True, where=where) if is_default(mean) else mean
    deviation = x - center
    squares = np.square(deviation) if not np.iscomplexobj(x) else np.square(deviation.real) + np.square(deviation.imag)
    total = np.sum(squares, axis=axis, dtype=dtype, out=out, keepdims=keepdims, where=where)
    n = _count(x, axis, where)
    if keepdims is True and np.ndim(n):
        n = np.expand_dims(n, all_axes(axis, x.ndim))
    return np.divide(total, np.maximum(n - ddof, 0) if np.ndim(n) else max(n - ddof, 0))


@composite(np.std)
def _std(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False,
         **options: Any) -> Any:  # fmt: skip
    return np.sqrt(np.var(a, axis=axis, dtype=dtype, out=out, ddof=ddof, keepdims=keepdims, **options))


# --- max, min ---------------------------------------------------------------------------------------------------------


def _shares(y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """Which elements attain the extremum, each with its share; NaN where the extremum is NaN."""
    top = _expand(y, x, axis, keepdims)
    attained = np.equal(x, top)
    share = attained / np.sum(attained, axis=axis, keepdims=True)
    return share.astype(np.result_type(getattr(x, "dtype", x)), copy=False) if isinstance(share, np.ndarray) else share


def _extremum_jvp(tangents: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    lead = np.ndim(tangents[0]) - np.ndim(x)
    return np.sum(
        np.where(np.equal(_shares(y, x, axis, keepdims), 0), 0, _shares(y, x, axis, keepdims) * tangents[0]),
        axis=tuple(i + lead for i in axis),
        keepdims=keepdims,
    )


def _extremum_vjp(ct: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    shares = _shares(y, x, axis, keepdims)
    return np.where(np.equal(shares, 0), 0, shares * _expand(ct, x, axis, keepdims))


def _extremum(function: Any) -> Any:
    primitive = nonlinear(
        function.__name__,
        impl=lambda x, axis, keepdims: function(x, axis=axis, keepdims=keepdims),
        jvp=_extremum_jvp,
        vjp=_extremum_vjp,
        leading=True,
    )
    pairwise = np.maximum if function is np.max else np.minimum

    def replacement(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True
    ) -> Any:
        without_out(out, function.__name__)
        if is_default(initial) and not (where is True or is_default(where)):
            raise ValueError("reduction operation with a where mask needs an initial value")
        x = _masked(a, None, where, 0 if is_default(initial) else initial)
        if not x.size and not is_default(initial):
            x = np.append(np.ravel(x), initial) if axis is None else x
        y = primitive(x, axis=all_axes(axis, x.ndim), keepdims=keepdims is True)
        return y if is_default(initial) else pairwise(y, initial)

    composite(function)(replacement)


for _function in (np.max, np.min):
    _extremum(_function)


@composite(np.ptp)
def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return np.subtract(np.max(a, axis=axis, out=out, keepdims=keepdims), np.min(a, axis=axis, keepdims=keepdims))


# --- prod, cumulative functions ---------------------------------------------------------------------------------------


def _reverse_cumsum(ct: Any, x: Any, axis: int) -> Any:
    turn = (slice(None),) * axis + (slice(None, None, -1),)
    return np.cumsum(ct[turn], axis=axis)[turn]


_cumsum = linear(
    "cumsum", _reverse_cumsum, impl=lambda x, axis: np.cumsum(x, axis=axis), tangent="same"
)


@composite(np.cumsum)
def _np_cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    without_out(out, "cumsum")
    x = _masked(a, dtype, True, 0)
    if axis is None:
        x, axis = np.ravel(x), 0
    return _cumsum(x, axis=one_axis(axis, x.ndim))


def _prefix_products(x: Any) -> Any:
    """Products of all elements before each one along the first axis, in ⌈log₂ n⌉ vectorised steps.

    They use products alone, no quotients, so zeros are no special case at any order of differentiation.
    """
    n = len(x)
    ones = np.ones(x.shape[1:])[None]
    products = np.concatenate([ones, x[:-1]])
    step = 1
    while step < n:
        products = np.concatenate([products[:step], products[step:] * products[:-step]])
        step *= 2
    return products


def _others(x: Any, axis: int) -> Any:
    """The product of all other elements along ``axis``: the partial derivatives of a product."""
    front = np.moveaxis(x, axis, 0)
    return np.moveaxis(_prefix_products(front) * _prefix_products(front[::-1])[::-1], 0, axis)


_prod = nonlinear(
    "prod",
    impl=lambda x, axis: np.prod(x, axis=axis),
    jvp=lambda t, y, x, axis: np.sum(_others(x, axis) * t[0], axis=axis - np.ndim(x)),
    vjp=lambda ct, y, x, axis: _others(x, axis) * np.expand_dims(ct, axis),
    leading=True,
)


@composite(np.prod)
def _np_prod(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = 1, where: Any = True
) -> Any:
    without_out(out, "prod")
    x = _masked(a, dtype, where, 1)
    axes = all_axes(axis, x.ndim)
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape) if keepdims is True or i not in axes)
    flat = np.transpose(x, axes + rest).reshape(-1, *(x.shape[i] for i in rest)) if x.size else x
    y = _prod(flat, axis=0).reshape(shape) if x.size else np.ones(shape)
    return y if is_default(initial) or (not isinstance(initial, Tracer) and np.all(initial == 1)) else y * initial


@composite(np.cumprod)
def _cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    without_out(out, "cumprod")
    x = _masked(a, dtype, True, 1)
    if axis is None:
        x, axis = np.ravel(x), 0
    front = np.moveaxis(x, axis, 0)
    if not len(front):
        raise NotDifferentiableError("np.cumprod of an empty traced array: nothing to multiply")
    return np.moveaxis(_prefix_products(np.concatenate([front, np.ones_like(front[:1])]))[1:], 0, axis)


@composite(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue) -> Any:
    x = traced(a)
    axis = one_axis(axis, x.ndim)
    ends = [None if is_default(end) else traced(end) for end in (prepend, append)]
    one = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    ends = [None if end is None else np.broadcast_to(end, one) if not end.ndim else end for end in ends]
    if any(end is not None for end in ends):
        x = np.concatenate([part for part in (ends[0], x, ends[1]) if part is not None], axis=axis)
    before = (slice(None),) * axis
    for _ in range(n):
        x = x[(*before, slice(1, None))] - x[(*before, slice(None, -1))]
    return x
