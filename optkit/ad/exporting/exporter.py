"""`export`: from a function to files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from optkit.ad.exporting import numpy_text
from optkit.ad.exporting.c.files import files
from optkit.ad.exporting.naming import function_name
from optkit.ad.exporting.routines import routines_of
from optkit.errors import InvalidInputError

TARGETS = ("c", "numpy")


@dataclass(frozen=True)
class Export:
    """A function and its derivatives as source text; made by `export`.

    Attributes
    ----------
    name : str
        Of the function, and of the files.
    target : {"c", "numpy"}
    functions : tuple of str
        The names of the functions in the source.
    source : str
        The C source, or the Python module.
    header : str
        The C header; empty for a Python module.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> made = ad.export(lambda x: np.sum(x**2), np.ones(3), target="c", name="energy")
    >>> made.functions
    ('energy', 'energy_grad')
    >>> sorted(made.files)
    ['energy.c', 'energy.h']
    """

    name: str
    target: str
    functions: tuple[str, ...]
    source: str
    header: str = ""

    @property
    def files(self) -> dict[str, str]:
        """The texts by the names of their files."""
        if self.target == "numpy":
            return {f"{self.name}.py": self.source}
        return {f"{self.name}.c": self.source, f"{self.name}.h": self.header}

    def write(self, directory: str | PathLike[str] = ".") -> list[Path]:
        """Write the files into a directory, which is made where there is none; gives their paths."""
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in self.files.items():
            (folder / file).write_text(text, encoding="utf-8")
        return [folder / file for file in self.files]

    def __str__(self) -> str:
        return self.source


def export(
    f: Callable[..., Any],
    *args: Any,
    target: str = "c",
    name: str | None = None,
    derivative: str | Sequence[str] | None = "auto",
    argnums: int | tuple[int, ...] = 0,
    branches: Sequence[tuple[Any, ...]] = (),
    stack: int = 16384,
) -> Export:
    """Write a function and its derivatives as source text that needs no optkit.

    Parameters
    ----------
    f : callable
        Plain NumPy code; see `jit` for what can be captured. Arrays that it closes over become tables in the source.
    *args
        A point at which it is run: shapes, dtypes and the branches that it takes are those of this run. Arrays and
        floating-point numbers become arguments; anything else, an ``int`` too, is fixed at its value.
    target : {"c", "numpy"}
        C99 that needs nothing but libm, or a Python module that imports nothing but NumPy.
    name : str, optional
        Of the function in the source, and of the files; that of ``f`` where it is left out.
    derivative : {"auto", "gradient", "jacobian", "hessian"}, tuple of them, or None
        What is written beside the function: ``NAME_grad`` gives the value and the gradient, ``NAME_jacobian`` the value
        and the Jacobian, ``NAME_hessian`` the Hessian. "auto" is the gradient of a function that returns a number, the
        Jacobian of any other.
    argnums : int or tuple of int
        The arguments to differentiate with respect to.
    branches : sequence of tuple, optional
        More points, each a tuple of arguments like ``args``, that take other branches: all of them are written, and a
        call goes the way of the first that fits.
    stack : int
        C: how many bytes a function may take from the stack for intermediate arrays. One that needs more takes a
        workspace of the caller as its last argument; the header says its size.

    Returns
    -------
    Export
        The texts, and ``write(directory)``.

    Raises
    ------
    ExportError
        For an operation or a dtype that the target has no form for, and for a function that returns what is no number.
    InvalidInputError
        For an unknown target or derivative, a name that is none in C, or branches with other shapes.

    Notes
    -----
    In C each function returns 0, or what went wrong: 1 where the point is on a branch that was not exported, 2 for an
    index out of bounds, 3 for a singular matrix. The Python module raises. The page *Exporting to C and NumPy* of the
    documentation has the details.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> def rosenbrock(x):
    ...     return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)
    >>> made = ad.export(rosenbrock, np.array([-1.2, 1.0, 1.0]), target="c")
    >>> print(made.header)  # doctest: +ELLIPSIS
    /*
     * rosenbrock.h, written by optkit.ad.export.
    ...
    int rosenbrock_grad(const double *x, double *value, double *gradient);
    ...
    """
    if target not in TARGETS:
        raise InvalidInputError(f"ad.export: target must be 'c' or 'numpy', got {target!r}")
    called = function_name(f, name)
    derivatives: Sequence[str] | None = ()
    if derivative == "auto":
        derivatives = None
    elif derivative is not None:
        derivatives = (derivative,) if isinstance(derivative, str) else tuple(derivative)
    routines = routines_of(f, [args, *map(tuple, branches)], called, derivatives, argnums)
    functions = tuple(routine.name for routine in routines)
    if target == "numpy":
        return Export(called, target, functions, numpy_text.module(routines))
    source, header = files(routines, called, stack)
    return Export(called, target, functions, source, header)
