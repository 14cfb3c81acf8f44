"""Formulas: a recorded run as SymPy expressions, its derivatives, and both as source code.

The operations that a `Recorder` has written down are carried out once more, on SymPy's symbols in place of numbers.
SymPy is imported on first use.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from optkit.ad.explain.code import function_source, module_source, python_name
from optkit.ad.explain.formula import Writer, shown
from optkit.ad.explain.recorder import Node, Record, record
from optkit.ad.explain.substitution import carried_out, exact
from optkit.errors import InvalidInputError

# Beyond these nobody reads the formulas, and SymPy takes minutes.
_MOST_VARIABLES, _MOST_OPERATIONS = 24, 5000


@dataclass(frozen=True)
class Symbolic:
    """A function and its derivatives as formulas; `print` it, or let a notebook show it.

    Attributes
    ----------
    name : str
        Of the function.
    arguments : tuple of (str, array of Symbol)
        The names of the arguments with the symbols that they are made of, in their shapes.
    variables : list of Symbol
        All of them in a row, the columns of the derivatives.
    value : Expr or array of Expr
        What the function returns; a list of such where it returns a container.
    conditions : tuple of (Expr, bool)
        On which the formulas rest: what Python code asked of the arguments on the way, with the answer. Elsewhere the
        function takes another branch.
    fixed : tuple of str
        Integers that are built into the formulas as they came out at the given point: positions (an order, an index
        of a maximum), counts, what ``int(x)`` gave.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> formulas = ad.symbolic(lambda a, b: np.exp(a) * b**2, 1.0, 2.0)
    >>> formulas.value, formulas.gradient
    (b**2*exp(a), [b**2*exp(a), 2*b*exp(a)])
    >>> formulas.hessian[1, 1]
    2*exp(a)
    """

    name: str
    arguments: tuple[tuple[str, Any], ...]
    value: Any
    conditions: tuple[tuple[Any, bool], ...]
    fixed: tuple[str, ...]

    @cached_property
    def variables(self) -> list[Any]:
        return [symbol for _, symbols in self.arguments for symbol in symbols.ravel()]

    @cached_property
    def outputs(self) -> list[Any]:
        """All values in a row, the rows of the Jacobian."""
        leaves = self.value if isinstance(self.value, list) else [self.value]
        return [expression for leaf in leaves for expression in np.ravel(np.asarray(leaf, object))]

    @cached_property
    def jacobian(self) -> Any:
        """The derivatives, an (m, n) Matrix of SymPy."""
        import sympy

        slopes = [_slope(y, x) for y in self.outputs for x in self.variables]
        return sympy.Matrix(len(self.outputs), len(self.variables), slopes)

    @property
    def gradient(self) -> list[Any]:
        """The derivatives of a function with one value, one expression for each variable."""
        self._single("gradient", "jacobian")
        return list(self.jacobian)

    @cached_property
    def hessian(self) -> Any:
        """The second derivatives of a function with one value, an (n, n) Matrix of SymPy."""
        import sympy

        self._single("hessian", "jacobian")
        n = len(self.variables)
        return sympy.Matrix(n, n, [_slope(y, x) for y in self.gradient for x in self.variables])

    def _single(self, what: str, instead: str) -> None:
        if len(self.outputs) != 1:
            raise InvalidInputError(
                f"{what}: {self.name} has {len(self.outputs)} values; see {instead}"
            )

    # --- how it reads -------------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        call = f"{self.name}({', '.join(name for name, _ in self.arguments)})"
        single = len(self.outputs) == 1
        lines = []
        for i, y in enumerate(self.outputs):
            lines.append(f"{call if single else f'{call}[{i}]'} = {y}")
        for i in range(len(self.outputs)):
            top = f"∂{self.name}" if single else f"∂{self.name}[{i}]"
            lines += [f"{top}/∂{x} = {self.jacobian[i, j]}" for j, x in enumerate(self.variables)]
        lines += [
            f"where {condition if holds else f'not ({condition})'}"
            for condition, holds in self.conditions
        ]
        lines += [f"where {text}" for text in self.fixed]
        return "\n".join(lines)

    def _repr_latex_(self) -> str:
        import sympy

        rows = []
        for i, y in enumerate(self.outputs):
            top = "f" if len(self.outputs) == 1 else f"f_{{{i}}}"
            rows.append(f"{top} &= {sympy.latex(y)}")
            rows += [
                rf"\frac{{\partial {top}}}{{\partial {sympy.latex(x)}}} &= {sympy.latex(self.jacobian[i, j])}"
                for j, x in enumerate(self.variables)
            ]
        return "$$\\begin{aligned}\n" + r" \\[4pt]" "\n".join(rows) + "\n\\end{aligned}$$"

    def source(self) -> str:
        """Python code of the function and of its derivative, plain NumPy, with common parts computed once.

        The derivative is called ``<name>_gradient`` for a function with one value and ``<name>_jacobian`` otherwise. It
        returns one array for each argument.
        """
        if isinstance(self.value, list):
            raise InvalidInputError(
                f"source: {self.name} returns a container; let it return one array"
            )
        shape, entries = np.shape(self.value), list(self.jacobian)
        slopes = f"{self.name}_{'gradient' if len(self.outputs) == 1 else 'jacobian'}"
        return module_source(
            function_source(self.name, self.arguments, [(self.outputs, shape)]),
            function_source(slopes, self.arguments, self._parted(entries, shape)),
        )

    def _parted(self, entries: list[Any], shape: tuple[int, ...]) -> list[tuple[list[Any], Any]]:
        """The derivatives, row by row, as an array for each argument: its entries and its shape."""
        columns, start, parts = len(self.variables), 0, []
        for _, symbols in self.arguments:
            chosen = range(start, start + symbols.size)
            rows = range(0, len(entries), columns)
            parts.append(
                ([entries[row + j] for row in rows for j in chosen], shape + symbols.shape)
            )
            start += symbols.size
        return parts


def _slope(y: Any, x: Any) -> Any:
    """The derivative of an expression; of a step it is 0, where SymPy has a δ-function or nothing."""
    import sympy

    steps = {
        step: _constant_step(step.__name__) for step in (sympy.floor, sympy.ceiling, sympy.sign)
    }
    for step, constant in steps.items():
        y = y.replace(step, constant)
    slope = y.diff(x)
    for step, constant in steps.items():
        slope = slope.replace(constant, step)
    return slope.replace(sympy.DiracDelta, lambda *_: sympy.Integer(0))


@functools.cache
def _constant_step(name: str) -> Any:
    """A function of SymPy that is like a step, with derivative 0."""
    import sympy

    def fdiff(self: Any, argindex: int = 1) -> Any:  # noqa: ARG001  # what SymPy calls
        return sympy.Integer(0)

    return type(name, (sympy.Function,), {"fdiff": fdiff})


def symbolic(
    f: Callable[..., Any], *args: Any, argnums: int | tuple[int, ...] | None = None
) -> Symbolic:
    """The formula of a plain NumPy function of few variables, and those of its derivatives.

    Parameters
    ----------
    f : callable
        Written in plain NumPy, real.
    *args : numbers, arrays, or containers of them
        A point; it decides the shapes, and which branches of Python code are taken.
    argnums : int or tuple of int, optional
        The arguments that are variables; the others are constants. By default all are variables.

    Returns
    -------
    Symbolic
        With the expressions of SymPy as ``value``, ``gradient``, ``jacobian`` and ``hessian``, and NumPy code as
        ``source()``.

    Raises
    ------
    ImportError
        When SymPy is not installed.
    InvalidInputError
        For more than 24 variables, or a formula of more than 5000 operations.
    NotDifferentiableError
        For an operation without a counterpart in SymPy.

    Notes
    -----
    The derivatives are taken by SymPy from the formula, so they are independent of the engine's rules. ``np.where``
    becomes a case distinction; a Python ``if`` takes the branch of the given point, and the formulas hold
    as long as its condition does: see ``conditions``, and ``fixed`` for orders, positions and counts. At poles and at
    most kinks the formulas give what SymPy makes of them, which need not be what the engine gives there by rule.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> def f(x1, x2):
    ...     return np.log(x1) + x1 * x2 - np.sin(x2)
    >>> formulas = ad.symbolic(f, 2.0, 5.0)
    >>> print(formulas)
    f(x1, x2) = x1*x2 + log(x1) - sin(x2)
    ∂f/∂x1 = x2 + 1/x1
    ∂f/∂x2 = x1 - cos(x2)
    >>> print(formulas.source())
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def f(x1, x2):
        return x1*x2 + np.log(x1) - np.sin(x2)
    <BLANKLINE>
    <BLANKLINE>
    def f_gradient(x1, x2):
        return x2 + 1/x1, x1 - np.cos(x2)
    """
    try:
        import sympy  # noqa: F401  # all that follows needs it
    except ImportError as error:
        raise ImportError(
            "ad.symbolic needs SymPy, which is not installed: pip install sympy"
        ) from error
    run = record(f, args, argnums, "symbolic", "bf")
    _check_size(run)
    arguments = tuple((node.name, _symbols(node)) for node in run.inputs)
    known: dict[Node, Any] = {
        node: symbols if symbols.ndim else symbols[()]
        for node, (_, symbols) in zip(run.inputs, arguments, strict=True)
    }
    asked = [node for node, _ in run.answers]
    for node in run.used(asked):
        if node.primitive is not None:
            known[node] = carried_out(node, known)
    leaves = [_expressions(known[y] if isinstance(y, Node) else exact(y)) for y in run.outputs]
    value = leaves[0] if run.structure is None else leaves
    conditions = tuple(_conditions(run, known))
    name = getattr(f, "__name__", "f")
    return Symbolic(
        name if name.isidentifier() else "f", arguments, value, conditions, tuple(_fixed(run))
    )


def _expressions(leaf: Any) -> Any:
    """A leaf with each element as an expression; NumPy's own zeros among them are plain numbers."""
    import sympy

    made = np.frompyfunc(sympy.sympify, 1, 1)(leaf)
    return made if np.ndim(made) else np.asarray(made, dtype=object)[()]


