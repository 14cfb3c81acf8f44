"""What users call for residuals: `least_squares`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from optkit.ad.backends import Backend
from optkit.optimize.drivers import solver_named, split_options
from optkit.optimize.gauss_newton import GaussNewton
from optkit.optimize.levenberg_marquardt import LevenbergMarquardt
from optkit.optimize.losses import Loss, as_loss
from optkit.optimize.powell_dogleg import Dogleg
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.result import LeastSquaresResult
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
        return room_above("scipy").least_squares(  # type: ignore[no-any-return]
            problem, x0, method=method, tol=tol, limits=limits, callback=callback, options=options
        )
    solver = solver_named(method, LEAST_SQUARES, options)
    result = solve(problem, solver, x0, tol=tol, limits=limits, callback=callback)
    return cast(LeastSquaresResult, result)
