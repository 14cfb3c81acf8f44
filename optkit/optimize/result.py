"""What a solve returns: the verdict, the log of its iterations, the `Result`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from optkit.optimize.report import report
from optkit.optimize.uncertainty import covariance, null_vectors
from optkit.optimize.upward import room_above


class Verdict(Enum):
    """The four ways in which a solve ends; the value of each is its sentence.

    ``CONVERGED`` is a success. ``STALLED`` is one when the point is optimal to the precision of the function's
    values, which the message then says. ``LIMIT`` (iterations, evaluations, time, a callback, Ctrl-C) and
    ``FAILED`` are not.

    Examples
    --------
    >>> import optkit
    >>> optkit.optimize.Verdict.STALLED.value
    'stalled at the limit of precision'
    """

    CONVERGED = "converged"
    STALLED = "stalled at the limit of precision"
    LIMIT = "limit reached"
    FAILED = "failed"

    @property
    def status(self) -> int:
        """The number of the verdict, SciPy's ``status``: 0 is converged, 1 limit, 2 stalled, 3 failed."""
        return _STATUS[self]


def honest(verdict: Verdict, message: str, fun: float) -> tuple[Verdict, str]:
    """The verdict and its message; of a value that is not finite no success may be claimed."""
    if verdict not in (Verdict.CONVERGED, Verdict.STALLED) or math.isfinite(fun):
        return verdict, message
    text = f"failed: the function is {fun} at x, which is no minimum; start where it is finite ({message})"
    return Verdict.FAILED, text


_STATUS = {Verdict.CONVERGED: 0, Verdict.LIMIT: 1, Verdict.STALLED: 2, Verdict.FAILED: 3}


class Iteration(NamedTuple):
    """One row of a `History`; row 0 is the starting point."""

    iteration: int
    fun: float
    gradient_norm: float
    step_norm: float
    step_size: float
    evaluations: int
    seconds: float
    x: NDArray[np.float64] | None


