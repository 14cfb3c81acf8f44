"""Values at the corners: kinks, poles, ties, zeros, empty arrays; in both modes, and for every kind of scalar."""

import math
import warnings

import numpy as np
import pytest

from optkit import ad
from optkit.errors import LostDerivativeError

INF, NAN = math.inf, math.nan

KINDS = {"float": float, "float64": np.float64, "0-d": np.array, "(1,)": lambda x: np.array([x])}


def forward(f, x):
    return ad.jvp(f, (x,), (np.ones_like(x),))[1]


def reverse(f, x):
    y, pullback = ad.vjp(f, x)
    return pullback(np.ones_like(y))[0]


MODES = {"forward": forward, "reverse": reverse}


def at(function, *points_and_slopes):
    """Rows (function, point, first derivative, second derivative or None)."""
    return [
        (function, *row) if len(row) == 3 else (function, *row, None) for row in points_and_slopes
    ]


# fmt: off
SCALARS = {
    "abs":                  at(np.abs, (0.0, 0, 0), (-0.0, 0, 0), (-3.0, -1, 0), (NAN, NAN)),
    "fabs":                 at(np.fabs, (0.0, 0, 0)),
    "sqrt":                 at(np.sqrt, (0.0, INF, -INF)),
    "0 sqrt(x)":            at(lambda x: 0.0 * np.sqrt(x), (0.0, 0)),
    # The partner of the infinite slope is an exact zero, and that wins.
    "sqrt(x x)":            at(lambda x: np.sqrt(x * x), (0.0, 0)),
    "cbrt":                 at(np.cbrt, (0.0, INF)),
    "x ** 0":               at(lambda x: x**0, (0.0, 0, 0), (2.0, 0, 0), (INF, 0)),
    "x ** 0.0":             at(lambda x: x**0.0, (0.0, 0, 0), (-2.0, 0, 0)),
    "x ** array 0":         at(lambda x: np.power(x, np.array(0.0)), (0.0, 0, 0), (2.0, 0, 0)),
    "x ** 1.0":             at(lambda x: x**1.0, (0.0, 1, 0)),
    "x ** array 1":         at(lambda x: np.power(x, np.array(1.0)), (0.0, 1, 0)),
    "x ** 2":               at(lambda x: x**2, (0.0, 0, 2), (-3.0, -6, 2)),
    "x ** array 2":         at(lambda x: np.power(x, np.array(2)), (0.0, 0, 2), (-3.0, -6, 2)),
    "x ** 3.0":             at(lambda x: x**3.0, (-2.0, 12, -12), (0.0, 0, 0)),
    "x ** 0.5":             at(lambda x: x**0.5, (0.0, INF, -INF)),
    "x ** -1":              at(lambda x: x**-1, (0.0, -INF, INF), (2.0, -0.25, 0.25)),
    "0 ** p":               at(lambda p: 0.0**p, (2.0, 0, 0), (0.5, 0, 0), (0.0, 0)),
    "(-2) ** p":            at(lambda p: (-2.0) ** p, (2.0, NAN)),
    "2 ** p":               at(lambda p: 2**p, (0.0, math.log(2), math.log(2) ** 2)),
    # By the two rows above, x**0 and 0**p; the limit from the right is −inf.
    "x ** x":               at(lambda x: x**x, (0.0, 0), (1.0, 1, 2)),
    "log":                  at(np.log, (0.0, INF, -INF)),
    "x log x":              at(lambda x: x * np.log(x), (0.0, -INF)),
    "log in where":         at(lambda x: np.where(x > 0, np.log(x), 0.0), (0.0, 0, 0), (-1.0, 0, 0), (2.0, 0.5, -0.25)),
    "sqrt in where":        at(lambda x: np.where(x > 0, np.sqrt(x), 0.0), (0.0, 0, 0), (-1.0, 0, 0)),
    "1/x in where":         at(lambda x: np.where(x == 0, 1.0, np.sin(x) / x), (0.0, 0, 0)),
    "x nan in where":       at(lambda x: np.where(x > 5, x * NAN, x), (1.0, 1, 0)),
    "maximum(x, 0)":        at(lambda x: np.maximum(x, 0), (0.0, 0.5, 0), (NAN, NAN), (-1.0, 0, 0)),
    "maximum(0, x)":        at(lambda x: np.maximum(0, x), (0.0, 0.5, 0)),
    "maximum(x, x)":        at(lambda x: np.maximum(x, x), (3.0, 1, 0)),
    "minimum(x, 0)":        at(lambda x: np.minimum(x, 0), (0.0, 0.5, 0), (1.0, 0, 0)),
    "maximum(x, nan)":      at(lambda x: np.maximum(x, NAN), (1.0, NAN)),
    "fmax(x, nan)":         at(lambda x: np.fmax(x, NAN), (1.0, 1, 0), (NAN, NAN)),
    "fmax(nan, x)":         at(lambda x: np.fmax(NAN, x), (1.0, 1, 0)),
    "fmax(x, 0)":           at(lambda x: np.fmax(x, 0), (0.0, 0.5, 0), (NAN, 0)),
    "fmin(x, 0)":           at(lambda x: np.fmin(x, 0), (0.0, 0.5, 0), (-1.0, 1, 0)),
    "clip":                 at(lambda x: np.clip(x, 0, 1), (0.0, 0.5, 0), (1.0, 0.5, 0), (0.5, 1, 0), (2.0, 0, 0),
                               (NAN, NAN)),
    "clip, log":            at(lambda x: np.clip(np.log(x), -1, 1), (0.0, 0), (1.0, 1, -1)),
    "arctan2(x, x)":        at(lambda x: np.arctan2(x, x), (0.0, NAN), (1e-200, 0)),
    "arctan2(x, 1e-200)":   at(lambda x: np.arctan2(x, 1e-200), (1e-200, 5e199)),
    "hypot(x, x)":          at(lambda x: np.hypot(x, x), (0.0, 0), (1.0, math.sqrt(2), 0)),
    "hypot(x, 0)":          at(lambda x: np.hypot(x, 0.0), (0.0, 0), (-2.0, -1, 0)),
    "arcsin":               at(np.arcsin, (1.0, INF), (-1.0, INF), (0.0, 1, 0)),
    "arccos":               at(np.arccos, (1.0, -INF)),
    "arccosh":              at(np.arccosh, (1.0, INF)),
    "arctanh":              at(np.arctanh, (1.0, INF)),
    "arctan":               at(np.arctan, (1e200, 0, 0)),
    "tanh":                 at(np.tanh, (1000.0, 0, 0), (-1000.0, 0, 0), (0.0, 1, 0)),
    "expm1":                at(np.expm1, (-50.0, math.exp(-50), math.exp(-50))),
    "exp":                  at(np.exp, (-INF, 0, 0), (1000.0, INF, INF)),
    "logistic":             at(lambda x: 1 / (1 + np.exp(-x)), (-1000.0, 0), (0.0, 0.25, 0)),
    "logaddexp(x, x)":      at(lambda x: np.logaddexp(x, x), (-INF, 1), (INF, 1), (2.0, 1, 0)),
    "logaddexp(x, 0)":      at(lambda x: np.logaddexp(x, 0.0), (0.0, 0.5, 0.25), (-INF, 0), (1000.0, 1, 0),
                               (-1000.0, 0, 0)),
    "logaddexp2(x, 0)":     at(lambda x: np.logaddexp2(x, 0.0), (0.0, 0.5, math.log(2) / 4)),
    "x % 2":                at(lambda x: x % 2, (4.0, 1, 0)),
    "5 % x":                at(lambda x: 5 % x, (3.0, -1, 0), (-3.0, 2, 0)),
    "fmod(5, x)":           at(lambda x: np.fmod(5, x), (3.0, -1, 0), (-3.0, 1, 0)),
    "copysign":             at(lambda x: np.copysign(x, -1.0), (0.0, 0, 0), (2.0, -1, 0)),
    "heaviside":            at(lambda x: np.heaviside(x, x), (0.0, 1, 0), (2.0, 0, 0)),
    "floor":                at(lambda x: x + np.floor(x), (1.0, 1, 0)),
    "ceil trunc rint sign": at(lambda x: x + np.ceil(x) + np.trunc(x) + np.rint(x) + np.sign(x), (0.0, 1, 0)),
    "round":                at(lambda x: x * np.round(x, 1), (1.5, 1.5, 0)),
    "x // 2":               at(lambda x: x + x // 2, (4.0, 1, 0)),
    "norm":                 at(lambda x: np.linalg.norm(np.stack([x, 0.0 * x]), axis=0), (0.0, 0), (-2.0, -1, 0)),
    "reciprocal":           at(np.reciprocal, (0.0, -INF, INF)),
    "1 / x":                at(lambda x: 1 / x, (0.0, -INF, INF), (INF, 0)),
}
# fmt: on
SCALAR_ROWS = [
    pytest.param(*row, id=f"{name} at {row[1]}") for name, rows in SCALARS.items() for row in rows
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("function", "point", "first", "second"), SCALAR_ROWS)
def test_scalar_corner(function, point, first, second, kind):
    x = KINDS[kind](point)
    with np.errstate(
        all="ignore"
    ):  # The function's own warnings at its pole are NumPy's; the derivative adds none.
        for mode, derivative in MODES.items():
            found = derivative(function, x)
            assert np.shape(found) == np.shape(x)
            np.testing.assert_allclose(
                found, np.full(np.shape(x), first), rtol=1e-14, atol=1e-300, err_msg=mode
            )
        if second is None:
            return
        for outer, inner in ((o, i) for o in MODES for i in MODES):
            found = MODES[outer](lambda x, inner=inner: MODES[inner](function, x), x)
            np.testing.assert_allclose(
                found,
                np.full(np.shape(x), second),
                rtol=1e-13,
                atol=1e-15,
                err_msg=f"{outer} over {inner}",
            )


def norm(order, **keywords):
    return lambda x: np.linalg.norm(x, order, **keywords)


def assigned(index, values):
    """The function of ``values`` that assigns them at ``index`` of zeros."""

    def f(v):
        y = np.zeros_like(v, shape=(3,))
        y[index] = v
        return y

    return f, values


ZEROS = np.zeros(3)
# Function, point, gradient of the sum of its results.
ARRAYS = {
    "max with ties": (np.max, [2, 2, 1], [0.5, 0.5, 0]),
    "min with ties": (np.min, [[1, 1], [3, 1]], [[1 / 3, 1 / 3], [0, 1 / 3]]),
    "max with NaN": (np.max, [1, NAN, 2], [NAN] * 3),
    "max with NaN in one row": (lambda x: np.max(x, axis=1), [[1, NAN], [1, 2]], [[NAN, NAN], [0, 1]]),
    "max with NaN, not taken": (lambda x: np.where(True, x[0], np.max(x)), [1, NAN, 2], [1, 0, 0]),
    "max of infinities": (np.max, [INF, INF, 1], [0.5, 0.5, 0]),
    "max, initial is larger": (lambda x: np.max(x, initial=9.0), [1, 2], [0, 0]),
    "max, initial is a tie": (lambda x: np.max(x, initial=2.0), [1, 2], [0, 0.5]),
    "max, masked": (lambda x: np.max(x, initial=0.0, where=[True, False, True]), [1, 5, 3], [0, 0, 1]),
    "max, masked element is a tie": (lambda x: np.max(x, initial=0.0, where=[True, False]), [5, 5], [1, 0]),
    "sum, masked NaN": (lambda x: np.sum(x * x, where=[True, False]), [3, NAN], [6, 0]),
    "var, masked NaN": (lambda x: np.var(x, where=[True, False, True]), [3, NAN, 1], [1, 0, -1]),
    "where, masked NaN": (lambda x: np.where([True, False], x, x * NAN), [3, 4], [1, NAN]),
    "where, mask on the other side": (lambda x: np.where([True, True], x, x * NAN), [3, 4], [1, 1]),
    "norm of zero": (norm(None), ZEROS, ZEROS),
    "norm 2 of zero": (norm(2), ZEROS, ZEROS),
    "norm 3 of zero": (norm(3), ZEROS, ZEROS),
    "norm 1.5 of zero": (norm(1.5), ZEROS, ZEROS),
    "norm 1 of zero": (norm(1), ZEROS, ZEROS),
    "norm inf of zero": (norm(INF), ZEROS, ZEROS),
    "norm fro of zero": (norm("fro"), np.zeros((2, 2)), np.zeros((2, 2))),
    "norm of a zero row": (norm(None, axis=1), [[0, 0], [3, 4]], [[0, 0], [0.6, 0.8]]),
    "norm of a zero row, keepdims": (norm(2, axis=-1, keepdims=True), [[0, 0], [3, 4]], [[0, 0], [0.6, 0.8]]),
    "norm 1 with a zero": (norm(1), [0, 2], [0, 1]),
    "norm 1.5 with a zero": (norm(1.5), [0, 2], [0, 1]),
    "norm 0.5 with a zero": (norm(0.5), [0, 2], [0, 1]),
    "norm 0": (norm(0), [0, 2], [0, 0]),
    "norm inf with ties": (norm(INF), [2, -2, 1], [0.5, -0.5, 0]),
    "norm -inf with ties": (norm(-INF), [2, -2, 3], [0.5, -0.5, 0]),
    "norm inf": (norm(INF), [1, -3, 2], [0, -1, 0]),
    "std of a constant": (np.std, [2, 2, 2], ZEROS),
    "std of one element": (np.std, [2], [0]),
    "std along rows, one constant": (lambda x: np.std(x, axis=1), [[2, 2], [1, 3]], [[0, 0], [-0.5, 0.5]]),
    "prod with a zero": (np.prod, [0, 2, 3], [6, 0, 0]),
    "prod with two zeros": (np.prod, [0, 2, 0], ZEROS),
    "prod of a matrix with zeros": (lambda x: np.prod(x, axis=0), [[0, 2], [3, 0], [5, 7]], [[15, 0], [0, 14], [0, 0]]),
    "prod with infinity, not taken": (lambda x: np.where(True, x[0], np.prod(x)), [1, INF], [1, 0]),
    "cumprod with a zero": (np.cumprod, [2, 0, 3], [1, 8, 0]),
    "cumprod of nothing": (np.cumprod, [], []),
    "sort with ties": (lambda x: np.sort(x) * [1, 10, 100], [2, 1, 2], [10, 1, 100]),
    "sort along an axis": (lambda x: np.sort(x, axis=0) * [[1], [10]], [[2, 1], [1, 2]], [[10, 1], [1, 10]]),
    "gather twice": (lambda x: x[[0, 0, 1]], [1, 2, 3], [2, 1, 0]),
    "assign twice, the last wins": (*assigned([1, 1], [5, 6]), [0, 1]),
    "assign by a mask": (*assigned(np.array([True, False, True]), [5, 6]), [1, 1]),
    "assign a number": (*assigned(slice(None), 5.0), 3),
    "view write reaches the base": (lambda x: _written_through_a_view(x), [1, 2], [3, 1]),
    "det, rank 1": (np.linalg.det, [[1, 2], [2, 4]], [[4, -2], [-2, 1]]),
    "det, rank 2 of 3": (np.linalg.det, [[1, 0, 0], [0, 2, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0], [0, 0, 2]]),
    "det, rank 1 of 3": (np.linalg.det, np.ones((3, 3)), np.zeros((3, 3))),
    "det of zero": (np.linalg.det, np.zeros((2, 2)), np.zeros((2, 2))),
    "det 1x1": (np.linalg.det, [[0]], [[1]]),
    "det of a batch with a singular matrix": (
        np.linalg.det, [[[1, 2], [2, 4]], [[1, 0], [0, 3]]], [[[4, -2], [-2, 1]], [[3, 0], [0, 1]]]),
    "det with NaN": (np.linalg.det, [[1, NAN], [0, 1]], np.full((2, 2), NAN)),
    "det, not taken": (lambda x: np.where(False, np.linalg.det(x), x[0, 0]), [[1, NAN], [0, 1]], [[1, 0], [0, 0]]),
    "slogdet singular": (lambda x: np.linalg.slogdet(x)[1], [[1, 2], [2, 4]], np.full((2, 2), INF)),
    "slogdet of a batch": (
        lambda x: np.linalg.slogdet(x)[1], [[[1, 2], [2, 4]], [[2, 0], [0, 4]]],
        [[[INF, INF], [INF, INF]], [[0.5, 0], [0, 0.25]]]),
    "slogdet singular, not taken": (
        lambda x: np.where(np.linalg.slogdet(x)[0] == 0, 0.0, np.linalg.slogdet(x)[1]), [[1, 2], [2, 4]],
        np.zeros((2, 2))),
    "slogdet, sign only": (lambda x: np.linalg.slogdet(x)[0], [[1, 2], [3, 4]], np.zeros((2, 2))),
    "cholesky is symmetrised": (np.linalg.cholesky, [[4, 0], [0, 9]], [[1 / 4, 1 / 4], [1 / 4, 1 / 6]]),
    "einsum ii->": (lambda x: np.einsum("ii->", x), [[1, 2], [3, 4]], [[1, 0], [0, 1]]),
    "einsum size 1": (lambda x: np.einsum("i,i", x, [1.0, 2.0, 3.0]), [5], [6]),
    "transpose (-1, 0)": (
        lambda x: np.transpose(x, (-1, 0)) * [[1, 2], [3, 4], [5, 6]], np.ones((2, 3)), [[1, 3, 5], [2, 4, 6]]),
    "sum where": (lambda x: np.sum(x, where=[True, False, True]), [1, 2, 3], [1, 0, 1]),
    "sum initial": (lambda x: np.sum(x, initial=5.0), [1, 2], [1, 1]),
    "full of a traced fill": (lambda x: np.full(3, x), 2.0, 3.0),
    "full_like of a traced fill": (lambda x: np.full_like(x, x, shape=(2, 3)), 2.0, 6.0),
    "where of a traced scalar": (lambda x: np.where([True, False, True], x, 7.0), 2.0, 2.0),
    "maximum of two arrays with a tie": (lambda x: np.maximum(x, [1, 2, 3]), [1, 1, 4], [0.5, 0, 1]),
    "sum of nothing": (np.sum, np.zeros((0, 3)), np.zeros((0, 3))),
    "max along a full axis of nothing": (lambda x: np.max(x, axis=1), np.zeros((0, 3)), np.zeros((0, 3))),
    "max of nothing with initial": (lambda x: np.max(x, axis=0, initial=1.0), np.zeros((0, 3)), np.zeros((0, 3))),
    "concatenate nothing": (lambda x: np.concatenate([x, np.zeros((2, 3))]), np.zeros((0, 3)), np.zeros((0, 3))),
    "prod of nothing": (np.prod, np.zeros((0,)), np.zeros((0,))),
    "det of nothing": (np.linalg.det, np.zeros((0, 2, 2)), np.zeros((0, 2, 2))),
    "matmul of nothing": (lambda x: x @ np.ones((3, 2)), np.zeros((0, 3)), np.zeros((0, 3))),
    "result of shape (1,)": (lambda x: x[:1] * 2, [1, 2], [2, 0]),
}  # fmt: skip


def _written_through_a_view(x):
    y = x * 1
    row = y[:1]
    row *= 3
    return y


@pytest.mark.parametrize(("function", "point", "gradient"), ARRAYS.values(), ids=ARRAYS.keys())
def test_array_corner(function, point, gradient):
    x = np.asarray(point, dtype=float)
    direction = np.ones(x.shape)
    gradient = np.asarray(gradient, dtype=float)
    with np.errstate(all="ignore"):
        value, pullback = ad.vjp(function, x)
        np.testing.assert_allclose(
            pullback(np.ones_like(value))[0], gradient, rtol=1e-13, atol=1e-14
        )
        rows = ad.jacobian(function, mode="forward")(x)
        assert rows.shape == np.shape(value) + x.shape
        np.testing.assert_allclose(
            np.sum(rows, axis=tuple(range(np.ndim(value)))), gradient, rtol=1e-13, atol=1e-14
        )
        np.testing.assert_allclose(
            np.sum(ad.jvp(function, (x,), (direction,))[1]),
            np.sum(gradient),
            rtol=1e-13,
            atol=1e-13,
        )


HESSIANS = {
    "prod with a zero": (np.prod, [0, 2, 3], [[0, 3, 2], [3, 0, 0], [2, 0, 0]]),
    "prod with two zeros": (np.prod, [0, 0, 3], [[0, 3, 0], [3, 0, 0], [0, 0, 0]]),
    "cumprod with a zero": (lambda x: np.cumprod(x)[-1], [0, 2, 3], [[0, 3, 2], [3, 0, 0], [2, 0, 0]]),
    "max with ties": (np.max, [2, 2], np.zeros((2, 2))),
    "sum of squares at zero": (lambda x: np.sum(x**2), [0, 0], 2 * np.eye(2)),
    "power at base zero": (lambda x: np.sum(x ** np.array([2, 1, 0])), [0, 0, 0], np.diag([2, 0, 0])),
    "power, mixed, at exponent 0": (lambda x: x[0] ** x[1], [2, 0], [[0, 0.5], [0.5, math.log(2) ** 2]]),
    "logaddexp at a tie": (lambda x: np.logaddexp(x[0], x[1]), [1, 1], [[0.25, -0.25], [-0.25, 0.25]]),
    "gather twice": (lambda x: np.sum(x[[0, 0, 1]] ** 2), [1, 2], np.diag([4, 2])),
    "assign twice": (lambda x: np.sum(assigned([1, 1], None)[0](x) ** 2), [5, 6], np.diag([0, 2])),
    "sort with ties": (lambda x: np.sum(np.sort(x) ** 2), [2, 2, 1], 2 * np.eye(3)),
    "where": (lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)), [0, 4], np.diag([0, -1 / 32])),
    "norm": (np.linalg.norm, [3, 4], np.array([[16, -12], [-12, 9]]) / 125),
    "det singular": (
        lambda x: np.linalg.det(x.reshape(2, 2)), [1, 2, 2, 4],
        [[0, 0, 0, 1], [0, 0, -1, 0], [0, -1, 0, 0], [1, 0, 0, 0]]),
    # The zeros of a slope do not hide that a branch that was not taken is undefined.
    "sqrt of prod, not taken": (
        lambda x: np.where(x[0] > 5, np.sqrt(np.prod(x)), np.sum(x**2)), [0, 0], 2 * np.eye(2)),
    "std of a constant, not taken": (lambda x: np.where(x[0] > 5, np.std(x), np.sum(x**2)), [2, 2], 2 * np.eye(2)),
    "log of max, not taken": (
        lambda x: np.where(x[0] > 5, np.log(np.max(x)), np.sum(x**2)), [0, 0], 2 * np.eye(2)),
    "norm at 0": (np.linalg.norm, [0, 0], np.diag([INF, INF])),
    "norm of zero, not taken": (lambda x: np.where(x[0] > 0, np.linalg.norm(x), x[0] ** 2), [0, 0], np.diag([2, 0])),
    # A zero that is one only here (log 1) stands beside one that is masked: its slope counts.
    "x log x beside a mask": (lambda x: np.sum(np.where(x > 0, x * np.log(x), 0.0)), [0, 1, -1], np.diag([0, 1, 0])),
    "product beside a mask": (lambda x: np.sum(np.where(x != 0, x / x * (x - 1) ** 2, 0.0)), [0, 1], np.diag([0, 2])),
    "einsum diagonal": (lambda x: np.einsum("ii->", np.outer(x, x)), [1, 2], 2 * np.eye(2)),
    "a program without the variable": (lambda x: np.sum(np.round(x)), [1, 2], np.zeros((2, 2))),
}  # fmt: skip


