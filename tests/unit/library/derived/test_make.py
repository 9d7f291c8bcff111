"""Derived files: made from what is archived, whatever fails in between, and destroyed with it."""

import hashlib
import io
import json
from collections.abc import Callable
from datetime import timedelta

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.in_memory.builders import RECORDING_ID, chunk, event, mp3, mp4, task, wav
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from recording.domain.archived.derived import DerivedKind
from recording.domain.archived.layout import derived_mark
from recording.domain.media import wav_layout
from recording.errors import RequestError, StorageError
from recording.errors.codes import Code
from recording.library.derived import blocks as blocking
from recording.library.derived.ask import list_derived
from recording.library.derived.make import derive_message
from tests.unit.library.derived.derived_world import (
    CHANNELS,
    archived,
    asks,
    made,
    sound_of,
    spoken,
    stored,
    sung,
    works,
)


@pytest.mark.parametrize("copies", [True, False])
def test_all_chunks_become_one_file(copies: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By copies inside storage, and through the app where it offers none: the same bytes, each sample in its place."""
    monkeypatch.setattr(blocking, "BLOCK_BYTES", 8000)
    chunks = [spoken(number) for number in range(3)]
    here = archived(*chunks)
    here.fakes.derived.copies = copies
    (one,) = made(here)
    assert sound_of(stored(here, one)) == b"".join(map(sound_of, chunks))
    assert one["sha256"] == hashlib.sha256(stored(here, one)).hexdigest()
    assert (here.fakes.derived.copied > 3) is copies
    receipt = json.loads(here.fakes.archive.blobs[one["blobName"].replace(".wav", ".json")].data)
    assert [each["sha256"] for each in receipt["inputs"]] == [hashlib.sha256(data).hexdigest() for data in chunks]
    assert [joint["atSample"] for joint in receipt["joints"]] == [5000, 10_000]
    assert (receipt["complete"], receipt["durationMs"], receipt["channels"]) == (True, 937.5, CHANNELS)
    assert receipt["tool"]
    assert receipt["toolVersion"]


def test_a_file_beyond_4_gib_gets_the_form_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is made small; a decoder reads all of it."""
    monkeypatch.setattr(wav_layout, "LARGEST_RIFF", 50_000)
    chunks = [spoken(number) for number in range(3)]
    (one,) = made(here := archived(*chunks))
    data = stored(here, one)
    assert data[:4] == b"RF64"
    with av.open(io.BytesIO(data), "r") as opened:
        found = np.concatenate([frame.to_ndarray() for frame in opened.decode(audio=0)], axis=1)
    assert found.astype("<i2").tobytes() == b"".join(map(sound_of, chunks))


def test_every_speaker_has_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each channel of each chunk, as long as the chunk."""
    monkeypatch.setattr(blocking, "BLOCK_BYTES", 3000)
    chunks = [spoken(number) for number in range(2)]
    here = archived(*chunks)
    told = made(here, "speakers")
    assert len(told) == 2 * CHANNELS
    for one in told:
        receipt = json.loads(here.fakes.archive.blobs[one["blobName"].replace(".wav", ".json")].data)
        number, channel = receipt["inputs"][0]["index"], one["channel"]
        whole = np.frombuffer(sound_of(chunks[number]), "<i2").reshape(-1, CHANNELS)
        assert sound_of(stored(here, one)) == whole[:, channel].tobytes()


def test_the_frames_of_mp3_chunks_become_one_file() -> None:
    """Tags go, and the table tells the length."""
    (one,) = made(here := archived(mp3(30, tag=100), mp3(40, tag=7), mp3(20)))
    data = stored(here, one)
    assert data.endswith(mp3(90))
    assert b"Info" in data[: len(data) - len(mp3(90))]
    assert one["durationMs"] == 90 * 36


def test_a_missing_chunk_is_told_and_nothing_is_put_in_its_place() -> None:
    """What was not recorded or was lost is named; the file has what there is."""
    here = archived(spoken(0), spoken(2), missing=(1,))
    (one,) = made(here)
    receipt = json.loads(here.fakes.archive.blobs[one["blobName"].replace(".wav", ".json")].data)
    assert (receipt["complete"], receipt["missingIndexes"]) == (False, [1])
    assert sound_of(stored(here, one)) == sound_of(spoken(0)) + sound_of(spoken(2))


@pytest.mark.parametrize(
    ("media", "kind", "said"),
    [
        ((mp4(),), "joined", "video"),
        ((mp4(),), "speakers", "video"),
        ((mp3(),), "speakers", "WAV"),
        ((wav(), mp3()), "joined", "formats"),
        ((wav(), wav(channels=2)), "joined", "differs"),
    ],
)
def test_what_cannot_be_made_is_refused_with_its_reason(media: tuple[bytes, ...], kind: str, said: str) -> None:
    """At once, not in a queue."""
    here = archived(*media)
    with pytest.raises(RequestError, match=said) as refused:
        asks(here, kind)
    assert refused.value.code is Code.NOT_DERIVABLE
    assert here.fakes.derived.sent == []


def test_nothing_is_made_while_the_line_works() -> None:
    """The joined file would lack what is on its way."""
    here = archived(spoken(0))
    here.holds(task(1), spoken(1))
    here.announces(event(chunk(0), chunk(1)))
    with pytest.raises(RequestError) as refused:
        asks(here)
    assert refused.value.code is Code.NOT_ARCHIVED


def test_the_same_again_changes_nothing_and_a_new_chunk_makes_another_file() -> None:
    """Messages come twice; chunks come late."""
    here = archived(spoken(0), spoken(1))
    (one,) = made(here)
    before = dict(here.fakes.archive.blobs)
    for _ in range(2):
        derive_message(json.dumps({"recordingId": RECORDING_ID, "kind": "joined"}), here.ports)
    assert here.fakes.archive.blobs == before
    assert [each["state"] for each in asks(here)] == ["made"]
    assert here.fakes.derived.sent == []
    here.holds(task(2), spoken(2))
    here.announces(event(*(chunk(number) for number in range(3)), id="event-2"))
    here.runs(hours=1)
    assert len(made(here)) == 2
    assert stored(here, one) == before[one["blobName"]].data


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "media"), [("joined", spoken), ("speakers", spoken), ("joined", sung)])
@pytest.mark.parametrize("copies", [True, False])
def test_a_worker_may_die_at_every_call(
    kind: str, media: Callable[[int], bytes], copies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before or after each effect; the message comes again, and in the end the files are those of an easy day."""
    monkeypatch.setattr(blocking, "BLOCK_BYTES", 9000)

    def fresh() -> World:
        here = archived(media(0), media(1))
        here.fakes.derived.copies = copies
        asks(here, kind)
        return here

    plain = fresh()
    works(plain)
    expected = derived_in(plain)
    calls = 0
    for dies_after in (False, True):
        at = 0
        while True:
            here, seen, died = fresh(), 0, False

            def decide(
                _port: str, _method: str, at: int = at, dies_after: bool = dies_after
            ) -> tuple[Exception | None, bool]:
                nonlocal seen, died
                seen += 1
                if seen == at + 1 and not died:
                    died = True
                    return WorkerDiedError(), dies_after
                return None, False

            intercept(here, decide)
            text = here.fakes.derived.take()[0]
            try:
                derive_message(text, here.ports)
            except WorkerDiedError:
                leave_alone(here)
                derive_message(text, here.ports)
            leave_alone(here)
            assert derived_in(here) == expected, (at, dies_after)
            calls = max(calls, seen)
            at += 1
            if not died:
                break
    assert calls > 10


def derived_in(here: World) -> dict[str, bytes]:
    """The derived files and their receipts, without the times in them."""
    found = {}
    for name, blob in here.fakes.archive.blobs.items():
        if derived_mark(name) is not None and not name.endswith((".asked.json", ".failed.json")):
            data = blob.data
            if name.endswith(".json"):
                data = json.dumps({**json.loads(data), "madeAt": None}).encode()
            found[name] = data
    return found


def test_what_is_staged_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends in the middle of hours of sound is continued, not begun anew."""
    monkeypatch.setattr(blocking, "BLOCK_BYTES", 8000)
    here = archived(*(spoken(number) for number in range(4)))
    asks(here)
    (text,) = here.fakes.derived.take()
    died = False

    def decide(port: str, _method: str) -> tuple[Exception | None, bool]:
        nonlocal died
        if port == "FakeDerived" and here.fakes.derived.copied == 10 and not died:
            died = True
            return WorkerDiedError(), False
        return None, False

    intercept(here, decide)
    with pytest.raises(WorkerDiedError):
        derive_message(text, here.ports)
    derive_message(text, here.ports)
    leave_alone(here)
    total = sum(-(-len(sound_of(spoken(number))) // 8000) for number in range(4))
    assert here.fakes.derived.copied == total


def test_bytes_that_are_not_the_archived_ones_make_no_file() -> None:
    """A source is held against its digest; whoever asked sees that it goes on failing, and nothing counts as made."""
    for kind, media in (("joined", [spoken(0), spoken(1)]), ("speakers", [spoken(0)]), ("joined", [mp3(30), mp3(20)])):
        here = archived(*media)
        asks(here, kind)
        name = here.fakes.catalog.chunks_of(RECORDING_ID)[0].blob_name or ""
        blob = here.fakes.archive.blobs[name]
        changed = bytearray(blob.data)
        changed[-300] ^= 1
        here.fakes.archive.blobs[name] = type(blob)(bytes(changed), blob.media_type, blob.facts, blob.etag, blob.blocks)
        with pytest.raises(StorageError, match="not what was archived"):
            works(here)
        assert "made" not in [one["state"] for one in list_derived(RECORDING_ID, here.ports)]


def test_a_failure_is_kept_where_the_asker_looks() -> None:
    """The archive tier is brought back by people, and then the same request works."""
    here = archived(mp3(30), mp3(20))
    asks(here)
    name = here.fakes.catalog.chunks_of(RECORDING_ID)[0].blob_name or ""
    here.fakes.archive.tiers[name] = "Archive"
    works(here)
    (told,) = list_derived(RECORDING_ID, here.ports)
    assert (told["state"], told["error"]) == ("failed", Code.MEDIA_OFFLINE)
    here.fakes.archive.tiers.clear()
    assert [one["state"] for one in made(here)] == ["made"]


def test_heavy_work_waits_its_turn() -> None:
    """Two at once in a process; the others come again later, and the line is not slowed."""
    here = archived(spoken(0))
    asks(here)
    while here.ports.memory.heavy.acquire(blocking=False):
        pass
    (text,) = here.fakes.derived.take()
    derive_message(text, here.ports)
    ((_, kind, at),) = here.fakes.derived.sent
    assert (kind, at) == (DerivedKind.JOINED, here.now + timedelta(seconds=30))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"recordingId": 1}', '{"recordingId": "x", "kind": "video"}'])
def test_messages_that_say_nothing_make_nothing(text: str) -> None:
    """A queue may hold anything."""
    derive_message(text, world().ports)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 3000), min_size=1, max_size=4),
    st.integers(1, 5),
    st.integers(1000, 20_000),
    st.booleans(),
)
def test_any_chunks_in_blocks_of_any_size(sizes: list[int], channels: int, block: int, copies: bool) -> None:
    """Both kinds, against the samples as they went in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocking, "BLOCK_BYTES", block)
        chunks = [spoken(number, frames, channels) for number, frames in enumerate(sizes)]
        here = archived(*chunks)
        here.fakes.derived.copies = copies
        (joined,) = made(here)
        assert sound_of(stored(here, joined)) == b"".join(map(sound_of, chunks))
        for one in made(here, "speakers"):
            if one["kind"] == "speakers":
                index = int(one["name"].split(".")[2])
                whole = np.frombuffer(sound_of(chunks[index]), "<i2").reshape(-1, channels)
                assert sound_of(stored(here, one)) == whole[:, one["channel"]].tobytes()
