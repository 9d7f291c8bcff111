"""The hooks of azd, run with stand-ins for `az` and `azd` on the path: what they ask for, and when they stop."""

import subprocess
from pathlib import Path

import pytest

from dev.policies.repository import ROOT
from tests.repo.stand_ins import SHELL, Desk, are_installed

ENVIRONMENT = {
    "AZURE_SUBSCRIPTION_ID": "sub-1",
    "AZURE_TENANT_ID": "tenant-1",
    "AZURE_ENV_NAME": "recordings",
    "AZURE_RESOURCE_GROUP": "rg-recordings",
    "ENVIRONMENT_TOKEN": "tok1",
    "EVENT_TOPIC_SUBSCRIPTION": "sub-2",
    "EVENT_TOPIC_RESOURCE_GROUP": "rg-calls",
    "EVENT_TOPIC_NAME": "topic",
    "FUNCTION_APP_ID": "/func",
    "FUNCTION_APP_URI": "https://func.example",
    "DEAD_LETTER_ACCOUNT_ID": "/dead",
    "DEAD_LETTER_CONTAINER": "recording-dead-letters",
    "SUBSCRIBE_PAUSE_SECONDS": "0",
}
EXISTING = {"EXISTING_ACS_NAME": "Acs-1", "EXISTING_ACS_RESOURCE_GROUP": "rg-calls"}
TENANT = ("az account show", "tenant-1")


class HookDesk(Desk):
    """A desk at which the hooks of azd are run."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ("az", "azd"))

    def runs(self, hook: str, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a hook and return what came of it."""
        return self.run([SHELL, f"infra/hooks/{hook}.sh"], ROOT, {**ENVIRONMENT, **variables}, typed)


@pytest.fixture
def desk(tmp_path: Path) -> HookDesk:
    """A desk on which everything is in order."""
    made = HookDesk(tmp_path / "bin")
    made.answers(*TENANT)
    made.answers("az group show", always=True)
    return made


pytestmark = pytest.mark.skipif(are_installed("az", "azd"), reason="the real tools are on the path")


# --- preprovision -----------------------------------------------------------------------------------------------------


def test_what_is_in_order_goes_on(desk: HookDesk) -> None:
    """Providers are registered, for a subscription that has none of them; nothing else is changed."""
    done = desk.runs("preprovision")
    assert (done.returncode, done.stderr) == (0, "")
    registered = [call.split("--namespace ")[1].split()[0] for call in desk.calls if "provider register" in call]
    of_the_platform = {"Microsoft.App", "Microsoft.Insights", "Microsoft.OperationalInsights"}
    assert set(registered) == {*of_the_platform, "Microsoft.EventGrid", "Microsoft.Communication"}
    assert [
        call for call in desk.calls if not call.startswith(("az account show", "az group show", "az provider "))
    ] == []


def test_what_is_registered_is_not_registered_again(desk: HookDesk) -> None:
    """Whoever may deploy may not always register a provider."""
    desk.answers("az provider show", "Registered")
    desk.answers("az provider register", always=True)
    assert desk.runs("preprovision").returncode == 0
    assert not any("provider register" in call for call in desk.calls)


def test_a_provider_that_is_missing_and_cannot_be_registered_is_named(desk: HookDesk) -> None:
    """The tool's own message names an authorization, and not what to ask for."""
    desk.answers("az provider register", always=True)
    done = desk.runs("preprovision")
    assert done.returncode == 1
    assert "Microsoft.App" in done.stderr


def test_events_of_another_subscription_need_its_provider(desk: HookDesk) -> None:
    """The topic is made where the resource is."""
    desk.runs("preprovision", **EXISTING, EXISTING_ACS_SUBSCRIPTION="sub-9")
    assert any("provider register --namespace Microsoft.EventGrid --subscription sub-9" in call for call in desk.calls)