@pytest.mark.parametrize(("function", "point", "hessian"), HESSIANS.values(), ids=HESSIANS.keys())
def test_second_order_corner(function, point, hessian):
    x = np.asarray(point, dtype=float)
    hessian = np.asarray(hessian, dtype=float)
    with np.errstate(all="ignore"):
        for outer in ("forward", "reverse"):
            for inner in ("forward", "reverse"):
                found = ad.jacobian(ad.jacobian(function, mode=inner), mode=outer)(x)
                np.testing.assert_allclose(
                    found, hessian, rtol=1e-13, atol=1e-14, err_msg=f"{outer} over {inner}"
                )
        np.testing.assert_allclose(ad.hessian(function)(x), hessian, rtol=1e-13, atol=1e-14)


def test_third_derivative_of_a_determinant_of_rank_one():
    def determinant_along(t):
        return np.linalg.det(np.ones((3, 3)) + t * np.diag([1.0, 2.0, 3.0]))

    # t³ 6 + t² (1·2 + 1·3 + 2·3)
    second = ad.derivative(ad.derivative(determinant_along))
    assert second(0.0) == pytest.approx(22.0)
    assert ad.derivative(second)(0.0) == pytest.approx(36.0)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_jacobians_of_empty_arrays_have_the_right_shape(shape, mode):
    x = np.zeros(shape)
    assert ad.jacobian(np.sin, mode=mode)(x).shape == shape + shape
    assert ad.jacobian(np.sum, mode=mode)(x).shape == shape
    assert ad.jacobian(lambda x: x[:0], mode=mode)(np.ones(3)).shape == (0, 3)
    one_by_one = ad.jacobian(lambda x: np.convolve(np.append(x, 1.0), [1.0, 2.0]), mode=mode)
    assert one_by_one(x).shape == (2, *shape)


