"""Optimizers: what they minimise, the methods, the loop that runs them, and what they return."""

from optkit.optimize.bounds import Box
from optkit.optimize.curvature import Curvature
from optkit.optimize.curve_fitting import curve_fit
from optkit.optimize.drivers import minimize
from optkit.optimize.estimation import least_squares
from optkit.optimize.first_order import GradientDescent
from optkit.optimize.fit_result import FitResult
from optkit.optimize.gauss_newton import GaussNewton
from optkit.optimize.levenberg_marquardt import LevenbergMarquardt
from optkit.optimize.line_search import Armijo, LineSearch, StrongWolfe
from optkit.optimize.losses import Loss
from optkit.optimize.parameters import Parameter
from optkit.optimize.powell_dogleg import Dogleg
from optkit.optimize.problem import Problem
from optkit.optimize.quasi_newton import BFGS
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.result import History, LeastSquaresResult, Result, Verdict
from optkit.optimize.run import Limits
from optkit.optimize.solver import Solver, iterate, solve
from optkit.optimize.state import State
from optkit.optimize.uncertainty import covariance

__all__ = [
    "BFGS",
    "Armijo",
    "Box",
    "Curvature",
    "Dogleg",
    "FitResult",
    "GaussNewton",
    "GradientDescent",
    "History",
    "LeastSquaresProblem",
    "LeastSquaresResult",
    "LevenbergMarquardt",
    "Limits",
    "LineSearch",
    "Loss",
    "Parameter",
    "Problem",
    "Result",
    "Solver",
    "State",
    "StrongWolfe",
    "Verdict",
    "covariance",
    "curve_fit",
    "iterate",
    "least_squares",
    "minimize",
    "solve",
]
