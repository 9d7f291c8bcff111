"""Import of containers and mappings as they are found: odd names, odd files, and a run that is killed anywhere."""

import json
from typing import Any

import pytest

from dev.in_memory.builders import metadata, task, wav
from dev.in_memory.canaries import PHONE
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from recording.domain.archived.importing import ODD_NAME, read_mapping
from recording.domain.find.find_query import FindQuery
from recording.errors import RequestError
from recording.library.directory import find_all
from recording.library.import_entries import entries_in
from recording.library.importing import Imported, import_recordings
from recording.library.rebuild import rebuild
from recording.operate.drift import look_for_drift
from tests.unit.library.test_rebuild import loses_its_tables, seen

pytestmark = pytest.mark.slow

ODD_NAMES = [
    "a b/c d.wav",
    "a%20b.wav",
    "a%2Fb.wav",
    "50%.wav",
    "M\u00fcller/\u65e5\u672c\u8a9e.wav",
    "\u0434\u0430 \u0438 \u043d\u0435\u0442.wav",
    "#1 & 2?.wav",
    "a+b.wav",
    "UPPER.WAV",
    "Mixed.Mp3.wAv",
    "a//b.wav",
    "...wav",
    "a..b/..c.wav",
    "\u202eright.wav",
    "'quote\"d'.wav",
]
EXPORTED = "20240105/{call}/{recording}/{chunk}-audiowav.{document}.wav"


def of(names: dict[str, bytes]) -> FakeArchive:
    source = FakeArchive()
    for name, data in names.items():
        source.put_once(name, data, "x")
    return source


def imports(here: World, source: FakeArchive, mapping: Any = None, **options: Any) -> Imported:
    entries = entries_in(source) if mapping is None else read_mapping(json.dumps(mapping).encode())
    done = import_recordings(entries, source, here.ports, here.settings, **options)
    here.follows_up()
    return done


def found(here: World, **query: Any) -> int:
    return len(list(find_all(FindQuery.read(query), here.ports, here.settings)))


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("is_mapped", [True, False])
def test_a_file_of_any_name_is_imported_under_a_name_of_our_own(name: str, is_mapped: bool) -> None:
    """Spaces, percent signs, other scripts, capitals: none of it is in an id, and it is known the second time."""
    here, source = world(), of({name: wav()})
    mapping = [{"blob": name, "callId": "c"}] if is_mapped else None
    assert (imports(here, source, mapping).copied, imports(here, source, mapping).known) == (1, 1)
    assert found(here, state="archived", format="wav") == 1
    assert all(name not in kept for kept in here.fakes.archive.blobs)
    assert all(kept.isascii() for kept in here.fakes.archive.blobs)


@pytest.mark.parametrize("end", [".json", ".JSON", ".metadata.json", "-metadata.json"])
def test_a_document_beside_is_found_in_capital_letters_too(end: str) -> None:
    """An old file system, or a person, has changed them."""
    document = metadata(task(), participants=[{"participantId": PHONE}])
    here, source = world(), of({"call 1.WAV": wav(), f"call 1{end}": document})
    assert imports(here, source).copied == 1
    assert found(here, number=PHONE) == 1


@pytest.mark.parametrize("field", ["blob", "metadata"])
@pytest.mark.parametrize(
    "name", ["..", "../x.wav", "a/../../other/x.wav", "./x.wav", "a/./x.wav", "a\\..\\x.wav", "x/.."]
)
def test_a_name_that_leads_out_of_the_container_is_refused(field: str, name: str) -> None:
    """Clients resolve such parts before they ask, so another file would be read than the mapping says."""
    with pytest.raises(RequestError, match="entry 2") as refused:
        read_mapping(json.dumps([{"blob": "fine.wav"}, {"blob": "x.wav", field: name}]).encode())
    assert field in str(refused.value)


@pytest.mark.parametrize("column", ["colour", "Blob", "recordingID", ""])
@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_column_that_is_not_known_is_named(column: str, form: str) -> None:
    """A misspelled one would be left out unseen; in a table also one without a name."""
    raw = json.dumps([{"blob": "a.wav", column: "x"}]) if form == "json" else f"blob,{column}\na.wav,x\n"
    with pytest.raises(RequestError) as refused:
        read_mapping(raw.encode())
    assert column in str(refused.value)


def test_a_file_of_no_bytes_is_named_and_written_nowhere() -> None:
    """It has a name like a recording's and holds none."""
    here = world()
    done = imports(here, of({"empty.wav": b"", "whole.wav": wav()}))
    assert (done.copied, done.problems) == (1, [("empty.wav", "the file is empty")])
    assert len(here.fakes.catalog.chunks) == 1


