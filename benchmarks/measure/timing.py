"""Timing in turns: everything that is compared is measured within each of many short rounds.

Absolute times drift on a shared machine; ratios of neighbours in time do not. So a ratio is the median over the rounds
of the ratio within a round, and a time is a median with its quartiles. Of two clocks the lesser counts: the one on the
wall, which goes on while another process has the core, and that of the processor, which runs twice where threads wait
for each other in a loop. A slot is long enough for the clocks (a few milliseconds) and as short as that allows, so that
there can be many rounds. What takes much longer than a slot for a single call has its turn only every second, fourth,
eighth round, so that slow peers do not use up the time of the fast.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

LEAST_ROUNDS, MOST_ROUNDS = 7, 60


@dataclass(frozen=True)
class Times:
    """Seconds a call, by round; a peer that sat out a round has no entry for it."""

    by_round: Mapping[int, float]

    @property
    def median(self) -> float:
        return statistics.median(self.by_round.values())

    @property
    def quartiles(self) -> tuple[float, float]:
        low, high = np.percentile(list(self.by_round.values()), [25, 75])
        return float(low), float(high)

    def ratio(self, other: Times) -> float:
        """The median of the ratios to ``other`` in the rounds that both took part in."""
        both = self.by_round.keys() & other.by_round.keys()
        return statistics.median(self.by_round[r] / other.by_round[r] for r in both)


@dataclass(frozen=True)
class _Slot:
    """How often a function is called in a turn, and in which rounds it has one."""

    calls: int
    stride: int


def interleave(
    functions: Mapping[str, Callable[[], Any]], budget: float, slot: float = 0.004
) -> dict[str, Times]:
    """Measure all ``functions`` in turns, for about ``budget`` seconds together."""
    slots = {name: _plan(function, slot) for name, function in functions.items()}
    least = LEAST_ROUNDS * max(s.stride for s in slots.values())
    found: dict[str, dict[int, float]] = {name: {} for name in functions}
    gc.collect()
    gc.freeze()  # The size of the libraries that are loaded is no burden to those who make objects.
    try:
        start = time.monotonic()
        for turn in range(max(MOST_ROUNDS, least)):
            if turn >= least and time.monotonic() - start > budget:
                break
            gc.collect(0)
            for name, function in functions.items():
                if turn % slots[name].stride == 0:
                    found[name][turn] = _seconds(function, slots[name].calls)
    finally:
        gc.unfreeze()
    return {name: Times(times) for name, times in found.items()}


def _plan(function: Callable[[], Any], slot: float) -> _Slot:
    """Warm up, and find out how many calls fill a slot."""
    function()
    # More than once, since what is done on some of the first calls alone would be taken for the pace.
    calls, seconds = 1, min(_seconds(function, 1) for _ in range(5))
    while calls * seconds < 0.5 * slot:
        calls = min(8 * calls, max(2 * calls, int(slot / max(seconds, 1e-9))))
        seconds = min(_seconds(function, calls) for _ in range(3))
    stride = 1
    while seconds > 8 * slot * stride and stride < 8:
        stride *= 2
    return _Slot(max(1, int(slot / seconds)), stride)


def _seconds(function: Callable[[], Any], calls: int) -> float:
    """The mean over some calls."""
    turns = range(calls)
    wall, processor = time.perf_counter(), time.process_time()
    for _ in turns:
        function()
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    return min(wall, processor) / calls


def first_call(
    make: Callable[[], Callable[[], Any]], repeat: int
) -> tuple[float, Callable[[], Any]]:
    """The time that it takes to make a function and to call it once, and the function.

    By the clock on the wall, for compilers have threads and processes of their own; the least over some fresh
    functions, for what disturbs only adds. One that takes seconds is made once.
    """
    spent = []
    while not spent or (len(spent) < repeat and spent[0] < 1.0):
        start = time.perf_counter()
        function = make()
        function()
        spent.append(time.perf_counter() - start)
    return min(spent), function
