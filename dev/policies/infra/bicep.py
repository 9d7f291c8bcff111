"""Reads Bicep files into plain values: what the policy checks look at. A syntax tree, not a compiler."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser


@dataclass(frozen=True)
class Expression:
    """What is not a literal: its text as written, the names it uses and, for a call, what it is given."""

    text: str
    names: frozenset[str] = frozenset()
    given: tuple["Value", ...] = ()
    branches: tuple["Value", ...] = ()  # of `condition ? one : other`


Value = str | int | bool | None | Expression | list["Value"] | dict[str, "Value"]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a file."""

    default: Value
    is_required: bool
    decorators: Mapping[str, Value]
    kind: str = ""


@dataclass(frozen=True)
class Declared:
    """A resource or module: `what` is `Type@version` or the path of a file."""

    what: str
    body: dict[str, Value]
    is_existing: bool = False
    loop: Value = None

    @property
    def properties(self) -> dict[str, Value]:
        """Return the `properties` of a resource, or nothing."""
        return as_dict(self.body.get("properties"))

    @property
    def given(self) -> dict[str, Value]:
        """Return the `params` of a module, or nothing."""
        return as_dict(self.body.get("params"))


@dataclass
class BicepFile:
    """One file."""

    parameters: dict[str, Parameter] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)
    resources: dict[str, Declared] = field(default_factory=dict)
    modules: dict[str, Declared] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def resolved(self, value: Value) -> Value:
        """Return a value; the name of a variable, or of a parameter with a default, is replaced by its value."""
        if isinstance(value, Expression):
            if value.text in self.variables:
                return self.resolved(self.variables[value.text])
            if value.text in self.parameters and not self.parameters[value.text].is_required:
                return self.resolved(self.parameters[value.text].default)
        return value


def syntax_tree(text: str) -> Node:
    """Return the root of a text's syntax tree; places in it are of the text's UTF-8."""
    return Parser(Language(tree_sitter_bicep.language())).parse(text.encode()).root_node


def text_of(node: Node) -> str:
    """Return the text of a node, as written."""
    return (node.text or b"").decode()


@cache
def read(text: str) -> BicepFile:
    """Return the file that a text is; its syntax errors are in `faults`."""
    file, root = BicepFile(), syntax_tree(text)
    file.faults += [
        f"line {node.start_point[0] + 1}" for node in _walk(root) if node.type == "ERROR" or node.is_missing
    ]
    decorators: dict[str, Value] = {}
    for node in root.named_children:
        if node.type == "decorators":
            decorators = dict(_decorator(child) for child in node.named_children)
            continue
        _declare(file, node, decorators)
        decorators = {}
    return file


def as_dict(value: Value) -> dict[str, Value]:
    """Return the value if it is an object, otherwise an empty one: a check then misses what it looks for, by name."""
    return value if isinstance(value, dict) else {}


def as_list(value: Value) -> list[Value]:
    """Return the value if it is an array, otherwise an empty one."""
    return value if isinstance(value, list) else []


def at(value: Value, *path: str) -> Value:
    """Return what lies at a path of keys; None if it is not there."""
    for key in path:
        value = as_dict(value).get(key)
    return value


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _declare(file: BicepFile, node: Node, decorators: dict[str, Value]) -> None:
    kids = [kid for kid in node.named_children if kid.type != "comment"]
    if node.type.endswith("_declaration"):
        file.used |= {name for kid in kids[1:] for name in _names(kid)}
    match node.type:
        case "parameter_declaration":
            given = "=" in [kid.type for kid in node.children]
            kind = next((text_of(kid) for kid in kids if kid.type == "type"), "")
            file.parameters[text_of(kids[0])] = Parameter(
                _value(kids[-1]) if given else None, not given, decorators, kind
            )
        case "variable_declaration":
            file.variables[text_of(kids[0])] = _value(kids[-1])
        case "resource_declaration":
            file.resources[text_of(kids[0])] = _declared(node)
        case "module_declaration":
            file.modules[text_of(kids[0])] = _declared(node)
        case "output_declaration":
            file.outputs[text_of(kids[0])] = _value(kids[-1])


def _declared(node: Node) -> Declared:
    body = node.named_children[-1]
    is_existing = any(kid.type == "existing" for kid in node.children)
    loop: Value = None
    while body.type in ("for_statement", "if_statement"):
        if body.type == "for_statement":
            loop = _value(body.named_children[1])
        body = body.named_children[-1]
    return Declared(str(_value(node.named_children[1])), as_dict(_value(body)), is_existing, loop)


def _decorator(node: Node) -> tuple[str, Value]:
    name, arguments = node.named_children[0].named_children
    return text_of(name), _value(arguments.named_children[0]) if arguments.named_children else None


def _value(node: Node) -> Value:
    match node.type:
        case "string" if not any(kid.type == "interpolation" for kid in node.named_children):
            return "".join(text_of(kid) for kid in node.named_children)
        case "number":
            return int(text_of(node))
        case "boolean":
            return text_of(node) == "true"
        case "null":
            return None
        case "array":
            return [_value(kid) for kid in node.named_children if kid.type != "comment"]
        case "object":
            return dict(_property(kid) for kid in node.named_children if kid.type == "object_property")
        case "ternary_expression":
            kids = tuple(_value(kid) for kid in node.named_children if kid.type != "comment")
            return Expression(text_of(node), frozenset(_names(node)), branches=kids[1:])
        case "call_expression":
            given = [kid for kid in node.named_children[-1].named_children if kid.type != "comment"]
            return Expression(text_of(node), frozenset(_names(node)), tuple(_value(kid) for kid in given))
    return Expression(text_of(node), frozenset(_names(node)))


def _property(node: Node) -> tuple[str, Value]:
    key = node.named_children[0]
    name = text_of(key) if key.type == "identifier" else _value(key)
    return name if isinstance(name, str) else text_of(key), _value(node.named_children[-1])


def _names(node: Node) -> Iterator[str]:
    """The names that an expression uses; the keys of objects are none."""
    if node.type == "identifier":
        yield text_of(node)
    kids = node.named_children
    if node.type == "object_property" and kids[0].type == "identifier":
        kids = kids[1:]
    if node.type == "lambda_expression":
        local = {text_of(kid) for kid in kids[:-1]}
        yield from (name for name in _names(kids[-1]) if name not in local)
        return
    for kid in kids:
        yield from _names(kid)
