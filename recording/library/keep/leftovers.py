"""Leftovers: what lies outside a recording's folder and is about it all the same, gathered once for a whole run."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

from pydantic import ValidationError

from recording.domain.archived.exports import ExportRecord, bundle_name, state_name
from recording.ports import DeadLetter, Ports


class Leftovers:
    """Quarantine entries, dead letters and bundles by the recording that they name."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def quarantined(self, recording_id: str) -> Iterable[str]:
        """Return the names of the quarantine's entries about a recording.

        Raises:
            StorageError: the quarantine does not answer.
        """
        return [name for name, text in self._quarantined if recording_id in text]

    def dead_letters(self, recording_id: str) -> Iterable[str]:
        """Return the names of the dead letters about a recording.

        Raises:
            StorageError: the container does not answer.
        """
        return [name for name, text in self._letters.items() if recording_id in text]

    def bundles(self, recording_id: str) -> Iterable[str]:
        """Return the folders of the bundles that a recording is in.

        Raises:
            StorageError: the container does not answer.
        """
        return [folder for folder, recordings in self._bundles.items() if recording_id in recordings]

    @cached_property
    def _quarantined(self) -> list[tuple[str, str]]:
        listed = self._ports.quarantine.entries()
        return [
            (name, f"{entry.recording_id}\n{entry.payload}\n{entry.detail}\n{entry.note}") for name, entry in listed
        ]

    @cached_property
    def _letters(self) -> dict[str, str]:
        found: dict[str, str] = defaultdict(str)
        after = ""
        while self._ports.dead_letters is not None:
            listed = list(self._ports.dead_letters.letters(after))
            if not listed:
                break
            for letter in listed:
                if isinstance(letter, DeadLetter):
                    found[letter.name] = letter.body
                    after = max(after, letter.name)
                else:
                    after = max(after, letter.where)
        return dict(found)

    @cached_property
    def _bundles(self) -> dict[str, frozenset[str]]:
        return _bundles_in(self._ports)


def bundles_about(recording_ids: Collection[str], ports: Ports) -> list[str]:
    """Return the folders of the bundles that one of these recordings is in, and of those that lost their document.

    Raises:
        StorageError: the container does not answer.
    """
    wanted = frozenset(recording_ids)
    return [folder for folder, listed in _bundles_in(ports).items() if not listed or not wanted.isdisjoint(listed)]


def close_bundle(folder: str, ports: Ports) -> None:
    """Put an empty file where a bundle is being made: the service lets go of what was staged for it.

    Raises:
        StorageError: the container does not answer.
    """
    name = bundle_name(folder.rstrip("/"))
    if ports.exports is not None and ports.exports.store.staged_blocks(name):
        ports.exports.store.put_once(name, b"", "application/zip")


def exports_in(ports: Ports) -> Iterator[tuple[str, tuple[ExportRecord, str] | None]]:
    """Yield each export's id, with its document and ETag; None where that is gone or cannot be read.

    Raises:
        StorageError: the container does not answer.
    """
    if ports.exports is None:
        return
    store = ports.exports.store
    for export_id in sorted({blob.name.partition("/")[0] for blob in store.list("") if "/" in blob.name}):
        stored = store.get(state_name(export_id))
        try:
            yield export_id, (ExportRecord.model_validate_json(stored[0]), stored[1]) if stored else None
        except ValidationError:
            yield export_id, None


def _bundles_in(ports: Ports) -> dict[str, frozenset[str]]:
    """Return each bundle's folder with its recordings; none for one whose document is gone or cannot be read."""
    return {f"{one}/": frozenset(known[0].recordings if known else ()) for one, known in exports_in(ports)}
