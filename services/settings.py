"""Everything technical that an operator can choose, in one validated value; business rules are in `Policy`.

Read once, by the entry point: defaults < environment (`PAIDAN_…`) < flags. Nothing else reads the environment. What may
hold a password can also come from a file (`PAIDAN_…_FILE`), and is shown nowhere: not in errors, logs or `repr`.
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
FOREIGN = frozenset({f"{PREFIX}{name}" for name in ("DATA", "REQUIRE_SERVICES")})
#: May hold a password: each can be given as the name of a file, too.
SECRETS = ("redis", "amqp", "mail")
FILE = "_FILE"

Seconds = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,80}$")]
_HOST = r"([^][\s,:@/?#]+|\[[0-9A-Fa-f:.]+\])"
_PORT = r":[0-9]{1,5}"
# A password where the host or the port should be would be shown: such an address is refused.
_PLACE = rf"([^\s@/]*@)?{_HOST}({_PORT})?([/?]\S*)?$"
Brokers = Annotated[str, Meta(pattern=rf"^{_HOST}{_PORT}(,{_HOST}{_PORT})*$")]
RedisUrl = Annotated[str, Meta(pattern=rf"^rediss?://{_PLACE}")]
AmqpUrl = Annotated[str, Meta(pattern=rf"^amqps?://{_PLACE}")]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units are in the names; `_s` is seconds. Each field is `PAIDAN_<FIELD>` in the environment."""

    #: Folder of the embedded log, the contacts and nothing else.
    data_dir: Path = Path(f"./{NAME}-data")
    #: Brokers of the log; None: one SQLite file in `data_dir`.
    kafka: Brokers | None = None
    #: The board beside Kafka; carries the jobs where there is no `amqp`. May hold a password.
    redis: RedisUrl | None = None
    #: The jobs. May hold a password.
    amqp: AmqpUrl | None = None
    #: Before the name of every topic, key and queue: several installations on the same brokers.
    prefix: Name = ""
    #: Consumer group of the stream workers, after `prefix`.
    group: Annotated[Name, Meta(min_length=1)] = NAME
    #: Name of this stream worker in its group, kept over restarts; "" gets a new one at every start.
    member: Name = ""
    #: A stream worker that is silent so long loses its partitions. The brokers' own limits are 6 s and 30 min.
    session_s: Annotated[float, Meta(ge=6, le=1800)] = 10.0
    #: Live with topics that may lose what a broker acknowledged.
    trial: bool = False
    #: Where HTTP listens. 0.0.0.0 opens the probes and the metrics to others, never the API's own routes.
    host: Literal["127.0.0.1", "0.0.0.0"] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8311
    partitions: Count = PARTITIONS
    #: Seconds between Ticks; the live ticker is off at 0 (lock-step).
    beat_s: Annotated[float, Meta(ge=0)] = 1.0
    drain_s: Seconds = 8.0
    #: A live solve that takes longer is answered with the greedy plan, and says so.
    solve_guard_s: Seconds = 5.0
    #: An explanation that takes longer is refused with 503.
    explain_guard_s: Seconds = 30.0
    #: Commands taken by the API and not answered yet; beyond it 429.
    unanswered_max: Count = 5_000
    list_limit_max: Count = 1_000
    receipts_max: Count = 200_000
    closed_max: Annotated[int, Meta(ge=0)] = 100_000
    #: Print a line for people who left no contact, instead of reporting that nobody could be told.
    console: bool = True
    #: Mail server as an Apprise URL without recipient (mailtos://user:password@host); None: no mailbox is reached.
    #: A secret, so there is no flag.
    mail: str | None = None
    send_timeout_s: Seconds = 10.0
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def jobs(self) -> str:
        """What carries the jobs: `amqp`, else `redis`, else this process's memory. May hold a password."""
        return self.amqp or self.redis or "memory://"

    def __repr__(self) -> str:
        """Every field but the secrets, of which it only says that they are given."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        shown |= {name: "(given)" for name in SECRETS if shown[name] is not None}
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    __str__ = __repr__


MEANING = {
    "data_dir": "Folder of the embedded log and the contacts (`--data`).",
    "kafka": "`HOST:PORT,…` of the log's brokers (`--kafka`); without it the log is a SQLite file.",
    "redis": "`redis://HOST:PORT/DB` (`--redis`): the board beside Kafka; the jobs too where there is no AMQP.",
    "amqp": "`amqp://USER:PASSWORD@HOST:PORT//` (`--amqp`): carries the jobs. Neither: jobs stay in memory.",
    "prefix": "Before the name of every topic, key and queue: several installations on the same brokers.",
    "group": "Consumer group of the stream workers, after the prefix.",
    "member": "Name of this stream worker in its group, kept over restarts; none gets a new one at every start.",
    "session_s": "A stream worker that is silent so long loses its partitions to the others; 6 to 1800.",
    "trial": "Live with topics that may lose what a broker acknowledged (`--trial`).",
    "host": "`127.0.0.1` or `0.0.0.0` (`--host`), which opens probes and metrics to others, the API never.",
    "port": "Port of HTTP (`--port`); 0 takes a free one.",
    "partitions": "Partitions of the log; an existing log must have as many.",
    "beat_s": "Seconds between two solves of a zone (`--beat`).",
    "drain_s": "How long stopping may take.",
    "solve_guard_s": "A live solve that takes longer is answered with the greedy plan, and says so.",
    "explain_guard_s": "An explanation (`GET …/explanation`) that takes longer is refused with 503.",
    "unanswered_max": "Commands taken by the API and not answered yet; beyond it 429.",
    "list_limit_max": "Longest list that a GET returns.",
    "receipts_max": "Receipts remembered by the board in memory.",
    "closed_max": "Finished requests remembered by the board in memory.",
    "console": "Print a line for people who left no contact (`--console`).",
    "mail": "Mail server as an Apprise URL (no recipient), such as `mailtos://user:password@host`; no flag.",
    "send_timeout_s": "Time-out of one message.",
    "log_format": "`console` or `json` (`--log-format`).",
    "log_level": "`DEBUG`, `INFO`, `WARNING` or `ERROR` (`--log-level`).",
}


def load(environment: Mapping[str, str], **flags: object) -> Settings:
    """Make the settings. Flags that are None count as not given. Raises Stop (exit 5) with what to change."""
    given = {**_plain(environment), **_secrets(environment)}
    given.update({name: value for name, value in flags.items() if value is not None})
    try:
        return msgspec.convert(given, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise Stop(ExitCode.BAD_INPUT, f"A setting is wrong: {error}.{_meant(str(error))}") from None


def _meant(words: str) -> str:
    """What the field that an error speaks of is for. (The value stays away from errors: it may be a secret.)"""
    name = words.rpartition("$.")[2].rstrip("`")
    return f" {_key(name)}: {MEANING[name]}" if name in MEANING else ""


def _plain(environment: Mapping[str, str]) -> dict[str, Any]:
    """Fields given as themselves. What has no value by default counts as not given when it is empty."""
    given: dict[str, Any] = {}
    default = Settings()
    files = {_key(name) + FILE for name in SECRETS}
    for key, value in environment.items():
        if key.startswith(PREFIX) and key not in FOREIGN and key not in files:
            name = _field(key)
            if value or getattr(default, name) is not None:
                given[name] = value
    return given


def _secrets(environment: Mapping[str, str]) -> dict[str, Any]:
    """Fields given as the name of a file. Raises Stop (exit 5); the content is never shown."""
    given: dict[str, Any] = {}
    for name in SECRETS:
        key, file = _key(name), environment.get(_key(name) + FILE, "")
        if not file:
            continue
        if environment.get(key):
            raise Stop(ExitCode.BAD_INPUT, f"Both {key} and {key}{FILE} are given. Give one of them.")
        try:
            value = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise Stop(ExitCode.BAD_INPUT, f"{key}{FILE} is ({file}), which cannot be read: {why}.") from None
        if not value:
            raise Stop(ExitCode.BAD_INPUT, f"{key}{FILE} is ({file}), which is empty.")
        given[name] = value
    return given


def _key(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _field(key: str) -> str:
    """Name of the field behind an environment key. Raises Stop for one that does not exist."""
    fields = {_key(name): name for name in Settings.__struct_fields__}
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
        "A flag of `paidan up` or `paidan serve` wins over the environment, the environment over the default.",
        "An unknown `PAIDAN_` key is an error (exit 5). `_S` is seconds.",
        "Keys marked * may hold a password: each can also be given as `…_FILE`, the name of a file that holds it. Give",
        "one of the two; others on the machine can see a flag.",
        "",
        "| Environment | Default | Meaning |",
        "|---|---|---|",
    ]
    default = Settings()
    for name in Settings.__struct_fields__:
        value = getattr(default, name)
        shown = "" if value in (None, "") else f"`{value}`"
        mark = "*" if name in SECRETS else ""
        lines.append(f"| `{_key(name)}`{mark} | {shown} | {MEANING[name]} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(document(), end="")
