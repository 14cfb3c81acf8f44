"""Products."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from optkit.testing.cases.case import (
    Case,
    Shape,
)
from optkit.testing.cases.making import (
    row,
)

# fmt: off
_MATMUL: tuple[tuple[Shape, Shape], ...] = (
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 2)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)),
    ((2, 2, 3), (3, 2)), ((2, 3), (5, 3, 2)), ((2, 2, 3), (2, 3, 2)), ((1, 2, 3), (2, 3, 1)),
    ((2, 1, 2, 3), (3, 3, 1)), ((0, 3), (3, 2)), ((2, 0), (0, 2)), ((2, 3), (3, 0)), ((1, 1), (1, 1)),
)
_DOT: tuple[tuple[Shape, Shape], ...] = (
    ((3,), (3,)), ((2, 3), (3, 2)), ((), (2, 3)), ((2, 3), ()), ((2, 1, 3), (4, 3, 2)), ((3,), (2, 3, 2)),
)
_INNER: tuple[tuple[Shape, Shape], ...] = (((3,), (3,)), ((2, 3), (4, 3)), ((2, 1, 3), (3,)), ((), (2,)))
_EINSUM: tuple[Any, ...] = (
    ("ij,j->i", (2, 3), (3,)), ("ij,jk", (2, 3), (3, 2)), ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)),
    ("ba", (2, 3)), ("ii", (3, 3)), ("ii->i", (3, 3)), ("iij->j", (2, 2, 3)), ("iji->j", (2, 3, 2)),
    ("iii", (2, 2, 2)), ("ij,ij", (2, 3), (2, 3)), ("ij,ji->j", (2, 3), (3, 2)), ("i,j->ij", (2,), (3,)),
    ("i,i->i", (1,), (3,)), ("ij,j->i", (2, 1), (3,)), ("i,ij->", (2,), (2, 3)), ("...i->...", (2, 2, 3)),
    ("...ij,...jk", (2, 2, 3), (3, 2)), ("...,...", (2, 3), (3,)), ("i...,i...->...", (2, 3), (2, 1)),
    ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)), ("i,i,i", (3,), (3,), (3,)), (",", (), ()), ("ij,->ij", (2, 3), ()),
    ("ii,i->i", (3, 3), (3,)), ("ab,B->aB", (2, 3), (2,)), ("ij,k->k", (2, 3), (2,)), ("ii,jj->", (2, 2), (3, 3)),
    ("ij->i", (0, 3)),
)
# fmt: on


def cases() -> Iterator[Case]:
    """The rows of this family."""
    for function, pairs in ((np.matmul, _MATMUL), (np.dot, _DOT), (np.inner, _INNER)):
        for shapes in pairs:
            yield row(function.__name__, function, *shapes)
    for axes in (0, 1, 2, (1, 0), ([0, 1], [1, 0]), ([-1], [0]), ([], [])):
        yield row(f"tensordot {axes}", partial(_tensordot, axes), (2, 2), (2, 2))
    yield row("tensordot 3d", partial(_tensordot, ([0, 2], [1, 0])), (2, 3, 4), (4, 2, 2))
    yield row("outer", np.outer, (3,), (2, 2))
    yield row("ufunc outer", lambda a, b: np.multiply.outer(a, b), (3,), (2, 2))
    yield row("vdot", np.vdot, (2, 3), (2, 3), analytic=False)
    yield row("cross", np.cross, (2, 3), (3,))
    yield row("cross axis", lambda a, b: np.cross(a, b, axis=0), (3, 2), (3, 2))
    yield row("kron", np.kron, (2, 3), (2,))
    yield row("x @ A @ x", lambda x, A: x @ A @ x, (3,), (3, 3))
    yield row("A @ x - b", lambda A, x, b: A @ x - b, (2, 3), (3,), (2,))
    yield row("list @ x", lambda x: [[1.0, 2.0, 3.0]] @ x, (3,))
    for subscripts, *shapes in _EINSUM:
        yield row(f"einsum {subscripts}", partial(np.einsum, subscripts), *shapes)
    yield row(
        "einsum lists", lambda a, b: np.einsum(a, [0, 30], b, [30, 1], [1, 0]), (2, 3), (3, 2)
    )
    yield row("einsum implicit", lambda a, b: np.einsum(a, [0, 30], b, [30, 28]), (2, 3), (3, 2))
    yield row("einsum cube", lambda x: np.einsum("ij,jk,ik->", x, x, x, optimize=True), (3, 3))


def _tensordot(axes: Any, a: Any, b: Any) -> Any:
    return np.tensordot(a, b, axes)
