"""Crews and routes on public instances: HHCRSP (Mankowska) and ROADEF 2007; `python -m tests.benchmarks.routes`."""
