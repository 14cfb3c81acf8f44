"""The last few steps and changes of the gradient: all that a limited-memory method knows of curvature.

Symbols: s = x⁺ − x, y = g⁺ − g, S and Y the matrices that have the last k of them for rows, oldest first, R the upper
triangle of the k×k matrix Sᵢ·Yⱼ and D its diagonal. The compact forms of the BFGS matrices (R. H. Byrd, J. Nocedal &
R. B. Schnabel, Representations of quasi-Newton matrices and their use in limited memory methods, Math. Programming 63
(1994) 129–156) need S, Y and such small products only:

    H = γ I + [Sᵀ, γYᵀ] [[R⁻ᵀ(D + γ Y·Y)R⁻¹, −R⁻ᵀ], [−R⁻¹, 0]] [S; γY]     (3.1), with γ = sᵀy/yᵀy of the last pair
    B = θ I − Wᵀ M W,   W = [Y; θS],   M⁻¹ = [[−D, Lᵀ], [L, θ S·S]]        (3.5), with θ = 1/γ and L below R

A new pair is written behind the last one into a buffer that older `Pairs` share: a row, once written, never changes, so
that every `Pairs` remains a value although hardly anything is copied.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from scipy.linalg import lapack

from optkit.optimize.validation import Matrix, Vector

_EPS = float(np.finfo(np.float64).eps)


class _Buffer:
    """Rows of s and y, and how many of them are taken."""

    def __init__(self, capacity: int, n: int) -> None:
        self.rows = np.empty((2, capacity, n))
        self.used = 0


@dataclass(frozen=True, slots=True)
class Pairs:
    """Up to ``memory`` pairs (s, y) with sᵀy > 0, oldest first.

    Attributes
    ----------
    s, y : ndarray of shape (k, n)
        The pairs.
    sy, yy : ndarray of shape (k, k)
        Sᵢ·Yⱼ where i ≤ j (zero below), and Yᵢ·Yⱼ.
    """

    NOT_SAVED: ClassVar[tuple[str, ...]] = (
        "buffer",
    )  # by checkpoints: the next pair makes a new one

    memory: int
    s: Matrix
    y: Matrix
    sy: Matrix
    yy: Matrix
    buffer: _Buffer | None = None
    first: int = 0

    @classmethod
    def none(cls, memory: int, n: int) -> Self:
        """No pairs of n variables."""
        empty, nothing = np.empty((0, n)), np.empty((0, 0))
        return cls(memory, empty, empty, nothing, nothing)

    def __len__(self) -> int:
        return len(self.s)

    def with_pair(self, s: Vector, y: Vector) -> Self:
        """These and one more; the oldest goes when there is no room."""
        k = len(self)
        drop = 1 if k == self.memory else 0
        buffer, first, last = self.buffer, self.first + drop, self.first + k
        if buffer is None or buffer.used != last or last == buffer.rows.shape[1]:
            buffer = _Buffer(4 * self.memory, s.size)
            buffer.rows[0, : k - drop], buffer.rows[1, : k - drop] = self.s[drop:], self.y[drop:]
            first, last = 0, k - drop
        buffer.rows[0, last], buffer.rows[1, last] = s, y
        buffer.used = last + 1
        new_s, new_y = buffer.rows[0, first : last + 1], buffer.rows[1, first : last + 1]
        size = last + 1 - first
        sy, yy = np.zeros((size, size)), np.empty((size, size))
        sy[:-1, :-1], yy[:-1, :-1] = self.sy[drop:, drop:], self.yy[drop:, drop:]
        sy[:, -1] = new_s @ y
        yy[-1, :] = yy[:, -1] = new_y @ y
        return replace(self, s=new_s, y=new_y, sy=sy, yy=yy, buffer=buffer, first=first)

    @property
    def gamma(self) -> float:
        """sᵀy/yᵀy of the last pair, an estimate of the inverse curvature; 1 without pairs."""
        return float(self.sy[-1, -1] / self.yy[-1, -1]) if len(self) else 1.0

    def inverse_times(self, v: Vector) -> Vector:
        """H v by (3.1)."""
        if not len(self):
            return v.copy()
        gamma = self.gamma
        sv, yv = self.s @ v, self.y @ v
        u = lapack.dtrtrs(self.sy, sv)[0]  # R⁻¹ Sv
        w = self.yy @ u
        w *= gamma
        w += self.sy.diagonal() * u
        w -= gamma * yv
        w = lapack.dtrtrs(self.sy, w, trans=1)[0]
        product = gamma * v
        product += w @ self.s
        product -= (gamma * u) @ self.y
        return product

    def times(self, v: Vector) -> Vector:
        """B v by (3.5)."""
        if not len(self):
            return v.copy()
        theta, sy = 1.0 / self.gamma, self.s @ self.y.T
        lower = np.tril(sy, -1)
        inner = np.block([[-np.diag(sy.diagonal()), lower.T], [lower, theta * (self.s @ self.s.T)]])
        w = np.concatenate([self.y, theta * self.s])
        product: Vector = theta * v - np.linalg.solve(inner, w @ v) @ w
        return product

    def keep(self, s: Vector, y: Vector, sy: float) -> bool:
        """Whether a pair carries curvature that can be told from rounding."""
        return sy > _EPS * float(y @ y) * self.gamma and sy > 0.0 and bool(s.any())
