"""The linear systems of `optkit.ad.scipy.linalg`."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from optkit.ad.core import reveal
from optkit.ad.rules import systems
from optkit.ad.rules.linalg import adjoint, conjugate, from_triangle, transpose
from optkit.ad.rules.linalg import solve_triangular as _triangular
from optkit.ad.rules.shape import traced
from optkit.ad.scipy.factors import row_order
from optkit.ad.scipy.replacement import checked, replaces
from optkit.errors import NotDifferentiableError


def _columns(solve: Any, b: Any) -> Any:
    """``solve`` the columns of a matrix, or a vector as its only column."""
    return solve(b[:, None])[..., 0] if b.ndim == 1 else solve(b)


@replaces(scipy.linalg.solve)
def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: Any = None,
    transposed: bool = False,
) -> Any:
    """Solve ``a @ x = b``; ``assume_a`` says which entries of ``a`` are read, and so which have a derivative."""
    a, b = checked(traced(a), check_finite), checked(traced(b), check_finite)
    if transposed:
        if np.iscomplexobj(a):
            # The type of the error is that of SciPy, which does not do it either.
            raise NotImplementedError(
                "scipy.linalg.solve with transposed=True does not take a complex matrix: write solve(a.T, b)"
            )
        a, lower = transpose(a), not lower
    if assume_a in ("upper triangular", "lower triangular"):
        below = (assume_a == "lower triangular") != transposed
        return _columns(lambda right: _triangular(a, right, below), b)
    if assume_a == "diagonal":
        diagonal = np.einsum("...ii->...i", a)
        return _columns(lambda right: right / diagonal[..., None], b)
    if assume_a in ("pos", "positive definite"):
        factor = np.linalg.cholesky(from_triangle(a, lower))
        return cho_solve((factor, True), b, check_finite=False)
    if assume_a in ("her", "hermitian") or (
        assume_a in ("sym", "symmetric") and not np.iscomplexobj(a)
    ):
        a = from_triangle(a, lower)
    elif assume_a in ("sym", "symmetric"):
        a = (
            np.tril(a) + transpose(np.tril(a, -1))
            if lower
            else np.triu(a) + transpose(np.triu(a, 1))
        )
    elif assume_a == "tridiagonal":
        a = np.triu(np.tril(a, 1), -1)
    elif assume_a not in (None, "gen", "general", "banded"):
        raise ValueError(f"{assume_a} is not a recognized matrix structure")
    return np.linalg.solve(a, b)


@replaces(scipy.linalg.solve_triangular)
def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """Solve a system with one triangle of ``a``; the entries that are not read have derivative zero."""
    a, b = checked(traced(a), check_finite), checked(traced(b), check_finite)
    kind = {0: 0, 1: 1, 2: 2, "N": 0, "T": 1, "C": 2}[trans]
    if kind:
        a, lower = (adjoint(a) if kind == 2 else transpose(a)), not lower
    return _columns(lambda right: _triangular(a, right, bool(lower), bool(unit_diagonal)), b)


@replaces(scipy.linalg.cho_solve)
def cho_solve(
    c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """Solve a system with the Cholesky factor of its matrix."""
    c, lower = c_and_lower
    c, b = checked(traced(c), check_finite), checked(traced(b), check_finite)
    low = c if lower else adjoint(c)

    def solve_both(right: Any) -> Any:
        return _triangular(adjoint(low), _triangular(low, right, lower=True), lower=False)

    return _columns(solve_both, b)


@replaces(scipy.linalg.lu_solve)
def lu_solve(
    lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """Solve a system with the LU factors of its matrix."""
    factors, pivots = lu_and_piv
    factors, b = checked(traced(factors), check_finite), checked(traced(b), check_finite)
    order = row_order(np.asarray(pivots), factors.shape[-1])

    def forward(right: Any) -> Any:
        lower = _triangular(factors, right[order], lower=True, unit=True)
        return _triangular(factors, lower, lower=False)

    def backward(right: Any) -> Any:
        turned = transpose(factors) if trans == 1 else adjoint(factors)
        upper = _triangular(turned, right, lower=True)
        return _triangular(turned, upper, lower=False, unit=True)[np.argsort(order)]

    return _columns(forward if trans == 0 else backward, b)


@replaces(scipy.linalg.solve_banded)
def solve_banded(
    l_and_u: Any,
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """Solve a system with a banded matrix; the cost of a derivative is that of the band, too."""
    lower, upper = (int(size) for size in l_and_u)
    ab, b = checked(traced(ab), check_finite), checked(traced(b), check_finite)
    if ab.ndim != 2 or b.ndim > 2:
        raise NotDifferentiableError("solve_banded of traced stacks of matrices: solve one by one")
    if lower + upper + 1 != ab.shape[-2]:
        raise ValueError(
            f"invalid values for the number of lower and upper diagonals: l+u+1 ({lower + upper + 1}) does not equal "
            f"ab.shape[0] ({ab.shape[-2]})"
        )
    how = {"lower": lower, "upper": upper, "definite": False}
    return _columns(lambda right: systems.banded(ab, right, **how), b)


@replaces(scipy.linalg.solveh_banded)
def solveh_banded(
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    lower: bool = False,
    check_finite: bool = True,
) -> Any:
    """Solve a system with a banded, positive definite matrix, given by half of its band."""
    ab, b = checked(traced(ab), check_finite), checked(traced(b), check_finite)
    if ab.ndim != 2 or b.ndim > 2:
        raise NotDifferentiableError("solveh_banded of traced stacks of matrices: solve one by one")
    width, n = ab.shape[0] - 1, ab.shape[1]
    # Diagonal d above the main one: columns d to n.
    above = [ab[d, : n - d] for d in range(width + 1)]
    if lower:
        above = [conjugate(part) for part in above]
    else:
        above = [ab[width - d, d:] for d in range(width + 1)]
    gaps = [np.zeros(d, dtype=ab.dtype) for d in range(width + 1)]
    rows = [np.concatenate([gaps[d], above[d]]) for d in range(width, -1, -1)]
    rows += [np.concatenate([conjugate(above[d]), gaps[d]]) for d in range(1, width + 1)]
    how = {"lower": width, "upper": width, "definite": True}
    return _columns(lambda right: systems.banded(np.stack(rows), right, **how), b)


@replaces(scipy.linalg.solve_toeplitz)
def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    """Solve a system with a Toeplitz matrix, given by its first column (and first row), in O(n²)."""
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    c, b = np.ravel(checked(traced(c), check_finite)), checked(traced(b), check_finite)
    r = conjugate(c) if r is None else np.ravel(checked(traced(r), check_finite))
    if b.ndim > 2:
        raise NotDifferentiableError(
            "solve_toeplitz of a traced b with three dimensions or more: solve one by one"
        )
    values = np.concatenate([r[:0:-1], c])
    return _columns(lambda right: systems.toeplitz_system(values, right), b)


@replaces(scipy.linalg.solve_circulant)
def solve_circulant(
    c: Any,
    b: Any,
    singular: str = "raise",
    tol: Any = None,
    caxis: int = -1,
    baxis: int = 0,
    outaxis: int = 0,
) -> Any:
    """Solve systems with circulant matrices, by Fourier transforms."""
    c, b = np.moveaxis(traced(c), caxis, -1), np.moveaxis(traced(b), baxis, -1)
    spectrum = np.fft.fft(c)
    sizes = np.abs(reveal(spectrum))
    if tol is None:
        tol = np.max(sizes, axis=-1, keepdims=True) * sizes.shape[-1] * np.finfo(sizes.dtype).eps
    near = sizes <= tol
    if np.any(near) and singular == "raise":
        raise np.linalg.LinAlgError("near singular circulant matrix.")
    weights = np.where(near, 0.0, 1.0 / np.where(near, 1.0, spectrum))
    x = np.fft.ifft(np.fft.fft(b) * weights)
    if not (np.iscomplexobj(c) or np.iscomplexobj(b)):
        x = np.real(x)
    return np.moveaxis(x, -1, outaxis)


@replaces(scipy.linalg.solve_sylvester)
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """Solve ``a @ x + x @ b = q``."""
    return systems.sylvester(traced(a), traced(b), traced(q))


@replaces(scipy.linalg.solve_continuous_lyapunov)
def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """Solve ``a @ x + x @ a.conj().T = q``."""
    a = traced(a)
    return systems.sylvester(a, adjoint(a), traced(q))


solve_lyapunov = solve_continuous_lyapunov


@replaces(scipy.linalg.solve_discrete_lyapunov)
def solve_discrete_lyapunov(a: Any, q: Any, method: Any = None) -> Any:
    """Solve ``a @ x @ a.conj().T - x + q = 0``, by the bilinear transformation to the continuous equation."""
    a, q = traced(a), traced(q)
    ah = adjoint(a)
    eye = np.eye(a.shape[-1])
    # B = (Aᴴ + I)⁻¹ (Aᴴ − I) and Bᴴ X + X B = −2 (A + I)⁻¹ Q (Aᴴ + I)⁻¹.
    b = np.linalg.solve(ah + eye, ah - eye)
    half = np.linalg.solve(a + eye, q)
    right = transpose(np.linalg.solve(transpose(ah + eye), transpose(half)))
    return systems.sylvester(adjoint(b), b, -2.0 * right)


@replaces(scipy.linalg.lstsq)
def lstsq(
    a: Any,
    b: Any,
    cond: Any = None,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    lapack_driver: Any = None,
) -> Any:
    """Solve a least-squares problem; of deficient rank, by the solution of least norm."""
    a, b = checked(traced(a), check_finite), checked(traced(b), check_finite)
    cutoff = np.finfo(np.result_type(a, b)).eps if cond is None else cond
    x, residuals, rank, singular = np.linalg.lstsq(a, b, float(cutoff))
    if not np.size(residuals):
        residuals = np.asarray([], dtype=x.dtype)
    elif b.ndim == 1:
        residuals = residuals[0]
    return x, residuals, rank, None if lapack_driver == "gelsy" else singular
