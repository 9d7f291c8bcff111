"""Import: files of another container come under proof; what is not whole is left out, and nothing is done twice."""

import json
from typing import Any

import pytest

from dev.in_memory.builders import metadata, task, wav
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.world import World, world
from recording.domain.archived.importing import IMPORTED, ImportEntry, byos_entries, read_mapping
from recording.domain.find.find_query import FindQuery
from recording.errors import RequestError, StorageBusyError
from recording.library.directory import find_all
from recording.library.importing import OTHER_BYTES, Imported, import_recordings
from recording.library.rebuild import rebuild
from tests.unit.library.test_rebuild import loses_its_tables

NAME = f"old/{PHONE}/call 1.wav"
MAPPING = [
    {"blob": NAME, "callId": "call-1", "startedAt": "2024-05-01T10:00:00Z", "participants": [PHONE, PARTICIPANT]}
]
CSV = (
    "blob,callId,startedAt,participants,tags\n"
    f"{NAME},call-1,2024-05-01T10:00:00Z,{PHONE}; {PARTICIPANT},case=C-1; team=x\n"
)


def container(**files: bytes) -> FakeArchive:
    source = FakeArchive()
    for name, data in ({NAME: wav()} | files).items():
        source.put_once(name, data, "audio/wav")
    return source


def imports(here: World, source: FakeArchive, mapping: Any = None, *, dry_run: bool = False) -> Imported:
    entries = read_mapping(json.dumps(MAPPING if mapping is None else mapping).encode())
    done = import_recordings(entries, source, here.ports, here.settings, dry_run=dry_run)
    here.follows_up()
    return done


def found(here: World, **query: Any) -> int:
    return len(list(find_all(FindQuery.read(query), here.ports, here.settings)))


def test_a_file_with_a_mapping_is_proved_and_found_by_all_that_the_mapping_tells() -> None:
    """An archive of earlier years, searched like the new one."""
    here, source = world(), container()
    entries = read_mapping(CSV.encode())
    done = import_recordings(entries, source, here.ports, here.settings)
    here.follows_up()
    assert (done.copied, done.problems, done.length_bytes) == (1, [], len(wav()))
    for query in ({"number": PHONE}, {"participant": PARTICIPANT}, {"call": "call-1"}, {"tag": "case:C-1"}):
        assert found(here, **query) == 1, query
    assert found(here, **{"from": "2024-05-01T00:00:00Z", "to": "2024-05-02T00:00:00Z", "state": "archived"}) == 1
    (record,) = here.fakes.catalog.chunks.values()
    assert IMPORTED in here.receipt(record.task)["remarks"]
    assert here.media_blobs() == {record.blob_name: wav()}


def test_names_of_people_are_in_the_metadata_document_only() -> None:
    """File names of old systems hold numbers."""
    here = world()
    imports(here, container())
    fakes = here.fakes
    others = [blob.data for name, blob in fakes.archive.blobs.items() if not name.endswith((".metadata.json", ".wav"))]
    stored = (
        f"{fakes.catalog.chunks} {fakes.catalog.recordings} {fakes.directory.rows} {others} {list(fakes.archive.blobs)}"
    )
    for secret in (PHONE, PARTICIPANT):
        assert secret not in stored


def test_doing_it_again_changes_nothing_and_a_dry_run_writes_nothing() -> None:
    """A run over a million files ends somewhere and is run again."""
    here, source = world(), container()
    assert imports(here, source, dry_run=True).copied == 1
    assert here.fakes.archive.blobs == {}
    assert here.fakes.catalog.chunks == {}
    assert imports(here, source).copied == 1
    blobs = dict(here.fakes.archive.blobs)
    done = imports(here, source)
    assert (done.copied, done.known) == (0, 1)
    assert here.fakes.archive.blobs == blobs


@pytest.mark.parametrize("name", [NAME, "two/b.wav"])
@pytest.mark.parametrize("data", [wav(4000), wav(sample=b"12")])  # of another length, and of the same
@pytest.mark.parametrize("dry_run", [False, True])
def test_other_bytes_under_ids_that_were_imported_are_named(name: str, data: bytes, dry_run: bool) -> None:
    """They are nowhere in the archive, and a name that another container has too proves nothing about bytes."""
    here, ids = world(), {"recordingId": "rec-1", "documentId": "doc-1", "index": 0}
    assert imports(here, container(), [MAPPING[0] | ids]).copied == 1
    source = FakeArchive()
    source.put_once(name, data, "audio/wav")
    done = imports(here, source, [MAPPING[0] | ids | {"blob": name}], dry_run=dry_run)
    assert (done.copied, done.known, done.problems) == (0, 0, [(name, OTHER_BYTES)])
    assert list(here.media_blobs().values()) == [wav()]


