"""Fetch: stage a source's bytes as blocks, in parallel, in bounded memory, checked on the way, and resumable.

A slot carries a block from the source to the archive; meanwhile its bytes are hashed in the file's order. A file of one
block is one request to the source, and stays in its slot until it is committed. A source that ignores ranges is read
once, as a stream; so is one whose version was another in each attempt.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from recording.archive.claim import Work
from recording.archive.transfer.buffers import LEAD_BYTES
from recording.archive.transfer.hashing import Arrival, OrderedPass, Seams
from recording.archive.transfer.pace import FIRST_BLOCK
from recording.archive.transfer.scheduler import Flow, Job
from recording.archive.transfer.traffic import RangeMeter, traffic_to
from recording.domain.archived.blocks import Block, StagedBlock, block_id, crc64_of, plan, staged_block, usable
from recording.domain.archived.integrity import Digest, check_length
from recording.domain.formats import FormatType
from recording.domain.ids import mark_of
from recording.domain.media import SNIFF_BYTES, MediaFacts, MediaProbe, sniff
from recording.errors import SourceBrokenError, SourceBusyError, SourceSlowError, SourceThrottledError
from recording.errors.codes import Code
from recording.ports import SourceContent
from recording.ports.buffers import Buffer

_TRIES = 3  # for one range, without a pause; after that the next worker resumes from the staged blocks
_PIECE = 64 * 1024  # how often a job checks whether it may end: a source that trickles must not block it for minutes
_LARGE_PIECE = 1024 * 1024  # from a source that is known not to trickle: less CPU
_DRIPPING = 1e6  # bytes a second
_PROBE_BYTES = 256 * 1024  # size of a large file's first block, small because a worker that resumes fetches it again
_RESUMED_BLOCK = 1024 * 1024  # a copy that was interrupted once may be again; small blocks lose little then
_CHANGES = 3  # attempts that met another version; a source that names one for each answer is then asked for one answer
_LONGEST_PAUSE = 2.0  # seconds; a longer wait is left to the queue


@dataclass(frozen=True)
class Fetched:
    """A source that was read completely and can be committed.

    `digest` and `media` are None when an earlier worker staged a part of it: they are determined by reading the
    committed blob back. `content` is a file of one block, still in its slot; otherwise `block_ids` are staged.
    """

    name: str
    format: FormatType | None
    total: int
    digest: Digest | None
    media: MediaFacts | None
    block_ids: tuple[str, ...] = ()
    content: memoryview | None = None

    @property
    def blocks(self) -> tuple[StagedBlock, ...]:
        """Return the source's ranges and checksums from the block ids."""
        return tuple(block for text in self.block_ids if (block := staged_block(text)) is not None)


@dataclass
class Source:
    """The object being copied, as its first answer described it."""

    location: str
    total: int
    version: str | None
    mark: str


class _Metered:
    """An open answer, measured for the pace from the request to the last byte."""

    def __init__(self, content: SourceContent, meter: RangeMeter, first: int, length: int | None) -> None:
        self._content = content
        self._meter = meter
        self.declared_total = content.declared_total
        self.is_whole = content.is_whole
        self.version = content.version
        total = content.declared_total or 0
        self._left = total if content.is_whole or length is None else min(length, total - first)
        self.piece = _PIECE  # how much to read at once

    def fill(self, view: memoryview) -> int:
        """Read until the view is full or the body ends."""
        count = self._content.fill(view)
        self._meter.arrived(count)
        if self._meter.rate is not None and self._meter.rate > _DRIPPING:
            self.piece = _LARGE_PIECE
        self._left -= count
        if self._left == 0:
            self._meter.end()
        return count


@contextmanager
def open_fetch(
    work: Work,
    announced: FormatType | None,
    name_for: Callable[[FormatType | None], str],
    *,
    resume: bool = False,
) -> Iterator[Fetched]:
    """Fetch the source; its buffers are returned when the context ends.

    Args:
        work: the claimed chunk; its claim is kept while blocks are on their way.
        announced: the format from event or metadata, where the first bytes do not show it.
        name_for: the blob's name by its format.
        resume: continue from the blocks that an earlier worker staged under the name of any format.

    Raises:
        SourceError: the source did not deliver what it declares, or changed meanwhile; nothing is committed.
        CopyPausedError: the time is used up; staged blocks are kept.
        StorageError: a block could not be staged.
    """
    kind, staged = _find_staged(work, announced, name_for) if resume else (announced, {})
    host = urlsplit(work.task.content_location).netloc
    with Flow(work, traffic_to(host, work.ports.pool, work.settings.copy_block_bytes)) as flow:
        copy = _Fetching(work, flow, announced, name_for, MediaProbe(announced))
        yield copy.resume(staged, kind) or copy.fresh()


def _find_staged(
    work: Work, announced: FormatType | None, name_for: Callable[[FormatType | None], str]
) -> tuple[FormatType | None, dict[str, int]]:
    """Return the blocks that an earlier worker staged, and its format: it may have detected another one."""
    for kind in dict.fromkeys((announced, *FormatType, None)):
        if staged := dict(work.ports.archive.staged_blocks(name_for(kind))):
            return kind, staged
    return announced, {}


