"""What goes into a differentiated function and what comes out: checks, promotion, and the call itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from optkit.ad import tree
from optkit.ad.core import Tracer, unpack_objects
from optkit.errors import InvalidInputError, InvalidTypeError, LostDerivativeError


def as_differentiable(x: Any, where: str) -> Any:
    """``x`` as an array, NumPy scalar or tracer of floats; integers are promoted to float64.

    Raises
    ------
    InvalidTypeError
        For anything else; the message names the argument as ``where`` and says what to pass.
    """
    if isinstance(x, Tracer):
        return x
    if isinstance(x, np.ma.MaskedArray | np.matrix):
        raise InvalidTypeError(f"{where} is a {type(x).__name__}; pass a plain array (np.asarray(x), x.filled(0), …)")
    if isinstance(x, np.ndarray | np.generic):
        kind = x.dtype.kind
        if kind in "fc":
            return x
        if kind in "iu":
            return x.astype(np.float64)
        if kind == "O":
            stacked = unpack_objects(np.asarray(x)) if any(isinstance(e, Tracer) for e in np.ravel(x)) else None
            if stacked is not None:
                return stacked
        raise InvalidTypeError(f"{where} has dtype {x.dtype}, which cannot be differentiated; pass an array of floats")
    if isinstance(x, bool) or not isinstance(x, int | float | complex):
        hint = "pass x.toarray()" if hasattr(x, "tocsr") else "pass a number or an array of floats"
        raise InvalidTypeError(f"{where} is {'None' if x is None else f'a {type(x).__name__}'}; {hint}")
    return np.complex128(x) if isinstance(x, complex) else np.float64(x)


class Selection:
    """The arguments of one call of which derivatives are taken.

    Attributes
    ----------
    leaves : list
        Their leaves, checked and promoted.
    """

    __slots__ = ("_args", "_numbers", "_single", "leaves", "structures")

    def __init__(self, args: tuple[Any, ...], argnums: int | tuple[int, ...], caller: str) -> None:
        self._single = isinstance(argnums, int)
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        self._args = args
        self._numbers = [_argument_number(n, len(args), caller) for n in numbers]
        self.structures = []
        self.leaves = []
        for n in self._numbers:
            leaves, structure = tree.flatten(args[n])
            self.structures.append((structure, len(leaves)))
            for i, leaf in enumerate(leaves):
                if type(leaf) is not np.ndarray or leaf.dtype.char not in "df":
                    name = f"argument {n} of the function given to ad.{caller}"
                    leaf = as_differentiable(leaf, name if structure is None else f"leaf {i} of {name}")
                self.leaves.append(leaf)

    def arguments(self, leaves: Sequence[Any]) -> list[Any]:
        """All arguments of the call, with ``leaves`` in the places of the selected ones."""
        args = list(self._args)
        for n, part in zip(self._numbers, self._regroup(leaves), strict=True):
            args[n] = part
        return args

    def restore(self, leaves: Sequence[Any]) -> Any:
        """``leaves`` in the structure of the selected arguments: of the argument itself where there is only one."""
        parts = self._regroup(leaves)
        return parts[0] if self._single else tuple(parts)

    def _regroup(self, leaves: Sequence[Any]) -> list[Any]:
        parts, start = [], 0
        for structure, count in self.structures:
            parts.append(tree.unflatten(structure, leaves[start : start + count]))
            start += count
        return parts


def _argument_number(n: int, count: int, caller: str) -> int:
    if not -count <= n < count:
        raise InvalidInputError(
            f"ad.{caller} was asked for the derivative with respect to positional argument {n}, but the call has "
            f"{count} positional arguments; pass it by position, not by keyword"
        )
    return n % count


def call(f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """``f(*args, **kwargs)``; where NumPy has wrapped an error of ours into its own, ours comes out."""
    try:
        return f(*args, **kwargs)
    except (ValueError, TypeError) as error:
        cause = error.__cause__
        if isinstance(cause, LostDerivativeError) and not isinstance(error, LostDerivativeError):
            raise LostDerivativeError(
                "a traced value was written into a plain array, where its derivative would be lost: make the array "
                "with np.zeros_like(x) or np.zeros(shape, like=x), or collect the values in a list and use np.stack "
                "or np.array"
            ) from error
        raise


def output(y: Any, where: str = "the function") -> Any:
    """A leaf of what a function returned, as a tracer, array or NumPy scalar of numbers."""
    if isinstance(y, Tracer):
        return y
    if isinstance(y, np.ndarray) and y.dtype.hasobject:
        return unpack_objects(y)
    if isinstance(y, np.ndarray | np.generic):
        return y if y.dtype.kind in "fc" else as_differentiable(y if y.dtype.kind != "b" else y + 0.0, where)
    if isinstance(y, bool | int | float | complex):
        return np.complex128(y) if isinstance(y, complex) else np.float64(y)
    raise InvalidTypeError(
        f"{where} returned {'None' if y is None else f'a {type(y).__name__}'}; it must return a number, an array, or a "
        "container of them" + ("; is a return statement missing?" if y is None else "")
    )


def scalar_output(y: Any, caller: str) -> Any:
    """The result of a function that has to return a real scalar (an array of size 1 counts)."""
    y = output(y, f"the function given to ad.{caller}")
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
