"""Linear algebra where it has corners: ties, zeros, deficient ranks, empty matrices, phases; what is refused."""

import inspect
import math

import numpy as np
import pytest

from optkit import ad
from optkit.ad.core import primal
from optkit.ad.registry import FUNCTIONS
from optkit.errors import NotDifferentiableError
from optkit.testing.cases import extrapolated_slope

INF = math.inf
LINALG = np.linalg
EYE, ONES = np.eye(2), np.ones((2, 2))
MODES = ("forward", "reverse")
both_modes = pytest.mark.parametrize("mode", MODES)


def jacobians(function, x):
    x = np.asarray(x, dtype=float)
    return [ad.jacobian(function, mode=mode)(x) for mode in MODES]


def of_order(order, **keywords):
    return lambda x: LINALG.norm(x, order, **keywords)


# --- values that all derivatives have -------------------------------------------------------------------------------

# Function, point, gradient; a kink has the slope of least norm, ties share.
# fmt: off
GRADIENTS = {
    "norm 1, a zero": (of_order(1), [0, 2], [0, 1]),
    "norm 1.5, a zero": (of_order(1.5), [0, 4], [0, 1]),
    "norm inf, ties": (of_order(INF), [2, -2, 1], [0.5, -0.5, 0]),
    "norm -inf, ties": (of_order(-INF), [1, -1, 2], [0.5, -0.5, 0]),
    "norm 0": (of_order(0), [0, 2], [0, 0]),
    **{f"norm {order} of zero": (of_order(order), [0, 0], [0, 0]) for order in (None, 1, 2, 3, 1.5, INF)},
    **{f"norm {order} of a zero matrix": (of_order(order), np.zeros((2, 2)), np.zeros((2, 2)))
       for order in (None, "fro", "nuc", 2, -2, 1, INF)},
    "norm of rows, one zero": (lambda x: LINALG.norm(x, axis=1).sum(), [[3, 4], [0, 0]], [[0.6, 0.8], [0, 0]]),
    "norm keepdims": (lambda x: LINALG.norm(x, axis=-1, keepdims=True).sum(), [[3, 4], [0, 5]], [[0.6, 0.8], [0, 1]]),
    "norm of reversed axes": (of_order("fro", axis=(-1, 0)), [[3, 0], [0, 4]], [[0.6, 0], [0, 0.8]]),
    "norm 1 of columns, tied": (of_order(1), EYE, EYE / 2),
    "norm 2 of the identity": (of_order(2), EYE, EYE / 2),
    "norm -2 of the identity": (of_order(-2), EYE, EYE / 2),
    "norm -2, singular": (of_order(-2), ONES, 0 * ONES),
    "norm nuc, rank 1": (of_order("nuc"), ONES, ONES / 2),
    "norm nuc, identity": (of_order("nuc"), EYE, EYE),
    "vector_norm": (lambda x: LINALG.vector_norm(x, axis=(0, 1), ord=3), np.zeros((2, 2)), np.zeros((2, 2))),
    "matrix_norm": (lambda x: LINALG.matrix_norm(x), [[3, 0], [0, 4]], [[0.6, 0], [0, 0.8]]),
    "cond": (LINALG.cond, [[2, 0], [0, 1]], [[1, 0], [0, -2]]),
    "cond of the identity": (LINALG.cond, EYE, 0 * EYE),
    "slogdet, 3 by 3": (lambda x: LINALG.slogdet(x)[1], np.diag([1, 2, 4]), np.diag([1, 0.5, 0.25])),
    "rank is constant": (lambda x: LINALG.matrix_rank(x) * x[0, 0], EYE, [[2, 0], [0, 0]]),
    "matrix_power 0": (lambda x: x[0, 0] * LINALG.matrix_power(x, 0).sum(), ONES, [[2, 0], [0, 0]]),
    "matrix_power of a singular matrix": (lambda x: LINALG.matrix_power(x, 2)[0, 0], ONES, [[2, 1], [1, 0]]),
    "pinv of zero": (lambda x: LINALG.pinv(x).sum(), 0 * EYE, 0 * EYE),
    "eigenvalues of the identity": (lambda x: LINALG.eigvalsh(x)[0], EYE, [[1, 0], [0, 0]]),
    "eigenvalue, half by each triangle": (lambda x: LINALG.eigvalsh(x)[1], [[0, 1], [1, 0]], ONES / 2),
    "eigenvalue, upper triangle read": (lambda x: LINALG.eigvalsh(x, "U")[1], [[0, 1], [9, 0]], ONES / 2),
    "sum of equal eigenvalues": (lambda x: LINALG.eigvals(x).sum(), EYE, EYE),
    "singular values of the identity": (lambda x: LINALG.svdvals(x).sum(), EYE, EYE),
    "a singular value of 0": (lambda x: LINALG.svdvals(x)[1], ONES, 0 * ONES),
    "a singular value of 0, tall": (lambda x: LINALG.svd(x, compute_uv=False)[1], np.ones((3, 2)), np.zeros((3, 2))),
    "a vector beside a tie": (lambda x: LINALG.eigh(x)[1][2, 2] ** 2, np.diag([1, 1, 3]), np.zeros((3, 3))),
}
# fmt: on


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradient(name):
    function, x, wanted = GRADIENTS[name]
    for found in jacobians(function, x):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-14)


