"""Functions as people write them, exported to C: values, branches, return codes, memory, names."""

import math
import re
import shutil
import subprocess
import threading
from collections import namedtuple

import numpy as np
import pytest

from optkit import ad
from optkit.ad import tree
from optkit.errors import ExportError, InvalidInputError, OptkitError

RANDOM = np.random.default_rng(11)


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def network(w1, b1, w2, x):
    return np.mean((np.tanh(x @ w1 + b1) @ w2 - 1.0) ** 2)


def mixture(means, logs, points):
    distance = np.sum((points[:, None, :] - means) ** 2, axis=-1)
    scores = -0.5 * distance * np.exp(-logs) - 1.5 * logs
    top = np.max(scores, axis=1, keepdims=True)
    return -np.sum(top[:, 0] + np.log(np.sum(np.exp(scores - top), axis=1)))


def orbit(p):
    """Runge-Kutta steps of a predator-prey system, on scalars."""
    x, y, h = p[0], p[1], 0.05

    def slope(x, y):
        return x * (p[2] - p[3] * y), y * (0.3 * x - 0.8)

    for _ in range(12):
        a, b = slope(x, y)
        c, d = slope(x + h / 2 * a, y + h / 2 * b)
        x, y = x + h * c, y + h * d
    return x * y + x


def likelihood(a, b):
    low = np.linalg.cholesky(a @ a.T + 3.0 * np.eye(3))
    return np.sum(np.linalg.solve(low, b) ** 2) + np.linalg.slogdet(a)[1] + np.linalg.det(low)


def filled(x):
    total = np.zeros(4, like=x)
    for n in range(4):
        total[n] = x[n] * np.sum(x[: n + 1])
    total[1:3] += x[:2]
    return np.sum(np.cumsum(total)[::-1] * np.sort(x))


def masked(x):
    """Masks joined by the operators of Python, on either side."""
    inside = (x > -0.5) & (x < 0.5) | ~(x < 0.9)
    known = np.array([True, False, True, False])
    return np.sum(np.where(inside ^ (known & (x > 0)), x**2, np.exp(x)))


def spread(x):
    """Functions with a rule of their own for speed, written in C as what they are composed of."""
    return np.var(x) + np.sum(np.std(x, axis=0)) * np.linalg.norm(x) + np.linalg.norm(x, axis=1)[0]


def uniform(*shape):
    return RANDOM.uniform(-1.0, 1.0, shape)


SCALARS = {
    "rosenbrock": (rosenbrock, lambda: (uniform(6),), 0),
    "rosenbrock of two": (rosenbrock, lambda: (uniform(2),), 0),
    "network": (
        network,
        lambda: (uniform(3, 4), uniform(4), uniform(4, 2), uniform(5, 3)),
        (0, 1, 2),
    ),
    "mixture": (mixture, lambda: (uniform(4, 3), uniform(4), uniform(7, 3)), (0, 1)),
    "orbit": (orbit, lambda: (1.0 + 0.1 * uniform(4),), 0),
    "likelihood": (likelihood, lambda: (3.0 * np.eye(3) + uniform(3, 3), uniform(3)), (0, 1)),
    "filled": (filled, lambda: (np.array([0.1, 0.7, 1.4, 2.2]) + 0.1 * uniform(4),), 0),
    "spread": (spread, lambda: (uniform(4, 3),), 0),
    "masked": (masked, lambda: (uniform(4),), 0),
    "two numbers": (
        lambda a, b: a * np.sin(b) + a**3,
        lambda: (uniform()[()], uniform()[()]),
        (0, 1),
    ),
}


def leaves(thing):
    return tree.flatten(thing)[0]


