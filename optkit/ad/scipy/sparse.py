"""Sparse matrices with derivatives: products with traced arrays, traced values on a fixed pattern, `spsolve`.

SciPy's sparse arrays turn their partner into numbers before anybody can object, so ``A @ x`` with a traced ``x`` is
refused there; write ``sparse.matmul(A, x)``, or ``x @ A.T``, or make A with this module: the classes are SciPy's, and
their products know traced partners. Given traced values they make a `SparseArray`, which has the operations that have
a derivative.

Examples
--------
>>> import numpy as np
>>> import scipy.sparse
>>> from optkit import ad
>>> from optkit.ad.scipy import sparse
>>> A = scipy.sparse.diags_array([2.0, 3.0])
>>> ad.grad(lambda x: np.sum(sparse.matmul(A, x) ** 2))(np.ones(2))
array([ 8., 18.])
>>> def f(values):
...     A = sparse.coo_array((values, ([0, 1, 1], [0, 0, 1])), shape=(2, 2))
...     return sparse.spsolve(A, np.ones(2))[1]
>>> ad.grad(f)(np.array([1.0, 2.0, 4.0]))
array([ 0.5   , -0.25  ,  0.0625])
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from optkit.ad.core import Tracer
from optkit.ad.rules import sparse as rules
from optkit.ad.rules.index import scatter_add
from optkit.ad.rules.shape import traced
from optkit.ad.rules.sparse import Pattern
from optkit.ad.scipy.replacement import is_any_traced, refused
from optkit.errors import InvalidTypeError, NotDifferentiableError

__all__ = [
    "SparseArray",
    "coo_array",
    "coo_matrix",
    "csc_array",
    "csc_matrix",
    "csr_array",
    "csr_matrix",
    "matmul",
    "spsolve",
]


def __getattr__(name: str) -> Any:
    """What is not replaced here: SciPy's own, which refuses traced values."""
    original = getattr(scipy.sparse, name)
    if callable(original) and not isinstance(original, type):
        return refused(original, "scipy.sparse")
    return original


class SparseArray:
    """A sparse matrix of traced values on a fixed pattern.

    Made by `csr_array`, `csc_array` and `coo_array`. It has ``@`` with dense and sparse partners from both sides,
    ``+``, ``-``, multiplication with and division by numbers, ``T``, ``toarray()``, ``diagonal()`` and ``sum()``.

    Attributes
    ----------
    data : array
        The values, traced: row by row, each row from the left to the right.
    shape : tuple of int
        The numbers of rows and columns.
    """

    # NumPy leaves the operators to this class; so do traced arrays.
    __array_ufunc__ = None
    ndim = 2

    def __init__(self, data: Any, pattern: Pattern, turned: bool = False) -> None:
        self._values = data
        self._pattern = pattern
        self._turned = turned
        self.shape = pattern.shape[::-1] if turned else pattern.shape

    def __repr__(self) -> str:
        return f"<SparseArray of shape {self.shape} with {self.nnz} traced values>"

    @property
    def data(self) -> Any:
        return self._rowwise()._values

    @property
    def nnz(self) -> int:
        """The number of values."""
        return len(self._pattern.indices)

    @property
    def dtype(self) -> Any:
        return self._values.dtype

    @property
    def T(self) -> SparseArray:  # noqa: N802 -- SciPy's name
        return SparseArray(self._values, self._pattern, not self._turned)

    def transpose(self) -> SparseArray:
        """The transpose."""
        return self.T

    def tocsr(self) -> SparseArray:
        """The matrix itself: how it is stored has no meaning here."""
        return self

    tocsc = tocoo = tocsr

    def coordinates(self) -> tuple[Any, Any, Any]:
        """The values, their rows and their columns."""
        return (self._values, *self._pattern.places(self._turned))

    def _rowwise(self) -> SparseArray:
        values, rows, columns = self.coordinates()
        return _assembled(values, rows, columns, self.shape) if self._turned else self

    def toarray(self) -> Any:
        """The dense matrix."""
        values, rows, columns = self.coordinates()
        size = self.shape[0] * self.shape[1]
        return np.reshape(
            scatter_add(values, rows * self.shape[1] + columns, size=size), self.shape
        )

    def diagonal(self) -> Any:
        """The main diagonal."""
        values, rows, columns = self.coordinates()
        on = np.flatnonzero(rows == columns)
        return scatter_add(values[on], rows[on], size=min(self.shape))

    def sum(self, axis: int | None = None) -> Any:
        """The sum of all values, of each column (axis 0) or of each row (axis 1)."""
        if axis is None:
            return np.sum(self._values)
        ones = np.ones(self.shape[axis], dtype=self.dtype)
        return (self.T if axis % 2 == 0 else self) @ ones

    def dot(self, other: Any) -> Any:
        """The product with a dense or sparse array."""
        return self @ other

    def __matmul__(self, other: Any) -> Any:
        return (
            _sparse_product(self, _as_sparse(other)) if _is_sparse(other) else matmul(self, other)
        )

    def __rmatmul__(self, other: Any) -> Any:
        return (
            _sparse_product(_as_sparse(other), self) if _is_sparse(other) else matmul(other, self)
        )

    def _scaled(self, factor: Any) -> SparseArray:
        if np.ndim(factor) or _is_sparse(factor):
            raise NotDifferentiableError(
                "a sparse array of traced values times an array, elementwise: multiply the values, A.data * …, or make "
                "it dense with A.toarray()"
            )
        return SparseArray(self._values * factor, self._pattern, self._turned)

    def __mul__(self, factor: Any) -> SparseArray:
        return self._scaled(factor)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> SparseArray:
        return self._scaled(1.0 / divisor)

    def __neg__(self) -> SparseArray:
        return self._scaled(-1.0)

    def __add__(self, other: Any) -> SparseArray:
        if not _is_sparse(other):
            raise InvalidTypeError(
                "a sparse array of traced values plus a dense one: make it dense with A.toarray()"
            )
        other = _as_sparse(other)
        if self.shape != other.shape:
            raise ValueError(f"inconsistent shapes {self.shape} and {other.shape}")
        both = zip(self.coordinates(), other.coordinates(), strict=True)
        values, rows, columns = (np.concatenate(pair) for pair in both)
        return _assembled(values, rows, columns, self.shape)

    __radd__ = __add__

    def __sub__(self, other: Any) -> SparseArray:
        return self + _as_sparse(other)._scaled(-1.0)

    def __rsub__(self, other: Any) -> SparseArray:
        difference: SparseArray = self._scaled(-1.0) + _as_sparse(other)
        return difference


