"""Held chunks: they are listed with the most urgent first, and only a person brings them back to work."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dev.in_memory.builders import EVENT_TIME, chunk, document_id, event, location, task, wav
from dev.in_memory.world import World, world
from recording.archive.claim import unreadable_task
from recording.domain.incoming.requests import HeldFilter
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord, ChunkState
from recording.domain.state.quarantine import Origin
from recording.domain.state.transitions import moved, redriven
from recording.errors import ClaimLostError, RecordingError, RequestError, StorageBusyError
from recording.errors.codes import OF_ONE_ROW, Code
from recording.ingest import ingest_event
from recording.operate.held import Kind, chunk_id, list_held, redrive
from recording.operate.timeline import overview
from recording.ports import QuarantineEntry


@pytest.fixture
def here() -> World:
    """A world in which one chunk was quarantined, while ACS still has its file."""
    made = world()
    made.announces()
    made.holds(task())
    made.fakes.queue.sent.clear()
    record = made.record()
    made.fakes.catalog.save_chunk(moved(record, ChunkState.QUARANTINED, quarantine_reason="source_forbidden"))
    return made


def test_a_held_chunk_is_listed_with_its_reason_and_time_left(here: World) -> None:
    """Whoever is called at night sees at once what and how long."""
    (one,) = list_held(here.ports, here.settings)
    assert (one.kind, one.reason, one.id) == (Kind.CHUNK, "source_forbidden", chunk_id(here.record()))
    assert one.time_left == here.record().task.expires_at - here.now


def test_a_redriven_chunk_is_archived_under_its_own_identity(here: World) -> None:
    """The whole point: the file is still there, the reason is gone."""
    assert redrive(here.ports, here.settings, HeldFilter(reason="source_forbidden")).sent == (chunk_id(here.record()),)
    assert here.fakes.queue.tasks == [here.record().task]
    here.runs()
    assert (here.state(), len(here.media_blobs()), here.record().redrives) == (ChunkState.SOURCE_DELETED, 1, 1)
    assert list_held(here.ports, here.settings) == []


def test_a_dry_run_tells_the_same_and_changes_nothing(here: World) -> None:
    """Look first."""
    before = here.record()
    assert redrive(here.ports, here.settings, HeldFilter(), dry_run=True).sent == (chunk_id(before),)
    assert (here.record(), here.fakes.queue.tasks) == (before, [])


UNKNOWN = [
    ({"reason": "typo"}, "unknown_reason"),
    ({"id": "x"}, "unknown_id"),
    ({"recording_id": "x"}, "unknown_recording"),
]


@pytest.mark.parametrize(("other", "code"), UNKNOWN)
@pytest.mark.parametrize(
    "use", [lambda w, c: list_held(w.ports, w.settings, c), lambda w, c: redrive(w.ports, w.settings, c)]
)
def test_a_filter_that_can_match_nothing_is_an_error(
    here: World, other: dict[str, str], code: str, use: Callable[[World, HeldFilter], object]
) -> None:
    """An empty list would be read as good news."""
    with pytest.raises(RequestError) as refused:
        use(here, HeldFilter(**other))
    assert refused.value.code == code
    assert here.state() is ChunkState.QUARANTINED


def test_a_known_reason_that_nothing_is_held_for_is_good_news(here: World) -> None:
    """A scheduled job asks for one reason every hour, and is content with none."""
    assert list_held(here.ports, here.settings, HeldFilter(reason="foreign_host")) == []
    assert redrive(here.ports, here.settings, HeldFilter(reason="foreign_host")).sent == ()


def test_a_chunk_is_found_by_its_state_too(here: World) -> None:
    """The state of a lost chunk is EXPIRED; its reason is what kept it."""
    here.fakes.catalog.save_chunk(changed_to_expired(here))
    assert [one.reason for one in list_held(here.ports, here.settings, HeldFilter(reason="expired"))] == [
        "source_refused"
    ]


def changed_to_expired(here: World) -> ChunkRecord:
    expired = {"state": ChunkState.EXPIRED, "quarantine_reason": None, "last_error": "source_refused"}
    return with_changes(here.record(), expired)


def test_other_bytes_under_a_finished_chunks_ids_are_listed() -> None:
    """The alert fires for them; the list must not deny it."""
    here = world()
    here.announces()
    here.works(here.holds(task()))
    other = location(document_id(0), host="neu-storage.asm.skype.com")
    here.fakes.source.objects[other] = wav(sample=b"\x05\x06")
    here.works(task(content_location=other))
    (one,) = list_held(here.ports, here.settings)
    assert (one.kind, one.reason, one.recording_id) == (Kind.CONFLICT, "content_conflict", task().recording_id)


@pytest.mark.parametrize("came_from", ["foreign", "a word of another version", ""])
def test_a_foreign_blob_in_quarantine_is_listed(came_from: str) -> None:
    """Nothing that is kept there may be overlooked, whatever it says of itself."""
    here = world()
    name = here.fakes.quarantine.put(QuarantineEntry("unreadable_entry", "no entry", "a note", came_from, here.now))
    assert [(one.id, one.reason) for one in list_held(here.ports, here.settings)] == [(name, "unreadable_entry")]


def test_an_entry_of_a_chunk_that_the_catalog_does_not_know_is_listed() -> None:
    """Somebody lost the row; the entry is all that is left of the chunk."""
    here = world()
    here.fakes.quarantine.put(
        QuarantineEntry("source_forbidden", "403", task().model_dump_json(), Origin.CHUNK, here.now)
    )
    assert [one.kind for one in list_held(here.ports, here.settings)] == [Kind.CONFLICT]


def test_an_entry_of_a_chunk_that_the_catalog_reports_is_listed_once(here: World) -> None:
    """The chunk stands for it, held or at work again; once it is archived the entry is history."""
    entry = QuarantineEntry("source_forbidden", "403", task().model_dump_json(), Origin.CHUNK, here.now)
    here.fakes.quarantine.put(entry)
    assert [one.kind for one in list_held(here.ports, here.settings)] == [Kind.CHUNK]
    redrive(here.ports, here.settings, HeldFilter())
    assert list_held(here.ports, here.settings) == []
    here.runs()
    assert list_held(here.ports, here.settings) == []
    here.fakes.clock.advance(hours=1)
    here.fakes.quarantine.put(replace(entry, reason="content_conflict", at=here.now))
    assert [one.reason for one in list_held(here.ports, here.settings)] == ["content_conflict"], "after it was archived"


def test_other_bytes_can_be_compared_again() -> None:
    """A redrive sends their task, and the entry goes when they are the same by now."""
    here = world()
    here.announces()
    here.works(here.holds(task()))
    other = location(document_id(0), host="neu-storage.asm.skype.com")
    here.fakes.source.objects[other] = wav(sample=b"\x05\x06")
    here.works(task(content_location=other))
    (one,) = list_held(here.ports, here.settings)
    here.fakes.queue.sent.clear()
    assert redrive(here.ports, here.settings, HeldFilter(id=one.id)).sent == (one.id,)
    assert [sent.content_location for sent in here.fakes.queue.tasks] == [other]
    assert list_held(here.ports, here.settings) == []


def test_an_event_refused_on_both_delivery_paths_is_listed_once_with_its_recording(here: World) -> None:
    """The webhook's trigger strips what it does not know, so the two payloads differ."""
    forged = event(chunk(7, document_id(7), contentLocation="https://evil.example.org/x"), id="forged")
    _refuse(here, forged)
    ingest_event(
        {**forged, "eventTime": forged["eventTime"], "extra": None}, Origin.EVENT_GRID, here.ports, here.settings
    )
    assert len(here.fakes.quarantine.kept) == 2
    (one,) = [one for one in list_held(here.ports, here.settings) if one.kind is Kind.REFUSED]
    assert (one.recording_id, len(one.entries)) == (task().recording_id, 2)
    for name in one.entries:
        assert [each.id for each in list_held(here.ports, here.settings, HeldFilter(id=name))] == [one.id]


