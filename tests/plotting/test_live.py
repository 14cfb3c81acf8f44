"""Pictures that are drawn while a solve runs."""

import sys
import types

import matplotlib.pyplot as plt
import numpy as np
import pytest

import optkit
from optkit.errors import InvalidInputError


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def test_it_follows_the_solve_to_its_end():
    live = optkit.plot_convergence(live=True)
    result = optkit.minimize(rosenbrock, [-1.2, 1.0], callback=live)
    np.testing.assert_array_equal(live.history.fun, result.history.fun[1:])
    np.testing.assert_allclose(live.history.gradient_norm, result.history.gradient_norm[1:])
    (line,) = live.ax.lines
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, result.nit + 1))
    assert len(plt.get_fignums()) == 1


def test_it_draws_on_the_way_but_seldom():
    live = optkit.plot_convergence(live=True)
    drawn = []
    draw = live.draw
    live.draw = lambda **options: drawn.append(len(live.history)) or draw(**options)
    optkit.minimize(rosenbrock, np.zeros(10), callback=live)
    assert drawn[0] == 1
    assert drawn[-1] == len(live.history)
    assert len(drawn) <= 2 + 10 * live.history.seconds[-1]


def test_earlier_results_stand_beside_it_and_the_foreign_methods_are_followed_too():
    before = optkit.minimize(rosenbrock, [-1.2, 1.0])
    live = optkit.plot_convergence({"before": before}, live=True, x="seconds", y="gradient")
    optkit.minimize(rosenbrock, [-1.2, 1.0], method="scipy:L-BFGS-B", callback=live)
    ax = live.draw()
    names = {text.get_text()[3:] for text in ax.get_legend().get_texts()}
    assert names == {"before", "this solve"}
    assert ax.get_xlabel() == "time (s)"


def test_a_notebook_shows_one_figure_and_updates_it(monkeypatch):
    shown = []

    class Handle:
        def update(self, figure):
            shown.append(("update", figure))

    def display(figure, *, display_id):
        shown.append(("display", figure))
        return Handle()

    module = types.ModuleType("IPython.display")
    module.display = display
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr(
        "matplotlib.get_backend", lambda: "module://matplotlib_inline.backend_inline"
    )
    live = optkit.plot_convergence(live=True)
    optkit.minimize(rosenbrock, [-1.2, 1.0], callback=live)
    live.draw()
    assert [what for what, _ in shown][:2] == ["display", "update"]
    assert {figure for _, figure in shown} == {live.ax.figure}
    assert plt.get_fignums() == []  # the cell does not show it a second time


def test_a_window_is_shown_without_waiting_and_brought_up_to_date(monkeypatch):
    calls = []
    live = optkit.plot_convergence(live=True)
    canvas = live.ax.figure.canvas
    monkeypatch.setattr(type(canvas), "required_interactive_framework", "qt")
    monkeypatch.setattr(canvas, "flush_events", lambda: calls.append("flush"))
    monkeypatch.setattr(plt, "show", lambda block: calls.append(f"show, block={block}"))
    optkit.minimize(rosenbrock, [-1.2, 1.0], callback=live)
    assert calls[:2] == ["show, block=False", "flush"]


def test_what_a_callback_is_not_told_is_refused():
    with pytest.raises(InvalidInputError, match="not told the evaluations"):
        optkit.plot_convergence(live=True, x="evaluations")


def test_values_that_are_not_finite_wait_for_one_that_is():
    live = optkit.plot_convergence(live=True)
    state = types.SimpleNamespace(
        fun=np.nan, grad=np.ones(2), step_norm=0.1, step_size=1.0, verdict=None
    )
    live(state)
    assert not live.ax.lines
