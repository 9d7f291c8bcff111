"""A hand in the archive: blobs are deleted, emptied and overwritten by another writer."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from dev.in_memory.hand import HandInArchive
from dev.prove.powers.power import Power
from recording.domain.state.chunk import ChunkRecord, SourceOutcome

# Between the question to the archive and the DELETE only these calls are made. A hand that is quicker than they are
# is the rest that cannot be closed without a lease (docs/reliability.md).
QUESTIONS = frozenset({"look_up", "get", "delete"})


@dataclass
class HandInTheArchive(Power):
    """Now and then a blob is deleted, emptied or overwritten, or the whole container is gone.

    Its witness stands where a source is left to expire: that is as final as a DELETE, and the archive is asked before.
    """

    hand: HandInArchive = field(init=False)
    is_over: bool = False
    share: float = 0.01
    unasked: set[str] = field(default_factory=set)  # touched since the archive was last asked for a blob
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hand = HandInArchive(self.world.fakes.archive)

    def begin(self) -> None:
        """Watch what is saved."""
        catalog: Any = self.world.fakes.catalog
        plain = catalog._save

        def save(rows: Any, key: Any, record: Any) -> Any:
            before, saved = rows.get(key), plain(rows, key, record)
            if isinstance(record, ChunkRecord) and record.source is SourceOutcome.LEFT_TO_EXPIRE != before.source:
                self._check_left(record)
            return saved

        catalog._save = save

    def _check_left(self, record: ChunkRecord) -> None:
        name = str(record.blob_name)
        blob = self.world.fakes.archive.blobs.get(name)
        is_there = blob is not None and hashlib.sha256(blob.data).hexdigest() == record.sha256
        if not is_there and name not in self.unasked:
            self.broken.append(f"I1: chunk {record.task.index} is left at ACS, and the archive has not its bytes")

    def at_call(self, method: str) -> None:
        """Touch one blob, or all of them."""
        if method == "look_up":
            self.unasked.clear()
        self.unasked.update(self._touch(method))

    def _touch(self, method: str) -> list[str]:
        """Return the names that were touched."""
        blobs = self.world.fakes.archive.blobs
        if self.is_over or method in QUESTIONS or not blobs or self.dice.random() >= self.share:
            return []
        if self.dice.random() < 0.1:
            names = sorted(blobs)
            self.hand.drops_container()
            return names
        act = self.dice.choice([self.hand.deletes, self.hand.empties, self.hand.overwrites])
        act(name := self.dice.choice(sorted(blobs)))
        return [name]

    def end(self) -> None:
        """Touch nothing more."""
        self.is_over = True

    def excuses(self, record: ChunkRecord) -> bool:
        """Return whether a blob of this chunk was touched."""
        return any(record.task.document_id in name for name in self.hand.touched)

    def faults(self) -> list[str]:
        """Return the sources that were left although the archive had lost the bytes."""
        return self.broken
