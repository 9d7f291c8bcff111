"""Reconcile: what fell by the wayside is put back to work, and every loss is seen before it happens (I2, I4, I9)."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import EVENT_TIME, chunk, document_id, event, record, task
from dev.in_memory.world import WorkerDiedError, World, world
from recording.archive.claim import claim_chunk
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.chunk import ChunkState, SourceOutcome
from recording.domain.watched.attention import Attention
from recording.errors import SourceBusyError, StorageBusyError
from recording.operate.attention import needs_attention
from recording.operate.held import redrive
from recording.reconcile import sweep
from recording.reconcile.overdue import OVERDUE_AFTER, Reconciled, is_overdue
from recording.reconcile.sweep import MOST_A_RUN


@pytest.fixture
def here() -> World:
    """A world with nothing in it."""
    return world()


def _known_but_forgotten(here: World, index: int = 0, minutes: float = 11) -> None:
    """A chunk whose message was lost."""
    here.announces(event(chunk(index)))
    here.fakes.queue.sent.clear()
    here.fakes.clock.advance(minutes=minutes)


def test_nothing_to_do_does_nothing(here: World) -> None:
    """It runs every five minutes for ever."""
    assert here.reconciles() == Reconciled()


# --- poison ----------------------------------------------------------------------------------------------------------


def test_a_poisoned_task_is_put_back_to_work(here: World) -> None:
    """The host gave up after some deaths; the deadline has not come (I9)."""
    here.announces()
    (sent,) = here.fakes.queue.take_due()
    here.fakes.queue.poison(sent.model_dump_json())
    assert here.reconciles().poisoned == 1
    assert here.fakes.queue.tasks == [sent.again()]
    assert here.fakes.queue.poison_bodies == []


def test_a_poisoned_task_of_an_unknown_chunk_is_put_back_too(here: World) -> None:
    """The catalog may have been down when the worker died."""
    here.fakes.queue.poison(task().model_dump_json())
    here.reconciles()
    assert here.fakes.queue.tasks == [task().again()]


def test_a_poisoned_task_of_a_finished_chunk_is_only_removed(here: World) -> None:
    """Another message did the work meanwhile."""
    here.works(here.holds(task()))
    here.fakes.queue.poison(task().model_dump_json())
    here.reconciles()
    assert (here.fakes.queue.tasks, here.fakes.queue.poison_bodies) == ([], [])


def test_a_poisoned_rival_of_a_finished_chunk_is_put_back(here: World) -> None:
    """It names another object, whose bytes nobody has looked at."""
    here.works(here.holds(task(delete_location=None)))
    rival = task(content_location=f"https://us-storage.asm.skype.com/v1/objects/{document_id()}/content/video")
    here.fakes.queue.poison(rival.model_dump_json())
    here.reconciles()
    assert here.fakes.queue.tasks == [rival.again()]


def test_a_poisoned_message_that_is_no_task_is_kept_for_a_person(here: World) -> None:
    """It can never become work."""
    here.fakes.queue.poison('{"version": 1}')
    here.reconciles()
    (entry,) = here.fakes.quarantine.kept.values()
    assert (entry.reason, entry.payload) == ("unreadable_task", '{"version": 1}')
    assert here.fakes.queue.poison_bodies == []


def test_the_most_urgent_poison_goes_first(here: World) -> None:
    """After an outage there may be thousands, and minutes count for some."""
    expiries = [5, 1, 3]
    for index, hours in enumerate(expiries):
        urgent = task(index, expires_at=EVENT_TIME + timedelta(hours=hours))
        here.fakes.queue.poison(urgent.model_dump_json())
    here.reconciles()
    assert [sent.index for sent in here.fakes.queue.tasks] == [1, 2, 0]


def test_poison_is_removed_only_after_it_was_sent(here: World) -> None:
    """In doubt it is there twice, never gone."""
    here.fakes.queue.poison(task().model_dump_json())
    here.fakes.queue.fail_next("send", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        here.reconciles()
    assert here.fakes.queue.poison_bodies == [task().model_dump_json()]


def test_poison_that_cannot_be_kept_is_not_removed(here: World) -> None:
    """As above, for what is no task."""
    here.fakes.queue.poison("no task")
    here.fakes.quarantine.fail_next("put", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        here.reconciles()
    assert here.fakes.queue.poison_bodies == ["no task"]


@pytest.mark.slow
def test_one_run_takes_no_more_than_its_time_allows(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host ends a function after half an hour; the next run goes on."""
    monkeypatch.setattr(sweep, "MOST_POISONED", MOST_A_RUN)
    for number in range(MOST_A_RUN + 1):
        here.fakes.queue.poison(str(number))
    assert here.reconciles().poisoned == MOST_A_RUN
    assert len(here.fakes.queue.poison_bodies) == 1


