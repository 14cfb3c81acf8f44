"""``np.pad``: each axis in turn gets a piece in front and a piece behind, made of what is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.ad.registry import composite
from optkit.ad.rules.shape import traced

_STATISTICS: dict[str, Any] = {
    "maximum": np.max,
    "minimum": np.min,
    "mean": np.mean,
    "median": np.median,
}
_MIRRORS = ("reflect", "symmetric")
_KEYWORDS = {
    **dict.fromkeys(("constant", "empty", "edge", "wrap"), ()),
    **dict.fromkeys(_STATISTICS, ("stat_length",)),
    **dict.fromkeys(_MIRRORS, ("reflect_type",)),
    "constant": ("constant_values",),
    "linear_ramp": ("end_values",),
}


@composite(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    x = traced(array)
    if isinstance(pad_width, dict):
        widths = np.zeros((x.ndim, 2), dtype=int)
        for axis, width in pad_width.items():
            widths[axis] = width
    else:
        widths = np.asarray(pad_width)
        if widths.dtype.kind not in "iu":
            raise TypeError("`pad_width` must be of integral type.")
        widths = np.broadcast_to(widths, (x.ndim, 2))
        if np.any(widths < 0):
            raise ValueError("index can't contain negative values")
    if callable(mode):
        return _pad_with(x, widths, mode, kwargs)
    if mode not in _KEYWORDS:
        raise ValueError(f"mode '{mode}' is not supported")
    unknown = set(kwargs) - set(_KEYWORDS[mode])
    if unknown:
        raise ValueError(f"unsupported keyword arguments for mode '{mode}': {unknown}")
    for axis in range(x.ndim):
        before, after = widths[axis].tolist()
        if before or after:
            front = np.moveaxis(x, axis, 0)
            x = np.moveaxis(
                _pad_first(front, before, after, mode, _of_axis(kwargs, axis, x.ndim)), 0, axis
            )
    return x


def _of_axis(options: dict[str, Any], axis: int, ndim: int) -> Any:
    """The one option that a mode has, as a pair for the two ends of an axis; of a mirror just its type."""
    if not options or "reflect_type" in options:
        return options.get("reflect_type")
    (value,) = options.values()
    return None if value is None else np.broadcast_to(traced(value), (ndim, 2))[axis]


def _pad_first(x: Any, before: int, after: int, mode: str, option: Any) -> Any:
    """``x`` with rows added before and behind."""
    if mode in ("constant", "empty"):
        ends = (0, 0) if option is None else option
        pieces = [
            np.broadcast_to(end, (width, *x.shape[1:])).astype(x.dtype) if width else x[:0]
            for end, width in zip(ends, (before, after), strict=True)
        ]
    elif not len(x):
        raise ValueError("can't extend an empty axis using modes other than 'constant' or 'empty'")
    elif mode == "linear_ramp":
        ends = (0, 0) if option is None else option
        pieces = [
            np.linspace(ends[0], x[0], before, endpoint=False, dtype=x.dtype),
            np.linspace(ends[1], x[-1], after, endpoint=False, dtype=x.dtype)[::-1],
        ]
    elif mode in _STATISTICS:
        lengths = (None, None) if option is None else option.tolist()
        if any(length == 0 for length in lengths) and mode in ("maximum", "minimum"):
            raise ValueError("stat_length of 0 yields no value for padding")
        parts = (x[: lengths[0]], x if lengths[1] is None else x[max(0, len(x) - lengths[1]) :])
        pieces = [
            np.broadcast_to(
                _STATISTICS[mode](part, axis=0, keepdims=True).astype(x.dtype),
                (width, *x.shape[1:]),
            )
            for part, width in zip(parts, (before, after), strict=True)
        ]
    else:
        return _mirrored(x, (before, after), mode, option == "odd")
    return np.concatenate([pieces[0], x, pieces[1]])


def _mirrored(x: Any, widths: tuple[int, int], mode: Any, odd: bool) -> Any:
    """Rows of ``x`` again; ``odd`` mirrors at a point, which makes 2·edge − x of every x that it meets.

    What NumPy does with the row numbers says which rows. What it does with an indicator of the first and of the last
    row says how often these two enter into an odd mirror image; the rows between make up the rest, as a constant stays
    what it is.
    """
    n = len(x)
    rows = np.pad(np.arange(n), widths, mode)
    if not odd or n == 1:
        return x[rows]
    first, last = (
        np.pad(mark.astype(int), widths, mode, reflect_type="odd")
        .reshape(-1, *(1,) * (x.ndim - 1))
        .astype(x.dtype)
        for mark in (np.arange(n) == 0, np.arange(n) == n - 1)
    )
    return first * x[:1] + last * x[-1:] + (1 - first - last) * x[rows]


def _pad_with(x: Any, widths: Any, fill: Callable[..., Any], options: dict[str, Any]) -> Any:
    """Let the user's function fill the ends of every line of a padded array."""
    padded = np.copy(np.pad(x, widths))
    for axis in range(x.ndim):
        lines = np.moveaxis(padded, axis, -1)
        for index in np.ndindex(lines.shape[:-1]):
            fill(lines[index], tuple(widths[axis].tolist()), axis, options)
    return padded
