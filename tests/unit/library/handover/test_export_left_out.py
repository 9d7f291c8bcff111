"""What is not in a bundle is named with its reason: in its list, on its page, and in the export's answer."""

import base64
import html
import json
from pathlib import Path
from typing import Any

import pytest

from dev.in_memory.builders import EVENT_TIME, RECORDING_ID
from dev.in_memory.world import World
from recording.domain.archived import exports as form
from recording.domain.archived.derived import DerivedKind
from recording.domain.state.chunk import ChunkState
from recording.errors import RequestError, StorageError
from recording.errors.codes import Code
from recording.library.derived.ask import list_derived
from recording.library.derived.make import wanted_now
from recording.library.handover.export import get_export
from recording.library.handover.vcon import make_vcon
from recording.library.tags import change_tags
from recording.operate.get_recording_files import files_of, not_had
from tests.unit.library.handover.test_export import archived, asks, unpacked, works


def everywhere(here: World, export_id: str, folder: Path) -> tuple[list[dict[str, str]], str, dict[str, Any]]:
    """What the list in the bundle, its page, and the export's answer say of what is not in it."""
    unpacked(here, export_id, folder)
    (facts,) = json.loads((folder / "export.json").read_text())["recordings"]
    page = html.unescape((folder / "index.html").read_text())
    return facts["leftOut"], page, get_export(export_id, here.ports)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": ChunkState.PENDING}, "it is not archived yet"),
        ({"state": ChunkState.PENDING, "last_error": "source_busy"}, "it is not archived yet (source_busy)"),
        ({"state": ChunkState.COPIED}, "it is not archived yet"),
        ({"state": ChunkState.VERIFIED}, "it is not archived yet"),
        (
            {"state": ChunkState.QUARANTINED, "quarantine_reason": "media_suspect"},
            "it is held until an operator decides about it (media_suspect)",
        ),
        (
            {"state": ChunkState.EXPIRED, "last_error": "source_gone"},
            "the service deleted it before it could be archived (source_gone)",
        ),
        ({"disposed_why": "a rule", "disposed_at": EVENT_TIME}, "it was destroyed, and a certificate says why"),
    ],
    ids=str,
)
@pytest.mark.parametrize("is_alone", [False, True], ids=["beside another", "alone"])
def test_a_chunk_that_cannot_be_handed_over_is_named_with_its_reason_everywhere(
    changes: dict[str, Any], why: str, is_alone: bool, tmp_path: Path
) -> None:
    """A bundle that is silent about a chunk passes for the whole recording."""
    here = archived()
    for key, one in here.fakes.catalog.chunks.items():
        if is_alone or one.task.index == 1:
            here.fakes.catalog.chunks[key] = one.model_copy(update=changes)
    export_id = asks(here)
    works(here)
    listed, page, answer = everywhere(here, export_id, tmp_path)
    named = [one["what"] for one in listed if one["why"] == why]
    assert [what.split(",")[0] for what in named] == (["chunk 0", "chunk 1"] if is_alone else ["chunk 1"])
    assert all(f"{what}: {why}" in page for what in named)
    assert "Not everything is here" in page
    assert {(one["what"], one["why"]) for one in answer["leftOut"]} >= {(what, why) for what in named}
    assert {one["recordingId"] for one in answer["leftOut"]} == {RECORDING_ID}
    assert answer["leftOutCount"] == len(answer["leftOut"]) == len(named) + is_alone
    assert len(list(tmp_path.rglob("*.wav"))) == (0 if is_alone else 1)


def test_chunks_that_nobody_announced_are_named_as_a_gap(tmp_path: Path) -> None:
    """ACS's own log counts six files, and two have come."""
    here = archived()
    record = here.fakes.catalog.recordings[RECORDING_ID]
    here.fakes.catalog.save_recording(record.model_copy(update={"chunk_count": 6}))
    export_id = asks(here)
    assert get_export(export_id, here.ports)["leftOutCount"] is None
    works(here)
    listed, page, answer = everywhere(here, export_id, tmp_path)
    assert listed == [{"what": "chunks 2 to 5", "why": "it was never announced to the archive"}]
    assert "chunks 2 to 5: it was never announced" in page
    assert answer["leftOutCount"] == 1


def test_a_whole_bundle_says_nothing_of_the_kind(tmp_path: Path) -> None:
    here = archived()
    export_id = asks(here)
    works(here)
    listed, page, answer = everywhere(here, export_id, tmp_path)
    assert (listed, answer["leftOut"], answer["leftOutCount"]) == ([], [], 0)
    assert "Not everything" not in page