# --- overdue ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "after", "overdue"),
    [
        ({}, OVERDUE_AFTER, True),
        ({}, OVERDUE_AFTER - timedelta(seconds=1), False),
        ({"next_attempt_at": EVENT_TIME + timedelta(hours=1)}, timedelta(minutes=65), False),
        ({"next_attempt_at": EVENT_TIME + timedelta(hours=1)}, timedelta(minutes=70), True),
        ({"claim_expires_at": EVENT_TIME + timedelta(hours=1)}, timedelta(minutes=30), False),
        ({"claim_expires_at": EVENT_TIME + timedelta(minutes=2)}, timedelta(minutes=30), True),
        *(
            ({name: EVENT_TIME + timedelta(days=400), "saved_at": EVENT_TIME}, after, after > timedelta(hours=1))
            for name in ("next_attempt_at", "changed_at", "claim_expires_at")
            for after in (timedelta(minutes=1), timedelta(minutes=75))
        ),
    ],
)
def test_overdue_means_nobody_has_it_and_nobody_came(changes: dict[str, Any], after: timedelta, overdue: bool) -> None:
    """A message may be in flight; sending it again too soon is only noise."""
    assert is_overdue(record(**changes), EVENT_TIME + after, timedelta(minutes=2)) is overdue


@pytest.mark.parametrize("skew", [0, 25, 24 * 365])
def test_a_redrive_by_a_clock_that_is_ahead_is_not_lost_with_its_message(here: World, skew: int) -> None:
    """The queue fails once; the row said that nothing was due for as long as that clock was ahead."""
    made = here.holds(task())
    held = record(ChunkState.QUARANTINED, task=made, quarantine_reason="media_suspect", attempts=8)
    here.fakes.catalog.add_chunk(held)
    here.fakes.queue.fail_next("send", StorageBusyError("busy"))
    here.skew = timedelta(hours=skew)
    with suppress(StorageBusyError):
        redrive(here.ports, here.settings, HeldFilter())
    here.skew = timedelta()
    here.runs(hours=3, until_quiet=False)
    assert here.record(made).state is ChunkState.SOURCE_DELETED


def test_an_overdue_chunk_is_sent_again_once(here: World) -> None:
    """Ten minutes until the next, not one message for every run of the timer."""
    _known_but_forgotten(here)
    assert here.reconciles().redriven == 1
    for _ in range(2):
        here.fakes.clock.advance(minutes=4.9)
        assert here.reconciles().redriven == 0
    assert len(here.fakes.queue.tasks) == 1


def test_an_overdue_chunk_is_archived_in_the_end(here: World) -> None:
    """The point of it all."""
    here.holds(task())
    _known_but_forgotten(here)
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED


@pytest.mark.parametrize("state", [ChunkState.COPIED, ChunkState.VERIFIED, ChunkState.CATALOGED])
def test_a_chunk_that_stopped_half_way_is_redriven_as_well(here: World, state: ChunkState) -> None:
    """Its bytes are safe, but its papers or its source are not settled."""
    here.fakes.catalog.add_chunk(record(state))
    here.fakes.clock.advance(minutes=15)
    assert here.reconciles().redriven == 1


def test_a_chunk_in_the_hands_of_a_worker_is_left_alone(here: World) -> None:
    """A four-hour file takes a while; its claim is renewed meanwhile."""
    here.announces()
    here.fakes.queue.sent.clear()
    here.fakes.clock.advance(minutes=60)
    claim_chunk(task(), here.ports, here.settings)
    assert here.reconciles().redriven == 0


