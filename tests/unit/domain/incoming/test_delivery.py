"""A delivered text is taken apart into events, however it is encoded."""

import json

import pytest

from dev.in_memory.builders import event
from recording.domain.incoming.delivery import events_in, text_of


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("told", [event(), [event(), event(id="other")]], ids=["one", "two"])
def test_a_text_is_read_in_any_encoding_of_unicode(encoding: str, told: object) -> None:
    """Some senders write UTF-16; JSON tells by its first bytes which encoding it is."""
    events, rest = events_in(text_of(json.dumps(told).encode(encoding)))
    assert (events, rest) == (told if isinstance(told, list) else [told], None)


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"\xff", b"{\xe9}", b"\x00\x00", bytes(range(256))])
def test_what_is_no_text_is_kept_as_well_as_it_can_be(raw: bytes) -> None:
    """It goes to the quarantine; an unexpected exception would be a poisoned message."""
    text = text_of(raw)
    assert isinstance(text, str)
    text.encode()
