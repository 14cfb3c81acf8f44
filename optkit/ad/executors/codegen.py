"""From a plan to the text of one machine-code function, ``core(inputs, outputs, scratch) → 0, or 1 if a guard failed``.

An element of a value is asked for at a *place*, one index for each axis; where the value is inlined the question goes
on to its operands, and ends at what lies in registers or in memory. Loops run over vectors along the last axis, with
what is left over element by element.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from optkit.ad.executors import calls, layout, loops
from optkit.ad.executors.emitter import Emitter, Index, at, typed
from optkit.ad.executors.operations import (
    constant,
    converted,
    emit,
    kind_of,
    memory_kind,
    name_of,
    select,
    whole_power,
)
from optkit.ad.executors.planning import (
    IDENTITIES,
    Call,
    Kernel,
    Plan,
    Scalars,
    reduction,
)
from optkit.ad.graph import Constant, Equation, Graph, Value
from optkit.ad.rules import elementwise as rules

Place = tuple[Index, ...]

_ARGUMENTS = "ptr noalias %inputs, ptr noalias %outputs, ptr noalias %scratch"
# From so many equations on a program is cut into stretches of so many.
LONG, _STRETCH = 3000, 250


class Home(NamedTuple):
    """Where a value lies in memory.

    Attributes
    ----------
    base : tuple or str
        ``("inputs" | "outputs", number)``, ``("scratch", bytes)``, ``("address", number)``, or a name in the function.
    strides : tuple of int
        In elements.
    """

    base: Any
    strides: tuple[int, ...]


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of an array that lies in memory row by row."""
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    return tuple(strides)


