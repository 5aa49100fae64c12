"""Every small fault that one file can be given: source in, mutants out. Pure; used by the runner and its test.

Not touched: docstrings, annotations, default arguments, fields of structs, and words for people (inside a `raise`, a
checker's `find`).
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

#: A place in the tree: fields and indexes from the root down.
Path = tuple[tuple[str, int | None], ...]

_BOUNDARIES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.Mod: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
_PLAIN = (ast.Name, ast.Attribute, ast.Subscript)


@dataclass(frozen=True)
class Mutant:
    """One fault: `words` at `first_line` to `last_line`, in the outermost function or the module's name `owner`."""

    first_line: int
    last_line: int
    owner: str
    #: Whether `owner` is a function; else the name of a module's value.
    function: bool
    operator: str
    words: str
    path: Path
    #: Which of the faults possible at this place.
    number: int


def mutants(source: str) -> list[Mutant]:
    """Return every fault of a file, in the order of its lines."""
    found = []
    for owner, function, path, node in _owners(ast.parse(source)):
        for place, inner in _walk(node, path, function):
            for number, (operator, new) in enumerate(_faults(inner)):
                words = f"{_short(inner)} -> {_short(new)}"
                lines = inner.lineno, _last_line(inner)
                found.append(Mutant(*lines, owner, function, operator, words, place, number))
    return found


def applied(source: str, mutant: Mutant) -> ast.Module:
    """Return the file's tree with the fault in it."""
    tree = ast.parse(source)
    node: ast.AST = tree
    for field, index in mutant.path:
        parent, last = node, (field, index)
        value = getattr(node, field)
        node = value if index is None else value[index]
    new = list(_faults(node))[mutant.number][1]
    ast.copy_location(new, node)
    if last[1] is None:
        setattr(parent, last[0], new)
    else:
        getattr(parent, last[0])[last[1]] = new
    return ast.fix_missing_locations(tree)


def _owners(tree: ast.Module) -> Iterator[tuple[str, bool, Path, ast.AST]]:
    """Functions (of classes too) and values of the module that can be put in place while it runs."""
    for index, node in enumerate(tree.body):
        path: Path = (("body", index),)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, True, path, node
        elif isinstance(node, ast.ClassDef):
            for inner, method in enumerate(node.body):
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{node.name}.{method.name}", True, (*path, ("body", inner)), method
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if not node.targets[0].id.startswith("__"):
                yield node.targets[0].id, False, (*path, ("value", None)), node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, False, (*path, ("value", None)), node.value


def _walk(node: ast.AST, path: Path, function: bool) -> Iterator[tuple[Path, ast.AST]]:
    if function:
        for index, statement in enumerate(node.body):  # type: ignore[attr-defined]
            if not _is_docstring(statement):
                yield from _below(statement, (*path, ("body", index)))
    else:
        yield from _below(node, path)


def _below(node: ast.AST, path: Path) -> Iterator[tuple[Path, ast.AST]]:
    yield path, node
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "args"} and not isinstance(node, ast.Call):
            continue
        if field == "exc" or (field == "args" and _spells_out(node)):
            continue  # words for people; that they are said at all is a fault of its own
        if isinstance(value, list):
            for index, child in enumerate(value):
                if isinstance(child, ast.AST) and not _is_docstring(child):
                    yield from _below(child, (*path, (field, index)))
        elif isinstance(value, ast.AST):
            yield from _below(value, (*path, (field, None)))


