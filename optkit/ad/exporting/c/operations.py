"""Operations that are loops of their own: products of matrices, indexing with arrays, linear algebra, sorting."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from optkit.ad.exporting.c.expressions import refusal, type_of
from optkit.ad.exporting.c.places import ZERO, Affine, Place, aligned, flat
from optkit.ad.graph import Constant, Equation, Value
from optkit.ad.rules import index, products

if TYPE_CHECKING:
    from optkit.ad.exporting.c.statements import Statements

OUT_OF_BOUNDS, SINGULAR = 2, 3


def write(s: Statements, equation: Equation) -> None:
    """Write the statements of an operation."""
    found = _WRITERS.get(equation.primitive.name)
    if found is None:
        raise refusal(equation)
    found(s, equation)


def sum_of(first: str, shape: Sequence[int], rest: Affine) -> str:
    """The flat position with the index ``first`` along the first axis and the rest."""
    stride = int(np.prod(shape[1:], dtype=int))
    text = first if stride == 1 else f"{stride} * {first}"
    return text if rest == ZERO else f"{text} + {rest}"


# --- products ---------------------------------------------------------------------------------------------------------


def _einsum(s: Statements, equation: Equation) -> None:
    left, output = equation.params["subscripts"].split("->")
    _contract(s, equation, left.split(","), output)


def _matmul(s: Statements, equation: Equation) -> None:
    a, b = equation.operands
    batch = string.ascii_lowercase[: max(a.ndim, b.ndim, 2) - 2]
    left = batch[len(batch) - max(a.ndim - 2, 0) :] + ("XY" if a.ndim > 1 else "Y")
    right = batch[len(batch) - max(b.ndim - 2, 0) :] + ("YZ" if b.ndim > 1 else "Y")
    output = batch + ("X" if a.ndim > 1 else "") + ("Z" if b.ndim > 1 else "")
    _contract(s, equation, [left, right], output)


def _contract(s: Statements, equation: Equation, inputs: list[str], output: str) -> None:
    """Sums of products, the letters of the output outside, the others inside."""
    operands, result = equation.operands, equation.result
    sizes = {
        c: n for names, v in zip(inputs, operands, strict=True) for c, n in zip(names, v.shape, strict=True) if n != 1
    }  # fmt: skip
    summed = [c for c in dict.fromkeys("".join(inputs)) if c not in output]
    kind = type_of(result, "a product")
    with s.scope(result.shape) as place:
        target = f"{s.array(result)}[{flat(place, result.shape)}]"
        s.write(f"{kind} sum = 0;")
        with s.loops([sizes.get(c, 1) for c in summed], len(result.shape)) as inner:
            at = dict(zip((*output, *summed), (*place, *inner), strict=True))
            factors = []
            for names, v in zip(inputs, operands, strict=True):
                here = aligned([at[c] for c in names], v.shape)
                factors.append(s.read(v, here, kind))
            s.write(f"sum += {' * '.join(factors)};")
        s.write(f"{target} = sum;")


def _cumsum(s: Statements, equation: Equation) -> None:
    x, result, axis = equation.operands[0], equation.result, equation.params["axis"]
    kind = type_of(result, "a sum")
    outer = [1 if n == axis else size for n, size in enumerate(x.shape)]
    with s.scope(outer) as place:
        s.write(f"{kind} sum = 0;")
        with s.loops([x.shape[axis]], len(outer)) as (along,):
            here = [along if n == axis else i for n, i in enumerate(place)]
            s.write(f"sum += {s.read(x, here, kind)};")
            s.write(f"{s.array(result)}[{flat(here, result.shape)}] = sum;")


# --- indexing with arrays ---------------------------------------------------------------------------------------------


def _are_known(arrays: Sequence[Value]) -> bool:
    return all(isinstance(v, Constant) for v in arrays)


def _table(s: Statements, equation: Equation, x: Value, arrays: Sequence[Value]) -> str:
    """A table of where in the flat ``x`` the elements lie that known index arrays pick."""
    numbers = np.arange(x.size).reshape(x.shape)
    known = [np.asarray(v.data) for v in arrays if isinstance(v, Constant)]
    picked = index.gather.impl(numbers, *known, template=equation.params["template"])
    return s.tables.name(picked, "int64_t")


def gathered(s: Statements, equation: Equation, place: Place) -> str:
    """The expression for an element of ``x[index]``."""
    x, *arrays = equation.operands
    if _are_known(arrays):
        table = _table(s, equation, x, arrays)
        return s.read_flat(x, f"{table}[{flat(place, equation.result.shape)}]")
    before, spread, after = _parts(equation, place)
    terms = [str(flat([*before, *([ZERO] * len(arrays)), *after], x.shape))]
    for axis, v in enumerate(arrays, len(before)):
        there = _checked(s, v, aligned(spread, v.shape), x.shape[axis])
        stride = int(np.prod(x.shape[axis + 1 :], dtype=int))
        terms.append(there if stride == 1 else f"{stride} * {there}")
    return s.read_flat(x, " + ".join(terms[terms[0] == "0" :]))


def _parts(equation: Equation, place: Place) -> tuple[Place, Place, Place]:
    """The indices in front of index arrays that stand side by side, theirs, and those behind."""
    template, arrays = equation.params["template"], equation.operands[1:]
    slots = [n for n, part in enumerate(template) if isinstance(part, tuple)]
    others = [part for part in template if not isinstance(part, tuple)]
    front = slots[0]
    side_by_side = slots == list(range(front, front + len(slots)))
    if (
        not side_by_side
        or any(v.dtype.kind != "i" for v in arrays)
        or any(part != slice(None) for part in others)
    ):
        raise refusal(equation, "this mixture of index arrays that depend on the arguments")
    width = max(v.ndim for v in arrays)
    return place[:front], place[front : front + width], place[front + width :]


def _checked(s: Statements, indices: Value, place: Place, n: int) -> str:
    """An index counted from the front, behind a test that it is one."""
    text = s.read(indices, place)
    name = f"at{s.fresh()}"
    s.write(f"const int64_t {name} = {text} < 0 ? {text} + {n} : {text};")
    s.write(f"if ({name} < 0 || {name} >= {n}) return {OUT_OF_BOUNDS};")
    return name


def _update(s: Statements, equation: Equation) -> None:
    """The assignment to an index with arrays: in order, so that the last one wins."""
    x, v, *arrays = equation.operands
    if not _are_known(arrays):
        raise refusal(equation, "an assignment to an index that depends on the arguments")
    table = _table(s, equation, x, arrays)
    known = [np.asarray(a.data) for a in arrays if isinstance(a, Constant)]
    picked = index.gather.impl(np.empty(x.shape), *known, template=equation.params["template"])
    result = equation.result
    with s.loops(picked.shape) as place:
        there = f"{s.array(result)}[{table}[{flat(place, picked.shape)}]]"
        s.write(f"{there} = {s.read(v, aligned(place, v.shape), type_of(result))};")


# --- linear algebra ---------------------------------------------------------------------------------------------------


def _copied(s: Statements, v: Value, batch: Place, name: str, start: Affine = ZERO) -> None:
    """Copy one matrix of a batch."""
    kind = type_of(v)
    with s.loops(v.shape[-2:], len(batch)) as place:
        here = aligned([*batch, *place], v.shape)
        to = start + flat(place, v.shape[-2:])
        s.write(f"{name}[{to}] = {s.read(v, here, kind)};")


def _at(name: str, start: Affine) -> str:
    return name if start == ZERO else f"{name} + {start}"


def _batches(
    s: Statements, equation: Equation, batch: tuple[int, ...], inner: Callable[[Place, str], None]
) -> None:
    """Loops over a batch of matrices, each of which is copied to be overwritten."""
    a = equation.operands[0]
    kind = type_of(a)
    if kind == "int64_t":
        raise refusal(equation)
    n = a.shape[-1]
    scratch = s.memory.touch(f"scratch{s.fresh()}", kind, n * n)
    with s.loops(batch) as place:
        _copied(s, a, place, scratch)
        inner(place, scratch)


def _solve(s: Statements, equation: Equation) -> None:
    a, b = equation.operands
    result = equation.result
    n, m = result.shape[-2:]

    def inner(place: Place, scratch: str) -> None:
        start = flat([*place, ZERO, ZERO], result.shape)
        _copied(s, b, place, s.array(result), start)
        call = f"{s.use('solve', type_of(a))}({n}, {m}, {scratch}, {_at(s.array(result), start)})"
        s.write(f"if (!{call}) return {SINGULAR};")

    _batches(s, equation, result.shape[:-2], inner)


def _triangular(s: Statements, equation: Equation) -> None:
    (a, b), result = equation.operands, equation.result
    n, m = result.shape[-2:]
    how = f"{int(equation.params['lower'])}, {int(equation.params['unit'])}"

    def inner(place: Place, scratch: str) -> None:
        start = flat([*place, ZERO, ZERO], result.shape)
        _copied(s, b, place, s.array(result), start)
        to = _at(s.array(result), start)
        call = f"{s.use('triangular', type_of(a))}({n}, {m}, {how}, {scratch}, {to})"
        s.write(f"if (!{call}) return {SINGULAR};")

    _batches(s, equation, result.shape[:-2], inner)


def _inv(s: Statements, equation: Equation) -> None:
    (a,), result = equation.operands, equation.result

    def inner(place: Place, scratch: str) -> None:
        to = _at(s.array(result), flat([*place, ZERO, ZERO], result.shape))
        s.write(
            f"if (!{s.use('inv', type_of(a))}({a.shape[-1]}, {scratch}, {to})) return {SINGULAR};"
        )

    _batches(s, equation, a.shape[:-2], inner)


def _cholesky(s: Statements, equation: Equation) -> None:
    (a,), result = equation.operands, equation.result
    kind = type_of(a)
    with s.loops(a.shape[:-2]) as place:
        start = flat([*place, ZERO, ZERO], result.shape)
        _copied(s, a, place, s.array(result), start)
        call = f"{s.use('cholesky', kind)}({a.shape[-1]}, {_at(s.array(result), start)})"
        s.write(f"if (!{call}) return {SINGULAR};")


def _det(s: Statements, equation: Equation) -> None:
    (a,), result = equation.operands, equation.result

    def inner(place: Place, scratch: str) -> None:
        there = f"{s.array(result)}[{flat(place, result.shape)}]"
        s.write(f"{there} = {s.use('det', type_of(a))}({a.shape[-1]}, {scratch});")

    _batches(s, equation, result.shape, inner)


def _slogdet(s: Statements, equation: Equation) -> None:
    (a,), (sign, logarithm) = equation.operands, equation.results

    def inner(place: Place, scratch: str) -> None:
        number = flat(place, sign.shape)
        to = ", ".join(_at(s.array(v), number) for v in (sign, logarithm))
        s.write(f"{s.use('slogdet', type_of(a))}({a.shape[-1]}, {scratch}, {to});")

    _batches(s, equation, sign.shape, inner)


def _any_singular(s: Statements, equation: Equation) -> None:
    """Whether a matrix has a condition number above 1e7, here in Frobenius' norm, which is not smaller."""
    (a,), result = equation.operands, equation.result
    kind, n = type_of(a), a.shape[-1]
    inverse = s.memory.touch(f"scratch{s.fresh()}", kind, n * n)
    s.write(f"{s.array(result)}[0] = 0;")

    def inner(_: Place, scratch: str) -> None:
        condition = f"{s.use('condition', kind)}({n}, {scratch}, {inverse})"
        s.write(f"if ({condition} > 1e7) {s.array(result)}[0] = 1;")

    _batches(s, equation, a.shape[:-2], inner)


