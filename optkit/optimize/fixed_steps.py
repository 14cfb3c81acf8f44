"""Step lengths that no search decides: a constant one, or one for each iteration.

They are line searches by form only: the trial is accepted wherever f and its gradient are finite, lower or not.
Gradient descent with a constant t converges on a function whose gradient is Lipschitz with constant L when t < 2/L;
with tₖ → 0 and Σ tₖ = ∞ it does so under noise too (H. Robbins & S. Monro, A stochastic approximation method, Ann.
Math. Statist. 22 (1951) 400–407, (6) and (7)).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from optkit.errors import InvalidInputError
from optkit.optimize.line_search import LineSearch, Trial, start_of, trial_with_slope
from optkit.optimize.problem import BaseProblem
from optkit.optimize.state import State
from optkit.optimize.validation import Vector


@dataclass(frozen=True)
class FixedStep(LineSearch):
    """The same step length always.

    Parameters
    ----------
    length : float
        t, positive.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> from optkit.optimize import FixedStep, GradientDescent
    >>> solver = GradientDescent(line_search=FixedStep(0.25))
    >>> result = optkit.minimize(lambda x: np.sum((x - 1.0) ** 2), [5.0], method=solver)
    >>> np.round(result.history.fun[:3], 3)
    array([16.,  4.,  1.])
    """

    length: float

    def __post_init__(self) -> None:
        if not 0.0 < self.length < math.inf:
            raise InvalidInputError(f"FixedStep: length must be positive, got {self.length}")

    def search(
        self,
        problem: BaseProblem,
        state: State,
        direction: Vector,
        first: float,
        longest: float = math.inf,
    ) -> Trial | None:
        return _take(problem, state, direction, min(self.length, longest))


@dataclass(frozen=True)
class Schedule(LineSearch):
    """A step length for each iteration.

    Parameters
    ----------
    length : callable
        ``length(k)`` is the step length of iteration k = 0, 1, …

    Examples
    --------
    >>> import numpy as np, optkit
    >>> from optkit.optimize import GradientDescent, Schedule
    >>> solver = GradientDescent(line_search=Schedule(lambda k: 0.5 / (1.0 + k)))
    >>> bool(optkit.minimize(lambda x: np.sum((x - 1.0) ** 2), [5.0], method=solver).success)
    True
    """

    length: Callable[[int], float]

    def search(
        self,
        problem: BaseProblem,
        state: State,
        direction: Vector,
        first: float,
        longest: float = math.inf,
    ) -> Trial | None:
        length = float(self.length(state.iteration))
        if not 0.0 < length < math.inf:
            raise InvalidInputError(
                f"Schedule: length({state.iteration}) must be positive, got {length}"
            )
        return _take(problem, state, direction, min(length, longest))


def _take(problem: BaseProblem, state: State, direction: Vector, t: float) -> Trial | None:
    trial = trial_with_slope(problem, start_of(state, direction), direction, t)
    usable = -math.inf < trial.fun < math.inf and math.isfinite(trial.slope)
    return trial if usable else None
