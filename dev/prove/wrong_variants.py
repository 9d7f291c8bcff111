"""Deliberately wrong variants of the product: a simulation that does not catch them proves nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any
from unittest import mock

from dev.in_memory import world
from dev.in_memory.builders import settings
from dev.in_memory.fakes import source
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.scripted import scripted
from dev.prove.powers.of_acs import (
    ErrorAsMetadata,
    GrowingObject,
    LongMemory,
    OddDeleteLocations,
    RedirectsElsewhere,
    SteadyWrongBody,
)
from dev.prove.powers.of_events import BackdatedFirst, TimelessByAWrongClock, WrongIndexFirst
from dev.prove.powers.of_ids import TwoFilesOfOneId
from dev.prove.powers.of_the_archive import HandInTheArchive
from dev.prove.powers.power import Power
from dev.prove.simulation import live, silent_log
from recording import ingest
from recording.archive import claim, delete_source, fallback, metadata
from recording.archive import line as archive
from recording.archive.claim import Work
from recording.archive.transfer import fetch as fetching
from recording.domain.archived import layout
from recording.domain.archived.integrity import is_as_long
from recording.domain.incoming import locations
from recording.domain.incoming.metadata import ChunkMetadata, read_metadata
from recording.domain.state import patience, transitions
from recording.domain.state.chunk import ChunkRecord, ChunkState
from recording.domain.state.quarantine import Origin
from recording.domain.state.stored import Standing, StoredChunk, media_standing
from recording.errors import SourceBrokenError, StorageError
from recording.ingest import queue_tasks
from recording.ports import Ports
from recording.settings import Settings
from recording.settings.values import MediaCheck

Variant = Callable[[], AbstractContextManager[Settings]]


@contextmanager
def delete_before_verify() -> Iterator[Settings]:
    """Break a rule: as soon as the bytes are committed, the source is deleted."""
    copy = fallback.copy_or_heal

    def copy_and_delete(work: Work) -> None:
        copy(work)
        if work.record.state is ChunkState.COPIED:
            work.ports.source.delete(work.task.delete_location or "")

    with mock.patch.object(archive, "copy_or_heal", copy_and_delete):
        yield settings()


@contextmanager
def verify_only_what_was_written() -> Iterator[Settings]:
    """Break a rule: what was read is taken for what there was; only the archive's copy of it is compared."""
    with mock.patch.object(fetching, "check_length", return_value=None):
        yield settings(media_check=MediaCheck.OFF)


@contextmanager
def acknowledge_before_enqueue() -> Iterator[Settings]:
    """Break a rule: an event counts as taken even if its tasks could not be kept."""
    take = ingest.ingest_text

    def forgetful(text: str, came_from: Origin, ports: Ports, chosen: Settings) -> None:
        try:
            take(text, came_from, ports, chosen)
        except StorageError:
            return

    with mock.patch.object(world, "ingest_text", forgetful):
        yield settings()


@contextmanager
def give_up_after_five_tries() -> Iterator[Settings]:
    """Break a rule: trying stops at a count, though ACS still has the media."""

    def is_given_up(record: ChunkRecord, _now: datetime) -> bool:
        return record.state is ChunkState.PENDING and record.attempts >= 5

    with mock.patch.object(patience, "is_given_up", is_given_up):
        yield settings()


@contextmanager
def delete_without_asking_the_archive() -> Iterator[Settings]:
    """Break a rule: what was proved an hour ago is taken for what is there now."""
    with (
        mock.patch.object(delete_source, "standing", return_value=Standing.AS_PROVED),
        mock.patch.object(delete_source, "may_delete_source", return_value=True),
    ):
        yield settings()


@contextmanager
def ask_for_the_media_alone() -> Iterator[Settings]:
    """Break a rule: the archive is asked for the media, and not for the documents beside it."""

    def media_alone(record: ChunkRecord, stored: StoredChunk) -> Standing:
        return media_standing(record, stored.media)

    with (
        mock.patch.object(delete_source, "standing", media_alone),
        mock.patch.object(delete_source, "may_delete_source", return_value=True),
    ):
        yield settings()


@contextmanager
def leave_without_asking_the_archive() -> Iterator[Settings]:
    """Break a rule: where no DELETE is sent, what was proved before is taken for what is there now."""
    plain = delete_source._proved_once_more

    def only_before_a_delete(work: Work, *, is_left: bool) -> StoredChunk | None:
        return None if is_left else plain(work, is_left=is_left)

    with mock.patch.object(delete_source, "_proved_once_more", only_before_a_delete):
        yield settings()


