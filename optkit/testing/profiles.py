"""Performance and data profiles: how many of the problems a solver has solved within how much work.

Symbols: t(p, s) the work of solver s on problem p, infinite or NaN where it fails; r(p, s) = t(p, s) / minₛ t(p, s).

- The *performance profile* ρₛ(τ) is the fraction of problems with r(p, s) ≤ τ (E. D. Dolan & J. J. Moré, Benchmarking
  optimization software with performance profiles, Math. Programming 91 (2002) 201–213, (2.1)). ρₛ(1) is how often s is
  the fastest, ρₛ(∞) how often it succeeds at all.
- The *data profile* dₛ(κ) is the fraction of problems solved within κ units of work, for example simplex gradients
  t/(n + 1) (J. J. Moré & S. M. Wild, Benchmarking derivative-free optimization algorithms, SIAM J. Optim. 20 (2009)
  172–191, (2.8)); `work_to_converge` is their convergence test (2.2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.errors import InvalidInputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """Step functions, one for each solver.

    Attributes
    ----------
    kind : str
        ``"performance"`` or ``"data"``.
    solvers : tuple of str
        Their names.
    steps : tuple of ndarray
        For each solver, ascending, the abscissae at which its curve rises by one problem.
    problems : int
        How many problems there are.

    Examples
    --------
    >>> from optkit.testing.profiles import performance_profile
    >>> profile = performance_profile({"a": [1.0, 2.0, float("nan")], "b": [2.0, 2.0, 5.0]})
    >>> profile.at(1.0)
    {'a': 0.6666666666666666, 'b': 0.6666666666666666}
    >>> profile.at(2.0)["b"]
    1.0
    """

    kind: str
    solvers: tuple[str, ...]
    steps: tuple[Array, ...]
    problems: int

    def at(self, abscissa: float) -> dict[str, float]:
        """The fraction of problems that each solver has solved at this abscissa; inf asks for all it can."""
        if math.isinf(abscissa):
            return {
                name: s.size / self.problems
                for name, s in zip(self.solvers, self.steps, strict=True)
            }
        return {
            name: int(np.searchsorted(s, abscissa, side="right")) / self.problems
            for name, s in zip(self.solvers, self.steps, strict=True)
        }

    def curve(self, solver: str) -> tuple[Array, Array]:
        """Abscissae and fractions of one solver's curve, ready to be drawn as steps (``where="post"``)."""
        steps = self.steps[self.solvers.index(solver)]
        return steps, np.arange(1.0, steps.size + 1.0) / self.problems


def performance_profile(work: Mapping[str, Any]) -> Profile:
    """The performance profile of Dolan and Moré.

    Parameters
    ----------
    work : mapping of str to array_like of shape (problems,)
        For each solver, the positive work on each problem; NaN or inf where it has failed.

    Returns
    -------
    Profile
        Its abscissa is the ratio τ ≥ 1 to the best solver of each problem.

    Examples
    --------
    >>> from optkit.testing.profiles import performance_profile
    >>> performance_profile({"a": [3.0, 1.0], "b": [1.0, 1.0]}).at(3.0)
    {'a': 1.0, 'b': 1.0}
    """
    table = _table(work)
    best = np.min(table, axis=0, initial=np.inf)
    with np.errstate(invalid="ignore"):
        ratios = table / best
    return _profile("performance", work, ratios)


def data_profile(work: Mapping[str, Any], units: Any = 1.0) -> Profile:
    """The data profile of Moré and Wild.

    Parameters
    ----------
    work : mapping of str to array_like of shape (problems,)
        For each solver, the work on each problem; NaN or inf where it has failed.
    units : array_like of shape (problems,)
        What a unit of work is on each problem, for example n + 1.

    Returns
    -------
    Profile
        Its abscissa is the work in these units.

    Examples
    --------
    >>> from optkit.testing.profiles import data_profile
    >>> data_profile({"a": [6.0, float("inf")]}, units=[3.0, 5.0]).at(2.0)
    {'a': 0.5}
    """
    table = _table(work)
    return _profile("data", work, table / np.asarray(units, dtype=np.float64))


def work_to_converge(
    values: Any, best: float, tolerance: float = 1e-5, *, start: float | None = None
) -> float:
    """The number of evaluations after which f(x) ≤ f_L + τ (f(x₀) − f_L); inf if that never happens.

    Parameters
    ----------
    values : array_like of shape (evaluations,)
        The values in the order in which they were evaluated.
    best : float
        f_L, the least value that any solver has found.
    tolerance : float
        τ.
    start : float, optional
        f(x₀); the first of the values if left out.

    Examples
    --------
    >>> from optkit.testing.profiles import work_to_converge
    >>> work_to_converge([10.0, 4.0, 0.5, 1e-9], best=0.0, tolerance=0.1)
    3.0
    """
    array = np.asarray(values, dtype=np.float64)
    first = float(array[0]) if start is None else start
    with np.errstate(invalid="ignore"):
        reached = np.flatnonzero(array <= best + tolerance * (first - best))
    return float(reached[0] + 1) if reached.size else math.inf


def _table(work: Mapping[str, Any]) -> Array:
    """Solvers in rows, problems in columns; inf where a solver has failed."""
    rows = [np.asarray(row, dtype=np.float64) for row in work.values()]
    if (
        not rows
        or any(row.ndim != 1 or row.shape != rows[0].shape for row in rows)
        or not rows[0].size
    ):
        raise InvalidInputError(
            "a profile needs one number for each problem from every solver, the same problems in the same order; "
            f"got {[row.shape for row in rows]}"
        )
    table = np.stack(rows)
    if np.any(table <= 0.0):
        raise InvalidInputError(
            "the work of a profile must be positive; give NaN where a solver has failed"
        )
    return np.where(np.isnan(table), np.inf, table)


def _profile(kind: str, work: Mapping[str, Any], table: Array) -> Profile:
    steps = tuple(np.sort(row[np.isfinite(row)]) for row in table)
    return Profile(kind, tuple(work), steps, table.shape[1])