def test_a_row_that_cannot_be_read_hides_nothing_else(here: World) -> None:
    """It is an item of its own; what came before it, and the other places, are still listed."""
    here.fakes.queue.poison(task(3, document_id(3)).model_dump_json())
    here.fakes.catalog.unreadable.add(next(iter(here.fakes.catalog.chunks)))
    kinds = {one.kind for one in list_held(here.ports, here.settings)}
    assert kinds == {Kind.UNREADABLE, Kind.POISONED}


def test_before_and_after_are_about_the_time_of_the_event(here: World) -> None:
    """`after` includes its moment, `before` does not: two neighbouring spans never share a chunk."""
    at = here.record().task.event_time
    assert not list_held(here.ports, here.settings, HeldFilter(before=at))
    assert list_held(here.ports, here.settings, HeldFilter(after=at))


def test_a_second_redrive_finds_nothing_to_do(here: World) -> None:
    """Two people at once send it once."""
    redrive(here.ports, here.settings, HeldFilter())
    assert redrive(here.ports, here.settings, HeldFilter()).sent == ()
    assert len(here.fakes.queue.tasks) == 1


def test_a_chunk_that_somebody_changed_meanwhile_is_skipped(here: World) -> None:
    """The ETag decides, and the answer says so."""
    here.fakes.catalog.fail_next("save_chunk", ClaimLostError("changed"))
    assert redrive(here.ports, here.settings, HeldFilter()).skipped == (chunk_id(here.record()),)
    assert here.fakes.queue.tasks == []


