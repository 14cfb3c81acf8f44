"""The two files of an export to C: the source and its header."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from optkit.ad.exporting.c.expressions import type_of
from optkit.ad.exporting.c.helpers import helper_text
from optkit.ad.exporting.c.memory import BYTES, WORKSPACES
from optkit.ad.exporting.c.statements import OTHER_BRANCH, Statements
from optkit.ad.exporting.c.tables import Tables
from optkit.ad.exporting.routines import Array, Routine
from optkit.ad.graph import Value
from optkit.errors import ExportError

_LARGEST = 2**31 - 1  # Indices are ints.

_RETURNS = """\
Every function returns
    0  all is well;
    1  the point is on another branch of the function than was exported, or NaN came up where none was then;
    2  an index is out of bounds;
    3  a matrix is singular, or not positive definite.
Behind a return that is not 0 the outputs hold nothing of use.

Arrays are in C order (the last index is the fastest). Outputs may not overlap inputs or each other. All functions are
reentrant and allocate nothing. Do not compile with -ffast-math: tests for NaN and infinity would go."""


class _Function:
    """One function as C text."""

    def __init__(self, routine: Routine, tables: Tables, stack: int) -> None:
        self.routine = routine
        for array in (*routine.inputs, *routine.outputs):
            _kind(array)
        ways = [
            Statements(
                graph,
                [a.name for a in routine.inputs],
                [a.name for a in routine.outputs],
                tables,
            )
            for graph in routine.graphs
        ]
        layouts = [way.memory.layout() for way in ways]
        self.needed = {
            kind: max(needed.get(kind, 0) for _, needed in layouts)
            for kind in WORKSPACES
            if any(needed.get(kind) for _, needed in layouts)
        }
        size = sum(BYTES[kind] * n for kind, n in self.needed.items())
        if size > BYTES["double"] * _LARGEST:
            raise ExportError(f"ad.export: {routine.name} needs {size} bytes of memory")
        self.on_stack = size <= stack
        parameters = [_parameter(a, True) for a in routine.inputs]
        parameters += [_parameter(a, False) for a in routine.outputs]
        self.arguments = [a.name for a in (*routine.inputs, *routine.outputs)]
        if not self.on_stack:
            parameters += [f"{kind} *{WORKSPACES[kind]}" for kind in self.needed]
            self.arguments += [WORKSPACES[kind] for kind in self.needed]
        self._parameters = parameters
        self.bodies = [
            self._body(way, lines) for way, (lines, _) in zip(ways, layouts, strict=True)
        ]

    def prototype(self, name: str, prefix: str = "") -> str:
        """The head of the function, without what follows it."""
        # No line ends inside of a parameter.
        parameters = ", ".join(p.replace(" ", "\0") for p in self._parameters)
        head = f"{prefix}int {name}({parameters})".replace(f"int {name}", f"int\0{name}")
        return textwrap.fill(head, 100, subsequent_indent=" " * 8).replace("\0", " ")

    def text(self) -> str:
        """The function; where there are several branches, one function for each and one that tries them."""
        name = self.routine.name
        if len(self.bodies) == 1:
            return f"{self.prototype(name)}\n{{\n{self.bodies[0]}\n}}"
        names = [f"{name}_branch{n}" for n in range(len(self.bodies))]
        texts = [
            f"{self.prototype(branch, 'static ')}\n{{\n{body}\n}}"
            for branch, body in zip(names, self.bodies, strict=True)
        ]
        call = f"({', '.join(self.arguments)});"
        lines = [f"    int status = {names[0]}{call}"]
        lines += [f"    if (status == {OTHER_BRANCH}) status = {b}{call}" for b in names[1:]]
        body = "\n".join([*lines, "    return status;"])
        return "\n\n".join([*texts, f"{self.prototype(name)}\n{{\n{body}\n}}"])

    def _body(self, way: Statements, arrays: list[str]) -> str:
        lines = []
        if self.on_stack:
            lines += [f"    {kind} {WORKSPACES[kind]}[{n}];" for kind, n in self.needed.items()]
        lines += [f"    {line}" for line in arrays]
        used = "\n".join((*lines, *way.lines))
        words = set(_words(used))
        lines += [f"    (void){name};" for name in self.arguments if name not in words]
        if self.on_stack:
            spaces = (WORKSPACES[kind] for kind in self.needed)
            lines += [f"    (void){s};" for s in spaces if not _is_used(s, way.lines, arrays)]
        return "\n".join([*lines, *way.lines, "    return 0;"])

    def comment(self) -> str:
        """What the header says of the function."""
        lines = [self.routine.about]
        lines += [f"    {a.name}: {_shape(a)} (in)" for a in self.routine.inputs]
        lines += [f"    {a.name}: {_shape(a)} (out)" for a in self.routine.outputs]
        if not self.on_stack:
            lines += [
                f"    {WORKSPACES[kind]}: room for {self._macro(kind)} = {n} elements, of any content"
                for kind, n in self.needed.items()
            ]
        lines += [f"    fixed: {text[:80]}" for text in self.routine.fixed]
        return _comment("\n".join(lines))

    def macros(self) -> list[str]:
        """The sizes of the workspaces."""
        if self.on_stack:
            return []
        return [f"#define {self._macro(kind)} {n}" for kind, n in self.needed.items()]

    def _macro(self, kind: str) -> str:
        return f"{self.routine.name}_{WORKSPACES[kind]}".upper()


def files(routines: Sequence[Routine], name: str, stack: int) -> tuple[str, str]:
    """The source and the header."""
    tables = Tables()
    functions = [_Function(routine, tables, stack) for routine in routines]
    parts = [
        _comment(f"{name}.c, written by optkit.ad.export. See {name}.h."),
        f'#include "{name}.h"\n\n#include <math.h>\n#include <stdint.h>',
        helper_text(tables.helpers),
        tables.text(),
        *(function.text() for function in functions),
    ]
    source = "\n\n".join(part for part in parts if part) + "\n"
    return source, _header(functions, name)


def _header(functions: list[_Function], name: str) -> str:
    once = f"{name}_H".upper()
    declared = []
    for function in functions:
        declared += [function.comment(), *function.macros()]
        declared += [function.prototype(function.routine.name) + ";", ""]
    return "\n".join([
        _comment(f"{name}.h, written by optkit.ad.export.\n\n{_RETURNS}"),
        f"#ifndef {once}",
        f"#define {once}",
        "",
        "#include <stdint.h>",
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        *declared,
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "",
        "#endif",
        "",
    ])  # fmt: skip


def _kind(array: Array) -> str:
    size = math.prod(array.shape)
    if size > _LARGEST:
        raise ExportError(f"ad.export: {array.name} has {size} elements, more than an int counts")
    return type_of(Value(array.shape, array.dtype), array.name)


def _parameter(array: Array, is_input: bool) -> str:
    if is_input and not array.shape:
        return f"{_kind(array)} {array.name}"
    return f"{'const ' if is_input else ''}{_kind(array)} *{array.name}"


def _shape(array: Array) -> str:
    if not array.shape:
        return "number"
    return f"array of shape {array.shape}".replace(",)", ")")


def _comment(text: str) -> str:
    text = text.replace("*/", "* /")
    if "\n" not in text:
        return f"/* {text} */"
    lines = [f" * {line}".rstrip() for line in text.split("\n")]
    return "\n".join(["/*", *lines, " */"])


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "_" else " " for c in text).split()


def _is_used(space: str, lines: list[str], arrays: list[str]) -> bool:
    return space in _words("\n".join((*lines, *arrays)))
