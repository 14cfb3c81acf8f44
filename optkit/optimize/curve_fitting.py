"""What users call to fit a model to data: `curve_fit`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from optkit.ad.backends import Backend
from optkit.errors import InvalidInputError
from optkit.optimize.drivers import split_options
from optkit.optimize.estimation import estimate
from optkit.optimize.fit_result import FitResult
from optkit.optimize.losses import Loss, as_loss
from optkit.optimize.parameters import names_of, parameters_of
from optkit.optimize.regression import Regression, weights_of
from optkit.optimize.run import Callback
from optkit.optimize.solver import Solver
from optkit.optimize.validation import as_callable, as_real, require_finite


def curve_fit(  # noqa: PLR0913  # the signature of scipy.optimize.curve_fit, which users know, and what lmfit adds
    model: Callable[..., Any],
    xdata: Any,
    ydata: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    *,
    bounds: Any = None,
    fixed: Any = None,
    expressions: Mapping[str, Any] | None = None,
    method: str | Solver[Any] = "auto",
    loss: str | Loss | Callable[..., Any] = "linear",
    f_scale: float = 1.0,
    jac: Callable[..., Any] | None = None,
    backend: str | Backend = "auto",
    tol: float | None = None,
    callback: Callback | None = None,
    max_iter: int | None = None,
    max_time: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> FitResult:
    """Fit a model to data by nonlinear least squares.

    Parameters
    ----------
    model : callable
        ``model(x, a, b, …)`` returns the curve, of the shape of ``ydata``. The parameters are called as its
        arguments are. A model of one argument besides x takes them as a vector when ``p0`` is an array.
    xdata
        What the model gets as its first argument: an array, several in a tuple, anything.
    ydata : array_like
        The data, of any shape.
    p0 : array_like or dict, optional
        The start: values in the order of the model, or by name, each a number, a `Parameter` or a dict of its fields.
        Without it, the defaults in the model's signature, and 1.
    sigma : array_like, optional
        The standard deviations of the data, or their covariance matrix, shape (m, m).
    absolute_sigma : bool
        Whether ``sigma`` is known absolutely; otherwise only its ratios count and the residuals tell the rest.
    bounds : dict, pair (lower, upper) or scipy.optimize.Bounds, optional
        By name, ``{"rate": (0.0, None)}``, or for all parameters in order as for SciPy. Equal bounds fix.
    fixed : dict or sequence of names, optional
        Parameters that stay at a value, or at their start.
    expressions : dict, optional
        Parameters computed from others: ``{"b": "2 * a"}`` or ``{"b": lambda a: 2 * a}``.
    method, loss, f_scale, backend, tol, callback, max_iter, max_time, options
        As for `optkit.least_squares`.
    jac : callable, optional
        ``jac(x, a, b, …)``, the derivative of the curve by the parameters, shape (m, n). Without it, the backend
        differentiates the model.

    Returns
    -------
    FitResult
        Estimates, standard errors, correlations, intervals, bands, and a report.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        For arguments of a wrong shape, kind or name, and for data that are not finite.
    DerivativeError
        When ``jac`` disagrees with finite differences at the start.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> def model(dose, v_max, k_m):
    ...     return v_max * dose / (k_m + dose)
    >>> dose = np.array([0.02, 0.06, 0.11, 0.22, 0.56, 1.10])
    >>> rate = np.array([61.5, 102.0, 131.0, 155.5, 196.0, 203.5])
    >>> fit = optkit.curve_fit(model, dose, rate, {"v_max": 200.0, "k_m": 0.1})
    >>> print(fit)
    Fit converged: ...
    <BLANKLINE>
      method                 lm
      ...
      parameter     estimate  std. error  relative          95 % interval  origin
      v_max        212.68374       7.089    3.33 %      193.001 … 232.367  from 200
      k_m        0.064121282     0.00845   13.18 %  0.0406592 … 0.0875833  from 0.1
    <BLANKLINE>
      correlations (of at least 0.1)
        v_max, k_m  +0.7651
    """
    as_callable(model, "model")
    y = np.array(as_real(ydata, "ydata"), dtype=np.float64)
    require_finite(y.reshape(-1), "ydata", y.shape)
    if isinstance(xdata, (np.ndarray, list)) and np.asarray(xdata).dtype.kind in "biuf":
        xdata = np.asarray(xdata, dtype=np.float64)
        require_finite(xdata.reshape(-1), "xdata", xdata.shape)
    if not y.size:
        raise InvalidInputError("ydata is empty; there is nothing to fit")
    names, vector, defaults = names_of(model, p0)
    limits, check, others = split_options(options, max_iter, max_time)
    regression = Regression(
        model=model, jac=None if jac is None else as_callable(jac, "jac"), vector=vector, x=xdata, y=y,
        weights=weights_of(sigma, y), loss=as_loss(loss, f_scale), backend=backend,
        parameters=parameters_of(names, p0, bounds, fixed, expressions, defaults),
    )  # fmt: skip
    solution = estimate(
        regression.problem(check), regression.parameters.start,
        method=method, tol=tol, limits=limits, callback=callback, options=others,
    )  # fmt: skip
    return FitResult(regression, solution, absolute_sigma)
