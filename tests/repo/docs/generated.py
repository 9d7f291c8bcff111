"""The tables of docs/local-world.md that are made from code. `python -m tests.docs.generated` writes them anew."""

import inspect
import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from dev.acs_simulator.admin.api import PREFIX, AdminApi
from dev.acs_simulator.admin.events import AdminEvents
from dev.acs_simulator.admin.views import (
    Advance,
    Crowd,
    Joining,
    Leaving,
    NewCall,
    NewFault,
    NewObjects,
    NewParticipant,
)
from dev.acs_simulator.events.subscriptions import DeadLetterPlace, NewSubscription
from dev.acs_simulator.faults.rules import RULES
from dev.event_grid import DeliveryPlan
from dev.policies.repository import DOCS

PAGE = DOCS / "local-world.md"
SIMULATOR_PAGE = DOCS / "simulator.md"
BODIES: dict[str, type[BaseModel]] = {
    "POST calls": NewCall,
    "a participant of it": NewParticipant,
    "POST calls/{call_id}/join": Joining,
    "POST calls/{call_id}/leave": Leaving,
    "POST crowd": Crowd,
    "POST objects": NewObjects,
    "POST clock": Advance,
    "POST faults": NewFault,
    "POST subscriptions": NewSubscription,
    "deadLetter of it": DeadLetterPlace,
    "POST deliveries/plans": DeliveryPlan,
}
_ROUTE = re.compile(r'web\.(?P<method>\w+)\(f"\{PREFIX\}(?P<path>[^"]*)", self\.(?P<handler>\w+)\)')


def admin_table() -> str:
    """Every route of the simulator's own interface, with the first lines of its handlers."""
    lines = ["| request | does |", "|---|---|"]
    for part in (AdminApi, AdminEvents):
        for found in _ROUTE.finditer(inspect.getsource(part.routes)):
            told = (getattr(part, found["handler"]).__doc__ or "").strip().splitlines()[0].partition(": ")[2]
            path = found["path"].replace("{{", "{").replace("}}", "}")
            lines.append(f"| {found['method'].upper()} `{PREFIX}{path}` | {told} |")
    return "\n".join(lines)


def fault_table() -> str:
    """Every fault by name: where it may strike, its arguments with their defaults, what is seen."""
    lines = ["| kind | operations | arguments (defaults) | what happens |", "|---|---|---|---|"]
    for kind, rule in RULES.items():
        arguments = ", ".join(f"`{name}` ({_shown(value)})" for name, value in rule.arguments.items())
        operations = ", ".join(f"`{operation}`" for operation in sorted(rule.operations))
        lines.append(f"| `{kind}` | {operations} | {arguments or '-'} | {rule.meaning} |")
    return "\n".join(lines)


def bodies_table() -> str:
    """Every request body of the simulator's own interface: field, type, default."""
    lines = ["| body of | field | type | default |", "|---|---|---|---|"]
    for request, model in BODIES.items():
        schema = model.model_json_schema(by_alias=True)
        for name, field in schema["properties"].items():
            default = "required" if name in schema.get("required", ()) else f"`{json.dumps(field.get('default'))}`"
            lines.append(f"| {request} | `{name}` | {_type(field, schema)} | {default} |")
    return "\n".join(lines)


def _type(field: dict[str, Any], schema: dict[str, Any]) -> str:
    if "$ref" in field:
        return _type(schema["$defs"][field["$ref"].rpartition("/")[2]], schema)
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_type(one, schema) for one in field["anyOf"]))
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"]) if len(field["enum"]) <= 6 else "name"
    if field.get("type") == "array" and isinstance(field.get("items"), dict):
        return f"list of {_type(field['items'], schema)}"
    return "object" if "properties" in field else str(field.get("type", "any"))


def with_tables(text: str, tables: Sequence[tuple[str, str]] = ()) -> str:
    """The page with its generated parts as they should be."""
    for name, table in tables or (("admin", admin_table()), ("faults", fault_table())):
        begin, end = f"<!-- {name}: generated -->", f"<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        assert found, f"{PAGE} has no place for {name}"
        text = f"{before}{begin}\n{table}\n{end}{after}"
    return text


def _shown(value: object) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    told = with_tables(SIMULATOR_PAGE.read_text(encoding="utf-8"), [("bodies", bodies_table())])
    SIMULATOR_PAGE.write_text(told, encoding="utf-8")
