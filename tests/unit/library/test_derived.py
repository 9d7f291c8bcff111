"""Derived files: made from what is archived, whatever fails in between, and destroyed with it."""

import hashlib
import io
import json
import wave
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.in_memory.builders import RECORDING_ID, chunk, event, mp3, mp4, task, wav
from dev.in_memory.keep_world import attached, days_pass, put_rule
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from recording.domain.archived.derived import DerivedKind
from recording.domain.archived.exports import bundle_name
from recording.domain.archived.layout import derived_mark
from recording.domain.keep.destroy import Place
from recording.domain.media import wav_layout
from recording.errors import RequestError, StorageError
from recording.errors.codes import Code
from recording.library.derived import blocks as blocking
from recording.library.derived.ask import find_heard, list_derived, request_derived
from recording.library.derived.make import derive_message
from recording.library.handover.export import export_message, request_export
from recording.library.keep.dispose import dispose
from recording.library.keep.holds import place_hold, release_hold
from recording.library.rebuild import rebuild
from recording.operate.drift import look_for_drift
from recording.operate.get_recording_files import files_of
from recording.operate.verify_recording import verify

CHANNELS = 3


def spoken(number: int, frames: int = 5000, channels: int = CHANNELS) -> bytes:
    """A chunk whose every sample says which chunk, channel and place it is of."""
    with io.BytesIO() as file:
        with wave.open(file, "wb") as writer:
            writer.setnchannels(channels)
            writer.setsampwidth(2)
            writer.setframerate(16_000)
            samples = np.arange(frames * channels, dtype="<i2") * 7 + number
            writer.writeframes(samples.tobytes())
        return file.getvalue()


def sung(number: int) -> bytes:
    """A chunk of frames."""
    return mp3(50 + number)


def archived(*media: bytes, of: World | None = None, missing: tuple[int, ...] = ()) -> World:
    """A world in which these chunks of one recording are archived."""
    here = of or world()
    numbers = [number for number in range(len(media) + len(missing)) if number not in missing]
    for number, content in zip(numbers, media, strict=True):
        here.holds(task(number), content)
    here.announces(event(*(chunk(number) for number in numbers)))
    here.runs_due()
    here.runs(hours=1)
    here.follows_up()
    assert len(media) == sum(1 for one in here.fakes.catalog.chunks_of(RECORDING_ID) if one.cataloged_at)
    return here


def asks(here: World, kind: str = "joined") -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = request_derived(RECORDING_ID, {"kind": kind}, here.ports)["files"]
    return told


def works(here: World) -> None:
    """The host hands out messages until there are none."""
    while messages := here.fakes.derived.take():
        for text in messages:
            derive_message(text, here.ports)


def made(here: World, kind: str = "joined") -> list[dict[str, Any]]:
    asks(here, kind)
    works(here)
    told = list_derived(RECORDING_ID, here.ports)
    assert [one["state"] for one in told] == ["made"] * len(told), told
    return told


def stored(here: World, one: dict[str, Any]) -> bytes:
    data: bytes = here.fakes.archive.blobs[one["blobName"]].data
    return data


def sound_of(data: bytes) -> bytes:
    with wave.open(io.BytesIO(data)) as reader:
        samples: bytes = reader.readframes(reader.getnframes())
        return samples


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


def test_verify_drift_rebuild_and_get_know_them() -> None:
    """They are no strangers, they are proved again, and they make no chunk."""
    here = archived(spoken(0), spoken(1))
    (one,) = made(here)
    proved = verify(RECORDING_ID, here.ports, here.settings)
    assert proved is not None
    assert proved.is_proved, proved
    assert look_for_drift(here.ports, here.settings).drifts == ()
    assert rebuild(here.ports, here.settings, from_start=True).problems == []
    offered = {file.blob_name: file.sha256 for file in files_of(RECORDING_ID, here.ports)}
    assert offered[one["blobName"]] == one["sha256"]
    assert not any(name.endswith(".asked.json") for name in offered)
    blob = here.fakes.archive.blobs[one["blobName"]]
    here.fakes.archive.blobs[one["blobName"]] = type(blob)(
        blob.data[:-1] + b"x", blob.media_type, blob.facts, blob.etag
    )
    again = verify(RECORDING_ID, here.ports, here.settings)
    assert again is not None
    assert again.differences == (f"derived_bytes {one['blobName']}",)
    del here.fakes.archive.blobs[one["blobName"]]
    again = verify(RECORDING_ID, here.ports, here.settings)
    assert again is not None
    assert again.differences == (f"derived_missing {one['blobName']}",)


