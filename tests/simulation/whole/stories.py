"""What is asked and what goes wrong, as two lists that a seed makes and that can be shortened line by line."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from matcher.policy import Policy
from services.wire import partition_of

PARTITIONS = 2
#: Two zones in one partition, one in the other; the last is never opened.
ZONES = ("east", "west", "hill")
NOWHERE = "nowhere"
STREAMS, APIS, WORKERS = ("stream-0", "stream-1"), ("api-0", "api-1"), ("worker-0", "worker-1")
PROCESSES = (*STREAMS, *APIS, *WORKERS)
#: The town is opened before anything goes wrong.
OPENING_S = 6.0
BEAT_S = 8.0

assert len({partition_of(zone, PARTITIONS) for zone in ZONES}) == PARTITIONS

#: As short as it may be: a visit from order to rating fits into a few minutes.
POLICY = Policy(
    name="simulation",
    offer_expiry_minutes=1,
    crew_lead_minutes=0,
    no_show_grace_minutes=1,
    offers_per_day=0,
    job_retry_minutes=1,
    job_attempts_max=1000,
)


@dataclass(frozen=True)
class Say:
    """A client asks at `at_s`, and again under the same key until it is taken. No path: bytes that no program wrote."""

    at_s: float
    zone: str
    path: str
    key: str
    body: dict[str, Any] = field(default_factory=dict)
    raw: bytes = b""

    def __str__(self) -> str:
        what = f"{self.zone}{self.path} {_short(self.body)}" if self.path else f"raw bytes {self.raw!r} for {self.zone}"
        return f"{self.at_s:7.2f} s  {self.key}: {what}"


@dataclass(frozen=True)
class Fault:
    """Something goes wrong at `at_s`, for `for_s` seconds where it lasts. `what`: a method of `faults.Faults`."""

    at_s: float
    what: str
    who: str = ""
    for_s: float = 0.0
    much: float = 0.0

    def __str__(self) -> str:
        words = [
            self.what,
            self.who,
            f"for {self.for_s:.1f} s" if self.for_s else "",
            f"{self.much:g}" * bool(self.much),
        ]
        return f"{self.at_s:7.2f} s  FAULT {' '.join(word for word in words if word)}"


Item = Say | Fault


@dataclass(frozen=True)
class Story:
    """One run. `crash`: a process and the step of its first life that is its last."""

    seed: int
    items: tuple[Item, ...]
    crash: tuple[str, int] | None = None
    #: hints late, lost and double; people who do what they like. Off: everything arrives at once, everybody helps.
    rough: bool = True

    def told(self) -> str:
        """The story in lines."""
        crash = [f"{self.crash[0]} dies at its step {self.crash[1]}"] if self.crash else []
        return "\n".join([*map(str, sorted(self.items, key=lambda item: item.at_s)), *crash])


# --- commands ------------------------------------------------------------------------------------------------------


def opened(zone: str, at_s: float, people: int = 3) -> Iterator[Say]:
    """A zone with its policy, a skill, and people."""
    point = {"lat": 39.9, "lon": 116.4}
    yield Say(at_s, zone, "/places", f"open.{zone}", {"place": "root", "level": "district", "name": zone})
    policy = msgspec.to_builtins(POLICY)
    yield Say(at_s + 0.4, zone, "/policy", f"policy.{zone}", {"policy": policy})
    yield Say(at_s + 0.8, zone, "/skills", f"skill.{zone}", {"skill": "plumbing"})
    for n in range(people):
        yield person(zone, f"p{n}", at_s + 1.2 + n / 10, n, point)


def person(zone: str, name: str, at_s: float, n: int, point: dict[str, float]) -> Say:
    """Somebody who is always free, lives near, and can plumb when `n` is even."""
    always = [{"weekday": day, "from_minute": 0, "until_minute": 1440} for day in range(7)]
    body = {
        "volunteer": name,
        "point": {"lat": point["lat"] + n * 0.0005, "lon": point["lon"]},
        "skills": [{"skill": "plumbing", "level": 2}] if n % 2 == 0 else [],
        "hours": {"weekly": always},
        "reach_m": 1000.0 if n != 1 else 300.0,
        "travel": "drive",
    }
    return Say(at_s, zone, "/volunteers", f"person.{zone}.{name}", body)


def request(
    zone: str, name: str, at_s: float, *, people: int = 1, skilled: bool = False, key: str = "", north: int = 0
) -> Say:
    """Somebody needs help for a minute, today."""
    need: dict[str, Any] = {"people": people}
    if skilled:
        need["skills"] = [{"skill": "plumbing"}]
    if people > 1:
        need["minimum_people"] = 1
    body = {
        "request": name,
        "point": {"lat": round(39.9 + north * 0.001, 4), "lon": 116.4},
        "requirements": [need],
        "duration_minutes": 1,
    }
    return Say(at_s, zone, "/requests", key or f"ask.{zone}.{name}", body)


def poison(zone: str, n: int, at_s: float) -> Say:
    """One of the shapes of I-7."""
    shapes = (b"", b"\xff\xfe", b"{broken", b'{"type":"Tick"}', b"[]", b'{"type":"New","id":"x","zone":"east","at":1}')
    return Say(at_s, zone, "", f"poison.{n}", raw=shapes[n % len(shapes)] + b" " * n)


# --- stories -------------------------------------------------------------------------------------------------------


def fixed() -> Story:
    """Thirty commands of the whole system: two partitions, offers, a crew, refusals, a repeat, poison; nothing else."""
    items: list[Item] = [*opened("east", 0.5), *opened("hill", 0.7, people=2)]
    at = OPENING_S
    items += [
        request("east", "r1", at), request("hill", "h1", at + 1, skilled=True), request("east", "r2", at + 2, people=2),
        poison("east", 2, at + 2.5), request("east", "r1", at + 3, key="ask.again"), request(NOWHERE, "n1", at + 3.5),
        Say(at + 8, "east", "/requests/r2/cancel", "cancel.r2"), request("hill", "h2", at + 9, north=1),
        request("east", "r3", at + 10), Say(at + 11, "hill", "/requests/none/cancel", "cancel.none"),
        poison("hill", 0, at + 12), Say(at + 13, "east", "/volunteers/p2/pause", "pause.p2", {"until": None}),
        person("east", "p9", at + 14, 4, {"lat": 39.9, "lon": 116.4}), request("east", "r4", at + 15, skilled=True),
        Say(at + 16, "hill", "/requests/h2/cancel", "cancel.h2"), request("hill", "h3", at + 17),
        person("hill", "p8", at + 18, 2, {"lat": 39.9, "lon": 116.4}), poison("east", 3, at + 19),
        request("east", "r5", at + 20, north=3),
    ]  # fmt: skip
    assert sum(isinstance(item, Say) for item in items) == 30
    return Story(0, tuple(items), rough=False)


def crashed(process: str, step: int) -> Story:
    """The fixed story; this process's first life ends at this step, another begins a second later."""
    return replace(fixed(), crash=(process, step))


