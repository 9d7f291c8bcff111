"""The hooks of azd, run with stand-ins for `az` and `azd` on the path: what they ask for, and when they stop."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.repo.docs.repository import ROOT

SHELL = shutil.which("sh") or "/bin/sh"
# Each call is a line in the log. What it answers is in the first file whose words it has: status, failures left, text.
STAND_IN = r"""#!/bin/sh
here=$(dirname "$0")
echo "$(basename "$0") $*" >> "$here/log"
for answer in "$here"/answers/*; do
  [ -f "$answer" ] || continue
  words=$(head -n 1 "$answer")
  case "$(basename "$0") $*" in
    *"$words"*)
      status=$(sed -n 2p "$answer"); left=$(sed -n 3p "$answer")
      if [ "$left" -gt 0 ]; then
        sed -i "3s/.*/$((left - 1))/" "$answer"
        exit "$status"
      fi
      tail -n +4 "$answer"
      [ "$left" -eq 0 ] && exit 0
      exit "$status";;
  esac
done
"""
ENVIRONMENT = {
    "AZURE_SUBSCRIPTION_ID": "sub-1",
    "AZURE_TENANT_ID": "tenant-1",
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


class Desk:
    """A folder of stand-ins, and one run of a hook with nothing else on the path but the shell's own tools."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "answers").mkdir(parents=True)
        for tool in ("az", "azd"):
            (folder / tool).write_text(STAND_IN)
            (folder / tool).chmod(0o755)

    def answers(self, words: str, text: str = "", *, fails: int = 0, always: bool = False) -> None:
        """Let calls with these words answer a text, after some failures, or never."""
        count = len(list((self.folder / "answers").iterdir()))
        (self.folder / "answers" / f"{count:02}").write_text(f"{words}\n1\n{1_000_000 if always else fails}\n{text}\n")

    def runs(self, hook: str, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a hook and return what came of it."""
        path = f"{self.folder}:/usr/bin:/bin"
        return subprocess.run(
            [SHELL, f"infra/hooks/{hook}.sh"],
            cwd=ROOT,
            env={"PATH": path, **ENVIRONMENT, **variables},
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        """Return the calls that were made."""
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def without(self, tool: str) -> "Desk":
        """Return the desk without a tool."""
        (self.folder / tool).unlink()
        return self


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk on which everything is in order."""
    made = Desk(tmp_path / "bin")
    made.answers(*TENANT)
    return made


pytestmark = pytest.mark.skipif(
    any(os.path.exists(f"/usr/bin/{tool}") for tool in ("az", "azd")),  # noqa: PTH110 - a name, not a file of ours
    reason="the real tools are on the path",
)


# --- preprovision -----------------------------------------------------------------------------------------------------


def test_what_is_in_order_goes_on(desk: Desk) -> None:
    """Providers are registered, for a subscription that has none of them; nothing else is changed."""
    done = desk.runs("preprovision")
    assert (done.returncode, done.stderr) == (0, "")
    registered = [call.split("--namespace ")[1].split()[0] for call in desk.calls if "provider register" in call]
    assert {"Microsoft.App", "Microsoft.EventGrid", "Microsoft.Communication"} <= set(registered)
    assert [call for call in desk.calls if not call.startswith(("az account show", "az provider register"))] == []


def test_without_the_tool_it_stops_and_says_where_it_is(tmp_path: Path) -> None:
    """A hook that fails after twenty minutes is a hook that nobody forgives."""
    done = Desk(tmp_path / "bin").without("az").runs("preprovision")
    assert done.returncode == 1
    assert "https://aka.ms/azure-cli" in done.stderr


@pytest.mark.parametrize(("tenant", "says"), [("tenant-2", "az login --tenant tenant-1"), (None, "az login")])
def test_another_tenant_or_none_is_told(tmp_path: Path, tenant: str | None, says: str) -> None:
    """The two tools sign in separately, and may be two people."""
    desk = Desk(tmp_path / "bin")
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
    ],
)
def test_a_topic_that_is_there_already_is_found(desk: Desk, topics: str, given: str, stops: bool) -> None:
    """A resource has one system topic: a second one fails at the end of `azd provision`."""
    desk.answers("eventgrid system-topic list", topics)
    done = desk.runs("preprovision", **EXISTING, EXISTING_SYSTEM_TOPIC_NAME=given)
    assert (done.returncode == 1) is stops
    assert ("azd env set EXISTING_SYSTEM_TOPIC_NAME their-topic" in done.stderr) is stops


def test_a_lock_that_is_not_there_is_not_deployed(desk: Desk) -> None:
    """The variable alone must not lock anything: an archive that is not locked yet would be, for good."""
    desk.answers("storage account show", "Unlocked")
    done = desk.runs("preprovision", ARCHIVE_LOCKED="true", ARCHIVE_ACCOUNT_NAME="starch")
    assert done.returncode == 1
    assert "azd env set ARCHIVE_LOCKED false" in done.stderr


