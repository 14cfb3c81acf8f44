"""Writing into arrays by NumPy's functions, choosing, inserting, deleting; the methods of ufuncs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from optkit.testing.cases.case import POSITIVE, Case, Domain, Shape
from optkit.testing.cases.making import MASK, row


def written(write: Callable[..., Any]) -> Callable[..., Any]:
    """The function of (array, values) whose result is the array after ``write(array, values)``."""

    def function(a: Any, v: Any) -> Any:
        y = a * a + np.sum(v)
        write(y, v)
        return y * 1.0

    return function


# What is done with an array of shape (2, 3) and values of shape (2,).
_WRITTEN: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("put", lambda y, v: np.put(y, [0, -1, 3], v)),
    ("put wrap", lambda y, v: np.put(y, [7, 2], v, mode="wrap")),
    ("put clip", lambda y, v: y.put([99], v[0], mode="clip")),
    ("place", lambda y, v: np.place(y, MASK, v)),
    ("putmask", lambda y, v: np.putmask(y, MASK, v)),
    ("copyto", lambda y, v: np.copyto(y, v[:, None])),
    ("copyto where", lambda y, v: np.copyto(y, v[0], where=MASK)),
    ("put_along_axis", lambda y, v: np.put_along_axis(y, np.array([[1], [2]]), v[:, None], axis=1)),
    ("put_along_axis flat", lambda y, v: np.put_along_axis(y, np.array([4, 0]), v, axis=None)),
    ("fill_diagonal", lambda y, v: np.fill_diagonal(y, v)),
    ("fill_diagonal number", lambda y, v: np.fill_diagonal(y, v[0])),
    ("fill", lambda y, v: y[0].fill(v[1])),
    ("sort method", lambda y, _: y.sort(axis=0)),
    ("partition method", lambda y, _: y.partition(1)),
    ("flat", lambda y, v: y.flat.__setitem__([1, 2], v)),
    ("add.at", lambda y, v: np.add.at(y, ([0, 1], [2, 2]), v)),
    ("add.at twice", lambda y, v: np.add.at(y, [0, 0], v[:, None])),
    ("subtract.at twice", lambda y, v: np.subtract.at(y, ([1, 1, 0], 0), v[0])),
    ("multiply.at twice", lambda y, v: np.multiply.at(y, ([1, 1], [0, 0]), v)),
    ("negative.at", lambda y, _: np.negative.at(y, 0)),
    ("sin.at twice", lambda y, _: np.sin.at(y, ([0, 0], [1, 1]))),
    ("out", lambda y, v: np.multiply(y, v[0], out=y)),
    ("out where", lambda y, v: np.exp(v[1], out=y, where=MASK)),
    ("out of reduce", lambda y, _: np.add.reduce(y, axis=0, out=y[1])),
)
# Of an array of shape (3, 4).
_CHOSEN: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("choose", lambda x: np.choose([2, 0, 1, 1], x)),
    ("choose wrap", lambda x: np.choose([[7], [-1]], list(x), mode="wrap")),
    ("choose clip", lambda x: np.choose([9, -9, 0, 1], [x[0], x[1, 2], 1.0], mode="clip")),
    (
        "piecewise",
        lambda x: np.piecewise(x, [x.real < 1, x.real > 2], [lambda t: t * t, np.sqrt, np.sin]),
    ),
    ("piecewise number", lambda x: np.piecewise(x, [x.real < 1], [3.0, lambda t, a: a * t], 2.5)),
    ("piecewise single", lambda x: np.piecewise(x[0], x[0].real < 1, [np.exp, np.cos])),
    ("delete", lambda x: np.delete(x, [1, 5])),
    ("delete axis", lambda x: np.delete(x, 1, axis=0)),
    ("delete slice", lambda x: np.delete(x, slice(None, None, 2), axis=-1)),
    ("delete mask", lambda x: np.delete(x, [True, False, False, True], axis=1)),
    ("insert", lambda x: np.insert(x, 2, x[0, 0] ** 2)),
    ("insert axis", lambda x: np.insert(x, 1, x[:, 0] ** 2, axis=1)),
    ("insert rows", lambda x: np.insert(x, [1, 1, 3], x[0] * 2, axis=0)),
    ("insert one of list", lambda x: np.insert(x, [1], x[:, :2], axis=1)),
    ("insert several", lambda x: np.insert(x, -1, x[:2] ** 2, axis=0)),
    ("insert slice", lambda x: np.insert(x[0], slice(0, 2), 9.0)),
    ("insert mask", lambda x: np.insert(x[0], np.array([True, False, True, False]), x[1, :2])),
    ("resize", lambda x: np.resize(x, (5, 3))),
    ("resize less", lambda x: np.resize(x, 5)),
    ("trim_zeros", lambda x: np.trim_zeros(np.concatenate([0 * x[0], x[1], 0 * x[0]]))),
    ("trim_zeros front", lambda x: np.trim_zeros(np.concatenate([0 * x[0], x[1], 0 * x[0]]), "f")),
    ("rot90", np.rot90),
    ("rot90 3", lambda x: np.rot90(x, 3)),
    ("rot90 -2", lambda x: np.rot90(x, -2, axes=(1, 0))),
    ("rot90 axes", lambda x: np.rot90(x, 1, axes=(1, 0))),
    ("unstack", lambda x: np.unstack(x, axis=1)[2] * np.unstack(x)[0][0]),
    ("atleast_1d several", lambda x: np.atleast_1d(x[0, 0], x[1])[0] * x),
    ("atleast_2d several", lambda x: np.atleast_2d(x[0], x[0, 0])[0]),
    ("atleast_3d several", lambda x: np.atleast_3d(x, x[0])[1]),
    ("ravel list", lambda x: np.ravel([x[0], x[1] * 2]) * x[0, 0]),
    ("np.array of arrays", lambda x: np.array([x[0], x[1] ** 2]) * x[2]),
    ("np.asarray", lambda x: np.asarray(x) * x),
    ("r_", lambda x: np.r_[x[0], x[1, 0]] * x[0, 0]),
    ("c_", lambda x: np.c_[x, x[:, 0]] * x[0, 0]),
    ("ndenumerate", lambda x: sum(v * v for _, v in np.ndenumerate(x))),
    ("full", lambda x: np.full((2, 4), x[0]) * x[0]),
    ("ix_", lambda x: x[np.ix_([0, 2], [1, 1])]),
    ("diag_indices", lambda x: x[np.diag_indices_from(x[:, :3])]),
    ("tril_indices", lambda x: x[np.tril_indices_from(x)]),
    ("lexsort", lambda x: x[0][np.lexsort((x[1].real, x[2].real))]),
    ("subtract.reduce", lambda x: np.subtract.reduce(x)),
    ("divide.reduce", lambda x: np.divide.reduce(x, axis=1, keepdims=True)),
    ("power.reduce", lambda x: np.power.reduce(x[:2])),
    ("multiply.accumulate", lambda x: np.multiply.accumulate(x, axis=1)),
    ("subtract.accumulate", lambda x: np.subtract.accumulate(x)),
    ("add.reduceat", lambda x: np.add.reduceat(x, [0, 2, 1])),
    ("multiply.reduceat", lambda x: np.multiply.reduceat(x, [1, 3, 0], axis=1)),
    ("add.reduce all", lambda x: np.add.reduce(x, axis=None, initial=2.0)),
    ("outer method", lambda x: np.subtract.outer(x[0], x[1])),
    ("power.outer", lambda x: np.power.outer(x[0], x[:, 1])),
    ("dtype", lambda x: np.add(x, x[0], dtype=x.dtype)),
    ("cumulative_sum", lambda x: np.cumulative_sum(x, axis=1, include_initial=True)),
    ("cumulative_prod", lambda x: np.cumulative_prod(x[0])),
    ("cumulative_prod initial", lambda x: np.cumulative_prod(x, axis=0, include_initial=True)),
    ("attributes", lambda x: x.T * x.mT.real.size + x.ndim * x.T),
    ("methods of moving", lambda x: x.swapaxes(0, 1).reshape(3, 4).take([0, 5]) * x.flatten()[0]),
    (
        "methods of choosing",
        lambda x: (
            x.repeat(2, axis=0).compress([True, False], axis=0).diagonal()[0]
            + x.trace() * x.dot(x[0])
        ),
    ),
    ("method choose", lambda x: np.array([1, 0, 2, 1]).choose(x) * x[0]),
    ("squeeze method", lambda x: x[:1].squeeze().cumsum().cumprod()),
)
_OF_REALS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("zeros like", lambda x: _filled(x)),
    ("maximum.reduce", lambda x: np.maximum.reduce(x)),
    ("minimum.reduce", lambda x: np.minimum.reduce(x, axis=(0, 1))),
    ("fmax.reduce", lambda x: np.fmax.reduce(x)),
    ("maximum.accumulate", lambda x: np.maximum.accumulate(x, axis=1)),
    ("minimum.accumulate", lambda x: np.minimum.accumulate(x)),
    ("logaddexp.reduce", lambda x: np.logaddexp.reduce(x, axis=None)),
    ("hypot.reduce", lambda x: np.hypot.reduce(x, axis=1)),
    ("hypot.accumulate", lambda x: np.hypot.accumulate(x)),
    ("arctan2.outer", lambda x: np.arctan2.outer(x[0], x[1])),
    ("maximum.reduceat", lambda x: np.maximum.reduceat(x, [0, 2])),
    (
        "methods",
        lambda x: (
            x.std(0) * x.var(axis=0, ddof=1) + x.round().sum() * x.min(0) + x.clip(1.0, 2.0).max()
        ),
    ),
)


def _filled(x: Any) -> Any:
    y = np.zeros(3, dtype=x.dtype, like=x)
    for i in range(3):
        y[i] = x[i, 0] * x[0, i]
    return y


_PIECES = Domain(((0.3, 0.9), (1.1, 1.9), (2.1, 2.9)))
_TWO: tuple[Shape, ...] = ((2, 3), (2,))


# NumPy makes arrays of single traced values there.
_OBJECTS = ("ravel list", "np.array of arrays", "np.asarray", "r_", "c_", "full", "method choose")


def cases() -> Iterator[Case]:
    """The rows of this family."""
    for name, write in _WRITTEN:
        yield row(f"written {name}", written(write), *_TWO, domains=POSITIVE)
    for name, function in _CHOSEN:
        yield row(name, function, (3, 4), domains=_PIECES, objects=name in _OBJECTS)
    for name, function in _OF_REALS:
        yield row(
            name,
            function,
            (3, 4),
            domains=Domain(((0.6, 0.9), (1.1, 1.4), (1.6, 2.9))),
            analytic=False,
        )
