"""Queue outputs become the messages that the real host makes of them, surprises included."""

import json

import pytest
from azure.functions.meta import Datum

from dev.functions_host.queue.output import messages_of


def test_a_list_of_texts_passes_unchanged() -> None:
    """This is why the app uses Out[List[str]]: its JSON arrives byte for byte."""
    texts = ['{"a":1}', "[1,2]", "plain", ""]
    assert messages_of(Datum(json.dumps(texts), "json")) == [text.encode() for text in texts]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Datum("plain", "string"), [b"plain"]),
        (Datum('{"a":1}', "string"), [b'{\n  "a": 1\n}']),
        (Datum('["x",{"a":1},2]', "string"), [b"x", b'{\n  "a": 1\n}', b"2"]),
        (Datum("{not json}", "string"), [b"{not json}"]),
        (Datum('{"a": 1}', "json"), [b'{\n  "a": 1\n}']),
        (Datum(b"\x00\xff", "bytes"), [b"\x00\xff"]),
        (Datum(7, "int"), [b"7"]),
    ],
)
def test_a_single_value_is_rewritten_when_it_looks_like_json(value: Datum, expected: list[bytes]) -> None:
    """An app that relies on its own text would break in production, so it must break here."""
    assert messages_of(value) == expected
