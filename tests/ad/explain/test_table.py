"""Trace tables: the textbook's example to the letter, and the engine's own numbers on every family of functions."""

import re

import numpy as np
import pytest

from optkit import ad
from optkit.errors import InvalidInputError, InvalidTypeError
from optkit.testing.cases import elementwise, index, linalg, products, reduce, shape

FAMILIES = {
    case.family: case
    for module in (elementwise, reduce, shape, index, products, linalg)
    for case in module.cases()
    if all(np.prod(s) for s in case.shapes)
}


def textbook(x1, x2):
    return np.log(x1) + x1 * x2 - np.sin(x2)


def lines(table):
    return [line.rstrip() for line in str(table).splitlines() if not line.startswith("─")][1:]


def squeezed(line):
    return re.sub(" +", " ", line).strip()


def test_the_forward_table_is_that_of_the_textbook():
    """Baydin et al. 2018, table 2; its v₃ is sin v₀ although Python computes v₁ + v₂ first."""
    table = ad.trace_table(textbook, 2.0, 5.0)
    assert list(map(squeezed, lines(table))) == [
        "v₋₁ = x₁ = 2 v̇₋₁ = ẋ₁ = 1",
        "v₀ = x₂ = 5 v̇₀ = ẋ₂ = 0",
        "v₁ = ln v₋₁ = 0.6931 v̇₁ = v̇₋₁ / v₋₁ = 0.5",
        "v₂ = v₋₁ × v₀ = 10 v̇₂ = v̇₋₁ × v₀ + v̇₀ × v₋₁ = 5",
        "v₃ = sin v₀ = −0.9589 v̇₃ = v̇₀ × cos v₀ = 0",
        "v₄ = v₁ + v₂ = 10.69 v̇₄ = v̇₁ + v̇₂ = 5.5",
        "v₅ = v₄ − v₃ = 11.65 v̇₅ = v̇₄ − v̇₃ = 5.5",
        "y = v₅ = 11.65 ẏ = v̇₅ = 5.5",
    ]
    assert table.derivative == 5.5
    other = ad.trace_table(textbook, 2.0, 5.0, seed=(0.0, 1.0))
    assert other.derivative == pytest.approx(2.0 - np.cos(5.0), rel=1e-15)


def test_the_reverse_table_is_that_of_the_textbook():
    """Baydin et al. 2018, table 3."""
    table = ad.trace_table(textbook, 2.0, 5.0, mode="reverse")
    assert list(map(squeezed, lines(table))) == [
        "v₋₁ = x₁ = 2 x̄₁ = v̄₋₁ = 5.5",
        "v₀ = x₂ = 5 x̄₂ = v̄₀ = 1.716",
        "v₁ = ln v₋₁ = 0.6931 v̄₋₁ = v̄₋₁ + v̄₁ ∂v₁/∂v₋₁ = v̄₋₁ + v̄₁ / v₋₁ = 5.5",
        "v₂ = v₋₁ × v₀ = 10 v̄₀ = v̄₀ + v̄₂ ∂v₂/∂v₀ = v̄₀ + v̄₂ × v₋₁ = 1.716",
        "v̄₋₁ = v̄₂ ∂v₂/∂v₋₁ = v̄₂ × v₀ = 5",
        "v₃ = sin v₀ = −0.9589 v̄₀ = v̄₃ ∂v₃/∂v₀ = v̄₃ × cos v₀ = −0.2837",
        "v₄ = v₁ + v₂ = 10.69 v̄₂ = v̄₄ ∂v₄/∂v₂ = v̄₄ × 1 = 1",
        "v̄₁ = v̄₄ ∂v₄/∂v₁ = v̄₄ × 1 = 1",
        "v₅ = v₄ − v₃ = 11.65 v̄₃ = v̄₅ ∂v₅/∂v₃ = v̄₅ × (−1) = −1",
        "v̄₄ = v̄₅ ∂v₅/∂v₄ = v̄₅ × 1 = 1",
        "y = v₅ = 11.65 v̄₅ = ȳ = 1",
    ]
    assert table.derivative == (5.5, pytest.approx(2.0 - np.cos(5.0), rel=1e-15))


def test_the_columns_of_the_text_are_aligned():
    text = str(ad.trace_table(textbook, 2.0, 5.0)).replace("\N{COMBINING DOT ABOVE}", "")
    rows = [line for line in text.splitlines() if "=" in line]
    assert len({tuple(m.start() for m in re.finditer("=", row)) for row in rows}) == 1


def test_markdown_and_html_hold_the_same_steps():
    table = ad.trace_table(lambda x: np.abs(x) < 3 and x * np.abs(x), 2.0, mode="reverse")
    markdown = table.to_markdown().splitlines()
    assert markdown[:2] == [
        "| Forward primal trace | Reverse adjoint trace (read upwards) |",
        "| --- | --- |",
    ]
    assert markdown[2] == "| v₀ = x = 2 | x̄ = v̄₀ = 4 |"
    assert r"| v₁ = \|v₀\| = 2 | v̄₀ = v̄₀ + v̄₁ ∂v₁/∂v₀ = v̄₀ + v̄₁ × sign v₀ = 4 |" in markdown
    html = table.to_html()
    assert html.count("<tr>") == len(markdown) - 1
    assert "<td" in html
    assert "v₁ = |v₀| = 2" in html
    assert table._repr_html_() == html


