"""docs/pipelines.md against the workflows."""

import re
from typing import Any

import pytest
import yaml

from dev.policies.markdown import rows_with, spans
from dev.policies.repository import DOCS, ROOT

PAGE = DOCS / "pipelines.md"
ROWS = {spans(row["workflow"])[0]: row for row in rows_with(PAGE, "workflow", "when", "may write")}
WORKFLOWS = {path.name: path for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}


def test_the_page_lists_exactly_the_workflows() -> None:
    """One that nobody knows of runs all the same."""
    assert sorted(ROWS) == sorted(WORKFLOWS)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_page_tells_all_that_a_workflow_may_write(name: str) -> None:
    """Rights are what a reviewer asks for first."""
    jobs: dict[str, Any] = yaml.safe_load(WORKFLOWS[name].read_text(encoding="utf-8"))["jobs"]
    rights = {scope for job in jobs.values() for scope, right in job.get("permissions", {}).items() if right == "write"}
    assert set(spans(ROWS[name]["may write"])) == rights


def test_the_page_names_every_variable_and_environment() -> None:
    """A variable that is not set is an empty string in Azure's tools, and their message does not say so."""
    texts = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS.values())
    wanted = {*re.findall(r"\bvars\.(\w+)", texts), *re.findall(r"^    environment: (\w+)", texts, re.MULTILINE)}
    assert {"AZURE_CLIENT_ID", "production", "preview"} <= wanted
    assert wanted <= set(spans(PAGE.read_text(encoding="utf-8")))