@pytest.mark.parametrize(
    ("owner", "things", "name", "stops"),
    [
        ("recordings", "/x", "", ""),
        ("", "", "", ""),
        ("", "", "rg-mine", ""),
        ("", "/subscriptions/s/things", "rg-mine", "holds other things"),
        ("production", "/x", "", "is of the environment production"),
        ("production", "", "rg-mine", "is of the environment production"),
    ],
)
def test_a_group_of_somebody_else_is_not_taken(tmp_path: Path, owner: str, things: str, name: str, stops: str) -> None:
    """`azd down` deletes the group with all that is in it; a second environment takes the first one's alerts."""
    desk = HookDesk(tmp_path / "bin")
    desk.answers(*TENANT)
    desk.answers("az group show", owner)
    desk.answers("az resource list", things)
    done = desk.runs("preprovision", RESOURCE_GROUP_NAME=name)
    assert (done.returncode == 1) is bool(stops)
    assert stops in done.stderr
    assert any(f"--name {name or 'rg-recordings'} " in call for call in desk.calls)


def test_without_the_tool_it_stops_and_says_where_it_is(tmp_path: Path) -> None:
    """A hook that fails after twenty minutes is a hook that nobody forgives."""
    done = HookDesk(tmp_path / "bin").without("az").runs("preprovision")
    assert done.returncode == 1
    assert "https://aka.ms/azure-cli" in done.stderr


@pytest.mark.parametrize(("tenant", "says"), [("tenant-2", "az login --tenant tenant-1"), (None, "az login")])
def test_another_tenant_or_none_is_told(tmp_path: Path, tenant: str | None, says: str) -> None:
    """The two tools sign in separately, and may be two people."""
    desk = HookDesk(tmp_path / "bin")
    desk.answers("az account show", tenant or "", always=tenant is None)
    done = desk.runs("preprovision")
    assert done.returncode == 1
    assert says in done.stderr
    assert not any("register" in call for call in desk.calls)


SOURCE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Communication/communicationServices/"


@pytest.mark.parametrize(
    ("topics", "given", "stops"),
    [
        ("", "", False),
        (f"their-topic\t{SOURCE}acs-1", "", True),
        (f"their-topic\t{SOURCE}ACS-1", "", True),
        (f"their-topic\t{SOURCE}acs-1", "their-topic", False),
        (f"their-topic\t{SOURCE}acs-1", "another", True),
        (f"their-topic\t{SOURCE}other-acs-1", "", False),
        (f"one\t{SOURCE}x\ntheir-topic\t{SOURCE}acs-1", "", True),
        (f"their-topic\t{SOURCE}acs-1\trecordings", "", True),
        (f"recordings-tok1\t{SOURCE}acs-1\trecordings", "", False),
        (f"recordings-tok1\t{SOURCE}other-acs-1\tproduction\nrecordings-tok2\t{SOURCE}acs-1\trecordings", "", False),
    ],
)
def test_a_topic_that_is_there_already_is_found(desk: HookDesk, topics: str, given: str, stops: bool) -> None:
    """A resource has one system topic: a second one fails at the end of `azd provision`."""
    desk.answers("eventgrid system-topic list", topics)
    done = desk.runs("preprovision", **EXISTING, EXISTING_SYSTEM_TOPIC_NAME=given)
    assert (done.returncode == 1) is stops
    assert ("azd env set EXISTING_SYSTEM_TOPIC_NAME their-topic" in done.stderr) is stops


def test_a_topic_that_cannot_deliver_is_told_before_anything_is_made(desk: HookDesk) -> None:
    """No other identity gets past a storage firewall, and the template fails where it reads it."""
    desk.answers("eventgrid system-topic list", f"Their-Topic\t{SOURCE}acs-1\tNone\tNone")
    done = desk.runs("preprovision", **EXISTING, EXISTING_SYSTEM_TOPIC_NAME="their-topic")
    assert (done.returncode, "--identity systemassigned" in done.stderr) == (1, True)


def test_a_topic_with_an_identity_is_taken_in_any_spelling(desk: HookDesk) -> None:
    """Names of resources do not depend on case."""
    desk.answers("eventgrid system-topic list", f"Their-Topic\t{SOURCE}acs-1\tNone\tprincipal-1")
    assert desk.runs("preprovision", **EXISTING, EXISTING_SYSTEM_TOPIC_NAME="their-topic").returncode == 0


