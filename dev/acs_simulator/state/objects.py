"""The storage plane's memory: objects that can be read until they are deleted or their time is over."""

from datetime import datetime

from dev.acs_simulator.state.model import StoredObject


class Objects:
    """Every object since the start. Records of deleted and expired ones stay, so that bytes can be compared later.

    A document id normally names one object; after a failover two files may share one, and then the newest is served.
    """

    def __init__(self) -> None:
        self._objects: list[StoredObject] = []

    def add(self, stored: StoredObject) -> None:
        """Make an object known; it can be read from its `readable_at` on."""
        self._objects.append(stored)

    def all(self) -> list[StoredObject]:
        """Return every object, oldest first."""
        return list(self._objects)

    def by_id(self, document_id: str) -> StoredObject | None:
        """Return the object with this document id, whether it can still be read or not."""
        return next((stored for stored in reversed(self._objects) if stored.document_id == document_id), None)

    def delete(self, document_id: str, now: datetime) -> bool:
        """Delete media and metadata, on disk too; False when nothing was there to delete."""
        stored = self.by_id(document_id)
        if stored is None:
            return False
        stored.delete_count += 1
        if not stored.has_media(now):
            return False
        stored.deleted_at = now
        stored.path.unlink(missing_ok=True)
        return True
