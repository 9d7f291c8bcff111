"""Mapping files as spreadsheets and scripts save them, and what they may not hold."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import wav
from dev.in_memory.canaries import PHONE
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.world import world
from recording.control.notes import check_recording_id
from recording.domain.archived.importing import byos_entries, read_mapping
from recording.domain.find.find_query import FindQuery
from recording.domain.ids import canonical_id
from recording.errors import RequestError
from recording.library.directory import find_all
from recording.library.importing import import_recordings
from recording.library.rebuild import rebuild
from tests.unit.library.test_rebuild import loses_its_tables, noted, proved, seen

TABLE = [
    ["blob", "callId", "participants", "tags"],
    ['old/M\u00fcller, "A".wav', "call-1", "+493012345678; 8:acs:x", "case=1; team=n"],
    ["b.wav", "call;2", "", ""],
]
SAVED = {
    "comma": (",", "\n", "utf-8", ""),
    "comma, BOM and CRLF": (",", "\r\n", "utf-8-sig", ""),
    "semicolon and CRLF": (";", "\r\n", "utf-8-sig", ""),
    "semicolon that the file tells": (";", "\r\n", "utf-8", "sep=;\r\n"),
    "tab": ("\t", "\n", "utf-8", ""),
    "tab in UTF-16": ("\t", "\r\n", "utf-16", ""),
    "old line ends": (";", "\r", "utf-8", ""),
}


def quoted(cell: str) -> str:
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'


@pytest.mark.parametrize("form", SAVED)
@pytest.mark.parametrize("behind", ["", "empty"])
def test_a_table_is_the_same_however_it_was_saved(form: str, behind: str) -> None:
    """Spreadsheets of half of Europe separate cells by semicolons; some leave empty rows behind."""
    separator, end, encoding, before = SAVED[form]
    rows = [*TABLE, [""] * 4] if behind else TABLE
    lines = [separator.join(quoted(cell) if cell else "" for cell in row) for row in rows]
    header = separator.join(TABLE[0])
    entries = read_mapping((before + end.join([header, *lines[1:]]) + end).encode(encoding))
    assert [(one.blob, one.call_id) for one in entries] == [(row[0], row[1]) for row in TABLE[1:]]
    assert entries[0].participants == ("+493012345678", "8:acs:x")
    assert entries[0].tags == {"case": "1", "team": "n"}


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"blob,blob\na,b\n",
        b"blob,callId,blob \na,b,c\n",
        b"blob;callId\na;b;c\n",
        b'blob,tags\na,"k=1;k=2"\n',
        b'[{"blob": "a"}, {"blob": "a", "recordingId": "x"}]',
        b'[{"blob": "a", "recordingId": "AAAAAAAA-0000-0000-0000-000000000001"},'
        b' {"blob": "b", "recordingId": "aaaaaaaa-0000-0000-0000-000000000001"}]',
        json.dumps([{"blob": "a", "tags": {"k": "x" * 257}}]).encode(),
        json.dumps([{"blob": "a", "tags": {"": "x"}}]).encode(),
        b'[{"blob": "a\\ud800"}]',
        b'blob,"call\nId"\na,b\n',
        "blob\nM\u00fcller.wav".encode("cp1252"),
        b"\xfe\xff\xd8",
    ],
    ids=lambda raw: raw[:20],
)
def test_a_mapping_that_says_two_things_or_none_is_refused(raw: bytes) -> None:
    """The last one of two would win unseen."""
    with pytest.raises(RequestError):
        read_mapping(raw)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_whatever_the_file_holds_it_is_read_or_refused(raw: bytes) -> None:
    """A person chose the wrong file."""
    with suppress(RequestError):
        assert read_mapping(raw)


def test_a_call_that_is_named_by_a_number_is_kept_by_its_hash() -> None:
    """Folders and mappings of old systems name calls by who rang; catalog, directory and names must not."""
    here, source = world(), FakeArchive()
    exported = f"20240105/{PHONE}/{PHONE}/0-audiowav.{PHONE}.wav"
    names = [exported, "a.wav", "b.wav", "c.wav"]
    for name in names:
        source.put_once(name, wav(), "audio/wav")
    calls = [{"blob": "a.wav", "callId": f"2024-{PHONE}"}, {"blob": "b.wav", "callId": f"4:{PHONE}"}]
    entries = [
        *byos_entries([exported]),
        *read_mapping(json.dumps([*calls, {"blob": "c.wav", "callId": "c"}]).encode()),
    ]
    assert import_recordings(entries, source, here.ports, here.settings).copied == len(names)
    here.follows_up()
    assert len(list(find_all(FindQuery(), here.ports, here.settings))) == len(names)
    assert len(list(find_all(FindQuery(call="c"), here.ports, here.settings))) == 1
    fakes, archive = here.fakes, here.fakes.archive
    others = [blob.data for name, blob in archive.blobs.items() if not name.endswith((".metadata.json", ".wav"))]
    stored = f"{fakes.catalog.chunks} {fakes.catalog.recordings} {fakes.directory.rows} {others} {list(archive.blobs)}"
    assert PHONE not in stored


@pytest.mark.parametrize("given_id", ["AAAAAAAA-0000-4000-8000-00000000000B", "eyJhIjoieHgifQ==", "plain-ID"])
def test_an_imported_recording_is_known_by_the_one_spelling_of_its_id(given_id: str) -> None:
    """Whoever asks for it by the id of the mapping finds it, also after a rebuild."""
    here, source = world(), FakeArchive()
    source.put_once("a.wav", wav(), "audio/wav")
    check_recording_id(given_id)
    entries = read_mapping(json.dumps([{"blob": "a.wav", "recordingId": given_id, "documentId": given_id}]).encode())
    for copied in (1, 0):
        assert import_recordings(entries, source, here.ports, here.settings).copied == copied
    here.follows_up()
    assert here.ports.catalog.get_recording(canonical_id(given_id)) is not None
    assert len(list(find_all(FindQuery(), here.ports, here.settings))) == 1
    before = seen(here), proved(here), noted(here)
    loses_its_tables(here)
    assert rebuild(here.ports, here.settings).problems == []
    assert (seen(here), proved(here), noted(here)) == before
