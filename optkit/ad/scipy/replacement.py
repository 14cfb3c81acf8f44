"""How a function of this package stands in for SciPy's: it takes the calls with traced values, and only those."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.ad.core import Tracer
from optkit.errors import NotDifferentiableError

Function = Callable[..., Any]


def is_any_traced(values: Any) -> bool:
    """Whether a traced value is among arguments, in lists and tuples and arrays of references too."""
    for value in values:
        if isinstance(value, Tracer):
            return True
        if isinstance(value, list | tuple) and is_any_traced(value):
            return True
        if isinstance(value, np.ndarray) and value.dtype.hasobject and is_any_traced(value.flat):
            return True
    return False


def replaces(original: Function) -> Callable[[Function], Function]:
    """Declare that the decorated function is ``original`` for traced values, with the same arguments."""

    def declare(replacement: Function) -> Function:
        signature = inspect.signature(original)

        @functools.wraps(replacement)
        def function(*args: Any, **kwargs: Any) -> Any:
            if is_any_traced(args) or is_any_traced(kwargs.values()):
                return replacement(*args, **kwargs)
            return original(*args, **kwargs)

        function.__signature__ = signature  # type: ignore[attr-defined]
        return function

    return declare


def refused(original: Function, module: str) -> Function:
    """SciPy's function, which refuses traced values by name."""

    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        if is_any_traced(args) or is_any_traced(kwargs.values()):
            raise NotDifferentiableError(
                f"optkit has no derivative rule for {module}.{original.__name__}: write it in terms of functions that "
                "have one, give it a derivative with ad.custom_jvp or ad.custom_vjp, or, where its derivative is meant "
                "to be zero, call it on ad.stop_gradient(x)"
            )
        return original(*args, **kwargs)

    return function


def checked(x: Any, check_finite: bool) -> Any:
    """``x``, refused where SciPy refuses it: with infinities or NaN."""
    if check_finite and not np.all(np.isfinite(x)):
        raise ValueError("array must not contain infs or NaNs")
    return x
