"""Small faults planted into a module's source, one at a time, each with a name that stays when lines move.

Planted are: comparisons turned round, parts of conditions left out, conditions that are always or never true, other
return values, calls and raises left out, numbers, booleans and stable names changed, entries of sets left out. Texts
for people are left alone: another wording is no fault.
"""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_TURNED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
}
_OTHER_WAY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
_NAMES = ("code", "reason", "outcome")  # keyword arguments whose texts are looked up by programs


@dataclass(frozen=True)
class Mutant:
    """One planted fault: `name` is the function and what was done to it, `source` is written when it is asked for.

    Most who go through the mutants want the names of all and the text of a few.
    """

    name: str
    function: str
    original: str
    node: ast.AST
    changed: ast.AST

    @property
    def source(self) -> str:
        """Return the whole module with the fault in it."""
        return _with(self.original, self.node, self.changed)


def mutants_of(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module, in the order of its text."""
    seen: Counter[str] = Counter()
    for function, node in _places(ast.parse(source)):
        for what, changed in _changes(node):
            name = f"{function}: {what}"
            seen[name] += 1
            told = name if seen[name] == 1 else f"{name} ({seen[name]})"
            yield Mutant(told, function, source, node, changed)


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield each node with the name of the function that it is in; what is outside of all is called `module`."""

    def walk(node: ast.AST, function: str) -> Iterator[tuple[str, ast.AST]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                yield from walk(child, child.name)
            elif not isinstance(child, ast.Import | ast.ImportFrom) and not _is_text(child):
                yield function, child
                yield from walk(child, function)

    yield from walk(tree, "module")


def _is_text(node: ast.AST) -> bool:
    """Return a docstring, a text for people, or a type."""
    is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_docstring or isinstance(node, ast.JoinedStr | ast.arguments)


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    yield from _of_conditions(node)
    yield from _of_values(node)
    yield from _of_statements(node)


def _of_conditions(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Compare(ops=operators):
            for at, operator in enumerate(operators):
                for other in _TURNED[type(operator)]:
                    place = f" at {at + 1}" if len(operators) > 1 else ""
                    changed = [*operators[:at], other(), *operators[at + 1 :]]
                    yield f"{_said(node)} → {other.__name__}{place}", _copied(node, ops=changed)
        case ast.BoolOp(op=joined, values=values):
            turned = ast.Or() if isinstance(joined, ast.And) else ast.And()
            yield f"{_said(node)} → {type(turned).__name__}", _copied(node, op=turned)
            for at, value in enumerate(values):
                kept = [*values[:at], *values[at + 1 :]]
                yield f"without {_said(value)}", _copied(node, values=kept) if len(kept) > 1 else kept[0]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield f"{_said(node)} without not", operand
        case ast.IfExp():
            yield f"{_said(node.test)} always", node.body
            yield f"{_said(node.test)} never", node.orelse


def _of_values(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.BinOp(op=operator) if type(operator) in _OTHER_WAY:
            other_way = _OTHER_WAY[type(operator)]
            yield f"{_said(node)} → {other_way.__name__}", _copied(node, op=other_way())
        case ast.Set(elts=elements) if len(elements) > 1:
            for at, element in enumerate(elements):
                yield f"a set without {_said(element)}", _copied(node, elts=[*elements[:at], *elements[at + 1 :]])
        case ast.Constant(value=bool() as value):
            yield f"{value} → {not value}", ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield f"{value} → {value + 1}", ast.Constant(value + 1)
        case ast.keyword(arg=str() as name, value=ast.Constant(value=str() as text)) if name in _NAMES:
            yield f"{name} {text} → another", _copied(node, value=ast.Constant(f"{text}_x"))


def _of_statements(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.If(test=test) | ast.While(test=test):
            yield f"if {_said(test)}: always", _copied(node, test=ast.Constant(value=True))
            yield f"if {_said(test)}: never", _copied(node, test=ast.Constant(value=False))
        case ast.Return(value=ast.expr() as value):
            if not (isinstance(value, ast.Constant) and value.value is None):
                yield f"return {_said(value)} → None", _copied(node, value=ast.Constant(None))
            if isinstance(value, ast.Compare | ast.BoolOp):
                for answer in (True, False):
                    yield f"return {_said(value)} → {answer}", _copied(node, value=ast.Constant(answer))
        case ast.Raise():
            yield f"without raise {_said(node.exc) if node.exc else ''}".rstrip(), ast.Pass()
        case ast.Expr(value=ast.Call()):
            yield f"without {_said(node.value)}", ast.Pass()


def _said(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _copied(node: ast.AST, **changes: object) -> ast.AST:
    made = copy.copy(node)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def _with(source: str, node: ast.AST, changed: ast.AST) -> str:
    """Return the module with one node exchanged, found again by its kind and place."""
    place = _place(node)

    class Exchange(ast.NodeTransformer):
        def visit(self, found: ast.AST) -> ast.AST:
            if type(found) is type(node) and _place(found) == place:
                return changed
            self.generic_visit(found)
            return found

    return ast.unparse(ast.fix_missing_locations(Exchange().visit(ast.parse(source))))


def _place(node: ast.AST) -> tuple[object, ...]:
    return tuple(getattr(node, name, None) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset"))
