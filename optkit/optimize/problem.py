"""A problem: a function, its derivatives, and the counts of both.

Solvers see a `Problem` (a value to minimise) or its sibling for residuals, `optkit.optimize.LeastSquaresProblem`,
and nothing of the user's function. All points are flat float64 vectors of shape (n,); the user's functions see the
shape of x0. Inputs and outputs are copied. What was evaluated at the last point is kept, so nothing is evaluated
twice there.
"""

from __future__ import annotations

import math
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from optkit.ad.backends import Backend, get_backend
from optkit.ad.backends.translation import Translated, translated
from optkit.errors import InvalidInputError, InvalidTypeError
from optkit.optimize.batches import Feed
from optkit.optimize.bounds import Box, Mask
from optkit.optimize.derivative_check import check_direction
from optkit.optimize.validation import (
    Matrix,
    Shape,
    Vector,
    as_callable,
    as_real,
    precision_of,
    real_array,
    real_scalar,
    require_finite,
    starting_point,
)

_COUNTS = ("nfev", "njev", "nhev", "seconds", "lowest", "precision")
_KNOWN = ("_value", "_gradient", "_residuals", "_jacobian")
_EPS = float(np.finfo(np.float64).eps)


class LimitReachedError(Exception):
    """The time or the evaluations allowed to a solve are used up; raised from inside any step, caught by the loop."""


class Lowest(NamedTuple):
    """The lowest value seen, its point, and the gradient there if it came with the value."""

    value: float
    x: Vector
    gradient: Vector | None


NOWHERE = Lowest(math.inf, np.zeros(0), None)


