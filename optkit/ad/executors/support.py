"""Which primitives have machine code and which go through NumPy, read off the tables of the executors."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from optkit.ad import rules
from optkit.ad.executors import layout, operations, planning
from optkit.ad.executors.operations import name_of
from optkit.ad.primitives import Primitive
from optkit.ad.registry import FUNCTIONS


def primitives() -> list[Primitive]:
    """Every primitive of the engine's own rules, by name."""
    found = {p for p in FUNCTIONS.values() if isinstance(p, Primitive)}
    for module in pkgutil.iter_modules(rules.__path__):
        for thing in vars(importlib.import_module(f"{rules.__name__}.{module.name}")).values():
            if isinstance(thing, Primitive):
                found.add(thing)
            elif isinstance(thing, dict):
                found.update(p for p in thing.values() if isinstance(p, Primitive))
    return sorted(found, key=lambda primitive: primitive.name)


def kind_of(primitive: Primitive) -> str | None:
    """What a native primitive is for the LLVM executor; None for one that is a call of NumPy between kernels."""
    if operations.is_lowered(name_of(primitive)):
        return "elementwise, in fused loops"
    if primitive in planning.IDENTITIES:
        return "copies and conversions, in fused loops"
    if primitive in layout.VIEWS:
        return "changes of shape, read in place"
    if primitive in layout.PIECEWISE:
        return "put together of pieces, in loops cut along their edges"
    if planning.is_reduction(primitive):
        return "reductions, in fused loops"
    if primitive in planning.CALLS:
        return "loops of their own, or BLAS"
    return None


def page() -> str:
    """The page of the documentation that says what is native, in Markdown."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    groups: dict[str | None, list[str]] = {}
    for primitive in primitives():
        groups.setdefault(kind_of(primitive), []).append(primitive.name)
    through = groups.pop(None)
    native = sum(map(len, groups.values()))
    yield "# Native primitives\n"
    yield (
        f"Of the {native + len(through)} primitives that functions are made of, {native} have machine code in the LLVM "
        "executor, for float64, float32, 64-bit integers and bools. The others, and all of other dtypes and without "
        "elements, are calls of NumPy and SciPy between kernels. This page is made from the tables of the executor "
        "when the documentation is built.\n"
    )
    yield "| in machine code | primitives |\n|---|---|"
    for kind, names in sorted((str(k), n) for k, n in groups.items()):
        yield f"| {kind} | {_listed(names)} |"
    yield f"\nThrough NumPy and SciPy: {_listed(through)}.\n"


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names))
