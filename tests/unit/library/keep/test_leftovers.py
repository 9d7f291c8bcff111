"""What lies beside recordings goes with its own one only: whole ids, in every spelling, and never under a hold."""

import json
import weakref
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.erasure_world import CANARIES, OTHER, erase, full_world, nights, spelt
from dev.in_memory.fakes.quarantine import MOST_LETTERS, FakeDeadLetters
from dev.in_memory.keep_world import archived, days_pass, put_rule
from dev.in_memory.world import World, world
from recording.domain.incoming.named import recordings_in, words_in
from recording.library.keep.holds import place_hold
from recording.library.keep.leftovers import Leftovers
from recording.ports import DeadLetter, QuarantineEntry

PADDED = "eyJhIjoiYmNkZWYifQ"  # ACS writes it with padding, too


def kept(here: World, payload: str, recording_id: str | None = None) -> str:
    entry = QuarantineEntry("odd", "d", payload, "event_queue", here.now, recording_id)
    return here.fakes.quarantine.put(entry)


@pytest.mark.parametrize("text", ["recording-1", "recording-12", "1-recording-1x", "another.recording-1"])
def test_an_id_that_begins_or_ends_another_one_is_not_that_one(text: str) -> None:
    """Ids of imports are short and numbered: what is about the twelfth is not about the first."""
    here = world()
    name = kept(here, json.dumps({"recordingId": text}))
    assert list(Leftovers(here.ports).quarantined("recording-1")) == ([name] if text == "recording-1" else [])


@pytest.mark.parametrize("place", range(8))
def test_every_spelling_of_an_entry_goes_with_its_recording(place: int) -> None:
    """Not a byte of the rest: packed and encoded payloads are about it as well."""
    here, _ = archived()
    name = kept(here, spelt(f"recordingId={RECORDING_ID} x")[place])
    letter = DeadLetter("2026/1.json", spelt(f"/recordingId/{RECORDING_ID}")[place], here.now)
    object.__setattr__(here.fakes, "dead_letters", FakeDeadLetters(letter))
    found = Leftovers(here.ports)
    assert list(found.quarantined(RECORDING_ID)) == [name]
    assert list(found.dead_letters(RECORDING_ID)) == [letter.name]


def test_another_spelling_of_the_id_is_the_same_recording() -> None:
    """ACS pads an encoded id, or not."""
    here = world()
    name = kept(here, json.dumps({"subject": f"/recordingId/{PADDED}==/x"}))
    assert list(Leftovers(here.ports).quarantined(PADDED)) == [name]
    assert recordings_in(f"recordingId={PADDED}==") == {PADDED}
    assert PADDED in words_in(f"x {PADDED}==, y")


def test_an_entry_about_a_held_recording_stays_though_it_names_a_destroyed_one() -> None:
    """A batch of events names several; the case needs what is about its own one."""
    here, _ = archived()
    both = kept(here, json.dumps([{"recordingId": RECORDING_ID}, {"recordingId": "recording-of-a-case"}]))
    alone = kept(here, json.dumps([{"recordingId": RECORDING_ID}]))
    known = here.fakes.catalog.recordings[RECORDING_ID]
    here.fakes.catalog.add_recording(known.model_copy(update={"recording_id": "recording-of-a-case", "folder": None}))
    place_hold("recording-of-a-case", "L-1", "lawsuit", None, here.ports)
    put_rule(here, "delete", 1)
    days_pass(here, 17)
    assert (both in here.fakes.quarantine.kept, alone in here.fakes.quarantine.kept) == (True, False)


@pytest.mark.parametrize("place", range(8))
def test_what_names_a_held_recording_in_whatever_spelling_stays(place: int) -> None:
    """The eraser reads every spelling of a person; it must read those of the recording as well."""
    here, _ = full_world()
    place_hold(OTHER, "L-17", "lawsuit", None, here.ports)
    name = kept(here, spelt(f"recordingId={OTHER} {CANARIES[0]}")[place])
    erase(here)
    nights(here, 2)
    assert name in here.fakes.quarantine.kept


def test_dead_letters_are_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand of them may have a gigabyte together; and a second thousand is behind them."""
    here, _ = archived()
    kept = FakeDeadLetters(
        *[DeadLetter(f"{n:05}.json", f"/recordingId/{RECORDING_ID}", here.now) for n in range(2 * MOST_LETTERS + 1)]
    )
    object.__setattr__(here.fakes, "dead_letters", kept)
    given, most = list[weakref.ref[DeadLetter]](), 0

    def letters(after: str = "") -> Iterator[DeadLetter]:
        nonlocal most
        for name in [name for name in sorted(kept.kept) if name > after][:MOST_LETTERS]:
            letter = replace(kept.kept[name])
            given.append(weakref.ref(letter))
            most = max(most, sum(one() is not None for one in given[-50:]))
            yield letter

    monkeypatch.setattr(kept, "letters", letters)
    assert len(list(Leftovers(here.ports).dead_letters(RECORDING_ID))) == 2 * MOST_LETTERS + 1
    assert most <= 2
