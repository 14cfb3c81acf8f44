"""
A fitted curve and its confidence band
======================================

How far a fitted curve can be trusted, at every point of it: the standard errors of the parameters, carried over to the
curve by the derivatives of the model.

A fit of parameters p to observations with independent errors gives estimates with the covariance C. The curve v(c; p)
at the concentrations c then has, to first order, the covariance J C Jᵀ, where J = ∂v/∂p is a Jacobian that nobody needs
to write down. The data are those of the main job.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import scipy.stats

import optkit
from optkit import ad

concentration = np.array(
    [0.02, 0.02, 0.06, 0.06, 0.11, 0.11, 0.22, 0.22, 0.56, 0.56, 1.10, 1.10]
)  # ppm
velocity = np.array([76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200])  # counts/min²


def model(p, c):
    v_max, k_m = p
    return v_max * c / (k_m + c)


fit = optkit.least_squares(lambda p: model(p, concentration) - velocity, [200.0, 0.05])
if not fit.success:
    raise SystemExit(fit.message)

# %%
# The band
# --------
# One call gives the derivatives of the whole curve with respect to the parameters.

c = np.linspace(0.0, 1.2, 241)
curve = model(fit.x, c)
jacobian = ad.jacobian(model)(fit.x, c)
optkit.gradcheck(model, fit.x, c, jac=lambda p, c: ad.jacobian(model)(p, c))

freedom = len(velocity) - len(fit.x)
student = scipy.stats.t.ppf(0.975, freedom)
curve_error = np.sqrt(np.einsum("ij,jk,ik->i", jacobian, fit.covariance, jacobian))
noise = np.sqrt(2.0 * fit.cost / freedom)
observation_error = np.sqrt(curve_error**2 + noise**2)

print("95 % confidence intervals")
for name, unit, value, error in zip(
    ("Vmax", "Km"), ("counts/min²", "ppm"), fit.x, fit.standard_errors, strict=True
):
    print(f"  {name:5} {value - student * error:9.4f} … {value + student * error:9.4f} {unit}")
at_half = np.searchsorted(c, 0.5)
print(f"  v(0.5 ppm) = {curve[at_half]:.1f} ± {student * curve_error[at_half]:.1f} counts/min²")

# %%
# The picture
# -----------

figure, ax = plt.subplots(figsize=(7.5, 5.0), layout="constrained")
for error, alpha, label in (
    (observation_error, 0.12, "a new observation, 95 %"),
    (curve_error, 0.32, "the curve, 95 %"),
):
    low, high = curve - student * error, curve + student * error
    ax.fill_between(c, low, high, color="#0072B2", alpha=alpha, linewidth=0.0, label=label)
ax.plot(c, curve, color="#0072B2", linewidth=2.0, label="Michaelis–Menten fit")
ax.plot(
    concentration,
    velocity,
    "o",
    color="#D55E00",
    markeredgecolor="white",
    markersize=7.5,
    label="observations",
)
ax.set_xlabel("concentration of the substrate (ppm)")
ax.set_ylabel("velocity of the reaction (counts/min²)")
ax.set_title("Treated Puromycin cells", loc="left", fontweight="bold")
ax.set_xlim(0.0, c[-1])
ax.set_ylim(bottom=0.0)
ax.grid(True, color="0.9", linewidth=0.8)
ax.set_axisbelow(True)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(loc="lower right", frameon=False)

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
folder.mkdir(parents=True, exist_ok=True)
picture = folder / "curve_and_band.png"
figure.savefig(picture, dpi=150)
print(f"picture: {picture}")
