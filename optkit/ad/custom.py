"""Functions with a derivative of the user's own.

One rule serves both modes. A tangent rule v ↦ J v is linear in v, so recording it and sweeping back gives u ↦ uᵀJ; a
cotangent rule is linear in u, and transposing that gives J v. When derivatives of derivatives are taken, the rules
themselves are differentiated: they are plain NumPy code like any other.
"""

from __future__ import annotations

import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from optkit.ad import tree
from optkit.ad.arguments import as_differentiable, output, together
from optkit.ad.core import Tracer, newest_trace
from optkit.ad.directional import vjp
from optkit.ad.inplace import own
from optkit.ad.primitives import Primitive, one_by_one
from optkit.errors import InvalidInputError, LostDerivativeError, NotDifferentiableError


class _Results(tuple[Any, ...]):
    """The leaves of a result, with its structure and what the rule remembers of the call."""

    structure: Any
    residuals: Any
    # The last cotangent and what it became: a sweep asks for one argument after the other.
    pulled: tuple[Any, Any] = (None, None)


class _CustomPrimitive(Primitive, ABC):
    """Calls of a decorated function. The operands are the leaves of its arguments; ``outcome`` takes the results."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function.__name__, self.evaluate)
        self.function = function

    def __call__(self, *args: Any, **params: Any) -> Any:
        # Not through `bind`: what runs here is the user's code, which older traces see operation by operation.
        return self.evaluate(*args, **params)

    def evaluate(self, *leaves: Any, structure: Any, outcome: list[Any]) -> _Results:
        """Run the function, or the forward half of its rule."""
        # It gets and gives copies: it may change its arguments in place, or return the same buffer every time.
        result, residuals = self.run(tree.unflatten(structure, _copies(leaves)))
        parts, result_structure = tree.flatten(result)
        results = _Results(own(output(part, self.name)) for part in parts)
        results.structure, results.residuals = result_structure, residuals
        outcome.append(results)
        return results

    def run(self, args: tuple[Any, ...]) -> tuple[Any, Any]:
        """The result, and what the rule wants to remember."""
        return self.function(*args), None

    def pull(self, i: int, ct: Any, y: Any, args: Any, params: dict[str, Any]) -> Any:
        pulled = y.pulled  # Read once: another thread may be pulling back through the same tape.
        if pulled[0] is not ct:
            whole = [_zeros(part) if c is None else own(c) for c, part in zip(ct, y, strict=True)]
            pulled = (
                ct,
                self.pull_all(tree.unflatten(y.structure, whole), y, args, params["structure"]),
            )
            y.pulled = pulled
        return pulled[1][i]

    def push(self, y: Any, args: Any, tangents: Any, params: dict[str, Any], k: int | None) -> Any:
        if k is None:
            return self.push_one(y, args, tangents, params["structure"])
        return one_by_one(
            lambda ts: self.push_one(y, args, ts, params["structure"]), y, tangents, k
        )

    @abstractmethod
    def pull_all(self, ct: Any, y: Any, args: Any, structure: Any) -> Sequence[Any]:
        """The cotangents of all leaves of the arguments."""

    @abstractmethod
    def push_one(self, y: Any, args: Any, tangents: Any, structure: Any) -> Sequence[Any]:
        """The tangents of the leaves of the result, for one direction."""


class _TangentRule(_CustomPrimitive):
    __slots__ = ("rule",)

    def __init__(self, function: Callable[..., Any], rule: Callable[..., Any]) -> None:
        super().__init__(function)
        self.rule = rule

    def push_one(self, y: Any, args: Any, tangents: Any, structure: Any) -> Sequence[Any]:
        whole = [_zeros(x) if t is None else own(t) for t, x in zip(tangents, args, strict=True)]
        slope = self.rule(
            tree.unflatten(structure, _copies(args)), tree.unflatten(structure, whole)
        )
        if not isinstance(slope, tuple) or len(slope) != 2:
            raise InvalidInputError(f"the tangent rule of {self.name} must return (value, tangent)")
        what = f"the tangent from the rule of {self.name}"
        leaves = tree.flatten_as(slope[1], y.structure, what)
        return [_fitting(t, part, what) for t, part in zip(leaves, y, strict=True)]

    def pull_all(self, ct: Any, y: Any, args: Any, structure: Any) -> Sequence[Any]:
        zeros = [_zeros(x) for x in args]
        moving = [i for i, zero in enumerate(zeros) if zero is not None]

        def pushed(*directions: Any) -> Any:
            tangents: list[Any] = [None] * len(args)
            for i, direction in zip(moving, directions, strict=True):
                tangents[i] = direction
            return tree.unflatten(y.structure, self.push_one(y, args, tangents, structure))

        at_zero, pullback = vjp(pushed, *(zeros[i] for i in moving))
        if any(np.any(part != 0) for part in tree.flatten(at_zero)[0]):
            raise InvalidInputError(
                f"the tangent rule of {self.name} does not give zero for zero tangents, but a derivative is linear in "
                "them: is a factor dx missing?"
            )
        pulled: list[Any] = [None] * len(args)
        for i, contribution in zip(moving, pullback(ct), strict=True):
            pulled[i] = contribution
        return pulled


class _CotangentRule(_CustomPrimitive):
    __slots__ = ("backward", "forward")

    def __init__(
        self,
        function: Callable[..., Any],
        forward: Callable[..., Any],
        backward: Callable[..., Any],
    ) -> None:
        super().__init__(function)
        self.forward = forward
        self.backward = backward

    def run(self, args: tuple[Any, ...]) -> tuple[Any, Any]:
        both = self.forward(*args)
        if not isinstance(both, tuple) or len(both) != 2:
            raise InvalidInputError(
                f"the forward rule of {self.name} must return (value, residuals)"
            )
        return both

    def pull_all(self, ct: Any, y: Any, args: Any, structure: Any) -> Sequence[Any]:
        what = f"the cotangent from the backward rule of {self.name}"
        pulled = self.backward(y.residuals, ct)
        if not isinstance(pulled, tuple) or len(pulled) != len(structure.parts):
            raise InvalidInputError(
                f"the backward rule of {self.name} must return a tuple with one cotangent for each of the "
                f"{len(structure.parts)} arguments (None for zero)"
            )
        leaves: list[Any] = []
        for contribution, part in zip(pulled, structure.parts, strict=True):
            if contribution is None:
                leaves += [None] * len(tree.flatten(tree.unflatten(part, args[len(leaves) :]))[0])
            else:
                leaves += tree.flatten_as(contribution, part, what)
        return [
            _fitting(_zeros(x) if c is None else c, x, what)
            for c, x in zip(leaves, args, strict=True)
        ]

    def push_one(self, y: Any, args: Any, tangents: Any, structure: Any) -> Sequence[Any]:
        moving = [i for i, t in enumerate(tangents) if t is not None]

        def pulled(*cotangents: Any) -> Any:
            everything = self.pull_all(tree.unflatten(y.structure, cotangents), y, args, structure)
            return tuple(everything[i] for i in moving)

        _, pullback = vjp(pulled, *(_zeros(part) for part in y))
        return pullback(tuple(tangents[i] for i in moving))


def _copies(leaves: Sequence[Any]) -> list[Any]:
    return [own(leaf) for leaf in leaves]


def _zeros(x: Any) -> Any:
    """A zero tangent for a leaf; None for what is not a number or an array of them."""
    try:
        x = as_differentiable(x, "argument")
    except TypeError:
        return None
    return np.zeros(x.shape, dtype=x.dtype)[()]


def _fitting(derivative: Any, like: Any, what: str) -> Any:
    """A result of a user's rule, checked to have the shape of what it is the derivative of; a copy."""
    if _zeros(like) is None:
        return None
    derivative = own(as_differentiable(derivative, what))
    if np.shape(derivative) != np.shape(like):
        raise InvalidInputError(
            f"{what} has shape {np.shape(derivative)}, it must have {np.shape(like)}"
        )
    return derivative


