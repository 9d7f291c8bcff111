"""The queries of alerts and workbook, and what Microsoft's parser says of them."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dev.policies.infra.log_workspace import TABLES
from dev.policies.repository import DOCS, ROOT


def queries() -> dict[str, str]:
    """Every query by its name: the files, the runbook's own, and the panels of the workbook."""
    files = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "infra/observability").glob("*.kql")}
    page = (DOCS / "runbook.md").read_text(encoding="utf-8")
    files |= {f"runbook/{at}": text for at, text in enumerate(re.findall(r"^```kusto\n(.+?)^```", page, re.M | re.S))}
    return files | {f"workbook/{panel['name']}": panel["content"]["query"] for panel in panels()}


def panels() -> Iterator[dict[str, Any]]:
    """The panels of the workbook that ask something."""
    workbook = json.loads((ROOT / "infra/observability/workbook.json").read_text(encoding="utf-8"))
    yield from (item for item in workbook["items"] if item["type"] == 3)


def faults_of(asked: Mapping[str, str]) -> dict[str, list[str]]:
    """What the parser finds wrong with each query, against the tables above."""
    given = json.dumps({"tables": {name: list(columns.items()) for name, columns in TABLES.items()}, "queries": asked})
    answer = subprocess.run(
        ["node", str(Path(__file__).with_name("kql_check.js"))],
        input=given,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "NODE_PATH": str(ROOT / "node_modules")},
    )
    faults: dict[str, list[str]] = json.loads(answer.stdout)
    return faults
