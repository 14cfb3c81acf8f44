"""The graph of a captured computation: values, equations, guards; how it prints, and what makes it legal.

A `Graph` is straight-line code. Its *inputs* are the arrays that change from call to call; a *constant* is a number, or
an array that the captured function closed over; every other value is the result of one *equation*, the call of one
primitive. Equations stand in the order in which they are computed. Shapes and dtypes are fixed. A *guard* says that a
value has to come out as it did when the graph was captured, since Python code has taken a branch on it: where a guard
fails, the graph is not the function.

>>> import numpy as np
>>> from optkit.ad.capture import capture
>>> print(capture(lambda x: np.sum(x * x), (np.ones(3),)).graph)
inputs  v0: float64[3]
v1: float64[3] = multiply v0 v0
v2: float64 = total v1
outputs v2
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from optkit.ad.primitives import Primitive


class Value:
    """An array of fixed shape and dtype, computed by ``origin``, or an input where there is none.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    origin : Equation or None
        The equation of which this is a result.
    """

    __slots__ = ("dtype", "origin", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: Any, origin: Equation | None = None) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.origin = origin

    @property
    def size(self) -> int:
        """The number of elements."""
        size = 1
        for n in self.shape:
            size *= n
        return size

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<value {kind_of(self)}>"


class Constant(Value):
    """A number or an array that does not change from call to call; arrays are read where they are, at every call."""

    __slots__ = ("data",)

    def __init__(self, data: Any) -> None:
        super().__init__(np.shape(data), np.asarray(data).dtype)
        self.data = data

    @property
    def number(self) -> Any:
        """The Python or NumPy number, None for an array."""
        return None if isinstance(self.data, np.ndarray) else self.data


class Equation:
    """One call of a primitive."""

    __slots__ = ("operands", "params", "primitive", "results")

    def __init__(
        self, primitive: Primitive, operands: tuple[Value, ...], params: dict[str, Any]
    ) -> None:
        self.primitive = primitive
        self.operands = operands
        self.params = params
        self.results: tuple[Value, ...] = ()

    @property
    def result(self) -> Value:
        """The only result."""
        (result,) = self.results
        return result


class Guard:
    """``value`` has to be ``expected``: a bool or a number, or all elements of an array."""

    __slots__ = ("expected", "value")

    def __init__(self, value: Value, expected: Any) -> None:
        self.value = value
        self.expected = expected

    def holds(self, found: Any) -> bool:
        """Whether what a call found is what was expected; NaN is, where NaN was."""
        if isinstance(self.expected, np.ndarray) or self.expects_nan:
            return bool(np.array_equal(found, self.expected, equal_nan=self.expects_nan))
        return bool(found == self.expected)

    @property
    def expects_nan(self) -> bool:
        """Whether NaN is among what is expected."""
        return bool(np.any(np.not_equal(self.expected, self.expected)))


class Graph:
    """Straight-line code from inputs to outputs; see the top of this module.

    ``steps`` holds equations and guards in the order of the captured run, so that a guard stands before what is only
    right where it holds.
    """

    __slots__ = ("inputs", "outputs", "steps")

    def __init__(
        self, inputs: list[Value], steps: list[Equation | Guard], outputs: list[Value]
    ) -> None:
        self.inputs = inputs
        self.steps = steps
        self.outputs = outputs

    @property
    def equations(self) -> list[Equation]:
        """The equations in order."""
        return [step for step in self.steps if isinstance(step, Equation)]

    @property
    def guards(self) -> list[Guard]:
        """The guards in order."""
        return [step for step in self.steps if isinstance(step, Guard)]

    def constants(self) -> list[Constant]:
        """The constants that are used, each once, in the order of their use."""
        used = (v for v in self.used() if isinstance(v, Constant))
        return list(dict.fromkeys(used))

    def used(self) -> Iterator[Value]:
        """Every value that something reads, once for each reading."""
        for step in self.steps:
            if isinstance(step, Guard):
                yield step.value
            else:
                yield from step.operands
        yield from self.outputs

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def kind_of(value: Value) -> str:
    """The dtype and the shape, as they are printed."""
    shape = f"[{', '.join(map(str, value.shape))}]" if value.shape else ""
    return f"{value.dtype}{shape}"


def names_of(graph: Graph) -> dict[Value, str]:
    """A name for each value: ``v`` with a number; numbers themselves, and ``c`` with a number for constant arrays."""
    names: dict[Value, str] = {}
    computed = (result for equation in graph.equations for result in equation.results)
    for number, value in enumerate((*graph.inputs, *computed)):
        names[value] = f"v{number}"
    arrays = 0
    for constant in graph.constants():
        if constant.number is None:
            names[constant] = f"c{arrays}"
            arrays += 1
        else:
            names[constant] = f"{constant.number}"
    return names


def _lines(graph: Graph) -> Iterator[str]:
    names = names_of(graph)

    def typed(values: Iterable[Value]) -> str:
        return ", ".join(f"{names[v]}: {kind_of(v)}" for v in values)

    yield f"inputs  {typed(graph.inputs)}"
    arrays = [c for c in graph.constants() if c.number is None]
    if arrays:
        yield f"constants {typed(arrays)}"
    for step in graph.steps:
        if isinstance(step, Guard):
            yield f"guard   {names[step.value]} == {str(step.expected)[:60]}"
            continue
        operands = " ".join(names[v] for v in step.operands)
        params = "".join(f" {key}={_brief(value)}" for key, value in step.params.items())
        yield f"{typed(step.results)} = {step.primitive.name} {operands}{params}"
    yield f"outputs {', '.join(names[v] for v in graph.outputs)}"


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def check(graph: Graph) -> None:
    """Raise AssertionError unless the graph is legal: what passes must leave behind.

    Every value is computed before it is read, once, by the equation that it names; guards are on values of the graph.
    """
    known: set[Value] = set(graph.inputs)
    assert len(known) == len(graph.inputs), "an input stands twice"
    assert all(v.origin is None for v in graph.inputs), "an input has an origin"

    def read(value: Value, where: str) -> None:
        assert isinstance(value, Constant) or value in known, f"{where} reads what is not there yet"

    for step in graph.steps:
        if isinstance(step, Guard):
            read(step.value, "a guard")
            assert np.shape(step.expected) == step.value.shape, "a guard expects another shape"
            continue
        assert step.results, f"{step.primitive.name} has no result"
        for operand in step.operands:
            read(operand, step.primitive.name)
        for result in step.results:
            assert result.origin is step, f"a result of {step.primitive.name} names another origin"
            assert result not in known, f"a result of {step.primitive.name} is computed twice"
            known.add(result)
    for output in graph.outputs:
        read(output, "an output")
