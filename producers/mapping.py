"""How a foreign file is read as ours: column -> field, constants, value -> skill, time zone, datum, bounds.

A mapping is a TOML file, or one shipped by name in `producers/mappings/`. Without one a file must use the standard
column names (DESIGN 7). Called before `producers.rows`; reads no row itself.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from producers.tables import Table, Unusable

REQUEST_FIELDS = (
    "request_id", "lat", "lon", "datum", "skills", "people", "minimum_people", "earliest", "latest",
    "duration_minutes", "urgency", "submitted_at", "zone", "compound", "should", "nice", "excluded",
    "preferred", "restricted", "must_have", "requester", "helpers", "circle_minutes",
    "post", "told", "team", "team_kind", "one_team", "preferred_team",
)  # fmt: skip
VOLUNTEER_FIELDS = (
    "volunteer_id", "lat", "lon", "datum", "skills", "availability", "reach_m", "capacity", "travel", "unit",
    "compound", "zone", "visits_this_quarter", "visits_per_day", "visits_per_week", "posts", "certificates",
    "teams",
)  # fmt: skip
#: Fields that most files lack; written only where a row has one.
RARE_FIELDS = frozenset(
    {
        "should", "nice", "excluded", "preferred", "restricted", "must_have", "requester", "helpers",
        "visits_this_quarter", "visits_per_day", "visits_per_week", "circle_minutes",
        "post", "told", "posts", "certificates", "team", "team_kind", "one_team", "preferred_team", "teams",
    }
)  # fmt: skip
#: What no row can do without.
REQUEST_NEEDS = ("request_id", "lat", "lon")
VOLUNTEER_NEEDS = ("volunteer_id", "lat", "lon", "availability")
#: The zone of a row whose zone column is blank.
UNPLACED = "unplaced"


class Bounds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The box, in degrees of the file's own datum, in which every point of the file must lie."""

    south: float
    west: float
    north: float
    east: float

    def hold(self, lat: float, lon: float) -> bool:
        """Say whether a point lies in the box."""
        return self.south <= lat <= self.north and self.west <= lon <= self.east


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of file. `columns`: column -> field or fields; the rest has the meaning of DESIGN 7."""

    name: str = "standard"
    columns: dict[str, str | list[str]] = {}
    constants: dict[str, str | int | float] = {}
    #: value of the skills column -> skills as we write them; other values are taken as they are
    skills: dict[str, str] = {}
    #: the skills column holds one skill, not a list
    one_skill: bool = False
    timezone: str | None = None
    datum: Literal["wgs84", "gcj02", "bd09"] = "wgs84"
    bounds: Bounds | None = None
    window_days: Annotated[int, Meta(ge=1, le=366)] | None = None
    #: where a service needs a zone and the row has none
    zone: str | None = None
    blank_zone: str | None = None


STANDARD = Mapping()


def load(name_or_path: str | None) -> Mapping:
    """Read a mapping by path or shipped name; None is the standard one. Raises Unusable."""
    if name_or_path is None:
        return STANDARD
    mapping = _decode(name_or_path, _source(name_or_path))
    _check_fields(name_or_path, mapping)
    if mapping.timezone is not None:
        zone_info(mapping.timezone)
    return mapping


def shipped() -> list[str]:
    """Names of the mappings that come with the program."""
    folder = resources.files("producers") / "mappings"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def zoned_by(mapping: Mapping, column: str) -> Mapping:
    """Take the zone from this column; a blank one becomes `unplaced`."""
    fields = mapping.columns.get(column, [])
    listed = [fields] if isinstance(fields, str) else fields
    return msgspec.structs.replace(mapping, columns=mapping.columns | {column: [*listed, "zone"]}, blank_zone=UNPLACED)


def zone_info(name: str) -> ZoneInfo:
    """Find a time zone by its IANA name. Raises Unusable."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unusable(f"Time zone ({name}) is not known. Use an IANA name such as Asia/Shanghai.") from None


def field_columns(mapping: Mapping, table: Table, fields: Iterable[str], needs: Iterable[str]) -> dict[str, str]:
    """Say which column of the table fills which field. Raises Unusable when a mapped or needed column is absent."""
    if mapping.columns:
        absent = [column for column in mapping.columns if column not in table.columns]
        if absent:
            raise Unusable(
                f"File ({table.path}) has no column ({absent[0]}), which the mapping ({mapping.name}) reads. "
                f"Its columns are: {_listed(table.columns)}.{_maybe(absent[0], table.columns)}"
            )
        found = {field: column for column, filled in mapping.columns.items() for field in _as_list(filled)}
    else:
        found = {field: field for field in fields if field in table.columns}
    missing = [field for field in needs if field not in found and field not in mapping.constants]
    if missing:
        raise Unusable(
            f"File ({table.path}) has no column for ({missing[0]}). Its columns are: {_listed(table.columns)}."
            f"{_maybe(missing[0], table.columns)} Rename it, or give a --mapping."
        )
    return found


def _source(name_or_path: str) -> str:
    path = Path(name_or_path)
    if path.is_file():
        try:
            return path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            raise Unusable(f"Mapping ({path}) cannot be read as UTF-8 text.") from None
    names = shipped()
    if name_or_path in names:
        return (resources.files("producers") / "mappings" / f"{name_or_path}.toml").read_text(encoding="utf-8")
    raise Unusable(
        f"Mapping ({name_or_path}) is neither a file nor shipped by that name. Shipped: {', '.join(names)}."
        f"{_maybe(name_or_path, names)}"
    )


def _decode(name: str, source: str) -> Mapping:
    try:
        content = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise Unusable(f"Mapping ({name}) is not TOML: {error}.") from None
    unknown = [key for key in content if key not in Mapping.__struct_fields__]
    if unknown:
        raise Unusable(
            f"Mapping ({name}) has an unknown key ({unknown[0]}).{_maybe(unknown[0], Mapping.__struct_fields__)}"
        )
    content.setdefault("name", Path(name).stem)
    try:
        return msgspec.convert(content, Mapping)
    except msgspec.ValidationError as error:
        raise Unusable(f"Mapping ({name}) is not valid: {error}.") from None


def _check_fields(name: str, mapping: Mapping) -> None:
    known = sorted({*REQUEST_FIELDS, *VOLUNTEER_FIELDS})
    filled = [field for fields in mapping.columns.values() for field in _as_list(fields)]
    for field in [*filled, *mapping.constants]:
        if field not in known:
            raise Unusable(f"Mapping ({name}) fills an unknown field ({field}).{_maybe(field, known)}")
    twice = sorted({field for field in filled if filled.count(field) > 1})
    if twice:
        raise Unusable(f"Mapping ({name}) fills the field ({twice[0]}) from two columns. Keep one.")


def _as_list(fields: str | list[str]) -> list[str]:
    return [fields] if isinstance(fields, str) else fields


def _listed(columns: list[str]) -> str:
    return ", ".join(columns[:30]) + (", ..." if len(columns) > 30 else "")


def _maybe(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean ({close[0]})?" if close else ""
