"""vCons: what they say about a recording, about consent to it, and about the chunks that they lack."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dev.in_memory.builders import EVENT_TIME, RECORDING_ID, event, metadata, task, wav
from dev.in_memory.fakes.archive import FakeArchive, FakeBlob
from dev.in_memory.world import world
from recording.domain.archived.vcon import content_hash, party_of, uuid_of
from recording.domain.archived.vcon_entries import vcon_entries
from recording.domain.calls.consent import ConsentEntry, ConsentStep
from recording.domain.state.chunk import ChunkState
from recording.errors import RequestError, StorageError
from recording.library.handover.vcon import make_vcon
from recording.library.import_entries import entries_in
from recording.library.importing import import_recordings
from recording.library.inline_media import WithInlineMedia
from tests.unit.library.handover.vcon_world import AGENT, BOT, NUMBER, check, unmixed
from tests.unit.library.seal.seal_world import archives, sealed_world, seals


def test_a_recording_of_several_chunks_is_one_set() -> None:
    """Chunks, documents and proofs; the media by https and SHA-512."""
    here = sealed_world()
    archives(here, 0, 1, 2)
    here.follows_up()
    seals(here)
    document = check(make_vcon(RECORDING_ID, here.ports, here.settings))
    assert len(document["dialog"]) == 4
    name = here.record().blob_name or ""
    first = document["dialog"][1]
    digest = hashlib.sha512(here.fakes.archive.blobs[name].data).hexdigest()
    assert first["content_hash"][0] == content_hash("sha512", digest)
    assert first["url"].endswith(name)
    assert "?" not in first["url"]
    purposes = {one["purpose"] for one in document["attachments"]}
    assert purposes >= {"acs-metadata", "receipt", "manifest", "seal-proof"}
    (receipt,) = [one for one in document["attachments"] if one["purpose"] == "receipt" and one["dialog"] == 1]
    body = base64.urlsafe_b64decode(receipt["body"] + "==")
    assert body in {blob.data for blob in here.fakes.archive.blobs.values()}


def test_it_is_the_same_each_time_and_has_an_id_of_its_own() -> None:
    """Whoever gets two copies sees that they are one."""
    here = unmixed([{"participantId": NUMBER, "channel": 0}])
    first = make_vcon(RECORDING_ID, here.ports, here.settings)
    assert make_vcon(RECORDING_ID, here.ports, here.settings) == first
    begun = here.record().task.event_time
    ids = {uuid_of(f"rec-{number}", begun, "a.example") for number in range(200)}
    assert len(ids) == 200
    assert {one.version for one in ids} == {8}
    assert uuid_of("rec-1", begun, "a.example") != uuid_of("rec-1", begun, "b.example")


def test_each_channel_names_who_speaks_in_it_and_an_empty_one_nobody() -> None:
    """The draft asks for a null where nobody is recorded."""
    people = [{"participantId": AGENT, "channel": 2}, {"participantId": NUMBER, "channel": 0}]
    here = unmixed(people)
    document = check(make_vcon(RECORDING_ID, here.ports, here.settings))
    assert document["parties"][:2] == [party_of(AGENT), {"tel": "tel:+4930123456"}]
    assert document["dialog"][1]["parties"] == [1, None, 0]
    assert document["dialog"][0]["parties"] == [0, 1]
    assert [one["purpose"] for one in document["attachments"]].count("pauses") == 1


def test_a_mix_names_all_who_are_in_it() -> None:
    here = world()
    of = task()
    here.holds(of, wav(), metadata(of, participants=[{"participantId": NUMBER}, {"participantId": BOT}]))
    here.announces(event())
    here.runs(hours=1)
    document = check(make_vcon(RECORDING_ID, here.ports, here.settings))
    assert document["dialog"][1]["parties"] == [0, 1]
    assert document["parties"][1]["type"] == "bot"


def test_a_copy_of_before_gets_its_sha512_when_it_is_asked_for() -> None:
    """Older records have none; the archive is read for it."""
    here = unmixed([])
    key = next(iter(here.fakes.catalog.chunks))
    here.fakes.catalog.chunks[key] = here.fakes.catalog.chunks[key].model_copy(update={"sha512": None})
    document = check(make_vcon(RECORDING_ID, here.ports, here.settings))
    assert document["dialog"][1]["content_hash"][0].startswith("sha512-")
    with pytest.raises(RequestError, match="nothing of this recording"):
        make_vcon("unknown", here.ports, here.settings)


# --- media inside, and consent ----------------------------------------------------------------------------------------


def test_media_inside_is_the_media_and_has_no_address() -> None:
    """For whoever has no access to the archive: one file has all of it."""
    here = unmixed([{"participantId": NUMBER, "channel": 0}])
    document = check(make_vcon(RECORDING_ID, here.ports, here.settings, inline=True))
    dialog = document["dialog"][1]
    media = here.fakes.archive.blobs[here.record().blob_name or ""].data
    assert base64.urlsafe_b64decode(dialog["body"] + "==") == media
    assert (dialog["encoding"], "url" in dialog, "content_hash" in dialog) == ("base64url", False, False)
    assert document["uuid"] == make_vcon(RECORDING_ID, here.ports, here.settings)["uuid"]


@pytest.mark.parametrize("change", [lambda data: bytes(len(data)), lambda data: data * 2, lambda _data: b"", None])
def test_media_that_is_not_what_was_proved_is_not_put_inside(change: Callable[[bytes], bytes] | None) -> None:
    """No digest stands beside it there: nobody who is given the vCon could notice."""
    here = unmixed([])
    blobs, name = here.fakes.archive.blobs, here.record().blob_name or ""
    blob = blobs.pop(name)
    if change is not None:
        blobs[name] = replace(blob, data=change(blob.data))
    with pytest.raises(StorageError, match="verify the recording"):
        make_vcon(RECORDING_ID, here.ports, here.settings, inline=True)


def test_media_that_is_too_long_is_not_put_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    from recording.library.handover import vcon

    monkeypatch.setattr(vcon, "MOST_INLINE", 10)
    here = unmixed([])
    with pytest.raises(RequestError, match="request a bundle"):
        make_vcon(RECORDING_ID, here.ports, here.settings, inline=True)
    with pytest.raises(RequestError, match="`inline` or `external`"):
        vcon.is_inline("https://elsewhere.example")


EVIDENCE = {"basis": "legitimate interests", "reference": "IVR 17", "capturedAt": "2026-11-23T08:00:00+00:00"}
CONSENTS: dict[str, tuple[dict[str, Any] | None, tuple[str, ...], tuple[str, bool] | None]] = {
    "nobody said anything": (None, (), None),
    "at the start": (EVIDENCE, (), ("legitimate_interests", True)),
    "of a basis that has no name": ({**EVIDENCE, "basis": "two-party"}, (), ("consent", True)),
    "later": (None, ("given",), ("contract", True)),
    "withdrawn": (EVIDENCE, ("withdrawn",), ("legitimate_interests", False)),
    "given again": (EVIDENCE, ("withdrawn", "given"), ("contract", True)),
}


@pytest.mark.parametrize("way", CONSENTS)
def test_consent_is_told_in_the_form_of_the_extension(way: str) -> None:
    """Each state of it, also a withdrawal; and every step, as a document of ours."""
    evidence, steps, expected = CONSENTS[way]
    here = unmixed([{"participantId": NUMBER, "channel": 0}])
    row = here.fakes.catalog.recordings[RECORDING_ID]
    told = tuple(
        ConsentEntry(step=ConsentStep(step), at=here.now, basis="contract" if step == "given" else None)
        for step in steps
    )
    here.fakes.catalog.recordings[RECORDING_ID] = row.model_copy(update={"consent": evidence, "consents": told})
    document = check(make_vcon(RECORDING_ID, here.ports, here.settings))
    bodies = [one["body"] for one in document["attachments"] if one["purpose"] == "lawful_basis"]
    assert document.get("extensions", []) == (["lawful_basis"] if expected else [])
    found = [(body["lawful_basis"], body["purpose_grants"][0]["granted"]) for body in bodies]
    assert found == ([expected] if expected else [])
    ours = [one for one in document["attachments"] if one["purpose"] == "consent"]
    steps_told = json.loads(base64.urlsafe_b64decode(ours[0]["body"] + "=="))["steps"] if ours else []
    assert [one["step"] for one in steps_told] == list(steps)


# --- what it lacks ----------------------------------------------------------------------------------------------------

LACKS: dict[str, dict[str, Any]] = {
    "it is not archived yet": {"state": ChunkState.PENDING},
    "it is held until an operator decides about it (media_suspect)": {
        "state": ChunkState.QUARANTINED,
        "quarantine_reason": "media_suspect",
    },
    "the service deleted it before it could be archived (source_gone)": {
        "state": ChunkState.EXPIRED,
        "last_error": "source_gone",
    },
    "it was destroyed, and a certificate says why": {"disposed_why": "a rule", "disposed_at": EVENT_TIME},
}


def lacked(document: dict[str, Any]) -> list[dict[str, str]]:
    """What a vCon says it lacks."""
    check(document)
    found = [one for one in document["attachments"] if one["purpose"] == "left-out"]
    assert len(found) < 2
    return [one for each in found for one in json.loads(base64.urlsafe_b64decode(each["body"] + "=="))]


@pytest.mark.parametrize("why", LACKS)
def test_a_chunk_that_is_not_in_it_is_named_with_its_reason(why: str) -> None:
    """A vCon that is silent about a chunk passes for the whole recording."""
    here = sealed_world()
    archives(here, 0, 1, 2)
    assert lacked(make_vcon(RECORDING_ID, here.ports, here.settings)) == []
    for key, one in here.fakes.catalog.chunks.items():
        if one.task.index == 1:
            here.fakes.catalog.chunks[key] = one.model_copy(update=LACKS[why])
    for inline in (False, True):
        (named,) = lacked(make_vcon(RECORDING_ID, here.ports, here.settings, inline=inline))
        assert (named["what"].partition(",")[0], named["why"]) == ("chunk 1", why)


def test_a_chunk_that_was_never_announced_is_named() -> None:
    here = sealed_world()
    archives(here, 0, 2)
    (one,) = lacked(make_vcon(RECORDING_ID, here.ports, here.settings))
    assert one == {"what": "chunk 1", "why": "it was never announced to the archive"}


def test_an_import_keeps_what_a_vcon_lacks_and_says_it_again() -> None:
    """The next archive's vCon names it as well, however often it is handed on."""
    here = sealed_world()
    archives(here, 0, 2)
    given = make_vcon(RECORDING_ID, here.ports, here.settings, inline=True)
    for _ in range(2):
        there, source = world(), FakeArchive()
        source.blobs["case.vcon.json"] = FakeBlob(json.dumps(given).encode(), "x", {}, '"1"')
        inside = WithInlineMedia(source)
        done = import_recordings(entries_in(inside), inside, there.ports, there.settings)
        assert (done.copied, done.problems) == (2, [])
        (imported,) = there.fakes.catalog.recordings
        given = make_vcon(imported, there.ports, there.settings, inline=True)
        assert lacked(given) == [{"what": "chunk 1", "why": "it was never announced to the archive"}]


@pytest.mark.parametrize(
    "body", [b"", b"[", b"{}", b"[1]", b'[{"what": 1, "why": []}]', b'[{"other": "x"}]', b"[" * 9000, b"\xff"]
)
def test_what_another_application_attaches_under_this_name_is_its_own(body: bytes) -> None:
    """It is neither believed nor a reason to refuse the media."""
    here = sealed_world()
    archives(here, 0)
    given = make_vcon(RECORDING_ID, here.ports, here.settings, inline=True)
    text = base64.urlsafe_b64encode(body).decode().rstrip("=")
    given["attachments"] += [{"purpose": "left-out", "encoding": "base64url", "body": text}, {"purpose": "left-out"}]
    (entry,) = vcon_entries("case.vcon.json", json.dumps(given).encode(), ["case.vcon.json"])
    assert entry.lacks == {}
