"""What backends of other packages share: they are imported on first use, and errors say how functions are written."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from optkit.ad.backends.base import Backend, Function
from optkit.errors import BackendError


class FrameworkBackend(Backend):
    """A backend that hands the work to another package.

    Attributes
    ----------
    package : str
        The package to import.
    extra : str
        The extra of optkit that installs it.
    arrays : str
        What functions are called with and how they are written, for error messages.
    """

    package: str
    extra: str
    arrays: str
    accuracy = (1e-12, 1e-11)
    takes_numpy = False

    @property
    def name(self) -> str:
        return self.extra

    @property
    def install(self) -> str:  # type: ignore[override]  # derived here
        return f"pip install 'optkit[{self.extra}]'"

    def available(self) -> bool:
        return importlib.util.find_spec(self.package) is not None

    def load(self, module: str = "") -> Any:
        """The package, or a module of it."""
        try:
            return importlib.import_module(module or self.package)
        except ImportError as error:
            raise BackendError(
                f"backend {self.name!r} needs the package {self.package}, which cannot be imported ({error}); "
                f"{self.install}"
            ) from error

    def watched(self, f: Function) -> Function:
        """``f``; an error in it tells what it was called with."""

        def called(x: Any) -> Any:
            try:
                return f(x)
            except Exception as error:
                error.add_note(f"backend {self.name!r} calls the function with {self.arrays}")
                raise

        return called
