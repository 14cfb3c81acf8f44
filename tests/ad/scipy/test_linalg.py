"""`optkit.ad.scipy.linalg`: SciPy's own on plain arrays, its values with derivatives on traced ones."""

import inspect
import math

import mpmath
import numpy as np
import pytest
import scipy.linalg

from optkit import ad
from optkit.ad.core import primal
from optkit.ad.scipy import linalg
from optkit.errors import NotDifferentiableError
from optkit.testing.cases import extrapolated_slope

RANDOM = np.random.default_rng(11)
A = RANDOM.uniform(-0.5, 0.5, (3, 3)) + np.diag([1.0, 2.0, 3.0])
T = RANDOM.uniform(-1.0, 1.0, (3, 3))
B = np.array([1.0, -2.0, 0.5])
SPD = A @ A.T + np.eye(3)
TURN = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def parts(result):
    return result if isinstance(result, tuple) else (result,)


# --- plain arrays ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", linalg.__all__)
def test_signatures_are_scipys(name):
    original = scipy.linalg if hasattr(scipy.linalg, name) else scipy.linalg._solvers
    assert inspect.signature(getattr(linalg, name)) == inspect.signature(getattr(original, name))
    assert getattr(linalg, name).__doc__


CALLS = {
    "solve": (lambda m: m.solve(SPD, B, assume_a="pos", lower=True)), "lu": lambda m: m.lu(A),
    "lu_factor": lambda m: m.lu_factor(A), "qr": lambda m: m.qr(A, pivoting=True), "svd": lambda m: m.svd(A[:2]),
    "lstsq": lambda m: m.lstsq(A[:, :2], B), "lstsq gelsy": lambda m: m.lstsq(A, B, lapack_driver="gelsy"),
    "eigh": lambda m: m.eigh(SPD, A @ A.T), "eig": lambda m: m.eig(A), "polar": lambda m: m.polar(A),
    "pinv": lambda m: m.pinv(A[:2], return_rank=True), "pinvh": lambda m: m.pinvh(SPD, return_rank=True),
    "cholesky": lambda m: m.cholesky(SPD, lower=True), "det": lambda m: m.det(A), "inv": lambda m: m.inv(A),
    "expm": lambda m: m.expm(np.stack([A, T])), "logm": lambda m: m.logm(SPD), "norm": lambda m: m.norm(A, 1),
    "block_diag": lambda m: m.block_diag(A, 2.0, [1.0, 2.0]), "toeplitz": lambda m: m.toeplitz(B, [1.0, 3.0]),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_plain_arrays_give_scipys_own_result(name):
    call = CALLS[name]
    found, wanted = call(linalg), call(scipy.linalg)
    assert type(found) is type(wanted)
    for a, b in zip(parts(found), parts(wanted), strict=True):
        np.testing.assert_array_equal(a, b)


SCALED = {
    "solve": lambda m, s: m.solve(s * SPD, B, assume_a="her"), "lu": lambda m, s: m.lu(s * A),
    "lu indices": lambda m, s: m.lu(s * A, p_indices=True), "lu_factor": lambda m, s: m.lu_factor(s * A),
    "qr": lambda m, s: m.qr(s * A, pivoting=True), "qr r": lambda m, s: m.qr(s * A[:, :2], mode="r"),
    "svd": lambda m, s: m.svd(s * A[:2]), "lstsq": lambda m, s: m.lstsq(s * A[:, :2], B),
    "lstsq gelsy": lambda m, s: m.lstsq(s * A, B, lapack_driver="gelsy"),
    "eigh": lambda m, s: m.eigh(s * SPD, A @ A.T), "eigh evr": lambda m, s: m.eigh(s * SPD, subset_by_index=[0, 1]),
    "eig": lambda m, s: m.eig(s * A), "eig of a rotation": lambda m, s: m.eig(s * np.array([[0.0, 1.0], [-1.0, 0.5]])),
    "polar": lambda m, s: m.polar(s * A), "pinv": lambda m, s: m.pinv(s * A[:2], rtol=0.1, return_rank=True),
    "pinvh": lambda m, s: m.pinvh(s * SPD, return_rank=True), "det": lambda m, s: m.det(s * A),
    "cho_factor": lambda m, s: m.cho_factor(np.tril(s * SPD), lower=True),
    "block_diag": lambda m, s: m.block_diag(s * A, 2.0, [1.0, 2.0]), "logm": lambda m, s: m.logm(s * A @ TURN),
    "sqrtm": lambda m, s: m.sqrtm(-s * SPD), "list": lambda m, s: m.det([[s, 1.0], [2.0, s * s]]),
}  # fmt: skip


@pytest.mark.parametrize("name", SCALED)
def test_traced_values_give_the_same_results(name):
    """Also what is not differentiated: pivots, ranks, empty residuals, None."""
    call = SCALED[name]
    results = []

    def f(s):
        results.extend(parts(call(linalg, s)))
        return s

    ad.derivative(f)(1.5)
    for found, wanted in zip(results, parts(call(scipy.linalg, 1.5)), strict=True):
        if wanted is None or isinstance(wanted, bool | int):
            assert found == wanted
            continue
        found = primal(found)
        assert np.shape(found) == np.shape(wanted)
        assert np.asarray(found).dtype == np.asarray(wanted).dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


# --- functions of matrices, with forty digits -----------------------------------------------------------------------


def root(m):
    return mpmath.sqrtm(m)


def power(m):
    return mpmath.powm(m, mpmath.mpf("0.3"))


OF_MATRICES = {
    "expm": mpmath.expm, "logm": mpmath.logm, "sqrtm": root, "cosm": mpmath.cosm, "sinm": mpmath.sinm,
    "sinhm": lambda m: (mpmath.expm(m) - mpmath.expm(-m)) / 2,
    "coshm": lambda m: (mpmath.expm(m) + mpmath.expm(-m)) / 2,
}  # fmt: skip


def exact_slope(function, a, t):
    """The derivative by central differences in forty digits."""
    with mpmath.workdps(40):
        a, t, h = mpmath.matrix(a.tolist()), mpmath.matrix(t.tolist()), mpmath.mpf(10) ** -12
        slope = (function(a + h * t) - function(a - h * t)) / (2 * h)
        return np.array([[float(mpmath.re(slope[i, j])) for j in range(3)] for i in range(3)])


@pytest.mark.parametrize("scale", [1e-3, 1.0, 4.0])
@pytest.mark.parametrize("name", OF_MATRICES)
def test_slopes_of_functions_of_matrices_in_high_precision(name, scale):
    function, a = getattr(linalg, name), scale * A
    wanted = exact_slope(OF_MATRICES[name], a, T)
    tolerance = 1e-13 * max(scale, 1.0) ** 2 * np.max(np.abs(wanted)) + 1e-15
    for size in (1.0, 1e-150, 1e150):  # However long the direction is.
        slope = ad.jvp(function, (a,), (size * T,))[1] / size
        np.testing.assert_allclose(slope, wanted, rtol=0, atol=tolerance)
    weights = np.arange(9.0).reshape(3, 3)
    pulled = ad.grad(lambda a: np.sum(weights * function(a)))(a)
    np.testing.assert_allclose(
        np.sum(pulled * T), np.sum(weights * wanted), rtol=0, atol=100 * tolerance
    )


def test_exponential_of_commuting_directions():
    """d/dt e^(tA) = A e^(tA), and so on to the third derivative."""
    f = lambda t: linalg.expm(t * A)  # noqa: E731
    for order, derivative in enumerate((f, ad.jacobian(f), ad.jacobian(ad.jacobian(f)))):
        wanted = np.linalg.matrix_power(A, order) @ scipy.linalg.expm(0.5 * A)
        np.testing.assert_allclose(derivative(0.5), wanted, rtol=1e-12)
    third = ad.jacobian(ad.jacobian(ad.jacobian(f, mode="reverse"), mode="reverse"), mode="forward")
    wanted = np.linalg.matrix_power(A, 3) @ scipy.linalg.expm(0.5 * A)
    np.testing.assert_allclose(third(0.5), wanted, rtol=1e-11)


def test_functions_of_zero_and_of_defective_matrices():
    np.testing.assert_array_equal(
        ad.jvp(linalg.expm, (np.zeros((2, 2)),), (T[:2, :2],))[1], T[:2, :2]
    )
    jordan = np.array([[1.0, 1.0], [0.0, 1.0]])
    slope = ad.jvp(lambda t: linalg.logm(jordan * t), (2.0,), (1.0,))[1]
    np.testing.assert_allclose(slope, np.eye(2) / 2, atol=1e-14)


# --- complex matrices -----------------------------------------------------------------------------------------------

COMPLEX = {
    "expm": linalg.expm, "logm": linalg.logm, "sqrtm": linalg.sqrtm, "tanm": linalg.tanm,
    "solve her": lambda z: linalg.solve(z + z.conj().T, z[0], assume_a="her"),
    "solve sym": lambda z: linalg.solve(z + z.T, z[0], assume_a="sym"),
    "solve pos": lambda z: linalg.solve(z @ z.conj().T, z[0], assume_a="pos", lower=True),
    "triangular": lambda z: linalg.solve_triangular(z, z[0], trans="C"), "lu": lambda z: linalg.lu(z)[2],
    "lu_solve": lambda z: linalg.lu_solve(linalg.lu_factor(z), z[0], trans=2), "eig": lambda z: linalg.eig(z)[1],
    "cho_solve": lambda z: linalg.cho_solve(linalg.cho_factor(z @ z.conj().T), z[0]),
    "polar": lambda z: linalg.polar(z)[0],
    "eigh of a pair": lambda z: linalg.eigh(z + z.conj().T, z @ z.conj().T, lower=False)[1],
    "lyapunov": lambda z: linalg.solve_discrete_lyapunov(z / 9, z), "toeplitz": lambda z: linalg.toeplitz(z[0]),
    "solve_toeplitz": lambda z: linalg.solve_toeplitz(z[0] + [9, 0, 0], z[1]),
    "banded": lambda z: linalg.solve_banded((1, 1), z + np.diag([0, 9, 0])[:, 1:2], z[0]),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_matrices(name):
    function = COMPLEX[name]
    z = A + 0.3j * T
    t = T - 0.7j * A
    weights = np.random.default_rng(1).standard_normal(np.shape(function(z))) + 0.5j
    f = lambda z: np.real(np.sum(weights * function(z)))  # noqa: E731
    found = ad.jvp(f, (z,), (t,))[1]
    wanted = float(extrapolated_slope(lambda h: np.asarray(f(z + h * t))))
    assert found == pytest.approx(wanted, rel=1e-8, abs=1e-8)
    assert np.real(np.sum(ad.grad(f)(z) * t)) == pytest.approx(found, rel=1e-10, abs=1e-11)


def test_sylvester_equation_of_real_matrices_and_a_complex_right_side():
    """Rotations, which have complex eigenvalues: their real Schur form is not triangular."""
    turn, other = np.array([[1.0, 2.0], [-2.0, 1.0]]), np.array([[0.5, 1.0], [-1.0, 0.5]])
    right = np.array([[1.0, 2j], [3.0, 1j - 1.0]])
    value, slope = ad.jvp(lambda s: linalg.solve_sylvester(turn, other, s * right), (2.0,), (1.0,))
    np.testing.assert_allclose(turn @ value + value @ other, 2.0 * right, atol=1e-14)
    np.testing.assert_allclose(slope, value / 2.0, atol=1e-15)
    weights = np.array([[1j, 1.0], [2.0, 3.0 - 1j]])
    f = lambda a, b, q: np.real(np.sum(weights * linalg.solve_sylvester(a, b, q)))  # noqa: E731
    point = (turn, other, turn @ other)
    slope = ad.jvp(f, point, (other, turn, other))[1]
    pulled = ad.grad(f, (0, 1, 2))(*point)
    assert slope == pytest.approx(
        sum(np.sum(g * t) for g, t in zip(pulled, (other, turn, other), strict=True))
    )


@pytest.mark.parametrize(
    "name", ["solve_triangular", "solve", "cho_solve", "solve_sylvester", "expm", "sqrtm"]
)
def test_stacks_of_matrices(name):
    stack, b = np.stack([A, SPD]), np.stack([B, B**2], axis=1)
    calls = {
        "solve_triangular": lambda a, b: linalg.solve_triangular(a, b, lower=True), "solve": linalg.solve,
        "cho_solve": lambda a, b: linalg.cho_solve((a, True), b), "expm": lambda a, b: linalg.expm(a / 9.0) @ b,
        "solve_sylvester": lambda a, b: linalg.solve_sylvester(a, b[:2] @ b[:2].T + np.eye(2), b),
        "sqrtm": lambda a, b: linalg.sqrtm(a) @ b,
    }  # fmt: skip
    call = calls[name]
    for mode in ("forward", "reverse"):
        of_stack, of_b = ad.jacobian(call, (0, 1), mode=mode)(stack, b)
        for i, a in enumerate(stack):
            of_one, of_right = ad.jacobian(call, (0, 1), mode=mode)(a, b)
            np.testing.assert_allclose(of_stack[i, ..., i, :, :], of_one, rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(of_b[i], of_right, rtol=1e-10, atol=1e-12)
            assert np.all(of_stack[i, ..., 1 - i, :, :] == 0.0)


# --- which entries are read -----------------------------------------------------------------------------------------


def test_entries_that_are_not_read_have_derivative_zero():
    for lower in (False, True):
        inside = np.tri(3, dtype=bool) if lower else np.tri(3, dtype=bool).T
        gradient = ad.grad(lambda a, low: linalg.solve_triangular(a, B, lower=low).sum())(A, lower)
        assert np.all(gradient[~inside] == 0.0)
        unit = ad.grad(
            lambda a, low: linalg.solve_triangular(a, B, lower=low, unit_diagonal=True)[1]
        )(A, lower)
        assert np.all(np.diag(unit) == 0.0)
    tridiagonal = ad.grad(lambda a: linalg.solve(a, B, assume_a="tridiagonal").sum())(A)
    assert tridiagonal[0, 2] == tridiagonal[2, 0] == 0.0
    band = ad.grad(lambda ab: linalg.solve_banded((1, 1), ab, B).sum())(
        np.ones((3, 3)) + np.diag([0.0, 3.0, 0.0])[:, 1:2]
    )
    assert band[0, 0] == band[2, 2] == 0.0


def test_symmetric_arguments_have_symmetrised_derivatives():
    for kind in ("sym", "her", "pos"):
        gradient = ad.grad(
            lambda a, kind: linalg.solve(np.tril(a), B, lower=True, assume_a=kind).sum()
        )(SPD, kind)
        assert np.all(np.triu(gradient, 1) == 0.0)  # np.tril has cut them off.
        whole = ad.grad(lambda a, kind: linalg.solve(a, B, lower=True, assume_a=kind).sum())(
            SPD, kind
        )
        np.testing.assert_allclose(whole, whole.T, atol=1e-16)
        general = ad.grad(lambda a: linalg.solve(a, B).sum())(SPD)
        np.testing.assert_allclose(whole, (general + general.T) / 2, rtol=1e-11)


# --- refusals -------------------------------------------------------------------------------------------------------

REFUSED = {
    "schur": (lambda a: linalg.schur(a), NotDifferentiableError, "scipy.linalg.schur"),
    "qr raw": (lambda a: linalg.qr(a, mode="raw"), NotDifferentiableError, "raw"),
    "eig left": (lambda a: linalg.eig(a, left=True), NotDifferentiableError, "left="),
    "inv pos": (lambda a: linalg.inv(a, assume_a="pos"), NotDifferentiableError, "assume_a"),
    "power": (lambda a: linalg.fractional_matrix_power(SPD, a[0, 0]), NotDifferentiableError, "logm"),
    "polar": (lambda a: linalg.polar(a[:2]), NotDifferentiableError, "other side"),
    "toeplitz": (linalg.toeplitz, NotDifferentiableError, "vectors"),
    "solve kind": (lambda a: linalg.solve(a, B, assume_a="odd"), ValueError, "structure"),
    "solve NaN": (lambda a: linalg.solve(a * math.nan, B), ValueError, "infs or NaNs"),
    "sqrtm, singular": (lambda a: linalg.sqrtm(a - a), np.linalg.LinAlgError, "no derivative"),
    "logm on its cut": (lambda a: linalg.logm(-a @ a.T), np.linalg.LinAlgError, "jumps"),
    "power on its cut": (lambda a: linalg.fractional_matrix_power(-a @ a.T, 0.5), np.linalg.LinAlgError, "jumps"),
    "triangular, singular": (lambda a: linalg.solve_triangular(a - a, B), np.linalg.LinAlgError, "singular"),
    "circulant, singular": (lambda a: linalg.solve_circulant(a[0] - a[0] + 1.0, B), np.linalg.LinAlgError, "singular"),
    "expm of a rectangle": (lambda a: linalg.expm(a[:2]), ValueError, "square"),
    "band": (lambda a: linalg.solve_banded((0, 1), a, B), ValueError, "diagonals"),
}  # fmt: skip


@pytest.mark.filterwarnings(
    "ignore:Matrix is singular"
)  # SciPy's own word on the root of a singular matrix
@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    function, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        ad.grad(lambda a: np.sum(np.real(np.stack([*parts(function(a))][:1]))))(A)


def test_plain_scipy_says_where_to_look():
    for function in (
        scipy.linalg.expm, scipy.linalg.det, scipy.linalg.cho_factor, scipy.linalg.solve_triangular,
    ):  # fmt: skip
        with pytest.raises(TypeError, match=r"optkit\.ad\.scipy"):
            ad.grad(
                lambda a, f=function: np.sum(
                    f(a, a) if f is scipy.linalg.solve_triangular else f(a)
                )
            )(A)
