"""Linear algebra and Fourier transforms against JAX and PyTorch, where they are installed.

Two systems that were written independently agree, or the difference is listed with its reason.
"""

import warnings

import numpy as np
import pytest
import scipy.linalg

from optkit import ad
from optkit.ad.scipy import linalg

RANDOM = np.random.default_rng(2)
A = RANDOM.standard_normal((3, 3)) + np.diag([1.0, 3.0, 5.0])
TALL, WIDE = RANDOM.standard_normal((4, 2)), RANDOM.standard_normal((2, 4))
SPD = A @ A.T
B = RANDOM.standard_normal((3, 2))
STACK = np.stack([A, A.T + 1.0])


def symmetric(a):
    return (a + a.swapaxes(-1, -2)) / 2


# Name: function of (linalg, array), the point. Vectors enter by what does not depend on their signs.
FUNCTIONS = {
    "inv": (lambda m, a: m.inv(a), A), "inv stack": (lambda m, a: m.inv(a), STACK),
    "det": (lambda m, a: m.det(a), STACK), "slogdet": (lambda m, a: m.slogdet(a)[1], STACK),
    "cholesky": (lambda m, a: m.cholesky(a), SPD), "solve": (lambda m, a: m.solve(a, a[:, :2]), A),
    "pinv tall": (lambda m, a: m.pinv(a), TALL), "pinv wide": (lambda m, a: m.pinv(a), WIDE),
    "eigh values": (lambda m, a: m.eigh(symmetric(a))[0], A),
    "eigh vectors": (lambda m, a: m.eigh(symmetric(a))[1] ** 2, A),
    "eigvalsh": (lambda m, a: m.eigvalsh(symmetric(a)), STACK),
    "svd values": (lambda m, a: m.svd(a, full_matrices=False)[1], WIDE),
    "svd left": (lambda m, a: m.svd(a, full_matrices=False)[0] ** 2, TALL),
    "svd right": (lambda m, a: m.svd(a, full_matrices=False)[2] ** 2, TALL), "qr": (lambda m, a: m.qr(a)[1] ** 2, TALL),
    "qr square": (lambda m, a: m.qr(a)[0] ** 2, A), "power": (lambda m, a: m.matrix_power(a / 3.0, 5), A),
    **{f"norm {order}": (lambda m, a, order=order: m.norm(a, order), A) for order in ("fro", "nuc", 2, -2, 1, np.inf)},
}  # fmt: skip
# Where the other system is known to be wrong or to differ: its answer, and why ours is right.
JAX_DIFFERS = {
    "abs at 0": "JAX: |x|' = 1 at 0, so that norm 1 of a vector with a zero entry has slope 1 there; least norm is 0",
}
TORCH_DIFFERS = {
    "det of a singular matrix": "PyTorch drops the cofactors of a matrix of rank n − 1 and gives 0",
}


def close(found, wanted):
    np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), rtol=1e-9, atol=1e-10)


@pytest.fixture(scope="module")
def jax():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jax = pytest.importorskip("jax")
        jax.config.update("jax_enable_x64", True)
        yield jax


@pytest.fixture(scope="module")
def torch():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield pytest.importorskip("torch")


def weighted(function, module):
    """A scalar through a function: its entries with weights of which no two are equal."""

    def f(a):
        y = function(module, a)
        return (y * np.reshape(np.linspace(1.0, 2.0, int(np.prod(y.shape))), y.shape)).sum()

    return f


@pytest.fixture(scope="module")
def jax_gradients(jax):
    """All of them, compiled together."""

    def every():
        return {
            name: jax.grad(weighted(f, jax.numpy.linalg))(jax.numpy.asarray(x))
            for name, (f, x) in FUNCTIONS.items()
        }

    return jax.jit(every)()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_against_jax(name, jax_gradients):
    function, x = FUNCTIONS[name]
    close(ad.grad(weighted(function, np.linalg))(x), jax_gradients[name])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jacobians_against_torch(name, torch):
    function, x = FUNCTIONS[name]
    wanted = torch.autograd.functional.jacobian(
        lambda a: function(torch.linalg, a), torch.tensor(x)
    )
    found = ad.jacobian(lambda a: function(np.linalg, a))(x)
    if (
        name == "cholesky"
    ):  # PyTorch reads one triangle and gives all of the slope to it and its mirror image.
        found, wanted = (symmetric(np.asarray(j)) for j in (found, wanted))
    close(found, wanted)


def test_scipys_names_against_jax(jax):
    def f(m, a):
        triangular = m.solve_triangular(a, B, trans=1, lower=True, unit_diagonal=False)
        _, low, up = m.lu(a)
        return (m.expm(a / 9.0) * low).sum() + (triangular**2).sum() + (up**3).sum()

    close(
        ad.grad(lambda a: f(linalg, a))(A), jax.jit(jax.grad(lambda a: f(jax.scipy.linalg, a)))(A)
    )


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
def test_fourier_transforms_against_jax(jax, norm):
    x = RANDOM.standard_normal((2, 4))

    def f(m, a):
        real = [
            m.sin(m.abs(getattr(m.fft, name)(a, n, norm=norm))).sum()
            for name in ("fft", "ifft", "rfft", "ihfft") for n in (4, 5)
        ]  # fmt: skip
        hermitian = [
            m.sin(getattr(m.fft, name)(a * (1 + 2j), n, norm=norm)).sum()
            for name in ("irfft", "hfft") for n in (4, 5)
        ]  # fmt: skip
        return sum(real) + sum(hermitian)

    close(ad.grad(lambda a: f(np, a))(x), jax.jit(jax.grad(lambda a: f(jax.numpy, a)))(x))


def test_complex_gradients_against_jax(jax):
    """Both have ∂f/∂x − i ∂f/∂y; eigenvectors enter by a projector, so that phases play no part."""
    z = A + 1j * A.T[::-1]

    def f(m, z):
        h = z @ z.conj().T
        v = m.linalg.eigh(h)[1][:, :1]
        p = v @ v.conj().T
        u, s, vh = m.linalg.svd(z, full_matrices=False)
        low = m.linalg.cholesky(h)
        q, r = m.linalg.qr(z)
        return m.sum(m.abs(p + low + q @ (u * s) @ vh) ** 2 * s[0]) + m.real(
            m.linalg.slogdet(z + r)[1]
        )

    close(ad.grad(lambda z: f(np, z))(z), jax.jit(jax.grad(lambda z: f(jax.numpy, z)))(z))


# --- where they differ ----------------------------------------------------------------------------------------------


def test_where_jax_differs(jax):
    assert set(JAX_DIFFERS) == {"abs at 0"}
    x = np.array([0.0, 2.0])
    assert ad.grad(lambda x: np.linalg.norm(x, 1))(x).tolist() == [0.0, 1.0]
    assert jax.grad(lambda x: jax.numpy.linalg.norm(x, 1))(x).tolist() == [1.0, 1.0]


def test_where_torch_differs(torch):
    assert set(TORCH_DIFFERS) == {"det of a singular matrix"}
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    exact = np.array([[4.0, -2.0], [-2.0, 1.0]])  # the cofactors
    close(ad.grad(np.linalg.det)(a), exact)
    t = torch.tensor(a, requires_grad=True)
    torch.linalg.det(t).backward()
    assert not np.allclose(t.grad.numpy(), exact)


def test_scipys_frechet_derivative():
    """SciPy computes that of the exponential by itself."""
    for e in (A, B @ B.T):
        wanted = scipy.linalg.expm_frechet(SPD / 9.0, e, compute_expm=False)
        close(ad.jvp(linalg.expm, (SPD / 9.0,), (e,))[1], wanted)
