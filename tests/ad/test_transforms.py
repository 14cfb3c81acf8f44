"""The differential operators: what they take, what they give, of which kind and shape."""

from __future__ import annotations

import collections
import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from optkit import ad
from optkit.ad import dense, tree
from optkit.errors import InvalidInputError, InvalidTypeError

X = np.array([0.3, -1.2, 2.0])
Y = np.array([1.5, 0.7])
MODES = ["forward", "reverse"]


def cube(x: Any) -> Any:
    """A scalar of whatever container of numbers: the sum of cubes."""
    return sum(np.sum(leaf**3) for leaf in tree.flatten(x)[0])


# --- kinds ------------------------------------------------------------------------------------------------------------

# An argument and what a derivative with respect to it looks like.
KINDS = {
    "float": (2.0, np.float64(12.0)),
    "int": (2, np.float64(12.0)),
    "NumPy integer": (np.int32(2), np.float64(12.0)),
    "float64": (np.float64(2.0), np.float64(12.0)),
    "float32": (np.float32(2.0), np.float32(12.0)),
    "longdouble": (np.longdouble(2.0), np.longdouble(12.0)),
    "0-d": (np.array(2.0), np.array(12.0)),
    "0-d float32": (np.array(2.0, np.float32), np.array(12.0, np.float32)),
    "(1,)": (np.array([2.0]), np.array([12.0])),
    "(1, 1)": (np.array([[2.0]]), np.array([[12.0]])),
    "integers": (np.array([2, 1]), np.array([12.0, 3.0])),
    "float32 array": (np.array([2.0, 1.0], np.float32), np.array([12.0, 3.0], np.float32)),
    "Fortran order": (
        np.array([[2.0, 1.0], [0.0, 1.0]], order="F"),
        np.array([[12.0, 3.0], [0.0, 3.0]]),
    ),
    "every other": (np.arange(6.0)[::2], 3 * np.arange(6.0)[::2] ** 2),
    "empty": (np.zeros((0, 3)), np.zeros((0, 3))),
}


def same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "operator",
    [
        ad.grad,
        lambda f: lambda x: ad.value_and_grad(f)(x)[1],
        lambda f: lambda x: ad.vjp(f, x)[1](1.0)[0],
        lambda f: ad.jacobian(f, mode="forward"),
        lambda f: ad.jacobian(f, mode="reverse"),
    ],
    ids=["grad", "value_and_grad", "vjp", "jacobian forward", "jacobian reverse"],
)
def test_a_gradient_is_of_the_kind_of_its_argument(operator: Any, kind: str) -> None:
    x, expected = KINDS[kind]
    same(operator(cube)(x), expected)
    same(
        operator(lambda _: 1.0)(x),
        np.zeros_like(expected)[()] if np.isscalar(expected) else np.zeros_like(expected),
    )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("0-d")])
def test_tangents_are_of_the_kind_of_values(kind: str) -> None:
    x, gradient = KINDS[kind]
    for y, dy in (
        ad.jvp(lambda z: z**3, (x,), (x,)),
        (x**3, ad.linearize(lambda z: z**3, x)[1](x)),
    ):
        same(dy, gradient * x)
        assert np.shape(y) == np.shape(x)
    same(ad.hvp(cube)(x, x), 2 * gradient)


def test_the_input_is_not_changed() -> None:
    def f(x: Any) -> Any:
        x *= 2.0
        x[0] = 5.0
        return np.sum(x**2)

    x = X.copy()
    np.testing.assert_array_equal(ad.grad(f)(x), [0.0, *(8 * X[1:])])
    np.testing.assert_array_equal(ad.jacobian(f)(x), [0.0, *(8 * X[1:])])
    np.testing.assert_array_equal(x, X)


# --- arguments --------------------------------------------------------------------------------------------------------


def weighted(x: Any, y: Any, scale: Any = 1.0, *, power: int = 1) -> Any:
    return scale * np.sum(x**power) * np.sum(y)


