"""Links of storage in memory: a model of its signatures, which opens what they allow and refuses everything else."""

from datetime import datetime
from urllib.parse import parse_qs, quote, urlsplit

from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.errors import StorageRefusedError
from recording.ports import Clock

ADDRESS = "https://archive1.blob.core.windows.net/recordings"


class FakeLinks(Scripted):
    """An account's signatures.

    Attributes:
        allows: whether the account signs for this app.
        given: each signature with the blob that it opens and until when.
    """

    def __init__(self, clock: Clock, archive: FakeArchive) -> None:
        super().__init__()
        self.allows = True
        self.given: dict[str, tuple[str, datetime]] = {}
        self._clock, self._archive = clock, archive

    @scripted
    def link(self, name: str, file_name: str, media_type: str, until: datetime) -> str:
        if not self.allows:
            raise StorageRefusedError("the account signs nothing for this app")
        signature = f"signature-{len(self.given)}"
        self.given[signature] = (name, until)
        kept = quote(f"attachment; filename*=UTF-8''{quote(file_name)}", safe="")
        asked = f"sp=r&sr=b&spr=https&se={until:%Y-%m-%dT%H:%M:%SZ}&rscd={kept}&rsct={quote(media_type, safe='')}"
        return f"{ADDRESS}/{quote(name)}?{asked}&sig={signature}"

    def open(self, url: str, method: str = "GET") -> bytes | None:
        """Return what storage would answer to whoever has the link; None: it refuses."""
        parts = urlsplit(url)
        name, until = self.given.get(parse_qs(parts.query).get("sig", [""])[0], ("", self._clock.now()))
        is_this = parts.path.removeprefix("/recordings/") == quote(name)
        if (
            method not in ("GET", "HEAD")
            or not is_this
            or self._clock.now() >= until
            or name not in self._archive.blobs
        ):
            return None
        return self._archive.blobs[name].data

    def revoke(self) -> None:
        """End all links at once, as revoking the account's delegation keys does."""
        self.given.clear()
