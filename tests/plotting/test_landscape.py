"""Paths over contours."""

import numpy as np
import pytest

import optkit
from optkit.errors import InvalidInputError


def rosenbrock(x):
    return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2


def solved(**options):
    return optkit.minimize(rosenbrock, [-1.2, 1.0], options={"keep_x": True}, **options)


def test_the_line_goes_through_the_iterates():
    run = solved()
    ax = optkit.plot_path(rosenbrock, run, minimum=[1.0, 1.0])
    (line,) = ax.lines
    np.testing.assert_array_equal(line.get_xydata(), run.history.x)
    assert ax.get_legend() is None
    (low, high), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    points = run.history.x
    assert np.all((low < points[:, 0]) & (points[:, 0] < high))
    assert np.all((bottom < points[:, 1]) & (points[:, 1] < top))


def test_several_runs_are_named_below_and_look_different():
    runs = {"first": solved(), "second": solved(method="gradient-descent", max_iter=30)}
    ax = optkit.plot_path(rosenbrock, runs)
    ax.figure.canvas.draw()
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["first", "second"]
    assert legend.get_window_extent().y1 < ax.get_window_extent().y0
    for look in ("get_color", "get_marker", "get_linestyle"):
        assert (
            len({str(getattr(line, look)()) for line in ax.lines}) == 2 or look == "get_linestyle"
        )


def test_a_failure_ends_in_a_cross_and_a_success_in_a_dot():
    ends = []
    for run in (solved(), solved(max_iter=3)):
        ax = optkit.plot_path(rosenbrock, run)
        ends.append(len(ax.collections[-1].get_paths()[0].vertices))
    assert ends[0] != ends[1]


def test_points_alone_will_do_and_nan_among_them_is_left_out():
    points = np.array([[2.0, 2.0], [np.nan, 1.0], [0.5, 0.1]])
    ax = optkit.plot_path(lambda x: x @ x, points)
    assert ax.get_xlim()[0] < 0.5
    np.testing.assert_array_equal(ax.collections[-1].get_offsets(), [[0.5, 0.1]])


@pytest.mark.parametrize(
    "fun", [lambda x: 3.0, lambda x: np.nan if x[0] > 1 else x[0], lambda x: 1e300 * x[0]]
)
def test_landscapes_that_are_flat_broken_or_huge(fun):
    ax = optkit.plot_path(fun, np.array([[0.5, 0.5], [1.5, 0.7]]))
    ax.figure.canvas.draw()


def test_contours_are_at_equal_ratios_in_a_valley_and_at_equal_distances_on_a_slope():
    start = np.array([[-1.0, -1.0], [1.0, 1.0]])
    for fun, even in ((lambda x: x[0] + 2.0 * x[1], True), (rosenbrock, False)):
        ax = optkit.plot_path(fun, start)
        levels = next(c.levels for c in ax.collections if hasattr(c, "levels"))
        assert np.allclose(np.diff(levels), levels[1] - levels[0])
        assert (levels[0] == 0.0) == even


def test_bounds_and_arguments_of_the_function():
    ax = optkit.plot_path(
        lambda x, a: a * (x @ x), np.array([[1.0, 1.0]]), args=(2.0,), bounds=((-3, 4), (-5, 6))
    )
    assert (ax.get_xlim(), ax.get_ylim()) == ((-3, 4), (-5, 6))


@pytest.mark.parametrize(
    ("results", "options", "says"),
    [
        (optkit.minimize(rosenbrock, [1.0, 2.0]), {}, "options={'keep_x': True}"),
        (np.zeros((4, 3)), {}, "shape (4, 3)"),
        ({}, {}, "no results"),
        (np.full((2, 2), np.nan), {}, "none of the points is finite"),
        (np.zeros((1, 2)), {"bounds": ((1, 0), (0, 1))}, "bounds must be"),
    ],
)
def test_what_cannot_be_drawn_is_refused(results, options, says):
    with pytest.raises(InvalidInputError) as caught:
        optkit.plot_path(rosenbrock, results, **options)
    assert says in str(caught.value)


def test_a_function_that_is_nowhere_finite_is_refused():
    with pytest.raises(InvalidInputError, match="nowhere finite"):
        optkit.plot_path(lambda x: np.nan, np.zeros((1, 2)))
