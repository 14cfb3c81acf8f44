"""CasADi: functions written with its symbols, called once with them; the graph that comes back is differentiated.

CasADi knows matrices alone: a vector of shape (n,) is an n-by-1 column, a scalar is 1-by-1, and a result of one entry
is taken for a scalar.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from optkit.errors import BackendError, InvalidInputError


class CasadiBackend(FrameworkBackend):
    """Derivatives by CasADi.

    Parameters
    ----------
    symbols : {"SX", "MX"}
        SX, scalar expressions, is quick for small functions; MX knows linear algebra.

    Examples
    --------
    ::

        import casadi

        ad.grad(lambda x: casadi.sumsqr(x), backend="casadi")(np.array([1.0, 2.0]))
    """

    package = "casadi"
    extra = "casadi"
    unsupported: Mapping[str, str] = {
        "branches": "a branch on a value needs a number, and there are only symbols; write casadi.if_else",
        "one-entry vectors": "CasADi does not tell a vector of one entry from a scalar",
        "empty": "CasADi has no functions of nothing",
    }

    def __init__(self, symbols: str = "SX") -> None:
        if symbols not in ("SX", "MX"):
            raise InvalidInputError(f"symbols must be 'SX' or 'MX', got {symbols!r}")
        self._symbols = symbols

    @property
    def arrays(self) -> str:  # type: ignore[override]  # depends on the symbols
        return f"symbols of the class casadi.{self._symbols}: write it with casadi's functions"

    @property
    def namespace(self) -> Any:
        casadi = self.load()
        functions = {name: getattr(casadi, name) for name in "exp log sin cos sqrt tanh".split()}
        return SimpleNamespace(
            **functions,
            sum=lambda x: casadi.sum1(casadi.vec(x)),
            stack=lambda parts: casadi.vertcat(*parts),
            asarray=casadi.DM,
        )

    def unpack(self, x: Any, shapes: Sequence[Shape]) -> list[Any]:
        casadi = self.load()
        pieces, start = [], 0
        for shape in shapes:
            size = int(np.prod(shape))
            if len(shape) > 2:
                raise InvalidInputError(
                    f"backend 'casadi' takes arrays of up to two axes, got shape {shape}"
                )
            piece = x[start : start + size] if shape else x[start]
            if len(shape) == 2:  # CasADi counts by columns, NumPy by rows
                piece = casadi.reshape(piece, shape[1], shape[0]).T
            pieces.append(piece)
            start += size
        return pieces

    def pack(self, leaves: Any) -> tuple[Any, list[Shape]]:
        casadi = self.load()
        flat, shapes = [], []
        for leaf in leaves:
            column = self._column(leaf)
            rows, columns = column.shape
            shapes.append(() if (rows, columns) == (1, 1) else (rows, columns)[: 1 + (columns > 1)])
            flat.append(casadi.vec(column.T))
        return casadi.vertcat(*flat), shapes

    def _column(self, value: Any) -> Any:
        casadi = self.load()
        if isinstance(value, list | tuple):
            return casadi.vertcat(*value)
        if isinstance(value, np.ndarray) and value.dtype.hasobject:
            return casadi.vertcat(*value.ravel())
        return value if hasattr(value, "is_dense") else casadi.DM(value)

    def prepare(self, f: Function, x: Vector) -> Prepared:
        """The graph of ``f`` for n variables; each operator becomes a CasADi function when it is first used."""
        return Prepared(self, self._graph(f, x))

    def value(self, f: Function, x: Vector) -> Any:
        return self._graph(f, x).evaluate("value", x)

    def value_and_jvp(self, f: Function, x: Vector, v: Vector) -> tuple[Any, Any]:
        graph, v = self._graph(f, x), direction(x, v)
        return graph.evaluate("value", x), graph.evaluate("jvp", x, v)

    def value_and_vjp(self, f: Function, x: Vector) -> tuple[Any, Pullback]:
        graph, x = self._graph(f, x), x.copy()
        y = graph.evaluate("value", x)
        return y, lambda u: graph.evaluate("pull", x, cotangent(y, u)).reshape(-1)

    def value_and_jacobian(self, f: Function, x: Vector) -> tuple[Any, NDArray[np.float64]]:
        graph = self._graph(f, x)
        y = graph.evaluate("value", x)
        return y, graph.evaluate("jacobian", x).reshape((*np.shape(y), x.size))

    def hessian(self, f: Function, x: Vector) -> NDArray[np.float64]:
        return self._graph(f, x).evaluate("hessian", x).reshape(x.size, x.size)  # type: ignore[no-any-return]

    def hvp(self, f: Function, x: Vector, v: Vector) -> Vector:
        return self._graph(f, x).evaluate("hvp", x, direction(x, v)).reshape(-1)  # type: ignore[no-any-return]

    def _graph(self, f: Function, x: Vector) -> _Graph:
        if isinstance(f, _Graph):
            return f
        if not x.size:
            raise BackendError("backend 'casadi' needs at least one variable")
        casadi = self.load()
        symbol = getattr(casadi, self._symbols).sym("x", x.size)
        return _Graph(self, f, symbol, self._column(self.watched(f)(symbol)))


class _Graph:
    """A function as symbols, with a CasADi function for each operator that was asked for."""

    def __init__(self, backend: CasadiBackend, f: Function, x: Any, y: Any) -> None:
        self._casadi = backend.load()
        self._f, self._x = f, x
        self._y = type(x)(self._casadi.densify(y))
        self._made: dict[str, Any] = {}

    def __call__(self, x: Any) -> Any:
        return self._f(x)

    def evaluate(self, operator: str, *vectors: Any) -> Any:
        """The operator's result as a float64 array: a scalar for one entry, shape (m,) for a column."""
        if operator not in self._made:
            self._made[operator] = self._make(operator)
        result = self._made[operator](*vectors).full()
        if operator in ("jacobian", "hessian"):
            return result.copy()
        return result[0, 0] if result.shape == (1, 1) else result[:, 0].copy()

    def _make(self, operator: str) -> Any:
        casadi, x, y = self._casadi, self._x, self._y
        if operator in ("hessian", "hvp"):
            require_scalar(np.zeros(y.shape))
        v, u = type(x).sym("v", x.shape[0]), type(x).sym("u", y.shape[0])
        made: dict[str, Callable[[], tuple[list[Any], Any]]] = {
            "value": lambda: ([x], y),
            "jvp": lambda: ([x, v], casadi.jtimes(y, x, v)),
            "pull": lambda: ([x, u], casadi.jtimes(y, x, u, True)),
            "jacobian": lambda: ([x], casadi.jacobian(y, x)),
            "hessian": lambda: ([x], casadi.hessian(y, x)[0]),
            "hvp": lambda: ([x, v], casadi.jtimes(casadi.gradient(y, x), x, v)),
        }
        inputs, output = made[operator]()
        return casadi.Function(operator, inputs, [casadi.densify(output)])
