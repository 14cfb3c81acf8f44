"""The curvature that Gauss-Newton leaves out, learnt from the steps themselves.

The Hessian of ½‖r‖² is JᵀJ + S with S = Σ rᵢ ∇²rᵢ. Without S the convergence is linear, with a rate that is the size of
S relative to JᵀJ: where the residuals at the solution are large, or the model strongly curved, dozens of steps gain a
factor of two each. After a step s the new Jacobian tells what S does along it:

    S₊ s = y♯ ,   y♯ = (J₊ − J)ᵀ r₊ .

The smallest symmetric change of S that achieves it, in the norm of the problem, is

    S₊ = τS + (w yᵀ + y wᵀ)/(yᵀs) − (wᵀs) y yᵀ/(yᵀs)² ,   w = y♯ − τ S s ,   y = g₊ − g ,

with the sizing τ = min(1, |sᵀy♯| / |sᵀSs|), which lets S fade where the residuals do (J. E. Dennis, D. M. Gay & R. E.
Welsch, An adaptive nonlinear least-squares algorithm (NL2SOL), ACM TOMS 7 (1981) 348–368, (2.8)–(2.12); theorem 3.2).
As there, a step uses JᵀJ + S only while S has made the better prediction at the last one; here that is a prediction of
the gradient, which can be told from rounding when values no longer can.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from optkit.optimize.bounded_model import BoundedModel
from optkit.optimize.linear_model import LinearModel, Model, Step
from optkit.optimize.validation import Matrix, Vector


@dataclass(frozen=True, slots=True)
class SecantCurvature:
    """S, shape (n, n), and whether it improved the last prediction."""

    matrix: Matrix
    trusted: bool = False

    def step(self, model: LinearModel, radius: float) -> Step | None:
        """The minimiser of the model with S in it; None unless it is a minimum, inside the region."""
        s = model.singular_values
        hessian = model.directions.T @ self.matrix @ model.directions
        hessian[np.diag_indices(s.size)] += s * s
        slopes = s * model.coefficients
        _, q, failed = lapack.dposv(hessian, slopes)
        if failed:
            return None
        length = math.sqrt(q @ q)
        if not length <= radius:
            return None
        return -(model.directions @ q), 0.5 * float(slopes @ q), length


def secant_step(secant: SecantCurvature, model: Model, radius: float) -> Step | None:
    """The step with S in the model of all variables, or of those that no bound holds; None where there is none."""
    if isinstance(model, LinearModel):
        return secant.step(model, radius) if model.rank == model.scale.size else None
    if not isinstance(model, BoundedModel) or model.first.rank < model.first.scale.size:
        return None
    free = model.free
    found = SecantCurvature(secant.matrix[np.ix_(free, free)]).step(model.first, radius)
    if found is None:
        return None
    step = np.zeros_like(model.x)
    step[free] = found[0]
    return None if model.box.reach(model.x, step) < 1.0 else (step, *found[1:])


def learn(
    secant: SecantCurvature | None, step: Vector, missed: Vector, change: Vector, model: Vector,
    scale: Vector,
) -> SecantCurvature | None:  # fmt: skip
    """S after a step.

    Parameters
    ----------
    secant : SecantCurvature or None
        S before it; None is zero.
    step, missed, change, model : ndarray of shape (n,)
        s, y♯, y, and JᵀJ s.
    scale : ndarray of shape (n,)
        D, in whose inverse norm predictions of the gradient are compared.
    """
    along = float(change @ step)
    if not along > 0.0:
        return None
    fresh = secant is None
    matrix = np.zeros((step.size, step.size)) if secant is None else secant.matrix
    product = matrix @ step
    error = change - model
    trusted = not fresh and _norm((error - product) / scale) < _norm(error / scale)
    bent = abs(float(step @ product))
    size = min(1.0, abs(float(step @ missed)) / bent) if bent > 0.0 else 1.0
    w = missed - size * product
    unit = change / along  # products of three gradients would leave the range of float64
    outer = np.outer(w, unit)
    new = size * matrix + outer + outer.T
    new -= float(w @ step) * np.outer(unit, unit)
    return SecantCurvature(new, trusted) if np.isfinite(new).all() else None


def _norm(values: Vector) -> float:
    return math.sqrt(values @ values)
