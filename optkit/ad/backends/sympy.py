"""SymPy: formulas. The function is called with symbols, differentiated symbolically, and compiled to NumPy code.

Common subexpressions are taken out before. It is meant for functions of few variables: expressions grow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad.backends.base import (
    Function,
    Prepared,
    Pullback,
    Shape,
    Vector,
    cotangent,
    direction,
    require_scalar,
)
from optkit.ad.backends.framework import FrameworkBackend
from optkit.errors import BackendError


class SympyBackend(FrameworkBackend):
    """Derivatives by SymPy.

    Examples
    --------
    ::

        import sympy

        ad.grad(lambda x: sympy.sin(x[0]) * x[1], backend="sympy")(np.array([1.0, 2.0]))
    """

    package = "sympy"
    extra = "sympy"
    arrays = "NumPy arrays of real SymPy symbols: write it with sympy.sin(x[0]) and the like"
    unsupported: Mapping[str, str] = {
        "branches": "a branch on a value needs a number, and there are only symbols; write sympy.Piecewise",
    }

    @property
    def namespace(self) -> Any:
        sympy = self.load()
        functions = {
            name: _elementwise(getattr(sympy, name)) for name in "exp log sin cos sqrt tanh".split()
        }
        return SimpleNamespace(
            **functions,
            sum=np.sum,
            stack=lambda parts: np.array(parts, dtype=object),
            asarray=np.asarray,
        )

    def pack(self, leaves: Any) -> tuple[Any, list[Shape]]:
        arrays = [_array(leaf) for leaf in leaves]
        shapes = [array.shape for array in arrays]
        if len(arrays) == 1 and arrays[0].ndim < 2:
            return arrays[0][()], shapes
        return np.concatenate([array.reshape(-1) for array in arrays] or [np.zeros(0)]), shapes

    def prepare(self, f: Function, x: Vector) -> Prepared:
        """The formulas of ``f`` in n symbols; each operator is compiled when it is first used."""
        return Prepared(self, self._formulas(f, x))

    def value(self, f: Function, x: Vector) -> Any:
        return self._formulas(f, x).value(x)

    def value_and_jvp(self, f: Function, x: Vector, v: Vector) -> tuple[Any, Any]:
        v = direction(x, v)
        y, jacobian = self.value_and_jacobian(f, x)
        return y, (jacobian @ v)[()]

    def value_and_vjp(self, f: Function, x: Vector) -> tuple[Any, Pullback]:
        y, jacobian = self.value_and_jacobian(f, x)
        return y, lambda u: np.asarray(np.tensordot(cotangent(y, u), jacobian, np.ndim(y)))

    def value_and_jacobian(self, f: Function, x: Vector) -> tuple[Any, NDArray[np.float64]]:
        formulas = self._formulas(f, x)
        y = formulas.value(x)
        return y, formulas.evaluate("jacobian", x).reshape((*np.shape(y), x.size))

    def hessian(self, f: Function, x: Vector) -> NDArray[np.float64]:
        formulas = self._formulas(f, x)
        require_scalar(np.zeros(formulas.shape))
        return formulas.evaluate("hessian", x).reshape(x.size, x.size)

    def hvp(self, f: Function, x: Vector, v: Vector) -> Vector:
        v = direction(x, v)
        product: Vector = self.hessian(f, x) @ v
        return product

    def _formulas(self, f: Function, x: Vector) -> _Formulas:
        return f if isinstance(f, _Formulas) else _Formulas(self, f, x.size)


class _Formulas:
    """A function as formulas, with NumPy code for each operator that was asked for."""

    def __init__(self, backend: SympyBackend, f: Function, n: int) -> None:
        self._f, self._sympy = f, backend.load()
        self._symbols = list(self._sympy.symbols(f"x:{n}", real=True)) if n else []
        symbols = np.empty(n, dtype=object)
        symbols[:] = self._symbols
        result = _array(backend.watched(f)(symbols))
        self.shape = result.shape
        self._outputs = [self._sympy.sympify(entry) for entry in result.reshape(-1)]
        self._made: dict[str, Callable[..., Any]] = {}

    def __call__(self, x: Any) -> Any:
        return self._f(x)

    def value(self, x: Vector) -> Any:
        """The value, of the shape that the function returned."""
        return self.evaluate("value", x).reshape(self.shape)[()]

    def evaluate(self, operator: str, x: Vector) -> NDArray[np.float64]:
        """All entries of the operator's result, one after the other."""
        if operator not in self._made:
            self._made[operator] = self._compile(self._expressions(operator))
        with np.errstate(all="ignore"):
            return np.array(self._made[operator](*map(np.float64, x)), dtype=np.float64)

    def _expressions(self, operator: str) -> list[Any]:
        if operator == "value":
            return self._outputs
        slopes = [y.diff(x) for y in self._outputs for x in self._symbols]
        if operator == "jacobian":
            return slopes
        return [slope.diff(x) for slope in slopes for x in self._symbols]

    def _compile(self, expressions: list[Any]) -> Callable[..., Any]:
        sympy = self._sympy
        for expression in expressions:
            left = (
                sympy.Derivative,
                sympy.Subs,
                sympy.DiracDelta,
                sympy.core.function.AppliedUndef,
            )
            if expression.has(*left):
                raise BackendError(
                    f"backend 'sympy' cannot turn this function or its derivative into numbers: {expression} is left"
                )
        compiled: Callable[..., Any] = sympy.lambdify(
            self._symbols, expressions, modules=["numpy", "scipy"], cse=True
        )
        return compiled


def _array(result: Any) -> Any:
    """A result as an array of expressions; a matrix of one column is a vector, as it is to SymPy."""
    array = np.asarray(result, dtype=object)
    column = getattr(result, "is_Matrix", False) and array.ndim == 2 and array.shape[1] == 1
    return array[:, 0] if column else array


def _elementwise(function: Callable[..., Any]) -> Callable[..., Any]:
    loop: Callable[..., Any] = np.frompyfunc(function, 1, 1)
    return loop
