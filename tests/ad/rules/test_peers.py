"""The same gradients by JAX and PyTorch, where they are installed: other people's rules as an oracle.

JAX compiles each operation anew, a third of a second a function, so a sample of the table is compared; all of it with
``OPTKIT_PEERS=all``. Where they differ, at a corner, the difference is listed.
"""

import functools
import math
import os

import numpy as np
import pytest

from optkit import ad
from optkit.testing.cases import CASES

SAMPLE = 12

# What JAX does not have, or does otherwise.
NOT_IN_JAX = {
    "nanvar correction": "no keyword correction",
    "quantile weights": "no keyword weights for lists of levels",
    **dict.fromkeys(
        (
            f"{name} {method}"
            for name in ("quantile", "nanquantile")
            for method in (
                "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull",
                "median_unbiased", "normal_unbiased",
            )
        ),
        "this method is not known there",
    ),
}  # fmt: skip
# What PyTorch calls as NumPy does, with the axis as a keyword of another name.
IN_TORCH = (
    "absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh copysign cos cosh deg2rad divide exp exp2 expm1 "
    "fmax fmin hypot log log10 log1p log2 logaddexp logaddexp2 matmul maximum minimum multiply negative positive "
    "rad2deg reciprocal remainder sin sinc sinh sqrt square subtract tan tanh sum prod mean amax cumsum cumprod diff "
    "nansum nanmean kron"
).split()
AXIS = {"axis": "dim", "keepdims": "keepdim"}


def of_numpy():
    """The cases that are a function of NumPy itself: (name, keywords, case), the largest of each kind of call."""
    found = {}
    for case in CASES:
        f = case.function
        function, args, keywords = f, (), {}
        if isinstance(f, functools.partial):
            function, args, keywords = f.func, f.args, f.keywords
        name = getattr(function, "__name__", "")
        size = sum(math.prod(shape) for shape in case.shapes)
        if args or getattr(np, name, None) is not function or not size:
            continue
        method = keywords.get("method", "")
        suits = isinstance(keywords.get("axis", 0), int)  # PyTorch knows no axis=None.
        size = (suits, size)
        kind = (name, method, *sorted(keywords.keys() - {"axis", "keepdims", "q", "method"}))
        if kind not in found or size > found[kind][0]:
            found[kind] = (size, keywords, case)
    return [
        (" ".join(filter(None, kind)), kind[0], keywords, case)
        for kind, (_, keywords, case) in found.items()
    ]


NUMPY_ROWS = of_numpy()


def gradients(case):
    """Value and pulled-back cotangents of a case by optkit, with the cotangent."""
    x = case.arguments()
    y, pullback = ad.vjp(case.function, *x)
    u = np.random.default_rng(3).uniform(0.5, 1.0, np.shape(y))
    return x, y, u, pullback(u)


def in_jax():
    rows = [row for row in NUMPY_ROWS if row[0] not in NOT_IN_JAX]
    return rows if os.environ.get("OPTKIT_PEERS") == "all" else rows[:: len(rows) // SAMPLE]


@pytest.mark.parametrize("row", in_jax(), ids=lambda row: row[0])
def test_jax_has_the_same_gradient(row):
    jax = pytest.importorskip("jax")
    _, name, keywords, case = row
    x, y, u, ours = gradients(case)
    with jax.enable_x64():
        function = getattr(jax.numpy, name, None)
        if function is None:
            pytest.skip(f"jax.numpy has no {name}")
        value, pullback = jax.vjp(functools.partial(function, **keywords), *x)
        theirs = pullback(jax.numpy.asarray(u, dtype=value.dtype))
    np.testing.assert_allclose(y, value, rtol=1e-12, atol=1e-12)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)


def in_torch():
    for row in NUMPY_ROWS:
        if row[1] in IN_TORCH and row[2].keys() <= {"axis", "keepdims"}:
            yield row


@pytest.mark.parametrize("row", list(in_torch()), ids=lambda row: row[0])
def test_torch_has_the_same_gradient(row):
    torch = pytest.importorskip("torch")
    _, name, keywords, case = row
    options = {AXIS[key]: value for key, value in keywords.items()}
    x, y, u, ours = gradients(case)
    tensors = [torch.tensor(a, requires_grad=True) for a in x]
    value = getattr(torch, name)(*tensors, **options)
    np.testing.assert_allclose(y, value.detach().numpy(), rtol=1e-12, atol=1e-12)
    theirs = torch.autograd.grad(value, tensors, torch.tensor(u))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-10, atol=1e-11)


INF, NAN = math.inf, math.nan
# Function of a module and an array, where, the right gradient, and what a peer gives instead.
CORNERS = {
    "abs at 0": (lambda m, x: m.abs(x), [0.0], [0.0], {"jax": [1.0]}),
    "sqrt at 0": (lambda m, x: m.sqrt(x), [0.0], [INF], {}),
    "x ** 0.0 at 0": (lambda m, x: x**0.0, [0.0], [0.0], {"jax": [NAN]}),
    "x ** 3.0": (lambda m, x: x**3.0, [-2.0], [12.0], {}),
    "log in where": (
        lambda m, x: m.where(x > 0, m.log(x), 0.0), [0.0, 2.0], [0.0, 0.5], {"jax": [NAN, 0.5], "torch": [NAN, 0.5]}
    ),
    "maximum tie": (lambda m, x: m.maximum(x, 0 * x), [0.0], [0.5], {}),
    "max ties": (lambda m, x: m.max(x) if m.__name__ != "torch" else m.amax(x), [2.0, 2.0, 1.0], [0.5, 0.5, 0.0], {}),
    "arctan2(x, x) at 0": (lambda m, x: m.arctan2(x, x), [0.0], [NAN], {"torch": [0.0]}),
    "hypot(x, x) at 0": (lambda m, x: m.hypot(x, x), [0.0], [0.0], {"jax": [1.0], "torch": [NAN]}),
    "sinc at 0": (lambda m, x: m.sinc(x), [0.0], [0.0], {}),
    "tanh far out": (lambda m, x: m.tanh(x), [1000.0], [0.0], {}),
    "x % 2": (lambda m, x: x % 2, [4.0], [1.0], {}),
    "prod with a zero": (lambda m, x: m.prod(x), [0.0, 2.0, 3.0], [6.0, 0.0, 0.0], {}),
    "std of a constant": (
        lambda m, x: m.std(x, correction=0), [2.0, 2.0], [0.0, 0.0], {"jax": [NAN, NAN]}
    ),
    "norm at 0": (lambda m, x: m.linalg.norm(x), [0.0, 0.0], [0.0, 0.0], {"jax": [NAN, NAN]}),
    "gather twice": (lambda m, x: x[m.asarray([0, 0, 1])], [1.0, 2.0], [2.0, 1.0], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CORNERS)
@pytest.mark.parametrize("peer", ["jax", "torch"])
def test_at_a_corner_a_peer_agrees_or_is_known_to_differ(name, peer):
    module = pytest.importorskip(peer)
    function, x, right, differing = CORNERS[name]
    x = np.array(x)
    with np.errstate(all="ignore"):
        ours = ad.grad(lambda x: np.sum(function(np, x)))(x)
    if peer == "jax":
        with module.enable_x64():
            theirs = module.grad(lambda x: function(module.numpy, x).sum())(module.numpy.asarray(x))
    else:
        tensor = module.tensor(x, requires_grad=True)
        (theirs,) = module.autograd.grad(function(module, tensor).sum(), tensor)
    np.testing.assert_array_equal(ours, right)
    np.testing.assert_allclose(theirs, differing.get(peer, right), rtol=1e-15)
