"""Events and tenants: a receiver that is bound to one hears of its recordings and of nothing else."""

from datetime import timedelta

import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.fakes.outgoing import FakeOutgoing, FakeWay
from dev.in_memory.world import World
from recording.control.tenants import scoped
from recording.domain.incoming.tenants import Scope
from recording.domain.outgoing.documents import cloud_event, webhook_body
from recording.domain.outgoing.events import OutgoingEvent, Subject, SubjectKind
from recording.domain.outgoing.from_records import ends_soon, start_refused
from recording.domain.outgoing.message import NotifyTask
from recording.errors import RequestError, StorageError
from recording.errors.codes import Code
from recording.library.keep.holds import place_hold
from recording.library.notify.operate import Asked, enable, health_of_ways, replay
from recording.library.notify.send import notify_message
from recording.ports.outgoing.announce import announce_event
from tests.unit.library.notify.outgoing_world import archived

DAY = timedelta(days=1)
ALPHA = Scope(frozenset({"alpha"}))


class Desks:
    """An archive whose one recording is of a tenant, with a receiver for all, and one for each of two tenants."""

    def __init__(self, tenant: str | None) -> None:
        self.all, self.alpha, self.beta = FakeWay("all"), FakeWay("a", tenant="alpha"), FakeWay("b", tenant="beta")
        self.here: World
        self.outgoing: FakeOutgoing
        self.here, self.outgoing = archived(self.all, self.alpha, self.beta)
        row = self.here.fakes.catalog.recordings[RECORDING_ID]
        self.here.fakes.catalog.save_recording(row.model_copy(update={"tenant": tenant}))

    @property
    def got(self) -> list[list[str]]:
        return [way.types_got for way in (self.all, self.alpha, self.beta)]

    def tells(self, event: OutgoingEvent, scope: Scope | None = None) -> None:
        announce_event(event, scoped(self.here.ports, scope))
        self.here.notifies()


def test_a_recording_of_one_tenant_is_told_to_its_receiver_and_to_the_one_for_all() -> None:
    """Derived from its records, and such as no record keeps."""
    desks = Desks("alpha")
    desks.here.notifies()
    desks.tells(ends_soon(RECORDING_ID, 60, desks.here.now))
    place_hold(RECORDING_ID, "case", "because", "alice", desks.here.ports)
    desks.here.notifies()
    assert desks.got == [["archived", "ends_soon", "held"], ["archived", "ends_soon", "held"], []]
    assert desks.outgoing.outbox.entries == {}


def test_what_is_nobodys_is_told_to_no_tenant() -> None:
    """A receiver of a tenant hears nothing that is not known to be its own."""
    desks = Desks(None)
    desks.here.notifies()
    assert desks.got == [["archived"], [], []]


@pytest.mark.parametrize(
    ("scope", "told"),
    [(None, []), (ALPHA, ["unrecorded"]), (Scope(frozenset({"alpha", "beta"})), [])],
)
def test_a_start_that_was_refused_is_the_callers(scope: Scope | None, told: list[str]) -> None:
    """There is no recording that could say whose it is; of a caller of several tenants nobody knows."""
    desks = Desks("beta")
    desks.here.notifies()
    desks.tells(start_refused("request-1", "acs_forbidden", desks.here.now), scope)
    assert (desks.alpha.types_got, desks.all.types_got[-1]) == (told, "unrecorded")


def test_the_tenant_decides_where_an_event_goes_and_is_not_told() -> None:
    """Its name is the operator's word."""
    desks = Desks("alpha")
    desks.here.notifies()
    (event,) = desks.alpha.got
    assert event.tenant == "alpha"
    told = str(cloud_event(event, "")) + webhook_body(event, "").decode()
    assert "alpha" not in told


def test_an_event_of_an_older_version_has_no_tenant_and_goes_to_no_tenant() -> None:
    """Two versions work side by side for an hour."""
    desks = Desks("alpha")
    desks.here.notifies()
    (event,) = desks.all.got
    older = OutgoingEvent.model_validate_json(event.model_dump_json(exclude={"tenant"}))
    assert (older.id, older.tenant) == (event.id, None)


def test_a_caller_of_a_tenant_sees_and_replays_what_is_its_own() -> None:
    """Neither the receivers of others nor their events; and those for all get nothing twice."""
    desks = Desks("alpha")
    desks.here.notifies()
    ports = scoped(desks.here.ports, ALPHA)
    assert [health.way for health in health_of_ways(ports)] == ["a"]
    done = replay(Asked(desks.here.now - DAY, desks.here.now), ports)
    assert (done.events, done.left_out) == (1, ())
    desks.here.notifies()
    assert desks.got == [["archived"], ["archived", "archived"], []]
    for name in ("b", "all", "nobody"):
        with pytest.raises(RequestError) as refused:
            enable(name, ports)
        assert refused.value.code is Code.ENDPOINT_NOT_FOUND
        with pytest.raises(RequestError):
            replay(Asked(desks.here.now - DAY, desks.here.now, only=[name]), ports)


def test_another_tenants_events_are_as_absent_as_those_that_never_happened() -> None:
    """Not a number tells of them."""
    desks = Desks("beta")
    desks.here.notifies()
    ports = scoped(desks.here.ports, ALPHA)
    nothing = replay(Asked(desks.here.now - DAY, desks.here.now), ports)
    assert nothing == replay(Asked(desks.here.now - 9 * DAY, desks.here.now - 8 * DAY), ports)
    assert replay(Asked(desks.here.now - DAY, desks.here.now, recording_id=RECORDING_ID), ports) == nothing


def test_what_only_the_worker_does_is_refused_within_a_scope() -> None:
    """Nothing passes by oversight."""
    desks = Desks("alpha")
    ports = scoped(desks.here.ports, ALPHA)
    assert ports.outgoing is not None
    outbox, subject = ports.outgoing.outbox, Subject(kind=SubjectKind.RECORDING, id=RECORDING_ID)
    for act in (
        lambda: outbox.marks(subject),
        lambda: outbox.save_marks(subject, frozenset(), None),
        lambda: outbox.waiting(1),
        lambda: outbox.forget(desks.here.now, 1),
    ):
        with pytest.raises(StorageError):
            act()


def test_a_message_asks_for_a_subject_and_its_tenant_is_read_where_it_is_written() -> None:
    """A message that was sent before the recording was given to a tenant finds it as it is."""
    desks = Desks("beta")
    notify_message(
        NotifyTask(subject=Subject(kind=SubjectKind.RECORDING, id=RECORDING_ID)).as_message(), desks.here.ports
    )
    assert desks.got == [["archived"], [], ["archived"]]
