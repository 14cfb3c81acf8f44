"""What is put into memory and what is computed where it is read; which loops do what.

Values of a few elements live in registers, element by element. A larger one is either *stored* by a loop over its
elements, or *inlined*: computed anew wherever it is read. Stored are the outputs, what has to lie in memory for its
reader (a matrix product, a gather, a reshape that mixes axes), and what is dearer to compute twice than to store.

A `Kernel` is one nest of loops over a domain; it stores values of that shape and reduces them. A step joins an open
kernel of its shape unless it needs what that kernel, or a later one, computes as a whole.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from optkit.ad.executors import layout
from optkit.ad.executors.operations import COSTS, is_native, kind_of, name_of
from optkit.ad.graph import Constant, Equation, Graph, Value
from optkit.ad.primitives import Constant as ZeroDerivative
from optkit.ad.rules import index, products, reduce, shape
from optkit.ad.structured import assemble

# Up to this size a value lives in registers.
SMALL = 16
# What storing and loading a value costs, in additions.
_STORE = 12
# Inlined expressions are no deeper than this.
_DEEP = 40
# A piecewise value is computed box by box up to this many pieces along an axis.
PIECES = 40

# Operations that read their first operand in memory and are loops of their own.
CALLS = (products.matmul, index.gather, index.scatter_add, assemble)
IDENTITIES = (shape.copied, shape.cast)


@functools.cache
def _reductions() -> dict[Any, str]:
    """Reductions by what joins two elements; constants by the function that computes them."""
    return {
        reduce.total: "sum",
        reduce.sum_along: "sum",
        reduce.EXTREMA[np.max]: "max",
        reduce.EXTREMA[np.min]: "min",
        np.any: "any",
        np.all: "all",
    }


def reduction(equation: Equation) -> str | None:
    """What a reduction does with two elements, None for anything else."""
    primitive = equation.primitive
    if type(primitive) is ZeroDerivative:
        plain = len(equation.operands) == 1 and not equation.params
        return _reductions().get(primitive.impl) if plain else None
    return _reductions().get(primitive)


def is_reduction(primitive: Any) -> bool:
    """Whether a primitive is a reduction that kernels compute."""
    constant = type(primitive) is ZeroDerivative
    return (primitive.impl if constant else primitive) in _reductions()


def reduced_axes(equation: Equation) -> tuple[int, ...]:
    """The axes that a reduction goes along."""
    axes: tuple[int, ...] = equation.params.get("axis", tuple(range(equation.operands[0].ndim)))
    return axes


def is_elementwise(equation: Equation) -> bool:
    """Whether each element of the result comes from the elements in the same place."""
    return name_of(equation.primitive) is not None or equation.primitive in IDENTITIES


def has_machine_code(equation: Equation) -> bool:
    """Whether an equation can be a part of a kernel; anything else is a call of NumPy between kernels."""
    values = (*equation.operands, *equation.results)
    kinds = [kind_of(v.dtype) for v in values]
    if None in kinds or any(v.size == 0 for v in values) or len(equation.results) != 1:
        return False
    if not all(map(is_aligned, equation.operands)):
        return False
    primitive = equation.primitive
    if primitive in IDENTITIES:
        return kinds[0] == kinds[1] or kinds[1] in ("double", "float")
    if name_of(primitive) is not None:
        return is_native(primitive, kinds[:-1], kinds[-1])
    if primitive in layout.VIEWS:
        return True
    if primitive in layout.PIECEWISE:
        return layout.boxes(equation) is not None
    if reduction(equation) is not None:
        return kinds[0] != "i1" or kinds[1] == "i64" or reduction(equation) in ("any", "all")
    return _can_call(equation, kinds)


def is_aligned(value: Value) -> bool:
    """Whether a value lies in memory as machine code expects it; only an array that is closed over may not."""
    number = isinstance(value, Constant) and value.number is None
    return not number or bool(value.data.flags.aligned)  # type: ignore[attr-defined]


def _can_call(equation: Equation, kinds: list[str | None]) -> bool:
    primitive = equation.primitive
    for value in equation.operands:
        if (
            isinstance(value, Constant)
            and value.number is None
            and not value.data.flags.c_contiguous
        ):
            return False
    if primitive is products.matmul:
        a, b = equation.operands
        batches = {v.shape[:-2] for v in (a, b) if v.ndim > 2}
        return (
            set(kinds) == {"double"}
            and len(batches) <= 1
            and min(a.ndim, b.ndim) > 0
            and (not batches or min(a.ndim, b.ndim) > 1)
        )
    if primitive is index.gather:
        _, *arrays = equation.operands
        *before, slot = equation.params["template"] or (None,)
        simple = all(part == slice(None) for part in before) and isinstance(slot, index.Slot)
        return simple and len(arrays) == 1 and arrays[0].dtype.kind == "i" and kinds[0] != "i1"
    if primitive is assemble:
        return set(kinds) == {"double"}
    if primitive is index.scatter_add:
        return equation.operands[1].dtype.kind == "i" and kinds[0] == "double"
    return False


class Kernel:
    """One nest of loops.

    Attributes
    ----------
    domain : tuple of int
        What the loops run over.
    stores : list of Value
        Of that shape, put into memory.
    reductions : list of Equation
        Of operands of that shape.
    guests : list of (Equation, Box)
        Reductions over a part of the domain, of operands of the shape of that part.
    """

    def __init__(self, number: int, domain: tuple[int, ...]) -> None:
        self.number = number
        self.first = number  # The smallest number that it or one of its guests was made with.
        self.domain = domain
        self.stores: list[Value] = []
        self.reductions: list[Equation] = []
        self.guests: list[tuple[Equation, layout.Box]] = []

    def roots(self) -> Iterator[Value]:
        """The values that the loops compute."""
        yield from self.stores
        for equation in self.reductions:
            yield equation.operands[0]
        for equation, _ in self.guests:
            yield equation.operands[0]

    def is_guest_of(self, box: layout.Box) -> bool:
        """Whether all that it does can be done by loops over the box."""
        fits = self.domain == tuple(h - b for b, h in zip(box.low, box.high, strict=True))
        whole = all(len(reduced_axes(e)) == len(self.domain) for e in self.reductions)
        return fits and whole and not self.stores and not self.guests


class Scalars(NamedTuple):
    """Equations on registers, in order."""

    equations: list[Equation]


class Call(NamedTuple):
    """One operation that is a loop of its own, or a call of BLAS."""

    equation: Equation


class Plan:
    """The steps of a graph in which every equation has machine code.

    Attributes
    ----------
    steps : list of Kernel, Scalars or Call
        In the order in which they run.
    stored : set of Value
        What is put into memory.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.steps: list[Kernel | Scalars | Call] = []
        self.stored: set[Value] = set()
        self._uses = Counter(graph.used())
        self._pieces = _with_pieces(graph)
        self._must = set(graph.outputs)
        for equation in graph.equations:
            self._must.update(self._read_in_memory(equation))
        self._spread = _spread(graph)
        # Of a value: the cost and the depth of computing it inline, …
        self._cost: dict[Value, int] = {}
        self._depth: dict[Value, int] = {}
        # … and the last kernel that has to be over before it can be computed, with and without what kernels of its
        # own shape store on the way.
        self._after: dict[Value, int] = {}
        self._after_same: dict[Value, int] = {}
        # After how many flushes what depends on registers that wait for a kernel is there.
        self._ready: dict[Value, int] = {}
        self._open: list[Kernel | Call] = []
        # For each open step, the last one that has to be over before it.
        self._needs: dict[int, int] = {}
        self._flushed = -1
        self._flushes = 0
        self._number = -1
        self._waiting: list[Equation] = []
        for equation in graph.equations:
            self._place(equation)
        self._flush()

    # --- where a value lives ------------------------------------------------------------------------------------------

    def is_large(self, value: Value) -> bool:
        """Whether a value does not live in registers."""
        return value.size > SMALL

    def _read_in_memory(self, equation: Equation) -> list[Value]:
        """Operands that have to lie in memory."""
        primitive, operands = equation.primitive, equation.operands
        if primitive is assemble:
            return [v for v in operands if v in self._pieces]
        if primitive in CALLS:
            if primitive is products.matmul:
                return [behind_transposes(v) for v in operands]
            return list(operands)
        if layout.mixes_axes(equation):
            return list(operands)
        # A piecewise value is only split into boxes where it is read in place.
        in_place = is_elementwise(equation) or reduction(equation) is not None
        return [
            v for v in operands if v in self._pieces and not (in_place and _may_split(v, equation))
        ]

    def _is_stored(self, value: Value) -> bool:
        if value in self._must:
            return True
        dear = self._cost[value] * (self._uses[value] - 1) > _STORE
        return dear or self._depth[value] > _DEEP or self._is_spread(value)

    def _is_spread(self, value: Value) -> bool:
        """Whether a dear value is read by something larger, which would compute it again and again."""
        return self._cost[value] > 6 and value in self._spread

    # --- the order of steps -------------------------------------------------------------------------------------------

    def _place(self, equation: Equation) -> None:
        operands, result = equation.operands, equation.result
        waits = max((self._after.get(v, -1) for v in operands), default=-1)
        if equation.primitive in CALLS and any(map(self.is_large, (*operands, result))):
            self._call(equation)
        elif reduction(equation) is not None and self.is_large(operands[0]):
            kernel = self._kernel(operands[0])
            kernel.reductions.append(equation)
            self._after[result] = self._after_same[result] = kernel.number
            self._cost[result], self._depth[result] = 0, 0
            if self.is_large(result):
                self.stored.add(result)
        elif not self.is_large(result):
            self._cost[result], self._depth[result] = 0, 0
            if waits > self._flushed or self._is_waiting(operands):
                self._after[result] = self._after_same[result] = -1
                self._ready[result] = self._flushes + 1
                self._waiting.append(equation)
            else:
                self._scalar(equation)
        else:
            self._inline(equation)
            if self._is_stored(result):
                kernel = self._kernel(result)
                kernel.stores.append(result)
                self.stored.add(result)
                self._after[result] = kernel.number
                self._cost[result], self._depth[result] = 1, 0

    def _is_waiting(self, values: tuple[Value, ...]) -> bool:
        return any(self._ready.get(v, 0) > self._flushes for v in values)

    def _inline(self, equation: Equation) -> None:
        operands, result = equation.operands, equation.result
        self._ready[result] = max((self._ready.get(v, 0) for v in operands), default=0)
        own = COSTS.get(name_of(equation.primitive) or "", 1)
        if equation.primitive in layout.VIEWS:
            own = 0
        self._cost[result] = min(10**6, own + sum(self._cost.get(v, 1) for v in set(operands)))
        self._depth[result] = 1 + max((self._depth.get(v, 0) for v in operands), default=0)
        self._after[result] = max((self._after.get(v, -1) for v in operands), default=-1)
        self._after_same[result] = max(
            (
                self._after_same.get(v, -1)
                if v.shape == result.shape and is_elementwise(equation)
                else self._after.get(v, -1)
                for v in operands
            ),
            default=-1,
        )

    def _kernel(self, root: Value) -> Kernel:
        """An open kernel that can compute ``root`` at each of its elements, or a new one."""
        after = self._after_same.get(root, -1)
        if self._is_waiting((root,)):
            self._flush()
        for kernel in self._open:
            if isinstance(kernel, Kernel) and kernel.first > after and kernel.domain == root.shape:
                self._needs[kernel.number] = max(after, self._needs[kernel.number])
                return kernel
        self._number += 1
        kernel = Kernel(self._number, root.shape)
        self._invite(kernel, root, after)
        self._open.append(kernel)
        self._needs[kernel.number] = after
        return kernel

    def _invite(self, kernel: Kernel, root: Value, after: int) -> None:
        """Let open kernels over one box of a piecewise root run along with it: one pass over memory instead of two.

        Not those that something open waits for, nor those that the root waits for, which come up to ``after``; nor
        those that are cut along edges of their own.
        """
        after = max(after, *self._needs.values(), -1)
        for box in boxes_in_place(root, self.stored):
            for other in list(self._open):
                if isinstance(other, Kernel) and other.first > after and other.is_guest_of(box):
                    if any(boxes_in_place(v, self.stored) for v in other.roots()):
                        continue
                    kernel.first = min(kernel.first, other.first)
                    kernel.guests += [(equation, box) for equation in other.reductions]
                    self._open.remove(other)

    def _call(self, equation: Equation) -> None:
        if self._is_waiting(equation.operands):
            self._flush()
        self._number += 1
        self._open.append(Call(equation))
        self._needs[self._number] = max(
            (self._after.get(v, -1) for v in equation.operands), default=-1
        )
        result = equation.result
        self._after[result] = self._after_same[result] = self._number
        self._cost[result], self._depth[result] = 1, 0
        if self.is_large(result):
            self.stored.add(result)

    def _scalar(self, equation: Equation) -> None:
        """An equation on registers that needs nothing of what is open: it stands before that."""
        last = self.steps[-1] if self.steps else None
        if not isinstance(last, Scalars):
            last = Scalars([])
            self.steps.append(last)
        last.equations.append(equation)

    def _flush(self) -> None:
        """Close all kernels, and with them what waits for them."""
        self.steps += self._open
        self._open = []
        self._needs = {}
        self._flushed = self._number
        self._flushes += 1
        if self._waiting:
            self.steps.append(Scalars(self._waiting))
            self._waiting = []


