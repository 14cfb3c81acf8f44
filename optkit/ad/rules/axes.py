"""Axis arguments, counted from the front as the primitives want them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from optkit.errors import NotDifferentiableError


def one_axis(axis: Any, ndim: int) -> int:
    """A single axis as an index from the front."""
    return normalize_axis_index(axis, ndim)


def all_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """``axis`` as a sorted tuple from the front; None means every axis."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(sorted(normalize_axis_tuple(axis, ndim)))


def without_out(out: Any, name: str) -> None:
    """Refuse an ``out=`` array: a traced result cannot be put into it."""
    if out is not None:
        raise NotDifferentiableError(f"np.{name} of a traced value with out=: use the value that it returns")


def is_default(value: Any) -> bool:
    """Whether a keyword was left at NumPy's ``<no value>``."""
    return value is np._NoValue or value is None
