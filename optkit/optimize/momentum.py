"""Gradient methods with momentum: Polyak's heavy ball and Nesterov's accelerated gradient.

Symbols: x the point, g the gradient, v = x − x⁻ the last step, t the step length, β the momentum.

- Heavy ball: x⁺ = x − t g(x) + β v (B. T. Polyak, USSR Comput. Math. Math. Phys. 4 (1964) 1–17, (9)).
- Nesterov: with z = x + β v, x⁺ = z − t g(z) (Yu. Nesterov, Soviet Math. Dokl. 27 (1983) 372–376), and β from
  θ⁺ = (1 + √(1 + 4θ²))/2, β = (θ − 1)/θ⁺ (A. Beck & M. Teboulle, SIAM J. Imaging Sci. 2 (2009) 183–202, (4.2)). Where
  the step goes against the gradient, g(z)ᵀ(x⁺ − x) > 0, the momentum is dropped: with this restart the method needs no
  strong convexity constant (B. O'Donoghue & E. Candès, Found. Comput. Math. 15 (2015) 715–732, §3.2).

t is 1/L for an estimate L of the largest curvature: where no length is given, it is halved until f(x⁺) is below the
parabola of curvature 1/t (Beck & Teboulle, (2.6)), and grows by a tenth after each success. Neither method is monotone:
what is returned is the best point seen. The distance to the minimum is estimated as R g, as for gradient descent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from optkit.errors import InvalidInputError
from optkit.optimize.curvature import Curvature
from optkit.optimize.first_order import informed_reach, next_reach
from optkit.optimize.line_search import first_step_length, visible_noise
from optkit.optimize.problem import BaseProblem
from optkit.optimize.solver import Solver
from optkit.optimize.state import State
from optkit.optimize.validation import Vector, is_finite, norm

_GROW = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentumState(State):
    """A `State` with v, the step length t, θ of Nesterov's sequence, and R."""

    velocity: Vector
    length: float
    theta: float
    reach: float


@dataclass(frozen=True)
class _Momentum(Solver[MomentumState]):
    """What both share: the options, the start, the trial of a step."""

    length: float | None = None

    def __post_init__(self) -> None:
        if self.length is not None and not 0.0 < self.length < math.inf:
            raise InvalidInputError(
                f"{type(self).__name__}: length must be positive, got {self.length}"
            )

    def init(self, problem: BaseProblem, x0: Vector) -> MomentumState:
        """Start at rest."""
        fun, grad = problem.value_and_gradient(x0)
        length = self.length or first_step_length(x0, fun, grad)
        return MomentumState(
            x=x0, fun=fun, grad=grad, noise=problem.noise(fun), newton_step=-length * grad,
            decrement=0.5 * length * float(grad @ grad), velocity=np.zeros_like(x0),
            length=length, theta=1.0, reach=length,
        )  # fmt: skip

    def _moved(
        self, problem: BaseProblem, state: MomentumState, start: Vector, fun: float, grad: Vector
    ) -> tuple[Vector, float, Vector, float] | None:
        """From ``start`` along −grad: x⁺, f, g there and the length that served; None when no length does."""
        length, square = state.length, float(grad @ grad)
        noise = visible_noise(state)
        for _ in range(60):
            x = start - length * grad
            if is_finite(x):
                value = problem.value(x)
                low = self.length is not None or value <= fun - 0.5 * length * square + noise
                if math.isfinite(value) and low:
                    new = problem.gradient(x)
                    if is_finite(new):
                        return x, value, new, length
            length *= 0.5
        return None

    def _after(  # noqa: PLR0913  # the fields of a state
        self, problem: BaseProblem, state: MomentumState, x: Vector, fun: float, grad: Vector,
        length: float, theta: float, velocity: Vector,
    ) -> MomentumState:  # fmt: skip
        s, y = x - state.x, grad - state.grad
        reach = next_reach(state.reach, float(s @ s), float(s @ y), length)
        return MomentumState(
            x=x, fun=fun, grad=grad, noise=problem.noise(fun), newton_step=-reach * grad,
            decrement=0.5 * reach * float(grad @ grad), velocity=velocity, theta=theta, reach=reach,
            length=length if self.length is not None else _GROW * length,
            step_norm=norm(s), step_size=length,
        )  # fmt: skip

    def inform(
        self, problem: BaseProblem, state: MomentumState, curvature: Curvature | None
    ) -> MomentumState | None:
        """Estimate distances from the true curvature, and start at rest."""
        if curvature is None:
            return None
        reach = informed_reach(state.reach, curvature, state.grad)
        return replace(
            state, velocity=np.zeros_like(state.x), theta=1.0, reach=reach, stuck="",
            newton_step=-reach * state.grad, decrement=0.5 * reach * float(state.grad @ state.grad),
        )  # fmt: skip

    def default_max_iter(self, n: int) -> int:
        """Many: iterations are cheap."""
        return 100_000