def test_a_redrive_whose_task_was_never_sent_is_finished_by_reconcile(here: World) -> None:
    """A death between the two writes loses nothing."""
    here.fakes.queue.fail_next("send", StorageBusyError("503"))
    with pytest.raises(StorageBusyError):
        redrive(here.ports, here.settings, HeldFilter())
    here.fakes.clock.advance(minutes=15)
    here.reconciles()
    here.runs()
    assert here.state() is ChunkState.SOURCE_DELETED


def test_a_chunk_that_fails_again_is_held_again_and_nothing_loops(here: World) -> None:
    """It comes back with its count, and waits for a person, however often the timer fires."""
    here.forgets(task())
    redrive(here.ports, here.settings, HeldFilter())
    here.runs()
    (one,) = [one for one in list_held(here.ports, here.settings) if one.kind is Kind.CHUNK]
    assert (here.state(), one.redrives) == (ChunkState.EXPIRED, 1)
    here.fakes.clock.advance(hours=1)
    here.reconciles()
    assert here.fakes.queue.tasks == []


def test_only_a_held_chunk_can_be_redriven(here: World) -> None:
    """What is archived never goes back to the start."""
    redrive(here.ports, here.settings, HeldFilter())
    here.runs()
    with pytest.raises(RecordingError, match="is not held"):
        redriven(here.record(), here.now)


def _refuse(here: World, envelope: dict[str, Any]) -> str:
    """An event that comes and is refused; the entry's name."""
    before = set(here.fakes.quarantine.kept)
    here.announces(envelope)
    (name,) = set(here.fakes.quarantine.kept) - before
    return name


def test_a_refused_event_that_passes_now_is_taken_and_its_entry_kept_for_the_record(here: World) -> None:
    """A new host of Microsoft's was not in the settings; now it is."""
    host = "eu-storage.asm.example.net"
    late = event(chunk(7, document_id(7), contentLocation=location(document_id(7), host=host)), id="late")
    name = _refuse(here, late)
    acs = here.settings.acs.model_copy(update={"content_hosts": (*here.settings.acs.content_hosts, host)})
    allowed = here.settings.model_copy(update={"acs": acs})
    assert redrive(here.ports, allowed, HeldFilter(reason="foreign_host")).sent == (name,)
    assert [sent.index for sent in here.fakes.queue.tasks] == [7]
    assert here.fakes.quarantine.kept[name].redriven_at == here.now
    assert name not in {one.id for one in list_held(here.ports, allowed)}


def test_an_event_that_an_older_version_could_not_read_is_taken_when_it_is_redriven() -> None:
    """What was kept in a form that is read now must not stay refused for it."""
    here = world()
    payload = base64.b64encode(json.dumps(event()).encode()).decode()
    entry = QuarantineEntry("unreadable_event", "the message is not JSON", payload, "event_queue", here.now)
    name = here.fakes.quarantine.put(entry)
    here.holds(task())
    assert redrive(here.ports, here.settings, HeldFilter(id=name)).sent == (name,)
    here.runs(hours=2)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert list_held(here.ports, here.settings) == []


def test_a_refused_event_that_is_refused_again_stays_as_it_was(here: World) -> None:
    """Asking twice does not make a forged event true, and leaves no second entry."""
    name = _refuse(here, event(chunk(7, document_id(7), contentLocation="https://evil.example.org/x"), id="forged"))
    kept = dict(here.fakes.quarantine.kept)
    here.fakes.clock.advance(hours=30)
    assert redrive(here.ports, here.settings, HeldFilter(id=name)).skipped == (name,)
    assert here.fakes.quarantine.kept == kept
    assert here.fakes.queue.tasks == []


