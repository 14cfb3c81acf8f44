"""Where the nodes of a directed graph stand: in layers, with few crossings and straight edges.

The method is that of K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system
structures", IEEE Transactions on Systems, Man, and Cybernetics 11 (1981): an edge that spans several layers gets a
bend in each; the order within a layer follows the mean position of the neighbours, swept down and up; the positions
are those nearest to the neighbours, in the sense of least squares, that keep the order and the distances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

_SWEEPS = 12
_BEND_WIDTH = 8.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Positions of the nodes (their centres) and courses of the edges; y grows downwards.

    Attributes
    ----------
    positions : list of (x, y)
        One for each node.
    courses : list of list of (x, y)
        For each edge the points that it goes through, from the lower edge of one node to the upper of the other.
    width, height : float
        What all of it takes.
    """

    positions: list[Point]
    courses: list[list[Point]]
    width: float
    height: float


def arrange(
    layers: Sequence[int],
    edges: Sequence[tuple[int, int]],
    widths: Sequence[float],
    height: float,
    gap: tuple[float, float] = (24.0, 38.0),
) -> Layout:
    """Lay out a graph.

    Parameters
    ----------
    layers : sequence of int
        The layer of each node, from 0; each edge leads to a deeper one.
    edges : sequence of (int, int)
        From node to node.
    widths : sequence of float
        Of the nodes.
    height : float
        Of all nodes.
    gap : (float, float)
        Between neighbours in a layer, and between layers.
    """
    graph = _Graph(layers, edges, widths, gap[0])
    graph.untangle()
    x = graph.place()
    pitch = height + gap[1]
    y = [layer * pitch + height / 2 for layer in graph.layer]
    left = min(x[i] - graph.widths[i] / 2 for i in range(len(x)))
    right = max(x[i] + graph.widths[i] / 2 for i in range(len(x)))
    points = [(float(a - left), float(b)) for a, b in zip(x, y, strict=True)]
    courses = []
    for chain in graph.chains:
        ends = points[chain[0]], points[chain[-1]]
        start, end = (ends[0][0], ends[0][1] + height / 2), (ends[1][0], ends[1][1] - height / 2)
        courses.append([start, *(points[i] for i in chain[1:-1]), end])
    count = max(layers, default=0) + 1
    return Layout(points[: len(layers)], courses, float(right - left), count * pitch - gap[1])


class _Graph:
    """The nodes and the bends of long edges, in layers."""

    def __init__(
        self,
        layers: Sequence[int],
        edges: Sequence[tuple[int, int]],
        widths: Sequence[float],
        gap: float,
    ) -> None:
        self.layer = list(layers)
        self.widths = list(widths)
        self.gap = gap
        self.chains = [self._chain(a, b) for a, b in edges]
        count = len(self.layer)
        self.above: list[list[int]] = [[] for _ in range(count)]
        self.below: list[list[int]] = [[] for _ in range(count)]
        for chain in self.chains:
            for a, b in pairwise(chain):
                self.below[a].append(b)
                self.above[b].append(a)
        rows = max(self.layer, default=0) + 1
        self.rows = [[i for i in range(count) if self.layer[i] == row] for row in range(rows)]

    def _chain(self, a: int, b: int) -> list[int]:
        """The nodes of an edge: its ends, and a new bend in each layer between."""
        bends = []
        for row in range(self.layer[a] + 1, self.layer[b]):
            bends.append(len(self.layer))
            self.layer.append(row)
            self.widths.append(_BEND_WIDTH)
        return [a, *bends, b]

    # --- the order within the layers ----------------------------------------------------------------------------------

    def untangle(self) -> None:
        """Order the layers so that few edges cross; the best of some sweeps."""
        best, fewest = [list(row) for row in self.rows], self.crossings()
        for sweep in range(_SWEEPS):
            if not fewest:
                break
            down = sweep % 2 == 0
            for row in self.rows[1:] if down else self.rows[-2::-1]:
                self._sort(row, self.above if down else self.below)
            crossings = self.crossings()
            if crossings < fewest:
                best, fewest = [list(row) for row in self.rows], crossings
        self.rows = best

    def _sort(self, row: list[int], neighbours: list[list[int]]) -> None:
        place = {i: k for fixed in self.rows for k, i in enumerate(fixed)}
        centre = {
            i: float(np.mean([place[j] for j in neighbours[i]])) if neighbours[i] else place[i]
            for i in row
        }
        row.sort(key=lambda i: centre[i])

    def crossings(self) -> int:
        """How many pairs of edges cross."""
        total = 0
        for row in self.rows[:-1]:
            place = {j: k for k, j in enumerate(self.rows[self.layer[row[0]] + 1])} if row else {}
            ends = [place[j] for i in row for j in sorted(self.below[i], key=place.__getitem__)]
            total += sum(a > b for k, b in enumerate(ends) for a in ends[:k])
        return total

    # --- the positions ------------------------------------------------------------------------------------------------

    def place(self) -> NDArray[np.float64]:
        """The horizontal positions."""
        x = np.zeros(len(self.layer))
        for row in self.rows:
            x[row] = self._offsets(row)
            x[row] -= np.mean(x[row]) if row else 0.0
        for sweep in range(2 * _SWEEPS):
            down = sweep % 2 == 0
            for row in self.rows[1:] if down else self.rows[-2::-1]:
                self._settle(x, row, self.above if down else self.below)
        both = [a + b for a, b in zip(self.above, self.below, strict=True)]
        for sweep in range(2 * _SWEEPS):
            for row in self.rows if sweep % 2 == 0 else self.rows[::-1]:
                self._settle(x, row, both)
        return x

    def _offsets(self, row: list[int]) -> NDArray[np.float64]:
        """The positions in a layer when the nodes stand as close as they may."""
        halves = np.array([self.widths[i] / 2 for i in row])
        steps = halves[1:] + halves[:-1] + self.gap
        return np.concatenate([[0.0], np.cumsum(steps)])[: len(row)]

    def _settle(self, x: NDArray[np.float64], row: list[int], neighbours: list[list[int]]) -> None:
        """Move a layer as near to its neighbours as the order and the distances allow.

        Least squares under xₖ₊₁ − xₖ ≥ dₖ is isotonic regression of what is left when the d's are taken off. Bends
        weigh more than nodes, so that long edges are straight.
        """
        wanted = np.array([np.mean(x[neighbours[i]]) if neighbours[i] else x[i] for i in row])
        weights = np.array([8.0 if self.widths[i] == _BEND_WIDTH else 1.0 for i in row])
        offsets = self._offsets(row)
        x[row] = isotonic_regression(wanted - offsets, weights=weights).x + offsets
