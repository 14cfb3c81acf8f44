"""Operations that are loops of their own, or calls of BLAS: products, gathers, scatters, assembling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from optkit.ad.executors.emitter import Index, at
from optkit.ad.executors.loops import Range, small_leaves
from optkit.ad.executors.operations import constant
from optkit.ad.executors.planning import Call, behind_transposes, is_flipped
from optkit.ad.graph import Equation, Value
from optkit.ad.rules import index, products
from optkit.ad.structured import assemble

if TYPE_CHECKING:
    from optkit.ad.executors.codegen import Code, Home


def write_call(code: Code, step: Call) -> None:
    """A matrix product, a gather or a scatter."""
    equation = step.equation
    code.fresh()
    if equation.primitive is products.matmul:
        found: Any = _matmul(code, equation)
    elif equation.primitive is index.gather:
        found = _gather(code, equation)
    elif equation.primitive is assemble:
        found = _assemble(code, equation)
    else:
        found = _scatter(code, equation)
    if code.plan.is_large(equation.result):
        code.finished(equation.result)
    else:
        code.put(equation.result, found)


def small_call(code: Code, equation: Equation) -> list[str]:
    """The same on registers."""
    if equation.primitive is products.matmul:
        return _small_matmul(code, equation)
    if equation.primitive is assemble:
        return _small_assemble(code, equation)
    found: Any = (
        _gather(code, equation) if equation.primitive is index.gather else _scatter(code, equation)
    )
    return list(found)


def _small_matmul(code: Code, equation: Equation) -> list[str]:
    e = code.e
    a, b = equation.operands
    rows = np.array(code.registers(a), dtype=object).reshape(a.shape if a.ndim > 1 else (1, -1))
    columns = np.array(code.registers(b), dtype=object).reshape(b.shape if b.ndim > 1 else (-1, 1))
    batch = np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
    rows = np.broadcast_to(rows, (*batch, *rows.shape[-2:]))
    columns = np.broadcast_to(columns, (*batch, *columns.shape[-2:]))
    found = []
    for *which, i, j in np.ndindex(*batch, rows.shape[-2], columns.shape[-1]):
        pairs = zip(rows[(*which, i)], columns[(*which, slice(None), j)], strict=True)
        terms = [e.value(f"fmul double {x}, {y}") for x, y in pairs]
        total = terms[0]
        for term in terms[1:]:
            total = e.value(f"fadd double {total}, {term}")
        found.append(total)
    return found


def _memory_of(code: Code, value: Value) -> Home:
    """Where a value lies, put there if it is in registers."""
    if code.plan.is_large(value):
        return code.home(value)
    if value.size == 1:
        from optkit.ad.executors.codegen import Home

        home = Home(code.e.stack(code.kind(value), 1), (1,) * value.ndim)
        code.store(value, home, (at(0),) * value.ndim, code.registers(value)[0], 1)
        return home
    code.spill(value)
    return code._spilled[value]


def _result_home(code: Code, value: Value) -> Home:
    from optkit.ad.executors.codegen import Home, contiguous

    if code.plan.is_large(value):
        return code.home(value)
    return Home(code.e.stack(code.kind(value), value.size), contiguous(value.shape))


def _from_home(code: Code, value: Value, home: Home) -> list[str] | None:
    if code.plan.is_large(value):
        return None
    return [code.load(value, home, tuple(map(at, spot)), 1) for spot in np.ndindex(value.shape)]


def _matmul(code: Code, equation: Equation) -> list[str] | None:
    """Row-major C = A B is column-major Cᵀ = Bᵀ Aᵀ, which BLAS computes; batches one by one."""
    e = code.e
    a, b = equation.operands
    result = equation.result
    home = _result_home(code, result)
    m, inner = (1, a.shape[0]) if a.ndim == 1 else a.shape[-2:]
    n = 1 if b.ndim == 1 else b.shape[-1]
    batch = max(a.shape[:-2], b.shape[:-2], key=len)
    count = int(np.prod(batch, dtype=int))
    pointers, flips, leads = [code.pointer(home)], [], []
    for value, vector_lead in ((a, inner), (b, 1)):
        base = behind_transposes(value)
        pointers.append(code.pointer(_memory_of(code, base)))
        flips.append(is_flipped(value))
        leads.append(base.shape[-1] if base.ndim > 1 else vector_lead)
    code.libraries.add("dgemm")
    e.declarations.add("declare void @optkit_dgemm(" + ", ".join(["ptr"] * 13) + ")")
    numbers = [_argument(code, "i32", number) for number in (n, m, inner, leads[1], leads[0], n)]
    one, zero = (_argument(code, "double", constant(x, "double", 1)) for x in (1.0, 0.0))
    flags = [_argument(code, "i8", ord("T" if flip else "N")) for flip in flips]

    def product(c: str, first: str, second: str) -> None:
        pn, pm, pk, lb, la, lc = numbers
        arguments = [flags[1], flags[0], pn, pm, pk, one, second, lb, first, la, zero, c, lc]
        e.line("call void @optkit_dgemm(" + ", ".join(f"ptr {x}" for x in arguments) + ")")

    if count == 1:
        product(*pointers)
        return _from_home(code, result, home)
    with e.loop(0, count) as i:
        shifted = [
            pointer
            if v.ndim == 2
            else e.address(pointer, "double", (Index(i, 1, 0),), (v.size // count,))
            for pointer, v in zip(pointers, (result, a, b), strict=True)
        ]
        product(*shifted)
    return _from_home(code, result, home)


def _argument(code: Code, kind: str, number: Any) -> str:
    """A number in memory, as Fortran takes it."""
    place = code.e.stack(kind, 1)
    code.e.line(f"store {kind} {number}, ptr {place}")
    return place


def _gather(code: Code, equation: Equation) -> list[str] | None:
    """Elements picked along one axis; an index out of range lets the call fail, and the plain function raises."""
    e = code.e
    x, indices = equation.operands
    result = equation.result
    source, numbers = code.pointer(_memory_of(code, x)), _memory_of(code, indices)
    home = _result_home(code, result)
    target = code.pointer(home)
    axis = len(equation.params["template"]) - 1
    n = x.shape[axis]
    outer = int(np.prod(x.shape[:axis], dtype=int))
    inner = x.size // (outer * n)
    flat = Value((indices.size,), indices.dtype)
    kind = code.kind(x)
    with e.loop(0, indices.size) as i:
        number = _checked(code, flat, numbers, i, n)
        with e.loop(0, outer) as o:
            first = _times_plus(code, _times_plus(code, o, n, number), inner, "0")
            put = _times_plus(code, _times_plus(code, o, indices.size, i), inner, "0")
            with e.loop(0, inner) as j:
                there, here = (_times_plus(code, start, 1, j) for start in (first, put))
                element = e.value(f"load {kind}, ptr {_element(code, source, kind, there)}")
                e.line(f"store {kind} {element}, ptr {_element(code, target, kind, here)}")
    return _from_home(code, result, home)


def _times_plus(code: Code, a: str, factor: int, b: str) -> str:
    """``a * factor + b``."""
    product = a if factor == 1 else code.e.value(f"mul i64 {a}, {factor}")
    return product if b == "0" else code.e.value(f"add i64 {product}, {b}")


def _element(code: Code, pointer: str, kind: str, number: str) -> str:
    return code.e.value(f"getelementptr {kind}, ptr {pointer}, i64 {number}")


def _scatter(code: Code, equation: Equation) -> list[str] | None:
    """Rows added up at the places that the indices name."""
    e = code.e
    v, indices = equation.operands
    result = equation.result
    source, numbers = code.pointer(_memory_of(code, v)), _memory_of(code, indices)
    home = _result_home(code, result)
    target = code.pointer(home)
    row = v.size // v.shape[0]
    flat = Value((indices.size,), indices.dtype)
    with e.loop(0, result.size) as i:
        e.line(
            f"store double {constant(0.0, 'double', 1)}, ptr {_element(code, target, 'double', i)}"
        )
    with e.loop(0, indices.size) as i:
        number = _checked(code, flat, numbers, i, result.shape[0])
        with e.loop(0, row) as j:
            here, there = (_times_plus(code, place, row, j) for place in (i, number))
            term = e.value(f"load double, ptr {_element(code, source, 'double', here)}")
            address = _element(code, target, "double", there)
            total = e.value(f"fadd double {e.value(f'load double, ptr {address}')}, {term}")
            e.line(f"store double {total}, ptr {address}")
    return _from_home(code, result, home)


def _assemble(code: Code, equation: Equation) -> list[str] | None:
    """Zeros, and each part added along its strides; where no two meet, they are stored."""
    e = code.e
    result = equation.result
    home = _result_home(code, result)
    target = code.pointer(home)
    places = equation.params["places"]
    meetings = None
    if result.size <= _COUNTED:
        ones = [np.ones(v.shape) for v in equation.operands]
        meetings = equation.primitive.impl(*ones, **equation.params)
    if meetings is None or meetings.min() < 1 or meetings.max() > 1:
        e.declarations.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        e.line(
            f"call void @llvm.memset.p0.i64(ptr {target}, i8 0, i64 {8 * result.size}, i1 false)"
        )
    for part, (start, low, high, strides) in zip(equation.operands, places, strict=True):
        for value in small_leaves(code, [part]):
            code.spill(value)
        first = e.value(f"getelementptr double, ptr {target}, i64 {start}")
        writer = _Part(code, part, first, low, strides, meetings is None or meetings.max() > 1)
        writer.loops(tuple(zip(low, high, strict=True)), ())
    code.fresh()
    return _from_home(code, result, home)


# Up to so many elements it is found out beforehand which of them several parts meet in.
_COUNTED = 1 << 20


class _Part(NamedTuple):
    """One part of an `assemble`."""

    code: Code
    part: Value
    first: str
    low: tuple[int, ...]
    strides: tuple[int, ...]
    meets: bool

    def loops(self, ranges: tuple[Range, ...], place: tuple[Index, ...]) -> None:
        """The loops from axis ``len(place)`` on."""
        code = self.code
        low, high = ranges[len(place)] if ranges else (0, 1)
        if len(place) >= len(ranges) - 1:
            outer = place if ranges else ()
            whole = (high - low) // code.width * code.width if ranges and code.width > 1 else 0
            if whole:
                with code.e.loop(low, low + whole, code.width) as i:
                    self.write((*outer, Index(i, 1, 0, 1)), code.width)
            if not ranges:
                self.write((), 1)
            elif high - low > whole:
                with code.e.loop(low + whole, high) as i:
                    self.write((*outer, Index(i, 1, 0)), 1)
            return
        with code.e.loop(low, high) as i:
            self.loops(ranges, (*place, Index(i, 1, 0)))

    def write(self, place: tuple[Index, ...], width: int) -> None:
        """One element, or the lanes of a vector one by one."""
        code, e = self.code, self.code.e
        code.fresh()
        vector = code.element(self.part, place, width)
        there = tuple(i.scaled(1, -low) for i, low in zip(place, self.low, strict=True))
        address = e.address(self.first, "double", there, self.strides)
        for k in range(width):
            step = k * self.strides[-1] if self.strides else 0
            here = e.value(f"getelementptr double, ptr {address}, i64 {step}") if step else address
            one = (
                vector
                if width == 1
                else e.value(f"extractelement <{width} x double> {vector}, i64 {k}")
            )
            if self.meets:
                before = e.value(f"load double, ptr {here}")
                one = e.value(f"fadd double {before}, {one}")
            e.line(f"store double {one}, ptr {here}")


def _small_assemble(code: Code, equation: Equation) -> list[str]:
    e = code.e
    found = [constant(0.0, "double", 1)] * equation.result.size
    filled = [False] * equation.result.size
    for part, (start, low, high, strides) in zip(
        equation.operands, equation.params["places"], strict=True
    ):
        for spot in np.ndindex(*(h - b for b, h in zip(low, high, strict=True))):
            flat = start + sum(i * s for i, s in zip(spot, strides, strict=True))
            place = tuple(at(i + b) for i, b in zip(spot, low, strict=True))
            one = code.element(part, place, 1)
            found[flat] = e.value(f"fadd double {found[flat]}, {one}") if filled[flat] else one
            filled[flat] = True
    return found


def _checked(code: Code, flat: Value, home: Home, i: str, n: int) -> str:
    """An index, counted from the front; one out of range ends the function as a failed guard does."""
    e = code.e
    number = code.load(flat, type(home)(home.base, (1,)), (Index(i, 1, 0),), 1)
    below = e.value(f"icmp slt i64 {number}, 0")
    number = e.value(f"select i1 {below}, i64 {e.value(f'add i64 {number}, {n}')}, i64 {number}")
    good, bad = e.name("good"), e.name("bad")
    fits = e.value(f"icmp ult i64 {number}, {n}")
    e.line(f"br i1 {fits}, label {good}, label {bad}")
    e.label(bad)
    e.line("ret i32 1")
    e.label(good)
    return number
