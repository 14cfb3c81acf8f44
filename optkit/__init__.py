"""optkit: optimization built around pluggable automatic differentiation of plain NumPy code.

>>> import numpy as np
>>> import optkit
>>> def rosenbrock(x):
...     return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)
>>> result = optkit.minimize(rosenbrock, np.zeros(2))
>>> result.x.round(6)
array([1., 1.])
"""

from optkit import ad, errors
from optkit.ad.backends.listing import backends
from optkit.optimize import (
    BFGS,
    Armijo,
    Dogleg,
    FitResult,
    GaussNewton,
    GradientDescent,
    History,
    LeastSquaresProblem,
    LeastSquaresResult,
    LevenbergMarquardt,
    Problem,
    Result,
    StrongWolfe,
    Verdict,
    curve_fit,
    iterate,
    least_squares,
    minimize,
    root,
)
from optkit.plotting import (
    LivePlot,
    html_report,
    plot_convergence,
    plot_fit,
    plot_jacobian,
    plot_path,
    plot_profile,
)
from optkit.testing import gradcheck

__version__ = "0.1.0"

__all__ = [
    "BFGS",
    "Armijo",
    "Dogleg",
    "FitResult",
    "GaussNewton",
    "GradientDescent",
    "History",
    "LeastSquaresProblem",
    "LeastSquaresResult",
    "LevenbergMarquardt",
    "LivePlot",
    "Problem",
    "Result",
    "StrongWolfe",
    "Verdict",
    "ad",
    "backends",
    "curve_fit",
    "errors",
    "gradcheck",
    "html_report",
    "iterate",
    "least_squares",
    "minimize",
    "plot_convergence",
    "plot_fit",
    "plot_jacobian",
    "plot_path",
    "plot_profile",
    "root",
]
