"""Each pass alone: what it takes away, what it must leave, and that no bit changes."""

import numpy as np
import pytest

from optkit import ad
from optkit.ad.capture import capture
from optkit.ad.executors.interpreter import Program
from optkit.ad.graph import check
from optkit.ad.passes import PASSES, simplify
from optkit.ad.passes.algebra import simplify_algebra
from optkit.ad.passes.cleaning import drop_dead, fold_constants, merge_common

CORNERS = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-310, 1e308, 0.5])
X = np.linspace(0.5, 2.0, 4)


def names(graph):
    return [equation.primitive.name for equation in graph.equations]


def passed(run, f, *arguments):
    graph = run(capture(f, arguments or (X,)).graph)
    check(graph)
    return graph


# --- dead code ----------------------------------------------------------------------------------


def test_what_nobody_reads_goes_and_what_a_guard_reads_stays():
    def f(x):
        np.exp(x)
        if np.sum(np.cos(x)) > 0:
            return np.sin(x)
        return x

    graph = passed(drop_dead, f)
    assert "exp" not in names(graph)
    assert names(graph) == ["cos", "total", "greater", "sin"]
    assert len(graph.guards) == 1


def test_results_of_which_one_is_read_stay():
    graph = passed(drop_dead, lambda x: np.linalg.eigh(np.outer(x, x))[0])
    assert names(graph)[-1] == "eigh"
    assert len(graph.equations[-1].results) == 2


# --- constants ----------------------------------------------------------------------------------


def test_numbers_are_folded_and_arrays_are_not():
    w = np.ones(4)
    assert names(passed(fold_constants, lambda x: x * w)) == ["multiply"]
    graph = capture(ad.grad(lambda x: np.sum(x) * 2.0), (X,)).graph
    before, after = len(graph.equations), len(fold_constants(graph).equations)
    assert after <= before


# --- common subexpressions ----------------------------------------------------------------------


def test_equal_expressions_are_computed_once():
    graph = passed(merge_common, lambda x: np.sin(x) * np.sin(x) + np.sin(x))
    assert names(graph).count("sin") == 1


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (x * 0.0, x * -0.0),
        lambda x: (x[:2], x[1:3]),
        lambda x: (np.sum(x.reshape(2, 2), axis=0), np.sum(x.reshape(2, 2), axis=1)),
        lambda x: (x + 1, x + 1.0),
        lambda x: (x > 1, x > True),
        lambda x: (x[0], x[:1]),
        lambda x: (x - x[::-1], x[::-1] - x),
    ],
)
def test_expressions_that_only_look_alike_are_not(f):
    graph = passed(merge_common, f)
    assert graph.outputs[0] is not graph.outputs[1]
    for found, wanted in zip(Program(simplify(graph))([X]), f(X), strict=True):
        np.testing.assert_array_equal(found, wanted)
        assert np.array_equal(np.signbit(found), np.signbit(wanted))


def test_a_question_that_is_asked_again_is_guarded_once():
    def f(x):
        first = 1.0 if x[0] > 0 else 2.0
        return first * x if x[0] > 0 else x

    captured = capture(f, (X,)).graph
    assert len(captured.guards) == 2
    assert len(merge_common(captured).guards) == 1


# --- algebra ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "left"),
    [
        (lambda x: x * 1.0, []),
        (lambda x: 1.0 * x, []),
        (lambda x: x * -1.0, ["negative"]),
        (lambda x: x / 1.0, []),
        (lambda x: np.negative(-x), []),
        (lambda x: x + -np.sin(x), ["sin", "subtract"]),
        (lambda x: -np.sin(x) + x, ["sin", "subtract"]),
        (lambda x: x - -np.sin(x), ["sin", "add"]),
        (lambda x: x - 0.0, []),
        (lambda x: x + -0.0, []),
        (lambda x: x.reshape(2, 2).reshape(4), []),
        (lambda x: x.reshape(2, 2).reshape(4, 1), ["reshape"]),
        (lambda x: x[:], []),
        (lambda x: x[...], []),
        (lambda x: x[0:4], []),
        (lambda x: np.broadcast_to(np.broadcast_to(x, (1, 4)), (3, 4)), ["broadcast_to"]),
        # These would not be exact.
        (lambda x: x + 0.0, ["add"]),
        (lambda x: x - -0.0, ["subtract"]),
        (lambda x: 0.0 - x, ["subtract"]),
        (lambda x: x * 0.0, ["multiply"]),
        (lambda x: x - x, ["subtract"]),
        (lambda x: x / x, ["divide"]),
        (lambda x: x[::-1], ["basic_index"]),
        (lambda x: x[1:], ["basic_index"]),
    ],
)
def test_algebra_takes_what_is_exact_and_leaves_the_rest(f, left):
    graph = drop_dead(passed(simplify_algebra, f))
    assert names(graph) == left
    for x in (X, *(np.roll(CORNERS, k)[:4] for k in range(len(CORNERS)))):
        with np.errstate(all="ignore"):
            wanted = f(x)
        (found,) = Program(graph)([x])
        np.testing.assert_array_equal(found, wanted)
        number = ~np.isnan(wanted)  # The sign of NaN is nobody's business.
        np.testing.assert_array_equal(np.signbit(found)[number], np.signbit(wanted)[number])


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.complex128, bool])
def test_algebra_keeps_dtypes(dtype):
    x = np.array([1, 0, 1, 1]).astype(dtype)
    for f in (
        lambda x: x * 1.0,
        lambda x: x / 1.0,
        lambda x: x + -0.0,
        lambda x: x * 1,
        lambda x: x - 0,
    ):
        try:
            wanted = f(x)
        except TypeError:  # NumPy does not subtract from bools.
            continue
        (found,) = Program(simplify(capture(f, (x,)).graph, checked=True))([x])
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)


# --- all together -------------------------------------------------------------------------------

FUNCTIONS = {
    "rosenbrock": lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    "branch": lambda x: np.sum(np.sin(x)) if x[0] > 0 else np.prod(x),
    "products": lambda x: x @ np.outer(x, x) @ x,
    "pieces": lambda x: np.sum(np.concatenate([x[2:], x]) ** 2) * np.max(x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_check_runs_behind_each_pass_and_results_stay(name):
    for f in (FUNCTIONS[name], ad.grad(FUNCTIONS[name]), ad.hessian(FUNCTIONS[name])):
        graph = capture(f, (X,)).graph
        cleaned = simplify(graph, checked=True)
        assert len(cleaned.equations) <= len(graph.equations)
        (found,), (wanted,) = Program(cleaned)([X]), Program(graph)([X])
        np.testing.assert_array_equal(found, wanted)


def test_passes_leave_the_graph_that_they_are_given():
    graph = capture(ad.grad(FUNCTIONS["rosenbrock"]), (X,)).graph
    before = str(graph)
    for run in PASSES:
        run(graph)
    assert str(graph) == before


def test_a_pass_twice_is_a_pass_once():
    graph = simplify(capture(ad.hessian(FUNCTIONS["rosenbrock"]), (X,)).graph)
    assert str(simplify(graph)) == str(graph)