@pytest.mark.parametrize(
    ("part", "value"),
    [("chunk", "1000001"), ("chunk", "9" * 400), ("call", "c" * 257), ("call", "c" * 800)],
)
def test_a_name_of_the_exports_that_is_not_legal_is_named_and_ends_nothing(part: str, value: str) -> None:
    """Somebody else's program writes into that container as well."""
    facts = {"call": "call-7", "recording": "r-1", "chunk": "0", "document": "0-weu-d1-aa"}
    odd, fine = EXPORTED.format(**{**facts, part: value}), EXPORTED.format(**facts)
    here = world()
    done = imports(here, of({odd: wav(), fine: wav(), "other.wav": wav()}))
    assert (done.copied, done.problems) == (2, [(odd, ODD_NAME)])


@pytest.mark.parametrize("part", ["recording", "document"])
@pytest.mark.parametrize("value", ["r" * 257, "r" * 500, "r\u00fc", "a b", "r?x"])
def test_a_part_of_a_name_that_is_no_id_is_hashed(part: str, value: str) -> None:
    """It still is one recording, and the same one the next time."""
    facts = {"call": "call-7", "recording": "r-1", "chunk": "007", "document": "0-weu-d1-aa"}
    here, source = world(), of({EXPORTED.format(**{**facts, part: value}): wav()})
    assert (imports(here, source).copied, imports(here, source).known) == (1, 1)
    assert [chunk.task.index for chunk in here.fakes.catalog.chunks.values()] in ([7], [0])


@pytest.mark.parametrize("told", [{"callId": "c" * 5000}, {"chunkIndex": 10**9}, {"chunkDocumentId": "d" * 5000}])
def test_a_document_that_gives_what_no_id_is_ends_nothing(told: dict[str, Any]) -> None:
    """What lies beside the media was written by another program."""
    here = world()
    done = imports(here, of({"a.wav": wav(), "a.json": metadata(task(), **told), "b.wav": wav()}))
    assert done.copied + len(done.problems) == 2
    assert {why for _, why in done.problems} <= {ODD_NAME}
    assert done.copied >= 1


@pytest.mark.parametrize("mapping", [None, [{"blob": "a.wav", "recordingId": "r"}, {"blob": "gone.wav"}]])
def test_a_dry_run_writes_nothing_anywhere(mapping: Any) -> None:
    """Not one blob, row, message or entry of the trail: every write of every port is counted."""
    here, source = world(), of({"a.wav": wav(), "a.json": metadata(task()), "broken.wav": b"x" * 999})
    written: list[str] = []
    reads = (
        "get",
        "look_up",
        "read",
        "list",
        "keys",
        "chunks",
        "recording",
        "cursor",
        "now",
        "staged",
        "custody",
        "covered",
    )

    def decide(port: str, method: str) -> tuple[Exception | None, bool]:
        if not method.startswith(reads):
            written.append(f"{port}.{method}")
        return None, False

    intercept(here, decide)
    done = imports(here, source, mapping, dry_run=True)
    leave_alone(here)
    assert (done.copied, len(done.problems)) == (1, 1)
    assert written == []


def files() -> dict[str, bytes]:
    """Two chunks of one recording with their documents, and one that knows nothing."""
    people = [{"participantId": PHONE}]
    return {
        "0.wav": wav(),
        "0.json": metadata(task(0, call_id="call-9"), participants=people),
        "1.wav": wav(1500),
        "1.json": metadata(task(1, call_id="call-9"), participants=people),
        "lone.wav": wav(700),
    }


def standing(here: World) -> tuple[Any, ...]:
    """Return everything that counts, without the moment at which it was written."""
    media = {name: blob.data for name, blob in here.fakes.archive.blobs.items() if name.endswith(".wav")}
    chunks = {str(key): (one.sha256, one.blob_name, one.state) for key, one in here.fakes.catalog.chunks.items()}
    return media, chunks, sorted(here.fakes.archive.blobs), seen(here)


def test_a_run_that_is_killed_anywhere_is_completed_by_the_next() -> None:
    """Before and after every single call of every port; nothing is left half done, and nothing is there twice."""
    undisturbed = world()
    assert imports(undisturbed, of(files())).copied == 3
    undisturbed.runs(hours=3, until_quiet=False)
    wanted = standing(undisturbed)
    for after in (False, True):
        number = 0
        while True:
            here, source, calls = world(), of(files()), 0

            def decide(
                _port: str, _method: str, number: int = number, after: bool = after
            ) -> tuple[Exception | None, bool]:
                nonlocal calls
                calls += 1
                return (WorkerDiedError() if calls == number + 1 else None), after

            intercept(here, decide)
            try:
                import_recordings(entries_in(source), source, here.ports, here.settings)
            except WorkerDiedError:
                leave_alone(here)
            else:
                leave_alone(here)
                break
            assert import_recordings(entries_in(source), source, here.ports, here.settings).problems == []
            here.runs(hours=3, until_quiet=False)
            assert standing(here) == wanted, (number, after)
            report = look_for_drift(here.ports, here.settings, sample_percent=100)
            assert (report.drifts, report.sampled) == ((), 3), (number, after)
            loses_its_tables(here)
            assert rebuild(here.ports, here.settings).problems == []
            assert standing(here) == wanted, ("rebuilt", number, after)
            number += 1
        assert number > 20
