"""What gradcheck found: entries, worst first, and how they read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.testing.comparison import Comparison, EntryVerdict
from optkit.testing.page import document, fragment
from optkit.testing.taylor import TaylorRemainder, draw

# Slips of a constant factor that people make: a sign, a forgotten or superfluous ½.
_FACTORS = {-1.0: "−1", 2.0: "2", 0.5: "½", -2.0: "−2", -0.5: "−½"}
_HINT_RTOL = 1e-5
_SHOWN = 10


@dataclass(frozen=True)
class Entry:
    """One derivative and its check.

    Attributes
    ----------
    name : str
        For instance ``"∂f[1]/∂x[0]"``.
    given, estimate, error_bar : float
        The derivative under test, and the differences' estimate with the bound on its error.
    left, right : float
        The slopes of the two sides, which differ at a kink.
    verdict : EntryVerdict
        What follows from the numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit.testing import gradcheck
    >>> worst = gradcheck(np.abs, 0.0, raise_on_failure=False).entries[0]
    >>> worst.verdict.value, worst.left, worst.right
    ('kink here', -1.0, 1.0)
    """

    name: str
    given: float
    estimate: float
    error_bar: float
    left: float
    right: float
    verdict: EntryVerdict

    @property
    def difference(self) -> float:
        """The distance between the two: ``|given − estimate|``."""
        return abs(self.given - self.estimate)


@dataclass(frozen=True)
class DerivativeCheck:
    """One derivative (a gradient, a Jacobian, a Hessian) compared with differences, entry by entry.

    Attributes
    ----------
    title : str
        ``"gradient"``, ``"Jacobian"`` or ``"Hessian"``.
    prefixes : tuple of str
        The names of the rows, for instance ``"∂f[1]/"``.
    comparison : Comparison
        The numbers; its labels name the columns.
    complete : bool
        Whether the columns are all variables, not random directions.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit.testing import gradcheck
    >>> (check,) = gradcheck(lambda x: x**2, np.array([1.0, 2.0])).checks
    >>> check.title, check.ok, check.comparison.given
    ('Jacobian', True, array([[2., 0.],
           [0., 4.]]))
    """

    title: str
    prefixes: tuple[str, ...]
    comparison: Comparison
    complete: bool

    @property
    def ok(self) -> bool:
        """Whether every entry passed."""
        return bool(np.all(self.comparison.verdicts == EntryVerdict.OK))

    @property
    def counts(self) -> Counter[EntryVerdict]:
        """How many entries have each verdict."""
        return Counter(EntryVerdict(str(verdict)) for verdict in self.comparison.verdicts.flat)

    def entries(self) -> Iterator[Entry]:
        """All entries, worst first."""
        table = self.comparison
        for i, j in table.worst_first():
            yield Entry(
                name=self.prefixes[i] + table.labels[j],
                given=float(table.given[i, j]),
                estimate=float(table.estimate[i, j]),
                error_bar=float(table.error_bar[i, j]),
                left=float(table.left[i, j]),
                right=float(table.right[i, j]),
                verdict=EntryVerdict(str(table.verdicts[i, j])),
            )

    def hints(self) -> list[str]:
        """What slip the wrong entries look like."""
        table = self.comparison
        wrong = table.verdicts == EntryVerdict.WRONG
        if not np.any(wrong):
            return []
        rows, columns = table.given.shape
        transposed = table.given.T
        if (
            self.complete
            and rows == columns
            and _agree(transposed, table.estimate, table.error_bar)
        ):
            return ["looks transposed"]
        if self.title.startswith("Hessian") and self.complete and rows == columns:
            mirrored = _agree(table.given, transposed, np.zeros_like(table.error_bar))
            if not mirrored:
                return ["not symmetric, as a Hessian is"]
        given, estimate, error_bar = (
            array[wrong] for array in (table.given, table.estimate, table.error_bar)
        )
        if np.all(given == 0.0):
            return ["zero where the function changes: a dependence is missing"]
        everywhere = np.all(wrong | (table.given == 0.0))
        which = "the right derivative" if everywhere else "the right values in these entries"
        for factor, written in _FACTORS.items():
            if _agree(given, factor * estimate, abs(factor) * error_bar):
                return [f"looks like {written} × {which}"]
        return []

    def __str__(self) -> str:
        if self.ok:
            return self._summary()
        counts = self.counts
        total = self.comparison.given.size
        listed = [f"{counts[v]} {v}" for v in reversed(EntryVerdict) if counts[v]]
        number = total - counts[EntryVerdict.OK]
        lines = [f"{self.title}: {', '.join(listed)} ({total} {self._entries(total)})"]
        lines += _table(list(islice(self.entries(), min(number, _SHOWN))), number - _SHOWN)
        lines += [f"  hint: {hint}" for hint in self.hints()]
        return "\n".join(lines)

    def _summary(self) -> str:
        table = self.comparison
        total = table.given.size
        if not total:
            return f"{self.title}: empty, nothing to check"
        agree = (
            "the one entry agrees" if total == 1 else f"all {total} {self._entries(total)} agree"
        )
        also = " and complex steps" if np.all(table.sharpened) else ""
        difference = np.abs(table.given - table.estimate)
        at = np.unravel_index(np.argmax(difference), difference.shape)
        return (
            f"{self.title}: {agree} with finite differences{also}; "
            f"largest difference {difference[at]:.1e}, its error bar {table.error_bar[at]:.1e}"
        )

    def _entries(self, count: int) -> str:
        if self.complete:
            return "entry" if count == 1 else "entries"
        return "entries along random directions"


@dataclass(frozen=True)
class GradcheckReport:
    """What `gradcheck` found. True as a condition when everything agrees; ``print(report)`` tells it all.

    Attributes
    ----------
    function : str
        The name of the checked function.
    source : str
        Who gave the derivative: ``"jac"`` or a backend.
    checks : tuple of DerivativeCheck
        One per order.
    problems : tuple of str
        What is wrong beyond single entries: a shape, modes that disagree.
    notes : tuple of str
        What else was noticed; not a failure.
    evaluations : int
        How often the function was evaluated.
    taylor : tuple of TaylorRemainder
        The Taylor remainders along a random direction, with the gradient and with the Hessian.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit.testing import gradcheck
    >>> report = gradcheck(lambda x: np.sum(x**2), np.ones(2), jac=lambda x: -2.0 * x, raise_on_failure=False)
    >>> bool(report), [entry.name for entry in report.entries], report.checks[0].hints()
    (False, ['∂f/∂x[0]', '∂f/∂x[1]'], ['looks like −1 × the right derivative'])
    """

    function: str
    source: str
    checks: tuple[DerivativeCheck, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    evaluations: int
    taylor: tuple[TaylorRemainder, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every entry of every derivative passed and nothing else is wrong."""
        return not self.problems and all(check.ok for check in self.checks)

    def __bool__(self) -> bool:
        return self.ok

    @property
    def entries(self) -> list[Entry]:
        """All entries of all derivatives, the worst of each derivative first."""
        return [entry for check in self.checks for entry in check.entries()]

    def __str__(self) -> str:
        verdict = "ok" if self.ok else "FAILED"
        lines = [f"gradcheck of {self.function}, derivative by {self.source}: {verdict}"]
        for part in (
            *self.problems,
            *map(str, self.checks),
            *map(str, self.taylor),
            *(f"note: {note}" for note in self.notes),
        ):
            lines += ["  " + line for line in part.split("\n")]
        return "\n".join([*lines, f"  {self.evaluations} evaluations of {self.function}"])

    def plot_taylor(self, ax: Any = None) -> Any:
        """Draw the Taylor remainders on logarithmic axes, beside the slopes that they should have.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure without it.

        Returns
        -------
        matplotlib.axes.Axes
        """
        return draw(self.taylor, ax)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """The report as one self-contained HTML page, with the plot of the remainders in it.

        Parameters
        ----------
        path : path-like, optional
            Where to write it.

        Returns
        -------
        str
            The page.
        """
        page = document(self)
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page

    def _repr_html_(self) -> str:
        return fragment(self)


def _agree(
    given: NDArray[np.float64], estimate: NDArray[np.float64], error_bar: NDArray[np.float64]
) -> bool:
    with np.errstate(invalid="ignore"):
        allowed = error_bar + _HINT_RTOL * np.maximum(np.abs(given), np.abs(estimate))
        return bool(np.all(np.abs(given - estimate) <= allowed))


def _table(entries: list[Entry], rest: int) -> list[str]:
    """The worst entries as aligned columns."""
    head = ("entry", "given", "differences", "± error bar", "verdict")
    rows = [head]
    for entry in entries:
        verdict = str(entry.verdict)
        if entry.verdict is EntryVerdict.KINK:
            verdict += f": slope {entry.left:.6g} on the left, {entry.right:.6g} on the right"
        rows.append(
            (
                entry.name,
                f"{entry.given:.9g}",
                f"{entry.estimate:.9g}",
                f"{entry.error_bar:.1e}",
                verdict,
            )
        )
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = [
        f"  {row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}  {row[4]}"
        for row in rows
    ]
    return lines + ([f"  … and {rest} more"] if rest > 0 else [])
