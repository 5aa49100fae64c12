"""Documents are tests: what they say must be what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from services.exits import ExitCode
from tests.documents import DOCS, log_words

ROOT = Path(__file__).parent.parent


def test_the_words_of_the_log_are_the_codes():
    assert (DOCS / "log.md").read_text(encoding="utf-8") == log_words()


def test_both_readmes_have_the_same_shape():
    shapes = []
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        commands = re.findall(r"`(paidan [a-z]+)", text)
        shapes.append((len(re.findall(r"^## ", text, re.M)), text.count("\n| "), commands))
    assert shapes[0] == shapes[1]


def test_every_exit_code_stands_in_both_readmes():
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert all(re.search(rf"\b{int(code)} ", text) for code in ExitCode), name


def test_every_link_to_a_file_leads_to_one():
    for page in [*ROOT.glob("*.md"), *DOCS.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_room_named_in_the_architecture_exists():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for path in set(re.findall(r"`((?:matcher|services|producers|deploy|tests|docs)/[\w./]*)`", text)):
        assert (ROOT / path).exists(), path
