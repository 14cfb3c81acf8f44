"""The record of one solve: its limits, its history, the best point seen, and the `Result` made of them."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from optkit.errors import InvalidInputError
from optkit.optimize.linear_model import LinearModel, as_dense, column_norms, positive
from optkit.optimize.problem import BaseProblem, LimitReachedError
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.result import History, Iteration, LeastSquaresResult, Result, Verdict
from optkit.optimize.state import LeastSquaresState, State
from optkit.optimize.validation import check_control, is_finite, norm

Callback = Callable[[Any], Any]


@dataclass(frozen=True)
class Limits:
    """What may stop a solve before its end, and what the loop is asked to keep.

    Parameters
    ----------
    max_iter, max_evaluations : int, optional
        Iterations, and evaluations of the function. Without ``max_iter``, the solver's own default holds.
    max_time : float, optional
        Seconds; looked at before every evaluation, also inside line searches.
    keep_x : bool
        Whether the history keeps the points.
    f_noise : float, optional
        What is known of the noise of the function's values: changes of this size mean nothing.
    escape_saddles : bool
        Whether a solve that has come to a saddle goes on downwards along its negative curvature, up to ten times.
    checkpoint : path, optional
        A file that every so many iterations, and at the end, takes everything that the solve depends on.
    checkpoint_every : int
        How many iterations lie between two checkpoints.
    resume : path, optional
        A checkpoint of the same solve, from which it goes on as if it had never stopped.
    on_interrupt : {"raise", "return"}
        Whether Ctrl-C and exceptions of the user's functions propagate, with the result so far as their attribute
        ``partial_result``, or end the solve with that result.
    """

    max_iter: int | None = None
    max_evaluations: int | None = None
    max_time: float | None = None
    keep_x: bool = False
    on_interrupt: Literal["raise", "return"] = "raise"
    f_noise: float | None = None
    escape_saddles: bool = False
    checkpoint: str | os.PathLike[str] | None = None
    checkpoint_every: int = 1
    resume: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        for name in ("max_iter", "max_evaluations", "max_time", "f_noise", "checkpoint_every"):
            check_control(name, getattr(self, name))
        if self.on_interrupt not in ("raise", "return"):
            raise InvalidInputError(
                f"on_interrupt must be 'raise' or 'return', got {self.on_interrupt!r}"
            )


NO_LIMITS = Limits()


def stops(callback: Callback, state: State) -> bool:
    """Whether the callback wants an end: by returning True, or by raising StopIteration."""
    try:
        answer = callback(state)
    except StopIteration:
        return True
    return isinstance(answer, (bool, np.bool_)) and bool(answer)


class Run:
    """What the loop writes into while it runs, and `Result` is made from at any moment."""

    def __init__(self, problem: BaseProblem, method: str, limits: Limits) -> None:
        self.problem, self.method, self.limits = problem, method, limits
        self.max_iter = limits.max_iter
        self.history = History()
        self.best: State | None = None
        # Under constraints only the last point of a foreign method is a candidate for the best, not any point seen; and
        # a method without derivatives may have a function that nobody can differentiate.
        # With minibatches, values of different batches cannot be compared.
        self.any_point, self.uses_gradient = problem.batches is None, True
        self.started = time.perf_counter()
        self.criteria_of: Callable[[], list[tuple[str, float, float]]] = list
        if limits.f_noise is not None:
            problem.f_noise = limits.f_noise

    @property
    def nit(self) -> int:
        """Iterations so far."""
        return max(len(self.history) - 1, 0)

    def record(self, state: State) -> None:
        """Write a row of the history, and keep the state if it is the best."""
        gradient_norm = norm(state.grad)
        row = Iteration(
            len(self.history), state.fun, gradient_norm, state.step_norm,
            state.step_size, self.problem.nfev, time.perf_counter() - self.started,
            state.x.reshape(self.problem.shape) if self.limits.keep_x else None,
        )  # fmt: skip
        self.history.append(row)
        self.consider(state)

    def consider(self, state: State) -> None:
        """Keep the state if it is the best."""
        if self.best is None or not self.any_point or self._is_better(state, self.best):
            self.best = state

    def _is_better(self, state: State, best: State) -> bool:
        """Lower; and where the values differ by rounding only, nearer to the minimum by the derivatives."""
        gain = best.fun - state.fun
        noise = best.noise
        return gain > noise or (abs(gain) <= noise and state.decrement <= best.decrement)

    def check_iterations(self) -> None:
        """Raise `LimitReachedError` when there may not be another iteration."""
        if self.max_iter is not None and self.nit >= self.max_iter:
            raise LimitReachedError(f"{self.nit} iterations ≥ {self.max_iter}")
        self.problem.check_time()

    def start_clock(self) -> None:
        """From here on evaluations beyond the limits raise `LimitReachedError`."""
        if self.limits.max_time is not None:
            self.problem.deadline = self.started + self.limits.max_time
        if self.limits.max_evaluations is not None:
            self.problem.max_evaluations = self.limits.max_evaluations

    def result(self, verdict: Verdict, message: str, *, evaluate: bool = True) -> Result:
        """The result with this verdict at the best point seen; ``evaluate`` allows new evaluations for it."""
        problem = self.problem
        problem.deadline = problem.max_evaluations = math.inf
        if evaluate:
            self._adopt_lowest()
        best = self.best
        assert best is not None, "record the start before asking for a result"
        fields: dict[str, Any] = {
            "x": best.x.reshape(problem.shape).copy(),
            "success": verdict in (Verdict.CONVERGED, Verdict.STALLED),
            "status": verdict.status,
            "verdict": verdict,
            "message": message,
            "nit": self.nit,
            "method": self.method,
            "history": self.history,
        }
        if isinstance(problem, LeastSquaresProblem):
            fields |= _of_residuals(problem, best)
            result: Result = LeastSquaresResult(fields)
        else:
            result = Result(fields, fun=best.fun, jac=best.grad.reshape(problem.shape).copy())
        result.update(nfev=problem.nfev, njev=problem.njev, nhev=problem.nhev)
        result.update(criteria=self.criteria_of(), settings=self._settings(verdict))
        result.update(seconds=problem.seconds | {"total": time.perf_counter() - self.started})
        return result

    def _settings(self, verdict: Verdict) -> dict[str, str]:
        """What was asked, for the report."""
        limits = {
            "verdict": verdict.value,
            "max_iter": self.max_iter,
            "max_evaluations": self.limits.max_evaluations,
            "max_time": self.limits.max_time,
            "noise of f, as told": self.limits.f_noise,
        }
        return {name: str(value) for name, value in limits.items() if value is not None}

    def snapshot(self) -> dict[str, Any]:
        """What a checkpoint keeps of the run."""
        return {
            "history": list(self.history), "best": self.best,
            "elapsed": time.perf_counter() - self.started,
        }  # fmt: skip

    def restore(self, kept: dict[str, Any]) -> None:
        """Go on with the run of which `snapshot` has kept this."""
        self.history, self.best = History.of(kept["history"]), kept["best"]
        self.started = time.perf_counter() - kept["elapsed"]

    def _adopt_lowest(self) -> None:
        """A trial point that no step has committed may be the lowest of all: limits fall at any moment."""
        best, lowest = self.best, self.problem.lowest
        if best is None or not self.any_point or not lowest.value < best.fun - best.noise:
            return
        unknown = np.full_like(lowest.x, math.nan)
        grad = self.problem.gradient_at_lowest() if self.uses_gradient else unknown
        if is_finite(grad) or not self.uses_gradient:
            self.best = State(
                x=lowest.x, fun=lowest.value, grad=grad, newton_step=unknown, decrement=math.nan,
                noise=0.0,
            )  # fmt: skip

    def supervise(self, body: Callable[[], Result]) -> Result:
        """The result of ``body()``, or, when a limit or an exception ends it, the result so far."""
        try:
            return body()
        except LimitReachedError as limit:
            return self.result(Verdict.LIMIT, f"limit reached: {limit}{self._where()}")
        except (KeyboardInterrupt, Exception) as error:
            partial = self.interrupted(error)
            if partial is None or self.limits.on_interrupt == "raise":
                raise
            return partial
        finally:
            self.problem.deadline = self.problem.max_evaluations = math.inf

    def _where(self) -> str:
        """How far it got, for messages."""
        last = list(self.history)[-1]
        return f", after {last.seconds:.2g} s at gradient norm {last.gradient_norm:.2g}"

    def interrupted(self, error: BaseException) -> Result | None:
        """The result so far, which is also made the attribute ``partial_result`` of the error."""
        partial = None
        if self.best is not None:
            ctrl_c = isinstance(error, KeyboardInterrupt)
            verdict = Verdict.LIMIT if ctrl_c else Verdict.FAILED
            cause = "interrupted by the user" if ctrl_c else f"{type(error).__name__}: {error}"
            text = f"{verdict.value}: {cause}, at iteration {self.nit + 1}"
            partial = self.result(verdict, text, evaluate=False)
        error.partial_result = partial  # type: ignore[attr-defined]
        return partial


def _of_residuals(problem: LeastSquaresProblem, best: State) -> dict[str, Any]:
    """What residuals add to a result; a solver of `minimize` on a sum of squares does not keep them."""
    if isinstance(best, LeastSquaresState):
        residuals, jacobian, rank = best.residuals, best.jacobian, best.model.rank
    else:
        residuals, jacobian = problem.residuals(best.x), problem.jacobian(best.x)
        rank = LinearModel.of(as_dense(jacobian), residuals, positive(column_norms(jacobian))).rank
    fields = {
        "fun": residuals.copy(), "cost": best.fun, "jac": jacobian.copy(), "grad": best.grad.copy(),
        "rank": rank,
    }  # fmt: skip
    if problem.loss is not None:
        fields["loss"] = problem.loss
    if (box := problem.box) is not None:
        at = (best.x >= box.upper).astype(int) - ((best.x <= box.lower) & (best.x < box.upper))
        fields |= {"active_mask": at, "fixed": box.lower == box.upper}
    return fields
