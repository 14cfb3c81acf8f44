"""Where elements lie: indices that are affine in the variables of loops, and what views do with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from optkit.ad.graph import Equation
from optkit.ad.rules.index import basic
from optkit.ad.rules.shape import broadcast_to, reshape, transpose

VIEWS = (basic, broadcast_to, reshape, transpose)


class Affine(NamedTuple):
    """The number ``constant + Σ coefficient · variable``; ``terms`` holds (variable, coefficient)."""

    terms: tuple[tuple[str, int], ...] = ()
    constant: int = 0

    def scaled(self, step: int, start: int = 0) -> Affine:
        """``start + step · self``."""
        terms = tuple((name, step * k) for name, k in self.terms if step)
        return Affine(terms, start + step * self.constant)

    def __add__(self, other: Any) -> Affine:
        """The sum of two of them."""
        total = dict(self.terms)
        for name, k in other.terms:
            total[name] = total.get(name, 0) + k
        return Affine(tuple((n, k) for n, k in total.items() if k), self.constant + other.constant)

    def __str__(self) -> str:
        text = ""
        for name, k in sorted(self.terms, key=lambda term: (-abs(term[1]), term[0])):
            sign = (" - " if k < 0 else " + ") if text else ("-" if k < 0 else "")
            text += sign + (name if abs(k) == 1 else f"{abs(k)} * {name}")
        if not text:
            return str(self.constant)
        if self.constant:
            text += f" {'-' if self.constant < 0 else '+'} {abs(self.constant)}"
        return text


Place = Sequence[Affine]
ZERO = Affine()


def variables(count: int, first: int = 0) -> list[str]:
    """Names of loop variables: i, j, k, l, m, then i5 and so on."""
    return ["ijklm"[n] if n < 5 else f"i{n}" for n in range(first, first + count)]


def strides(shape: tuple[int, ...]) -> list[int]:
    """Of an array in C order, in elements."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def flat(place: Place, shape: tuple[int, ...]) -> Affine:
    """Where in the flat array the element at ``place`` lies."""
    total = ZERO
    for index, stride in zip(place, strides(shape), strict=True):
        total = total + index.scaled(stride)
    return total


def aligned(place: Place, shape: tuple[int, ...]) -> Place:
    """Where the element lies in an operand of that shape that is broadcast to the shape of ``place``."""
    inner = place[len(place) - len(shape) :]
    return [ZERO if n == 1 else index for n, index in zip(shape, inner, strict=True)]


def expanded(index: Any, shape: tuple[int, ...]) -> list[Any]:
    """A basic index as one int, slice or None after another, with the Ellipsis written out."""
    parts = list(index) if isinstance(index, tuple) else [index]
    count = sum(part is not None and part is not Ellipsis for part in parts)
    missing = [slice(None)] * (len(shape) - count)
    dots = [n for n, part in enumerate(parts) if part is Ellipsis]
    if dots:
        return [*parts[: dots[0]], *missing, *parts[dots[0] + 1 :]]
    return parts + missing


def picked_shape(index: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of what a basic index picks."""
    sizes, picked = iter(shape), []
    for part in expanded(index, shape):
        if part is None:
            picked.append(1)
        elif isinstance(part, slice):
            picked.append(len(range(*part.indices(next(sizes)))))
        else:
            next(sizes)
    return tuple(picked)


def picked(index: Any, shape: tuple[int, ...], place: Place) -> Place:
    """Where in an array of that shape the element lies that a basic index puts at ``place``."""
    rest, sizes = iter(place), iter(shape)
    found = []
    for part in expanded(index, shape):
        if part is None:
            next(rest)
        elif isinstance(part, slice):
            start, _, step = part.indices(next(sizes))
            found.append(next(rest).scaled(step, start))
        else:
            found.append(Affine((), int(part) % next(sizes)))
    return found


def mixes_axes(equation: Equation) -> bool:
    """Whether a reshape does more than adding or dropping axes of length 1."""
    if equation.primitive is not reshape:
        return False
    before, after = equation.operands[0].shape, equation.result.shape
    return [n for n in before if n != 1] != [n for n in after if n != 1]


def source(equation: Equation, place: Place) -> Place:
    """Where in its operand a view finds the element at ``place``; for a reshape that mixes axes the flat index."""
    (x,) = (v.shape for v in equation.operands)
    primitive = equation.primitive
    if primitive is basic:
        return picked(equation.params["index"], x, place)
    if primitive is broadcast_to:
        return aligned(place, x)
    if primitive is transpose:
        found = [ZERO] * len(x)
        for axis, index in zip(equation.params["axes"], place, strict=True):
            found[axis] = index
        return found
    shape = equation.result.shape
    if mixes_axes(equation):
        return [flat(place, shape)]
    real = iter(index for n, index in zip(shape, place, strict=True) if n != 1)
    return [ZERO if n == 1 else next(real) for n in x]
