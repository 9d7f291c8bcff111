"""Traces: find where a text names a person of whom only keyed hashes are known. Pure.

Every number, id and group of words in the text is hashed under each key in use and compared.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from recording.domain.find.index_keys import IndexKeys
from recording.domain.keep.spellings import readings

WITHHELD = "[erased]"
MOST_WORDS = 6  # of a name
_SHORTEST, _LONGEST = 7, 15  # digits of a number in an international spelling
_NUMBER = re.compile(
    r"(?<![0-9])(?:\+|00|%2[bB]|\\+u002[bB])?\s?[1-9](?:[\s().\-/\u2010-\u2015\u00a0\u202f]{0,3}[0-9]){6,20}"
)
_RAW_ID = re.compile(r"(?<![0-9A-Za-z])(?:4|8|28|48):[A-Za-z0-9_.:+-]{6,256}", re.ASCII)
_GUID = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z])", re.IGNORECASE | re.ASCII
)
_DIRECTORIES = ("8:orgid:", "8:gcch:", "8:dod:")  # elsewhere a Teams user appears as the bare object id
_WORD = re.compile(r"\w+")
Span = tuple[int, int]


@dataclass(frozen=True)
class Subject:
    """The person an erasure is about, as keyed hashes.

    Attributes:
        hashes: of ids and numbers, under every key that was in use since.
        words: of names, each as `count:hash`.
        keys: in use now.
    """

    hashes: frozenset[str]
    words: frozenset[str]
    keys: IndexKeys

    @property
    def is_person(self) -> bool:
        """Return whether it is about a person at all, and not about recordings alone."""
        return bool(self.hashes or self.words)

    def is_named(self, raw_id: str) -> bool:
        """Return whether this id, in whatever spelling, is the person's."""
        return any(key.participant(raw_id) in self.hashes for key in self.keys.keys)

    def is_in(self, data: bytes | str) -> bool:
        """Return whether the person is named in it, however that is written."""
        raw = data.encode(errors="surrogatepass") if isinstance(data, str) else data
        return self.is_person and any(self.spans(text) for text in readings(raw))

    def without(self, text: str, mark: str = WITHHELD) -> str:
        """Return a text without the person; all of it is withheld if an encoded trace of the person is left."""
        if not self.is_person:
            return text
        kept, after = [], 0
        for first, last in self.spans(text):
            kept += [text[after:first], mark]
            after = last
        left = "".join([*kept, text[after:]])
        return mark if self.is_in(left) else left

    def spans(self, text: str) -> list[Span]:
        """Return where the person is named in a text, as plainly written, in order and without overlaps."""
        found = sorted({*self._numbers(text), *self._ids(text), *self._names(text)}, key=lambda at: (at[0], -at[1]))
        apart: list[Span] = []
        for first, last in found:
            if not apart or first >= apart[-1][1]:
                apart.append((first, last))
        return apart

    def _numbers(self, text: str) -> Iterator[Span]:
        for match in _NUMBER.finditer(text):
            begun = re.match(r"(?:\+|00|%2[bB]|\\+u002[bB])?\s?", match.group())
            skipped = begun.end() if begun else 0
            places = [at for at, letter in enumerate(match.group()) if at >= skipped and letter.isdigit()]
            for count in range(min(len(places), _LONGEST), _SHORTEST - 1, -1):
                end = match.start() + places[count - 1] + 1
                digits = "".join(match.group()[at] for at in places[:count])
                if not text[end : end + 1].isdigit() and self.is_named(f"+{digits}"):
                    yield match.start(), end
                    break

    def _ids(self, text: str) -> Iterator[Span]:
        for match in _RAW_ID.finditer(text):
            plain = match.group().rstrip(".:-+")
            if self.is_named(plain):
                yield match.start(), match.start() + len(plain)
        for match in _GUID.finditer(text):
            if any(self.is_named(f"{prefix}{match.group()}") for prefix in _DIRECTORIES):
                yield match.span()

    def _names(self, text: str) -> Iterator[Span]:
        counts = sorted({int(word.partition(":")[0]) for word in self.words}, reverse=True)
        spans = [match.span() for match in _WORD.finditer(text)] if counts else []
        for at in range(len(spans)):
            for count in counts:
                group = spans[at : at + count]
                if len(group) == count and self._is_name(text[group[0][0] : group[-1][1]]):
                    yield group[0][0], group[-1][1]
                    break

    def _is_name(self, text: str) -> bool:
        return any(one in self.words for one in hashes_of_name(text, self.keys))


def hashes_of_name(name: str, keys: IndexKeys) -> tuple[str, ...]:
    """Return the hashes of a name under every key in use, with how many words it has."""
    words = [word.casefold() for word in _WORD.findall(name)]
    return tuple(f"{len(words)}:{key.name(' '.join(words))}" for key in keys.keys)


def count_of_words(name: str) -> int:
    """Return how many words a name has."""
    return len(_WORD.findall(name))


def redacted(value: Any, subject: Subject) -> Any:
    """Return a JSON value in which no text names the person; other texts stay as they are."""
    if isinstance(value, str):
        return subject.without(value)
    if isinstance(value, dict):
        return {subject.without(str(name)): redacted(one, subject) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(one, subject) for one in value]
    return value
