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
    iterate,
    least_squares,
    minimize,
)
from optkit.plotting import plot_convergence
from optkit.testing import gradcheck

__version__ = "0.1.0"

__all__ = [
    "BFGS",
    "Armijo",
    "GaussNewton",
    "GradientDescent",
    "History",
    "LeastSquaresProblem",
    "LeastSquaresResult",
    "LevenbergMarquardt",
    "Problem",
    "Result",
    "StrongWolfe",
    "Verdict",
    "ad",
    "backends",
    "errors",
    "gradcheck",
    "iterate",
    "least_squares",
    "minimize",
    "plot_convergence",
]
