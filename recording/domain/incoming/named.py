"""Which recordings a stored message is about: events as they arrived, or a chunk's task. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from recording.domain.ids import canonical_id, in_plain_letters, is_opaque_id, unescaped
from recording.domain.incoming.delivery import events_in

IN_SUBJECT = re.compile(r"/recordingId/([^/\s]+)", re.IGNORECASE)
_UNDER_ITS_NAME = re.compile(r"recording_?id[\\\"':=/\s]{1,8}([A-Za-z0-9_=.~-]{1,512})", re.IGNORECASE)
_NO_ID = frozenset({"null", "None"})
_WORD = re.compile(r"[A-Za-z0-9_=.~-]{8,512}")  # a shorter id counts under its name only: it is a word of many texts
_ESCAPED_SPACE = re.compile(r"\\[nrt]")


def recordings_named(text: str) -> frozenset[str] | None:
    """Return the recordings that a message names; None when some part of it names none, or cannot be read."""
    events, rest = events_in(text)
    named = [_named(event) for event in events]
    if rest is not None or not named or None in named:
        return None
    return frozenset(one for each in named for one in each or ())


def recordings_in(text: str) -> frozenset[str]:
    """Return every id that a text gives as a recording's, whatever the text is; those of others may be among them."""
    found = {found.rstrip(".") for found in _UNDER_ITS_NAME.findall(text)} - _NO_ID
    return frozenset(canonical_id(one) for one in found if is_opaque_id(one))


def words_in(text: str) -> frozenset[str]:
    """Return every word of a text that may be an id, as ids are spelled here; never a part of a longer one."""
    plain = _ESCAPED_SPACE.sub(" ", text)
    return frozenset(canonical_id(found.strip(".")) for found in _WORD.findall(plain)) | recordings_in(text)


def _named(event: Any) -> frozenset[str] | None:
    """Return every id by which one event or task names its recording; all must be legal."""
    if not isinstance(event, Mapping):
        return None
    fields = {str(name).lower(): value for name, value in event.items()}
    data = fields.get("data")
    data = {str(name).lower(): value for name, value in data.items()} if isinstance(data, Mapping) else {}
    found = IN_SUBJECT.search(str(fields.get("subject") or ""))
    told = [found[1] if found else None, data.get("recordingid"), fields.get("recording_id"), fields.get("recordingid")]
    given = [in_plain_letters(unescaped(one)) if isinstance(one, str) else one for one in told if one is not None]
    if not given or not all(isinstance(one, str) and is_opaque_id(one) for one in given):
        return None
    return frozenset(map(canonical_id, given))
