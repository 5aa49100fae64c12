"""What the machine is, and what it says of a process: the processor seconds of it and of those that it has started."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def described() -> str:
    """The machine in words."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({model[1].strip() if model else platform.machine()}), {memory:.0f} GiB, "
        f"Python {platform.python_version()}"
    )


def cpu_s(pid: int) -> tuple[float, float]:
    """Return processor seconds so far of a process, and of its living children (the solvers)."""
    own, children = 0.0, 0.0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(") ")[2].split()
        except OSError:  # it has ended
            continue
        seconds = (int(fields[11]) + int(fields[12])) * _TICK_S
        if int(folder.name) == pid:
            own = seconds
        elif int(fields[1]) == pid:
            children += seconds
    return own, children