class Code:
    """The text of a function for one graph.

    Attributes
    ----------
    source : str
    scratch_bytes : int
        How much memory the function needs beside its inputs and outputs.
    libraries : set of str
        Functions of BLAS that it calls.
    """

    def __init__(self, graph: Graph, width: int) -> None:
        self.graph = graph
        self.width = width
        self.plan = Plan(graph)
        self.e = Emitter()
        self.libraries: set[str] = set()
        self.scratch_bytes = 0
        self._registers: dict[Value, list[str]] = {}
        self._homes: dict[Value, Home] = {}
        self.finished_values: set[Value] = set()  # What is stored has been stored.
        self._spilled: dict[Value, Home] = {}
        self._parked: dict[Value, Home] = {}
        self._pointers: dict[Any, str] = {}
        self._parts: list[str] = []
        self._memo: dict[Any, str] = {}
        # The box of the domain that the loops are in, for piecewise values.
        self.region: tuple[tuple[int, int], ...] = ()
        self._left = Counter(graph.used())
        self._arguments()
        long = len(graph.equations) > LONG
        for step in self.plan.steps:
            if isinstance(step, Scalars):
                for number, equation in enumerate(step.equations, 1):
                    self._registers[equation.result] = self._small(equation)
                    if long:
                        self._left.subtract(equation.operands)
                        if number % _STRETCH == 0:
                            self._cut()
            elif isinstance(step, Kernel):
                loops.write_kernel(self, step)
            else:
                calls.write_call(self, step)
        self._finish()

    # --- arguments and results ----------------------------------------------------------------------------------------

    def _arguments(self) -> None:
        for number, value in enumerate(self.graph.inputs):
            self._lies_at(value, Home(("inputs", number), contiguous(value.shape)))
        for value in self.graph.constants():
            if value.number is not None:
                continue
            item = value.dtype.itemsize
            strides = tuple(s // item for s in value.data.strides)
            self._lies_at(value, Home(("address", value.data.ctypes.data), strides))
        for number, value in enumerate(self.graph.outputs):
            if self.plan.is_large(value):
                self._homes[value] = Home(("outputs", number), contiguous(value.shape))
        for value in self.plan.stored - self._homes.keys():
            size = -(-value.size * value.dtype.itemsize // 64) * 64
            self._homes[value] = Home(("scratch", self.scratch_bytes), contiguous(value.shape))
            self.scratch_bytes += size

    def pointer(self, home: Home) -> str:
        """The address at which a value begins, in the function that is being written."""
        if isinstance(home.base, str):
            return home.base
        if home.base not in self._pointers:
            where, number = home.base
            if where in ("inputs", "outputs"):
                place = self.e.first(f"getelementptr ptr, ptr %{where}, i64 {number}")
                name = self.e.first(f"load ptr, ptr {place}")
            elif where == "scratch":
                name = self.e.first(f"getelementptr i8, ptr %scratch, i64 {number}")
            else:
                name = self.e.first(f"inttoptr i64 {number} to ptr")
            self._pointers[home.base] = name
        return self._pointers[home.base]

    def _lies_at(self, value: Value, home: Home) -> None:
        self._homes[value] = home
        self.finished_values.add(value)
        if not self.plan.is_large(value):
            self._registers[value] = [
                self._load(value, home, tuple(map(at, place)), 1)
                for place in np.ndindex(value.shape)
            ]

    def _finish(self) -> None:
        e = self.e
        for number, value in enumerate(self.graph.outputs):
            if not self.plan.is_large(value):
                home = Home(("outputs", number), contiguous(value.shape))
                for place, operand in zip(
                    np.ndindex(value.shape), self.registers(value), strict=True
                ):
                    self.store(value, home, tuple(map(at, place)), operand, 1)
        failed = "false"
        for guard in self.graph.guards:
            kind = self.kind(guard.value)
            wanted = constant(guard.expected, kind, 1)
            test = "fcmp une" if kind in ("double", "float") else "icmp ne"
            differs = e.value(f"{test} {kind} {self.registers(guard.value)[0]}, {wanted}")
            failed = e.value(f"or i1 {failed}, {differs}")
        e.line(f"ret i32 {e.value(f'zext i1 {failed} to i32')}")
        if self._parts:
            self._end_part()
            self._call_parts()
        core = self.e.function("core", _ARGUMENTS, "i32")
        self.source = "\n".join([*sorted(self.e.declarations), *self._parts, core])

    def _call_parts(self) -> None:
        """The parts in turn, as long as each ends well."""
        e = self.e
        for number in range(len(self._parts)):
            failed = e.value(f"call i32 @part{number}(ptr %inputs, ptr %outputs, ptr %scratch)")
            on, off = e.name("on"), e.name("off")
            e.line(f"br i1 {e.value(f'icmp eq i32 {failed}, 0')}, label {on}, label {off}")
            e.label(off)
            e.line("ret i32 1")
            e.label(on)
        e.line("ret i32 0")

    # --- elements -----------------------------------------------------------------------------------------------------

    def kind(self, value: Value) -> str:
        """The kind of an element in a register."""
        kind = kind_of(value.dtype)
        assert kind is not None
        return kind

    def registers(self, value: Value) -> list[str]:
        """The elements of a small value."""
        if isinstance(value, Constant) and value.number is not None:
            return [constant(value.number, self.kind(value), 1)]
        if value not in self._registers:  # Cut off: it has been put into memory.
            home = self._parked[value]
            self._registers[value] = [
                self._load(value, home, tuple(map(at, spot)), 1) for spot in np.ndindex(value.shape)
            ]
        return self._registers[value]

    def _cut(self) -> None:
        """Put what is needed later into memory and go on in another function.

        So nothing lives in a register from one stretch of a long program to another, and LLVM's time stays
        proportional to the length: its register allocation is not.
        """
        for value, operands in self._registers.items():
            if self._left[value] > 0 and value not in self._parked:
                home = self._homes.get(value) if value in self.finished_values else None
                if home is None:
                    home = Home(("scratch", self.scratch_bytes), contiguous(value.shape))
                    self.scratch_bytes += 8 * value.size
                    for spot, operand in zip(np.ndindex(value.shape), operands, strict=True):
                        self.store(value, home, tuple(map(at, spot)), operand, 1)
                self._parked[value] = home
        self.e.line("ret i32 0")
        self._end_part()

    def _end_part(self) -> None:
        """Begin a new function, in which nothing is in a register."""
        self._parts.append(
            self.e.function(f"part{len(self._parts)}", _ARGUMENTS, "internal i32", "noinline")
        )
        declarations = self.e.declarations
        self.e = Emitter()
        self.e.declarations = declarations
        self._registers, self._spilled, self._pointers = {}, {}, {}
        self.fresh()

    def put(self, value: Value, operands: list[str]) -> None:
        """Give a small value its elements."""
        self._registers[value] = operands

    def home(self, value: Value) -> Home:
        """Where a value lies in memory."""
        return self._homes[value]

    def finished(self, value: Value) -> None:
        """What is stored can be read from now on."""
        self.finished_values.add(value)

    def fresh(self) -> None:
        """What has been computed is not computed in the next block."""
        self._memo = {}

    def element(self, value: Value, place: Place, width: int) -> str:
        """The element at a place; with ``width`` > 1 that and the following ones, as their lanes go."""
        if isinstance(value, Constant) and value.number is not None:
            return constant(value.number, self.kind(value), width)
        key = (value, place, width)
        if key not in self._memo:
            self._memo[key] = self._element(value, place, width)
        return self._memo[key]

    def _element(self, value: Value, place: Place, width: int) -> str:
        e, kind = self.e, self.kind(value)
        if not self.plan.is_large(value):
            if value.size == 1 or all(i.symbol is None and not i.lane for i in place):
                strides = contiguous(value.shape)
                flat = (
                    sum(i.offset * s for i, s in zip(place, strides, strict=True))
                    if value.size > 1
                    else 0
                )
                return e.splat(self.registers(value)[flat], kind, width)
            return self._load(value, self._spilled[value], place, width)
        if value in self.finished_values:
            return self._load(value, self._homes[value], place, width)
        equation = value.origin
        assert equation is not None
        if equation.primitive in layout.VIEWS:
            (x,) = equation.operands
            found = layout.source(equation, place)
            if found is None:
                return self._load(
                    value, Home(self._homes[x].base, contiguous(value.shape)), place, width
                )
            return self.element(x, found, width)
        if equation.primitive in layout.PIECEWISE:
            return self._piece(equation, place, width)
        operands = [self.element(v, _broadcast(v, place), width) for v in equation.operands]
        return self.operation(equation, operands, width)

    def _piece(self, equation: Equation, place: Place, width: int) -> str:
        """An element of a piecewise value, in loops that stay on one side of each of its edges."""
        value = equation.result
        for box in reversed(layout.boxes(equation) or ()):
            if layout.covers(box, self.region):
                found = self.element(box.operand, layout.inside(box, place), width)
                return converted(self.e, found, self.kind(box.operand), self.kind(value), width)
        behind = layout.background(equation)
        if behind is None:
            return constant(0, self.kind(value), width)
        return self.element(behind, place, width)

    def operation(self, equation: Equation, operands: list[str], width: int) -> str:
        """One elementwise equation on its operands."""
        e = self.e
        result = self.kind(equation.result)
        kinds = [self.kind(v) for v in equation.operands]
        if equation.primitive in IDENTITIES:
            return converted(e, operands[0], kinds[0], result, width)
        name = name_of(equation.primitive)
        assert name is not None
        if name == "where":
            a, b = (self._as(equation, operands, k, result, width) for k in (1, 2))
            return select(e, operands[0], a, b, result, width)
        common = result if result != "i1" else _common(equation, kinds)
        inputs = [self._as(equation, operands, k, common, width) for k in range(len(operands))]
        if equation.primitive is rules.power:
            exponent = _whole_exponent(equation.operands[1])
            if exponent is not None:
                return whole_power(e, inputs[0], exponent, common, width)
        if name == "add" and common in ("double", "float"):
            # Zeros outside of a box.
            zero = constant(0, common, width)
            if zero in inputs:
                return inputs[1] if inputs[0] == zero else inputs[0]
        return emit(e, name, inputs, common, width)

    def _as(
        self, equation: Equation, operands: list[str], which: int, kind: str, width: int
    ) -> str:
        value = equation.operands[which]
        if isinstance(value, Constant) and value.number is not None:
            return constant(value.number, kind, width)
        return converted(self.e, operands[which], self.kind(value), kind, width)

    # --- values in registers ------------------------------------------------------------------------------------------

    def _small(self, equation: Equation) -> list[str]:
        """The elements of a small result."""
        result = equation.result
        elementwise = name_of(equation.primitive) is not None
        if elementwise and all(not v.shape for v in equation.operands):
            return [self.operation(equation, [self.registers(v)[0] for v in equation.operands], 1)]
        self.fresh()
        if equation.primitive in (*layout.VIEWS, *layout.PIECEWISE):
            return self._small_structure(equation)
        how = reduction(equation)
        if how is not None:
            return loops.reduce_registers(self, equation, how)
        if not elementwise and equation.primitive not in IDENTITIES:
            return calls.small_call(self, equation)
        found = []
        for spot in np.ndindex(result.shape):
            place = tuple(map(at, spot))
            operands = [self.element(v, _broadcast(v, place), 1) for v in equation.operands]
            found.append(self.operation(equation, operands, 1))
        return found

    def _small_structure(self, equation: Equation) -> list[str]:
        result = equation.result
        if any(self.plan.is_large(v) for v in equation.operands):
            (x,) = equation.operands
            spots = [tuple(map(at, spot)) for spot in np.ndindex(result.shape)]
            found = [layout.source(equation, spot) for spot in spots]
            return [self.element(x, place, 1) for place in found if place is not None]
        kind = self.kind(result)
        registers = []
        for found_at in layout.elements(equation):
            if found_at is None:
                registers.append(constant(0, kind, 1))
                continue
            which, flat = found_at
            operand = equation.operands[which]
            registers.append(
                converted(self.e, self.registers(operand)[flat], self.kind(operand), kind, 1)
            )
        return registers

    def spill(self, value: Value) -> None:
        """Put a small value into memory, for loops that run over it."""
        if value in self._spilled or value.size == 1:
            return
        if value in self._homes and value in self.finished_values:
            self._spilled[value] = self._homes[value]
            return
        kind = memory_kind(self.kind(value))
        home = Home(self.e.stack(kind, value.size), contiguous(value.shape))
        for spot, operand in zip(np.ndindex(value.shape), self.registers(value), strict=True):
            self.store(value, home, tuple(map(at, spot)), operand, 1)
        self._spilled[value] = home

    # --- memory -------------------------------------------------------------------------------------------------------

    def _load(self, value: Value, home: Home, place: Place, width: int) -> str:
        e, kind = self.e, self.kind(value)
        memory = memory_kind(kind)
        lane = sum(i.lane * s for i, s in zip(place, home.strides, strict=True)) if width > 1 else 0
        align = value.dtype.itemsize
        address = e.address(self.pointer(home), memory, place, home.strides)
        if width > 1 and lane not in (0, 1):

            def one(k: int) -> str:
                there = e.value(f"getelementptr {memory}, ptr {address}, i64 {k * lane}")
                return e.value(f"load {memory}, ptr {there}, align {align}")

            loaded = e.gathered(one, memory, width)
        elif lane == 1:
            loaded = e.value(f"load {typed(memory, width)}, ptr {address}, align {align}")
        else:
            loaded = e.splat(e.value(f"load {memory}, ptr {address}, align {align}"), memory, width)
        if kind == "i1":
            return e.value(f"icmp ne {typed('i8', width)} {loaded}, {constant(0, 'i8', width)}")
        return loaded

    def store(self, value: Value, home: Home, place: Place, operand: str, width: int) -> None:
        """Put an element, or as many as there are lanes, into memory."""
        e, kind = self.e, self.kind(value)
        memory = memory_kind(kind)
        if kind == "i1":
            operand = e.value(f"zext {typed('i1', width)} {operand} to {typed('i8', width)}")
        address = e.address(self.pointer(home), memory, place, home.strides)
        e.line(
            f"store {typed(memory, width)} {operand}, ptr {address}, align {value.dtype.itemsize}"
        )

    def load(self, value: Value, home: Home, place: Place, width: int) -> str:
        """What lies in memory at a place."""
        return self._load(value, home, place, width)


def _broadcast(value: Value, place: Place) -> Place:
    """The place in an operand that was broadcast to the shape of ``place``."""
    inner = place[len(place) - value.ndim :]
    return tuple(at(0) if n == 1 else index for n, index in zip(value.shape, inner, strict=True))


def _common(equation: Equation, kinds: list[str]) -> str:
    """The kind in which operands are compared; a plain number takes that of its partner."""
    if set(kinds) == {"i1"}:
        return "i1"
    strong = [
        kind
        for kind, v in zip(kinds, equation.operands, strict=True)
        if not (isinstance(v, Constant) and isinstance(v.number, int | float))
    ]
    kind = next(k for k in ("double", "float", "i64", "i1") if k in (strong or kinds))
    numbers = [v.number for v in equation.operands if isinstance(v, Constant)]
    if kind in ("i64", "i1"):
        return "double" if any(type(n) is float for n in numbers) else "i64"
    return kind


def _whole_exponent(value: Value) -> int | None:
    number = value.number if isinstance(value, Constant) else None
    if number is None or not 0 < abs(number) <= 8 or number != int(number):
        return None
    return int(number)


__all__ = ["Call", "Code", "Home", "contiguous"]