@pytest.mark.parametrize(
    "argnums", [0, 1, 2, -1, -3, (0,), (0, 1), (1, 0), (2, -3), [0, 2], np.int64(1)], ids=str
)
def test_argnums_name_the_positions_to_differentiate(argnums: Any) -> None:
    by_position = [
        2.0 * 2 * X * np.sum(Y),
        np.full(2, 2.0 * np.sum(X**2)),
        np.float64(np.sum(X**2) * np.sum(Y)),
    ]
    numbers = argnums if isinstance(argnums, tuple | list) else (argnums,)
    for operator in (ad.grad, ad.jacobian, lambda f, n: ad.jacobian(f, n, mode="reverse")):
        found = operator(weighted, argnums)(X, Y, 2.0, power=2)
        found = found if isinstance(argnums, tuple | list) else (found,)
        assert isinstance(found, tuple)
        for part, n in zip(found, numbers, strict=True):
            np.testing.assert_allclose(part, by_position[n])


def test_hessian_with_several_arguments_is_a_table_of_blocks() -> None:
    (xx, xy), (yx, yy) = ad.hessian(weighted, (0, 1))(X, Y, power=2)
    np.testing.assert_allclose(xx, 2 * np.sum(Y) * np.eye(3))
    np.testing.assert_allclose(xy, np.outer(2 * X, np.ones(2)))
    np.testing.assert_allclose(yx, xy.T)
    np.testing.assert_array_equal(yy, np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("argnums", "error", "message"),
    [
        (3, InvalidInputError, "positional argument 3, but the call has 3"),
        (-4, InvalidInputError, "positional argument -4"),
        ("scale", InvalidTypeError, "must be an int or a tuple of ints, got 'scale'"),
        (1.0, InvalidTypeError, "must be an int"),
        (None, InvalidTypeError, "must be an int"),
        ((0, -3), InvalidInputError, "names an argument twice"),
    ],
)
def test_wrong_argnums_are_refused(argnums: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        ad.grad(weighted, argnums)(X, Y, 2.0)


def test_a_keyword_argument_cannot_be_asked_for_by_position() -> None:
    with pytest.raises(InvalidInputError, match="pass it by position, not by keyword"):
        ad.grad(weighted, 1)(X, y=Y)


@pytest.mark.parametrize(
    "f",
    [np.sin, abs, functools.partial(weighted, Y, scale=2.0), np.linalg.norm],
    ids=["ufunc", "builtin", "partial", "function"],
)
def test_any_callable_can_be_differentiated(f: Callable[..., Any]) -> None:
    x, h = 0.7, 1e-6
    assert ad.grad(f)(x) == pytest.approx((f(x + h) - f(x - h)) / (2 * h))


# --- containers -------------------------------------------------------------------------------------------------------

Pair = collections.namedtuple("Pair", "first second")


@dataclasses.dataclass(frozen=True)
class Model:
    weights: Any
    bias: Any


CONTAINERS: list[Any] = [
    [1.0, 2],
    (1.0, np.array([2.0, 3.0])),
    {"b": np.array([[1.0]]), "a": 2.0},
    Pair(1.0, np.array([2.0])),
    Model(np.array([1.0, 2.0]), np.float32(3.0)),
    {
        "layers": [Model(np.array([1.0]), 2.0), Pair((3.0,), {"x": np.array([4.0, 5.0])})],
        "none": (),
    },
    {},
]


def assert_same_trees(found: Any, expected: Any) -> None:
    leaves, structure = tree.flatten(found)
    wanted, wanted_structure = tree.flatten(expected)
    assert structure == wanted_structure
    for a, b in zip(leaves, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("x", CONTAINERS, ids=str)
def test_derivatives_have_the_structure_of_the_argument(x: Any) -> None:
    gradient = tree.tree_map(lambda leaf: 3.0 * leaf**2, x)
    second = tree.tree_map(lambda leaf: 6.0 * leaf**2, x)
    assert_same_trees(ad.grad(cube)(x), gradient)
    assert_same_trees(ad.vjp(cube, x)[1](1.0)[0], gradient)
    assert_same_trees(ad.jacobian(cube, mode="forward")(x), gradient)
    assert_same_trees(ad.jacobian(cube, mode="reverse")(x), gradient)
    assert_same_trees(ad.hvp(cube)(x, x), second)


@pytest.mark.parametrize("x", CONTAINERS, ids=str)
def test_results_may_be_containers(x: Any) -> None:
    def f(z: Any) -> Any:
        return {"cubes": tree.tree_map(lambda leaf: leaf**3, z), "constant": 1.0}

    tangent = {"cubes": tree.tree_map(lambda leaf: 3.0 * leaf**3, x), "constant": 0.0}
    assert_same_trees(ad.jvp(f, (x,), (x,))[1], tangent)
    assert_same_trees(ad.linearize(f, x)[1](x), tangent)
    assert_same_trees(ad.vjp(f, x)[1]({"cubes": x, "constant": 1.0})[0], tangent["cubes"])
    assert_same_trees(ad.jacobian(f, mode="forward")(x), ad.jacobian(f, mode="reverse")(x))


def test_a_jacobian_has_the_structure_of_the_result_outside_and_of_the_argument_inside() -> None:
    x = {"a": 2.0, "b": np.array([1.0, 3.0])}
    for mode in MODES:
        found = ad.jacobian(lambda p: [p["a"] * p["b"], p["a"] ** 2], mode=mode)(x)
        expected = [
            {"a": x["b"], "b": 2.0 * np.eye(2)},
            {"a": np.float64(4.0), "b": np.zeros(2)},
        ]
        assert_same_trees(found, expected)


def test_a_wrong_tangent_or_cotangent_is_refused() -> None:
    x = {"a": 1.0, "b": X}
    with pytest.raises(InvalidInputError, match="structure dict"):
        ad.jvp(cube, (x,), ([1.0, X],))
    with pytest.raises(InvalidInputError, match="1 arguments need as many tangents, got 2"):
        ad.linearize(cube, x)[1](x, x)
    with pytest.raises(InvalidInputError, match=r"the tangent .*shape \(2,\).*\(3,\)"):
        ad.hvp(cube)(X, Y)
    with pytest.raises(InvalidInputError, match=r"the cotangent .*shape \(3,\).*\(\)"):
        ad.vjp(cube, X)[1](X)


# --- Jacobians --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_shape", [(), (1,), (3,), (2, 3), (0,), (0, 2)], ids=str)
@pytest.mark.parametrize("out_shape", [(), (1,), (4,), (2, 2), (0,), (3, 0)], ids=str)
@pytest.mark.parametrize("mode", [*MODES, "auto"])
def test_a_jacobian_has_the_shape_of_the_result_then_that_of_the_argument(
    in_shape: tuple[int, ...], out_shape: tuple[int, ...], mode: str
) -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=out_shape + in_shape)
    x = rng.normal(size=in_shape)

    def f(z: Any) -> Any:
        return (
            np.sum(weights * z, axis=tuple(range(len(out_shape), weights.ndim)))
            if in_shape
            else weights * z
        )

    value, jacobian = ad.value_and_jacobian(f, mode=mode)(x)
    assert jacobian.shape == out_shape + in_shape
    assert jacobian.dtype == np.float64
    np.testing.assert_allclose(jacobian, weights)
    np.testing.assert_allclose(value, f(x))


@pytest.mark.parametrize(("n", "m", "calls"), [(2, 50, 1), (50, 50, 2), (50, 2, 1), (17, 1, 1)])
def test_auto_mode_takes_the_cheaper_side(n: int, m: int, calls: int) -> None:
    """Forward mode runs once for all directions together; reverse mode records once and sweeps m times."""
    runs = []

    def f(x: Any) -> Any:
        runs.append(type(x).__name__)
        return np.ones((m, n)) @ x

    jacobian = ad.jacobian(f)(np.ones(n))
    np.testing.assert_array_equal(jacobian, np.ones((m, n)))
    assert len(runs) == calls
    assert runs[-1] == ("DualTracer" if n <= m else "ReverseTracer")


@pytest.mark.parametrize("width", [1, 2, 3, 100])
def test_blocks_of_directions_make_no_difference(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 2)), rng.normal(size=3)

    def f(p: Any) -> Any:
        return {
            "outer": np.outer(p["a"], np.sin(p["b"])),
            "one": np.sum(p["a"]),
            "none": p["b"][:0],
        }

    whole = ad.jacobian(f, mode="forward")({"a": a, "b": b})
    monkeypatch.setattr(dense, "_BLOCK_LEAST", width)
    monkeypatch.setattr(dense, "_BLOCK_NUMBERS", 0)
    assert_same_trees(ad.jacobian(f, mode="forward")({"a": a, "b": b}), whole)
    np.testing.assert_allclose(whole["one"]["a"], np.ones((2, 2)))


