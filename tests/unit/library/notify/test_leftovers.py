"""What the host gave up on beside the line: it needs attention, goes back by itself or when asked, never lost."""

import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from recording.domain.calls.guards import GuardKind, GuardTask
from recording.domain.incoming.requests import HeldFilter
from recording.domain.names import BESIDE_THE_LINE, GUARDS_QUEUE, OUTBOX_QUEUE
from recording.domain.outgoing.events import Subject, SubjectKind
from recording.domain.outgoing.message import NotifyTask
from recording.domain.watched.attention import Attention
from recording.errors import StorageBusyError, StorageError
from recording.library.notify.catch_up import catch_up
from recording.operate.attention import needs_attention
from recording.operate.held import redrive
from recording.ports import PoisonMessage
from tests.unit.library.notify.outgoing_world import archived

MESSAGE = NotifyTask(subject=Subject(kind=SubjectKind.RECORDING, id=RECORDING_ID)).as_message()


def attention(here: World) -> list[tuple[Attention, str | None]]:
    items = needs_attention(here.ports, here.settings).items
    return [(item.kind, item.recording_id) for item in items if item.kind is Attention.POISONED]


@pytest.mark.parametrize("name", BESIDE_THE_LINE)
def test_each_queue_beside_the_line_gets_back_what_its_host_gave_up_on(name: str) -> None:
    """As it came, also where no events go out, and also what nobody can read: its worker decides."""
    here = world()
    for body in ("{}", "no JSON at all"):
        here.fakes.leftovers.gives_up(name, body)
    assert catch_up(here.ports) == 0
    assert here.fakes.leftovers.back == [(name, "{}"), (name, "no JSON at all")]
    assert here.fakes.leftovers.bodies == []


def test_an_event_whose_message_was_given_up_arrives() -> None:
    """Storage was down for longer than the host has patience."""
    here, outgoing = archived()
    outgoing.queue.sent.clear()
    here.fakes.leftovers.to[OUTBOX_QUEUE] = lambda body: outgoing.queue.sent.append((body, here.now))
    here.fakes.leftovers.gives_up(OUTBOX_QUEUE, MESSAGE)
    catch_up(here.ports)
    here.notifies()
    assert outgoing.ways[0].types_got == ["archived"]


def test_it_needs_attention_for_as_long_as_it_lies_there() -> None:
    """With the recording that it is about, where it names one."""
    here, _ = archived()
    assert attention(here) == []
    guard = GuardTask(recording_id=RECORDING_ID, kind=GuardKind.PAUSE, mark="1")
    here.fakes.leftovers.gives_up(OUTBOX_QUEUE, MESSAGE)
    here.fakes.leftovers.gives_up(GUARDS_QUEUE, guard.as_message())
    here.fakes.leftovers.gives_up(OUTBOX_QUEUE, '{"subject": {"kind": "exports", "id": "x1"}}')
    assert sorted(attention(here), key=str) == [
        (Attention.POISONED, RECORDING_ID),
        (Attention.POISONED, RECORDING_ID),
        (Attention.POISONED, None),
    ]
    catch_up(here.ports)
    assert attention(here) == []


def test_an_operator_puts_back_the_one_that_is_meant() -> None:
    """By its id in the list, like every other held thing."""
    here, _ = archived()
    here.fakes.leftovers.gives_up(OUTBOX_QUEUE, MESSAGE)
    here.fakes.leftovers.gives_up(GUARDS_QUEUE, "{}")
    found = needs_attention(here.ports, here.settings, HeldFilter(reason="poisoned")).items
    (first,) = [item for item in found if item.recording_id == RECORDING_ID]
    done = redrive(here.ports, here.settings, HeldFilter(id=first.id))
    assert done.sent == (first.id,)
    assert here.fakes.leftovers.back == [(OUTBOX_QUEUE, MESSAGE)]
    assert here.fakes.leftovers.bodies == ["{}"]


def test_one_that_cannot_be_put_back_stays_and_keeps_no_other() -> None:
    """Each message is on its own, and so is each queue; the run ends with the failure."""
    here = world()
    here.fakes.leftovers.gives_up(GUARDS_QUEUE, "first")
    here.fakes.leftovers.gives_up(GUARDS_QUEUE, "second")
    here.fakes.leftovers.gives_up(OUTBOX_QUEUE, "third")
    here.fakes.leftovers.fail_next("put_back", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        catch_up(here.ports)
    assert here.fakes.leftovers.bodies == ["first"]
    here.fakes.clock.advance(seconds=301)
    catch_up(here.ports)
    assert sorted(body for _, body in here.fakes.leftovers.back) == ["first", "second", "third"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(8))
def test_a_worker_that_dies_at_any_call_loses_no_message(call: int, after: bool) -> None:
    """In doubt it is in both places."""
    here = world()
    here.fakes.leftovers.gives_up(OUTBOX_QUEUE, "one")
    here.fakes.leftovers.gives_up(GUARDS_QUEUE, "two")
    seen = 0

    def decide(port: str, method: str) -> tuple[Exception | None, bool]:
        nonlocal seen
        seen += 1
        return (WorkerDiedError(), after) if seen == call + 1 else (None, False)

    intercept(here, decide)
    try:
        catch_up(here.ports)
    except WorkerDiedError:
        here.deaths += 1
    leave_alone(here)
    here.fakes.clock.advance(seconds=301)
    catch_up(here.ports)
    assert {body for _, body in here.fakes.leftovers.back} == {"one", "two"}
    assert here.fakes.leftovers.bodies == []


@pytest.mark.parametrize("bad", [1, 30, 250])
def test_messages_that_cannot_be_put_back_keep_no_other(bad: int) -> None:
    """A queue refuses what grew too large: twenty such messages ended every run before all others."""
    here = world()
    for number in range(bad):
        here.fakes.leftovers.gives_up(GUARDS_QUEUE, f"bad {number}")
    for number in range(3):
        here.fakes.leftovers.gives_up(GUARDS_QUEUE, f"good {number}")
    plain = here.fakes.leftovers.put_back

    def refused(name: str, message: PoisonMessage) -> None:
        if message.body.startswith("bad"):
            raise StorageError("413")
        plain(name, message)

    object.__setattr__(here.fakes.leftovers, "put_back", refused)
    for _ in range(12):
        with pytest.raises(StorageError):
            catch_up(here.ports)
        here.fakes.clock.advance(minutes=6)
    assert {body for _, body in here.fakes.leftovers.back} == {f"good {number}" for number in range(3)}
    assert len(here.fakes.leftovers.bodies) == bad