def test_a_lock_that_is_there_is_kept(desk: Desk) -> None:
    """Later deployments say the same as the lock."""
    desk.answers("immutabilityPolicy.state", "Locked")
    desk.answers("immutabilityPeriodSinceCreationInDays", "7")
    assert desk.runs("preprovision", ARCHIVE_LOCKED="true", ARCHIVE_ACCOUNT_NAME="starch").returncode == 0


@pytest.mark.parametrize(("given", "status"), [({}, 1), ({"ARCHIVE_IMMUTABILITY_DAYS": "30"}, 0)])
def test_a_lock_is_not_to_be_made_shorter(desk: Desk, given: dict[str, str], status: int) -> None:
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
def test_the_start_of_a_budget_is_set_once(desk: Desk, variables: dict[str, str], sets: bool) -> None:
    """It would move every month, and Azure refuses that for a budget that exists."""
    assert desk.runs("preprovision", **variables).returncode == 0
    assert any("env set BUDGET_START 20" in call for call in desk.calls) is sets


# --- postdeploy -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failures", [0, 1, 9])
def test_the_function_is_subscribed_however_long_the_platform_takes(desk: Desk, failures: int) -> None:
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


def test_it_gives_up_in_the_end_and_says_what_to_do(desk: Desk) -> None:
    """The app is deployed all the same: a red end must say so."""
    desk.answers("deployment group create", always=True)
    done = desk.runs("postdeploy", SUBSCRIBE_TRIES="3")
    assert done.returncode == 1
    assert "azd hooks run postdeploy" in done.stderr
    assert "The app is deployed" in done.stderr
    assert len([call for call in desk.calls if "deployment group create" in call]) == 3


def test_a_missing_variable_is_no_empty_one(desk: Desk) -> None:
    """A subscription without a topic, or with an empty token, is another one."""
    without = {name: value for name, value in ENVIRONMENT.items() if name != "ENVIRONMENT_TOKEN"}
    done = subprocess.run(
        [SHELL, "infra/hooks/postdeploy.sh"],
        cwd=ROOT,
        env={"PATH": f"{desk.folder}:/usr/bin:/bin", **without},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
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
def test_an_old_azd_takes_nothing_down(desk: Desk, version: str, stops: bool) -> None:
    """It would delete the group of the customer's Communication Services resource, phone numbers and all."""
    desk.answers("azd version", f"azd version {version} (commit abc)")
    done = desk.runs("predown", **EXISTING)
    assert (done.returncode == 1) is stops
    assert ("rg-calls" in done.stderr) is stops


def test_without_an_existing_resource_there_is_nothing_to_guard(desk: Desk) -> None:
    """A trial must be easy to remove."""
    assert desk.runs("predown").returncode == 0


@pytest.mark.parametrize("group", ["rg-recordings", "RG-Recordings"])
def test_a_resource_in_the_group_itself_is_not_deleted(desk: Desk, group: str) -> None:
    """Whatever the version: that group is deleted by any azd."""
    desk.answers("azd version", "azd version 1.30.0 (commit abc)")
    done = desk.runs("predown", EXISTING_ACS_NAME="acs", EXISTING_ACS_RESOURCE_GROUP=group)
    assert done.returncode == 1
    assert "is in the group that would be deleted" in done.stderr


# --- lock -------------------------------------------------------------------------------------------------------------


def _lockable(desk: Desk, state: str) -> Desk:
    desk.answers("get-value ARCHIVE_ACCOUNT_NAME", "starch1")
    desk.answers("get-value", "x")
    desk.answers("immutabilityPolicy.state", state)
    desk.answers("immutabilityPeriodSinceCreationInDays", "30")
    return desk


def test_typed_twice_it_locks_and_remembers(desk: Desk) -> None:
    """With the days that are there, and so that the next deployment says the same."""
    done = _lockable(desk, "Unlocked").runs("lock", typed="starch1\nstarch1\n")
    assert done.returncode == 0
    (update,) = [call for call in desk.calls if "storage account update" in call]
    assert "--immutability-state Locked --immutability-period 30" in update
    assert desk.calls[-2:] == ["azd env set ARCHIVE_LOCKED true", "azd env set ARCHIVE_IMMUTABILITY_DAYS 30"]


@pytest.mark.parametrize("typed", ["", "yes\n", "starch1\n", "starch1\nstarch\n", "starch\nstarch1\n", "\n\n"])
def test_anything_else_locks_nothing(desk: Desk, typed: str) -> None:
    """It cannot be undone by anybody."""
    done = _lockable(desk, "Unlocked").runs("lock", typed=typed)
    assert done.returncode != 0
    assert not any("update" in call or "env set" in call for call in desk.calls)


@pytest.mark.parametrize(("state", "locks"), [("Locked", 0), ("", 1), ("Disabled", 1)])
def test_what_is_locked_or_has_no_policy_is_left_alone(desk: Desk, state: str, locks: int) -> None:
    """Running it again is harmless; without a policy there is nothing to lock."""
    done = _lockable(desk, state).runs("lock", typed="starch1\nstarch1\n")
    assert done.returncode == locks
    assert not any("storage account update" in call for call in desk.calls)
