"""`paidan policy set|show`, and how a policy file is read: a preset and what differs from it.

`load` is called by `match` and by whoever takes `--policy`. Unknown keys are refused, never ignored.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from matcher.city_days import Weeks
from matcher.policy import PRESETS, Budget, Costs, Limits, Mode, Policy, UrgencyClass, canonical, objection, stated
from matcher.terms import Travel
from services.exits import ExitCode, Stop
from services.names import NAME

#: Tables of the file whose keys are names, and what stands under each name.
_NAMED: dict[str, type[msgspec.Struct]] = {"modes": Mode, "urgency": UrgencyClass}

#: Tables of the file that are one value each.
_PARTS: dict[str, type[msgspec.Struct]] = {"budget": Budget, "costs": Costs, "limits": Limits, "weeks": Weeks}


def register(app: typer.Typer) -> None:
    """Put `policy` with its two subcommands on the app."""
    policy = typer.Typer(no_args_is_help=True, help="Show a policy, or give one to a zone.")
    policy.command("show", epilog=f"Example: {NAME} policy show travel-only")(show)
    policy.command("set", epilog=f"Example: {NAME} policy set deploy/policy.toml --zone yunxiu --data paidan-data")(
        set_policy
    )
    app.add_typer(policy, name="policy")


def load(name_or_path: str) -> Policy:
    """Read a policy by preset name or TOML file. Raises Stop (exit 5)."""
    if name_or_path in PRESETS:
        return PRESETS[name_or_path]
    path = Path(name_or_path)
    if not path.is_file():
        raise _bad(
            f"Policy ({name_or_path}) is neither a file nor a preset. Presets: {', '.join(PRESETS)}."
            f"{_maybe(name_or_path, PRESETS)}"
        )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise _bad(f"Policy ({path}) is not TOML: {error}.") from None
    return merged(str(path), content)


def merged(name: str, content: dict[str, Any]) -> Policy:
    """Lay the values of a file over its preset (`preset`, else `default`). Raises Stop (exit 5)."""
    differing = dict(content)
    preset = differing.pop("preset", "default")
    if preset not in PRESETS:
        known = ", ".join(PRESETS)
        raise _bad(
            f"Policy ({name}) names an unknown preset ({preset}). Presets: {known}.{_maybe(str(preset), PRESETS)}"
        )
    _refuse_unknown(name, differing)
    if differing:
        differing.setdefault("name", Path(name).stem)
    whole = _laid_over(msgspec.to_builtins(stated(PRESETS[preset])), differing)
    try:
        policy = msgspec.convert(whole, Policy)
    except msgspec.ValidationError as error:
        raise _bad(f"Policy ({name}) is not valid: {error}.") from None
    _check_clock(name, policy.timezone)
    dear = objection(policy)
    if dear is not None:
        raise _bad(f"Policy ({name}): {dear}")
    return canonical(policy)


def to_toml(policy: Policy) -> str:
    """Write a policy as a file that `load` reads back to the same value."""
    content: dict[str, Any] = msgspec.to_builtins(stated(policy))
    return "\n".join(_toml_lines(content, ())) + "\n"


def show(
    name: Annotated[str, typer.Argument(help="Preset or TOML file.", metavar="[NAME|FILE]")] = "default",
) -> None:
    """Print a policy with all its values as TOML."""
    typer.echo(to_toml(load(name)), nl=False)


def set_policy(
    policy: Annotated[str, typer.Argument(help="Preset or TOML file.", metavar="NAME|FILE")],
    zone: Annotated[str, typer.Option(help="Zone that gets the policy.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the embedded log (`up` must not be running).")] = None,
    url: Annotated[str | None, typer.Option(help="Address of a running API.")] = None,
) -> None:
    """Give a zone this policy; it is recorded in the log and holds from the next decision on."""
    from datetime import UTC, datetime

    from matcher.commands import SetPolicy
    from producers.asking import identified
    from services.cli.sending import send_and_report

    now = datetime.now(UTC)
    command = identified(SetPolicy(id="-", zone=zone, at=now, policy=load(policy)))
    send_and_report([command], data=data, url=url)


def _refuse_unknown(name: str, content: Mapping[str, Any]) -> None:
    _known(name, content, ("preset", *Policy.__struct_fields__))
    for table, kind in _NAMED.items():
        entries = content.get(table, {})
        if table == "modes" and isinstance(entries, dict):
            _known(name, entries, [str(mode) for mode in Travel], "modes.")
        for key, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict):
                _known(name, entry, kind.__struct_fields__, f"{table}.{key}.")
    for table, part in _PARTS.items():
        if isinstance(content.get(table), dict):
            _known(name, content[table], part.__struct_fields__, f"{table}.")


def _known(name: str, content: Mapping[str, Any], known: Iterable[str], where: str = "") -> None:
    listed = list(known)
    for key in content:
        if key not in listed:
            raise _bad(f"Policy ({name}) has an unknown key ({where}{key}).{_maybe(key, listed)}")


def _laid_over(base: dict[str, Any], differing: dict[str, Any]) -> dict[str, Any]:
    whole = dict(base)
    for key, value in differing.items():
        both = isinstance(value, dict) and isinstance(whole.get(key), dict)
        whole[key] = _laid_over(whole[key], value) if both else value
    return whole


def _check_clock(name: str, timezone: str) -> None:
    from producers.mapping import zone_info
    from producers.tables import Unusable

    try:
        zone_info(timezone)
    except Unusable as error:
        raise _bad(f"Policy ({name}): {error}") from None


def _toml_lines(content: Mapping[str, Any], path: tuple[str, ...]) -> Iterable[str]:
    """Plain values first, then each table under its own heading."""
    for key, value in content.items():
        if not isinstance(value, dict):
            yield f"{_key(key)} = {_value(value)}"
    for key, value in content.items():
        if isinstance(value, dict):
            here = (*path, key)
            if any(not isinstance(inner, dict) for inner in value.values()):
                yield ""
                yield f"[{'.'.join(map(_key, here))}]"
            yield from _toml_lines(value, here)


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _value(key)


def _value(value: Any) -> str:
    """JSON's strings, numbers and booleans are TOML's too."""
    return msgspec.json.encode(value).decode()


def _maybe(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean ({close[0]})?" if close else ""


def _bad(message: str) -> Stop:
    return Stop(ExitCode.BAD_INPUT, message)