@pytest.mark.parametrize("p", [None, 2, 1, INF, "fro"])
def test_condition_of_a_singular_matrix_is_infinite_and_so_is_its_slope(p):
    assert ad.jvp(lambda x: LINALG.cond(x, p), (ONES,), (EYE,))[0] == LINALG.cond(ONES, p) > 1e15
    zero = np.diag([1.0, 0.0])
    value, slope = ad.jvp(lambda x: LINALG.cond(x, p), (zero,), (EYE,))
    assert value == INF
    assert not np.isfinite(slope)


def test_sign_of_a_complex_determinant():
    z = np.array([[1.0 + 2j, 0.5], [1j, 3.0 - 1j]])
    turned = lambda t: np.real(LINALG.slogdet(z * np.exp(1j * t))[0])  # noqa: E731
    sign = LINALG.slogdet(z)[0]
    assert ad.derivative(turned)(0.0) == pytest.approx(-2 * sign.imag, abs=1e-14)
    assert ad.grad(turned)(0.0) == pytest.approx(-2 * sign.imag, abs=1e-14)
    growing = lambda t: LINALG.slogdet(z * t)[1]  # noqa: E731
    assert ad.grad(growing)(2.0) == pytest.approx(1.0, abs=1e-14)


# --- vectors that are not determined --------------------------------------------------------------------------------

TIED = np.diag([1.0, 1.0, 5.0])
OPEN = {
    "eigh": (lambda x: _mixed(LINALG.eigh(x)[1]), TIED),
    "eigh, with values": (lambda x: _spectral(np.sqrt, x)[0, 1], TIED),
    "eig": (lambda x: _mixed(LINALG.eig(x)[1]), TIED),
    "svd": (lambda x: _mixed(LINALG.svd(x)[0]), np.eye(3)),
    "svd, with values": (lambda x: _product(*LINALG.svd(x))[0, 1], np.eye(3)),
    "svd, two values of 0": (lambda x: _product(*LINALG.svd(x)).sum(), np.diag([1.0, 0.0, 0.0])),
    "svd, a value of 0, tall": (
        lambda x: _product(*LINALG.svd(x, full_matrices=False))[0, 1],
        np.outer([1.0, 2.0, 3.0], [1.0, 0.5]),
    ),
}


def _mixed(v):
    return v[0, 0] + 2 * v[0, 1]


def _spectral(function, x):
    w, v = LINALG.eigh(x)
    return (v * function(w)) @ v.T


def _product(u, s, vh):
    return (u * s) @ vh


@pytest.mark.parametrize("name", OPEN)
def test_vectors_of_equal_values_have_no_derivative(name):
    """Never a number: an error in reverse mode, NaN in forward mode, which does not see what becomes of them."""
    function, x = OPEN[name]
    with pytest.raises(NotDifferentiableError, match="not determined"):
        ad.grad(function)(x)
    direction = np.arange(1.0, x.size + 1.0).reshape(x.shape)
    assert np.isnan(
        ad.jvp(
            function, (x,), (direction + direction.T if x.shape[0] == x.shape[1] else direction,)
        )[1]
    )


def test_projector_on_vectors_of_equal_values():
    """A function that does not see which basis was taken, and reads the vectors alone, has its derivative."""

    def projector(x):
        v = LINALG.eigh(x)[1][:, :2]
        return (v @ v.T)[0, 2]

    direction = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]])
    # First-order perturbation: P' = −(P A' Q + Q A' P) / (5 − 1) with Q = e₂ e₂ᵀ.
    assert np.sum(ad.grad(projector)(TIED) * direction) == pytest.approx(-2.0 / 4.0)


