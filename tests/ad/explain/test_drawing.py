"""Drawings of computation graphs, and the layout below them."""

import itertools
import xml.etree.ElementTree as ET

import hypothesis.strategies as st
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given

from optkit import ad
from optkit.ad.explain.layout import arrange
from optkit.errors import InvalidInputError


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def textbook(x1, x2):
    return np.log(x1) + x1 * x2 - np.sin(x2)


def test_nodes_and_edges_are_those_of_the_function():
    drawing = ad.draw_graph(textbook, 2.0, 5.0, values=True)
    texts = [vertex.lines for vertex in drawing.vertices]
    assert texts == [
        ("v₋₁ = x₁", "2"), ("v₀ = x₂", "5"), ("v₁ = ln v₋₁", "0.6931"), ("v₂ = v₋₁ × v₀", "10"),
        ("v₃ = sin v₀", "−0.9589"), ("v₄ = v₁ + v₂", "10.69"), ("v₅ = v₄ − v₃", "11.65"),
        ("y = v₅", "11.65"),
    ]  # fmt: skip
    assert set(drawing.edges) == {
        (0, 2),
        (0, 3),
        (1, 3),
        (1, 4),
        (2, 5),
        (3, 5),
        (5, 6),
        (4, 6),
        (6, 7),
    }
    assert [vertex.kind for vertex in drawing.vertices[::7]] == ["input", "result"]


def test_the_svg_is_well_formed_and_holds_every_node_inside_its_frame():
    drawing = ad.draw_graph(
        lambda p: p["<a>"] * np.arange(9.0), {"<a>": 2.0}, shapes=True, values=True
    )
    root = ET.fromstring(drawing.to_svg())
    space = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in root.iter(f"{space}text")]
    assert "v₀ = p['<a>']" in texts
    assert "float64  9" in texts
    assert "0 … 16" in texts
    left, top, width, height = map(float, root.get("viewBox").split())
    for box in root.iter(f"{space}rect"):
        assert left <= float(box.get("x"))
        assert float(box.get("x")) + float(box.get("width")) <= left + width + 0.1
        assert float(box.get("y")) + float(box.get("height")) <= top + height + 0.1
    assert len(list(root.iter(f"{space}polygon"))) == len(drawing.edges)
    assert drawing._repr_svg_() == drawing.to_svg()


def test_dot_names_every_node_and_edge():
    dot = ad.draw_graph(textbook, 2.0, 5.0).to_dot()
    assert dot.count("->") == 9
    assert 'n2 [label="v₁ = ln v₋₁"' in dot
    quoted = ad.draw_graph(lambda p: p['"'] + 1, {'"': 1.0}).to_dot()
    assert r"p['\"']" in quoted


def test_matplotlib_shows_every_box_and_its_text_within_it():
    drawing = ad.draw_graph(textbook, 2.0, 5.0, shapes=True, values=True)
    for ax in (None, plt.subplots(1, 2, figsize=(9, 4))[1][0]):
        ax = drawing.plot(ax)
        figure = ax.figure
        figure.canvas.draw()
        boxes = [p for p in ax.patches if type(p).__name__ == "FancyBboxPatch"]
        assert len(boxes) == len(drawing.vertices)
        texts = iter(ax.texts)
        for vertex, box in zip(drawing.vertices, boxes, strict=True):
            frame = box.get_window_extent()
            for line, text in zip(vertex.lines, texts, strict=False):
                assert text.get_text() == line
                extent = text.get_window_extent()
                assert frame.x0 <= extent.x0
                assert extent.x1 <= frame.x1
                assert frame.y0 <= extent.y0 + 1
                assert extent.y1 - 1 <= frame.y1


def test_a_condition_and_a_constant_result():
    drawing = ad.draw_graph(lambda x: (np.where(x > 0, x, 0.0), 3.0), 1.0)
    assert [v.lines[0] for v in drawing.vertices][-2:] == ["y₁ = v₁", "y₂ = 3"]


def test_what_nobody_could_read_is_refused():
    with pytest.raises(InvalidInputError, match=r"8.. nodes"):
        ad.draw_graph(lambda x: sum(x * k for k in range(400)), 1.0)


# --- the layout -------------------------------------------------------------------------------------------------------


@st.composite
def graphs(draw):
    layers = sorted(draw(st.lists(st.integers(0, 5), min_size=1, max_size=14)))
    pairs = [
        (a, b) for a, b in itertools.combinations(range(len(layers)), 2) if layers[a] < layers[b]
    ]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=20)) if pairs else []
    widths = draw(st.lists(st.floats(20, 150), min_size=len(layers), max_size=len(layers)))
    return layers, edges, widths


@given(graphs())
def test_no_two_boxes_overlap_and_edges_lead_from_box_to_box(graph):
    layers, edges, widths = graph
    layout = arrange(layers, edges, widths, 20.0)
    for a, b in itertools.combinations(range(len(layers)), 2):
        (xa, ya), (xb, yb) = layout.positions[a], layout.positions[b]
        apart = abs(xa - xb) >= (widths[a] + widths[b]) / 2 + 20 or abs(ya - yb) >= 40
        assert apart
    for (a, b), course in zip(edges, layout.courses, strict=True):
        assert course[0] == (layout.positions[a][0], layout.positions[a][1] + 10)
        assert course[-1] == (layout.positions[b][0], layout.positions[b][1] - 10)
        assert all(y0 < y1 for (_, y0), (_, y1) in itertools.pairwise(course))
    for (x, y), width in zip(layout.positions, widths, strict=True):
        assert x - width / 2 >= -1e-6
        assert x + width / 2 <= layout.width + 1e-6
        assert 10 <= y <= layout.height - 10 + 1e-6


def test_crossings_that_can_be_avoided_are_avoided():
    """Two chains side by side, given in an order in which every edge crosses."""
    layers, edges = [0, 0, 1, 1, 2, 2], [(0, 3), (1, 2), (3, 4), (2, 5)]
    layout = arrange(layers, edges, [40.0] * 6, 20.0)
    x = [position[0] for position in layout.positions]
    assert (x[0] - x[1]) * (x[3] - x[2]) > 0
    assert (x[3] - x[2]) * (x[4] - x[5]) > 0
    assert x[0] == pytest.approx(x[3], abs=1.0)  # and straight