# --- positions --------------------------------------------------------------------------------------------------------


def _axis(equation: Equation, default: int | None) -> int | None:
    """The axis of a function of positions, counted from the front; None for the flat array."""
    x, *rest = equation.operands
    given: Any = equation.params.get("axis", default)
    if rest:
        given = rest[0].data if isinstance(rest[0], Constant) else given
    return None if given is None else int(given) % x.ndim


def _arg(test: str) -> Callable[[Statements, Equation], None]:
    def writer(s: Statements, equation: Equation) -> None:
        x, result = equation.operands[0], equation.result
        axis, kind = _axis(equation, None), type_of(x)
        if x.ndim == 0 or (axis is None and x.ndim > 1):
            raise refusal(equation, f"{equation.primitive.name} without an axis")
        axis = axis or 0
        outer = [1 if n == axis else size for n, size in enumerate(x.shape)]
        nan = " || isnan(next)" if kind != "int64_t" else ""
        with s.scope(outer) as place:
            start = s.read(x, place)
            kept = [i for n, i in enumerate(place) if n != axis]
            number = flat(kept, [n for m, n in enumerate(x.shape) if m != axis])  # type: ignore[arg-type]
            s.write(f"{kind} best = {start};")
            s.write(f"{s.array(result)}[{number}] = 0;")
            with s.loops([x.shape[axis]], len(outer)) as (along,):
                here = [along if n == axis else i for n, i in enumerate(place)]
                s.write(f"const {kind} next = {s.read(x, here)};")
                known = "!isnan(best) && " if nan else ""
                better = f"(next {test} best{nan})" if nan else f"next {test} best"
                s.write(
                    f"if ({known}{better}) {{ best = next; {s.array(result)}[{number}] = {along}; }}"
                )

    return writer


