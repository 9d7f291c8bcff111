"""One speaker is taken out of unmixed audio: a new file, the others bit for bit, and nothing of the old ones left."""

import hashlib
import json
import tracemalloc
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID, document_id, metadata, mp3, record, task, wav
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.erasure_world import erase, everything, nights
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.fakes.seal import FakeSeal
from dev.in_memory.keep_world import attached, late_chunk, put_rule
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from dev.prove.traces import told_by, traces
from recording.domain.archived.importing import ImportEntry
from recording.domain.archived.layout import derived_stem
from recording.domain.formats import FormatType
from recording.domain.keep import speaker as rules_of
from recording.domain.keep.erasure import ErasureState
from recording.domain.media.silence import silenced
from recording.domain.media.wav_layout import read_wav_layout
from recording.domain.state.chunk import ChunkState, Suspect
from recording.domain.state.records import changed
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.http.views.keep import ErasureItemView
from recording.library.importing import ERASED, import_recordings
from recording.library.keep import speaker, speaker_files
from recording.library.keep.dispose import dispose
from recording.library.keep.erasures import erasure_status
from recording.library.keep.holds import place_hold, release_hold
from recording.library.rebuild import rebuild
from recording.library.seal.turn import seal
from recording.operate.drift import compare_recording
from tests.unit.library.seal.seal_world import copied, verified

pytestmark = pytest.mark.slow

OTHER = "8:acs:6f1c0d52-0000-4f0b-9d2a-5b7f6f0e11a3_0000000e-aaaa-bbbb-cccc-222222222222"
CANARIES = (PHONE, PHONE[1:], PARTICIPANT)
UNDISTURBED = 9  # versions that a run destroys in which nothing dies
VOICE, REST = b"\x11\x22", b"\x33\x44"
UNMIXED = {"contentType": "audio", "channelType": "unmixed", "format": "wav"}


def document(**changes: Any) -> bytes:
    people = [
        {"participantId": PARTICIPANT, "phoneNumber": PHONE, "channel": 0},
        {"participantId": OTHER, "channel": 1},
    ]
    return metadata(**{"recordingInfo": UNMIXED, "participants": people, **changes})


