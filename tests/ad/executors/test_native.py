"""The LLVM executor: plans, layouts in memory, and the mistakes that it once made."""

import numpy as np
import pytest

from optkit import ad
from optkit.ad.executors import native, operations, planning
from optkit.ad.executors.machine import hexadecimal

pytest.importorskip("llvmlite")
X = np.random.default_rng(3).normal(size=30)


def compiled(f):
    return ad.jit(f, executor="llvm")


def with_pieces_inside(x):
    """A sum over a piecewise vector, whose gradient writes the same box."""
    y = x[12:] + 0.0
    y[1:] = 2.0
    y[3:] = 3.0
    return np.sum(y) + np.sum(x[12:] ** 2)


def with_a_sum_behind_a_sum(x):
    """The gradient needs, in the loops over the box, how many elements are the largest."""
    return np.max(x[12:]) + np.sum(x[12:])


def vector_times_itself(x):
    return x[12:] @ x[12:]


def matrix_times_itself(x):
    a = x[:25].reshape(5, 5)
    return np.sum(a @ a) + np.sum(a @ a.T) + np.sum(a.T @ a)


@pytest.mark.parametrize(
    "f",
    [with_pieces_inside, with_a_sum_behind_a_sum, vector_times_itself, matrix_times_itself],
)
def test_value_and_gradient_are_those_of_the_plain_function(f):
    plain = ad.value_and_grad(f)
    for x in (X, X[::-1].copy()):
        found, wanted = compiled(plain)(x), plain(x)
        np.testing.assert_allclose(found[0], wanted[0], rtol=1e-13)
        np.testing.assert_allclose(found[1], wanted[1], rtol=1e-13, atol=1e-14)


def misplaced(x):
    raw = np.zeros(x.nbytes + 1, np.uint8)
    view = raw[1:].view(x.dtype)
    view[...] = x
    assert not view.flags.aligned
    return view


@pytest.mark.parametrize(
    "turned",
    [lambda x: x.astype(">f8"), misplaced, lambda x: np.repeat(x, 2)[::2], lambda x: x[::-1]],
    ids=["byte-swapped", "unaligned", "with gaps", "backwards"],
)
def test_arrays_in_any_layout_are_read_as_numbers_inside_and_outside(turned):
    w = turned(X)
    f = compiled(lambda x: np.sin(x) * w + np.sum(w * x))
    for x in (X, w):
        np.testing.assert_allclose(f(x), np.sin(x) * w + np.sum(w * x), rtol=1e-13)
    w[...] = w[::-1].copy()
    np.testing.assert_allclose(f(X), np.sin(X) * w + np.sum(w * X), rtol=1e-13)


def test_kinds_without_machine_code_are_left_to_numpy():
    assert operations.kind_of(np.dtype("f8")) == "double"
    assert operations.kind_of(np.dtype(">f8")) is None
    assert operations.kind_of(np.dtype("c16")) is None
    f = compiled(lambda x: np.exp(1j * x))
    assert isinstance(f.specialisations or f(X), np.ndarray)
    made = f.specialisations[0].program
    assert isinstance(made, native.Mixed)
    np.testing.assert_allclose(f(X), np.exp(1j * X), rtol=1e-14)


@pytest.mark.parametrize("number", [0.1, -0.0, 1e-310, np.inf, -np.inf, np.nan, 1e308])
def test_numbers_are_written_to_the_last_bit(number):
    bits = int(hexadecimal(number, "double"), 16)
    assert bits == int(np.float64(number).view(np.uint64))


@pytest.mark.parametrize(
    "f",
    [np.exp, np.log, np.sqrt, np.maximum.reduce, np.sum, np.abs, np.sign, np.cumsum, np.negative],
)
@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 17, 33])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_corner_values_come_out_as_numpys(f, n):
    corners = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-310, -1.0, 710.0])
    x = np.resize(corners, n)
    for start in range(len(corners)):
        y = np.roll(x, -start)
        with np.errstate(all="ignore"):
            wanted = f(y * 1.0)
        found = compiled(lambda y: f(y * 1.0))(y)
        np.testing.assert_allclose(found, wanted, rtol=1e-15)
        zero = np.asarray(wanted) == 0
        assert np.array_equal(np.signbit(found)[zero], np.signbit(wanted)[zero])


