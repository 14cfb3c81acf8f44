"""exp and tanh for numba kernels that LLVM turns into vector instructions; it does not do so with libm's.

Used by the gradients written by hand. Import only where numba is there.
"""

from __future__ import annotations

import math
from typing import Any

import numba
from llvmlite import ir
from numba.extending import intrinsic

# How the gradients written by hand are compiled: sums may be reordered and products fused, NaN and inf behave, and no
# division is tested for zero, which would keep its loop from becoming vectors.
fast = numba.njit(fastmath={"reassoc", "contract", "nsz", "arcp"}, error_model="numpy")


@intrinsic
def _bits(_context: Any, x: Any) -> Any:
    def generate(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return numba.int64(x), generate


@intrinsic
def _from_bits(_context: Any, x: Any) -> Any:
    def generate(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return numba.float64(x), generate


_LOG2_E = 1.0 / math.log(2.0)
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
# Adding this rounds to an integer, which then stands in the lowest bits.
_ROUND = 6755399441055744.0  # 1.5 · 2⁵²


@numba.njit(fastmath={"contract"}, error_model="numpy")  # reordered sums would undo the rounding
def exp(x: float) -> float:
    """e^x to about an ulp for |x| < 700: x = k ln 2 + r with |r| ≤ ½ ln 2, and e^r by its Taylor polynomial."""
    z = x * _LOG2_E + _ROUND
    k = z - _ROUND
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    # Even and odd powers apart: two short chains of products run beside each other.
    s = r * r
    even = 1 / 3628800 + s * (1 / 479001600)
    odd = 1 / 39916800 + s * (1 / 6227020800)
    even = 1 / 40320 + s * even
    odd = 1 / 362880 + s * odd
    even = 1 / 720 + s * even
    odd = 1 / 5040 + s * odd
    even = 1 / 24 + s * even
    odd = 1 / 120 + s * odd
    even = 0.5 + s * even
    odd = 1 / 6 + s * odd
    even = 1.0 + s * even
    odd = 1.0 + s * odd
    p = even + r * odd
    return p * _from_bits((_bits(z) + 1023) << 52)


@numba.njit(fastmath={"contract"}, error_model="numpy")
def tanh(x: float) -> float:
    """tanh x to about 2e-16 absolutely, not relatively, for |x| < 350."""
    return 1.0 - 2.0 / (exp(2.0 * x) + 1.0)
