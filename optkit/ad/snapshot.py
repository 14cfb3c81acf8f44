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


class Snapshot:
    """The plain arrays that one tape has read."""

    __slots__ = ("_copies",)

    def __init__(self) -> None:
        self._copies: dict[int, tuple[Any, Any]] = {}

    def keep(self, value: Any) -> Any:
        """What to put on the tape for ``value``."""
        if type(value) is not np.ndarray or value.nbytes <= _LARGE_BYTES:
            return own(value)
        array, copy = self._copies.get(id(value), (None, None))
        if array is not value or not _same(copy, value):
            copy = own(value)
            self._copies[id(value)] = (value, copy)
        return copy


def _same(a: Any, b: Any) -> bool:
    """Whether two arrays hold the same; NaN is never the same, and copied again."""
    return bool(a.shape == b.shape and np.array_equal(a, b))
