"""What may follow what, and when a source may vanish."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import CALL_ID, EVENT_TIME, STORED_ETAG, document_id, location, record, stored, task
from recording.domain.incoming.locations import DEFAULT_CONTENT_HOSTS, checked_location
from recording.domain.state.chunk import (
    Acceptance,
    ChunkRecord,
    ChunkState,
    ChunkTask,
    FallbackCopy,
    Home,
    MetadataOutcome,
    Silenced,
    SourceOutcome,
    Suspect,
)
from recording.domain.state.stored import StoredBlob
from recording.domain.state.transitions import (
    is_archived,
    is_disowned,
    is_finished,
    is_otherwise,
    is_reopened_by,
    is_settled_for,
    is_twin,
    may_delete_source,
    moved,
    names_the_same_object,
    recopied,
    redriven,
    reopened,
)
from recording.errors import RecordingError
from recording.errors.codes import Code

# --- formats ---------------------------------------------------------------------------------------------------------

# --- transitions -----------------------------------------------------------------------------------------------------

MOVES = {
    ("PENDING", "COPIED"),
    ("PENDING", "QUARANTINED"),
    ("PENDING", "EXPIRED"),
    ("COPIED", "VERIFIED"),
    ("COPIED", "QUARANTINED"),
    ("VERIFIED", "CATALOGED"),
    ("VERIFIED", "QUARANTINED"),
    ("CATALOGED", "SOURCE_DELETED"),
    ("COPIED", "PENDING"),
    ("VERIFIED", "PENDING"),
    ("CATALOGED", "PENDING"),
    ("CATALOGED", "COPIED"),
    ("CATALOGED", "VERIFIED"),
    ("QUARANTINED", "COPIED"),
    ("QUARANTINED", "PENDING"),
    ("EXPIRED", "PENDING"),
    ("EXPIRED", "COPIED"),
}


@pytest.mark.parametrize(("here", "there"), list(itertools.product(ChunkState, ChunkState)))
def test_the_line_goes_one_way(here: ChunkState, there: ChunkState) -> None:
    """All 49 moves: no step is skipped, nothing archived ever expires, nothing deleted comes back."""
    if (here, there) in MOVES:
        assert moved(record(here), there, last_error="x").state is there
        return
    with pytest.raises(RecordingError) as raised:
        moved(record(here), there)
    assert raised.value.code == "impossible_transition"


@pytest.mark.parametrize(
    ("state", "source", "finished", "archived"),
    [
        (ChunkState.PENDING, None, False, False),
        (ChunkState.COPIED, None, False, False),
        (ChunkState.VERIFIED, None, False, False),
        (ChunkState.CATALOGED, None, False, True),
        (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE, True, True),
        (ChunkState.CATALOGED, SourceOutcome.NOT_OURS, True, True),
        (ChunkState.SOURCE_DELETED, SourceOutcome.DELETED, True, True),
        (ChunkState.SOURCE_DELETED, SourceOutcome.ALREADY_GONE, True, True),
        (ChunkState.QUARANTINED, None, True, False),
        (ChunkState.EXPIRED, None, True, False),
    ],
)
def test_rest_is_only_where_the_source_is_settled(
    state: ChunkState, source: SourceOutcome | None, finished: bool, archived: bool
) -> None:
    """An archived chunk whose source is not settled is still work (I2)."""
    resting = record(state, source=source)
    assert (is_finished(resting), is_archived(resting)) == (finished, archived)


DELETABLE = record(ChunkState.CATALOGED)
MISSING_FACTS: list[dict[str, Any]] = [
    *[{"state": state} for state in ChunkState if state is not ChunkState.CATALOGED],
    *[{"source": outcome} for outcome in SourceOutcome],
    {"task": task(home=Home.EXTERNAL)},
    {"verified_at": None},
    {"cataloged_at": None},
    {"sha256": None},
    {"sha256": ""},
    {"length_bytes": None},
    {"length_bytes": 0},
    {"media_fault": "plays 1.0 s"},
    {"metadata": MetadataOutcome.PENDING},
    {"metadata": MetadataOutcome.NEVER_CAME, "metadata_reason": "source_not_found"},
    {"metadata": MetadataOutcome.NOT_ANNOUNCED, "metadata_reason": None},
    {"blob_name": None},
    {"accepted": Acceptance(by=None, note="heard it", at=EVENT_TIME)},
    {"taken_from": "another/000000-a"},
]
SPOILT = {
    "no media": {"media": None},
    "other media": {"media": StoredBlob(1, {"sha256": "cd"}, STORED_ETAG)},
    "media written since": {"media": StoredBlob(DELETABLE.length_bytes or 0, {}, "another ETag")},
    "no receipt": {"receipt": None},
    "another receipt": {"receipt": b"{}"},
    "no metadata": {"metadata": None},
    "other metadata": {"metadata": b"{}"},
}


@pytest.mark.parametrize("missing", MISSING_FACTS, ids=str)
def test_one_missing_fact_forbids_the_delete(missing: dict[str, Any]) -> None:
    """The guard before the only thing that cannot be undone (I1)."""
    assert may_delete_source(DELETABLE, stored(DELETABLE))
    known = DELETABLE.model_copy(update=missing)
    assert not may_delete_source(known, stored(known))


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=SPOILT)
def test_files_that_are_not_as_proved_forbid_the_delete(spoilt: dict[str, Any]) -> None:
    """The guard asks what the archive answered right before, whatever its caller has looked at."""
    assert not may_delete_source(DELETABLE, replace(stored(DELETABLE), **spoilt))


@pytest.mark.parametrize("count", [2, 3])
def test_no_two_or_three_missing_facts_make_up_for_each_other(count: int) -> None:
    """Every combination: a guard of conditions joined in the wrong way would let one through."""
    for together in itertools.combinations(MISSING_FACTS, count):
        broken: dict[str, Any] = {name: value for facts in together for name, value in facts.items()}
        known = DELETABLE.model_copy(update=broken)
        assert not may_delete_source(known, stored(known)), broken


def test_metadata_that_was_never_announced_is_no_hindrance_when_the_record_says_so() -> None:
    """Older events name no metadata location; there is nothing to lose."""
    known = {"metadata": MetadataOutcome.NOT_ANNOUNCED, "metadata_reason": "the event names no metadata location"}
    cataloged = DELETABLE.model_copy(update=known)
    assert may_delete_source(cataloged, stored(cataloged))


def test_a_delete_location_must_name_the_chunks_own_object() -> None:
    """A published sample names another document's; calling it would erase somebody else's recording."""
    own, other = document_id(1), document_id(2)

    def agree(delete: str, content: str, document: str) -> bool:
        checked = [checked_location(url, DEFAULT_CONTENT_HOSTS) for url in (delete, content)]
        return names_the_same_object(checked[0], checked[1], document)

    assert agree(location(own, ""), location(own), own)
    assert agree(location(own, "/content/deletedata", host="us-storage.asm.skype.com"), location(own), own)
    assert not agree(location(own, "") + "/", location(own), own)  # a folder, to some servers
    assert not agree(location(other, ""), location(own), own)
    assert not agree(location(own, ""), location(other), own)
    assert not agree(location(own, ""), location(own), other)
    assert not agree("https://x.asm.skype.com/v1/nothing", "https://x.asm.skype.com/v1/nothing", own)


# --- the task --------------------------------------------------------------------------------------------------------


def test_a_task_survives_the_queue() -> None:
    """What a worker reads is what ingest wrote."""
    assert ChunkTask.model_validate_json(task().model_dump_json()) == task()


def test_a_record_survives_the_table() -> None:
    """All but its ETag, which belongs to the row."""
    written = record(ChunkState.CATALOGED, etag="x")
    assert ChunkRecord.model_validate_json(written.model_dump_json()) == written.model_copy(update={"etag": None})


def test_another_announcement_fills_in_what_the_first_did_not_know() -> None:
    """One schema version names types or metadata that another does not."""
    poor = task(metadata_location=None, format=None)
    assert poor.completed_by(task()) == task()
    assert task().completed_by(poor) == task()
    assert task(index=0).completed_by(task(end_reason="other")).end_reason == "SessionEnded"


def test_a_chunks_key_does_not_depend_on_where_it_lies() -> None:
    """However often and wherever it is announced, it is one chunk (I3)."""
    assert task().key == task(content_location=location(document_id(), host="us-storage.asm.skype.com")).key
    assert task().key != task(document=document_id(9)).key
    assert str(task(3).key).startswith("000003-")
    assert CALL_ID not in str(task().key)


@pytest.mark.parametrize(
    "state", [state for state in ChunkState if state not in (ChunkState.QUARANTINED, ChunkState.EXPIRED)]
)
def test_only_what_is_held_can_be_put_back_by_a_person(state: ChunkState) -> None:
    """A second worker on a chunk that is at work would be a race that a person started."""
    with pytest.raises(RecordingError) as refused:
        redriven(record(state), EVENT_TIME)
    assert refused.value.code == "impossible_transition"


def test_a_chunk_that_is_put_back_keeps_what_was_found_out() -> None:
    """Only the reason goes; the count of tries by hand goes up."""
    again = redriven(record(ChunkState.QUARANTINED, quarantine_reason="x", last_error="y", redrives=1), EVENT_TIME)
    assert (again.state, again.quarantine_reason, again.redrives) == (ChunkState.PENDING, None, 2)
    assert (again.last_error, again.next_attempt_at, again.changed_at) == ("y", EVENT_TIME, EVENT_TIME)


# --- chunks that were given up ---------------------------------------------------------------------------------------

A_WHILE = timedelta(minutes=10)
A_SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("changes", "after", "is_reopened"),
    [
        ({}, timedelta(), False),
        ({}, A_WHILE - A_SECOND, False),
        ({}, A_WHILE, True),
        ({}, A_WHILE + A_SECOND, True),
        ({"event_id": "another"}, timedelta(), True),
        ({"expires_at": task().expires_at + A_SECOND}, timedelta(), True),
        ({"expires_at": task().expires_at - A_SECOND}, timedelta(), False),
        ({"content_location": location(document_id(5))}, timedelta(), True),
    ],
)
def test_new_evidence_or_a_late_repetition_reopens_what_was_given_up(
    changes: dict[str, Any], after: timedelta, is_reopened: bool
) -> None:
    """The second delivery path brings the same event within seconds; that is no news."""
    for state in (ChunkState.QUARANTINED, ChunkState.EXPIRED):
        held = record(state)
        announced = held.task.model_copy(update=changes)
        assert is_reopened_by(held, announced, held.first_seen_at + after) is is_reopened
    others = [record(state) for state in ChunkState if state not in (ChunkState.QUARANTINED, ChunkState.EXPIRED)]
    assert not [one for one in others if is_reopened_by(one, task(event_id="another"), EVENT_TIME + 2 * A_WHILE)]


def test_a_chunk_that_is_redriven_begins_its_patience_anew() -> None:
    """What was counted about the old answers says nothing about the next ones."""
    held = record(
        ChunkState.QUARANTINED,
        broken_sha256="ab",
        broken_since=EVENT_TIME,
        broken_tries=3,
        gone_since=EVENT_TIME,
        past_deadline_since=EVENT_TIME,
        at_risk_since=EVENT_TIME,
        quarantine_reason="source_gone",
        redrives=1,
    )
    again = redriven(held, EVENT_TIME)
    assert (again.state, again.quarantine_reason, again.redrives) == (ChunkState.PENDING, None, 2)
    assert (again.broken_sha256, again.broken_since, again.broken_tries, again.gone_since) == (None, None, 0, None)
    assert (again.past_deadline_since, again.at_risk_since) == (None, None)
    assert again.next_attempt_at == again.changed_at == EVENT_TIME


def test_a_chunk_that_is_reopened_at_its_place_keeps_what_is_known_of_it() -> None:
    """The event that reopened it is noted, so that its second delivery path reopens nothing."""
    held = record(ChunkState.EXPIRED, quarantine_reason="x", broken_tries=2, task=task(end_reason=None))
    later = task(event_id="another", expires_at=held.task.expires_at + A_WHILE, metadata_location=None)
    again = reopened(held, later, EVENT_TIME + A_SECOND)
    assert (again.state, again.quarantine_reason, again.broken_tries) == (ChunkState.PENDING, None, 0)
    assert again.next_attempt_at == again.changed_at == EVENT_TIME + A_SECOND
    assert (again.task.event_id, again.task.expires_at) == ("another", later.expires_at)
    assert (again.task.metadata_location, again.task.end_reason) == (held.task.metadata_location, "SessionEnded")


def test_a_chunk_that_is_reopened_at_another_place_takes_the_new_task_as_it_is() -> None:
    """Facts of one location say nothing of another."""
    held = record(ChunkState.QUARANTINED)
    elsewhere = task(content_location=location(document_id(5)), metadata_location=None, event_id="another")
    assert reopened(held, elsewhere, EVENT_TIME).task == elsewhere


def suspect(name: str) -> Suspect:
    return Suspect(blob_name=name, sha256=None, length_bytes=5, reason="x", at=EVENT_TIME)


def test_a_chunk_that_is_copied_again_gets_another_name_beside_what_has_its_name() -> None:
    """Nothing is ever replaced; what is listed already is listed once."""
    proved = record(ChunkState.CATALOGED, suspects=(suspect("a"), suspect("b")), name_version=2)
    again = recopied(proved, taken := suspect("b").model_copy(update={"reason": "y"}))
    assert (again.state, again.name_version) == (ChunkState.PENDING, 3)
    assert again.suspects == (suspect("a"), taken)
    assert (again.blob_name, again.verified_at, again.cataloged_at, again.sha256) == (None, None, None, None)
    assert again.metadata is MetadataOutcome.PENDING


@pytest.mark.parametrize("state", [ChunkState.PENDING, ChunkState.COPIED, ChunkState.VERIFIED, ChunkState.CATALOGED])
def test_a_chunk_whose_copy_vanished_is_copied_again_under_its_name(state: ChunkState) -> None:
    """There is nothing beside it."""
    again = recopied(record(state, name_version=2, blob_name="a.wav"))
    assert (again.state, again.name_version, again.suspects, again.blob_name) == (ChunkState.PENDING, 2, (), None)


@pytest.mark.parametrize(
    ("changes", "is_seen"),
    [
        ({}, False),
        ({"last_error": "source_busy", "changed_at": EVENT_TIME + A_SECOND}, False),
        ({"state": ChunkState.VERIFIED}, True),
        ({"blob_name": "b.wav"}, True),
        ({"suspects": (suspect("a"),)}, True),
        ({"fallback": FallbackCopy(blob_name="a", length_bytes=5, sha256="ab", kept_at=EVENT_TIME)}, True),
        ({"task": task(expires_at=task().expires_at + A_SECOND)}, True),
    ],
)
def test_derived_data_are_made_again_only_for_what_they_show(changes: dict[str, Any], is_seen: bool) -> None:
    """A failed try changes nothing that can be found; a new state or name does."""
    before = record(ChunkState.COPIED)
    assert is_otherwise(before, before.model_copy(update=changes)) is is_seen


ELSEWHERE = location(document_id(5))


def test_a_task_has_no_work_left_where_its_object_is_settled() -> None:
    """One that names another location has, whatever became of the first."""
    settled, at_work = record(ChunkState.SOURCE_DELETED), record(ChunkState.VERIFIED)
    assert is_settled_for(settled, settled.task) is True
    assert is_settled_for(settled, task(content_location=ELSEWHERE)) is False
    assert [is_settled_for(at_work, at_work.task), is_settled_for(at_work, task(content_location=ELSEWHERE))] == [
        False,
        False,
    ]


def test_only_a_chunk_that_is_held_as_a_duplicate_is_disowned() -> None:
    """One that is put back to work is not, nor is one that is held for another reason."""
    reasons = (Code.DUPLICATE_DOCUMENT, Code.SOURCE_EMPTY, None)
    verdicts = {
        (state, reason): is_disowned(record(state, quarantine_reason=reason))
        for state in ChunkState
        for reason in reasons
    }
    assert [case for case, verdict in verdicts.items() if verdict is True] == [
        (ChunkState.QUARANTINED, Code.DUPLICATE_DOCUMENT)
    ]
    assert {verdict for verdict in verdicts.values() if verdict is not True} == {False}


def test_a_twin_is_the_same_archived_file_of_acs_under_another_key() -> None:
    """A file in the customer's storage, another document or object and the chunk itself are none."""
    mine, now = record(ChunkState.PENDING), EVENT_TIME

    def other(state: ChunkState = ChunkState.SOURCE_DELETED, **changes: Any) -> ChunkRecord:
        return record(state, **{"task": task(1, document_id(0)), "source": SourceOutcome.DELETED, **changes})

    assert is_twin(other(), mine, now) is True
    assert is_twin(other(source=SourceOutcome.ALREADY_GONE), mine, now) is True
    left = other(ChunkState.CATALOGED, source=SourceOutcome.LEFT_TO_EXPIRE)
    assert is_twin(left, mine, mine.task.expires_at) is True
    accepted = Acceptance(by="anna", note="heard it", at=now)
    silenced = (Silenced(request_id="r", channels=(1,), at=now),)
    others = (
        left,  # not found is late, as long as ACS has the file
        other(task=mine.task),  # itself
        other(ChunkState.VERIFIED),
        other(task=task(1, document_id(1))),
        other(task=task(1, document_id(0), content_location=location(document_id(1)))),
        other(task=task(1, document_id(0), home=Home.EXTERNAL)),
        other(accepted=accepted),
        other(silenced=silenced),
        other(disposed_at=now),
    )
    assert [is_twin(one, mine, now) for one in others] == [False] * len(others)
    external = record(task=mine.task.model_copy(update={"home": Home.EXTERNAL}))
    assert not is_twin(other(), external, now)
    assert not is_twin(other(task=task(1, document_id(0), home=Home.EXTERNAL)), external, now)
