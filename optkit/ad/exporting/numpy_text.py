"""A Python module that imports nothing but NumPy, written to be read.

A value that is read once is written where it is read, as long as the line stays short; others get a name, outputs
their own.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from optkit.ad import tree
from optkit.ad.exporting.numpy_expressions import (
    Expression,
    expression,
    index_text,
    number_text,
    thing_text,
)
from optkit.ad.exporting.routines import Routine
from optkit.ad.graph import Constant, Equation, Graph, Guard, Value
from optkit.ad.rules.elementwise import add
from optkit.ad.rules.index import basic, embed, scatter_add, update
from optkit.ad.rules.shape import broadcast_to, reshape, transpose
from optkit.ad.structured import assemble

_WIDTH = 72

_HEAD = '''"""{names}, written by optkit.ad.export; needs nothing but NumPy."""

import numpy as np


class OtherBranch(ValueError):
    """The point is on another branch of the function than was exported, or NaN came up where none was then."""


def _given(name, x, shape, dtype):
    """An argument as an array of the shape that the function was exported for."""
    x = np.asarray(x, dtype)
    if x.shape != shape:
        raise ValueError(f"{{name}} must have the shape {{shape}}, got {{x.shape}}")
    return x[()]
'''
_STRONG = '''

def _strong_product(a, b):
    """The product, in which an exact zero wins over infinity and NaN."""
    return np.where((a == 0) | (b == 0), 0.0, a * b)
'''


def module(routines: Sequence[Routine]) -> str:
    """The text of the module."""
    tables = _Tables()
    functions = [text for routine in routines for text in _functions(routine, tables)]
    body = "\n\n\n".join(functions)
    strong = _STRONG if "_strong_product(" in body else ""
    names = ", ".join(routine.name for routine in routines)
    constants = "\n".join(tables.lines) + "\n\n" if tables.lines else ""
    head = _HEAD.format(names=names)
    return f"{head}{strong}\n\n{constants}{body}\n" if constants else f"{head}{strong}\n\n{body}\n"


def _functions(routine: Routine, tables: _Tables) -> list[str]:
    """The function; where there are several branches, one function for each and one that tries them."""
    arguments = ", ".join(a.name for a in routine.inputs)
    # A derivative may divide by zero in a branch that is not taken.
    quiet = "" if routine.is_plain else '@np.errstate(all="ignore")\n'
    head = f"{quiet}def {routine.name}({arguments}):\n{_docstring(routine)}"
    checks = [
        f"    {a.name} = _given({a.name!r}, {a.name}, {thing_text(a.shape)}, {thing_text(a.dtype)})".replace(
            "'", '"'
        )
        for a in routine.inputs
    ]
    if len(routine.graphs) == 1:
        return ["\n".join([head, *checks, *_Body(routine, routine.graphs[0], tables).lines])]
    names = [f"_{routine.name}_branch{n}" for n in range(len(routine.graphs))]
    texts = [
        "\n".join([f"def {name}({arguments}):", *_Body(routine, graph, tables).lines])
        for name, graph in zip(names, routine.graphs, strict=True)
    ]
    trying = [
        f"    for branch in ({', '.join(names)}):",
        "        try:",
        f"            return branch({arguments})",
        "        except OtherBranch:",
        "            continue",
        f'    raise OtherBranch("{routine.name}: the point is on a branch that was not exported")',
    ]
    return [*texts, "\n".join([head, *checks, *trying])]


def _docstring(routine: Routine) -> str:
    if not routine.fixed:
        return f'    """{routine.about}"""'
    fixed = textwrap.fill("; ".join(text[:80] for text in routine.fixed), 90)
    fixed = fixed.replace("\\", "/").replace('"""', "'''")
    lines = [f'    """{routine.about}', "", *textwrap.wrap(f"Fixed: {fixed}", 90), '"""']
    return "\n".join([lines[0], "", *(f"    {line}" for line in lines[2:])])