def test_a_chunk_that_a_worker_takes_at_this_very_moment_is_left_to_it(here: World) -> None:
    """The note of the redrive is conditional; the worker wins, and nothing is sent."""
    _known_but_forgotten(here)
    chunks = list(here.fakes.catalog.open_chunks())
    here.fakes.catalog.open_chunks = lambda expiring_after=None: iter(chunks)  # type: ignore[method-assign]  # seen before the claim
    claim_chunk(task(), here.ports, here.settings)
    assert here.reconciles() == Reconciled(open_chunks=1, least_time_left=timedelta(hours=23, minutes=47))
    assert here.fakes.queue.tasks == []


def test_the_most_urgent_chunk_goes_first(here: World) -> None:
    """Order in the queue is order of work."""
    for index, hours in enumerate((9, 2, 5)):
        expiring = task(index, expires_at=EVENT_TIME + timedelta(hours=hours))
        here.fakes.catalog.add_chunk(record(task=expiring))
    here.fakes.clock.advance(minutes=15)
    here.reconciles()
    assert [sent.index for sent in here.fakes.queue.tasks] == [1, 2, 0]


def test_an_index_entry_that_outlived_its_chunk_is_passed_over(here: World) -> None:
    """The list of open chunks may be a moment behind the chunks."""
    done = record(ChunkState.SOURCE_DELETED, source=SourceOutcome.DELETED)
    here.fakes.catalog.open_chunks = lambda expiring_after=None: iter([done])  # type: ignore[method-assign]
    here.fakes.clock.advance(hours=30)
    here.reconciles()
    assert (here.fakes.queue.tasks, here.fakes.quarantine.kept) == ([], {})


# --- at risk and expired ---------------------------------------------------------------------------------------------


