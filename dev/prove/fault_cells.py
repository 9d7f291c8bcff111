"""The cells of the fault matrix: which request is struck (the rows), and by what (the columns)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dev.prove.exchange import Message, answer
from dev.prove.relay import MODES, Blow
from recording.domain.state.chunk import ChunkState

Side = Literal["acs", "blob", "queue", "table"]
SMALL, LARGE = 30_000, 300_000  # bytes of WAV: one block and one request, or five blocks


@dataclass(frozen=True)
class Operation:
    """A request of the line. The `skip`-th that matches is struck; `bytes_of_media` is what the chunk has."""

    side: Side
    is_meant: Callable[[Message], bool]
    skip: int = 0
    bytes_of_media: int = SMALL


@dataclass(frozen=True)
class Cell:
    """One fault on one operation; `told` is set where ACS's own answer, not a relay's, is the fault."""

    operation: str
    fault: str
    blow: Blow | None = None
    told: tuple[str, Mapping[str, Any]] | None = None

    @property
    def name(self) -> str:
        """Return how the cell is called on the command line."""
        return f"{self.operation}:{self.fault}"


def _puts(part: str, *, query: str = "") -> Callable[[Message], bool]:
    return lambda asked: asked.method == "PUT" and _named(asked, part) and query in asked.target


def _named(asked: Message, part: str) -> bool:
    return asked.target.partition("?")[0].endswith(part)


def _puts_media(asked: Message) -> bool:
    return asked.method == "PUT" and _named(asked, ".wav") and "comp=" not in asked.target


def _gets_media(asked: Message) -> bool:
    return asked.method == "GET" and _named(asked, ".wav") and "comp=" not in asked.target


def _content(asked: Message) -> bool:
    return asked.method == "GET" and "/content/" in asked.target and not _named(asked, "acsmetadata")


def _saves(asked: Message) -> bool:
    return asked.method in ("PUT", "PATCH", "MERGE") and asked.header("If-Match") is not None


def _finishes(asked: Message) -> bool:
    """Return whether this is the last save of a chunk; a slow machine renews the claim more often before it."""
    return _saves(asked) and f'"{ChunkState.SOURCE_DELETED}"'.encode() in (asked.body or b"")


def _indexes(asked: Message) -> bool:
    return asked.method in ("PUT", "PATCH", "MERGE") and asked.header("If-Match") is None


OPERATIONS: dict[str, Operation] = {
    "content": Operation("acs", _content),
    "content range": Operation("acs", _content, skip=1, bytes_of_media=LARGE),
    "metadata": Operation("acs", lambda asked: _named(asked, "acsmetadata")),
    "delete": Operation("acs", lambda asked: asked.method == "DELETE"),
    "put media": Operation("blob", _puts_media),
    "stage block": Operation("blob", _puts(".wav", query="comp=block&"), skip=1, bytes_of_media=LARGE),
    "commit": Operation("blob", _puts(".wav", query="comp=blocklist"), bytes_of_media=LARGE),
    "read back": Operation("blob", _gets_media),
    "put metadata": Operation("blob", _puts(".metadata.json")),
    "put receipt": Operation("blob", _puts(".receipt.json")),
    "put manifest": Operation("blob", _puts("manifest.json")),
    "queue": Operation("queue", lambda asked: asked.method == "POST"),
    "table add": Operation("table", lambda asked: asked.method == "POST"),
    "table read": Operation("table", lambda asked: asked.method == "GET", skip=1),
    "table index": Operation("table", _indexes),
    "table claim": Operation("table", _saves),
    "table save": Operation("table", _saves, skip=1),
    "table finish": Operation("table", _finishes),
}
_HOUR = {"Retry-After": "3600"}
_PAGE = b"<!DOCTYPE html><html><head><title>Bad Request</title></head><body><h2>Bad Request</h2></body></html>"
_CODES = {
    401: "NoAuthenticationInformation",
    403: "AuthorizationPermissionMismatch",
    404: "ResourceNotFound",
    409: "OperationNotAllowed",
    412: "ConditionNotMet",
    416: "InvalidRange",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServerBusy",
}
STATUSES: dict[str, Message] = {
    **{str(status): answer(status, {"x-ms-error-code": code}, b"") for status, code in _CODES.items()},
    "429+1h": answer(429, {"x-ms-error-code": _CODES[429], **_HOUR}, b""),
    "503+1h": answer(503, {"x-ms-error-code": _CODES[503], **_HOUR}, b""),
    "page": answer(400, {"Content-Type": "text/html"}, _PAGE),
}
LIES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "empty": ("zero_bytes", {}),
    "short": ("short_body", {"lie": False}),
    "short lie": ("short_body", {"lie": True}),
    "longer": ("grown", {}),
    "total": ("wrong_total", {}),
    "gzip": ("gzip", {}),
    "no length": ("close_delimited_cut", {}),
    "no range": ("ignore_range", {}),
    "stall": ("stall", {"seconds": 3.0}),
}
_FLIPPED = {"put media", "stage block", "commit", "put metadata", "put receipt", "put manifest"}


def cells() -> Iterator[Cell]:
    """Yield every cell, row by row."""
    for row in OPERATIONS:
        for mode, blow in MODES.items():
            yield Cell(row, mode, blow)
        for status, made_up in STATUSES.items():
            yield Cell(row, status, Blow(made_up=made_up))
        if row in ("content", "content range", "metadata"):
            for lie, told in LIES.items():
                yield Cell(row, lie, told=told)
        if row in _FLIPPED:
            yield Cell(row, "flip", Blow(flip="request"))
        if row == "content range":  # in the end that the next range sees again; elsewhere nobody could notice it
            yield Cell(row, "flip", told=("different_bytes", {"offset": 2 * 64 * 1024 - 10}))
        if row == "read back":
            yield Cell(row, "flip", Blow(flip="answer"))


def few_cells() -> list[Cell]:
    """Return one mode and one status for each operation, another one in each row: the short form."""
    found = list(cells())
    chosen = []
    for number, row in enumerate(OPERATIONS):
        in_row = [cell for cell in found if cell.operation == row]
        chosen += [in_row[1 + number % (len(MODES) - 1)], in_row[len(MODES) + number % len(STATUSES)]]
    return chosen + [
        cell for cell in found if cell.fault in ("flip", "empty", "total") and cell.operation != "metadata"
    ]
