"""How the report of a compiled function reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from optkit.ad.graph import Graph
from optkit.ad.specialisation import Specialisation


def report_of(name: str, specialisations: Sequence[Specialisation], calls: int) -> str:
    """The report of `optkit.ad.compiler.Compiled`."""
    return "\n".join(_lines(name, specialisations, calls))


def _lines(name: str, specialisations: Sequence[Specialisation], calls: int) -> Iterator[str]:
    yield f"{name}: {_count(len(specialisations), 'specialisation')}, {_count(calls, 'call')}"
    for number, made in enumerate(specialisations):
        times = ", ".join(f"{what} {1e3 * s:.2f} ms" for what, s in made.seconds.items())
        yield f"\nspecialisation {number}: {times}"
        yield f"  arguments  {_arguments(made.cleaned)}"
        yield f"  guards     {_guards(made.cleaned)}"
        before, after = len(made.graph.equations), len(made.cleaned.equations)
        yield f"  equations  {before} captured, {after} behind the passes"
        kernels = ", ".join(f"{count} {kind}" for kind, count in made.program.kernels.items())
        yield f"  executor   {kernels}; buffers of {made.program.buffer_bytes} bytes"
        yield "\n".join(f"    {line}" for line in str(made.cleaned).splitlines())


def _arguments(graph: Graph) -> str:
    return ", ".join(str(v)[7:-1] for v in graph.inputs) or "none"


def _guards(graph: Graph) -> str:
    return str(len(graph.guards) or "none")


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
