"""Who is there, who could be, and how to install it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from optkit.ad.backends.registry import BUILT_IN, REGISTERED, plug_ins, provider


@dataclass(frozen=True)
class Listed:
    """One name that ``backend=`` takes.

    Attributes
    ----------
    name : str
        The name.
    ready : bool
        Whether it can be used now. A plug-in is listed without being imported, so it counts as ready.
    source : str
        Who provides it: ``"built in"``, ``"registered"``, or a package with its version.
    about : str
        What it is for, or how to install it.
    """

    name: str
    ready: bool
    source: str
    about: str


class BackendList(tuple[Listed, ...]):
    """The backends that `optkit.backends` found; it prints as a table.

    Examples
    --------
    >>> import optkit
    >>> [row.name for row in optkit.backends() if row.name.startswith("native")]
    ['native', 'native:forward', 'native:reverse']
    """

    __slots__ = ()

    def __str__(self) -> str:
        width = max((len(row.name) for row in self), default=0)
        lines = []
        for title, ready in (("ready", True), ("not installed", False)):
            rows = [row for row in self if row.ready is ready]
            if rows:
                lines.append(f"{title}:")
            for row in rows:
                source = "" if row.source == "built in" else f"  [{row.source}]"
                lines.append(f"  {row.name:<{width}}  {row.about}{source}".rstrip())
        return "\n".join(lines)

    __repr__ = __str__


def backends() -> BackendList:
    """The differentiation backends that are there, and those that could be, with the line that installs them.

    Nothing is imported for it: packages are looked for, and plug-ins (entry points of the group ``optkit.backends``)
    are read from the metadata of what is installed.

    Returns
    -------
    BackendList
        A tuple of rows with ``name``, ``ready``, ``source`` and ``about``; it prints as a table.

    Examples
    --------
    >>> import optkit
    >>> optkit.backends()
    ready:
      native ...
    """
    return BackendList(_rows())


def _rows() -> Iterator[Listed]:
    points = plug_ins()
    for row in BUILT_IN:
        if row.name not in REGISTERED:
            about = row.purpose
            if not row.installed:
                about += f": pip install 'optkit[{row.extra}]'"
            yield Listed(row.name, row.installed, "built in", about)
    for name in REGISTERED:
        yield Listed(name, True, "registered", "made by register_backend")
    taken = {row.name for row in BUILT_IN} | set(REGISTERED)
    for point in points:
        about = f"plug-in {point.value}"
        if point.name in taken:
            about += ", hidden: the name is taken"
        yield Listed(point.name, point.name not in taken, provider(point), about)
