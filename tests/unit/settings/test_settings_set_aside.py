"""A fault in a setting: it stops the app, or it is set aside and told by name, and a chunk is archived all the same."""

import json

import pytest
from azure.monitor.opentelemetry.exporter._connection_string_parser import ConnectionStringParser

from dev.in_memory.builders import task
from dev.in_memory.fakes.outgoing import FakeWay
from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.world import World
from recording import wiring
from recording.adapters.outgoing.unresolved import UnresolvedWebhooks
from recording.domain.outgoing.endpoints import TOPIC_WAY, UNRESOLVED_WAY
from recording.domain.state.transitions import is_archived
from recording.errors.codes import Code
from recording.operate.attention import needs_attention
from recording.operate.doctor import examine
from recording.operate.doctor.findings import State
from recording.settings import Settings, SettingsError, read_settings, settings_by_field
from recording.settings.aside import SET_ASIDE

GARBAGE = "%%hunter2%%"
GOOD = {
    "ACS_CONNECTION_STRING": "endpoint=https://contoso.communication.azure.com/;accesskey=a2V5",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "ARCHIVE_STORAGE": "UseDevelopmentStorage=true",
}
SECRET = "whsec_" + "A" * 43 + "="
HOOKS = {
    "WEBHOOKS": json.dumps([{"name": "crm", "url": "https://hooks.contoso.com/in", "secrets": [SECRET]}]),
    "WEBHOOK_HOSTS": "hooks.contoso.com",
}
TOPIC = {"EVENTS_TOPIC_ENDPOINT": "https://contoso.eventgrid.azure.net/api/events"}
EVERY = sorted({setting.name for setting in settings_by_field().values()} | SET_ASIDE)


def receivers(known: Settings) -> list[str]:
    """Who gets events; one that stands for others is made last."""
    topic = [TOPIC_WAY] if known.events_topic else []
    names = [*topic, *(one.name for one in known.webhooks), *([UNRESOLVED_WAY] if known.events_wait else [])]
    outgoing = wiring._outgoing(known)
    assert len(outgoing.ways if outgoing else ()) == len(names)
    return names


@pytest.mark.parametrize("name", EVERY)
def test_a_value_that_cannot_be_read_raises_or_is_set_aside(name: str) -> None:
    """Never is it taken for one that is not set; and its value is not repeated."""
    if name not in SET_ASIDE:
        with pytest.raises(SettingsError) as told:
            read_settings({**GOOD, name: GARBAGE})
        assert set(told.value.faults) == {name}
        return
    found = read_settings({**GOOD, name: GARBAGE})
    assert [one.name for one in found.set_aside] == [name]
    assert GARBAGE not in repr(found)


@pytest.mark.parametrize("name", sorted(SET_ASIDE))
def test_the_line_archives_and_the_doctor_tells(name: str) -> None:
    """What the setting is for stands still; nothing else does."""
    here = World(settings=read_settings({**GOOD, **HOOKS, **TOPIC, name: GARBAGE}))
    here.holds(task())
    here.announces()
    here.works(task())
    assert [is_archived(record) for record in here.fakes.catalog.chunks.values()] == [True]
    told = {one.check: one for one in examine(lambda: (here.ports, here.settings), lambda _known: FakeProbe())}
    assert told["settings"].state is State.FAILED
    assert told["settings"].remedy == Code.SETTING_SET_ASIDE.remedy
    assert name in told["settings"].found
    assert GARBAGE not in told["settings"].found


def test_all_faults_are_told_together_where_one_of_them_stops_the_app() -> None:
    """An operator mends everything in one go."""
    with pytest.raises(SettingsError) as told:
        read_settings({**GOOD, "TENANTS": "{", "WEBHOOKS": GARBAGE})
    assert set(told.value.faults) == {"TENANTS", "WEBHOOKS"}


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("WEBHOOKS", [TOPIC_WAY, UNRESOLVED_WAY]),
        ("WEBHOOK_HOSTS", [TOPIC_WAY, UNRESOLVED_WAY]),
        ("WEBHOOK_NETWORKS", [TOPIC_WAY, UNRESOLVED_WAY]),
        ("EVENTS_TOPIC_ENDPOINT", ["crm", UNRESOLVED_WAY]),
        ("EVENTS_API_URL", [UNRESOLVED_WAY]),
    ],
)
def test_events_wait_for_the_ways_that_are_not_known(name: str, left: list[str]) -> None:
    """The others go on; and nothing is posted with a guard that could not be read."""
    assert receivers(read_settings({**GOOD, **HOOKS, **TOPIC})) == [TOPIC_WAY, "crm"]
    found = read_settings({**GOOD, **HOOKS, **TOPIC, name: GARBAGE})
    assert receivers(found) == left
    assert wiring._unresolved(found).probe(None).code is Code.SETTING_SET_ASIDE  # type: ignore[arg-type]  # no look


