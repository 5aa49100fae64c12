"""What the page of the figures says beside its tables. Filled in by `report`; a blank line is a new paragraph."""

from __future__ import annotations

INTRO = """
Measured {when} by `make bench-brokers` on {machine}. Brokers, clients and the measuring itself share these cores: one
Kafka broker (no copies), Redis, RabbitMQ. Load is the machine's average of a minute, least and most while it was
measured; the bench itself makes about two of it.
"""

THROUGHPUT = """
Commands (half people who report, half requests) stand in the topic; a process starts, and the clock runs from its first
partition until all are answered in the journal, or until board, jobs and metrics have been told. Four partitions, no
Ticks, one process. A core-second is a second of processor time of that process, all of its threads; Kafka's own is in
none. The worst is the slowest repetition. The plain agents read the same topic with the same settings, from the first
record on; they keep no state, decide nothing, and after a crash give their answers twice.
"""

WHY = """
What to compare with. The goal was taken from a plain agent that only decodes; that one answers nobody, and against it
G17 is the strictest. One that sends an answer does what a service must at least, and one that awaits the
acknowledgement before the next record is what somebody writes who wants to lose none.

Why the ratio is what it is. A plain agent does nothing for a command but decode it and send something; nearly all of
its time is Faust's own work for each record (four tasks, an event, an acknowledgement). Ours passes that by: what was
fetched is handed over together, and a backlog is read by a consumer of our own. What is saved there is spent on the
answer: a command is decoded into its type, checked, decided, folded into its zone, encoded into an entry that is
chained, read back and judged before anybody is told. As shipped each event is then decoded again for each of three
readers, written to the board in Redis with a receipt, looked at for jobs, and counted, all in the same process. The
trial that the goal was taken from decided trivially and had no readers. "Matching only" is the chain without the three
readers.
"""

LATENCY = """
Command to journal at {rate} commands a second for {seconds:g} s, one an append, each at its time whether or not the
former ones are answered (open loop); load {load}. From Kafka's acknowledgement of the command until a reader of its own
could read the entry that answers it; "from asking" counts from before the append. "Asked late" is the bench's own
lateness: where that is large the machine was too busy to ask in time, and the rest says little.
"""

LATENCY_WHY = """
Ours waits 5 ms after the first command of a group for more of them (one entry, one acknowledgement for all), and checks
that it still writes; the plain agent answers each record by itself. With a beat of a second people and requests are
matched meanwhile, and the solvers run beside it.
"""

TAKEOVER = """
Two stream processes share four partitions, each asked something every {pace_ms:g} ms, no Ticks; load {load}. A silence
is the longest time in which nobody answered a partition, as an independent reader saw it: one for each partition that
was lost, from the kill on.
"""

TAKEOVER_WHY = """
A dead process keeps its partitions until the group has missed it for a session (`PAIDAN_SESSION_S`, 10 s; Kafka's
brokers allow no less than 6 s by default); the rest is the rebalance, the sign-in and the fold. A process that comes
back under its own name (`PAIDAN_MEMBER`) need not wait for that: what it costs is its start.
"""

ROLLING = """
Both processes are replaced, one after the other, under the same load. One silence for each partition, the longest over
all of it.
"""

ROLLING_WHY = """
Without a name each leaving and each joining hands the partitions out anew, and those that move are signed in to and
folded again. With one, nothing is handed out: the new process starts while the old one answers, takes its place, and
fences it by signing in, folded already. What is left is what came meanwhile, and the first answers of a young process.
"""


def paragraph(text: str, **values: object) -> str:
    """Fill in a text."""
    return text.format(**values).strip()