def _argsort(s: Statements, equation: Equation) -> None:
    """Sorting by insertion, which keeps the order of equal elements; NaN goes to the end."""
    x, result = equation.operands[0], equation.result
    axis, kind = _axis(equation, -1), type_of(x)
    if axis is None or x.ndim == 0:
        raise refusal(equation, "argsort of the flat array")
    outer = [1 if n == axis else size for n, size in enumerate(x.shape)]
    stride = int(np.prod(x.shape[axis + 1 :], dtype=int))
    target = s.array(result)
    copy = s.memory.touch(f"scratch{s.fresh()}", kind, x.shape[axis])
    with s.scope(outer) as place:
        base = flat(place, x.shape)

        def there(index_: str) -> str:
            return f"{target}[{sum_of(index_, (1, stride), base)}]"

        with s.loops([x.shape[axis]], len(outer)) as (along,):
            here = [along if n == axis else i for n, i in enumerate(place)]
            s.write(f"const {kind} next = {s.read(x, here)};")
            s.write(f"int to = {along};")
            smaller = "next < {0}[to - 1]" if kind == "int64_t" else (
                "(next < {0}[to - 1] || (isnan({0}[to - 1]) && !isnan(next)))"
            )  # fmt: skip
            s.write(f"for (; to > 0 && {smaller.format(copy)}; --to) {{")
            s.write(f"    {copy}[to] = {copy}[to - 1];")
            s.write(f"    {there('to')} = {there('(to - 1)')};")
            s.write("}")
            s.write(f"{copy}[to] = next;")
            s.write(f"{there('to')} = {along};")


_WRITERS: dict[str, Callable[[Statements, Equation], None]] = {
    products.matmul.name: _matmul,
    products.einsum.name: _einsum,
    "cumsum": _cumsum,
    index.update.name: _update,
    "solve": _solve,
    "solve_triangular": _triangular,
    "inv": _inv,
    "cholesky": _cholesky,
    "det": _det,
    "slogdet": _slogdet,
    "any_singular": _any_singular,
    "argmax": _arg(">"),
    "argmin": _arg("<"),
    "argsort": _argsort,
}
