"""infra/ against the product's policies."""

import re

import pytest

from dev.policies.infra import agreement, alert_play, alert_rows
from dev.policies.infra import checks as all_checks
from dev.policies.infra.templates import Check, load
from dev.policies.repository import DOCS

EXECUTED = {
    alert_play.each_alert_fires_on_its_failure_alone,
    alert_play.each_alert_ends_when_it_is_over,
    alert_rows.each_row_says_what_the_line_said,
}
CHECKS = [check for check in all_checks.CHECKS if check not in EXECUTED]
QUERIES = [path.rpartition("/")[2].removesuffix(".kql") for path in load().texts if path.endswith(".kql")]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_templates_keep_the_policy(check: Check) -> None:
    """No compiler and no subscription is needed to find out."""
    assert list(check(load())) == []


@pytest.mark.parametrize("name", QUERIES)
def test_each_alert_fires_on_its_failure_alone_ends_with_it_and_says_what_it_was(name: str) -> None:
    """Executed over two calm days, each thing that can happen and each line that ends it; then its rows are read."""
    assert list(alert_play.fires_wrongly(load(), name)) == []
    assert list(alert_play.ends_wrongly(load(), name)) == []
    assert list(alert_rows.says_wrongly(load(), name)) == []


def test_each_alert_tells_what_to_do_in_the_same_five_steps() -> None:
    """Whoever is woken reads one page in one order."""
    page = (DOCS / "runbook.md").read_text(encoding="utf-8").partition("## Alerts\n")[2]
    sections = re.findall(r"^### (.+?)\n\n(.+?)(?=\n#|\Z)", page, re.MULTILINE | re.DOTALL)
    steps = {name: re.findall(r"^- \*\*(.+?)\.\*\*", text, re.MULTILINE) for name, text in sections}
    assert set(steps) == agreement.alert_names(load())
    assert [name for name, found in steps.items() if found != ["Means", "You have", "Look", "Fix", "Over when"]] == []


def test_the_severity_on_the_page_is_that_of_the_alert() -> None:
    """It decides whether somebody is woken."""
    page = (DOCS / "runbook.md").read_text(encoding="utf-8")
    told = {name: int(level) for name, level in re.findall(r"^### (.+?)\n\n.+?Severity (\d)\.", page, re.MULTILINE)}
    assert told == agreement.severities(load())
