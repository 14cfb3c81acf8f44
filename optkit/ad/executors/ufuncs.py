"""Which primitives are ufuncs, and what the others that executors know are called."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from optkit.ad.primitives import Primitive
from optkit.ad.registry import FUNCTIONS
from optkit.ad.rules import elementwise as rules


@functools.cache
def ufuncs() -> dict[Primitive, np.ufunc]:
    """The ufunc behind each elementwise primitive that is one."""
    found: dict[Primitive, np.ufunc] = {
        primitive: function
        for function, primitive in FUNCTIONS.items()
        if isinstance(function, np.ufunc)
        and function.signature is None  # A matrix product is a ufunc, too, but not elementwise.
        and isinstance(primitive, Primitive)
    }
    named: dict[Any, np.ufunc] = {
        rules.power: np.power,
        rules.abs_real: np.absolute,
        rules.sign_real: np.sign,
    }
    return found | named
