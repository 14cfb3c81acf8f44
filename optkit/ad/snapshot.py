"""Keeping what a tape has read from changing under it.

A cotangent rule reads its operands again long after they were used. If a plain array among them has been refilled in
the meantime (``buffer[:] = …`` in a loop), the derivative would be wrong without a word. So what a rule reads is copied
when it is used. A large array that is used again, unchanged, is not copied again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from optkit.ad.inplace import own

# Comparing pays where copying does: both pass over the memory once, but a copy also takes as much again.
_LARGE_BYTES = 1 << 20


Copies = dict[tuple[Any, ...], tuple[Any, Any]]


def keep(value: Any, copies: Copies) -> Any:
    """What to put on the tape for ``value``; ``copies`` remembers large arrays and their copies for one tape."""
    if type(value) is not np.ndarray or value.nbytes <= _LARGE_BYTES:
        return own(value)
    # The memory says whether it is the same array: A.T is a new object each time.
    key = (value.ctypes.data, value.shape, value.strides, value.dtype)
    _, copy = copies.get(key, (None, None))
    if copy is None or not _same(copy, value):
        copy = own(value)
        copies[key] = (
            value,
            copy,
        )  # Holding on to the array keeps its memory from being used for another one.
    return copy


def _same(a: Any, b: Any) -> bool:
    """Whether two arrays hold the same; NaN is never the same, and copied again."""
    return bool(a.shape == b.shape and np.array_equal(a, b))
