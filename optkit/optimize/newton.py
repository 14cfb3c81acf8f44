"""Newton's method with a line search, from the Hessian as a matrix or from products with it.

Symbols: x the point, g and H = ∇²f there, p the direction, t the step length.

- `Newton` solves (H + E) p = −g, where E is zero when H is positive definite and otherwise a small diagonal that a
  modified Cholesky factorisation adds to make it so (P. E. Gill, W. Murray & M. H. Wright, Practical Optimization,
  1981, §4.4.2.2; J. Nocedal & S. J. Wright, Numerical Optimization, 2nd ed., algorithm 3.2 and §3.4). H is first scaled
  to a unit diagonal, which makes E independent of the units of the variables.
- `NewtonCG` solves H p = −g by conjugate gradients until the residual is η ‖g‖, η = min(½, √(‖g‖/‖g₀‖)), or a direction
  of negative curvature turns up; p is what it has reached until then, or −g if that is nothing (N&W algorithm 7.1).

Both descend at every step but do not use negative curvature to get away from a saddle: the trust-region methods
(`optkit.optimize.newton_trust_region`) do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import lapack, solve_triangular

from optkit.optimize.curvature import Curvature
from optkit.optimize.line_search import LineSearch, StrongWolfe, first_step_length
from optkit.optimize.problem import Problem
from optkit.optimize.solver import Solver
from optkit.optimize.state import State
from optkit.optimize.validation import Matrix, Vector, is_finite, norm

_EPS = float(np.finfo(np.float64).eps)
_STUCK = "the line search found no lower value along the Newton direction"


def modified_cholesky(matrix: Matrix) -> tuple[Matrix, Vector, np.ndarray]:
    """L, d and a permutation with (A + E)[order][:, order] = L diag(d) Lᵀ, all d > 0, E diagonal.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        A, symmetric.

    Returns
    -------
    lower, pivots, order : ndarray of shape (n, n), (n,), (n,)
        E is zero where A is safely positive definite; otherwise its entries are bounded by those of A.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit.optimize.newton import modified_cholesky
    >>> lower, pivots, order = modified_cholesky(np.array([[1.0, 2.0], [2.0, 1.0]]))
    >>> bool(np.all(pivots > 0.0))
    True
    """
    n = matrix.shape[0]
    a, lower, pivots, order = matrix.copy(), np.eye(n), np.empty(n), np.arange(n)
    diagonal = float(np.abs(a.diagonal()).max(initial=0.0))
    rest = float(np.abs(a - np.diag(a.diagonal())).max(initial=0.0))
    delta = _EPS * max(diagonal + rest, 1.0)
    beta2 = max(diagonal, rest / math.sqrt(max(n * n - 1.0, 1.0)), _EPS)
    for j in range(n):
        q = j + int(np.argmax(np.abs(a.diagonal()[j:])))
        if q != j:
            a[[j, q]] = a[[q, j]]
            a[:, [j, q]] = a[:, [q, j]]
            lower[[j, q], :j], order[[j, q]] = lower[[q, j], :j], order[[q, j]]
        column = a[j + 1 :, j].copy()
        theta = float(np.abs(column).max(initial=0.0))
        pivots[j] = max(abs(float(a[j, j])), theta * theta / beta2, delta)
        lower[j + 1 :, j] = column / pivots[j]
        a[j + 1 :, j + 1 :] -= np.outer(lower[j + 1 :, j], column)
    return lower, pivots, order


def newton_direction(hessian: Matrix, grad: Vector) -> Vector:
    """P with (H + E) p = −g, for a positive definite H + E close to H."""
    if not grad.size:
        return grad.copy()
    diagonal = np.sqrt(np.abs(hessian.diagonal()))
    scale = np.where(diagonal > 0.0, diagonal, 1.0)
    scaled, slopes = hessian / scale / scale[:, None], grad / scale
    factor, failed = lapack.dpotrf(scaled, clean=1)
    if not failed and float(factor.diagonal().min(initial=1.0)) > 1e-7:
        return np.asarray(-lapack.dpotrs(factor, slopes)[0] / scale)
    lower, pivots, order = modified_cholesky(scaled)
    z = solve_triangular(lower, slopes[order], lower=True, unit_diagonal=True)
    z = solve_triangular(lower, z / pivots, lower=True, unit_diagonal=True, trans=1)
    direction = np.empty_like(grad)
    direction[order] = -z
    direction /= scale
    return direction


@dataclass(frozen=True, slots=True, kw_only=True)
class NewtonState(State):
    """A `State` with the direction to search along, and the norm of the first gradient."""

    direction: Vector
    steepness: float


@dataclass(frozen=True)
class Newton(Solver[NewtonState]):
    """Newton's method with a modified Cholesky factorisation and a line search.

    Quadratic convergence near a minimum at which the Hessian is positive definite.

    Parameters
    ----------
    line_search : LineSearch
        How far to go along the Newton direction; tries the full step first.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> def rosenbrock(x):
    ...     return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2
    >>> result = optkit.minimize(rosenbrock, [-1.2, 1.0], method=optkit.optimize.Newton())
    >>> result.success, np.round(result.x, 8)
    (True, array([1., 1.]))
    """

    line_search: LineSearch = StrongWolfe()

    name = "newton"

    def init(self, problem: Problem, x0: Vector) -> NewtonState:
        """Factor the Hessian at the start."""
        fun, grad = problem.value_and_gradient(x0)
        return self._state(problem, x0, fun, grad, norm(grad))

    def step(self, problem: Problem, state: NewtonState) -> NewtonState:
        """Search along the direction, then find the next one."""
        found = self.line_search.search(problem, state, state.direction, 1.0)
        if found is None or found.grad is None or not (s := found.x - state.x).any():
            return replace(state, step_norm=0.0, stuck=_STUCK)
        new = self._state(problem, found.x, found.fun, found.grad, state.steepness)
        return replace(new, step_norm=norm(s), step_size=found.t)

    def _state(
        self, problem: Problem, x: Vector, fun: float, grad: Vector, steepness: float
    ) -> NewtonState:
        hessian = problem.hessian(x)
        finite = is_finite(hessian.reshape(-1))
        # Where there is no Hessian, a step along the gradient may lead to where there is one.
        step = (
            newton_direction(hessian, grad) if finite else -first_step_length(x, fun, grad) * grad
        )
        if not float(grad @ step) < 0.0:
            step = -first_step_length(x, fun, grad) * grad
        return _directed(problem, x, fun, grad, steepness, step, known=finite)

    def inform(
        self, problem: Problem, state: NewtonState, curvature: Curvature | None
    ) -> NewtonState | None:
        """Where the search has failed, try the gradient."""
        if not state.stuck:
            return None
        step = -first_step_length(state.x, state.fun, state.grad) * state.grad
        again = _directed(
            problem, state.x, state.fun, state.grad, state.steepness, step, known=False
        )
        return replace(again, decrement=state.decrement)


def _directed(
    problem: Problem, x: Vector, fun: float, grad: Vector, steepness: float, step: Vector, *,
    known: bool,
) -> NewtonState:  # fmt: skip
    """The state with this direction; ``known`` tells whether it estimates the way to the minimum."""
    newton = step if known or not step.any() else np.full_like(step, math.nan)
    return NewtonState(
        x=x, fun=fun, grad=grad, noise=problem.noise(fun), newton_step=newton, direction=step,
        decrement=max(-0.5 * float(grad @ step), 0.0), steepness=steepness,
    )  # fmt: skip


@dataclass(frozen=True)
class NewtonCG(Newton):
    """Newton's method with directions from truncated conjugate gradients, and a line search.

    Needs products of the Hessian with vectors only.

    Parameters
    ----------
    line_search : LineSearch
        How far to go along the direction; tries the full step first.
    max_products : int, optional
        Of the Hessian with vectors, in one step; twice the number of variables when left out.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> result = optkit.minimize(lambda x: np.sum(np.cosh(x - 1.0)), np.zeros(500), method="newton-cg")
    >>> result.success, result.x[:2].round(8)
    (True, array([1., 1.]))
    """

    max_products: int | None = None

    name = "newton-cg"

    def _state(
        self, problem: Problem, x: Vector, fun: float, grad: Vector, steepness: float
    ) -> NewtonState:
        size = norm(grad)
        forcing = min(0.5, math.sqrt(size / steepness)) if steepness > 0.0 else 0.5
        limit = self.max_products or 2 * x.size + 10
        step, convex = _truncated(problem, x, grad, forcing * size, limit)
        if not (is_finite(step) and float(grad @ step) < 0.0):
            step, convex = -first_step_length(x, fun, grad) * grad, not size > 0.0
        return _directed(problem, x, fun, grad, steepness, step, known=convex)


def _truncated(
    problem: Problem, x: Vector, grad: Vector, tolerance: float, limit: int
) -> tuple[Vector, bool]:
    """What conjugate gradients make of H p = −g, and whether they met positive curvature only."""
    p, r, d = np.zeros_like(grad), grad, -grad
    rr = float(grad @ grad)
    for k in range(limit):
        hd = problem.hvp(x, d)
        bend = float(d @ hd)
        if not bend > 0.0:
            return (d if k == 0 else p), False
        p, r = p + (rr / bend) * d, r + (rr / bend) * hd
        new = float(r @ r)
        if math.sqrt(new) <= tolerance:
            break
        d, rr = (new / rr) * d - r, new
    return p, True
