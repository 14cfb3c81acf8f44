"""Reductions and cumulative functions, along any axes."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from optkit.ad.core import Tracer
from optkit.ad.registry import composite, linear, nonlinear, strong_product
from optkit.ad.rules.axes import all_axes, is_default, keeps, one_axis, without_out
from optkit.ad.rules.shape import traced


def _expand(ct: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """A reduced value with its axes back as ones, ready to broadcast against ``x``."""
    if keepdims or not np.ndim(x):
        return ct
    return np.reshape(ct, tuple(1 if i in axis else n for i, n in enumerate(np.shape(x))))


# --- sum --------------------------------------------------------------------------------------------------------------


def _spread(ct: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    if isinstance(ct, Tracer):
        return np.broadcast_to(_expand(ct, x, axis, keepdims), x.shape)
    filled = np.empty(x.shape, dtype=ct.dtype)
    filled[...] = ct if ct.shape == () else _expand(ct, x, axis, keepdims)
    return filled


_add_up: Any = np.add.reduce

sum_along = linear(
    "sum",
    _spread,
    impl=lambda x, axis, keepdims: _add_up(x, axis, None, None, keepdims),
    tangent="same",
)

# The sum over all elements: by far the most frequent one, so the sweep carries its cotangent by itself.
total = linear(
    "total",
    lambda ct, x: np.broadcast_to(ct, x.shape),
    impl=partial(_add_up, axis=None),
    tangent=lambda t, args, params, k: np.sum(t[0], axis=tuple(range(np.ndim(args[0])))),
)


def _masked(x: Any, dtype: Any, where: Any, neutral: float) -> Any:
    """The operand of a reduction, with ``dtype=`` and ``where=`` applied."""
    x = traced(x)
    if dtype is not None:
        x = x.astype(dtype)
    return x if where is True or is_default(where) else np.where(where, x, neutral)


@composite(np.sum)
def _np_sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = 0,
    where: Any = True,
) -> Any:
    if out is not None:
        without_out(out, "sum")
    x: Any = (
        a
        if where is True and dtype is None and isinstance(a, Tracer)
        else _masked(a, dtype, where, 0)
    )
    if axis is None and not keeps(keepdims):
        y = total(x)
    else:
        y = sum_along(x, axis=all_axes(axis, x.ndim), keepdims=keeps(keepdims))
    return (
        y if initial is np._NoValue or (isinstance(initial, int) and initial == 0) else y + initial
    )


def _average(total: Any, x: Any, axis: Any, keepdims: Any, where: Any, ddof: float = 0) -> Any:
    """``total`` over the number of elements of ``x`` that went into each of its entries, less ``ddof``."""
    if where is True or is_default(where):
        return np.divide(
            total, max(math.prod(x.shape[i] for i in all_axes(axis, x.ndim)) - ddof, 0)
        )
    n = np.sum(np.broadcast_to(where, x.shape), axis=axis, keepdims=keeps(keepdims))
    return np.divide(total, np.maximum(n - ddof, 0).astype(total.dtype))


@composite(np.mean)
def _mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = True,
) -> Any:
    x = traced(a)
    total = np.sum(x, axis=axis, dtype=dtype, out=out, keepdims=keepdims, where=where)
    return _average(total, x, axis, keepdims, where)


@composite(np.var)
def _var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False, *,
    where: Any = True, mean: Any = np._NoValue, correction: Any = np._NoValue,
) -> Any:  # fmt: skip
    x = traced(a)
    center = (
        np.mean(x, axis=axis, dtype=dtype, keepdims=True, where=where) if is_default(mean) else mean
    )
    deviation = x - center
    squares = (
        np.square(deviation)
        if not np.iscomplexobj(x)
        else np.square(deviation.real) + np.square(deviation.imag)
    )
    total = np.sum(squares, axis=axis, dtype=dtype, out=out, keepdims=keepdims, where=where)
    return _average(total, x, axis, keepdims, where, ddof if is_default(correction) else correction)


@composite(np.std)
def _std(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False,
         **options: Any) -> Any:  # fmt: skip
    return np.sqrt(
        np.var(a, axis=axis, dtype=dtype, out=out, ddof=ddof, keepdims=keepdims, **options)
    )


# --- max, min ---------------------------------------------------------------------------------------------------------


def _shares(y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """Which elements attain the extremum, each with its share; NaN where the extremum is NaN."""
    top = _expand(y, x, axis, keepdims)
    attained = np.equal(x, top)
    share = attained / np.sum(attained, axis=axis, keepdims=True)
    return share.astype(np.result_type(x))


def _extremum_jvp(tangents: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    terms = strong_product(tangents[0], _shares(y, x, axis, keepdims))
    return np.sum(terms, axis=tuple(i - np.ndim(x) for i in axis), keepdims=keepdims)


def _extremum_vjp(ct: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    return strong_product(_expand(ct, x, axis, keepdims), _shares(y, x, axis, keepdims))


# The primitives of np.max and np.min.
EXTREMA: dict[Any, Any] = {}


def _extremum(function: Any, alias: Any) -> Any:
    primitive = nonlinear(
        function.__name__,
        impl=lambda x, axis, keepdims: function(x, axis=axis, keepdims=keepdims),
        jvp=_extremum_jvp,
        vjp=_extremum_vjp,
        leading=True,
    )
    EXTREMA[function] = primitive
    pairwise, least = (np.maximum, -math.inf) if function is np.max else (np.minimum, math.inf)

    def replacement(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        without_out(out, function.__name__)
        if is_default(initial) and not (where is True or is_default(where)):
            raise ValueError("reduction operation with a where mask needs an initial value")
        x = _masked(a, None, where, least)
        if not x.size and not is_default(initial):
            return np.sum(x, axis=axis, keepdims=keepdims, initial=initial)
        y = primitive(x, axis=all_axes(axis, x.ndim), keepdims=keeps(keepdims))
        return y if is_default(initial) else pairwise(y, initial)

    composite(function, alias)(replacement)


for _function, _alias in ((np.max, np.amax), (np.min, np.amin)):
    _extremum(_function, _alias)


@composite(np.ptp)
def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return np.subtract(
        np.max(a, axis=axis, out=out, keepdims=keepdims), np.min(a, axis=axis, keepdims=keepdims)
    )


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
    products = np.concatenate([np.ones_like(x[:1]), x[:-1]])
    step = 1
    while step < n:
        products = np.concatenate([products[:step], products[step:] * products[:-step]])
        step *= 2
    return products


def other_products(x: Any, axis: tuple[int, ...]) -> Any:
    """For each element the product of all others along the axes: the partial derivatives of a product."""
    if not np.size(x):
        return x
    order = axis + tuple(i for i in range(np.ndim(x)) if i not in axis)
    front = np.transpose(x, order)
    rows = np.reshape(front, (-1, *np.shape(front)[len(axis) :]))
    others = _prefix_products(rows) * _prefix_products(rows[::-1])[::-1]
    return np.transpose(np.reshape(others, np.shape(front)), np.argsort(order))


def _prod_jvp(tangents: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    terms = strong_product(tangents[0], other_products(x, axis))
    return np.sum(terms, axis=tuple(i - np.ndim(x) for i in axis), keepdims=keepdims)


_prod = nonlinear(
    "prod",
    impl=lambda x, axis, keepdims: np.prod(x, axis=axis, keepdims=keepdims),
    jvp=_prod_jvp,
    vjp=lambda ct, y, x, axis, keepdims: strong_product(
        _expand(ct, x, axis, keepdims), other_products(x, axis)
    ),
    leading=True,
)


@composite(np.prod)
def _np_prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = 1,
    where: Any = True,
) -> Any:
    without_out(out, "prod")
    x = _masked(a, dtype, where, 1)
    y = _prod(x, axis=all_axes(axis, x.ndim), keepdims=keeps(keepdims))
    return (
        y if initial is np._NoValue or (isinstance(initial, int) and initial == 1) else y * initial
    )


@composite(np.cumprod)
def _cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    without_out(out, "cumprod")
    x = _masked(a, dtype, True, 1)
    if axis is None:
        x, axis = np.ravel(x), 0
    front = np.moveaxis(x, axis, 0)
    products = (
        _prefix_products(np.concatenate([front, np.ones_like(front[:1])]))[1:]
        if x.size
        else np.copy(front)
    )
    return np.moveaxis(products, 0, axis)


@composite(np.diff)
def _diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue
) -> Any:
    x = traced(a)
    axis = one_axis(axis, x.ndim)
    ends = [None if is_default(end) else traced(end) for end in (prepend, append)]
    one = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    ends = [
        None if end is None else np.broadcast_to(end, one) if not end.ndim else end for end in ends
    ]
    if any(end is not None for end in ends):
        x = np.concatenate([part for part in (ends[0], x, ends[1]) if part is not None], axis=axis)
    before = (slice(None),) * axis
    for _ in range(n):
        x = x[(*before, slice(1, None))] - x[(*before, slice(None, -1))]
    return x
