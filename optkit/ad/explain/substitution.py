"""Operations carried out on SymPy's symbols in place of numbers.

What moves numbers about (indexing, reshaping, sums, products of matrices) works on arrays of symbols as it stands; each
elementwise function has a counterpart in the table below.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from optkit.ad.explain.formula import Writer
from optkit.ad.explain.recorder import PICK, Node
from optkit.ad.primitives import Linear
from optkit.errors import NotDifferentiableError

# The counterparts of elementwise functions, as expressions of SymPy in their operands a and b.
_FUNCTIONS = {
    "add": "a + b", "subtract": "a - b", "multiply": "a*b", "strong_product": "a*b", "divide": "a/b",
    "negative": "-a", "positive": "a", "square": "a**2", "reciprocal": "1/a", "power": "a**b",
    "sqrt": "sqrt(a)", "cbrt": "sign(a)*Abs(a)**Rational(1, 3)",
    "exp": "exp(a)", "exp2": "2**a", "expm1": "exp(a) - 1",
    "log": "log(a)", "log2": "log(a)/log(2)", "log10": "log(a)/log(10)", "log1p": "log(1 + a)",
    "logaddexp": "log(exp(a) + exp(b))", "logaddexp2": "log(2**a + 2**b)/log(2)",
    "sin": "sin(a)", "cos": "cos(a)", "tan": "tan(a)", "arcsin": "asin(a)", "arccos": "acos(a)",
    "arctan": "atan(a)", "arctan2": "atan2(a, b)", "hypot": "sqrt(a**2 + b**2)",
    "sinh": "sinh(a)", "cosh": "cosh(a)", "tanh": "tanh(a)",
    "arcsinh": "asinh(a)", "arccosh": "acosh(a)", "arctanh": "atanh(a)",
    "deg2rad": "a*pi/180", "radians": "a*pi/180", "rad2deg": "a*180/pi", "degrees": "a*180/pi",
    "abs": "Abs(a)", "absolute": "Abs(a)", "sign": "sign(a)",
    "maximum": "Max(a, b)", "minimum": "Min(a, b)", "fmax": "Max(a, b)", "fmin": "Min(a, b)",
    "heaviside": "Piecewise((0, a < 0), (b, Eq(a, 0)), (1, True))",
    "copysign": "Piecewise((Abs(a), b >= 0), (-Abs(a), True))",
    "floor": "floor(a)", "ceil": "ceiling(a)", "trunc": "sign(a)*floor(Abs(a))",
    "floor_divide": "floor(a/b)", "remainder": "a - b*floor(a/b)",
    "fmod": "a - b*sign(a/b)*floor(Abs(a/b))",
    "less": "a < b", "less_equal": "a <= b", "greater": "a > b", "greater_equal": "a >= b",
    "equal": "Eq(a, b)", "not_equal": "Ne(a, b)", "isnan": "false", "isinf": "false", "isfinite": "true",
    "logical_and": "And(a, b)", "logical_or": "Or(a, b)", "logical_xor": "Xor(a, b)", "logical_not": "Not(a)",
    "conjugate": "a", "real": "a",
    "erf": "erf(a)", "erfc": "erfc(a)", "gamma": "gamma(a)", "gammaln": "loggamma(a)", "digamma": "digamma(a)",
    "expit": "1/(1 + exp(-a))", "logit": "log(a/(1 - a))", "xlogy": "a*log(b)",
}  # fmt: skip


def exact(constant: Any) -> Any:
    """A constant as SymPy has it: whole numbers, simple binary fractions and π exactly."""
    array = np.asarray(constant)
    if array.dtype.kind not in "biuf":
        raise NotDifferentiableError(
            f"ad.symbolic: the constant {constant!r} is not a real number or an array of them"
        )
    numbers = np.empty(array.shape, dtype=object)
    for index in np.ndindex(*array.shape):
        numbers[index] = _exact_number(array[index])
    return numbers if array.ndim else numbers[()]


def _exact_number(x: Any) -> Any:
    import sympy

    if isinstance(x, np.bool_):
        return sympy.true if x else sympy.false
    number = float(x)
    if not math.isfinite(number):
        return sympy.nan if number != number else sympy.oo if number > 0 else -sympy.oo
    if number == math.pi:
        return sympy.pi
    fraction = Fraction(number)
    if fraction.denominator <= 64:
        return sympy.Rational(fraction.numerator, fraction.denominator)
    return sympy.Float(number)


def carried_out(node: Node, known: dict[Node, Any]) -> Any:
    """The result of an operation on symbols."""
    primitive = node.primitive
    assert primitive is not None
    name = primitive.name
    if np.iscomplexobj(node.value):
        # The variables are declared real, and what SymPy derives from that is wrong of complex numbers between them.
        raise NotDifferentiableError(
            f"ad.symbolic: complex numbers have no counterpart in SymPy here, and np.{name} gives some"
        )
    operands = [known[x] if isinstance(x, Node) else x for x in node.operands]
    if name in _FUNCTIONS:
        if name == "not_equal" and _is_zero(operands[1]):
            return _conditions_of(operands[0])
        convert = _conditions_of if name.startswith("logical") else _numbers_of
        return _counterpart(name, len(operands))(*map(convert, operands))
    if name in _SPECIAL:
        return _SPECIAL[name](*operands, **node.params)
    if primitive is PICK:
        return primitive.impl(*operands, **node.params)
    if isinstance(primitive, Linear):
        symbols = [
            x if _is_index(primitive, i) else np.asarray(_numbers_of(x), dtype=object)
            for i, x in enumerate(operands)
        ]
        return primitive.impl(*symbols, **node.params)
    raise NotDifferentiableError(
        f"ad.symbolic: np.{name} has no counterpart in SymPy here; write {Writer()(node)} in terms of elementary "
        "functions"
    )


def _as_symbols(x: Any) -> Any:
    plain = isinstance(x, bool | int | float | np.generic)
    return exact(x) if plain or (isinstance(x, np.ndarray) and x.dtype != object) else x


def _is_zero(x: Any) -> bool:
    return isinstance(x, int) and x == 0


def _conditions_of(x: Any) -> Any:
    """Symbols as conditions: a number holds where it is not 0."""
    import sympy
    from sympy.logic.boolalg import Boolean

    # A symbol could stand for a truth value as well as for a number; ours are numbers.
    convert = np.frompyfunc(
        lambda e: e if isinstance(e, Boolean) and not e.is_Symbol else sympy.Ne(e, 0), 1, 1
    )
    return convert(_as_symbols(x))


def _numbers_of(x: Any) -> Any:
    """Symbols as numbers: a condition is 1 where it holds and 0 elsewhere."""
    import sympy
    from sympy.logic.boolalg import Boolean

    convert = np.frompyfunc(
        lambda e: (
            sympy.Piecewise((1, e), (0, True)) if isinstance(e, Boolean) and not e.is_Symbol else e
        ),
        1,
        1,
    )
    return convert(_as_symbols(x))


def _is_index(primitive: Any, i: int) -> bool:
    """Whether an operand of a linear operation is an index array, which stays as it is."""
    return primitive.name in ("gather", "update", "scatter_add") and i >= (
        2 if primitive.name == "update" else 1
    )


@functools.cache
def _counterpart(name: str, count: int) -> Any:
    """A function of the table, to be called with symbols or arrays of them."""
    import sympy

    a, b = sympy.symbols("a b", real=True)
    text = _FUNCTIONS[name]
    function = eval(  # of the table above, nothing else
        f"lambda {', '.join('ab'[:count])}: {text}", {**vars(sympy), "a": a, "b": b}
    )
    return np.frompyfunc(function, count, 1)


def _where(mask: Any, a: Any, b: Any) -> Any:
    import sympy

    choose = np.frompyfunc(lambda m, x, y: sympy.Piecewise((x, m), (y, True)), 3, 1)
    return choose(_conditions_of(mask), _numbers_of(a), _numbers_of(b))


def _extremum(kind: str) -> Callable[..., Any]:
    def extremum(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
        import sympy

        pairwise: Any = np.frompyfunc(getattr(sympy, kind), 2, 1)
        for i in sorted(axis, reverse=True):
            x = pairwise.reduce(x, axis=i, keepdims=keepdims)
        return x

    return extremum


def _variance(x: Any, axis: tuple[int, ...], keepdims: bool, ddof: float) -> Any:
    x = np.asarray(_numbers_of(x), dtype=object)
    count = math.prod(x.shape[i] for i in axis)
    mean = np.sum(x, axis=axis, keepdims=True) / exact(count)
    return np.sum((x - mean) ** 2, axis=axis, keepdims=keepdims) / exact(count - ddof)


def _quantified(kind: str) -> Callable[..., Any]:
    def quantified(x: Any, axis: Any = None, *others: Any, **params: Any) -> Any:
        import sympy

        if axis is not None or others or params:
            raise NotDifferentiableError(
                "ad.symbolic: np.all and np.any along an axis have no counterpart in SymPy here"
            )
        return getattr(sympy, kind)(*np.ravel(_conditions_of(x)))

    return quantified


def _product(x: Any, axis: tuple[int, ...], keepdims: bool = False) -> Any:
    return np.prod(x, axis=axis, keepdims=keepdims)


def _of_matrix(method: str) -> Callable[..., Any]:
    def of_matrix(a: Any, *others: Any) -> Any:
        import sympy

        if np.ndim(a) != 2:
            raise NotDifferentiableError(f"ad.symbolic: np.linalg.{method} of one matrix at a time")
        matrix = sympy.Matrix(_as_symbols(a))
        if method == "slogdet":
            return sympy.sign(matrix.det()), sympy.log(sympy.Abs(matrix.det()))
        if method == "det":
            return matrix.det()
        if method == "inv":
            return np.array(matrix.inv(), dtype=object)
        right = _as_symbols(others[0])
        solved = np.array(matrix.inv() * sympy.Matrix(right), dtype=object)
        return solved.reshape(np.shape(right))

    return of_matrix


_SPECIAL: dict[str, Callable[..., Any]] = {
    "constant": lambda value: exact(value),
    "where": _where,
    "max": _extremum("Max"),
    "min": _extremum("Min"),
    "all": _quantified("And"),
    "any": _quantified("Or"),
    "prod": _product,
    "var": _variance,
    "slogdet": _of_matrix("slogdet"),
    "det": _of_matrix("det"),
    "inv": _of_matrix("inv"),
    "solve": _of_matrix("solve"),
    "astype": lambda x, **_: x,  # a symbol is no more and no less precise
    "copy": lambda x, **_: x,
}
