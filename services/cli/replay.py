"""`paidan replay`: folds a journal again and proves that it gives the states that its writers had. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.journal import File, Kafka, Prefix, place_of, with_log
from services.exits import ExitCode, Stop
from services.names import NAME

if TYPE_CHECKING:
    from services.adapters.kafka import KafkaLog
    from services.adapters.sqlite import SqliteLog
    from services.replaying import Replayed


def register(app: typer.Typer) -> None:
    """Put `replay` on the app."""
    app.command("replay", epilog=f"Example: {NAME} replay {NAME}-demo --json")(replay)


def replay(
    file: File = None,
    first: Annotated[
        int, typer.Option("--from", min=0, help="Journal offset: fold from the newest snapshot before it.")
    ] = 0,
    last: Annotated[int | None, typer.Option("--to", min=0, help="Last journal offset, in each partition.")] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition.")] = None,
    kafka: Kafka = None,
    prefix: Prefix = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as one JSON object.")] = False,
) -> None:
    """Fold the journal and compare it with every hash in the log. Exit 7 at a mismatch, with its first place.

    Hashes stand in every 1,000th entry and in the snapshots; match runs name their policy. The same log gives the same
    states anywhere: `state_sha256` is one number for all of them. Works while a writer runs.
    """
    import msgspec

    from services.replaying import replay as replayed

    place = place_of(file, kafka, prefix)

    async def fold(log: SqliteLog | KafkaLog) -> Replayed:
        if partition is not None and partition >= log.partitions:
            words = f"The log ({place}) has partitions 0 to ({log.partitions - 1}), not ({partition})."
            raise Stop(ExitCode.USAGE, words)
        chosen = range(log.partitions) if partition is None else [partition]
        return await replayed(log, chosen, first, last)

    found = with_log(place, fold)
    typer.echo(msgspec.json.encode(found).decode() if as_json else _words(found))
    if found.mismatches:
        worst = found.mismatches[0]
        raise Stop(
            ExitCode.LOG_UNTRUSTED,
            f"Partition ({worst.partition}), offset ({worst.offset}): {worst.words}",
        )


def _words(found: Replayed) -> str:
    pace = found.events / found.seconds if found.seconds else 0.0
    lines = [
        f"partitions {found.partitions}, zones {len(found.zones)}, entries {found.entries}, events {found.events}, "
        f"sign-ins {found.sign_ins}, void {found.void}: {found.seconds:.2f} s, {pace:,.0f} events a second",
        f"agree: {found.hashed_entries} entries with hashes, {found.snapshots} snapshots, policies of {found.runs} runs"
        + (f"; {found.snapshots_unusable} snapshots that nobody starts from" if found.snapshots_unusable else ""),
        f"state {found.state_sha256}",
    ]
    return "\n".join(
        [*lines, *(f"mismatch: ({each.partition}, {each.offset}) {each.words}" for each in found.mismatches)]
    )