def test_the_same_bytes_under_another_name_are_known_and_a_name_without_a_file_is_not() -> None:
    """Bytes decide; what was imported and then removed from its container is archived."""
    here, ids = world(), {"recordingId": "rec-1", "documentId": "doc-1", "index": 0}
    assert imports(here, container(), [MAPPING[0] | ids]).copied == 1
    source = container(**{"two/b.wav": wav()})
    assert imports(here, source, [MAPPING[0] | ids | {"blob": "two/b.wav"}]).known == 1
    done = imports(here, source, [MAPPING[0] | ids | {"blob": "two/c.wav"}])
    assert (done.known, done.problems) == (0, [("two/c.wav", "not there")])
    assert imports(here, FakeArchive(), [MAPPING[0] | ids]).known == 1


@pytest.mark.parametrize("method", ["stage_block", "commit", "put_once", "put_if_unchanged"])
@pytest.mark.parametrize("after", [False, True])
def test_a_failure_at_any_write_is_made_good_by_the_next_run(method: str, after: bool) -> None:
    """Each step finds its own earlier result."""
    here, source = world(), container()
    here.fakes.archive.fail_next(method, StorageBusyError("down"), after=after)
    assert imports(here, source).problems == [(NAME, "storage_busy")]
    assert imports(here, source).problems == []
    here.runs(hours=3, until_quiet=False)
    assert found(here, number=PHONE) == 1


@pytest.mark.parametrize(
    ("data", "changes", "problem"),
    [
        (wav()[:-200], {}, None),
        (b"page of text" * 99, {}, None),
        (wav(), {"sha256": "0" * 64}, "another digest than the mapping says"),
        (None, {}, "not there"),
    ],
)
def test_what_is_not_whole_is_left_out_and_named(
    data: bytes | None, changes: dict[str, Any], problem: str | None
) -> None:
    """A receipt says that it was proved."""
    here, source = world(), FakeArchive()
    if data is not None:
        source.put_once(NAME, data, "audio/wav")
    done = imports(here, source, [{**MAPPING[0], **changes}])
    ((name, why),) = done.problems
    assert name == NAME
    assert why == problem or problem is None
    assert here.fakes.archive.blobs == {}
    assert here.fakes.catalog.chunks == {}


def test_files_that_acs_wrote_to_a_customers_container_are_understood_by_their_names() -> None:
    """Bring your own storage, before this app was there."""
    folder = "20240105/call-7/abcd1234-5678"
    document = metadata(task(), participants=[{"participantId": PHONE}], callId="call-7")
    here, source = world(), container(**{f"{folder}/0-audiowav.0-weu-d1-aa.wav": wav()})
    source.put_once(f"{folder}/0-acsmetadata.0-weu-d1-aa.json", document, "application/json")
    entries = byos_entries(source.blobs)
    assert [(one.call_id, one.index, one.recording_id) for one in entries] == [("call-7", 0, "abcd1234-5678")]
    import_recordings(entries, source, here.ports, here.settings)
    here.follows_up()
    assert found(here, number=PHONE, call="call-7") == 1
    kept = [blob.data for name, blob in here.fakes.archive.blobs.items() if name.endswith(".metadata.json")]
    assert kept == [document]


def test_what_was_imported_is_rebuilt_from_the_archive_too() -> None:
    """It has the same documents as everything else."""
    here = world()
    imports(here, container())
    loses_its_tables(here)
    assert rebuild(here.ports, here.settings).problems == []
    assert found(here, number=PHONE, call="call-1") == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b"[1]",
        b"[{}]",
        b'[{"blob": ""}]',
        b'[{"blob": "a", "colour": "red"}]',
        b'[{"blob": "a", "recordingId": "../x"}]',
        b'[{"blob": "a", "recordingId": "r"}, {"blob": "b", "recordingId": "r"}]',
        b"blob\na,b\n",
        b"\xff\xfe",
    ],
)
def test_a_mapping_that_cannot_be_right_is_refused_whole(raw: bytes) -> None:
    """Half a mapping is worse than none."""
    with pytest.raises(RequestError):
        read_mapping(raw)


def test_an_entry_needs_no_more_than_a_name() -> None:
    """The file itself tells the rest."""
    here = world()
    assert imports(here, container(), [{"blob": NAME}]).copied == 1
    assert ImportEntry(blob=NAME).id_of_recording.startswith("imported-")
    assert found(here, state="archived") == 1


@pytest.mark.parametrize("error", [StorageBusyError("down"), ValueError("odd"), OverflowError("a time")])
def test_an_entry_that_fails_in_any_way_ends_no_import(error: Exception) -> None:
    """It is named in the report, and the files behind it are imported."""
    here, source = world(), container(**{"a/bad.wav": wav(), "b/good.wav": wav(sample=b"12")})
    plain = source.look_up

    def refused(name: str) -> object:
        if name == "a/bad.wav":
            raise error
        return plain(name)

    object.__setattr__(source, "look_up", refused)
    mapping = [
        {"blob": name, "callId": "c", "startedAt": "2024-05-01T10:00:00Z"} for name in ("a/bad.wav", "b/good.wav")
    ]
    done = imports(here, source, mapping)
    assert (done.copied, [name for name, _ in done.problems]) == (1, ["a/bad.wav"])
