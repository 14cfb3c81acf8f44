"""Sorting, sets, medians and quantiles."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from optkit.testing.cases.case import POSITIVE, REAL, Case, Domain
from optkit.testing.cases.making import along_axes, every_axes, row, text

METHODS = (
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
    "lower",
    "higher",
    "midpoint",
    "nearest",
)
# Methods whose quantiles move with q.
MOVING = (
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
)
LEVELS = np.array([0.0, 0.17, 0.5, 0.83, 1.0])
# No level at which the place among five elements is an element.
BETWEEN_PLACES = Domain(((0.26, 0.29), (0.61, 0.64)))
WEIGHTS = np.array([[1.0, 2.0, 0.5, 1.5], [0.7, 0.1, 3.0, 1.0], [2.0, 2.0, 1.0, 1.0]])


_SORTED: tuple[tuple[str, Callable[..., Any], bool], ...] = (
    ("sort stable", lambda x: np.sort(x, axis=1, stable=True), True),
    ("sort kind", lambda x: np.sort(x, kind="heapsort"), True),
    ("sort_complex", lambda x: np.sort_complex(x).real, False),
    ("partition", lambda x: np.partition(x, 1), True),
    ("partition axis", lambda x: np.partition(x, [0, 2], axis=0), True),
    ("partition flat", lambda x: np.partition(x, 5, axis=None), False),
    ("unique", lambda x: np.unique(x) ** 2, True),
    ("unique axis", lambda x: np.unique(x, axis=1), False),
    (
        "unique index",
        lambda x: np.unique(x, return_index=True, return_inverse=True, return_counts=True)[0],
        True,
    ),
    ("unique_values", lambda x: np.unique_values(x.ravel()), False),
    ("unique_all", lambda x: np.unique_all(x).values, True),
    ("unique_counts", lambda x: np.unique_counts(x).values, True),
    ("unique_inverse", lambda x: np.unique_inverse(x).values, True),
    ("union1d", lambda x: np.union1d(x[0], x[1:]), True),
    ("setdiff1d", lambda x: np.setdiff1d(x, x[1]), True),
    ("setxor1d", lambda x: np.setxor1d(x[:2], x[1:]), True),
    ("intersect1d", lambda x: np.intersect1d(x[0], x), True),
    ("intersect1d indices", lambda x: np.intersect1d(x[0], x, return_indices=True)[0], True),
)


def _level(function: Any, method: str, q: Any) -> Any:
    return function(np.array([[0.3, 1.0, 2.4, 2.9, 5.0]]), q, axis=1, method=method)


def cases() -> Iterator[Case]:
    """The rows of this family."""
    for name, function, analytic in _SORTED:
        yield row(name, function, (3, 4), domains=POSITIVE, analytic=analytic)
    for function in (np.median, np.nanmedian):
        yield from along_axes(function, ((3,), (2, 3), (2, 1, 3)), analytic=False)
        yield row(function.__name__, function, (), analytic=False)
    for method, function in itertools.product(METHODS, (np.quantile, np.nanquantile)):
        given = {"q": LEVELS, "method": method, "axis": 1}
        yield row(
            f"{function.__name__} {method}", partial(function, **given), (2, 5), analytic=False
        )
    for axis, q, keepdims in itertools.product(
        every_axes(2), (0.3, LEVELS[:, None]), (False, True)
    ):
        given = {"q": q * 100, "axis": axis, "keepdims": keepdims}
        name = f"percentile[{text(((2, 3),), axis=axis, keepdims=keepdims, q=np.ndim(q))}]"
        yield Case(name, partial(np.percentile, **given), ((2, 3),), (REAL,), analytic=False)
    yield row(
        "nanpercentile", lambda x: np.nanpercentile(x, [20, 70], axis=0), (4, 2), analytic=False
    )
    for method in MOVING:
        yield row(
            f"level {method}",
            partial(_level, np.quantile, method),
            (2,),
            domains=BETWEEN_PLACES,
            analytic=False,
        )
    yield row(
        "percentile level",
        lambda x, q: np.percentile(x, 100 * q, axis=0),
        (5, 2),
        (2,),
        domains=(REAL, BETWEEN_PLACES),
        analytic=False,
    )
    for axis in (None, 0, 1):
        weighted = partial(
            np.quantile, q=[0.2, 0.6], weights=WEIGHTS, method="inverted_cdf", axis=axis
        )
        yield row(f"quantile weights {axis}", weighted, (3, 4), analytic=False)
    yield row(
        "quantile weights 1d",
        lambda x: np.quantile(x, 0.4, weights=WEIGHTS[0], method="inverted_cdf", axis=1),
        (3, 4),
        analytic=False,
    )
