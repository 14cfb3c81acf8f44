"""The decompositions of `optkit.ad.scipy.linalg`."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from optkit.ad.core import primal, reveal
from optkit.ad.registry import nonlinear
from optkit.ad.rules import decompositions, systems
from optkit.ad.rules.linalg import adjoint, from_triangle, transpose
from optkit.ad.rules.linalg import solve_triangular as _triangular
from optkit.ad.rules.shape import traced
from optkit.ad.scipy.matrices import sqrtm
from optkit.ad.scipy.replacement import checked, replaces
from optkit.errors import NotDifferentiableError


@replaces(scipy.linalg.cholesky)
def cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """The Cholesky factor of a Hermitian matrix of which one triangle is read."""
    return np.linalg.cholesky(checked(traced(a), check_finite), upper=not lower)


@replaces(scipy.linalg.cho_factor)
def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """The Cholesky factor for `cho_solve`; the other triangle, which SciPy leaves to chance, is zero."""
    return np.linalg.cholesky(checked(traced(a), check_finite), upper=not lower), lower


@replaces(scipy.linalg.lu_factor)
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """LU factors with pivots, for `lu_solve`."""
    a = checked(traced(a), check_finite)
    _, pivots = scipy.linalg.lu_factor(reveal(a))
    lower, upper = _lu(a, row_order(pivots, a.shape[-2]))
    return _packed(lower, upper), pivots


@replaces(scipy.linalg.lu)
def lu(
    a: Any,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> Any:
    """The factors P, L, U of a matrix."""
    a = checked(traced(a), check_finite)
    if a.ndim != 2:
        raise NotDifferentiableError("lu of a traced stack of matrices: factorise one by one")
    _, pivots = scipy.linalg.lu_factor(reveal(a))
    order = row_order(pivots, a.shape[-2])
    lower, upper = _lu(a, order)
    back = np.argsort(order)
    if permute_l:
        return lower[back], upper
    places = np.eye(a.shape[-2], dtype=primal(a).real.dtype)[back]
    return (back.astype(pivots.dtype) if p_indices else places), lower, upper


def row_order(pivots: Any, rows: int) -> Any:
    """The order of the rows after the exchanges that ``pivots`` stand for."""
    if pivots.ndim != 1:
        raise NotDifferentiableError("LU factors of a traced stack of matrices: one by one")
    order = np.arange(rows)
    for i, pivot in enumerate(pivots):
        order[[i, pivot]] = order[[pivot, i]]
    return order


def _lu(a: Any, order: Any) -> tuple[Any, Any]:
    """L and U of the rows in ``order``; of a rectangular matrix what is beyond the square follows from it."""
    rows = a[order]
    k = min(a.shape)
    factors = systems.lu_in_order(rows[:k, :k])
    lower, upper = systems.lower_factor(factors), np.triu(factors)
    if a.shape[0] > k:
        rest = transpose(_triangular(transpose(factors), transpose(rows[k:]), lower=True))
        lower = np.concatenate([lower, rest])
    if a.shape[1] > k:
        right = _triangular(factors, rows[:, k:], lower=True, unit=True)
        upper = np.concatenate([upper, right], axis=1)
    return lower, upper


def _packed(lower: Any, upper: Any) -> Any:
    """Both factors in one array, without the ones."""
    k = upper.shape[0]
    square = np.tril(lower[:k], -1) + upper[:, :k]
    if lower.shape[0] > k:
        return np.concatenate([square, lower[k:]])
    return np.concatenate([square, upper[:, k:]], axis=1)


@replaces(scipy.linalg.qr)
def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """The factors Q and R; with ``pivoting`` of the columns in the order that SciPy finds."""
    a = checked(traced(a), check_finite)
    kinds = {"full": "complete", "economic": "reduced", "r": "r"}
    if mode not in kinds:
        raise NotDifferentiableError(
            f"scipy.linalg.qr with mode={mode!r} of a traced matrix: use 'full', 'economic' or 'r'"
        )
    order: tuple[Any, ...] = ()
    if pivoting:
        order = (scipy.linalg.qr(reveal(a), mode="r", pivoting=True)[-1],)
        a = a[:, order[0]]
    if mode == "r":
        r: Any = np.linalg.qr(a, "r")
        rows = np.zeros((a.shape[0] - r.shape[0], a.shape[1]), dtype=r.dtype)
        return (np.concatenate([r, rows]), *order)
    q, r = np.linalg.qr(a, "complete" if mode == "full" else "reduced")
    return (q, r, *order)


@replaces(scipy.linalg.svd)
def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """The singular value decomposition; see `optkit.ad.rules.decompositions` for vectors of equal values."""
    a = checked(traced(a), check_finite)
    if not compute_uv:
        return np.linalg.svdvals(a)
    return tuple(np.linalg.svd(a, full_matrices=full_matrices))


@replaces(scipy.linalg.svdvals)
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The singular values."""
    return np.linalg.svdvals(checked(traced(a), check_finite))


