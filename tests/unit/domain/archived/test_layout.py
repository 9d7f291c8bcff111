"""Ids from outside become names for blobs and rows: safe ones, and never one for two ids."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import CALL_ID, RECORDING_ID, document_id, location
from recording.archive.tasks import is_folder
from recording.domain.archived.layout import (
    DEFAULT_TEMPLATE,
    LONGEST_NAME,
    conflict_name,
    folder_of,
    manifest_name,
    media_name,
    metadata_name,
    receipt_name,
    template_fault,
)
from recording.domain.formats import FormatType
from recording.domain.ids import is_opaque_id, mark_of, name_of

STARTED = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
OpaqueIds = st.from_regex(r"[A-Za-z0-9_=.~-]{1,512}", fullmatch=True).filter(is_opaque_id)


@pytest.mark.parametrize("value", [RECORDING_ID, CALL_ID, document_id(), "a", "a.b", "a~b=", "-", "_", "...a"])
def test_ids_as_the_service_writes_them_are_accepted(value: str) -> None:
    """Recording ids are base64url JSON, call ids GUIDs, document ids have a region in front."""
    assert is_opaque_id(value)


@pytest.mark.parametrize(
    "value", ["", ".", "..", "....", "a/b", "a\\b", "a b", "a\n", "a%2f", "a?b", "a#b", "é", "\u0430", "a" * 513, "a\0"]
)
def test_an_id_that_means_something_in_a_path_is_refused(value: str) -> None:
    """It would be part of blob names, table keys and log lines."""
    assert not is_opaque_id(value)


@given(OpaqueIds)
def test_a_name_is_plain(value: str) -> None:
    """Nothing in a name can climb out of its folder or break a table key."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name_of(value))


@given(st.lists(OpaqueIds, min_size=2, max_size=6, unique=True))
def test_two_ids_never_share_a_name(values: list[str]) -> None:
    """Shared names would be one recording overwriting another."""
    assert len({name_of(value) for value in values}) == len(values)


@given(OpaqueIds)
def test_no_id_can_be_chosen_to_have_the_name_of_a_hashed_one(value: str) -> None:
    """An id that looks like a hashed name is hashed itself."""
    assert name_of(name_of(value)) == name_of(value) or name_of(value).startswith("h-")
    if name_of(value) != value:
        assert name_of(name_of(value)) != name_of(value)


def test_a_mark_tells_locations_apart_without_telling_them() -> None:
    """It is written into the archive; the location is not."""
    marks = {mark_of(location(document_id(number))) for number in range(50)}
    assert len(marks) == 50
    assert all(re.fullmatch("[0-9a-f]{32}", mark) for mark in marks)


@pytest.mark.parametrize(
    "template",
    [
        DEFAULT_TEMPLATE,
        "{recordingId}/{index}-{documentId}.{ext}",
        "calls/{yyyy}-{MM}-{dd}/{HH}/{callId}/{recordingId}/{documentId}_{index}.{ext}",
        "a+b=c d/{yyyy}{MM}{dd}{recordingId}/{index}_{documentId}.{ext}",
    ],
)
def test_a_good_template_has_no_fault(template: str) -> None:
    """Operators have their own ideas of folders."""
    assert template_fault(template) is None


@pytest.mark.parametrize(
    "template",
    [
        "",
        "{",
        "{recordingId}/{index}-{documentId}.{ext",
        "{recordingId}/{index}-{documentId}.{ext}}",
        "{index}-{documentId}.{ext}",
        "{callId}/{index}-{documentId}.{ext}",
        "{recordingId}/{documentId}.{ext}",
        "{recordingId}/{index}.{ext}",
        "{recordingId}/{index}-{documentId}",
        "{recordingId}/{index}-{documentId}.{ext}.gz",
        "{recordingId}/{index}-{documentId}-{recordingId}.{ext}",
        "{recordingId}/{index}/{documentId}.{ext}",
        "{recordingId}/{nothing}/{index}-{documentId}.{ext}",
        "{recordingId}/{}/{index}-{documentId}.{ext}",
        "{recordingId}/{0}/{index}-{documentId}.{ext}",
        "{recordingId!r}/{index}-{documentId}.{ext}",
        "{recordingId}/{index:08d}-{documentId}.{ext}",
        "{recordingId.__class__}/{index}-{documentId}.{ext}",
        "/{recordingId}/{index}-{documentId}.{ext}",
        "a//{recordingId}/{index}-{documentId}.{ext}",
        "../{recordingId}/{index}-{documentId}.{ext}",
        "a/./{recordingId}/{index}-{documentId}.{ext}",
        "a\\b/{recordingId}/{index}-{documentId}.{ext}",
        "é/{recordingId}/{index}-{documentId}.{ext}",
        "a?b/{recordingId}/{index}-{documentId}.{ext}",
        "a./{recordingId}/{index}-{documentId}.{ext}",
        "calls/ /{recordingId}/{index}-{documentId}.{ext}",
        " /{recordingId}/{index}-{documentId}.{ext}",
        "a/. /{recordingId}/{index}-{documentId}.{ext}",
        "{recordingId}/{index}{documentId}.{ext}",
        "{callId}{recordingId}/{index}-{documentId}.{ext}",
        "{callId}/" * 16 + "{recordingId}/{index}-{documentId}.{ext}",
        "x" * 1000 + "/{recordingId}/{index}-{documentId}.{ext}",
    ],
)
def test_a_bad_template_is_refused_with_words(template: str) -> None:
    """A template that does not tell two chunks apart would overwrite one with the other."""
    assert template_fault(template)