def test_indices_out_of_range_and_wrong_axes_raise_as_in_numpy():
    x = np.ones((2, 3))
    for f in (
        lambda x: x[5],
        lambda x: x[[0, 5]],
        lambda x: np.take(x, 9),
        lambda x: np.take(x, [3], axis=1),
    ):
        with pytest.raises(IndexError):
            ad.jacobian(f)(x)
    for f in (
        lambda x: np.sum(x, axis=2), lambda x: np.max(x, axis=(0, 5)), lambda x: np.linalg.norm(x, axis=(0, 2)),
        lambda x: np.stack([x, x], axis=4), lambda x: np.cumsum(x, axis=-3), lambda x: np.swapaxes(x, 0, 2),
    ):  # fmt: skip
        with pytest.raises(np.exceptions.AxisError):
            ad.jacobian(f)(x)
    for f in (
        lambda x: np.sum(x, axis=(0, 0)), lambda x: np.einsum("ij,j", x, np.ones(2)), lambda x: x @ np.ones(2),
        lambda x: np.einsum("...i->i", x), lambda x: np.reshape(x, (4, 2)), lambda x: np.concatenate([x, np.ones(3)]),
        lambda x: np.tensordot(x, x, 1), lambda x: np.max(x, where=x > 0), lambda x: np.max(x[:0], axis=0),
        lambda x: np.linalg.norm(x, axis=(0, 0)),
    ):  # fmt: skip
        with pytest.raises(ValueError):  # noqa: PT011 -- NumPy's wording is its own
            ad.jacobian(f)(x)
    with pytest.raises(np.linalg.LinAlgError):
        ad.jacobian(np.linalg.inv)(np.zeros((2, 2)))


