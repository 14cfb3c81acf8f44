"""BFGS: Newton's method with an approximation of the inverse Hessian, learnt from gradients.

Symbols: x the point, g its gradient, H ≈ (∇²f)⁻¹, p = −H g the direction, t the step length, s = t p the step,
y = g⁺ − g the change of the gradient, ρ = 1/sᵀy. The update

    H⁺ = (I − ρ s yᵀ) H (I − ρ y sᵀ) + ρ s sᵀ

is the closest symmetric matrix to H with H⁺ y = s (J. Nocedal & S. J. Wright, Numerical Optimization, 2nd ed.,
(6.17), algorithm 6.1). It keeps H positive definite when sᵀy > 0, which the strong Wolfe conditions make so. Under
a line search that does not (Armijo), y is damped: replaced by θ y + (1 − θ) B s such that sᵀy is a tenth of the
decrease of slope that the model expects (M. J. D. Powell, 1978; N&W procedure 18.2); B s = −t g needs no matrix B.

H starts as the identity times a first step length, and before the first update as sᵀy/yᵀy times the identity (N&W
(6.20)). It starts anew, from the true Hessian where there is one, when the line search fails or H has misjudged the
distance to the minimum (`Solver.inform`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from optkit.optimize.curvature import Curvature
from optkit.optimize.line_search import LineSearch, StrongWolfe, first_step_length
from optkit.optimize.problem import BaseProblem
from optkit.optimize.solver import Solver
from optkit.optimize.state import State
from optkit.optimize.validation import Matrix, Vector, norm

_LEAST_CURVATURE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class BFGSState(State):
    """A `State` with H, shape (n, n), and whether it has learnt anything yet."""

    inverse: Matrix
    fresh: bool


@dataclass(frozen=True)
class BFGS(Solver[BFGSState]):
    """The quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno.

    The first choice for smooth functions of up to about a thousand variables: superlinear convergence from
    gradients alone, at n² numbers of memory and O(n²) operations an iteration.

    Parameters
    ----------
    line_search : LineSearch
        How far to go along −H g; tries the full step first.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> def rosenbrock(x):
    ...     return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2
    >>> result = optkit.minimize(rosenbrock, [-1.2, 1.0], method=optkit.optimize.BFGS())
    >>> result.success, np.round(result.x, 6)
    (True, array([1., 1.]))
    """

    line_search: LineSearch = StrongWolfe()

    name = "bfgs"

    def init(self, problem: BaseProblem, x0: Vector) -> BFGSState:
        """Start with a multiple of the identity."""
        fun, grad = problem.value_and_gradient(x0)
        return _start(x0, fun, grad, problem.noise(fun))

    def step(self, problem: BaseProblem, state: BFGSState) -> BFGSState:
        """Search along −H g, then update H with what the step has shown."""
        found = self.line_search.search(problem, state, state.newton_step, 1.0)
        if found is None or found.grad is None or not (s := found.x - state.x).any():
            return replace(state, step_norm=0.0, stuck="the line search found no lower value")
        inverse = _updated(state, s, found.grad - state.grad, found.t)
        noise = problem.noise(found.fun)
        length = norm(s)
        new = _state(found.x, found.fun, found.grad, noise, inverse, length, found.t)
        if not new.decrement > 0.0 and found.grad.any():  # rounding has cost H its definiteness
            fresh = _start(found.x, found.fun, found.grad, noise)
            return replace(fresh, step_norm=length, step_size=found.t)
        return new

    def inform(
        self, problem: BaseProblem, state: BFGSState, curvature: Curvature | None
    ) -> BFGSState:
        """Go on from the true Hessian, or from the identity."""
        if curvature is None:
            return _start(state.x, state.fun, state.grad, state.noise)
        return _state(state.x, state.fun, state.grad, state.noise, curvature.inverse())

    def redirect(
        self, problem: BaseProblem, state: BFGSState, newton_step: Vector, decrement: float
    ) -> BFGSState | None:
        """Go there next."""
        if not float(state.grad @ newton_step) < 0.0:
            return None
        return replace(state, newton_step=newton_step, decrement=decrement, stuck="")


def _state(  # the fields of a state, in their order
    x: Vector, fun: float, grad: Vector, noise: float, inverse: Matrix,
    step_norm: float = math.nan, step_size: float = math.nan,
) -> BFGSState:  # fmt: skip
    direction = -(inverse @ grad)
    return BFGSState(
        x=x, fun=fun, grad=grad, noise=noise, newton_step=direction,
        decrement=-0.5 * float(grad @ direction), inverse=inverse, fresh=False,
        step_norm=step_norm, step_size=step_size,
    )  # fmt: skip


def _start(x: Vector, fun: float, grad: Vector, noise: float) -> BFGSState:
    inverse = first_step_length(x, fun, grad) * np.eye(x.size)
    return replace(_state(x, fun, grad, noise, inverse), fresh=True)


def _updated(state: BFGSState, s: Vector, y: Vector, t: float) -> Matrix:
    """H⁺, from a step s = t p with change of gradient y."""
    sy = float(s @ y)
    expected = 2.0 * t * state.decrement  # −sᵀg: the model's sᵀy for t = 1
    if sy < _LEAST_CURVATURE * expected:
        y = damped(s, y, -t * state.grad, min(0.1 * expected, 0.5 * t * expected))  # Bs = −t g
        sy = float(s @ y)
    if not (sy > 0.0 and y.any()):
        return state.inverse
    inverse = (sy / float(y @ y)) * np.eye(s.size) if state.fresh else state.inverse
    return inverse_update(inverse, s, y)


def damped(s: Vector, y: Vector, bs: Vector, target: float | None = None) -> Vector:
    """θ y + (1 − θ) B s, with θ such that its product with s is at least ``target``, by default sᵀBs / 5."""
    sy, sbs = float(s @ y), float(s @ bs)
    target = 0.2 * sbs if target is None else target
    if sy >= target or not sbs > target:
        return y
    rest = (target - sy) / (sbs - sy)  # 1 − θ
    return np.asarray((1.0 - rest) * y + rest * bs)


def inverse_update(inverse: Matrix, s: Vector, y: Vector) -> Matrix:
    """H⁺ of (6.17), written as a symmetric update of rank two; sᵀy must be positive."""
    sy, hy = float(s @ y), inverse @ y
    row = (0.5 * (1.0 + float(y @ hy) / sy) / sy) * s - hy / sy
    outer = s[:, None] * row
    updated: Matrix = inverse + outer + outer.T
    return updated


def direct_update(matrix: Matrix, s: Vector, y: Vector) -> Matrix:
    """B⁺ = B − B s sᵀB / sᵀBs + y yᵀ / sᵀy, the same for B = H⁻¹ (6.19)."""
    bs = matrix @ s
    updated: Matrix = matrix - np.outer(bs, bs / float(s @ bs)) + np.outer(y, y / float(s @ y))
    return updated
