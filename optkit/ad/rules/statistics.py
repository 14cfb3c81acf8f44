"""Averages with weights, covariances, histograms."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from optkit.ad.core import reveal
from optkit.ad.primitives import Constant
from optkit.ad.registry import composite
from optkit.ad.rules.axes import all_axes, keeps
from optkit.ad.rules.index import scatter_add
from optkit.ad.rules.shape import traced

# --- averages ---------------------------------------------------------------------------------------------------------


@composite(np.average)
def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Any:
    x = traced(a)
    options = {"axis": axis, "keepdims": keeps(keepdims)}
    if weights is None:
        average = np.mean(x, **options)
        total = np.full(np.shape(average), x.size / max(average.size, 1), np.result_type(average))[
            ()
        ]
        return (average, total) if returned else average
    w = traced(weights)
    if w.shape != x.shape:
        if axis is None:
            raise TypeError("Axis must be specified when shapes of a and weights differ.")
        axes = all_axes(axis, x.ndim)
        given = [i % x.ndim for i in (axis if np.iterable(axis) else (axis,))]
        if w.shape != tuple(x.shape[i] for i in given):
            raise ValueError(
                "Shape of weights must be consistent with shape of a along specified axis."
            )
        w = np.transpose(w, np.argsort(given))
        w = np.reshape(w, [x.shape[i] if i in axes else 1 for i in range(x.ndim)])
        w = np.broadcast_to(w, x.shape)
    total = np.sum(w, dtype=np.result_type(x, w), **options)
    if np.any(total == 0):
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    average = np.sum(x * w, **options) / total
    return (average, total) if returned else average


# --- covariances ------------------------------------------------------------------------------------------------------


@composite(np.cov)
def _cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None, fweights: Any = None,
    aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    x = _variables(m, rowvar, _ROW_TURNS and np.ndim(m) == 2)
    if y is not None:
        x = np.concatenate([x, _variables(y, rowvar, False)])
    x = x.astype(np.result_type(x, np.float64) if dtype is None else dtype)
    ddof = (0 if bias else 1) if ddof is None else ddof
    weights = None if fweights is None else traced(fweights)
    if aweights is not None:
        a = traced(aweights)
        weights = a if weights is None else weights * a
    if weights is None:
        center, total = np.mean(x, axis=1), x.shape[1]
        freedom: Any = total - ddof
    else:
        center, total = np.average(x, axis=1, weights=weights), np.sum(weights)
        again = (
            0
            if ddof == 0
            else 1
            if aweights is None
            else np.sum(weights * traced(aweights)) / total
        )
        freedom = total - ddof * again
    deviation = x - center[:, None]
    weighted = deviation if weights is None else deviation * weights
    product = np.matmul(deviation, np.conj(weighted).T)
    return np.squeeze(product / np.maximum(freedom, 0).astype(np.result_type(x.real)))


def _variables(m: Any, rowvar: bool, row_turns: bool) -> Any:
    """Observations as a matrix with a row for each variable; a single row is turned only if ``row_turns``."""
    x = np.atleast_2d(traced(m))
    if x.ndim > 2:
        raise ValueError("np.cov takes matrices; this array has more than 2 dimensions")
    return x if rowvar or (x.shape[0] == 1 and not row_turns) else x.T


# Whether this version of NumPy takes a matrix of one row at its word that its columns are the variables.
_ROW_TURNS = np.ndim(np.cov(np.zeros((1, 3)), rowvar=False, bias=True)) == 2


# Rounding may go beyond ±1; that is no reason to halve the slope of what is exactly 1.
_excess = Constant("excess", lambda c: np.clip(c, -1, 1) - c)


@composite(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = np.cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    deviation = np.sqrt(np.real(np.diagonal(c)))
    c = c / deviation[:, None] / deviation[None, :]
    if np.iscomplexobj(c):
        return np.clip(c.real, -1, 1) + 1j * np.clip(c.imag, -1, 1)
    return c + _excess(c)


# --- histograms -------------------------------------------------------------------------------------------------------


@composite(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    places = np.asarray(reveal(x))
    size = max(minlength, int(places.max(initial=-1)) + 1)
    if weights is None or places.dtype.kind not in "iu":
        return np.bincount(places, reveal(weights), minlength)  # Counts, or NumPy's error.
    weights = traced(weights)
    if weights.shape != places.shape or places.ndim != 1 or places.min(initial=0) < 0:
        return np.bincount(places, reveal(weights), minlength)  # NumPy says what is wrong.
    return scatter_add(weights.astype(np.float64), places.astype(np.intp), size=size)


@composite(np.histogram_bin_edges)
def _histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    if np.ndim(bins) == 1:
        return traced(bins)
    x = traced(a)
    if isinstance(bins, str):
        limits: Any = None if range is None else [reveal(end) for end in range]
        bins = len(np.histogram_bin_edges(reveal(x), bins, limits)) - 1
    count = operator.index(bins)
    if count < 1:
        raise ValueError("`bins` must be positive, when an integer")
    first, last = range if range is not None else (np.min(x), np.max(x)) if x.size else (0.0, 1.0)
    if not (np.isfinite(first) and np.isfinite(last)):
        raise ValueError(f"range of [{first}, {last}] is not finite")
    if first > last:
        raise ValueError("max must be larger than min in range parameter.")
    if first == last:
        first, last = first - 0.5, last + 0.5
    return np.linspace(first, last, count + 1)


@composite(np.histogram)
def _histogram(
    a: Any,
    bins: Any = 10,
    range: Any = None,
    density: Any = None,
    weights: Any = None,
) -> Any:
    x = traced(a)
    if weights is not None and np.shape(weights) != x.shape:
        raise ValueError("weights should have the same shape as a.")
    counts, edges = _histogram_dd([np.ravel(x)], [bins], [range], density, weights)
    return counts, edges[0]


@composite(np.histogram2d)
def _histogram2d(
    x: Any,
    y: Any,
    bins: Any = 10,
    range: Any = None,
    density: Any = None,
    weights: Any = None,
) -> Any:
    pair = np.ndim(bins) == 1 and len(bins) not in (1, 2)
    each = [bins, bins] if np.ndim(bins) == 0 or pair else list(bins) * (2 // len(bins))
    ranges = [None, None] if range is None else range
    counts, edges = _histogram_dd(
        [np.ravel(traced(x)), np.ravel(traced(y))], each, ranges, density, weights
    )
    return counts, *edges


@composite(np.histogramdd)
def _histogramdd(
    sample: Any,
    bins: Any = 10,
    range: Any = None,
    density: Any = None,
    weights: Any = None,
) -> Any:
    if isinstance(sample, list | tuple):  # One sequence for each dimension.
        columns = [np.ravel(traced(column)) for column in sample]
    else:
        x = traced(sample)
        columns = list((x if x.ndim > 1 else x[:, None]).T)
    each = [bins] * len(columns) if np.ndim(bins) == 0 else list(bins)
    if len(each) != len(columns):
        raise ValueError("The dimension of bins must be equal to the dimension of the sample x.")
    ranges = [None] * len(columns) if range is None else range
    return _histogram_dd(columns, each, ranges, density, weights)


def _bins_impl(*columns_and_edges: Any) -> Any:
    """The number of the bin that each element is in, counted through all dimensions; behind the last for none."""
    n = len(columns_and_edges) // 2
    flat: Any = 0
    inside: Any = True
    for x, edges in zip(columns_and_edges[:n], columns_and_edges[n:], strict=True):
        bins = len(edges) - 1
        place = np.searchsorted(edges, x, side="right") - 1
        place = np.where(x == edges[-1], bins - 1, place)  # The last bin has both its edges.
        inside = inside & (place >= 0) & (place < bins)
        flat = flat * bins + place
    size = math.prod(len(edges) - 1 for edges in columns_and_edges[n:])
    return np.where(inside, flat, size)


_bins = Constant("bins", _bins_impl)
_count = Constant("count", lambda flat, size: np.bincount(flat, minlength=size + 1)[:size])


def _histogram_dd(columns: Any, bins: Any, ranges: Any, density: Any, weights: Any) -> Any:
    """Counts and edges. Counts do not move with the data; their weights and the edges do."""
    edges = [np.histogram_bin_edges(x, b, r) for x, b, r in zip(columns, bins, ranges, strict=True)]
    shape = tuple(len(e) - 1 for e in edges)
    size = math.prod(shape)
    flat = _bins(*columns, *edges)
    if weights is None:
        counts: Any = _count(flat, size=size)
    else:  # What is in no bin goes into one behind, which is dropped.
        weights = np.ravel(traced(weights))
        if weights.shape != columns[0].shape:
            raise ValueError("The weights and list don't have the same length.")
        counts = scatter_add(weights, flat, size=size + 1)[:size]
    counts = np.reshape(counts, shape)
    if density or len(columns) > 1:
        counts = counts.astype(np.result_type(counts, np.float64))
    if density:
        total = np.sum(counts)
        counts = counts / total
        for axis, edge in enumerate(edges):
            width = np.reshape(np.diff(edge), [-1 if i == axis else 1 for i in range(len(edges))])
            counts = counts / width
    return counts, edges