_STUCK = "no step length along the gradient gives a lower value"


@dataclass(frozen=True)
class HeavyBall(_Momentum):
    """Gradient descent with Polyak's momentum.

    Parameters
    ----------
    length : float, optional
        The step length t; found by halving when left out.
    momentum : float
        β, in [0, 1).

    Examples
    --------
    >>> import numpy as np, optkit
    >>> solver = optkit.optimize.HeavyBall(momentum=0.8)
    >>> result = optkit.minimize(lambda x: np.sum([1.0, 10.0] * (x - 1.0) ** 2), [5.0, 1.5], method=solver)
    >>> result.success
    True
    """

    momentum: float = 0.9

    name = "heavy-ball"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.momentum < 1.0:
            raise InvalidInputError(f"HeavyBall: momentum must be in [0, 1), got {self.momentum}")

    def step(self, problem: BaseProblem, state: MomentumState) -> MomentumState:
        """Step along −g to a lower value, and let momentum carry on from there."""
        moved = self._moved(problem, state, state.x, state.fun, state.grad)
        if moved is None:
            return replace(state, step_norm=0.0, stuck=_STUCK)
        x, fun, grad, length = moved
        ahead = x + self.momentum * state.velocity
        if state.velocity.any() and is_finite(ahead):
            value = problem.value(ahead)
            slope = problem.gradient(ahead) if math.isfinite(value) else np.full_like(x, math.nan)
            if is_finite(slope):
                x, fun, grad = ahead, value, slope
        return self._after(problem, state, x, fun, grad, length, 1.0, x - state.x)


@dataclass(frozen=True)
class Nesterov(_Momentum):
    """Nesterov's accelerated gradient method, restarted where momentum goes uphill.

    Parameters
    ----------
    length : float, optional
        The step length t; found by halving when left out.
    restart : bool
        Whether momentum is dropped when it goes against the gradient.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> solver = optkit.optimize.Nesterov()
    >>> result = optkit.minimize(lambda x: np.sum([1.0, 100.0] * (x - 1.0) ** 2), [5.0, 1.5], method=solver)
    >>> result.success, result.x.round(6)
    (True, array([1., 1.]))
    """

    restart: bool = True

    name = "nesterov"

    def step(self, problem: BaseProblem, state: MomentumState) -> MomentumState:
        """Look ahead along the momentum, and step along the gradient there."""
        theta = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * state.theta**2))
        z = state.x + (state.theta - 1.0) / theta * state.velocity
        fun, grad = state.fun, state.grad
        if state.velocity.any() and is_finite(z):
            fun, grad = problem.value_and_gradient(z)
        if not (math.isfinite(fun) and is_finite(grad)):
            z, fun, grad, theta = state.x, state.fun, state.grad, 1.0
        moved = self._moved(problem, state, z, fun, grad)
        if moved is None:
            if state.velocity.any():  # try again, at rest
                return replace(state, velocity=np.zeros_like(z), theta=1.0, step_norm=0.0)
            return replace(state, step_norm=0.0, stuck=_STUCK)
        x, value, new, length = moved
        velocity = x - state.x
        if self.restart and float(grad @ velocity) > 0.0:
            velocity, theta = np.zeros_like(x), 1.0
        return self._after(problem, state, x, value, new, length, theta, velocity)
