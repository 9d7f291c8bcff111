"""A contact centre's day of events: every type, both forms, Microsoft's own reader, and nobody named."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from dev.prove import told_centre
from dev.prove.told_centre import CentreDay, centre_day, faults_in
from recording.domain.outgoing.events import CallData, EventType, OutgoingEvent, Subject, SubjectKind, event_of

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def day() -> CentreDay:
    return centre_day(300)


def test_every_declared_type_leaves_and_each_event_is_valid_and_names_nobody(day: CentreDay) -> None:
    """Hundreds of calls with made-up people in rows, pauses, consents and cases."""
    assert day.faults == []
    assert set(day.counts) == {kind.wire_name for kind in EventType}
    assert day.counts[EventType.ARCHIVED.wire_name] > 200


def event(**changes: object) -> OutgoingEvent:
    made = event_of(
        EventType.UNRECORDED,
        Subject(kind=SubjectKind.RECORDING, id="contact-0000001"),
        AT,
        CallData(recording_id="contact-0000001", reason="stopped"),
    )
    return made.model_copy(update=changes)


def test_a_good_event_has_no_fault() -> None:
    """So that the next test says something."""
    assert faults_in(event()) == []


@pytest.mark.parametrize(
    "data",
    [
        {"recordingId": "contact-0000001"},
        {"recordingId": "contact-0000001", "reason": "stopped", "more": 1},
        {"recordingId": "contact-0000001", "reason": f"card of {told_centre.WHO}"},
        {"recordingId": "contact-0000001", "reason": "+15550001234"},
        {"recordingId": "contact-0000001", "reason": "8:acs:0ca7a121-0000-4f0b-9d2a-000000000000_1"},
        {"recordingId": "contact-0000001", "reason": "https://contoso.blob.core.windows.net/x?sig=1"},
        {"recordingId": "contact-0000001", "reason": "C-17"},
    ],
)
def test_an_event_that_says_less_more_or_whom_is_found(data: dict[str, object]) -> None:
    """A check that accepts everything checks nothing."""
    assert faults_in(event(data=data))


@pytest.mark.parametrize("spoil", [lambda made: made.model_copy(update={"id": "short"})])
def test_an_envelope_that_is_spoilt_is_found(spoil: Callable[[OutgoingEvent], OutgoingEvent]) -> None:
    """Ids have one form."""
    assert faults_in(spoil(event()))
