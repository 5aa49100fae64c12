"""What the log's parts count. Every method does nothing here; the metrics adapter overrides what it shows.

Called by Writer, Cursor, Embedded, snapshots and the stream's driver. Labels are bounded: partitions, topics, agents
and fixed reasons only. What is told by looking (lag, ages) is not here but in `services/backlog.py`.
"""

from __future__ import annotations


class Meters:
    """Counters and timings of one process; seconds are the event loop's."""

    def group(self, partition: int, commands: int, seconds: float) -> None:
        """A group of commands was answered, from the first taken to the check of its last entry."""

    def solve(self, partition: int, seconds: float) -> None:
        """One zone's problem was solved, waiting for the solver included."""

    def signed_in(self, partition: int) -> None:
        """A writer took the partition and has caught up."""

    def fenced(self, partition: int) -> None:
        """A writer found that another one has taken its partition."""

    def uncertain(self, partition: int) -> None:
        """The answer to an append was lost."""

    def voids(self, partition: int, records: int) -> None:
        """Journal records that mean nothing were passed over."""

    def read_back(self, partition: int, records: int) -> None:
        """Records that no driver had brought (a hole, a backlog) were read from the log."""

    def parked(self, topic: str, reason: str) -> None:
        """A record was set aside; `reason` is one of `parking.Reason`."""

    def attempt(self, partition: int, n: int) -> None:
        """A command is tried alone for the n-th time."""

    def snapshot(self, partition: int, size_bytes: int, seconds: float) -> None:
        """A partition's state was written."""

    def snapshot_ignored(self, partition: int) -> None:
        """A snapshot was there and could not be used (other version, bad hash, missing part)."""

    def progress(self, agent: str) -> None:
        """An agent (`matching`, `projecting`, `announcing`, `scoring`) took an entry."""

    def rebalanced(self, seconds: float) -> None:
        """The group has handed out its partitions anew; so long this process waited for its own."""

    def owned(self, partitions: int) -> None:
        """So many partitions belong to this process now."""

    def committed(self, seconds: float) -> None:
        """The driver committed offsets."""

    def clock_off(self, partition: int, seconds: float) -> None:
        """So far this process's clock is from the append time of the partition's broker; 0 within the limit."""

    def board_lag(self, entries: int) -> None:
        """So many entries have been read and are not on the board yet."""
