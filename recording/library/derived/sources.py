"""Sources: the archived media that a file is made from, read in parts and compared with the catalog's digests."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial

from recording.domain.archived.derived import Source
from recording.domain.media.wav_layout import WavLayout, find_wav_layout, in_windows
from recording.errors import RequestError, StorageError, reading_for_a_caller
from recording.errors.codes import Code
from recording.ports import Ports

PIECE = 4 * 1024 * 1024


def read_source(source: Source, first: int, length: int, ports: Ports) -> bytes:
    """Return a part of a source.

    Raises:
        RequestError: `media_offline`, it is in the archive tier.
        StorageError: the archive does not answer, or holds something else than the catalog says.
    """
    with reading_for_a_caller("the media is in the archive tier"):
        data, total = ports.archive.read_range(source.blob_name, first, length)
    if total != source.length_bytes or len(data) != length:
        raise StorageError("the archive does not hold what the catalog says; verify the recording")
    return data


def pieces_of(source: Source, first: int, end: int, ports: Ports) -> Iterator[bytes]:
    """Yield the bytes of a source from one place to another.

    Raises:
        RequestError: as `read_source`.
        StorageError: as `read_source`.
    """
    for at in range(first, end, PIECE):
        yield read_source(source, at, min(PIECE, end - at), ports)


def layout_of_source(source: Source, ports: Ports) -> WavLayout:
    """Return the layout of a WAV source.

    Raises:
        RequestError: `not_derivable`; its channels cannot be separated; or as `read_source`.
        StorageError: as `read_source`.
    """
    total = source.length_bytes
    read: Callable[[int, int], bytes] = partial(_read, source, ports)
    try:
        layout = find_wav_layout(in_windows(read, total), total)
    except ValueError as error:
        raise RequestError(f"chunk {source.index}: {error}", code=Code.NOT_DERIVABLE) from None
    if not layout.has_plain_samples:
        message = f"chunk {source.index}: the WAV file's sound is compressed"
        raise RequestError(message, code=Code.NOT_DERIVABLE)
    return layout


def _read(source: Source, ports: Ports, first: int, length: int) -> bytes:
    return read_source(source, first, length, ports)


def check_digest(source: Source, digest: "hashlib._Hash") -> None:
    """Check that a source was read completely and matches the catalog.

    Raises:
        StorageError: it differs.
    """
    if digest.hexdigest() != source.sha256:
        raise StorageError(f"chunk {source.index} is not what was archived; verify the recording")