@pytest.mark.parametrize("name", SCALARS)
def test_value_and_gradient_at_random_points(name, compiled, module):
    f, point, argnums = SCALARS[name]
    options = {"name": "misfit", "argnums": argnums}
    library = compiled(ad.export(f, *point(), target="c", **options))
    numpy = module(ad.export(f, *point(), target="numpy", **options))
    for _ in range(5):
        x = point()
        wanted = leaves(ad.value_and_grad(f, argnums)(*x))
        status, *found = library.misfit_grad(*x)
        assert status == 0
        assert library.misfit(*x) == (0, pytest.approx(f(*x), rel=1e-12))
        for a, b, c in zip(found, wanted, leaves(numpy["misfit_grad"](*x)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)
            np.testing.assert_allclose(c, b, rtol=1e-13, atol=1e-14)
        assert numpy["misfit"](*x) == pytest.approx(f(*x), rel=1e-14)


def test_jacobian_and_hessian(compiled):
    def residuals(p, t):
        return p[0] * np.exp(-p[1] * t) + p[2] - t

    p, t = np.array([1.0, 0.5, 0.1]), np.linspace(0, 2, 9)
    status, value, jacobian = compiled(ad.export(residuals, p, t)).residuals_jacobian(p, t)
    assert status == 0
    np.testing.assert_allclose(value, residuals(p, t), rtol=1e-14)
    np.testing.assert_allclose(jacobian, ad.jacobian(residuals)(p, t), rtol=1e-14)

    made = ad.export(rosenbrock, uniform(5), derivative=("gradient", "hessian"))
    assert made.functions == ("rosenbrock", "rosenbrock_grad", "rosenbrock_hessian")
    x = uniform(5)
    status, hessian = compiled(made).rosenbrock_hessian(x)
    assert status == 0
    np.testing.assert_allclose(hessian, ad.hessian(rosenbrock)(x), rtol=1e-12, atol=1e-12)


def test_single_precision_stays_single(compiled):
    x = uniform(6).astype(np.float32)
    made = ad.export(rosenbrock, x)
    assert "int rosenbrock_grad(const float *x, float *value, float *gradient);" in made.header
    assert "double" not in made.source
    status, value, gradient = compiled(made).rosenbrock_grad(x)
    assert status == 0
    np.testing.assert_allclose(value, rosenbrock(x), rtol=1e-5)
    np.testing.assert_allclose(gradient, ad.grad(rosenbrock)(x), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite(bad, compiled):
    """The function computes it as NumPy does; a gradient that becomes NaN says so."""

    def f(x):
        return np.sum(np.maximum(x, 0.5) * np.exp(-x)) + np.max(x) - np.min(np.abs(x))

    library = compiled(ad.export(f, uniform(4), name="f"))
    x = uniform(4)
    x[2] = bad
    with np.errstate(all="ignore"):
        wanted, slopes = ad.value_and_grad(f)(x)
    status, value = library.f(x)
    assert status == 0
    np.testing.assert_equal(value, wanted)
    status, value, gradient = library.f_grad(x)
    if np.isnan(slopes).any():
        assert status == 1
    elif status == 0:
        np.testing.assert_allclose(gradient, slopes, rtol=1e-13)
    else:
        assert status == 1
        assert not np.isfinite(x).all()


def test_a_captured_point_that_is_not_finite_is_a_branch_of_its_own(compiled):
    def f(x):
        return np.sum(np.where(x > 0, np.log(x), x))

    points = np.array([1.0, 2.0]), np.array([-1.0, 2.0]), np.array([0.0, 2.0])
    library = compiled(ad.export(f, points[0], branches=[(x,) for x in points[1:]], name="f"))
    for x in points:
        with np.errstate(all="ignore"):
            wanted = ad.grad(f)(x)
        status, _, gradient = library.f_grad(x)
        assert status == 0
        np.testing.assert_allclose(gradient, wanted, rtol=1e-14)


def branching(x):
    if x[0] > 0:
        return np.sum(x**2)
    steps = 0
    while np.sum(x) < 1.0 and steps < 3:
        x = x + 0.5
        steps += 1
    return np.prod(x)


def test_another_branch_is_told_and_can_be_exported_too(compiled, module):
    here, there = np.array([1.0, 2.0]), np.array([-1.0, 1.3])
    single = compiled(ad.export(branching, here, name="single"))
    assert single.single(here) == (0, 5.0)
    assert single.single(there)[0] == 1
    assert single.single_grad(there)[0] == 1

    for target in ("c", "numpy"):
        made = ad.export(branching, here, branches=[(there,)], name="both", target=target)
        both = compiled(made).both_grad if target == "c" else module(made)["both_grad"]
        for x in (here, there, np.array([-0.9, 1.2])):
            found = both(x)
            assert target == "numpy" or found[0] == 0
            np.testing.assert_allclose(found[-1], ad.grad(branching)(x), rtol=1e-14)
    with pytest.raises(ValueError, match="was not exported"):
        both(np.array([-3.0, -3.0]))


def test_singular_matrices_and_indices_out_of_bounds_have_codes(compiled):
    matrix = np.eye(2) + 0.1
    library = compiled(
        ad.export(lambda a: np.linalg.inv(a), matrix, name="inverse", derivative=None)
    )
    assert library.inverse(matrix)[0] == 0
    assert library.inverse(np.ones((2, 2)))[0] == 3
    root = compiled(
        ad.export(lambda a: np.linalg.cholesky(a), matrix, name="root", derivative=None)
    )
    assert root.root(-matrix)[0] == 3

    def looked_up(x):
        return x[np.floor(np.abs(x)).astype(int)]

    x = np.array([0.5, -1.5, 2.5])
    table = compiled(ad.export(looked_up, x, derivative=None))
    status, found = table.looked_up(x)
    assert status == 0
    np.testing.assert_array_equal(found, looked_up(x))
    assert table.looked_up(x + 2)[0] == 2
    assert table.looked_up(x * 1e300)[0] == 2


Params = namedtuple("Params", "weights bias")


def test_nested_arguments_are_flattened_and_named_by_the_way_to_them(compiled):
    def f(params, x, order):
        inner = params["layers"][0]
        return {"loss": np.sum((inner.weights @ x + inner.bias) ** order), "sizes": [x.sum(), x[0]]}

    params = {"layers": [Params(uniform(2, 3), uniform(2))]}
    x = uniform(3)
    made = ad.export(f, params, x, 3, derivative=None)
    names = re.findall(r"\*(\w+)[,)]", made.header.partition("int f(")[2])
    assert names == [
        "params_layers_0_weights", "params_layers_0_bias", "x", "value_loss", "value_sizes_0", "value_sizes_1"
    ]  # fmt: skip
    assert "fixed: order = 3" in made.header
    status, *found = compiled(made).f(*leaves(params), x)
    assert status == 0
    np.testing.assert_allclose(found, leaves(f(params, x, 3)), rtol=1e-13)


def test_constants_are_what_they_were_at_the_export(compiled):
    data = uniform(5)
    before = data.copy()
    made = ad.export(lambda x: np.sum((x - data) ** 2), np.zeros(5), name="distance")
    data[:] = 0.0
    x = uniform(5)
    assert compiled(made).distance(x) == (0, pytest.approx(np.sum((x - before) ** 2)))


def test_large_arrays_go_into_a_workspace_of_the_caller(compiled):
    def f(a):
        return np.sum(np.sin(a @ a) @ a)

    a = uniform(40, 40)
    made = ad.export(f, a)
    assert "double *work);" in made.header
    assert re.search(r"#define F_GRAD_WORK \d+", made.header)
    status, _, gradient = compiled(made).f_grad(a)
    assert status == 0
    np.testing.assert_allclose(gradient, ad.grad(f)(a), rtol=1e-9, atol=1e-10)
    assert "work[" in ad.export(f, a, stack=10**6).source
    assert "malloc" not in made.source


def test_functions_are_reentrant(compiled):
    f, point, _ = SCALARS["likelihood"]
    library = compiled(ad.export(f, *point(), argnums=(0, 1), name="f"))
    points = [point() for _ in range(8)]
    wanted = [library.f_grad(*x)[2] for x in points]
    wrong = []

    def run(number):
        found = [library.f_grad(*points[number])[2] for _ in range(100)]
        wrong.extend(number for x in found if not np.array_equal(x, wanted[number]))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_header_serves_cpp(tmp_path):
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler (g++ or clang++) on the path")
    ad.export(rosenbrock, uniform(3)).write(tmp_path)
    (tmp_path / "main.cpp").write_text(
        '#include "rosenbrock.h"\nint main() { double x[3] = {1, 1, 1}, y; return rosenbrock(x, &y); }\n'
    )
    flags = ["-std=c++11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]
    subprocess.run([compiler, *flags, str(tmp_path / "main.cpp")], check=True)


def test_names_that_c_has_taken_are_changed(compiled):
    def f(double, i, value, exp, v1):
        return double * i + value * exp - v1

    made = ad.export(f, 1.0, 2.0, 3.0, 4.0, 5.0, argnums=(0, 2))
    found = compiled(made).f_grad(1.0, 2.0, 3.0, 4.0, 5.0)
    assert found == (0, 9.0, 2.0, 4.0)


REFUSED = {
    "complex": (lambda x: np.real(np.exp(1j * x)), "no C type"),
    "svd-like": (
        lambda x: np.searchsorted(np.array([0.0, 1.0]), x) * 1.0,
        "cannot write searchsorted",
    ),
    "no number": (lambda x: "text", "returns a str"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_c_cannot_say_is_refused_by_name(name):
    f, message = REFUSED[name]
    with pytest.raises(ExportError, match=message):
        ad.export(f, np.ones(2), name="f", derivative=None)


def test_wrong_calls_say_what_to_write():
    x = np.ones(3)
    for options, message in (
        ({"target": "fortran"}, "target must be"),
        ({"derivative": "slope"}, "derivative must be"),
        ({"name": "double"}, "cannot be the name"),
        ({"name": "a b"}, "cannot be the name"),
        ({"branches": [(np.ones(4),)]}, "must have the shapes"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            ad.export(rosenbrock, x, **options)
    with pytest.raises(InvalidInputError, match="give one"):
        ad.export(lambda x: x, x)
    with pytest.raises(InvalidInputError, match=r"write 2\.0 for 2"):
        ad.export(lambda n: n * 2.0, 3, name="f", derivative=None)
    with pytest.raises(OptkitError):
        ad.grad(lambda x: ad.export(rosenbrock, x) and 0.0)(x)


def test_files_are_written_where_they_are_wanted(tmp_path):
    made = ad.export(rosenbrock, np.ones(3))
    paths = made.write(tmp_path / "generated")
    assert [path.name for path in paths] == ["rosenbrock.c", "rosenbrock.h"]
    assert paths[0].read_text() == made.source == str(made)
    assert "optkit" not in "".join(re.findall(r"#include.*", made.source))
