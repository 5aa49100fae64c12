"""Files in: what is a table, what is none, and on which line a row stands."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from producers import tables
from producers.tables import Unusable


def write(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_row_knows_its_line_past_blank_lines_and_quoted_line_breaks(tmp_path: Path) -> None:
    table = tables.read(write(tmp_path, "a.csv", 'id,text\n1,"two\nlines"\n\n2,x\n'))
    assert [(row.line, row.values) for row in table.rows] == [
        (2, {"id": "1", "text": "two\nlines"}),
        (5, {"id": "2", "text": "x"}),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_is_read_in_the_encodings_that_spreadsheets_write(encoding: str, tmp_path: Path) -> None:
    table = tables.read(write(tmp_path, "a.csv", "编号,特长\n1,家电维修\n".encode(encoding)))
    assert table.columns == ["编号", "特长"]
    assert table.rows[0].values == {"编号": "1", "特长": "家电维修"}


def test_a_packed_file_is_read_like_the_file_itself(tmp_path: Path) -> None:
    table = tables.read(write(tmp_path, "a.csv.gz", gzip.compress(b"id,b\n1,2\n")))
    assert table.rows[0].values == {"id": "1", "b": "2"}


@pytest.mark.parametrize("mark", ["\t", ";"])
def test_other_separators_are_seen_in_the_header(mark: str, tmp_path: Path) -> None:
    table = tables.read(write(tmp_path, "a.csv", f"id{mark}b\n1{mark}2,5\n"))
    assert table.rows[0].values == {"id": "1", "b": "2,5"}


def test_a_row_with_more_cells_than_columns_is_a_fault_and_a_shorter_one_has_blanks(tmp_path: Path) -> None:
    table = tables.read(write(tmp_path, "a.csv", "id,b\n1,2,3\n4\n"))
    assert table.rows[0].fault == "has 3 cells for 2 columns"
    assert (table.rows[1].fault, table.rows[1].values) == ("", {"id": "4", "b": ""})


def test_json_lines_keep_numbers_lists_and_absences_as_a_csv_would_write_them(tmp_path: Path) -> None:
    lines = '{"id": 7, "lat": 42.3594, "skills": ["a", "b:2"], "zone": null}\nnot json\n\n[1]\n{"id": "8"}\n'
    table = tables.read(write(tmp_path, "a.jsonl", lines))
    assert table.rows[0].values == {"id": "7", "lat": "42.3594", "skills": "a;b:2", "zone": ""}
    assert [(row.line, row.fault) for row in table.rows[1:]] == [
        (2, "is not JSON"),
        (4, "is not a JSON object"),
        (5, ""),
    ]


def test_excel_is_read_with_its_own_line_numbers(tmp_path: Path) -> None:
    table = tables.read(workbook(tmp_path / "a.xlsx", [["id", "lat"], ["r1", 30.5], [7, 31]]))
    assert [(row.line, row.values) for row in table.rows] == [
        (2, {"id": "r1", "lat": "30.5"}),
        (3, {"id": "7", "lat": "31"}),
    ]


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("empty.csv", b"", "is empty"),
        ("blank.csv", b"\n  \n", "is empty"),
        ("header.csv", b"id,b\n", "header but no rows"),
        ("image.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)), "not a table"),
        ("letter.csv", b"Dear all\nplease come\n", "not a table"),
        ("quotes.csv", b'id,b\n1,"never closed\n', "not a table"),
        ("twice.csv", b"id,id\n1,2\n", "column (id) twice"),
        ("torn.csv.gz", gzip.compress(b"id,b\n1,2\n" * 99, mtime=0)[:20], "not a table"),
        ("plain.csv.gz", b"id,b\n1,2\n", "not a table"),
        ("lines.jsonl", b"hello\nthere\n", "not a table"),
        ("word.xlsx", b"PK\x03\x04 no workbook", "not a table"),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",
)
def test_what_is_no_table_is_refused_with_its_name(name: str, content: bytes, word: str, tmp_path: Path) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(Unusable) as error:
        tables.read(path)
    assert word in str(error.value)
    assert name in str(error.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="does not exist"):
        tables.read(tmp_path / "no.csv")
    with pytest.raises(Unusable, match="is a folder"):
        tables.read(tmp_path)


def workbook(path: Path, rows: list[list[object]]) -> Path:
    """Write the least workbook that Excel would open: one sheet, inline strings and numbers."""
    cells = []
    for number, row in enumerate(rows, start=1):
        inner = "".join(
            f'<c r="{chr(65 + column)}{number}"><v>{value}</v></c>'
            if isinstance(value, int | float)
            else f'<c r="{chr(65 + column)}{number}" t="inlineStr"><is><t>{value}</t></is></c>'
            for column, value in enumerate(row)
        )
        cells.append(f'<row r="{number}">{inner}</row>')
    spaces = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {spaces} xmlns:r="{relations}"><sheets>'
        '<sheet name="one" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<worksheet {spaces}><sheetData>{''.join(cells)}</sheetData></worksheet>",
    }
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + content)
    return path