def test_a_traced_fill_of_a_plain_array_is_refused_with_what_to_write():
    with pytest.raises(LostDerivativeError, match=r"np\.broadcast_to"):
        ad.grad(lambda x: np.sum(np.full_like(np.ones(3), x)))(2.0)


def test_gradient_has_the_kind_of_the_argument():
    for x in (2.0, 2, np.float64(2.0), np.array(2.0), np.array([2.0]), np.float32(2.0)):
        gradient = ad.grad(lambda x: np.sum(x * x))(x)
        assert np.shape(gradient) == np.shape(x)
        assert gradient.dtype == (np.float32 if isinstance(x, np.float32) else np.float64)
        assert isinstance(gradient, np.ndarray) == isinstance(x, np.ndarray)
        assert gradient == 4.0


def test_a_changed_argument_does_not_change_a_recorded_function():
    x = np.array([1.0, 2.0])
    _, pullback = ad.vjp(lambda x: x * x, x)
    x[:] = 100.0
    np.testing.assert_array_equal(pullback(np.ones(2))[0], [2.0, 4.0])


@pytest.mark.parametrize(
    "function", [lambda x: x, lambda x: x.T, lambda x: x[:1], lambda x: x + 0.0, np.copy, np.ravel]
)
def test_nothing_that_comes_out_shares_memory_with_what_went_in(function):
    x = np.ones((2, 2))
    v = np.ones((2, 2))
    value, slope = ad.jvp(function, (x,), (v,))
    assert not np.shares_memory(value, x)
    assert not np.shares_memory(slope, v)
    value, pullback = ad.vjp(function, x)
    assert not np.shares_memory(value, x)
    u = np.ones(value.shape)
    assert not np.shares_memory(pullback(u)[0], u)
    assert not np.shares_memory(pullback(u)[0], pullback(u)[0])
    assert not np.shares_memory(ad.jacobian(function)(x), x)


