"""
The graph of a computation
==========================

What a function computes, drawn from one run of it: the example of the textbooks, and a layer of a neural network.

Run it with a folder as argument, or none for ``build``: the pictures go there.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from optkit import ad

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
folder.mkdir(parents=True, exist_ok=True)

# %%
# Inputs are blue, results orange; the layers are the depths of the operations, and the names those of
# ``ad.trace_table``.


def f(x1, x2):
    return np.log(x1) + x1 * x2 - np.sin(x2)


def layer(p, x):
    hidden = np.tanh(p["weights"] @ x + p["bias"])
    return np.sum(hidden**2) + 0.01 * np.sum(p["weights"] ** 2)


parameters = {"weights": np.ones((3, 2)), "bias": np.zeros(3)}
small = ad.draw_graph(f, 2.0, 5.0, values=True)
large = ad.draw_graph(layer, parameters, np.array([1.0, 2.0]), shapes=True)

figure, (left, right) = plt.subplots(1, 2, figsize=(11.0, 9.0), layout="constrained")
small.plot(left)
large.plot(right)
left.set_title("with values", loc="left", fontweight="bold")
right.set_title("with shapes", loc="left", fontweight="bold")
picture = folder / "computation_graph.png"
figure.savefig(picture, dpi=130)
print(f"picture: {picture}")

# %%
# As text it goes into pages and into Graphviz.

drawing = folder / "computation_graph.svg"
drawing.write_text(large.to_svg(), encoding="utf-8")
print(f"drawing: {drawing}\n")
print(small.to_dot())