def test_blocks_of_one_result_do_not_share_memory() -> None:
    for mode in MODES:
        first, second = ad.jacobian(lambda x: (x, x), mode=mode)(np.ones(1))
        assert not np.shares_memory(first, second)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(
        InvalidInputError, match="mode must be 'auto', 'forward' or 'reverse', got 'fwd'"
    ):
        ad.jacobian(cube, mode="fwd")


# --- complex numbers --------------------------------------------------------------------------------------------------

Z = np.array([1.0 + 2.0j, -0.5 + 0.3j])


def test_the_gradient_of_a_real_function_of_complex_variables() -> None:
    """∂f/∂x − i ∂f/∂y, the convention of autograd and JAX."""
    gradient = ad.grad(lambda z: np.sum(np.real(z * z)))(Z)
    np.testing.assert_allclose(gradient, 2 * Z)
    np.testing.assert_allclose(ad.grad(lambda z: np.sum(np.abs(z) ** 2))(Z), 2 * np.conj(Z))
    np.testing.assert_allclose(ad.jacobian(lambda z: np.real(z * z))(Z), np.diag(2 * Z))


@pytest.mark.parametrize("mode", MODES)
def test_a_complex_derivative_needs_a_promise(mode: str) -> None:
    def f(z: Any) -> Any:
        return np.exp(z) * z

    with pytest.raises(InvalidInputError, match="holomorphic=True"):
        ad.jacobian(f, mode=mode)(Z)
    jacobian = ad.jacobian(f, mode=mode, holomorphic=True)(Z)
    np.testing.assert_allclose(jacobian, np.diag(np.exp(Z) * (1 + Z)))