class History:
    """The log of a solve, one row per iteration, each column a NumPy array.

    Attributes
    ----------
    fun, gradient_norm : ndarray of shape (nit + 1,)
        The value (½‖r‖² for least squares) and the Euclidean norm of the gradient.
    step_norm, step_size : ndarray of shape (nit + 1,)
        The Euclidean length of the step (0 when it was rejected), and the line search's step length or the trust
        region's radius. NaN in row 0, and where a foreign solver does not tell.
    evaluations, seconds : ndarray of shape (nit + 1,)
        Evaluations of the function and wall-clock seconds since the start.
    x : ndarray of shape (nit + 1, …)
        The points, when the solve was asked to keep them with ``options={"keep_x": True}``.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> result = optkit.minimize(lambda x: np.sum((x - 3.0) ** 2), [0.0, 0.0])
    >>> history = result.history
    >>> history.columns
    ('iteration', 'fun', 'gradient_norm', 'step_norm', 'step_size', 'evaluations', 'seconds')
    >>> bool(history.fun[-1] == history["fun"][-1] == result.fun), len(history) == result.nit + 1
    (True, True)
    """

    def __init__(self) -> None:
        self._rows: list[Iteration] = []

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns; ``"x"`` is among them when the points were kept."""
        kept = bool(self._rows) and self._rows[0].x is not None
        return Iteration._fields if kept else Iteration._fields[:-1]

    def append(self, row: Iteration) -> None:
        """Add a row; for solvers, not for readers."""
        self._rows.append(row)

    def __getitem__(self, column: str) -> NDArray[Any]:
        if column not in self.columns:
            hint = "; ask for it with options={'keep_x': True}" if column == "x" else ""
            raise KeyError(
                f"no column {column!r} in the history; it has {', '.join(self.columns)}{hint}"
            )
        index = Iteration._fields.index(column)
        return np.array([row[index] for row in self._rows])

    def __getattr__(self, column: str) -> NDArray[Any]:
        if column.startswith("_"):  # copy and pickle probe for dunder methods on a half-made object
            raise AttributeError(column)
        try:
            return self[column]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.columns]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Iteration]:
        return iter(self._rows)

    @classmethod
    def of(cls, rows: list[Iteration]) -> Self:
        """The history with these rows."""
        history = cls()
        history._rows = list(rows)
        return history

    def __repr__(self) -> str:
        return f"<history of {max(len(self) - 1, 0)} iterations: {', '.join(self.columns)}>"


class Result(scipy.optimize.OptimizeResult):  # type: ignore[misc]  # SciPy ships no types
    """What `optkit.minimize` returns: a `scipy.optimize.OptimizeResult` with a verdict and a history.

    Attributes
    ----------
    x : ndarray
        The best point seen, in the shape of ``x0``.
    fun : float
        The value there.
    jac : ndarray
        The gradient there, of the shape of ``x``.
    verdict : Verdict
        How the solve ended; ``message`` says the same with the numbers that decided.
    success : bool
        Whether ``x`` is a minimum, to the tolerance or to the precision of the function's values.
    status : int
        ``verdict.status``.
    message : str
        One sentence.
    nit, nfev, njev, nhev : int
        Iterations; evaluations of the function, of its gradient, and of its Hessian or products with it.
    history : History
        One row per iteration.
    method : str
        The solver that did it.
    choice : str
        What ``method="auto"`` picked, and why.
    criteria : list of (str, float, float)
        What the stopping tests measured at the last point: name, value, tolerance.
    seconds : dict
        Time in the user's functions and their derivatives, and in total.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> result = optkit.minimize(lambda x: (x[0] - 1.0) ** 2 + (x[1] + 2.0) ** 2, [0.0, 0.0])
    >>> result.success, result.verdict.value, np.round(result.x, 6)
    (True, 'converged', array([ 1., -2.]))
    """

    def report(self) -> str:
        """The full report: what was asked, how it went, each criterion against its tolerance, where the time went.

        Examples
        --------
        >>> import numpy as np, optkit
        >>> result = optkit.minimize(lambda x: np.sum((x - 3.0) ** 2), [0.0, 0.0], method="bfgs")
        >>> print(result.report().splitlines()[0])
        optkit: bfgs
        """
        return report(self)

    def plot(self, **options: Any) -> Any:
        """Draw how the solve converged; the options are those of `optkit.plot_convergence`."""
        return room_above("plotting").plot_convergence(self, **options)

    def to_html(self, path: Any = None, *, title: str | None = None) -> str:
        """The report of the solve as one self-contained page, written to ``path``; see `optkit.html_report`."""
        return str(room_above("plotting").html_report(self, path, title=title))


class LeastSquaresResult(Result):
    """What `optkit.least_squares` returns: a `Result`, with SciPy's names for what residuals add.

    Attributes
    ----------
    fun : ndarray of shape (m,)
        The residuals at ``x``.
    cost : float
        ½‖r‖², the value that was minimised; ``history.fun`` is its course.
    jac : ndarray of shape (m, n)
        The Jacobian at ``x``, its columns in the order of ``x.ravel()``.
    grad : ndarray of shape (n,)
        The gradient Jᵀr of the cost.
    rank : int
        The numerical rank of the Jacobian at ``x``; below n, some combination of parameters is not determined.
    null_vectors : ndarray of shape (n, n − rank)
        Computed when asked for: the unit vectors along which parameters can change without any residual noticing.
    active_mask : ndarray of shape (n,)
        Under bounds: −1 where x is on the lower one, 1 on the upper one, 0 inside.
    covariance : ndarray of shape (n, n)
        Computed when asked for: s² (JᵀJ)⁻¹ with s² = ‖r‖²/(m − n), the estimated covariance of the parameters when
        the residuals are independent errors of one common variance; with a loss, that of the M-estimate. Parameters
        that equal bounds fix have none.
    standard_errors : ndarray of shape (n,)
        The square roots of its diagonal.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> t = np.array([0.0, 1.0, 2.0, 3.0])
    >>> fit = optkit.least_squares(lambda p: p[0] + p[1] * t - np.array([1.1, 2.9, 5.1, 6.9]), [0.0, 0.0])
    >>> np.round(fit.x, 3), np.round(fit.standard_errors, 3)
    (array([1.06, 1.96]), array([0.106, 0.057]))
    """

    @property
    def covariance(self) -> NDArray[np.float64]:
        free = np.flatnonzero(~self.get("fixed", np.zeros(self.jac.shape[1], dtype=bool)))
        full = np.zeros((self.jac.shape[1],) * 2)
        names = [f"x[{i}]" for i in free]
        full[np.ix_(free, free)] = covariance(self.jac[:, free], self.fun, self.get("loss"), names)
        return full

    @property
    def standard_errors(self) -> NDArray[np.float64]:
        return np.sqrt(np.diag(self.covariance))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), "covariance", "null_vectors", "standard_errors"]

    @property
    def null_vectors(self) -> NDArray[np.float64]:
        return null_vectors(self.jac)