def test_the_answer_names_a_hundred_and_counts_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The document of an export is read for each list of exports; the bundle has the whole list."""
    monkeypatch.setattr(form, "MOST_TOLD", 1)
    here = archived()
    for key, one in here.fakes.catalog.chunks.items():
        here.fakes.catalog.chunks[key] = one.model_copy(update={"state": ChunkState.PENDING})
    export_id = asks(here)
    works(here)
    listed, _, answer = everywhere(here, export_id, tmp_path)
    assert (len(listed), len(answer["leftOut"]), answer["leftOutCount"]) == (2, 1, 3)


@pytest.mark.parametrize("code", [Code.UNREADABLE_RECORD, Code.NEWER_RECORD])
@pytest.mark.parametrize("index", [0, 1])
def test_a_chunk_whose_row_cannot_be_read_is_named_everywhere(index: int, code: Code, tmp_path: Path) -> None:
    """The bundle is made of the others, and the recording's vCon and files say the same."""
    here = archived()
    row = next(key for key, one in here.fakes.catalog.chunks.items() if one.task.index == index)
    here.fakes.catalog.unreadable.add(row)
    here.fakes.catalog.unreadable_code = code
    named = {"what": f"chunk {index}, row {row[1]}", "why": f"its row in the catalog cannot be read ({code})"}
    export_id = asks(here)
    works(here)
    listed, page, answer = everywhere(here, export_id, tmp_path)
    assert listed == [named]
    assert f"{named['what']}: {named['why']}" in page
    assert (answer["state"], answer["leftOutCount"]) == ("done", 1)
    assert len(list(tmp_path.rglob("*.wav"))) == 1
    document = make_vcon(RECORDING_ID, here.ports, here.settings)
    (body,) = [one["body"] for one in document["attachments"] if one["purpose"] == "left-out"]
    assert json.loads(base64.urlsafe_b64decode(f"{body}==")) == [named]
    assert not_had(RECORDING_ID, files_of(RECORDING_ID, here.ports), here.ports) == [named]
    with pytest.raises(RequestError) as refused:
        wanted_now(RECORDING_ID, DerivedKind.JOINED, here.ports)
    assert refused.value.code == code


@pytest.mark.parametrize("code", [Code.UNREADABLE_RECORD, Code.NEWER_RECORD])
def test_a_recording_of_such_rows_alone_is_not_called_unknown(code: Code) -> None:
    """An answer that no file is known would send people away from what is in the archive."""
    here = archived()
    here.fakes.catalog.unreadable = set(here.fakes.catalog.chunks)
    here.fakes.catalog.unreadable_code = code
    for ask in (files_of, list_derived):
        with pytest.raises(StorageError) as refused:
            ask(RECORDING_ID, here.ports)
        assert refused.value.code == code


@pytest.mark.parametrize("since", ["before", "after"])
def test_a_recording_whose_own_row_cannot_be_read_is_handed_over_and_says_what_it_lacks(
    since: str, tmp_path: Path
) -> None:
    """Its media is proved by the rows of its chunks; one row must not keep a bundle of thousands from its end."""
    here = archived()
    if since == "before":
        here.fakes.catalog.unreadable.add(RECORDING_ID)
    export_id = asks(here)
    here.fakes.catalog.unreadable.add(RECORDING_ID)
    works(here)
    listed, page, answer = everywhere(here, export_id, tmp_path)
    (named,) = listed
    assert (named["what"].split(":")[0], "unreadable_record" in named["why"]) == (
        "what was noted of the recording itself",
        True,
    )
    assert named["what"] in page
    assert (answer["state"], answer["leftOutCount"], len(list(tmp_path.rglob("*.wav")))) == ("done", 1, 2)


def test_a_recording_that_may_have_the_tag_is_named_and_not_handed_over(tmp_path: Path) -> None:
    """The directory has it under the tag, and the row that could confirm it cannot be read."""
    here = archived()
    change_tags(RECORDING_ID, {"tags": {"case": "7"}}, "*", here.ports, here.settings)
    here.follows_up()
    here.fakes.catalog.unreadable.add(RECORDING_ID)
    export_id = asks(here, tag="case:7")
    works(here)
    unpacked(here, export_id, tmp_path)
    (left,) = get_export(export_id, here.ports)["leftOut"]
    assert (left["recordingId"], left["what"]) == (RECORDING_ID, "the recording")
    assert "could not be read" in left["why"]
    assert list(tmp_path.rglob("*.wav")) == []