def test_null_vector_of_a_tall_matrix():
    """The last right singular vector of an exactly singular tall matrix, as in homogeneous least squares."""
    a = np.array([[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]])
    t = np.array([[1.0, 0.0], [0.5, 1.0], [0.0, 2.0]])
    v, f = LINALG.svd(a)[2][1], lambda x: LINALG.svd(x)[2][1] @ [1.0, 1.0]
    wanted = -LINALG.pinv(a) @ t @ v
    assert np.sum(ad.grad(f)(a) * t) == pytest.approx(wanted.sum(), rel=1e-12)
    assert ad.jvp(f, (a,), (t,))[1] == pytest.approx(wanted.sum(), rel=1e-12)


def test_product_of_the_factors_of_a_singular_matrix():
    """Through a single singular value of 0 the factors of a square matrix go on smoothly."""
    a = np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 1.0], [0.0, 0.0, 3.0]])
    assert LINALG.matrix_rank(a) == 2
    for found in jacobians(lambda x: _product(*LINALG.svd(x)), a):
        np.testing.assert_allclose(found.reshape(9, 9), np.eye(9), atol=1e-13)


def test_truncation_of_an_exactly_singular_matrix():
    a = np.diag([3.0, 2.0, 0.0])

    def truncated(x):
        u, s, vh = LINALG.svd(x)
        return u[:, :2] @ np.diag(s[:2]) @ vh[:2]

    for found in jacobians(truncated, a):
        np.testing.assert_allclose(found.reshape(9, 9), np.diag([1.0] * 8 + [0.0]), atol=1e-14)


def test_further_columns_of_a_full_basis():
    a = np.array([[1.0, 0.2], [0.3, 2.0], [0.5, -1.0], [0.1, 0.4]])
    with pytest.raises(NotDifferentiableError, match="full_matrices=False"):
        ad.grad(lambda x: LINALG.svd(x)[0][0, 3])(a)
    fine = ad.grad(lambda x: LINALG.svd(x)[0][0, 1])(a)
    np.testing.assert_allclose(
        fine, ad.grad(lambda x: LINALG.svd(x, full_matrices=False)[0][0, 1])(a), atol=1e-15
    )


def test_close_eigenvalues_leak_no_warning_and_lose_no_digits():
    gap = 2.0**-30
    f = lambda x: LINALG.eigh(x)[1][0, 1] ** 2  # noqa: E731
    a = np.array([[1.0, 0.0], [0.0, 1.0 + gap]])
    v = np.array([[0.0, 1.0], [1.0, 0.0]])
    second = ad.jvp(lambda x: ad.jvp(f, (x,), (v,))[1], (a,), (v,))[1]
    assert second == pytest.approx(2 / gap**2, rel=1e-12)
    for scale in (1e-200, 1e200):
        slope = ad.jvp(lambda x: LINALG.eigh(x)[1][0, 1], (np.diag([1.0, 2.0]) * scale,), (v,))[1]
        assert abs(slope) == pytest.approx(1 / scale)


# --- phases ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4, 2), (3, 3), (2, 4), (2, 3), (5, 2)])
def test_phases_of_complex_vectors_are_those_of_lapack(shape):
    """So even a function that sees the phase has the derivative that differences find."""
    random = np.random.default_rng(3)
    a, t = (random.standard_normal(shape) + 1j * random.standard_normal(shape) for _ in "at")
    weights = random.standard_normal(2)

    def f(x):
        u, _, vh = LINALG.svd(x, full_matrices=False)
        v = LINALG.eigh(x @ x.conj().T)[1]
        upper = LINALG.eigh(x @ x.conj().T, "U")[1]
        return np.real(np.sum(u) + 2j * np.sum(vh)) + weights @ [
            np.imag(v[-1, -1]),
            np.imag(upper[0, -1]),
        ]

    found = ad.jvp(f, (a,), (t,))[1]
    assert found == pytest.approx(
        float(extrapolated_slope(lambda h: np.asarray(f(a + h * t)))), rel=1e-8
    )
    assert np.real(np.sum(ad.grad(f)(a) * t)) == pytest.approx(found, rel=1e-11)


# --- what is refused ------------------------------------------------------------------------------------------------