class _Custom:
    """What the decorators return: the function itself, until something differentiates it."""

    _needs: str

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._primitive: _CustomPrimitive | None = None
        try:
            self._arity: int | None = len(inspect.signature(function).parameters)
        except ValueError:  # A function of C without a signature has no defaults to fill in.
            self._arity = None

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs or (self._arity is not None and len(args) < self._arity):
            args = self._by_position(args, kwargs)
        leaves, structure = tree.flatten(args)
        leaves = [together(leaf) for leaf in leaves]
        trace = newest_trace(leaves)
        if trace is None:
            return self._function(*args)
        if self._primitive is None:
            name = self._function.__name__
            raise NotDifferentiableError(
                f"{name} has no derivative rule yet: give it one with {name}.{self._needs}"
            )
        outcome: list[Any] = []
        results = trace.process(
            self._primitive, tuple(leaves), {"structure": structure, "outcome": outcome}
        )
        if any(isinstance(part, Tracer) and part.owner.level >= trace.level for part in outcome[0]):
            raise LostDerivativeError(
                f"{self._function.__name__} uses a traced value that is not among its arguments, so its rule cannot "
                "give the derivative with respect to it: pass it as an argument"
            )
        return tree.unflatten(outcome[0].structure, results)

    def _by_position(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments of a call in their order: rules know them by position."""
        bound = inspect.signature(self._function).bind(*args, **kwargs)
        bound.apply_defaults()
        if bound.kwargs:
            raise InvalidInputError(
                f"{self._function.__name__} has keyword-only arguments ({', '.join(bound.kwargs)}), which no rule "
                "takes: make them positional"
            )
        return bound.args


class custom_jvp(_Custom):  # noqa: N801 -- used as a decorator
    """Give a function a tangent rule of its own; both modes use it.

    Parameters
    ----------
    function : callable
        Of positional arguments (numbers, arrays, nested containers; what is none of these is passed on as it is).

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> @ad.custom_jvp
    ... def log1pexp(x):
    ...     return np.log1p(np.exp(x))
    >>> @log1pexp.defjvp
    ... def _(primals, tangents):
    ...     (x,), (dx,) = primals, tangents
    ...     return log1pexp(x), dx / (1 + np.exp(-x))
    >>> ad.grad(log1pexp)(0.0)
    np.float64(0.5)
    """

    _needs = "defjvp(rule)"

    def defjvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set the rule ``(primals, tangents) → (value, tangent of the value)``, both arguments being tuples."""
        self._primitive = _TangentRule(self._function, rule)
        return rule


class custom_vjp(_Custom):  # noqa: N801 -- used as a decorator
    """Give a function a cotangent rule of its own; both modes use it.

    Parameters
    ----------
    function : callable
        Of positional arguments (numbers, arrays, nested containers; what is none of these is passed on as it is).

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> @ad.custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (clipped(x), None), lambda residuals, ct: (np.clip(ct, -1.0, 1.0),))
    >>> ad.grad(lambda x: 5.0 * clipped(x))(2.0)
    np.float64(1.0)
    """

    _needs = "defvjp(forward, backward)"

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Set the rule: ``forward(*args) → (value, residuals)`` and ``backward(residuals, ct) → (ct per argument)``."""
        self._primitive = _CotangentRule(self._function, forward, backward)
