"""Gauss-Newton: nonlinear least squares from values and Jacobians of the residuals.

Symbols: x the parameters, r(x) the residuals of shape (m,), J their Jacobian, f = ½‖r‖² the value, g = Jᵀr its
gradient, p the step, D the column scaling. The step goes to a minimiser of the linear model ½‖r + J p‖², that is, ∇²f
is replaced by JᵀJ, which is right up to Σ rᵢ ∇²rᵢ: convergence is quadratic where the residuals vanish and fast where
they are small. JᵀJ is not formed: see `optkit.optimize.linear_model` for the factorisation and for what happens when
J is rank-deficient or m < n, where the minimiser p = −J⁺r is the one of least ‖D p‖.

A search along p makes it descend from anywhere where J has full rank (J. Nocedal & S. J. Wright, Numerical
Optimization, 2nd ed., §10.3). For m = n and J regular, p is Newton's step for r(x) = 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from optkit.optimize.line_search import Armijo, LineSearch
from optkit.optimize.linearization import Linearization, LinearSolver
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.solver import Solver
from optkit.optimize.state import LeastSquaresState
from optkit.optimize.validation import Vector, norm


@dataclass(frozen=True)
class GaussNewton(Solver[LeastSquaresState]):
    """Gauss-Newton with a line search.

    The simplest method for least squares and, near a solution with small residuals, as fast as any. Where the model
    is poor far from the solution, `LevenbergMarquardt` is more robust.

    Parameters
    ----------
    line_search : LineSearch
        How far to go along the step; tries the full step first.
    linear_solver : {"qr", "normal"}
        Whether J is factored, or JᵀJ.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> t = np.linspace(0.0, 2.0, 9)
    >>> y = 2.0 * np.exp(-1.5 * t)
    >>> fit = optkit.least_squares(
    ...     lambda p: p[0] * np.exp(-p[1] * t) - y, [1.0, 1.0], method=optkit.optimize.GaussNewton()
    ... )
    >>> np.round(fit.x, 6)
    array([2. , 1.5])
    """

    line_search: LineSearch = Armijo()
    linear_solver: LinearSolver = "qr"

    name = "gauss-newton"
    problem_type = LeastSquaresProblem

    def __post_init__(self) -> None:
        _ = self._linearization  # which checks its options

    @cached_property
    def _linearization(self) -> Linearization:
        return Linearization(scaling="marquardt", linear_solver=self.linear_solver)

    def init(self, problem: LeastSquaresProblem, x0: Vector) -> LeastSquaresState:
        """Linearise at the start."""
        return self._linearization.start(problem, x0)

    def step(self, problem: LeastSquaresProblem, state: LeastSquaresState) -> LeastSquaresState:
        """Search along the minimiser of the linear model."""
        step, new = state.newton_step, None
        found = self.line_search.search(problem, state, step, 1.0)
        if found is not None and (found.x != state.x).any():
            length = found.t * norm(step)
            new = self._linearization.at(problem, found.x, step_norm=length, step_size=found.t)
        return new or replace(
            state, step_norm=0.0,
            stuck="the line search found no lower sum of squares along the Gauss-Newton step; "
            "method='lm' is more robust",
        )  # fmt: skip
