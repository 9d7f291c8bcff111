"""Which app is meant: a deployed one as the person who is signed in, an azd environment, or a file."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.fakes.probe import FakeProbe
from recording.cli.__main__ import main
from recording.cli.connect.target import BY_HTTP, app_of_environment, settings_for_a_person
from recording.domain.find.short_ids import short_id
from recording.errors import RequestError, StorageRefusedError
from recording.settings import SettingsError, read_settings, use_settings_file, without_comments
from tests.repo.docs.openapi import API
from tests.unit.cli.conftest import Run

DEPLOYED = {
    "AzureWebJobsStorage__accountName": "host",
    "AzureWebJobsStorage__clientId": "6f1c0d52",
    "AzureWebJobsStorage__credential": "managedidentity",
    "ARCHIVE_STORAGE__blobServiceUri": "https://archive.blob.core.windows.net",
    "ARCHIVE_STORAGE__clientId": "6f1c0d52",
    "ACS_ENDPOINT": "https://contoso.communication.azure.com",
    "ACS_CLIENT_ID": "6f1c0d52",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=x",
}


@dataclass(frozen=True)
class Deployed:
    """What the management plane said."""

    settings: Mapping[str, str] = field(default_factory=lambda: DEPLOYED)
    host: str = "app.azurewebsites.net"
    is_in_network: bool = False
    caller: str | None = "person-1"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the program puts into the environment ends with the test."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def test_the_apps_identity_is_never_used_by_a_person() -> None:
    """A managed identity exists in Azure only."""
    settings = read_settings(settings_for_a_person(DEPLOYED))
    identities = {settings.acs.client_id, settings.host_storage.client_id, settings.archive_storage.client_id}
    assert identities == {None}
    assert settings.insights is None


def test_a_setting_that_only_the_app_can_see_is_named() -> None:
    """Without its value."""
    hidden = {**DEPLOYED, "ACS_CONNECTION_STRING": "@Microsoft.KeyVault(SecretUri=https://vault/secrets/acs)"}
    with pytest.raises(SettingsError) as refused:
        settings_for_a_person(hidden)
    assert list(refused.value.faults) == ["ACS_CONNECTION_STRING"]
    assert "vault/secrets" not in str(refused.value)


def test_a_reference_to_webhooks_closes_no_command() -> None:
    """Endpoints are the app's matter: whoever looks for a recording does not need their secrets."""
    reference = "@Microsoft.KeyVault(SecretUri=https://vault/secrets/webhooks)"
    settings = read_settings(settings_for_a_person({**DEPLOYED, "WEBHOOKS": reference}))
    assert settings.webhooks_missing


def test_an_app_is_named_before_or_after_the_command(run: Run) -> None:
    """And the screen says which one it is about."""
    asked: list[tuple[str, str, str | None]] = []

    def read(name: str, group: str, subscription: str | None) -> Deployed:
        asked.append((name, group, subscription))
        return Deployed()

    os.environ["ARCHIVE_STORAGE"] = "UseDevelopmentStorage=true"
    code, shown = run("status", "--app", "app", "-g", "rg", read_app=read)
    assert (code, asked, shown.splitlines()[0]) == (0, [("app", "rg", None)], "app in rg")
    assert os.environ["AZURE_TOKEN_CREDENTIALS"] == "dev"
    assert "ARCHIVE_STORAGE" not in os.environ


@pytest.mark.parametrize("options", [("--app", "a"), ("-g", "g"), ("--app", "a", "-g", "g", "--env", "e")])
def test_half_a_name_is_refused(run: Run, options: tuple[str, ...]) -> None:
    """Never the wrong app."""
    code, shown = run(*options, "status", read_app=lambda *_: Deployed())
    assert (code, shown.split(":")[0]) == (2, "invalid_request")


def test_behind_a_network_the_calls_that_do_the_same_are_named(run: Run) -> None:
    """The person is at home, the storage is not."""

    def refuse(*_: object) -> Deployed:
        return Deployed(is_in_network=True)

    def closed() -> object:
        raise StorageRefusedError("403")

    def probe_of_app(app: Deployed) -> Callable[[object], FakeProbe]:
        assert app.is_in_network
        return lambda _: FakeProbe()

    code, shown = run("--app", "app", "-g", "rg", "doctor", read_app=refuse, probe_of_app=probe_of_app)
    assert code in (0, 1)
    assert closed is not None
    shown = run("--app", "app", "-g", "rg", "show", "nothing", read_app=refuse)[1]
    assert "virtual network" in shown
    assert "https://app.azurewebsites.net: status: GET /api/held" in shown


