"""Sorting and selecting: the elements that NumPy picks, with the derivative of a permutation.

Where elements are tied, the order of a stable sort decides whose slope is whose. Which elements a quantile is made of
depends on their ranks only, so NumPy is asked for the quantile of the ranks: that is the place, perhaps between two
elements, at which the sorted data are read, for every ``method=`` alike.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from optkit.ad.core import reveal
from optkit.ad.primitives import Constant
from optkit.ad.registry import composite
from optkit.ad.rules.axes import all_axes, keeps, without_out
from optkit.ad.rules.elementwise import plain
from optkit.ad.rules.questions import argsort
from optkit.ad.rules.shape import is_traced, traced
from optkit.errors import NotDifferentiableError


def _sorted(a: Any, axis: Any, places: Any) -> Any:
    """``a`` with its elements along an axis (None: all of them) in the order that ``places(a, axis)`` gives."""
    x = traced(a)
    if axis is None:
        x, axis = np.ravel(x), -1
    return np.take_along_axis(x, places(x, axis), axis)


def _without_order(order: Any, name: str) -> None:
    if order is not None:
        raise ValueError(f"np.{name}: a traced array has no fields to order by")


@composite(np.sort)
def _sort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    _without_order(order, "sort")
    return _sorted(a, axis, lambda x, axis: np.argsort(x, axis=axis, kind="stable"))


@composite(np.partition)
def _partition(
    a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
) -> Any:
    _without_order(order, "partition")
    return _sorted(a, axis, lambda x, axis: np.argpartition(x, kth, axis=axis))


@composite(np.sort_complex)
def _sort_complex(a: Any) -> Any:
    x = np.sort(traced(a))
    return x if np.iscomplexobj(x) else x.astype(np.complex128)


# --- sets -------------------------------------------------------------------------------------------------------------


@composite(np.unique)
def _unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: Any = None, **options: Any,
) -> Any:  # fmt: skip
    """Of elements that are equal the first one stands for all."""
    x = traced(ar)
    plain_unique: Any = np.unique
    _, index, *rest = plain_unique(
        reveal(x), return_index=True, return_inverse=return_inverse, return_counts=return_counts,
        axis=axis, **options,
    )  # fmt: skip
    values = np.ravel(x)[index] if axis is None else np.take(x, index, axis=axis)
    extra = [index] * return_index + rest
    return (values, *extra) if extra else values


@composite(np.unique_values)
def _unique_values(x: Any) -> Any:
    # In the order that NumPy gives them, which need not be sorted.
    values, index = np.unique_values(reveal(traced(x))), np.unique(x, True, equal_nan=False)[1]
    return np.ravel(traced(x))[index[np.argsort(np.argsort(values, kind="stable"))]]


class _Counts(NamedTuple):
    values: Any
    counts: Any


class _Inverse(NamedTuple):
    values: Any
    inverse_indices: Any


class _All(NamedTuple):
    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


@composite(np.unique_counts)
def _unique_counts(x: Any) -> Any:
    return _Counts(*np.unique(x, return_counts=True, equal_nan=False))


@composite(np.unique_inverse)
def _unique_inverse(x: Any) -> Any:
    return _Inverse(*np.unique(x, return_inverse=True, equal_nan=False))


@composite(np.unique_all)
def _unique_all(x: Any) -> Any:
    return _All(
        *np.unique(x, return_index=True, return_inverse=True, return_counts=True, equal_nan=False)
    )


def _distinct(x: Any, assume_unique: bool) -> Any:
    return np.ravel(traced(x)) if assume_unique else np.unique(x)


@composite(np.union1d)
def _union1d(ar1: Any, ar2: Any) -> Any:
    return np.unique(np.concatenate([traced(ar1), traced(ar2)], axis=None))


@composite(np.setdiff1d)
def _setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    x = _distinct(ar1, assume_unique)
    return x[np.isin(reveal(x), reveal(traced(ar2)), invert=True)]


@composite(np.setxor1d)
def _setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    a, b = _distinct(ar1, assume_unique), _distinct(ar2, assume_unique)
    return np.sort(np.concatenate([np.setdiff1d(a, b, True), np.setdiff1d(b, a, True)]))


@composite(np.intersect1d)
def _intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False
) -> Any:
    a, b = np.ravel(traced(ar1)), traced(ar2)
    _, places, others = np.intersect1d(reveal(a), reveal(b), assume_unique, return_indices=True)
    return (a[places], places, others) if return_indices else a[places]


# --- quantiles --------------------------------------------------------------------------------------------------------

# How fast the place of a quantile moves with q, as n + 1 − α − β, in the methods of Hyndman & Fan 1996, "Sample
# quantiles in statistical packages"; in the others it jumps.
_MOVING = {
    "linear": 2.0,
    "hazen": 1.0,
    "weibull": 0.0,
    "interpolated_inverted_cdf": 1.0,
    "median_unbiased": 2.0 / 3.0,
    "normal_unbiased": 0.75,
}


def _flattened(a: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """``a`` with the chosen axes as the last one, and its shape with ones in their place."""
    x = traced(a)
    axes = all_axes(axis, x.ndim)
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    front = np.transpose(x, rest + axes)
    size = math.prod(x.shape[i] for i in axes)
    return np.reshape(front, (*(x.shape[i] for i in rest), size)), kept


def _ranks(x: Any) -> Any:
    """For each element its place among the sorted ones along the last axis; NaN for NaN."""
    ranks = np.argsort(argsort(x, axis=-1, kind="stable"), axis=-1).astype(float)
    ranks[np.isnan(x)] = np.nan
    return ranks


# The places at which the sorted data are read for a median, and for quantiles (in the last axis, levels flattened).
_middle = Constant("middle", lambda x, function: np.asarray(function(_ranks(x), axis=-1)))


def _places_impl(x: Any, q: Any, function: Any, **options: Any) -> Any:
    places = np.asarray(function(_ranks(x), q, axis=-1, **options))
    front = np.ndim(q)
    return np.reshape(
        np.moveaxis(places, range(front), range(-front, 0)), (*x.shape[:-1], np.size(q))
    )


_places = Constant("places", _places_impl)


def _read(x: Any, places: Any, motion: Any = None) -> Any:
    """The sorted elements at ``places`` along the last axis; between two of them by linear interpolation.

    ``motion``, where there is any, is a traced zero that carries the derivative of the places.
    """
    ordered = np.sort(x, axis=-1)
    lost = np.isnan(places)
    known = np.where(lost, 0.0, places)
    lower = np.floor(known).astype(np.intp)
    part = (known - lower).astype(np.result_type(x))
    values = np.take_along_axis(ordered, lower, axis=-1)
    if motion is not None or np.any(np.not_equal(part, 0)):
        upper = np.minimum(lower + 1, x.shape[-1] - 1)
        above = np.take_along_axis(ordered, upper, axis=-1)
        if motion is not None:
            values = values + (above - values) * (part + motion)
        elif np.all((part == 0) | (part == 0.5)):  # A median, which may be one of infinities.
            values = np.where(part == 0, values, 0.5 * values + 0.5 * above)
        else:  # An upper neighbour that has no part may be infinite.
            values = values + np.where(part == 0, 0, above - values) * part
    if np.any(lost):
        values = np.where(lost, np.nan * np.sum(x, axis=-1, keepdims=True), values)
    return values


def _median_like(function: Any) -> Any:
    """The median or nanmedian, read from the data at the median of the ranks."""

    def replacement(
        a: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        keepdims: Any = False,
    ) -> Any:
        without_out(out, function.__name__)
        x, kept = _flattened(a, axis)
        if not x.shape[-1]:
            return np.mean(a, axis=axis, keepdims=keeps(keepdims))  # NaN, with the same warning.
        places = _middle(x, function=function)
        values = _read(x, places[..., None])
        return np.reshape(values, kept if keeps(keepdims) else places.shape)

    return replacement


def _quantile_like(function: Any, scale: float) -> Any:
    """Quantile or percentile, with NaN left out or not, read from the data at the quantile of the ranks."""

    def replacement(
        a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
        method: str = "linear", keepdims: Any = False, *, weights: Any = None,
    ) -> Any:  # fmt: skip
        without_out(out, function.__name__)
        x, kept = _flattened(a, axis)
        if not x.size and function in (np.nanquantile, np.nanpercentile):
            return np.nanmean(a, axis=axis, keepdims=keeps(keepdims))  # As NumPy does.
        shape = np.shape(q)
        options: dict[str, Any] = {"method": method}
        if weights is not None:
            options["weights"] = _flat_weights(reveal(traced(weights)), a, axis)
        places = _places(
            x,
            np.asarray(q) if np.iterable(q) and not is_traced(q) else q,
            function=function,
            **options,
        )
        motion = _motion(q, x, places, method, scale) if is_traced(q) else None
        values = np.reshape(_read(x, places, motion), (*x.shape[:-1], *shape))
        values = np.moveaxis(values, range(-len(shape), 0), range(len(shape)))
        level = 0.0 if isinstance(q, int | float) else np.zeros((), np.result_type(traced(q)))
        kind = function(np.zeros(1, np.result_type(x)), level, method=method).dtype
        return np.reshape(values, (*shape, *(kept if keeps(keepdims) else x.shape[:-1]))).astype(
            kind
        )

    return replacement


def _motion(q: Any, x: Any, places: Any, method: str, scale: float) -> Any:
    """Zero, with the derivative of the places with respect to ``q``."""
    n = np.sum(~np.isnan(x), axis=-1, keepdims=True)
    speed = n + 1 - _MOVING[method] if method in _MOVING else np.zeros_like(n)
    clamped = (places <= 0) | (places >= n - 1)
    moving = np.where(clamped & (method != "linear"), 0.0, speed / scale)
    return moving * np.ravel(q - plain(q))


def _flat_weights(weights: Any, a: Any, axis: Any) -> Any:
    """The weights, flattened as the data are; they are constant, for a rank is."""
    if np.shape(weights) == np.shape(a):
        return _flattened(weights, axis)[0]
    if np.ndim(weights) != 1:
        raise NotDifferentiableError(
            "np.quantile of traced values whose weights= have neither one axis nor the shape of the data: use "
            "np.broadcast_to(weights, x.shape)"
        )
    return weights


for _function, _scale in (
    (np.quantile, 1.0), (np.nanquantile, 1.0), (np.percentile, 100.0), (np.nanpercentile, 100.0),
):  # fmt: skip
    composite(_function)(_quantile_like(_function, _scale))
composite(np.median)(_median_like(np.median))
composite(np.nanmedian)(_median_like(np.nanmedian))
