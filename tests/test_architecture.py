"""The direction of imports and the purity of the core (ARCHITECTURE, what always holds)."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = sorted((ROOT / "matcher").rglob("*.py"))
#: Where time, chance and the world could come in; identity, time and seeds are data.
IMPURE_MODULES = {"time", "random", "secrets", "uuid", "socket", "os", "pathlib", "asyncio", "threading", "subprocess"}
IMPURE_CALLS = {"now", "utcnow", "today", "open", "print", "input"}


def test_imports_go_in_the_direction_of_the_contracts():
    ended = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-2000:]


@pytest.mark.parametrize("file", CORE, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_core_reads_no_clock_no_chance_and_no_world(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = [name for node in ast.walk(tree) for name in _impure(node)]
    assert not found, f"{file.relative_to(ROOT)}: {found}"


def _impure(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name.split(".")[0] in IMPURE_MODULES]
    if isinstance(node, ast.ImportFrom):
        return [str(node.module)] if (node.module or "").split(".")[0] in IMPURE_MODULES else []
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return [f"{called}()"] if called in IMPURE_CALLS else []
    return []


def test_the_core_itself_never_catches_what_it_does_not_name():
    for file in CORE:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else ""
                assert caught not in ("", "Exception", "BaseException"), f"{file.name}:{node.lineno}"


def test_the_command_line_answers_without_loading_anything_heavy():
    heavy = (
        "numpy",
        "scipy",
        "ortools",
        "numba",
        "pandas",
        "fastapi",
        "kombu",
        "apprise",
        "faust",
        "holidays",
        "aiokafka",
    )
    probe = f"import sys, services.cli; services.cli.build(); print([m for m in {heavy} if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
