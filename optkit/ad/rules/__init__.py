"""The rules by family. Importing this package declares them all."""

from optkit.ad.rules import (
    decompositions,
    elementwise,
    fft,
    index,
    linalg,
    norms,
    products,
    reduce,
    shape,
)

__all__ = [
    "decompositions",
    "elementwise",
    "fft",
    "index",
    "linalg",
    "norms",
    "products",
    "reduce",
    "shape",
]
