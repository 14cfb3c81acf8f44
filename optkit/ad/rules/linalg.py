"""Linear algebra: solve, inv, det, slogdet, cholesky, norm, batched over leading axes.

The rules follow Giles 2008, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation". Tangent rules broadcast over leading axes, so that all directions go through them at once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from optkit.ad.registry import (
    FUNCTIONS,
    Constant,
    composite,
    nonlinear,
    strong_product,
    unbroadcast,
)
from optkit.ad.rules.axes import by_position, with_ndim
from optkit.ad.rules.reduce import other_products
from optkit.ad.rules.shape import is_traced, traced
from optkit.errors import NotDifferentiableError

# A matrix with a smaller condition number than this is regular enough to take its cofactors from its inverse.
_REGULAR = 1e7


def _t(a: Any) -> Any:
    return np.swapaxes(a, -1, -2)


# --- solve, inv -------------------------------------------------------------------------------------------------------


def _solve_jvp(tangents: Any, x: Any, a: Any, b: Any) -> Any:
    """A ẋ = ḃ − Ȧ x."""
    ta, tb = tangents
    right = tb if ta is None else -np.matmul(ta, x) if tb is None else tb - np.matmul(ta, x)
    if np.ndim(right) == np.ndim(x):
        return np.linalg.solve(a, right)
    # All directions are columns of one system: the matrix is factorised once.
    columns = np.moveaxis(right, 0, -1)
    solved = np.linalg.solve(a, np.reshape(columns, (*np.shape(columns)[:-2], -1)))
    return np.moveaxis(np.reshape(solved, (*np.shape(solved)[:-1], *np.shape(columns)[-2:])), -1, 0)


_solve = nonlinear(
    "solve",
    impl=np.linalg.solve,
    jvp=_solve_jvp,
    vjp=(
        lambda ct, x, a, b: unbroadcast(-np.matmul(np.linalg.solve(_t(a), ct), _t(x)), a),
        lambda ct, x, a, b: unbroadcast(np.linalg.solve(_t(a), ct), b),
    ),
    leading=True,
)


@composite(np.linalg.solve)
def _np_solve(a: Any, b: Any) -> Any:
    a, b = traced(a), traced(b)
    if b.ndim == 1:  # NumPy 2: only a one-dimensional b is a vector.
        return np.linalg.solve(a, b[:, None])[..., 0]
    ndim = max(a.ndim, b.ndim)
    return _solve(with_ndim(a, ndim), with_ndim(b, ndim))


_inv = nonlinear(
    np.linalg.inv,
    jvp=lambda t, y, a: -np.matmul(np.matmul(y, t[0]), y),
    vjp=lambda ct, y, a: -np.matmul(np.matmul(_t(y), ct), _t(y)),
    leading=True,
)

# --- det, slogdet -----------------------------------------------------------------------------------------------------


# A primitive, so that a captured function asks it anew in every call.
_any_singular = Constant("any_singular", lambda a: np.any(np.linalg.cond(a) > _REGULAR))


def _cofactors(det: Any, a: Any) -> Any:
    """∂ det A / ∂A, the matrix of cofactors, of singular matrices too."""
    if not is_traced(a):
        return _plain_cofactors(a)
    if not _any_singular(a):
        return np.reshape(det, (*np.shape(det), 1, 1)) * _t(np.linalg.inv(a))
    return _minors(a)


def _plain_cofactors(a: Any) -> Any:
    """From A = U S Vᴴ: det(U) det(Vᴴ) U̅ (Π_{j≠i} s_j) V̅ᴴ, in which nothing is divided."""
    broken = ~np.all(np.isfinite(a), axis=(-2, -1))[..., None, None]
    u, s, vh = np.linalg.svd(np.where(broken, 0, a))
    sign = (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    others = other_products(s, (s.ndim - 1,))[..., None]
    return np.where(broken, math.nan, sign * np.matmul(np.conj(u), others * np.conj(vh)))


def _minors(a: Any) -> Any:
    """The cofactors as determinants of minors: O(n⁵), but they can be differentiated at a singular matrix."""
    n = np.shape(a)[-1]
    if n == 1:
        return np.ones_like(a)
    others = [[k for k in range(n) if k != i] for i in range(n)]
    rows = [
        np.stack(
            [
                (-1.0) ** (i + j) * np.linalg.det(a[..., others[i], :][..., others[j]])
                for j in range(n)
            ],
            axis=-1,
        )
        for i in range(n)
    ]
    return np.stack(rows, axis=-2)


_det = nonlinear(
    np.linalg.det,
    jvp=lambda t, y, a: np.sum(strong_product(t[0], _cofactors(y, a)), axis=(-2, -1)),
    vjp=lambda ct, y, a: strong_product(np.reshape(ct, (*np.shape(ct), 1, 1)), _cofactors(y, a)),
    leading=True,
)
for _function, _primitive in ((np.linalg.inv, _inv), (np.linalg.det, _det)):
    FUNCTIONS[_function] = by_position(_function, _primitive)


def _slogdet_slope(sign: Any, a: Any) -> Any:
    """∂ log|det A| / ∂A = A⁻ᵀ; infinite where the matrix is singular."""
    singular = np.equal(sign, 0)[..., None, None]
    if not np.any(singular):
        return _t(np.linalg.inv(a))
    regular = np.where(singular, np.eye(np.shape(a)[-1], dtype=a.dtype), a)
    return np.where(singular, math.inf, _t(np.linalg.inv(regular)))


def _slogdet_jvp(tangents: Any, y: Any, a: Any) -> Any:
    slope = np.sum(strong_product(tangents[0], _slogdet_slope(y[0], a)), axis=(-2, -1))
    return np.zeros(np.shape(slope), dtype=slope.dtype), slope


def _slogdet_vjp(ct: Any, y: Any, a: Any) -> Any:
    slope = ct[1]  # The sign does not change.
    if slope is None:
        return np.zeros(np.shape(a), dtype=a.dtype)
    return strong_product(np.reshape(slope, (*np.shape(slope), 1, 1)), _slogdet_slope(y[0], a))


_slogdet = nonlinear(
    "slogdet",
    impl=lambda a: tuple(np.linalg.slogdet(a)),
    jvp=_slogdet_jvp,
    vjp=_slogdet_vjp,
    leading=True,
)


@composite(np.linalg.slogdet)
def _np_slogdet(a: Any) -> Any:
    a = traced(a)
    if np.iscomplexobj(a):
        raise NotDifferentiableError(
            "np.linalg.slogdet of a complex traced matrix: use np.linalg.det"
        )
    from numpy.linalg._linalg import SlogdetResult

    return SlogdetResult(*_slogdet(a))


# --- cholesky ---------------------------------------------------------------------------------------------------------


def _half_lower(m: Any) -> Any:
    """The lower triangle with half the diagonal."""
    n = np.shape(m)[-1]
    return m * (np.tri(n, dtype=m.dtype) - 0.5 * np.eye(n, dtype=m.dtype))


def _cholesky_jvp(tangents: Any, low: Any, a: Any) -> Any:
    """L̇ = L Φ(L⁻¹ Ȧ L⁻ᵀ) with the symmetric part of Ȧ."""
    ta = 0.5 * (tangents[0] + _t(tangents[0]))
    inverse = np.linalg.inv(low)
    return np.matmul(low, _half_lower(np.matmul(np.matmul(inverse, ta), _t(inverse))))


def _cholesky_vjp(ct: Any, low: Any, a: Any) -> Any:
    inverse = np.linalg.inv(low)
    inner = _half_lower(np.matmul(_t(low), ct))
    pulled = np.matmul(np.matmul(_t(inverse), inner), inverse)
    return 0.5 * (pulled + _t(pulled))


_cholesky = nonlinear(
    "cholesky", impl=np.linalg.cholesky, jvp=_cholesky_jvp, vjp=_cholesky_vjp, leading=True
)


@composite(np.linalg.cholesky)
def _np_cholesky(a: Any, /, *, upper: bool = False) -> Any:
    a = traced(a)
    if np.iscomplexobj(a):
        raise NotDifferentiableError(
            "np.linalg.cholesky of a complex traced matrix: use real matrices"
        )
    return _t(_cholesky(_t(a))) if upper else _cholesky(a)


# --- norm -------------------------------------------------------------------------------------------------------------


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
        return _vector_norm(x, ord, axes, keepdims)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    if ord is None or ord in ("f", "fro"):
        return _euclidean(x, axes, keepdims)
    if ord in (1, -1, math.inf, -math.inf):
        row, column = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(np.abs(x), axis=row, keepdims=True)
        return (np.max if ord > 0 else np.min)(sums, axis=(row, column), keepdims=keepdims)
    raise NotDifferentiableError(
        f"np.linalg.norm with ord={ord!r} of a traced matrix: only None, 'fro', 1, -1, inf and -inf have a rule"
    )


def _euclidean(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    squares = np.square(x) if not np.iscomplexobj(x) else np.square(x.real) + np.square(x.imag)
    return np.sqrt(np.sum(squares, axis=axes, keepdims=keepdims))


def _vector_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:  # noqa: A002
    if ord is None or ord == 2:
        return _euclidean(x, axes, keepdims)
    if ord == math.inf:
        return np.max(np.abs(x), axis=axes, keepdims=keepdims)
    if ord == -math.inf:
        return np.min(np.abs(x), axis=axes, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.not_equal(x, 0), axis=axes, keepdims=keepdims).astype(x.dtype)
    if ord == 1:
        return np.sum(np.abs(x), axis=axes, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    return np.sum(np.abs(x) ** ord, axis=axes, keepdims=keepdims) ** (1 / ord)