def _spread(graph: Graph) -> set[Value]:
    """What is read by something larger, directly or as a view."""
    found: set[Value] = set()
    for equation in reversed(graph.equations):
        result = equation.results[0]
        if equation.primitive in layout.VIEWS:
            if result in found or equation.operands[0].size < result.size:
                found.update(equation.operands)
        elif is_elementwise(equation):
            found.update(v for v in equation.operands if v.size < result.size)
    return found


def boxes_in_place(root: Value, stored: set[Value]) -> list[layout.Box]:
    """The boxes of all piecewise values that are computed in place with ``root``."""
    found: list[layout.Box] = []
    seen: set[Value] = set()
    todo = [root]
    while todo:
        value = todo.pop()
        equation = value.origin
        if value in seen or equation is None or value.shape != root.shape:
            continue
        seen.add(value)
        if value in stored and value is not root:
            continue
        if equation.primitive in layout.PIECEWISE:
            found += layout.boxes(equation) or ()
            behind = layout.background(equation)
            todo += [] if behind is None else [behind]
        elif is_elementwise(equation):
            todo += equation.operands
    return found


def _with_pieces(graph: Graph) -> set[Value]:
    """What is piecewise, or computed in place from what is."""
    found: set[Value] = set()
    for equation in graph.equations:
        result = equation.results[0]
        if equation.primitive in layout.PIECEWISE or (
            is_elementwise(equation)
            and any(v in found and v.shape == result.shape for v in equation.operands)
        ):
            found.add(result)
    return found


def behind_transposes(value: Value) -> Value:
    """What a value is a transpose of in its last two axes, or the value."""
    while (made := value.origin) is not None and made.primitive is shape.transpose:
        n = value.ndim
        if made.params["axes"] != (*range(n - 2), n - 1, n - 2):
            break
        (value,) = made.operands
    return value


def is_flipped(value: Value) -> bool:
    """Whether it is that an odd number of times."""
    base, flips = behind_transposes(value), 0
    while value is not base:
        assert value.origin is not None
        (value,) = value.origin.operands
        flips += 1
    return flips % 2 == 1


def _may_split(value: Value, reader: Equation) -> bool:
    """Whether a kernel of the reader can be split along the boxes of a value that it reads in place."""
    result = reader.results[0]
    return reduction(reader) is not None or result.shape == value.shape
