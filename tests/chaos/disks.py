"""A small disk of its own that can be filled and emptied: a file system in memory, seen only by those who live on it.

Needs `unshare` and `nsenter`, and root or a kernel that lets users have name spaces. It goes with the process that
holds it; nothing is mounted where others look.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.proving import DidNotHappen

MIB = 1 << 20
BALLAST = "ballast"
BEGINS_S = 10.0
POLL_S = 0.05


class SmallDisk:
    """`folder`: where its inhabitants see it. `at`: where the runner sees it."""

    def __init__(self, folder: Path, mebibytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        as_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        mount = f'mount -t tmpfs -o size={mebibytes}m none "$0" && exec sleep infinity'
        self._holder = subprocess.Popen(
            ["unshare", *as_user, "--mount", "--propagation", "private", "sh", "-c", mount, str(self.folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.at = Path(f"/proc/{self._holder.pid}/root{self.folder}")
        end_s = time.monotonic() + BEGINS_S
        while not self._is_there():
            if time.monotonic() > end_s or self._holder.poll() is not None:
                self._holder.kill()
                raise DidNotHappen("no small disk can be made here: name spaces are not allowed")
            time.sleep(POLL_S)

    @property
    def enter(self) -> list[str]:
        """What a command line begins with, to run there."""
        as_user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", str(self._holder.pid), *as_user, "--mount", "--"]

    @property
    def free_bytes(self) -> int:
        """What is left."""
        found = os.statvfs(self.at)
        return found.f_bavail * found.f_frsize

    def fill(self, but_bytes: int = 0) -> None:
        """Take all the room there is, less so many bytes."""
        with (self.at / BALLAST).open("ab", buffering=0) as out:
            while (left := self.free_bytes - but_bytes) > 0:
                try:
                    out.write(bytes(min(left, MIB)))
                except OSError:
                    return

    def make_room(self) -> None:
        """Give it back."""
        (self.at / BALLAST).unlink()

    def close(self) -> None:
        """Let it go, with everything on it."""
        self._holder.kill()
        self._holder.wait()

    def _is_there(self) -> bool:
        try:
            mounts = Path(f"/proc/{self._holder.pid}/mounts").read_text(encoding="utf-8")
        except OSError:
            return False
        return any(line.split()[1] == str(self.folder) for line in mounts.splitlines())


def inside(disk: SmallDisk, program: Sequence[str]) -> tuple[str, ...]:
    """Return what Python has to run so that it becomes this program of Python there; the id of the process stays."""
    words = [*disk.enter, "PYTHON", *program]
    code = f"import os, sys; words = {words!r}; words[words.index('PYTHON')] = sys.executable; "
    return ("-c", code + "os.execvp(words[0], [*words, *sys.argv[1:]])")