def _spells_out(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "find"


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _faults(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What may be put in the place of this node: (operator, new node)."""
    for kinds, faults_of in _FAULTS:
        if isinstance(node, kinds):
            yield from faults_of(node)
            return


def _of_boolean(node: ast.BoolOp) -> Iterator[tuple[str, ast.AST]]:
    yield "boolean", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    for index, value in enumerate(node.values):
        rest = node.values[:index] + node.values[index + 1 :]
        if len(rest) == 1:
            yield "boolean", rest[0]
        else:
            yield f"boolean: {_short(value)} dropped", ast.BoolOp(node.op, rest)


def _of_not(node: ast.UnaryOp) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node.op, ast.Not):
        yield "boolean", node.operand


def _of_arithmetic(node: ast.BinOp) -> Iterator[tuple[str, ast.AST]]:
    if type(node.op) in _ARITHMETIC:
        yield "arithmetic", ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)


def _of_choice(node: ast.IfExp) -> Iterator[tuple[str, ast.AST]]:
    yield "condition", node.body
    yield "condition", node.orelse


def _of_elements(node: ast.List | ast.Set) -> Iterator[tuple[str, ast.AST]]:
    for index in range(len(node.elts)):
        rest = ast.List(node.elts[:index] + node.elts[index + 1 :], ast.Load())
        yield "element dropped", rest if isinstance(node, ast.List) else ast.Call(_name("set"), [rest], [])


def _of_entries(node: ast.Dict) -> Iterator[tuple[str, ast.AST]]:
    for index in range(len(node.keys)):
        keys, values = node.keys[:index] + node.keys[index + 1 :], node.values[:index] + node.values[index + 1 :]
        yield "entry dropped", ast.Dict(keys, values)


def _of_comprehension(node: ast.ListComp) -> Iterator[tuple[str, ast.AST]]:
    for index, generator in enumerate(node.generators):
        for which in range(len(generator.ifs)):
            new = copy.deepcopy(node)
            del new.generators[index].ifs[which]
            yield "condition", new


def _of_statement(node: ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.If):
        yield "condition", _with(node, test=ast.Constant(True))
        yield "condition", _with(node, test=ast.Constant(False))
    elif isinstance(node, ast.While):
        yield "condition", _with(node, test=ast.Constant(False))
    elif isinstance(node, ast.Return) and node.value is not None:
        if not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield "return", ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Expr | ast.AugAssign | ast.Delete | ast.Raise | ast.Continue | ast.Break):
        yield "statement dropped", ast.Pass()
    elif isinstance(node, ast.Assign) and any(_outlives(target) for target in node.targets):
        yield "assignment dropped", ast.Pass()


def _outlives(target: ast.expr) -> bool:
    targets = target.elts if isinstance(target, ast.Tuple) else [target]
    return any(isinstance(one, ast.Attribute | ast.Subscript) for one in targets)


def _of_comparison(node: ast.Compare) -> Iterator[tuple[str, ast.AST]]:
    for index, operator in enumerate(node.ops):
        new = _BOUNDARIES.get(type(operator)) or _OPPOSITES.get(type(operator))
        if new is not None:
            ops = [*node.ops[:index], new(), *node.ops[index + 1 :]]
            yield "comparison", ast.Compare(node.left, ops, node.comparators)


def _of_constant(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node.value, bool):
        yield "constant", ast.Constant(not node.value)
    elif isinstance(node.value, int | float):
        yield "constant", ast.Constant(node.value + 1)
    elif isinstance(node.value, str) and node.value.strip():
        yield "constant", ast.Constant(node.value + "XX")


def _of_call(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node.func, ast.Name) and node.func.id in _NAMES:
        yield "call", ast.Call(_name(_NAMES[node.func.id]), node.args, node.keywords)
    swaps = not (isinstance(node.func, ast.Name) and node.func.id in _NAMES)  # of min and max any order is the same
    for index in range(len(node.args) - 1 if swaps else 0):
        one, two = node.args[index], node.args[index + 1]
        if isinstance(one, _PLAIN) and isinstance(two, _PLAIN):
            args = [*node.args[:index], two, one, *node.args[index + 2 :]]
            yield "arguments swapped", ast.Call(node.func, args, node.keywords)
    for index, keyword in enumerate(node.keywords):
        if keyword.arg is not None:
            rest = node.keywords[:index] + node.keywords[index + 1 :]
            yield f"keyword {keyword.arg} dropped", ast.Call(node.func, node.args, rest)


def _with(node: ast.stmt, **changes: ast.AST) -> ast.stmt:
    new = copy.copy(node)
    for field, value in changes.items():
        setattr(new, field, value)
    return new


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _last_line(node: ast.AST) -> int:
    """The last line on which the node alone stands: of a compound statement, its head."""
    if isinstance(node, ast.If | ast.While):
        return node.test.end_lineno or node.lineno
    return getattr(node, "end_lineno", None) or node.lineno  # type: ignore[attr-defined]


def _short(node: ast.AST) -> str:
    node = ast.fix_missing_locations(copy.deepcopy(node))
    if isinstance(node, ast.If | ast.While):
        return f"if {ast.unparse(node.test)}"[:90]
    return " ".join(ast.unparse(node).split())[:90]


_FAULTS: tuple[tuple[Any, Callable[[Any], Iterator[tuple[str, ast.AST]]]], ...] = (
    (ast.stmt, _of_statement),
    (ast.Compare, _of_comparison),
    (ast.BoolOp, _of_boolean),
    (ast.UnaryOp, _of_not),
    (ast.BinOp, _of_arithmetic),
    (ast.Constant, _of_constant),
    (ast.IfExp, _of_choice),
    (ast.Call, _of_call),
    (ast.List | ast.Set, _of_elements),
    (ast.Dict, _of_entries),
    (ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, _of_comprehension),
)
