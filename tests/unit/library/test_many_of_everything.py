"""A hundred times the ordinary number of all that a row holds: it is saved, found, erased, and says what is cut."""

from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID, metadata, task
from dev.in_memory.keep_world import attached
from dev.in_memory.world import World, world
from recording.control.recordings import get_recording
from recording.domain.calls.pauses import open_pause
from recording.domain.find.find_query import FindQuery
from recording.domain.incoming.facts import MOST_PARTICIPANTS
from recording.domain.incoming.participants import ParticipantClass
from recording.domain.keep.subject import kept_recording
from recording.domain.state.recording import MOST_CONSENTS, MOST_PAUSES, RecordingRecord
from recording.http.views.library import FoundPageView
from recording.library.directory import find
from recording.library.follow_up import follow_up
from recording.library.keep.erasures import request_erasure
from recording.operate.timeline import story
from tests.unit.control.calls import GIVEN, WITHDRAWN, passes, pauses, starts, tells, under

pytestmark = pytest.mark.slow

PEOPLE = 5000


def crowded(kind: str, **record: Any) -> World:
    """Return a world with one archived recording of thousands of people."""
    here = world()
    attached(here.fakes)
    people = [{"participantId": person(kind, number), "channel": number % 70} for number in range(PEOPLE)]
    here.holds(task(), document=metadata(participants=people))
    here.announces()
    row = here.fakes.catalog.recordings[RECORDING_ID]
    here.fakes.catalog.save_recording(row.model_copy(update=record))
    here.runs(hours=1)
    here.follows_up()
    return here


def person(kind: str, number: int) -> str:
    return f"4:+49{number:09d}" if kind == "phone" else f"8:acs:{number:036d}_{number:036d}"


def row_of(here: World) -> RecordingRecord:
    return here.fakes.catalog.recordings[RECORDING_ID]


@pytest.mark.parametrize("tenant", [None, "alpha"])
@pytest.mark.parametrize("kind", ["phone", "acs"])
def test_a_recording_of_thousands_of_people_is_found_and_says_how_many_it_does_not_list(
    kind: str, tenant: str | None
) -> None:
    """The row that lists them all would be refused, and its recording never found, never settled."""
    here = crowded(kind, tenant=tenant)
    row = row_of(here)
    assert (row.facts, row.placement) != (None, None)
    assert row.facts is not None
    assert row.placement is not None
    assert row.placement.digest is not None
    assert (len(row.facts.participants), row.facts.more_participants) == (MOST_PARTICIPANTS, PEOPLE - MOST_PARTICIPANTS)
    kept = kept_recording(row)
    assert kept is not None
    assert kept.participants == {ParticipantClass.PHONE if kind == "phone" else ParticipantClass.ACS}
    listed = row.facts.participants[-1].key
    for query in ({}, {"participant": f"h:{listed}"}, {"call": row.call_id}):
        page = find(FindQuery.read(query), here.ports, here.settings)
        (told,) = FoundPageView.of(page).plain()["recordings"]
        assert told["moreParticipants"] == PEOPLE - MOST_PARTICIPANTS
    here.fakes.index_keys.secrets.insert(0, b"another key of the tests, 32 bytes")
    assert follow_up(RECORDING_ID, here.ports)
    placement = row_of(here).placement
    assert placement is not None
    assert (placement.stale, {place.partition("|")[0] for place in here.fakes.directory.places}) == (
        (),
        set(placement.partitions),
    )


@pytest.mark.parametrize("is_readable", [True, False], ids=["readable", "row of another version"])
@pytest.mark.parametrize("number", [0, 1, 2, PEOPLE // 2, PEOPLE - 1])
def test_each_of_thousands_can_be_erased(number: int, *, is_readable: bool) -> None:
    """What the index has no room for is in the documents, and a request reads them, also those of a row it cannot."""
    here = crowded("phone")
    if not is_readable:
        here.fakes.catalog.unreadable.update(here.fakes.catalog.chunks)
    body = {"participant": person("phone", number), "reason": "letter"}
    made = request_erasure(body, "alice", here.ports, here.settings)
    assert made.recordings == (RECORDING_ID,)
    stranger = {"participant": "4:+4917099999999", "reason": "letter"}
    assert request_erasure(stranger, "alice", here.ports, here.settings).recordings == ()


def test_a_call_that_is_paused_hundreds_of_times_can_be_paused_once_more() -> None:
    """A pause that is refused is a card number in the recording."""
    here = under()
    name = starts(here)
    for _ in range(MOST_PAUSES + 50):
        pauses(here, name, 5)
        passes(here, 15)
    pauses(here, name)
    row = here.fakes.catalog.recordings[name]
    assert (len(row.pauses), row.more_pauses) == (MOST_PAUSES, 51)
    assert open_pause(row.pauses) == row.pauses[-1]
    told = get_recording(name, here.ports, here.settings)
    assert (len(told["pauses"]), told["morePauses"]) == (MOST_PAUSES, 51)


def test_consent_that_changes_hundreds_of_times_is_as_it_was_said_last() -> None:
    """A withdrawal that is refused is a recording without consent; the trail has every step."""
    here = under()
    name = starts(here)
    for _ in range(MOST_CONSENTS):
        tells(here, name, GIVEN)
        tells(here, name, WITHDRAWN)
    row = here.fakes.catalog.recordings[name]
    assert (len(row.consents), row.more_consents) == (MOST_CONSENTS, MOST_CONSENTS)
    told = get_recording(name, here.ports, here.settings)
    assert (told["consentState"], told["moreConsents"]) == ("withdrawn", MOST_CONSENTS)
    assert story(name, here.ports) is not None
