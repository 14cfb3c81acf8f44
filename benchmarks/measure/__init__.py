"""How the benchmarks measure: workloads, the peers they are run with, timing in turns, and the tables."""
