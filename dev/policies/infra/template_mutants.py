"""Faults that are planted into Bicep files by rule: each property left out, each literal and operator changed."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from dev.policies.infra import access_policy, agreement, alert_play, alert_rows, connections
from dev.policies.infra.bicep import syntax_tree, text_of
from dev.policies.infra.templates import Check, Templates

OPERATORS = {"==": "!=", "!=": "==", "&&": "||", "||": "&&", "<": ">=", ">": "<=", "<=": ">", ">=": "<"}
# What a person reads and Azure does not act on, by the name of the property, and what is a comment.
SAYS_ONLY = frozenset({"description", "displayName", "notes"})
WORDS_ONLY = frozenset({"description", "metadata"})  # decorators
_TYPED = frozenset({"parameter_declaration", "output_declaration"})
_OTHER_TYPE = {"string": "int", "int": "string", "bool": "string", "object": "string", "array": "string"}
_REFERENCE = re.compile(r"(?P<symbol>\w+)(?P<rest>(?:!?\.outputs\.\w+|\.\w+)?)")


@dataclass(frozen=True)
class Mutant:
    """A Bicep file with one fault in it."""

    path: str
    number: int  # of the line
    what: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.number} {self.what}"


def mutants(templates: Templates) -> Iterator[Mutant]:
    """Yield every Bicep file with every fault of the rules."""
    for path in sorted(templates.files):
        source = templates.texts[path].encode()
        seen: set[bytes] = {source}
        for node, (start, end), new, what in _faults(syntax_tree(templates.texts[path])):
            changed = source[:start] + new.encode() + source[end:]
            if changed not in seen:
                seen.add(changed)
                line = source.splitlines()[node.start_point[0]].decode().strip()
                yield Mutant(path, node.start_point[0] + 1, f"{what} in {line[:90]!r}", changed.decode())


# Played over two days of log lines, for seconds: only what is in the file of the alerts can change their answer.
PLAYED = (
    *(alert_play.each_alert_fires_on_its_failure_alone, alert_play.each_alert_ends_when_it_is_over),
    alert_rows.each_row_says_what_the_line_said,
)
# About hooks, queries and secrets: no fault of a Bicep file is theirs.
_OF_OTHER_FILES = (
    *(access_policy.no_secrets, agreement.the_function_is_there, agreement.an_old_azd_is_refused),
    connections.both_shells_do_the_same,
)


# Mutants that no check names, by their file and a part of what they are, each with its reason.
HARMLESS: tuple[tuple[str, str, str], ...] = (
    ("function-app.bicep", "@minValue(1)", "main.bicep, which alone uses the module, has the same bounds"),
    ("function-app.bicep", "@maxValue(1000)", "main.bicep, which alone uses the module, has the same bounds"),
    ("storage-account.bicep", "31 for 30", "a default that holds only where immutability is off"),
    ("storage-archive.bicep", "'xcheaper-with-age'", "the name of a rule in a policy that is written whole each time"),
)


def is_harmless(mutant: Mutant) -> bool:
    """Return whether there is a reason why no check names a mutant."""
    return any(mutant.path.endswith(path) and text in str(mutant) for path, text, _ in HARMLESS)


def finder(mutant: Mutant, templates: Templates, checks: Iterable[Check]) -> Check | None:
    """Return the first of the checks that names the fault, or cannot even read the file that has it."""
    changed = Templates({**templates.texts, mutant.path: mutant.text})
    for check in checks:
        if check in _OF_OTHER_FILES or (check in PLAYED and "alerts" not in mutant.path):
            continue
        try:
            if next(check(changed), None) is not None:
                return check
        except Exception:  # noqa: BLE001 - whatever it falls over, it is not content
            return check
    return None


_Fault = tuple[Node, tuple[int, int], str, str]


def _faults(node: Node) -> Iterator[_Fault]:
    if node.type == "comment" or _is_words(node):
        return
    if node.type == "object_property" and _is_name_of_deployment(node):
        return  # Azure's history shows it; two of one name are found by completeness.modules_are_placed
    yield from _faults_of(node)
    for child in node.children:
        yield from _faults(child)


def _is_name_of_deployment(node: Node) -> bool:
    """Return whether a property names a deployment in Azure's history, and nothing that is made."""
    above = node.parent.parent if node.parent is not None else None
    while above is not None and above.type == "if_statement":
        above = above.parent
    return above is not None and above.type == "module_declaration" and _name(node) == "name"


def _is_words(node: Node) -> bool:
    name = text_of(node.named_children[0]) if node.named_children else ""
    if node.type == "decorator":
        return name.partition("(")[0] in WORDS_ONLY
    return node.type == "object_property" and name in SAYS_ONLY


