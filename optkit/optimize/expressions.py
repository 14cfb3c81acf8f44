"""Expressions of parameters, such as ``"2 * a + sqrt(b)"``: arithmetic and elementary functions, and nothing else.

The text is parsed into Python's syntax tree, every node of which must be on a short list, before anything is evaluated:
names, numbers, arithmetic, and calls of the functions below. NumPy does the arithmetic, so that expressions are
differentiated like everything else.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from optkit.errors import InvalidInputError

FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name)
    for name in (
        "sqrt", "exp", "log", "log10", "log2", "log1p", "expm1", "sin", "cos", "tan", "arcsin", "arccos",
        "arctan", "arctan2", "sinh", "cosh", "tanh", "abs", "minimum", "maximum",
    )
}  # fmt: skip
CONSTANTS = {"pi": np.pi, "e": np.e}
_NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Call, ast.Name, ast.Load, ast.Constant, ast.Add,
    ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub, ast.UAdd,
)  # fmt: skip


def compile_expression(
    text: str, name: str, known: Collection[str]
) -> tuple[Callable[[dict[str, Any]], Any], set[str]]:
    """The function from values to the value of an expression, and the names of the parameters in it.

    Parameters
    ----------
    text : str
        The expression of the parameter ``name``.
    known : collection of str
        The names of all parameters.

    Examples
    --------
    >>> from optkit.optimize.expressions import compile_expression
    >>> area, used = compile_expression("pi * radius**2", "area", ["radius"])
    >>> round(float(area({"radius": 2.0})), 3), used
    (12.566, {'radius'})
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise InvalidInputError(
            f"the expression of {name!r}, {text!r}, cannot be read: {error.msg}"
        ) from None
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    used: set[str] = set()
    for node in ast.walk(tree):
        _check(node, name, text)
        if isinstance(node, ast.Name):
            if id(node) in called:
                if node.id not in FUNCTIONS:
                    raise InvalidInputError(
                        f"the expression of {name!r} calls {node.id}; known: {', '.join(FUNCTIONS)}"
                    )
            elif node.id in known:
                used.add(node.id)
            elif node.id not in CONSTANTS:
                raise InvalidInputError(
                    f"the expression of {name!r} names {node.id!r}, which is no parameter; "
                    f"there are {', '.join(known)}"
                )
    code = compile(tree, f"<expression of {name}>", "eval")
    scope = {**CONSTANTS, **FUNCTIONS, "__builtins__": {}}
    return lambda values: eval(code, scope, values), used


def _check(node: ast.AST, name: str, text: str) -> None:
    plain = isinstance(node, _NODES)
    if isinstance(node, ast.Constant):
        plain = isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
    if isinstance(node, ast.Call):
        plain = isinstance(node.func, ast.Name) and not node.keywords
    if not plain:
        raise InvalidInputError(
            f"the expression of {name!r}, {text!r}, may hold arithmetic and elementary functions only, "
            f"not {type(node).__name__}; for more, give a function of the other parameters"
        )
