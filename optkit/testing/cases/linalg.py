"""Linear algebra."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from optkit.testing.cases.case import (
    REAL,
    REGULAR,
    UNEVEN,
    Case,
    Shape,
)
from optkit.testing.cases.making import (
    row,
    text,
)

# fmt: off
_SYSTEMS: tuple[tuple[Shape, Shape], ...] = (
    ((3, 3), (3,)), ((3, 3), (3, 2)), ((3, 3), (3, 3)), ((2, 3, 3), (3,)), ((2, 3, 3), (3, 2)), ((3, 3), (2, 3, 1)),
    ((2, 3, 3), (2, 3, 2)), ((2, 1, 2, 2), (3, 2, 1)), ((1, 1), (1,)), ((2, 3, 3), (3, 3)), ((3, 3), (4, 3, 3)),
)
_OF_MATRICES: tuple[tuple[str, Callable[..., Any], bool], ...] = (
    ("inv", np.linalg.inv, True), ("det", np.linalg.det, True),
    ("slogdet", lambda a: np.linalg.slogdet(a).logabsdet, False),
    ("slogdet negative", lambda a: np.linalg.slogdet(-a)[1], False),
    ("cholesky", lambda a: np.linalg.cholesky(a @ a.mT), False),
    ("cholesky upper", lambda a: np.linalg.cholesky(a @ a.mT, upper=True), False),
)
# fmt: on


def _linear_algebra() -> Iterator[Case]:
    for shapes in _SYSTEMS:
        yield row("solve", np.linalg.solve, *shapes, domains=(REGULAR, REAL))
    for name, function, analytic in _OF_MATRICES:
        for shape in ((1, 1), (2, 2), (3, 3), (2, 3, 3), (2, 1, 2, 2)):
            yield row(name, function, shape, domains=REGULAR, analytic=analytic)
    yield row(
        "b @ solve", lambda A, b: b @ np.linalg.solve(A, b), (3, 3), (3,), domains=(REGULAR, REAL)
    )


def _norms() -> Iterator[Case]:
    vector = (None, 2, 1, 0, 3, 1.5, 0.5, -1, -2.5, math.inf, -math.inf)
    matrix = (None, "fro", 1, -1, math.inf, -math.inf)
    pairs = ((0, 1), (1, 0), (-1, 0), (-2, -1))
    kinds: tuple[tuple[Shape, tuple[Any, ...], tuple[Any, ...]], ...] = (
        ((3,), vector, (None, 0, -1, (0,))),
        ((2, 3), vector, (0, 1, -1, (1,))),
        ((2, 3), matrix, (None, *pairs)),
        ((2, 3, 2), matrix, (*pairs, (2, 0))),
        ((2, 3, 2), (None,), (None, 1)),
        ((), (None,), (None,)),
    )
    for shape, orders, axes in kinds:
        for order, axis, keepdims in itertools.product(orders, axes, (False, True)):
            given: dict[str, Any] = {"ord": order, "axis": axis, "keepdims": keepdims}
            name = f"norm[{text((shape,), **given)}]"
            yield Case(name, partial(np.linalg.norm, **given), (shape,), (UNEVEN,), analytic=False)


def cases() -> Iterator[Case]:
    """The rows of this family."""
    yield from _linear_algebra()
    yield from _norms()