# The rules of np.linalg.eigh, with the values of SciPy's own LAPACK.
_eigh = nonlinear(
    "eigh",
    impl=lambda a, lower, driver: scipy.linalg.eigh(a, lower=lower, driver=driver),
    **decompositions.EIGH_RULES,
)


@replaces(scipy.linalg.eigh)
def eigh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,  # noqa: A002 -- SciPy's name
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: Any = None,
) -> Any:
    """Eigenvalues and eigenvectors of a Hermitian matrix, or of a pair with a positive definite ``b``."""
    a = checked(traced(a), check_finite)
    if a.ndim != 2:
        raise NotDifferentiableError("eigh of a traced stack of matrices: use np.linalg.eigh")
    options = {"lower": lower, "type": type, "driver": driver}
    options |= {"subset_by_index": subset_by_index, "subset_by_value": subset_by_value}
    if b is None:
        wanted, reference = scipy.linalg.eigh(reveal(a), **options)
        w, v = _eigh(a, lower=lower, driver="evd")
    else:
        b = checked(traced(b), check_finite)
        wanted, reference = scipy.linalg.eigh(reveal(a), reveal(b), **options)
        w, v = _generalized(a, b, lower, type)
    if subset_by_index is not None:
        first = int(subset_by_index[0])
        w, v = w[first : first + len(wanted)], v[:, first : first + len(wanted)]
    elif subset_by_value is not None:
        first = int(np.sum(reveal(w) <= subset_by_value[0]))
        w, v = w[first : first + len(wanted)], v[:, first : first + len(wanted)]
    return w if eigvals_only else (w, v * _sign(reveal(v), reference))


def _sign(ours: Any, wanted: Any) -> Any:
    """The signs of the vectors that SciPy's choice of a routine leads to."""
    along = np.real(np.sum(np.conj(ours) * wanted, axis=0))
    return np.where(along < 0, -1.0, 1.0).astype(wanted.real.dtype)


def _generalized(a: Any, b: Any, lower: bool, kind: int) -> tuple[Any, Any]:
    """By the Cholesky factor L of B: A v = w B v (1), A B v = w v (2) or B A v = w v (3)."""
    whole = from_triangle(a, lower)
    low = np.linalg.cholesky(from_triangle(b, lower))
    if kind == 1:
        half = _triangular(low, whole, lower=True)
        middle = _triangular(low, adjoint(half), lower=True)
    else:
        middle = np.matmul(np.matmul(adjoint(low), whole), low)
    w, y = _eigh(middle, lower=lower, driver="evd")
    return w, np.matmul(low, y) if kind == 3 else _triangular(adjoint(low), y, lower=False)


@replaces(scipy.linalg.eigvalsh)
def eigvalsh(a: Any, b: Any = None, **options: Any) -> Any:
    """Eigenvalues of a Hermitian matrix, or of a pair."""
    return eigh(a, b, eigvals_only=True, **options)


@replaces(scipy.linalg.eig)
def eig(
    a: Any,
    b: Any = None,
    left: bool = False,
    right: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    """Eigenvalues (always complex) and right eigenvectors of a general matrix."""
    if b is not None or left or homogeneous_eigvals:
        raise NotDifferentiableError(
            "scipy.linalg.eig of a traced matrix with b=, left= or homogeneous_eigvals=: only eig(a), eigvals(a) have "
            "a rule; for a regular b use eig(linalg.solve(b, a))"
        )
    w, v = np.linalg.eig(checked(traced(a), check_finite))
    w = w if np.iscomplexobj(w) else w + 0j
    return (w, v) if right else w


@replaces(scipy.linalg.eigvals)
def eigvals(
    a: Any,
    b: Any = None,
    overwrite_a: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    """Eigenvalues (always complex) of a general matrix."""
    return eig(a, b, False, False, False, False, check_finite, homogeneous_eigvals)


@replaces(scipy.linalg.polar)
def polar(a: Any, side: str = "right") -> Any:
    """The factors U P (or P U) with orthonormal U and positive semidefinite P."""
    a = traced(a)
    if side not in ("right", "left"):
        raise ValueError("`side` must be either 'right' or 'left'")
    narrow, wide = a.shape if side == "right" else a.shape[::-1]
    if narrow < wide:
        raise NotDifferentiableError(
            f"polar of a traced {a.shape} matrix with side={side!r}: its P is singular; use the other side"
        )
    # P is the root of Aᴴ A, which is smooth where the singular vectors are not: at equal singular values.
    whole = np.matmul(adjoint(a), a) if side == "right" else np.matmul(a, adjoint(a))
    p = sqrtm(whole)
    if side == "right":
        return adjoint(np.linalg.solve(p, adjoint(a))), p
    return np.linalg.solve(p, a), p
