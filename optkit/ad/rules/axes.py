"""Axis arguments, counted from the front as the primitives want them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from optkit.errors import NotDifferentiableError

_FIRST = [tuple(range(ndim)) for ndim in range(65)]


def one_axis(axis: Any, ndim: int) -> int:
    """A single axis as an index from the front."""
    return normalize_axis_index(axis, ndim)


def all_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """``axis`` as a sorted tuple from the front; None means every axis."""
    if axis is None:
        return _FIRST[ndim]
    return tuple(sorted(normalize_axis_tuple(axis, ndim)))


def ufunc_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """As `all_axes` for a reduction by a ufunc, to which a number may also be a vector of length 1."""
    return () if not ndim and axis in (0, -1) else all_axes(axis, ndim)


def without_out(out: Any, name: str) -> None:
    """Refuse an ``out=`` array: a traced result cannot be put into it."""
    if out is not None:
        raise NotDifferentiableError(
            f"np.{name} of a traced value with out=: use the value that it returns"
        )


def is_default(value: Any) -> bool:
    """Whether a keyword was left at NumPy's ``<no value>``."""
    return value is np._NoValue or value is None


def keeps(keepdims: Any) -> bool:
    """Whether ``keepdims=`` was given and says yes."""
    return keepdims is not np._NoValue and bool(keepdims)


def recent(*names: str) -> tuple[Any, ...]:
    """Those of NumPy's functions that the installed version has."""
    return tuple(getattr(np, name) for name in names if hasattr(np, name))


def with_ndim(x: Any, ndim: int) -> Any:
    """``x`` with as many axes of length 1 in front as make ``ndim`` of them."""
    return x if np.ndim(x) >= ndim else np.reshape(x, (1,) * (ndim - np.ndim(x)) + np.shape(x))


def by_position(function: Any, primitive: Callable[..., Any]) -> Callable[..., Any]:
    """``primitive`` called as ``function`` is, with arrays by keyword too: primitives take them by position."""
    signature = inspect.signature(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            return primitive(*args)
        bound = signature.bind(*args, **kwargs)
        return primitive(*bound.args, **bound.kwargs)

    return call