def test_the_calls_that_do_the_same_exist() -> None:
    """They are in the API's description."""
    described = {f"{verb.upper()} /api{path}" for path, item in API["paths"].items() for verb in item}
    assert set(BY_HTTP.values()) <= described


def test_an_azd_environment_names_its_app(tmp_path: Path) -> None:
    """From any folder below azure.yaml, in azd's own form of a file."""
    folder = tmp_path / ".azure" / "prod"
    folder.mkdir(parents=True)
    lines = ['AZURE_RESOURCE_GROUP="rg-prod"', "FUNCTION_APP_NAME='app'", "AZURE_SUBSCRIPTION_ID=one", "# a comment"]
    (folder / ".env").write_text("\n".join(lines))
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    assert app_of_environment("prod", below) == ("app", "rg-prod", "one")
    with pytest.raises(RequestError, match="there are: prod"):
        app_of_environment("test", tmp_path)
    (folder / ".env").write_text("AZURE_RESOURCE_GROUP=rg")
    with pytest.raises(RequestError, match="azd provision"):
        app_of_environment("prod", tmp_path)


FILE = """\ufeff{
  // what the host needs
  "Values": {
    "ONE": "https://host//path", /* two
    lines */
    "TWO": "a \\"// b\\" , }",
  },
}"""


def test_a_settings_file_may_have_comments(tmp_path: Path) -> None:
    """The example in the repository has, and the host reads it."""
    file = tmp_path / "local.settings.json"
    file.write_text(FILE, encoding="utf-8")
    use_settings_file(file)
    assert (os.environ["ONE"], os.environ["TWO"]) == ("https://host//path", 'a "// b" , }')


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{\n1}", "not JSON: line 2"),
        ("[" * 100_000, "not JSON"),
        ("[]", 'without "Values"'),
        (None, "cannot be read"),
        ('{"IsEncrypted": true, "Values": {"ONE": "CfDJ8"}}', "func settings decrypt"),
        ('{"Values": {"": "x"}}', "no environment can hold"),
        ('{"Values": {"A=B": "x"}}', "no environment can hold"),
        (r'{"Values": {"A": "x\u0000"}}', "no environment can hold"),
        (r'{"Values": {"A": "\ud800"}}', "no environment can hold"),
    ],
)
def test_a_file_that_is_none_says_why(tmp_path: Path, content: str | None, told: str) -> None:
    """Each mistake has its sentence."""
    file = tmp_path / "local.settings.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match=told):
        use_settings_file(file)


def test_a_setting_without_a_value_in_a_file_is_not_set(tmp_path: Path) -> None:
    """It was read as the word None."""
    file = tmp_path / "local.settings.json"
    file.write_text('{"Values": {"ONE": null, "TWO": true}}')
    use_settings_file(file)
    assert "ONE" not in os.environ
    assert os.environ["TWO"] == "True"


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_without_comments_stays_what_it_is(content: object) -> None:
    """Strings may hold slashes, commas and brackets."""
    assert json.loads(without_comments(json.dumps(content, ensure_ascii=False))) == content


def test_who_says_no_app_is_told_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first command of somebody who has just installed the program."""
    monkeypatch.chdir(tmp_path)

    def unset() -> Any:
        raise SettingsError({"ACS_ENDPOINT": "is missing"})

    assert main(["status"], unset) == 2
    told = capsys.readouterr().err
    assert "--app NAME -g GROUP" in told
    assert "This folder has one" not in told
    (tmp_path / "local.settings.json").write_text('{"Values": {}}')
    assert main(["status"], unset) == 2
    assert "--settings local.settings.json" in capsys.readouterr().err
    assert main(["status", "--settings", "local.settings.json"], unset) == 2
    assert "Which app" not in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    """A traceback hides the one word that matters."""
    code, shown = run("vcon", short_id(RECORDING_ID), "--to", str(tmp_path / "no" / "such" / "folder.json"))
    assert code == 2
    assert shown.endswith("folder.json: No such file or directory\n")


@pytest.mark.parametrize("content", [None, "[]", "{"])
def test_a_settings_file_that_is_none_is_named_and_no_app_is_blamed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    """A slip in the name of the file was answered with what happens to events and chunks meanwhile."""
    file = tmp_path / "mine.json"
    if content is not None:
        file.write_text(content)
    assert main(["--settings", str(file), "status"]) == 2
    told = capsys.readouterr().err
    assert (str(file) in told, len(told.splitlines())) == (True, 1), told