@pytest.mark.parametrize("mode", [*MODES, "auto"])
@pytest.mark.parametrize("m", [1, 40])
def test_a_complex_function_of_real_variables(mode: str, m: int) -> None:
    x = np.linspace(0.1, 1.0, 20)
    weights = np.exp(1j * np.arange(m * 20.0)).reshape(m, 20)
    jacobian = ad.jacobian(lambda t: weights @ t, mode=mode)(x)
    np.testing.assert_allclose(jacobian, weights)


def test_real_and_imaginary_parts_of_a_real_path() -> None:
    def energy(t: Any) -> Any:
        return np.sum(np.abs(np.exp(1j * t) * (1 + t)) ** 2)

    np.testing.assert_allclose(ad.grad(energy)(X), 2 * (1 + X))
    np.testing.assert_allclose(ad.hessian(energy)(X), 2 * np.eye(3), atol=1e-12)


def test_a_complex_loss_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="real number, but it returned a complex one"):
        ad.grad(lambda z: np.sum(z * z))(Z)


# --- derivative, linearize, vjp, stop_gradient ------------------------------------------------------------------------


def test_derivative_is_elementwise() -> None:
    np.testing.assert_allclose(ad.derivative(np.sin)(X), np.cos(X))
    np.testing.assert_allclose(ad.derivative(ad.derivative(np.sin))(X), -np.sin(X))
    curve = ad.derivative(lambda t, radius: radius * np.array([np.cos(t), np.sin(t)]))(0.0, 2.0)
    np.testing.assert_allclose(curve, [0.0, 2.0])
    with pytest.raises(InvalidInputError, match="perhaps you meant grad or jacobian"):
        ad.derivative(np.sum)(X)


