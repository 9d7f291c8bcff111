"""The tables of docs/local-world.md that are made from code. `python -m tests.docs.generated` writes them anew."""

import inspect
import re

from dev.acs_simulator.admin.api import PREFIX, AdminApi
from dev.acs_simulator.admin.events import AdminEvents
from dev.acs_simulator.faults.rules import RULES
from tests.repo.docs.repository import DOCS

PAGE = DOCS / "local-world.md"
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


def with_tables(text: str) -> str:
    """The page with its generated parts as they should be."""
    for name, table in (("admin", admin_table()), ("faults", fault_table())):
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
