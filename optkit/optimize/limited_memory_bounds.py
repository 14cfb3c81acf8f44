"""L-BFGS-B: limited-memory BFGS under bounds l ≤ x ≤ u.

Symbols: x the point, g its gradient, B = θI − WᵀMW the limited-memory matrix (see `optkit.optimize.pairs`), with the
rows of W of shape (2k, n) being Y and θS. In each iteration

1. the *generalised Cauchy point* xᶜ is the first local minimum of the quadratic model along the projected gradient
   path x(t) = P(x − t g), a broken line whose corners are where variables meet their bounds;
2. the model is minimised over the variables that are free at xᶜ, from there, and the result projected onto the box;
   where that does not descend, the way from xᶜ is cut off at the first bound instead;
3. a line search goes from x towards that point, and no further than the box.

References
----------
R. H. Byrd, P. Lu, J. Nocedal & C. Zhu, A limited memory algorithm for bound constrained optimization, SIAM J. Sci.
Comput. 16 (1995) 1190–1208: the Cauchy point is their algorithm CP in §4, the minimum in the subspace the direct
primal method of §5.1. J. L. Morales & J. Nocedal, ACM TOMS 38 (2011) 7:1–4: the projection in step 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optkit.optimize.bounds import Box
from optkit.optimize.limited_memory import LBFGS
from optkit.optimize.line_search import first_step_length
from optkit.optimize.pairs import Pairs
from optkit.optimize.problem import BaseProblem
from optkit.optimize.validation import Matrix, Vector


@dataclass(frozen=True)
class LBFGSB(LBFGS):
    """Limited-memory BFGS under bounds.

    Without bounds it is `LBFGS`. No point outside of the bounds is ever evaluated.

    Parameters
    ----------
    memory : int
        How many steps are remembered.
    line_search : LineSearch
        How far to go towards the minimum of the model; tries the whole way first.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> def rosenbrock(x):
    ...     return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)
    >>> result = optkit.minimize(rosenbrock, [0.1, 0.2], method="lbfgsb", bounds=[(0.0, 2.0), (0.0, 0.5)])
    >>> result.x.round(5)
    array([0.70856, 0.5    ])
    """

    name = "lbfgsb"
    takes_bounds = True

    def _model(
        self, problem: BaseProblem, x: Vector, grad: Vector, pairs: Pairs, scale: Vector | None
    ) -> tuple[Vector, float]:
        box = problem.box
        if box is None:
            return super()._model(problem, x, grad, pairs, scale)
        if scale is not None:
            x, grad, box = x * scale, grad / scale, Box(box.lower * scale, box.upper * scale)
        model = _Model.of(pairs)
        step = _minimum(model, x, grad, box)
        decrement = -float(grad @ step) - 0.5 * model.curvature(step)
        return (step if scale is None else step / scale), decrement

    def _first(self, problem: BaseProblem, x: Vector, fun: float, grad: Vector) -> Vector:
        if problem.box is None:
            return super()._first(problem, x, fun, grad)
        projected = problem.box.projected_gradient(x, grad)
        length = first_step_length(x, fun, projected)
        return problem.box.project(x - length * projected) - x


@dataclass(frozen=True)
class _Model:
    """B = θI − WᵀMW, with W of shape (2k, n) and M symmetric, of shape (2k, 2k)."""

    theta: float
    w: Matrix
    m: Matrix

    @classmethod
    def of(cls, pairs: Pairs) -> _Model:
        s, y, theta = pairs.s, pairs.y, 1.0 / pairs.gamma
        sy = s @ y.T
        lower = np.tril(sy, -1)
        inverse = np.block([[-np.diag(sy.diagonal()), lower.T], [lower, theta * (s @ s.T)]])
        return cls(theta, np.concatenate([y, theta * s]), np.linalg.inv(inverse))

    def curvature(self, step: Vector) -> float:
        """stepᵀ B step."""
        p = self.w @ step
        return self.theta * float(step @ step) - float(p @ self.m @ p)


def _minimum(model: _Model, x: Vector, grad: Vector, box: Box) -> Vector:
    """The way from x to where the model is least, near enough, within the box."""
    cauchy, c = _cauchy_point(model, x, grad, box)
    free = (cauchy > box.lower) & (cauchy < box.upper)
    if not free.any():
        return cauchy - x
    theta, w = model.theta, model.w[:, free]
    r = (
        grad[free] + theta * (cauchy - x)[free] - (model.m @ c) @ w
    )  # the model's slope at the Cauchy point
    inner = np.eye(len(model.m)) - model.m @ (w @ w.T) / theta
    v = np.linalg.solve(inner, model.m @ (w @ r))
    beyond = -(r + (v @ w) / theta) / theta
    target = cauchy.copy()
    target[free] += beyond
    target = box.project(target)
    if float(grad @ (target - x)) < 0.0:
        return target - x
    way = np.zeros_like(x)
    way[free] = beyond
    cut = min(1.0, box.reach(cauchy, way))
    return box.project(cauchy + cut * way) - x


def _cauchy_point(model: _Model, x: Vector, grad: Vector, box: Box) -> tuple[Vector, Vector]:
    """The generalised Cauchy point, and c = W (cauchy − x); algorithm CP."""
    with np.errstate(divide="ignore", invalid="ignore"):
        corners = (x - np.where(grad < 0.0, box.upper, box.lower)) / grad
    corners[grad == 0.0] = np.inf
    d = np.where(corners > 0.0, -grad, 0.0)
    theta, w, m = model.theta, model.w, model.m
    p, c = w @ d, np.zeros(len(m))
    slope = -float(d @ d)
    bend = -theta * slope - float(p @ m @ p)
    cauchy, t = x.copy(), 0.0
    ahead = np.flatnonzero((corners > 0.0) & (corners < np.inf))
    for b in ahead[np.argsort(corners[ahead], kind="stable")]:
        dt = float(corners[b]) - t
        if not bend > 0.0 or -slope / bend < dt:
            break
        cauchy[b] = box.upper[b] if d[b] > 0.0 else box.lower[b]
        gb, wb, z = float(grad[b]), w[:, b], float(cauchy[b] - x[b])
        c += dt * p
        mw = m @ wb
        slope += dt * bend + gb * gb + theta * gb * z - gb * float(mw @ c)
        bend -= theta * gb * gb + 2.0 * gb * float(mw @ p) + gb * gb * float(mw @ wb)
        p = p + gb * wb
        d[b], t = 0.0, float(corners[b])
    dt = max(-slope / bend, 0.0) if bend > 0.0 else 0.0
    moving = d != 0.0
    cauchy[moving] = x[moving] + (t + dt) * d[moving]
    return box.project(cauchy), c + dt * p