def test_a_topic_that_there_is_not_is_told(desk: HookDesk) -> None:
    """A misspelt name, or another group: it would fail in the middle of a deployment."""
    done = desk.runs("preprovision", **EXISTING, EXISTING_SYSTEM_TOPIC_NAME="gone")
    assert (done.returncode, "has no system topic in rg-calls" in done.stderr) == (1, True)


@pytest.mark.parametrize("owner", ["production", "None", ""])
def test_the_topic_of_another_environment_is_somebody_elses(desk: HookDesk, owner: str) -> None:
    """Its name is like ours; whose it is, its tag says."""
    desk.answers("eventgrid system-topic list", f"recordings-tok9\t{SOURCE}acs-1\t{owner}")
    done = desk.runs("preprovision", **EXISTING)
    assert (done.returncode, "EXISTING_SYSTEM_TOPIC_NAME recordings-tok9" in done.stderr) == (1, True)


def test_a_second_deployment_needs_nothing_that_the_first_one_told(desk: HookDesk) -> None:
    """A pipeline begins with an empty environment each time: what is there already is asked of Azure."""
    desk.answers("eventgrid system-topic list", f"recordings-tok1\t{SOURCE}acs-1\trecordings")
    desk.answers("storage account list", "starchtok1")
    desk.answers("--name starchtok1 --query immutableStorageWithVersioning.immutabilityPolicy.state", "Locked")
    desk.answers("immutabilityPeriodSinceCreationInDays", "7")
    desk.answers("az rest", "2026-02-01T00:00:00Z")
    first = ("EVENT_TOPIC_NAME", "ENVIRONMENT_TOKEN", "ARCHIVE_ACCOUNT_NAME", "BUDGET_START")
    done = desk.runs(
        "preprovision", **EXISTING, **dict.fromkeys(first, ""), ARCHIVE_LOCKED="true", MONTHLY_BUDGET="100"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "azd env set BUDGET_START 2026-02-01" in desk.calls


def test_a_lock_that_is_not_there_is_not_deployed(desk: HookDesk) -> None:
    """The variable alone must not lock anything: an archive that is not locked yet would be, for good."""
    desk.answers("storage account show", "Unlocked")
    done = desk.runs("preprovision", ARCHIVE_LOCKED="true", ARCHIVE_ACCOUNT_NAME="starch")
    assert done.returncode == 1
    assert "azd env set ARCHIVE_LOCKED false" in done.stderr


def test_a_lock_that_is_there_is_kept(desk: HookDesk) -> None:
    """Later deployments say the same as the lock."""
    desk.answers("immutabilityPolicy.state", "Locked")
    desk.answers("immutabilityPeriodSinceCreationInDays", "7")
    assert desk.runs("preprovision", ARCHIVE_LOCKED="true", ARCHIVE_ACCOUNT_NAME="starch").returncode == 0


@pytest.mark.parametrize(("given", "status"), [({}, 1), ({"ARCHIVE_IMMUTABILITY_DAYS": "30"}, 0)])
def test_a_lock_is_not_to_be_made_shorter(desk: HookDesk, given: dict[str, str], status: int) -> None:
    """An archive that was locked while the default was longer: Azure would refuse everything after twenty minutes."""
    desk.answers("immutabilityPolicy.state", "Locked")
    desk.answers("immutabilityPeriodSinceCreationInDays", "30")
    done = desk.runs("preprovision", ARCHIVE_LOCKED="true", ARCHIVE_ACCOUNT_NAME="starch", **given)
    assert (done.returncode, "azd env set ARCHIVE_IMMUTABILITY_DAYS 30" in done.stderr) == (status, bool(status))


@pytest.mark.parametrize(
    ("variables", "sets"),
    [
        ({"MONTHLY_BUDGET": "100"}, True),
        ({"MONTHLY_BUDGET": "100", "BUDGET_START": "2026-01-01"}, False),
        ({"MONTHLY_BUDGET": "0"}, False),
        ({}, False),
    ],
)
def test_the_start_of_a_budget_is_set_once(desk: HookDesk, variables: dict[str, str], sets: bool) -> None:
    """It would move every month, and Azure refuses that for a budget that exists."""
    assert desk.runs("preprovision", **variables).returncode == 0
    assert any("env set BUDGET_START 20" in call for call in desk.calls) is sets


# --- postdeploy -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failures", [0, 1, 9])
def test_the_function_is_subscribed_however_long_the_platform_takes(desk: HookDesk, failures: int) -> None:
    """Seconds after a deployment, Event Grid does not find the function yet."""
    desk.answers("deployment group create", fails=failures)
    done = desk.runs("postdeploy")
    assert done.returncode == 0
    tries = [call for call in desk.calls if "deployment group create" in call]
    assert len(tries) == failures + 1
    for part in (
        "--subscription sub-2",
        "--resource-group rg-calls",
        "token=tok1",
        "functionAppId=/func",
        "topicName=topic",
    ):
        assert part in tries[-1]
    assert "--name recordings-to-function-tok1" in tries[-1]


def test_it_gives_up_in_the_end_and_says_what_to_do(desk: HookDesk) -> None:
    """The app is deployed all the same: a red end must say so."""
    desk.answers("deployment group create", always=True)
    done = desk.runs("postdeploy", SUBSCRIBE_TRIES="3")
    assert done.returncode == 1
    assert "azd hooks run postdeploy" in done.stderr
    assert "The app is deployed" in done.stderr
    assert len([call for call in desk.calls if "deployment group create" in call]) == 3


def test_a_missing_variable_is_no_empty_one(desk: HookDesk) -> None:
    """A subscription without a topic, or with an empty token, is another one."""
    without = {name: value for name, value in ENVIRONMENT.items() if name != "ENVIRONMENT_TOKEN"}
    done = desk.run([SHELL, "infra/hooks/postdeploy.sh"], ROOT, without)
    assert done.returncode != 0
    assert not any("deployment group create" in call for call in desk.calls)


def test_an_environment_that_knows_nothing_is_told_what_to_do(desk: HookDesk) -> None:
    """A clone, or a pipeline that has not read the environment yet."""
    done = desk.runs("postdeploy", FUNCTION_APP_ID="")
    assert done.returncode == 1
    assert "azd env refresh" in done.stderr
    assert not any("deployment group create" in call for call in desk.calls)


# --- predown ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "stops"),
    [
        ("1.25.0", False),
        ("1.26.3", False),
        ("2.0.0", False),
        ("1.24.1", True),
        ("1.9.4", True),
        ("0.99.0", True),
        ("1.25.0-beta.1", False),
        ("garbage", True),
    ],
)
def test_an_old_azd_takes_nothing_down(desk: HookDesk, version: str, stops: bool) -> None:
    """It would delete the group of the customer's Communication Services resource, phone numbers and all."""
    desk.answers("azd version", f"azd version {version} (commit abc)")
    done = desk.runs("predown", **EXISTING)
    assert (done.returncode == 1) is stops
    assert ("rg-calls" in done.stderr) is stops


