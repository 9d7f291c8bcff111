"""Explain why a recording is kept and until when, and list what will be destroyed before a given day."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from recording.domain.times import as_utc
from recording.errors import RequestError, reading_for_a_caller
from recording.errors.codes import Code
from recording.library.keep.assess import Assessed, assess_page, assessed, certificate_for, custody_of, rules_in_force
from recording.ports import Ports
from recording.settings import Settings

PAGE = 1000  # recordings read at a time
MOST_PAGES = 5  # read by one request
MOST_LISTED = 200  # about so many recordings in one answer; the page that reaches it is finished


def explain(recording_id: str, ports: Ports, settings: Settings) -> Assessed:
    """Return what is decided about a recording now, and why.

    Raises:
        RequestError: `recording_not_found`; the catalog does not know it.
        StorageError: catalog, holds or rules cannot be read.
    """
    record = ports.catalog.get_recording(recording_id)
    if record is None:
        raise RequestError("the catalog does not know this recording", code=Code.RECORDING_NOT_FOUND)
    return assessed(
        record, custody_of(recording_id, ports), rules_in_force(ports, settings), ports.clock.now(), settings
    )


def certificate_of(recording_id: str, erasure_id: str | None, ports: Ports, settings: Settings) -> bytes:
    """Return the certificate of a recording's destruction, or of a voice's, as it is stored.

    Args:
        recording_id: as the catalog knows it.
        erasure_id: the request that it is about; None: the newest certificate.
        ports: catalog, custody and archive.
        settings: as `explain`.

    Raises:
        RequestError: `recording_not_found`; the catalog does not know it, or nothing of it was destroyed.
            `media_offline`; the certificate is in the archive tier.
        StorageError: catalog or archive do not answer.
    """
    custody = explain(recording_id, ports, settings).custody
    with reading_for_a_caller("the certificate is in the archive tier and must be rehydrated first"):
        name = certificate_for(custody, erasure_id, ports) if custody is not None else None
        stored = ports.archive.get(name) if name is not None else None
    if stored is None:
        raise RequestError("there is no certificate of this recording", code=Code.RECORDING_NOT_FOUND)
    return stored[0]


@dataclass(frozen=True)
class Upcoming:
    """A part of the list of what will be destroyed before a day.

    Attributes:
        items: the recordings that are due before it as things stand, and those that are being destroyed.
        seen: how many recordings were assessed for this part.
        next: where the following part begins; None at the end.
        rules: the number of the rules in force.
    """

    items: tuple[Assessed, ...]
    seen: int
    next: str | None
    rules: int


def upcoming(before: datetime, after: str | None, ports: Ports, settings: Settings) -> Upcoming:
    """Return what would be destroyed before a day if nothing changed; a dry run.

    Args:
        before: the day.
        after: `next` of the part before; None for the first part.
        ports: catalog, holds and rules are read.
        settings: for the days of grace.

    Raises:
        RequestError: `invalid_next`.
        StorageError: catalog, holds or rules cannot be read.
    """
    rules, now, position = rules_in_force(ports, settings), ports.clock.now(), _position(after)
    found: list[Assessed] = []
    seen = 0
    for _ in range(MOST_PAGES):
        page = ports.catalog.recordings_page(position, PAGE)
        if page.error:
            raise page.error
        seen += len(page.items)
        found += [one for one in assess_page(page.items, rules, now, ports, settings) if is_gone_before(one, before)]
        position = page.next
        if not position or len(found) >= MOST_LISTED:
            break
    return Upcoming(tuple(found), seen, _token(position) if position else None, rules.number)


def all_upcoming(before: datetime, ports: Ports, settings: Settings) -> Iterator[Upcoming]:
    """Yield the list of what will be destroyed part after part, for the command line.

    Raises:
        StorageError: catalog, holds or rules cannot be read.
    """
    after: str | None = None
    while True:
        part = upcoming(before, after, ports, settings)
        yield part
        after = part.next
        if after is None:
            return


def is_gone_before(one: Assessed, before: datetime) -> bool:
    """Return whether a recording will be destroyed before this day as things stand."""
    until = one.disposition.kept_until
    return one.disposition.is_due or (until is not None and until < as_utc(before))


def _token(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def _position(token: str | None) -> str:
    if not token:
        return ""
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise RequestError("`next` is not of this query", code=Code.INVALID_NEXT) from None