def test_the_derivative_of_a_safe_function_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(
            ad.grad(lambda x: np.sum(np.abs(x) ** 0.5))(np.array([0.0, 4.0])), [0.0, 0.25]
        )
        assert ad.grad(np.tanh)(1000.0) == 0.0
        assert ad.grad(np.linalg.norm)(np.zeros(2)).tolist() == [0.0, 0.0]
        assert ad.grad(np.sqrt)(0.0) == INF
        assert ad.derivative(lambda x: np.logaddexp(x, -1e4))(1e4) == 1.0


# The gradient of a real function of z = x + iy is ∂f/∂x − i ∂f/∂y.
COMPLEX = {
    "real of a square": (lambda z: np.real(z**2), 1 + 2j, 2 + 4j),
    "imag": (np.imag, 1 + 2j, -1j),
    "abs": (np.abs, 3 + 4j, 0.6 - 0.8j),
    "abs at 0": (np.abs, 0j, 0),
    "abs squared": (lambda z: (z * np.conj(z)).real, 3 + 4j, 6 - 8j),
    "attribute": (lambda z: z.real * z.imag, 3 + 4j, 4 - 3j),
    "norm": (lambda z: np.linalg.norm(np.stack([z, z])), 3 + 4j, math.sqrt(2) * (0.6 - 0.8j)),
    "var": (lambda z: np.var(np.stack([z, 0 * z])), 3 + 4j, (3 - 4j) / 2),
    "sign": (lambda z: np.sign(z).real, 3 + 4j, (16 + 12j) / 125),
    "vdot": (lambda z: np.vdot(z, z).real, 3 + 4j, 6 - 8j),
    "through a real number": (lambda z: np.real(np.exp(1j * np.real(z))), 1 + 2j, -math.sin(1)),
}