def archived(media: bytes | None = None, said: bytes | None = None, **rules: Any) -> tuple[World, FakeCustodian]:
    here = world()
    object.__setattr__(here.fakes, "seal", FakeSeal())
    object.__setattr__(here.fakes, "fallback", FakeArchive())
    custodian = attached(here.fakes, **rules)
    whole = wav(500, 2)
    sound = (VOICE + REST) * ((len(whole) - 44) // 4)
    here.holds(task(), whole[:44] + sound if media is None else media, document() if said is None else said)
    here.announces()
    here.runs_due()
    here.follows_up()
    seal(here.ports)
    folder = here.record().task.folder
    here.fakes.archive.put_once(f"{folder}/0000-{document_id()}.peaks.json", PARTICIPANT.encode(), "x")
    here.fakes.archive.put_once(f"{derived_stem(folder, 'joined', '0' * 16)}.wav", VOICE * 40, "audio/wav")
    assert here.fakes.fallback is not None
    here.fakes.fallback.put_once(f"{folder}/0000.wav", PHONE.encode(), "audio/wav")
    return here, custodian


def asks(here: World, scope: str = "speaker", **changes: Any) -> str:
    return erase(here, alsoKnownAs=[PARTICIPANT], scope=scope, **changes)


def item(here: World, erasure_id: str) -> ErasureItemView:
    (one,) = erasure_status(erasure_id, here.ports, here.settings).items
    return ErasureItemView.of(one, erasure_id)


def left(here: World, custodian: FakeCustodian) -> list[str]:
    return told_by(traces(everything(here, custodian), CANARIES))


def voice_left(custodian: FakeCustodian) -> int:
    return sum(VOICE * 2 in one.data or VOICE + REST in one.data for one in custodian.remaining())


def test_the_channel_is_silent_everywhere_and_the_other_one_is_as_it_was() -> None:
    """Versions and softly deleted copies too; the receipt says what was done."""
    here, custodian = archived(soft_delete=timedelta(days=7))
    before = here.record()
    assert voice_left(custodian)
    erasure_id = asks(here)
    nights(here, 2)
    here.fakes.clock.advance(days=7)
    after = here.record()
    media = here.fakes.archive.blobs[after.blob_name or ""].data
    assert media[44:] == (b"\0\0" + REST) * ((len(media) - 44) // 4)
    assert (voice_left(custodian), left(here, custodian)) == (0, [])
    assert hashlib.sha256(media).hexdigest() == after.sha256 != before.sha256
    (told,) = here.receipt()["erasedSpeakers"]
    assert (told["channels"], told["sha256Before"], told["sha256After"]) == ([0], before.sha256, after.sha256)
    assert (told["requestedBy"], told["approvedBy"]) == ("alice", "bob")
    assert (told["why"], told["erasureId"]) == ("erasure", erasure_id)
    status = erasure_status(erasure_id, here.ports, here.settings)
    assert (status.erasure.state, item(here, erasure_id).state) == (ErasureState.DONE, "SPEAKER_ERASED")
    record = here.fakes.catalog.recordings[RECORDING_ID]
    assert record.facts is not None
    assert len(record.facts.participants) == 1


def test_the_catalog_the_drift_and_the_seal_expect_the_new_file(tmp_path: Path) -> None:
    """And the catalog that is made again from the blobs says the same."""
    here, _ = archived()
    asks(here)
    nights(here, 2)
    assert compare_recording(RECORDING_ID, here.ports, here.settings).drifts == ()
    verdict = verified(copied(here, tmp_path))
    assert ([str(one) for one in verdict.problems], verdict.withdrawn > 0, verdict.media) == ([], True, 1)
    known = here.record()
    here.fakes.catalog.chunks.clear()
    here.fakes.catalog.recordings.clear()
    rebuild(here.ports, here.settings, from_start=True)
    assert (here.record().sha256, here.record().blob_name, here.record().silenced) == (
        known.sha256,
        known.blob_name,
        known.silenced,
    )


def test_files_that_were_made_from_the_old_one_are_destroyed_with_it() -> None:
    """Joined files and those of single speakers; they are made anew when somebody asks."""
    here, custodian = archived()
    erasure_id = asks(here)
    nights(here, 1)
    assert item(here, erasure_id).state == "SPEAKER_ERASED"
    assert [one.facts.name for one in custodian.remaining() if "/derived." in one.facts.name] == []


def test_the_certificate_names_nobody_and_has_both_digests() -> None:
    """It is sealed like every other one."""
    here, _ = archived()
    before, erasure_id = here.record().sha256, asks(here)
    nights(here, 1)
    name = item(here, erasure_id).certificate
    assert name is not None
    told = json.loads(here.fakes.archive.blobs[name].data)
    assert told["files"][0] | {"lengthBytes": 0} == {
        "index": 0,
        "channels": [0],
        "sha256Before": before,
        "sha256After": here.record().sha256,
        "lengthBytes": 0,
    }
    assert RECORDING_ID not in json.dumps(told)


@pytest.mark.parametrize(
    ("media", "said", "why"),
    [
        (wav(500, 1), document(recordingInfo={**UNMIXED, "channelType": "mixed"}), "mixed_audio"),
        (mp3(), document(recordingInfo={**UNMIXED, "format": "mp3"}), "format_has_no_channels"),
        (wav(500, 2), document(participants=[{"participantId": PARTICIPANT}]), "no_channel_of_their_own"),
        (
            wav(500, 2),
            document(participants=[{"participantId": one, "channel": 1} for one in (PARTICIPANT, OTHER)]),
            "channel_is_shared",
        ),
        (wav(500, 1), document(participants=[{"participantId": PARTICIPANT, "channel": 4}]), "no_channel_of_their_own"),
    ],
)
def test_what_cannot_be_done_alone_is_refused_or_goes_as_a_whole(media: bytes, said: bytes, why: str) -> None:
    """As the request says; nothing is half done."""
    for scope in ("speaker", "speaker_else_recording"):
        here, custodian = archived(media, said)
        if why == "format_has_no_channels":
            assert here.record().format is FormatType.MP3
        blobs = dict(here.fakes.archive.blobs)
        erasure_id = asks(here, scope)
        nights(here, 2)
        assert item(here, erasure_id).refused_because == (why if scope == "speaker" else None)
        if scope == "speaker":
            files = [name for name in blobs if name.endswith(("wav", "mp3"))]
            assert all(here.fakes.archive.blobs[name] == blobs[name] for name in files)
            assert erasure_status(erasure_id, here.ports, here.settings).erasure.state is ErasureState.APPROVED
        else:
            assert left(here, custodian) == []
            assert item(here, erasure_id).state == "DISPOSED"


def test_a_hold_and_the_law_refuse_it_until_they_end() -> None:
    """Nothing is destroyed under a hold, and none can be placed in the middle."""
    here, custodian = archived()
    put_rule(here, "retain", 20, "tax")
    place_hold(RECORDING_ID, "L-17", "lawsuit", None, here.ports)
    erasure_id = asks(here)
    nights(here, 3)
    assert item(here, erasure_id).refused_because == "hold"
    release_hold(RECORDING_ID, "L-17", "over", None, here.ports)
    nights(here, 3)
    assert item(here, erasure_id).refused_because in ("grace_after_hold", "retained_by_rule")
    assert voice_left(custodian)
    nights(here, 31)
    assert (voice_left(custodian), item(here, erasure_id).state) == (0, "SPEAKER_ERASED")


def test_what_storage_protects_is_told_with_its_day() -> None:
    """Before the first byte is written."""
    here, custodian = archived(immutable=timedelta(days=5))
    erasure_id = asks(here)
    nights(here, 1)
    told = item(here, erasure_id)
    assert (told.refused_because, told.refused_until is not None) == ("immutable", True)
    assert not [name for name in here.fakes.archive.blobs if ".v2." in name]
    nights(here, 8)
    assert (voice_left(custodian), item(here, erasure_id).state) == (0, "SPEAKER_ERASED")


def dies_at(at: int, *, after: bool) -> bool:
    """One life in which the worker dies at a call; whether there was such a call."""
    here, custodian = archived()
    erasure_id, calls = asks(here), 0

    def die(_port: str, _method: str) -> tuple[Exception | None, bool]:
        nonlocal calls
        calls += 1
        return (WorkerDiedError("gone"), after) if calls == at else (None, False)

    here.fakes.clock.advance(days=1)
    intercept(here, die)
    with suppress(WorkerDiedError):
        dispose(here.ports, here.settings)
    leave_alone(here)
    row = here.fakes.keeping.custody(RECORDING_ID)
    if row is not None and row.state == "ERASING_SPEAKER":
        with pytest.raises(RequestError) as caught:
            place_hold(RECORDING_ID, "L-1", "lawsuit", None, here.ports)
        assert caught.value.code is Code.BEING_DESTROYED
    nights(here, 2)
    assert item(here, erasure_id).state == "SPEAKER_ERASED", at
    assert (voice_left(custodian), left(here, custodian)) == (0, []), at
    assert compare_recording(RECORDING_ID, here.ports, here.settings).drifts == ()
    assert blobs_told(here) >= UNDISTURBED, at
    return calls >= at


def blobs_told(here: World) -> int:
    (name,) = here.fakes.keeping.custody(RECORDING_ID).certificates  # type: ignore[union-attr]
    return int(json.loads(here.fakes.archive.blobs[name].data)["blobs"])


def test_an_undisturbed_run_destroys_so_many_versions() -> None:
    """The number that a certificate must reach however often workers died."""
    here, _ = archived()
    asks(here)
    nights(here, 1)
    assert blobs_told(here) == UNDISTURBED


@pytest.mark.parametrize("first", range(1, 6))
def test_a_worker_that_dies_at_any_call_is_followed_by_the_next_run(first: int) -> None:
    """Before and after the effect of each call, and no hold comes in the middle of half-done work."""
    at = first
    while dies_at(at, after=False) and dies_at(at, after=True):
        at += 5
    assert at > 60


@pytest.mark.parametrize("name", ["is_superseded", "is_proved", "withdraw_documents"])
def test_a_step_that_is_forgotten_is_caught(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By the bytes that are left, by the directory, or by the seal."""
    here, custodian = archived()
    record = here.fakes.catalog.recordings[RECORDING_ID]
    here.fakes.catalog.save_recording(changed(record, request={"channelAffinity": [{"participant": PARTICIPANT}]}))
    if name == "is_superseded":
        monkeypatch.setattr(rules_of, name, lambda _name, _ours: False)
    elif name == "is_proved":
        monkeypatch.setattr(speaker_files, "silenced", lambda pieces, _layout, _channels: pieces)
        monkeypatch.setattr(speaker_files, name, lambda *_: True)
    else:
        monkeypatch.setattr(speaker, name, lambda *_, **__: [])
    asks(here)
    nights(here, 1)
    seal(here.ports)
    verdict = verified(copied(here, tmp_path))
    facts = here.fakes.catalog.recordings[RECORDING_ID].facts
    is_found = facts is None or len(facts.participants) > 1
    assert voice_left(custodian) or left(here, custodian) or verdict.problems or is_found


def test_a_new_file_that_is_not_the_old_one_never_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one is destroyed only when the new one is proved."""
    here, custodian = archived()
    erasure_id = asks(here)
    monkeypatch.setattr(
        speaker_files, "silenced", lambda pieces, _layout, _channels: (bytes(len(one)) for one in pieces)
    )
    nights(here, 2)
    assert (item(here, erasure_id).state, bool(voice_left(custodian))) == ("ERASING_SPEAKER", True)
    assert here.record().silenced == ()
    monkeypatch.undo()
    nights(here, 1)
    assert (item(here, erasure_id).state, voice_left(custodian)) == ("SPEAKER_ERASED", 0)


def test_memory_is_flat_however_long_the_file_is() -> None:
    """Pieces of a few megabytes go through; a file of hours is never in memory."""
    layout = read_wav_layout(wav(1, 5), 14_000_000_000)
    piece = bytes(4 << 20)
    tracemalloc.start()
    for _ in silenced((piece for _ in range(12)), replace(layout, sound_bytes=13_999_999_000), {2}):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 << 20


def test_a_late_chunk_with_the_speaker_is_done_too_and_an_import_brings_nothing_back() -> None:
    """The request stands for the recording."""
    here, custodian = archived()
    erasure_id = asks(here)
    nights(here, 1)
    late_chunk(here)
    nights(here, 1)
    assert item(here, erasure_id).refused_because == "mixed_audio"  # the late one has the default document
    assert here.record().silenced
    source = FakeArchive()
    source.put_once("a.wav", VOICE * 100, "audio/wav")
    entry = ImportEntry.model_validate(
        {"blob": "a.wav", "recordingId": RECORDING_ID, "index": 0, "documentId": document_id()}
    )
    done = import_recordings([entry], source, here.ports, here.settings)
    assert done.problems == [("a.wav", ERASED)]
    assert voice_left(custodian) == 0


@pytest.mark.parametrize("scope", ["speaker", "speaker_else_recording"])
def test_a_voice_is_not_erased_while_a_chunk_cannot_be_read(scope: str) -> None:
    """Half of the files without the person, and the request done: the other half would stay with the person in it."""
    here, _ = archived()
    late_chunk(here)
    row = next(key for key, one in here.fakes.catalog.chunks.items() if one.task.index == 1)
    erasure_id = asks(here, scope)
    here.fakes.catalog.unreadable.add(row)
    nights(here, 3)
    status = erasure_status(erasure_id, here.ports, here.settings)
    (item,) = status.items
    told = ErasureItemView.of(item, erasure_id)
    assert (status.erasure.done_at, told.state, told.refused_because) == (None, "KEPT", "unreadable_record")
    assert here.record(task(0)).silenced == ()
    here.fakes.catalog.unreadable.clear()
    nights(here, 3)
    (item,) = erasure_status(erasure_id, here.ports, here.settings).items
    assert item.custody is not None
    assert item.custody.speakers[0].refused != "unreadable_record"


@pytest.mark.parametrize("state", [ChunkState.QUARANTINED, ChunkState.EXPIRED])
@pytest.mark.parametrize("scope", ["speaker", "speaker_else_recording"])
def test_a_voice_is_not_erased_while_media_of_the_recording_is_held(scope: str, state: ChunkState) -> None:
    """Bytes that wait for a decision have the person's voice, or not: nobody can say that it is gone."""
    here, custodian = archived()
    folder, at = here.record().task.folder, task(1, document_id(1))
    name = f"{folder}/0001-{document_id(1)}.suspect-0.wav"
    here.fakes.archive.put_media(name, memoryview(VOICE * 40), "audio/wav", {})
    kept = Suspect(blob_name=name, sha256=None, length_bytes=80, reason="media_truncated", at=here.now)
    here.fakes.catalog.add_chunk(record(state, task=at, quarantine_reason="media_suspect", suspects=(kept,)))
    here.follows_up()
    erasure_id = asks(here, scope)
    nights(here, 3)
    told = item(here, erasure_id)
    if scope == "speaker_else_recording":
        assert (told.state, voice_left(custodian)) == ("DISPOSED", 0)
        return
    assert (told.state, told.refused_because) == ("KEPT", "media_is_held")
    assert erasure_status(erasure_id, here.ports, here.settings).erasure.done_at is None
    (_, held) = here.fakes.catalog.chunks_of(RECORDING_ID)
    here.fakes.catalog.save_chunk(changed(held, suspects=()))  # nothing of it is stored any more
    nights(here, 3)
    assert item(here, erasure_id).state == "SPEAKER_ERASED"
