"""SR1 in a trust region: a quasi-Newton matrix that may be indefinite, as the Hessian may.

Symbols: x the point, g its gradient, B ≈ ∇²f, p a step that minimises gᵀp + ½ pᵀBp within ‖p‖ ≤ Δ, y = g(x + p) − g,
r = y − B p. The update

    B⁺ = B + r rᵀ / (rᵀp)

is the only symmetric one of rank one with B⁺ p = y. It is left out where |rᵀp| < 10⁻⁸ ‖r‖ ‖p‖, and made after rejected
steps too: they are the ones from which there is most to learn (J. Nocedal & S. J. Wright, Numerical Optimization, 2nd
ed., (6.24), (6.26), algorithm 6.2; A. R. Conn, N. I. M. Gould & Ph. L. Toint, Math. Programming 50 (1991) 177–195). B
is not kept positive definite, and approaches ∇²f in more directions than BFGS does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from optkit.optimize.curvature import Curvature
from optkit.optimize.line_search import first_step_length
from optkit.optimize.newton_trust_region import TOO_SMALL, TrustRegionState, first_radius
from optkit.optimize.problem import BaseProblem
from optkit.optimize.quadratic_model import MoreSorensen, QuadraticModel, Subproblem
from optkit.optimize.solver import Solver
from optkit.optimize.trust_region import gain_ratio, interpolated_shrink, next_radius
from optkit.optimize.validation import Matrix, Vector, is_finite, norm

_EPS = float(np.finfo(np.float64).eps)
_SKIP = 1e-8
_ROUNDING = 1e-12


@dataclass(frozen=True)
class SR1(Solver[TrustRegionState]):
    """The symmetric rank-one quasi-Newton method in a trust region.

    Often needs fewer gradients than `BFGS`, at O(n³) operations an iteration.

    Parameters
    ----------
    subproblem : Subproblem
        How the model is minimised.
    accept : float
        A step is accepted when the actual decrease is more than this fraction of the predicted one.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> def rosenbrock(x):
    ...     return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2
    >>> result = optkit.minimize(rosenbrock, [-1.2, 1.0], method=optkit.optimize.SR1())
    >>> result.success, np.round(result.x, 6)
    (True, array([1., 1.]))
    """

    subproblem: Subproblem = MoreSorensen()
    accept: float = 1e-4

    name = "sr1"

    def init(self, problem: BaseProblem, x0: Vector) -> TrustRegionState:
        """Start with a multiple of the identity."""
        fun, grad = problem.value_and_gradient(x0)
        return self._start(problem, x0, fun, grad)

    def step(self, problem: BaseProblem, state: TrustRegionState) -> TrustRegionState:
        """Try the minimiser of the model; learn from the gradient there, and accept or reject it."""
        tried = self.subproblem.solve(state.model, state.radius)
        if tried.predicted <= state.noise < state.decrement:
            return replace(state, step_norm=0.0, stuck=TOO_SMALL)
        x, value, grad = problem.within(state.x + tried.step), math.nan, None
        if is_finite(x):
            value, grad = problem.value_and_gradient(x)
        if grad is None or not (math.isfinite(value) and is_finite(grad)):
            radius = 0.25 * min(state.radius, tried.length)
            return _at(problem, state, state.model.hessian, radius)
        actual = state.fun - value
        hessian = rank_one_update(state.model.hessian, tried.step, grad - state.grad)
        ratio = gain_ratio(actual, tried.predicted, state.noise) if actual < math.inf else 1.0
        shrink = interpolated_shrink(float(state.grad @ tried.step), actual)
        if ratio <= self.accept:
            radius = next_radius(state.radius, tried.length, -math.inf, shrink)
            new = _at(problem, state, hessian, radius)
            if np.all(np.abs(tried.step) <= _EPS * np.abs(state.x)):
                return replace(new, stuck=TOO_SMALL)
            return new
        radius = next_radius(state.radius, tried.length, ratio, shrink)
        moved = _state(problem, x, value, grad, hessian, radius)
        return replace(moved, step_norm=norm(tried.step), step_size=radius)

    def inform(
        self, problem: BaseProblem, state: TrustRegionState, curvature: Curvature | None
    ) -> TrustRegionState:
        """Go on from the true Hessian, or from the identity, in a region of the first size."""
        if curvature is None:
            return self._start(problem, state.x, state.fun, state.grad)
        radius = max(state.radius, first_radius(state.x, state.fun, state.grad))
        return _state(problem, state.x, state.fun, state.grad, curvature.matrix(), radius)

    def _start(self, problem: BaseProblem, x: Vector, fun: float, grad: Vector) -> TrustRegionState:
        hessian = np.eye(x.size) / first_step_length(x, fun, grad)
        return _state(problem, x, fun, grad, hessian, first_radius(x, fun, grad))


def rank_one_update(hessian: Matrix, p: Vector, y: Vector) -> Matrix:
    """B⁺ of (6.24)."""
    r = y - hessian @ p
    rp = float(r @ p)
    if norm(r) <= _ROUNDING * norm(y):  # B is right already
        return hessian
    if not abs(rp) >= _SKIP * norm(r) * norm(p) or rp == 0.0:
        return hessian
    updated: Matrix = hessian + np.outer(r, r / rp)
    return updated if is_finite(updated.reshape(-1)) else hessian


def _at(
    problem: BaseProblem, state: TrustRegionState, hessian: Matrix, radius: float
) -> TrustRegionState:
    """The same point with another matrix in another region."""
    new = _state(problem, state.x, state.fun, state.grad, hessian, radius)
    return replace(new, step_norm=0.0, step_size=radius)


def _state(
    problem: BaseProblem, x: Vector, fun: float, grad: Vector, hessian: Matrix, radius: float
) -> TrustRegionState:
    model = QuadraticModel.of(grad, hessian, np.ones(x.size))
    step, decrement = model.newton()
    return TrustRegionState(
        x=x, fun=fun, grad=grad, noise=problem.noise(fun), newton_step=step, decrement=decrement,
        model=model, radius=radius,
    )  # fmt: skip