class _Tables:
    """Constant arrays, each once."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._names: dict[Any, str] = {}

    def name(self, array: Any) -> str:
        key = (array.shape, str(array.dtype), array.tobytes())
        if key not in self._names:
            self._names[key] = name = f"C{len(self._names)}"
            numbers = ", ".join(number_text(x).text for x in array.ravel().tolist())
            shape = f".reshape({thing_text(array.shape)})" if array.ndim != 1 else ""
            text = f"{name} = np.array([{numbers}], {thing_text(array.dtype)}){shape}"
            self.lines.append(
                textwrap.fill(text, 100, subsequent_indent="    ", break_long_words=False)
            )
        return self._names[key]


class _Body:
    """The statements of one graph."""

    def __init__(self, routine: Routine, graph: Graph, tables: _Tables) -> None:
        self.lines: list[str] = []
        self._tables = tables
        self._routine = routine
        self._uses = Counter(graph.used())
        self._found: dict[Value, Expression] = {
            v: Expression(a.name) for v, a in zip(graph.inputs, routine.inputs, strict=True)
        }
        self._wanted: dict[Value, str] = {}
        for value, array in zip(graph.outputs, routine.outputs, strict=True):
            if value.origin is not None:
                self._wanted.setdefault(value, array.name)
        self._count = 0
        self._readers = {v: e for e in graph.equations for v in e.operands}
        # Arrays that are filled slice by slice, and slices that are to be added to one.
        self._sums: set[Value] = set()
        self._waiting: dict[Value, tuple[str, str]] = {}
        for step in graph.steps:
            if isinstance(step, Guard):
                self._guard(step)
            else:
                self._equation(step)
        self._return(graph)

    def _write(self, line: str) -> None:
        self.lines.append("    " + line)

    def _name(self, value: Value) -> str:
        if value in self._wanted:
            return self._wanted[value]
        self._count += 1
        return f"t{self._count}"

    def _read(self, value: Value, reader: Equation | None = None) -> Expression:
        if not isinstance(value, Constant):
            return self._found[value]
        if isinstance(value.data, np.ndarray):
            return Expression(self._tables.name(value.data))
        if value.data is None:
            return Expression("None")
        others = [] if reader is None else [v.dtype for v in reader.operands if v is not value]
        return number_text(value.data, all(dtype == value.dtype for dtype in others))

    def _guard(self, guard: Guard) -> None:
        found = self._read(guard.value)
        if np.ndim(guard.expected):
            test = (
                f"not np.array_equal({found.text}, {self._tables.name(np.asarray(guard.expected))})"
            )
        elif guard.value.dtype.kind == "b":
            test = f"not {found.within(4)}" if guard.expected else found.text
        else:
            test = f"{found.within(4)} != {number_text(guard.expected).text}"
        self._write(f"if {test}:")
        self._write(
            f'    raise OtherBranch("{self._routine.name}: the point is on another branch")'
        )

    def _equation(self, equation: Equation) -> None:
        operands = [self._read(v, equation) for v in equation.operands]
        primitive = equation.primitive
        if len(equation.results) > 1:
            names = [self._name(v) for v in equation.results]
            self._write(f"{', '.join(names)} = {expression(equation, operands).text}")
            for value, name in zip(equation.results, names, strict=True):
                self._found[value] = Expression(name)
        elif primitive is embed and self._joins(equation):
            index = index_text(equation.params["index"])
            self._waiting[equation.result] = (index, operands[0].text)
            self._found[equation.result] = operands[0]
        elif primitive is add and not self._waiting.keys().isdisjoint(equation.operands):
            self._add_slice(equation)
        elif primitive is assemble:
            self._assembled(equation, operands)
        elif primitive in (embed, update, scatter_add):
            self._filled(equation, operands)
        else:
            self._assign(equation.result, expression(equation, operands))

    def _joins(self, equation: Equation) -> bool:
        """Whether an array that is zero outside of a slice is only added to one that is being filled."""
        reader = self._reader_that_adds(equation.result)
        if reader is None:
            return False
        others = [v for v in reader.operands if v is not equation.result]
        return any(v in self._sums and self._uses[v] == 1 for v in others)

    def _reader_that_adds(self, value: Value) -> Equation | None:
        """The sum of arrays of one kind that alone reads a value."""
        reader = self._readers.get(value)
        if reader is None or reader.primitive is not add or self._uses[value] != 1:
            return None
        kinds = {(v.shape, v.dtype) for v in (*reader.operands, *reader.results)}
        return reader if len(kinds) == 1 else None

    def _add_slice(self, equation: Equation) -> None:
        (slice_,) = (v for v in equation.operands if v in self._waiting)
        (total,) = (v for v in equation.operands if v is not slice_)
        index, text = self._waiting.pop(slice_)
        self._write(f"{self._found[total].text}[{index}] += {text}")
        self._found[equation.result] = self._found[total]
        self._sums.add(equation.result)

    def _last_sum(self, value: Value) -> Value:
        """What an array has become when all that is added to it one after another is there."""
        while (reader := self._reader_that_adds(value)) is not None:
            (other,) = (v for v in reader.operands if v is not value)
            if (
                other.origin is None
                or other.origin.primitive is not embed
                or self._uses[other] != 1
            ):
                break
            value = reader.result
        return value

    def _assign(self, value: Value, found: Expression) -> None:
        short = len(found.text) <= _WIDTH and value not in self._wanted
        if short and (self._uses[value] <= 1 or found.text.isidentifier()):
            self._found[value] = found
            return
        name = self._name(value)
        text = _owned(value, found) if value in self._wanted else found.text
        self._write(f"{name} = {text}")
        self._found[value] = Expression(name)

    def _filled(self, equation: Equation, operands: list[Expression]) -> None:
        """An array that is made and then written into."""
        result, params, texts = equation.result, equation.params, [x.text for x in operands]
        name = self._name(self._last_sum(result) if equation.primitive is embed else result)
        dtype = "" if result.dtype == np.float64 else f", {thing_text(result.dtype)}"
        if equation.primitive is embed:
            self._write(f"{name} = np.zeros({thing_text(params['shape'])}{dtype})")
            self._write(f"{name}[{index_text(params['index'])}] = {texts[0]}")
            self._sums.add(result)
        elif equation.primitive is update:
            self._write(f"{name} = np.array({texts[0]})")
            self._write(f"{name}[{index_text(params['template'], texts[2:])}] = {texts[1]}")
        else:
            self._write(f"{name} = np.zeros({thing_text(result.shape)}{dtype})")
            self._write(f"np.add.at({name}, {texts[1]}, {texts[0]})")
        self._found[result] = Expression(name)

    def _assembled(self, equation: Equation, operands: list[Expression]) -> None:
        """Zeros to which arrays are added along strides."""
        name = self._name(equation.result)
        dtype = thing_text(equation.result.dtype)
        shape = thing_text(tuple(map(int, equation.params["shape"])))
        self._write(f"{name} = np.zeros({shape}, {dtype})")
        for v, x, (start, low, high, strides) in zip(
            equation.operands, operands, equation.params["places"], strict=True
        ):
            places = np.asarray(int(start))
            for a, b, stride in zip(low, high, strides, strict=True):
                places = places[..., None] + np.arange(b - a) * int(stride)
            whole = tuple(map(int, low)) == (0,) * v.ndim and tuple(map(int, high)) == v.shape
            cut = "" if whole else f"[{index_text(tuple(map(slice, low, high)))}]"
            at = self._tables.name(places) if places.ndim else str(int(start))
            self._write(f"{name}.reshape(-1)[{at}] += {x.within(10)}{cut}")
        self._found[equation.result] = Expression(name)

    def _return(self, graph: Graph) -> None:
        returned = []
        for value, array in zip(graph.outputs, self._routine.outputs, strict=True):
            found = self._read(value)
            if self._wanted.get(value) == array.name:
                returned.append(found.text)
            else:
                returned.append(_owned(value, found))
        text = _together(self._routine.structure, iter(returned))
        self._write(
            f"return {text.removeprefix('(').removesuffix(')') if _is_flat(self._routine) else text}"
        )


def _is_flat(routine: Routine) -> bool:
    structure = routine.structure
    return structure is not None and issubclass(structure.kind, tuple) and len(structure.parts) > 1


def _owned(value: Value, found: Expression) -> str:
    """An output in memory of its own, that may be written to."""
    if isinstance(value, Constant):
        return (
            f"np.array({found.text})" if value.shape else f"{thing_text(value.dtype)}({found.text})"
        )
    views = (basic, reshape, transpose, broadcast_to)
    is_view = value.origin is None or value.origin.primitive in views
    return f"np.array({found.text})" if value.shape and is_view else found.text


def _together(structure: tree.Structure | None, leaves: Any) -> str:
    """The outputs put together: dicts, lists and tuples; namedtuples and dataclasses as dicts."""
    if structure is None:
        return str(next(leaves))
    parts = [_together(part, leaves) for part in structure.parts]
    if structure.names:
        pairs = zip(structure.names, parts, strict=True)
        return "{" + ", ".join(f"{name!r}: {part}" for name, part in pairs) + "}"
    if issubclass(structure.kind, list):
        return f"[{', '.join(parts)}]"
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