def test_linearize_and_vjp_do_not_run_the_function_again() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return np.exp(x) * X

    _, push = ad.linearize(f, X)
    _, pull = ad.vjp(f, X)
    for v in np.eye(3):
        np.testing.assert_allclose(push(v), np.exp(X) * X * v)
        np.testing.assert_allclose(pull(v)[0], np.exp(X) * X * v)
    assert len(calls) == 2


def test_stop_gradient_stops_in_both_modes_and_in_containers() -> None:
    def f(x: Any) -> Any:
        held = ad.stop_gradient({"x": x, "y": [2.0 * x]})
        return np.sum(x * held["x"] * held["y"][0])

    for mode in MODES:
        np.testing.assert_allclose(ad.jacobian(f, mode=mode)(X), 2 * X**2)
    np.testing.assert_array_equal(ad.stop_gradient(X), X)


# --- what functions may return ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (X, InvalidInputError, r"returned shape \(3,\); perhaps you meant jacobian"),
        (None, InvalidTypeError, "returned None: is a return statement missing"),
        ((1.0,), InvalidTypeError, "returned a tuple: it must return a scalar"),
        ({"loss": 1.0}, InvalidTypeError, "returned a dict"),
        ("1.0", InvalidTypeError, "is a str"),
        (np.ma.array([1.0]), InvalidTypeError, "MaskedArray; use a plain array"),
        (np.array(["a"]), InvalidTypeError, "dtype <U1"),
    ],
)
def test_a_gradient_needs_a_scalar(returned: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        ad.grad(lambda x: returned)(1.0)


@pytest.mark.parametrize(
    "returned", [None, [1.0, None], {"a": "b"}, object()], ids=["None", "list", "dict", "object"]
)
def test_a_jacobian_needs_numbers(returned: Any) -> None:
    with pytest.raises(InvalidTypeError, match=r"the function given to ad\.jacobian"):
        ad.jacobian(lambda x: returned)(1.0)


@pytest.mark.parametrize("shape", [(1,), (1, 1)])
def test_an_array_of_size_one_is_a_scalar(shape: tuple[int, ...]) -> None:
    value, gradient = ad.value_and_grad(lambda x: np.sum(x**2).reshape(shape))(X)
    assert value.shape == shape
    np.testing.assert_allclose(gradient, 2 * X)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ("abc", "is a str"),
        (None, "is None"),
        (True, "is a bool"),
        (np.array([True]), "dtype bool"),
        (np.array([1.0, None]), "dtype object"),
        (np.array(["a"]), "dtype <U1"),
        (np.ma.array([1.0]), "is a MaskedArray; use a plain array"),
        ([1.0, "b"], "argument 0 .* is a (str|list)"),
        ({"a": None}, "argument 0 .* is (None|a dict)"),
    ],
)
@pytest.mark.parametrize("operator", [ad.grad, ad.jacobian, ad.hessian, ad.derivative])
def test_what_cannot_be_differentiated_is_refused_by_name(
    operator: Any, x: Any, message: str
) -> None:
    with pytest.raises(InvalidTypeError, match=message):
        operator(lambda z: 1.0)(x)


def test_a_sparse_argument_is_refused() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(InvalidTypeError, match=r"use x.toarray\(\)"):
        ad.grad(lambda z: 1.0)(sparse.eye_array(3))
