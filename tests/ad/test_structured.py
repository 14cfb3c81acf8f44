"""Structured tangents: compiled Jacobians and Hessians are those of the plain functions, whatever the pattern."""

import numpy as np
import pytest

from optkit import ad
from optkit.ad import tree

X = np.linspace(0.3, 1.7, 7)
W = np.arange(49.0).reshape(7, 7) / 10

JACOBIANS = {
    "diagonal": lambda x: np.sin(x) * x,
    "differences": lambda x: x[1:] ** 2 - x[:-1],
    "second differences": lambda x: x[2:] - 2 * x[1:-1] + x[:-2],
    "every other": lambda x: x[::2] * x[1],
    "backwards": lambda x: x[::-1] * x,
    "dense": lambda x: W @ x,
    "sum": lambda x: np.sum(x) * x,
    "one element": lambda x: x[3] * x,
    "outer": lambda x: x[:, None] * x,
    "rows": lambda x: np.sum(x[:, None] * W, axis=1),
    "columns": lambda x: np.sum(x[:, None] * W, axis=0),
    "many terms": lambda x: sum(x[k] * np.roll(W[0], k) for k in range(7)) + x,
    "put": lambda x: np.concatenate([x[:2], np.zeros(3), x[2:] * 2]),
    "reshaped": lambda x: x[:6].reshape(2, 3) ** 2,
    "newaxis": lambda x: (x[None, :, None] * 2)[0, :, 0],
    "constant": lambda x: np.ones(3),
    "stretched": lambda x: x[:1] * W[0] + x,
    "sorted": lambda x: np.sort(x) * x,
    "cumulated": lambda x: np.cumsum(x) * x,
    "where": lambda x: np.where(x > 1, x**2, x[0]),
    "scalar": lambda x: np.sum(x**2) * np.prod(x),
    "from the end": lambda x: x[-3:] * x[-1],
    "transposed": lambda x: (x[:6].reshape(2, 3) ** 2).T,
}


@pytest.mark.parametrize("executor", ["numpy", "llvm"])
@pytest.mark.parametrize("name", JACOBIANS)
def test_jacobians(name, executor):
    if executor == "llvm":
        pytest.importorskip("llvmlite")
    for mode in ("auto", "forward"):
        plain = ad.jacobian(JACOBIANS[name], mode=mode)
        compiled = ad.jit(plain, executor=executor)
        for x in (X, X[::-1].copy()):
            found, wanted = compiled(x), plain(x)
            assert found.shape == wanted.shape
            np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-14)


HESSIANS = {
    "rosenbrock": lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    "separable": lambda x: np.sum(np.exp(x) * x),
    "coupled": lambda x: np.sum(np.sin(x)) ** 2,
    "neighbours and sum": lambda x: np.sum(x[1:] * x[:-1]) * np.sum(x),
    "quadratic form": lambda x: x @ W @ x,
    "linear": lambda x: np.sum(3 * x),
    "cubes of differences": lambda x: np.sum((x[2:] - x[:-2]) ** 3),
}


@pytest.mark.parametrize("executor", ["numpy", "llvm"])
@pytest.mark.parametrize("name", HESSIANS)
def test_hessians(name, executor):
    if executor == "llvm":
        pytest.importorskip("llvmlite")
    plain = ad.hessian(HESSIANS[name])
    compiled = ad.jit(plain, executor=executor)
    for x in (X, X[::-1].copy(), np.zeros(7)):
        np.testing.assert_allclose(compiled(x), plain(x), rtol=1e-13, atol=1e-13)


def test_several_arguments_and_matrices():
    def f(a, b, c):
        return np.sum((a @ b) ** 2) * c + np.sum(a[0] * b)

    point = (X[:6].reshape(2, 3), X[:3], 1.5)
    for operator in (ad.jacobian, ad.hessian):
        plain = operator(f, argnums=(0, 1, 2))
        found, structure = tree.flatten(ad.jit(plain, executor="numpy")(*point))
        wanted, wanted_structure = tree.flatten(plain(*point))
        assert structure == wanted_structure
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13)


def test_a_banded_hessian_costs_a_few_gradients():
    """Twice as many variables, as many equations."""
    f = HESSIANS["rosenbrock"]
    counts = []
    for n in (20, 40):
        compiled = ad.jit(ad.hessian(f), executor="numpy")
        compiled(np.linspace(0, 1, n))
        counts.append(len(compiled.specialisations[0].cleaned.equations))
    assert counts[0] == counts[1] < 120
