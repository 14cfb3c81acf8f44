"""Expressions of SymPy as source code: plain NumPy, common parts computed once."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

Arguments = Sequence[tuple[str, Any]]


def module_source(*functions: str) -> str:
    """The functions with the imports that they need."""
    body = "\n\n\n".join(functions)
    imports = ["import numpy as np"] * ("np." in body) + ["import scipy.special"] * (
        "scipy." in body
    )
    return "\n".join(imports) + "\n" * 3 * bool(imports) + body + "\n"


def function_source(
    name: str, arguments: Arguments, results: Sequence[tuple[Sequence[Any], tuple[int, ...]]]
) -> str:
    """A function that returns arrays, each given by its entries and its shape; one alone is not put into a tuple.

    ``arguments`` are the names with the arrays of symbols that they are made of.
    """
    import sympy

    taken = {str(symbol) for _, symbols in arguments for symbol in symbols.ravel()}
    taken |= {python_name(argument) for argument, _ in arguments}
    fresh = (symbol for symbol in sympy.numbered_symbols("t") if str(symbol) not in taken)
    everything = [entry for entries, _ in results for entry in entries]
    common, reduced = sympy.cse(everything, symbols=fresh)
    codes = iter([expression_source(entry) for entry in reduced])
    arrays = [_array([next(codes) for _ in entries], shape) for entries, shape in results]
    lines = [f"def {name}({', '.join(python_name(argument) for argument, _ in arguments)}):"]
    lines += [f"    {line}" for line in _unpacking(arguments)]
    lines += [f"    {symbol} = {expression_source(part)}" for symbol, part in common]
    return "\n".join([*lines, f"    return {', '.join(arrays)}"])


def python_name(name: str) -> str:
    """A name such as ``p['a']`` as an identifier."""
    plain = re.sub(r"\W+", "_", name).strip("_")
    return plain if plain.isidentifier() else f"x_{plain}"


def expression_source(expression: Any) -> str:
    """An expression as NumPy code."""
    text: str = _printer().doprint(expression)
    return re.sub(r"\bnumpy\.", "np.", text)


@functools.cache
def _printer() -> Any:
    """SymPy's printer for NumPy, with the functions that people write."""
    from sympy.printing.numpy import SciPyPrinter

    class Printer(SciPyPrinter):  # type: ignore[misc]  # SymPy ships no types
        def _print_Pow(self, expr: Any, **options: Any) -> str:  # noqa: N802
            if expr.exp == -1:
                return f"1/{self.parenthesize(expr.base, _TIGHT)}"
            return str(super()._print_Pow(expr, **options))

    for kind, text in _PRINTED.items():
        setattr(Printer, f"_print_{kind}", text)
    return Printer()


def _nested(name: str) -> Any:
    """Prints a function of many operands as one of pairs."""

    def text(printer: Any, expr: Any) -> str:
        operands: list[str] = list(map(printer._print, expr.args))
        return functools.reduce(lambda a, b: f"{name}({a}, {b})", operands)

    return text


def _joined(sign: str) -> Any:
    def text(printer: Any, expr: Any) -> str:
        return sign.join(f"({printer._print(part)})" for part in expr.args)

    return text


def _called(name: str) -> Any:
    return lambda printer, expr: f"{name}({', '.join(map(printer._print, expr.args))})"


def _piecewise(printer: Any, expr: Any) -> str:
    pieces = [(printer._print(value), printer._print(condition)) for value, condition in expr.args]
    text = "numpy.nan"
    for value, condition in reversed(pieces):
        text = value if condition == "True" else f"numpy.where({condition}, {value}, {text})"
    return text


# How tightly a divisor has to hold together: more than a product.
_TIGHT = 60
_PRINTED = {
    "Piecewise": _piecewise,
    "Relational": lambda p, expr: f"{p._print(expr.lhs)} {expr.rel_op} {p._print(expr.rhs)}",
    "And": _joined(" & "),
    "Or": _joined(" | "),
    "Not": _called("numpy.logical_not"),
    "Max": _nested("numpy.maximum"),
    "Min": _nested("numpy.minimum"),
    "Abs": _called("numpy.abs"),
    "Heaviside": _called("numpy.heaviside"),
    "Float": lambda _, expr: repr(float(expr)),
    "Pi": lambda *_: "numpy.pi",
    "Exp1": lambda *_: "numpy.e",
}


def _array(codes: list[str], shape: tuple[int, ...]) -> str:
    """Code of an array with these entries; of a number for shape ()."""
    if shape == ():
        return codes[0]
    flat = f"np.array([{', '.join(codes)}])"
    return flat if len(shape) == 1 else f"{flat}.reshape({', '.join(map(str, shape))})"


def _unpacking(arguments: Arguments) -> list[str]:
    """The lines that take the arguments apart into the variables."""
    lines = []
    for name, symbols in arguments:
        source = python_name(name)
        if not symbols.size:
            continue
        if symbols.ndim:
            source = source if symbols.ndim == 1 else f"np.ravel({source})"
            comma = "," if symbols.size == 1 else ""
            lines.append(f"{', '.join(map(str, symbols.ravel()))}{comma} = {source}")
        elif str(symbols[()]) != source:
            lines.append(f"{symbols[()]} = {source}")
    return lines
