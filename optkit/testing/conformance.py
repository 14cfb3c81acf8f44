"""The conformance suite: what a backend must do, as a product that anybody can run over their own.

`run_conformance` gives the whole table; `conformance_tests` makes pytest tests of it, one for each row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from optkit.ad.backends import Backend, get_backend
from optkit.testing.contract import CONTRACT
from optkit.testing.scenarios import MismatchError, MisshapenError, Scenario, operator_scenarios
from optkit.testing.structures import FACE

SCENARIOS: tuple[Scenario, ...] = (*operator_scenarios(), *CONTRACT, *FACE)


class Status(StrEnum):
    """How a scenario ended."""

    PASS = "pass"
    UNSUPPORTED = "unsupported"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Outcome:
    """One row of the table: the scenario, how it ended, and why where it did not pass."""

    scenario: str
    status: Status
    detail: str = ""


@dataclass(frozen=True)
class ConformanceReport:
    """What `run_conformance` found. True as a condition when nothing failed; ``print(report)`` shows the table.

    Attributes
    ----------
    backend : str
        The name of the backend.
    outcomes : tuple of Outcome
        One for each scenario.

    Examples
    --------
    >>> from optkit.testing import run_conformance
    >>> report = run_conformance("native")
    >>> bool(report), report.failures
    (True, ())
    """

    backend: str
    outcomes: tuple[Outcome, ...]

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The rows that failed."""
        return tuple(row for row in self.outcomes if row.status is Status.FAIL)

    def __bool__(self) -> bool:
        return not self.failures

    def __str__(self) -> str:
        counts = Counter(row.status for row in self.outcomes)
        summary = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
        order = sorted(self.outcomes, key=lambda row: list(Status).index(row.status), reverse=True)
        width = max((len(row.scenario) for row in order), default=0)
        lines = [f"conformance of backend {self.backend!r}: {summary}"]
        for row in order:
            detail = row.detail.replace("\n", "\n" + " " * 15)
            lines.append(f"  {row.status:<11}  {row.scenario:<{width}}  {detail}".rstrip())
        return "\n".join(lines)


def run_conformance(backend: str | Backend) -> ConformanceReport:
    """Run every scenario over a backend.

    Parameters
    ----------
    backend : str or Backend
        By name or as an object.

    Returns
    -------
    ConformanceReport
        Each scenario passes, is declared unsupported by the backend (and raises, as it should), or fails with what
        happened instead.

    Notes
    -----
    The scenarios multiply operators (value, products, gradient, Jacobian, Hessian), functions with derivatives worked
    out by hand, and prepared or not; then they look at what a caller may rely on (results that share no memory,
    arguments left alone, errors, threads) and at the operators of `optkit.ad` and the optimizers through the backend,
    on arguments of every structure, shape and dtype. Functions are written with `Backend.namespace`, numbers are held
    to `Backend.accuracy`, and what `Backend.unsupported` declares is run all the same: it has to raise.

    Examples
    --------
    >>> from optkit.testing import run_conformance
    >>> print(run_conformance("complex-step"))
    conformance of backend 'complex-step': ... pass
    ...
    """
    backend = get_backend(backend)
    # The samples go to points with infinite and undefined values on purpose.
    with np.errstate(all="ignore"):
        outcomes = tuple(_outcome(backend, scenario) for scenario in SCENARIOS)
    return ConformanceReport(backend.name, outcomes)


def _outcome(backend: Backend, scenario: Scenario) -> Outcome:
    declared = backend.unsupported.get(scenario.group) if scenario.group else None
    try:
        scenario.run(backend)
    except MismatchError as error:
        if declared and isinstance(error, MisshapenError):
            return Outcome(scenario.name, Status.UNSUPPORTED, f"{declared}: {error}")
        remark = f" (declared unsupported, but it does not raise: {declared})" if declared else ""
        return Outcome(scenario.name, Status.FAIL, f"{error}{remark}")
    except Exception as error:
        if declared:
            return Outcome(scenario.name, Status.UNSUPPORTED, declared)
        return Outcome(scenario.name, Status.FAIL, f"{type(error).__name__}: {error}")
    return Outcome(scenario.name, Status.PASS)


def conformance_tests(backend: str | Backend | Callable[[], Backend]) -> Callable[..., None]:
    """The conformance suite as a pytest test with one case for each scenario.

    Parameters
    ----------
    backend : str, Backend, or callable
        What to test; a callable is called when the tests run.

    Returns
    -------
    callable
        A parametrized test. The cases are skipped where the backend is not installed, and those that it declares
        unsupported are skipped with its reason.

    Examples
    --------
    In a test module of the package that brings a backend::

        from optkit.testing import conformance_tests

        test_conformance = conformance_tests("my-backend")
    """
    import pytest

    def made() -> Backend:
        if isinstance(backend, str | Backend):
            return get_backend(backend)
        return backend()

    @pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
    def test(scenario: Any) -> None:
        outcome = _outcome(made(), scenario)
        if outcome.status is Status.UNSUPPORTED:
            pytest.skip(f"declared unsupported: {outcome.detail}")
        assert outcome.status is Status.PASS, outcome.detail

    test.__doc__ = f"Conformance of {backend!r}."
    tests: Callable[..., None] = test
    return tests