def test_html_is_escaped():
    html = ad.trace_table(lambda p: p["<b>"] * 2.0, {"<b>": 1.0}).to_html()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_derivatives_are_those_of_the_engine(family):
    case = FAMILIES[family]
    x, v = case.arguments(), case.directions()
    y, slope = ad.jvp(case.function, x, v)
    table = ad.trace_table(case.function, *x, seed=v)
    np.testing.assert_allclose(table.value, y, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(table.derivative, slope, rtol=1e-12, atol=1e-12)
    u = np.random.default_rng(5).uniform(-1.0, 1.0, np.shape(y))
    table = ad.trace_table(case.function, *x, seed=u, mode="reverse")
    for found, wanted in zip(table.derivative, ad.vjp(case.function, *x)[1](u), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
    assert len(lines(table)) >= len(table.rows)


def test_containers_keep_their_structure_and_name_their_leaves():
    def model(p, x):
        return {"out": p["w"] * x + p["b"][0], "same": x}

    args = {"w": 2.0, "b": [1.0]}, 3.0
    table = ad.trace_table(model, *args, mode="reverse", seed={"out": 1.0, "same": 0.0})
    assert table.derivative == ({"w": 3.0, "b": [1.0]}, 2.0)
    assert "v₋₂ = p['w'] = 2" in squeezed(lines(table)[0])
    forward = ad.trace_table(model, *args)
    assert forward.value == {"out": 7.0, "same": 3.0}
    assert forward.derivative == {"out": 3.0, "same": 0.0}


def test_the_default_seed_is_the_first_number():
    table = ad.trace_table(lambda x: x**2, np.array([3.0, 4.0]))
    assert table.derivative.tolist() == [6.0, 0.0]
    table = ad.trace_table(lambda x: x**2, np.array([3.0, 4.0]), mode="reverse")
    assert table.derivative[0].tolist() == [6.0, 0.0]


def test_arguments_left_out_are_constants():
    table = ad.trace_table(textbook, 2.0, 5.0, argnums=1, mode="reverse")
    assert table.derivative == (pytest.approx(2.0 - np.cos(5.0)),)
    assert "v₀ = x₂" in squeezed(lines(table)[0])


def test_a_result_that_depends_on_nothing_has_derivative_zero():
    for mode in ("forward", "reverse"):
        table = ad.trace_table(lambda x: 3.0, 1.0, mode=mode)
        assert np.all(np.asarray(table.derivative) == 0.0)
        assert squeezed(lines(table)[-1]).startswith("y = constant = 3")


def test_a_step_without_slope_and_arrays_that_are_filled():
    def filled(x):
        a = np.zeros_like(x)
        a[0] = np.floor(x[1]) * x[0]
        a[1:] += x[0]
        return a

    x = np.array([1.5, 2.5, 3.5])
    for mode in ("forward", "reverse"):
        table = ad.trace_table(filled, x, mode=mode)
        wanted = ad.jacobian(filled)(x)
        found = table.derivative if mode == "forward" else table.derivative[0]
        np.testing.assert_array_equal(found, wanted[:, 0] if mode == "forward" else wanted[0])


def test_derivatives_inside_the_function_are_traced_as_well():
    table = ad.trace_table(lambda x: ad.grad(lambda t: t**3)(x), 2.0, mode="reverse")
    assert table.derivative == (12.0,)


def test_a_rule_of_the_users_own():
    @ad.custom_jvp
    def cube(x):
        return x**3

    @cube.defjvp
    def _(primals, tangents):
        return primals[0] ** 3, 3 * primals[0] ** 2 * tangents[0]

    assert ad.trace_table(lambda x: cube(x) + x, 2.0).derivative == 13.0
    assert ad.trace_table(lambda x: cube(x) + x, 2.0, mode="reverse").derivative == (13.0,)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: ad.trace_table(textbook, 2.0, 5.0, mode="both"), InvalidInputError, "mode='both'"),
        (lambda: ad.trace_table(textbook), InvalidInputError, "give the arguments"),
        (lambda: ad.trace_table(3.0, 2.0), InvalidInputError, "must be a function"),
        (lambda: ad.trace_table(textbook, "a", 2.0), InvalidTypeError, "argument 0"),
        (lambda: ad.trace_table(textbook, 2.0, 5.0, seed=1.0), InvalidInputError, "2 arguments"),
        (
            lambda: ad.trace_table(lambda x: sum(x * k for k in range(400)), 1.0),
            InvalidInputError,
            "takes 8.. steps",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()