@pytest.mark.parametrize("hook", ["preprovision", "postdeploy", "predown", "lock"])
@pytest.mark.parametrize("tool", ["az", "azd"])
def test_without_its_tools_a_hook_changes_nothing(tmp_path: Path, hook: str, tool: str) -> None:
    """It stops with a sentence, or the tool is none of its own."""
    desk = HookDesk(tmp_path / "bin").without(tool)
    desk.answers(*TENANT)
    desk.answers("az group show", always=True)
    desk.answers("azd version", "azd version 1.30.0 (commit abc)")
    done = desk.runs(hook, **EXISTING)
    changes = [call for call in desk.calls if " create " in call or " update " in call or "env set" in call]
    needs = {"preprovision": "az", "postdeploy": "az", "predown": "azd", "lock": "az azd"}[hook].split()
    assert (done.returncode != 0) is (tool in needs)
    assert not done.returncode or changes == []
    assert not done.returncode or "https://aka.ms/az" in done.stderr


OWN_TOPIC = {"EVENT_TOPIC_SUBSCRIPTION": "sub-1", "EVENT_TOPIC_RESOURCE_GROUP": "rg-recordings"}


def test_without_an_existing_resource_there_is_nothing_to_guard(desk: HookDesk) -> None:
    """A trial must be easy to remove, by any azd."""
    desk.answers("azd version", "azd version 1.9.4 (commit abc)")
    assert desk.runs("predown", **OWN_TOPIC).returncode == 0
    assert desk.runs("predown", EVENT_TOPIC_RESOURCE_GROUP="").returncode == 0