def test_a_chunk_at_risk_is_raised_once(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """Six hours are left: somebody can still do something (I4)."""
    here.announces()
    here.fakes.clock.advance(hours=18)
    for _ in range(3):
        assert here.reconciles().at_risk == 1
        here.fakes.clock.advance(minutes=5)
    raised = [entry for entry in caplog.records if entry.getMessage().startswith("recording.chunk.at_risk")]
    assert len(raised) == 1
    assert here.record().at_risk_since == EVENT_TIME + timedelta(hours=18, minutes=2)


def test_a_chunk_with_time_left_raises_nothing(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """An alarm that always rings is none."""
    here.announces()
    here.fakes.clock.advance(hours=17)
    assert here.reconciles().at_risk == 0
    assert "at_risk" not in [entry.getMessage().split()[0] for entry in caplog.records]


def test_what_is_archived_is_not_at_risk_of_loss(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """Its bytes are safe; only its documents are open. The count agrees with the lines: the alert compares them."""
    here.fakes.catalog.add_chunk(record(ChunkState.VERIFIED))
    here.fakes.clock.advance(hours=20)
    assert here.reconciles().at_risk == 0
    assert not [entry for entry in caplog.records if entry.getMessage().startswith("recording.chunk.at_risk")]


def test_past_the_deadline_a_chunk_is_sent_again_and_only_days_later_called_lost(here: World) -> None:
    """Only the line's own proof ends a chunk (I9); one that no worker could try for days is an alarm (I2)."""
    _known_but_forgotten(here, minutes=25 * 60)
    for _ in range(3):
        assert here.reconciles().redriven == 1
        here.fakes.queue.sent.clear()
        here.fakes.clock.advance(minutes=11)
    assert here.state() is ChunkState.PENDING
    here.fakes.clock.advance(days=8)
    assert here.reconciles().expired == 1
    assert here.state() is ChunkState.EXPIRED
    assert here.fakes.quarantine.reasons == ["expired"]
    assert here.reconciles() == Reconciled()


def test_a_chunk_that_acs_kept_longer_is_saved_by_the_last_try(here: World) -> None:
    """48 hours were promised once."""
    here.holds(task())
    _known_but_forgotten(here, minutes=40 * 60)
    here.runs(hours=1)
    assert (here.state(), len(here.media_blobs())) == (ChunkState.CATALOGED, 1)


@pytest.mark.parametrize("state", [ChunkState.COPIED, ChunkState.VERIFIED, ChunkState.CATALOGED])
def test_what_is_archived_is_never_called_lost(here: World, state: ChunkState) -> None:
    """EXPIRED means that nothing was saved."""
    here.fakes.catalog.add_chunk(record(state, next_attempt_at=EVENT_TIME + timedelta(hours=25)))
    here.fakes.clock.advance(hours=30)
    assert here.reconciles().expired == 0


@pytest.mark.slow
def test_a_loss_is_raised_by_the_worker_or_by_the_timer_but_always(
    here: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever sees it first; the event's name is what alerts watch."""
    here.announces(event(chunk(0)))
    here.runs(hours=30)
    _known_but_forgotten(here, 1, minutes=1)
    here.fakes.clock.advance(hours=30)
    here.reconciles()
    here.fakes.queue.sent.clear()
    here.fakes.clock.advance(days=8)
    here.reconciles()
    lost = [entry for entry in caplog.records if entry.getMessage().startswith("recording.chunk.expired")]
    assert [entry.levelname for entry in lost] == ["CRITICAL", "CRITICAL"]


@pytest.mark.slow
@pytest.mark.parametrize("first", ["worker", "timer"])
def test_a_lost_chunk_leaves_an_entry_for_a_person_whoever_saw_it(here: World, first: str) -> None:
    """The list of what needs a person must not depend on who was faster."""
    here.announces()
    if first == "timer":
        here.fakes.queue.sent.clear()
        here.fakes.clock.advance(hours=25)
        here.reconciles()
        here.fakes.queue.sent.clear()
    here.runs(hours=30)
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.EXPIRED, ["expired"])


def test_a_run_tells_what_it_saw(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """The margin to the first loss is the number to watch; it is there on every run."""
    caplog.set_level("INFO")
    here.announces(event(chunk(0), chunk(1)))
    here.fakes.clock.advance(hours=2)
    found = here.reconciles()
    assert found == Reconciled(redriven=2, open_chunks=2, least_time_left=timedelta(hours=21, minutes=58))
    assert "time_left_seconds=79080.0" in caplog.text


def test_a_busy_source_does_not_make_the_timer_send_twice(here: World) -> None:
    """A chunk that waits for its next try is due at that time, not before."""
    here.announces()
    here.source.fail_next("open_content", SourceBusyError("busy", retry_after=timedelta(minutes=55)))
    here.holds(task())
    here.runs_due()
    for _ in range(8):
        here.fakes.clock.advance(minutes=5)
        here.reconciles()
    assert len(here.fakes.queue.tasks) == 1


@pytest.mark.parametrize("method", ["poisoned", "open_chunks_page"])
def test_when_storage_does_not_answer_the_next_run_tries_again(here: World, method: str) -> None:
    """The host sees the failure; nothing is half done."""
    getattr(here.fakes, "queue" if method == "poisoned" else "catalog").fail_next(method, StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        here.reconciles()
    assert here.reconciles() == Reconciled()


@pytest.mark.parametrize("method", ["poisoned", "poisoned_events", "send"])
def test_an_outage_of_the_queues_hides_no_chunk_at_risk(method: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever could mend it must hear that time is running out, and the run must not pass for a good one."""
    here = world()
    for number in range(3):
        here.announces(event(chunk(number), id=f"event-{number}"))
    here.fakes.queue.sent.clear()
    here.fakes.clock.advance(hours=19)
    here.fakes.queue.fail_next(method, StorageBusyError("503"), times=10)
    with pytest.raises(StorageBusyError):
        here.reconciles()
    told = [entry.getMessage().split()[0] for entry in caplog.records]
    assert (told.count("recording.chunk.at_risk"), told.count("recording.needs_attention") > 0) == (3, True)


def test_a_chunk_whose_workers_never_come_back_is_shown_and_ends(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """Killed in each turn, a worker leaves no error: it was shown after eighteen hours, and never ended."""
    made = here.holds(task())
    here.announces()

    def killed(*_args: object) -> bool:
        raise WorkerDiedError("out of memory")

    here.fakes.archive.put_media = killed  # type: ignore[method-assign,assignment]
    here.runs(hours=2, until_quiet=False)
    assert [item.kind for item in needs_attention(here.ports, here.settings).items] == [Attention.STUCK]
    here.runs(hours=24, until_quiet=False)
    assert caplog.text.count("recording.chunk.past_deadline") == 1
    here.fakes.clock.advance(days=8)
    here.runs(hours=2, until_quiet=False)
    assert here.state(made) is ChunkState.EXPIRED
