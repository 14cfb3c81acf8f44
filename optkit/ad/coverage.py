"""What becomes of a traced value in each public function of NumPy and SciPy, read off the declarations."""

from __future__ import annotations

import importlib
import operator
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from optkit.ad.dispatch import ArrayTracer
from optkit.ad.refusals import ATTRIBUTES, REASONS, UNDISPATCHED
from optkit.ad.registry import ANSWERS, FUNCTIONS

# Of these every public function is accounted for; of a module of many thousand names only its ufuncs.
MODULES = ("numpy", "numpy.emath", "numpy.linalg", "numpy.fft")
UFUNC_MODULES = ("scipy.special",)

DIFFERENTIATED = "differentiated"
CONSTANT = "derivative zero"
REFUSED = "refused"
UNDISPATCHED_KIND = "not taken over"
UNKNOWN = "unknown"


class Standing(NamedTuple):
    """One public name: what becomes of a traced value there, and why."""

    name: str
    function: Any
    kind: str
    reason: str = ""


def standings(module: str) -> Iterator[Standing]:
    """The standing of every public function of a module (of its ufuncs only, for those in `UFUNC_MODULES`)."""
    undispatched = {
        operator.attrgetter(name)(np): why
        for why, names in UNDISPATCHED.items()
        for name in names.split()
    }
    found = _module(module)
    if module == "scipy.special":
        importlib.import_module("optkit.ad.rules.special")  # They are declared late.
    for name, function in _functions(found, module in UFUNC_MODULES):
        if function in ANSWERS:
            yield Standing(name, function, CONSTANT)
        elif function in FUNCTIONS:
            yield Standing(name, function, DIFFERENTIATED)
        elif function in REASONS:
            yield Standing(name, function, REFUSED, REASONS[function])
        elif function in undispatched:
            yield Standing(name, function, UNDISPATCHED_KIND, undispatched[function])
        else:
            yield Standing(name, function, UNKNOWN)


def _module(name: str) -> Any:
    package, _, part = name.partition(".")
    return (
        getattr(importlib.import_module(package), part)
        if part
        else importlib.import_module(package)
    )


def _functions(module: ModuleType, ufuncs_only: bool) -> Iterator[tuple[str, Any]]:
    for name in sorted(dir(module)):
        thing = getattr(module, name)
        if name.startswith("_") or isinstance(thing, type | ModuleType) or not callable(thing):
            continue
        if name != "test" and (isinstance(thing, np.ufunc) or not ufuncs_only):
            yield name, thing


def attributes() -> Iterator[Standing]:
    """The standing of every public method and attribute of arrays."""
    for name in dir(np.ndarray):
        if name.startswith("_"):
            continue
        if name in ATTRIBUTES:
            yield Standing(name, None, REFUSED, ATTRIBUTES[name])
        else:
            known = hasattr(ArrayTracer, name)
            yield Standing(name, None, DIFFERENTIATED if known else UNKNOWN)


def page() -> str:
    """The page of the documentation that says what is covered, in Markdown."""
    parts = [
        "# Coverage\n",
        "What becomes of a traced value in each public function, made from the declarations of the engine when this "
        "page is built. A name that stands nowhere is not known to the engine: it raises an error that names it.\n",
    ]
    for module in (*MODULES, *UFUNC_MODULES):
        ufuncs = ", the ufuncs" if module in UFUNC_MODULES else ""
        parts.append(f"## `{module}`{ufuncs}\n\n{_section(list(standings(module)))}")
    parts.append(f"## Methods and attributes of arrays\n\n{_section(list(attributes()))}")
    return "\n".join(parts)


def _section(rows: list[Standing]) -> str:
    lines = []
    for kind, title in (
        (DIFFERENTIATED, "Differentiated, in both modes and at any order"),
        (CONSTANT, "Derivative zero wherever there is one; the answer is plain"),
    ):
        names = [row.name for row in rows if row.kind == kind]
        if names:
            lines.append(f"{title} ({len(names)}): {_listed(names)}\n")
    for kind, title in (
        (REFUSED, "Refused with the reason"),
        (UNDISPATCHED_KIND, "Without a hook in NumPy"),
    ):
        reasons: dict[str, list[str]] = {}
        for row in rows:
            if row.kind == kind:
                reasons.setdefault(row.reason, []).append(row.name)
        if reasons:
            lines.append(f"{title}:\n")
            lines += [f"- {_listed(names)}: {reason}" for reason, names in reasons.items()]
            lines.append("")
    return "\n".join(lines)


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
