"""vCons: what they say about a recording, against a schema of the draft; and media that comes in by one."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from dev.in_memory.builders import EVENT_TIME, RECORDING_ID, document_id, event, metadata, task, wav
from dev.in_memory.fakes.archive import FakeArchive, FakeBlob
from dev.in_memory.world import World, world
from recording.domain.archived.importing import LeftOut
from recording.domain.archived.vcon import content_hash, party_of, uuid_of
from recording.domain.archived.vcon_entries import vcon_entries
from recording.domain.calls.consent import ConsentEntry, ConsentStep
from recording.domain.state.chunk import ChunkState
from recording.errors import RequestError
from recording.library.handover.vcon import make_vcon
from recording.library.import_entries import entries_in
from recording.library.importing import import_recordings
from recording.library.inline_media import WithInlineMedia
from tests.unit.library.seal_world import archives, sealed_world, seals

SCHEMA = json.loads((Path(__file__).parents[2] / "fixtures" / "vcon.schema.json").read_text(encoding="utf-8"))
NUMBER, AGENT = "4:+4930123456", "8:orgid:0a6d2f9e-77b1-4c1d-8e3e-2b1f5d9c4a10"
BOT = "28:6f1c0d52-3a4e-4f0b-9d2a-5b7f6f0e11a3"


def check(document: dict[str, Any]) -> dict[str, Any]:
    """The schema, and what a schema cannot say: every index leads somewhere."""
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    parties, dialog = len(document["parties"]), document["dialog"]
    for one in dialog:
        flat = [place for part in one["parties"] for place in (part if isinstance(part, list) else [part])]
        assert all(place is None or place < parties for place in flat)
    assert dialog[0]["type"] == "recording-set"
    assert dialog[0]["recordings"] == [at for at, one in enumerate(dialog) if one["type"] == "recording"]
    assert all(dialog[one["recording_set"]] is dialog[0] for one in dialog if "recording_set" in one)
    for one in document["attachments"]:
        assert one["party"] < parties
        assert one["dialog"] < len(dialog)
    return document


def unmixed(people: list[dict[str, Any]], channels: int = 3) -> World:
    here = world()
    of = task()
    info: dict[str, Any] = {"contentType": "audio", "channelType": "unmixed", "format": "wav"}
    info |= {"audioConfiguration": {"sampleRate": 16000, "channels": channels}}
    pauses = [{"startTime": "2026-11-23T08:56:01Z", "duration": 400}]
    told = metadata(of, participants=people, recordingInfo=info, pauseResumeIntervals=pauses)
    here.holds(of, wav(channels=channels), told)
    here.announces(event())
    here.runs(hours=1)
    return here


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


# --- the second way in -----------------------------------------------------------------------------------------------


def container(**files: bytes) -> FakeArchive:
    made = FakeArchive()
    for name, data in files.items():
        made.blobs[name.replace("__", "/").replace("_dot_", ".")] = FakeBlob(data, "x", {}, '"1"')
    return made


def foreign(media: bytes, **changes: Any) -> bytes:
    """A vCon of somebody else's recorder."""
    sha512 = content_hash("sha512", hashlib.sha512(media).hexdigest())
    dialog = {
        "type": "recording",
        "start": "2025-03-01T10:00:00Z",
        "duration": 2,
        "parties": [0, [1]],
        "mediatype": "audio/x-wav",
        "filename": "call-17.wav",
        "content_hash": sha512,
    }
    document = {
        "uuid": "018f8a4e-0000-8000-8000-000000000017",
        "created_at": "2025-03-01T11:00:00Z",
        "parties": [{"tel": "+4930123456"}, {"mailto": "agent@example.com"}],
        "dialog": [{"type": "text", "start": "2025-03-01T10:00:00Z"}, {**dialog, **changes}],
    }
    return json.dumps(document).encode()


