"""List what can be imported from a container, by the file names of ACS and of the published samples."""

from collections.abc import Iterator, Mapping

from recording.domain.archived.importing import ImportEntry, LeftOut, byos_entries, pairs_of, sample_entries
from recording.domain.archived.vcon_entries import LARGEST_VCON, is_vcon_name, names_in, vcon_entries
from recording.domain.incoming.metadata import LARGEST_METADATA, ChunkMetadata, read_metadata
from recording.errors import BlobLockedError, RequestError, SourceBrokenError
from recording.library.inline_media import ImportSource

UNREAD = "its vCon cannot be read"
OFFLINE = "its metadata is in the archive tier and must be rehydrated first"


def entries_in(source: ImportSource, prefix: str = "") -> list[ImportEntry | LeftOut]:
    """Return an entry for each media file of a container, and the files that are left out, with the reason.

    Media that a vCon names is described by it, files that ACS exported by their names, others by the metadata document
    beside them. A vCon that cannot be read ends nothing: it is left out, and so is the media that it names, which would
    otherwise be imported under another id, without its facts, and again once the vCon is repaired.

    Args:
        source: the container; only read.
        prefix: of blob names.

    Raises:
        StorageError: the container does not answer.
    """
    lengths = {blob.name: blob.length_bytes for blob in source.list(prefix) if blob.is_committed}
    by_vcon = list[ImportEntry]()
    left_out, held_back = list[LeftOut](), set[str]()
    for name in filter(is_vcon_name, lengths):
        raw = b""
        try:
            raw = _raw_vcon(name, lengths, source)
            by_vcon += vcon_entries(name, raw, lengths)
        except (RequestError, BlobLockedError) as error:
            left_out.append(LeftOut(name, f"{error}"))
            held_back |= names_in(name, raw)
    known = {entry.blob for entry in by_vcon}
    lengths = {name: length for name, length in lengths.items() if name not in known and not is_vcon_name(name)}
    others = [*byos_entries(lengths, left_out), *sample_entries(_described(lengths, source, left_out), left_out)]
    left_out += [LeftOut(one.blob, UNREAD) for one in others if one.blob in held_back]
    return [*by_vcon, *(one for one in others if one.blob not in held_back), *left_out]


def _raw_vcon(name: str, lengths: Mapping[str, int], source: ImportSource) -> bytes:
    if lengths[name] > LARGEST_VCON:
        raise RequestError(f"{name} is larger than {LARGEST_VCON >> 20} MiB; put its media beside it")
    stored = source.get(name)
    if stored is None:
        raise RequestError(f"{name} no longer exists")
    return stored[0]


def _described(
    lengths: dict[str, int], source: ImportSource, left_out: list[LeftOut]
) -> Iterator[tuple[str, str | None, ChunkMetadata | None]]:
    """Yield media with the document beside it; media whose document is unreadable now is added to `left_out`."""
    for name, beside in pairs_of(lengths):
        is_small = beside is not None and lengths[beside] <= LARGEST_METADATA
        try:
            told = document_at(beside, source) if beside and is_small else None
        except BlobLockedError:
            left_out.append(LeftOut(name, OFFLINE))
            continue
        yield name, beside if is_small else None, told


def document_at(name: str, source: ImportSource) -> ChunkMetadata | None:
    """Return a metadata document of ACS; None when it is missing or unreadable.

    Raises:
        BlobLockedError: it is in the archive tier.
    """
    stored = source.get(name)
    try:
        return read_metadata(stored[0]) if stored is not None else None
    except SourceBrokenError:
        return None
