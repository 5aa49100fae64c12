"""`paidan plan`: look at the plan of a batch (`paidan rematch`), publish it, tell people, or take it back."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from services.cli import explain_live, options
from services.cli.rematch import URL, Data, Json, Lang, Url, Zone
from services.exits import ExitCode, Stop
from services.names import NAME

if TYPE_CHECKING:
    from matcher.commands import Command
    from matcher.events import Event
    from matcher.plans import AdoptedPlan
    from matcher.zone import Zone as ZoneState

CODES = (
    "Exit codes: 0 ok, 2 usage, 4 API or broker cannot be reached, 5 refused or no such plan, "
    "7 the log cannot be trusted."
)
PlanName = Annotated[str, typer.Argument(help="Name of the plan: that of its batch.")]


def register(app: typer.Typer) -> None:
    """Put `plan` with its subcommands on the app."""
    plan = typer.Typer(no_args_is_help=True, help="The plan of a week's batch: show, publish, notify, roll back.")
    for name, command in (("show", show), ("publish", publish), ("notify", notify), ("rollback", rollback)):
        example = f"{NAME} plan {name} week-2026-10-12-4f1c2a --zone shizhong --data {NAME}-data"
        plan.command(name, epilog=f"Example: {example}. {CODES}")(command)
    app.add_typer(plan, name="plan")


def show(
    plan: PlanName,
    zone: Zone,
    data: Data = None,
    kafka: options.Kafka = None,
    prefix: options.Prefix = None,
    as_json: Json = False,
) -> None:
    """Show where a plan is, its figures, and its visits by day."""
    import msgspec

    from services.cli.journal import with_log
    from services.worker.planning.folding import folded
    from services.worker.planning.questions import State

    where = explain_live.place(None, data, kafka, prefix)
    history = with_log(where, lambda log: explain_live.newest(log, zone))
    state = State(chain=history.chain, zone=history.state, records=history.records)
    found = folded(history.partition, zone, state)[1]
    if found is None or plan not in found.known_plans:
        known = ", ".join(found.known_plans) if found is not None else ""
        raise Stop(ExitCode.BAD_INPUT, f"Zone ({zone}) has no plan ({plan}). Its plans: {known or 'none'}.")
    facts = _facts(found, found.known_plans[plan])
    if as_json:
        visits = [msgspec.to_builtins(visit) for visit in found.known_plans[plan].visits]
        typer.echo(msgspec.json.encode(facts | {"visits": visits}).decode())
    else:
        typer.echo("\n".join(_lines(facts)))


def publish(
    plan: PlanName,
    zone: Zone,
    data: Data = None,
    url: Url = URL,
    kafka: options.Kafka = None,
    prefix: options.Prefix = None,
    lang: Lang = "en",
) -> None:
    """Make the visits of a draft offers; nobody is told yet (发布)."""
    from matcher.commands import PublishPlan

    _send(
        PublishPlan(id=_id("publish", plan), zone=zone, at=datetime.now(UTC), plan=plan), data, url, kafka, prefix, lang
    )


def notify(
    plan: PlanName,
    zone: Zone,
    data: Data = None,
    url: Url = URL,
    kafka: options.Kafka = None,
    prefix: options.Prefix = None,
    lang: Lang = "en",
) -> None:
    """Tell everybody who has an offer of a published plan (通知)."""
    from matcher.commands import NotifyPlan

    _send(
        NotifyPlan(id=_id("notify", plan), zone=zone, at=datetime.now(UTC), plan=plan), data, url, kafka, prefix, lang
    )


def rollback(
    plan: PlanName,
    zone: Zone,
    data: Data = None,
    url: Url = URL,
    kafka: options.Kafka = None,
    prefix: options.Prefix = None,
    lang: Lang = "en",
) -> None:
    """Throw a draft away; of a published plan, every offer that nobody has accepted (撤回). Accepted work stays."""
    from matcher.commands import RollBackPlan

    command = RollBackPlan(id=_id("rollback", plan), zone=zone, at=datetime.now(UTC), plan=plan)
    _send(command, data, url, kafka, prefix, lang)


def _id(what: str, plan: str) -> str:
    """A fresh one each time: the same step may be refused now and right later."""
    import secrets

    return f"{what}:{plan}:{secrets.token_hex(4)}"[:200]


def _send(command: Command, data: Path | None, url: str, kafka: str | None, prefix: str | None, lang: str) -> None:
    from matcher.events import CommandRefused
    from matcher.explaining import refusals
    from services.cli import live
    from services.wire import partition_of

    where = explain_live.place(None, data, kafka, prefix)

    async def asked(log: Any, send: live.Send) -> list[Event]:
        async with live.hearing(log, command.zone, partition_of(command.zone, log.partitions)) as heard:
            return await live.answer_to(heard, await send(command))

    events = live.on_service(where, url, asked)
    for event in events:
        if isinstance(event, CommandRefused):
            raise Stop(ExitCode.BAD_INPUT, refusals.sentence(event.reason, "zh" if lang == "zh" else "en"))
    counts = Counter(type(event).__name__ for event in events)
    typer.echo(", ".join(f"{name} {count}" for name, count in counts.items()) + ".")


def _facts(zone: ZoneState, plan: AdoptedPlan) -> dict[str, Any]:
    import msgspec

    clock = ZoneInfo(zone.policy.timezone)
    days = Counter(visit.start.astimezone(clock).date().isoformat() for visit in plan.visits)
    return {
        "plan": plan.id,
        "state": plan.state.value,
        "from": datetime.fromtimestamp(plan.from_s, clock),
        "until": datetime.fromtimestamp(plan.until_s, clock),
        "to_offer": len(plan.visits),
        "through": plan.next,
        "offers": len(plan.offers),
        "counts": plan.counts,
        "figures": msgspec.structs.asdict(plan.figures) if plan.figures else None,
        "by_day": dict(sorted(days.items())),
    }


def _lines(facts: dict[str, Any]) -> list[str]:
    lines = [
        f"Plan ({facts['plan']}): {facts['state']}, {facts['from']:%Y-%m-%d %H:%M} to {facts['until']:%Y-%m-%d %H:%M}.",
        f"{facts['to_offer']} visits to offer, {facts['through']} of them through, {facts['offers']} offers made.",
        ", ".join(f"{name} {count}" for name, count in facts["counts"].items()) + ".",
    ]
    if facts["figures"]:
        figures = facts["figures"]
        lines.append(
            f"Filled {figures['filled']} of {figures['places']}, at most {figures['bound']}; {figures['metres']} m."
        )
    return [*lines, *(f"  {day}  {count} visits" for day, count in facts["by_day"].items())]
