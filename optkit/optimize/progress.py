"""Callbacks that show how a solve is getting on; the library itself never prints."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self, TextIO

from optkit.optimize.state import State
from optkit.optimize.validation import norm


class Progress:
    r"""A callback that keeps one line up to date: iteration, value, gradient norm.

    With tqdm installed it is a bar of tqdm's, otherwise a line of text.

    Parameters
    ----------
    total : int, optional
        Iterations that are expected, such as ``max_iter``.
    every : float
        Seconds between two updates of the line of text.
    file : text stream, optional
        Where to write; standard error by default.
    bar : bool, optional
        True demands tqdm, False forbids it.

    Examples
    --------
    >>> import io, numpy as np, optkit
    >>> text = io.StringIO()
    >>> with optkit.optimize.Progress(file=text, every=0.0, bar=False) as progress:
    ...     result = optkit.minimize(lambda x: np.sum((x - 1.0) ** 2), [3.0], method="bfgs", callback=progress)
    >>> text.getvalue().split("\r")[1].split()[:2]
    ['iteration', '1']
    """

    def __init__(
        self,
        total: int | None = None,
        *,
        every: float = 0.2,
        file: TextIO | None = None,
        bar: bool | None = None,
    ) -> None:
        self.every, self.file = every, sys.stderr if file is None else file
        self.written, self.last = 0, -float("inf")
        self.bar: Any = None
        if bar is not False:
            try:
                from tqdm import tqdm
            except ImportError:
                if bar:
                    raise
            else:
                self.bar = tqdm(total=total, file=self.file, unit="it", leave=True)

    def __call__(self, state: State) -> None:
        values = {"f": f"{state.fun:.6g}", "‖g‖": f"{norm(state.grad):.2g}"}
        if self.bar is not None:
            self.bar.set_postfix(values, refresh=False)
            self.bar.update(1)
            return
        now = time.perf_counter()
        if now - self.last < self.every and state.verdict is None:
            return
        self.last = now
        text = f"iteration {state.iteration}  " + "  ".join(f"{k} {v}" for k, v in values.items())
        self.file.write("\r" + text.ljust(self.written))
        self.file.flush()
        self.written = len(text)

    def close(self) -> None:
        """End the line."""
        if self.bar is not None:
            self.bar.close()
        elif self.written:
            self.file.write("\n")
            self.written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
