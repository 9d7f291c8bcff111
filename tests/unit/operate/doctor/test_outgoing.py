"""The doctor's checks of outgoing events: each fault is found by name, with what to do about it."""

import pytest

from dev.in_memory.fakes.outgoing import FakeWay
from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.world import World, world
from recording.adapters.outgoing.unresolved import UnresolvedWebhooks
from recording.domain.outgoing.delivery import Result, WayHealth
from recording.domain.outgoing.endpoints import TOPIC_WAY
from recording.errors.codes import Code
from recording.operate.doctor.findings import Finding, State, run_check
from recording.operate.doctor.outgoing import check_events_topic, check_webhooks
from recording.ports.outgoing import Answer


def topic(here: World) -> Finding:
    return run_check("events_topic", lambda: check_events_topic(here.ports, here.settings, FakeProbe()))


def hooks(here: World) -> Finding:
    return run_check("webhooks", lambda: check_webhooks(here.ports, here.settings, FakeProbe()))


def test_where_no_events_go_out_there_is_nothing_to_look_at() -> None:
    """Neither a topic nor an endpoint."""
    here = world()
    assert (topic(here).state, hooks(here).state) == (State.SKIPPED, State.SKIPPED)
    here.reports_to(FakeWay(TOPIC_WAY))
    assert (topic(here).state, hooks(here).state) == (State.OK, State.SKIPPED)
    here.reports_to(FakeWay("crm"))
    assert (topic(here).state, hooks(here).state) == (State.SKIPPED, State.OK)


def test_looking_sends_no_event() -> None:
    """Nobody hears of something that did not happen."""
    here = world()
    outgoing = here.reports_to(FakeWay(TOPIC_WAY), FakeWay("crm"))
    topic(here)
    hooks(here)
    assert [way.calls for way in outgoing.ways] == [["probe"], ["probe"]]


@pytest.mark.parametrize("code", [Code.TOPIC_REFUSED, Code.ENDPOINT_UNREACHABLE, Code.ENDPOINT_REFUSED])
def test_a_topic_that_does_not_take_events_is_told_with_its_remedy(code: Code) -> None:
    """A role that is missing is another thing than a network that is closed."""
    here = world()
    way = FakeWay(TOPIC_WAY)
    way.probed = Answer(Result.FAILED, code)
    here.reports_to(way)
    assert topic(here) == Finding("events_topic", State.FAILED, code.value, code.remedy)


def test_each_endpoint_is_told_by_its_name() -> None:
    """The one that answers, the one that does not, the one that is disabled."""
    here = world()
    away = FakeWay("away")
    away.probed = Answer(Result.REFUSED, Code.ENDPOINT_UNSAFE)
    outgoing = here.reports_to(FakeWay("crm"), away, FakeWay("off"))
    outgoing.outbox.ways["off"] = WayHealth(way="off", disabled_at=here.now, etag='"x"')
    found = hooks(here)
    assert found.state is State.FAILED
    assert found.found == "crm: answers; away: endpoint_unsafe; off: answers, and is endpoint_disabled"
    assert found.remedy is not None
    assert Code.ENDPOINT_UNSAFE.remedy in found.remedy
    assert Code.ENDPOINT_DISABLED.remedy in found.remedy


def test_a_secret_that_is_not_there_is_told() -> None:
    """The platform left the reference as it is."""
    here = world()
    here.reports_to(FakeWay("crm"))
    assert here.fakes.outgoing is not None
    here.fakes.outgoing.ways[:] = [UnresolvedWebhooks()]  # type: ignore[list-item]  # a way as good as any
    found = hooks(here)
    assert (found.state, found.remedy) == (State.FAILED, Code.WEBHOOKS_UNRESOLVED.remedy)
    assert "webhooks_unresolved" in found.found
