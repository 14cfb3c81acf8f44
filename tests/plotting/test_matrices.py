"""Jacobians: patterns and singular values."""

import numpy as np
import pytest
import scipy.sparse

import optkit
from optkit.errors import InvalidInputError, InvalidTypeError


def image(ax, k=0):
    return ax.images[k].get_array()


def test_zeros_are_blank_and_entries_show_their_size():
    J = np.array([[1.0, 0.0], [-0.01, 100.0], [0.0, 3.0]])
    ax = optkit.plot_jacobian(J)
    shown = image(ax)
    np.testing.assert_array_equal(np.ma.getmaskarray(shown), J == 0.0)
    np.testing.assert_array_equal(shown.compressed(), np.abs(J[J != 0.0]))
    assert ax.get_title(loc="left") == "3 × 2, 4 nonzero entries (66.7 %)"
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row is at the top, as in print


def test_sparse_and_dense_look_the_same():
    J = np.where(np.random.default_rng(0).uniform(size=(30, 20)) < 0.1, 2.0, 0.0)
    dense, sparse = (image(optkit.plot_jacobian(m)) for m in (J, scipy.sparse.csr_array(J)))
    np.testing.assert_array_equal(dense.filled(0.0), sparse.filled(0.0))


def test_no_entry_of_a_large_matrix_is_lost():
    J = scipy.sparse.coo_array(([1.0, 7.0], ([0, 99_999], [49_999, 3])), shape=(100_000, 50_000))
    ax = optkit.plot_jacobian(J)
    shown = image(ax)
    assert shown.shape == (400, 400)
    assert sorted(shown.compressed()) == [1.0, 7.0]
    assert shown[399, 0] == 7.0
    assert "100,000 × 50,000, 2 nonzero" in ax.get_title(loc="left")


def test_entries_that_are_not_finite_are_marked():
    ax = optkit.plot_jacobian(np.array([[1.0, np.nan], [np.inf, 0.0]]))
    assert "2 not finite" in ax.get_title(loc="left")
    np.testing.assert_array_equal(np.ma.getmaskarray(image(ax, 1)), [[True, False], [False, True]])


def test_columns_have_names():
    ax = optkit.plot_jacobian(np.eye(2), names=["amplitude", "phase"])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["amplitude", "phase"]


def test_singular_values_rank_and_condition():
    J = np.diag([4.0, 2.0, 1e-20])
    ax = optkit.plot_jacobian(J, what="singular values")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [4.0, 2.0])
    assert len(ax.lines[1].get_ydata()) == 1
    assert ax.get_title(loc="left") == "rank 2 of 3"
    ax = optkit.plot_jacobian(np.diag([4.0, 2.0]), what="singular values")
    assert ax.get_title(loc="left") == "rank 2 of 2, condition number 2"
    wide = optkit.plot_jacobian(np.ones((1, 3)), what="singular values")
    assert wide.get_title(loc="left") == "rank 1 of 3"
    zero = optkit.plot_jacobian(np.zeros((2, 2)), what="singular values")
    assert zero.get_title(loc="left") == "rank 0 of 2"


@pytest.mark.parametrize(
    ("jacobian", "options", "error", "says"),
    [
        (np.ones(3), {}, InvalidInputError, r"shape \(m, n\)"),
        (np.ones((0, 3)), {}, InvalidInputError, "m, n ≥ 1"),
        ("abc", {}, InvalidTypeError, "matrix of real numbers"),
        (np.eye(2), {"what": "rank"}, InvalidInputError, "what='rank'"),
        (np.eye(2), {"names": ["a"]}, InvalidInputError, "1 names for 2 columns"),
        (np.full((2, 2), np.nan), {"what": "singular values"}, InvalidInputError, "not finite"),
        (scipy.sparse.eye_array(6000), {"what": "singular values"}, InvalidInputError, "too large"),
    ],
)
def test_what_cannot_be_drawn_is_refused(jacobian, options, error, says):
    with pytest.raises(error, match=says):
        optkit.plot_jacobian(jacobian, **options)