@given(st.text("a/. -", max_size=12), st.text("a/. -", max_size=6))
def test_every_template_that_is_accepted_makes_folders_that_workers_take(before: str, behind: str) -> None:
    """A worker refuses a task with an odd folder: nothing would be archived, and no start would say why."""
    template = f"{before}{{recordingId}}{behind}/{{index}}-{{documentId}}.{{ext}}"
    folder = folder_of(template, RECORDING_ID, CALL_ID, STARTED)
    assert template_fault(template) or is_folder(folder)


@pytest.mark.parametrize("length", range(820, 930, 5))
@pytest.mark.parametrize("ids", ["{recordingId}", "{callId}/{recordingId}"])
def test_every_length_that_is_accepted_makes_folders_that_workers_take(length: int, ids: str) -> None:
    """Some lengths fit a blob's name, and every task of them was refused."""
    template = f"{'x' * length}/{ids}/{{index}}-{{documentId}}.{{ext}}"
    folder = folder_of(template, "r" * 64, "c" * 64, STARTED)
    assert template_fault(template) or is_folder(folder)


def test_names_lie_where_the_layout_says() -> None:
    """Other people's scripts look there."""
    folder = folder_of(DEFAULT_TEMPLATE, "rec", CALL_ID, STARTED)
    media = media_name(DEFAULT_TEMPLATE, folder, 7, "doc", FormatType.MP4)
    assert media == f"2026/01/02/{CALL_ID}/rec/0007-doc.mp4"
    assert metadata_name(media) == f"2026/01/02/{CALL_ID}/rec/0007-doc.metadata.json"
    assert receipt_name(media) == f"2026/01/02/{CALL_ID}/rec/0007-doc.receipt.json"
    assert manifest_name(folder) == f"2026/01/02/{CALL_ID}/rec/manifest.json"
    assert conflict_name(media, "f" * 32) == f"2026/01/02/{CALL_ID}/rec/0007-doc.conflict-ffffffffffffffff.mp4"


def test_unknown_media_is_kept_as_bin() -> None:
    """An unknown format must not stop the archive."""
    assert media_name(DEFAULT_TEMPLATE, "f", 0, "doc", None) == "f/0000-doc.bin"


@given(recording=OpaqueIds, call=OpaqueIds, document=OpaqueIds, index=st.integers(0, 1_000_000), started=st.datetimes())
def test_no_id_leads_out_of_its_folder(recording: str, call: str, document: str, index: int, started: datetime) -> None:
    """Names are built from ids that others chose (S3)."""
    folder = folder_of(DEFAULT_TEMPLATE, recording, call, started)
    names = [media_name(DEFAULT_TEMPLATE, folder, index, document, format_type) for format_type in (*FormatType, None)]
    for name in (*names, metadata_name(names[0]), receipt_name(names[0]), conflict_name(names[0], "0" * 32)):
        assert re.fullmatch(r"(?:[A-Za-z0-9_-]+/){5}[A-Za-z0-9_-]+(?:\.[a-z0-9-]+){1,2}", name)
        assert len(name) <= LONGEST_NAME


@given(
    st.lists(st.tuples(OpaqueIds, st.integers(0, 99_999), OpaqueIds), min_size=2, max_size=5, unique=True),
    st.sampled_from([DEFAULT_TEMPLATE, "{recordingId}/{index}-{documentId}.{ext}"]),
)
def test_two_chunks_never_share_a_name(chunks: list[tuple[str, int, str]], template: str) -> None:
    """Exactly one media blob for each recording, index and document (I3)."""
    names = {
        media_name(template, folder_of(template, recording, "call", STARTED), index, document, FormatType.WAV)
        for recording, index, document in chunks
    }
    assert len(names) == len(chunks)