REFUSED = {
    "qr raw": (lambda x: LINALG.qr(x, "raw")[0], EYE, NotDifferentiableError, "mode='raw'"),
    "qr of deficient rank": (lambda x: LINALG.qr(x)[1], ONES, LINALG.LinAlgError, "singular"),
    "qr complete, triangular": (
        lambda x: LINALG.qr(x, "complete")[0], np.eye(3)[:, :2], NotDifferentiableError, "mode='reduced'"),
    "eig, defective": (lambda x: LINALG.eig(x)[0], [[1, 1], [0, 1]], LINALG.LinAlgError, "defective"),
    "solve, singular": (lambda x: LINALG.solve(x, x[0]), ONES, LINALG.LinAlgError, "Singular"),
    "inv, singular": (LINALG.inv, ONES, LINALG.LinAlgError, "Singular"),
    "cholesky, indefinite": (LINALG.cholesky, -EYE, LINALG.LinAlgError, "positive definite"),
    "cond of nothing": (LINALG.cond, np.zeros((2, 0)), LINALG.LinAlgError, "empty"),
    "norm of a string order": (of_order("nuc"), [1, 2], ValueError, "Invalid norm order"),
    "norm of an unknown order": (of_order(5), EYE, ValueError, "Invalid norm order"),
    "eigh of an unknown triangle": (lambda x: LINALG.eigh(x, "X")[0], EYE, ValueError, "UPLO"),
    "outer of matrices": (lambda x: LINALG.outer(x, x), EYE, ValueError, "one-dimensional"),
    "multi_dot of one": (lambda x: LINALG.multi_dot([x]), EYE, ValueError, "two"),
    "tensorinv": (lambda x: LINALG.tensorinv(x, 0), EYE, ValueError, "ind"),
    "tensorsolve": (lambda x: LINALG.tensorsolve(x, x[0]), np.ones((2, 3)), LINALG.LinAlgError, "square"),
    "lstsq": (lambda x: LINALG.lstsq(x, np.ones(3))[0], EYE, LINALG.LinAlgError, "ncompatible"),
    "rfft of complex": (lambda x: np.fft.rfft(x + 1j * x).real, [1, 2], TypeError, "real"),
    "fft of no points": (lambda x: np.fft.fft(x, 0).real, [1, 2], ValueError, "data points"),
    "fft of an unknown norm": (lambda x: np.fft.fft(x, norm="x").real, [1, 2], ValueError, "norm"),
    "fftn of unequal lengths": (lambda x: np.fft.fftn(x, (2,), (0, 1)).real, EYE, ValueError, "different lengths"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    function, x, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        ad.jacobian(function)(np.asarray(x, dtype=float))


# --- matrices without elements, and other kinds of arguments --------------------------------------------------------

OF_NOTHING = {
    "inv": LINALG.inv, "det": LINALG.det, "cholesky": LINALG.cholesky, "pinv": LINALG.pinv, "svdvals": LINALG.svdvals,
    "eigvalsh": LINALG.eigvalsh, "eigvals": LINALG.eigvals, "eigh": lambda x: LINALG.eigh(x)[1],
    "svd": lambda x: LINALG.svd(x)[0], "qr": lambda x: LINALG.qr(x)[0], "slogdet": lambda x: LINALG.slogdet(x)[1],
    "power": lambda x: LINALG.matrix_power(x, 3), "norm": lambda x: LINALG.norm(x, 2, (-2, -1)),
    "fft": lambda x: np.fft.rfft(np.concatenate([x, x, x[..., :0]], -1), 3).real if x.shape[-1] else x,
}  # fmt: skip


@both_modes
@pytest.mark.parametrize("name", OF_NOTHING)
def test_empty_stacks_and_empty_matrices(name, mode):
    for shape in ((0, 2, 2), (0, 0)):
        x = np.zeros(shape)
        jacobian = ad.jacobian(OF_NOTHING[name], mode=mode)(x)
        assert jacobian.shape == np.shape(OF_NOTHING[name](x)) + shape


@both_modes
def test_rectangles_without_rows_or_columns(mode):
    for shape in ((3, 0), (0, 3)):
        for function in (
            LINALG.pinv,
            lambda x: LINALG.qr(x, "complete")[0],
            lambda x: LINALG.svd(x)[1],
        ):
            x = np.zeros(shape)
            jacobian = ad.jacobian(function, mode=mode)(x)
            assert jacobian.shape == np.shape(function(x)) + shape


def test_complete_basis_where_a_column_has_no_part_below():
    """The first column of Q ends in zeros, and is made by a reflection all the same."""
    a = np.array([[-0.6, 0.5], [0.8, 0.7], [0.0, 2.0], [0.0, 1.0]])
    t = np.random.default_rng(4).standard_normal(a.shape)
    f = lambda x: np.sum(LINALG.qr(x, "complete")[0] @ [1.0, 2.0, 3.0, 5.0])  # noqa: E731
    wanted = float(extrapolated_slope(lambda h: np.asarray(f(a + h * t))))
    assert ad.jvp(f, (a,), (t,))[1] == pytest.approx(wanted, rel=1e-9)


def test_results_come_in_numpys_named_tuples():
    seen = []

    def f(x):
        seen.extend([LINALG.eigh(x), LINALG.eig(x), LINALG.svd(x), LINALG.qr(x), LINALG.slogdet(x)])
        return x[0, 0]

    a = np.array([[2.0, 1.0], [1.0, 3.0]])
    ad.grad(f)(a)
    wanted = [LINALG.eigh(a), LINALG.eig(a), LINALG.svd(a), LINALG.qr(a), LINALG.slogdet(a)]
    assert [type(x) for x in seen] == [type(x) for x in wanted]


def test_least_squares_gives_all_four_results():
    a, b = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]), np.array([1.0, 0.0, 2.0])
    seen = []
    ad.grad(lambda a: seen.extend(LINALG.lstsq(a, b)) or a[0, 0])(a)
    for found, wanted in zip(seen, LINALG.lstsq(a, b), strict=True):
        np.testing.assert_allclose(primal(found), wanted, atol=1e-13)
    assert seen[2] == 2


