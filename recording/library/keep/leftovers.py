"""Find what is stored about a recording outside its folder: quarantine entries, dead letters and bundles."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from pydantic import ValidationError

from recording.domain.archived.exports import ExportRecord, bundle_name, state_name
from recording.domain.archived.layout import derived_mark, derived_prefix
from recording.domain.incoming.named import recordings_in, words_in
from recording.domain.keep.spellings import readings
from recording.errors import StorageError
from recording.errors.codes import Code
from recording.library.keep.assess import custody_of
from recording.ports import DeadLetter, Ports, Unreadable

MOST_FAILED = 3  # documents of exports, each with the time limits of storage, before it is asked whether it answers


class Leftovers:
    """Quarantine entries, dead letters and bundles by the recordings that they name; read once for a whole run."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def quarantined(self, recording_id: str) -> Iterable[str]:
        """Return the names of the quarantine's entries about a recording, but for those about one that is held, too.

        Raises:
            StorageError: the quarantine, or the custody rows, do not answer.
        """
        return self._about(recording_id, self._quarantined)

    def conflicts(self, recording_id: str) -> Mapping[str, datetime]:
        """Return the quarantine's entries about other files under a recording's ids, with the time of each.

        Raises:
            StorageError: the quarantine does not answer.
        """
        return self._quarantined.conflicts.get(recording_id, {})

    def dead_letters(self, recording_id: str) -> Iterable[str]:
        """Return the names of the dead letters about a recording, but for those about one that is held, too.

        Raises:
            StorageError: the container, or the custody rows, do not answer.
        """
        return self._about(recording_id, self._letters)

    def bundles(self, recording_id: str) -> Iterable[str]:
        """Return the folders of the bundles that a recording is in.

        Raises:
            StorageError: the container does not answer.
        """
        return [folder for folder, recordings in self._bundles.items() if recording_id in recordings]

    def _about(self, recording_id: str, texts: "_Texts") -> list[str]:
        def is_held(other: str) -> bool:
            row = custody_of(other, self._ports)
            return isinstance(row, Unreadable) or (row is not None and bool(row.active_holds))

        return [
            name
            for name in texts.by_word.get(recording_id, ())
            if not any(is_held(other) for other in texts.named[name] - {recording_id})
        ]

    @cached_property
    def _quarantined(self) -> "_Texts":
        texts = _Texts()
        for name, entry in self._ports.quarantine.entries():
            given = f"recordingId={entry.recording_id}\n" if entry.recording_id else ""
            texts.add(name, f"{given}{entry.payload}\n{entry.detail}\n{entry.note}")
            if entry.recording_id and entry.reason == Code.CONTENT_CONFLICT:
                texts.conflicts[entry.recording_id][name] = entry.at
        return texts

    @cached_property
    def _letters(self) -> "_Texts":
        texts, after, seen = _Texts(), "", None
        while self._ports.dead_letters is not None and after != seen:
            seen = after
            for letter in self._ports.dead_letters.letters(seen):  # one by one: a thousand together fill the memory
                if isinstance(letter, DeadLetter):
                    texts.add(letter.name, letter.body)
                after = max(after, letter.name if isinstance(letter, DeadLetter) else letter.where)
        return texts

    @cached_property
    def _bundles(self) -> dict[str, frozenset[str]]:
        return _bundles_in(self._ports)


@dataclass(frozen=True)
class _Texts:
    """An index of texts by the recordings that they name, in every spelling that may occur.

    Attributes:
        by_word: the names of the texts by each word in them that may be an id.
        named: by the name of a text, the ids that it gives as recording ids.
        conflicts: by recording, the names of the texts about other files under its ids, with their times.
    """

    by_word: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    named: dict[str, frozenset[str]] = field(default_factory=dict)
    conflicts: dict[str, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, name: str, text: str) -> None:
        """Add a text."""
        written = list(readings(text.encode(errors="surrogatepass")))
        self.named[name] = frozenset[str]().union(*map(recordings_in, written))
        for word in frozenset[str]().union(*map(words_in, written)):
            self.by_word[word].append(name)


def bundles_about(recording_ids: Collection[str], ports: Ports) -> tuple[list[str], list[Unreadable]]:
    """Return the folders of the bundles with one of these recordings, and of those without a readable document.

    Returns:
        The folders, and the exports whose document storage does not give: whether they have one is not known.

    Raises:
        StorageError: the container does not answer.
    """
    folders, unread, wanted = list[str](), list[Unreadable](), frozenset(recording_ids)
    for export_id, known in exports_in(ports) if wanted else ():
        if isinstance(known, Unreadable) and known.code is not Code.UNREADABLE_RECORD:
            unread.append(known)
        elif not isinstance(known, tuple) or not wanted.isdisjoint(known[0].recordings):
            folders.append(f"{export_id}/")
    return folders, unread


def close_bundle(folder: str, ports: Ports) -> None:
    """Put an empty file where a bundle is being made, so that the service drops its staged blocks.

    Raises:
        StorageError: the container does not answer.
    """
    name = bundle_name(folder.rstrip("/"))
    if ports.exports is not None and ports.exports.store.staged_blocks(name):
        ports.exports.store.put_once(name, b"", "application/zip")


def close_derived(folder: str, ports: Ports) -> None:
    """Put an empty file wherever a derived one was begun and not finished, so that the service drops its staged blocks.

    Raises:
        StorageError: the archive does not answer.
    """
    for blob in ports.archive.list(derived_prefix(folder)):
        if not blob.is_committed and derived_mark(blob.name) is not None:
            ports.archive.put_once(blob.name, b"", "application/octet-stream")


def exports_in(ports: Ports) -> Iterator[tuple[str, tuple[ExportRecord, str] | Unreadable | None]]:
    """Yield each export's id, with its document and ETag; None where the document is missing.

    Documents that are damaged, or that storage never gives, end no run; whether it answers at all is asked after a few.

    Raises:
        StorageError: storage does not answer.
    """
    if ports.exports is None:
        return
    store, failed = ports.exports.store, 0
    for export_id in sorted({blob.name.partition("/")[0] for blob in store.list("") if "/" in blob.name}):
        try:
            stored = store.get(state_name(export_id))
            yield export_id, (ExportRecord.model_validate_json(stored[0]), stored[1]) if stored else None
        except ValidationError:
            yield export_id, Unreadable(export_id)
        except StorageError as error:
            failed += 1
            if failed % MOST_FAILED == 0:
                ports.catalog.time()
            yield export_id, Unreadable(export_id, error.code)


def _bundles_in(ports: Ports) -> dict[str, frozenset[str]]:
    """Return each bundle's folder with its recordings; none where its document is missing or cannot be read."""
    listed = exports_in(ports)
    return {f"{one}/": frozenset(known[0].recordings if isinstance(known, tuple) else ()) for one, known in listed}
