"""Media that comes in by a vCon, beside it or inside, of other providers and of our own; and hostile ones."""

import base64
import hashlib
import json
from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID, document_id, wav
from dev.in_memory.fakes.archive import FakeArchive, FakeBlob
from dev.in_memory.world import world
from recording.domain.archived.importing import LeftOut
from recording.domain.archived.vcon import content_hash
from recording.domain.archived.vcon_entries import vcon_entries
from recording.errors import RequestError
from recording.library.handover.vcon import make_vcon
from recording.library.import_entries import entries_in
from recording.library.importing import import_recordings
from recording.library.inline_media import WithInlineMedia
from tests.unit.library.handover.vcon_world import AGENT, NUMBER, check, unmixed


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
        (b"[]", "not an unsigned vCon"),
        (b'{"payload": "", "signatures": []}', "not an unsigned vCon"),
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
