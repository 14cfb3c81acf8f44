"""How a compiled function is called, as far as its executor has to know."""

from __future__ import annotations

from typing import NamedTuple

from optkit.ad.tree import Structure


class CallForm(NamedTuple):
    """The form of calls with positional arguments that are arrays and floats, one for each input of the graph.

    Attributes
    ----------
    structure : Structure or None
        Of the result.
    leaves : int
        How many leaves the result has, computed or not.
    numbers : frozenset of int
        Which arguments are Python's floats.
    """

    structure: Structure | None
    leaves: int
    numbers: frozenset[int]
