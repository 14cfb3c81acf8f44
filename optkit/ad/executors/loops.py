"""Loops over the elements of a domain, reductions, and operations that are loops of their own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from optkit.ad.executors import layout
from optkit.ad.executors.emitter import Index, at, typed
from optkit.ad.executors.operations import (
    FLOATS,
    constant,
    converted,
    extremum,
)
from optkit.ad.executors.planning import (
    Kernel,
    boxes_in_place,
    reduced_axes,
    reduction,
)
from optkit.ad.graph import Equation, Value

if TYPE_CHECKING:
    from optkit.ad.executors.codegen import Code, Home

Range = tuple[int, int]

# --- kernels ----------------------------------------------------------------------------------------------------------


def write_kernel(code: Code, kernel: Kernel) -> None:
    """The loops of a kernel."""
    for value in small_leaves(code, kernel.roots()):
        code.spill(value)
    running = [_Running(code, equation) for equation in kernel.reductions]
    running += [_Running(code, equation, box) for equation, box in kernel.guests]
    for region in _regions(code, kernel):
        code.region = region
        _nest(code, kernel, running, region, ())
    code.region = ()
    code.fresh()
    for one in running:
        one.finish()
    for value in kernel.stores:
        code.finished(value)


def _nest(
    code: Code,
    kernel: Kernel,
    running: list[_Running],
    region: tuple[Range, ...],
    place: tuple[Index, ...],
) -> None:
    """The loop over the next axis, and within it those over the others."""
    low, high = region[len(place)]
    if len(place) == len(region) - 1:
        _last_axis(code, kernel, running, low, high, place)
    elif high - low == 1:
        _nest(code, kernel, running, region, (*place, at(low)))
    else:
        with code.e.loop(low, high) as i:
            _nest(code, kernel, running, region, (*place, Index(i, 1, 0)))


def _last_axis(
    code: Code,
    kernel: Kernel,
    running: list[_Running],
    low: int,
    high: int,
    place: tuple[Index, ...],
) -> None:
    """Vectors along the last axis, several at once where sums wait for each other, then single elements."""
    width = code.width
    rows = [one for one in running if one.by_row]
    unroll = 2 if running and high - low >= 8 * width else 1
    step = width * unroll
    whole = (high - low) // step * step if width > 1 else 0
    if whole == step:
        for k in range(unroll):
            _body(code, kernel, running, (*place, Index(None, 0, low + k * width, 1)), width, k)
    elif whole:
        with code.e.loop(low, low + whole, step) as i:
            for k in range(unroll):
                _body(code, kernel, running, (*place, Index(i, 1, k * width, 1)), width, k)
    rest = low + whole
    while width > 2 and high - rest >= width // 2:  # The half of a vector.
        half = width // 2
        if half < 2:
            break
        _body(code, kernel, running, (*place, Index(None, 0, rest, 1)), half, 0)
        rest += half
    if high - rest == 1:
        _body(code, kernel, running, (*place, at(rest)), 1, 0)
    elif high > rest:
        with code.e.loop(rest, high) as i:
            _body(code, kernel, running, (*place, Index(i, 1, 0)), 1, 0)
    for one in rows:
        one.end_row((*place, at(low)))


def _body(
    code: Code,
    kernel: Kernel,
    running: list[_Running],
    place: tuple[Index, ...],
    width: int,
    which: int,
) -> None:
    code.fresh()
    for one in running:
        if one.box is None:
            one.add(code.element(one.operand, place, width), place, width, which)
        elif layout.covers(one.box, code.region):
            there = tuple(i.scaled(1, -low) for i, low in zip(place, one.box.low, strict=True))
            one.add(code.element(one.operand, there, width), there, width, which)
    for value in kernel.stores:
        code.store(value, code.home(value), place, code.element(value, place, width), width)


def small_leaves(code: Code, roots: Iterable[Value]) -> list[Value]:
    """The small values that loops over ``roots`` run over."""
    found: dict[Value, None] = {}
    seen: set[Value] = set()
    todo = list(roots)
    while todo:
        value = todo.pop()
        if value in seen:
            continue
        seen.add(value)
        if not code.plan.is_large(value):
            found[value] = None
        elif value.origin is not None and value not in code.finished_values:
            todo += value.origin.operands
    return [v for v in found if v in code._registers]


def _regions(code: Code, kernel: Kernel) -> list[tuple[Range, ...]]:
    """The domain cut along the edges of the piecewise values that are computed in it."""
    cuts: list[set[int]] = [{0, n} for n in kernel.domain]
    found = [box for _, box in kernel.guests]
    for root in kernel.roots():
        if root.shape == kernel.domain:
            found += boxes_in_place(root, code.finished_values)
    for box in found:
        for axis, edges in enumerate(zip(box.low, box.high, strict=True)):
            cuts[axis].update(edges)
    return list(itertools.product(*(list(itertools.pairwise(sorted(c))) for c in cuts)))


# --- reductions -------------------------------------------------------------------------------------------------------


class _Running:
    """A reduction while the loops run: a sum over everything in registers, any other in memory."""

    def __init__(self, code: Code, equation: Equation, box: layout.Box | None = None) -> None:
        self.code = code
        self.box = box
        self.equation = equation
        self.operand = equation.operands[0]
        self.how = reduction(equation) or ""
        self.result = equation.result
        self.kind = code.kind(self.result)
        self.axes = reduced_axes(equation)
        self.whole = len(self.axes) == self.operand.ndim
        # Along rows, a sum is in registers for the length of a row.
        self.by_row = not self.whole and self.operand.ndim - 1 in self.axes
        self._totals: dict[tuple[int, int], str] = {}
        self._home: Home | None = None
        if not self.whole:
            self._begin_in_memory()

    def add(self, x: str, place: tuple[Index, ...], width: int, which: int) -> None:
        """Take in one element, or the lanes of a vector."""
        code = self.code
        x = converted(code.e, x, code.kind(self.operand), self.kind, width)
        if self.whole or self.by_row:
            variable = self._total(width, which)
            kind = typed(self.kind, width)
            before = code.e.value(f"load {kind}, ptr {variable}")
            code.e.line(
                f"store {kind} {join(code, self.how, before, x, self.kind, width)}, ptr {variable}"
            )
            return
        self._into_memory(x, place, width)

    def _into_memory(self, x: str, place: tuple[Index, ...], width: int) -> None:
        code = self.code
        assert self._home is not None
        kept = self._kept(place)
        before = code.load(self.result, self._home, kept, width)
        code.store(
            self.result, self._home, kept, join(code, self.how, before, x, self.kind, width), width
        )

    def begin_row(self) -> None:
        """Start from nothing."""
        for (width, _), variable in self._totals.items():
            start = neutral(self.how, self.kind, width)
            self.code.e.line(f"store {typed(self.kind, width)} {start}, ptr {variable}")

    def end_row(self, place: tuple[Index, ...]) -> None:
        """Put what a row gave into memory."""
        self._into_memory(self._together(), place, 1)
        # The next row may need other variables, so each is as it was at the start of the function.
        self.begin_row()

    def _together(self) -> str:
        """All variables in one element."""
        code = self.code
        parts = []
        for (width, _), variable in self._totals.items():
            x = code.e.value(f"load {typed(self.kind, width)}, ptr {variable}")
            parts.append(across(code, self.how, x, self.kind, width))
        total = parts[0]
        for part in parts[1:]:
            total = join(code, self.how, total, part, self.kind, 1)
        return total

    def finish(self) -> None:
        """Give the result its elements."""
        code = self.code
        if not self.whole:
            assert self._home is not None
            if code.plan.is_large(self.result):
                code.finished(self.result)
                return
            code.put(
                self.result,
                [
                    code.load(self.result, self._home, tuple(map(at, spot)), 1)
                    for spot in np.ndindex(self.result.shape)
                ],
            )
            return
        code.put(self.result, [self._together()] * self.result.size)

    def _total(self, width: int, which: int) -> str:
        """The variable that a vector of that width is added to; they start in the entry block."""
        key = (width, which)
        if key not in self._totals:
            variable = self.code.e.variable(typed(self.kind, width))
            self.code.e.at_start(
                f"store {typed(self.kind, width)} {neutral(self.how, self.kind, width)}, ptr {variable}"
            )
            self._totals[key] = variable
        return self._totals[key]

    def _begin_in_memory(self) -> None:
        from optkit.ad.executors.codegen import Home, contiguous

        code, result = self.code, self.result
        if code.plan.is_large(result):
            self._home = code.home(result)
        else:
            from optkit.ad.executors.operations import memory_kind

            pointer = code.e.stack(memory_kind(self.kind), result.size)
            self._home = Home(pointer, contiguous(result.shape))
        flat = Value((result.size,), result.dtype)
        home = Home(self._home.base, (1,))
        start = neutral(self.how, self.kind, 1)
        with code.e.loop(0, result.size) as i:
            code.store(flat, home, (Index(i, 1, 0),), start, 1)

    def _kept(self, place: tuple[Index, ...]) -> tuple[Index, ...]:
        if self.equation.params.get("keepdims"):
            return tuple(at(0) if axis in self.axes else i for axis, i in enumerate(place))
        return tuple(i for axis, i in enumerate(place) if axis not in self.axes)


def neutral(how: str, kind: str, width: int) -> str:
    """What a reduction starts from."""
    numbers = {"sum": 0, "any": False, "all": True}
    if how in numbers:
        return constant(numbers[how], kind, width)
    if kind in FLOATS:
        return constant(-np.inf if how == "max" else np.inf, kind, width)
    limits = np.iinfo(np.int64)
    return constant(limits.min if how == "max" else limits.max, kind, width)


def join(code: Code, how: str, a: str, b: str, kind: str, width: int) -> str:
    """What two elements make in a reduction."""
    e, t = code.e, typed(kind, width)
    if how == "sum":
        return e.value(f"{'fadd' if kind in FLOATS else 'add'} {t} {a}, {b}")
    if how in ("any", "all"):
        return e.value(f"{'or' if how == 'any' else 'and'} {t} {a}, {b}")
    if kind in FLOATS:
        return extremum("ogt" if how == "max" else "olt")(e, [a, b], kind, width)
    wins = e.value(f"icmp {'sgt' if how == 'max' else 'slt'} {t} {a}, {b}")
    return e.value(f"select {typed('i1', width)} {wins}, {t} {a}, {t} {b}")


def across(code: Code, how: str, x: str, kind: str, width: int) -> str:
    """The lanes of a vector, reduced."""
    if width == 1:
        return x
    e = code.e
    lanes = [e.value(f"extractelement {typed(kind, width)} {x}, i64 {k}") for k in range(width)]
    while len(lanes) > 1:
        pairs = zip(lanes[::2], lanes[1::2], strict=True)
        lanes = [join(code, how, a, b, kind, 1) for a, b in pairs]
    return lanes[0]


def reduce_registers(code: Code, equation: Equation, how: str) -> list[str]:
    """A reduction of a value in registers."""
    (x,) = equation.operands
    result, kind = equation.result, code.kind(equation.result)
    axes = reduced_axes(equation)
    groups: dict[tuple[int, ...], str] = {}
    for spot, operand in zip(np.ndindex(x.shape), code.registers(x), strict=True):
        key = tuple(i for axis, i in enumerate(spot) if axis not in axes)
        one = converted(code.e, operand, code.kind(x), kind, 1)
        groups[key] = join(code, how, groups[key], one, kind, 1) if key in groups else one
    found = list(groups.values())
    assert len(found) == result.size
    return found
