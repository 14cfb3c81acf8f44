"""The rules by family. Importing this package declares them all."""

from optkit.ad.rules import (
    calculus,
    elementwise,
    index,
    linalg,
    loops,
    nan_functions,
    padding,
    placing,
    polynomials,
    products,
    questions,
    ranges,
    reduce,
    shape,
    sorting,
    statistics,
)

__all__ = [
    "calculus",
    "elementwise",
    "index",
    "linalg",
    "loops",
    "nan_functions",
    "padding",
    "placing",
    "polynomials",
    "products",
    "questions",
    "ranges",
    "reduce",
    "shape",
    "sorting",
    "statistics",
]
