"""Gradient methods whose step lengths adapt to each variable; made for gradients that are noisy.

Symbols: x the point, g its gradient (of the present minibatch, if there are batches), α the learning rate, k = 1, 2, …
the iteration, m and v running means of g and g², all operations elementwise.

- SGD:      m⁺ = μ m + g, x⁺ = x − α m⁺ (H. Robbins & S. Monro 1951; with momentum, B. T. Polyak 1964).
- Adagrad:  v⁺ = v + g², x⁺ = x − α g/(√v⁺ + ε) (J. Duchi, E. Hazan & Y. Singer, JMLR 12 (2011) 2121–2159).
- RMSProp:  v⁺ = ρ v + (1 − ρ) g², x⁺ = x − α g/(√v⁺ + ε) (T. Tieleman & G. Hinton 2012, lecture 6.5).
- Adam:     m⁺ = β₁ m + (1 − β₁) g, v⁺ = β₂ v + (1 − β₂) g², x⁺ = x − α m̂/(√v̂ + ε) with m̂ = m⁺/(1 − β₁ᵏ) and
  v̂ = v⁺/(1 − β₂ᵏ) (D. P. Kingma & J. Ba, ICLR 2015, algorithm 1).
- AdamW:    the same, and x shrinks by α λ x besides (I. Loshchilov & F. Hutter, ICLR 2019, algorithm 2).

None of them searches, none is monotone, and with a constant α none converges to more than about α: the learning rate
may be a function of the iteration. On a function without noise, what is returned is the best point seen, and the loop's
tests stop the solve as for gradient descent. With minibatches there is nothing to tell a minimum by: a limit ends the
solve, and the last point is returned.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from optkit.errors import InvalidInputError
from optkit.optimize.curvature import Curvature
from optkit.optimize.first_order import informed_reach, next_reach
from optkit.optimize.problem import Problem
from optkit.optimize.result import Verdict
from optkit.optimize.solver import Solver
from optkit.optimize.state import State
from optkit.optimize.validation import Vector, is_finite, norm

Rate = float | Callable[[int], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveState(State):
    """A `State` with the running means m and v, the steps they are of, and R as for gradient descent."""

    mean: Vector
    square: Vector
    steps: int
    reach: float


@dataclass(frozen=True)
class _Adaptive(Solver[AdaptiveState]):
    """What they share: the start, the step, the learning rate."""

    learning_rate: Rate = 1e-2

    takes_batches = True

    def __post_init__(self) -> None:
        if not callable(self.learning_rate):
            self._positive("learning_rate", self.learning_rate)

    def _positive(self, name: str, value: float) -> None:
        if not 0.0 < value < math.inf:
            raise InvalidInputError(f"{type(self).__name__}: {name} must be positive, got {value}")

    def _fraction(self, name: str, value: float) -> None:
        if not 0.0 <= value < 1.0:
            raise InvalidInputError(f"{type(self).__name__}: {name} must be in [0, 1), got {value}")

    @abstractmethod
    def _change(self, state: AdaptiveState) -> tuple[Vector, Vector, Vector]:
        """The step for α = 1, and the new m and v."""

    def _shrink(self) -> float:
        """λ, by which x shrinks besides."""
        return 0.0

    def init(self, problem: Problem, x0: Vector) -> AdaptiveState:
        """Start with means of zero."""
        fun, grad = problem.value_and_gradient(x0)
        zero = np.zeros_like(x0)
        start = AdaptiveState(
            x=x0, fun=fun, grad=grad, noise=problem.noise(fun), newton_step=zero, decrement=0.0,
            mean=zero, square=zero, steps=0, reach=1.0,
        )  # fmt: skip
        return _estimated(problem, start)

    def step(self, problem: Problem, state: AdaptiveState) -> AdaptiveState:
        """Step by the running means, then look at the gradient there, of the next batch if there are batches."""
        rate = self.learning_rate
        alpha = float(rate(state.iteration)) if callable(rate) else float(rate)
        change, mean, square = self._change(state)
        x = state.x + alpha * (change - self._shrink() * state.x)
        problem.draw()
        fun, grad = problem.value_and_gradient(x) if is_finite(x) else (math.nan, x)
        if not (math.isfinite(fun) and is_finite(grad)):
            text = (
                f"not finite after a step of {type(self).__name__} with learning rate {alpha:.3g}"
            )
            return replace(
                state, step_norm=0.0, verdict=Verdict.FAILED,
                message=f"failed: the function or its gradient is {text}; take a smaller one",
            )  # fmt: skip
        s, y = x - state.x, grad - state.grad
        reach = next_reach(state.reach, float(s @ s), float(s @ y), alpha)
        return _estimated(problem, AdaptiveState(
            x=x, fun=fun, grad=grad, noise=problem.noise(fun), newton_step=s, decrement=0.0,
            mean=mean, square=square, steps=state.steps + 1, reach=reach, step_norm=norm(s),
            step_size=alpha,
        ))  # fmt: skip

    def inform(
        self, problem: Problem, state: AdaptiveState, curvature: Curvature | None
    ) -> AdaptiveState | None:
        """Estimate distances from the true curvature along the gradient."""
        if curvature is None or state.stuck:
            return None
        reach = informed_reach(state.reach, curvature, state.grad)
        return _estimated(problem, replace(state, reach=reach, stuck=""))

    def default_max_iter(self, n: int) -> int:
        """Iterations are cheap."""
        return 10_000


def _estimated(problem: Problem, state: AdaptiveState) -> AdaptiveState:
    """With the estimate of the distance to the minimum: R g, or none where the gradient is a batch's."""
    if problem.batches is not None:
        nothing = np.full_like(state.x, math.nan)
        return replace(state, newton_step=nothing, decrement=math.nan)
    decrement = 0.5 * state.reach * float(state.grad @ state.grad)
    return replace(state, newton_step=-state.reach * state.grad, decrement=decrement)