def test_a_plan_orders_what_depends_on_sums():
    """No kernel computes what it needs as a whole."""
    from optkit.ad.capture import capture
    from optkit.ad.passes import simplify

    for f in (with_a_sum_behind_a_sum, with_pieces_inside, lambda x: x / np.sum(x) * np.max(x)):
        graph = native._answerable(native._owned(simplify(capture(f, (X,)).graph)))
        plan = planning.Plan(graph)
        done = set()
        for step in plan.steps:
            if isinstance(step, planning.Scalars):
                done.update(e.result for e in step.equations)
            elif isinstance(step, planning.Call):
                done.add(step.equation.result)
            else:
                made = {e.result for e in step.reductions} | {e.result for e, _ in step.guests}
                todo = list(step.roots())
                while todo:
                    value = todo.pop()
                    assert value not in made
                    if value not in done and value.origin is not None:
                        todo += value.origin.operands
                done |= made | set(step.stores)
        assert {v for v in graph.outputs if v.origin} <= done


def test_errors_inside_are_numpys():
    solve = compiled(lambda a: np.linalg.solve(a, np.ones(2)))
    solve(np.eye(2))
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        solve(np.ones((2, 2)))
    np.testing.assert_array_equal(solve(np.eye(2) * 2), [0.5, 0.5])


def test_an_index_out_of_range_raises_as_the_plain_function_does():
    f = compiled(lambda x, i: x[i] * 2)
    f(X, np.arange(20))
    with pytest.raises(IndexError, match="out of bounds"):
        f(X, np.arange(20) + 15)
    np.testing.assert_array_equal(f(X, np.arange(20) - 30), X[:20] * 2)


def test_without_vector_functions_the_scalar_ones_serve(monkeypatch):
    from optkit.ad.executors import machine, operations

    here = machine.machine()
    for width in (1, 2):
        there = here._replace(vector_functions=frozenset(), width=width)
        for module in (native, operations):
            monkeypatch.setattr(module, "machine", lambda there=there: there)
        found = compiled(lambda x: np.sum(np.exp(np.sin(x))))(X)
        np.testing.assert_allclose(found, np.sum(np.exp(np.sin(X))), rtol=1e-14)


def test_a_function_in_a_cycle_is_let_go_of_safely():
    """The collector of cycles takes things apart in any order: what Python reads of a function has to outlive it."""
    import gc

    for _ in range(30):
        cycle = {}
        cycle["f"] = compiled(lambda x, cycle=cycle: x * 2)
        cycle["f"](X)
        cycle["entry"] = cycle["f"].specialisations[0].entry
        cycle["self"] = cycle
        del cycle
        gc.collect()


CORNERS = np.array([0, -0.0, 1, -1, 2, 0.5, -0.5, np.inf, -np.inf, np.nan, 1e200, 1e-200, 3, 7])


def same_to_the_sign(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-14)
    number = ~np.isnan(wanted)
    np.testing.assert_array_equal(np.signbit(found)[number], np.signbit(wanted)[number])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "p", [0, 1, 2, 3, -1, -3, 8, 9, 0.5, -0.5, 1.5, 2.0, np.inf, -np.inf, np.nan]
)
def test_powers(p):
    same_to_the_sign(compiled(lambda x: x**p)(CORNERS), CORNERS**p)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "name", "fmod arctan2 hypot copysign maximum minimum fmax fmin power divide".split()
)
def test_functions_of_two_operands_at_corner_values(name):
    f = getattr(np, name)
    a, b = np.repeat(CORNERS, len(CORNERS)), np.tile(CORNERS, len(CORNERS))
    same_to_the_sign(compiled(f)(a, b), f(a, b))
