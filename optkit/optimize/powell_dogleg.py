"""Powell's dogleg for nonlinear least squares and nonlinear equations.

Symbols as in `optkit.optimize.gauss_newton`. Within the region ‖D p‖ ≤ Δ the step follows a path of two legs: from 0 to
the minimum of the linear model along its steepest descent (the Cauchy point), and from there to the Gauss-Newton step.
The decrease of the model and the length ‖D p‖ both grow along it, so the end inside the region is its best point. One
factorisation serves any Δ, and there is no equation to solve for λ (M. J. D. Powell, A hybrid method for nonlinear
equations, in P. Rabinowitz (ed.), Numerical Methods for Nonlinear Algebraic Equations, 1970, 87–114; K. Madsen, H. B.
Nielsen & O. Tingleff, 2004, algorithm 3.21). The rest is that of `optkit.optimize.residual_region`.
"""

from __future__ import annotations

from dataclasses import dataclass

from optkit.optimize.linear_model import Step
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.residual_region import RegionMethod
from optkit.optimize.state import LeastSquaresState


@dataclass(frozen=True)
class Dogleg(RegionMethod):
    """Powell's dogleg; the options are those of a `RegionMethod`.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> def residuals(x):
    ...     return np.array([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])
    >>> optkit.least_squares(residuals, [-1.2, 1.0], method="dogleg").x.round(6)
    array([1., 1.])
    """

    name = "dogleg"

    def propose(self, problem: LeastSquaresProblem, state: LeastSquaresState) -> Step:
        return state.model.dogleg_within(state.radius)
