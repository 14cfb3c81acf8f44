"""What a workload is: one function of a user, the derivative wanted of it, and the goals for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Function = Callable[..., Any]

EAGER, COMPILED = "optkit", "optkit compiled"

# In the order of the columns.
PEERS = [
    EAGER,
    COMPILED,
    "NumPy",
    "numba",
    "autograd",
    "JAX",
    "torch",
    "torch.compile",
    "CasADi",
    "CasADi C",
]
# Those whose first call compiles.
COMPILERS = [COMPILED, "numba", "JAX", "torch.compile", "CasADi C"]


class NotThereError(Exception):
    """A peer cannot take part; the message says why."""


@dataclass(frozen=True)
class Goal:
    """``who`` takes at most ``ratio`` times the time of one of the ``peers``."""

    who: str
    ratio: float
    peers: tuple[str, ...]


def eager(ratio: float, *peers: str) -> Goal:
    return Goal(EAGER, ratio, peers)


def compiled(ratio: float, *peers: str) -> Goal:
    return Goal(COMPILED, ratio, peers)


@dataclass(frozen=True)
class FirstCall:
    """What the first call of the compiled function, compilation included, may take."""

    seconds: float | None = None
    of_jax: float | None = None


@dataclass(frozen=True)
class Workload:
    """One line of the table.

    ``function`` is what a user wrote, with ``import numpy as np``; ``operator`` names the derivative of it that is
    measured ("value_and_grad", "grad", "jacobian", "hessian" or "hvp"), ``argnums`` the arguments it is taken with
    respect to, and ``inputs`` are the arguments of the derivative. Where a peer cannot take the user's function as it
    stands, or has none, ``makers`` gives a function that makes the peer's own: the gradients written by hand, the
    graphs of CasADi. A maker imports what it needs, and raises ImportError or `NotThereError` where that is missing.
    """

    key: str
    title: str
    function: Function
    operator: str
    inputs: tuple[Any, ...]
    makers: Mapping[str, Callable[[], Function]]
    argnums: int | tuple[int, ...] = 0
    goals: tuple[Goal, ...] = ()
    first_call: FirstCall | None = None
    without: Mapping[str, str] = field(default_factory=dict)  # peer → why it is left out
