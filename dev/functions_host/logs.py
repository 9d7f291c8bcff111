"""How the host's and the app's log lines look: plain text for people, or one JSON object a line for programs."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Libraries that say a line per request at INFO; the host says a line per invocation instead.
_CHATTY = ("azure", "aiohttp.access", "urllib3", "asyncio")


def configure_logging(*, as_json: bool) -> None:
    """Send everything to stderr from INFO up, chatty libraries from WARNING up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else PlainFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


class PlainFormatter(logging.Formatter):
    """`12:30:59.123 INFO  name  message  key=value`, followed by the stack of an exception.

    A field whose value stands in the message already is not said twice.
    """

    def format(self, record: logging.LogRecord) -> str:
        clock = _moment(record).strftime("%H:%M:%S.%f")[:-3]
        message = record.getMessage().rstrip()
        told = {name: value for name, value in extra_fields(record).items() if str(value) not in message}
        fields = "".join(f"  {name}={value}" for name, value in told.items())
        first, *rest = message.split("\n")
        lines = [f"{clock} {record.levelname:<7} {record.name}  {first}{fields}", *rest]
        if record.exc_info:
            lines.append(self.formatException(record.exc_info))
        return "\n".join(lines)


class JsonFormatter(logging.Formatter):
    """One object a line: time (UTC), level, logger, message, then the extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _moment(record).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage().rstrip(),
            **extra_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def extra_fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return what was given as `extra=`."""
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)
