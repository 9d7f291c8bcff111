"""Import in place: media stays where the customer has it, and comes under the same proof as what was copied."""

import json
from typing import Any

import pytest

from dev.in_memory.builders import metadata, record, task, wav
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.source import FakeExternal
from dev.in_memory.world import World, world
from recording.domain.archived.importing import IMPORTED, ImportEntry, byos_entries, read_mapping
from recording.domain.find.find_query import FindQuery
from recording.domain.state.chunk import ChunkState, Home, SourceOutcome
from recording.domain.state.recording import RecordingRecord
from recording.errors import RequestError, StorageBusyError
from recording.library.directory import find_all
from recording.library.import_entries import entries_in
from recording.library.importing import OTHER_BYTES, Imported, import_recordings
from recording.library.rebuild import rebuild
from recording.operate.scrub import scrub
from recording.operate.verify_recording import verify
from tests.unit.library.test_rebuild import loses_its_tables

PLACE = "https://customer.blob.core.windows.net/calls"
FOLDER = "20240105/call-7/abcd1234-5678"
MEDIA = f"{FOLDER}/0-audiowav.0-weu-d1-aa.wav"


class Container(FakeArchive):
    """A container of the customer's: as it is listed, and as it is read by address."""

    def __init__(self, here: World, **files: bytes) -> None:
        super().__init__()
        self.external: FakeExternal = here.fakes.external
        for name, data in files.items():
            self.holds(name, data)

    def holds(self, name: str, data: bytes) -> None:
        self.blobs.pop(name, None)
        self.put_once(name, data, "audio/wav")
        self.external.objects[f"{PLACE}/{name}"] = data


def here_is() -> World:
    return world(external_containers=(PLACE,))


def exported(here: World, **files: bytes) -> Container:
    """A container as ACS writes to it."""
    document = metadata(task(), participants=[{"participantId": PHONE}], callId="call-7")
    return Container(here, **{MEDIA: wav(), f"{FOLDER}/0-acsmetadata.0-weu-d1-aa.json": document, **files})


def imports(here: World, source: Container, entries: list[ImportEntry] | None = None, **options: Any) -> Imported:
    found = entries_in(source) if entries is None else entries
    done = import_recordings(found, source, here.ports, here.settings, **{"place": PLACE, **options})
    here.follows_up()
    return done


def found(here: World, **query: Any) -> list[str]:
    return [one.recording.recording_id for one in find_all(FindQuery.read(query), here.ports, here.settings)]


def test_media_stays_where_it_is_and_is_found_proved_and_scrubbed() -> None:
    """Terabytes are not copied because somebody wants to find them."""
    here = here_is()
    source = exported(here)
    done = imports(here, source)
    assert (done.copied, done.in_place, done.problems, done.length_bytes) == (0, 1, [], len(wav()))
    assert here.media_blobs() == {}
    assert found(here, number=PHONE, call="call-7", state="archived") == ["abcd1234-5678"]
    (chunk,) = here.fakes.catalog.chunks.values()
    assert (chunk.task.home, chunk.source, chunk.sha512 is None) == (Home.EXTERNAL, SourceOutcome.NOT_OURS, False)
    receipt = here.receipt(chunk.task)
    assert (receipt["externalLocation"], receipt["blobName"]) == (f"{PLACE}/{MEDIA}", None)
    assert IMPORTED in receipt["remarks"]
    assert receipt["verifiedHow"][-1] == "read whole where it is stored; nothing was copied"
    told = verify("abcd1234-5678", here.ports, here.settings)
    assert told is not None
    assert told.is_proved, told
    here.fakes.clock.advance(hours=24 * 91)
    source.holds(MEDIA, wav()[:-2] + b"xx")
    assert [drift.kind for drift in scrub(here.ports, here.settings).drifts] == ["media_bytes"]


def test_an_imported_copy_is_no_drift_either() -> None:
    """Its blob carries the facts that every archived blob carries."""
    here = here_is()
    imports(here, exported(here), place=None)
    told = verify("abcd1234-5678", here.ports, here.settings)
    assert told is not None
    assert told.is_proved, told


def test_a_dry_run_reads_and_writes_nothing_and_a_second_run_does_nothing() -> None:
    """First look, then do it; a run that ends is run again."""
    here = here_is()
    source = exported(here)
    assert imports(here, source, dry_run=True).in_place == 1
    assert (here.fakes.archive.blobs, here.fakes.catalog.chunks) == ({}, {})
    assert imports(here, source).in_place == 1
    before = dict(here.fakes.archive.blobs)
    done = imports(here, source)
    assert (done.in_place, done.known, done.problems) == (0, 1, [])
    assert here.fakes.archive.blobs == before


@pytest.mark.parametrize("method", ["put_once", "put_if_unchanged"])
@pytest.mark.parametrize("after", [False, True])
def test_a_failure_at_any_write_is_made_good_by_the_next_run(method: str, after: bool) -> None:
    """Each step finds its own earlier result."""
    here = here_is()
    source = exported(here)
    here.fakes.archive.fail_next(method, StorageBusyError("down"), after=after)
    assert imports(here, source).problems == [(MEDIA, "storage_busy")]
    assert imports(here, source).problems == []
    here.runs(hours=3, until_quiet=False)
    assert found(here, number=PHONE) == ["abcd1234-5678"]
    assert json.loads(next(b.data for n, b in here.fakes.archive.blobs.items() if n.endswith("manifest.json")))[
        "complete"
    ]


def test_media_stays_only_in_a_container_that_is_looked_after() -> None:
    """What the app may not read later it cannot vouch for."""
    here = world(external_containers=("https://customer.blob.core.windows.net/other",))
    with pytest.raises(RequestError) as refused:
        import_recordings([], FakeArchive(), here.ports, here.settings, place=PLACE)
    assert refused.value.code == "unknown_container"


