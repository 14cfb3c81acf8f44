"""Backends of other packages: float64 throughout, nothing global changed, errors that tell what to write."""

from __future__ import annotations

import builtins
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import optkit
from optkit import ad
from optkit.ad.backends.casadi import CasadiBackend
from optkit.errors import BackendError, InvalidInputError, InvalidTypeError, OptkitError

X = np.array([0.3, -1.2, 2.1])


def framework(name: str) -> Any:
    """The backend and the namespace of a framework, or a skip where it is not installed."""
    pytest.importorskip(name, reason=f"{name} is not installed")
    backend = ad.get_backend(name)
    return backend, backend.namespace


FRAMEWORKS = ["jax", "torch", "autograd", "casadi", "sympy"]


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_operators_of_ad_take_it_by_name_and_by_object(name: str) -> None:
    backend, ns = framework(name)

    def f(x: Any) -> Any:
        return ns.sum(x**3) * ns.sin(x[0])

    expected = ad.grad(lambda x: np.sum(x**3) * np.sin(x[0]))(X)
    for choice in (name, backend):
        np.testing.assert_allclose(ad.grad(f, backend=choice)(X), expected, rtol=1e-13)
    value, gradient = ad.value_and_grad(f, backend=name)(X)
    assert type(value) is np.float64
    np.testing.assert_array_equal(gradient, ad.grad(f, backend=name)(X))


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_function_of_plain_numpy_is_told_what_it_was_called_with(name: str) -> None:
    framework(name)

    def f(x: Any) -> Any:
        raise RuntimeError("not for me")

    with pytest.raises(RuntimeError, match="not for me") as caught:
        ad.grad(f, backend=name)(X)
    assert any(f"backend {name!r} calls the function with" in n for n in caught.value.__notes__)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_missing_packages_are_named_with_the_line_that_installs_them(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        BackendError, match=rf"{name!r} is not available.*pip install 'optkit\[{name}\]'"
    ):
        ad.grad(lambda x: x[0], backend=name)
    row = next(row for row in optkit.backends() if row.name == name)
    assert not row.ready
    assert f"pip install 'optkit[{name}]'" in row.about