class BaseProblem(ABC):
    """What the two kinds of problem share: the start, the copies, the counters, the budget.

    Attributes
    ----------
    x0 : ndarray of shape (n,)
        The validated start, after `start`.
    shape : tuple of int
        The shape in which the user's functions see x.
    box : Box or None
        The bounds, after `start`; None where there are none.
    precision : float
        The rounding unit of the function's values, by the dtype it returned at x0.
    nfev, njev, nhev : int
        Evaluations of the function, of its first derivative, and of Hessians and products with them.
    lowest : Lowest
        The lowest finite value of all evaluations, and where it was.
    f_noise : float
        What the user knows of the noise of the function's values: changes of this size mean nothing.
    deadline, max_evaluations : float
        Beyond either, the next evaluation raises `LimitReachedError`. The clock is `time.perf_counter`.
    """

    # Whether the function gives a number; otherwise it gives an array.
    scalar = False

    def __init__(
        self,
        fun: Callable[..., Any],
        *,
        args: tuple[Any, ...] = (),
        jac: Callable[..., Any] | bool | None = None,
        bounds: Any = None,
        backend: str | Backend = "auto",
        check_derivatives: bool = True,
    ) -> None:
        self.fun = as_callable(fun, "fun")
        self.args = args if isinstance(args, tuple) else (args,)
        self.jac = jac if jac is None or isinstance(jac, bool) else as_callable(jac, "jac")
        self.bounds = bounds
        self.f_noise = 0.0
        self.batches: Feed | None = None
        self._batch: tuple[Any, ...] = ()
        self.check_derivatives = check_derivatives
        self._backend_choice = backend
        self._backend: Backend | None = None
        self.box: Box | None = None
        self._fixed: Mask | None = None
        if self.jac is None and backend not in ("auto", "native"):
            self.fun = translated(self.backend, self.fun, scalar=self.scalar)
        self._start_over(np.zeros(0), (0,))

    def _enter(self, x0: Any) -> Vector:
        """A valid start within the bounds, flat; everything that is known of other points is forgotten."""
        x, shape = starting_point(x0)
        self.box = self._fixed = None
        if self.bounds is not None:
            box = Box.of(self.bounds, x.size)
            x = box.admit(x)
            fixed = box.lower == box.upper
            self.box = None if box.is_everything else box
            self._fixed = fixed if fixed.any() else None
        self._start_over(x, shape)
        return x

    def _start_over(self, x0: Vector, shape: Shape) -> None:
        self.x0, self.shape = x0, shape
        self.precision = _EPS
        self.nfev = self.njev = self.nhev = 0
        self.seconds = {"function": 0.0, "first derivative": 0.0, "second derivative": 0.0}
        self.lowest = NOWHERE
        self.deadline = self.max_evaluations = math.inf
        self._key: bytes | None = None

    def snapshot(self) -> dict[str, Any]:
        """What a checkpoint keeps of the problem: counts, times, and what is known at the last point."""
        kept: dict[str, Any] = {name: getattr(self, name) for name in _COUNTS}
        known = {name: getattr(self, name) for name in _KNOWN if hasattr(self, name)}
        if all(isinstance(value, (float, np.ndarray, type(None))) for value in known.values()):
            kept |= {"key": np.frombuffer(self._key or b"", dtype=np.uint8), "known": known}
        return kept | {"drawn": None if self.batches is None else self.batches.drawn}

    def restore(self, kept: dict[str, Any]) -> None:
        """Go on with the counts of which `snapshot` has kept these, and with the batch that was the last."""
        for name in _COUNTS:
            setattr(self, name, kept[name])
        if self.batches is not None:
            self.batches.skip(kept["drawn"] - 1)
            self.draw()
        self._key = None
        if "key" in kept:
            self._key = kept["key"].tobytes()
            for name, value in kept["known"].items():
                setattr(self, name, value)

    @property
    def n(self) -> int:
        """The number of variables."""
        return self.x0.size

    @property
    def separate(self) -> bool:
        """Whether value and derivative are two functions of the user's, so that one can be had without the other."""
        return callable(self.jac)

    @property
    def backend(self) -> Backend:
        """Who differentiates what the user did not; looked up when first needed."""
        if self._backend is None:
            self._backend = get_backend(self._backend_choice)
        return self._backend

    @abstractmethod
    def start(self, x0: Any, *, derivatives: bool = True) -> Vector:
        """Validate x0 and, there, what the functions return; reset the counters; return x0 flat."""

    @abstractmethod
    def value(self, x: Vector) -> float:
        """The value at x, shape (n,); NaN or inf where the function is."""

    @abstractmethod
    def gradient(self, x: Vector) -> Vector:
        """The gradient at x, shape (n,)."""

    def value_and_gradient(self, x: Vector) -> tuple[float, Vector]:
        """Both at once, which the backend does for less than the two."""
        gradient = self.gradient(x)
        return self.value(x), gradient

    def gradient_at_lowest(self) -> Vector:
        """The gradient at the lowest point seen; evaluated only if it did not come with the value."""
        gradient = self.lowest.gradient
        return self.gradient(self.lowest.x) if gradient is None else gradient

    def within(self, x: Vector) -> Vector:
        """x, which rounding may not carry out of the bounds."""
        return x if self.box is None else self.box.project(x)

    def noise(self, value: float) -> float:
        """Changes of a value of this size are rounding."""
        rounding = 4.0 * self.precision * abs(value) if math.isfinite(value) else 0.0
        return max(rounding, self.f_noise)

    def _call(self, function: Callable[..., Any], x: Vector) -> Any:
        return function(self._seen(x), *self._batch, *self.args)

    def _seen(self, x: Vector) -> Any:
        """A copy of x in the user's shape: what the user does to it stays with the user."""
        return x.copy() if len(self.shape) == 1 else x.copy().reshape(self.shape)

    def _differentiable(self, finish: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
        """The user's function of a flat x, for the backend: itself, where nothing needs to be adapted."""
        fun, args, shape = self.fun, self.args, self.shape
        if isinstance(fun, Translated):
            return fun.prepared(shape, (*self._batch, *args))
        f = self._flat(finish)
        return f if self.jac is not None else self.backend.prepare(f, self.x0).f

    def _flat(self, finish: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
        fun, args, shape = self.fun, self.args, self.shape
        flat = len(shape) == 1
        if flat and not args and finish is None and self.batches is None:
            return fun
        finish = finish or (lambda y: y)
        return lambda x: finish(fun(x if flat else x.reshape(shape), *self._batch, *args))

    def draw(self) -> None:
        """Go on to the next batch, where there are batches: the function becomes another one."""
        if self.batches is None:
            return
        try:
            self._batch = (next(self.batches),)
        except StopIteration:
            text = f"the batches are used up, {self.batches.drawn} of them"
            raise LimitReachedError(text) from None
        self._key = None

    def _count_evaluation(self) -> None:
        if self.nfev >= self.max_evaluations:
            raise LimitReachedError(f"{self.nfev} evaluations ≥ {self.max_evaluations:g}")
        self.check_time()
        self.nfev += 1

    def check_time(self) -> None:
        """Raise `LimitReachedError` when time is up."""
        if self.deadline < math.inf and (late := time.perf_counter() - self.deadline) > 0.0:
            raise LimitReachedError(f"max_time has passed by {late:.2g} s")

    def _note(self, value: float, x: Vector, gradient: Vector | None = None) -> None:
        if -math.inf < value < self.lowest.value:
            self.lowest = Lowest(value, x, gradient)

    def _is_new(self, x: Vector) -> bool:
        """Whether x differs from the last point; from now on it is the last."""
        key = x.tobytes()
        if key == self._key:
            return False
        self._key = key
        return True


class Problem(BaseProblem):
    """A function to minimise, with its derivatives.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args) → scalar``; with ``jac=True``, ``fun(x, *args) → (scalar, gradient)``.
    args : tuple
        Further arguments of ``fun``, ``jac``, ``hess`` and ``hessp``.
    jac : callable or True, optional
        ``jac(x, *args)``, the gradient, of the shape of x. Without it, the backend differentiates ``fun``.
    hess : callable, optional
        ``hess(x, *args)``, the Hessian, shape (n, n).
    hessp : callable, optional
        ``hessp(x, v, *args)``, the Hessian times v.
    bounds : sequence of (low, high), scipy.optimize.Bounds or Box, optional
        As for `optkit.minimize`. Derivatives with respect to a variable with equal bounds are zero: it is fixed.
    batches : iterable, optional
        What ``fun`` is given in turn as its second argument, as `Minibatches` does; for `SGD` and its relatives.
    backend : str or Backend
        Who differentiates.
    check_derivatives : bool
        Whether derivatives that the user wrote are checked along one direction at x0.

    Notes
    -----
    ----- Where neither ``hess`` nor ``hessp`` is given, second derivatives come from the backend when the first do,
    and from central differences of ``jac`` when ``jac`` is the user's: a user writes a gradient where ``fun``
    cannot be differentiated.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit.optimize import Problem
    >>> problem = Problem(lambda x: x[0] ** 2 + 3.0 * x[1] ** 2, jac=lambda x: np.array([2.0, 6.0]) * x)
    >>> x = problem.start([1, 2])
    >>> problem.value(x), problem.gradient(x)
    (13.0, array([ 2., 12.]))
    """

    scalar = True

    def __init__(  # noqa: PLR0913  # what there is to know of a function
        self,
        fun: Callable[..., Any],
        *,
        args: tuple[Any, ...] = (),
        jac: Callable[..., Any] | bool | None = None,
        hess: Callable[..., Any] | None = None,
        hessp: Callable[..., Any] | None = None,
        bounds: Any = None,
        batches: Any = None,
        backend: str | Backend = "auto",
        check_derivatives: bool = True,
    ) -> None:
        super().__init__(
            fun, args=args, jac=jac, bounds=bounds, backend=backend,
            check_derivatives=check_derivatives,
        )  # fmt: skip
        self._batch_source = batches
        self.batches = None if batches is None else Feed(batches)
        self.jac = self.jac or None  # SciPy's jac=False is None
        self.hess = None if hess is None else as_callable(hess, "hess")
        self.hessp = None if hessp is None else as_callable(hessp, "hessp")

    def start(self, x0: Any, *, derivatives: bool = True) -> Vector:
        x = self._enter(x0)
        if self.batches is not None:
            self.batches = Feed(self._batch_source)
            self.draw()
        self._is_new(x)
        self._count_evaluation()
        output = self._call(self.fun, x)
        self._gradient: Vector | None
        value, self._gradient = self._split(output)
        array = as_real(value, "fun(x)")
        self._value: float | None = real_scalar(value, "fun(x)")
        self.precision = precision_of(array)
        self._f = self._differentiable((lambda y: np.reshape(y, ())) if array.ndim else None)
        if math.isnan(self._value):
            raise InvalidInputError("fun(x0) is nan; start where the function has a value")
        if derivatives and x.size:
            self._start_derivatives(x, self._value)
        if math.isinf(self._value):
            warnings.warn(
                f"fun(x0) is {self._value}; any finite value counts as lower", RuntimeWarning, 2
            )
        self._note(self._value, x)
        return x

    def _start_derivatives(self, x: Vector, value: float) -> None:
        gradient = self.gradient(x)
        require_finite(gradient, "the gradient at x0", self.shape)
        if self.check_derivatives and self.jac is not None:
            check_direction(
                self.value, lambda z, v: self.gradient(z) @ v, x, box=self.box,
                names=("jac", "fun"), precision=self.precision,
            )  # fmt: skip
        if self.check_derivatives and (self.hess is not None or self.hessp is not None):
            check_direction(
                self.gradient, self.hvp, x, box=self.box,
                names=("hess" if self.hess is not None else "hessp", "the gradient"),
                precision=self.precision,
            )  # fmt: skip
        self._is_new(x)
        self._value, self._gradient = value, gradient
        self.lowest = NOWHERE  # the points of the check were not looked for

    def value(self, x: Vector) -> float:
        if self._is_new(x):
            self._value = self._gradient = None
        if self._value is None:
            self._count_evaluation()
            started = time.perf_counter()
            output = self._call(self.fun, x)
            self.seconds["function"] += time.perf_counter() - started
            value, self._gradient = self._split(output)
            self._value = real_scalar(value, "fun(x)")
            self._note(self._value, x, self._gradient)
        return self._value

    def gradient(self, x: Vector) -> Vector:
        if self._is_new(x):
            self._value = self._gradient = None
        if self._gradient is None:
            if self.jac is None:
                self._differentiate(x)
            elif callable(self.jac):
                self.njev += 1
                started = time.perf_counter()
                gradient = self._call(self.jac, x)
                self.seconds["first derivative"] += time.perf_counter() - started
                self._gradient = self._as_gradient(gradient)
            else:  # one call of fun gives both
                self._value = None
                self.value(x)
        return self._gradient  # type: ignore[return-value]

    def _differentiate(self, x: Vector) -> None:
        if self._value is None:
            self._count_evaluation()
        self.njev += 1
        started = time.perf_counter()
        value, gradient = self.backend.value_and_grad(self._f, x.copy())
        self.seconds["first derivative"] += time.perf_counter() - started
        self._value = real_scalar(value, "fun(x)")
        self._gradient = self._as_gradient(gradient)
        self._note(self._value, x, self._gradient)

    def _split(self, output: Any) -> tuple[Any, Vector | None]:
        """The value, and the gradient when ``fun`` returns both."""
        if self.jac is not True:
            return output, None
        if not isinstance(output, tuple) or len(output) != 2:
            raise InvalidTypeError(
                "with jac=True, fun(x) must return the pair (value, gradient), got "
                f"{type(output).__name__}; without a gradient of your own leave jac out"
            )
        self.njev += 1
        return output[0], self._as_gradient(output[1])

    def _as_gradient(self, gradient: Any) -> Vector:
        n = self.x0.size
        shapes: tuple[Shape, ...] = ((n,), self.shape) if n != 1 else ((n,), self.shape, ())
        vector = real_array(gradient, shapes, "jac(x)")
        if self._fixed is not None:
            vector[self._fixed] = 0.0
        return vector

    def hessian(self, x: Vector) -> Matrix:
        """The Hessian at x, shape (n, n), symmetric."""
        self.nhev += 1
        started, others = time.perf_counter(), self.seconds["first derivative"]
        n = self.x0.size
        if self.hess is not None:
            hessian = real_array(self._call(self.hess, x), ((n, n),), "hess(x)")
        elif self.hessp is not None or self.jac is not None:
            self.nhev -= 1  # counted by the products
            hessian = np.array([self.hvp(x, e) for e in np.eye(n)]).reshape(n, n)
        else:
            hessian = real_array(self.backend.hessian(self._f, x.copy()), ((n, n),), "the Hessian")
        others = (
            self.seconds["first derivative"] - others
        )  # of gradients that differences have needed
        self.seconds["second derivative"] += time.perf_counter() - started - others
        symmetric: Matrix = (hessian + hessian.T) / 2.0
        if self._fixed is not None:  # as if the fixed variables stood alone, each in a parabola
            symmetric[self._fixed, :] = symmetric[:, self._fixed] = 0.0
            symmetric[self._fixed, self._fixed] = 1.0
        return symmetric

    def hvp(self, x: Vector, v: Vector) -> Vector:
        """The Hessian at x times v, shape (n,)."""
        if self._fixed is not None:
            product = self._product(x, np.where(self._fixed, 0.0, v))
            return np.where(self._fixed, v, product)
        return self._product(x, v)

    def _product(self, x: Vector, v: Vector) -> Vector:
        if self.hess is not None:
            return self.hessian(x) @ v
        self.nhev += 1
        shapes = ((self.x0.size,), self.shape)
        if self.hessp is not None:
            product = self.hessp(self._seen(x), self._seen(v), *self._batch, *self.args)
            return real_array(product, shapes, "hessp(x, v)")
        if self.jac is None:
            return real_array(self.backend.hvp(self._f, x.copy(), v.copy()), shapes, "the product")
        return self._difference_of_gradients(x, v)

    def _difference_of_gradients(self, x: Vector, v: Vector) -> Vector:
        moved = v != 0.0
        if not moved.any():
            return np.zeros_like(x)
        size = float(np.max(np.abs(x[moved]))) or 1.0
        h = self.precision ** (1.0 / 3.0) * size / float(np.max(np.abs(v)))
        lowest = self.lowest  # probes of the curvature are not candidates
        difference: Vector = (self.gradient(x + h * v) - self.gradient(x - h * v)) / (2.0 * h)
        self.lowest = lowest
        return difference