# --- making them ------------------------------------------------------------------------------------------------------


def _is_sparse(x: Any) -> bool:
    return isinstance(x, SparseArray) or scipy.sparse.issparse(x)


def _as_sparse(x: Any) -> SparseArray:
    """A sparse matrix of SciPy's as one of ours, with plain values."""
    return x if isinstance(x, SparseArray) else SparseArray(*rules.values_and_pattern(x))


def _assembled(values: Any, rows: Any, columns: Any, shape: Any) -> SparseArray:
    """From values with their places, in any order; those at one place are added."""
    keys = np.asarray(rows, dtype=np.int64) * shape[1] + np.asarray(columns)
    places, first, number = np.unique(keys, return_index=True, return_inverse=True)
    if len(places) == len(keys):
        data = values[first]
    else:
        data = scatter_add(values, np.reshape(number, -1), size=len(places))
    indptr = np.searchsorted(places, np.arange(shape[0] + 1) * shape[1])
    return SparseArray(data, Pattern(places % max(shape[1], 1), indptr, tuple(shape)))


def _made(name: str, arg1: Any, shape: Any, dtype: Any) -> SparseArray:
    """A sparse matrix of traced values, from what the constructors of SciPy take."""
    if isinstance(arg1, SparseArray):
        return arg1
    if not isinstance(arg1, tuple) or len(arg1) not in (2, 3):
        raise NotDifferentiableError(
            f"scipy.sparse.{name} of a traced dense array would lose the derivative where it is zero: give the values "
            "with their places, (values, (rows, columns))"
        )
    values = traced(arg1[0])
    if len(arg1) == 2:
        rows, columns = (np.asarray(place) for place in arg1[1])
    else:
        inner, pointers = (np.asarray(part) for part in arg1[1:])
        outer = np.repeat(np.arange(len(pointers) - 1), np.diff(pointers))
        rows, columns = (inner, outer) if name.startswith("csc") else (outer, inner)
    if shape is None:
        shape = (int(np.max(rows, initial=-1)) + 1, int(np.max(columns, initial=-1)) + 1)
    for places, size in zip((rows, columns), shape, strict=True):
        if np.any((places < 0) | (places >= size)):
            raise ValueError(f"an index is outside of the shape {tuple(shape)}")
    values = values if dtype is None else values.astype(dtype)
    return _assembled(values, rows, columns, tuple(int(n) for n in shape))


def _replaced(original: Any) -> Any:
    """SciPy's class, whose products know traced partners; given traced values, a `SparseArray`."""
    name = original.__name__

    def new(
        cls: Any, arg1: Any = None, shape: Any = None, dtype: Any = None, *_: Any, **ignored: Any
    ) -> Any:
        if isinstance(arg1, SparseArray) or is_any_traced((arg1,)):
            return _made(name, arg1, shape, dtype)
        return object.__new__(cls)

    def product(by_scipy: Any) -> Any:
        def method(self: Any, other: Any) -> Any:
            if isinstance(other, Tracer | SparseArray) and not np.isscalar(other):
                return _as_sparse(self) @ other
            return by_scipy(self, other)

        return method

    def transposed(self: Any, axes: Any = None, copy: bool = False) -> Any:
        result = original.transpose(self, axes, copy)
        ours = _CLASSES.get(type(result).__name__)
        return result if ours is None else ours(result)

    members: dict[str, Any] = {
        "__new__": new,
        "__matmul__": product(original.__matmul__),
        "dot": product(original.dot),
        "transpose": transposed,
    }
    if name.endswith("matrix"):
        members["__mul__"] = product(original.__mul__)
    members["__doc__"] = (
        f"`scipy.sparse.{name}`, also of traced values: as (values, (rows, columns)) or (values, indices, indptr)."
    )
    return type(name, (original,), {**members, "__module__": __name__})


