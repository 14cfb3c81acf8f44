"""`optkit.ad.scipy.sparse`: products with traced partners, traced values on a fixed pattern, and solutions."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

from optkit import ad
from optkit.ad.scipy import sparse
from optkit.errors import InvalidTypeError, NotDifferentiableError

DENSE = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
X = np.array([1.0, -2.0, 0.5])
FORMATS = ("csr", "csc", "coo", "lil", "dok", "dia", "bsr")
KINDS = ("csr_array", "csc_array", "coo_array", "csr_matrix", "csc_matrix", "coo_matrix")
MODES = ("forward", "reverse")


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
@pytest.mark.parametrize("form", FORMATS)
def test_products_with_every_format(form, kind):
    A = kind(DENSE).asformat(form)
    for mode in MODES:
        np.testing.assert_array_equal(
            ad.jacobian(lambda x: sparse.matmul(A, x), mode=mode)(X), DENSE
        )
        np.testing.assert_array_equal(ad.jacobian(lambda x: x @ A.T, mode=mode)(X), DENSE)
        both = ad.jacobian(lambda x: sparse.matmul(x, A), mode=mode)(np.ones((4, 2)))
        np.testing.assert_array_equal(both, np.einsum("ik,jl->ijkl", np.eye(4), DENSE.T))
    np.testing.assert_array_equal(sparse.matmul(A, X), A @ X)


@pytest.mark.parametrize("name", KINDS)
def test_the_classes_are_scipys_and_know_traced_partners(name):
    A, theirs = getattr(sparse, name)(DENSE), getattr(scipy.sparse, name)(DENSE)
    assert isinstance(A, type(theirs))
    for B in (A, copy.deepcopy(A), pickle.loads(pickle.dumps(A)), A.T.T, A.copy()):
        np.testing.assert_array_equal(B @ X, theirs @ X)
        np.testing.assert_array_equal(ad.jacobian(lambda x, B=B: B @ x)(X), DENSE)
        np.testing.assert_array_equal(ad.jacobian(lambda x, B=B: B.dot(x))(X), DENSE)
        np.testing.assert_array_equal(ad.jacobian(lambda x, B=B: B.T @ x)(X[:2]), DENSE.T)
    np.testing.assert_array_equal((2 * A).dot(3.0).toarray(), 6.0 * DENSE)
    if name.endswith("matrix"):  # There * is the product.
        np.testing.assert_array_equal(ad.jacobian(lambda x: A * x)(X), DENSE)


ROWS, COLUMNS = np.array([2, 0, 1, 2, 2, 0]), np.array([1, 0, 0, 2, 1, 1])  # (2, 1) twice
VALUES = np.array([1.0, 2.0, -1.0, 3.0, 0.5, 0.7])


def dense(values):
    return sum(
        values[i] * np.outer(np.eye(3)[r], np.eye(3)[c])
        for i, (r, c) in enumerate(zip(ROWS, COLUMNS, strict=True))
    )


OTHER = scipy.sparse.csr_array(np.diag([4.0, 5.0, 6.0]))
OPERATIONS = {
    "A @ x": lambda A: A @ X, "A.T @ x": lambda A: A.T @ X, "x @ A": lambda A: X @ A,
    "A @ X": lambda A: A @ np.ones((3, 2)),
    "-2 A / 3": lambda A: (-2.0 * A / 3.0) @ X, "A + B": lambda A: (A + OTHER) @ X, "A - B": lambda A: (A - OTHER) @ X,
    "B - A": lambda A: (OTHER - A) @ X, "A @ A.T @ x": lambda A: (A @ A.T) @ X, "A @ B": lambda A: (A @ OTHER) @ X,
    "A.dot(x)": lambda A: A.dot(X), "diagonal": lambda A: A.diagonal(), "sum": lambda A: A.sum(),
    "columns": lambda A: A.sum(0), "rows": lambda A: A.sum(axis=-1), "transpose": lambda A: A.transpose().tocsr() @ X,
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_of_a_matrix_of_traced_values(name, mode):
    operation = OPERATIONS[name]

    def by_sparse(values):
        return operation(sparse.coo_array((values, (ROWS, COLUMNS)), shape=(3, 3)))

    def by_dense(values):
        A = dense(values)
        made = {"A + B": (A + OTHER.toarray()) @ X, "A - B": (A - OTHER.toarray()) @ X,
                "B - A": (OTHER.toarray() - A) @ X, "A @ B": (A @ OTHER.toarray()) @ X,
                "transpose": A.T @ X}  # fmt: skip
        return made[name] if name in made else operation(A)

    np.testing.assert_allclose(
        ad.jacobian(by_sparse, mode=mode)(VALUES),
        ad.jacobian(by_dense, mode=mode)(VALUES),
        atol=1e-14,
    )
    np.testing.assert_allclose(ad.hessian(lambda v: np.sum(np.sin(by_sparse(v))))(VALUES),
                               ad.hessian(lambda v: np.sum(np.sin(by_dense(v))))(VALUES), atol=1e-13)  # fmt: skip


def test_values_are_sorted_by_rows_and_sums_where_a_place_repeats():
    def f(values):
        A = sparse.coo_array((values, (ROWS, COLUMNS)), shape=(3, 3))
        assert (A.nnz, A.shape, A.ndim, A.dtype) == (5, (3, 3), 2, np.float64)
        assert "5 traced values" in repr(A)
        return A.data

    np.testing.assert_array_equal(ad.jacobian(f)(VALUES)[3], [1, 0, 0, 0, 1, 0])


@pytest.mark.parametrize("kind", ["csr_array", "csc_array"])
def test_compressed_triples(kind):
    theirs = getattr(scipy.sparse, kind)(DENSE)
    f = lambda v: getattr(sparse, kind)((v, theirs.indices, theirs.indptr), shape=DENSE.shape) @ X  # noqa: E731
    np.testing.assert_array_equal(ad.jvp(f, (theirs.data,), (theirs.data,))[1], DENSE @ X)


# --- solutions ------------------------------------------------------------------------------------------------------


def test_solution_against_the_dense_one():
    def by_sparse(values, b):
        return sparse.spsolve(sparse.csc_array((values, (ROWS, COLUMNS)), shape=(3, 3)) + OTHER, b)

    def by_dense(values, b):
        return np.linalg.solve(dense(values) + OTHER.toarray(), b)

    for b in (X, np.stack([X, X**2], axis=1)):
        for mode in MODES:
            for found, wanted in zip(
                ad.jacobian(by_sparse, (0, 1), mode=mode)(VALUES, b),
                ad.jacobian(by_dense, (0, 1), mode=mode)(VALUES, b), strict=True,
            ):  # fmt: skip
                np.testing.assert_allclose(found, wanted, atol=1e-15)


def test_a_matrix_is_factorised_once(monkeypatch):
    calls = []
    splu = scipy.sparse.linalg.splu
    monkeypatch.setattr(
        scipy.sparse.linalg, "splu", lambda *a, **k: calls.append(1) or splu(*a, **k)
    )

    def f(values, b):
        return np.sum(
            sparse.spsolve(sparse.coo_array((values, (ROWS, COLUMNS)), shape=(3, 3)) + OTHER, b)
            ** 2
        )

    ad.grad(f, (0, 1))(VALUES, X)
    assert len(calls) == 1


def test_a_constant_matrix_that_is_changed_afterwards():
    A = scipy.sparse.csr_array(np.diag([1.0, 2.0, 3.0]))
    _, pullback = ad.vjp(lambda x: sparse.matmul(A, x) ** 2, X)
    A.data[:] = 100.0
    np.testing.assert_array_equal(pullback(np.ones(3))[0], 2 * np.array([1.0, 4.0, 9.0]) * X)


def test_large_products_cost_what_the_pattern_costs():
    """Nothing dense is made: 10⁵ × 10⁵ would take 80 GB."""
    n = 100_000
    A = scipy.sparse.diags_array([2.0, -1.0, -1.0], offsets=[0, 1, -1], shape=(n, n)).tocsr()
    x = np.linspace(0.0, 1.0, n)
    gradient = ad.grad(lambda x: 0.5 * (x @ sparse.matmul(A, x)))(x)
    np.testing.assert_allclose(gradient, A @ x, atol=1e-14)
    solved = ad.grad(
        lambda v: np.sum(
            sparse.spsolve(sparse.csr_array((v, A.indices, A.indptr), shape=(n, n)), x)
        )
    )
    slope = solved(A.data + 4.0 * (A.indices == np.repeat(np.arange(n), np.diff(A.indptr))))
    assert slope.shape == A.data.shape


# --- refusals -------------------------------------------------------------------------------------------------------

CONSTANT = scipy.sparse.csr_array(np.diag([1.0, 2.0, 3.0]))
REFUSED = {
    "A @ x": (lambda x: CONSTANT @ x, InvalidTypeError, r"sparse\.matmul\(A, x\), or x @ A\.T"),
    "np.matmul": (lambda x: np.matmul(CONSTANT, x), InvalidTypeError, r"sparse\.matmul"),
    "A + x": (lambda x: x + CONSTANT, InvalidTypeError, "toarray"),
    "SciPy's spsolve": (lambda x: scipy.sparse.linalg.spsolve(CONSTANT, x), InvalidTypeError, r"sparse\.spsolve"),
    "of a dense array": (lambda x: sparse.csr_array(x[:, None]), NotDifferentiableError, "values"),
    "kron": (lambda x: sparse.kron(x[:, None], CONSTANT), NotDifferentiableError, "scipy.sparse.kron"),
    "times an array": (lambda x: sparse.coo_array((x, ([0], [0]))) * X, NotDifferentiableError, "data"),
    "plus an array": (lambda x: sparse.coo_array((x[:1], ([0], [0]))) + X, InvalidTypeError, "toarray"),
    "shapes": (lambda x: sparse.matmul(CONSTANT, x[:2]), ValueError, "matmul"),
    "shapes of a solution": (lambda x: sparse.spsolve(CONSTANT, x[:2]), ValueError, "spsolve"),
    "an index beyond": (lambda x: sparse.coo_array((x[:1], ([3], [0])), shape=(3, 3)), ValueError, "outside"),
    "sparse right side": (
        lambda x: sparse.spsolve(sparse.coo_array((x, ([0, 1, 2], [0, 1, 2]))), CONSTANT),
        NotDifferentiableError, "toarray"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    function, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        ad.jvp(function, (X,), (X,))
