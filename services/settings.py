"""Everything technical that an operator can choose, in one validated value; business rules are in `Policy`.

Read once, by the entry point: defaults < environment (`PAIDAN_…`) < flags. Nothing else reads the environment.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from services.exits import ExitCode, Stop
from services.names import NAME, PARTITIONS

PREFIX = f"{NAME.upper()}_"
#: Read by the tests only, never by the product.
FOREIGN = frozenset({f"{PREFIX}{name}" for name in ("DATA", "REQUIRE_DATA", "KAFKA", "REDIS", "AMQP")})

Seconds = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units are in the names; `_s` is seconds. Each field is `PAIDAN_<FIELD>` in the environment."""

    #: Folder of the log, the contacts and nothing else.
    data_dir: Path = Path(f"./{NAME}-data")
    #: The API listens on this machine only until it knows who is asking.
    host: Literal["127.0.0.1"] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8311
    partitions: Count = PARTITIONS
    #: Seconds between Ticks; the live ticker is off at 0 (lock-step).
    beat_s: Annotated[float, Meta(ge=0)] = 1.0
    drain_s: Seconds = 8.0
    #: A live solve that takes longer is answered with the greedy plan, and says so.
    solve_guard_s: Seconds = 5.0
    #: Commands taken by the API and not answered yet; beyond it 429.
    unanswered_max: Count = 5_000
    list_limit_max: Count = 1_000
    receipts_max: Count = 200_000
    closed_max: Annotated[int, Meta(ge=0)] = 100_000
    #: Broker of the jobs. May hold a password, so it comes from the environment only.
    jobs: Annotated[str, Meta(pattern=r"^(memory|redis|rediss|amqp|amqps)://")] = "memory://"
    #: Print a line for people who left no contact, instead of reporting that nobody could be told.
    console: bool = True
    #: Mail server as an Apprise URL without recipient (mailtos://user:password@host); None: no mailbox is reached.
    #: A secret, so it comes from the environment only.
    mail: str | None = None
    send_timeout_s: Seconds = 10.0
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


MEANING = {
    "data_dir": "Folder of the log and the contacts (`--data`).",
    "host": "The API listens on this machine only until it knows who is asking.",
    "port": "Port of the API (`--port`); 0 takes a free one.",
    "partitions": "Partitions of the log; an existing log must have as many.",
    "beat_s": "Seconds between two solves of a zone (`--beat`).",
    "drain_s": "How long stopping may take.",
    "solve_guard_s": "A live solve that takes longer is answered with the greedy plan, and says so.",
    "unanswered_max": "Commands taken by the API and not answered yet; beyond it 429.",
    "list_limit_max": "Longest list that a GET returns.",
    "receipts_max": "Receipts remembered by the board in memory.",
    "closed_max": "Finished requests remembered by the board in memory.",
    "jobs": "Broker of the jobs: `memory://`, `redis://HOST:PORT/DB` or `amqp://USER:PASSWORD@HOST:PORT//`.",
    "console": "Print a line for people who left no contact (`--console`).",
    "mail": "Mail server as an Apprise URL (no recipient), such as `mailtos://user:password@host`; secret, so no flag.",
    "send_timeout_s": "Time-out of one message.",
    "log_format": "`console` or `json` (`--log-format`).",
    "log_level": "`DEBUG`, `INFO`, `WARNING` or `ERROR` (`--log-level`).",
}


def load(environment: Mapping[str, str], **flags: object) -> Settings:
    """Make the settings. Flags that are None count as not given. Raises Stop (exit 5) with what to change."""
    given: dict[str, Any] = {}
    for key, value in environment.items():
        if key.startswith(PREFIX) and key not in FOREIGN:
            given[_field(key)] = value
    given.update({name: value for name, value in flags.items() if value is not None})
    try:
        return msgspec.convert(given, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise Stop(ExitCode.BAD_INPUT, f"A setting is wrong: {error}.") from error


def _field(key: str) -> str:
    """Name of the field behind an environment key. Raises Stop for one that does not exist."""
    fields = {f"{PREFIX}{name.upper()}": name for name in Settings.__struct_fields__}
    if key in fields:
        return fields[key]
    near = difflib.get_close_matches(key, fields, n=1)
    hint = f" Did you mean {near[0]}?" if near else f" Known: {', '.join(sorted(fields))}."
    raise Stop(ExitCode.BAD_INPUT, f"The environment has {key}, which is no setting.{hint}")


def _path(kind: type[Any], value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError


def document() -> str:
    """The table of settings as Markdown."""
    lines = [
        "# Settings",
        "",
        "Made from `services/settings.py` by `python -m services.settings`; a test holds the two equal.",
        "A flag of `paidan up` wins over the environment, the environment over the default.",
        "An unknown `PAIDAN_` key is an error (exit 5). `_S` is seconds.",
        "",
        "| Environment | Default | Meaning |",
        "|---|---|---|",
    ]
    default = Settings()
    for name in Settings.__struct_fields__:
        value = getattr(default, name)
        shown = "" if value is None else f"`{value}`"
        lines.append(f"| `{PREFIX}{name.upper()}` | {shown} | {MEANING[name]} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(document(), end="")
