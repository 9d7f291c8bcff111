"""Fills the port DeadLetters: the blobs that Event Grid writes when it gives events up."""

from collections.abc import Iterator
from itertools import islice

from recording.adapters.blob.container import BlobContainer, blob_service
from recording.domain.incoming.delivery import text_of
from recording.errors import StorageError
from recording.ports import DeadLetter, Unreadable
from recording.settings import Settings, StorageConnection

MOST_AT_ONCE = 1000  # letters that one sweep reads; the next one continues


class BlobDeadLetters:
    """The container DEAD_LETTER_CONTAINER; it is never created here, because Event Grid must find it first."""

    def __init__(self, settings: Settings) -> None:
        connection = settings.dead_letter_storage or StorageConnection()
        self._container = BlobContainer(blob_service(connection), settings.dead_letter_container)

    def close(self) -> None:
        """Close the connections."""
        self._container.close()

    def letters(self, after: str = "") -> Iterator[DeadLetter | Unreadable]:
        """Yield one letter for each blob, whatever its name; one that is removed meanwhile is left out."""
        behind = (blob for blob in self._container.listed("") if blob.name > after)
        for blob in islice(behind, MOST_AT_ONCE):
            try:
                found = self._container.get(blob.name)
            except StorageError as error:
                yield Unreadable(blob.name, error.code)
                continue
            if found:
                yield DeadLetter(blob.name, text_of(found[0]), blob.last_modified)

    def remove(self, letter: DeadLetter) -> None:
        """Delete the blob; the account keeps deleted ones for its days of soft delete."""
        self._container.remove(letter.name)
