"""Our quasi-Newton matrices as SciPy's `HessianUpdateStrategy`, for ``hess=`` of its trust-constr.

``scipy.optimize.minimize(fun, x0, method="trust-constr", jac=…, hess=QuasiNewtonUpdate("bfgs"))``
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import scipy.optimize

from optkit.errors import InvalidInputError
from optkit.optimize.pairs import Pairs
from optkit.optimize.quasi_newton import damped, direct_update, inverse_update
from optkit.optimize.symmetric_rank_one import rank_one_update
from optkit.optimize.validation import Matrix, Vector, unknown

Kind = Literal["bfgs", "sr1", "lbfgs"]


class QuasiNewtonUpdate(scipy.optimize.HessianUpdateStrategy):  # type: ignore[misc]  # SciPy ships no types
    """A matrix that learns the Hessian, or its inverse, from steps and changes of the gradient.

    Parameters
    ----------
    kind : {"bfgs", "sr1", "lbfgs"}
        The update: BFGS, damped where the curvature along a step is not positive; the symmetric rank-one update;
        BFGS of the last few steps.
    memory : int
        How many steps ``"lbfgs"`` remembers.

    Examples
    --------
    >>> import numpy as np, optkit, scipy.optimize
    >>> from optkit.adapters.scipy_updates import QuasiNewtonUpdate
    >>> def fun(x):
    ...     return np.sum((x - 1.0) ** 2) + np.sum(x**4)
    >>> found = scipy.optimize.minimize(
    ...     fun, [3.0, 2.0], jac=optkit.ad.grad(fun), hess=QuasiNewtonUpdate("sr1"), method="trust-constr"
    ... )
    >>> found.x.round(4)
    array([0.5898, 0.5898])
    """

    def __init__(self, kind: Kind = "bfgs", *, memory: int = 10) -> None:
        if kind not in ("bfgs", "sr1", "lbfgs"):
            raise InvalidInputError(
                unknown(f"update {kind!r}", str(kind), ["bfgs", "sr1", "lbfgs"])
            )
        self.kind, self.memory = kind, memory
        self.approx_type = "hess"
        self.n = 0

    def initialize(self, n: int, approx_type: str) -> None:
        """Start with the identity; ``approx_type`` is "hess" or "inv_hess"."""
        if approx_type not in ("hess", "inv_hess"):
            raise InvalidInputError(
                f"approx_type must be 'hess' or 'inv_hess', got {approx_type!r}"
            )
        self.n, self.approx_type = n, approx_type
        self.matrix: Matrix = np.eye(n)
        self.fresh = True
        self.pairs = Pairs.none(self.memory, n)

    def update(self, delta_x: Any, delta_grad: Any) -> None:
        """Learn from a step and the change of the gradient along it."""
        s, y = np.array(delta_x, dtype=np.float64), np.array(delta_grad, dtype=np.float64)
        if not (s.any() and y.any()):
            return
        if self.kind == "lbfgs":
            if self.pairs.keep(s, y, float(s @ y)):
                self.pairs = self.pairs.with_pair(s, y)
            return
        direct = self.approx_type == "hess"
        # Nocedal & Wright (6.20); on a matrix of that scale the first SR1 update would have a denominator of zero.
        if self.fresh and self.kind == "bfgs" and float(s @ y) > 0.0:
            scale = float(y @ y) / float(s @ y)
            self.matrix = np.eye(self.n) * (scale if direct else 1.0 / scale)
        self.fresh = False
        if self.kind == "sr1":
            self.matrix = rank_one_update(self.matrix, *((s, y) if direct else (y, s)))
            return
        image: Vector = self.matrix @ s
        if not direct:
            image = np.asarray(np.linalg.solve(self.matrix, s), dtype=np.float64)
        y = damped(s, y, image)
        update = direct_update if direct else inverse_update
        self.matrix = update(self.matrix, s, y)

    def dot(self, p: Any) -> Vector:
        """The matrix times p."""
        vector = np.asarray(p, dtype=np.float64)
        if self.kind != "lbfgs":
            return np.asarray(self.matrix @ vector)
        return (
            self.pairs.inverse_times(vector)
            if self.approx_type == "inv_hess"
            else self.pairs.times(vector)
        )

    def get_matrix(self) -> Matrix:
        """The matrix, shape (n, n)."""
        if self.kind != "lbfgs":
            return self.matrix.copy()
        return np.array([self.dot(e) for e in np.eye(self.n)]).reshape(self.n, self.n)
