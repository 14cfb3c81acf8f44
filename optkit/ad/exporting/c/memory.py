"""The memory of a C function: which arrays may lie in the same place."""

from __future__ import annotations

from typing import NamedTuple

WORKSPACES = {"double": "work", "float": "fwork", "int64_t": "iwork"}
BYTES = {"double": 8, "float": 4, "int64_t": 8}


class _Array(NamedTuple):
    kind: str
    size: int
    first: int
    last: int


class Memory:
    """Arrays with the steps in which they are first and last touched."""

    def __init__(self) -> None:
        self.now = 0
        self._arrays: dict[str, _Array] = {}

    def touch(self, name: str, kind: str, size: int) -> str:
        """Note that the present step reads or writes an array; gives its name."""
        first = self._arrays[name].first if name in self._arrays else self.now
        self._arrays[name] = _Array(kind, size, first, self.now)
        return name

    def layout(self) -> tuple[list[str], dict[str, int]]:
        """The declarations of the arrays, and how many elements of each type they need together.

        First fit: an array takes the first gap that is free while it lives.
        """
        placed: list[tuple[int, _Array]] = []
        needed: dict[str, int] = {}
        lines = []
        for name, array in sorted(self._arrays.items(), key=lambda item: item[1].first):
            start = 0
            for other_start, other in sorted(placed, key=lambda item: item[0]):
                apart = (
                    other.kind != array.kind or other.last < array.first or array.last < other.first
                )
                if not apart and other_start < start + array.size:
                    start = max(start, other_start + other.size)
            placed.append((start, array))
            needed[array.kind] = max(needed.get(array.kind, 0), start + array.size)
            place = f" + {start}" if start else ""
            lines.append(f"{array.kind} *const {name} = {WORKSPACES[array.kind]}{place};")
        return lines, needed
