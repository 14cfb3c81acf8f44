"""What goes into a differentiated function and what comes out: checks, promotion, and the call itself."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from optkit.ad import tree
from optkit.ad.buffers import Buffer, differentiating, settled
from optkit.ad.core import Tracer, unpack_objects
from optkit.ad.inplace import own
from optkit.errors import (
    EscapedTracerError,
    InvalidInputError,
    InvalidTypeError,
    LostDerivativeError,
    NotDifferentiableError,
    OptkitError,
)


def as_differentiable(x: Any, where: str) -> Any:
    """``x`` as an array, NumPy scalar or tracer of floats; integers are promoted to float64.

    Raises
    ------
    InvalidTypeError
        For anything else; the message names the argument as ``where`` and says what to pass.
    """
    x = settled(x)
    if isinstance(x, Tracer):
        return x
    if isinstance(x, np.ma.MaskedArray | np.matrix):
        raise InvalidTypeError(
            f"{where} is a {type(x).__name__}; use a plain array (np.asarray(x), x.filled(0), …)"
        )
    if isinstance(x, np.ndarray | np.generic):
        kind = x.dtype.kind
        if kind in "fc":
            return x
        if kind in "iu":
            return x.astype(np.float64)
        if isinstance(stacked := together(x), Tracer):
            return stacked
        raise InvalidTypeError(
            f"{where} has dtype {x.dtype}, which cannot be differentiated; use an array of floats"
        )
    if isinstance(x, bool) or not isinstance(x, int | float | complex):
        hint = "use x.toarray()" if hasattr(x, "tocsr") else "use a number or an array of floats"
        raise InvalidTypeError(
            f"{where} is {'None' if x is None else f'a {type(x).__name__}'}; {hint}"
        )
    return np.complex128(x) if isinstance(x, complex) else np.float64(x)


def together(x: Any) -> Any:
    """An array of references to traced values, such as ``np.array([x[0], x[1]])``, as one; others as they are."""
    x = settled(x)
    if (
        isinstance(x, np.ndarray)
        and x.dtype.hasobject
        and any(isinstance(e, Tracer) for e in x.flat)
    ):
        return unpack_objects(x)
    return x


FLOATS = frozenset(map(np.dtype, "fd"))
_ONE_LEAF: list[tuple[tree.Structure | None, int]] = [(None, 1)]


class Selection:
    """The arguments of one call of which derivatives are taken.

    Attributes
    ----------
    leaves : list
        Their leaves, checked and promoted; the function cannot change them, for they are copies.
    """

    __slots__ = ("_args", "_numbers", "_single", "caller", "leaves", "structures")

    def __init__(self, args: tuple[Any, ...], argnums: int | tuple[int, ...], caller: str) -> None:
        self._args = args
        self.caller = caller
        self._single = not isinstance(argnums, tuple | list)
        if type(argnums) is int and 0 <= argnums < len(args):
            leaf = args[argnums]
            # The common case, which has to be fast.
            if type(leaf) is np.ndarray and leaf.dtype in FLOATS:
                self.leaves = [leaf.copy("K")]
                self.structures = _ONE_LEAF
                self._numbers = [argnums]
                return
        self.leaves = []
        self.structures = []
        self._numbers = _argument_numbers(argnums, len(args), caller)
        for n in self._numbers:
            leaves, structure = tree.flatten(args[n])
            self.structures.append((structure, len(leaves)))
            for i, leaf in enumerate(leaves):
                if type(leaf) is not np.ndarray or leaf.dtype not in FLOATS:
                    name = f"argument {n} of the function given to ad.{caller}"
                    leaf = as_differentiable(
                        leaf, name if structure is None else f"leaf {i} of {name}"
                    )
                self.leaves.append(own(leaf))

    def arguments(self, leaves: Sequence[Any]) -> list[Any]:
        """All arguments of the call, with ``leaves`` in the places of the selected ones."""
        args = list(self._args)
        if self.structures is _ONE_LEAF:
            args[self._numbers[0]] = leaves[0]
            return args
        for n, part in zip(self._numbers, self._regroup(leaves), strict=True):
            args[n] = part
        return args

    def restore(self, leaves: Sequence[Any]) -> Any:
        """``leaves`` in the structure of the selected arguments: of the argument itself where there is only one."""
        if self.structures is _ONE_LEAF:
            return leaves[0]
        parts = self._regroup(leaves, derived=False)
        return parts[0] if self._single else tuple(parts)

    def _regroup(self, leaves: Sequence[Any], derived: bool = True) -> list[Any]:
        parts, start = [], 0
        for structure, count in self.structures:
            parts.append(tree.unflatten(structure, leaves[start : start + count], derived=derived))
            start += count
        return parts


def _argument_numbers(argnums: int | tuple[int, ...], count: int, caller: str) -> list[int]:
    """``argnums``, counted from the front and checked for a call with ``count`` positional arguments."""
    try:
        numbers = [
            operator.index(n)
            for n in (argnums if isinstance(argnums, tuple | list) else (argnums,))
        ]
    except TypeError:
        raise InvalidTypeError(
            f"ad.{caller}: argnums must be an int or a tuple of ints, got {argnums!r}; arguments are counted, not named"
        ) from None
    for n in numbers:
        if not -count <= n < count:
            raise InvalidInputError(
                f"ad.{caller} was asked for the derivative with respect to positional argument {n}, but the call has "
                f"{count} positional arguments; pass it by position, not by keyword"
            )
    numbers = [n % count for n in numbers]
    if len(set(numbers)) < len(numbers):
        raise InvalidInputError(f"ad.{caller}: argnums={argnums} names an argument twice")
    return numbers


def call(f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """``f(*args, **kwargs)``; where NumPy or SciPy has hidden the reason of an error, ours says it."""
    differentiating.count += 1
    try:
        y = f(*args, **kwargs)
        return y.value if type(y) is Buffer else y
    except (ValueError, TypeError, SystemError) as error:
        if isinstance(error, OptkitError):
            raise
        hidden = _hidden_reason(error)
        if hidden is not None:
            raise hidden from error
        raise
    finally:
        differentiating.count -= 1


# What NumPy says of an array of references to traced elements.
_OF_OBJECTS = (
    "dtype('O')",
    "which has no callable",
    "Object arrays",
    "could not be safely coerced to any supported types",
    "NPY_ITER_REFS_OK",
)


def _hidden_reason(error: BaseException) -> OptkitError | None:
    """What an error of a library means where a traced value is behind it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, LostDerivativeError):
            return LostDerivativeError(
                "a traced value was turned into a plain number, and its derivative would be lost: it was written into "
                "a plain array (make that array with np.zeros_like(x) or np.zeros(shape, like=x)), or given to a "
                "function that converts its argument, such as np.asarray(x, dtype=float), np.mean of a list (use "
                "np.stack first), or a routine of SciPy (optkit.ad.scipy has many, with derivatives, by the same names)"
            )
        # An interpreter's own error has the reason as context; that of a user's except clause is the user's.
        cause = cause.__cause__ or (cause.__context__ if isinstance(error, SystemError) else None)
    text = str(error)
    # SciPy's sparse arrays say this of a traced operand.
    if "unsupported data types" in text or "does not support dtype object" in text:
        return InvalidTypeError(
            "a sparse array A was multiplied with a traced value x, and SciPy lets nobody in there: write "
            "optkit.ad.scipy.sparse.matmul(A, x), or x @ A.T, instead of A @ x (and sparse.spsolve of the same module "
            "instead of SciPy's)"
        )
    # SciPy's linear algebra says one of these.
    if "object arrays are not supported" in text or "dtype object cannot be cast" in text:
        return NotDifferentiableError(
            "a routine of SciPy without a derivative rule met a traced value: optkit.ad.scipy has many, with "
            "derivatives, by the same names (from optkit.ad.scipy import linalg)"
        )
    if any(part in text for part in _OF_OBJECTS):
        return NotDifferentiableError(
            "np.array([...]) of traced values and numbers makes an array of Python objects, on which this function "
            "does not work: make it with np.stack or np.concatenate, or with a = np.zeros(shape, like=x) and "
            "assignments a[i, j] = …; a function of NumPy that hands its call to nobody (np.nditer, np.testing, np.ma) "
            "makes one itself: give it ad.stop_gradient(x), or write it in functions that have a rule "
            f"({type(error).__name__}: {text})"
        )
    return None


