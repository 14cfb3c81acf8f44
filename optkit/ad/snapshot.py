"""Keeping what a tape has read from changing under it.

A cotangent rule reads its operands again long after they were used. If a plain array among them has been refilled in
the meantime (``buffer[:] = …`` in a loop), the derivative would be wrong without a word. So small arrays are copied
when they are read, and large ones are fingerprinted then and checked before each sweep.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from optkit.ad.inplace import own
from optkit.errors import InvalidInputError

_COPY_BYTES = 1 << 20
# The words of an array are combined by exclusive-or in this many columns: a changed element always shows, and so does
# any reordering but one that keeps every element in its column.
_COLUMNS = 1021


class Snapshot:
    """The plain arrays that one tape has read."""

    __slots__ = ("_watched",)

    def __init__(self) -> None:
        self._watched: list[tuple[Any, bytes]] = []

    def keep(self, value: Any) -> Any:
        """What to put on the tape for ``value``."""
        if (
            type(value) is not np.ndarray
            or value.nbytes <= _COPY_BYTES
            or not value.flags.c_contiguous
        ):
            return own(value)
        self._watched.append((value, _fingerprint(value)))
        return value

    def check(self) -> None:
        """Raise when a watched array has changed."""
        for array, before in self._watched:
            if _fingerprint(array) != before:
                raise InvalidInputError(
                    f"an array of shape {array.shape} that the differentiated function had used was changed in place "
                    "before its derivative was computed; let the function use a copy (array.copy())"
                )


def _fingerprint(array: Any) -> bytes:
    raw = array.reshape(-1).view(np.uint8)
    words = raw[: raw.size // 8 * 8].view(np.uint64)
    rows = words[: words.size // _COLUMNS * _COLUMNS].reshape(-1, _COLUMNS)
    rest = raw[rows.nbytes :]
    return bytes(np.bitwise_xor.reduce(rows, axis=0).tobytes() + rest.tobytes())
