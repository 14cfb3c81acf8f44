"""The rules by family. Importing this package declares them all."""

from optkit.ad.rules import elementwise, index, linalg, products, reduce, shape

__all__ = ["elementwise", "index", "linalg", "products", "reduce", "shape"]