@dataclass
class _Fetching:
    """One pass over a source."""

    work: Work
    flow: Flow
    announced: FormatType | None
    name_for: Callable[[FormatType | None], str]
    probe: MediaProbe
    ids: dict[int, str] = field(default_factory=dict)  # of staged blocks, by offset
    seams: Seams = field(default_factory=Seams)

    # --- the first answer decides the way -----------------------------------------------------------------------------

    def fresh(self) -> Fetched:
        """Fetch everything."""
        location, size = self.work.task.content_location, self.work.settings.copy_block_bytes or FIRST_BLOCK
        slot = self.flow.slot(size, is_first=True)
        with self._open(location, 0, None if self._changes_always() else size) as content:
            source = self._source(location, content)
            if source.total <= size:
                self.flow.go_first()
                return self._small(source, content, slot)
            head = slot.view[: self._fill_view(content, slot.view[:SNIFF_BYTES], self.flow.look)]
            format_type = sniff(head) or self.announced
            ordered = OrderedPass(self.flow.pool.hashers, self.probe, with_sha512=self.work.settings.copy_sha512)
            self._prepare(source, format_type, ordered)
            if content.is_whole:
                self.flow.run(self._stream(content, slot, len(head)))
            else:
                first = partial(self._first, content, slot, size, len(head))
                self.flow.run(self._chained(first, self._planned([Block(0, size)])))
        return self._finish(format_type, *ordered.finish())

    def _changes_always(self) -> bool:
        """Return whether every attempt met another version: the parts of one answer are of one version."""
        record = self.work.record
        return record.copy_epoch >= _CHANGES and record.last_error == Code.SOURCE_CHANGED

    def resume(self, staged: dict[str, int], kind: FormatType | None) -> Fetched | None:
        """Fetch what is missing; return None when none of the staged blocks can be trusted.

        One staged block is fetched again: if it is the same, and total and version are too, so are the others.
        """
        candidates = [(block, text) for text in staged if (block := staged_block(text)) is not None]
        if not candidates:
            return None
        probe, text = min(candidates, key=lambda pair: (pair[0].length, pair[0].offset))
        location = self.work.task.content_location
        slot = self.flow.slot(probe.length, is_first=True)
        with self._open(location, probe.offset, probe.length) as content:
            source = self._source(location, content)
            kept = usable(staged, source.mark, source.total)
            is_ours = kept.get(probe) == text and not content.is_whole
            is_usable = is_ours and self._is_same(content, slot, probe)
        slot.drop()  # before another one is requested: waiting while holding one would deadlock
        if not is_usable:
            return None
        self._prepare(source, kind, None)
        self.ids = {block.offset: text for block, text in kept.items()}
        self.flow.run(self._chained(None, self._planned(kept)))
        return self._finish(kind, None, None)

    def _is_same(self, content: _Metered, slot: Buffer, staged: StagedBlock) -> bool:
        view = slot.view[: staged.length]
        return (
            self._fill_view(content, view, self.flow.look) == staged.length and f"{crc64_of(view):016x}" == staged.crc64
        )

    def _source(self, location: str, content: _Metered) -> Source:
        total = content.declared_total
        if total is None:
            raise SourceBrokenError(
                "the source declared no length, so nothing can be proved", code=Code.SOURCE_WITHOUT_LENGTH
            )
        check_length(total, total)  # rejects an empty object
        said = f"{location}|{total}|{content.version}|{self.work.record.copy_epoch}"
        return Source(location, total, content.version, mark_of(said))

    def _prepare(self, source: Source, format_type: FormatType | None, ordered: OrderedPass | None) -> None:
        self.source, self.ordered = source, ordered
        self.name = self.name_for(format_type)

    # --- the three ways -----------------------------------------------------------------------------------------------

    def _small(self, source: Source, content: _Metered, slot: Buffer) -> Fetched:
        """Fetch a file that the first answer contains completely."""
        filled = self._fill_view(
            content, slot.view[: source.total + 1], self.flow.look
        )  # one byte more shows a body that is too long
        check_length(filled, source.total)
        view = slot.view[: source.total]
        ordered = OrderedPass(self.flow.pool.hashers, self.probe, with_sha512=self.work.settings.copy_sha512)
        ordered.take(view)
        digest, media = ordered.finish()
        format_type = sniff(view) or self.announced
        return Fetched(self.name_for(format_type), format_type, source.total, digest, media, content=view)

    def _chained(self, first: Job | None, blocks: Iterator[Block]) -> Iterator[Job]:
        """Yield a job for each block; a slot is taken only when its turn comes."""
        if first is not None:
            yield first
        for block in blocks:
            self.flow.share.bytes_left = self.source.total - block.end
            yield partial(self._fetch, block, self.flow.slot(block.length))

    def _stream(self, content: _Metered, slot: Buffer, filled: int) -> Iterator[Job]:
        """Read the only answer block by block, while the jobs stage what has arrived."""
        size = slot.size
        for offset in range(0, self.source.total, size):
            block = Block(offset, min(size, self.source.total - offset))
            slot = self.flow.slot(size) if offset else slot
            is_last = block.end == self.source.total
            filled += self._fill_view(
                content, slot.view[filled : block.length + is_last], self.flow.look
            )  # a longer body shows
            if filled != block.length:
                check_length(offset + filled, self.source.total)
            yield partial(self._stage, block, slot.view[: block.length], b"", slot)
            filled = 0

    def _first(self, content: _Metered, slot: Buffer, size: int, filled: int) -> None:
        """Split the block whose answer is already open: the first part is small, for a worker that may resume."""
        self._fill(content, slot.view[filled:size])
        cut = min(_PROBE_BYTES, size)
        slot.hold()
        self._stage(Block(0, cut), slot.view[:cut], b"", slot)
        if cut < size:
            self._stage(Block(cut, size - cut), slot.view[cut:size], slot.view[max(0, cut - LEAD_BYTES) : cut], slot)
        else:
            slot.drop()

    # --- one block ----------------------------------------------------------------------------------------------------

    def _fetch(self, block: Block, slot: Buffer) -> None:
        lead = min(LEAD_BYTES, block.offset)
        view = slot.view[: lead + block.length]
        self._fill_again(block.offset - lead, view)
        self._stage(block, view[lead:], view[:lead], slot)

    def _fill_again(self, first: int, view: memoryview) -> None:
        """Fill a view with a range, trying again at once when the source fails briefly."""
        for attempt in range(1, _TRIES + 1):
            try:
                with self._open(self.source.location, first, len(view)) as content:
                    self._check_same(content, is_all=(first, len(view)) == (0, self.source.total))
                    self._fill(content, view)
                    return
            except SourceBusyError as error:
                wait = error.retry_after.total_seconds() if error.retry_after else 0.0
                is_for_later = isinstance(error, SourceSlowError) or wait > _LONGEST_PAUSE
                if attempt == _TRIES or is_for_later or self.flow.is_stopped:
                    raise
                time.sleep(wait)

    def _check_same(self, content: _Metered, *, is_all: bool) -> None:
        if content.is_whole and not is_all:
            raise SourceBusyError("the source no longer answers requests for a range")
        if (content.declared_total, content.version) != (self.source.total, self.source.version):
            raise SourceBrokenError("the object changed while it was read", code=Code.SOURCE_CHANGED)

    def _fill(self, content: _Metered, view: memoryview) -> None:
        filled = self._fill_view(content, view)
        if filled != len(view):
            raise SourceBrokenError(f"a range of {len(view)} bytes ended after {filled}", code=Code.SOURCE_SHORT)

    def _fill_view(self, content: _Metered, view: memoryview, look: Callable[[], None] | None = None) -> int:
        """Fill a view as far as the body goes.

        Args:
            content: the open answer.
            view: what to fill.
            look: keeps the claim and checks the time, in the thread that has to do so.
        """
        filled = 0
        while filled < len(view):
            (look or self._look)()
            came = content.fill(view[filled : filled + content.piece])
            if not came:
                break
            filled += came
        return filled

    def _look(self) -> None:
        self.flow.give_way()
        if self.flow.is_stopped:
            raise SourceBusyError("the copy has ended")

    def _stage(self, block: Block, content: memoryview, lead: bytes | memoryview, slot: Buffer) -> None:
        """Stage a block and have it hashed; the slot goes back when both are done."""
        self.seams.note(block, lead, content)
        crc64 = crc64_of(content)
        text = block_id(block, self.source.mark, crc64)
        if self.ordered is not None:
            slot.hold()
            self.ordered.deliver(Arrival(block, content, slot.drop))
        self.work.ports.archive.stage_block(self.name, text, content, crc64)
        self.ids[block.offset] = text
        slot.drop()

    def _finish(self, format_type: FormatType | None, digest: Digest | None, media: MediaFacts | None) -> Fetched:
        ids = tuple(self.ids[offset] for offset in sorted(self.ids))
        return Fetched(self.name, format_type, self.source.total, digest, media, ids)

    @contextmanager
    def _open(self, location: str, first: int, length: int | None) -> Iterator["_Metered"]:
        begun, meter = time.monotonic(), self.flow.traffic.meter()
        try:
            with self.work.ports.source.open_content(location, first, length) as content:
                yield _Metered(content, meter, first, length)
        except SourceThrottledError:
            self.flow.traffic.refused(begun)
            raise

    def _planned(self, kept: Iterable[Block]) -> Iterator[Block]:
        """Yield the missing blocks, each of the size that suits the host at that moment."""
        may_be_large = self.ordered is not None or self.work.settings.copy_block_bytes is not None
        self.flow.share.bytes_left = self.source.total

        def size() -> int:
            suited = self.flow.traffic.block_bytes(self.flow.share.bytes_left)
            return suited if may_be_large else min(suited, _RESUMED_BLOCK)

        return plan(self.source.total, size, kept)