@pytest.mark.parametrize("version", ["1.24.1", "1.25.0"])
def test_what_was_deployed_is_guarded_when_the_choice_is_gone(desk: HookDesk, version: str) -> None:
    """Somebody has emptied EXISTING_ACS_NAME; azd deletes what the last deployment has touched."""
    desk.answers("azd version", f"azd version {version} (commit abc)")
    done = desk.runs("predown")
    assert (done.returncode == 1) is (version == "1.24.1")
    assert ("rg-calls" in done.stderr) is (version == "1.24.1")


def test_a_group_of_the_same_name_in_another_subscription_is_another_group(desk: HookDesk) -> None:
    """It is allowed by the templates, and must not be in the way of `azd down`."""
    desk.answers("azd version", "azd version 1.30.0 (commit abc)")
    given = {"EXISTING_ACS_NAME": "acs", "EXISTING_ACS_RESOURCE_GROUP": "rg-recordings"}
    assert desk.runs("predown", **given, EXISTING_ACS_SUBSCRIPTION="sub-2").returncode == 0
    assert desk.runs("predown", **given, EXISTING_ACS_SUBSCRIPTION="SUB-1").returncode == 1


@pytest.mark.parametrize("group", ["rg-recordings", "RG-Recordings"])
def test_a_resource_in_the_group_itself_is_not_deleted(desk: HookDesk, group: str) -> None:
    """Whatever the version: that group is deleted by any azd."""
    desk.answers("azd version", "azd version 1.30.0 (commit abc)")
    done = desk.runs("predown", EXISTING_ACS_NAME="acs", EXISTING_ACS_RESOURCE_GROUP=group)
    assert done.returncode == 1
    assert "is in the group that would be deleted" in done.stderr


# --- lock -------------------------------------------------------------------------------------------------------------


def _lockable(desk: HookDesk, state: str) -> HookDesk:
    desk.answers("get-value ARCHIVE_ACCOUNT_NAME", "starch1")
    desk.answers("get-value", "x")
    desk.answers("immutabilityPolicy.state", state)
    desk.answers("immutabilityPeriodSinceCreationInDays", "30")
    return desk


def test_typed_twice_it_locks_and_remembers(desk: HookDesk) -> None:
    """With the days that are there, and so that the next deployment says the same."""
    done = _lockable(desk, "Unlocked").runs("lock", typed="starch1\nstarch1\n")
    assert done.returncode == 0
    (update,) = [call for call in desk.calls if "storage account update" in call]
    assert "--immutability-state Locked --immutability-period 30" in update
    assert desk.calls[-2:] == ["azd env set ARCHIVE_LOCKED true", "azd env set ARCHIVE_IMMUTABILITY_DAYS 30"]


@pytest.mark.parametrize("typed", ["", "yes\n", "starch1\n", "starch1\nstarch\n", "starch\nstarch1\n", "\n\n"])
def test_anything_else_locks_nothing(desk: HookDesk, typed: str) -> None:
    """It cannot be undone by anybody."""
    done = _lockable(desk, "Unlocked").runs("lock", typed=typed)
    assert done.returncode != 0
    assert not any("update" in call or "env set" in call for call in desk.calls)


@pytest.mark.parametrize(("state", "locks"), [("Locked", 0), ("", 1), ("Disabled", 1)])
def test_what_is_locked_or_has_no_policy_is_left_alone(desk: HookDesk, state: str, locks: int) -> None:
    """Running it again is harmless; without a policy there is nothing to lock."""
    done = _lockable(desk, state).runs("lock", typed="starch1\nstarch1\n")
    assert done.returncode == locks
    assert not any("storage account update" in call for call in desk.calls)
