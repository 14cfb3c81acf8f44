"""What all functions of a source share: tables of constants, and helpers."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from optkit.ad.exporting.c.expressions import literal


class Tables:
    """Constant arrays, each once, and the helpers that are used."""

    def __init__(self) -> None:
        self.helpers: set[tuple[str, str]] = set()
        self._names: dict[Any, str] = {}
        self._texts: list[str] = []

    def name(self, array: Any, kind: str) -> str:
        """The name of the table that holds an array in C order."""
        array = np.ascontiguousarray(array)
        key = (kind, str(array.dtype), array.tobytes())
        if key not in self._names:
            self._names[key] = name = f"c{len(self._names)}"
            numbers = ", ".join(literal(x, kind).strip("()") for x in array.ravel().tolist())
            lines = textwrap.fill(numbers, 100, initial_indent="    ", subsequent_indent="    ")
            self._texts.append(f"static const {kind} {name}[{array.size}] = {{\n{lines}\n}};")
        return self._names[key]

    def text(self) -> str:
        """The tables."""
        return "\n\n".join(self._texts)
