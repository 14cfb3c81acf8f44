"""Which executor runs a graph."""

from __future__ import annotations

import importlib.util
from typing import Any

from optkit.ad.executors import interpreter
from optkit.errors import InvalidInputError, MissingPackageError

NAMES = ("auto", "numpy", "llvm")


def choose(name: str) -> Any:
    """The function that makes a program of a graph, by the name of an executor."""
    if name not in NAMES:
        raise InvalidInputError(f"ad.jit: executor must be one of {', '.join(NAMES)}, got {name!r}")
    if name == "numpy" or (name == "auto" and importlib.util.find_spec("llvmlite") is None):
        return interpreter.program
    if importlib.util.find_spec("llvmlite") is None:
        raise MissingPackageError(
            "ad.jit(executor='llvm') needs llvmlite: pip install 'optkit[jit]', or use executor='numpy'"
        )
    from optkit.ad.executors import native

    return native.program
