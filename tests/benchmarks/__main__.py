"""`make bench`: every benchmark, one after the other."""

from __future__ import annotations

import sys

from tests.benchmarks import (
    chain_against_file,
    crew_among_singles,
    matching_against_scipy,
    matching_goals,
    month_against_nearest_first,
    online_chart,
    online_windows,
    paths_against_ortools,
)

if __name__ == "__main__":
    matching_against_scipy.main()
    print("compiled kernel against OR-Tools and SciPy:")
    paths_against_ortools.main()
    sys.argv = [sys.argv[0], "--scale", "0.1"]
    print("the matching's goals, at a tenth of their size (docs/matching.md):")
    matching_goals.main()
    sys.argv = sys.argv[:1]
    chain_against_file.main()
    sys.argv = [sys.argv[0], "--people", "12000", "--seeds", "2"]
    print("one crew among 10,000 single requests, 12,000 people:")
    crew_among_singles.main()
    sys.argv = sys.argv[:1]
    sys.argv = [sys.argv[0], "--docs"]
    online_windows.main()
    online_chart.main()
    sys.argv = sys.argv[:1]
    month_against_nearest_first.main()
