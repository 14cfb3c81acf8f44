"""How a foreign method is watched: what it evaluates makes the history, and our rules end it.

Limits and callbacks end any method by an exception that unwinds it: its own protocol for stopping, where it has one,
differs from method to method.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

from optkit.optimize.problem import BaseProblem, Problem
from optkit.optimize.result import Result, Verdict, honest
from optkit.optimize.run import Callback, Run, stops
from optkit.optimize.state import State
from optkit.optimize.validation import Vector

_REMEMBERED = 100


class StopRequested(Exception):  # noqa: N818  # not an error: the callback's wish, on its way out through SciPy
    """Raised inside of a method of SciPy to end it."""


class Observer:
    """Writes the history of a method of SciPy, calls the callback, and holds the limits."""

    def __init__(self, problem: BaseProblem, run: Run, callback: Callback | None) -> None:
        self.problem, self.run, self.callback = problem, run, callback
        self.last: State | None = None

    def start(self, state: State) -> None:
        """Write the row of the start; from now on the limits hold."""
        self._record(state)
        self.run.start_clock()
        self.run.check_iterations()

    def iteration(self, state: State) -> None:
        """Write the row of an iteration. SciPy's protocol for stopping differs by method, so none is used."""
        self._record(state)
        if self.callback is not None and stops(self.callback, state):
            raise StopRequested
        self.run.check_iterations()

    def state(self, x: Vector, fun: float, grad: Vector) -> State:
        """A state as far as a foreign method tells."""
        steepness = float(grad @ grad)
        return State(
            x=x, fun=fun, grad=grad, newton_step=np.zeros_like(x), noise=self.problem.noise(fun),
            # Of points whose values differ by rounding, the less steep one is the better.
            decrement=0.0 if math.isnan(steepness) else steepness,
            step_norm=math.nan if self.last is None else float(np.linalg.norm(x - self.last.x)),
        )  # fmt: skip

    def _record(self, state: State) -> None:
        self.last = state
        self.run.record(state)

    def watch(self, body: Callable[[], scipy.optimize.OptimizeResult]) -> Result:
        """Run a method of SciPy and make its result ours."""

        def supervised() -> Result:
            try:
                found = body()
            except StopRequested:
                text = f"limit reached: the callback stopped iteration {self.run.nit}"
                return self.run.result(Verdict.LIMIT, text)
            verdict = _verdict(found)
            message = f"{verdict.value}: {found.message}"
            if self.run.best is not None:
                verdict, message = honest(verdict, message, self.run.best.fun)
            result = self.run.result(verdict, message)
            result.scipy_result = found
            return result

        return self.run.supervise(supervised)


class Evaluations:
    """The functions that a method of `scipy.optimize.minimize` calls; the last values are kept for the history."""

    def __init__(self, problem: Problem, observer: Observer) -> None:
        self.problem, self.observer = problem, observer
        self.uses_gradient = observer.run.uses_gradient
        self.recent: OrderedDict[bytes, tuple[float, Vector | None]] = OrderedDict()

    def value(self, x: Vector) -> float:
        """The value, and the gradient with it where both come from one evaluation."""
        point, gradient = x.copy(), None  # SciPy reuses its arrays
        if self.uses_gradient and not self.problem.separate:
            value, gradient = self.problem.value_and_gradient(point)
        else:
            value = self.problem.value(point)
        self._remember(point, value, gradient)
        return value

    def gradient(self, x: Vector) -> Vector:
        """The gradient; SciPy may overwrite it."""
        value, gradient = self.recent.get(x.tobytes(), (None, None))
        if gradient is None:
            gradient = self.problem.gradient(x.copy())
            if value is not None:
                self._remember(x, value, gradient)
        return gradient.copy()

    def _remember(self, x: Vector, value: float, gradient: Vector | None) -> None:
        self.recent[x.tobytes()] = (value, gradient)
        if len(self.recent) > _REMEMBERED:
            self.recent.popitem(last=False)

    def state(self, x: Vector) -> State:
        """The state at a point, which costs an evaluation only if SciPy has not been there of late."""
        point = np.array(x, dtype=np.float64).reshape(-1)
        known = self.recent.get(point.tobytes())
        value = self.problem.value(point) if known is None else known[0]
        gradient = self.gradient(point) if self.uses_gradient else np.full_like(point, math.nan)
        return self.observer.state(point, value, gradient)

    def iteration(self, x: Vector, *_: Any) -> None:
        """SciPy's callback; trust-constr calls it with a second argument, and for the start too."""
        last, run = self.observer.last, self.observer.run
        if last is None or run.nit or not np.array_equal(x, last.x):
            self.observer.iteration(self.state(x))


def _verdict(found: scipy.optimize.OptimizeResult) -> Verdict:
    """SciPy's judgement as one of ours. Its status codes differ by method; its sentences less."""
    if found.success:
        return Verdict.CONVERGED
    limited = re.search(r"maximum|limit|exceed|maxiter|maxfun", str(found.message), re.IGNORECASE)
    return Verdict.LIMIT if limited else Verdict.FAILED
