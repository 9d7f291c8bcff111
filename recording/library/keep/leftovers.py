"""Leftovers: what lies outside a recording's folder and is about it all the same, gathered once for a whole run."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from recording.ports import DeadLetter, Ports


class Leftovers:
    """Quarantine entries and dead letters by the recording that they name."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def quarantined(self, recording_id: str) -> Iterable[str]:
        """Return the names of the quarantine's entries about a recording.

        Raises:
            StorageError: the quarantine does not answer.
        """
        known = self._quarantined
        return [name for name, text in known if recording_id in text]

    def dead_letters(self, recording_id: str) -> Iterable[str]:
        """Return the names of the dead letters about a recording.

        Raises:
            StorageError: the container does not answer.
        """
        return [name for name, text in self._letters.items() if recording_id in text]

    def all_quarantined(self) -> list[tuple[str, str]]:
        """Return every entry of the quarantine with its text.

        Raises:
            StorageError: the quarantine does not answer.
        """
        return self._quarantined

    def all_letters(self) -> list[tuple[str, str]]:
        """Return every dead letter with its text.

        Raises:
            StorageError: the container does not answer.
        """
        return list(self._letters.items())

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
