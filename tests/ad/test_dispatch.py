"""Plain Python and plain NumPy around traced values: what works, and what is refused with the line to write instead."""

from __future__ import annotations

import copy
import functools
import math
import operator
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.optimize

from optkit import ad
from optkit.errors import (
    InvalidTypeError,
    LostDerivativeError,
    NotDifferentiableError,
    PerformanceWarning,
)

X = np.array([1.0, 2.0, 3.0])
MODES = ["forward", "reverse"]


def gradients(f: Callable[..., Any], x: Any = X) -> list[Any]:
    return [ad.jacobian(f, mode=mode)(x) for mode in MODES]


# --- plain Python around it -------------------------------------------------------------------------------------------


def branches(x: Any) -> Any:
    if x[0] > 0 and x[1] != 0:
        return x[0] * 2
    return x[1]


def loops(x: Any) -> Any:
    total, k = 0.0, 0
    while total < 10:
        total = total + x[k % 3]
        k += 1
    return total


def unpacks(x: Any) -> Any:
    a, b, c = x
    first, *rest = x
    return a * b + c + first * rest[1]


def tables(x: Any) -> Any:
    rows = np.array([[x[0], 1.0], [x[1], x[2]]])
    return (rows @ np.array([1.0, 2.0]))[1] + np.linalg.norm([x[0], x[1]])


def horner(x: Any) -> Any:
    return functools.reduce(lambda total, coefficient: total * 2.0 + coefficient, x, 0.0)


