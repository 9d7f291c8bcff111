"""A hand in the archive: blobs are deleted, emptied and overwritten by another writer."""

from dataclasses import dataclass, field

from dev.in_memory.hand import HandInArchive
from dev.prove.powers.power import Power
from recording.domain.state.chunk import ChunkRecord

# Between the question to the archive and the DELETE only these calls are made. A hand that is quicker than they are
# is the rest that cannot be closed without a lease (docs/reliability.md).
QUESTIONS = frozenset({"look_up", "get", "delete"})


@dataclass
class HandInTheArchive(Power):
    """Now and then a blob is deleted, emptied or overwritten, or the whole container is gone."""

    hand: HandInArchive = field(init=False)
    is_over: bool = False
    share: float = 0.01

    def __post_init__(self) -> None:
        self.hand = HandInArchive(self.world.fakes.archive)

    def at_call(self, method: str) -> None:
        """Touch one blob, or all of them."""
        blobs = self.world.fakes.archive.blobs
        if self.is_over or method in QUESTIONS or not blobs or self.dice.random() >= self.share:
            return
        if self.dice.random() < 0.1:
            self.hand.drops_container()
            return
        act = self.dice.choice([self.hand.deletes, self.hand.empties, self.hand.overwrites])
        act(self.dice.choice(sorted(blobs)))

    def end(self) -> None:
        """Touch nothing more."""
        self.is_over = True

    def excuses(self, record: ChunkRecord) -> bool:
        """Return whether a blob of this chunk was touched."""
        return any(record.task.document_id in name for name in self.hand.touched)
