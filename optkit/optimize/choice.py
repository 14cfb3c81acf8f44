"""What ``method="auto"`` picks, by what is known of the problem, and how it says why."""

from __future__ import annotations

from typing import Any, NamedTuple

from optkit.ad.backends.finite_difference import FiniteDifferenceBackend
from optkit.optimize.bounds import Box
from optkit.optimize.problem import Problem
from optkit.optimize.validation import starting_point

# Second derivatives of n variables cost about n gradients, and an iteration n³ operations: up to here that is little.
SECOND_ORDER_UP_TO = 50
# A dense matrix of more variables takes longer to update than a few vectors, and soon too much memory.
DENSE_UP_TO = 500


class Choice(NamedTuple):
    """A method by name, and why."""

    method: str
    why: str

    def __str__(self) -> str:
        return f"{self.method}: {self.why}"


def choose(problem: Problem, x0: Any, *, constrained: bool) -> Choice:
    """The method for a problem that is to be started at x0."""
    n = starting_point(x0)[0].size
    count = f"{n} variable{'' if n == 1 else 's'}"
    if problem.batches is not None:
        return Choice("adam", "the function is given minibatches")
    if constrained:
        return Choice("scipy:SLSQP", "there are constraints")
    if problem.bounds is not None and Box.of(problem.bounds, n).restricts:
        return Choice("lbfgsb", "there are bounds")
    second = has_second_derivatives(problem)
    if second and n <= SECOND_ORDER_UP_TO:
        return Choice("trust-exact", f"second derivatives of {count} are affordable")
    without = "" if second else ", no exact second derivatives"
    if n <= DENSE_UP_TO:
        return Choice("bfgs", f"a dense matrix of {count} is affordable{without}")
    return Choice("lbfgs", f"{count} are too many for a dense matrix{without}")


def has_second_derivatives(problem: Problem) -> bool:
    """Whether Hessians come from the user or from an exact backend, and not from differences."""
    if problem.hess is not None or problem.hessp is not None:
        return True
    return problem.jac is None and not isinstance(problem.backend, FiniteDifferenceBackend)
