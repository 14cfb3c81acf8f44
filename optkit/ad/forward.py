"""Forward mode: dual numbers with one or several directions.

A `DualTracer` holds a value and its tangent. With several directions at once (``k`` of them) the tangent has a trailing
axis of length k, one column per direction: a Jacobian column block costs one run of the function (Revels, Lubin &
Papamarkou 2016, "Forward-mode automatic differentiation in Julia").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from optkit.ad.core import Trace, is_of
from optkit.ad.dispatch import ArrayTracer
from optkit.ad.inplace import own
from optkit.ad.primitives import Constant, Primitive
from optkit.ad.quiet import quiet
from optkit.ad.snapshot import read_beside
from optkit.errors import EscapedTracerError


class ForwardTrace(Trace):
    """Carries tangents along; ``k`` is the number of directions, None for one without a trailing axis."""

    __slots__ = ("ended", "k")

    def __init__(self, k: int | None = None) -> None:
        super().__init__()
        self.k = k
        self.ended = False

    def lift(self, value: Any) -> DualTracer:
        shape = np.shape(value) if self.k is None else (*np.shape(value), self.k)
        return DualTracer(value, self, np.zeros(shape, dtype=value.dtype))

    def dual(self, value: Any, tangent: Any) -> DualTracer:
        """A tracer with that tangent."""
        return DualTracer(value, self, tangent)

    def split(self, y: Any) -> tuple[Any, Any]:
        """The value and the tangent of a result; zeros where it was not traced."""
        if not is_of(self, y):
            shape = np.shape(y) if self.k is None else (*np.shape(y), self.k)
            return own(y), np.zeros(shape, dtype=y.dtype)[()]
        # Copies: the function may have returned its argument, and two results may share one tangent.
        tangent = y.tangent
        return own(y.value), own(tangent if tangent.dtype == y.dtype else tangent.astype(y.dtype))

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        if self.ended:
            raise EscapedTracerError(
                "a traced value was used after the derivative computation that made it had ended; return it from the "
                "function that is differentiated, or keep ad.stop_gradient(x)"
            )
        values, tangents = [], []
        for arg in args:
            ours = type(arg) is DualTracer and arg.owner is self
            values.append(arg.value if ours else arg)
            tangents.append(arg.tangent if ours else None)
        values = read_beside(values)
        y = primitive(*values, **params)
        if isinstance(primitive, Constant):
            return y
        if type(y) is complex:  # Python's own, of 1j and a np.float64, which is a float.
            y = np.complex128(y)
        with quiet():
            tangent = self.push(primitive, y, values, tangents, params)
        if isinstance(y, tuple):
            return tuple(DualTracer(part, self, t) for part, t in zip(y, tangent, strict=True))
        return DualTracer(y, self, tangent)

    def push(
        self,
        primitive: Primitive,
        y: Any,
        values: Sequence[Any],
        tangents: Sequence[Any],
        params: dict[str, Any],
    ) -> Any:
        """The tangent of a result, from those of the operands; None where an operand has none."""
        return primitive.push(y, values, tangents, params, self.k)


class DualTracer(ArrayTracer):
    """A value and its tangent, of the value's shape with a trailing axis for several directions."""

    __slots__ = ("tangent",)

    def __init__(self, value: Any, trace: ForwardTrace, tangent: Any) -> None:
        self.value = value
        self.owner = trace
        self.tangent = tangent
        self.viewed = self.views = None
