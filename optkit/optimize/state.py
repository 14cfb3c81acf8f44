"""The state of a solver: a value. `Solver.step` returns a new one and changes nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from optkit.optimize.linear_model import Model
from optkit.optimize.result import Verdict
from optkit.optimize.secant_curvature import SecantCurvature
from optkit.optimize.validation import Matrix, Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What every solver knows after a step; solvers add fields of their own.

    Attributes
    ----------
    x, fun, grad
        The point, shape (n,), the value there (½‖r‖² for least squares) and the gradient, shape (n,). All are
        finite, except that ``fun`` may be inf at the start.
    newton_step
        The solver's estimate of (minimiser − x), shape (n,).
    decrement
        The decrease of ``fun`` that its model predicts for that step, ≥ 0.
    noise
        Changes of ``fun`` of this size are rounding.
    step_norm, step_size
        Euclidean length of the step just taken (0 when it was rejected), and the line search's step length or the
        trust region's radius; NaN at the start.
    stuck
        Why the solver found nothing better than x, where it did not; the stopping tests make a verdict of it.
    iteration
        How many steps have been made; the loop counts.
    verdict, message
        Set by whoever finds that there is nothing more to do, where it is found; None while there is.
    """

    x: Vector
    fun: float
    grad: Vector
    newton_step: Vector
    decrement: float
    noise: float
    step_norm: float = math.nan
    step_size: float = math.nan
    stuck: str = ""
    iteration: int = 0
    verdict: Verdict | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastSquaresState(State):
    """A `State` with what least squares adds.

    Attributes
    ----------
    residuals, jacobian
        r, shape (m,), and J, shape (m, n), dense or sparse; as the user's functions gave them, without a loss.
    model
        The factored linear model; with a loss, that of the weighted residuals.
    radius, damping, growth
        Of the trust region; Nielsen's λ and ν.
    secant
        What the steps have taught of the curvature that the linear model lacks.
    """

    residuals: Vector
    jacobian: Matrix
    model: Model
    radius: float = math.inf
    damping: float = 0.0
    growth: float = 2.0
    secant: SecantCurvature | None = None
