"""A delivered text is taken apart into events, however it is encoded."""

import base64
import gzip
import json
import time
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


LINES = [json.dumps(event(id=f"e{number}")) for number in range(4)]
CUT = json.dumps(event())[:200]


@pytest.mark.parametrize("between", ["\n", "\r\n", "\n\n", "\x1e", "\n\x1e"])
@pytest.mark.parametrize("damage", [CUT, "<html>", "{", '{"id": "x",', '{"id":', "[", CUT + "\x00", "]", '"'])
@pytest.mark.parametrize("at", [0, 1, 2, 3, 4])
def test_a_damaged_line_costs_no_other_line(between: str, damage: str, at: int) -> None:
    """A dead letter of hundreds of events may have one that was cut; the others are lost if they wait for it."""
    lines = [*LINES[:at], damage, *LINES[at:]]
    events, rest = events_in(between.join(lines))
    assert events == [json.loads(line) for line in LINES]
    assert rest is not None
    assert rest.strip("\r\n\x1e\x00") == damage.strip("\x00")


def test_damaged_lines_among_arrays_texts_and_pretty_events_cost_no_other() -> None:
    """Whatever a line may be otherwise, it may be after a damaged one; and all of it in base64."""
    lines = [CUT, json.dumps([event(id="a"), event(id="b")]), CUT, json.dumps(LINES[0]), CUT]
    lines += [json.dumps(event(id="c"), indent=2), CUT]
    for text in ("\n".join(lines), base64.b64encode("\n".join(lines).encode()).decode()):
        events, rest = events_in(text)
        assert [one["id"] for one in events] == ["a", "b", "e0", "c"]
        assert (rest or "").count("eventTime") == CUT.count("eventTime") * 4


@pytest.mark.parametrize("indent", [0, 1, 2])
@pytest.mark.parametrize("share", [10, 30, 60, 90, 99])
def test_no_part_of_a_damaged_event_is_taken_for_an_event(indent: int, share: int) -> None:
    """Written over many lines, its chunks have lines of their own."""
    told = json.dumps([event(), event()], indent=indent)
    cut = told[: len(told) * share // 100]
    assert events_in(cut) == ([], cut)
    assert events_in(cut + "\n" + LINES[0]) == ([json.loads(LINES[0])], cut + "\n")


@pytest.mark.parametrize("line", ["[", "{", '{"a":', "[[],", '{"data":{},', '["', "x", "}{"])
def test_a_text_of_damaged_lines_takes_no_long_time(line: str) -> None:
    """Each line is a beginning that might be followed to the end."""
    text = f"{line}\n" * (300_000 // len(line))
    before = time.process_time()
    assert events_in(text) == ([], text)
    assert time.process_time() - before < 2