@dataclass(frozen=True)
class SGD(_Adaptive):
    """Stochastic gradient descent with momentum.

    Parameters
    ----------
    learning_rate : float or callable
        α, or α of the iteration 0, 1, …
    momentum : float
        μ, in [0, 1).

    Examples
    --------
    >>> import numpy as np, optkit
    >>> solver = optkit.optimize.SGD(learning_rate=0.1)
    >>> result = optkit.minimize(lambda x: np.sum((x - 1.0) ** 2), [3.0], method=solver, max_iter=300)
    >>> result.x.round(4)
    array([1.])
    """

    momentum: float = 0.9

    name = "sgd"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._fraction("momentum", self.momentum)

    def _change(self, state: AdaptiveState) -> tuple[Vector, Vector, Vector]:
        mean = self.momentum * state.mean + state.grad
        return -mean, mean, state.square


@dataclass(frozen=True)
class Adagrad(_Adaptive):
    """Step lengths that fall with the sum of squared gradients of each variable.

    Parameters
    ----------
    learning_rate : float or callable
        α, or α of the iteration 0, 1, …
    eps : float
        ε, which keeps the first steps finite.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> solver = optkit.optimize.Adagrad(learning_rate=0.5)
    >>> result = optkit.minimize(lambda x: np.sum((x - 1.0) ** 2), [3.0], method=solver, max_iter=500)
    >>> result.x.round(3)
    array([1.])
    """

    eps: float = 1e-10

    name = "adagrad"

    def _change(self, state: AdaptiveState) -> tuple[Vector, Vector, Vector]:
        square = state.square + state.grad**2
        return -state.grad / (np.sqrt(square) + self.eps), state.mean, square


@dataclass(frozen=True)
class RMSProp(_Adaptive):
    """Step lengths by the recent size of the gradient of each variable.

    Parameters
    ----------
    learning_rate : float or callable
        α, or α of the iteration 0, 1, …
    decay, eps : float
        ρ, in [0, 1), and ε.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> solver = optkit.optimize.RMSProp(learning_rate=lambda k: 0.1 / (1.0 + 0.1 * k))
    >>> result = optkit.minimize(lambda x: np.sum((x - 1.0) ** 2), [3.0], method=solver, max_iter=500)
    >>> bool(abs(result.x[0] - 1.0) < 0.01)
    True
    """

    decay: float = 0.9
    eps: float = 1e-8

    name = "rmsprop"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._fraction("decay", self.decay)

    def _change(self, state: AdaptiveState) -> tuple[Vector, Vector, Vector]:
        square = self.decay * state.square + (1.0 - self.decay) * state.grad**2
        return -state.grad / (np.sqrt(square) + self.eps), state.mean, square


@dataclass(frozen=True)
class Adam(_Adaptive):
    """Adaptive moments: momentum over step lengths by the recent size of the gradient of each variable.

    Parameters
    ----------
    learning_rate : float or callable
        α, or α of the iteration 0, 1, …
    beta1, beta2 : float
        β₁ and β₂, in [0, 1).
    eps : float
        ε.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> solver = optkit.optimize.Adam(learning_rate=0.1)
    >>> result = optkit.minimize(lambda x: np.sum((x - 1.0) ** 2), [3.0], method=solver, max_iter=500)
    >>> result.x.round(3)
    array([1.])
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    name = "adam"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._fraction("beta1", self.beta1)
        self._fraction("beta2", self.beta2)

    def _change(self, state: AdaptiveState) -> tuple[Vector, Vector, Vector]:
        k = state.steps + 1
        mean = self.beta1 * state.mean + (1.0 - self.beta1) * state.grad
        square = self.beta2 * state.square + (1.0 - self.beta2) * state.grad**2
        first, second = mean / (1.0 - self.beta1**k), square / (1.0 - self.beta2**k)
        return -first / (np.sqrt(second) + self.eps), mean, square


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: what is minimised is not quite the function any more.

    Parameters
    ----------
    learning_rate, beta1, beta2, eps
        As for `Adam`.
    weight_decay : float
        λ ≥ 0.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> solver = optkit.optimize.AdamW(learning_rate=0.1, weight_decay=0.0)
    >>> result = optkit.minimize(lambda x: np.sum((x - 1.0) ** 2), [3.0], method=solver, max_iter=500)
    >>> result.x.round(3)
    array([1.])
    """

    weight_decay: float = 1e-2

    name = "adamw"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.weight_decay < math.inf:
            raise InvalidInputError(f"AdamW: weight_decay must be ≥ 0, got {self.weight_decay}")

    def _shrink(self) -> float:
        return self.weight_decay
