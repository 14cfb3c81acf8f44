"""The computation graph of a function, drawn: as SVG, as DOT for Graphviz, on Matplotlib's axes."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from optkit.ad.explain.formula import Writer, shown, subscripted, variable
from optkit.ad.explain.layout import Layout, Point, arrange
from optkit.ad.explain.recorder import Node, Record, record
from optkit.errors import InvalidInputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More than this is no picture any longer.
_MOST_NODES = 300
# Sizes in points: of a letter (on the average), of a line, around the text, around everything.
_LETTER, _LINE, _PADDING, _MARGIN = 6.6, 15.0, 9.0, 12.0
_FONT_SIZE = 11.0
# Fill and edge of an input, an operation, a result; light shades of colours by Okabe and Ito.
_STYLES = {
    "input": ("#DCEBF7", "#0072B2"),
    "operation": ("#FFFFFF", "#5A5A5A"),
    "result": ("#FBE6D4", "#D55E00"),
}


@dataclass(frozen=True)
class Vertex:
    """One node of a drawing: what it is, and the lines of text in it."""

    kind: str
    lines: tuple[str, ...]
    layer: int


@dataclass(frozen=True)
class GraphDrawing:
    """The graph of a computation; a notebook shows it.

    Attributes
    ----------
    vertices : tuple of Vertex
        The nodes, inputs first.
    edges : tuple of (int, int)
        From operand to operation, by their positions among the nodes.

    Examples
    --------
    >>> from optkit import ad
    >>> drawing = ad.draw_graph(lambda x, y: x * y + x, 2.0, 3.0)
    >>> [vertex.lines[0] for vertex in drawing.vertices]
    ['v₋₁ = x', 'v₀ = y', 'v₁ = v₋₁ × v₀', 'v₂ = v₁ + v₋₁', 'y = v₂']
    >>> drawing.edges
    ((0, 2), (1, 2), (2, 3), (0, 3), (3, 4))
    >>> print(drawing.to_dot().splitlines()[0])
    digraph {
    """

    vertices: tuple[Vertex, ...]
    edges: tuple[tuple[int, int], ...]

    @cached_property
    def layout(self) -> Layout:
        """Where everything stands, in points."""
        widths = [self._width(vertex) for vertex in self.vertices]
        return arrange([v.layer for v in self.vertices], self.edges, widths, self._height)

    @staticmethod
    def _width(vertex: Vertex) -> float:
        return max(map(len, vertex.lines)) * _LETTER + 2 * _PADDING

    @property
    def _height(self) -> float:
        return max(len(vertex.lines) for vertex in self.vertices) * _LINE + _PADDING

    # --- as text ------------------------------------------------------------------------------------------------------

    def to_dot(self) -> str:
        """The graph in the language DOT, for Graphviz and its kin."""
        lines = ["digraph {", '  node [shape=box, style="rounded,filled", fontname="sans-serif"]']
        for i, vertex in enumerate(self.vertices):
            fill, edge = _STYLES[vertex.kind]
            text = "\\n".join(
                line.replace("\\", "\\\\").replace('"', '\\"') for line in vertex.lines
            )
            lines.append(f'  n{i} [label="{text}", fillcolor="{fill}", color="{edge}"]')
        lines += [f"  n{a} -> n{b}" for a, b in self.edges]
        return "\n".join([*lines, "}"])

    def to_svg(self) -> str:
        """The picture as SVG, which stands by itself in a file or in a page."""
        layout, height = self.layout, self._height
        width, depth = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{depth:.0f}" '
            f'viewBox="{-_MARGIN:.1f} {-_MARGIN:.1f} {width:.1f} {depth:.1f}" role="img" '
            f'font-family="DejaVu Sans, Verdana, sans-serif" font-size="{_FONT_SIZE:g}">',
            "<title>computation graph</title>",
            f'<rect x="{-_MARGIN:.1f}" y="{-_MARGIN:.1f}" width="{width:.1f}" height="{depth:.1f}" fill="#FFFFFF"/>',
        ]
        for course in layout.courses:
            path = " ".join(
                f"{letter} " + ", ".join(f"{x:.1f} {y:.1f}" for x, y in points)
                for letter, points in _curve(course)
            )
            parts.append(f'<path d="{path}" fill="none" stroke="#5A5A5A" stroke-width="1.1"/>')
            tip = " ".join(f"{x:.1f},{y:.1f}" for x, y in _arrowhead(course))
            parts.append(f'<polygon points="{tip}" fill="#5A5A5A"/>')
        for vertex, (x, y) in zip(self.vertices, layout.positions, strict=True):
            parts.append(self._box(vertex, x, y, height))
        return "\n".join([*parts, "</svg>"])

    def _box(self, vertex: Vertex, x: float, y: float, height: float) -> str:
        fill, edge = _STYLES[vertex.kind]
        width = self._width(vertex)
        box = (
            f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'rx="6" fill="{fill}" stroke="{edge}" stroke-width="1.3"/>'
        )
        texts = [
            f'<text x="{x:.1f}" y="{y + offset + 0.35 * _FONT_SIZE:.1f}" text-anchor="middle" '
            f'fill="{ink}">{html.escape(line)}</text>'
            for line, offset, ink in _lines(vertex)
        ]
        return "\n".join([box, *texts])

    def _repr_svg_(self) -> str:
        return self.to_svg()

    # --- on axes ------------------------------------------------------------------------------------------------------

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the graph on Matplotlib's axes, by default in a new figure of the size that it needs."""
        from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
        from matplotlib.path import Path

        layout, height = self.layout, self._height
        width, depth = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
        if ax is None:
            import matplotlib.pyplot as plt

            figure = plt.figure(figsize=(max(width, 120.0) / 72, depth / 72))
            ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        ax.set_xlim(-_MARGIN, layout.width + _MARGIN)
        ax.set_ylim(layout.height + _MARGIN, -_MARGIN)
        ax.set_aspect("equal")
        ax.set_axis_off()
        size = _FONT_SIZE * _scale(ax, width, depth)
        codes = {"M": [Path.MOVETO], "C": [Path.CURVE4] * 3}
        for course in layout.courses:
            curve = _curve(course)
            vertices = [point for _, points in curve for point in points]
            path = Path(vertices, [code for letter, _ in curve for code in codes[letter]])
            ax.add_patch(PathPatch(path, fill=False, edgecolor="#5A5A5A", linewidth=1.0))
            ax.add_patch(Polygon(_arrowhead(course), closed=True, color="#5A5A5A", linewidth=0.0))
        for vertex, (x, y) in zip(self.vertices, layout.positions, strict=True):
            fill, edge = _STYLES[vertex.kind]
            w = self._width(vertex)
            corner = (x - w / 2, y - height / 2)
            box = FancyBboxPatch(corner, w, height, boxstyle="round,pad=0,rounding_size=6")
            box.set(facecolor=fill, edgecolor=edge, linewidth=1.2)
            ax.add_patch(box)
            for line, offset, ink in _lines(vertex):
                text = ax.text(x, y + offset, line, color=ink, fontsize=size, parse_math=False)
                text.set(ha="center", va="center_baseline", family="DejaVu Sans")
        return ax


def _lines(vertex: Vertex) -> list[tuple[str, float, str]]:
    """The lines of text in a box, with their distance from its centre and their colour."""
    middle = (len(vertex.lines) - 1) / 2
    return [
        (line, (i - middle) * _LINE, "#1A1A1A" if i == 0 else "#5A5A5A")
        for i, line in enumerate(vertex.lines)
    ]


def _scale(ax: Axes, width: float, depth: float) -> float:
    """How large a point of the layout is on the axes, in points of the figure."""
    box = ax.get_position()
    inches = ax.figure.get_size_inches()  # type: ignore[union-attr]
    return float(min(box.width * inches[0] * 72 / width, box.height * inches[1] * 72 / depth))


def _curve(course: list[Point]) -> list[tuple[str, list[Point]]]:
    """A course as a smooth curve of cubic arcs that leaves and enters vertically and nowhere overshoots.

    The slopes x′(y) at the bends are harmonic means of those of the chords (F. N. Fritsch, J. Butland, SIAM Journal on
    Scientific and Statistical Computing 5, 1984).
    """
    chords = [(x1 - x0) / (y1 - y0) for (x0, y0), (x1, y1) in pairwise(course)]
    bends = [2 * a * b / (a + b) if a * b > 0 else 0.0 for a, b in pairwise(chords)]
    slopes = [0.0, *bends, 0.0]
    pieces: list[tuple[str, list[Point]]] = [("M", [course[0]])]
    for (x0, y0), (x1, y1), a, b in zip(course, course[1:], slopes, slopes[1:], strict=False):
        # A longer reach where a chord ends vertically rounds the corner off.
        reach = (y1 - y0) / 2 if a == b == 0.0 else (y1 - y0) / 3
        arc = [(x0 + a * reach, y0 + reach), (x1 - b * reach, y1 - reach), (x1, y1)]
        pieces.append(("C", arc))
    return pieces


def _arrowhead(course: list[Point]) -> list[Point]:
    x, y = course[-1]
    return [(x, y), (x - 3.2, y - 7.0), (x + 3.2, y - 7.0)]


def draw_graph(
    f: Callable[..., Any],
    *args: Any,
    shapes: bool = False,
    values: bool = False,
    argnums: int | tuple[int, ...] | None = None,
    digits: int = 4,
) -> GraphDrawing:
    """The graph of what a function computes: its operations, and what each works on.

    Parameters
    ----------
    f : callable
        Written in plain NumPy.
    *args : numbers, arrays, or containers of them
        Where it is evaluated.
    shapes, values : bool
        Whether the nodes show the shapes and kinds of their arrays, and their values (of large arrays the range).
    argnums : int or tuple of int, optional
        The arguments that are inputs; the others are constants. By default all are inputs.
    digits : int
        Significant digits of values and constants.

    Returns
    -------
    GraphDrawing
        Shown by notebooks; has ``to_svg()``, ``to_dot()`` and ``plot(ax)``.

    Raises
    ------
    InvalidInputError
        When there are more than 300 nodes.

    Notes
    -----
    The layers are the depths, as in `trace_table`, and the names the same. The layout is that of K. Sugiyama, S.
    Tagawa, M. Toda, IEEE Transactions on Systems, Man, and Cybernetics 11 (1981).

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> drawing = ad.draw_graph(lambda x: np.sum(np.sin(x) ** 2), np.zeros(3), shapes=True)
    >>> [vertex.lines for vertex in drawing.vertices][-2:]
    [('v₃ = sum v₂', 'float64'), ('y = v₃', 'float64')]
    >>> drawing.to_svg().startswith("<svg")
    True
    """
    run = record(f, args, argnums, "draw_graph")
    nodes = run.used()
    if len(nodes) > _MOST_NODES:
        raise InvalidInputError(
            f"ad.draw_graph: the graph has {len(nodes)} nodes, and nobody reads a picture of more than {_MOST_NODES}; "
            "give it a smaller problem, or a part of the function"
        )
    return _drawing(run, nodes, shapes, values, digits)


def _drawing(
    run: Record, nodes: list[Node], shapes: bool, values: bool, digits: int
) -> GraphDrawing:
    names = {node: variable(i + 1 - len(run.inputs)) for i, node in enumerate(nodes)}
    write = Writer(digits, names)
    vertices: list[Vertex] = []
    edges: list[tuple[int, int]] = []
    place = {node: i for i, node in enumerate(nodes)}

    def add(kind: str, text: str, value: Any, layer: int, parents: list[Node]) -> None:
        lines = [_clipped(text)]
        lines += [_kind_of(value)] if shapes else []
        lines += [_clipped(_range_of(value, digits))] if values else []
        edges.extend((place[parent], len(vertices)) for parent in parents)
        vertices.append(Vertex(kind, tuple(lines), layer))

    for node in nodes:
        kind = "input" if node.primitive is None else "operation"
        text = subscripted(node.name) if node.primitive is None else write(node)
        add(kind, f"{names[node]} = {text}", node.value, node.depth, node.parents)
    several = len(run.outputs) > 1
    for i, y in enumerate(run.outputs, start=1):
        name = subscripted(f"y{i}") if several else "y"
        if isinstance(y, Node):
            add("result", f"{name} = {names[y]}", y.value, y.depth + 1, [y])
        else:
            add("result", f"{name} = {shown(y, digits)}", y, 1, [])
    return GraphDrawing(tuple(vertices), tuple(edges))


def _clipped(text: str, length: int = 44) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _kind_of(value: Any) -> str:
    """The kind of number, and the shape where there is one."""
    if isinstance(value, tuple):
        return f"{len(value)} results"
    shape = "×".join(map(str, value.shape))
    return f"{value.dtype}  {shape}" if shape else str(value.dtype)


def _range_of(value: Any, digits: int) -> str:
    """The value; of a large array from where to where it goes."""
    text = shown(value, digits)
    if not text.startswith("array") or value.dtype.kind not in "biuf" or not value.size:
        return text
    return f"{shown(np.min(value), digits)} … {shown(np.max(value), digits)}"
