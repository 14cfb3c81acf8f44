"""Averages with weights, covariances, histograms, and reductions that leave NaN out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from optkit.testing.cases.case import POSITIVE, REAL, Case, Domain, Shape
from optkit.testing.cases.making import MASK, along_axes, row

# One element of a (2, 3) array is no number.
_HOLE = np.array([[0.0, np.nan, 0.0], [0.0, 0.0, 0.0]])
_REDUCTIONS: tuple[tuple[Any, bool, dict[str, Any]], ...] = (
    (np.nansum, True, {}),
    (np.nanprod, True, {}),
    (np.nanmean, True, {}),
    (np.nanmax, True, {}),
    (np.nanmin, True, {}),
    (np.nanvar, False, {}),
    (np.nanstd, False, {"ddof": 0.5}),
    (np.nansum, True, {"initial": 2.0}),
    (np.nanprod, True, {"where": MASK}),
    (np.nanmean, True, {"where": MASK}),
    (np.nanmax, True, {"initial": -1.9}),
    (np.nanmin, True, {"where": MASK, "initial": 1.9}),
    (np.nanvar, False, {"correction": 0.5}),
)


def _holed(function: Any, **options: Any) -> Any:
    return lambda x: function(x + _HOLE.astype(x.dtype), **options)


_WITH_A_HOLE: tuple[tuple[str, Callable[..., Any], bool], ...] = (
    ("nansum hole", _holed(np.nansum, axis=0), True),
    ("nanprod hole", _holed(np.nanprod, axis=1), True),
    ("nanmean hole", _holed(np.nanmean, axis=0), True),
    ("nanmax hole", _holed(np.nanmax, axis=1), True),
    ("nanmin hole", _holed(np.nanmin), True),
    ("nanvar hole", _holed(np.nanvar, axis=1), False),
    ("nanstd hole", _holed(np.nanstd, ddof=1, axis=1, keepdims=True), False),
    ("nancumsum", _holed(np.nancumsum, axis=1), True),
    ("nancumprod", _holed(np.nancumprod, axis=0), True),
    ("nancumsum flat", _holed(np.nancumsum), True),
    ("nancumprod flat", _holed(np.nancumprod), True),
    ("nanmedian hole", _holed(np.nanmedian, axis=1), False),
    ("nanquantile hole", _holed(np.nanquantile, q=[0.3, 0.9], axis=1, keepdims=True), False),
    ("nanpercentile hole", _holed(np.nanpercentile, q=40.0), False),
)
_AVERAGES: tuple[tuple[str, Callable[..., Any], tuple[Shape, ...]], ...] = (
    ("average", np.average, ((2, 3),)),
    ("average axis", lambda x: np.average(x, axis=1, keepdims=True), ((2, 3),)),
    ("average weights", lambda x, w: np.average(x, weights=w), ((2, 3), (2, 3))),
    ("average weights axis", lambda x, w: np.average(x, axis=1, weights=w), ((2, 3), (3,))),
    (
        "average weights axes",
        lambda x, w: np.average(x, axis=(2, 0), weights=w),
        ((2, 3, 4), (4, 2)),
    ),
    (
        "average returned",
        lambda x, w: _with_total(x, w)[0] * _with_total(x, w)[1],
        ((2, 3), (2,)),
    ),
    (
        "average returned all",
        lambda x: np.average(x, 0, returned=True)[0] * np.average(x, 0, returned=True)[1],
        ((2, 3),),
    ),
    ("cov", np.cov, ((3, 4),)),
    ("cov vector", np.cov, ((4,),)),
    ("cov two", lambda x, y: np.cov(x, y), ((2, 4), (4,))),
    ("cov columns", lambda x: np.cov(x, rowvar=False, bias=True), ((4, 2),)),
    ("cov ddof", lambda x: np.cov(x, ddof=2), ((2, 4),)),
    ("cov fweights", lambda x: np.cov(x, fweights=[1, 2, 1, 3]), ((2, 4),)),
    ("cov aweights", lambda x, w: np.cov(x, aweights=w), ((2, 4), (4,))),
    (
        "cov both weights",
        lambda x, w: np.cov(x, fweights=[1, 2, 1, 3], aweights=w, ddof=0),
        ((2, 4), (4,)),
    ),
    ("corrcoef", np.corrcoef, ((3, 5),)),
    ("corrcoef two", lambda x, y: np.corrcoef(x, y), ((4,), (4,))),
    ("corrcoef columns", lambda x: np.corrcoef(x, rowvar=False), ((4, 2),)),
)


def _with_total(x: Any, w: Any) -> Any:
    average: Any = np.average
    return average(x, 0, w, True)


_BINS = np.array([-2.0, -0.5, 0.1, 2.0])
_VALUES = np.array([-1.5, -0.7, 0.05, 0.6, 1.9, 3.5])


def _edges(x: Any) -> Any:
    return np.histogram(x, 3)[1]


def _density(x: Any) -> Any:
    return np.histogram(x, 3, density=True)[0]


def _weighted(density: bool, w: Any) -> Any:
    return np.histogram(_VALUES.astype(w.dtype), _BINS.astype(w.dtype), weights=w, density=density)[
        0
    ]


_HISTOGRAMS: tuple[tuple[str, Callable[..., Any], Shape], ...] = (
    ("histogram edges", _edges, (6,)),
    ("histogram density", _density, (6,)),
    ("histogram weights", lambda w: _weighted(False, w), (6,)),
    ("histogram weights density", lambda w: _weighted(True, w), (6,)),
    ("histogram counts", lambda x: np.histogram(x, _BINS)[0] * x[0], (6,)),
    ("histogram range", lambda x: np.histogram(_VALUES, 2, range=(x[0] - 9, x[1] + 9))[1], (2,)),
    ("histogram auto", lambda x: np.histogram(x, "sturges")[1], (6,)),
    ("histogram_bin_edges", lambda x: np.histogram_bin_edges(x, 4), (6,)),
    ("histogram_bin_edges given", lambda x: np.histogram_bin_edges(_VALUES, np.sort(x)), (4,)),
    ("histogram2d", lambda w: np.histogram2d(_VALUES, _VALUES[::-1], 2, weights=w)[0], (6,)),
    ("histogram2d edges", lambda x: np.histogram2d(x, x**2, [2, 3])[2], (6,)),
    ("histogram2d density", lambda x: np.histogram2d(x, _VALUES, 2, density=True)[0], (6,)),
    ("histogramdd", lambda w: np.histogramdd(_VALUES.reshape(3, 2), 2, weights=w)[0], (3,)),
    ("histogramdd edges", lambda x: np.histogramdd(x, [2, 3])[1][1], (5, 2)),
    ("bincount", lambda w: np.bincount([0, 2, 2, 1, 0, 4], weights=w, minlength=7), (6,)),
)


def cases() -> Iterator[Case]:
    """The rows of this family."""
    for function, analytic, options in _REDUCTIONS:
        yield from along_axes(function, ((2, 3),), analytic=analytic, **options)
    for name, function, analytic in _WITH_A_HOLE:
        yield row(name, function, (2, 3), analytic=analytic)
    for name, function, shapes in _AVERAGES:
        weighted = name.startswith("average")
        yield row(
            name, function, *shapes, domains=(REAL, POSITIVE)[: len(shapes)], analytic=weighted
        )
    for name, function, shape in _HISTOGRAMS:
        yield row(name, function, shape, domains=Domain(((0.2, 1.9),)), analytic=False)
