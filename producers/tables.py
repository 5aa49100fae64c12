"""Files in: CSV, JSON Lines and Excel become rows of text with the line they stand on.

Called by `paidan match`, `import`, `generate roster` and the demo, always before `producers.rows`. Knows no field's
meaning. Excel support is imported only when such a file is read.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

EXCEL = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
JSON_LINES = (".jsonl", ".ndjson")
#: One cell longer than this is no cell of ours.
CELL_CHARACTERS_MAX = 1 << 20


class Unusable(Exception):
    """Nothing can be read: missing, empty, not a table, a mapped column absent, a broken mapping (exit 5)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its first line in the file (1 is the first), text by column; `fault` when it is no record."""

    line: int
    values: dict[str, str]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A file that was a table."""

    path: Path
    columns: list[str]
    rows: list[Row] = field(repr=False)


def read(path: Path) -> Table:
    """Read a whole file by its name's ending (`.gz` may follow it). Raises Unusable."""
    suffix = path.with_suffix("").suffix if path.suffix.lower() == ".gz" else path.suffix
    content = _content(path)
    if suffix.lower() in EXCEL:
        table = _excel(path, content)
    elif suffix.lower() in JSON_LINES:
        table = _json_lines(path, _text(path, content))
    else:
        table = _csv(path, _text(path, content))
    if not table.rows:
        raise Unusable(f"File ({path}) is empty: it has a header but no rows.")
    return table


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise Unusable(f"File ({path}) does not exist. Check the path.") from None
    except IsADirectoryError:
        raise Unusable(f"({path}) is a folder, not a table. Name the file in it.") from None
    except OSError as error:
        raise Unusable(f"File ({path}) cannot be read: {error.strerror}.") from None
    if path.suffix.lower() == ".gz":
        try:
            content = gzip.decompress(content) if content else b""
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise Unusable(f"File ({path}) is not a table: it is named .gz but does not unpack ({error}).") from None
    if not content.strip():
        raise Unusable(f"File ({path}) is empty.")
    return content


def _text(path: Path, content: bytes) -> str:
    """Decode UTF-8 (with or without BOM), UTF-16 with BOM, else GB18030; refuse what is no text."""
    encodings = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not any(character < " " and character not in "\t\r\n\f" for character in set(text)):
            return text
    raise Unusable(f"File ({path}) is not a table: it is no text in UTF-8, UTF-16 or GB18030.")


def _csv(path: Path, text: str) -> Table:
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        numbered = list(_numbered(reader))
    except csv.Error as error:
        raise Unusable(f"File ({path}) is not a table: {error} near line {reader.line_num}.") from None
    return _table(path, numbered)


def _delimiter(text: str) -> str:
    header = text.lstrip().partition("\n")[0]
    return max(",\t;", key=lambda mark: (header.count(mark), mark == ","))


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    first = 1
    for cells in reader:
        yield first, cells
        first = reader.line_num + 1


def _table(path: Path, numbered: Iterable[tuple[int, list[str]]]) -> Table:
    """Take the first filled line as the header, skip blank ones, and note rows with more cells than columns."""
    filled = [(line, cells) for line, cells in numbered if any(cell.strip() for cell in cells)]
    if not filled:
        raise Unusable(f"File ({path}) is empty.")
    columns = _columns(path, filled[0][1])
    rows = []
    for line, cells in filled[1:]:
        values = dict.fromkeys(columns, "") | {
            column: cell.strip() for column, cell in zip(columns, cells, strict=False) if column
        }
        extra = any(cell.strip() for cell in cells[len(columns) :])
        rows.append(Row(line, values, f"has {len(cells)} cells for {len(columns)} columns" if extra else ""))
    return Table(path, [column for column in columns if column], rows)


def _columns(path: Path, header: list[str]) -> list[str]:
    columns = [cell.strip() for cell in header]
    named = [column for column in columns if column]
    if len(named) < 2:
        raise Unusable(f"File ({path}) is not a table: its first line has no columns. Expected names, comma-separated.")
    twice = sorted({column for column in named if named.count(column) > 1})
    if twice:
        raise Unusable(f"File ({path}) has the column ({twice[0]}) twice. Rename one of them.")
    return columns


def _json_lines(path: Path, text: str) -> Table:
    rows, columns = [], dict[str, None]()
    for line, record in enumerate(text.split("\n"), start=1):
        if not record.strip():
            continue
        row = _json_row(line, record)
        rows.append(row)
        columns |= dict.fromkeys(row.values)
    if all(row.fault for row in rows):
        raise Unusable(f"File ({path}) is not a table: no line of it is a JSON object.")
    return Table(path, list(columns), rows)


def _json_row(line: int, record: str) -> Row:
    try:
        thing = msgspec.json.decode(record)
    except (msgspec.DecodeError, RecursionError):
        return Row(line, {}, "is not JSON")
    if not isinstance(thing, dict):
        return Row(line, {}, "is not a JSON object")
    return Row(line, {str(key): _cell(value) for key, value in thing.items()})


def _excel(path: Path, content: bytes) -> Table:
    """Read the first visible sheet of a workbook."""
    import python_calamine

    try:
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        visible = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.visible is python_calamine.SheetVisibleEnum.Visible
        ]
        cells = workbook.get_sheet_by_name((visible or workbook.sheet_names)[0]).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, IndexError) as error:
        raise Unusable(f"File ({path}) is not a table: no workbook can be read from it ({error}).") from None
    numbered = ((line, [_cell(cell) for cell in row]) for line, row in enumerate(cells, start=1))
    return _table(path, numbered)


def _cell(value: Any) -> str:
    """Write one typed cell as the text that a CSV would hold."""
    if value is None:
        return ""
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ";".join(value)
    if isinstance(value, dict | list | bool):
        return json.dumps(value, ensure_ascii=False)
    return str(value).strip()
