"""Calling CasADi functions from NumPy without conversions, in its virtual machine and as compiled C."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from measure.workload import Function, NotThereError

Build = Callable[[Any], Any]


def makers(
    build: Build, shapes: Sequence[tuple[int, ...]], arrange: Callable[..., Any] = lambda *r: r
) -> dict[str, Callable[[], Function]]:
    """The two makers for a graph.

    ``build`` takes the module casadi and gives a dense `casadi.Function`; ``shapes`` are those of its results, filled
    in the order of CasADi, column by column; ``arrange`` puts the results together.
    """

    def plain() -> Function:
        import casadi

        return _caller(build(casadi), shapes, arrange)

    def in_c() -> Function:
        import casadi

        return _caller(_through_c(casadi, build(casadi)), shapes, arrange)

    return {"CasADi": plain, "CasADi C": in_c}


def _caller(function: Any, shapes: Sequence[tuple[int, ...]], arrange: Any) -> Function:
    """A caller through CasADi's buffers, its fastest way: it reads and writes the memory of the arrays."""
    buffer, evaluate = function.buffer()

    def call(*args: Any) -> Any:
        for i, arg in enumerate(args):
            buffer.set_arg(i, memoryview(arg))
        results = [np.empty(shape[::-1]) for shape in shapes]
        for i, result in enumerate(results):
            buffer.set_res(i, memoryview(result))
        evaluate()
        if buffer.ret():
            raise RuntimeError("CasADi could not evaluate the function")
        return arrange(*(result.T for result in results))

    # The buffer does not keep its function alive.
    call.function = function  # type: ignore[attr-defined]
    return call


def _through_c(casadi: Any, function: Any) -> Any:
    """The function generated as C, compiled and loaded."""
    compiler = shutil.which("gcc")
    if compiler is None:
        raise NotThereError("gcc is not installed")
    name = function.name()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        # CasADi writes into the working directory, and takes a path as a prefix only.
        generator = casadi.CodeGenerator(f"{name}.c")
        generator.add(function)
        generator.generate(f"{folder}/")
        source, library = folder / f"{name}.c", folder / f"{name}.so"
        flags = ["-O3", "-march=native", "-fPIC", "-shared"]
        subprocess.run([compiler, *flags, str(source), "-o", str(library)], check=True)
        return casadi.external(name, str(library))  # Loaded: the file is not needed any longer.
