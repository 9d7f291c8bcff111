"""The picture at the end of a life: what must be the same, however it went."""

import json
from typing import Any

from dev.in_memory.world import World
from recording.domain.state.chunk import SourceOutcome


def picture(here: World) -> dict[str, Any]:
    """Return the end of a life, without what rightly differs: times, tries, claims, and who found the source gone."""
    gone = (SourceOutcome.DELETED, SourceOutcome.ALREADY_GONE)
    fakes, blobs = here.fakes, here.fakes.archive.blobs
    papers = {name: blob.data for name, blob in blobs.items() if name.endswith(".metadata.json")}
    return {
        "chunks": sorted(
            (
                r.task.index,
                r.task.document_id,
                r.state.value,
                r.blob_name,
                r.sha256,
                r.length_bytes,
                r.metadata.value,
                "gone" if r.source in gone else str(r.source),
            )
            for r in fakes.catalog.chunks.values()
        ),
        "media": here.media_blobs(),
        "metadata": papers,
        "receipts": {n: _proved_in(b.data) for n, b in blobs.items() if n.endswith(".receipt.json")},
        "manifests": {n: _chunks_in(b.data) for n, b in blobs.items() if n.endswith("manifest.json")},
        "quarantine": sorted(fakes.quarantine.reasons),
        "left in queues": len(fakes.queue.sent) + len(fakes.queue.poison_bodies),
        "left at the source": sorted(here.source.objects),
        "dead letters": sorted(fakes.dead_letters.kept) if fakes.dead_letters else [],
    }


def _proved_in(receipt: bytes) -> dict[str, Any]:
    """Return what a receipt says of the media, whichever try has committed it."""
    content = json.loads(receipt)
    names = ("sha256", "lengthBytes", "durationMs", "container", "channels", "sampleRate", "video", "remarks")
    return {name: content.get(name) for name in names}


def _chunks_in(manifest: bytes) -> tuple[bool, list[tuple[int, str]]]:
    content = json.loads(manifest)
    return content["complete"], [(each["index"], each["sha256"]) for each in content["chunks"]]
