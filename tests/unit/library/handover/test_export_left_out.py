"""What is not in a bundle is named with its reason: in its list, on its page, and in the export's answer."""

import html
import json
from pathlib import Path
from typing import Any

import pytest

from dev.in_memory.builders import EVENT_TIME, RECORDING_ID
from dev.in_memory.world import World
from recording.domain.archived import exports as form
from recording.domain.state.chunk import ChunkState
from recording.library.handover.export import get_export
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
