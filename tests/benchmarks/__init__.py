"""Benchmarks: each with its comparison in the same run, the answers compared, the worst case shown."""