@pytest.mark.parametrize("payload", ["{", "[[", '{"no": "event"}', "[" * 100_000])
def test_what_cannot_be_read_is_listed_and_stays(here: World, payload: str) -> None:
    """Whatever came, somebody may look at it."""
    name = here.fakes.quarantine.put(QuarantineEntry("unreadable_event", "no JSON", payload, "event_queue", here.now))
    assert {one.id: one.kind for one in list_held(here.ports, here.settings)}[name] is Kind.REFUSED
    assert redrive(here.ports, here.settings, HeldFilter(id=name)).skipped == (name,)


@pytest.mark.parametrize("changes", [{}, {"later": [1]}, {"later": [1], "version": 2}])
def test_a_task_that_another_version_refused_is_put_back_with_all_its_fields(
    here: World, changes: dict[str, object]
) -> None:
    """A worker of an older version keeps what it cannot read; after the upgrade nothing of it may be lost."""
    refused = task(8, document_id(8), **changes)
    name = here.fakes.quarantine.put(unreadable_task(refused.model_dump_json(), here.now))
    (one,) = list_held(here.ports, here.settings, HeldFilter(id=name))
    assert (one.recording_id, one.index, one.time_left) == (refused.recording_id, 8, refused.expires_at - here.now)
    assert redrive(here.ports, here.settings, HeldFilter(id=name)).sent == (name,)
    assert here.fakes.queue.tasks == [refused]
    assert here.fakes.quarantine.kept[name].redriven_at is not None


@pytest.mark.parametrize("changes", [{"folder": "../elsewhere"}, {"index": -1}, {"recording_id": "a\nb"}])
def test_a_task_of_unknown_form_stays_where_it_is(here: World, changes: dict[str, object]) -> None:
    """Who may write to the queue might have sent it; a worker would refuse it once more."""
    name = here.fakes.quarantine.put(unreadable_task(with_changes(task(8), changes).model_dump_json(), here.now))
    assert redrive(here.ports, here.settings, HeldFilter(id=name)).skipped == (name,)
    assert here.fakes.queue.tasks == []


def test_time_left_counts_from_the_event_and_not_from_when_it_was_refused(here: World) -> None:
    """A dead letter is hours old when it comes."""
    here.fakes.clock.advance(hours=5)
    name = _refuse(here, event(chunk(7, document_id(7), contentLocation="https://evil.example.org/x"), id="forged"))
    (one,) = list_held(here.ports, here.settings, HeldFilter(id=name))
    assert one.time_left == EVENT_TIME + here.settings.retention - here.now


def test_poisoned_messages_are_listed_and_can_be_put_back_at_once(here: World) -> None:
    """The sweep comes every five minutes; a person need not wait for it."""
    here.fakes.queue.poison(task(3, document_id(3)).model_dump_json())
    here.fakes.queue.poison_event(json.dumps(event(chunk(4, document_id(4)), id="poisoned")))
    found = [one for one in list_held(here.ports, here.settings) if one.kind is Kind.POISONED]
    assert [one.index for one in found] == [3, None]
    assert all(one.payload and one.time_left for one in found)
    done = redrive(here.ports, here.settings, HeldFilter(reason="poisoned"))
    assert (len(done.sent), done.skipped) == (2, ())
    assert sorted(sent.index for sent in here.fakes.queue.tasks) == [3, 4]
    assert here.fakes.queue.poison_bodies == []


def test_one_chosen_message_leaves_the_others(here: World) -> None:
    """A filter is kept to."""
    for number in (3, 4):
        here.fakes.queue.poison(task(number, document_id(number)).model_dump_json())
    ids = {one.index: one.id for one in list_held(here.ports, here.settings) if one.kind is Kind.POISONED}
    assert redrive(here.ports, here.settings, HeldFilter(id=ids[4])).sent == (ids[4],)
    assert [sent.index for sent in here.fakes.queue.tasks] == [4]
    assert len(here.fakes.queue.poison_bodies) == 1


@pytest.mark.parametrize("code", sorted(OF_ONE_ROW))
def test_a_row_that_this_version_cannot_read_hides_no_held_thing(here: World, code: Code) -> None:
    """Damaged, or a newer version's: it is one item beside the others."""
    here.fakes.catalog.unreadable_code = code
    here.fakes.catalog.unreadable.add(next(iter(here.fakes.catalog.chunks)))
    name = here.fakes.quarantine.put(
        QuarantineEntry("source_forbidden", "403", task().model_dump_json(), Origin.CHUNK, here.now)
    )
    assert name in {one.id for one in list_held(here.ports, here.settings)}
    assert overview(here.ports).counted_all
