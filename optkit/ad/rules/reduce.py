"""Reductions and cumulative functions, along any axes."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from optkit.ad.core import Tracer, is_taken_apart
from optkit.ad.primitives import pulled_product, strong_product
from optkit.ad.registry import composite, linear, nonlinear
from optkit.ad.rules.axes import (
    all_axes,
    is_default,
    keeps,
    one_axis,
    recent,
    ufunc_axes,
    without_out,
)
from optkit.ad.rules.shape import is_traced, traced


def expand(ct: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """A reduced value with its axes back as ones, ready to broadcast against ``x``."""
    if keepdims or not np.ndim(x):
        return ct
    return np.reshape(ct, tuple(1 if i in axis else n for i, n in enumerate(np.shape(x))))


# --- sum --------------------------------------------------------------------------------------------------------------


def _spread(ct: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    if isinstance(ct, Tracer):
        return np.broadcast_to(expand(ct, x, axis, keepdims), x.shape)
    filled = np.empty(x.shape, dtype=ct.dtype)
    filled[...] = ct if ct.shape == () else expand(ct, x, axis, keepdims)
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
        y = sum_along(x, axis=ufunc_axes(axis, x.ndim), keepdims=keeps(keepdims))
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


def _deviations(x: Any, axis: tuple[int, ...], ddof: float) -> Any:
    """The partial derivatives of the variance: 2 (x − mean) / (n − ddof)."""
    count = math.prod(np.shape(x)[i] for i in axis)
    return (x - np.mean(x, axis=axis, keepdims=True)) * (2 / (count - ddof))


def _variance_jvp(tangents: Any, y: Any, x: Any, axis: Any, keepdims: bool, ddof: float) -> Any:
    terms = strong_product(tangents[0], _deviations(x, axis, ddof))
    return np.sum(terms, axis=tuple(i - np.ndim(x) for i in axis), keepdims=keepdims)


_variance = nonlinear(
    "var",
    impl=lambda x, axis, keepdims, ddof: np.var(x, axis=axis, keepdims=keepdims, ddof=ddof),
    jvp=_variance_jvp,
    vjp=lambda ct, y, x, axis, keepdims, ddof: pulled_product(
        expand(ct, x, axis, keepdims), _deviations(x, axis, ddof)
    ),
    leading=True,
)


@composite(np.var)
def _var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False, *,
    where: Any = True, mean: Any = np._NoValue, correction: Any = np._NoValue,
) -> Any:  # fmt: skip
    x = traced(a)
    spread = ddof if is_default(correction) else correction
    if (
        is_default(mean)
        and dtype is None
        and where is True
        and x.dtype.kind == "f"
        and not is_traced(spread)
        and not is_taken_apart(x)
    ):
        axes = all_axes(axis, x.ndim)
        count = math.prod(x.shape[i] for i in axes)
        if count > max(spread, 1):
            without_out(out, "var")
            return _variance(x, axis=axes, keepdims=keeps(keepdims), ddof=spread)
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
    return _average(total, x, axis, keepdims, where, spread)


@composite(np.std)
def _std(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False,
         **options: Any) -> Any:  # fmt: skip
    return np.sqrt(
        np.var(a, axis=axis, dtype=dtype, out=out, ddof=ddof, keepdims=keepdims, **options)
    )


# --- max, min ---------------------------------------------------------------------------------------------------------


def _shares(y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """Which elements attain the extremum, each with its share; NaN where the extremum is NaN."""
    top = expand(y, x, axis, keepdims)
    attained = np.equal(x, top)
    share = attained / np.sum(attained, axis=axis, keepdims=True)
    return share.astype(np.result_type(x))


def _extremum_jvp(tangents: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    terms = strong_product(tangents[0], _shares(y, x, axis, keepdims))
    return np.sum(terms, axis=tuple(i - np.ndim(x) for i in axis), keepdims=keepdims)


def _extremum_vjp(ct: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    if type(x) is np.ndarray:  # As below, in fewer passes over the memory.
        attained = np.equal(x, expand(y, x, axis, keepdims))
        count = np.count_nonzero(attained, axis=axis, keepdims=True)
        if np.all(count):
            share = expand(ct, x, axis, keepdims) / count.astype(x.dtype)
            return pulled_product(share, attained)
    return pulled_product(expand(ct, x, axis, keepdims), _shares(y, x, axis, keepdims))


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
        y = primitive(x, axis=ufunc_axes(axis, x.ndim), keepdims=keeps(keepdims))
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
    if axis is None or (not x.ndim and axis in (0, -1)):  # NumPy takes a number for a vector here.
        x, axis = np.ravel(x), 0
    return _cumsum(x, axis=one_axis(axis, x.ndim))


_TINY = 1e-30  # Far above the smallest numbers, so that no product has lost digits by underflow.


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


def other_products(x: Any, axis: tuple[int, ...], product: Any = None) -> Any:
    """For each element the product of all others along the axes: the partial derivatives of a ``product``.

    That of all elements is computed where it is not given (with the axes as ones).
    """
    if not np.size(x):
        return x
    if type(x) is np.ndarray:
        if product is None:
            product = np.prod(x, axis=axis, keepdims=True)
        size = np.abs(product)
        if np.all((size > _TINY) & (size < math.inf)):
            return product / x  # Nothing is zero or infinite.
    order = axis + tuple(i for i in range(np.ndim(x)) if i not in axis)
    front = np.transpose(x, order)
    rows = np.reshape(front, (-1, *np.shape(front)[len(axis) :]))
    others = _prefix_products(rows) * _prefix_products(rows[::-1])[::-1]
    return np.transpose(np.reshape(others, np.shape(front)), np.argsort(order))


def _prod_jvp(tangents: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    others = other_products(x, axis, expand(y, x, axis, keepdims))
    terms = strong_product(tangents[0], others)
    return np.sum(terms, axis=tuple(i - np.ndim(x) for i in axis), keepdims=keepdims)


_prod = nonlinear(
    "prod",
    impl=lambda x, axis, keepdims: np.prod(x, axis=axis, keepdims=keepdims),
    jvp=_prod_jvp,
    vjp=lambda ct, y, x, axis, keepdims: pulled_product(
        expand(ct, x, axis, keepdims), other_products(x, axis, expand(y, x, axis, keepdims))
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
    y = _prod(x, axis=ufunc_axes(axis, x.ndim), keepdims=keeps(keepdims))
    return (
        y if initial is np._NoValue or (isinstance(initial, int) and initial == 1) else y * initial
    )


@composite(np.cumprod)
def _cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    without_out(out, "cumprod")
    x = _masked(a, dtype, True, 1)
    if axis is None or (not x.ndim and axis in (0, -1)):
        x, axis = np.ravel(x), 0
    front = np.moveaxis(x, axis, 0)
    products = (
        _prefix_products(np.concatenate([front, np.ones_like(front[:1])]))[1:]
        if x.size
        else np.copy(front)
    )
    return np.moveaxis(products, 0, axis)


def _cumulative(name: str, plain: Any, neutral: int) -> None:
    """One of the cumulative functions of the array API standard."""

    def replacement(
        x: Any,
        /,
        *,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        include_initial: bool = False,
    ) -> Any:
        without_out(out, name)
        x = traced(x)
        x = x if x.ndim else np.reshape(x, (1,))
        if axis is None:
            if x.ndim > 1:
                raise ValueError(
                    "For arrays which have more than one dimension ``axis`` argument is required."
                )
            axis = 0
        axis = one_axis(axis, x.ndim)
        y = plain(x, axis=axis, dtype=dtype)
        if not include_initial:
            return y
        first = np.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), neutral, y.dtype)
        return np.concatenate([first, y], axis=axis)

    composite(*recent(name))(replacement)


_cumulative("cumulative_sum", np.cumsum, 0)
_cumulative("cumulative_prod", np.cumprod, 1)
