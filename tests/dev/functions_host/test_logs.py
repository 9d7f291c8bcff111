"""Log lines show the facts that were logged, for people and for programs."""

import json
import logging
from typing import Any

from dev.functions_host.logs import JsonFormatter, PlainFormatter


def record(message: str, *arguments: object, fault: bool = False, **extra: Any) -> logging.LogRecord:
    made = logging.getLogger("app").makeRecord("app", logging.WARNING, "f", 1, message, arguments, None, extra=extra)
    if fault:
        made.exc_info = (ValueError, ValueError("broken"), None)
    return made


def test_extra_fields_follow_the_message() -> None:
    """The app logs facts as fields; without them a line says nothing."""
    line = PlainFormatter().format(record("chunk %s", "verified", index=3, length_bytes=10))
    assert line.split(" ", 1)[1] == "WARNING app  chunk verified  index=3  length_bytes=10"


def test_fields_stay_on_the_first_line_and_stacks_follow() -> None:
    """A line that is searched for must hold its fields."""
    first, *rest = PlainFormatter().format(record("one\ntwo", index=3, fault=True)).split("\n")
    assert first.endswith("one  index=3")
    assert rest[0] == "two"
    assert rest[-1] == "ValueError: broken"


def test_json_lines_hold_everything() -> None:
    """The end-to-end checks read the log as data."""
    line = json.loads(JsonFormatter().format(record("done", recording_id="r", fault=True)))
    assert (line["level"], line["logger"], line["message"], line["recording_id"]) == ("WARNING", "app", "done", "r")
    assert "ValueError: broken" in line["exception"]
    assert line["time"].endswith("+00:00")
