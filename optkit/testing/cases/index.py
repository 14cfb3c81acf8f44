"""Indexing of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from optkit.testing.cases.case import (
    Case,
)
from optkit.testing.cases.making import (
    row,
)

_FLAT_MASK = np.array([[True, False, True], [False, True, True]])
# fmt: off
# Of an array of shape (2, 3, 4).
INDICES: tuple[Any, ...] = (
    1, -1, slice(None), slice(1, None), slice(None, None, -2), ..., None, (), (0, 2), (0, 2, 3), (..., 1),
    (1, ..., -1), (None, ..., None), (slice(None), None, slice(0, 2)), (slice(0, 0),), [1], [1, 0, 1, 1], [],
    np.array([[0, 1], [1, 1]]), np.array(1), (0, [2, 0]), (slice(None), [2, 0, 2]), (..., [3, 3, 0]),
    ([0, 1], [2, 0]), ([0, 1], slice(None), [3, 0]), (1, slice(None), [3, 0]), ([[0], [1]], [2, 0]),
    (slice(None), [0, 1], [0, 1]), (slice(None), [0, 1], ..., [0, 1]), ([0, 1], None, [2, 2]), _FLAT_MASK,
    (_FLAT_MASK, slice(1, 3)), (_FLAT_MASK, [0, 1, 1, 2]), ([True, False],), (..., [True, False, True, True]),
    (slice(None), [True, False, True], [1, 3]), True, False, (True, [0, 1]),
    (slice(None), np.array(2), slice(None, 2)), np.ix_([0, 1], [2, 0], [1, 1]), np.triu_indices(2),
    np.unravel_index([3, 3, 23], (2, 3, 4)),
)
_TAKEN: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("take", lambda x: np.take(x, [5, 0, 5, -1])), ("take axis", lambda x: np.take(x, [[0, 2], [2, 2]], axis=1)),
    ("take wrap", lambda x: np.take(x, [5, -7], axis=0, mode="wrap")),
    ("take clip", lambda x: x.take([9, -9], 2, mode="clip")),
    ("take_along_axis", lambda x: np.take_along_axis(x, np.argsort(x, axis=1), axis=1)),
    ("take_along_axis flat", lambda x: np.take_along_axis(x, np.array([3, 3, 0]), axis=None)),
    ("compress", lambda x: np.compress([True, False, True], x, axis=1)),
    ("extract", lambda x: np.extract(x.real > 0, x)), ("masked", lambda x: x[x.real > 0] ** 2),
    ("swap", lambda x: x[::-1, :, [1, 0]][0]),
)
# fmt: on


def cases() -> Iterator[Case]:
    """The rows of this family."""
    for number, index in enumerate(INDICES):
        yield row(f"x[index {number}]", partial(_pick, index), (2, 3, 4))
    for name, function in _TAKEN:
        yield row(name, function, (2, 3, 4))
    for index in ((), ..., None, (None, ...), True):
        yield row(f"number[{index}]", partial(_pick, index), ())


def _pick(index: Any, x: Any) -> Any:
    return x[index]
