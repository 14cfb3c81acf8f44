"""Gradient descent: x⁺ = x − t ∇f(x).

Symbols: x the point, g = ∇f(x), s = x⁺ − x the step, y = g⁺ − g the change of the gradient, t the step length.

The direction −g carries no scale of its own, so all depends on the first t that the line search tries. From the
second iteration on it is Barzilai and Borwein's: sᵀs/sᵀy or sᵀy/yᵀy, the inverses of two estimates of the curvature
along s (Two-point step size gradient methods, IMA J. Numer. Anal. 8 (1988) 141–148, (5) and (6)). The second,
shorter one is taken where it is less than half of the first (B. Zhou, L. Gao & Y.-H. Dai, Comput. Optim. Appl. 35
(2006) 69–86). Unlike theirs, the method is monotone: the line search accepts only decreases. Convergence is linear,
at a rate that the condition of ∇²f spoils; it is here to compare with and for functions whose gradient is all there
is.

Under bounds the direction is P(x − t g) − x, with P the projection and t the length to try: the projected gradient
method with spectral step lengths (E. G. Birgin, J. M. Martínez & M. Raydan, SIAM J. Optim. 10 (2000) 1196–1211, SPG2),
here again monotone.

The distance to the minimum is estimated as R g, where R is the largest sᵀs/sᵀy of late: in the end the steps lie in
the directions of least curvature, which decide it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from optkit.optimize.curvature import Curvature
from optkit.optimize.line_search import Armijo, LineSearch, first_step_length
from optkit.optimize.problem import BaseProblem
from optkit.optimize.solver import Solver
from optkit.optimize.state import State
from optkit.optimize.validation import Vector, norm

_RATIO = 0.5
_FORGET = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientState(State):
    """A `State` with the next step length to try and R, the inverse of the least curvature met of late."""

    next_length: float
    reach: float


@dataclass(frozen=True)
class GradientDescent(Solver[GradientState]):
    """Gradient descent with a line search that first tries Barzilai and Borwein's step lengths.

    `FixedStep` and `Schedule` as line searches make it the textbook's method, which searches for nothing.

    Parameters
    ----------
    line_search : LineSearch
        How the step length is chosen.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> result = optkit.minimize(
    ...     lambda x: (x[0] - 1.0) ** 2 + 10.0 * x[1] ** 2, [5.0, 1.0], method=optkit.optimize.GradientDescent()
    ... )
    >>> result.success, np.round(result.x, 6) + 0.0
    (True, array([1., 0.]))
    """

    line_search: LineSearch = Armijo()

    name = "gradient-descent"
    takes_bounds = True

    def init(self, problem: BaseProblem, x0: Vector) -> GradientState:
        """Start with a step length that moves x by a tenth."""
        fun, grad = problem.value_and_gradient(x0)
        length = first_step_length(x0, fun, grad)
        return _state(problem, x0, fun, grad, length, length)

    def step(self, problem: BaseProblem, state: GradientState) -> GradientState:
        """Search along −g, then learn the next step length from what the step has shown."""
        direction, first, longest = -state.grad, state.next_length, math.inf
        if problem.box is not None:
            # The way to the projection of the first trial; at t = 1 it ends in the box, if not before at a bound.
            direction = problem.box.project(state.x + first * direction) - state.x
            first, longest = 1.0, problem.box.reach(state.x, direction)
        found = self.line_search.search(problem, state, direction, first, longest)
        if found is None or found.grad is None or not (s := found.x - state.x).any():
            return replace(state, step_norm=0.0, stuck="the line search found no lower value")
        y = found.grad - state.grad
        ss, sy, yy = float(s @ s), float(s @ y), float(y @ y)
        reach = next_reach(state.reach, ss, sy, found.t)
        if sy > 0.0:
            long, short = ss / sy, sy / yy
            length = short if short < _RATIO * long else long
        else:
            length = 2.0 * found.t
        new = _state(problem, found.x, found.fun, found.grad, length, reach)
        return replace(new, step_norm=norm(s), step_size=found.t)

    def inform(
        self, problem: BaseProblem, state: GradientState, curvature: Curvature | None
    ) -> GradientState | None:
        """Estimate distances from the true curvature along the gradient."""
        if curvature is None:
            return None
        reach = informed_reach(state.reach, curvature, state.grad)
        return _state(problem, state.x, state.fun, state.grad, state.next_length, reach)

    def default_max_iter(self, n: int) -> int:
        """Many: the method is slow, and its iterations are cheap."""
        return 100_000


def next_reach(reach: float, ss: float, sy: float, t: float) -> float:
    """R after a step s with change of gradient y: the largest sᵀs/sᵀy of late, or t where nothing curves up."""
    return max(ss / sy, _FORGET * reach) if sy > 0.0 else max(t, reach)


def informed_reach(reach: float, curvature: Curvature, grad: Vector) -> float:
    """R that estimates the distance to the minimum as the true curvature does."""
    steepness = norm(grad)
    return max(norm(curvature.newton_step) / steepness, reach) if steepness > 0.0 else reach


def _state(
    problem: BaseProblem, x: Vector, fun: float, grad: Vector, length: float, reach: float
) -> GradientState:
    noise = problem.noise(fun)
    step = -reach * grad
    if problem.box is not None:
        step = problem.box.project(x + step) - x
    return GradientState(
        x=x, fun=fun, grad=grad, noise=noise, newton_step=step,
        decrement=-0.5 * float(grad @ step), next_length=length, reach=reach,
    )  # fmt: skip
