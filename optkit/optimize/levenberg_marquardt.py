"""Levenberg–Marquardt: nonlinear least squares, robust far from the solution and fast near it.

Symbols as in `optkit.optimize.gauss_newton`; Δ is the radius of the region, λ the damping, ρ = actual/predicted
decrease. The step minimises ½‖r + J p‖² + ½λ‖D p‖²: Gauss-Newton's for λ = 0, short and downhill for large λ. What
becomes of it, the scaling D, and the region are those of `optkit.optimize.residual_region`.

**Damping.** ``"radius"``: λ is what makes ‖D p‖ ≤ Δ (J. J. Moré, The Levenberg-Marquardt algorithm, 1978).
``"nielsen"``: λ itself is followed, λ ← λ max(⅓, 1 − (2ρ − 1)³) and ν ← 2 after success, λ ← νλ and ν ← 2ν after
failure, from λ = 10⁻³ (H. B. Nielsen, Damping parameter in Marquardt's method, IMM-REP-1999-05, (2.5); K. Madsen, H.
B. Nielsen & O. Tingleff, Methods for Non-Linear Least Squares Problems, 2nd ed., 2004, algorithm 3.16).

**Geodesic acceleration.** The step p is the velocity of a geodesic on the manifold of models; its acceleration a is
the damped minimiser for the second derivative r″ of the residuals along p, and the step becomes p + ½a where
2‖D a‖ ≤ ¾‖D p‖ (M. K. Transtrum & J. P. Sethna, Improvements to the Levenberg-Marquardt algorithm for nonlinear
least-squares minimization, arXiv:1201.5885, (12)–(15)). It follows curved, narrow valleys; r″ costs about as much as
two evaluations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from optkit.errors import InvalidInputError
from optkit.optimize.linear_model import Step
from optkit.optimize.linearization import check_choice
from optkit.optimize.losses import influence
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.residual_region import RegionMethod
from optkit.optimize.state import LeastSquaresState
from optkit.optimize.validation import Vector, norm

_ACCELERATION = 0.75


@dataclass(frozen=True)
class LevenbergMarquardt(RegionMethod):
    """Levenberg–Marquardt: the default for least squares, with and without bounds.

    Parameters
    ----------
    initial_radius : float
        The first radius, in units of ‖D x0‖ (of 1 where that is zero).
    accept : float
        A step is accepted when the actual decrease is more than this fraction of the predicted one.
    scaling : {"more", "marquardt", "none"}
        What D is made of; see `optkit.optimize.linearization`.
    linear_solver : {"qr", "normal"}
        Whether J is factored, or JᵀJ.
    secant : bool
        Whether the curvature that JᵀJ lacks is learnt from the steps.
    damping : {"radius", "nielsen"}
        Whether the radius follows the success of the steps, or λ.
    initial_damping : float
        The first λ of Nielsen's, relative to the squared norms of the scaled columns of J.
    geodesic : bool
        Whether steps are bent by their second derivative. Not under bounds.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> def residuals(x):
    ...     return np.array([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])
    >>> result = optkit.least_squares(residuals, [-1.2, 1.0], method=optkit.optimize.LevenbergMarquardt())
    >>> np.round(result.x, 6)
    array([1., 1.])
    """

    damping: Literal["radius", "nielsen"] = "radius"
    initial_damping: float = 1e-3
    geodesic: bool = False

    name = "lm"

    def __post_init__(self) -> None:
        check_choice("damping", self.damping, ("radius", "nielsen"))
        super().__post_init__()

    def init(self, problem: LeastSquaresProblem, x0: Vector) -> LeastSquaresState:
        """Linearise at the start; begin with the first radius, or the first λ."""
        if self.geodesic and problem.box is not None:
            raise InvalidInputError(
                "geodesic acceleration takes no bounds; leave geodesic=True out"
            )
        return replace(super().init(problem, x0), damping=self.initial_damping)

    def propose(self, problem: LeastSquaresProblem, state: LeastSquaresState) -> Step:
        model = state.model
        if self.damping == "nielsen":
            damping, step = state.damping, model.step_damped(state.damping)
        else:
            step = model.step_within(state.radius)
            damping = model.damping_of(state.radius) if self.geodesic else 0.0
        return self._accelerated(problem, state, step, damping) if self.geodesic else step

    def adapted(self, state: LeastSquaresState, ratio: float) -> dict[str, Any]:
        if self.damping == "radius":
            return {}
        if ratio <= self.accept:
            return {"damping": state.damping * state.growth, "growth": 2.0 * state.growth}
        factor = max(1.0 / 3.0, 1.0 - (2.0 * min(ratio, 1.0) - 1.0) ** 3)
        return {"damping": state.damping * factor, "growth": 2.0}

    def _accelerated(
        self, problem: LeastSquaresProblem, state: LeastSquaresState, step: Step, damping: float
    ) -> Step:
        """The step along the geodesic, where its second-order term is small enough to be believed."""
        velocity, predicted, length = step
        second = problem.second_derivative_along(state.x, velocity)
        if problem.loss is not None:
            second = influence(state.residuals, problem.loss)[1] * second
        acceleration = state.model.solve(second @ state.jacobian, damping)
        if not 2.0 * norm(state.model.scale * acceleration) <= _ACCELERATION * length:
            return step
        return velocity + 0.5 * acceleration, predicted, length
