"""The speed of derivatives: optkit, eager and compiled, beside gradients written by hand and other libraries.

    python benchmarks/speed.py [workload ...] [--peers NAME ...] [--quick] [--json FILE] [--list]

Before anything is timed, all take part in a proof: their results for a workload agree to 1e-10. Then they are measured
in turns (`measure/timing.py`), each on one thread, from NumPy arrays to NumPy arrays in double precision. "NumPy" and
"numba" are gradients derived and written by hand: what the derivative costs at best. Peers that are not installed are
left out, and said to be; ``pip install optkit[bench-all]`` installs all.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

# Read when the libraries are loaded: so before any import of them.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import numpy as np  # noqa: E402

from measure.peers import make  # noqa: E402
from measure.table import Measured, data, markdown  # noqa: E402
from measure.timing import first_call, interleave  # noqa: E402
from measure.workload import COMPILERS, PEERS, NotThereError, Workload  # noqa: E402
from workloads import ALL  # noqa: E402

TOLERANCE = 1e-10
# They take seconds to compile.
SLOW = {"torch.compile", "CasADi C"}


class DisagreementError(Exception):
    """Two implementations of a workload give different results: nothing was timed."""


def leaves(result: Any) -> list[Any]:
    if isinstance(result, tuple | list):
        return [leaf for part in result for leaf in leaves(part)]
    return [np.asarray(result)]


def agree(results: dict[str, Any], workload: Workload) -> None:
    """Raise where a result differs from the first by more than 1e-10 of its largest entry."""
    (first, reference), *others = ((name, leaves(r)) for name, r in results.items())
    for name, found in others:
        if [a.shape for a in found] != [a.shape for a in reference]:
            raise DisagreementError(f"{workload.key}: {name} and {first} differ in their shapes")
        for a, b in zip(found, reference, strict=True):
            # Written so that NaN disagrees.
            if not np.max(np.abs(a - b)) <= TOLERANCE * np.max(np.abs(b)):
                raise DisagreementError(
                    f"{workload.key}: {name} and {first} differ by {np.max(np.abs(a - b)):.3g} "
                    f"where the largest entry is {np.max(np.abs(b)):.3g}"
                )


def run(workload: Workload, peers: list[str], budget: float, repeat: int) -> Measured:
    """Prove that all agree, then measure them."""
    measured = Measured(workload)
    functions: dict[str, Callable[[], Any]] = {}
    for peer in peers:
        try:
            seconds, functions[peer] = first_call(
                lambda peer=peer: partial(make(peer, workload), *workload.inputs),
                repeat if peer in COMPILERS else 1,
            )
        except NotThereError as reason:
            measured.left_out[peer] = str(reason)
            continue
        if peer in COMPILERS:
            measured.first[peer] = seconds
    agree({peer: function() for peer, function in functions.items()}, workload)
    measured.times = interleave(functions, budget)
    return measured


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "workloads", nargs="*", metavar="workload", help="names, with * and ? (all if none)"
    )
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS, metavar="NAME")
    parser.add_argument(
        "--quick", action="store_true", help="a fifth of the time, and no slow compilers"
    )
    parser.add_argument(
        "--seconds", type=float, default=None, help="of measuring for each workload"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument("--list", action="store_true", help="list workloads and peers, and stop")
    chosen = parser.parse_args(argv)
    patterns = chosen.workloads or ["*"]
    unknown = [p for p in patterns if not fnmatch.filter([w.key for w in ALL], p)]
    if unknown:
        parser.error(f"no workload is named {', '.join(unknown)}; --list shows their names")
    chosen.workloads = [
        w for w in ALL if any(fnmatch.fnmatchcase(w.key, pattern) for pattern in patterns)
    ]
    if chosen.seconds is None:
        chosen.seconds = 1.0 if chosen.quick else 5.0
    if chosen.quick:
        chosen.peers = [p for p in chosen.peers if p not in SLOW]
    return chosen


def main() -> None:
    chosen = arguments()
    if chosen.list:
        print("workloads:", *(w.key for w in ALL), "peers:", *PEERS, sep="\n  ")
        return
    # A process that has once freed a large block keeps memory instead of returning it to the system after every
    # array; without this, those who are measured first pay with page faults.
    np.ones(3_000_000)
    results = []
    for workload in chosen.workloads:
        print(workload.title, file=sys.stderr, flush=True)
        with warnings.catch_warnings():
            # What a peer warns of (versions, features to come) does not concern the reader of a table.
            warnings.simplefilter("ignore")
            results.append(run(workload, chosen.peers, chosen.seconds, 1 if chosen.quick else 3))
    print(markdown(results, chosen.peers))
    if chosen.json:
        chosen.json.write_text(json.dumps(data(results), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
