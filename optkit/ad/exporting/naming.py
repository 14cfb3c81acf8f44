"""What functions and their arguments are called in an exported source."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Callable, Iterator
from typing import Any

from optkit.ad import tree
from optkit.errors import InvalidInputError

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

_TAKEN = set("""
    auto break case char const continue default do double else enum extern float for goto if inline int long register
    restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
    alignas alignof and asm bool catch class compl concept constexpr decltype delete explicit export false friend
    mutable namespace new noexcept not nullptr operator or private protected public template this throw true try
    typeid typename using virtual wchar_t xor
    i j k l m work fwork iwork sum best next to np main isnan isinf isfinite signbit
    acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs floor fma fmax fmin
    fmod frexp hypot ldexp lgamma log log10 log1p log2 modf pow remainder rint round sin sinh sqrt tan tanh tgamma
    trunc j0 j1 jn y0 y1 yn int64_t NAN INFINITY fdim ilogb llrint llround logb lrint lround nan nearbyint nextafter
    remquo scalbln scalbn abs labs llabs div exit abort printf puts malloc calloc realloc free memcpy memset strlen
    cabs carg cexp cimag clog conj cpow creal csqrt fpclassify isnormal OtherBranch
""".split())  # fmt: skip
# Local variables, arrays, tables and loop variables of the emitted sources.
_PATTERN = re.compile(r"(v|a|c|C|i|at|scratch|t)\d+")


def function_name(f: Callable[..., Any], name: str | None) -> str:
    """The name of the exported function."""
    found = getattr(f, "__name__", "") if name is None else name
    if not IDENTIFIER.fullmatch(found) or found in _TAKEN or keyword.iskeyword(found):
        raise InvalidInputError(
            f"ad.export: {found!r} cannot be the name of an exported function; give one, as in "
            "ad.export(f, x, name='misfit')"
        )
    return found


def without_clash(name: str, taken: set[str]) -> str:
    """An identifier like ``name`` that is free in C, C++ and Python; it is taken from now on."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", name, flags=re.ASCII)
    name = name if IDENTIFIER.fullmatch(name) else f"x_{name}"
    while name in _TAKEN or name in taken or keyword.iskeyword(name) or _PATTERN.fullmatch(name):
        name += "_"
    taken.add(name)
    return name


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the first positional parameters of ``f``; those of ``*args`` are numbered."""
    names: list[str] = []
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    for parameter in parameters:
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameter.name)
        elif parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}_{n}" for n in range(count - len(names))]
    return (names + [f"arg_{n}" for n in range(len(names), count)])[:count]


def leaf_names(structure: tree.Structure | None, prefix: str) -> Iterator[str]:
    """A name for each leaf of a container, from the way to it."""
    if structure is None:
        yield prefix
        return
    names = structure.names or tuple(range(len(structure.parts)))
    for name, part in zip(names, structure.parts, strict=True):
        yield from leaf_names(part, f"{prefix}_{name}")
