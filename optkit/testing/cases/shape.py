"""Rearranging, joining, splitting, choosing, assigning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from optkit.testing.cases.case import (
    Case,
    Shape,
)
from optkit.testing.cases.making import (
    MASK,
    row,
)

# fmt: off
# Of one array of shape (2, 3, 4).
_REARRANGED: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("reshape", lambda x: np.reshape(x, (3, 2, 4))), ("reshape -1", lambda x: x.reshape(-1, 6)),
    ("reshape F", lambda x: np.reshape(x, (4, 6), order="F")), ("reshape A", lambda x: x.T.reshape(6, 4, order="A")),
    ("ravel", np.ravel), ("ravel F", lambda x: x.ravel(order="F")), ("ravel K", lambda x: x.T.ravel("K")),
    ("flatten", lambda x: x.flatten()), ("transpose", np.transpose), ("T", lambda x: x.T), ("mT", lambda x: x.mT),
    ("transpose axes", lambda x: np.transpose(x, (1, -1, 0))), ("permute", lambda x: x.transpose(2, 0, 1)),
    ("swapaxes", lambda x: np.swapaxes(x, 0, -1)), ("moveaxis", lambda x: np.moveaxis(x, (0, -1), (1, 0))),
    ("rollaxis", lambda x: np.rollaxis(x, 2, 1)), ("expand_dims", lambda x: np.expand_dims(x, (0, -1))),
    ("squeeze", lambda x: np.squeeze(x[:1])), ("squeeze axis", lambda x: np.squeeze(x[:, :1, :1], axis=(-1, 1))),
    ("atleast_1d", lambda x: np.atleast_1d(x[0, 0, 0])), ("atleast_2d", lambda x: np.atleast_2d(x[0, 0])),
    ("atleast_3d", lambda x: np.atleast_3d(x[0])),
    ("broadcast_to", lambda x: np.broadcast_to(x[:, :1], (5, 2, 3, 4))),
    ("broadcast_arrays", lambda x: np.broadcast_arrays(x[:1], x)[0]),
    ("array_split", lambda x: np.array_split(x, 3, axis=2)[1]), ("split", lambda x: np.split(x, [1, 3], axis=-1)[1]),
    ("split equal", lambda x: np.split(x, 3, axis=1)[2]), ("vsplit", lambda x: np.vsplit(x, 2)[1]),
    ("hsplit", lambda x: np.hsplit(x, 3)[1]), ("dsplit", lambda x: np.dsplit(x, 2)[0]), ("flip", np.flip),
    ("flip axes", lambda x: np.flip(x, (0, -1))), ("flipud", np.flipud), ("fliplr", np.fliplr),
    ("roll", lambda x: np.roll(x, 5)), ("roll axes", lambda x: np.roll(x, (1, -2), axis=(0, 2))),
    ("tile", lambda x: np.tile(x, (2, 1, 3))), ("tile more", lambda x: np.tile(x, (2, 1, 1, 2))),
    ("repeat", lambda x: np.repeat(x, 2)), ("repeat each", lambda x: np.repeat(x, [2, 0, 1], axis=1)),
    ("copy", np.copy), ("astype", lambda x: x.astype(np.result_type(x, np.float64))), ("diagonal", np.diagonal),
    ("diagonal offset", lambda x: np.diagonal(x, 1, 2, 1)), ("diag of matrix", lambda x: np.diag(x[0], -1)),
    ("diag of vector", lambda x: np.diag(x[0, 0], 1)), ("diagflat", lambda x: np.diagflat(x[0, :, :2], -1)),
    ("trace", lambda x: np.trace(x, 1, 0, 2)), ("tril", lambda x: np.tril(x, -1)), ("triu", lambda x: np.triu(x, 1)),
    ("iterate", lambda x: sum(r * r[0] for r in x)), ("full_like", lambda x: np.full_like(x[0], x[0, 0, 0])),
    ("full_like row", lambda x: np.full_like(x[0], x[1, 0])),
    ("np.array", lambda x: np.array([x[0, 0, 0], x[1, 2, 3] ** 2]) * x[0, 0, 1]),
    ("item", lambda x: x * x[0, 0, 0].item()), ("clip", lambda x: np.clip(x, -0.97, 1.03)),
    ("clip lower", lambda x: np.clip(x, x[0, :1], None)), ("clip method", lambda x: x.clip(max=0.51)),
    ("sort", np.sort), ("sort axis", lambda x: np.sort(x, axis=0)), ("sort flat", lambda x: np.sort(x, axis=None)),
    ("real", np.real),
)
# fmt: on
# Their plain versions do not take the imaginary part along, or NumPy cannot order complex numbers.
_NOT_ANALYTIC = ("astype", "clip", "clip lower", "clip method", "real")


def _rearranged() -> Iterator[Case]:
    for name, function in _REARRANGED:
        yield row(
            name,
            function,
            (2, 3, 4),
            analytic=name not in _NOT_ANALYTIC,
            objects=name == "np.array",
        )


_TWO: tuple[Shape, ...] = ((2, 3), (2, 3))
_THREE: tuple[Shape, ...] = ((3,), (2, 3), (1, 3))


def _assigned(a: Any, b: Any) -> Any:
    y = a + b
    y[1:] = a[:-1] * b
    y[..., 0] = b
    return y


def _assigned_row(a: Any, b: Any) -> Any:
    y = a * b[0]
    y[1:] = b
    return y


def _assigned_twice(a: Any, b: Any) -> Any:
    y = a + b[1]
    y[[2, 0, 2]] = b * b
    return y


def _assigned_masked(a: Any, b: Any) -> Any:
    y = a * b[0]
    y[MASK] = b
    return y * y


def _augmented(a: Any, b: Any) -> Any:
    y = a * b
    y[0] *= a
    y[:, 1] += a[0]
    y -= a
    return y


# fmt: off
_JOINED: tuple[tuple[str, Callable[..., Any], tuple[Shape, ...]], ...] = (
    ("concatenate", lambda a, b: np.concatenate([a, b]), _TWO),
    ("concatenate axis", lambda a, b: np.concatenate((a, b), axis=-1), _TWO),
    ("concatenate flat", lambda a, b: np.concatenate([a, b], axis=None), ((2, 3), (2,))),
    ("concatenate empty", lambda a, b: np.concatenate([a, b]), ((0, 3), (2, 3))),
    ("concatenate constant", lambda a: np.concatenate([a, np.ones(2, a.dtype), a]), ((3,),)),
    ("stack", lambda a, b: np.stack([a, b, a]), _TWO), ("stack axis", lambda a, b: np.stack([a, b], axis=-2), _TWO),
    ("vstack", lambda a, b, c: np.vstack([a, b, c]), _THREE), ("hstack", lambda a, b: np.hstack([a, b]), _TWO),
    ("hstack vectors", lambda a, b: np.hstack([a, b]), ((3,), ())), ("dstack", lambda a, b: np.dstack([a, b]), _TWO),
    ("column_stack", lambda a, b: np.column_stack([a, b]), ((2,), (2, 3))),
    ("append", lambda a, b: np.append(a, b), ((2, 3), ())),
    ("append axis", lambda a, b: np.append(a, b, axis=1), _TWO),
    ("block", lambda a, b: np.block([[a, b], [b.T, np.eye(1, dtype=a.dtype)]]), ((2, 2), (2, 1))),
    ("block row", lambda a, b: np.block([a, b]), ((3,), ())), ("where", lambda a, b: np.where(MASK, a, b), _TWO),
    ("where scalar", lambda a, b: np.where(MASK, a, b), ((), (3,))),
    ("where number", lambda a: np.where(MASK, a, 2.0), ((2, 3),)),
    ("where compare", lambda a, b: np.where(a > b, a * b, a - b), ((2, 1), (3,))),
    ("select", lambda a, b: np.select([MASK, ~MASK[::-1]], [a, b * b], a * b), _TWO),
    ("assign", _assigned, ((4,), ())), ("assign leading ones", _assigned_row, ((2, 3), (1, 1, 3))),
    ("assign duplicates", _assigned_twice, ((4,), (3,))), ("assign masked", _assigned_masked, ((2, 3), (4,))),
    ("augmented", _augmented, ((3,), (2, 3))),
)
# fmt: on


def _joined() -> Iterator[Case]:
    for name, function, shapes in _JOINED:
        yield row(name, function, *shapes)


def cases() -> Iterator[Case]:
    """The rows of this family."""
    yield from _rearranged()
    yield from _joined()
