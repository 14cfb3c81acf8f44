"""Linear systems whose matrix has a structure: Sylvester equations, banded and Toeplitz matrices, LU factors.

All rules are the one of a linear system, A ẋ = ḃ − Ȧ x and λ = A⁻ᵀ ct, ct_b = λ, ct_A = −λ xᵀ, where Ȧ x and λ xᵀ are
restricted to the parameters that A is made of.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from optkit.ad.primitives import unbroadcast
from optkit.ad.registry import linear, nonlinear
from optkit.ad.rules.axes import with_ndim
from optkit.ad.rules.linalg import solve_all, solve_triangular, transpose

# --- Sylvester: A X + X B = Q -----------------------------------------------------------------------------------------


def _sylvester_impl(a: Any, b: Any, q: Any) -> Any:
    # Of one kind: SciPy takes the real Schur form of a real matrix, which a complex solution does not go with.
    kind = np.result_type(a, b, q)
    if not np.size(q):
        return np.zeros(np.shape(q), dtype=kind)
    return scipy.linalg.solve_sylvester(*(x.astype(kind, copy=False) for x in (a, b, q)))


def _sylvester_jvp(tangents: Any, x: Any, a: Any, b: Any, q: Any) -> Any:
    ta, tb, right = tangents
    if ta is not None:
        moved = np.matmul(ta, x)
        right = -moved if right is None else right - moved
    if tb is not None:
        moved = np.matmul(x, tb)
        right = -moved if right is None else right - moved
    return sylvester(a, b, right)


def _adjoint_sylvester(ct: Any, a: Any, b: Any) -> Any:
    return sylvester(transpose(a), transpose(b), ct)


_sylvester = nonlinear(
    "solve_sylvester",
    impl=_sylvester_impl,
    jvp=_sylvester_jvp,
    vjp=(
        lambda ct, x, a, b, q: unbroadcast(
            -np.matmul(_adjoint_sylvester(ct, a, b), transpose(x)), a
        ),
        lambda ct, x, a, b, q: unbroadcast(
            -np.matmul(transpose(x), _adjoint_sylvester(ct, a, b)), b
        ),
        lambda ct, x, a, b, q: unbroadcast(_adjoint_sylvester(ct, a, b), q),
    ),
    leading=True,
)


def sylvester(a: Any, b: Any, q: Any) -> Any:
    """Solve A X + X B = Q, in stacks that broadcast."""
    ndim = max(np.ndim(a), np.ndim(b), np.ndim(q))
    return _sylvester(*(with_ndim(x, ndim) for x in (a, b, q)))


# --- banded: ab[u + i − j, j] = A[i, j] -------------------------------------------------------------------------------


def _diagonals(lower: int, upper: int, n: int) -> Any:
    """For each row of the storage of a band its row d, and the rows of A and the columns that it holds."""
    for d in range(lower + upper + 1):
        columns = np.arange(max(0, upper - d), min(n, n + upper - d))
        yield d, columns + d - upper, columns


def band_product(ab: Any, x: Any, lower: int, upper: int) -> Any:
    """The product of a banded matrix and columns."""
    n = np.shape(ab)[-1]
    total: Any = 0.0
    for d, rows, columns in _diagonals(lower, upper, n):
        if len(rows):
            part = ab[..., d, columns[0] : columns[-1] + 1, None] * x[..., columns, :]
            before, after = rows[0], n - 1 - rows[-1]
            pads = [
                np.zeros((*np.shape(part)[:-2], size, np.shape(part)[-1]), dtype=part.dtype)
                for size in (before, after)
            ]
            total = total + np.concatenate([pads[0], part, pads[1]], axis=-2)
    return total


def _band_of_product(left: Any, x: Any, lower: int, upper: int) -> Any:
    """The entries of ``left xᵀ`` that the storage of a band holds."""
    n = np.shape(x)[-2]
    rows_of_storage = []
    for _, rows, columns in _diagonals(lower, upper, n):
        if not len(rows):
            rows_of_storage.append(np.zeros((*np.shape(left)[:-2], n), dtype=left.dtype))
            continue
        values = np.sum(left[..., rows, :] * x[..., columns, :], axis=-1)
        pads = [
            np.zeros((*np.shape(values)[:-1], size), dtype=values.dtype)
            for size in (columns[0], n - 1 - columns[-1])
        ]
        rows_of_storage.append(np.concatenate([pads[0], values, pads[1]], axis=-1))
    return np.stack(rows_of_storage, axis=-2)


def band_transpose(ab: Any, lower: int, upper: int) -> Any:
    """The storage of the transposed matrix."""
    n = np.shape(ab)[-1]
    rows_of_storage = []
    for d, rows, columns in reversed(list(_diagonals(lower, upper, n))):
        if not len(rows):
            rows_of_storage.append(np.zeros((*np.shape(ab)[:-2], n), dtype=ab.dtype))
            continue
        values = ab[..., d, columns[0] : columns[-1] + 1]
        pads = [
            np.zeros((*np.shape(ab)[:-2], size), dtype=ab.dtype)
            for size in (rows[0], n - 1 - rows[-1])
        ]
        rows_of_storage.append(np.concatenate([pads[0], values, pads[1]], axis=-1))
    return np.stack(rows_of_storage, axis=-2)


def _banded_impl(ab: Any, b: Any, lower: int, upper: int, definite: bool) -> Any:
    if definite:  # Half of the band says it all.
        return scipy.linalg.solveh_banded(ab[..., : upper + 1, :], b)
    return scipy.linalg.solve_banded((lower, upper), ab, b)


def _banded_jvp(tangents: Any, x: Any, ab: Any, b: Any, **how: Any) -> Any:
    ta, right = tangents
    if ta is not None:
        moved = band_product(ta, x, how["lower"], how["upper"])
        right = -moved if right is None else right - moved
    return solve_all(lambda columns: banded(ab, columns, **how), right, np.ndim(x))


def _banded_pulled(ct: Any, ab: Any, lower: int, upper: int, definite: bool) -> Any:
    turned = band_transpose(ab, lower, upper)
    return banded(turned, ct, lower=upper, upper=lower, definite=definite)


banded = nonlinear(
    "solve_banded",
    impl=_banded_impl,
    jvp=_banded_jvp,
    vjp=(
        lambda ct, x, ab, b, **how: (
            -_band_of_product(_banded_pulled(ct, ab, **how), x, how["lower"], how["upper"])
        ),
        lambda ct, x, ab, b, **how: _banded_pulled(ct, ab, **how),
    ),
    leading=True,
)

# --- Toeplitz: T[i, j] = values[n − 1 + i − j] ------------------------------------------------------------------------


def toeplitz_places(rows: int, columns: int) -> Any:
    """Where each entry of a Toeplitz matrix stands in the vector (first row backwards, then first column downwards)."""
    return columns - 1 + np.arange(rows)[:, None] - np.arange(columns)


def _toeplitz_impl(values: Any, b: Any) -> Any:
    n = len(b)
    return scipy.linalg.solve_toeplitz((values[n - 1 :], values[n - 1 :: -1]), b)


def _toeplitz_jvp(tangents: Any, x: Any, values: Any, b: Any) -> Any:
    ta, right = tangents
    if ta is not None:
        moved = np.matmul(ta[..., toeplitz_places(len(x), len(x))], x)
        right = -moved if right is None else right - moved
    return solve_all(lambda columns: toeplitz_system(values, columns), right, np.ndim(x))


def _toeplitz_pulled(ct: Any, values: Any) -> Any:
    return toeplitz_system(values[::-1], ct)


def _along_diagonals(left: Any, x: Any, values: Any) -> Any:
    """The sums of ``left xᵀ`` along its diagonals: correlations of the columns."""
    places = toeplitz_places(len(x), len(x))
    outer = np.matmul(left, transpose(x))
    return _gather_transposed(np.reshape(outer, -1), places=np.reshape(places, -1))


_gather_transposed = linear(
    "sums along diagonals",
    lambda ct, v, places: ct[places],
    impl=lambda v, places: (
        np.bincount(places, v.real)
        if not np.iscomplexobj(v)
        else np.bincount(places, v.real) + 1j * np.bincount(places, v.imag)
    ).astype(v.dtype),
)
toeplitz_system = nonlinear(
    "solve_toeplitz",
    impl=_toeplitz_impl,
    jvp=_toeplitz_jvp,
    vjp=(
        lambda ct, x, values, b: -_along_diagonals(_toeplitz_pulled(ct, values), x, values),
        lambda ct, x, values, b: _toeplitz_pulled(ct, values),
    ),
    leading=True,
)

# --- LU without pivoting, of a matrix whose rows are in the order of the pivots ---------------------------------------


def _lu_impl(a: Any) -> Any:
    factors, pivots = scipy.linalg.lu_factor(a)
    if np.array_equal(pivots, np.broadcast_to(np.arange(a.shape[-1]), pivots.shape)):
        return factors
    factors = np.array(
        a
    )  # A tie in which rounding decided otherwise: eliminate in the given order.
    for i in range(a.shape[-1] - 1):
        factors[..., i + 1 :, i] /= factors[..., i, i, None]
        factors[..., i + 1 :, i + 1 :] -= (
            factors[..., i + 1 :, i, None] * factors[..., i, None, i + 1 :]
        )
    return factors


def lower_factor(factors: Any) -> Any:
    """The unit lower triangle of packed factors."""
    return np.tril(factors, -1) + np.eye(np.shape(factors)[-1], dtype=factors.dtype)


def _lu_jvp(tangents: Any, y: Any, a: Any) -> Any:
    """M = L⁻¹ Ȧ U⁻¹; L̇ is L times the strict lower triangle of M, U̇ the upper triangle times U."""
    left = solve_triangular(y, tangents[0], lower=True, unit=True)
    m = transpose(solve_triangular(transpose(y), transpose(left), lower=True))
    low, up = np.tril(m, -1), np.triu(m)
    return np.matmul(lower_factor(y), low) + np.matmul(up, np.triu(y))


def _lu_vjp(ct: Any, y: Any, a: Any) -> Any:
    low = np.tril(np.matmul(transpose(lower_factor(y)), np.tril(ct, -1)), -1)
    up = np.triu(np.matmul(np.triu(ct), transpose(np.triu(y))))
    left = solve_triangular(transpose(y), low + up, lower=False, unit=True)
    return transpose(solve_triangular(y, transpose(left), lower=False))


lu_in_order = nonlinear("lu", impl=_lu_impl, jvp=_lu_jvp, vjp=_lu_vjp, leading=True)
