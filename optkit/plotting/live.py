"""A picture that is drawn anew while a solve runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from optkit.optimize.result import History, Iteration, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Drawing may take this part of the time at most, and happens this many seconds apart at least.
_SHARE, _INTERVAL = 0.2, 0.1


class LivePlot:
    """A callback for `optkit.minimize` that draws the convergence while the solve runs.

    Made by ``plot_convergence(live=True)``. In a window (an interactive backend of Matplotlib) the figure is updated in
    place, in a notebook with inline figures below the cell; elsewhere only the axes are. Drawing takes a fifth of the
    time at most.

    Attributes
    ----------
    ax : matplotlib Axes
        What is drawn on.
    history : History
        The iterations seen so far; the start itself is not among them.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> live = optkit.plot_convergence(live=True, y="gradient")
    >>> result = optkit.minimize(lambda x: np.sum((x - 1.0) ** 4), np.zeros(2), callback=live)
    >>> len(live.history) == result.nit, live.ax.get_yscale()
    (True, 'log')
    """

    def __init__(self, ax: Axes, before: dict[str, Any], options: dict[str, Any]) -> None:
        self.ax = ax
        self.history = History()
        self._before = before
        self._options = options
        self._started = time.perf_counter()
        self._next = 0.0
        self._screen = _Screen(ax)

    def __call__(self, state: Any) -> None:
        """Take note of an iteration, and draw when it is time."""
        now = time.perf_counter() - self._started
        gradient = float(np.linalg.norm(np.ravel(state.grad)))
        number = len(self.history) + 1
        steps = float(state.step_norm), float(state.step_size)
        self.history.append(Iteration(number, float(state.fun), gradient, *steps, 0, now, None))
        verdict = getattr(state, "verdict", None)
        if now >= self._next or verdict is not None:
            self.draw(finished=verdict is not None)
            after = time.perf_counter() - self._started
            self._next = after + max(_INTERVAL, (after - now) * (1.0 - _SHARE) / _SHARE)

    def draw(self, *, finished: bool = True) -> Axes:
        """Draw what has been seen so far; called by itself while the solve runs.

        A solve that is ended by a limit says nothing at its end: call this to see its last iterations.
        """
        from optkit.plotting.convergence import plot_convergence

        run = Result(method="this solve", success=finished, history=self.history)
        if np.any(np.isfinite(self.history.fun)):
            self.ax.clear()
            name = "this solve" if finished else "running"
            plot_convergence({**self._before, name: run}, ax=self.ax, **self._options)
            self._screen.show()
        return self.ax


class _Screen:
    """Where the figure is seen: a window, a notebook, or nowhere."""

    def __init__(self, ax: Axes) -> None:
        self._figure: Any = ax.figure
        self._handle: Any = None

    def show(self) -> None:
        import matplotlib as mpl
        import matplotlib.pyplot as plt

        if "inline" in mpl.get_backend():
            self._show_in_notebook()
        elif getattr(self._figure.canvas, "required_interactive_framework", None):
            plt.show(block=False)
            self._figure.canvas.draw_idle()
            self._figure.canvas.flush_events()

    def _show_in_notebook(self) -> None:
        import matplotlib.pyplot as plt
        from IPython.display import display

        if self._handle is None:
            self._handle = display(self._figure, display_id=True)
            plt.close(self._figure)  # or it would be shown once more at the end of the cell
        else:
            self._handle.update(self._figure)