@pytest.mark.parametrize(("function", "point", "gradient"), COMPLEX.values(), ids=COMPLEX.keys())
def test_gradient_with_respect_to_a_complex_number(function, point, gradient):
    assert ad.grad(function)(point) == pytest.approx(gradient, abs=1e-15)
    for direction in (1.0 + 0j, 1j, 0.3 - 0.7j):
        slope = ad.jvp(function, (point,), (direction,))[1]
        assert slope == pytest.approx((gradient * direction).real, abs=1e-14)
        assert slope.dtype == np.float64


def test_a_real_number_behind_a_complex_function_has_a_real_gradient():
    def f(x):
        z = x * (1 + 2j)
        return (z * np.conj(z)).real

    gradient = ad.grad(f)(3.0)
    assert gradient == 30.0
    assert gradient.dtype == np.float64


@pytest.mark.parametrize(
    "question",
    [
        np.argmax, np.argmin, np.argsort, np.nonzero, np.isnan, np.isfinite, np.isinf, np.round, np.any, np.all,
        np.ndim, np.shape, np.size, np.count_nonzero, np.signbit, np.floor, np.iscomplexobj,
        lambda x: np.allclose(x, 1.0),
        lambda x: np.argmax(a=x, axis=0), lambda x: np.round(a=x, decimals=1), lambda x: np.searchsorted([0.0, 1.5], x),
        lambda x: np.searchsorted(x, v=1.5), lambda x: np.array_equal(x, x), lambda x: x > 1, lambda x: np.less(1, x),
        lambda x: x == 1, lambda x: x // 2, lambda x: x.astype(int), lambda x: np.result_type(x, np.float32),
        lambda x: np.digitize(x, [1.5]),
    ],
)  # fmt: skip
def test_what_has_derivative_zero_gives_plain_answers(question):
    x = np.array([1.0, 2.0, 3.0])
    answers = []

    def f(x):
        answers.append(question(x))
        return np.sum(x)

    np.testing.assert_array_equal(ad.grad(f)(x), np.ones(3))
    ad.jvp(f, (x,), (x,))
    ad.grad(lambda x: np.sum(ad.grad(f)(x)))(x)
    for answer in answers[:2]:
        np.testing.assert_array_equal(answer, question(x))


def test_other_spellings() -> None:
    x = np.array([1.0, 5.0, 2.0])
    np.testing.assert_array_equal(ad.grad(np.amax)(x), [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(ad.grad(np.amin)(x), [1.0, 0.0, 0.0])
    mask = [True, False, True]
    np.testing.assert_array_equal(ad.jacobian(lambda x: x.compress(mask))(x), np.eye(3)[[0, 2]])
