"""The graph of a captured computation: how it prints, and what its legality check finds."""

import numpy as np
import pytest

from optkit.ad.capture import capture
from optkit.ad.graph import Constant, Equation, Graph, Guard, Value, check, kind_of
from optkit.ad.rules import elementwise as rules

F8 = np.float64


def double():
    """``x + x``, and its parts."""
    x = Value((3,), F8)
    equation = Equation(rules.add, (x, x), {})
    equation.results = (Value((3,), F8, equation),)
    return x, equation


def test_it_prints_as_code():
    w = np.arange(6.0).reshape(2, 3)
    graph = capture(lambda x: (x * w, np.max(x, axis=1)) if x[0, 0] > 0 else x, (np.ones((2, 3)),))
    assert str(graph.graph) == (
        "inputs  v0: float64[2, 3]\n"
        "constants c0: float64[2, 3]\n"
        "v1: float64 = basic_index v0 index=(0, 0)\n"
        "v2: bool = greater v1 0\n"
        "guard   v2 == True\n"
        "v3: float64[2, 3] = multiply v0 c0\n"
        "v4: float64[2] = max v0 axis=(1,) keepdims=False\n"
        "outputs v3, v4"
    )


def test_long_parameters_are_cut():
    graph = capture(lambda x: np.reshape(x, (1,) * 60), (np.ones(1),)).graph
    assert max(map(len, str(graph).splitlines())) < 350
    assert "..." in str(graph)


def test_values_know_their_kind():
    value = Value((2, 3), np.float32)
    assert (value.size, value.ndim, kind_of(value)) == (6, 2, "float32[2, 3]")
    assert kind_of(Value((), bool)) == "bool"
    assert repr(value) == "<value float32[2, 3]>"
    assert Constant(2.5).number == 2.5
    assert Constant(np.ones(2)).number is None


def test_constants_are_listed_once_in_the_order_of_their_use():
    a, b = np.ones(3), np.arange(3.0)
    graph = capture(lambda x: (x * b + a) * b, (np.ones(3),)).graph
    arrays = [c.data for c in graph.constants() if c.number is None]
    assert [id(c) for c in arrays] == [id(b), id(a)]  # Read where they are.


@pytest.mark.parametrize(
    ("expected", "found", "holds"),
    [
        (True, True, True),
        (True, False, False),
        (2, 2, True),
        (np.nan, np.nan, True),
        (np.nan, 1.0, False),
        (np.array([True, False]), np.array([True, False]), True),
        (np.array([True, False]), np.array([True, True]), False),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), True),
        (np.array([1.0, np.nan]), np.array([np.nan, 1.0]), False),
    ],
)
def test_guards_compare(expected, found, holds):
    assert Guard(Value(np.shape(expected), F8), expected).holds(found) is holds


def test_a_legal_graph_passes():
    x, equation = double()
    check(Graph([x], [equation], [equation.result, x]))


def broken_graphs():
    x, equation = double()
    y = equation.result
    yield "an input stands twice", Graph([x, x], [equation], [y])
    yield "an input has an origin", Graph([x, y], [], [y])
    yield "add reads what is not there yet", Graph([], [equation], [y])
    yield "an output reads what is not there yet", Graph([x], [], [y])
    yield "a guard reads what is not there yet", Graph([x], [Guard(y, np.ones(3)), equation], [y])
    yield "a guard expects another shape", Graph([x], [equation, Guard(y, 1.0)], [y])
    yield "computed twice", Graph([x], [equation, equation], [y])
    other = Equation(rules.add, (x, x), {})
    yield "has no result", Graph([x], [other], [x])
    claimed = Equation(rules.add, (x, x), {})
    claimed.results = (y,)
    yield "names another origin", Graph([x], [claimed], [y])


@pytest.mark.parametrize(("message", "graph"), list(broken_graphs()))
def test_an_illegal_graph_is_found_out(message, graph):
    with pytest.raises(AssertionError, match=message):
        check(graph)
