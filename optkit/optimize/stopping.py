"""When to stop: tests free of the scales of f and x, that know the precision of the arithmetic.

Symbols: x the point, g the gradient, p the solver's estimate of (minimiser − x), δ the decrease of f that its model
predicts for p, ε the rounding unit of f's values.

**Converged.** A bound on ‖g‖ depends on the units of f and of every variable; a bound on the decrease relative to
|f| depends on a constant added to f. The estimated distance to the minimum depends on neither:

    |pᵢ| ≤ tol · max(|xᵢ|, 10⁻⁴ |x0ᵢ|) + ε maxⱼ(|xⱼ|, |x0ⱼ|)   for every i

(the x-convergence of Dennis, Gay & Welsch, NL2SOL, ACM TOMS 7 (1981) §7, componentwise; x0 lends its scale to a
variable whose optimum is zero). Least squares has, besides, a natural zero of f, so that δ ≤ tol² f is a test too:
√(δ/f) is the cosine between the residuals and the tangent plane, MINPACK's gtol, and the relative offset of Bates &
Watts, Technometrics 23 (1981) 179–183.

**Confirmed.** p is only as good as the solver's idea of curvature. Before a minimum of up to `CONFIRM_UP_TO`
variables is declared, ∇²f is evaluated once; of more variables, a few conjugate-gradient steps look at it. A Newton
step a hundred times beyond the tolerance, for a decrease above rounding, means that the solver has been deceived,
typically by badly scaled variables: it is told the true curvature and goes on. Negative curvature means a saddle or a
maximum: failed. Otherwise, unless the rest is rounding, it is told as well and takes one last step, which squares the
error. Least squares needs none of this where its steps succeed, its model comes from J itself; where they do not, the
model may lack Σ rᵢ ∇²rᵢ (with m = n, J is singular at every minimum whose residuals are not zero, and δ is all of f):
before a failure is declared, δ and p are taken from the full Hessian, differences of the gradient. And finite
differences of values alone are too coarse for it.

**Stalled at the limit of precision.** When δ is below the rounding of f (4ε|f|; for least squares see `linearize`),
values can no longer tell better from worse. As long as steps still lower δ, which rests on derivatives, the solver
goes on; when three in a row have not by a tenth, it ends, with success: x is optimal to the precision of f. The
same holds when the solver is stuck (a line search or a trust region found nothing better) and δ is within a hundred
times that rounding, or |p| is within a thousand times the tolerance: the predicted decrease is rounding, and the
values are the obstacle. Noise that rounding does not explain is measured, once the solver is stuck
(`optkit.optimize.noise`), or told by ``f_noise=``.

Neither is ever declared where f is not finite, whatever the derivatives say.

**Failed.** The solver is stuck and a decrease well above rounding is predicted: f is not smooth, or is noisy, or
its derivative is wrong. Or f has fallen below every reason: it is unbounded.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from optkit.ad.backends.finite_difference import FiniteDifferenceBackend
from optkit.optimize.curvature import Curvature, Probe
from optkit.optimize.noise import noise_level
from optkit.optimize.problem import BaseProblem, LimitReachedError, Problem
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.result import Verdict, honest
from optkit.optimize.state import LeastSquaresState, State
from optkit.optimize.validation import Vector, is_finite, norm

if TYPE_CHECKING:
    from optkit.optimize.solver import Solver

CONFIRM_UP_TO = 100
PROBE_STEPS = 20
UNBOUNDED = 1e50
_MEMORY = (
    "tol", "start_fun", "bottom", "escapes", "told", "refutation", "confirmed", "patience", "pause",
    "idle", "least_decrement", "restarted", "level",
)  # fmt: skip
_UNSEEN = "f does not change in the steps of finite differences"


class Judge:
    """The tests of one solve: ``judge(solver, state)`` is ``state``, with the verdict if one is due."""

    def __init__(
        self, problem: BaseProblem, tol: float | None, start: State, *, escapes: int = 0
    ) -> None:
        self.problem = problem
        self.exact = not uses_differences(problem)
        self.sums_squares = isinstance(problem, LeastSquaresProblem)
        self.tol = default_tolerance(problem) if tol is None else tol
        self.least_size = 1e-4 * np.abs(problem.x0)
        self.largest = float(np.abs(problem.x0).max(initial=0.0))
        self.norm_tol = 2.0 * (self.tol + math.sqrt(problem.n) * problem.precision)
        self.norm_allowance = self.norm_tol**2 * float(self.least_size @ self.least_size)
        self.norm_allowance += 4.0 * problem.n * (problem.precision * self.largest) ** 2
        # A sum of squares has a natural zero, and says how small it can become by itself.
        known = math.isfinite(start.fun) and not isinstance(problem, LeastSquaresProblem)
        self.start_fun = start.fun if known else math.nan
        self.bottom = -UNBOUNDED * max(1.0, abs(start.fun) if math.isfinite(start.fun) else 1.0)
        self.escapes = escapes  # how often a saddle may still be left along its negative curvature
        # What the solver has made of the true curvature, and why it was told.
        self.told: State | None = None
        self.refutation = ""
        self.confirmed = ""  # the claim that the Hessian has confirmed: one step more, and the end
        self.patience = self.pause = self.idle = 0
        self.level = 0.0  # the noise of f, where it had to be measured
        self.restarted = (
            math.inf
        )  # the value of the last trial from which a solver was started anew
        self.straight = (
            False  # a Hessian of zero where the gradient is not: f is a line, or has a kink
        )
        self.least_decrement = math.inf

    def __call__(self, solver: Solver[Any], state: State) -> State:
        """The state, with its verdict, or another one to go on from."""
        judged = self._judged(solver, state)
        if judged.verdict is None or math.isfinite(judged.fun):
            return judged
        verdict, message = honest(judged.verdict, judged.message, judged.fun)
        return replace(judged, verdict=verdict, message=message)

    def _judged(self, solver: Solver[Any], state: State) -> State:
        if state.verdict is not None:
            return state
        if self.confirmed:
            return replace(state, verdict=Verdict.CONVERGED, message=f"converged: {self.confirmed}")
        claim = self._claim(state)
        if claim:
            verdict = Verdict.STALLED if self._is_blind(state) else Verdict.CONVERGED
            return self._conclude(solver, state, verdict, claim)
        if state.fun < self.bottom:
            bound = f"f = {state.fun:.3g} < {self.bottom:.3g}"
            text = f"failed: {bound}, it seems to be unbounded below"
            return replace(state, verdict=Verdict.FAILED, message=text)
        if state.stuck:
            return self._conclude_stuck(solver, state)
        least = self.problem.precision**2 * (self.start_fun - state.fun)
        if (state.decrement <= state.noise or state.decrement <= least) and self._idles(state):
            bound = f"predicted decrease {state.decrement:.2g} ≤ {max(state.noise, least):.2g}"
            text = f"{bound}, the rounding of f"
            return self._conclude(solver, state, Verdict.STALLED, text)
        return state

    def _is_blind(self, state: State) -> bool:
        """Whether differences cannot see as far as the tolerance: a step of that size is lost in the noise of f."""
        if self.exact:
            return False
        reach = 0.0 if self.sums_squares else state.noise * self.distance(state) ** 2
        return state.decrement <= reach if reach else not state.newton_step.any()

    def _idles(self, state: State) -> bool:
        """Whether three steps in a row have not lowered δ by a tenth; called once δ is below rounding."""
        if state.decrement < 0.9 * self.least_decrement:
            self.least_decrement, self.idle = state.decrement, 0
        else:
            self.idle += 1
        return self.idle >= 3

    def distance(self, state: State) -> float:
        """The largest |pᵢ| relative to what is allowed; ≤ 1 is converged."""
        size, step = np.abs(state.x), np.abs(state.newton_step)
        if np.isnan(step).any():
            return math.inf  # the solver does not know
        allowed = self.tol * np.maximum(size, self.least_size)
        allowed += self.problem.precision * float(size.max(initial=self.largest))
        moving = step > 0.0
        with np.errstate(divide="ignore", over="ignore"):
            return float((step[moving] / allowed[moving]).max(initial=0.0))

    def _slope(self, state: State) -> Vector:
        """The gradient, without the variables that a bound holds."""
        box = self.problem.box
        return state.grad if box is None else box.projected_gradient(state.x, state.grad)

    def _claim(self, state: State) -> str:
        """Why x is a minimum by the solver's own model; empty when it is not."""
        if self.sums_squares and 0.0 < state.decrement <= self.tol**2 * state.fun:
            cosine = math.sqrt(state.decrement / state.fun)
            return f"cosine of residuals and tangent plane {cosine:.2g} ≤ {self.tol:.2g}"
        if not math.isfinite(state.fun) and self._slope(state).any():
            return ""  # any finite value is lower, and there is a direction to look for it
        # The componentwise test implies one of norms, which costs less and mostly says no.
        x, p = state.x, state.newton_step
        if not p @ p <= self.norm_tol**2 * (x @ x) + self.norm_allowance:
            return ""
        if not x.size:
            return "there is nothing to optimise: x is empty"
        if not self._slope(state).any():
            if self.problem.box is not None and state.grad.any():
                return "the gradient is zero in every variable that no bound holds"
            return "the gradient is zero" if self.exact else _UNSEEN
        distance = self.distance(state)
        if distance > 1.0:
            return ""
        return f"estimated distance to the minimum {distance * self.tol:.2g} ≤ {self.tol:.2g} relative to x"

    def _conclude_stuck(self, solver: Solver[Any], state: State) -> State:
        if not math.isfinite(state.fun):
            text = f"{state.stuck} than {state.fun}; start where the function is finite"
            return self._conclude(solver, state, Verdict.FAILED, text)
        if math.isnan(state.decrement):  # the solver does not know
            return replace(state, verdict=Verdict.FAILED, message=f"failed: {state.stuck}")
        precise = self._at_the_limit(state)
        if precise:
            return self._conclude(solver, state, Verdict.STALLED, f"{state.stuck}; {precise}")
        if self.told is not None and state.x is self.told.x:  # there is no more to be told
            return replace(state, verdict=Verdict.FAILED, message=f"failed: {self.refutation}")
        distance = self.distance(state)
        if distance <= 1e3:
            text = f"{state.stuck}; estimated distance to the minimum {distance * self.tol:.2g} relative to x"
            return self._conclude(solver, state, Verdict.STALLED, text)
        curvature = self._full_curvature(state)
        if curvature is not None:
            full = replace(state, newton_step=curvature.newton_step)
            if curvature.decrement <= 100.0 * state.noise or self.distance(full) <= 1e3:
                if curvature.negative:
                    text = _saddle(curvature, state.stuck)
                    return self._conclude(solver, state, Verdict.FAILED, text)
                text = f"with the curvature of the residuals, the predicted decrease is {curvature.decrement:.2g}"
                text = f"{state.stuck}; {text}, rounding of f"
                return self._conclude(solver, state, Verdict.STALLED, text)
        text = (
            f"{state.stuck}, although the predicted decrease {state.decrement:.2g} is well above rounding; "
            "is the function smooth and free of noise, and its derivative right?"
        )
        return self._conclude(solver, state, Verdict.FAILED, text)

    def _at_the_limit(self, state: State) -> str:
        """Why values cannot tell better from worse any more; empty where they can."""
        predicted, noise = f"predicted decrease {state.decrement:.2g} ≤", 100.0 * state.noise
        if state.decrement <= noise:
            return f"{predicted} {noise:.2g}, rounding of f"
        self.level = max(noise_level(self.problem, state.x, state.newton_step), self.level)
        level = 100.0 * self.level
        if state.decrement <= level:
            return f"{predicted} {level:.2g}, a hundred times the noise measured in f"
        least = self.problem.precision**2 * (self.start_fun - state.fun)
        if state.decrement <= least:
            return f"{predicted} {least:.2g}, rounding squared of all the decrease so far"
        return ""

    def _full_curvature(self, state: State) -> Curvature | None:
        """That of JᵀJ + Σ rᵢ ∇²rᵢ, where the solver's model has only the first term; None where it is not to be had."""
        problem = self.problem
        if not isinstance(problem, LeastSquaresProblem) or not 0 < problem.n <= CONFIRM_UP_TO:
            return None
        # Differences of g err by its own rounding over the step, and by the step squared.
        rounding = problem.precision if self.exact else math.pow(problem.precision, 2.0 / 3.0)
        hessian = problem.hessian_by_differences(state.x, math.cbrt(rounding))
        if not is_finite(hessian.reshape(-1)):
            return None
        return Curvature.within(hessian, state.grad, state.x, problem.box)

    def _conclude(self, solver: Solver[Any], state: State, verdict: Verdict, message: str) -> State:
        """End with this verdict, unless there is reason for the solver to go on."""
        if self.pause > 0 and not state.stuck:
            self.pause -= 1
            return state
        self.straight = False
        curvature, doubt = self._curvature(state)
        again = self._go_on(solver, state, verdict, message, curvature)
        if again is not None:
            return replace(again, step_norm=state.step_norm, step_size=state.step_size)
        if curvature is not None and curvature.negative:
            away = self._away(solver, state, curvature)
            if away is not None:
                return away
            verdict, message = Verdict.FAILED, _saddle(curvature, message)
        elif (
            curvature is not None
            and self._is_far(curvature, state)
            and verdict is not Verdict.FAILED
        ):
            verdict, message = (
                Verdict.FAILED,
                _deceived(curvature),
            )  # told already, or of no use to it
        seen, noise = self.problem.lowest.value, 100.0 * max(state.noise, self.level)
        if (
            verdict is not Verdict.FAILED
            and seen < state.fun - noise
            and self.problem.batches is None
        ):
            verdict = Verdict.FAILED
            message = (
                f"the method has ended at {state.fun:.6g}, above {seen:.6g}, which it has seen"
            )
        if self.straight and verdict is not Verdict.FAILED:
            verdict, message = Verdict.FAILED, f"no minimum of a smooth function ({message})"
            doubt = ": the Hessian is zero there, and the gradient is not"
        if isinstance(state, LeastSquaresState) and state.model.rank < state.x.size:
            ranks = f"rank {state.model.rank} of {state.x.size}"
            doubt = f" ({ranks}: not every parameter is determined)"
        return replace(state, verdict=verdict, message=f"{verdict.value}: {message}{doubt}")

    def _away(
        self, solver: Solver[Any], state: State, curvature: Curvature | Probe
    ) -> State | None:
        """A fresh start, lower, on a line along which f curves downwards; None where none is wanted."""
        if not self.escapes:
            return None
        problem, x = self.problem, state.x
        size = float(np.abs(x).max(initial=0.0)) or max(self.largest, 1.0)
        for exponent in range(8):
            for sign in (1.0, -1.0):
                ahead = problem.within(x + sign * size * 10.0**-exponent * curvature.downward)
                if problem.value(ahead) < state.fun - state.noise and is_finite(
                    problem.gradient(ahead)
                ):
                    self.escapes -= 1
                    return solver.init(problem, ahead)  # type: ignore[no-any-return]
        return None

    def criteria(self, state: State) -> list[tuple[str, float, float]]:
        """What is measured at a state, its value and its tolerance; at or below it, the solve ends."""
        rows = [
            ("distance to the minimum, relative to x", self.distance(state) * self.tol, self.tol)
        ]
        if self.sums_squares and state.fun > 0.0:
            cosine = math.sqrt(max(state.decrement, 0.0) / state.fun)
            rows.append(("cosine of residuals and tangent plane", cosine, self.tol))
        rows.append(("predicted decrease, against rounding of f", state.decrement, state.noise))
        rows.append(("gradient norm, free variables", norm(self._slope(state)), 0.0))
        return rows

    def memory(self) -> dict[str, Any]:
        """What the tests have learnt, for a checkpoint."""
        return {name: getattr(self, name) for name in _MEMORY}

    def remember(self, memory: dict[str, Any]) -> None:
        """Go on with what the tests of an interrupted solve had learnt."""
        for name in _MEMORY:
            setattr(self, name, memory[name])

    def _go_on(
        self,
        solver: Solver[Any],
        state: State,
        verdict: Verdict,
        message: str,
        curvature: Curvature | Probe | None,
    ) -> State | None:
        """A state to go on from instead of this verdict, or None when it stands."""
        again: State | None = None
        lowest = self.problem.lowest
        lower = lowest.value < min(state.fun - state.noise, self.restarted)
        if lower and is_finite(self.problem.gradient_at_lowest()):
            self.restarted = lowest.value
            again = solver.init(self.problem, lowest.x)  # a trial that no step has taken
        elif self._refutes(curvature, state, verdict):
            again = self.told = self._tell(solver, state, curvature)
            known = curvature is None or state.stuck
            self.refutation = message if known else _deceived(curvature)
            self.patience = self.pause = 2 * self.patience + 1
        elif curvature is not None and not curvature.negative and verdict is Verdict.CONVERGED:
            again = self._tell(solver, state, curvature) if state.decrement > state.noise else None
            self.confirmed = message if again is not None else ""
        return again

    def _refutes(self, curvature: Curvature | Probe | None, state: State, verdict: Verdict) -> bool:
        if self.told is not None and self.told.x is state.x:
            return False  # it has been told already, here, and found nothing better
        if curvature is None or verdict is Verdict.FAILED:
            return verdict is Verdict.FAILED or self.straight
        return self._is_far(curvature, state)

    def _is_far(self, curvature: Curvature | Probe, state: State) -> bool:
        """Whether the true curvature puts the minimum far beyond the tolerance, and far below in value."""
        informed = replace(state, newton_step=curvature.newton_step)
        worth = curvature.decrement > 100.0 * max(state.noise, self.level)
        return worth and self.distance(informed) > 100.0

    def _curvature(self, state: State) -> tuple[Curvature | Probe | None, str]:
        problem = self.problem
        if not isinstance(problem, Problem) or not problem.n:
            return None, ""
        if not self.exact or problem.batches is not None:
            return None, ""
        try:
            if problem.n > CONFIRM_UP_TO:
                return self._probe(problem, state)
            hessian = problem.hessian(state.x)
        except LimitReachedError:
            raise
        except Exception as error:  # a luxury must not cost the user the solve; it is reported
            return None, f" (curvature not confirmed: {type(error).__name__}: {error})"
        if not np.isfinite(hessian).all():
            return None, " (curvature not confirmed: the Hessian is not finite)"
        if not hessian.any():
            self.straight = bool(self._slope(state).any())
            return None, " (curvature not confirmed: the Hessian is zero)"
        return Curvature.within(hessian, state.grad, state.x, problem.box), ""

    def _probe(self, problem: Problem, state: State) -> tuple[Probe | None, str]:
        def product(v: Vector) -> Vector:
            return problem.hvp(state.x, v)

        probe = Probe.of(product, state.grad, state.x, problem.box, PROBE_STEPS)
        if not is_finite(probe.newton_step):
            return None, " (curvature not confirmed: products with the Hessian are not finite)"
        return probe, ""

    def _tell(
        self, solver: Solver[Any], state: State, curvature: Curvature | Probe | None
    ) -> State | None:
        """What the solver makes of the curvature: a state to go on from, or None."""
        if isinstance(curvature, Probe):
            return solver.redirect(self.problem, state, curvature.newton_step, curvature.decrement)
        return solver.inform(self.problem, state, curvature)


def default_tolerance(problem: BaseProblem) -> float:
    """√ε for a minimum, whose values carry no more of x; less for least squares, where J tells x to nearly ε."""
    if isinstance(problem, LeastSquaresProblem):
        return max(1e-11, problem.precision)
    return math.pow(problem.precision, 1.0 / 3.0 if uses_differences(problem) else 0.5)


def uses_differences(problem: BaseProblem) -> bool:
    """Whether first derivatives are finite differences of values, good to ε^(2/3) at best."""
    return problem.jac is None and isinstance(problem.backend, FiniteDifferenceBackend)


def _deceived(curvature: Curvature | Probe | None) -> str:
    decrement = math.nan if curvature is None else curvature.decrement
    return (
        f"the solver finds nothing lower, but the Hessian predicts a decrease of {decrement:.2g}; "
        "scale the variables to similar sizes, or use method='bfgs'"
    )


def _saddle(curvature: Curvature | Probe, message: str) -> str:
    direction = np.array2string(curvature.downward, precision=3, threshold=8)
    return (
        f"a stationary point that is not a minimum ({message}): the function curves downwards along {direction}; "
        "start elsewhere"
    )
