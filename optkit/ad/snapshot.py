"""Keeping what a tape has read from changing under it.

A cotangent rule reads its operands again long after they were used. If a plain array among them has been refilled in
the meantime (``buffer[:] = …`` in a loop), the derivative would be wrong without a word. So what a rule reads is copied
when it is used. A large array that is used again, unchanged, is not copied again.

Where a derivative is captured (`optkit.ad.capture`), such an array becomes a constant of the graph instead, at once and
not only when it meets a captured value: what the derivative computes of it alone, as w² in the second derivative of
(w x)², is then computed at every call, from what the array holds by then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.ad.core import Tracer
from optkit.ad.inplace import own

# Comparing pays where copying does: both pass over the memory once, but a copy also takes as much again.
_LARGE_BYTES = 1 << 20


class Copies(dict[tuple[Any, ...], tuple[Any, Any]]):
    """Large arrays and their copies, for one tape; ``reader`` is that of a graph which is captured meanwhile."""

    reader: Callable[[Any], Any] | None = None


def reader_of(value: Any) -> Callable[[Any], Any] | None:
    """What makes constants of the graph that captures ``value``; None where none does."""
    while isinstance(value, Tracer):
        reader: Callable[[Any], Any] | None = getattr(value.owner, "read", None)
        if reader is not None:
            return reader
        value = value.value
    return None


def read_beside(values: list[Any]) -> list[Any]:
    """Operands, with plain arrays beside captured ones as constants of their graph."""
    reader = next((r for v in values if (r := reader_of(v)) is not None), None)
    if reader is None:
        return values
    return [reader(v) if type(v) is np.ndarray else v for v in values]


def keep(value: Any, copies: Copies) -> Any:
    """What to put on the tape for ``value``."""
    if type(value) is not np.ndarray:
        return own(value)
    if copies.reader is not None:
        return copies.reader(value)
    if value.nbytes <= _LARGE_BYTES:
        return np.array(value)
    # The memory says whether it is the same array: A.T is a new object each time.
    key = (value.ctypes.data, value.shape, value.strides, value.dtype)
    _, copy = copies.get(key, (None, None))
    if copy is None or not _same(copy, value):
        copy = own(value)
        # Holding on to the array keeps its memory from being used for another one.
        copies[key] = (value, copy)
    return copy


def _same(a: Any, b: Any) -> bool:
    """Whether two arrays hold the same; NaN is never the same, and copied again."""
    return bool(a.shape == b.shape and np.array_equal(a, b))
