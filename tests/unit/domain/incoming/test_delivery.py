"""A delivered text is taken apart into events, however it is encoded."""

import base64
import gzip
import json
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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


ONCE_MORE: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "base64 on several lines": base64.encodebytes,
    "base64 of UTF-16": lambda told: base64.b64encode(told.decode().encode("utf-16")),
    "base64 as a JSON text": lambda told: json.dumps(base64.b64encode(told).decode()).encode(),
    "zeros behind it": lambda told: told + bytes(9),
}


@pytest.mark.parametrize("form", ONCE_MORE)
@pytest.mark.parametrize("told", [event(), [event(), event(id="other")]], ids=["one", "two"])
def test_a_text_is_read_in_the_forms_that_relays_give_it(form: str, told: object) -> None:
    """A relay that encodes for the queue by itself does so twice, and a writer of fixed records pads them."""
    events, rest = events_in(text_of(ONCE_MORE[form](json.dumps(told).encode())))
    assert (events, rest) == (told if isinstance(told, list) else [told], None)


@pytest.mark.parametrize("text", ["MTIz", "bnVsbA==", "aGVsbG8=", "", "eyJh"])
def test_base64_of_what_is_no_event_stays_as_it_came(text: str) -> None:
    """It may be anything; what is kept for an operator must be what was sent."""
    assert events_in(text) == ([], text)


@pytest.mark.parametrize("raw", [gzip.compress(json.dumps(event()).encode()), bytes(range(256)), b"\xff\xfe\x00"])
def test_bytes_that_are_no_text_are_kept_whole(raw: bytes) -> None:
    """With marks in place of the unreadable bytes nobody could ever find out what was sent."""
    events, rest = events_in(text_of(raw))
    assert events == []
    assert base64.b64decode(rest or "") == raw


@given(st.binary(max_size=200))
@example(b"\x1e\x01")
@example(b"\xef\xbb\xbf\0{")
def test_no_bytes_make_reading_fail_and_none_are_lost(raw: bytes) -> None:
    """An unexpected exception would poison the message again and again."""
    text = text_of(raw)
    events, rest = events_in(text)
    text.encode()
    assert bool(events) or rest == text


@pytest.mark.parametrize("digits", [4301, 100_000])
def test_a_number_with_thousands_of_digits_costs_no_other_field(digits: int) -> None:
    """Python refuses to read it, and the whole event with it: an optional fact must not decide."""
    text = json.dumps(event()).replace('"recordingDurationMs": 2000', f'"recordingDurationMs": {"9" * digits}')
    (read,), rest = events_in(text)
    assert rest is None
    assert read["data"]["recordingStorageInfo"] == event()["data"]["recordingStorageInfo"]
    assert read["data"]["recordingDurationMs"] == float("inf")
