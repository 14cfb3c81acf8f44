"""Norms of vectors and matrices, and condition numbers: composed of sums, maxima and singular values.

At a kink they have the slope of least norm: 0 for the norm of the zero vector, equal shares at ties.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from optkit.ad.core import is_taken_apart, primal, reveal
from optkit.ad.primitives import pulled_product, strong_product
from optkit.ad.registry import composite, nonlinear
from optkit.ad.rules.reduce import expand
from optkit.ad.rules.shape import traced


@composite(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002 -- NumPy's name
    x = traced(x)
    if axis is None and (
        ord is None or (ord in ("f", "fro") and x.ndim == 2) or (ord == 2 and x.ndim == 1)
    ):
        axes: tuple[int, ...] = tuple(range(x.ndim))
        return _euclidean(x, axes, keepdims)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    if len(axes) == 1:
        return _vector(x, ord, axes, keepdims)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    return _matrix(x, ord, axes, keepdims)


@composite(np.linalg.matrix_norm)
def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:  # noqa: A002
    return np.linalg.norm(x, ord, (-2, -1), keepdims)


@composite(np.linalg.vector_norm)
def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:  # noqa: A002
    x = traced(x)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    return _vector(x, ord, axes, keepdims)


# Rows of up to so many elements are summed faster, and as exactly, one element after the other.
_SHORT = 64


def _length(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if len(axes) == x.ndim and not keepdims:
        flat = x.ravel(order="K")
        return np.sqrt(flat.dot(flat))
    if axes == (x.ndim - 1,) and x.shape[-1] <= _SHORT:
        squares = np.einsum("...i,...i->...", x, x)
        return np.sqrt(squares[..., None] if keepdims else squares)
    return np.sqrt(np.sum(np.square(x), axis=axes, keepdims=keepdims))


def _length_jvp(tangents: Any, y: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    # At 0 the slope of least norm is 0: the zeros of x win over the pole of 1/y.
    unit = strong_product(x, expand(1.0 / y, x, axes, keepdims))
    terms = strong_product(tangents[0], unit)
    return np.sum(terms, axis=tuple(i - np.ndim(x) for i in axes), keepdims=keepdims)


def _length_vjp(ct: Any, y: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return pulled_product(expand(pulled_product(ct, 1.0 / y), x, axes, keepdims), x)


# Of real numbers, by a rule that makes fewer passes than the one of squares, sum and square root.
_real_length = nonlinear("norm", impl=_length, jvp=_length_jvp, vjp=_length_vjp, leading=True)


def _euclidean(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if x.dtype.kind == "f" and x.ndim and not is_taken_apart(x):
        return _real_length(x, axes=axes, keepdims=bool(keepdims))
    return _by_squares(x, axes, keepdims)


def _by_squares(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    squares = np.square(x) if not np.iscomplexobj(x) else np.square(x.real) + np.square(x.imag)
    return np.sqrt(np.sum(squares, axis=axes, keepdims=keepdims))


def _largest(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    empty = any(x.shape[i] == 0 for i in axes)
    return np.max(x, axis=axes, keepdims=keepdims, initial=0 if empty else np._NoValue)


def _first(singular: Any) -> Any:
    """The largest singular value; equal ones share its slope."""
    plain = reveal(singular)
    if plain.shape[-1] == 0 or (plain.shape[-1] > 1 and np.any(plain[..., 0] == plain[..., 1])):
        return _largest(singular, (-1,), False)
    return singular[..., 0]


def _last(singular: Any) -> Any:
    """The smallest singular value; equal ones share its slope."""
    plain = reveal(singular)
    if plain.shape[-1] == 0 or (plain.shape[-1] > 1 and np.any(plain[..., -1] == plain[..., -2])):
        return np.min(singular, axis=-1)
    return singular[..., -1]


def _vector(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:  # noqa: A002
    if ord is None or ord == 2:
        return _euclidean(x, axes, keepdims)
    if ord == math.inf:
        return _largest(np.abs(x), axes, keepdims)
    if ord == -math.inf:
        return np.min(np.abs(x), axis=axes, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.not_equal(x, 0), axis=axes, keepdims=keepdims).astype(primal(x).real.dtype)
    if ord == 1:
        return np.sum(np.abs(x), axis=axes, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    return np.sum(np.abs(x) ** ord, axis=axes, keepdims=keepdims) ** (1 / ord)


def _matrix(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:  # noqa: A002
    if ord is None or ord in ("f", "fro"):
        return _euclidean(x, axes, keepdims)
    if ord in (1, -1, math.inf, -math.inf):
        row, column = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(np.abs(x), axis=row, keepdims=True)
        if ord > 0:
            return _largest(sums, (row, column), keepdims)
        return np.min(sums, axis=(row, column), keepdims=keepdims)
    if ord not in (2, -2, "nuc"):
        raise ValueError("Invalid norm order for matrices.")
    singular = np.linalg.svdvals(np.moveaxis(x, axes, (-2, -1)))
    if ord == "nuc":
        value = np.sum(singular, axis=-1)
    else:
        value = _first(singular) if ord == 2 else _last(singular)
    return np.expand_dims(value, tuple(sorted(axes))) if keepdims else value


@composite(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Any:
    x = traced(x)
    if x.ndim < 2 or 0 in x.shape[-2:]:
        return np.linalg.cond(reveal(x), p)  # NumPy says what is wrong.
    if p is None or p in (2, -2):
        singular = np.linalg.svdvals(x)
        largest, least = _first(singular), _last(singular)
        with np.errstate(all="ignore"):  # As NumPy does: infinite for a singular matrix.
            return least / largest if p == -2 else largest / least
    value = np.linalg.cond(reveal(x), p)  # NumPy also says here what is wrong with the arguments.
    singular = np.isinf(value)[..., None, None]
    inverse = np.linalg.inv(np.where(singular, np.eye(x.shape[-1], dtype=x.dtype), x))
    near, far = _size(x, p), _size(inverse, p)
    return near * np.where(singular[..., 0, 0], math.inf, far)


def _size(x: Any, p: Any) -> Any:
    """A norm of matrices; Frobenius' by the same steps compiled or not, for here the slopes of two of them cancel."""
    if p == "fro":
        return _by_squares(x, (x.ndim - 2, x.ndim - 1), False)
    return np.linalg.norm(x, p, (-2, -1))
