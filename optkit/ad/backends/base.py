"""The Backend protocol: who differentiates.

A backend implements ONE of two operators on functions of a flat float64 vector ``x`` of shape (n,) that return a scalar
or an array of shape (m,):

- `Backend.value_and_jvp`, the pushforward (y, J v), or
- `Backend.value_and_vjp`, the pullback (y, u ↦ uᵀ J).

Every other operator is derived from it here, and may be overridden where the backend knows a better way. A function is
written in the terms of its backend: a backend of a framework calls it with the framework's arrays. What goes into an
operator and what comes out are NumPy arrays of float64, the caller's own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad.backends.steps import EPS, balanced, natural_sizes, wider_length
from optkit.errors import BackendError, InvalidInputError, InvalidTypeError

Vector = NDArray[np.float64]
Function = Callable[[Any], Any]
Pullback = Callable[[Any], Vector]
Shape = tuple[int, ...]

# An exact gradient is rounded to about so many ulps.
_ULPS = 8.0


class Backend(ABC):
    """Someone who can differentiate; subclass it and implement `value_and_jvp` or `value_and_vjp`.

    Functions take a vector of shape (n,), which they may change, and return a scalar or an array of shape (m,).

    Attributes
    ----------
    accuracy : tuple of float
        The relative accuracy of first and of second derivatives, to which `optkit.testing.run_conformance` holds the
        backend.
    unsupported : mapping
        What the backend declares that it cannot do: names of groups of scenarios of the conformance suite
        (``"branches"``, ``"matrices"``, …), each with its reason. There it must raise, never return a wrong number.
    nests : bool
        Whether its operators may be applied to functions that call them, so that the Hessian is the Jacobian of the
        gradient. Otherwise second derivatives are derived from differences of gradients.
    takes_numpy : bool
        Whether its functions are written in NumPy, so that they can be called with plain arrays as well.
    install : str
        The line that installs what it needs, for the message where it is not `available`.

    Examples
    --------
    The complex step, exact to the last digit for analytic functions (Squire & Trapp 1998, "Using complex variables to
    estimate derivatives of real functions"):

    >>> import numpy as np
    >>> from optkit import ad
    >>> class ComplexStep(ad.Backend):
    ...     name = "my-complex-step"
    ...
    ...     def value_and_jvp(self, f, x, v):
    ...         return f(x), np.imag(f(x + 1e-30j * v)) / 1e-30
    >>> ComplexStep().grad(lambda x: x[0] * np.exp(x[1]), np.array([2.0, 0.0]))
    array([1., 2.])
    """

    accuracy: tuple[float, float] = (1e-10, 1e-6)
    unsupported: Mapping[str, str] = {}
    nests: bool = False
    takes_numpy: bool = True
    install: str = ""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name under which ``backend="…"`` finds it."""

    def available(self) -> bool:
        """Whether what the backend needs is installed."""
        return True

    # --- how functions are written ------------------------------------------------------------------------------------

    @property
    def namespace(self) -> Any:
        """In whose terms functions are written: has ``exp``, ``log``, ``sin``, ``cos``, ``sqrt``, ``tanh``, ``sum``,
        ``stack`` (scalars to a vector) and ``asarray``; NumPy, if it is not overridden.
        """  # noqa: D205 - one sentence
        return np

    def unpack(self, x: Any, shapes: Sequence[Shape]) -> list[Any]:
        """The pieces of the vector that a function is called with, one of each shape, a scalar for the shape ()."""
        pieces, start = [], 0
        for shape in shapes:
            size = int(np.prod(shape))
            piece = x[start : start + size]
            pieces.append(piece.reshape(shape) if shape else piece[0])
            start += size
        return pieces

    def pack(self, leaves: Sequence[Any]) -> tuple[Any, list[Shape]]:
        """The numbers and arrays that a function returned as one scalar or vector, and their shapes."""
        shapes = [tuple(np.shape(leaf)) for leaf in leaves]
        if len(leaves) == 1 and len(shapes[0]) < 2:
            return leaves[0], shapes
        parts = [np.reshape(leaf, (-1,)) for leaf in leaves]
        return np.concatenate(parts) if parts else np.zeros(0), shapes

    def prepare(self, f: Function, x: Vector) -> Prepared:
        """``f`` at points like ``x``, with whatever can be kept between calls (steps, compiled code, a graph).

        Preparing promises that ``f`` gives the same values at the same point for as long as the result is used.
        Override it to return ``Prepared(self, better)``, where ``better`` is what your operators would rather be given
        than ``f``.
        """
        return Prepared(self, f)

    # --- the operators ------------------------------------------------------------------------------------------------

    def value(self, f: Function, x: Vector) -> Any:
        """The value ``f(x)`` as a float64 array or scalar."""
        return as_numbers(f(x.copy()))

    def value_and_jvp(self, f: Function, x: Vector, v: Vector) -> tuple[Any, Any]:
        """The value ``f(x)`` and the directional derivative ``J(x) @ v``, of the value's shape."""
        if type(self).value_and_vjp is Backend.value_and_vjp:
            raise BackendError(
                f"backend {self.name!r} implements neither value_and_jvp nor value_and_vjp"
            )
        v = direction(x, v)
        y, jacobian = self.value_and_jacobian(f, x)
        return y, jacobian @ v

    def value_and_vjp(self, f: Function, x: Vector) -> tuple[Any, Pullback]:
        """The value ``f(x)`` and the function ``u ↦ uᵀ J(x)``, which gives an array of shape (n,)."""
        if type(self).value_and_jvp is Backend.value_and_jvp:
            raise BackendError(
                f"backend {self.name!r} implements neither value_and_jvp nor value_and_vjp"
            )
        y, jacobian = self.value_and_jacobian(f, x)

        def pullback(u: Any) -> Vector:
            u = cotangent(y, u)
            row: Vector = np.asarray(u @ jacobian if np.ndim(u) else u * jacobian)
            return row

        return y, pullback

    def value_and_grad(self, f: Function, x: Vector) -> tuple[Any, Vector]:
        """The value and the gradient, shape (n,), of a scalar-valued ``f``."""
        y, pullback = self.value_and_vjp(f, x)
        require_scalar(y)
        return y, pullback(np.ones_like(y))

    def value_and_jacobian(self, f: Function, x: Vector) -> tuple[Any, NDArray[np.float64]]:
        """The value and the Jacobian: shape (m, n) for a value of shape (m,), (n,) for a scalar value."""
        kind = type(self)
        pushes = kind.value_and_jvp is not Backend.value_and_jvp
        if kind.value_and_vjp is not Backend.value_and_vjp:
            y, pullback = self.value_and_vjp(f, x)
            if not np.ndim(y):
                return y, pullback(np.ones_like(y))
            if len(y) <= len(x) or not pushes:
                rows = [pullback(row) for row in np.eye(len(y))]
                return y, np.array(rows).reshape(len(y), len(x))
        if not len(x):
            y = self.value(f, x)
            return y, np.zeros((*np.shape(y), 0))
        columns = [self.value_and_jvp(f, x, column) for column in np.eye(len(x))]
        return columns[0][0], np.stack([dy for _, dy in columns], axis=-1)

    def grad(self, f: Function, x: Vector) -> Vector:
        """The gradient of a scalar-valued ``f``, shape (n,)."""
        return self.value_and_grad(f, x)[1]

    def jacobian(self, f: Function, x: Vector) -> NDArray[np.float64]:
        """The Jacobian, shape (m, n)."""
        return self.value_and_jacobian(f, x)[1]

    def hessian(self, f: Function, x: Vector) -> NDArray[np.float64]:
        """The Hessian of a scalar-valued ``f``, shape (n, n): the Jacobian of its gradient."""
        if self.nests:
            return self.jacobian(lambda z: self.grad(f, z), x)
        columns = [self.hvp(f, x, column) for column in np.eye(len(x))]
        hessian = np.array(columns, dtype=np.float64).reshape(len(x), len(x))
        return (hessian + hessian.T) / 2.0

    def hvp(self, f: Function, x: Vector, v: Vector) -> Vector:
        """The product ``H(x) @ v`` of the Hessian of a scalar-valued ``f`` with a vector, shape (n,)."""
        v = direction(x, v)
        if self.nests:
            product: Vector = self.value_and_jvp(lambda z: self.grad(f, z), x, v)[1]
            return product
        return differences_of_gradients(lambda z: self.grad(f, z), x, v)

    def __repr__(self) -> str:
        return f"<backend {self.name}>"


class Prepared:
    """A function, prepared by a backend: its operators take points alone.

    Made by `Backend.prepare`; its methods are those of the backend without the function.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> f = ad.get_backend("native").prepare(lambda x: x[0] ** 2 * x[1], np.ones(2))
    >>> f.grad(np.array([1.0, 3.0])), f.hvp(np.array([1.0, 3.0]), np.array([1.0, 0.0]))
    (array([6., 1.]), array([6., 2.]))
    """

    def __init__(self, backend: Backend, f: Function) -> None:
        self.backend = backend
        self.f = f

    def value(self, x: Vector) -> Any:
        """See `Backend.value`."""
        return self.backend.value(self.f, x)

    def value_and_jvp(self, x: Vector, v: Vector) -> tuple[Any, Any]:
        """See `Backend.value_and_jvp`."""
        return self.backend.value_and_jvp(self.f, x, v)

    def value_and_vjp(self, x: Vector) -> tuple[Any, Pullback]:
        """See `Backend.value_and_vjp`."""
        return self.backend.value_and_vjp(self.f, x)

    def value_and_grad(self, x: Vector) -> tuple[Any, Vector]:
        """See `Backend.value_and_grad`."""
        return self.backend.value_and_grad(self.f, x)

    def value_and_jacobian(self, x: Vector) -> tuple[Any, NDArray[np.float64]]:
        """See `Backend.value_and_jacobian`."""
        return self.backend.value_and_jacobian(self.f, x)

    def grad(self, x: Vector) -> Vector:
        """See `Backend.grad`."""
        return self.backend.grad(self.f, x)

    def jacobian(self, x: Vector) -> NDArray[np.float64]:
        """See `Backend.jacobian`."""
        return self.backend.jacobian(self.f, x)

    def hessian(self, x: Vector) -> NDArray[np.float64]:
        """See `Backend.hessian`."""
        return self.backend.hessian(self.f, x)

    def hvp(self, x: Vector, v: Vector) -> Vector:
        """See `Backend.hvp`."""
        return self.backend.hvp(self.f, x, v)

    def __repr__(self) -> str:
        return f"<function prepared by {self.backend!r}>"


# --- what backends share ----------------------------------------------------------------------------------------------


def as_numbers(y: Any) -> Any:
    """A result as a float64 array or scalar, in memory of its own."""
    if np.iscomplexobj(y):
        raise InvalidInputError(
            "the function returned a complex value; differentiate its real and imaginary part"
        )
    array = np.asarray(y)
    # NumPy would make NaN of None.
    if (
        y is None
        or array.dtype.kind not in "fiubO"
        or any(entry is None for entry in (array.flat if array.dtype.kind == "O" else ()))
    ):
        missing = ": is a return statement missing?" if y is None else ", not numbers"
        raise InvalidTypeError(
            f"the function returned {'None' if y is None else f'an array of {array.dtype}'}{missing}"
        )
    return np.array(array, dtype=np.float64)[()]


def direction(x: Vector, v: Any) -> Vector:
    """A direction, checked to have the shape of the point that it belongs to."""
    vector: Vector = np.asarray(v, dtype=np.float64)
    if vector.shape != np.shape(x):
        raise InvalidInputError(f"the direction has shape {vector.shape}, but x has {np.shape(x)}")
    return vector


def cotangent(y: Any, u: Any) -> Any:
    """A cotangent, checked to have the shape of the value that it belongs to."""
    u = np.asarray(u, dtype=np.float64)
    if u.shape != np.shape(y):
        raise InvalidInputError(f"the cotangent has shape {u.shape}, but f(x) has {np.shape(y)}")
    return u[()]


def require_scalar(y: Any) -> None:
    """Raise unless the value of a function is a number (an array of size 1 counts)."""
    if np.size(y) != 1:
        raise InvalidInputError(
            f"the gradient needs a scalar-valued function, but it returned shape {np.shape(y)}; "
            "perhaps you meant jacobian"
        )


def differences_of_gradients(gradient: Callable[[Vector], Vector], x: Vector, v: Vector) -> Vector:
    """H(x) v by central differences of exact gradients, about ten digits, at four gradients or a few more."""
    moved = v != 0.0
    if not moved.any():
        return np.zeros_like(x)
    sizes = natural_sizes(x)
    scale = float(np.max(np.abs(v[moved]) / sizes[moved]))
    center = np.asarray(gradient(x), dtype=np.float64)
    noise = _ULPS * EPS * np.abs(center)
    wider = wider_length(x, v / scale)
    found = balanced(lambda t: gradient(x + (t / scale) * v), center, noise, order=2, wider=wider)
    product: Vector = found.slope * scale
    return product
