"""Sparse matrices on a fixed pattern: products with dense arrays, and solutions.

The values of the matrix are an operand, the pattern is not; so both the matrix and its partner can be traced. What the
cotangent of the values needs, λ xᵀ at the places of the pattern, is gathered there; nothing dense is made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from optkit.ad.primitives import Linear, one_by_one
from optkit.ad.registry import FUNCTIONS, linear, nonlinear
from optkit.ad.rules.shape import traced


@dataclass(frozen=True, eq=False)
class Pattern:
    """Where the values of a sparse matrix stand: compressed rows, sorted, each place once."""

    indices: Any
    indptr: Any
    shape: tuple[int, int]

    @cached_property
    def rows(self) -> Any:
        """The row of each value."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self.indptr))

    def matrix(self, data: Any, turned: bool) -> Any:
        """The sparse array with these values, or its transpose."""
        array = scipy.sparse.csr_array((data, self.indices, self.indptr), shape=self.shape)
        return array.T if turned else array

    def places(self, turned: bool) -> tuple[Any, Any]:
        """Row and column of each value, in the matrix or its transpose."""
        return (self.indices, self.rows) if turned else (self.rows, self.indices)


def _sampled(left: Any, x: Any, pattern: Pattern, turned: bool) -> Any:
    """The values of ``left xᵀ`` at the places of the pattern."""
    rows, columns = pattern.places(turned)
    values = left[rows] * x[columns]
    return values if np.ndim(values) == 1 else np.sum(values, axis=1)


def _product_tangent(tangents: Any, args: Any, params: Any, k: int) -> Any:
    (data, x), (moved_data, moved_x) = args, tangents
    if moved_x is None:
        y = None if k else product(data, x, **params)
        return one_by_one(lambda ts: product(ts[0], x, **params), y, [moved_data], k)
    flat = np.reshape(moved_x, (np.shape(moved_x)[0], -1))
    result = product(data, flat, **params)
    return np.reshape(result, (np.shape(result)[0], *np.shape(moved_x)[1:]))


product: Linear = linear(
    "sparse product",
    lambda ct, data, x, pattern, turned: _fitting(_sampled(ct, x, pattern, turned), data),
    lambda ct, data, x, pattern, turned: _fitting(
        product(data, ct, pattern=pattern, turned=not turned), x
    ),
    impl=lambda data, x, pattern, turned: pattern.matrix(data, turned) @ x,
    tangent=_product_tangent,
    each=True,
)


def values_and_pattern(matrix: Any) -> tuple[Any, Pattern]:
    """A sparse matrix of SciPy's, in any format, taken apart."""
    rows = scipy.sparse.csr_array(matrix)
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    return rows.data, Pattern(rows.indices, rows.indptr, rows.shape)


def product_of(values: Any, x: Any, pattern: Pattern, turned: bool = False) -> Any:
    """The product with a dense vector or matrix, checked."""
    x = traced(x)
    columns = pattern.shape[0 if turned else 1]
    if x.ndim not in (1, 2) or x.shape[0] != columns:
        raise ValueError(f"matmul: a sparse matrix of {columns} columns and an array of {x.shape}")
    return product(values, x, pattern=pattern, turned=turned)


def _matmul(a: Any, b: Any) -> Any:
    """The product of a constant sparse and a traced dense array."""
    if hasattr(a, "tocsr"):
        values, pattern = values_and_pattern(a)
        return product_of(values, b, pattern)
    return np.transpose(_matmul(b.T, np.transpose(a)))


FUNCTIONS["sparse_matmul"] = _matmul


def _fitting(ct: Any, operand: Any) -> Any:
    """Of a real operand the real part of the cotangent."""
    return np.real(ct) if np.iscomplexobj(ct) and not np.iscomplexobj(operand) else ct


@dataclass(eq=False)
class Factors:
    """The LU factors of one matrix, computed once for a solution and its derivatives."""

    found: Any = field(default=None)

    def of(self, data: Any, pattern: Pattern, options: dict[str, Any]) -> Any:
        """The factors for these values."""
        found = self.found  # Read once: another thread may be at it.
        if found is None or not np.array_equal(found[0], data):
            kind = np.result_type(data, np.float32)
            columns = pattern.matrix(data.astype(kind, copy=False), turned=False).tocsc()
            found = (np.array(data), scipy.sparse.linalg.splu(columns, **options))
            self.found = found
        return found[1]


def _solve_impl(
    data: Any, b: Any, pattern: Pattern, turned: bool, factors: Factors, options: dict[str, Any]
) -> Any:
    solver = factors.of(data, pattern, options)
    kind = np.result_type(data, b)
    trans = "T" if turned else "N"
    if np.iscomplexobj(b) and not np.iscomplexobj(
        data
    ):  # SuperLU takes right sides of its own kind.
        parts = [_solve_impl(data, np.ascontiguousarray(p), pattern, turned, factors, options)
                 for p in (b.real, b.imag)]  # fmt: skip
        return (parts[0] + 1j * parts[1]).astype(kind, copy=False)
    return solver.solve(b.astype(kind, copy=False), trans).astype(kind, copy=False)


def _solve_jvp(tangents: Any, x: Any, data: Any, b: Any, **how: Any) -> Any:
    moved, right = tangents
    if moved is not None:
        change = product(moved, x, pattern=how["pattern"], turned=how["turned"])
        right = -change if right is None else right - change
    return solve(data, right, **how)


def _pulled(ct: Any, data: Any, how: Any) -> Any:
    return solve(data, ct, **{**how, "turned": not how["turned"]})


solve = nonlinear(
    "spsolve",
    impl=_solve_impl,
    jvp=_solve_jvp,
    vjp=(
        lambda ct, x, data, b, **how: _fitting(
            -_sampled(_pulled(ct, data, how), x, how["pattern"], how["turned"]), data
        ),
        lambda ct, x, data, b, **how: _fitting(_pulled(ct, data, how), b),
    ),
)
