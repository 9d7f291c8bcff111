"""The recordings that a stored message names: those who erase must find every one, and touch no other."""

import json

from dev.in_memory.builders import RECORDING_ID, event, task
from recording.domain.incoming.named import recordings_in, recordings_named, words_in

OTHER = "another-recording-0001"


def test_an_event_names_its_recording_by_its_subject() -> None:
    """Event Grid's subject is where ACS says it."""
    assert recordings_named(json.dumps(event())) == frozenset({RECORDING_ID})


def test_a_task_names_its_recording() -> None:
    """The poison queue holds tasks as well."""
    assert recordings_named(task().model_dump_json()) == frozenset({RECORDING_ID})


def test_every_event_of_a_message_counts() -> None:
    """A delivery may hold several."""
    other = {"subject": f"/recording/call/x/recordingId/{OTHER}/y"}
    assert recordings_named(json.dumps([event(), other])) == frozenset({RECORDING_ID, OTHER})


def test_one_event_that_names_none_leaves_the_message_unknown() -> None:
    """What belongs to nobody for certain is not given to somebody."""
    assert recordings_named(json.dumps([event(), {"subject": "nothing"}])) is None
    assert recordings_named("not JSON") is None
    assert recordings_named(json.dumps({"recording_id": 7})) is None


def test_ids_are_found_in_any_text() -> None:
    """A text that cannot be parsed may still be about a recording."""
    broken = f'{{"recordingId": "{OTHER}", "call'
    assert recordings_in(broken) == frozenset({OTHER})
    assert recordings_in("recordingId=null recording_id: None") == frozenset()


def test_words_are_whole() -> None:
    """A part of a longer id is another id."""
    assert OTHER in words_in(f"seen ({OTHER})")
    assert OTHER not in words_in(f"seen ({OTHER}7)")
