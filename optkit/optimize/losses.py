"""Losses: how much a residual counts, so that a few gross errors among the data do not decide the fit.

Least squares with a loss minimises ½ Σ ρ(rᵢ²) instead of ½ Σ rᵢ². A loss is the function ρ of z = r² ≥ 0 with its
first two derivatives; ρ(z) ≈ z for small z, and grows more slowly than z beyond z ≈ 1. `Scaled` moves that place to
another size of the residuals: *choose it near the scatter of the good data*, for z = 1 is one unit of whatever r is
measured in.

**The model.** With ψ = ρ′r, the gradient of the cost is Jᵀψ, and its Hessian Jᵀ H J + Σ ψᵢ ∇²rᵢ with H = diag(h), h =
ρ′ + 2zρ″ (the derivative of ψ). Gauss-Newton's model of a sum of squares has this gradient and Jᵀ H J when the
residuals and the rows of the Jacobian are replaced by

    r̃ᵢ = ψᵢ / √hᵢ ,   J̃ᵢ = √hᵢ Jᵢ

(B. Triggs, P. McLauchlan, R. Hartley, A. Fitzgibbon, Bundle adjustment: a modern synthesis, LNCS 1883, Springer 2000,
§4.3, where it is (10)–(11); here r is a scalar, for which √h = √ρ′ (1 − α) with their α). Where the loss is concave in
r, beyond the inflection of ρ(r²), h is negative and has no root. The choice h = ρ′, iteratively reweighted least
squares, is always safe for losses that are concave in z: ρ(z) lies below its tangent there, so that the reweighted sum
of squares bounds the cost from above (P. W. Holland & R. E. Welsch, Robust regression using iteratively reweighted
least-squares, Comm. Statist. A6 (1977) 813–827). But it converges linearly, and slowly for many outliers. Any value
between the two keeps the gradient exact, so that the minimum is the same; we take max(h, ρ′/10): the true curvature
where it is positive, and the tenth part of the safe one where it is not.

| name | ρ(z) | source |
| --- | --- | --- |
| linear | z | Legendre 1805 |
| huber | z for z ≤ 1, then 2√z − 1 | P. J. Huber, Ann. Math. Statist. 35 (1964) 73–101 |
| soft_l1 | 2 (√(1 + z) − 1) | P. Charbonnier et al., ICIP 1994 |
| cauchy | ln(1 + z) | Student's t with one degree of freedom |
| arctan | arctan z | as in SciPy; bounded |
| tukey | (1 − (1 − z)³)/3 for z ≤ 1, then ⅓ | A. E. Beaton & J. W. Tukey, Technometrics 16 (1974) 147–185 |
| welsch | 1 − e^(−z) | R. E. Welsch & J. E. Dennis, Comm. Statist. B7 (1978) 345–359 |
| geman_mcclure | z/(1 + z) | S. Geman & D. E. McClure, Bull. ISI 52 (1987) 5–21 |

The bounded ones (from arctan down) forget far outliers altogether, at the price of local minima: start them from the
result of a convex loss (linear, huber, soft_l1).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from optkit.errors import InvalidInputError, InvalidTypeError
from optkit.optimize.validation import Vector, as_real, unknown

Derivatives = tuple[Vector, Vector, Vector]
_LEAST_CURVATURE = 0.1  # of ρ′, for rows where the loss is concave in r


class Loss(ABC):
    """A loss; subclass it as a frozen dataclass of its parameters, with `derivatives`.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit.optimize.losses import Cauchy, Scaled
    >>> Cauchy()(np.array([0.0, 1.0]))[1]
    array([1. , 0.5])
    >>> rho, slope, curvature = Scaled(Cauchy(), 10.0)(np.array([100.0]))
    >>> rho.round(3), slope
    (array([69.315]), array([0.5]))
    """

    @abstractmethod
    def derivatives(self, z: Vector) -> Derivatives:
        """ρ, ρ′ and ρ″ at squares of residuals z ≥ 0, each of shape (m,)."""

    def __call__(self, z: Vector) -> Derivatives:
        with np.errstate(all="ignore"):
            return self.derivatives(z)


@dataclass(frozen=True)
class Linear(Loss):
    """ρ = z: plain least squares."""

    def derivatives(self, z: Vector) -> Derivatives:
        return z, np.ones_like(z), np.zeros_like(z)


@dataclass(frozen=True)
class Huber(Loss):
    """Squares near zero, absolute values beyond 1; the convex classic."""

    def derivatives(self, z: Vector) -> Derivatives:
        near, root = z <= 1.0, np.sqrt(np.maximum(z, 1.0))
        rho = np.where(near, z, 2.0 * root - 1.0)
        return rho, 1.0 / root, np.where(near, 0.0, -0.5 / root**3)


@dataclass(frozen=True)
class SoftL1(Loss):
    """A smooth Huber loss."""

    def derivatives(self, z: Vector) -> Derivatives:
        root = np.sqrt(1.0 + z)
        rho = np.where(z < 1.0, 2.0 * z / (root + 1.0), 2.0 * (root - 1.0))  # no cancellation
        return rho, 1.0 / root, -0.5 / root**3


@dataclass(frozen=True)
class Cauchy(Loss):
    """Grows like a logarithm: the likelihood of Cauchy's distribution."""

    def derivatives(self, z: Vector) -> Derivatives:
        slope = 1.0 / (1.0 + z)
        return np.log1p(z), slope, -(slope**2)


@dataclass(frozen=True)
class Arctan(Loss):
    """Bounded by π/2."""

    def derivatives(self, z: Vector) -> Derivatives:
        slope = 1.0 / (1.0 + z**2)
        return np.arctan(z), slope, np.where(z < 1e100, -2.0 * z * slope**2, 0.0)


