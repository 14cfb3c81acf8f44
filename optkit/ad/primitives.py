"""What a primitive is, in its kinds, and what its rules are made of.

A primitive is one operation of the engine. What it does to tangents (`Primitive.push`) and to cotangents
(`Primitive.pull`) follows from how it was declared (`optkit.ad.registry`). Rules are plain NumPy, so they run on arrays
and, for derivatives of derivatives, on tracers alike.

Several directions at once
--------------------------
A tangent carries its directions in a trailing axis: the tangent of a value of shape (m, n) has shape (m, n, k), or
(m, n) where there is only one direction (``k is None``). The leading axes line up with those of the value, so what
names axes counted from the front works on the tangent unchanged.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from optkit.ad.core import Tracer, bind

Rule = Callable[..., Any]


class Primitive:
    """One operation of the engine. Calling it computes it, under whatever traces its arguments belong to.

    Attributes
    ----------
    name : str
        What errors and graphs call it.
    impl : callable
        Computes it on plain arrays.
    accumulate : callable or None
        ``(total, ct, args, params)`` adds the cotangent of the first argument into the array ``total`` in place;
        for the rules whose cotangent touches only a part of the argument (an index), so that a loop over n elements
        costs n and not n².
    partials : tuple or None
        Of an elementwise operation: for each operand its partial derivative; None stands for 1, `operator.neg` for −1.
    """

    __slots__ = ("accumulate", "impl", "name", "partials")

    def __init__(self, name: str, impl: Rule) -> None:
        self.name = name
        self.impl = impl
        self.accumulate: Rule | None = None
        self.partials: tuple[Rule | None, ...] | None = None

    def __call__(self, *args: Any, **params: Any) -> Any:
        return bind(self, args, params)

    @property
    def __name__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__.lower()} primitive {self.name}>"

    def push(
        self,
        y: Any,
        args: Sequence[Any],
        tangents: Sequence[Any],
        params: dict[str, Any],
        k: int | None,
    ) -> Any:
        """The tangent of the result; ``tangents`` has None where an argument has none."""
        raise self._without_a_rule("tangents")

    def pull(self, i: int, ct: Any, y: Any, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """The cotangent of argument ``i``, given that of the result."""
        raise self._without_a_rule("cotangents")

    def _without_a_rule(self, what: str) -> Exception:
        """The error of a kind that says nothing here: a `Constant`, which traces of derivatives never ask."""
        return NotImplementedError(f"{self!r} has no rule for {what}")

    def reads(self, i: int) -> bool:
        """Whether a cotangent may depend on the value of argument ``i``, so that a tape has to keep it unchanged."""
        return True


class Constant(Primitive):
    """An operation with zero derivative. Traces of derivatives compute it on the values inside their tracers.

    ``open_shape`` says that the shape of the result depends on the values of the arguments (`numpy.nonzero`).
    """

    __slots__ = ("open_shape",)

    def __init__(self, name: str, impl: Rule, open_shape: bool = False) -> None:
        super().__init__(name, impl)
        self.open_shape = open_shape


_UNIT: dict[int, Rule | None] = {1: None, -1: operator.neg}


class Elementwise(Primitive):
    """An elementwise operation with broadcasting; ``partials[i]`` is ±1 or ``(y, *operands) → ∂y/∂operand i``.

    With one or two operands it is a `Unary` or a `Binary`.
    """

    __slots__ = ()

    def __init__(self, name: str, impl: Rule, partials: tuple[Rule | int, ...]) -> None:
        super().__init__(name, impl)
        self.partials = tuple(_UNIT[p] if isinstance(p, int) else p for p in partials)

    def push(
        self,
        y: Any,
        args: Sequence[Any],
        tangents: Sequence[Any],
        params: dict[str, Any],
        k: int | None,
    ) -> Any:
        assert self.partials is not None
        return _push_elementwise(self.partials, y, args, tangents, k)

    def pull(self, i: int, ct: Any, y: Any, args: Sequence[Any], params: dict[str, Any]) -> Any:
        assert self.partials is not None
        partial = self.partials[i]
        if partial is None or partial is operator.neg:
            term = ct if partial is None else -ct
        else:
            term = strong_product(ct, partial(y, *args))
        if np.shape(term) != np.shape(y):  # A cotangent that is one number for all elements.
            term = np.broadcast_to(term, np.shape(y))
        return unbroadcast(term, args[i])

    def reads(self, i: int) -> bool:
        return any(partial not in (None, operator.neg) for partial in self.partials or ())


class Unary(Elementwise):
    """Of one operand. The sweep (`optkit.ad.tape`) computes its cotangent by itself, without calling `pull`."""

    __slots__ = ()


class Binary(Elementwise):
    """Of two operands. The sweep (`optkit.ad.tape`) computes its cotangents by itself, without calling `pull`."""

    __slots__ = ()


class Several(Elementwise):
    """With several results; each of the ``partials`` gives a tuple."""

    __slots__ = ()

    def push(
        self,
        y: Any,
        args: Sequence[Any],
        tangents: Sequence[Any],
        params: dict[str, Any],
        k: int | None,
    ) -> Any:
        partials: Any = self.partials
        each = [
            None if t is None else partial(y, *args)
            for t, partial in zip(tangents, partials, strict=True)
        ]
        return tuple(
            _push_elementwise([_of_part(e, j) for e in each], part, args, tangents, k)
            for j, part in enumerate(y)
        )

    def pull(self, i: int, ct: Any, y: Any, args: Sequence[Any], params: dict[str, Any]) -> Any:
        partials: Any = self.partials
        slopes = partials[i](y, *args)
        terms = [strong_product(c, s) for c, s in zip(ct, slopes, strict=True) if c is not None]
        return unbroadcast(sum(terms[1:], terms[0]), args[i])


def _of_part(slopes: Any, j: int) -> Rule:
    """The partial derivative of the ``j``-th result, of those that are known already."""
    return lambda *_: slopes[j]


def _push_elementwise(
    slopes: Sequence[Rule | None],
    y: Any,
    args: Sequence[Any],
    tangents: Sequence[Any],
    k: int | None,
) -> Any:
    """The tangent of an elementwise result: the sum over the operands of slope times tangent."""
    total: Any = None
    for partial, tangent in zip(slopes, tangents, strict=True):
        if tangent is None:
            continue
        if partial is None:
            term = tangent
        elif partial is operator.neg:
            term = -tangent
        else:
            slope = partial(y, *args)
            term = (
                strong_product(tangent, slope)
                if k is None
                else _directed_product(tangent, slope, y, k)
            )
        total = term if total is None else total + term
    shape = np.shape(y) if k is None else (*np.shape(y), k)
    return total if np.shape(total) == shape else np.broadcast_to(total, shape)


class Linear(Primitive):
    """An operation that is linear in the operands with a transpose, jointly or (``each``) in each of them.

    ``tangent(tangents, args, params, k)`` is how it acts on tangents with a trailing axis of directions; "same" means
    that the function itself serves. Without it the directions are done one by one.
    """

    __slots__ = ("each", "tangent", "transposes")

    def __init__(
        self,
        name: str,
        impl: Rule,
        transposes: tuple[Rule | None, ...] = (),
        tangent: Rule | str | None = None,
        each: bool = False,
    ) -> None:
        super().__init__(name, impl)
        self.transposes = transposes
        self.tangent = tangent
        self.each = each

    def push(
        self,
        y: Any,
        args: Sequence[Any],
        tangents: Sequence[Any],
        params: dict[str, Any],
        k: int | None,
    ) -> Any:
        if self.each:
            terms = [
                self._apply(y, [t if j == i else None for j in range(len(args))], args, params, k)
                for i, t in enumerate(tangents)
                if t is not None
            ]
            return sum(terms[1:], terms[0])
        return self._apply(y, tangents, args, params, k)

    def _apply(
        self,
        y: Any,
        tangents: Sequence[Any],
        args: Sequence[Any],
        params: dict[str, Any],
        k: int | None,
    ) -> Any:
        if k is not None and callable(self.tangent):
            return self.tangent(tangents, args, params, k)
        if k is None or self.tangent == "same":
            return self(*self._operands(tangents, args, k), **params)
        return one_by_one(
            lambda ts: self(*self._operands(ts, args, None), **params), y, tangents, k
        )

    def _operands(self, tangents: Sequence[Any], args: Sequence[Any], k: int | None) -> list[Any]:
        """The tangents; for operands without one zeros, or what is not differentiated, as it is."""
        operands = []
        for i, (t, arg) in enumerate(zip(tangents, args, strict=True)):
            if t is not None or self.each or not self._differentiated(i):
                operands.append(arg if t is None else t)
            else:
                shape = np.shape(arg) if k is None else (*np.shape(arg), k)
                operands.append(np.zeros(shape, dtype=arg.dtype) if hasattr(arg, "dtype") else 0.0)
        return operands

    def _differentiated(self, i: int) -> bool:
        return not self.transposes or self.transposes[i] is not None

    def reads(self, i: int) -> bool:
        return self.each or not self._differentiated(i)

    def pull(self, i: int, ct: Any, y: Any, args: Sequence[Any], params: dict[str, Any]) -> Any:
        transpose = self.transposes[i]
        if transpose is None:
            raise TypeError(f"operand {i} of {self.name} is not differentiated")
        return transpose(ct, *args, **params)


class Nonlinear(Primitive):
    """An operation with its own rules.

    ``jvp(tangents, y, *args, **params)`` gives the tangent of the result, and ``vjps[i](ct, y, *args, **params)`` the
    cotangent of operand ``i``. With ``leading`` the tangent rule broadcasts over leading axes, so that all directions
    go through it at once; otherwise they are done one by one. An operation with several results returns a tuple, and
    so does its ``jvp``; its ``ct`` is a tuple with None for results that nothing depends on.
    """

    __slots__ = ("jvp", "leading", "vjps")

    def __init__(
        self, name: str, impl: Rule, jvp: Rule, vjps: tuple[Rule | None, ...], leading: bool
    ) -> None:
        super().__init__(name, impl)
        self.jvp = jvp
        self.vjps = vjps
        self.leading = leading

    def push(
        self,
        y: Any,
        args: Sequence[Any],
        tangents: Sequence[Any],
        params: dict[str, Any],
        k: int | None,
    ) -> Any:
        if k is None:
            return self.jvp(tangents, y, *args, **params)
        if self.leading:
            front = [None if t is None else np.moveaxis(t, -1, 0) for t in tangents]
            results = self.jvp(front, y, *args, **params)
            if isinstance(y, tuple):
                return tuple(np.moveaxis(r, 0, -1) for r in results)
            return np.moveaxis(results, 0, -1)
        return one_by_one(lambda ts: self.jvp(ts, y, *args, **params), y, tangents, k)

    def pull(self, i: int, ct: Any, y: Any, args: Sequence[Any], params: dict[str, Any]) -> Any:
        vjp = self.vjps[i]
        if vjp is None:
            raise TypeError(f"operand {i} of {self.name} is not differentiated")
        return vjp(ct, y, *args, **params)


# --- what rules are made of -------------------------------------------------------------------------------------------


def one_by_one(push: Rule, y: Any, tangents: Sequence[Any], k: int) -> Any:
    """The tangent of ``k`` directions (none, of an empty input) by a rule for a single one; ``y`` is the result."""
    columns = [push([None if t is None else t[..., d] for t in tangents]) for d in range(k)]

    def joined(y: Any, parts: Sequence[Any]) -> Any:
        return np.stack(parts, axis=-1) if k else np.zeros((*np.shape(y), 0), np.result_type(y))

    if isinstance(y, tuple):
        return tuple(joined(part, [c[j] for c in columns]) for j, part in enumerate(y))
    return joined(y, columns)


def trail(value: Any) -> Any:
    """``value`` with a trailing axis of length 1, to meet tangents of several directions; numbers as they are."""
    return value[..., None] if np.ndim(value) else value


def unbroadcast(ct: Any, operand: Any) -> Any:
    """Sum the cotangent of a broadcast result down to the shape of the operand."""
    shape = np.shape(operand)
    if np.shape(ct) == shape:
        return ct
    extra = np.ndim(ct) - len(shape)
    stretched = (extra + i for i, n in enumerate(shape) if n == 1 and ct.shape[extra + i] != 1)
    return np.sum(ct, axis=(*range(extra), *stretched)).reshape(shape)


def strong_product(a: Any, b: Any) -> Any:
    """``a * b``, in which an exact zero wins over an infinite or undefined partner.

    A branch that was not taken has cotangent (or tangent) zero; the partial derivatives there may be anything.
    """
    product = a * b
    return _strong(a, b) if has_nan(product) else product


# A primitive, so that it is differentiated as the product that it is: the zero that wins here may move.
_strong = Binary(
    "strong_product",
    lambda a, b: np.where((a == 0) | (b == 0), 0.0, a * b),
    (lambda _y, _a, b: b, lambda _y, a, _b: a),
)


def pulled_product(ct: Any, slope: Any) -> Any:
    """`strong_product` for cotangent rules: a cotangent that is NaN stays NaN beside a slope of zero.

    A sweep that multiplies plainly learns from NaN in its results that it has to be careful; here it is not hidden.
    """
    product = ct * slope
    return _pulled(ct, slope) if has_nan(product) else product


_pulled = Binary(
    "pulled_product",
    lambda a, b: np.where((a == 0) | ((b == 0) & ~np.isnan(a)), 0.0, a * b),
    (lambda _y, _a, b: b, lambda _y, a, _b: a),
)


def _directed_product(tangent: Any, slope: Any, y: Any, k: int) -> Any:
    """A tangent of ``k`` directions times a partial derivative, in the shape of the result ``y``.

    The directions are the last axis, but the slowest in memory, so that NumPy's loops run along the values.
    """
    if isinstance(tangent, Tracer) or isinstance(slope, Tracer) or not np.ndim(y):
        return strong_product(tangent, trail(slope))
    front = np.empty((k, *np.shape(y)), dtype=np.result_type(tangent, slope))
    product = np.multiply(tangent, trail(slope), out=front.transpose(*range(1, front.ndim), 0))
    return strong_product(tangent, trail(slope)) if has_nan(front) else product


DOUBLE = np.dtype("d")
_FLOATING = frozenset(map(np.dtype, "fdFD"))


def has_nan(value: Any) -> bool:
    """Whether any element is NaN; for plain arrays in one pass without a temporary."""
    # There is one object for the most frequent type, and to compare costs less than to look up.
    if type(value) is ndarray and (value.dtype is DOUBLE or value.dtype in _FLOATING):
        # Where there is a NaN, NumPy takes the first one for the largest element.
        flat = value if value.ndim == 1 else value.ravel(order="K")
        largest = flat[flat.argmax()] if flat.size else 0.0
        return not largest == largest  # noqa: SIM201 -- `not` needs no call
    if value is None:
        return False
    if isinstance(value, Tracer):
        answer = value.suspect()
        return answer if isinstance(answer, bool) else has_nan(answer)
    if isinstance(value, ndarray):
        return bool(np.any(np.isnan(value)))
    return bool(value != value)