@pytest.mark.parametrize("name", ["WEBHOOK_HOSTS", "WEBHOOK_NETWORKS", "EVENTS_API_URL"])
def test_where_nobody_wants_events_none_wait(name: str) -> None:
    """The doctor still tells; an outbox that nobody empties would only grow."""
    assert receivers(read_settings({**GOOD, name: GARBAGE})) == []


def test_events_that_waited_are_sent_once_the_setting_is_right() -> None:
    """Nothing is dropped meanwhile as if nobody wanted it."""
    here = World()
    outgoing = here.reports_to(FakeWay("crm"))
    (crm,) = outgoing.ways
    outgoing.ways[:] = [UnresolvedWebhooks(Code.SETTING_SET_ASIDE)]  # type: ignore[list-item]  # a way as good as any
    here.holds(task())
    here.announces()
    here.runs(hours=2, until_quiet=False)
    assert all(is_archived(record) for record in here.fakes.catalog.chunks.values())
    waiting = [item.reason for item in needs_attention(here.ports, here.settings).items]
    assert waiting == [Code.SETTING_SET_ASIDE.value]
    outgoing.ways[:] = [crm]
    here.runs(hours=24, until_quiet=False)
    assert "send" in crm.calls


KEY = "0c0c0c0c-1111-2222-3333-44444444ABCD"
REFERENCE = "@Microsoft.KeyVault(SecretUri=https://contoso.vault.azure.net/secrets/insights)"


@pytest.mark.parametrize(
    "text",
    [
        REFERENCE,
        "InstrumentationKey=;x=1",
        "InstrumentationKey=x",
        f"InstrumentationKey={KEY};a=b=c",
        "IngestionEndpoint=x",
    ],
)
def test_telemetry_that_cannot_be_sent_stops_nothing(text: str, caplog: pytest.LogCaptureFixture) -> None:
    """The app starts without it, archives, and says so: in the log at once, and by the doctor."""
    name = "APPLICATIONINSIGHTS_CONNECTION_STRING"
    with pytest.MonkeyPatch.context() as patch:
        for known, value in {**GOOD, name: text}.items():
            patch.setenv(known, value)
        wiring.reset()
        try:
            ports, known_settings = wiring.dependencies()
        finally:
            wiring.reset()
    assert known_settings.insights is None
    assert [one.name for one in known_settings.set_aside] == [name]
    assert any(name in record.getMessage() for record in caplog.records)
    assert text not in caplog.text
    assert ports is not None


@pytest.mark.parametrize("end", ["", ";"])
def test_a_connection_string_is_written_as_the_exporter_takes_it(end: str) -> None:
    """Capitals in the key and a semicolon at the end are refused by the exporter, and mean nothing."""
    text = f"InstrumentationKey={KEY};IngestionEndpoint=https://westeurope-1.in.applicationinsights.azure.com/{end}"
    found = read_settings({**GOOD, "APPLICATIONINSIGHTS_CONNECTION_STRING": text})
    assert found.insights is not None
    parsed = ConnectionStringParser(found.insights.get_secret_value())
    assert parsed.instrumentation_key == KEY.lower()
    assert parsed.endpoint.rstrip("/") == "https://westeurope-1.in.applicationinsights.azure.com"


def test_what_the_exporter_refuses_all_the_same_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Its own rules may change with a version."""
    text = f"InstrumentationKey={KEY};Authorization=aad"
    wiring._send_telemetry(read_settings({**GOOD, "APPLICATIONINSIGHTS_CONNECTION_STRING": text}))
    assert "no telemetry is sent" in caplog.text
