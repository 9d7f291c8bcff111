"""The pages about deploying, upgrading and disasters against the templates, and against the tools that they call."""

import json
import re
from collections.abc import Iterator, Mapping

import pytest

from dev.policies.infra.bicep import at
from dev.policies.infra.templates import load
from dev.policies.markdown import rows_with, spans
from dev.policies.repository import DOCS, ROOT, documents

OF_AZD = {"AZURE_LOCATION", "NAME"}  # azd's own; and what stands for a name
SET = re.compile(r"azd env set ([A-Z0-9_]+)")
# Each command of the Azure CLI that a page tells to type, with the options that it has there.
AZ: Mapping[str, set[str]] = {
    "bicep build": {"file", "stdout", "outfile"},
    "bicep lint": {"file"},
    "keyvault secret set": {"vault-name", "name", "file"},
    "bicep install": {"version"},
    "functionapp config appsettings set": {"resource-group", "name", "settings"},
    "functionapp keys list": {"resource-group", "name", "query", "output"},
    "functionapp keys set": {"resource-group", "name", "key-type", "key-name", "key-value"},
    "functionapp list-flexconsumption-locations": {"o"},
    "functionapp restart": {"resource-group", "name"},
    "functionapp stop": {"resource-group", "name"},
    "keyvault key create": {"vault-name", "name", "kty", "curve", "ops"},
    "keyvault key recover": {"vault-name", "name"},
    "keyvault key rotate": {"id"},
    "keyvault key set-attributes": {"id", "enabled"},
    "keyvault key show": {"id", "query"},
    "keyvault recover": {"name"},
    "login": {"tenant"},
    "monitor log-analytics workspace update": {"resource-group", "workspace-name", "quota"},
    "role assignment create": {"role", "assignee", "scope"},
    "role definition delete": {"name"},
    "storage account failover": {"resource-group", "name"},
    "storage blob copy start": {
        "auth-mode",
        "account-name",
        "destination-container",
        "destination-blob",
        "source-uri",
    },
    "storage blob list": {
        "auth-mode",
        "account-name",
        "container-name",
        "prefix",
        "include",
        "num-results",
        "query",
        "output",
    },
    "storage entity delete": {"auth-mode", "account-name", "table-name", "partition-key", "row-key"},
    "storage blob download-batch": {"auth-mode", "account-name", "source", "destination"},
    "storage blob upload-batch": {"auth-mode", "account-name", "source", "destination"},
}


def texts() -> Iterator[tuple[str, str]]:
    """Yield every page by its name."""
    yield from ((path.name, path.read_text(encoding="utf-8")) for path in documents())


def variables() -> set[str]:
    """Return the variables that the templates' parameters are filled from."""
    text = (ROOT / "infra/main.parameters.json").read_text(encoding="utf-8")
    return set(re.findall(r"\$\{(\w+)", text))


def commands() -> Iterator[tuple[str, str]]:
    """Yield every command of the Azure CLI that stands in a page as code, with its page."""
    for name, text in texts():
        for block in re.findall(r"```(?:bash|console)\n.*?```|`az [^`]+`", text, re.DOTALL):
            whole = re.sub(r"\s*\\?\n\s+(?=-)", " ", block)
            yield from ((name, line.strip()) for line in re.findall(r"(?:^|\n|`)\s*(az [a-z][^\n#`>]*)", whole))


def test_every_variable_that_a_page_sets_is_one_of_the_templates() -> None:
    """`azd env set` of another name succeeds and does nothing."""
    named = {(name, variable) for name, text in texts() for variable in SET.findall(text)}
    assert {variable for _, variable in named} > {"EXISTING_ACS_NAME", "OPERATORS", "ALERT_EMAILS"}
    assert sorted((page, one) for page, one in named if one not in variables() | OF_AZD) == []


def test_whoever_is_alerted_has_the_runbook_at_hand() -> None:
    """An alert without `RUNBOOK_URL` names a file that the operator on call must look for first."""
    blocks = [(name, block) for name, text in texts() for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL)]
    notified = [(name, set(SET.findall(block))) for name, block in blocks if "\nazd up" in block]
    notified = [(name, named) for name, named in notified if "ALERT_EMAILS" in named]
    assert {name for name, _ in notified} >= {"README.md", "deploy.md"}
    assert [name for name, named in notified if "RUNBOOK_URL" not in named] == []


