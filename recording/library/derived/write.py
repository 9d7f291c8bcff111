"""Write: the three ways to stage a derived file; each source is read once, or copied and verified later.

A source that was read is compared with the catalog's digest before anything is committed. One that storage copied is
verified from the committed file: its bytes, read back together with its header and trailer, must have that digest.
"""

import hashlib
from collections.abc import Iterator, Sequence

from recording.domain.archived.derived import Made, Source, Wanted
from recording.domain.media.mp3_join import Mp3Joiner
from recording.domain.media.wav_layout import WavLayout, channel_of, one_channel, wav_header, wav_padding
from recording.errors import RequestError, StorageError
from recording.errors.codes import Code
from recording.library.derived.blocks import Blocks, ranges
from recording.library.derived.sources import check_digest, layout_of_source, pieces_of, read_source
from recording.ports import Ports


def layouts_of(wanted: Wanted, ports: Ports) -> list[WavLayout]:
    """Return the layouts of the sources of a joined WAV file.

    Raises:
        RequestError: `not_derivable`, they do not fit; or as `read_source`.
        StorageError: as `read_source`.
    """
    layouts = [layout_of_source(source, ports) for source in wanted.sources]
    for source, layout in zip(wanted.sources, layouts, strict=True):
        if not layouts[0].fits(layout):
            message = f"chunk {source.index} differs from the first in rate, channels or width of its samples"
            raise RequestError(message, code=Code.NOT_DERIVABLE)
    return layouts


def stage_joined_wav(wanted: Wanted, layouts: Sequence[WavLayout], ports: Ports) -> Blocks:
    """Stage one header and the samples of each source in turn; a later run continues after the staged blocks.

    Raises:
        RequestError: as `read_source`.
        StorageError: storage does not answer.
    """
    blocks, frames = Blocks(wanted.blob_name, ports), sum(layout.frames for layout in layouts)
    blocks.put(wav_header(layouts[0], frames))
    for source, layout in zip(wanted.sources, layouts, strict=True):
        for first, length in ranges(layout.sound_at, layout.sound_at + layout.frames * layout.frame_bytes):

            def read(source: Source = source, first: int = first, length: int = length) -> bytes:
                return read_source(source, first, length, ports)

            blocks.copy(source.blob_name, first, length, read)
    blocks.put(wav_padding(layouts[0], frames))
    blocks.flush()
    return blocks


def made_of_wav(wanted: Wanted, layouts: Sequence[WavLayout]) -> Made:
    """Return the facts of a joined or split WAV file."""
    places, notes, at = [], [], 0
    for source, layout in zip(wanted.sources, layouts, strict=True):
        places.append((at, layout.frames))
        at += layout.frames
        used = layout.frames * layout.frame_bytes
        notes.append({"soundAt": layout.sound_at, "soundBytes": used, "bytesLeftOut": source.length_bytes - used})
    channels = layouts[0].channels if wanted.channel is None else 1
    return Made(layouts[0].sample_rate, channels, tuple(places), tuple(notes))


def stage_joined_mp3(wanted: Wanted, ports: Ports) -> tuple[Blocks, Made]:
    """Stage the frames of all sources, and before them a table with their lengths.

    Raises:
        RequestError: `not_derivable`, they do not fit; or as `read_source`.
        StorageError: storage does not answer, or a source is not what was archived.
    """
    blocks, joiner, before = Blocks(wanted.blob_name, ports), Mp3Joiner(), -1
    try:
        for source in wanted.sources:
            joiner.begin(is_continuing=source.index == before + 1)
            digest = hashlib.sha256()
            for piece in pieces_of(source, 0, source.length_bytes, ports):
                digest.update(piece)
                blocks.put(joiner.feed(piece))
            blocks.put(joiner.end())
            check_digest(source, digest)
            before = source.index
        table = joiner.table()
    except ValueError as error:
        raise RequestError(f"{error}", code=Code.NOT_DERIVABLE) from None
    blocks.flush()
    blocks.put_first(table)
    each = joiner.samples // joiner.frames
    places = tuple((part.first_sample, part.frames * each) for part in joiner.parts)
    notes = tuple(
        {"frames": part.frames, "silentFrames": part.silenced, "bytesLeftOut": part.scraps} for part in joiner.parts
    )
    return blocks, Made(joiner.sample_rate, joiner.channels, places, notes)


