"""The statements of a C function: the steps of a plan, one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from optkit.ad.exporting.c import operations
from optkit.ad.exporting.c.expressions import expression, literal, type_of
from optkit.ad.exporting.c.memory import Memory
from optkit.ad.exporting.c.places import (
    VIEWS,
    ZERO,
    Affine,
    Place,
    aligned,
    flat,
    mixes_axes,
    source,
    variables,
)
from optkit.ad.exporting.c.plan import Entry, Loop, Operation, Plan
from optkit.ad.exporting.c.tables import Tables
from optkit.ad.graph import Constant, Equation, Graph, Guard, Value
from optkit.ad.rules import index, shape

OTHER_BRANCH = 1
_FILLS = {"+=": 0.0, "*=": 1.0, "max": -np.inf, "min": np.inf, "|=": 0, "&=": 1}


class Statements:
    """The statements for one graph.

    Attributes
    ----------
    lines : list of str
    memory : Memory
        The arrays that they need beside inputs and outputs.
    """

    def __init__(
        self, graph: Graph, inputs: Sequence[str], outputs: Sequence[str], tables: Tables
    ) -> None:
        self.plan = Plan(graph)
        self.tables = tables
        self.lines: list[str] = []
        self.memory = Memory()
        self._indent = 1
        self._fresh = 0
        self._arguments = dict(zip(graph.inputs, inputs, strict=True))
        self._numbers: dict[Value, int] = {}
        self._here: set[Value] = set()  # What the loop that is being written has computed.
        self._outputs: dict[Value, str] = {}
        copied = [
            (v, name)
            for v, name in zip(graph.outputs, outputs, strict=True)
            if not self._is_written_in_place(v, name)
        ]
        for number, step in enumerate(self.plan.steps):
            self.memory.now = number
            self._step(step)
        self.memory.now = len(self.plan.steps)
        for value, name in copied:
            self._copy_out(value, name)

    def _step(self, step: Loop | Operation | Guard) -> None:
        if isinstance(step, Guard):
            self._guard(step)
        elif isinstance(step, Loop):
            self._loop(step)
        else:
            operations.write(self, step.equation)

    # --- text ---------------------------------------------------------------------------------------------------------

    def write(self, text: str) -> None:
        """One line."""
        self.lines.append("    " * self._indent + text)

    @contextmanager
    def loops(self, domain: Sequence[int], first: int = 0) -> Iterator[list[Affine]]:
        """Loops over a domain around what is written inside, of which nothing is left if it is empty."""
        mark = len(self.lines)
        names = variables(len(domain), first)
        place = [
            ZERO if n == 1 else Affine(((name, 1),)) for name, n in zip(names, domain, strict=True)
        ]
        turning = [(name, n) for name, n in zip(names, domain, strict=True) if n != 1]
        for name, n in turning:
            self.write(f"for (int {name} = 0; {name} < {n}; ++{name}) {{")
            self._indent += 1
        yield place
        for _ in turning:
            self._indent -= 1
            self.write("}")
        if 0 in domain:
            del self.lines[mark:]

    @contextmanager
    def scope(self, domain: Sequence[int]) -> Iterator[list[Affine]]:
        """Loops, or a block where they are none, so that what is inside may have variables of its own."""
        bare = all(n == 1 for n in domain)
        if bare:
            self.write("{")
            self._indent += 1
        with self.loops(domain) as place:
            yield place
        if bare:
            self._indent -= 1
            self.write("}")

    def use(self, helper: str, kind: str) -> str:
        """The name of a helper, which is carried along from now on."""
        self.tables.helpers.add((helper, kind))
        return f"optkit_{helper}{'f' if kind == 'float' else ''}"

    def name(self, value: Value) -> str:
        """The name of a local variable."""
        return f"v{self._numbers.setdefault(value, len(self._numbers) + 1)}"

    # --- reading and writing elements ---------------------------------------------------------------------------------

    def array(self, value: Value) -> str:
        """The name of the memory in which a stored value, an input or a constant array lies."""
        if value in self._arguments:
            return self._arguments[value]
        if isinstance(value, Constant):
            return self.tables.name(value.data, type_of(value, "a constant"))
        root = value
        while root in self.plan.shares:
            root = self.plan.shares[root]
        if root in self._outputs:
            return self._outputs[root]
        return self.memory.touch(f"a{self.name(root)[1:]}", type_of(root), root.size)

    def read(self, value: Value, place: Place, kind: str | None = None) -> str:
        """The element at ``place``, converted to a type."""
        own = type_of(value)
        kind = kind or own
        made = value.origin
        if isinstance(value, Constant) and value.number is not None:
            return literal(value.number, kind)
        if made is not None and made.primitive in VIEWS:
            if mixes_axes(made):
                return self.read_flat(made.operands[0], flat(place, value.shape), kind)
            return self.read(made.operands[0], source(made, place), kind)
        text = self._element(value, flat(place, value.shape))
        return text if own == kind else f"({kind}){text}"

    def read_flat(self, value: Value, number: Affine | str, kind: str | None = None) -> str:
        """The element at a position in the flat array, of what lies in memory as it is."""
        value = self.plan.in_memory(value)
        own = type_of(value)
        kind = kind or own
        if isinstance(value, Constant) and value.number is not None:
            return literal(value.number, kind)
        text = self._element(value, number)
        return text if own == kind else f"({kind}){text}"

    def _element(self, value: Value, number: Affine | str) -> str:
        if value in self._here or not self._is_array(value):
            return self._arguments.get(value) or self.name(value)
        return f"{self.array(value)}[{number}]"

    def fresh(self) -> int:
        """A number that no name has yet."""
        self._fresh += 1
        return self._fresh

    def _is_array(self, value: Value) -> bool:
        if value in self._arguments:
            return bool(value.shape)
        return isinstance(value, Constant) or value in self.plan.stored

    # --- steps --------------------------------------------------------------------------------------------------------

    def _guard(self, guard: Guard) -> None:
        value, expected = guard.value, guard.expected
        if not np.ndim(expected):
            found = self.read(value, [ZERO] * value.ndim)
            if value.dtype.kind == "b":
                test = f"!{found}" if expected else found
            else:
                test = f"{found} != {literal(expected, type_of(value))}"
            self.write(f"if ({test}) return {OTHER_BRANCH};")
            return
        table = self.tables.name(np.asarray(expected, value.dtype), type_of(value))
        with self.loops(value.shape) as place:
            wanted = f"{table}[{flat(place, value.shape)}]"
            self.write(f"if ({self.read(value, place)} != {wanted}) return {OTHER_BRANCH};")

    def _loop(self, loop: Loop) -> None:
        for entry in loop.fills:
            self._fill(entry)
        if 0 in loop.domain:
            return
        read_here = {
            v
            for item in loop.body
            for v in (item.operands if isinstance(item, Equation) else (item.value,))
        }
        with self.loops(loop.domain) as place:
            for item in loop.body:
                if isinstance(item, Entry):
                    self._enter(item, _place_in(place, item.domain))
                else:
                    self._compute(item, _place_in(place, item.result.shape), loop, read_here)
            if loop.domain:
                self._here.clear()

    def _compute(self, equation: Equation, place: Place, loop: Loop, read_here: set[Value]) -> None:
        result = equation.result
        kind = type_of(result, f"the result of {equation.primitive.name}")
        if equation.primitive is index.gather:
            text = operations.gathered(self, equation, place)
        else:
            text = expression(
                equation, lambda v, kind: self.read(v, aligned(place, v.shape), kind), self.use
            )
        stored = result in self.plan.stored
        if not loop.domain or result in read_here or not stored:
            self.write(f"const {kind} {self.name(result)} = {text};")
            self._here.add(result)
            text = self.name(result)
        if stored:
            self.write(f"{self.array(result)}[{flat(place, result.shape)}] = {text};")

    def _fill(self, entry: Entry) -> None:
        target = entry.target
        kind = type_of(target, "the result of a reduction")
        number = _FILLS[entry.how]
        start = literal(number, kind) if np.isfinite(number) or kind != "int64_t" else ""
        start = start or ("INT64_MIN" if number < 0 else "INT64_MAX")
        if target not in self.plan.stored:
            self.write(f"{kind} {self.name(target)} = {start};")
            return
        with self.loops((target.size,)) as (i,):
            self.write(f"{self.array(target)}[{i}] = {start};")

    def _enter(self, entry: Entry, place: Place) -> None:
        target = entry.target
        if entry.how == "nan":
            self.write(f"if (isnan({self.read(entry.value, place)})) return {OTHER_BRANCH};")
            return
        kind = type_of(target)
        read = (
            [i.scaled(1, n) for i, n in zip(place, entry.start, strict=True)]
            if entry.start
            else place
        )
        value = self.read(entry.value, aligned(read, entry.value.shape), kind)
        if target in self.plan.stored:
            found = entry.where(place)
            if entry.scattered is None:
                number = str(flat(found, target.shape))
            else:
                first = self.read(entry.scattered, [place[0]])
                number = operations.sum_of(
                    first, target.shape, flat([ZERO, *found[1:]], target.shape)
                )
            there = f"{self.array(target)}[{number}]"
        else:
            there = self.name(target)
        self.write(self._joined(entry, there, value, kind))

    def _joined(self, entry: Entry, there: str, value: str, kind: str) -> str:
        if entry.how in ("max", "min"):
            if kind == "int64_t":
                sign = ">" if entry.how == "max" else "<"
                return f"if ({value} {sign} {there}) {there} = {value};"
            helper = self.use("maximum" if entry.how == "max" else "minimum", kind)
            return f"{there} = {helper}({there}, {value});"
        if entry.how in ("|=", "&="):
            return f"{there} {entry.how} {value} != 0;"
        return f"{there} {entry.how} {value};"

    # --- outputs ------------------------------------------------------------------------------------------------------

    def _is_written_in_place(self, value: Value, name: str) -> bool:
        """Whether an output is computed where it goes, and takes that memory from now on."""
        while (
            value not in self.plan.stored
            and value.origin is not None
            and value.origin.primitive is shape.reshape
        ):
            (value,) = value.origin.operands
        while value in self.plan.shares:
            value = self.plan.shares[value]
        if value not in self.plan.stored or value in self._outputs:
            return False
        self._outputs[value] = name
        return True

    def _copy_out(self, value: Value, name: str) -> None:
        if value.size == 0:
            return
        with self.loops(value.shape) as place:
            number = flat(place, value.shape)
            there = f"{name}[{number}]" if value.size > 1 else f"*{name}"
            self.write(f"{there} = {self.read(value, place)};")


def _place_in(place: Place, shape: tuple[int, ...]) -> Place:
    """The place in a loop as one in an array of that shape; the loop of one turn has no indices."""
    return place if len(place) == len(shape) else [ZERO] * len(shape)
