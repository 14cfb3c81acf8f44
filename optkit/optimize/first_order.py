"""Gradient descent: x⁺ = x − t ∇f(x).

Symbols: x the point, g = ∇f(x), s = x⁺ − x the step, y = g⁺ − g the change of the gradient, t the step length.

The direction −g carries no scale of its own, so all depends on the first t that the line search tries. From the
second iteration on it is Barzilai and Borwein's: sᵀs/sᵀy or sᵀy/yᵀy, the inverses of two estimates of the curvature
along s (Two-point step size gradient methods, IMA J. Numer. Anal. 8 (1988) 141–148, (5) and (6)). The second,
shorter one is taken where it is less than half of the first (B. Zhou, L. Gao & Y.-H. Dai, Comput. Optim. Appl. 35
(2006) 69–86). Unlike theirs, the method is monotone: the line search accepts only decreases. Convergence is linear,
at a rate that the condition of ∇²f spoils; it is here to compare with and for functions whose gradient is all there
is.

The distance to the minimum is estimated as R g, where R is the largest sᵀs/sᵀy of late: in the end the steps lie in
the directions of least curvature, which decide it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

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
    """Gradient descent with a line search and Barzilai–Borwein step lengths.

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

    def init(self, problem: BaseProblem, x0: Vector) -> GradientState:
        """Start with a step length that moves x by a tenth."""
        fun, grad = problem.value_and_gradient(x0)
        length = first_step_length(x0, fun, grad)
        return _state(x0, fun, grad, problem.noise(fun), length, length)

    def step(self, problem: BaseProblem, state: GradientState) -> GradientState:
        """Search along −g, then learn the next step length from what the step has shown."""
        found = self.line_search.search(problem, state, -state.grad, state.next_length)
        if found is None or found.grad is None or not (s := found.x - state.x).any():
            return replace(state, step_norm=0.0, stuck="the line search found no lower value")
        y = found.grad - state.grad
        ss, sy, yy = float(s @ s), float(s @ y), float(y @ y)
        if sy > 0.0:
            long, short = ss / sy, sy / yy
            length = short if short < _RATIO * long else long
            reach = max(long, _FORGET * state.reach)
        else:
            length, reach = 2.0 * found.t, max(found.t, state.reach)
        noise = problem.noise(found.fun)
        new = _state(found.x, found.fun, found.grad, noise, length, reach)
        return replace(new, step_norm=norm(s), step_size=found.t)

    def inform(
        self, problem: BaseProblem, state: GradientState, curvature: Curvature | None
    ) -> GradientState | None:
        """Estimate distances from the true curvature along the gradient."""
        if curvature is None:
            return None
        reach = float(np.linalg.norm(curvature.newton_step) / np.linalg.norm(state.grad))
        return _state(
            state.x, state.fun, state.grad, state.noise, state.next_length, max(reach, state.reach)
        )

    def default_max_iter(self, n: int) -> int:
        """Many: the method is slow, and its iterations are cheap."""
        return 100_000


def _state(
    x: Vector, fun: float, grad: Vector, noise: float, length: float, reach: float
) -> GradientState:
    step = -reach * grad
    return GradientState(
        x=x, fun=fun, grad=grad, noise=noise, newton_step=step,
        decrement=-0.5 * float(grad @ step), next_length=length, reach=reach,
    )  # fmt: skip
