"""Decompositions: qr, eigh, eig, svd, batched, real and complex.

Factors are not unique, so their derivatives follow what LAPACK does: Q R has a real diagonal in R, eigenvectors have
length 1. The phase of a complex eigenvector or pair of singular vectors is the one that keeps that component real which
LAPACK has made real; without such a component it is the choice of least change.

Where two eigenvalues (or singular values) agree to rounding, the values still have the derivative that perturbation
theory gives them along each vector, but the vectors are any basis of a plane and have none: forward mode says NaN,
reverse mode raises an error, unless the slope along a change of that basis is 0 and the values are not used beside
them (then the function is taken for one of the plane alone). A singular value of 0 is a kink, like that of ``abs``,
and has slope 0; through a single one the factors of a real square matrix go on smoothly, otherwise its vectors are not
determined either. As everywhere an exact 0 wins: what a function multiplies by a singular value of exactly 0 is not
seen any more.

The argument of ``eigh`` is taken to be Hermitian, and its derivative is symmetrised: each of the entries (i, j) and
(j, i) has half the slope of the pair, although LAPACK reads one of the two only.

Notation: A = Q R, A V = V Λ, A = U S Vᴴ; Ċ is the tangent of C. In the rules for cotangents, ``C`` is the conjugate of
the cotangent, ``K = Uᴴ C``, and G the conjugate of the result. Sources: Giles 2008, "Collected matrix derivative
results"; Walter & Lehmann 2012, "Algorithmic differentiation of linear algebra functions with application in optimum
experimental design" (qr); Wan & Zhang 2019, "Automatic differentiation for complex valued SVD".
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from optkit.ad.core import primal, reveal
from optkit.ad.primitives import strong_product
from optkit.ad.registry import composite, nonlinear
from optkit.ad.rules.linalg import (
    adjoint,
    conjugate,
    hermitian_part,
    on_diagonal,
    solve_triangular,
    transpose,
)
from optkit.ad.rules.shape import traced
from optkit.errors import NotDifferentiableError

EighResult: Any = type(np.linalg.eigh(np.eye(1)))
EigResult: Any = type(np.linalg.eig(np.eye(1)))
SVDResult: Any = type(np.linalg.svd(np.eye(1)))
QRResult: Any = type(np.linalg.qr(np.eye(1)))

# --- what they share --------------------------------------------------------------------------------------------------


def _antihermitian_part(m: Any) -> Any:
    return 0.5 * (m - adjoint(m))


def _rounding(values: Any) -> Any:
    """By how much eigenvalues or singular values are uncertain."""
    size = np.abs(values).max(axis=-1, keepdims=True, initial=0.0)
    return size * (float(np.finfo(values.dtype).eps) * values.shape[-1])


def _gaps(values: Any) -> tuple[Any, Any]:
    """The matrix 1/(w_j − w_i), with 0 on the diagonal and where the two are tied; and which pairs are tied."""
    gaps = values[..., None, :] - values[..., :, None]
    same = np.abs(reveal(gaps)) <= _rounding(reveal(values))[..., None]
    return np.where(same, 0.0, 1.0 / np.where(same, 1.0, gaps)), same & _apart(same.shape[-1])


@functools.lru_cache(maxsize=32)
def _apart(n: int) -> Any:
    """Which pairs of indices are not equal."""
    mask = ~np.eye(n, dtype=bool)
    mask.flags.writeable = False
    return mask


def _unless_open(moved: Any, factors: Any, unknown: Any) -> Any:
    """Entries times their factors; NaN where a factor is ``unknown``, unless nothing moves there."""
    if not unknown.any():
        return moved * factors
    return strong_product(moved, np.where(unknown, math.nan, factors))


def _refuse_ties(name: str, tied: Any, factors: tuple[Any, ...], choice: Any, alone: bool) -> None:
    """Raise where a cotangent needs the derivative of vectors that are not determined.

    ``factors`` are the cotangents of matrices of vectors (as columns), ``choice`` is the slope along a rotation within
    each pair. A function that does not see the rotation (a projector) has a derivative, if it reads the vectors
    ``alone``: with a function of the values as factors it would depend on how a perturbation splits them.
    """
    if not tied.any():
        return
    used: Any = sum(np.any(reveal(c) != 0, axis=-2) for c in factors if c is not None)
    open_pairs = tied & (used[..., None, :] | used[..., :, None])
    if not open_pairs.any():
        return
    scale = sum(np.max(np.abs(reveal(c)), initial=0.0) for c in factors if c is not None)
    tolerance = 100 * tied.shape[-1] * float(np.finfo(choice.dtype).eps) * scale
    if alone and not np.any(np.abs(np.where(open_pairs, reveal(choice), 0.0)) > tolerance):
        return
    raise NotDifferentiableError(
        f"np.linalg.{name}: two of the values agree to rounding, so their vectors are not determined and have no "
        "derivative: use the values alone, a function of the matrix (optkit.ad.scipy.linalg.sqrtm, logm, expm, "
        "np.linalg.inv), or vectors whose values are apart"
    )


def _real_component(factor: Any, row: int | None) -> Any:
    """For each column of a complex factor a 1 at the component that LAPACK keeps real, or no 1 where there is none.

    It stands in a certain ``row``, or is the largest one (None).
    """
    plain = reveal(factor)
    epsilon = float(np.finfo(plain.dtype).eps)
    size = np.where(np.abs(plain.imag) <= 8 * epsilon, np.abs(plain.real), 0.0)
    size = np.where(size > 1000 * epsilon, size, 0.0)
    place = np.argmax(size, axis=-2)
    if row is not None:
        place = np.where(size[..., row, :] > 0, row % size.shape[-2], place)
    mask = (np.arange(size.shape[-2])[:, None] == place[..., None, :]) & (size > 0)
    return mask.astype(size.dtype)


def _turn(moved: Any, factor: Any, mask: Any) -> Any:
    """The angle per column by which to turn tangents ``moved`` so that the component at ``mask`` stays real."""
    drift = np.sum(np.imag(moved) * mask, axis=-2, keepdims=True)
    length = np.sum(np.real(factor) * mask, axis=-2, keepdims=True)
    return -drift / np.where(np.sum(mask, axis=-2, keepdims=True) > 0, length, 1.0)


def _unturn(slope: Any, factor: Any, mask: Any) -> Any:
    """The transpose of `_turn`: what a ``slope`` per angle adds to the conjugate cotangent of ``moved``."""
    length = np.sum(np.real(factor) * mask, axis=-2, keepdims=True)
    return -1j * (slope / np.where(np.sum(mask, axis=-2, keepdims=True) > 0, length, 1.0)) * mask


def _fitting(ct: Any, y: Any) -> list[Any]:
    """The cotangents of several results: of a real one the real part is what counts."""
    return [
        np.real(c) if np.iscomplexobj(c) and not np.iscomplexobj(part) else c
        for c, part in zip(ct, y, strict=True)
    ]


def _columnwise(a: Any, b: Any) -> Any:
    """The products aᴴ b of each pair of columns."""
    return np.sum(conjugate(a) * b, axis=-2, keepdims=True)


# --- qr ---------------------------------------------------------------------------------------------------------------


def _right_divide(x: Any, r: Any) -> Any:
    """The product X R⁻¹ with an upper triangle R."""
    return transpose(solve_triangular(transpose(r), transpose(x), lower=True))


def _qr_jvp(tangents: Any, y: Any, a: Any) -> Any:
    """Q̇ = Q (Ω − C) + Ȧ R⁻¹ and Ṙ = (C − Ω) R, where C = Qᴴ Ȧ R⁻¹ and Ω is anti-Hermitian."""
    q, r = y
    x = _right_divide(tangents[0], r)
    c = np.matmul(adjoint(q), x)
    lower = np.tril(c, -1)
    upper = (
        np.triu(c, 1)
        + adjoint(lower)
        + np.real(on_diagonal(c))[..., None, :] * np.eye(c.shape[-1], dtype=primal(r).real.dtype)
    )
    return x - np.matmul(q, upper), np.matmul(upper, r)


def _qr_vjp(ct: Any, y: Any, a: Any) -> Any:
    """G = (C_Q + Q W) R⁻ᴴ, where W is the lower triangle of R C_Rᴴ − C_Qᴴ Q, made Hermitian."""
    q, r = y
    cq, cr = (None if c is None else conjugate(c) for c in ct)
    m: Any = 0.0
    if cr is not None:
        m = np.matmul(r, adjoint(cr))
    if cq is not None:
        m = m - np.matmul(adjoint(cq), q)
    lower = np.tril(m, -1)
    eye = np.eye(m.shape[-1], dtype=primal(r).real.dtype)
    w = lower + adjoint(lower) + np.real(on_diagonal(m))[..., None, :] * eye
    moved = np.matmul(q, w)
    total = moved if cq is None else moved + cq
    return conjugate(adjoint(solve_triangular(r, adjoint(total), lower=False)))


_qr = nonlinear("qr", impl=lambda a: tuple(np.linalg.qr(a)), jvp=_qr_jvp, vjp=_qr_vjp, leading=True)


@composite(np.linalg.qr)
def _np_qr(a: Any, mode: str = "reduced") -> Any:
    a = traced(a)
    if mode not in ("reduced", "complete", "r"):
        raise NotDifferentiableError(
            f"np.linalg.qr with mode={mode!r} of a traced matrix: use 'reduced', 'complete' or 'r'"
        )
    if a.ndim < 2:
        return np.linalg.qr(reveal(a))  # NumPy says what is wrong.
    m, n = a.shape[-2:]
    if m >= n:
        q, r = _qr(a)
    else:  # The first columns decide on Q; the others are expressed in it.
        q, first = _qr(a[..., :m])
        r = np.concatenate([first, np.matmul(adjoint(q), a[..., m:])], axis=-1)
    if mode == "complete" and m > n:
        q = _completed(q)
        r = np.concatenate([r, np.zeros((*r.shape[:-2], m - n, n), dtype=r.dtype)], axis=-2)
    return r if mode == "r" else QRResult(q, r)


def _completed(q: Any) -> Any:
    """All of Q, with the further columns that LAPACK gives it.

    LAPACK's Q is a product of Householder reflections I − V T Vᴴ, whose first columns determine the others (Ballard et
    al. 2015, "Reconstructing Householder vectors from tall-skinny QR"): with Q₁ = [Q₁₁; Q₂₁] they are
    [0; I] + ([I; 0] − Q₁) (I − Q₁₁)⁻ᴴ Q₂₁ᴴ.
    """
    m, n = q.shape[-2:]
    top, below = np.eye(n, dtype=q.dtype) - q[..., :n, :], q[..., n:, :]
    # LAPACK chooses signs so that this is regular, but takes no reflection where a column needs none.
    if n and np.any(np.linalg.cond(reveal(top)) * np.finfo(top.dtype).eps > 1e-4):
        raise NotDifferentiableError(
            "np.linalg.qr with mode='complete' of a traced matrix with a column that is triangular already: the "
            "further columns of Q have no derivative there; use mode='reduced'"
        )
    weights = np.linalg.solve(adjoint(top), adjoint(below))
    left = np.concatenate([top, -below], axis=-2)
    last = np.concatenate(
        [np.zeros((n, m - n), dtype=q.dtype), np.eye(m - n, dtype=q.dtype)], axis=0
    )
    return np.concatenate([q, last + np.matmul(left, weights)], axis=-1)


# --- eigh -------------------------------------------------------------------------------------------------------------


def _eigh_jvp(tangents: Any, y: Any, a: Any, lower: bool, **how: Any) -> Any:
    """ẇ = diag N and V̇ = V (F ∘ N), where N = Vᴴ Ȧ V and F_ij = 1/(w_j − w_i)."""
    w, v = y
    n = np.matmul(np.matmul(adjoint(v), hermitian_part(tangents[0])), v)
    gaps, tied = _gaps(w)
    dv = np.matmul(v, _unless_open(n, gaps, tied))
    if np.iscomplexobj(v):
        dv = dv + 1j * _turn(dv, v, _real_component(v, 0 if lower else -1)) * v
    return np.real(on_diagonal(n)), dv


def _eigh_vjp(ct: Any, y: Any, a: Any, lower: bool, **how: Any) -> Any:
    """G = V (diag g + (F ∘ K)) Vᴴ, made Hermitian."""
    w, v = y
    values, vectors = _fitting(ct, y)
    if vectors is None:
        return conjugate(np.matmul(v * values[..., None, :], adjoint(v)))
    c = conjugate(vectors)
    if np.iscomplexobj(v):
        mask = _real_component(v, 0 if lower else -1)
        c = c + _unturn(np.imag(_columnwise(v, c)), v, mask)
    k = np.matmul(adjoint(v), c)
    gaps, tied = _gaps(w)
    _refuse_ties("eigh", tied, (vectors,), k - adjoint(k), alone=values is None)
    inner = hermitian_part(k * gaps)
    if values is not None:
        inner = inner + values[..., None, :] * np.eye(w.shape[-1], dtype=w.dtype)
    return conjugate(np.matmul(np.matmul(v, inner), adjoint(v)))


# The rules, for whichever routine computes the values.
EIGH_RULES: dict[str, Any] = {"jvp": _eigh_jvp, "vjp": _eigh_vjp, "leading": True}
_eigh = nonlinear(
    "eigh", impl=lambda a, lower: tuple(np.linalg.eigh(a, "L" if lower else "U")), **EIGH_RULES
)


def _is_lower(triangle: str) -> bool:
    if triangle.upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    return triangle.upper() == "L"


@composite(np.linalg.eigh)
def _np_eigh(a: Any, UPLO: str = "L") -> Any:
    return EighResult(*_eigh(traced(a), lower=_is_lower(UPLO)))


@composite(np.linalg.eigvalsh)
def _eigvalsh(a: Any, UPLO: str = "L") -> Any:
    return _eigh(traced(a), lower=_is_lower(UPLO))[0]


# --- eig --------------------------------------------------------------------------------------------------------------


def _eig_jvp(tangents: Any, y: Any, a: Any) -> Any:
    """ẇ = diag N and V̇ = V (F ∘ N) less its part along V, where N = V⁻¹ Ȧ V."""
    w, v = y
    n = np.linalg.solve(v, np.matmul(tangents[0], v))
    gaps, tied = _gaps(w)
    dv = np.matmul(v, _unless_open(n, gaps, tied))
    dv = dv - v * _columnwise(v, dv)  # Length 1, and no turn;
    if np.iscomplexobj(v):  # or that turn which leaves the largest component real.
        dv = dv + 1j * _turn(dv, v, _real_component(v, None)) * v
    return on_diagonal(n), dv


def _eig_vjp(ct: Any, y: Any, a: Any) -> Any:
    """G = V⁻ᴴ (diag g + conj(F) ∘ K) Vᴴ."""
    w, v = y
    values, vectors = ct
    inner: Any = 0.0
    if values is not None:
        inner = conjugate(values)[..., None, :] * np.eye(w.shape[-1], dtype=primal(w).real.dtype)
    if vectors is not None:
        c = conjugate(vectors)
        if np.iscomplexobj(v):
            c = c + _unturn(np.imag(_columnwise(v, c)), v, _real_component(v, None))
        k = np.matmul(adjoint(v), c - v * _columnwise(v, c))
        gaps, tied = _gaps(w)
        _refuse_ties("eig", tied, (vectors,), k, alone=values is None)
        inner = inner + conjugate(gaps) * k
    pulled = np.linalg.solve(transpose(v), np.matmul(conjugate(inner), transpose(v)))
    return pulled if np.iscomplexobj(a) else np.real(pulled)


_eig = nonlinear(
    "eig", impl=lambda a: tuple(np.linalg.eig(a)), jvp=_eig_jvp, vjp=_eig_vjp, leading=True
)


@composite(np.linalg.eig)
def _np_eig(a: Any) -> Any:
    return EigResult(*_eig_of(traced(a)))


@composite(np.linalg.eigvals)
def _eigvals(a: Any) -> Any:
    return _eig_of(traced(a))[0]


def _eig_of(a: Any) -> Any:
    w, v = _eig(a)
    basis = reveal(v)
    if basis.size and np.any(np.linalg.cond(basis) * np.finfo(basis.dtype).eps > 1e-2):
        raise np.linalg.LinAlgError(
            "np.linalg.eig of a traced matrix that is defective to rounding (its eigenvectors do not span the space): "
            "there its eigenvalues have no derivative"
        )
    return w, v


# --- svd --------------------------------------------------------------------------------------------------------------


def _svd_impl(a: Any, full: bool, alone: bool) -> tuple[Any, ...]:
    """The singular vectors and values, and apart from them the rest of the two bases (empty where not ``full``).

    ``alone`` says that only the values are wanted, so that their kink at 0 has the slope of least norm.
    """
    u, s, vh = np.linalg.svd(a, full_matrices=full)
    k = s.shape[-1]
    return u[..., :k], s, vh[..., :k, :], u[..., k:], vh[..., k:, :]


class _Zeros:
    """The singular values that are 0 to rounding, and what they leave open.

    A single one of a real square matrix leaves nothing open: through 0 the factors go on smoothly, with a sign. Of a
    rectangular matrix the longer vector is any one of a whole space; a complex pair has two phases instead of one.
    """

    def __init__(self, u: Any, s: Any, vh: Any) -> None:
        plain = reveal(s)
        self.mask = plain <= _rounding(plain)
        k = s.shape[-1]
        rectangular = u.shape[-2] > k or vh.shape[-1] > k
        self.open = self.open_u = self.open_v = self.mask
        if not self.mask.any():
            return
        several = np.sum(self.mask, axis=-1, keepdims=True) > 1
        self.open = self.mask & (several | rectangular | np.iscomplexobj(u))
        self.open_u = self.mask & (u.shape[-2] > k)
        self.open_v = self.mask & (vh.shape[-1] > k)

    def inverse(self, s: Any) -> Any:
        """1/s, with 0 for those that are 0."""
        return np.where(self.mask, 0.0, 1.0 / np.where(self.mask, 1.0, s))


def _sums(s: Any) -> tuple[Any, Any]:
    """The matrix 1/(s_i + s_j), with 0 where both are 0; and where that is."""
    total = s[..., None, :] + s[..., :, None]
    zero = reveal(total) <= 2 * _rounding(reveal(s))[..., None]
    return np.where(zero, 0.0, 1.0 / np.where(zero, 1.0, total)), zero


def _real_pair(u: Any, v: Any) -> tuple[Any, Any]:
    """For each pair of complex singular vectors a 1 at the component of one of them that LAPACK keeps real.

    It is the first one of v where the matrix has no fewer rows than columns, else that of u.
    """
    first, second = (v, u) if u.shape[-2] >= v.shape[-2] else (u, v)
    found = _real_component(first, 0)
    other = _real_component(second, 0) * ~found.any(axis=-2, keepdims=True)
    return (other, found) if first is v else (found, other)


def _svd_jvp(tangents: Any, y: Any, a: Any, full: bool, alone: bool) -> Any:
    """U̇ = U (D ∘ E + T ∘ O) + …, V̇ = V (D ∘ E − T ∘ O) + …, Ṡ = Re diag P, from P = Uᴴ Ȧ V.

    E and O are the Hermitian and the anti-Hermitian part of P, D_ij = 1/(s_j − s_i), T_ij = 1/(s_i + s_j), and the
    dots stand for what leaves the spaces of U and V.
    """
    u, s, vh, rest_u, rest_vh = y
    t, v = tangents[0], adjoint(vh)
    zeros = _Zeros(u, s, vh)
    inverse = zeros.inverse(s)
    left, right = np.matmul(t, v), np.matmul(adjoint(t), u)
    p = np.matmul(adjoint(u), left)
    symmetric = _unless_open(hermitian_part(p), *_gaps(s))
    sums, both_zero = _sums(s)
    off_diagonal = both_zero & _apart(s.shape[-1])
    skew = _unless_open(
        _antihermitian_part(p), sums, both_zero if np.iscomplexobj(u) else off_diagonal
    )
    leaving_u = _unless_open(
        left - np.matmul(u, p), inverse[..., None, :], zeros.open_u[..., None, :]
    )
    leaving_v = _unless_open(
        right - np.matmul(v, adjoint(p)), inverse[..., None, :], zeros.open_v[..., None, :]
    )
    du = np.matmul(u, symmetric + skew) + leaving_u
    dv = np.matmul(v, symmetric - skew) + leaving_v
    if np.iscomplexobj(u):
        of_u, of_v = _real_pair(u, v)
        turn = 1j * (_turn(du, u, of_u) + _turn(dv, v, of_v))
        du, dv = du + turn * u, dv + turn * v
    ds = np.real(on_diagonal(p))
    ds = ds * ~zeros.mask if alone else _unless_open(ds, 1.0, zeros.open)
    du2 = _rest_tangent(u, t, rest_u, v, inverse)
    dv2 = _rest_tangent(v, adjoint(t), adjoint(rest_vh), u, inverse)
    return du, ds, adjoint(dv), du2, adjoint(dv2)


def _rest_tangent(u: Any, t: Any, rest: Any, v: Any, inverse: Any) -> Any:
    """The rest of the basis stays orthogonal to U, and turns no more than it must: −U U̇ᴴ U₂."""
    moved = np.matmul(adjoint(v), np.matmul(adjoint(t), rest))
    return -np.matmul(u * inverse[..., None, :], moved)


def _svd_vjp(ct: Any, y: Any, a: Any, full: bool, alone: bool) -> Any:
    """G = U M Vᴴ + …, where M = diag g + herm(D ∘ (K_U + K_V)) + antiherm(T ∘ (K_U − K_V))."""
    u, s, vh, rest_u, rest_vh = y
    ct = _fitting(ct, y)
    values = ct[1]
    zeros = _Zeros(u, s, vh)
    if ct[0] is ct[2] is ct[3] is ct[4] is None:
        if not zeros.mask.any():
            return conjugate(np.matmul(u * values[..., None, :], vh))
        slopes = values * ~(zeros.mask if alone else zeros.open)
        return conjugate(np.matmul(u * slopes[..., None, :], vh))
    v = adjoint(vh)
    cu = np.zeros_like(u) if ct[0] is None else conjugate(ct[0])
    cv = np.zeros_like(v) if ct[2] is None else transpose(ct[2])
    if np.iscomplexobj(u):
        slope = np.imag(_columnwise(u, cu) + _columnwise(v, cv))
        of_u, of_v = _real_pair(u, v)
        cu, cv = cu + _unturn(slope, u, of_u), cv + _unturn(slope, v, of_v)
    _refuse_zeros(zeros, cu, cv, values)
    ku, kv = np.matmul(adjoint(u), cu), np.matmul(adjoint(v), cv)
    gaps, tied = _gaps(s)
    sums, both_zero = _sums(s)
    both, apart = ku + kv, ku - kv
    _refuse_ties("svd", tied, (cu, cv), both - adjoint(both), alone=values is None)
    _refuse_ties("svd", both_zero, (cu, cv), apart - adjoint(apart), alone=True)
    m = hermitian_part(both * gaps) + _antihermitian_part(apart * sums)
    if values is not None:
        m = m + (values * ~zeros.open)[..., None, :] * np.eye(s.shape[-1], dtype=s.dtype)
    off_u, off_v = cu - np.matmul(u, ku), cv - np.matmul(v, kv)
    if ct[3] is not None:
        off_u = off_u - _rest_pulled(conjugate(ct[3]), u, rest_u)
    if ct[4] is not None:
        off_v = off_v - _rest_pulled(transpose(ct[4]), v, adjoint(rest_vh))
    inverse = zeros.inverse(s)[..., None, :]
    g = np.matmul(np.matmul(u, m) + off_u * inverse, vh)
    return conjugate(g + np.matmul(u * inverse, adjoint(off_v)))


def _rest_pulled(c: Any, u: Any, rest: Any) -> Any:
    """The transpose of `_rest_tangent`, up to its sign and the inverse singular values."""
    choice = _antihermitian_part(np.matmul(adjoint(reveal(rest)), reveal(c)))
    epsilon = float(np.finfo(choice.dtype).eps)
    if np.any(np.abs(choice) > 1000 * epsilon * np.max(np.abs(reveal(c)), initial=0.0)):
        raise NotDifferentiableError(
            "np.linalg.svd: the further columns of U or rows of Vᴴ that full_matrices=True gives are any basis of a "
            "space, and the function depends on the choice: use full_matrices=False, or what is the same for every "
            "basis, such as the projector N @ N.T"
        )
    return np.matmul(rest, np.matmul(adjoint(c), u))


def _refuse_zeros(zeros: _Zeros, cu: Any, cv: Any, values: Any) -> None:
    """Raise where a function of the vectors uses what a singular value of 0 leaves open."""
    if not zeros.open.any():
        return
    used = zeros.open_u & np.any(reveal(cu) != 0, axis=-2)
    used = used | (zeros.open_v & np.any(reveal(cv) != 0, axis=-2))
    if values is not None:
        used = used | (zeros.open & (reveal(values) != 0))
    if used.any():
        raise NotDifferentiableError(
            "np.linalg.svd: singular vectors of a singular value of 0 are not determined and have no derivative: use "
            "those of the values that are not 0, the values alone, or the matrix itself"
        )


_svd = nonlinear("svd", impl=_svd_impl, jvp=_svd_jvp, vjp=_svd_vjp, leading=True)


@composite(np.linalg.svd)
def _np_svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    a = traced(a)
    if hermitian:
        return _svd_hermitian(a, compute_uv)
    if not compute_uv:
        return _svd(a, full=False, alone=True)[1]
    m, n = a.shape[-2:]
    u, s, vh, rest_u, rest_vh = _svd(a, full=bool(full_matrices) and m != n, alone=False)
    if full_matrices and m > n:
        u = np.concatenate([u, rest_u], axis=-1)
    if full_matrices and m < n:
        vh = np.concatenate([vh, rest_vh], axis=-2)
    return SVDResult(u, s, vh)


def _svd_hermitian(a: Any, compute_uv: bool) -> Any:
    """By the eigenvalues, in the order of their size."""
    if not compute_uv:
        sizes = np.abs(np.linalg.eigvalsh(a))
        order = np.argsort(reveal(sizes), axis=-1)[..., ::-1]
        return np.take_along_axis(sizes, order, axis=-1)
    w, u = np.linalg.eigh(a)
    order = np.argsort(np.abs(reveal(w)), axis=-1)[..., ::-1]
    w = np.take_along_axis(w, order, axis=-1)
    u = np.take_along_axis(u, order[..., None, :], axis=-1)
    return SVDResult(u, np.abs(w), adjoint(u * np.sign(w)[..., None, :]))


@composite(np.linalg.svdvals)
def _svdvals(x: Any, /) -> Any:
    return np.linalg.svd(x, compute_uv=False)
