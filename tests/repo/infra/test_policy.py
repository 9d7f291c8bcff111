"""infra/ against the product's policies."""

import re

import pytest

from tests.repo.docs.repository import DOCS
from tests.repo.infra import (
    access_policy,
    agreement,
    alert_policy,
    completeness,
    custodian_policy,
    shapes,
    storage_policy,
    structure,
)
from tests.repo.infra.templates import Check, load

MODULES = (structure, shapes, completeness, storage_policy, custodian_policy, access_policy, agreement, alert_policy)
CHECKS = [check for module in MODULES for check in module.CHECKS]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_templates_keep_the_policy(check: Check) -> None:
    """No compiler and no subscription is needed to find out."""
    assert list(check(load())) == []


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