def test_every_choice_of_the_page_is_one_of_the_templates() -> None:
    """The table of choices, and the switches of what costs more."""
    chosen = {one for row in rows_with(DOCS / "deploy.md", "variable", "default") for one in spans(row["variable"])}
    assert chosen - variables() == set()
    settings = {spans(row["setting"])[0] for row in rows_with(DOCS / "configuration.md", "setting", "default")}
    switches = {
        one.partition("=")[0] for row in rows_with(DOCS / "cost.md", "what", "switch") for one in spans(row["switch"])
    }
    assert switches - variables() - settings == set()


def test_what_the_page_says_of_a_default_is_so() -> None:
    """Where the table of choices names a number or a switch, it is that of the templates."""
    filled = json.loads((ROOT / "infra/main.parameters.json").read_text(encoding="utf-8"))["parameters"]
    defaults = dict(re.findall(r"\$\{(\w+)=(.*)\}", "\n".join(each["value"] for each in filled.values())))
    for row in rows_with(DOCS / "deploy.md", "variable", "default"):
        (variable, *_), told = spans(row["variable"]), row["default"].strip("`")
        if re.fullmatch(r"-?\d+|true|false|Unlocked", told):
            assert defaults[variable] == told, variable
        elif told in ("none", "nobody", "never", "function keys only"):
            assert defaults[variable] in ("", "0", "-1"), variable


def test_every_command_of_the_azure_cli_is_one_that_there_is() -> None:
    """Somebody types it on the worst day of the year."""
    seen = set()
    for page, line in commands():
        name = next((name for name in AZ if line.removeprefix("az ").startswith(name)), None)
        assert name is not None, f"{page}: {line}"
        seen.add(name)
        options = {option.lstrip("-") for option in re.findall(r"(?<= )--?[a-z][a-z-]*", line)}
        assert options <= AZ[name], f"{page}: {line}"
    assert {"storage blob upload-batch", "storage account failover", "functionapp restart"} <= seen


def test_the_hours_of_the_disaster_page_are_those_of_the_subscriptions() -> None:
    """The function's subscription gives up, and its dead letters are there while there is time."""
    text = (DOCS / "disaster.md").read_text(encoding="utf-8")
    templates = load()
    function = templates.files["infra/event-subscription-function.bicep"].resources["toFunction"]
    hours = int(str(at(function.properties, "retryPolicy", "eventTimeToLiveInMinutes"))) // 60
    retention = int(str(templates.main.parameters["retentionHours"].default))
    assert f"gives up after {hours} hours, and its dead letters are there with {retention - hours} hours left" in text
    assert f"will not be back within {retention - hours} hours" in text
    assert f"ACS keeps them for {retention} hours" in text


@pytest.mark.parametrize("heading", ["Upgrade", "Rollback", "Keys", "Doctor"])
def test_what_other_pages_send_to_is_there(heading: str) -> None:
    """Deploy, disaster and the workflow's own messages name these sections."""
    runbook = (DOCS / "runbook.md").read_text(encoding="utf-8")
    assert f"\n## {heading}\n" in runbook
    workflow = (ROOT / ".github/workflows/deploy.yml").read_text(encoding="utf-8")
    assert re.findall(r"docs/runbook\.md#(\w+)", workflow).count("rollback") == 2


def test_each_lock_role_and_group_that_stays_is_named() -> None:
    """What `azd down` leaves is found by its name only."""
    page = (DOCS / "deploy.md").read_text(encoding="utf-8")
    roles = {
        re.sub(r" \(.*", "", str(getattr(role.properties["roleName"], "text", role.properties["roleName"])).strip("'"))
        for _, _, role in load().made("Microsoft.Authorization/roleDefinitions")
    }
    assert roles == {
        "Recording Archive Writer",
        "Recording Archive Custodian",
        "Recording Operator",
        "Recording Caller",
    }
    left = page.partition("## Update, and take down")[2].partition("## Check the templates")[0]
    assert [role for role in sorted(roles) if f"*{role}*" not in left] == []
