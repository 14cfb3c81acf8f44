"""The workloads, one file each: a user's function, and its derivative by hand."""

from workloads import (
    curvature,
    exponentials,
    mixture,
    network,
    predator_prey,
    rosenbrock,
    tiny,
)

ALL = [
    *rosenbrock.WORKLOADS,
    *predator_prey.WORKLOADS,
    *mixture.WORKLOADS,
    *exponentials.WORKLOADS,
    *curvature.WORKLOADS,
    *network.WORKLOADS,
    *tiny.WORKLOADS,
]
