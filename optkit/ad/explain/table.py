"""Evaluation traces as in the textbooks: each step with its derivative beside it.

The form is that of tables 2 and 3 of A. G. Baydin, B. A. Pearlmutter, A. A. Radul, J. M. Siskind, "Automatic
differentiation in machine learning: a survey", Journal of Machine Learning Research 18 (2018), with the names of A.
Griewank and A. Walther, Evaluating Derivatives, 2nd ed. (2008): inputs v₁₋ₙ … v₀, intermediates v₁, v₂, … Steps are
numbered by their depth, as there. The formulas of the derivatives are those of the engine's own rules: a rule is run on
recorded values, and what it does is written down.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from optkit.ad.explain.formula import padded, width
from optkit.ad.explain.recorder import record
from optkit.ad.explain.sweep import Step, adjoint_rows, tangent_rows
from optkit.errors import InvalidInputError

# Nobody reads a longer table.
_MOST_STEPS = 500


@dataclass(frozen=True)
class TraceTable:
    """The evaluation trace of a function beside that of its derivative; `print` it, or let a notebook show it.

    Attributes
    ----------
    mode : str
        ``"forward"`` or ``"reverse"``.
    rows : tuple of (tuple of Step, tuple of Step)
        From the first step to the last: those of the function on the left, those of the derivative on the right. In
        reverse mode the right column is read upwards.
    value : container of arrays
        What the function returned.
    derivative : container of arrays
        In forward mode the tangent of the result; in reverse mode a tuple of the adjoints of the arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> table = ad.trace_table(lambda x: np.sin(x) * x, 2.0)
    >>> table.mode, round(float(table.derivative), 4)
    ('forward', 0.077)
    >>> print(table.to_markdown().splitlines()[2])
    | v₀ = x = 2 | v̇₀ = ẋ = 1 |
    """

    mode: str
    rows: tuple[tuple[tuple[Step, ...], tuple[Step, ...]], ...]
    value: Any
    derivative: Any

    @property
    def headings(self) -> tuple[str, str]:
        """What stands above the columns."""
        if self.mode == "forward":
            return "Forward primal trace", "Forward tangent trace"
        return "Forward primal trace", "Reverse adjoint trace (read upwards)"

    def _lines(self) -> list[tuple[Step | None, Step | None]]:
        """The rows taken apart, one step on each side."""
        return [line for left, right in self.rows for line in zip_longest(left, right)]

    def __str__(self) -> str:
        lines = self._lines()
        columns = [_aligned([line[side] for line in lines]) for side in (0, 1)]
        for column, heading in zip(columns, self.headings, strict=True):
            column.insert(0, heading)
        widths = [max(map(width, column)) for column in columns]
        rule = "  ".join("─" * w for w in widths)
        left, right = columns
        text = [f"{padded(a, widths[0])}  {b}".rstrip() for a, b in zip(left, right, strict=True)]
        return "\n".join([rule, text[0], rule, *text[1:], rule])

    def to_markdown(self) -> str:
        """The table in Markdown."""
        lines = [
            self.headings,
            ("---", "---"),
            *(tuple(map(_plain, line)) for line in self._lines()),
        ]
        return "\n".join(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
        )

    def to_html(self) -> str:
        """The table in HTML, in the colours of the page that it is put into."""
        cell = 'style="text-align: left; white-space: nowrap; padding: 0.15em 1.2em 0.15em 0"'
        head = "".join(f'<th scope="col" {cell}>{html.escape(text)}</th>' for text in self.headings)
        body = [
            "<tr>"
            + "".join(f"<td {cell}>{html.escape(_plain(step))}</td>" for step in line)
            + "</tr>"
            for line in self._lines()
        ]
        return (
            f'<table class="optkit-trace">\n<thead><tr>{head}</tr></thead>\n<tbody>\n'
            + "\n".join(body)
            + "\n</tbody>\n</table>"
        )

    def _repr_html_(self) -> str:
        return self.to_html()


def _plain(step: Step | None) -> str:
    """A step in one line, not aligned with others."""
    return (
        "" if step is None else " = ".join(part for part in (step.name, step.formula, step.value))
    )


def _aligned(steps: list[Step | None]) -> list[str]:
    """The steps of a column, one line each, their signs of equality below each other."""
    names = max(width(step.name) for step in steps if step)
    formulas = max(width(step.formula) for step in steps if step)
    return [
        f"{padded(step.name, names)} = {padded(step.formula, formulas)} = {step.value}"
        if step
        else ""
        for step in steps
    ]


def trace_table(
    f: Callable[..., Any],
    *args: Any,
    mode: str = "forward",
    seed: Any = None,
    argnums: int | tuple[int, ...] | None = None,
    digits: int = 4,
) -> TraceTable:
    """The evaluation trace of a function at a point, with that of its derivative beside it.

    Parameters
    ----------
    f : callable
        Written in plain NumPy.
    *args : numbers, arrays, or containers of them
        The point.
    mode : {"forward", "reverse"}
        Tangents, computed along with the values; or adjoints, computed after them from the last step to the first.
    seed : optional
        Forward: a tuple of tangents, one for each argument; by default 1 for the first number in the arguments and 0
        for all others, which gives the partial derivative with respect to it. Reverse: the adjoint of the result, of
        its structure and shapes; by default 1 for the first number in it.
    argnums : int or tuple of int, optional
        The arguments that are inputs; the others are constants. By default all are inputs.
    digits : int
        Significant digits that are shown.

    Returns
    -------
    TraceTable
        Prints as text; has ``to_markdown()`` and ``to_html()``, the numbers as ``value`` and ``derivative``, and is
        shown as a table by notebooks.

    Raises
    ------
    InvalidInputError
        For an unknown ``mode``, a seed of the wrong structure, or a function of more than 500 steps.

    Notes
    -----
    The steps are the operations of the engine, in the order of their depth: the length of the longest chain from an
    input. Their formulas are read off the rules that the engine differentiates with. Where such a rule is too long for
    a table, or is no formula, there stands ∂vᵢ/∂vⱼ alone. See A. G. Baydin et al., "Automatic differentiation in
    machine learning: a survey", JMLR 18 (2018), tables 2 and 3.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> def f(x1, x2):
    ...     return np.log(x1) + x1 * x2 - np.sin(x2)
    >>> table = ad.trace_table(f, 2.0, 5.0, mode="reverse")
    >>> [round(float(slope), 3) for slope in table.derivative]
    [5.5, 1.716]
    >>> print(table.to_markdown().splitlines()[-1])
    | y = v₅ = 11.65 | v̄₅ = ȳ = 1 |
    """
    if mode not in ("forward", "reverse"):
        raise InvalidInputError(f"ad.trace_table: mode={mode!r} is not 'forward' or 'reverse'")
    run = record(f, args, argnums, "trace_table")
    steps = len(run.used())
    if steps > _MOST_STEPS:
        raise InvalidInputError(
            f"ad.trace_table: the function takes {steps} steps, and nobody reads a table of more than {_MOST_STEPS}; "
            "give it a smaller problem, or a part of the function"
        )
    rows, derivative = (tangent_rows if mode == "forward" else adjoint_rows)(run, seed, digits)
    return TraceTable(mode, tuple(rows), run.value(), derivative)