@pytest.mark.parametrize(
    ("name", "people", "why"),
    [
        ("old/0049 1555 010 0199.wav", [PHONE], "copy it instead"),
        (f"old/{PARTICIPANT}.wav".replace(":", "-"), [PARTICIPANT.replace(":", "-")], "copy it instead"),
        ("old/+4915550100199.wav", [], "copy it instead"),
        ("old/a%20b.wav", [], "foreign_host"),
        ("old/plain name 12.wav", [PHONE], None),
    ],
)
def test_a_name_that_tells_a_person_cannot_stay(name: str, people: list[str], why: str | None) -> None:
    """In place, the name would be in catalog and receipt; a copy has a name of its own."""
    here = here_is()
    source = Container(here, **{name: wav()})
    entries = read_mapping(json.dumps([{"blob": name, "participants": people}]).encode())
    done = imports(here, source, entries)
    assert [told.endswith(why or "") for _, told in done.problems] == ([True] if why else [])
    stored = f"{here.fakes.catalog.chunks} {here.fakes.catalog.recordings} {here.fakes.directory.rows}"
    assert PHONE not in stored
    assert done.in_place == (why is None)


def test_a_file_that_was_exported_twice_is_one_chunk_and_other_bytes_are_named() -> None:
    """The service exports some files again, into folders of other names."""
    here = here_is()
    again, other = (MEDIA.replace("5678", name) for name in ("9999", "aaaa"))
    source = exported(here, **{again: wav()})
    done = imports(here, source)
    assert (done.in_place, done.known, done.problems) == (1, 1, [])
    source.holds(other, wav(1000))
    assert imports(here, source).problems == [(other, OTHER_BYTES)]
    assert len(here.fakes.catalog.chunks) == 1


@pytest.mark.parametrize("place", [PLACE, None])
def test_what_acs_announced_and_this_app_archived_is_known(place: str | None) -> None:
    """Import brings what the events of earlier days would have brought, and nothing twice."""
    here = here_is()
    source = exported(here)
    announced = task(
        recording_id="the-whole-id", call_id="call-7", document_id="0-weu-d1-aa", home=Home.EXTERNAL,
        content_location=f"{PLACE}/{MEDIA}", folder="f/the-whole-id",
    )  # fmt: skip
    here.fakes.catalog.add_recording(RecordingRecord(recording_id="the-whole-id", call_id="call-7"))
    digest = record(ChunkState.CATALOGED).sha256
    kept = record(ChunkState.CATALOGED, task=announced, source=SourceOutcome.NOT_OURS, sha256=digest)
    here.fakes.catalog.add_chunk(kept)
    here.fakes.follow_ups.send("the-whole-id")
    here.follows_up()
    done = imports(here, source, place=place)
    assert (done.in_place, done.copied, len(here.fakes.catalog.chunks)) == (0, 0, 1)
    assert (done.known, done.problems) == ((1, []) if place else (0, [(MEDIA, OTHER_BYTES)]))


def test_it_is_rebuilt_from_the_archives_documents() -> None:
    """Where the media is stored is in the receipt."""
    here = here_is()
    imports(here, exported(here))
    before = {key: chunk.task.content_location for key, chunk in here.fakes.catalog.chunks.items()}
    loses_its_tables(here)
    assert rebuild(here.ports, here.settings).problems == []
    assert {key: chunk.task.content_location for key, chunk in here.fakes.catalog.chunks.items()} == before
    assert found(here, number=PHONE) == ["abcd1234-5678"]
    told = verify("abcd1234-5678", here.ports, here.settings)
    assert told is not None
    assert told.is_proved, told


# --- the layout of the published samples -----------------------------------------------------------------------------


def described(index: int, call: str = "call-9", **changes: Any) -> bytes:
    document = task(index, call_id=call)
    return metadata(document, participants=[{"participantId": PHONE}], **changes)


def samples(here: World) -> Container:
    """Files as the samples save them: by document id, with the metadata beside; and others that know less."""
    return Container(
        here,
        **{
            "0-weu-d1-00.wav": wav(),
            "0-weu-d1-00.json": described(0),
            "0-weu-d1-01.wav": wav(),
            "0-weu-d1-01.json": described(1),
            "days/monday.wav": wav(),
            "days/monday.metadata.json": described(0, "call-10"),
            "days/tuesday.wav": wav(),
            "days/tuesday-metadata.json": described(0, "call-10"),
            "call-11.wav": wav(),
            "broken.wav": wav(),
            "broken.json": b"no json",
            "notes.json": b"{}",
        },
    )


@pytest.mark.parametrize("place", [PLACE, None])
def test_folders_of_the_published_samples_are_understood(place: str | None) -> None:
    """They name files by document id and keep the metadata beside them."""
    here = here_is()
    done = imports(here, samples(here), place=place)
    assert (done.in_place + done.copied, done.problems) == (6, [])
    assert (len(found(here)), len(found(here, call="call-9")), len(found(here, call="call-10"))) == (5, 1, 2)
    (one,) = found(here, call="call-9")
    assert sorted(chunk.task.index for chunk in here.fakes.catalog.chunks_of(one)) == [0, 1]
    assert len(found(here, number=PHONE)) == 3
    assert found(here, state="incomplete") == []


def test_names_of_acs_and_of_samples_are_told_apart() -> None:
    """A container may hold both."""
    here = here_is()
    source = exported(here, **{f"{FOLDER}/call.wav": wav()})
    entries = entries_in(source)
    assert [entry.blob for entry in entries] == [MEDIA, f"{FOLDER}/call.wav"]
    assert entries[0] == byos_entries(source.blobs)[0]