_CLASSES: dict[str, Any] = {
    original.__name__: _replaced(original)
    for original in (
        scipy.sparse.csr_array,
        scipy.sparse.csc_array,
        scipy.sparse.coo_array,
        scipy.sparse.csr_matrix,
        scipy.sparse.csc_matrix,
        scipy.sparse.coo_matrix,
    )
}
csr_array, csr_matrix = _CLASSES["csr_array"], _CLASSES["csr_matrix"]
csc_array, csc_matrix = _CLASSES["csc_array"], _CLASSES["csc_matrix"]
coo_array, coo_matrix = _CLASSES["coo_array"], _CLASSES["coo_matrix"]

# --- products and solutions -------------------------------------------------------------------------------------------


def matmul(a: Any, b: Any) -> Any:
    """The product of a sparse and a dense array, of which either, or both, may be traced.

    Parameters
    ----------
    a, b : array
        One of them sparse (SciPy's, in any format, or a `SparseArray`), the other dense, a vector or a matrix.

    Returns
    -------
    array
        ``a @ b``, dense.

    Examples
    --------
    >>> from optkit import ad
    >>> A = scipy.sparse.csr_array([[0.0, 2.0], [1.0, 0.0]])
    >>> ad.jacobian(lambda x: matmul(A, x))(np.array([3.0, 4.0]))
    array([[0., 2.],
           [1., 0.]])
    """
    if not _is_sparse(a):
        if not _is_sparse(b):
            return np.matmul(a, b)
        return np.transpose(matmul(b.T, np.transpose(traced(a))))
    if _is_sparse(b):
        return a @ b
    if scipy.sparse.issparse(a) and not is_any_traced((b,)):
        return a @ b
    matrix = _as_sparse(a)
    return rules.product_of(matrix._values, b, matrix._pattern, matrix._turned)


def _sparse_product(a: SparseArray, b: SparseArray) -> SparseArray:
    """The product of two sparse matrices: each value of ``a`` meets the row of ``b`` that its column names."""
    if a.shape[1] != b.shape[0]:
        raise ValueError(f"matmul: matrices of shapes {a.shape} and {b.shape}")
    values, rows, columns = a.coordinates()
    b = b._rowwise()
    counts = np.diff(b._pattern.indptr)[columns]
    mine = np.repeat(np.arange(len(columns)), counts)
    starts = np.repeat(b._pattern.indptr[columns] - np.cumsum(counts) + counts, counts)
    theirs = starts + np.arange(len(mine))
    products = values[mine] * b._values[theirs]
    return _assembled(products, rows[mine], b._pattern.indices[theirs], (a.shape[0], b.shape[1]))


def spsolve(A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Any:
    """Solve a sparse linear system; the matrix or the right side, or both, may be traced.

    The matrix is factorised once, by SuperLU, for the solution and its derivatives.

    Parameters
    ----------
    A : sparse array
        Square; SciPy's, in any format, or a `SparseArray` of traced values.
    b : array
        The right side, dense: a vector or a matrix of columns.
    permc_spec, use_umfpack
        As for `scipy.sparse.linalg.spsolve`; a traced solution is always computed by SuperLU.

    Returns
    -------
    array
        The solution, in the shape of ``b``; for a single column, as SciPy has it, a vector.

    Examples
    --------
    >>> from optkit import ad
    >>> A = scipy.sparse.csc_array([[2.0, 1.0], [0.0, 4.0]])
    >>> ad.jacobian(lambda b: spsolve(A, b))(np.ones(2))
    array([[ 0.5  , -0.125],
           [ 0.   ,  0.25 ]])
    """
    if not isinstance(A, SparseArray) and not is_any_traced((b,)):
        return scipy.sparse.linalg.spsolve(A, b, permc_spec=permc_spec, use_umfpack=use_umfpack)
    if _is_sparse(b):
        raise NotDifferentiableError(
            "spsolve of a traced matrix with a sparse right side: make it dense with b.toarray()"
        )
    matrix, right = _as_sparse(A), traced(b)
    if matrix.shape[0] != matrix.shape[1] or right.shape[0] != matrix.shape[0]:
        raise ValueError(
            f"spsolve: a matrix of shape {matrix.shape}, a right side of {right.shape}"
        )
    if right.ndim == 2 and right.shape[1] == 1:
        right = right[:, 0]
    options = {} if permc_spec is None else {"permc_spec": permc_spec}
    how = {"pattern": matrix._pattern, "turned": matrix._turned}
    return rules.solve(matrix._values, right, **how, factors=rules.Factors(), options=options)