def test_a_large_least_squares_slope_against_the_normal_equations():
    """x = (AᵀA)⁻¹ Aᵀ b, differentiated by hand."""
    random = np.random.default_rng(0)
    a, b, t = (
        random.standard_normal((20, 4)),
        random.standard_normal(20),
        random.standard_normal((20, 4)),
    )
    gram = a.T @ a
    x = LINALG.solve(gram, a.T @ b)
    wanted = LINALG.solve(gram, t.T @ b - (t.T @ a + a.T @ t) @ x)
    found = ad.jvp(lambda a: LINALG.lstsq(a, b)[0], (a,), (t,))[1]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


# --- every name -----------------------------------------------------------------------------------------------------

PLAIN = {"LinAlgError", "test", "fftfreq", "rfftfreq"}  # take no arrays


@pytest.mark.parametrize("module", [np.linalg, np.fft], ids=lambda module: module.__name__)
def test_every_public_function_has_a_rule(module):
    functions = [
        name
        for name in dir(module)
        if not name.startswith("_") and not inspect.ismodule(getattr(module, name))
    ]
    missing = [n for n in functions if n not in PLAIN and getattr(module, n) not in FUNCTIONS]
    assert missing == []


# --- identities -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 5, 6])
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
def test_fourier_transform_of_a_gradient(n, norm):
    """Parseval: the gradient of the energy of a spectrum is the signal, scaled; and ifft undoes fft."""
    x = np.random.default_rng(n).standard_normal(n)
    scale = {None: n, "ortho": 1.0, "forward": 1.0 / n}[norm]
    energy = lambda x: np.sum(np.abs(np.fft.fft(x, norm=norm)) ** 2)  # noqa: E731
    np.testing.assert_allclose(ad.grad(energy)(x), 2 * scale * x, atol=1e-13)
    np.testing.assert_allclose(ad.hessian(energy)(x), 2 * scale * np.eye(n), atol=1e-13)
    back = lambda x: np.fft.irfft(np.fft.rfft(x, norm=norm), n, norm=norm)  # noqa: E731
    for found in jacobians(back, x):
        np.testing.assert_allclose(found, np.eye(n), atol=1e-14)
    hermitian = lambda x: np.fft.hfft(np.fft.ihfft(x, norm=norm), n, norm=norm)  # noqa: E731
    for found in jacobians(hermitian, x):
        np.testing.assert_allclose(found, np.eye(n), atol=1e-14)


def test_products_of_factors_have_the_identity_as_jacobian():
    a = np.random.default_rng(1).standard_normal((2, 3, 3)) + 3 * np.eye(3)
    restored = {
        "qr": lambda x: np.matmul(*LINALG.qr(x)),
        "svd": lambda x: (lambda u, s, vh: (u * s[..., None, :]) @ vh)(*LINALG.svd(x)),
        "eig": lambda x: np.real((lambda w, v: (v * w[..., None, :]) @ LINALG.inv(v))(*LINALG.eig(x))),
        "inv": lambda x: LINALG.inv(LINALG.inv(x)), "pinv": lambda x: LINALG.pinv(LINALG.pinv(x)),
    }  # fmt: skip
    for name, function in restored.items():
        for found in jacobians(function, a):
            np.testing.assert_allclose(found.reshape(18, 18), np.eye(18), atol=1e-11, err_msg=name)
