"""List what can be imported from a container, by the names that ACS and the published samples give to files."""

from collections.abc import Iterator

from recording.domain.archived.importing import ImportEntry, byos_entries, pairs_of, sample_entries
from recording.domain.archived.vcon_entries import LARGEST_VCON, is_vcon_name, vcon_entries
from recording.domain.incoming.metadata import LARGEST_METADATA, ChunkMetadata, read_metadata
from recording.errors import RequestError, SourceBrokenError
from recording.library.inline_media import ImportSource


def entries_in(source: ImportSource, prefix: str = "") -> list[ImportEntry]:
    """Return an entry for each media file of a container.

    Media that a vCon names is understood by it, files that ACS exported by their names; of others the metadata document
    beside them is read.

    Args:
        source: the container; only read.
        prefix: of blob names.

    Raises:
        RequestError: a vCon that cannot be read, or whose media is not there.
        StorageError: the container does not answer.
    """
    lengths = {blob.name: blob.length_bytes for blob in source.list(prefix) if blob.is_committed}
    by_vcon = [entry for name in lengths if is_vcon_name(name) for entry in _of_vcon(name, lengths, source)]
    known = {entry.blob for entry in by_vcon}
    lengths = {name: length for name, length in lengths.items() if name not in known and not is_vcon_name(name)}
    return [*by_vcon, *byos_entries(lengths), *sample_entries(_described(lengths, source))]


def _of_vcon(name: str, lengths: dict[str, int], source: ImportSource) -> list[ImportEntry]:
    if lengths[name] > LARGEST_VCON:
        raise RequestError(f"{name} is larger than {LARGEST_VCON >> 20} MiB; put its media beside it")
    stored = source.get(name)
    return vcon_entries(name, stored[0], lengths) if stored else []


def _described(lengths: dict[str, int], source: ImportSource) -> Iterator[tuple[str, str | None, ChunkMetadata | None]]:
    for name, beside in pairs_of(lengths):
        is_small = beside is not None and lengths[beside] <= LARGEST_METADATA
        yield name, beside if is_small else None, document_at(beside, source) if beside and is_small else None


def document_at(name: str, source: ImportSource) -> ChunkMetadata | None:
    """Return a metadata document of ACS; None when it is missing or unreadable."""
    stored = source.get(name)
    try:
        return read_metadata(stored[0]) if stored is not None else None
    except SourceBrokenError:
        return None
