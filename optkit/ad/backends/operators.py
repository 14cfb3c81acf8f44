"""The operators of `optkit.ad` by any backend: arguments of every structure become one flat vector, and back.

Nothing is kept between calls, so that each is right whatever the function reads besides its arguments. Where a function
does not change, ``get_backend(name).prepare(f, x)`` keeps what can be kept.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad import tree
from optkit.ad.arguments import Selection, as_differentiable
from optkit.ad.backends.base import Backend, Shape
from optkit.ad.backends.registry import get_backend
from optkit.ad.core import Tracer
from optkit.ad.recording import finish_copy, tangent_leaves
from optkit.errors import InvalidInputError, InvalidTypeError

Argnums = int | tuple[int, ...]


class Operators:
    """What `optkit.ad` offers, by a backend that is not the native engine."""

    def __init__(self, backend: str | Backend) -> None:
        self._backend = get_backend(backend)

    def value_and_grad(self, f: Callable[..., Any], argnums: Argnums) -> Callable[..., Any]:
        """See `optkit.ad.value_and_grad`."""

        @functools.wraps(f)
        def value_and_grad_of_f(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
            call = _Call(self._backend, f, Selection(args, argnums, "value_and_grad"), kwargs)
            value, gradient = self._backend.value_and_grad(call.flat, call.x)
            return np.reshape(value, ())[()], call.like_input(gradient)

        return value_and_grad_of_f

    def grad(self, f: Callable[..., Any], argnums: Argnums) -> Callable[..., Any]:
        """See `optkit.ad.grad`."""

        @functools.wraps(f)
        def grad_of_f(*args: Any, **kwargs: Any) -> Any:
            call = _Call(self._backend, f, Selection(args, argnums, "grad"), kwargs)
            return call.like_input(self._backend.grad(call.flat, call.x))

        return grad_of_f

    def jacobian(
        self, f: Callable[..., Any], argnums: Argnums, *, mode: str, holomorphic: bool
    ) -> Callable[..., Any]:
        """See `optkit.ad.jacobian`."""
        both = self.value_and_jacobian(f, argnums, mode=mode, holomorphic=holomorphic)

        @functools.wraps(f)
        def jacobian_of_f(*args: Any, **kwargs: Any) -> Any:
            return both(*args, **kwargs)[1]

        return jacobian_of_f

    def value_and_jacobian(
        self, f: Callable[..., Any], argnums: Argnums, *, mode: str, holomorphic: bool
    ) -> Callable[..., Any]:
        """See `optkit.ad.value_and_jacobian`."""
        if mode != "auto" or holomorphic:
            raise InvalidInputError(
                f"mode= and holomorphic= are for the native engine, not for backend {self._backend.name!r}; "
                "write backend='native:forward' or backend='native:reverse' for its modes"
            )

        @functools.wraps(f)
        def value_and_jacobian_of_f(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
            selection = Selection(args, argnums, "value_and_jacobian")
            call = _Call(self._backend, f, selection, kwargs)
            y, jacobian = self._backend.value_and_jacobian(call.flat, call.x)
            return call.like_output(y), call.blocks(jacobian)

        return value_and_jacobian_of_f

    def hessian(self, f: Callable[..., Any], argnums: Argnums) -> Callable[..., Any]:
        """See `optkit.ad.hessian`."""

        @functools.wraps(f)
        def hessian_of_f(*args: Any, **kwargs: Any) -> Any:
            call = _Call(self._backend, f, Selection(args, argnums, "hessian"), kwargs)
            return call.square(self._backend.hessian(call.flat, call.x))

        return hessian_of_f

    def hvp(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """See `optkit.ad.hvp`."""

        @functools.wraps(f)
        def hvp_of_f(x: Any, v: Any, *args: Any, **kwargs: Any) -> Any:
            call = _Call(self._backend, f, Selection((x, *args), 0, "hvp"), kwargs)
            return call.like_input(self._backend.hvp(call.flat, call.x, call.direction((v,))))

        return hvp_of_f

    def derivative(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """See `optkit.ad.derivative`."""

        @functools.wraps(f)
        def derivative_of_f(x: Any, *args: Any, **kwargs: Any) -> Any:
            leaf = as_differentiable(x, "argument 0 of the function given to ad.derivative")
            call = _Call(self._backend, f, Selection((leaf, *args), 0, "derivative"), kwargs)
            ones = np.ones(call.x.shape)
            y, dy = self._backend.value_and_jvp(call.flat, call.x, ones)
            result = call.like_output(dy)
            if np.ndim(leaf) and np.shape(result) != np.shape(leaf):
                raise InvalidInputError(
                    f"ad.derivative needs an elementwise function, but it turned shape {np.shape(leaf)} into "
                    f"{np.shape(y)}; perhaps you meant grad or jacobian"
                )
            return result

        return derivative_of_f

    def jvp(self, f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
        """See `optkit.ad.jvp`."""
        call = self._at(f, primals, "jvp")
        y, dy = self._backend.value_and_jvp(call.flat, call.x, call.direction(tangents))
        return call.like_output(y), call.like_output(dy)

    def vjp(
        self, f: Callable[..., Any], primals: Any
    ) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
        """See `optkit.ad.vjp`."""
        call = self._at(f, primals, "vjp")
        y, pullback = self._backend.value_and_vjp(call.flat, call.x)
        return call.like_output(y), lambda u: call.like_input(pullback(call.cotangent(u)))

    def linearize(self, f: Callable[..., Any], primals: Any) -> tuple[Any, Callable[..., Any]]:
        """See `optkit.ad.linearize`."""
        call = self._at(f, primals, "linearize")
        y = self._backend.value(call.flat, call.x)

        def pushforward(*tangents: Any) -> Any:
            v = call.direction(tangents)
            return call.like_output(self._backend.value_and_jvp(call.flat, call.x, v)[1])

        return call.like_output(y), pushforward

    def _at(self, f: Callable[..., Any], primals: Any, caller: str) -> _Call:
        primals = tuple(primals)
        return _Call(self._backend, f, Selection(primals, tuple(range(len(primals))), caller), {})


class _Call:
    """One call of a function, as the backend sees it: ``flat`` of the vector ``x``.

    The structure and the shapes of the result are known when ``flat`` has run.
    """

    def __init__(
        self,
        backend: Backend,
        f: Callable[..., Any],
        selection: Selection,
        kwargs: dict[str, Any],
    ) -> None:
        self._backend, self._f, self._selection, self._kwargs = backend, f, selection, kwargs
        self._leaves = selection.leaves
        self._shapes: list[Shape] = [tuple(leaf.shape) for leaf in self._leaves]
        for leaf in self._leaves:
            _require_real_numbers(leaf, backend, selection.caller)
        self.x = _joined(self._leaves)
        self._structure: tree.Structure | None = None
        self._output_shapes: list[Shape] = []

    def flat(self, x: Any) -> Any:
        """The function of one vector, in the terms of the backend."""
        pieces = self._backend.unpack(x, self._shapes)
        result = self._f(*self._selection.arguments(pieces), **self._kwargs)
        leaves, self._structure = tree.flatten(result)
        if any(leaf is None for leaf in leaves):
            raise InvalidTypeError(
                f"the function given to ad.{self._selection.caller} returned None: is a return statement missing?"
            )
        flat, self._output_shapes = self._backend.pack(leaves)
        return flat

    def like_input(self, vector: Any) -> Any:
        """A gradient of shape (n,) in the structure, the shapes and the precision of the arguments."""
        return self._selection.restore(self._split_input(vector))

    def _split_input(self, vector: Any, outer: Shape = ()) -> list[Any]:
        """The pieces, along the last axis, that belong to each leaf of the arguments, of shape outer + its own."""
        pieces, start = [], 0
        for leaf, shape in zip(self._leaves, self._shapes, strict=True):
            size = int(np.prod(shape))
            piece = np.reshape(vector[..., start : start + size], outer + shape)
            if outer and not isinstance(piece, Tracer):
                pieces.append(np.array(piece, dtype=leaf.dtype))
            else:
                pieces.append(finish_copy(piece if outer + shape else piece[()], leaf))
            start += size
        return pieces

    def like_output(self, vector: Any) -> Any:
        """A value, or its tangent, in the structure and the shapes of the result."""
        flat = np.reshape(np.asarray(vector) if np.isscalar(vector) else vector, (-1,))
        pieces, start = [], 0
        for shape in self._output_shapes:
            size = int(np.prod(shape))
            piece = np.reshape(flat[start : start + size], shape)
            pieces.append(piece.copy() if shape else piece[()])
            start += size
        return tree.unflatten(self._structure, pieces, derived=False)

    def blocks(self, jacobian: Any) -> Any:
        """A Jacobian of shape (m, n) or (n,): the result's structure outside, that of the arguments inside."""
        matrix = np.reshape(jacobian, (-1, len(self.x)))
        rows, start = [], 0
        for shape in self._output_shapes:
            size = int(np.prod(shape))
            pieces = self._split_input(matrix[start : start + size], shape)
            rows.append(self._selection.restore(pieces))
            start += size
        return tree.unflatten(self._structure, rows, derived=False)

    def square(self, hessian: Any) -> Any:
        """A Hessian of shape (n, n): the structure of the arguments outside and inside."""
        rows, start = [], 0
        for shape in self._shapes:
            size = int(np.prod(shape))
            pieces = self._split_input(hessian[start : start + size], shape)
            rows.append(self._selection.restore(pieces))
            start += size
        return self._selection.restore(rows)

    def direction(self, tangents: Sequence[Any]) -> NDArray[np.float64]:
        """One tangent for each argument as a vector of shape (n,)."""
        leaves = tangent_leaves(self._selection, tuple(tangents), self._selection.caller)
        v: NDArray[np.float64] = _joined(leaves)
        return v

    def cotangent(self, u: Any) -> Any:
        """A cotangent of the structure of the result, as a scalar or a vector of shape (m,)."""
        leaves = tree.flatten_as(u, self._structure, "the cotangent")
        for leaf, shape in zip(leaves, self._output_shapes, strict=True):
            if np.shape(leaf) != shape:
                raise InvalidInputError(
                    f"the cotangent given to ad.{self._selection.caller} has shape {np.shape(leaf)}, but what it "
                    f"belongs to has {shape}"
                )
        if self._output_shapes == [()]:
            return np.float64(leaves[0])
        return _joined([np.asarray(leaf, dtype=np.float64) for leaf in leaves])


def _require_real_numbers(leaf: Any, backend: Backend, caller: str) -> None:
    if isinstance(leaf, Tracer) and not backend.nests:
        raise InvalidTypeError(
            f"a derivative by backend {backend.name!r} cannot itself be differentiated by another one; use ad.hessian "
            f"or ad.hvp with backend={backend.name!r}, or the same backend for both"
        )
    if leaf.dtype.kind == "c":
        raise InvalidTypeError(
            f"ad.{caller}: backend {backend.name!r} takes real arguments; pass the real and the imaginary part, or use "
            "the native engine"
        )


def _joined(leaves: Sequence[Any]) -> Any:
    """Leaves, one after the other, as one float64 vector."""
    flat = [np.reshape(leaf, (-1,)) for leaf in leaves]
    if any(isinstance(leaf, Tracer) for leaf in leaves):
        return np.concatenate(flat)
    return np.concatenate([np.zeros(0), *flat], dtype=np.float64)