@dataclass(frozen=True)
class Tukey(Loss):
    """The biweight: a residual beyond 1 has no influence at all."""

    def derivatives(self, z: Vector) -> Derivatives:
        inside = np.maximum(1.0 - z, 0.0)
        return (1.0 - inside**3) / 3.0, inside**2, -2.0 * inside


@dataclass(frozen=True)
class Welsch(Loss):
    """A smooth biweight."""

    def derivatives(self, z: Vector) -> Derivatives:
        slope = np.exp(-z)
        return -np.expm1(-z), slope, -slope


@dataclass(frozen=True)
class GemanMcClure(Loss):
    """Bounded by 1, with longer tails than Welsch's."""

    def derivatives(self, z: Vector) -> Derivatives:
        slope = 1.0 / (1.0 + z)
        return np.where(z < math.inf, z * slope, 1.0), slope**2, -2.0 * slope**3


@dataclass(frozen=True)
class Scaled(Loss):
    """The loss ``factor`` · c² ρ(z/c²): ``loss`` with its transition at residuals of size c = ``width``.

    Examples
    --------
    >>> from optkit.optimize.losses import Huber, Scaled
    >>> import numpy as np
    >>> Scaled(Huber(), width=3.0)(np.array([4.0, 36.0]))[0]
    array([ 4., 27.])
    """

    loss: Loss
    width: float = 1.0
    factor: float = 1.0

    def __post_init__(self) -> None:
        for name in ("width", "factor"):
            value = getattr(self, name)
            if not 0.0 < value < math.inf:
                raise InvalidInputError(
                    f"{name} of a loss must be positive and finite, got {value!r}"
                )

    def derivatives(self, z: Vector) -> Derivatives:
        square = self.width**2
        rho, slope, curvature = self.loss.derivatives(z / square)
        a = self.factor
        return a * square * rho, a * slope, (a / square) * curvature


@dataclass(frozen=True)
class Composed(Loss):
    """The loss outer(inner(z)).

    Examples
    --------
    >>> from optkit.optimize.losses import Cauchy, Composed, Huber
    >>> import numpy as np
    >>> Composed(Cauchy(), Huber())(np.array([0.0, 9.0]))[0].round(3)
    array([0.   , 1.792])
    """

    outer: Loss
    inner: Loss

    def derivatives(self, z: Vector) -> Derivatives:
        g, g1, g2 = self.inner.derivatives(z)
        f, f1, f2 = self.outer.derivatives(g)
        return f, f1 * g1, f2 * g1**2 + f1 * g2


@dataclass(frozen=True)
class Callback(Loss):
    """A function of the user's, z ↦ (ρ, ρ′, ρ″): three arrays like z, or one of shape (3, m), as for SciPy."""

    function: Callable[[Vector], Any]

    def derivatives(self, z: Vector) -> Derivatives:
        parts = self.function(z.copy())
        if not isinstance(parts, (tuple, list, np.ndarray)) or len(parts) != 3:
            raise InvalidInputError(
                "loss(z) must return three arrays, rho, rho' and rho'', each of the shape of z"
            )
        rho, slope, curvature = (
            np.array(as_real(part, f"loss(z)[{i}]"), dtype=np.float64)
            for i, part in enumerate(parts)
        )
        for i, part in enumerate((rho, slope, curvature)):
            if part.shape != z.shape:
                raise InvalidInputError(
                    f"loss(z)[{i}] must have shape {z.shape}, got shape {part.shape}"
                )
        return rho, slope, curvature


LOSSES: dict[str, Loss] = {
    "linear": Linear(),
    "huber": Huber(),
    "soft_l1": SoftL1(),
    "cauchy": Cauchy(),
    "arctan": Arctan(),
    "tukey": Tukey(),
    "welsch": Welsch(),
    "geman_mcclure": GemanMcClure(),
}


def as_loss(loss: Any, scale: float = 1.0) -> Loss | None:
    """The loss of this name, or made of this function, with its transition at ``scale``; None for plain squares."""
    if isinstance(loss, str):
        name = loss.lower().replace("-", "_")
        if name not in LOSSES:
            raise InvalidInputError(unknown(f"loss {loss!r}", name, list(LOSSES)))
        loss = LOSSES[name]
    elif isinstance(loss, type) or not (isinstance(loss, Loss) or callable(loss)):
        hint = f"; write loss={loss.__name__}()" if isinstance(loss, type) else ""
        raise InvalidTypeError(
            f"loss must be a name ({', '.join(LOSSES)}), a Loss or a function, got {loss!r}{hint}"
        )
    elif not isinstance(loss, Loss):
        loss = Callback(loss)
    scaled = Scaled(loss, scale)  # which checks the scale
    if isinstance(loss, Linear):
        return None
    return loss if scale == 1.0 else scaled


def cost(residuals: Vector, loss: Loss | None) -> float:
    """½ Σ ρ(rᵢ²)."""
    if loss is None:
        return 0.5 * float(residuals @ residuals)
    return 0.5 * float(np.sum(loss(residuals * residuals)[0]))


def influence(residuals: Vector, loss: Loss) -> tuple[Vector, Vector]:
    """ψ = ρ′r and h = max(ρ′ + 2zρ″, ρ′/10), each of shape (m,): what the gradient and the model are made of."""
    with np.errstate(over="ignore", invalid="ignore"):
        z = residuals * residuals
        _, slope, curvature = loss(z)
        h = np.maximum(slope + np.nan_to_num(2.0 * z * curvature), _LEAST_CURVATURE * slope)
        return slope * residuals, h
