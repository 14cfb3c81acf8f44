"""The rules by family. Importing this package declares them all."""

from optkit.ad.rules import (
    decompositions,
    elementwise,
    fft,
    index,
    linalg,
    matrix_functions,
    norms,
    products,
    reduce,
    shape,
    sparse,
    systems,
)

__all__ = [
    "decompositions",
    "elementwise",
    "fft",
    "index",
    "linalg",
    "matrix_functions",
    "norms",
    "products",
    "reduce",
    "shape",
    "sparse",
    "systems",
]