def _check_size(run: Record) -> None:
    count = sum(int(np.size(node.value)) for node in run.inputs)
    if any(np.asarray(leaf).dtype.kind == "c" for leaf in run.selection.leaves):
        raise InvalidInputError("ad.symbolic: the variables must be real")
    if not count:
        raise InvalidInputError("ad.symbolic: the arguments are empty, so there are no variables")
    if count > _MOST_VARIABLES:
        raise InvalidInputError(
            f"ad.symbolic: {count} variables are more than {_MOST_VARIABLES}, and nobody reads such formulas; choose "
            "arguments with argnums=, or take a smaller problem"
        )
    operations: dict[Node, float] = {}
    for node in run.nodes:
        below = sum(operations[x] for x in node.operands if isinstance(x, Node))
        operations[node] = below + (node.primitive is not None)
    most = max((operations[y] for y in run.outputs if isinstance(y, Node)), default=0)
    if most > _MOST_OPERATIONS:
        raise InvalidInputError(
            f"ad.symbolic: written out, the formula has {most:.3g} operations, more than {_MOST_OPERATIONS} (a loop "
            "doubles it with each use of the variable): take fewer steps, or ad.grad"
        )


def _symbols(node: Node) -> Any:
    """The symbols of an input, in its shape: x for a number, x_0, x_1, … for an array."""
    import sympy

    name = python_name(node.name)
    shape = np.shape(node.value)
    symbols = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        symbols[index] = sympy.Symbol("_".join([name, *map(str, index)]), real=True)
    return symbols


def _conditions(run: Record, known: dict[Node, Any]) -> Any:
    """What was asked on the way, each once, as far as it depends on the variables."""
    import sympy

    seen = set()
    for node, answer in run.answers:
        questions = np.ravel(np.asarray(known[node], dtype=object))
        for question, holds in zip(questions, np.ravel(answer), strict=True):
            if question in (sympy.true, sympy.false) or question in seen:
                continue
            seen.add(question)
            yield question, bool(holds)


def _fixed(run: Record) -> list[str]:
    """What the integers are that the run rests on, each once."""
    write = Writer()
    texts = [f"{write(node)} = {shown(node.value)}" for node in run.fixed]
    return list(dict.fromkeys(texts))
