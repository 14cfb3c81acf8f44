"""What plot_convergence puts on the axes."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from optkit import minimize
from optkit.errors import InvalidInputError, InvalidTypeError
from optkit.optimize.result import History, Iteration, Result
from optkit.plotting import plot_convergence


def run(fun, method="bfgs", success=True, evaluations_per_step=2):
    """A result whose history has these values of the objective."""
    history = History()
    for k, value in enumerate(fun):
        step = np.nan if k == 0 else 0.5**k
        history.append(
            Iteration(
                k,
                value,
                np.sqrt(abs(value)),
                step,
                1.0,
                1 + evaluations_per_step * k,
                1e-3 * k,
                None,
            )
        )
    return Result(method=method, success=success, history=history)


def geometric(n, rate, offset=0.0):
    return offset + 10.0 * rate ** np.arange(n + 1.0)


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_single_result_is_one_line_without_a_legend():
    ax = plot_convergence(run(geometric(20, 0.5)))
    assert len(ax.lines) == 1
    assert ax.get_legend() is None
    assert ax.get_yscale() == "log"
    assert ax.get_xscale() == "linear"
    assert ax.get_xlabel() == "iterations"
    assert "objective" in ax.get_ylabel()


def test_the_gap_is_measured_from_the_best_of_all_runs():
    good, poor = geometric(20, 0.5, offset=3.0), geometric(20, 0.9, offset=3.0)
    ax = plot_convergence({"poor": run(poor), "good": run(good)})
    best = np.min(good)
    drawn = {line.get_label().partition("  ")[2]: line.get_ydata() for line in ax.lines}
    assert np.allclose(drawn["poor"], poor - best)
    assert np.allclose(drawn["good"][:-1], (good - best)[:-1])
    # The best point itself is at the limit of what float64 can tell from it.
    assert drawn["good"][-1] == pytest.approx(np.finfo(float).eps * best)


def test_the_gap_is_measured_from_f_min_unless_a_run_was_better():
    values = geometric(10, 0.5, offset=3.0)
    (line,) = plot_convergence(run(values), f_min=3.0).lines
    assert np.allclose(line.get_ydata(), values - 3.0)
    (line,) = plot_convergence(run(values), f_min=4.0).lines
    assert np.all(line.get_ydata() > 0.0)
    assert np.allclose(line.get_ydata()[:-1], (values - np.min(values))[:-1])


def test_an_exact_zero_is_drawn_below_all_else():
    (line,) = plot_convergence(run(np.array([1.0, 1e-3, 1e-9, 0.0])), f_min=0.0).lines
    assert np.allclose(line.get_ydata(), [1.0, 1e-3, 1e-9, 1e-10])


@pytest.mark.parametrize(("y", "column"), [("gradient", "gradient_norm"), ("step", "step_norm")])
def test_the_other_ordinates_are_the_columns_of_the_history(y, column):
    result = run(geometric(10, 0.5))
    (line,) = plot_convergence(result, y=y).lines
    assert np.allclose(line.get_ydata(), result.history[column], equal_nan=True)


@pytest.mark.parametrize("x", ["iteration", "evaluations", "seconds"])
def test_the_abscissas_are_the_columns_of_the_history(x):
    result = run(geometric(10, 0.5))
    ax = plot_convergence(result, x=x)
    assert np.allclose(ax.lines[0].get_xdata(), result.history[x])
    assert {"iteration": "iterations", "evaluations": "evaluations", "seconds": "(s)"}[
        x
    ] in ax.get_xlabel()


def test_the_legend_ranks_by_who_gets_there_first():
    runs = {
        "slow": run(geometric(200, 0.9)),
        "never": run(geometric(50, 0.99)),
        "fast": run(geometric(30, 0.2)),
        "further from it": run(geometric(50, 0.999)),
    }
    ax = plot_convergence(runs, f_min=0.0)
    assert labels(ax) == ["1  fast", "2  slow", "3  never", "4  further from it"]
    assert [line.get_label() for line in ax.lines] == labels(ax)


def test_the_rank_depends_on_what_progress_is_measured_against():
    runs = {
        "few dear steps": run(geometric(30, 0.2), evaluations_per_step=100),
        "many cheap steps": run(geometric(60, 0.5), evaluations_per_step=1),
    }
    assert labels(plot_convergence(runs, x="iteration")) == [
        "1  few dear steps",
        "2  many cheap steps",
    ]
    assert labels(plot_convergence(runs, x="evaluations")) == [
        "1  many cheap steps",
        "2  few dear steps",
    ]


def test_a_run_that_is_much_longer_than_another_gets_a_logarithmic_axis():
    ax = plot_convergence({"short": run(geometric(20, 0.2)), "long": run(geometric(3000, 0.99))})
    assert ax.get_xscale() == "symlog"
    assert ax.get_xlim()[0] == 0.0


def test_lines_differ_in_colour_dash_and_marker_and_the_colours_are_those_of_okabe_and_ito():
    ax = plot_convergence({f"run {k}": run(geometric(20 + k, 0.5)) for k in range(4)})
    for style in ("get_color", "get_marker", "get_linestyle"):
        drawn = [getattr(line, style)() for line in ax.lines]
        if style == "get_linestyle":
            drawn = [str(line._dash_pattern) for line in ax.lines]
        assert len(set(drawn)) == 4, style
    okabe_ito = {
        "#000000",
        "#e69f00",
        "#56b4e9",
        "#009e73",
        "#f0e442",
        "#0072b2",
        "#d55e00",
        "#cc79a7",
    }
    assert {to_hex(line.get_color()) for line in ax.lines} <= okabe_ito


def test_a_failure_ends_in_a_cross():
    ax = plot_convergence(
        {"good": run(geometric(20, 0.5)), "bad": run(geometric(20, 0.9), success=False)}
    )
    ends = {tuple(np.asarray(c.get_offsets())[0]): c.get_linewidths()[0] for c in ax.collections}
    assert ends[tuple(ax.lines[0].get_xydata()[-1])] == 0.0
    assert ends[tuple(ax.lines[1].get_xydata()[-1])] > 0.0


def test_values_that_are_not_finite_are_left_out():
    (line,) = plot_convergence(run(np.array([np.inf, 10.0, np.nan, 1.0])), f_min=0.0).lines
    assert np.allclose(line.get_ydata(), [np.nan, 10.0, np.nan, 1.0], equal_nan=True)


def test_it_draws_where_it_is_told_to_and_changes_no_global_style():
    before = dict(mpl.rcParams)
    figure, axes = plt.subplots(1, 2)
    assert plot_convergence(run(geometric(20, 0.5)), ax=axes[1]) is axes[1]
    assert not axes[0].lines
    assert plt.get_fignums() == [figure.number]
    figure.canvas.draw()
    assert dict(mpl.rcParams) == before


def test_a_result_without_iterations_can_be_drawn():
    ax = plot_convergence(run(np.array([2.0])))
    ax.figure.canvas.draw()
    assert len(ax.lines[0].get_xdata()) == 1


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: plot_convergence({}), InvalidInputError, "no results"),
        (
            lambda: plot_convergence({"a": 3.0}),
            InvalidTypeError,
            "'a' is a float without a history",
        ),
        (lambda: plot_convergence([1.0]), InvalidTypeError, "list without a history"),
        (
            lambda: plot_convergence(run(geometric(3, 0.5)), x="time"),
            InvalidInputError,
            "x='time' is not one of",
        ),
        (
            lambda: plot_convergence(run(geometric(3, 0.5)), y="fun"),
            InvalidInputError,
            "y='fun' is not one of",
        ),
        (
            lambda: plot_convergence(run(np.full(3, np.nan))),
            InvalidInputError,
            "no run has a finite value",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_iterations_are_counted_in_whole_numbers():
    ax = plot_convergence(run(geometric(4, 0.5)))
    assert all(tick == round(tick) for tick in ax.get_xticks())


def test_the_legend_covers_no_point_of_ordinary_runs():
    ax = plot_convergence(
        {"long": run(geometric(100, 0.8)), "short": run(geometric(30, 0.2))}, f_min=0.0
    )
    ax.figure.canvas.draw()
    legend = ax.get_legend().get_window_extent()
    points = [point for line in ax.lines for point in ax.transData.transform(line.get_xydata())]
    assert not any(legend.contains(*point) for point in points)


@pytest.mark.parametrize(("name", "value"), [("ax", 3), ("f_min", "a"), ("f_min", True)])
def test_a_wrong_kind_of_argument_is_named(name, value):
    run = minimize(lambda x: x @ x, [1.0])
    with pytest.raises(InvalidTypeError, match=f"plot_convergence: {name} must be"):
        plot_convergence(run, **{name: value})


def test_a_run_without_anything_to_draw_is_said_to_have_nothing():
    silent = run(geometric(5, 0.5))
    for row in range(len(silent.history)):
        silent.history._rows[row] = silent.history._rows[row]._replace(gradient_norm=np.nan)
    ax = plot_convergence({"silent": silent, "other": run(geometric(5, 0.5))}, y="gradient")
    assert any("silent (nothing to draw)" in label for label in labels(ax))


def test_a_long_name_is_cut_in_the_legend():
    ax = plot_convergence({"a" * 200: run(geometric(5, 0.5)), "b": run(geometric(5, 0.4))})
    assert max(map(len, labels(ax))) < 50
    assert any(label.endswith("…") for label in labels(ax))


def test_a_constant_history_and_infinities_are_drawn():
    ax = plot_convergence(
        {"constant": run(np.full(6, 2.0)), "infinite": run(np.array([np.inf, 3.0, 2.5]))}
    )
    ax.figure.canvas.draw()
    assert all(np.isfinite(ax.get_ylim()))
