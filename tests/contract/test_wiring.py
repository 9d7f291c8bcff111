"""Wiring: nothing is read, imported or connected before it is needed, and then once."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from recording import wiring
from recording.settings import SettingsError, read_settings
from tests.contract.conftest import ACCESS_KEY, ENDPOINT

ROOT = Path(__file__).resolve().parents[2]
STORAGE = "DefaultEndpointsProtocol=http;AccountName=acct;AccountKey=a2V5;" + "".join(
    f"{service}Endpoint=http://127.0.0.1:9/acct;" for service in ("Blob", "Queue", "Table")
)
ENVIRONMENT = {
    "ACS_CONNECTION_STRING": f"endpoint={ENDPOINT}/;accesskey={ACCESS_KEY}",
    "AzureWebJobsStorage": STORAGE,
    "ARCHIVE_STORAGE": STORAGE,
    "FALLBACK_STORAGE": STORAGE,
    "MONITOR_WORKSPACE_ID": "6f1c0d52-3a4e-4f0b-9d2a-5b7f6f0e11a3",
}
ADAPTERS = {
    "archive": "stage_block",
    "catalog": "get_chunk",
    "control": "start",
    "external": "open_content",
    "fallback": "stage_block",
    "log": "summaries",
    "quarantine": "put",
    "queue": "send",
    "source": "open_content",
}


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    wiring.reset()
    yield
    wiring.reset()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def loaded(code: str) -> set[str]:
    """The SDKs that a fresh process has loaded after running the code."""
    report = "import sys; print(*(name for name in sys.modules if name.startswith(('azure.', 'urllib3', 'requests'))))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name for name in done.stdout.split() if not name.startswith("azure.functions")}


def test_importing_the_app_loads_no_sdk() -> None:
    """Cold start: each SDK costs 150 to 450 ms, and an event wants to be enqueued at once."""
    paths = sorted(path.relative_to(ROOT) for path in (ROOT / "recording").rglob("*.py"))
    modules = [".".join(path.with_suffix("").parts) for path in paths if path.parts[1] != "adapters"]
    assert loaded("".join(f"import {name}\n" for name in modules if not name.endswith("__"))) == set()


def test_asking_for_the_ports_loads_no_sdk() -> None:
    """Only what a use case touches is paid for."""
    assert loaded("from recording import wiring; wiring.ports()") == set()


def test_a_port_loads_its_own_sdk_only() -> None:
    """Ingest needs queue and catalog; it must not wait for Call Automation and Blob."""
    names = loaded("from recording import wiring; wiring.ports().queue.send")
    assert "azure.storage.queue" in names
    assert not [name for name in names if name.startswith(("azure.communication", "azure.data", "azure.identity"))]
    assert "azure.storage.blob" not in names


def test_the_source_with_a_key_needs_no_azure_sdk() -> None:
    """Downloads go over urllib3 with our own signature."""
    names = loaded("from recording import wiring; wiring.ports().source.open_content")
    assert [name for name in names if name.startswith("azure.")] == []


def test_missing_settings_are_named_and_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator who mends a setting must not need to know that something is cached."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError):
        wiring.dependencies()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    ports, settings = wiring.dependencies()
    assert settings.acs.endpoint == ENDPOINT
    assert ports is wiring.ports()
    assert settings is wiring.settings()


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(("port", "method"), ADAPTERS.items())
def test_every_port_is_filled(port: str, method: str) -> None:
    """A typing mistake here would show only in production."""
    assert callable(getattr(getattr(wiring.ports(), port), method))
    with pytest.raises(AttributeError):
        _ = getattr(wiring.ports(), port).no_such_method


@pytest.mark.usefixtures("environment")
def test_the_clock_tells_utc() -> None:
    """Every time in the domain is aware UTC."""
    assert str(wiring.ports().clock.now().tzinfo) == "UTC"


@pytest.mark.usefixtures("environment")
def test_threads_share_one_adapter() -> None:
    """Sixteen workers begin at the same moment; each adapter holds connections and an identity's token."""
    with ThreadPoolExecutor(16) as threads:
        made = set(threads.map(lambda _: wiring.ports().queue.send.__self__, range(64)))  # type: ignore[attr-defined]
    assert len(made) == 1


@pytest.mark.usefixtures("environment")
def test_a_reset_forgets_what_was_made() -> None:
    """Tests of the whole app need a fresh start in one process."""
    before = wiring.ports()
    _ = before.queue.send
    wiring.reset()
    assert wiring.ports() is not before


def test_what_is_optional_is_absent_until_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing asks Azure Monitor, or writes to a second account, by accident."""
    for name in ENVIRONMENT.keys() - {"FALLBACK_STORAGE", "MONITOR_WORKSPACE_ID"}:
        monkeypatch.setenv(name, ENVIRONMENT[name])
    assert (wiring.ports().fallback, wiring.ports().log) == (None, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [("FALLBACK_STORAGE", "nonsense"), ("MONITOR_WORKSPACE_ID", "nonsense"), ("MONITOR_ENDPOINT", "http://x")],
)
def test_what_is_optional_must_be_right_when_it_is_named(
    environment: None, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A typing mistake must show in the health check, not in the night it is needed."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as wrong:
        wiring.ports()
    assert wrong.value.faults.keys() == {name}


def test_the_second_destination_is_another_container() -> None:
    """Else it would refuse together with the archive."""
    named = {**ENVIRONMENT, "FALLBACK_CONTAINER": "second", "FALLBACK_AFTER": "00:10:00"}
    known = read_settings(named)
    assert known.fallback_storage is not None
    assert (known.fallback_container, known.fallback_after) == ("second", timedelta(minutes=10))
    assert read_settings(ENVIRONMENT).fallback_container != read_settings(ENVIRONMENT).archive_container