@contextmanager
def twice_the_same_is_final() -> Iterator[Settings]:
    """Break a rule: the same bad bytes twice count as what ACS really has."""
    with mock.patch.object(patience, "is_steady", lambda record, _now: record.broken_tries >= 2):
        yield settings()


@contextmanager
def one_witness_is_proof() -> Iterator[Settings]:
    """Break a rule: a single "not found", by whatever clock, ends a chunk."""
    with mock.patch.object(patience, "is_forgotten", lambda record, now: now >= record.task.expires_at):
        yield settings()


@contextmanager
def follow_any_redirect() -> Iterator[Settings]:
    """Break a rule: a redirect of an allowed host is followed, whatever object it leads to."""
    with mock.patch.object(source, "stays_with_the_object", return_value=True):
        yield settings()


@contextmanager
def suspects_take_the_name() -> Iterator[Settings]:
    """Break a rule: bytes that failed the media check are kept under the chunk's own name."""
    with mock.patch.object(layout, "suspect_name", lambda media, _mark: media):
        yield settings()


@contextmanager
def call_any_delete_location() -> Iterator[Settings]:
    """Break a rule: whatever the event says is to be deleted is deleted."""
    with mock.patch.object(delete_source, "names_the_same_object", return_value=True):
        yield settings()


@contextmanager
def nothing_reopens() -> Iterator[Settings]:
    """Break a rule: a chunk that was given up stays so, whatever is announced later."""
    with (
        mock.patch.object(queue_tasks, "is_reopened_by", return_value=False),
        mock.patch.object(claim, "is_new_evidence", return_value=False),
    ):
        yield settings()


@contextmanager
def any_clock_tells_the_arrival() -> Iterator[Settings]:
    """Break a rule: an event without a time counts from its arrival by the clock of whichever instance takes it."""
    with mock.patch.object(ingest, "by_the_shared_clock", lambda ports: ports):
        yield settings()


@contextmanager
def first_index_wins() -> Iterator[Settings]:
    """Break a rule: whoever announces a file first decides its index, whatever its metadata names."""
    with (
        mock.patch.object(archive, "is_right_index", return_value=False),
        mock.patch.object(metadata, "_yield_to_the_index_told", return_value=None),
    ):
        yield settings()


@contextmanager
def any_document_is_metadata() -> Iterator[Settings]:
    """Break a rule: whatever is served with 200 in place of the metadata is the chunk's document."""
    with (
        mock.patch.object(metadata, "_check_is_about", return_value=None),
        mock.patch.object(metadata, "read_metadata", _read_anything),
    ):
        yield settings()


def _read_anything(raw: bytes) -> ChunkMetadata:
    try:
        return read_metadata(raw)
    except SourceBrokenError:
        return ChunkMetadata()


@contextmanager
def ask_for_no_length_again() -> Iterator[Settings]:
    """Break a rule: a file that opens and plays is whole, though nothing says where it ends."""
    with mock.patch.object(delete_source, "is_length_proved", return_value=True):
        yield settings()


@contextmanager
def about_as_long_is_whole() -> Iterator[Settings]:
    """Break a rule: a length that agrees as far as it is rounded proves that nothing is missing at the end."""
    with mock.patch.object(delete_source, "plays_to_its_end", is_as_long):
        yield settings()


@contextmanager
def delete_past_the_deadline() -> Iterator[Settings]:
    """Break a rule: a DELETE is sent although ACS may have forgotten the media by itself."""
    with mock.patch.object(Work, "is_past_deadline", return_value=False):
        yield settings()


@contextmanager
def delete_without_metadata() -> Iterator[Settings]:
    """Break a rule: metadata that is late is given up at once, and the source goes without it."""
    with (
        mock.patch.object(patience, "is_metadata_given_up", return_value=True),
        mock.patch.object(delete_source, "metadata_is_settled", return_value=True),
        mock.patch.object(transitions, "metadata_is_settled", return_value=True),
    ):
        yield settings()


@contextmanager
def call_any_host() -> Iterator[Settings]:
    """Break a rule: any host that an event names is asked for the media."""
    with mock.patch.object(locations, "is_allowed_host", return_value=True):
        yield settings()


@contextmanager
def drop_what_is_forged() -> Iterator[Settings]:
    """Break a rule: what cannot be trusted is dropped, and kept for nobody."""
    with (
        mock.patch.object(ingest, "hold_chunk", return_value=None),
        mock.patch.object(ingest, "quarantine", return_value=None),
    ):
        yield settings()


