"""Linear algebra without decompositions into factors: systems, inverses, determinants; batched.

The rules follow Giles 2008, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation"; that of the pseudoinverse Golub & Pereyra 1973, "The differentiation of pseudo-inverses and nonlinear
least squares problems whose variables separate". Tangent rules broadcast over leading axes, so that all directions go
through them at once. Cotangents are transposed, not conjugated: ``Re Σ ct · ẏ`` is the slope, for complex arrays too.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from scipy.linalg import lapack

from optkit.ad.core import reveal
from optkit.ad.primitives import Constant, pulled_product, strong_product, unbroadcast
from optkit.ad.registry import FUNCTIONS, composite, nonlinear
from optkit.ad.rules.axes import by_position, with_ndim
from optkit.ad.rules.reduce import other_products
from optkit.ad.rules.shape import is_traced, traced

# A matrix with a smaller condition number than this is regular enough to take its cofactors from its inverse.
_REGULAR = 1e7


def transpose(a: Any) -> Any:
    """The transpose of each matrix."""
    return np.swapaxes(a, -1, -2)


def conjugate(a: Any) -> Any:
    """The complex conjugate; a real array as it is."""
    return np.conjugate(a) if np.iscomplexobj(a) else a


def adjoint(a: Any) -> Any:
    """The conjugate transpose of each matrix."""
    return conjugate(transpose(a))


def on_diagonal(values: Any) -> Any:
    """The diagonal of each matrix."""
    return np.einsum("...ii->...i", values)


@functools.lru_cache(maxsize=32)
def _half(n: int, kind: str) -> Any:
    mask = np.tri(n, dtype=kind) - 0.5 * np.eye(n, dtype=kind)
    mask.flags.writeable = False
    return mask


def half_lower(m: Any) -> Any:
    """The lower triangle with half the diagonal."""
    return m * _half(np.shape(m)[-1], m.dtype.char)


def hermitian_part(m: Any) -> Any:
    """Half the sum of a matrix and its conjugate transpose."""
    return 0.5 * (m + adjoint(m))


# The matrix that a routine sees which reads one triangle of its argument only. Its slope is the symmetric one: the two
# entries of a pair are moved together, half by each.
_mirror = nonlinear(
    "mirror",
    impl=lambda a, lower: _mirrored(a, lower),
    jvp=lambda t, y, a, lower: hermitian_part(t[0]),
    vjp=lambda ct, y, a, lower: hermitian_part(ct),
    leading=True,
)


def _mirrored(a: Any, lower: bool) -> Any:
    part = np.tril(a) if lower else np.triu(a)
    return part + adjoint(np.tril(a, -1) if lower else np.triu(a, 1))


def from_triangle(a: Any, lower: bool = True) -> Any:
    """The Hermitian matrix of which ``a`` holds one triangle; its derivative is symmetrised."""
    return _mirror(a, lower=lower)


# --- solve, inv -------------------------------------------------------------------------------------------------------


def solve_all(solve: Any, right: Any, ndim: int) -> Any:
    """``solve`` right sides of ``ndim`` axes and perhaps one more, the directions: they are columns of one system."""
    if np.ndim(right) == ndim:
        return solve(right)
    columns = np.moveaxis(right, 0, -1)
    shape = np.shape(columns)
    solved = solve(np.reshape(columns, (*shape[:-2], shape[-2] * shape[-1])))
    return np.moveaxis(np.reshape(solved, (*np.shape(solved)[:-1], *shape[-2:])), -1, 0)


def _solve_jvp(tangents: Any, x: Any, a: Any, b: Any) -> Any:
    """A ẋ = ḃ − Ȧ x."""
    ta, tb = tangents
    right = tb if ta is None else -np.matmul(ta, x) if tb is None else tb - np.matmul(ta, x)
    return solve_all(lambda columns: np.linalg.solve(a, columns), right, np.ndim(x))


_solve = nonlinear(
    "solve",
    impl=np.linalg.solve,
    jvp=_solve_jvp,
    vjp=(
        lambda ct, x, a, b: unbroadcast(
            -np.matmul(np.linalg.solve(transpose(a), ct), transpose(x)), a
        ),
        lambda ct, x, a, b: unbroadcast(np.linalg.solve(transpose(a), ct), b),
    ),
    leading=True,
)


@composite(np.linalg.solve)
def _np_solve(a: Any, b: Any) -> Any:
    a, b = traced(a), traced(b)
    if a.ndim < 2 or b.ndim < 1:
        return np.linalg.solve(reveal(a), reveal(b))  # NumPy says what is wrong.
    if b.ndim == 1:  # NumPy 2: only a one-dimensional b is a vector.
        return np.linalg.solve(a, b[:, None])[..., 0]
    ndim = max(a.ndim, b.ndim)
    return _solve(with_ndim(a, ndim), with_ndim(b, ndim))


_inv = nonlinear(
    np.linalg.inv,
    jvp=lambda t, y, a: -np.matmul(np.matmul(y, t[0]), y),
    vjp=lambda ct, y, a: -np.matmul(np.matmul(transpose(y), ct), transpose(y)),
    leading=True,
)

# --- triangular systems -----------------------------------------------------------------------------------------------

_TRTRS = {"f": lapack.strtrs, "d": lapack.dtrtrs, "F": lapack.ctrtrs, "D": lapack.ztrtrs}


def _triangular_impl(a: Any, b: Any, lower: bool, unit: bool) -> Any:
    kind = np.result_type(a, b)
    if not np.size(b):
        return np.zeros(np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) + b.shape[-2:], kind)
    if a.ndim > 2 and a.size == a.shape[-1] ** 2:  # One matrix for all.
        a = a.reshape(a.shape[-2:])
    if a.ndim > 2 or kind.char not in _TRTRS:
        return np.linalg.solve(_triangle(a, lower, unit, full=True), b)
    if b.ndim > 2:
        columns = np.moveaxis(b, -2, 0).reshape(b.shape[-2], -1)
        solved = _triangular_impl(a, columns, lower, unit)
        return np.moveaxis(solved.reshape(b.shape[-2], *b.shape[:-2], b.shape[-1]), 0, -2)
    a = a.astype(kind, copy=False)
    # LAPACK takes columns: what lies in rows is given to it as the transpose.
    turned = not a.flags.f_contiguous
    x, info = _TRTRS[kind.char](
        a.T if turned else a, b, lower=lower != turned, trans=int(turned), unitdiag=unit
    )
    if info > 0:
        raise np.linalg.LinAlgError(f"singular matrix: diagonal element {info - 1} is zero")
    return np.asarray(x, dtype=kind)


def _triangle(m: Any, lower: bool, unit: bool, full: bool = False) -> Any:
    """The part of a matrix that a triangular system reads; ``full`` with the ones that a ``unit`` diagonal has."""
    part = np.tril(m, -int(unit)) if lower else np.triu(m, int(unit))
    return part + np.eye(np.shape(m)[-1], dtype=m.dtype) if full and unit else part


def _triangular_jvp(tangents: Any, x: Any, a: Any, b: Any, lower: bool, unit: bool) -> Any:
    ta, tb = tangents
    moved = None if ta is None else np.matmul(_triangle(ta, lower, unit), x)
    right = tb if moved is None else -moved if tb is None else tb - moved
    return solve_triangular(a, right, lower, unit)


def _triangular_pull(ct: Any, a: Any, lower: bool, unit: bool) -> Any:
    return solve_triangular(transpose(a), ct, not lower, unit)


_triangular = nonlinear(
    "solve_triangular",
    impl=_triangular_impl,
    jvp=_triangular_jvp,
    vjp=(
        lambda ct, x, a, b, lower, unit: unbroadcast(
            -_triangle(np.matmul(_triangular_pull(ct, a, lower, unit), transpose(x)), lower, unit),
            a,
        ),
        lambda ct, x, a, b, lower, unit: unbroadcast(_triangular_pull(ct, a, lower, unit), b),
    ),
    leading=True,
)


def solve_triangular(a: Any, b: Any, lower: bool, unit: bool = False) -> Any:
    """Solve systems with one triangle of ``a``; the right sides are the columns of ``b``."""
    ndim = max(np.ndim(a), np.ndim(b))
    return _triangular(with_ndim(a, ndim), with_ndim(b, ndim), lower=lower, unit=unit)


# --- pinv, lstsq ------------------------------------------------------------------------------------------------------


def _pinv_jvp(tangents: Any, p: Any, a: Any, **how: Any) -> Any:
    """The derivative where the rank is constant: −P Ȧ P + P Pᴴ Ȧᴴ (I − A P) + (I − P A) Ȧᴴ Pᴴ P."""
    t, th, ph = tangents[0], adjoint(tangents[0]), adjoint(p)
    left, right = np.matmul(np.matmul(p, ph), th), np.matmul(th, np.matmul(ph, p))
    return (
        -np.matmul(np.matmul(p, t), p)
        + (left - np.matmul(np.matmul(left, a), p))
        + (right - np.matmul(p, np.matmul(a, right)))
    )


def _pinv_vjp(ct: Any, p: Any, a: Any, **how: Any) -> Any:
    ch, ph = transpose(ct), adjoint(p)
    left, right = np.matmul(ch, np.matmul(p, ph)), np.matmul(np.matmul(ph, p), ch)
    return conjugate(
        -np.matmul(np.matmul(ph, adjoint(ch)), ph)
        + (left - np.matmul(a, np.matmul(p, left)))
        + (right - np.matmul(np.matmul(right, p), a))
    )


_pinv = nonlinear(
    "pinv",
    impl=lambda a, **how: np.linalg.pinv(a, **how),
    jvp=_pinv_jvp,
    vjp=_pinv_vjp,
    leading=True,
)


@composite(np.linalg.pinv)
def _np_pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = np._NoValue) -> Any:
    a = traced(a)
    how = {"rcond": rcond} if rtol is np._NoValue else {"rcond": rcond, "rtol": rtol}
    if hermitian:
        return _pinv(from_triangle(a), hermitian=True, **how)
    return _pinv(a, **how)


@composite(np.linalg.lstsq)
def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """By the pseudoinverse, so that a matrix of deficient rank has the derivative of the solution of least norm."""
    a, b = traced(a), traced(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        return np.linalg.lstsq(reveal(a), reveal(b), rcond)  # NumPy says what is wrong.
    m, n = a.shape
    kind = np.result_type(a, b)
    a, b = a.astype(kind, copy=False), b.astype(kind, copy=False)
    epsilon = np.finfo(kind).eps
    cutoff = epsilon * max(m, n) if rcond is None else epsilon if rcond == -1 else rcond
    singular = np.linalg.svdvals(a)
    values = reveal(singular)
    rank = int(np.sum(values > cutoff * np.max(values, initial=0.0)))
    x = np.matmul(_pinv(a, rcond=None, rtol=cutoff), b)
    if rank < n or m <= n:
        residuals: Any = np.zeros((0,), dtype=values.dtype)
    else:
        columns = b - np.matmul(a, x)
        squares = np.square(np.real(columns)) + np.square(np.imag(columns))
        residuals = np.sum(np.reshape(squares, (m, -1)), axis=0)
    return x, residuals, rank, singular


# --- det, slogdet -----------------------------------------------------------------------------------------------------


# A primitive, so that a captured function asks it anew in every call.
_any_singular = Constant("any_singular", lambda a: np.any(np.linalg.cond(a) > _REGULAR))


def _cofactors(det: Any, a: Any) -> Any:
    """∂ det A / ∂A, the matrix of cofactors, of singular matrices too."""
    if not is_traced(a):
        quick = _regular_cofactors(det, a)
        return _plain_cofactors(a) if quick is None else quick
    if not _any_singular(a):
        return np.reshape(det, (*np.shape(det), 1, 1)) * transpose(np.linalg.inv(a))
    return _minors(a)


def _regular_cofactors(det: Any, a: Any) -> Any:
    """det(A) A⁻ᵀ, or None where the matrix may not be regular enough for that."""
    if not np.all(np.abs(det) > np.finfo(a.dtype).tiny):
        return None
    try:
        inverse = np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return None
    sizes = [np.max(np.sum(np.abs(m), axis=-1), axis=-1, initial=0.0) for m in (a, inverse)]
    if not np.all(sizes[0] * sizes[1] < _REGULAR):
        return None
    return np.reshape(det, (*np.shape(det), 1, 1)) * transpose(inverse)


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
    vjp=lambda ct, y, a: pulled_product(np.reshape(ct, (*np.shape(ct), 1, 1)), _cofactors(y, a)),
    leading=True,
)
for _function, _primitive in ((np.linalg.inv, _inv), (np.linalg.det, _det)):
    FUNCTIONS[_function] = by_position(_function, _primitive)


def _slogdet_slope(sign: Any, a: Any) -> Any:
    """∂ log det A / ∂A = A⁻ᵀ; infinite where the matrix is singular."""
    singular = np.equal(sign, 0)[..., None, None]
    if not np.any(singular):
        return transpose(np.linalg.inv(a))
    regular = np.where(singular, np.eye(np.shape(a)[-1], dtype=a.dtype), a)
    return np.where(singular, math.inf, transpose(np.linalg.inv(regular)))


def _slogdet_jvp(tangents: Any, y: Any, a: Any) -> Any:
    slope = np.sum(strong_product(tangents[0], _slogdet_slope(y[0], a)), axis=(-2, -1))
    if np.iscomplexobj(y[0]):  # The sign is a phase, exp(i Im log det A).
        return 1j * y[0] * np.imag(slope), np.real(slope)
    return np.zeros(np.shape(slope), dtype=slope.dtype), slope


def _slogdet_vjp(ct: Any, y: Any, a: Any) -> Any:
    phase, slope = ct[0], None if ct[1] is None else np.real(ct[1])
    if phase is not None and np.iscomplexobj(y[0]):
        turn = 1j * np.imag(phase * y[0])
        slope = turn if slope is None else slope + turn
    if slope is None:  # A real sign does not change.
        return np.zeros(np.shape(a), dtype=a.dtype)
    return pulled_product(np.reshape(slope, (*np.shape(slope), 1, 1)), _slogdet_slope(y[0], a))


_slogdet = nonlinear(
    "slogdet",
    impl=lambda a: tuple(np.linalg.slogdet(a)),
    jvp=_slogdet_jvp,
    vjp=_slogdet_vjp,
    leading=True,
)


@composite(np.linalg.slogdet)
def _np_slogdet(a: Any) -> Any:
    return _SlogdetResult(*_slogdet(traced(a)))


_SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))

# --- cholesky ---------------------------------------------------------------------------------------------------------


def _cholesky_jvp(tangents: Any, low: Any, a: Any) -> Any:
    """L̇ = L Φ(L⁻¹ Ȧ L⁻ᴴ) with the Hermitian part of Ȧ; Φ takes the lower triangle with half the diagonal."""
    inner = solve_triangular(low, hermitian_part(tangents[0]), lower=True)
    return np.matmul(low, half_lower(solve_triangular(low, adjoint(inner), lower=True)))


def _cholesky_vjp(ct: Any, low: Any, a: Any) -> Any:
    inner = half_lower(np.matmul(adjoint(low), conjugate(ct)))
    left = solve_triangular(adjoint(low), inner, lower=False)
    return conjugate(hermitian_part(adjoint(solve_triangular(adjoint(low), adjoint(left), False))))


_cholesky = nonlinear(
    "cholesky", impl=np.linalg.cholesky, jvp=_cholesky_jvp, vjp=_cholesky_vjp, leading=True
)


@composite(np.linalg.cholesky)
def _np_cholesky(a: Any, /, *, upper: bool = False) -> Any:
    a = traced(a)
    return adjoint(_cholesky(adjoint(a))) if upper else _cholesky(a)
