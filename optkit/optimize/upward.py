"""The doors from this room to rooms above it: what a user reaches *through* a driver or a result.

Imports point from the adapters and the plots to the optimizers, never back. ``method="scipy:…"`` and
``result.plot()`` are conveniences that go against that direction, so they look the room up by name, on first use,
and here only: the optimizers stay importable, testable and complete without either room, and Matplotlib is not
imported before a plot is.
"""

from __future__ import annotations

import importlib
from typing import Any

_ROOMS = {
    "scipy": "optkit.adapters.scipy",
    "scipy-residuals": "optkit.adapters.scipy_residuals",
    "plotting": "optkit.plotting",
}


def room_above(name: str) -> Any:
    """The module behind one of the doors."""
    return importlib.import_module(_ROOMS[name])