def output(y: Any, where: str = "the function") -> Any:
    """A leaf of what a function returned, as a tracer, array or NumPy scalar of numbers."""
    y = settled(y)
    if isinstance(y, Tracer):
        if y.owner.ended:
            raise EscapedTracerError(
                f"{where} returned a traced value of an earlier derivative computation, which has ended: compute it "
                "anew in every call, or keep ad.stop_gradient(x)"
            )
        return y
    if type(y) is np.ndarray and y.dtype.hasobject:
        return unpack_objects(y)
    if isinstance(y, bool | np.bool_) or (type(y) is np.ndarray and y.dtype.kind == "b"):
        return y + np.float64(0.0)
    if y is None:
        raise InvalidTypeError(f"{where} returned None: is a return statement missing?")
    return as_differentiable(y, f"what {where} returned")


def scalar_output(y: Any, caller: str) -> Any:
    """The result of a function that has to return a real scalar (an array of size 1 counts)."""
    alive = isinstance(y, Tracer) and not y.owner.ended
    if not alive:
        where = f"the function given to ad.{caller}"
        if tree.flatten(y)[1] is not None:
            raise InvalidTypeError(
                f"{where} returned a {type(y).__name__}: it must return a scalar; perhaps you meant jacobian"
            )
        y = output(y, where)
    shape = y.shape
    if shape and y.size != 1:
        raise InvalidInputError(
            f"ad.{caller} needs a function that returns a scalar, but it returned shape {shape}; "
            "perhaps you meant jacobian"
        )
    if y.dtype.kind == "c":
        raise InvalidInputError(
            f"ad.{caller} needs a function that returns a real number, but it returned a complex one; differentiate "
            "its real part, or use ad.jacobian(f, holomorphic=True)"
        )
    return y
