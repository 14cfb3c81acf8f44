"""Reductions that leave NaN out: what is left out has derivative zero."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from optkit.ad.registry import composite
from optkit.ad.rules.axes import is_default, keeps, without_out
from optkit.ad.rules.shape import traced


def _numbers(x: Any, where: Any = True) -> Any:
    """The mask of the elements that count."""
    mask = ~np.isnan(x)
    return mask if where is True or is_default(where) else mask & np.asarray(where, dtype=bool)


def _summed(function: Any, plain: Any, neutral: float) -> Any:
    def replacement(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = neutral,
        where: Any = True,
    ) -> Any:
        without_out(out, function.__name__)
        x = traced(a)
        initial = neutral if is_default(initial) else initial
        mask = _numbers(x, where)
        return plain(x, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=mask)

    composite(function)(replacement)


_summed(np.nansum, np.sum, 0)
_summed(np.nanprod, np.prod, 1)


def _running(function: Any, plain: Any, neutral: float) -> Any:
    def replacement(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        without_out(out, function.__name__)
        x = traced(a)
        return plain(np.where(np.isnan(x), neutral, x), axis=axis, dtype=dtype)

    composite(function)(replacement)


_running(np.nancumsum, np.cumsum, 0)
_running(np.nancumprod, np.cumprod, 1)


def _extremum(function: Any, plain: Any, least: float) -> Any:
    def replacement(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        without_out(out, function.__name__)
        x = traced(a)
        mask = _numbers(x, where)
        start = least if is_default(initial) else initial
        if is_default(initial) and not x.size:
            return plain(x, axis=axis, keepdims=keepdims)  # NumPy's error, or an empty result.
        y = plain(x, axis=axis, keepdims=keepdims, initial=start, where=mask)
        empty = ~np.any(mask, axis=axis, keepdims=keeps(keepdims))
        if not is_default(initial) or not np.any(empty):
            return y
        warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=3)
        undefined = math.nan * np.sum(x, axis=axis, keepdims=keepdims)
        return np.where(empty, undefined, y)

    composite(function)(replacement)


_extremum(np.nanmax, np.max, -math.inf)
_extremum(np.nanmin, np.min, math.inf)


@composite(np.nanmean)
def _nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = True,
) -> Any:
    without_out(out, "nanmean")
    x = traced(a)
    mask = _numbers(x, where)
    if not np.all(np.any(mask, axis=axis)):
        warnings.warn("Mean of empty slice", RuntimeWarning, stacklevel=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.mean(x, axis=axis, dtype=dtype, keepdims=keepdims, where=mask)


def _nan_variance(name: str, plain: Any) -> Any:
    def replacement(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, *,
        where: Any = True, mean: Any = np._NoValue, correction: Any = np._NoValue,
    ) -> Any:  # fmt: skip
        without_out(out, name)
        x = traced(a)
        mask = _numbers(x, where)
        ddof = ddof if is_default(correction) else correction
        count = np.sum(mask, axis=axis, keepdims=keeps(keepdims))
        lost = count <= ddof
        if np.any(lost):
            warnings.warn("Degrees of freedom <= 0 for slice.", RuntimeWarning, stacklevel=3)
        options = {} if is_default(mean) else {"mean": mean}
        with np.errstate(invalid="ignore", divide="ignore"):
            y = plain(
                x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=mask, **options
            )
        return np.where(lost, math.nan, y).astype(np.result_type(y)) if np.any(lost) else y

    return replacement


composite(np.nanvar)(_nan_variance("nanvar", np.var))
composite(np.nanstd)(_nan_variance("nanstd", np.std))
