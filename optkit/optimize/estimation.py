"""What users call for residuals: `least_squares`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from optkit.ad.backends import Backend
from optkit.optimize.drivers import solver_named, split_options
from optkit.optimize.gauss_newton import GaussNewton
from optkit.optimize.levenberg_marquardt import LevenbergMarquardt
from optkit.optimize.linear_model import LinearModel, as_dense, column_norms, positive
from optkit.optimize.losses import Loss, as_loss
from optkit.optimize.powell_dogleg import Dogleg
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.result import LeastSquaresResult, Result, Verdict
from optkit.optimize.run import Callback, Limits
from optkit.optimize.solver import Solver, solve
from optkit.optimize.upward import room_above

LEAST_SQUARES: dict[str, type[Solver[Any]]] = {
    "lm": LevenbergMarquardt,
    "auto": LevenbergMarquardt,
    "dogleg": Dogleg,
    "gauss-newton": GaussNewton,
    "gn": GaussNewton,
}


def least_squares(  # noqa: PLR0913  # the signature of scipy.optimize.least_squares, which users know
    residuals: Callable[..., Any],
    x0: Any,
    *,
    args: tuple[Any, ...] = (),
    method: str | Solver[Any] = "auto",
    loss: str | Loss | Callable[..., Any] = "linear",
    f_scale: float = 1.0,
    bounds: Any = None,
    backend: str | Backend = "auto",
    jac: Callable[..., Any] | None = None,
    tol: float | None = None,
    callback: Callback | None = None,
    max_iter: int | None = None,
    max_time: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> LeastSquaresResult:
    """Minimise ½‖r(x)‖², half the sum of squares of residuals, or ½ Σ ρ(rᵢ²) with a loss ρ.

    Parameters
    ----------
    residuals : callable
        ``residuals(x, *args)`` returns an array, of shape (m,) or any other, of any size m: m < n, the Jacobian of
        less than full rank and m = 0 are no errors.
    x0 : array_like
        The start, as for `minimize`.
    method : str or Solver
        ``"lm"`` (which ``"auto"`` is), ``"dogleg"``, ``"gauss-newton"`` (``"gn"``), ``"scipy:trf"``,
        ``"scipy:dogbox"``, ``"scipy:lm"``, or a solver with options of its own, as ``GaussNewton(line_search=…)``.
    loss : str, Loss or callable
        ``"linear"``, ``"huber"``, ``"soft_l1"``, ``"cauchy"``, ``"arctan"``, ``"tukey"``, ``"welsch"``,
        ``"geman_mcclure"``, a `Loss`, or a function of z = r² that returns ρ, ρ′ and ρ″. See
        `optkit.optimize.losses`.
    f_scale : float
        The size of residuals at which the loss begins to count them less: about the scatter of good data.
    bounds : sequence of (low, high) or scipy.optimize.Bounds, optional
        For ``"lm"``, ``"dogleg"`` and SciPy's ``"trf"`` and ``"dogbox"``. Equal bounds fix a variable; an x0 outside is
        moved to the bounds, with a warning.
    jac : callable, optional
        ``jac(x, *args)``, the Jacobian, shape (m, n), dense or a SciPy sparse array. It is checked along one
        direction at x0.
    tol : float, optional
        The accuracy demanded: of x, relative, or of the angle between residuals and tangent plane; 1e-11 by
        default, a little more than what least squares can usually give. See `optkit.optimize.stopping`.
    args, backend, callback, max_iter, max_time, options
        As for `minimize`. For the methods of SciPy, ``options`` are the keyword arguments of
        `scipy.optimize.least_squares`.

    Returns
    -------
    LeastSquaresResult
        The best point seen, with SciPy's fields (``fun`` are the residuals, ``cost`` is ½‖r‖², ``jac`` the
        Jacobian), the ``rank`` of the Jacobian, and ``covariance`` and ``standard_errors`` when asked for.

    Raises
    ------
    InvalidInputError, InvalidTypeError, DerivativeError
        As for `minimize`.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> dose = np.array([0.02, 0.06, 0.11, 0.22, 0.56, 1.10])
    >>> rate = np.array([61.5, 102.0, 131.0, 155.5, 196.0, 203.5])
    >>> fit = optkit.least_squares(lambda p: p[0] * dose / (p[1] + dose) - rate, [200.0, 0.1])
    >>> [round(float(p), 4) for p in fit.x], [round(float(s), 4) for s in fit.standard_errors]
    ([212.6837, 0.0641], [7.0893, 0.0085])
    """
    limits, check, others = split_options(options, max_iter, max_time)
    problem = LeastSquaresProblem(
        residuals, args=args, jac=jac, bounds=bounds, loss=as_loss(loss, f_scale), backend=backend,
        check_derivatives=check,
    )  # fmt: skip
    return estimate(
        problem, x0, method=method, tol=tol, limits=limits, callback=callback, options=others
    )


def estimate(
    problem: LeastSquaresProblem,
    x0: Any,
    *,
    method: str | Solver[Any],
    tol: float | None,
    limits: Limits,
    callback: Callback | None,
    options: dict[str, Any],
) -> LeastSquaresResult:
    """Solve a problem of residuals by the method of this name."""
    if isinstance(method, str) and method.lower().startswith("scipy:"):
        return room_above("scipy-residuals").least_squares(  # type: ignore[no-any-return]
            problem, x0, method=method, tol=tol, limits=limits, callback=callback, options=options
        )
    solver = solver_named(method, LEAST_SQUARES, options)
    result = solve(problem, solver, x0, tol=tol, limits=limits, callback=callback)
    if (
        method == "auto"
        and not options
        and limits.max_iter is None
        and _went_astray(problem, result)
    ):
        left = _rest(limits, result)
        if left is not None:
            again = solve(problem, SECOND_ATTEMPT, x0, tol=tol, limits=left, callback=callback)
            result = _better(cast(LeastSquaresResult, result), cast(LeastSquaresResult, again))
    return cast(LeastSquaresResult, result)


# From a start far off, D can remember derivatives that have nothing to do with those at the solution.
SECOND_ATTEMPT = LevenbergMarquardt(scaling="none", initial_radius=0.1)


def _went_astray(problem: LeastSquaresProblem, result: Result) -> bool:
    """Whether another way from the start is worth a try: no minimum was found, or one at which parameters got lost.

    A model that runs off to infinity loses rank on the way; one that has redundant parameters never had it.
    """
    if result.verdict is Verdict.LIMIT:
        return "iterations" in result.message
    if result.verdict is Verdict.FAILED:
        return not result.message.startswith("failed: interrupted")
    if result.rank == problem.n or problem.m < problem.n:
        return False
    jacobian = problem.jacobian(problem.x0)
    return LinearModel.of(
        as_dense(jacobian), problem.residuals(problem.x0), positive(column_norms(jacobian))
    ).rank > int(result.rank)


def _rest(limits: Limits, result: Result) -> Limits | None:
    """What a first attempt has left of the limits; None when it has left nothing."""
    evaluations, seconds = limits.max_evaluations, limits.max_time
    if evaluations is not None:
        evaluations -= result.nfev
    if seconds is not None:
        seconds -= float(result.history.seconds[-1])
    if (evaluations is not None and evaluations < 1) or (seconds is not None and seconds <= 0.0):
        return None
    return replace(limits, max_evaluations=evaluations, max_time=seconds)


def _better(first: LeastSquaresResult, second: LeastSquaresResult) -> LeastSquaresResult:
    """The lower of two results, or the one with a verdict where they are equal; with the counts of both."""
    lower = second.cost < first.cost * (1.0 - 1e-8) or (
        second.success and not first.success and second.cost <= first.cost
    )
    chosen, other = (second, first) if lower else (first, second)
    for count in ("nfev", "njev", "nhev"):
        chosen[count] += other[count]
    note = f"second of two attempts, without scaling; the first: {first.message}"
    chosen.message += (
        f" ({note if lower else 'a second attempt, without scaling, found nothing lower'})"
    )
    return chosen