def random_story(seed: int) -> Story:
    """A town for a minute and a half, with everything that can go wrong."""
    dice = random.Random(f"{seed}.story")
    items: list[Item] = []
    for n, zone in enumerate(ZONES):
        items += opened(zone, 0.3 + n / 5, people=dice.randrange(1, 4))
    until_s = OPENING_S + dice.choice((20.0, 60.0, 90.0))
    items += _asked(dice, dice.randrange(8, 30), until_s)
    items += [_fault(dice, until_s) for _ in range(dice.choice((1, 2, 4, 8, 12)))]
    return Story(seed, tuple(items))


def _asked(dice: random.Random, count: int, until_s: float) -> Iterator[Say]:
    said: list[Say] = []
    for n in range(count):
        zone, at_s = dice.choice(ZONES), dice.uniform(OPENING_S, until_s)
        what = dice.random()
        if what < 0.5:
            people = dice.choice((1, 1, 1, 2))
            said.append(
                request(zone, f"r{n}", at_s, people=people, skilled=dice.random() < 0.3, north=dice.randrange(4))
            )
        elif what < 0.6:
            said.append(person(zone, f"q{n}", at_s, dice.randrange(5), {"lat": 39.9, "lon": 116.4}))
        elif what < 0.7:
            said.append(Say(at_s, zone, f"/requests/r{dice.randrange(n + 1)}/cancel", f"cancel.{n}"))
        elif what < 0.74:
            said.append(Say(at_s, zone, f"/volunteers/p{dice.randrange(3)}/leave", f"leave.{n}"))
        elif what < 0.78:
            body = {"duration_minutes": dice.randrange(1, 4)}
            said.append(Say(at_s, zone, f"/requests/r{dice.randrange(n + 1)}/change", f"change.{n}", body))
        elif what < 0.84:
            said.append(poison(zone, n, at_s))
        elif what < 0.88:
            said.append(request(NOWHERE, f"n{n}", at_s))
        elif what < 0.94 and said:  # the same again, from a client that has lost its memory
            said.append(_again(dice.choice(said), at_s))
        elif said:  # another body under a used key
            said.append(_another(dice.choice(said), at_s, n))
    return iter(said)


def _again(say: Say, at_s: float) -> Say:
    return Say(at_s, say.zone, say.path, say.key, say.body, say.raw)


def _another(say: Say, at_s: float, n: int) -> Say:
    if not say.path:
        return _again(say, at_s)
    return Say(at_s, say.zone, "/requests", say.key, {**request(say.zone, f"x{n}", at_s).body})


#: What can go wrong, to whom, how often relative to each other.
FAULTS: tuple[tuple[str, Sequence[str], int], ...] = (
    ("kill", PROCESSES, 6),
    ("freeze", PROCESSES, 5),
    ("restart", STREAMS, 2),
    ("cut", PROCESSES, 4),
    ("slow", PROCESSES, 3),
    ("evict", STREAMS, 3),
    ("rebalance", ("",), 2),
    ("skew", PROCESSES, 3),
    ("board_away", ("",), 2),
    ("board_flush", ("",), 2),
    ("board_older", ("",), 1),
    ("jobs_lost", ("",), 2),
    ("jobs_doubled", ("",), 2),
    ("jobs_away", ("",), 1),
    ("gateway_bad", ("",), 2),
    ("solver", ("slow", "crash", "garbage"), 3),
    ("forge", ("garbage", "late entry", "repeated sign-in", "repeated entry", "commands"), 2),
    ("spoil_snapshot", ("",), 1),
)


def _fault(dice: random.Random, until_s: float) -> Fault:
    what, who, _ = dice.choices(FAULTS, [weight for *_, weight in FAULTS])[0]
    much = {
        "cut": dice.choice((0.1, 0.5, 1.0)),
        "slow": dice.choice((0.2, 2.0)),
        "skew": dice.choice((-600.0, -5.0, 1.0, 3.0, 600.0)),
        "gateway_bad": dice.choice((0.3, 1.0)),
    }.get(what, 0.0)
    for_s = round(dice.choice((0.5, 3.0, 6.0, 15.0, 40.0)) * dice.uniform(0.5, 1.5), 2)
    return Fault(round(dice.uniform(OPENING_S, until_s), 2), what, dice.choice(who), for_s, much)


def _short(body: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in body.items() if name not in ("policy", "hours"))[:160]