def _faults_of(node: Node) -> Iterator[_Fault]:
    text, here = text_of(node), (node.start_byte, node.end_byte)
    match node.type:
        case "object_property":
            yield node, _with_comma(node), "", f"without {_name(node)}"
            yield from _other_reference(node)
        case "array":
            yield from ((item, _with_comma(item), "", f"without {_short(item)}") for item in _items(node))
        case "boolean":
            yield node, here, "false" if text == "true" else "true", f"not {text}"
        case "number":
            yield node, here, str(int(text) + 1), f"{int(text) + 1} for {text}"
        case "string" if node.parent is not None and node.parent.type not in {"resource_declaration"}:
            yield from _other_text(node)
        case "ternary_expression":
            _, one, other = [kid for kid in node.named_children if kid.type != "comment"]
            yield node, here, text_of(one), "always the first of two"
            yield node, here, text_of(other), "always the second of two"
        case "if_statement":
            condition, body = node.named_children[0], node.named_children[-1]
            inside = text_of(condition)
            yield node, here, text_of(body), "always made"
            yield node, (condition.start_byte, condition.end_byte), f"(!{inside})", "made when it is not asked for"
        case "unary_expression" if text.startswith("!"):
            yield node, here, text[1:], "without the not"
        case "binary_expression":
            sign = next(kid for kid in node.children if not kid.is_named)
            if sign.type in OPERATORS:
                new = OPERATORS[sign.type]
                yield node, (sign.start_byte, sign.end_byte), new, f"{new} for {sign.type}"
        case "resource_declaration" | "module_declaration" | "output_declaration" | "decorator":
            yield node, here, "", f"without {_called(node)}"
        case "type" if node.parent is not None and node.parent.type in _TYPED and text in _OTHER_TYPE:
            yield node, here, _OTHER_TYPE[text], f"{_OTHER_TYPE[text]} for {text}"


def _other_text(node: Node) -> Iterator[_Fault]:
    """Yield a string with its first and with its last literal part changed."""
    parts = [kid for kid in node.named_children if kid.type == "string_content"]
    for part in {parts[0].start_byte: parts[0], parts[-1].start_byte: parts[-1]}.values() if parts else ():
        new = "x" + text_of(part)
        yield node, (part.start_byte, part.end_byte), new, f"{new[:40]!r}"


def _other_reference(node: Node) -> Iterator[_Fault]:
    """Yield a property that is given another parameter, resource or module of the file, one of the same kind."""
    value = node.named_children[-1]
    found = _REFERENCE.fullmatch(text_of(value))
    root = node
    while root.parent is not None:
        root = root.parent
    alike = _alike(root, found["symbol"], found["rest"]) if found else []
    if found and alike:
        new = f"{alike[0]}{found['rest']}"
        yield node, (value.start_byte, value.end_byte), new, f"{new} for {text_of(value)}"


def _alike(root: Node, symbol: str, rest: str) -> list[str]:
    """Return the other symbols that could stand where one does, those behind it first."""
    kinds = {_name(kid): _kind(kid) for kid in root.named_children if kid.type in _REFERRED}
    names = [name for name, kind in kinds.items() if kind == kinds.get(symbol) or name == symbol]
    if symbol not in names:
        return []
    at, text, output = names.index(symbol), text_of(root), rest.lstrip("!")
    others = names[at + 1 :] + names[:at]
    # Of modules those that are known to have such an output: another one would not even compile.
    return [name for name in others if not output.startswith(".outputs.") or re.search(rf"\b{name}!?{output}\b", text)]


_REFERRED = frozenset({"parameter_declaration", "resource_declaration", "module_declaration"})


def _kind(node: Node) -> str:
    """Return what may stand in a declaration's place: of parameters those of its type."""
    kind = next((text_of(kid) for kid in node.named_children if kid.type == "type"), "")
    return f"{node.type} {kind}".strip()


def _items(node: Node) -> list[Node]:
    return [kid for kid in node.named_children if kid.type != "comment"]


def _with_comma(node: Node) -> tuple[int, int]:
    """Return where a property or entry is, with the comma beside it."""
    after, before = node.next_sibling, node.prev_sibling
    if after is not None and after.type == ",":
        return node.start_byte, after.end_byte
    if before is not None and before.type == ",":
        return before.start_byte, node.end_byte
    return node.start_byte, node.end_byte


def _name(node: Node) -> str:
    return text_of(node.named_children[0])


def _called(node: Node) -> str:
    """Return how a person calls what is left out."""
    return f"@{text_of(node).partition('(')[0].lstrip('@')}" if node.type == "decorator" else _name(node)


def _short(node: Node) -> str:
    return re.sub(r"\s+", " ", text_of(node))[:60]