R5 = math.sqrt(5.0)
PLAIN: dict[str, tuple[Callable[..., Any], list[float]]] = {
    "if": (branches, [2, 0, 0]),
    "while": (loops, [2, 2, 2]),
    "for": (lambda x: sum(v * v for v in x), [2, 4, 6]),
    "a list": (lambda x: sum([x[0], 2 * x[1], x[2] * x[2]]), [1, 2, 6]),
    "abs": (lambda x: abs(x[0] - 5.0), [-1, 0, 0]),
    "max and min": (lambda x: max(x) * min(x), [3, 0, 1]),
    "max by key": (lambda x: max(x, key=lambda v: -v), [1, 0, 0]),
    "sorted": (lambda x: sorted(x, reverse=True)[0] ** 2, [0, 0, 6]),
    "unpacking": (unpacks, [5, 1, 2]),
    "len and range": (lambda x: sum(i * x[i] for i in range(len(x))), [0, 1, 2]),
    "enumerate and zip": (
        lambda x: sum(i * a * b for (i, a), b in zip(enumerate(x), x, strict=True)),
        [0, 4, 12],
    ),
    "reversed": (lambda x: next(iter(reversed(x))), [0, 0, 1]),
    "reduce": (horner, [4, 2, 1]),
    "in": (lambda x: x[0] if 2.0 in x and x[1] in [2.0, 7.0] else x[1], [1, 0, 0]),
    "not in": (lambda x: x[0] if 9.0 not in x else x[1], [1, 0, 0]),
    "any and all": (lambda x: x[0] if any(x > 2) and all(x > 0) else x[1], [1, 0, 0]),
    "map and filter": (lambda x: sum(filter(lambda v: v > 1.5, map(np.square, x))), [0, 4, 6]),
    "comparisons": (lambda x: x[0] if x[0] < x[1] <= x[2] != x[0] else x[1], [1, 0, 0]),
    "with None": (
        lambda x: x[0] if x is not None and x[0] not in (None, "auto") else x[1],
        [1, 0, 0],
    ),
    "with a string": (
        lambda x: x[0] if x[0] != "auto" and x[1] not in ("a", "b") else x[1],
        [1, 0, 0],
    ),
    "round": (lambda x: x[0] * round(x[1] * 1.2) + round(x[2], 1), [2, 0, 0]),
    "floor and ceil": (
        lambda x: x[0] * (math.floor(x[1] * 1.2) + math.ceil(x[2] * 0.9)),
        [5, 0, 0],
    ),
    "divmod": (lambda x: divmod(x[2] * x[1], 4.0)[1] * (x[2] // 2), [0, 3, 2]),
    "reflected": (
        lambda x: 6.0 / x[1] - x[0] + 2 ** (1.0 - x[0]) + 7 % x[2],
        [-1 - math.log(2), -1.5, -2],
    ),
    "int": (lambda x: x[int(x[1]) - 1] * int(x[2]), [0, 3, 0]),
    "range of int": (lambda x: sum(x[0] for _ in range(int(x[2]))), [3, 0, 0]),
    "powers": (
        lambda x: x[1] ** 3 + x[1] ** x[0] + 2.0 ** x[1] + (+x[2]) ** -1,
        [2 * math.log(2), 13 + 4 * math.log(2), -1 / 9],
    ),
    "lists as operands": (
        lambda x: np.sum([1.0, 2.0, 3.0] * x + (x - [0.0, x[0], 1.0])),
        [1, 3, 4],
    ),
    "NumPy scalars": (
        lambda x: np.float64(2.0) * x[0] + x[1] / np.float32(0.5) + np.int64(3) * x[2],
        [2, 2, 3],
    ),
    "np.array of elements": (tables, [1 / R5, 1 + 2 / R5, 2]),
    "np.array of all": (lambda x: np.sum(np.array(x) * np.asarray(x)), [2, 4, 6]),
    "np.array of nothing else": (lambda x: np.array(x[1]) * x[0], [2, 1, 0]),
    "copies": (lambda x: np.sum(copy.copy(x) * copy.deepcopy({"x": x})["x"]), [2, 4, 6]),
    "tolist": (lambda x: sum(x.tolist()) * x[1:2].item(), [2, 8, 2]),
    "np functions on lists": (
        lambda x: np.sum(np.stack([x[0], x[1]])) + np.maximum(x[0], [5.0])[0],
        [1, 1, 0],
    ),
    "accumulated in a list": (lambda x: np.sum(np.array([x[0] * k for k in range(3)])), [3, 0, 0]),
    "np.full": (lambda x: np.sum(np.full((2, 3), x) * np.full(3, x[0])), [14, 2, 2]),
    "methods": (
        lambda x: x.reshape(3, 1).T.dot(x).sum() + x.mean() * 3 + x.clip(0, 10).max(),
        [3, 5, 8],
    ),
    "keywords": (lambda x: np.sum(x[None, :], axis=-1, keepdims=True)[0, 0], [1, 1, 1]),
}


@pytest.mark.parametrize("case", PLAIN)
def test_plain_python_works(case: str) -> None:
    f, expected = PLAIN[case]
    value = f(X)
    for mode in MODES:
        found, gradient = ad.value_and_jacobian(f, mode=mode)(X)
        np.testing.assert_allclose(gradient, expected, atol=1e-15)
        np.testing.assert_allclose(found, value)


def test_traced_values_print_as_what_they_stand_for(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x: Any) -> Any:
        print(x, f"{x[0]:.2f} {x[1]!s:>5}", f"{x}", "%s" % x[2])  # noqa: T201, UP031
        assert "1., 2., 3." in repr(x)
        return x[0]

    gradients(f)
    assert capsys.readouterr().out == 2 * "[1. 2. 3.] 1.00   2.0 [1. 2. 3.] 3.0\n"


def test_what_an_array_has() -> None:
    def f(x: Any) -> Any:
        assert (x.shape, x.ndim, x.size, x.dtype, x.itemsize, x.nbytes) == (
            (3,),
            1,
            3,
            np.float64,
            8,
            24,
        )
        assert (np.shape(x), np.ndim(x), np.size(x), len(x)) == ((3,), 1, 3, 3)
        assert not np.iscomplexobj(x)
        assert np.result_type(x, np.float32) == np.float64
        assert list(x > 1.5) == [False, True, True]
        with pytest.raises(TypeError, match="unhashable"):
            hash(x)
        with pytest.raises(TypeError, match="len"):
            len(x[0])
        with pytest.raises(TypeError, match="0-d"):
            iter(x[0])
        with pytest.raises(ValueError, match="ambiguous"):
            bool(x)
        with pytest.raises(AttributeError, match="no_such"):
            x.no_such  # noqa: B018
        with pytest.raises(ValueError, match="unpack"):
            _, _ = x
        return x[0]

    gradients(f)


# --- lists of traced elements -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "use", [lambda y: np.sum(np.sin(y)), lambda y: np.sum(y * X[0]), lambda y: y @ y]
)
def test_a_long_array_of_single_elements_is_right_and_warned_about(
    use: Callable[[Any], Any],
) -> None:
    x = np.linspace(0.0, 1.0, 300)
    with pytest.warns(PerformanceWarning, match=r"np.stack.* np.concatenate"):
        gradient = ad.grad(lambda z: use(np.asarray(z) * z))(x)
    np.testing.assert_allclose(gradient, ad.grad(lambda z: use(z * z))(x))


def test_returned_lists_of_elements_are_arrays_where_numpy_makes_one() -> None:
    for mode in MODES:
        jacobian = ad.jacobian(lambda x: np.array([[x[0] * x[1]], [x[2]]]), mode=mode)(X)
        np.testing.assert_array_equal(jacobian, [[[2, 1, 0]], [[0, 0, 1]]])


# --- refusals ---------------------------------------------------------------------------------------------------------


def store(y: Any, index: Any, value: Any) -> None:
    y[index] = value


def fill_diagonal(x: Any) -> None:
    np.fill_diagonal(np.zeros((3, 3)), x)


LOST: dict[str, tuple[Callable[..., Any], str]] = {
    "float": (lambda x: float(x[0]), "write x itself"),
    "complex": (lambda x: complex(x[0]), r"x \+ 0j"),
    "math.sin": (lambda x: math.sin(x[0]), r"np.sin\(x\) instead of math.sin\(x\)"),
    "math.sqrt": (lambda x: math.sqrt(x[0]), r"np.sin\(x\) instead of math.sin\(x\)"),
    "% formatting": (lambda x: "%f" % x[0], "stop_gradient"),  # noqa: UP031
    "an element": (lambda x: store(np.zeros(3), 0, x[0]), r"np.zeros_like\(x\)"),
    "a slice": (lambda x: store(np.zeros(3), slice(1, None), x[1:]), r"np.zeros\(shape, like=x\)"),
    "all": (lambda x: store(np.zeros(3), ..., x), r"np.zeros_like\(x\)"),
    "a list index": (lambda x: store(np.zeros(3), [0, 1], x[:2]), r"np.zeros_like\(x\)"),
    "a mask": (lambda x: store(np.zeros(3), np.zeros(3) == 0, x), r"np.zeros_like\(x\)"),
    "a list of elements": (
        lambda x: store(np.zeros(3), ..., [x[0], 1.0, x[2]]),
        r"np.zeros_like\(x\)",
    ),
    "+=": (lambda x: operator.iadd(np.zeros(3), x), r"write y = y \+ x instead of y \+= x"),
    "*=": (lambda x: operator.imul(np.zeros(3), x), r"write y = y \+ x"),
    "+= to a slice": (lambda x: operator.iadd(np.zeros(4)[1:], x), r"write y = y \+ x"),
    "+= to an element": (lambda x: store(np.zeros(3), 0, 1.0 + x[0]), r"np.zeros_like\(x\)"),
    "out=": (lambda x: np.sin(x, out=np.zeros(3)), "no out="),
    "fill": (lambda x: np.zeros(3).fill(x[0]), r"np.zeros_like\(x\)"),
    "np.copyto": (lambda x: np.copyto(np.zeros(3), x), "np.copyto"),
    "np.mean of an object array": (lambda x: np.mean(np.array([x[0], x[1]])), "np.stack"),
    "np.fill_diagonal": (fill_diagonal, r"np.zeros_like\(x\)"),
    "np.put": (lambda x: np.put(np.zeros(3), [0], x[0]), r"np.put .*like=x"),
    "np.putmask": (lambda x: np.putmask(np.zeros(3), [True] * 3, x), r"np.putmask .*like=x"),
    "np.place": (lambda x: np.place(np.zeros(3), [True] * 3, x), r"np.place .*like=x"),
    "np.put_along_axis": (
        lambda x: np.put_along_axis(np.zeros(3), np.array([0]), x[:1], 0),
        r"np.put_along_axis .*like=x",
    ),
    "add.at": (lambda x: np.add.at(np.zeros(3), [0], x[0]), r"np.add.at .*like=x"),
    "out= of reduce": (lambda x: np.add.reduce(x, out=np.zeros(())), "no out="),
    "np.array of a type": (lambda x: np.array([x[0], 1.0], dtype=float), "like=x|write x itself"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", LOST)
def test_what_would_lose_a_derivative_is_refused(case: str, mode: str) -> None:
    f, message = LOST[case]
    with pytest.raises(LostDerivativeError, match=message):
        ad.jacobian(f, mode=mode)(X)


NO_RULE: dict[str, tuple[Callable[..., Any], str]] = {
    "a function": (lambda x: np.packbits(x), "np.packbits of a traced value: it works on integers"),
    "a ufunc": (lambda x: np.isnat(x), "np.isnat of a traced value: it works on dates"),
    "a ufunc of SciPy": (
        lambda x: pytest.importorskip("scipy.special").smirnov(3, x),
        "no derivative rule for .*smirnov: .*ad.custom_jvp",
    ),
    "a file": (lambda x: np.savetxt("x", x), "np.savetxt .* file"),
    "reduce where": (lambda x: np.hypot.reduce(x, where=X > 1), r"hypot.reduce .* with where="),
    "where=": (lambda x: np.sin(x, where=X > 1), "np.where"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", NO_RULE)
def test_what_has_no_rule_is_refused(case: str, mode: str) -> None:
    f, message = NO_RULE[case]
    with pytest.raises(NotDifferentiableError, match=message):
        ad.jacobian(f, mode=mode)(X)


MASKED = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
PARTNERS: dict[str, tuple[Any, str]] = {
    "a masked array": (MASKED, "MaskedArray: use a plain array"),
    "a string": ("a", "str: use numbers or arrays"),
    "None": (None, "NoneType: use numbers or arrays"),
    "a dict": ({}, "dict: use numbers or arrays"),
    "an object array": (np.array([1.0, None, 2.0]), "object array"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", PARTNERS)
@pytest.mark.parametrize(
    "function", [operator.add, np.multiply, np.arctan2], ids=["operator", "ufunc", "function"]
)
def test_strange_partners_are_refused(case: str, function: Any, mode: str) -> None:
    partner, message = PARTNERS[case]
    with pytest.raises(InvalidTypeError, match=message):
        ad.jacobian(lambda x: function(x, partner), mode=mode)(X)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("function", [operator.matmul, operator.mul])
def test_matrices_are_refused(function: Any) -> None:
    with pytest.raises(InvalidTypeError, match="matrix"):
        ad.jacobian(lambda x: function(x, np.matrix(np.eye(3))))(X)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "dia", "bsr", "lil"])
def test_sparse_arrays_are_refused_with_the_line_to_write(kind: str) -> None:
    sparse = pytest.importorskip("scipy.sparse").eye_array(3, format=kind)
    for f in (lambda x: sparse @ x, lambda x: x * sparse, lambda x: x + sparse):
        with pytest.raises(InvalidTypeError, match=r"optkit\.ad\.scipy\.sparse\.matmul\(A, x\)"):
            ad.jacobian(f)(X)
    assert ad.jacobian(lambda x: x @ sparse)(X).tolist() == np.eye(3).tolist()


@pytest.mark.parametrize("mode", MODES)
def test_a_traced_value_is_no_index_and_cannot_be_pickled(mode: str) -> None:
    with pytest.raises(IndexError, match=r"int\(x\)"):
        ad.jacobian(lambda x: x[x[0]], mode=mode)(X)
    with pytest.raises(TypeError, match=r"int\(x\) truncates"):
        ad.jacobian(lambda x: x[0] * [1.0, 2.0][x[1]], mode=mode)(X)
    with pytest.raises(TypeError, match="stop_gradient"):
        ad.jacobian(pickle.dumps, mode=mode)(X)


MIXED = {
    "exp": lambda t: np.exp(np.array([t[0], 1.0])).sum(),
    "sqrt": lambda t: np.sqrt(np.array([[t[0], 0.0], [0.0, 1.0]]) @ np.ones(2)).sum(),
    "det": lambda t: np.linalg.det(np.array([[t[0], 1.0], [0.0, t[1]]])),
    "solve": lambda t: np.linalg.solve(np.array([[t[0], 1.0], [0.0, t[1]]]), np.ones(2)).sum(),
}


@pytest.mark.parametrize("transform", [ad.grad, ad.jacobian])
@pytest.mark.parametrize("f", MIXED.values(), ids=MIXED)
def test_an_object_array_that_numpy_cannot_work_with_is_explained(f: Any, transform: Any) -> None:
    with pytest.raises(NotDifferentiableError, match=r"np\.stack.*like=x"):
        transform(f)(np.array([0.5, 2.0]))


CONVERTED = {
    "mean of a list": lambda t: np.mean([t[0], t[1]]),
    "asarray": lambda t: np.asarray(t, dtype=float).sum(),
    "brentq": lambda t: scipy.optimize.brentq(lambda y: y - t[0], -3, 3),
}


@pytest.mark.parametrize("transform", [ad.grad, ad.jacobian])
@pytest.mark.parametrize("f", CONVERTED.values(), ids=CONVERTED)
def test_a_library_that_converts_a_traced_value_is_named(f: Any, transform: Any) -> None:
    with pytest.raises(LostDerivativeError, match=r"np\.stack"):
        transform(f)(np.array([0.5, 2.0]))


def test_rounding_to_python_integers() -> None:
    def f(t: Any) -> Any:
        assert (math.floor(t), math.ceil(t), math.trunc(t), round(t)) == (2, 3, 2, 3)
        return sum(t for _ in range(round(t)))

    assert ad.grad(f)(2.6) == 3.0


def test_derivative_takes_a_number_or_an_array() -> None:
    for bad in ([0.0, 1.0], (0.0,), {"a": 1.0}):
        with pytest.raises(InvalidTypeError, match="use a number or an array"):
            ad.derivative(np.sin)(bad)
