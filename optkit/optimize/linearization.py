"""A least-squares problem at a point, made linear: the state that every least-squares solver steps from.

Symbols: r the residuals, J their Jacobian, D the scale of the variables, made of the norms of J's columns. With a loss,
r and J are the weighted ones, r̃ and J̃ of `optkit.optimize.losses`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.sparse

from optkit.errors import InvalidInputError
from optkit.optimize.bounded_model import BoundedModel
from optkit.optimize.linear_model import (
    LinearModel,
    Model,
    as_dense,
    column_norms,
    compress,
    positive,
)
from optkit.optimize.losses import influence
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.result import Verdict
from optkit.optimize.sparse_model import SparseModel
from optkit.optimize.state import LeastSquaresState
from optkit.optimize.validation import Vector, is_finite, norm, unknown

_OUT_OF_REACH = (
    "failed: every residual is so large that the loss gives it no influence; start from the result of loss='huber', "
    "or choose a larger f_scale"
)
LinearSolver = Literal["qr", "normal"]
Scaling = Literal["more", "marquardt", "none"]


def check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    """Raise unless ``value`` is one of the known words for the option ``name``."""
    if value not in known:
        raise InvalidInputError(unknown(f"{name} {value!r}", str(value), list(known)))


@dataclass(frozen=True)
class Linearization:
    """How a problem is made linear.

    Parameters
    ----------
    scaling : {"more", "marquardt", "none"}
        D: the largest norm that each column of J has had so far (Moré 1978, (6.3)), its norm now (D. W. Marquardt,
        SIAM J. Appl. Math. 11 (1963) 431–441), or 1.
    linear_solver : {"qr", "normal"}
        Whether J is factored, or JᵀJ. Bounds always take the first, a sparse J the second.
    """

    scaling: Scaling = "more"
    linear_solver: LinearSolver = "qr"

    def __post_init__(self) -> None:
        check_choice("scaling", self.scaling, ("more", "marquardt", "none"))
        check_choice("linear_solver", self.linear_solver, ("qr", "normal"))

    def start(self, problem: LeastSquaresProblem, x0: Vector) -> LeastSquaresState:
        """The state at a start that has been validated: only an overflow can be left."""
        state = self.at(problem, x0)
        if state is None:
            raise OverflowError(
                "the sum of squares or its gradient overflows at x0; rescale the residuals"
            )
        return state

    def at(
        self, problem: LeastSquaresProblem, x: Vector, scale: Vector | None = None, **step: Any
    ) -> LeastSquaresState | None:
        """The state at x, or None when something there is not finite.

        ``scale`` is D at the point before; ``step`` are the fields of the state that tell how x was reached.
        """
        residuals = problem.residuals(x)
        fun = problem.cost(residuals)
        if not (math.isfinite(fun) and is_finite(x)):
            return None
        jacobian = problem.jacobian(x)
        weighted, rows = residuals, jacobian
        if problem.loss is None:
            grad = residuals @ jacobian
        else:
            psi, h = influence(residuals, problem.loss)
            grad, root = psi @ jacobian, np.sqrt(h)
            if residuals.any() and not psi.any():
                step |= {"verdict": Verdict.FAILED, "message": _OUT_OF_REACH}
            weighted = np.divide(psi, root, out=np.zeros_like(psi), where=root > 0.0)
            rows = _weighted(jacobian, root)
        found = self._model(problem, x, rows, weighted, grad, scale)
        if found is None:
            return None
        model, norms = found
        decrement = model.decrement
        return LeastSquaresState(
            x=x, fun=fun, grad=grad, newton_step=model.newton_step(), decrement=decrement,
            noise=problem.noise(fun) + _rounding(problem, x, rows, weighted, norms, decrement),
            residuals=residuals, jacobian=jacobian, model=model, **step,
        )  # fmt: skip

    def _model(
        self, problem: LeastSquaresProblem, x: Vector, rows: Any, weighted: Vector, grad: Vector,
        scale: Vector | None,
    ) -> tuple[Model, Vector] | None:  # fmt: skip
        """The factored model and the norms of the columns; None when they, or the gradient, are not finite."""
        sparse = hasattr(rows, "toarray")
        qr = not sparse and problem.box is None and self.linear_solver == "qr"
        if qr:
            triangle, rotated = compress(rows, weighted)
        norms = column_norms(triangle if qr else rows)
        if not (is_finite(norms) and is_finite(grad)):  # which no other entry of J leaves finite
            return None
        d = self._scale(norms, scale)
        if qr:
            return LinearModel.of_triangle(triangle, rotated, d, len(weighted)), norms
        if problem.box is not None:
            free = problem.box.free(x, grad)
            return BoundedModel.of(as_dense(rows), weighted, d, x, problem.box, free), norms
        if sparse:
            return SparseModel.of(rows, weighted, d), norms
        return LinearModel.of_normal_equations(rows.T @ rows, grad, d), norms

    def _scale(self, norms: Vector, before: Vector | None) -> Vector:
        if self.scaling == "none":
            return np.ones_like(norms)
        if self.scaling == "more" and before is not None:
            norms = np.maximum(norms, before)
        return positive(norms)


def _weighted(jacobian: Any, weights: Vector) -> Any:
    if hasattr(jacobian, "toarray"):
        return scipy.sparse.diags_array(weights) @ jacobian
    return jacobian * weights[:, None]


def _rounding(
    problem: LeastSquaresProblem, x: Vector, rows: Any, weighted: Vector, norms: Vector,
    decrement: float,
) -> float:  # fmt: skip
    """Rounding moves each xⱼ by ε|xⱼ|, hence f by as much as this, even where it is exact at each x."""
    size = np.abs(x)
    bound = problem.precision * norm(weighted) * float(norms @ size)
    if decrement > 1e3 * bound:  # far from where it matters, Cauchy and Schwarz are good enough
        return bound
    return problem.precision * float((np.abs(weighted) @ abs(rows)) @ size)
