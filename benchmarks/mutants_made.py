"""Mutants of a Python file: each differs from it in one place of its syntax tree."""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Apply = Callable[[ast.AST], object]

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult,
}  # fmt: skip
LOGGING = ("_log",)
ERRORS = ("CircuitOpen", "LockTimeout", "NotHeld", "Rejected", "Unavailable")


class Mutant(msgspec.Struct, frozen=True):
    """`key` names it by what it changes, wherever that stands by now; `name` says where as well."""

    file: str
    port: str
    place: str
    line: int
    change: str
    source: str

    @property
    def name(self) -> str:
        return f"{self.file}:{self.line} {self.place}: {self.change}"

    @property
    def key(self) -> tuple[str, str, str]:
        return self.file.rpartition("/")[2], self.place, self.change.replace("`", "")


NOT_MADE = (
    "annotations, decorators, imports, docstrings, `__slots__`",
    "f-strings, the first argument of an error of the ports (its message), calls of `_log`",
    "`__len__` and `__repr__`: of no port",
    "default values of parameters of `__init__`, and `X() if it is None else it` there; not those of methods",
    "private numbers of a module (`_NAME = 64`): sizes and patience of what goes on inside",
)
"""Kinds of places that no mutant changes, told by their form alone, whatever becomes of a mutant there."""


def mutants_of(source: str, file: str, port: str) -> Iterator[Mutant]:
    tree = ast.parse(source)
    for index, (node, place) in enumerate(_places(tree)):
        for change, apply in _changes(node):
            mutated = copy.deepcopy(tree)
            twin = list(_places(mutated))[index][0]
            apply(twin)
            ast.fix_missing_locations(mutated)
            yield Mutant(file, port, place, getattr(node, "lineno", 0), change, ast.unparse(mutated))


def _places(tree: ast.Module) -> list[tuple[ast.AST, str]]:
    """Every node that runs, with the function that it stands in."""
    found: list[tuple[ast.AST, str]] = []

    def walk(node: ast.AST, place: str) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            place = f"{place}.{node.name}".lstrip(".")
        if _is_left_alone(node):
            return
        found.append((node, place))
        left_alone = {"annotation", "returns", "decorator_list", "type_params", "bases"}
        if isinstance(node, ast.arguments) and place.endswith("__init__"):
            left_alone |= {"defaults", "kw_defaults"}
        for name, value in ast.iter_fields(node):
            if name in left_alone:
                continue
            children = cast("list[object]", value if isinstance(value, list) else [value])
            for child in children:
                if isinstance(child, ast.AST) and not _is_message(node, child) and not _is_made(child, place):
                    walk(child, place)

    walk(tree, "")
    return found


def _is_message(node: ast.AST, child: ast.AST) -> bool:
    """The first argument of an error of the ports."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[first, *_]):
            return child is first and name in ERRORS
        case _:
            return False


def _is_made(node: ast.AST, place: str) -> bool:
    """`X() if it is None else it` in a constructor."""
    match node:
        case ast.IfExp(
            test=ast.Compare(left=ast.Name(id=it), ops=[ast.Is()], comparators=[ast.Constant(value=None)]),
            orelse=ast.Name(id=other),
        ):
            return it == other and place.endswith("__init__")
        case _:
            return False


def _is_left_alone(node: ast.AST) -> bool:
    """Imports, texts of errors and of logs, declarations: nothing that a promise rests on."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.JoinedStr():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.FunctionDef(name="__len__" | "__repr__"):
            return True
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=int() | float())):
            return name.startswith("_") and name == name.upper()
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))):
            return name in LOGGING
        case ast.Assign(targets=[ast.Name(id="__slots__" | "_log")]):
            return True
        case _:
            return False


def _changes(node: ast.AST) -> Iterator[tuple[str, Apply]]:  # noqa: C901, PLR0912 - one case a kind of change
    match node:
        case ast.Compare(ops=[op, *_]) if type(op) in COMPARISONS:
            yield from _compared(node, op)
        case ast.BoolOp(op=op):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield _said(node, lambda twin: setattr(twin, "op", other))
        case ast.UnaryOp(op=ast.Not()):
            yield f"`{ast.unparse(node)}` without `not`", _without_not
        case ast.BinOp(op=op) if type(op) in OPERATORS:
            yield _said(node, lambda twin: setattr(twin, "op", OPERATORS[type(op)]()))
        case ast.AugAssign(op=op) if type(op) in OPERATORS:
            yield _said(node, lambda twin: setattr(twin, "op", OPERATORS[type(op)]()))
        case ast.Constant(value=bool() as value):
            yield _said(node, lambda twin: setattr(twin, "value", not value))
        case ast.Constant(value=int() | float() as value):
            yield _said(node, lambda twin: setattr(twin, "value", value + 1))
        case ast.If() | ast.While():
            yield f"`{_head(node)}` never", lambda twin: setattr(twin, "test", ast.Constant(value=False))
        case ast.IfExp():
            yield (
                f"`{ast.unparse(node)}` never",
                lambda twin: setattr(twin, "test", ast.Constant(value=False)),
            )
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield (
                f"`{ast.unparse(node)}` gives None",
                lambda twin: setattr(twin, "value", ast.Constant(value=None)),
            )
        case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
            yield from _dropped(body, "body")
        case ast.Try(finalbody=body) if body:
            yield from _dropped(body, "finalbody")
        case _:
            pass
    if isinstance(node, (ast.If, ast.While, ast.For, ast.With, ast.AsyncWith, ast.Try)):
        yield from _dropped(node.body, "body")


def _compared(node: ast.Compare, op: ast.cmpop) -> Iterator[tuple[str, Apply]]:
    for position in range(len(node.ops)):
        other = COMPARISONS.get(type(node.ops[position]))
        if other is not None:
            yield _said(node, _operator_at(position, other))
    if isinstance(op, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) and len(node.ops) == 1:
        opposite = ast.GtE if isinstance(op, (ast.Lt, ast.LtE)) else ast.Lt
        yield _said(node, _operator_at(0, opposite))


def _operator_at(position: int, other: type[ast.cmpop]) -> Apply:
    def apply(twin: ast.AST) -> None:
        assert isinstance(twin, ast.Compare)
        twin.ops[position] = other()

    return apply


def _dropped(body: list[ast.stmt], field: str) -> Iterator[tuple[str, Apply]]:
    """Each statement that does something, left out."""
    for position, statement in enumerate(body):
        droppable = isinstance(
            statement, (ast.Expr, ast.Assign, ast.AugAssign, ast.Delete, ast.Raise, ast.Continue)
        )
        if droppable and not _is_left_alone(statement):
            yield f"without `{_head(statement)}`", _without(field, position)


def _without(field: str, position: int) -> Apply:
    def apply(twin: ast.AST) -> None:
        getattr(twin, field)[position] = ast.Pass()

    return apply


def _without_not(twin: ast.AST) -> None:
    assert isinstance(twin, ast.UnaryOp)
    twin.op, twin.operand = ast.Not(), ast.UnaryOp(op=ast.Not(), operand=twin.operand)


def _said(node: ast.AST, apply: Apply) -> tuple[str, Apply]:
    twin = copy.deepcopy(node)
    apply(twin)
    return f"`{_head(node)}` is `{_head(twin)}`", apply


def _head(node: ast.AST) -> str:
    return ast.unparse(node).splitlines()[0].rstrip(":")


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