def test_they_are_kept_while_held_and_destroyed_with_their_recording() -> None:
    """Nothing of them is left, and nothing is made afterwards."""
    here = archived(spoken(0), spoken(1))
    custodian = attached(here.fakes)
    put_rule(here, "delete", 30)
    place_hold(RECORDING_ID, "case-1", "a lawsuit", "alice", here.ports)
    (one,) = made(here)
    made(here, "speakers")
    derived = [one for one in custodian.versions(Place.ARCHIVE, "") if derived_mark(one.name) is not None]
    assert all(version.is_held for version in derived)
    assert len(derived) > CHANNELS
    days_pass(here, 60)
    assert one["blobName"] in here.fakes.archive.blobs
    release_hold(RECORDING_ID, "case-1", "over", "alice", here.ports)
    days_pass(here, 60)
    assert [name for name in here.fakes.archive.blobs if not name.startswith("_certificates/")] == []
    with pytest.raises(RequestError):
        asks(here)
    derive_message(json.dumps({"recordingId": RECORDING_ID, "kind": "joined"}), here.ports)
    assert [name for name in here.fakes.archive.blobs if not name.startswith("_certificates/")] == []


def test_a_file_that_is_being_made_and_a_destruction_do_not_miss_each_other() -> None:
    """Wherever the custodian runs between two calls of the worker, in the end nothing is left."""
    at = 0
    while True:
        here = archived(spoken(0), spoken(1))
        attached(here.fakes)
        put_rule(here, "delete", 30)
        days_pass(here, 29)
        asks(here)
        (text,) = here.fakes.derived.take()
        here.fakes.clock.advance(days=20)
        dispose(here.ports, here.settings)
        here.fakes.clock.advance(days=20)
        seen, has_run = 0, False

        def decide(_port: str, _method: str, here: World = here, at: int = at) -> tuple[Exception | None, bool]:
            nonlocal seen, has_run
            seen += 1
            if seen == at + 1 and not has_run:
                has_run = True
                leave_alone(here)
                dispose(here.ports, here.settings)
            return None, False

        intercept(here, decide)
        derive_message(text, here.ports)
        leave_alone(here)
        days_pass(here, 40)
        left = [name for name in here.fakes.archive.blobs if not name.startswith("_certificates/")]
        assert left == [], at
        at += 1
        if not has_run:
            break
    assert at > 15


@pytest.mark.parametrize("is_asked", [True, False])
def test_a_bundle_has_them_when_asked(is_asked: bool) -> None:
    """With their receipts, and not otherwise."""
    here = archived(spoken(0), spoken(1))
    (one,) = made(here)
    asked = {"recordings": [RECORDING_ID], "derived": is_asked}
    export_id = request_export(asked, None, here.ports, here.settings)["exportId"]
    export_message(json.dumps({"exportId": export_id}), here.ports, here.settings)
    with zipfile.ZipFile(io.BytesIO(here.fakes.bundles.blobs[bundle_name(export_id)].data)) as opened:
        derived = {name.rpartition("/")[2]: name for name in opened.namelist() if "/derived." in name}
        assert len(derived) == (2 if is_asked else 0)
        if is_asked:
            assert opened.read(derived[one["blobName"].rpartition("/")[2]]) == stored(here, one)


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


@pytest.mark.parametrize("kind", ["joined", "speakers"])
def test_what_is_made_goes_with_its_recording_by_the_rule_of_the_deployment(kind: str) -> None:
    """DELETE_AFTER_DAYS is a rule of the custodian, who goes by the recording's folder: nothing outlives it there."""
    here = archived(spoken(0))
    here.settings = here.settings.model_copy(update={"delete_after": timedelta(days=90), "dispose_after": timedelta()})
    attached(here.fakes)
    one = made(here, kind)[0]
    assert find_heard(RECORDING_ID, one["derivedId"], here.ports).blob_name == one["blobName"]
    days_pass(here, 95)
    assert one["blobName"] not in here.fakes.archive.blobs


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"recordingId": 1}', '{"recordingId": "x", "kind": "video"}'])
def test_messages_that_say_nothing_are_dropped(text: str) -> None:
    """A queue may hold anything."""
    derive_message(text, world().ports)


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
