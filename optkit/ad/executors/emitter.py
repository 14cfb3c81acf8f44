"""Writing LLVM's assembly language: names, blocks, loops and memory, nothing of graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Index(NamedTuple):
    """The place along one axis: ``coefficient * symbol + offset``, plus ``lane`` for each further lane of a vector."""

    symbol: str | None
    coefficient: int
    offset: int
    lane: int = 0

    def scaled(self, step: int, start: int) -> Index:
        """``start + step * self``."""
        return Index(
            self.symbol, self.coefficient * step, self.offset * step + start, self.lane * step
        )


def at(place: int) -> Index:
    """A fixed place."""
    return Index(None, 0, place)


class Emitter:
    """The body of one function, written from top to bottom."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._allocas: list[str] = []
        self._count = 0
        self.declarations: set[str] = set()
        self.block = "entry"

    def name(self, prefix: str = "t") -> str:
        """A name that has not been used."""
        self._count += 1
        return f"%{prefix}{self._count}"

    def line(self, text: str) -> None:
        """A line without a result."""
        self._lines.append(f"  {text}")

    def value(self, text: str) -> str:
        """A line with a result; its name."""
        name = self.name()
        self._lines.append(f"  {name} = {text}")
        return name

    def label(self, name: str) -> None:
        """Begin a block."""
        self._lines.append(f"{name[1:]}:")
        self.block = name[1:]

    def at_start(self, text: str) -> None:
        """A line at the start of the function."""
        self._allocas.append(f"  {text}")

    def first(self, text: str) -> str:
        """A value that is computed at the start of the function."""
        name = self.name()
        self._allocas.append(f"  {name} = {text}")
        return name

    def variable(self, kind: str) -> str:
        """A place on the stack for a value that changes; LLVM turns it into a register."""
        name = self.name("var")
        self._allocas.append(f"  {name} = alloca {kind}")
        return name

    def stack(self, kind: str, count: int) -> str:
        """Memory on the stack."""
        name = self.name("stack")
        self._allocas.append(f"  {name} = alloca [{count} x {kind}], align 64")
        return name

    @contextmanager
    def loop(self, start: int, stop: int, step: int = 1) -> Iterator[str]:
        """A loop over ``range(start, stop, step)``, which is not empty; gives the counter."""
        head, behind = self.name("head"), self.name("behind")
        counter = self.name("i")
        before = self.block
        self.line(f"br label {head}")
        self.label(head)
        # The block that comes back is known when the body has been written.
        place = len(self._lines)
        self._lines.append("")
        following = self.name("next")
        yield counter
        self._lines.append(f"  {following} = add nuw nsw i64 {counter}, {step}")
        self._lines[place] = (
            f"  {counter} = phi i64 [ {start}, %{before} ], [ {following}, %{self.block} ]"
        )
        more = self.value(f"icmp ult i64 {following}, {stop}")
        self.line(f"br i1 {more}, label {head}, label {behind}")
        self.label(behind)

    def address(
        self,
        pointer: str,
        kind: str,
        places: tuple[Index, ...],
        strides: tuple[int, ...],
    ) -> str:
        """The address of an element; strides count elements."""
        offset = 0
        terms: dict[str, int] = {}
        for index, stride in zip(places, strides, strict=True):
            offset += index.offset * stride
            if index.symbol is not None and index.coefficient * stride:
                terms[index.symbol] = terms.get(index.symbol, 0) + index.coefficient * stride
        for symbol, factor in terms.items():
            scaled = symbol if factor == 1 else self.value(f"mul nsw i64 {symbol}, {factor}")
            pointer = self.value(f"getelementptr {kind}, ptr {pointer}, i64 {scaled}")
        if offset:
            pointer = self.value(f"getelementptr {kind}, ptr {pointer}, i64 {offset}")
        return pointer

    def splat(self, operand: str, kind: str, width: int) -> str:
        """A scalar in all lanes."""
        if width == 1:
            return operand
        first = self.value(f"insertelement <{width} x {kind}> poison, {kind} {operand}, i64 0")
        return self.value(
            f"shufflevector <{width} x {kind}> {first}, <{width} x {kind}> poison, <{width} x i32> zeroinitializer"
        )

    def gathered(self, lane: Callable[[int], str], kind: str, width: int) -> str:
        """A vector of what ``lane`` gives for each lane."""
        result = "poison"
        for k in range(width):
            result = self.value(
                f"insertelement <{width} x {kind}> {result}, {kind} {lane(k)}, i64 {k}"
            )
        return result

    def function(self, name: str, arguments: str, kind: str, attributes: str = "") -> str:
        """The whole function; the last block has to be ended."""
        body = "\n".join([*self._allocas, *self._lines])
        return f"define {kind} @{name}({arguments}) {attributes} {{\nentry:\n{body}\n}}\n"


def typed(kind: str, width: int) -> str:
    """The type of a scalar or vector."""
    return kind if width == 1 else f"<{width} x {kind}>"
