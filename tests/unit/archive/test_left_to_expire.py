"""A chunk whose source is left is as final as one whose source is deleted: the archive is asked before it is said."""

from typing import Any

import pytest

from dev.in_memory.builders import chunk, document_id, event, location, metadata, mp3, task, wav
from dev.in_memory.hand import HandInArchive
from dev.in_memory.world import world
from recording.domain.formats import FormatType
from recording.domain.state.chunk import ChunkState, SourceOutcome

pytestmark = pytest.mark.slow

LEFT: dict[str, dict[str, Any]] = {
    "no delete location": {"deleteLocation": None},
    "of another object": {"deleteLocation": location(document_id(7), "")},
    "at a foreign host": {"deleteLocation": "https://elsewhere.example/v1/objects/x"},
}


@pytest.mark.parametrize("how", ["deletes", "empties", "drops_container"])
@pytest.mark.parametrize("changes", LEFT.values(), ids=LEFT)
def test_media_that_was_lost_meanwhile_is_copied_again(changes: dict[str, Any], how: str) -> None:
    """Its metadata was late, and the chunk was called archived, without media, while ACS still had it."""
    here = world()
    made = here.holds(task(), wav(), b"")
    here.truth[document_id()] = (wav(), metadata())
    here.announces(event(chunk(**changes)))
    here.runs(hours=1, until_quiet=False)
    assert here.state(made) is ChunkState.VERIFIED
    hand, name = HandInArchive(here.fakes.archive), here.record(made).blob_name
    if how == "drops_container":
        hand.drops_container()
    else:
        getattr(hand, how)(name)
    here.source.objects[made.metadata_location or ""] = metadata(made)
    here.runs(hours=12)
    found = here.record(made)
    assert (found.state, found.source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    assert here.fakes.archive.blobs[found.blob_name or ""].data == wav()


@pytest.mark.parametrize("minutes", [3, 30])
@pytest.mark.parametrize("changes", LEFT.values(), ids=LEFT)
def test_a_growing_file_is_archived_whole_also_where_it_is_left(changes: dict[str, Any], minutes: int) -> None:
    """A fifth of it was called archived."""
    here, whole = world(), mp3(3000)
    made = here.holds(task(metadata_location=None, format=FormatType.MP3), whole)
    begun, plain = here.now, here.source.open

    def served(place: str, first: int = 0, length: int | None = None) -> Any:
        share = min(1, 0.2 + 0.8 * (here.now - begun).total_seconds() / (minutes * 60))
        here.source.objects[made.content_location] = mp3(round(3000 * share))
        return plain(place, first, length)

    here.source.open = served  # type: ignore[method-assign,assignment]
    told = {"recordingFormatType": "Mp3", "recordingDurationMs": None}
    here.announces(event(chunk(metadataLocation=None, **changes), data=told))
    here.runs(hours=6)
    found = here.record(made)
    assert (found.state, found.source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    assert here.fakes.archive.blobs[found.blob_name or ""].data == whole


def test_documents_in_the_archive_tier_keep_no_chunk_open_whose_source_is_left() -> None:
    """They cannot be read now, and nothing is deleted."""
    here = world()
    made = here.holds(task(), wav(), b"")
    here.truth[document_id()] = (wav(), metadata())
    here.announces(event(chunk(**LEFT["no delete location"])))
    here.runs(hours=1, until_quiet=False)
    here.source.objects[made.metadata_location or ""] = metadata(made)
    plain = here.fakes.archive.put_once

    def straight_to_the_archive_tier(name: str, *args: Any) -> Any:
        done = plain(name, *args)
        if name.endswith(".receipt.json"):
            here.fakes.archive.tiers[name] = "Archive"
        return done

    here.fakes.archive.put_once = straight_to_the_archive_tier  # type: ignore[method-assign,assignment]
    here.runs(hours=3)
    assert (here.state(made), here.record(made).source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