def test_media_of_another_provider_comes_in_by_its_vcon() -> None:
    """It is proved, cataloged and found as every recording; and goes out as a vCon again."""
    media, here = wav(), world()
    source = container(calls__a_dot_vcon_dot_json=foreign(media), calls__call_minus_17_dot_wav=media)
    source.blobs["calls/call-17.wav"] = source.blobs.pop("calls/call_minus_17.wav")
    done = import_recordings(entries_in(source), source, here.ports, here.settings)
    assert (done.copied, done.problems) == (1, [])
    (record,) = here.fakes.catalog.chunks.values()
    assert record.task.recording_id == "vcon-018f8a4e-0000-8000-8000-000000000017"
    document = check(make_vcon(record.task.recording_id, here.ports, here.settings))
    assert document["parties"][0] == {"tel": "tel:+4930123456"}
    assert document["dialog"][1]["start"].startswith("2025-03-01T10:00:00")
    assert import_recordings(entries_in(source), source, here.ports, here.settings).known == 1


def test_other_bytes_than_the_vcon_says_are_left_out() -> None:
    """The hash is the point of it."""
    here, source = world(), FakeArchive()
    source.blobs["a.vcon.json"] = FakeBlob(foreign(wav()), "x", {}, '"1"')
    source.blobs["call-17.wav"] = FakeBlob(wav(sample=b"\x09\x09"), "x", {}, '"2"')
    done = import_recordings(entries_in(source), source, here.ports, here.settings)
    assert done.problems == [("call-17.wav", "another digest than its vCon says")]
    assert here.fakes.catalog.chunks == {}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not JSON"),
        (b"[]", "no vCon"),
        (b'{"payload": "", "signatures": []}', "unsigned form"),
        (json.dumps({"uuid": "x", "critical": ["y"]}).encode(), "extensions"),
        (foreign(wav(), filename="../../etc/passwd", url="https://evil.example/x"), "not beside"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_nothing_is_fetched(raw: bytes, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        vcon_entries("a.vcon.json", raw, {"a.vcon.json"})


def test_our_own_vcon_leads_back_to_the_same_bytes() -> None:
    """Out of one archive and into another."""
    here = unmixed([{"participantId": NUMBER, "channel": 0}, {"participantId": AGENT, "channel": 1}])
    document = make_vcon(RECORDING_ID, here.ports, here.settings)
    name = here.record().blob_name or ""
    source, there = FakeArchive(), world()
    source.blobs["x/our.vcon.json"] = FakeBlob(json.dumps(document).encode(), "x", {}, '"1"')
    source.blobs[f"x/{name.rpartition('/')[2]}"] = here.fakes.archive.blobs[name]
    done = import_recordings(entries_in(source), source, there.ports, there.settings)
    assert (done.copied, done.problems) == (1, [])
    (record,) = there.fakes.catalog.chunks.values()
    assert (record.sha256, record.sha512) == (here.record().sha256, here.record().sha512)
    assert document_id() in name


# --- media inside, consent, and what is hostile ----------------------------------------------------------------------


def test_media_inside_is_the_media_and_has_no_address() -> None:
    """For whoever has no access to the archive: one file has all of it."""
    here = unmixed([{"participantId": NUMBER, "channel": 0}])
    document = check(make_vcon(RECORDING_ID, here.ports, here.settings, inline=True))
    dialog = document["dialog"][1]
    media = here.fakes.archive.blobs[here.record().blob_name or ""].data
    assert base64.urlsafe_b64decode(dialog["body"] + "==") == media
    assert (dialog["encoding"], "url" in dialog, "content_hash" in dialog) == ("base64url", False, False)
    assert document["uuid"] == make_vcon(RECORDING_ID, here.ports, here.settings)["uuid"]


def test_media_that_is_too_long_is_not_put_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    from recording.library.handover import vcon

    monkeypatch.setattr(vcon, "MOST_INLINE", 10)
    here = unmixed([])
    with pytest.raises(RequestError, match="ask for a bundle"):
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


def inline(media: bytes, **changes: Any) -> bytes:
    body = base64.urlsafe_b64encode(media).decode().rstrip("=")
    document = json.loads(foreign(media, body=body, encoding="base64url", **changes))
    del document["dialog"][1]["filename"]
    return json.dumps(document).encode()


@pytest.mark.parametrize("is_true", [True, False])
def test_media_inside_a_vcon_comes_in_and_must_have_its_digest(*, is_true: bool) -> None:
    media, here, files = wav(), world(), FakeArchive()
    changes = {} if is_true else {"content_hash": content_hash("sha512", "00" * 64)}
    files.blobs["a.vcon.json"] = FakeBlob(inline(media, **changes), "x", {}, '"1"')
    source = WithInlineMedia(files)
    done = import_recordings(entries_in(source), source, here.ports, here.settings)
    assert done.problems == ([] if is_true else [("a.vcon.json#0", "another digest than its vCon says")])
    assert [one.sha256 for one in here.fakes.catalog.chunks.values()] == (
        [hashlib.sha256(media).hexdigest()] if is_true else []
    )
    if is_true:
        again = import_recordings(entries_in(source), source, here.ports, here.settings)
        assert (again.known, again.copied) == (1, 0)


def test_our_own_vcon_with_media_inside_leads_back_to_the_same_bytes() -> None:
    here = unmixed([{"participantId": NUMBER, "channel": 0}])
    document = make_vcon(RECORDING_ID, here.ports, here.settings, inline=True)
    files, there = FakeArchive(), world()
    files.blobs["one.vcon.json"] = FakeBlob(json.dumps(document).encode(), "x", {}, '"1"')
    source = WithInlineMedia(files)
    assert import_recordings(entries_in(source), source, there.ports, there.settings).copied == 1
    (record,) = there.fakes.catalog.chunks.values()
    assert (record.sha256, record.format) == (here.record().sha256, here.record().format)


@pytest.mark.parametrize("body", ["!!!", "UklGRg", "A"])
def test_media_inside_that_is_none_is_left_out(body: str) -> None:
    files, here = FakeArchive(), world()
    document = json.loads(inline(wav()))
    document["dialog"][1] |= {"body": body, "content_hash": None}
    files.blobs["a.vcon.json"] = FakeBlob(json.dumps(document).encode(), "x", {}, '"1"')
    source = WithInlineMedia(files)
    done = import_recordings(entries_in(source), source, here.ports, here.settings)
    assert len(done.problems) == 1
    assert here.fakes.catalog.chunks == {}


def test_a_recording_with_nothing_inside_and_nothing_beside_is_refused() -> None:
    document = json.loads(inline(wav()))
    document["dialog"][1]["body"] = ""
    with pytest.raises(RequestError, match="not beside"):
        vcon_entries("a.vcon.json", json.dumps(document).encode(), {"a.vcon.json"})


def test_a_file_whose_name_looks_alike_is_a_file() -> None:
    source = WithInlineMedia(container())
    assert source.look_up("call#2.wav") is None
    files = FakeArchive()
    files.blobs["call#2.wav"] = FakeBlob(b"x", "x", {}, '"1"')
    assert b"".join(WithInlineMedia(files).read("call#2.wav")) == b"x"


HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({"content_hash": "sha3-AAAA"}, "algorithm"),
    ({"content_hash": ["md5-AAAA", "sha1-BBBB"]}, "algorithm"),
    ({"content_hash": "sha512-AAAA"}, "length"),
    ({"content_hash": [content_hash("sha512", "00" * 64), content_hash("sha512", "11" * 64)]}, "differ"),
    ({"filename": "https://elsewhere.example/call.wav", "url": "https://elsewhere.example/other.wav"}, "not beside"),
    ({"filename": "/etc/passwd", "url": "file:///etc/passwd"}, "not beside"),
    ({"filename": "call-17.wav", "start": "yesterday"}, "started"),
]


@pytest.mark.parametrize(("changes", "why"), HOSTILE)
def test_a_hostile_recording_in_a_vcon_is_refused(changes: dict[str, Any], why: str) -> None:
    """Nothing of it is fetched: the only files are those of the container."""
    with pytest.raises(RequestError, match=f"(?i){why}"):
        vcon_entries("a.vcon.json", foreign(wav(), **changes), {"a.vcon.json", "call-17.wav"})


@pytest.mark.parametrize(
    "parties",
    [[[0] * 300_000], list(range(-5, 300_000)), [True, None, "0", 1.0, {}], [[[[[[0]]]], 1]], 10**30],
    ids=["many", "numbers", "kinds", "nested", "huge"],
)
def test_parties_of_any_form_are_read_at_once(parties: Any) -> None:
    """A list of a million numbers is not gone through once for each of them."""
    entries = vcon_entries("a.vcon.json", foreign(wav(), parties=parties), {"a.vcon.json", "call-17.wav"})
    assert set(entries[0].participants) <= {"4:+4930123456", "agent@example.com"}


def test_a_huge_vcon_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from recording.library import import_entries

    monkeypatch.setattr(import_entries, "LARGEST_VCON", 100)
    source = FakeArchive()
    source.blobs["a.vcon.json"] = FakeBlob(foreign(wav()), "x", {}, '"1"')
    (left_out,) = entries_in(source)
    assert isinstance(left_out, LeftOut)
    assert "larger" in left_out.why
    assert "get" not in source.calls


UNREADABLE: dict[str, bytes] = {
    "empty": b"",
    "not JSON": b"<html>filename=call-17.wav</html>",
    "cut off": foreign(wav())[:-20],
    "in other characters": foreign(wav()).decode().encode("utf-16"),
    "signed": b'{"payload": "e30", "signatures": []}',
    "nested": b"[" * 100_000,
    "a list": b"[]",
    "its media is missing": foreign(wav(), filename="nowhere.wav"),
    "a hash that is not checked": foreign(wav(), content_hash="sha3-AAAA"),
    "an id that is none": foreign(wav()).replace(b"018f8a4e-", b"zzzzzzzz-"),
    "a need that is not known": json.dumps({**json.loads(foreign(wav())), "critical": ["redaction"]}).encode(),
    "a time that is none": foreign(wav(), start="yesterday"),
}


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("folder", ["", "calls/"])
def test_a_vcon_that_cannot_be_read_ends_no_import(folder: str, raw: bytes) -> None:
    """One of ten thousand: it is named, and all the others come in."""
    other = foreign(wav(sample=b"\x05\x05"), filename="call-18.wav").replace(b"000000000017", b"000000000018")
    here, source = world(), FakeArchive()
    files = {
        "a.vcon.json": raw,
        "z.vcon.json": other,
        "call-18.wav": wav(sample=b"\x05\x05"),
        "lone.wav": wav(sample=b"\x06\x06"),
    }
    for number, (name, data) in enumerate(files.items()):
        source.blobs[f"{folder}{name}"] = FakeBlob(data, "x", {}, f'"{number}"')
    done = import_recordings(entries_in(source), source, here.ports, here.settings)
    assert (done.copied, [name for name, _ in done.problems]) == (2, [f"{folder}a.vcon.json"])
    assert all(why for _, why in done.problems)


@pytest.mark.parametrize("named", ["call-17.wav", "a.wav", "Gespräch 17.wav", "电话.wav", "😀.wav"])
@pytest.mark.parametrize("escaped", [True, False])
def test_media_of_a_vcon_that_cannot_be_read_waits_for_its_vcon(named: str, escaped: bool) -> None:
    """Under another id and without its facts it would come in twice, once the vCon is repaired."""
    whole = json.loads(foreign(wav(), filename=named))
    document = json.dumps(whole, ensure_ascii=escaped).encode()
    here, source = world(), FakeArchive()
    source.blobs["calls/a.vcon.json"] = FakeBlob(document[:-1], "x", {}, '"1"')
    source.blobs[f"calls/{named}"] = FakeBlob(wav(), "x", {}, '"2"')
    source.blobs[f"elsewhere/{named}"] = FakeBlob(wav(sample=b"\x05\x05"), "x", {}, '"3"')
    done = import_recordings(entries_in(source), source, here.ports, here.settings)
    assert done.copied == 1
    assert sorted(name for name, _ in done.problems) == sorted(["calls/a.vcon.json", f"calls/{named}"])
    source.blobs["calls/a.vcon.json"] = FakeBlob(document, "x", {}, '"4"')
    done = import_recordings(entries_in(source), source, here.ports, here.settings)
    assert (done.copied, done.known, done.problems) == (1, 1, [])
    assert len(here.fakes.catalog.chunks) == 2


def test_a_vcon_in_the_archive_tier_ends_no_import() -> None:
    """It cannot be read before somebody brings it back, and the others do not wait for that."""
    here, source = world(), FakeArchive()
    source.blobs["a.vcon.json"] = FakeBlob(foreign(wav()), "x", {}, '"1"')
    source.tiers["a.vcon.json"] = "Archive"
    source.blobs["lone.wav"] = FakeBlob(wav(sample=b"\x05\x05"), "x", {}, '"2"')
    done = import_recordings(entries_in(source), source, here.ports, here.settings)
    assert (done.copied, [name for name, _ in done.problems]) == (1, ["a.vcon.json"])


# --- what it lacks ---------------------------------------------------------------------------------------------------

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
