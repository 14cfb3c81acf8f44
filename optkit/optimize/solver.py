"""The solver protocol, and the one loop that runs every solver.

A solver is a frozen dataclass of options with two methods, ``init(problem, x0) → state`` and ``step(problem, state)
→ state``. All it learns goes into the state. `iterate` alternates steps and stopping tests
(`optkit.optimize.stopping`) and can be driven by hand; `solve` adds limits, history, callbacks and the care of
interrupts, and returns a `Result`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from optkit.errors import InvalidInputError, InvalidTypeError
from optkit.optimize.checkpoint import load, save
from optkit.optimize.curvature import Curvature
from optkit.optimize.problem import BaseProblem, Problem
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.result import Result, Verdict
from optkit.optimize.run import NO_LIMITS, Callback, Limits, Run, stops
from optkit.optimize.state import State
from optkit.optimize.stopping import Judge
from optkit.optimize.validation import Vector, check_callback, check_control

StateT = TypeVar("StateT", bound=State)


class Solver(ABC, Generic[StateT]):
    """An algorithm; subclass it as a frozen dataclass of its options.

    Attributes
    ----------
    name : str
        The name by which ``method=`` finds it.
    problem_type : type
        The kind of problem that it takes, `Problem` or `LeastSquaresProblem`.
    takes_bounds : bool
        Whether it keeps within any bounds. Without, only pairs of equal bounds, which fix variables, are possible.
    takes_batches : bool
        Whether it can work with a function that is a different one, for another minibatch, in every step.
    """

    name: ClassVar[str]
    problem_type: ClassVar[type[BaseProblem]] = Problem
    takes_bounds: ClassVar[bool] = False
    takes_batches: ClassVar[bool] = False

    @abstractmethod
    def init(self, problem: Any, x0: Vector) -> StateT:
        """The state at x0, shape (n,), which `BaseProblem.start` has validated."""

    @abstractmethod
    def step(self, problem: Any, state: StateT) -> StateT:
        """The state after one step; ``state`` itself is not changed.

        A step that is rejected returns the same x with ``step_norm=0``. When nothing better than x can be found,
        the new state says why in ``stuck``. Values that are not finite never get into a state.
        """

    def inform(self, problem: Any, state: StateT, curvature: Curvature | None) -> StateT | None:
        """A fresh start at ``state.x``, or None when the solver has nothing to make one of.

        Called when the solver takes x for a minimum and the Hessian there refutes it, or when it is stuck.
        ``curvature`` is that of the Hessian, or None where no Hessian is to be had.
        """
        return None

    def redirect(
        self, problem: Any, state: StateT, newton_step: Vector, decrement: float
    ) -> StateT | None:
        """The same state with a better way to the minimum, or None when the solver has no use for one.

        Called instead of `inform` where the Hessian is too large to have whole.
        """
        return None

    def default_max_iter(self, n: int) -> int:
        """The limit of iterations for n variables when the user sets none."""
        return max(1000, 200 * n)


def iterate(
    problem: BaseProblem | Callable[..., Any],
    solver: Solver[StateT],
    x0: Any,
    *,
    tol: float | None = None,
) -> Iterator[StateT]:
    """Step a solver by hand: yield the state at x0 and then after every step, until the solver's verdict.

    Parameters
    ----------
    problem : Problem, LeastSquaresProblem or callable
        A function is made into the kind of problem that the solver takes.
    solver : Solver
        For example ``optkit.optimize.BFGS()``.
    x0 : array_like of shape (n,)
        The start.
    tol : float, optional
        As for `optkit.minimize` or `optkit.least_squares`.

    Returns
    -------
    iterator of State
        With ``x``, ``fun``, ``grad``, ``step_norm`` and what the solver adds; ``verdict`` is set in the last one.
        There is no limit of iterations: ``break`` when you have seen enough.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> for state in optkit.iterate(lambda x: np.sum((x - 1.0) ** 2), optkit.optimize.BFGS(), [3.0, 2.0]):
    ...     if state.fun < 1e-3:
    ...         break
    >>> np.round(state.x, 2)
    array([1., 1.])
    """
    if not isinstance(solver, Solver):
        name = solver.__name__ if isinstance(solver, type) else "BFGS"
        raise InvalidTypeError(
            f"iterate: solver must be a solver with its options, got {solver!r}; "
            f"write, for example, iterate(f, optkit.optimize.{name}(), x0)"
        )
    check_control("tol", tol)  # here, and not when the first state is asked for
    return _steps(as_problem(problem, solver), solver, x0, tol)


def _steps(
    problem: BaseProblem, solver: Solver[StateT], x0: Any, tol: float | None
) -> Iterator[StateT]:
    state, judge = _begin(problem, solver, x0, tol)
    yield state
    while state.verdict is None:
        state = _advance(problem, solver, judge, state)
        yield state


def solve(
    problem: BaseProblem,
    solver: Solver[Any],
    x0: Any,
    *,
    tol: float | None = None,
    limits: Limits = NO_LIMITS,
    callback: Callback | None = None,
) -> Result:
    """Run a solver from x0 to a verdict: the one loop.

    Parameters
    ----------
    problem, solver, x0, tol
        As for `iterate`.
    limits : Limits
        When to stop before the solver's own verdict, and what to keep.
    callback : callable, optional
        Called with the state after every step; returning True or raising StopIteration ends the solve.

    Returns
    -------
    Result
        The best point seen, whatever ended the solve.
    """
    check_control("tol", tol)
    check_callback(callback)
    run = Run(problem, solver.name, limits)
    keeper = _Keeper(problem, solver, run)

    def loop() -> Result:
        state, judge = keeper.begin(x0, tol)
        if run.max_iter is None:
            run.max_iter = solver.default_max_iter(problem.n)
        run.start_clock()
        while state.verdict is None:
            run.check_iterations()
            state = _advance(problem, solver, judge, state)
            run.record(state)
            keeper.keep(state, judge)
            if callback is not None and stops(callback, state):
                text = f"limit reached: the callback stopped iteration {run.nit}"
                return run.result(Verdict.LIMIT, text)
        return run.result(state.verdict, state.message)

    try:
        return run.supervise(loop)
    finally:
        keeper.close()


class _Keeper:
    """Begins a solve, fresh or from a checkpoint, and keeps what the report and the next checkpoint need."""

    def __init__(self, problem: BaseProblem, solver: Solver[Any], run: Run) -> None:
        self.problem, self.solver, self.run = problem, solver, run
        self.last: tuple[State, Judge] | None = None
        self.written = -1

    def begin(self, x0: Any, tol: float | None) -> tuple[Any, Judge]:
        """The first state, at x0 or as the checkpoint has it, recorded, and who judges."""
        limits, run = self.run.limits, self.run
        state, judge = _begin(
            self.problem, self.solver, x0, tol, 10 if limits.escape_saddles else 0
        )
        if limits.resume is None:
            run.record(state)
        else:
            kept = load(limits.resume)
            if kept["method"] != self.solver.name or kept["options"] != repr(self.solver):
                raise InvalidInputError(
                    f"resume: the checkpoint is of {kept['options']}, the solve of {self.solver!r}"
                )
            if not np.array_equal(kept["x0"], self.problem.x0):
                raise InvalidInputError("resume: the checkpoint is of a solve from another x0")
            state = kept["state"]
            judge.remember(kept["judge"])
            run.restore(kept["run"])
            self.problem.restore(kept["problem"])
        self.last = (state, judge)
        run.criteria_of = self._criteria
        return state, judge

    def _criteria(self) -> list[tuple[str, float, float]]:
        assert self.last is not None
        state, judge = self.last
        return judge.criteria(state)

    def keep(self, state: Any, judge: Judge) -> None:
        """Note the state, and write the checkpoint when it is due."""
        self.last = (state, judge)
        if state.iteration % self.run.limits.checkpoint_every == 0:
            self._write()

    def close(self) -> None:
        """Write the last state, if it is not written yet."""
        self._write()

    def _write(self) -> None:
        path = self.run.limits.checkpoint
        if path is None or self.last is None or self.written == self.last[0].iteration:
            return
        state, judge = self.last
        content = {
            "method": self.solver.name, "options": repr(self.solver), "x0": self.problem.x0,
            "state": state, "judge": judge.memory(), "run": self.run.snapshot(),
            "problem": self.problem.snapshot(),
        }  # fmt: skip
        save(path, content)
        self.written = state.iteration


def _begin(
    problem: BaseProblem, solver: Solver[Any], x0: Any, tol: float | None, escapes: int = 0
) -> tuple[Any, Judge]:
    """The state at x0, judged, and who judges."""
    x = problem.start(x0)
    if problem.box is not None and not solver.takes_bounds and problem.box.restricts:
        raise InvalidInputError(
            f"method {solver.name!r} takes no bounds but equal ones, which fix a variable; "
            f"use method={'lm' if solver.problem_type is LeastSquaresProblem else 'lbfgsb'!r}, or leave method out"
        )
    if problem.batches is not None and not solver.takes_batches:
        raise InvalidInputError(
            f"method {solver.name!r} needs the same function in every step and takes no batches; use method='adam'"
        )
    with np.errstate(all="ignore"):
        state = solver.init(problem, x)
        judge = Judge(problem, tol, state, escapes=escapes)
        return _sealed(judge(solver, state), 0), judge


def _advance(problem: BaseProblem, solver: Solver[Any], judge: Judge, state: Any) -> Any:
    """The next state, judged. Overflow and NaN at a trial point are rejected steps, not worth a warning."""
    with np.errstate(all="ignore"):
        return _sealed(judge(solver, solver.step(problem, state)), state.iteration + 1)


def _sealed(state: State, iteration: int) -> State:
    """The state, numbered, its point made read-only: callbacks see it, and the next step starts from it."""
    state.x.flags.writeable = False
    object.__setattr__(state, "iteration", iteration)  # new and not seen by anybody yet
    return state


def as_problem(problem: BaseProblem | Callable[..., Any], solver: Solver[Any]) -> BaseProblem:
    """``problem``, or the kind of problem that the solver takes made of a function."""
    if not isinstance(problem, BaseProblem):
        problem = solver.problem_type(problem)
    if solver.problem_type is LeastSquaresProblem and not isinstance(problem, LeastSquaresProblem):
        raise InvalidTypeError(
            f"{solver.name!r} needs residuals: pass a LeastSquaresProblem, or call optkit.least_squares"
        )
    return problem