def stage_speakers(wanted: Sequence[Wanted], layout: WavLayout, ports: Ports) -> list[Blocks]:
    """Stage a file for each of these channels of one source, which is read once for all of them.

    Raises:
        RequestError: `not_derivable`, it has no such channel; or as `read_source`.
        StorageError: storage does not answer, or the source is not what was archived.
    """
    source, mono, staged = wanted[0].sources[0], one_channel(layout), []
    for one in wanted:
        blocks = Blocks(one.blob_name, ports)
        blocks.put(wav_header(mono, layout.frames))
        staged.append(blocks)
    digest, rest, end = hashlib.sha256(), b"", layout.sound_at + layout.frames * layout.frame_bytes
    for piece in pieces_of(source, 0, layout.sound_at, ports):
        digest.update(piece)
    for piece in pieces_of(source, layout.sound_at, end, ports):
        digest.update(piece)
        data = rest + piece
        whole = len(data) - len(data) % layout.frame_bytes
        rest = data[whole:]
        for one, blocks in zip(wanted, staged, strict=True):
            blocks.put(channel_of(data[:whole], layout, one.channel or 0))
    for piece in pieces_of(source, end, source.length_bytes, ports):
        digest.update(piece)
    check_digest(source, digest)
    for blocks in staged:
        blocks.put(wav_padding(mono, layout.frames))
        blocks.flush()
    return staged


# --- the proof -------------------------------------------------------------------------------------------------------


def digest_of(wanted: Wanted, ports: Ports) -> tuple[int, str]:
    """Read the committed file; return its length and its digest.

    Raises:
        StorageError: it cannot be read.
    """
    digest, length = hashlib.sha256(), 0
    for piece in ports.archive.read(wanted.blob_name):
        digest.update(piece)
        length += len(piece)
    return length, digest.hexdigest()


def prove_joined_wav(wanted: Wanted, layouts: Sequence[WavLayout], ports: Ports) -> tuple[int, str]:
    """Read the committed file once; return its length and digest if it contains every source completely.

    Raises:
        RequestError: as `read_source`.
        StorageError: it cannot be read, or a source is not what was archived.
    """
    stored = _Stored(ports.archive.read(wanted.blob_name))
    frames = sum(layout.frames for layout in layouts)
    header = wav_header(layouts[0], frames)
    if b"".join(stored.take(len(header))) != header:
        raise StorageError("the joined file does not begin as it should")
    for source, layout in zip(wanted.sources, layouts, strict=True):
        digest, used = hashlib.sha256(), layout.frames * layout.frame_bytes
        for piece in pieces_of(source, 0, layout.sound_at, ports):
            digest.update(piece)
        for piece in stored.take(used):
            digest.update(piece)
        for piece in pieces_of(source, layout.sound_at + used, source.length_bytes, ports):
            digest.update(piece)
        check_digest(source, digest)
    padding = wav_padding(layouts[0], frames)
    if b"".join(stored.take(len(padding) + 1)) != padding:
        raise StorageError("the joined file does not end as it should")
    return stored.length, stored.digest.hexdigest()


class _Stored:
    """Takes parts from a stream of pieces, and counts and digests them."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""
        self.length = 0
        self.digest = hashlib.sha256()

    def take(self, length: int) -> Iterator[bytes]:
        """Yield the next `length` bytes, or all that are left."""
        while length:
            piece = self._rest or next(self._pieces, b"")
            if not piece:
                return
            part, self._rest = piece[:length], piece[length:]
            length -= len(part)
            self.length += len(part)
            self.digest.update(part)
            yield part
