"""Download links: to one archived file, read-only, for minutes, with a row in the trail first; off by default.

A link outlives the role of the user who requested it. That is why media is played through the app, and why links need
a setting (docs/adr/0060).
"""

from dataclasses import dataclass
from datetime import datetime

from recording.domain.incoming.roles import Operation
from recording.domain.state.chunk import Home
from recording.domain.state.transitions import is_archived
from recording.errors import RequestError, StorageRefusedError
from recording.errors.codes import Code
from recording.library.listening import Media, read_media
from recording.ports import AuditEntry, Ports
from recording.ports.audit import DONE
from recording.ports.clock import shared_now
from recording.settings import Settings


@dataclass(frozen=True)
class DownloadLink:
    """A link, its expiry, and the file name for saving."""

    url: str
    expires_at: datetime
    file_name: str


def make_link(media: Media, caller: str | None, ports: Ports, settings: Settings) -> DownloadLink:
    """Return a link to the whole file of a chunk, after writing a row about it to the audit trail.

    Args:
        media: a chunk's file as archived; a single speaker's is not stored.
        caller: the caller.
        ports: archive, links, trail, and the catalog's clock.
        settings: whether links are allowed, and for how long they are valid.

    Raises:
        RequestError: `download_links_off` (403), `no_such_channel` (404), `not_archived`, `media_offline` or
            `download_link_refused` (409).
        StorageError: archive or trail do not answer; nothing was handed out.
    """
    if media.channel is not None:
        raise RequestError(
            "there is no link to one speaker's file, which is made while it is sent", code=Code.NO_SUCH_CHANNEL
        )
    if settings.download_links_for is None or ports.links is None:
        raise RequestError("download links are off: DOWNLOAD_LINK_MINUTES is not set", code=Code.DOWNLOAD_LINKS_OFF)
    task = media.chunk.task
    if task.home is Home.EXTERNAL or not is_archived(media.chunk) or media.chunk.blob_name is None:
        raise RequestError("the file is not in the archive's own storage", code=Code.NOT_ARCHIVED)
    read_media(media, 0, min(1, media.length_bytes), ports)  # a link to an unreadable file would be useless
    now = shared_now(ports)  # an instance a day ahead would hand out a link for a day
    until = now.replace(microsecond=0) + settings.download_links_for
    part = f"{media.label}, all of it, by a link until {until:%H:%M:%S} UTC"

    def note(outcome: str) -> None:
        ports.audit.add(AuditEntry(now, Operation.LINK, task.recording_id, caller, outcome, part=part))

    try:
        url = ports.links.link(media.chunk.blob_name, media.file_name, media.media_type, until)
    except StorageRefusedError:
        note(Code.DOWNLOAD_LINK_REFUSED)
        message = "the archive's account signs no links for this app"
        raise RequestError(message, code=Code.DOWNLOAD_LINK_REFUSED) from None
    note(DONE)
    return DownloadLink(url, until, media.file_name)
