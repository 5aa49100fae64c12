"""What the log says, read apart from the product: its own reader, its own reading rule, every command and its answer.

Kept by the runner over a whole town and read on from where it stands. It decodes with the wire structs and shares
nothing else with those who wrote.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from matcher import events as happened
from matcher.commands import JobOutcome
from services.names import COMMANDS, JOURNAL
from services.ports import Bounds, Log, Message, Record
from services.wire import Entry, SignIn, decode_envelope, decode_events

CHUNK = 1000


@dataclass
class Line:
    """One partition, as far as it was read."""

    #: append time of every command
    asked_s: list[float] = field(default_factory=list)
    #: every holding entry: journal offset, append time, entry, events
    entries: list[tuple[int, float, Entry, list[happened.Event]]] = field(default_factory=list)
    journal_next: int = 0
    sign_ins: int = 0
    #: append time of the last sign-in that held
    signed_s: float = 0.0
    void: int = 0
    tip: str | None = None
    signed: set[str] = field(default_factory=set)

    @property
    def answered(self) -> int:
        """Commands before this offset have an answer."""
        return self.entries[-1][2].last + 1 if self.entries else 0

    def silence_s(self, since_s: float) -> float | None:
        """Return the longest wait of a command asked after this moment; None: nothing was."""
        waits = [
            at_s - asked_s
            for _, at_s, entry, _ in self.entries
            for asked_s in self.asked_s[entry.first : entry.last + 1]
            if asked_s >= since_s
        ]
        return max(waits, default=None)

    def take(self, record: Record) -> None:
        """Judge one record of the journal: a sign-in holds once, an entry holds if it names the last that held."""
        self.journal_next = record.offset + 1
        said = decode_envelope(record.value)
        if isinstance(said, SignIn) and said.id not in self.signed:
            self.signed.add(said.id)
            self.tip = said.id
            self.sign_ins += 1
            self.signed_s = record.at_s
        elif isinstance(said, Entry) and self.tip is not None and said.after == self.tip:
            self.tip = said.id
            self.entries.append((record.offset, record.at_s, said, decode_events(said)))
        else:
            self.void += 1


class History:
    """All partitions of one log."""

    def __init__(self, log: Log, partitions: int) -> None:
        self.log = log
        self.lines = [Line() for _ in range(partitions)]

    async def read_on(self) -> None:
        """Read up to the present ends: the journal first, so that no answer is there without its command."""
        for partition, line in enumerate(self.lines):
            end = (await self.log.bounds(JOURNAL, partition)).end
            while line.journal_next < end:
                count = min(CHUNK, end - line.journal_next)
                for record in await self.log.read(JOURNAL, partition, line.journal_next, count):
                    line.take(record)
            end = (await self.log.bounds(COMMANDS, partition)).end
            while len(line.asked_s) < end:
                count = min(CHUNK, end - len(line.asked_s))
                line.asked_s += [
                    each.at_s for each in await self.log.read(COMMANDS, partition, len(line.asked_s), count)
                ]

    @property
    def void(self) -> int:
        """Records that mean nothing to anybody."""
        return sum(line.void for line in self.lines)

    @property
    def sign_ins(self) -> int:
        """Takings of a partition that held."""
        return sum(line.sign_ins for line in self.lines)

    def answers(self) -> dict[str, list[tuple[int, int]]]:
        """Return command id -> the journal places where events carry it in full: its decision stands there.

        Later events may name it as their cause; only these say what was asked.
        """
        found: dict[str, list[tuple[int, int]]] = {}
        for partition, line in enumerate(self.lines):
            for offset, _, _, events in line.entries:
                for event in events:
                    command = getattr(event, "command", None)
                    if command is not None and not _repeats(event):
                        places = found.setdefault(command.id, [])
                        if (partition, offset) not in places:
                            places.append((partition, offset))
        return found

    def events(self) -> list[happened.Event]:
        """Every event that holds, a partition after the other."""
        return [event for line in self.lines for _, _, _, events in line.entries for event in events]

    def recovery_s(self, since_s: float) -> float | None:
        """Return the seconds until every partition had answered something asked after this moment.

        None: nothing was asked then. Both times are the broker's.
        """
        waits = []
        for line in self.lines:
            for _, at_s, entry, _ in line.entries:
                asked = line.asked_s[entry.first : entry.last + 1]
                if any(each >= since_s for each in asked):
                    waits.append(at_s - since_s)
                    break
        return max(waits, default=None)

    def taken_over(self, since_s: float) -> dict[str, list[Line]]:
        """Return the partitions that got a writer after this moment, and those that kept theirs."""
        taken = [line for line in self.lines if line.signed_s >= since_s]
        return {"takeover": taken, "kept": [line for line in self.lines if line.signed_s < since_s]}

    def silence_s(self, since_s: float) -> float:
        """Return the longest wait of a command asked after this moment, in any partition."""
        return max((each for line in self.lines if (each := line.silence_s(since_s)) is not None), default=0.0)

    def parked_s(self, since_s: float) -> list[float]:
        """Return how long each command appended after this moment that was set aside had waited for that."""
        return [
            at_s - line.asked_s[event.offset]
            for line in self.lines
            for _, at_s, _, events in line.entries
            for event in events
            if isinstance(event, happened.CommandParked) and line.asked_s[event.offset] >= since_s
        ]


def _repeats(event: happened.Event) -> bool:
    """Whether it refuses another body under an id that was answered before."""
    reason = getattr(event, "reason", None)
    return isinstance(event, happened.CommandRefused) and type(reason).__name__ == "IdempotencyConflict"


#: What is said to whom: zone, person, offer, about.
What = tuple[str, str, str, str]


def issued(history: History) -> list[tuple[What, float]]:
    """Return what people had to be told, as the journal says, and when it said so."""
    whose: dict[tuple[str, str], str] = {}
    found: list[tuple[What, float]] = []
    for line in history.lines:
        for _, at_s, _, events in line.entries:
            for event in events:
                if isinstance(event, happened.OfferSent):
                    whose[event.zone, event.offer] = event.volunteer
                    found.append(((event.zone, event.volunteer, event.offer, "offer"), at_s))
                elif isinstance(event, happened.OfferSuperseded):
                    person = whose[event.zone, event.offer]
                    found.append(((event.zone, person, event.offer, "stand_down"), at_s))
                elif isinstance(event, happened.AssignmentReleased) and event.stand_down:
                    person = whose[event.zone, event.assignment]
                    found.append(((event.zone, person, event.assignment, "stand_down"), at_s))
    return found


def reported(history: History) -> dict[What, float]:
    """Return what people were told as the journal knows, and when it learnt that first."""
    jobs = {(what[0], job_of(what)): what for what, _ in issued(history)}
    found: dict[What, float] = {}
    for line in history.lines:
        for _, at_s, _, events in line.entries:
            for event in events:
                if isinstance(event, happened.JobReported) and event.command.outcome is JobOutcome.SENT:
                    found.setdefault(jobs[event.zone, event.command.job], at_s)
    return found


def job_of(what: What) -> str:
    """Return the job's id, as the core derives it."""
    return f"notify:{what[2]}" + (":stand-down" if what[3] == "stand_down" else "")


class Cut:
    """Port `Log` as it was when `history` was read: nothing that came later, so that a living log can be judged."""

    def __init__(self, history: History) -> None:
        self._log = history.log
        self._ends = {
            **{(JOURNAL, p): line.journal_next for p, line in enumerate(history.lines)},
            **{(COMMANDS, p): line.answered for p, line in enumerate(history.lines)},
        }

    async def append(self, topic: str, partition: int, messages: list[Message]) -> int:
        """A judge writes nothing."""
        raise NotImplementedError

    async def read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        """See `Log.read`."""
        end = self._ends.get((topic, partition))
        return await self._log.read(topic, partition, offset, limit if end is None else min(limit, end - offset))

    async def bounds(self, topic: str, partition: int) -> Bounds:
        """See `Log.bounds`."""
        bounds = await self._log.bounds(topic, partition)
        return Bounds(bounds.start, self._ends.get((topic, partition), bounds.end), bounds.topic_id)
