"""Trust regions for least squares: what Levenberg–Marquardt and the dogleg share.

Symbols as in `optkit.optimize.gauss_newton`; Δ is the radius of the region ‖D p‖ ≤ Δ, ρ = actual/predicted decrease. A
step is accepted when ρ > 10⁻⁴ and r, f, J and g are finite at its end, and Δ follows ρ (J. J. Moré, The
Levenberg-Marquardt algorithm, 1978, algorithm 7.1; D by (6.3)). The methods differ in the step that they propose.

**Scaling.** D makes a method independent of the units of the parameters; see `Linearization`.

**Secant curvature.** Where Gauss-Newton's linear convergence would need dozens of steps, the part of the Hessian that
JᵀJ lacks is learnt from the steps: `optkit.optimize.secant_curvature`.

**Bounds.** Steps bend at the walls: `optkit.optimize.bounded_model`.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from optkit.optimize.bounded_model import landing
from optkit.optimize.linear_model import Step
from optkit.optimize.linearization import Linearization, LinearSolver, Scaling
from optkit.optimize.losses import influence
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.secant_curvature import learn, secant_step
from optkit.optimize.solver import Solver
from optkit.optimize.sparse_model import SparseModel
from optkit.optimize.state import LeastSquaresState
from optkit.optimize.trust_region import gain_ratio, next_radius
from optkit.optimize.validation import Vector, norm

_EPS = float(np.finfo(np.float64).eps)
_TOO_SMALL = "the trust region has shrunk until the decrease within is rounding"
_NEAR = 0.01  # and the less than this part of f that is left to gain makes it worth trusting
_INSIDE = 0.9
_SLOW = 1e-4  # steps that leave more than this part of the predicted decrease make curvature worth learning,


@dataclass(frozen=True)
class RegionMethod(Solver[LeastSquaresState]):
    """A trust-region method for least squares; subclass it with `propose`.

    Parameters
    ----------
    initial_radius : float
        The first radius, in units of ‖D x0‖ (of 1 where that is zero).
    accept : float
        A step is accepted when the actual decrease is more than this fraction of the predicted one.
    scaling : {"more", "marquardt", "none"}
        What D is made of.
    linear_solver : {"qr", "normal"}
        Whether J is factored, or JᵀJ.
    secant : bool
        Whether the curvature that JᵀJ lacks is learnt from the steps.
    """

    initial_radius: float = 1.0
    accept: float = 1e-4
    scaling: Scaling = "more"
    linear_solver: LinearSolver = "qr"
    secant: bool = True

    problem_type = LeastSquaresProblem
    takes_bounds = True

    def __post_init__(self) -> None:
        _ = self._linearization  # which checks its options

    @cached_property
    def _linearization(self) -> Linearization:
        return Linearization(self.scaling, self.linear_solver)

    @abstractmethod
    def propose(self, problem: LeastSquaresProblem, state: LeastSquaresState) -> Step:
        """A step within the region, the decrease predicted for it, and its length ‖D p‖."""

    def adapted(self, state: LeastSquaresState, ratio: float) -> dict[str, Any]:
        """What besides the radius follows the gain ratio (−∞ for a step that was rejected): fields of the state."""
        return {}

    def init(self, problem: LeastSquaresProblem, x0: Vector) -> LeastSquaresState:
        """Linearise at the start, and measure the first radius by it."""
        state = self._linearization.start(problem, x0)
        size = norm(state.model.scale * x0)
        return replace(state, radius=self.initial_radius * (size or 1.0))

    def step(self, problem: LeastSquaresProblem, state: LeastSquaresState) -> LeastSquaresState:
        """Try a step within the region; accept or reject it, and adapt the region."""
        proposal = self.propose(problem, state)
        bent = _secant_step(state) if _is_inside(state, proposal) else None
        step, predicted, length = bent or proposal
        if predicted <= state.noise < state.decrement:
            return replace(state, step_norm=0.0, stuck=_TOO_SMALL)
        x = landing(problem.box, state.x, step)
        actual = state.fun - problem.cost(problem.residuals(x))
        ratio = gain_ratio(actual, predicted, state.noise)
        if ratio > self.accept:
            new = self._accept(problem, state, x, (step, actual, length), ratio)
            if new is not None:
                return new
            actual = math.nan
        if bent is not None:  # the linear model has its turn, in the same region
            return replace(state, step_norm=0.0, secant=None)
        return self._reject(state, (step, actual, length))

    def _accept(
        self, problem: LeastSquaresProblem, state: LeastSquaresState, x: Vector, step: Step,
        ratio: float,
    ) -> LeastSquaresState | None:  # fmt: skip
        """The state at x, or None when something is not finite there; ``step`` has the actual decrease."""
        move, actual, length = step
        shrink = _interpolated(float(state.grad @ move), actual)
        radius = next_radius(state.radius, length, ratio, shrink)
        new = self._linearization.at(
            problem, x, state.model.scale, radius=radius, step_size=radius, step_norm=norm(move),
            **self.adapted(state, ratio),
        )  # fmt: skip
        fast = new is not None and not _SLOW * state.decrement < new.decrement <= _NEAR * new.fun
        if new is None or fast or not (self.secant and _is_inside(state, step)):
            return new
        return _with_secant(problem, state, new)

    def _reject(self, state: LeastSquaresState, step: Step) -> LeastSquaresState:
        move, actual, length = step
        shrink = _interpolated(float(state.grad @ move), actual)
        radius = next_radius(state.radius, length, -math.inf, shrink)
        collapsed = bool(np.all(np.abs(move) <= _EPS * np.abs(state.x)))
        return replace(
            state, step_norm=0.0, step_size=radius, radius=radius, secant=None,
            stuck=_TOO_SMALL if collapsed else "", **self.adapted(state, -math.inf),
        )  # fmt: skip


def _is_inside(state: LeastSquaresState, step: Step) -> bool:
    """Whether the region has not shaped the step: only then its shape tells of the curvature."""
    return step[2] < _INSIDE * state.radius


def _secant_step(state: LeastSquaresState) -> Step | None:
    """The step with secant curvature in the model, where that has proved itself."""
    secant = state.secant
    if secant is None or not secant.trusted:
        return None
    return secant_step(secant, state.model, state.radius)


def _with_secant(
    problem: LeastSquaresProblem, old: LeastSquaresState, new: LeastSquaresState
) -> LeastSquaresState:
    """The new state with the curvature that the step to it has taught, and with the estimates that follow from it."""
    model = new.model
    if isinstance(model, SparseModel):  # S is dense
        return new
    step, change = new.x - old.x, new.grad - old.grad
    if problem.loss is None:
        linear = (old.jacobian @ step) @ old.jacobian
        missed = new.grad - new.residuals @ old.jacobian
    else:  # whatever the weighted linear model lacks
        h = influence(old.residuals, problem.loss)[1]
        linear = (old.jacobian @ step * h) @ old.jacobian
        missed = change - linear
    secant = learn(old.secant, step, missed, change, linear, model.scale)
    if secant is None or not secant.trusted:
        return replace(new, secant=secant)
    found = secant_step(secant, model, math.inf)
    if found is None:
        return replace(new, secant=secant)
    return replace(new, secant=secant, newton_step=found[0], decrement=found[1])


def _interpolated(slope: float, actual: float) -> float:
    """Where along the step, as a fraction of it, the parabola through value, slope and new value has its minimum."""
    curvature = -actual - slope
    return -0.5 * slope / curvature if math.isfinite(actual) and curvature > 0.0 else 0.1
