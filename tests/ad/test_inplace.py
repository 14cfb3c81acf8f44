"""Assignment follows NumPy: the same code on a plain array is the oracle for values, complex steps for derivatives."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optkit import ad
from optkit.ad import core
from optkit.errors import LostDerivativeError, NotDifferentiableError

X = np.array([0.7, -1.3, 2.1, 0.4, 1.6, -0.8])
STEP = 1e-30


def check(f: Callable[[Any], Any], x: Any = X) -> None:
    """Values equal those of plain NumPy to the last bit; both modes' Jacobians equal the complex step's."""
    before = x.copy()
    value = f(x.copy())
    expected = np.stack([np.imag(f(x + 1j * STEP * e)) / STEP for e in np.eye(len(x))], axis=-1)
    for mode in ("forward", "reverse"):
        found, jacobian = ad.value_and_jacobian(f, mode=mode)(x)
        np.testing.assert_array_equal(found, value)
        scale = max(1.0, np.abs(expected).max(initial=0.0))
        np.testing.assert_allclose(jacobian, expected, rtol=1e-9, atol=1e-9 * scale)
    np.testing.assert_array_equal(x, before)


# --- one assignment of each kind --------------------------------------------------------------------------------------


def assign(y: Any, index: Any, value: Any) -> None:
    y[index] = value


INDICES = {
    "integer": 0,
    "negative": -1,
    "NumPy integer": np.int64(1),
    "slice": slice(1, 3),
    "stride": slice(None, None, 2),
    "reversed": slice(None, None, -1),
    "all": slice(None),
    "ellipsis": Ellipsis,
    "new axis": None,
    "empty": slice(0, 0),
    "row and column": (1, 2),
    "column": (slice(None), 1),
    "last axis": (..., 0),
    "list": [0, 1],
    "array": np.array([1, 0]),
    "repeated": [1, 1, 0],
    "pairs": ([0, 1], [2, 1]),
    "mixed": (slice(None), [0, 2]),
    "repeated columns": (..., [1, 1]),
    "mask": np.array([[True, False, True], [False, True, False]]),
    "row mask": np.array([True, False]),
    "true": True,
    "false": False,
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
@pytest.mark.parametrize("value", [3.0, "traced scalar", "traced array", "plain array"])
def test_assignment_to_an_index(index: Any, value: Any) -> None:
    def f(x: Any) -> Any:
        y = x.reshape(2, 3) * x[0]
        part = y[index] ** 2
        v = {
            "traced scalar": x[1] * x[2],
            "traced array": part,
            "plain array": np.ones(part.shape),
        }.get(value, value)
        z = y + 0.0
        z[index] = v
        return np.ravel(z * y)

    check(f)


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
@pytest.mark.parametrize(
    "update", [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow]
)
def test_augmented_assignment_to_an_index(index: Any, update: Any) -> None:
    def f(x: Any) -> Any:
        y = x.reshape(2, 3) * x[0]
        y[index] = update(y[index], 2 if update is operator.ipow else x[1])
        return np.ravel(y)

    check(f)


def through_a_view(take: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        y = x.reshape(2, 3) * 1.0
        view = take(y)
        view[0] = x[0] * x[1]
        y[1, 1] = x[2] ** 2
        view[...] += x[3]
        y *= 2.0
        return np.concatenate([np.ravel(y), np.ravel(view)])

    return f


VIEWS = {
    "row": lambda y: y[1],
    "column": lambda y: y[:, 1],
    "slice of a slice": lambda y: y[:, 1:][::-1],
    "transpose": lambda y: y.T,
    "reshape": lambda y: y.reshape(3, 2),
    "ravel": lambda y: y.ravel(),
    "ravel of a transpose, which copies": lambda y: y.T.ravel(),
    "reshape of a transpose, which copies": lambda y: y.T.reshape(-1),
    "ravel of every other column, which copies": lambda y: y[:, ::2].ravel(),
    "ravel of reversed rows, which copies": lambda y: y[::-1, ::-1].ravel(),
    "reshape in Fortran order": lambda y: y.reshape(3, 2, order="F"),
    "swapaxes": lambda y: np.swapaxes(y, 0, 1)[1:],
    "moveaxis": lambda y: np.moveaxis(y[None], 0, -1)[..., 0],
    "expand_dims and squeeze": lambda y: np.squeeze(np.expand_dims(y, 0)),
    "new axis": lambda y: y[:, None],
    "split": lambda y: np.split(y, 2)[1],
    "flip": lambda y: np.flip(y, 1),
    "atleast_3d": lambda y: np.atleast_3d(y),
    "real part": lambda y: y.real if not np.iscomplexobj(y) else y,
    "copy": lambda y: y.copy(),
    "copy of a transpose": lambda y: y.T.copy().ravel(),
    "flatten": lambda y: y.flatten(),
    "fancy index, which copies": lambda y: y[[1, 0]],
    "mask, which copies": lambda y: y[np.array([True, True])],
    "sum with zero": lambda y: y + 0.0,
}


@pytest.mark.parametrize("take", VIEWS.values(), ids=VIEWS)
def test_views_write_through_and_see_writes_where_numpy_makes_views(
    take: Callable[[Any], Any],
) -> None:
    check(through_a_view(take))


@pytest.mark.parametrize(
    "make",
    [
        lambda y: y.copy(),
        np.copy,
        np.zeros_like,
        np.ones_like,
        lambda y: np.full_like(y, 2.0),
        lambda y: y * 2.0,
        lambda y: y.astype(np.float32),
        lambda y: y.flatten(),
        lambda y: y.reshape(3, 2, order="F"),
        lambda y: np.where(y > 0, y, 0.0),
    ],
)
def test_arrays_lie_in_memory_as_numpy_lays_them(make: Callable[[Any], Any]) -> None:
    """On that depends what is a view of them: a transpose can be reshaped without a copy or not."""

    def orders(y: Any) -> tuple[bool, bool]:
        flags = core.primal(make(y)).flags
        return flags.c_contiguous, flags.f_contiguous

    for take in (lambda x: x.reshape(2, 3), lambda x: x.reshape(3, 2).T):
        plain = orders(take(X) * 1.0)
        for mode in ("forward", "reverse"):
            found = []
            ad.jacobian(lambda x: (found.append(orders(take(x) * 1.0)), x)[1], mode=mode)(X)  # noqa: B023
            assert found[-1] == plain


def test_a_view_of_a_view_whose_name_is_gone() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        last = y[1:][1:].reshape(2, 2).T[0]
        last[1] = x[0] ** 2
        return y

    check(f)


def statements(x: Any) -> Any:
    y = x * 1.0
    y[1:] += y[:-1]
    y[:3] -= x[3:] * y[0]
    y[::2] *= y[1]
    y[1:] = y[:-1]
    y[::-1] = y * x
    y /= 3.0
    y **= 2
    y -= x
    y.fill(y[2] * x[5])
    y[y > 0] *= x[0]
    y[[0, 0, 3]] += x[:3]
    y[2:4], y[4] = x[0:2] * y[3], x[5]
    y[1], y[0] = y[0], y[1]
    return y


def test_statements_in_a_row() -> None:
    check(statements)


def test_a_name_is_the_same_array_and_an_operation_makes_a_new_one() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        same, other = y, y + 0.0
        y += x
        same[0] *= 2.0
        return np.concatenate([y, same, other])

    check(f)


def test_scalars_are_immutable_as_in_numpy() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        s = y[0]
        s += x[1]
        s *= 2.0
        return y * s

    check(f)


MAKERS = {
    "zeros_like": lambda x: np.zeros_like(x),
    "empty_like": lambda x: np.empty_like(x),
    "ones_like": lambda x: np.ones_like(x),
    "full_like": lambda x: np.full_like(x, 2.0),
    "zeros like": lambda x: (
        np.zeros(6, like=x, dtype=x.dtype) if not isinstance(x, np.ndarray) else np.zeros_like(x)
    ),
    "copy": lambda x: x.copy(),
    "a list": lambda x: [0.0] * 6,
    "an object array": lambda x: np.empty(6, dtype=object),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_arrays_can_be_made_empty_and_filled(make: Callable[[Any], Any]) -> None:
    def f(x: Any) -> Any:
        y = make(x)
        y[0] = x[0]
        for i in range(1, 6):
            y[i] = y[i - 1] * x[i] + 1.0
        return np.stack(list(y)) if isinstance(y, list) or y.dtype == object else y

    check(f)


def test_out_may_be_a_traced_array() -> None:
    def f(x: Any) -> Any:
        y = np.zeros_like(x)
        np.multiply(x, x[0], out=y)
        np.add(y, 1.0, out=y)
        return y

    check(f)


def test_float32_stays_float32() -> None:
    def f(x: Any) -> Any:
        y = x * 1
        y[1:] += np.float64(0.5)
        y += np.ones(6)
        y[0] = np.float64(3.0) * x[1]
        assert y.dtype == np.float32
        return np.sum(y * y)

    x = X.astype(np.float32)
    gradient = ad.grad(f)(x)
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient[1:], 2 * (x[1:] + 1.5) + [18 * x[1], 0, 0, 0, 0], rtol=1e-5)


# --- what NumPy refuses, and what would lose a derivative -------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (lambda y: assign(y, 7, 0.0), IndexError),
        (lambda y: assign(y, slice(0, 2), y), ValueError),
        (lambda y: operator.iadd(y, np.ones((2, 6))), ValueError),
        (lambda y: assign(y, "name", 0.0), IndexError),
        (lambda y: assign(y, 1.5, 0.0), IndexError),
        (lambda y: assign(y, (0, 0), 0.0), IndexError),
    ],
)
def test_what_numpy_refuses_is_refused_and_changes_nothing(statement: Any, error: Any) -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        with pytest.raises(error):
            statement(y)
        return y

    check(f)


def test_complex_values_do_not_fit_into_a_real_array() -> None:
    with pytest.raises(LostDerivativeError, match="complex128 values into an array of float64"):
        ad.grad(lambda x: assign(x * 1.0, 0, 1j * x[0]))(X)


def test_an_inner_value_does_not_fit_into_an_array_of_an_outer_derivative() -> None:
    def f(x: Any) -> Any:
        buffer = x * 1.0

        def inner(y: Any) -> Any:
            buffer[0] = y[0]
            return np.sum(buffer)

        return np.sum(ad.grad(inner)(x))

    for mode in ("forward", "reverse"):
        with pytest.raises(LostDerivativeError, match="make that array inside the inner function"):
            ad.jacobian(f, mode=mode)(X)


def test_second_derivatives_of_code_that_assigns() -> None:
    def f(x: Any) -> Any:
        return np.sum(statements(x)[:4] ** 3)

    h = 1e-5
    differences = np.stack(
        [(ad.grad(f)(X + h * e) - ad.grad(f)(X - h * e)) / (2 * h) for e in np.eye(6)]
    )
    for outer in ("forward", "reverse"):
        for inner in ("forward", "reverse"):
            hessian = ad.jacobian(ad.jacobian(f, mode=inner), mode=outer)(X)
            np.testing.assert_allclose(
                hessian, differences, rtol=1e-5, atol=1e-5 * np.abs(hessian).max()
            )


# --- random programs --------------------------------------------------------------------------------------------------

BASIC = ("integer", "negative", "slice", "stride", "reversed", "all", "ellipsis", "new axis")
SOME_INDICES = [INDICES[name] for name in BASIC]
SOME_INDICES += [
    (0, slice(1, None)),
    (slice(None), 0),
    (..., 1),
    [1, 0],
    [1, 0, 1],
    ([0, 1], [1, 1]),
    slice(1, None),
]
OPERATORS = [None, operator.iadd, operator.isub, operator.imul]


@st.composite
def instructions(draw: st.DrawFn) -> tuple[Any, ...]:
    """(which array, ("view", how) or ("assign", index or None for all, operator, value, array to take it from))."""
    which = draw(st.integers(0, 20))
    if draw(st.booleans()):
        return which, "view", draw(st.sampled_from(list(VIEWS.values())))
    index = draw(st.none() | st.integers(0, len(SOME_INDICES) - 1))
    kind = draw(st.sampled_from(["constant", "sum", "array"]))
    return which, "assign", index, draw(st.sampled_from(OPERATORS)), kind, draw(st.integers(0, 20))


def run(program: list[tuple[Any, ...]], x: Any) -> Any:
    """Carry out a program on a growing list of arrays; what NumPy refuses is left out."""
    arrays = [x.reshape(2, 3) * 1.0]
    for which, what, *rest in program:
        target = arrays[which % len(arrays)]
        try:
            if what == "view":
                arrays.append(rest[0](target))
            else:
                _assign(target, *rest, arrays)
        except (IndexError, ValueError):
            continue
    return np.concatenate([np.ravel(a) for a in arrays])


def _assign(
    target: Any, index: Any, update: Any, kind: str, source: int, arrays: list[Any]
) -> None:
    part = target if index is None else target[SOME_INDICES[index]]
    value = arrays[source % len(arrays)]
    if kind == "constant":
        value = 0.5
    elif kind == "sum" or value.shape != part.shape:
        value = 0.1 * np.sum(value)
    if index is None:
        if update is None:
            target[...] = value
        else:
            update(target, value)
    else:
        target[SOME_INDICES[index]] = value if update is None else update(part, value)


@given(st.lists(instructions(), min_size=1, max_size=10), st.integers(0, 2**32 - 1))
def test_random_programs(program: list[tuple[Any, ...]], seed: int) -> None:
    check(lambda x: run(program, x), np.random.default_rng(seed).uniform(-1.0, 1.0, size=6))


# --- views of other kinds --------------------------------------------------------------------------------


def test_parts_of_a_complex_array_are_views() -> None:
    def f(x: Any) -> Any:
        z = x + 0j
        z.imag[:] = x**2
        z.real[0] = 7.0
        part = z.imag
        z[1] = 2.0 + 3.0j
        return np.sum(np.abs(z) ** 2 + part)

    np.testing.assert_allclose(ad.value_and_grad(f)(X)[0], f(X), rtol=1e-15)
    h = 1e-6
    slopes = [(f(X + h * e) - f(X - h * e)) / (2 * h) for e in np.eye(len(X))]
    np.testing.assert_allclose(ad.grad(f)(X), slopes, rtol=1e-7, atol=1e-7)


def test_a_zero_dimensional_part_is_a_view() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        part = y[0, ...]
        part[...] = 5.0
        return y * y

    check(f)


def test_a_view_that_cannot_be_written_through_is_refused() -> None:
    def f(x: Any) -> Any:
        y = np.outer(x, x)
        diagonal = np.einsum("ii->i", y)
        y[0, 0] = 3.0  # Seen by the view …
        total = diagonal.sum()
        diagonal[:] = 1.0  # … but not the other way round.
        return total

    with pytest.raises(NotDifferentiableError, match="assign to that array itself"):
        ad.grad(f)(X)


def test_what_numpy_returns_as_it_is_stays_the_same_array() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        y.astype(y.dtype, copy=False)[0] = 10.0
        if not np.iscomplexobj(y):
            y.conj()[1] = 2.0
        else:
            y[1] = 2.0
        return y * y

    check(f)


def test_a_number_cannot_be_assigned_to() -> None:
    def f(x: Any) -> Any:
        x[0][...] = 1.0
        return x.sum()

    for call in (f, ad.grad(f)):
        with pytest.raises(TypeError, match="does not support item assignment"):
            call(X.copy())