def test_a_package_that_cannot_be_imported_is_reported_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "sympy.py").write_text("raise ImportError('no libfoo')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [m for m in sys.modules if m == "sympy" or m.startswith("sympy.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(
        BackendError, match=r"needs the package sympy, .*no libfoo.*optkit\[sympy\]"
    ):
        ad.grad(lambda x: x[0], backend="sympy")(X)


def test_naming_a_backend_does_not_import_the_others() -> None:
    code = (
        "import sys, numpy as np, optkit; optkit.backends(); "
        "optkit.ad.grad(lambda x: np.sum(x), backend='finite-difference')(np.ones(2)); "
        "print([m for m in ('jax', 'torch', 'autograd', 'casadi', 'sympy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_derivatives_of_derivatives_across_backends_are_refused(name: str) -> None:
    framework(name)
    inner = ad.grad(lambda x: x[0] ** 2, backend=name)
    with pytest.raises(
        InvalidTypeError, match=f"by backend {name!r} cannot itself be differentiated"
    ):
        ad.jacobian(inner)(X)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_modes_belong_to_the_native_engine(name: str) -> None:
    framework(name)
    with pytest.raises(InvalidInputError, match="backend='native:forward'"):
        ad.jacobian(lambda x: x, mode="forward", backend=name)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_optimizers_take_functions_written_for_it(name: str) -> None:
    _, ns = framework(name)
    calls = []

    def f(x: Any, a: float) -> Any:
        calls.append(x)
        return ns.sum((x - a) ** 2) + (x[0] * x[1]) ** 2

    result = optkit.minimize(f, [0.3, -0.5], args=(1.0,), backend=name)
    exact = optkit.minimize(
        lambda x, a: np.sum((x - a) ** 2) + (x[0] * x[1]) ** 2, [0.3, -0.5], args=(1.0,)
    )
    assert result.success
    np.testing.assert_allclose(result.x, exact.x, rtol=1e-7)
    assert result.fun == pytest.approx(exact.fun, rel=1e-13)
    if name in ("casadi", "sympy", "jax"):  # prepared once, then not called again for every value
        assert len(calls) < 10


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_starts_of_two_axes_keep_their_rows(name: str) -> None:
    _, ns = framework(name)
    target = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

    def f(w: Any) -> Any:
        return ns.sum((w - ns.asarray(target)) ** 2) + ns.sum((w[0, :] * w[1, :]) ** 2) * 0.0

    result = optkit.minimize(f, np.zeros((2, 3)), backend=name)
    np.testing.assert_allclose(np.reshape(result.x, (2, 3)), target, atol=1e-6)


@pytest.mark.parametrize("name", ["jax", "torch", "autograd", "sympy"])
def test_residuals_may_be_a_number_and_objectives_of_shape_one(name: str) -> None:
    framework(name)
    found = optkit.least_squares(lambda x: x[0] ** 2 - 2.0, [1.0], backend=name)
    np.testing.assert_allclose(found.x, np.sqrt(2.0), rtol=1e-9)
    found = optkit.minimize(lambda x: (x[:1] - 1.0) ** 2, [0.3], backend=name)
    np.testing.assert_allclose(found.x, 1.0, rtol=1e-6)


# --- JAX --------------------------------------------------------------------------------------------------------------


def test_jax_computes_in_float64_and_leaves_its_switch_alone() -> None:
    backend, jnp = framework("jax")
    import jax

    dtypes = []

    def f(x: Any) -> Any:
        dtypes.append(x.dtype)
        return jnp.sum(jnp.zeros(3) + x**2)

    assert not jax.config.jax_enable_x64
    gradient = ad.grad(f, backend="jax")(X)
    np.testing.assert_allclose(gradient, 2.0 * X, rtol=1e-15)
    assert {str(d) for d in dtypes} == {"float64"}
    assert not jax.config.jax_enable_x64
    assert jnp.ones(2).dtype == np.float32
    assert backend.prepare(f, X).grad(X).dtype == np.float64


def test_jax_compiles_what_is_prepared_and_falls_back_where_branches_need_values() -> None:
    backend, jnp = framework("jax")
    calls = []

    def smooth(x: Any) -> Any:
        calls.append(1)
        return jnp.sum(x**2)

    prepared = backend.prepare(smooth, X)
    for k in range(5):
        np.testing.assert_allclose(prepared.grad(X + k), 2.0 * (X + k))
    assert len(calls) == 1

    def branching(x: Any) -> Any:
        return jnp.sum(x**2) if x[0] > 0 else jnp.sum(x)

    prepared = backend.prepare(branching, X)
    np.testing.assert_allclose(prepared.grad(X), 2.0 * X)
    np.testing.assert_allclose(prepared.grad(-X), np.ones(3))


def test_jax_says_what_to_write_for_a_numpy_function() -> None:
    framework("jax")
    import jax

    with pytest.raises(jax.errors.TracerArrayConversionError) as caught:
        ad.grad(lambda x: np.sin(x[0]), backend="jax")(X)
    assert any("write it with jax.numpy" in note for note in caught.value.__notes__)


# --- PyTorch ----------------------------------------------------------------------------------------------------------


def test_torch_computes_in_float64_and_leaves_its_default_alone() -> None:
    _, torch = framework("torch")

    def f(x: Any) -> Any:
        assert x.dtype == torch.float64
        return torch.sum(torch.zeros(3) + x**2)

    np.testing.assert_allclose(ad.grad(f, backend="torch")(X), 2.0 * X, rtol=1e-15)
    assert torch.get_default_dtype() == torch.float32
    assert torch.ones(2).dtype == torch.float32


def test_torch_functions_may_change_their_argument_and_ignore_gradient_mode() -> None:
    _, torch = framework("torch")

    def f(x: Any) -> Any:
        x *= 2.0
        return torch.sum(x**2)

    x = X.copy()
    with torch.no_grad():
        np.testing.assert_allclose(ad.grad(f, backend="torch")(x), 8.0 * X)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_allclose(ad.hessian(f, backend="torch")(x), 8.0 * np.eye(3))


# --- CasADi and SymPy -------------------------------------------------------------------------------------------------


def test_casadi_knows_linear_algebra_with_its_other_symbols() -> None:
    _, _ = framework("casadi")
    import casadi

    a = np.array([[3.0, 1.0, 0.2], [0.4, 2.0, 0.1], [0.3, 0.5, 4.0]])

    def f(x: Any) -> Any:
        return casadi.sumsqr(casadi.solve(casadi.MX(a), x))

    inverse = np.linalg.inv(a)
    expected = 2.0 * inverse.T @ inverse @ X
    for symbols in ("SX", "MX"):
        g = f if symbols == "MX" else (lambda x: casadi.sumsqr(casadi.solve(casadi.SX(a), x)))
        found = ad.grad(g, backend=CasadiBackend(symbols))(X)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    with pytest.raises(InvalidInputError, match="'SX' or 'MX', got 'DM'"):
        CasadiBackend("DM")


def test_casadi_refuses_what_has_three_axes() -> None:
    framework("casadi")
    with pytest.raises(InvalidInputError, match=r"up to two axes, got shape \(2, 2, 2\)"):
        ad.grad(lambda x: x, backend="casadi")(np.ones((2, 2, 2)))


def test_sympy_takes_out_common_subexpressions() -> None:
    backend, ns = framework("sympy")

    def f(x: Any) -> Any:
        return ns.exp(ns.exp(ns.exp(x[0] * x[1]))) * x[2]

    prepared = backend.prepare(f, X)
    prepared.jacobian(X)
    source = prepared.f._made["jacobian"].__doc__.partition("Source code:")[2]
    assert source.count("exp(") == 3


def test_sympy_refuses_a_derivative_that_has_no_formula() -> None:
    framework("sympy")
    import sympy

    unknown = sympy.Function("unknown")
    for f in (lambda x: unknown(x[0]), lambda x: sympy.floor(x[0])):
        with pytest.raises(OptkitError, match="cannot turn this function or its derivative into"):
            ad.grad(f, backend="sympy")(X)


def test_sympy_matrices_and_piecewise_functions() -> None:
    framework("sympy")
    import sympy

    def f(x: Any) -> Any:
        return sympy.Piecewise((x[0] ** 2, x[0] > 0), (x[1], True)) + sympy.Abs(x[2])

    np.testing.assert_allclose(ad.grad(f, backend="sympy")(X), [0.6, 0.0, 1.0])
    np.testing.assert_allclose(ad.grad(f, backend="sympy")(-X), [0.0, 1.0, -1.0])
    y, jacobian = ad.get_backend("sympy").value_and_jacobian(
        lambda x: [x[0] * x[1], sympy.sin(x[2])], X
    )
    np.testing.assert_allclose(y, [X[0] * X[1], np.sin(X[2])])
    column = ad.jacobian(lambda x: sympy.Matrix([x[0] * x[1], sympy.sin(x[2])]), backend="sympy")
    np.testing.assert_allclose(column(X), jacobian)
    np.testing.assert_allclose(jacobian, [[X[1], X[0], 0.0], [0.0, 0.0, np.cos(X[2])]])


# --- autograd ---------------------------------------------------------------------------------------------------------


def test_autograd_corners_that_its_own_forward_mode_lacks() -> None:
    _, anp = framework("autograd")

    def f(x: Any) -> Any:
        return anp.linalg.solve(anp.outer(x, x) + anp.eye(3), x)

    v = np.array([1.0, 0.5, -2.0])
    _, dy = ad.jvp(f, (X,), (v,), backend="autograd")
    native = ad.jvp(lambda x: np.linalg.solve(np.outer(x, x) + np.eye(3), x), (X,), (v,))[1]
    np.testing.assert_allclose(dy, native, rtol=1e-12)


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    optkit.backends()
    assert capsys.readouterr().out == ""
    assert builtins.str(optkit.backends()).startswith("ready:\n  native ")
