"""Pictures of problems and of how they were solved. Matplotlib is imported when the first is drawn."""

from optkit.plotting.convergence import plot_convergence
from optkit.plotting.fits import plot_fit
from optkit.plotting.landscape import plot_path
from optkit.plotting.live import LivePlot
from optkit.plotting.matrices import plot_jacobian
from optkit.plotting.page import html_report
from optkit.plotting.profiles import plot_profile

__all__ = [
    "LivePlot",
    "html_report",
    "plot_convergence",
    "plot_fit",
    "plot_jacobian",
    "plot_path",
    "plot_profile",
]
