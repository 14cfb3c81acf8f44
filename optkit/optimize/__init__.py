"""Optimizers: what they minimise, the methods, the loop that runs them, and what they return."""

from optkit.optimize.adaptive import SGD, Adagrad, Adam, AdamW, RMSProp
from optkit.optimize.batches import Minibatches
from optkit.optimize.bounds import Box
from optkit.optimize.conjugate_gradient import ConjugateGradient
from optkit.optimize.curvature import Curvature
from optkit.optimize.curve_fitting import curve_fit
from optkit.optimize.drivers import minimize
from optkit.optimize.estimation import least_squares
from optkit.optimize.first_order import GradientDescent
from optkit.optimize.fit_result import FitResult
from optkit.optimize.fixed_steps import FixedStep, Schedule
from optkit.optimize.gauss_newton import GaussNewton
from optkit.optimize.hager_zhang import HagerZhang
from optkit.optimize.levenberg_marquardt import LevenbergMarquardt
from optkit.optimize.limited_memory import LBFGS
from optkit.optimize.limited_memory_bounds import LBFGSB
from optkit.optimize.line_search import Armijo, LineSearch, StrongWolfe
from optkit.optimize.losses import Loss
from optkit.optimize.momentum import HeavyBall, Nesterov
from optkit.optimize.newton import Newton, NewtonCG
from optkit.optimize.newton_trust_region import TrustRegionNewton, TrustRegionNewtonCG
from optkit.optimize.pairs import Pairs
from optkit.optimize.parameters import Parameter
from optkit.optimize.powell_dogleg import Dogleg
from optkit.optimize.problem import Problem
from optkit.optimize.progress import Progress
from optkit.optimize.quadratic_model import DoglegPath, MoreSorensen, QuadraticModel, SteihaugToint
from optkit.optimize.quasi_newton import BFGS
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.result import History, LeastSquaresResult, Result, Verdict
from optkit.optimize.roots import RootResult, root
from optkit.optimize.run import Limits
from optkit.optimize.separable import SeparableResult, fit_separable
from optkit.optimize.solver import Solver, iterate, solve
from optkit.optimize.state import State
from optkit.optimize.symmetric_rank_one import SR1
from optkit.optimize.uncertainty import covariance

__all__ = [
    "BFGS",
    "LBFGS",
    "LBFGSB",
    "SGD",
    "SR1",
    "Adagrad",
    "Adam",
    "AdamW",
    "Armijo",
    "Box",
    "ConjugateGradient",
    "Curvature",
    "Dogleg",
    "DoglegPath",
    "FitResult",
    "FixedStep",
    "GaussNewton",
    "GradientDescent",
    "HagerZhang",
    "HeavyBall",
    "History",
    "LeastSquaresProblem",
    "LeastSquaresResult",
    "LevenbergMarquardt",
    "Limits",
    "LineSearch",
    "Loss",
    "Minibatches",
    "MoreSorensen",
    "Nesterov",
    "Newton",
    "NewtonCG",
    "Pairs",
    "Parameter",
    "Problem",
    "Progress",
    "QuadraticModel",
    "RMSProp",
    "Result",
    "RootResult",
    "Schedule",
    "SeparableResult",
    "Solver",
    "State",
    "SteihaugToint",
    "StrongWolfe",
    "TrustRegionNewton",
    "TrustRegionNewtonCG",
    "Verdict",
    "covariance",
    "curve_fit",
    "fit_separable",
    "iterate",
    "least_squares",
    "minimize",
    "root",
    "solve",
]