@contextmanager
def replace_what_has_the_name() -> Iterator[Settings]:
    """Break a rule: a copy is committed under its name whatever is stored there."""

    def put_media(
        self: FakeArchive, name: str, data: memoryview, media_type: str, blob_metadata: Mapping[str, str]
    ) -> bool:
        return self._keep(name, bytes(data), media_type, blob_metadata)

    with mock.patch.object(FakeArchive, "put_media", scripted(put_media)):
        yield settings()


@contextmanager
def one_document_is_one_file() -> Iterator[Settings]:
    """Break a rule: what is archived under a document's id is taken for any file of that id that is not found."""
    with mock.patch.object(transitions, "_place_of", lambda record: record.task.document_id):
        yield settings()


@contextmanager
def the_same_ids_are_the_same_file() -> Iterator[Settings]:
    """Break a rule: a second file under a finished chunk's ids counts as a duplicate."""
    with mock.patch.object(archive, "check_conflict", return_value=False):
        yield settings()


VARIANTS: tuple[Variant, ...] = (
    delete_before_verify,
    verify_only_what_was_written,
    acknowledge_before_enqueue,
    give_up_after_five_tries,
    delete_without_asking_the_archive,
    ask_for_the_media_alone,
    leave_without_asking_the_archive,
    twice_the_same_is_final,
    one_witness_is_proof,
    follow_any_redirect,
    suspects_take_the_name,
    call_any_delete_location,
    nothing_reopens,
    any_clock_tells_the_arrival,
    first_index_wins,
    any_document_is_metadata,
    ask_for_no_length_again,
    about_as_long_is_whole,
    delete_past_the_deadline,
    delete_without_metadata,
    call_any_host,
    drop_what_is_forged,
    replace_what_has_the_name,
    one_document_is_one_file,
    the_same_ids_are_the_same_file,
)


# The powers in whose lives a variant must be caught; the others are caught in any.
MEETS: dict[Variant, tuple[type[Power], ...]] = {
    delete_without_asking_the_archive: (HandInTheArchive,),
    ask_for_the_media_alone: (HandInTheArchive,),
    leave_without_asking_the_archive: (HandInTheArchive, OddDeleteLocations),
    twice_the_same_is_final: (SteadyWrongBody,),
    one_witness_is_proof: (LongMemory,),
    follow_any_redirect: (RedirectsElsewhere,),
    suspects_take_the_name: (SteadyWrongBody,),
    call_any_delete_location: (OddDeleteLocations,),
    nothing_reopens: (BackdatedFirst,),
    any_clock_tells_the_arrival: (TimelessByAWrongClock,),
    first_index_wins: (WrongIndexFirst,),
    any_document_is_metadata: (ErrorAsMetadata,),
    ask_for_no_length_again: (GrowingObject,),
    about_as_long_is_whole: (GrowingObject,),
    delete_past_the_deadline: (LongMemory,),
    replace_what_has_the_name: (HandInTheArchive,),
    one_document_is_one_file: (TwoFilesOfOneId,),
    the_same_ids_are_the_same_file: (TwoFilesOfOneId,),
}


# Seeds that caught the variants which live longest before that; `prove controls` prints the first seed of each.
CAUGHT_BEFORE: dict[Variant, int] = {
    verify_only_what_was_written: 23,
    ask_for_the_media_alone: 33,
    twice_the_same_is_final: 116,
    suspects_take_the_name: 25,
    replace_what_has_the_name: 219,
    nothing_reopens: 108,
    one_witness_is_proof: 35,
    about_as_long_is_whole: 49,
    one_document_is_one_file: 140,
}


def caught_at(variant: Variant, most: int) -> tuple[int, str] | None:
    """Return the first seed below `most` in which the witness objects to a variant, and what it says.

    None when never.
    """
    return _caught_in(variant, range(most))


def is_caught(variant: Variant, most: int) -> bool:
    """Return whether the witness objects in a seed below `most`, or in the one that has caught the variant before.

    Where the product has made another life of that seed, all are lived.
    """
    before = CAUGHT_BEFORE.get(variant, 0)
    return _caught_in(variant, list(dict.fromkeys((before, *range(most))))) is not None


def _caught_in(variant: Variant, seeds: Sequence[int]) -> tuple[int, str] | None:
    with silent_log(), variant() as chosen:
        lives: Any = (live(seed, chosen, MEETS.get(variant)) for seed in seeds)
        return next(((life.seed, life.violations[0]) for life in lives if life.violations), None)
