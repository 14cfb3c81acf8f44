"""
A small neural network
======================

A network of two hidden layers, plain NumPy, trained with our reverse mode and the method Adam: on two interleaved half
moons that the script makes, or, with ``digits`` as second argument, on the handwritten digits of scikit-learn.

Run it with a folder as argument, or none for ``build``: the picture goes there. The exit code is 0 only when the
gradient is proven and the network does well on data that it has not seen.
"""

import itertools
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import optkit
from optkit import ad

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
dataset = sys.argv[2] if len(sys.argv) > 2 else "moons"
random = np.random.default_rng(2026)

# %%
# The data
# --------
# Inputs, one row each, and the number of the class that each belongs to. A quarter is held back for the proof.


def moons(n=600, noise=0.15):
    """Two half circles that reach into each other, with noise."""
    angle = random.uniform(0.0, np.pi, n)
    which = np.arange(n) % 2
    x = np.where(which, 1.0 - np.cos(angle), np.cos(angle))
    y = np.where(which, 0.5 - np.sin(angle), np.sin(angle))
    return np.stack([x, y], axis=1) + noise * random.standard_normal((n, 2)), which


def digits():
    """1797 images of 8 × 8 pixels (E. Alpaydin, C. Kaynak, UCI Machine Learning Repository, 1998)."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    order = random.permutation(len(bunch.target))
    return bunch.data[order] / 16.0, bunch.target[order]


inputs, classes = digits() if dataset == "digits" else moons()
count = int(np.max(classes)) + 1
held_back = random.permutation(len(inputs)) % 4 == 3
train, test = (inputs[~held_back], classes[~held_back]), (inputs[held_back], classes[held_back])

# %%
# The network
# -----------
# The parameters are a dict of arrays; the derivative will be a dict of the same form. The loss is the
# cross-entropy, the mean of −ln p(right class), with p from the softmax of the outputs; the largest output is taken
# off first, so that no exponential overflows.

width = 32 if dataset == "digits" else 16
layers = [inputs.shape[1], width, width, count]
parameters = {}
for k, (fan_in, fan_out) in enumerate(itertools.pairwise(layers)):
    parameters[f"W{k}"] = random.standard_normal((fan_in, fan_out)) / np.sqrt(fan_in)
    parameters[f"b{k}"] = np.zeros(fan_out)


def outputs(p, x):
    for k in range(len(layers) - 2):
        x = np.tanh(x @ p[f"W{k}"] + p[f"b{k}"])
    return x @ p[f"W{len(layers) - 2}"] + p[f"b{len(layers) - 2}"]


def loss(p, x, target):
    z = outputs(p, x)
    z = z - np.max(z, axis=1, keepdims=True)
    chosen = z[np.arange(len(target)), target]
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - chosen)


def accuracy(p, x, target):
    return np.mean(np.argmax(outputs(p, x), axis=1) == target)


# %%
# The proof of the gradient
# -------------------------
# Along random directions against finite differences that know their own error, before a step is taken with it.

some = train[0][:20], train[1][:20]
report = optkit.gradcheck(lambda p: loss(p, *some), parameters, raise_on_failure=False)
print(report)
assert report.ok, "the gradient of the loss is wrong"

# %%
# Training
# --------
# Adam (D. P. Kingma, J. Ba, ICLR 2015): steps along a running mean of the gradients, each parameter in units of the
# root of a running mean of its squares; both means are corrected for their start at zero.

rate, decay, decay_of_squares, tiny = 0.005, 0.9, 0.999, 1e-8
epochs, batch = (40 if dataset == "digits" else 120), 64
value_and_gradient = ad.value_and_grad(loss)
mean = {name: np.zeros_like(w) for name, w in parameters.items()}
square = {name: np.zeros_like(w) for name, w in parameters.items()}
history = [(loss(parameters, *train), loss(parameters, *test))]
step, started = 0, time.perf_counter()
for _ in range(epochs):
    order = random.permutation(len(train[0]))
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        _, gradient = value_and_gradient(parameters, train[0][rows], train[1][rows])
        step += 1
        for name, g in gradient.items():
            mean[name] = decay * mean[name] + (1.0 - decay) * g
            square[name] = decay_of_squares * square[name] + (1.0 - decay_of_squares) * g**2
            direction = mean[name] / (1.0 - decay**step)
            scale = np.sqrt(square[name] / (1.0 - decay_of_squares**step)) + tiny
            parameters[name] = parameters[name] - rate * direction / scale
    history.append((loss(parameters, *train), loss(parameters, *test)))
seconds = time.perf_counter() - started

size = sum(w.size for w in parameters.values())
print(
    f"\n{dataset}: {len(train[0])} rows to learn from, {len(test[0])} held back; {size} parameters"
)
print(f"{step} steps of Adam in {seconds:.1f} s, {1e3 * seconds / step:.2f} ms each\n")
print(f"{'':18}{'loss':>10}{'right':>9}")
for name, data in (("learnt from", train), ("held back", test)):
    print(f"{name:18}{loss(parameters, *data):>10.4f}{100 * accuracy(parameters, *data):>8.1f}%")
assert accuracy(parameters, *test) > 0.93, "the network has not learnt"

# %%
# The picture
# -----------

figure, (left, right) = plt.subplots(1, 2, figsize=(12.0, 5.0), layout="constrained")
colors = ("#0072B2", "#D55E00")
if dataset == "digits":
    guess = np.argmax(outputs(parameters, test[0]), axis=1)
    wrong = np.flatnonzero(guess != test[1])[:12]
    sheet = np.ones((3 * 11, 4 * 10))
    for k, i in enumerate(wrong):
        row, column = divmod(k, 4)
        sheet[11 * row : 11 * row + 8, 10 * column : 10 * column + 8] = 1.0 - test[0][i].reshape(
            8, 8
        )
        text = f"{test[1][i]}, taken for {guess[i]}"
        left.text(10 * column, 11 * row + 9.2, text, color=colors[1], fontsize=9)
    left.imshow(sheet, cmap="gray", vmin=0.0, vmax=1.0)
    left.set_axis_off()
    left.set_title("Held back, and mistaken", loc="left", fontweight="bold")
else:
    low, high = np.min(inputs, axis=0) - 0.3, np.max(inputs, axis=0) + 0.3
    x, y = np.meshgrid(*(np.linspace(a, b, 200) for a, b in zip(low, high, strict=True)))
    z = outputs(parameters, np.stack([x.ravel(), y.ravel()], axis=1))
    chance = 1.0 / (1.0 + np.exp(z[:, 0] - z[:, 1]))
    field = chance.reshape(x.shape)
    left.contourf(x, y, field, levels=np.linspace(0.0, 1.0, 11), cmap="RdYlBu_r", alpha=0.45)
    left.contour(x, y, field, levels=[0.5], colors="0.2", linewidths=1.4)
    for which, marker in ((0, "o"), (1, "s")):
        points = test[0][test[1] == which]
        left.scatter(
            *points.T, s=34, marker=marker, color=colors[which], edgecolors="white", linewidths=0.7,
            label=f"held back, class {which}",
        )  # fmt: skip
    left.legend(frameon=False, loc="lower left")
    left.set_title("What the network has learnt", loc="left", fontweight="bold")
for label, column, color, dash in (
    ("learnt from", 0, colors[0], "-"),
    ("held back", 1, colors[1], (0, (5, 2))),
):
    right.semilogy([pair[column] for pair in history], color=color, linestyle=dash, label=label)
right.set_xlabel("times through the data")
right.set_ylabel("loss")
right.set_title("Learning", loc="left", fontweight="bold")
right.grid(True, color="0.9", linewidth=0.8)
right.legend(frameon=False)
for axes in (left, right):
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)

folder.mkdir(parents=True, exist_ok=True)
picture = folder / f"neural_network_{dataset}.png"
figure.savefig(picture, dpi=150)
print(f"\npicture: {picture}")
