"""L-BFGS: the BFGS method of the last few steps, for many variables.

Symbols: x the point, g its gradient, H ≈ (∇²f)⁻¹ the matrix that BFGS would make of the last m pairs (s, y) starting
from γI, p = −H g the direction. H is never formed: see `optkit.optimize.pairs` for its product with a vector, which
costs 4mn multiplications (J. Nocedal, Updating quasi-Newton matrices with limited storage, Math. Comp. 35 (1980)
773–782; D. C. Liu & J. Nocedal, Math. Programming 45 (1989) 503–528, algorithm 2.1).

The first direction is the gradient's, with a step length that moves x by a tenth. When the search fails, the memory is
dropped. When the true Hessian is known (`Solver.inform`), the method goes on with the Newton step, in variables z = D x
scaled by D² = diag ∇²f: then γI stands for a multiple of D⁻², and variables of different units do not matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from optkit.optimize.curvature import Curvature
from optkit.optimize.line_search import LineSearch, StrongWolfe, first_step_length
from optkit.optimize.pairs import Pairs
from optkit.optimize.problem import BaseProblem
from optkit.optimize.solver import Solver
from optkit.optimize.state import State
from optkit.optimize.validation import Vector, norm


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitedMemoryState(State):
    """A `State` with the pairs, in scaled variables D x where ``scale`` is the diagonal of D."""

    pairs: Pairs
    scale: Vector | None = None


@dataclass(frozen=True)
class LBFGS(Solver[LimitedMemoryState]):
    """Limited-memory BFGS.

    The first choice for smooth functions of thousands of variables: a few vectors of memory, and a few products of
    vectors for each iteration. Under bounds, see `LBFGSB`.

    Parameters
    ----------
    memory : int
        How many steps are remembered.
    line_search : LineSearch
        How far to go along −H g; tries the full step first.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> def rosenbrock(x):
    ...     return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)
    >>> result = optkit.minimize(rosenbrock, np.zeros(1000), method=optkit.optimize.LBFGS())
    >>> result.success, float(np.max(np.abs(result.x - 1.0))) < 1e-6
    (True, True)
    """

    memory: int = 10
    line_search: LineSearch = StrongWolfe()

    name = "lbfgs"

    def init(self, problem: BaseProblem, x0: Vector) -> LimitedMemoryState:
        """Start without memory."""
        fun, grad = problem.value_and_gradient(x0)
        return self._start(problem, x0, fun, grad)

    def step(self, problem: BaseProblem, state: LimitedMemoryState) -> LimitedMemoryState:
        """Search along −H g, then remember what the step has shown."""
        direction, longest = state.newton_step, math.inf
        if problem.box is not None:
            longest = problem.box.reach(state.x, direction)
        found = self.line_search.search(problem, state, direction, 1.0, longest)
        if found is None or found.grad is None or not (s := found.x - state.x).any():
            return replace(state, step_norm=0.0, stuck="the line search found no lower value")
        pairs, scale = state.pairs, state.scale
        z, y = s, found.grad - state.grad
        if scale is not None:
            z, y = s * scale, y / scale
        if pairs.keep(z, y, float(z @ y)):
            pairs = pairs.with_pair(z, y)
        if len(pairs):
            step, decrement = self._model(problem, found.x, found.grad, pairs, scale)
            if decrement > 0.0 or not step.any():
                return LimitedMemoryState(
                    x=found.x, fun=found.fun, grad=found.grad, noise=problem.noise(found.fun),
                    newton_step=step, decrement=decrement, pairs=pairs, scale=scale,
                    step_norm=norm(s), step_size=found.t,
                )  # fmt: skip
        fresh = self._start(problem, found.x, found.fun, found.grad)
        return replace(fresh, step_norm=norm(s), step_size=found.t)

    def inform(
        self, problem: BaseProblem, state: LimitedMemoryState, curvature: Curvature | None
    ) -> LimitedMemoryState:
        """Go on with the Newton step, in variables scaled by the curvature; or forget everything."""
        fresh = self._start(problem, state.x, state.fun, state.grad)
        if curvature is None:
            return fresh
        return replace(
            fresh, newton_step=curvature.newton_step, decrement=curvature.decrement,
            scale=curvature.scale,
        )  # fmt: skip

    def redirect(
        self, problem: BaseProblem, state: LimitedMemoryState, newton_step: Vector, decrement: float
    ) -> LimitedMemoryState | None:
        """Go there next."""
        if not float(state.grad @ newton_step) < 0.0:
            return None
        return replace(state, newton_step=newton_step, decrement=decrement, stuck="")

    def _model(
        self, problem: BaseProblem, x: Vector, grad: Vector, pairs: Pairs, scale: Vector | None
    ) -> tuple[Vector, float]:
        """The direction −H g, and the decrease that the quadratic model predicts for it."""
        if scale is None:
            step = pairs.inverse_times(grad)
        else:
            step = pairs.inverse_times(grad / scale) / scale
        np.negative(step, out=step)
        return step, -0.5 * float(grad @ step)

    def _first(self, problem: BaseProblem, x: Vector, fun: float, grad: Vector) -> Vector:
        """The first direction, when nothing is known of the curvature."""
        return -first_step_length(x, fun, grad) * grad

    def _start(
        self, problem: BaseProblem, x: Vector, fun: float, grad: Vector
    ) -> LimitedMemoryState:
        step = self._first(problem, x, fun, grad)
        return LimitedMemoryState(
            x=x, fun=fun, grad=grad, noise=problem.noise(fun), newton_step=step,
            decrement=-0.5 * float(grad @ step), pairs=Pairs.none(self.memory, x.size),
        )  # fmt: skip
