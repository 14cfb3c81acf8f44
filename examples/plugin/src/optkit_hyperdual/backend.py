"""The backend: one operator, `value_and_jvp`, is all that optkit needs; the second derivatives are overridden."""

from __future__ import annotations

from typing import Any

import numpy as np

from optkit.ad import Backend
from optkit.errors import InvalidInputError
from optkit_hyperdual.number import HyperDual, lift, stack


class HyperDualBackend(Backend):
    """Exact derivatives of functions of NumPy arrays by hyper-dual numbers."""

    name = "hyperdual"
    accuracy = (1e-12, 1e-12)
    install = "pip install optkit-hyperdual"

    def pack(self, leaves: Any) -> Any:
        """The results one after the other; NumPy's concatenate does not know hyper-dual numbers."""
        shapes = [tuple(np.shape(leaf)) for leaf in leaves]
        if len(leaves) == 1 and len(shapes[0]) < 2:
            return leaves[0], shapes
        flat = [entry for leaf in leaves for entry in _entries(lift(leaf).reshape(-1))]
        return (stack(flat) if flat else np.zeros(0)), shapes

    def value_and_jvp(self, f: Any, x: Any, v: Any) -> Any:
        """One evaluation: the part of ε₁ is the derivative along v."""
        value, slope, _, _ = self._parts(f, x, v, np.zeros_like(x))
        return value, slope

    def hessian(self, f: Any, x: Any) -> Any:
        """One evaluation for each pair of variables: the part of ε₁ε₂ is vᵀHw."""
        self._require_scalar(f, x)
        unit = np.eye(x.size)
        rows = [[self._parts(f, x, v, w)[3] for w in unit] for v in unit]
        return np.array(rows, dtype=np.float64).reshape(x.size, x.size)

    def hvp(self, f: Any, x: Any, v: Any) -> Any:
        """One evaluation for each variable."""
        self._require_scalar(f, x)
        parts = [self._parts(f, x, v, w)[3] for w in np.eye(x.size)]
        return np.array(parts, dtype=np.float64).reshape(x.size)

    def _parts(self, f: Any, x: Any, v: Any, w: Any) -> Any:
        if np.shape(v) != x.shape:
            raise InvalidInputError(f"the direction has shape {np.shape(v)}, but x has {x.shape}")
        result = f(HyperDual(x.copy(), v, w, np.zeros_like(x)))
        return tuple(np.array(part)[()] for part in lift(result).parts)

    def _require_scalar(self, f: Any, x: Any) -> None:
        shape = np.shape(self.value(f, x))
        if shape not in ((), (1,)):
            raise InvalidInputError(f"a Hessian needs a scalar function, not one of shape {shape}")


def _entries(vector: HyperDual) -> list[HyperDual]:
    return [vector[k] for k in range(len(vector))]
