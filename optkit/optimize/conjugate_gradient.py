"""Nonlinear conjugate gradients: directions from the last two gradients, no matrix.

Symbols: x the point, g its gradient, d the direction, y = g⁺ − g. The next direction is d⁺ = −g⁺ + β d, with β

    FR   g⁺ᵀg⁺ / gᵀg                         (Fletcher & Reeves 1964; Nocedal & Wright (5.41a))
    PR+  max(g⁺ᵀy / gᵀg, 0)                  (Polak & Ribière 1969, Gilbert & Nocedal 1992; N&W (5.44), (5.45))
    HS   g⁺ᵀy / dᵀy                          (Hestenes & Stiefel 1952; N&W (5.46))
    DY   g⁺ᵀg⁺ / dᵀy                         (Dai & Yuan 1999; N&W (5.49))
    HZ   (y − 2 d yᵀy/dᵀy)ᵀ g⁺ / dᵀy, at least −1 / (‖d‖ min(η, ‖g‖)) with η = 0.01, relative to the first ‖g‖
                                            (W. W. Hager & H. Zhang 2005, (1.3), (1.6))

HZ descends under any line search; the others are restarted along −g⁺ when d⁺ does not, and FR and DY, which have no
restart of their own, every time that gradients are far from orthogonal, |g⁺ᵀg| ≥ 0.2 g⁺ᵀg⁺ (Powell; N&W (5.52)). The
line search should be accurate, |φ′(t)| ≤ 0.1 |φ′(0)|: FR needs c₂ < ½ (N&W lemma 5.6).

Numbers are of J. Nocedal & S. J. Wright, Numerical Optimization, 2nd ed. The distance to the minimum is estimated as
for gradient descent (`optkit.optimize.first_order`), R g.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

from optkit.errors import InvalidInputError
from optkit.optimize.curvature import Curvature
from optkit.optimize.first_order import informed_reach, next_reach
from optkit.optimize.line_search import LineSearch, StrongWolfe, Trial, first_step_length
from optkit.optimize.problem import BaseProblem
from optkit.optimize.solver import Solver
from optkit.optimize.state import State
from optkit.optimize.validation import Vector, norm, unknown

Formula = Literal["fr", "pr+", "hs", "dy", "hz"]
_ETA = 0.01
_ORTHOGONAL = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ConjugateState(State):
    """A `State` with the direction to search along, the length to try, R, and the norm of the first gradient."""

    direction: Vector
    next_length: float
    reach: float
    steepness: float


@dataclass(frozen=True)
class ConjugateGradient(Solver[ConjugateState]):
    """The nonlinear conjugate gradient method.

    Three vectors of memory; for large problems on which `LBFGS` has too many, and for comparison.

    Parameters
    ----------
    formula : {"fr", "pr+", "hs", "dy", "hz"}
        What makes β.
    line_search : LineSearch
        Nearly exact ones serve it best.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> solver = optkit.optimize.ConjugateGradient(formula="pr+")
    >>> result = optkit.minimize(lambda x: np.sum(np.cosh(x * [1.0, 3.0])), [1.0, 1.0], method=solver)
    >>> result.success
    True
    """

    formula: Formula = "hz"
    line_search: LineSearch = StrongWolfe(curvature=0.1)

    name = "cg"

    def __post_init__(self) -> None:
        if self.formula not in get_args(Formula):
            what = f"formula {self.formula!r} of ConjugateGradient"
            raise InvalidInputError(unknown(what, str(self.formula), list(get_args(Formula))))

    def init(self, problem: BaseProblem, x0: Vector) -> ConjugateState:
        """Start along −g."""
        fun, grad = problem.value_and_gradient(x0)
        length = first_step_length(x0, fun, grad)
        return ConjugateState(
            x=x0, fun=fun, grad=grad, noise=problem.noise(fun), newton_step=-length * grad,
            decrement=0.5 * length * float(grad @ grad), direction=-grad, next_length=length,
            reach=length, steepness=norm(grad),
        )  # fmt: skip

    def step(self, problem: BaseProblem, state: ConjugateState) -> ConjugateState:
        """Search along d, then bend it by what the step has shown."""
        found = self.line_search.search(problem, state, state.direction, state.next_length)
        if found is None or found.grad is None or not (s := found.x - state.x).any():
            if (state.direction + state.grad).any():  # not yet along −g
                found = self.line_search.search(problem, state, -state.grad, state.reach)
                state = replace(state, direction=-state.grad)
            if found is None or found.grad is None or not (s := found.x - state.x).any():
                return replace(state, step_norm=0.0, stuck="the line search found no lower value")
        y = found.grad - state.grad
        reach = next_reach(state.reach, float(s @ s), float(s @ y), found.t)
        direction = self._direction(state, found, y)
        slope, before = float(found.grad @ direction), float(state.grad @ state.direction)
        # The same first decrease as in the last step (N&W §3.5, (3.60) in its first form).
        length = found.t * before / slope if slope < 0.0 else reach
        return ConjugateState(
            x=found.x, fun=found.fun, grad=found.grad, noise=problem.noise(found.fun),
            newton_step=-reach * found.grad, decrement=0.5 * reach * float(found.grad @ found.grad),
            direction=direction, next_length=length, reach=reach, steepness=state.steepness,
            step_norm=norm(s), step_size=found.t,
        )  # fmt: skip

    def _direction(self, state: ConjugateState, found: Trial, y: Vector) -> Vector:
        """d⁺; along −g⁺ where the formula gives no descent."""
        new, old, d = found.grad, state.grad, state.direction
        assert new is not None
        square = float(new @ new)
        restart = self.formula in ("fr", "dy") and abs(float(new @ old)) >= _ORTHOGONAL * square
        beta = 0.0 if restart else self._beta(state, new, y)
        direction: Vector = beta * d - new if math.isfinite(beta) else -new
        return direction if float(direction @ new) < -1e-10 * square else -new

    def _beta(self, state: ConjugateState, new: Vector, y: Vector) -> float:
        d, old = state.direction, float(state.grad @ state.grad)
        dy = float(d @ y)
        if self.formula == "fr":
            return float(new @ new) / old
        if self.formula == "pr+":
            return max(float(new @ y) / old, 0.0)
        if not dy > 0.0:
            return math.nan
        if self.formula == "hs":
            return float(new @ y) / dy
        if self.formula == "dy":
            return float(new @ new) / dy
        beta = (float(new @ y) - 2.0 * float(new @ d) * float(y @ y) / dy) / dy
        return max(beta, -1.0 / (norm(d) * min(_ETA * state.steepness, math.sqrt(old))))

    def inform(
        self, problem: BaseProblem, state: ConjugateState, curvature: Curvature | None
    ) -> ConjugateState | None:
        """Start again along −g, with distances estimated from the true curvature."""
        if curvature is None:
            return None
        reach = informed_reach(state.reach, curvature, state.grad)
        return replace(
            state, direction=-state.grad, next_length=first_step_length(state.x, state.fun, state.grad),
            reach=reach, newton_step=-reach * state.grad, stuck="",
            decrement=0.5 * reach * float(state.grad @ state.grad),
        )  # fmt: skip

    def default_max_iter(self, n: int) -> int:
        """Many: iterations are cheap."""
        return max(20_000, 200 * n)
