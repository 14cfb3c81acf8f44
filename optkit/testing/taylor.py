"""The Taylor remainder test: how fast f(x + t v) departs from what its derivatives predict.

With u a weight for each output and v a direction, φ(t) = u·f(x + t v). The remainders

    R₁(t) = |φ(t) − φ(0) − t u·J v|,        R₂(t) = |φ(t) − φ(0) − t u·J v − t²/2 u·vᵀH v|

shrink like t² and like t³ when J and H are right, and like t and like t² when they are not: on logarithmic axes a
straight line of that slope. The slope is read off where the remainders are small but still above the noise of φ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STEPS = 0.11 * 2.0 ** -np.arange(20.0)
# A remainder counts when it is so many times the noise; a slope is read from so many ratios of successive ones.
_ABOVE = 30.0
_RATIOS = 3
# A slope that is off by less is that of a right derivative.
_SHORT = 0.5


@dataclass(frozen=True)
class TaylorRemainder:
    """The remainders of one expansion along one direction.

    Attributes
    ----------
    derivative : str
        The highest derivative that it uses: ``"gradient"``, ``"Jacobian"`` or ``"Hessian"``.
    expected : int
        The slope of a right derivative: 2, with the Hessian 3.
    steps, remainders, noise : arrays of shape (k,)
        t, R(t), and what of R(t) is rounding and noise.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit.testing import gradcheck
    >>> (remainder,) = gradcheck(lambda x: np.sum(np.exp(x)), np.ones(2)).taylor
    >>> round(remainder.slope, 1), remainder.ok
    (2.0, True)
    """

    derivative: str
    expected: int
    steps: Array
    remainders: Array
    noise: Array

    @property
    def visible(self) -> NDArray[np.bool_]:
        """Which remainders are finite and above the noise."""
        visible: NDArray[np.bool_] = np.isfinite(self.remainders) & (
            self.remainders > _ABOVE * self.noise
        )
        return visible

    @property
    def slope(self) -> float | None:
        """The slope at the small end; None where there is too little above the noise to read it."""
        seen = self.visible
        last = np.flatnonzero(seen[1:] & seen[:-1])[-_RATIOS:]
        if last.size < _RATIOS:
            return None
        return float(np.median(np.log2(self.remainders[last] / self.remainders[last + 1])))

    @property
    def ok(self) -> bool:
        """Whether the slope is what it is expected to be, or cannot be read."""
        return self.slope is None or self.slope > self.expected - _SHORT

    def __str__(self) -> str:
        name = f"Taylor remainder with the {self.derivative}"
        if self.slope is None:
            return f"{name}: as small as rounding"
        return f"{name}: slope {self.slope:.2f}, {self.expected} for a right one"


def remainders(
    phi: Callable[[float], float], slope: float, curvature: float | None, names: tuple[str, str]
) -> tuple[TaylorRemainder, ...]:
    """The remainders of the first order and, where a ``curvature`` is given, of the second.

    Parameters
    ----------
    phi : callable
        φ, a number for a number.
    slope, curvature : float
        φ′(0) and φ″(0), as the derivatives under test say.
    names : tuple of str
        What the first and the second derivative are called.
    """
    with np.errstate(all="ignore"):
        center = phi(0.0)
        values = np.array([phi(float(t)) for t in _STEPS])
        change = values - center
        eps = float(np.finfo(np.float64).eps)
        noise = eps * (np.abs(values) + np.abs(center)) + eps * np.abs(_STEPS * slope)
        found = [
            TaylorRemainder(names[0], 2, _STEPS, np.abs(change - _STEPS * slope), noise),
        ]
        if curvature is not None:
            rest = np.abs(change - _STEPS * slope - 0.5 * _STEPS**2 * curvature)
            found.append(TaylorRemainder(names[1], 3, _STEPS, rest, noise))
    return tuple(found)


def draw(found: tuple[TaylorRemainder, ...], ax: Any = None) -> Any:
    """Draw remainders on logarithmic axes, each beside the line of the slope that it should have.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if ax is None:
        import matplotlib.figure

        figure = matplotlib.figure.Figure(figsize=(5.5, 4.0), layout="constrained")
        ax = figure.subplots()
    for k, (taylor, marker) in enumerate(zip(found, "os", strict=False)):
        slope = "" if taylor.slope is None else f": slope {taylor.slope:.2f}"
        color = ("#0072B2", "#D55E00")[k]  # told apart by those who see colours differently
        shown = np.where(taylor.remainders > 0.0, taylor.remainders, np.nan)
        label = f"with the {taylor.derivative}{slope}"
        ax.loglog(
            taylor.steps, shown, marker=marker, markersize=4, linewidth=1, color=color, label=label
        )
        if np.any(taylor.visible):
            first = int(np.flatnonzero(taylor.visible)[0])
            line = shown[first] * (taylor.steps / taylor.steps[first]) ** taylor.expected
            ax.loglog(
                taylor.steps, line, "--", linewidth=1, color=color, alpha=0.6,
                label=f"slope {taylor.expected}",
            )  # fmt: skip
    if found:
        ax.fill_between(
            found[0].steps,
            np.maximum(found[0].noise, 1e-300),
            1e-300,
            color="0.9",
            label="rounding",
        )
        drawn = [r for t in found for r in t.remainders if np.isfinite(r) and r > 0.0]
        floor = float(np.min(np.maximum(found[0].noise, 1e-300)))
        ax.set_ylim(min([floor, *drawn]) / 3.0, max([floor, *drawn]) * 3.0)
    ax.set(xlabel="step t along a random direction", ylabel="Taylor remainder")
    ax.legend(fontsize="small")
    return ax
