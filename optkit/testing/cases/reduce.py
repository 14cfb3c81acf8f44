"""Reductions and cumulative functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from optkit.testing.cases.case import (
    Case,
    Shape,
)
from optkit.testing.cases.making import (
    MASK,
    along_axes,
    along_one_axis,
    row,
)

_COLUMN = np.array([[True], [False]])
_FULL: tuple[Shape, ...] = ((), (1,), (3,), (2, 3), (2, 1, 3))
_MATRIX: tuple[Shape, ...] = ((2, 3),)

# fmt: off
_REDUCTIONS: tuple[tuple[Any, tuple[Shape, ...], bool, dict[str, Any]], ...] = (
    (np.sum, (*_FULL, (0, 3)), True, {}), (np.prod, (*_FULL, (0, 3)), True, {}), (np.mean, _FULL, True, {}),
    (np.max, _FULL, True, {}), (np.min, _FULL, True, {}), (np.ptp, ((3,), (2, 3)), True, {}),
    (np.var, _FULL, False, {}), (np.std, ((3,), (2, 3), (3, 1, 2)), False, {}),
    (np.sum, _MATRIX, True, {"initial": 2.5}), (np.prod, _MATRIX, True, {"initial": 2.5}),
    (np.max, _MATRIX, True, {"initial": 0.1}), (np.min, _MATRIX, True, {"initial": 0.1}),
    (np.sum, _MATRIX, True, {"where": MASK}), (np.prod, _MATRIX, True, {"where": MASK}),
    (np.sum, _MATRIX, True, {"where": _COLUMN}), (np.mean, _MATRIX, True, {"where": MASK}),
    (np.max, _MATRIX, True, {"where": MASK, "initial": -1.9}),
    (np.min, _MATRIX, True, {"where": MASK, "initial": 1.9}),
    (np.var, _MATRIX, False, {"where": MASK}), (np.var, _MATRIX, False, {"ddof": 1}),
    (np.var, _MATRIX, False, {"correction": 0.5}), (np.std, _MATRIX, False, {"ddof": 0.5}),
    (np.sum, _MATRIX, False, {"dtype": np.float64}), (np.mean, _MATRIX, False, {"dtype": np.float64}),
)
# fmt: on


def cases() -> Iterator[Case]:
    """The rows of this family."""
    for function, shapes, analytic, keywords in _REDUCTIONS:
        yield from along_axes(function, shapes, analytic=analytic, **keywords)
    yield from along_one_axis(np.cumsum)
    yield from along_one_axis(np.cumprod)
    yield from along_one_axis(np.diff, flat=False)
    yield from along_one_axis(np.diff, flat=False, n=2)
    yield row("diff ends", lambda x: np.diff(x, axis=0, prepend=0.0, append=x[:1]), (2, 3))
    yield row("var about", _var_about_mean, (2, 3), analytic=False)
    yield row("max of list", lambda x: np.max([x[0], x[1] * x[2]]), (3,))
    yield row("sum of list", lambda x: np.sum([x[0], x[1] * x[2]]), (3,))
    yield row("builtin sum", lambda x: sum(x), (3,))
    yield row("builtin max", lambda x: max(x), (3,), analytic=False)
    yield row("reduce", lambda x: np.add.reduce(x) * np.multiply.reduce(x, axis=1).sum(), (2, 3))
    yield row("accumulate", lambda x: np.add.accumulate(x, axis=1), (2, 3))
    yield row(
        "methods", lambda x: x.sum(0) * x.mean(axis=-1, keepdims=True) + x.max() * x.prod(0), (2, 3)
    )


def _var_about_mean(x: Any) -> Any:
    return np.var(x, axis=0, mean=np.mean(x, axis=0, keepdims=True))
