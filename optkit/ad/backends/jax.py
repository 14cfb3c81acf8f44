"""JAX: functions written with ``jax.numpy``. A prepared function is compiled where it can be.

Everything is computed in float64: JAX's 64-bit mode is switched on for the length of a call and for this thread alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad.backends.base import (
    Function,
    Prepared,
    Pullback,
    Vector,
    as_numbers,
    cotangent,
    direction,
    require_scalar,
)
from optkit.ad.backends.framework import FrameworkBackend


class JaxBackend(FrameworkBackend):
    """Derivatives by JAX.

    Examples
    --------
    ::

        import jax.numpy as jnp

        ad.grad(lambda x: jnp.sum(x**2), backend="jax")(np.array([1.0, 2.0]))
    """

    package = "jax"
    extra = "jax"
    arrays = "JAX arrays: write it with jax.numpy"

    @property
    def namespace(self) -> Any:
        return self.load("jax.numpy")

    def pack(self, leaves: Any) -> tuple[Any, list[tuple[int, ...]]]:
        jnp = self.namespace
        arrays = [jnp.asarray(leaf) for leaf in leaves]
        shapes = [tuple(array.shape) for array in arrays]
        if len(arrays) == 1 and arrays[0].ndim < 2:
            return arrays[0], shapes
        return jnp.concatenate([array.reshape(-1) for array in arrays]), shapes

    def prepare(self, f: Function, x: Vector) -> Prepared:
        """``f`` with its derivatives compiled by ``jax.jit``, unless its branches depend on values."""
        return Prepared(self, _Compiled(self, f))

    def value(self, f: Function, x: Vector) -> Any:
        return self._run("value", f, x)

    def value_and_jvp(self, f: Function, x: Vector, v: Vector) -> tuple[Any, Any]:
        y, dy = self._run("jvp", f, x, direction(x, v))
        return y, dy

    def value_and_vjp(self, f: Function, x: Vector) -> tuple[Any, Pullback]:
        x = x.copy()
        y = self._run("value", f, x)
        return y, lambda u: self._run("pull", f, x, cotangent(y, u))

    def value_and_grad(self, f: Function, x: Vector) -> tuple[Any, Vector]:
        y, gradient = self._run("value_and_grad", f, x)
        require_scalar(y)
        return y, gradient

    def value_and_jacobian(self, f: Function, x: Vector) -> tuple[Any, NDArray[np.float64]]:
        y, jacobian = self._run("value_and_jacobian", f, x)
        return y, jacobian

    def hessian(self, f: Function, x: Vector) -> NDArray[np.float64]:
        hessian: NDArray[np.float64] = self._run("hessian", f, x)
        return hessian

    def hvp(self, f: Function, x: Vector, v: Vector) -> Vector:
        product: Vector = self._run("hvp", f, x, direction(x, v))
        return product

    def _run(self, operator: str, f: Function, *vectors: Any) -> Any:
        jax = self.load()
        with jax.enable_x64(True):
            # Copies: on a CPU a JAX array may share the memory of a NumPy array.
            arrays = [jax.numpy.array(vector, copy=True) for vector in vectors]
            if isinstance(f, _Compiled):
                results = f.run(operator, arrays)
            else:
                results = operators(jax, self.watched(f))[operator](*arrays)
            return jax.tree_util.tree_map(as_numbers, results)


def operators(jax: Any, f: Function) -> dict[str, Callable[..., Any]]:
    """The operators of ``f`` as functions of JAX arrays."""

    def array(x: Any) -> Any:
        y = jax.numpy.asarray(f(x))
        # Integers and truth values have no tangents; as floats their derivative is zero.
        return y if jax.numpy.issubdtype(y.dtype, jax.numpy.inexact) else y.astype(x.dtype)

    def scalar(x: Any) -> Any:
        y = array(x)
        if y.size != 1:
            require_scalar(y)
        return y.reshape(())

    def value_and_jacobian(x: Any) -> Any:
        y = array(x)
        by_columns = x.size <= y.size
        return y, (jax.jacfwd if by_columns else jax.jacrev)(array)(x)

    return {
        "value": array,
        "jvp": lambda x, v: jax.jvp(array, (x,), (v,)),
        "pull": lambda x, u: jax.vjp(array, x)[1](u)[0],
        "value_and_grad": lambda x: jax.value_and_grad(scalar)(x),
        "value_and_jacobian": value_and_jacobian,
        "hessian": lambda x: jax.hessian(scalar)(x),
        "hvp": lambda x, v: jax.jvp(jax.grad(scalar), (x,), (v,))[1],
    }


class _Compiled:
    """A function whose operators are compiled when first used; those that cannot be are run as they are."""

    def __init__(self, backend: JaxBackend, f: Function) -> None:
        jax = backend.load()
        self._f = f
        self._plain = operators(jax, backend.watched(f))
        self._jitted = {name: jax.jit(operator) for name, operator in self._plain.items()}
        # What tracing raises where Python needs a value that compilation does not have.
        self._needs_values = (
            jax.errors.ConcretizationTypeError,
            jax.errors.TracerArrayConversionError,
            jax.errors.TracerIntegerConversionError,
            jax.errors.NonConcreteBooleanIndexError,
        )
        self._by_values = False

    def __call__(self, x: Any) -> Any:
        return self._f(x)

    def run(self, operator: str, arrays: list[Any]) -> Any:
        if not self._by_values:
            try:
                return self._jitted[operator](*arrays)
            except self._needs_values:
                self._by_values = True
        return self._plain[operator](*arrays)
