"""Failures of chunks and their files that are made to happen: each is a stage after its bad hours."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from dev.in_memory.builders import chunk, event, task
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.world import leave_alone, world
from dev.prove.stage import ALWAYS, BROKEN, HOUR, MINUTE, Stage, acs_down, announced, fails, lived
from recording.domain.archived.drift import SCRUB_DUE_AFTER
from recording.domain.state import patience
from recording.domain.state.records import changed, stored_name
from recording.errors import (
    SourceRefusedError,
    StorageRefusedError,
)
from recording.settings.values import MediaCheck


def at_risk() -> Stage:
    """Play it: ACS does not give the media, and six hours are left."""

    def act(stage: Stage) -> None:
        acs_down(stage)
        left = task(0).expires_at - stage.here.now - stage.here.settings.at_risk_below
        stage.goes_by(left)
        stage.fails_now()
        stage.goes_by(HOUR)

    return lived(world(), act)


def expired() -> Stage:
    """Play it: it never gave it."""

    def act(stage: Stage) -> None:
        acs_down(stage)
        stage.goes_by(task(0).expires_at - stage.here.now)
        leave_alone(stage.here)  # ACS answers again
        stage.here.forgets(task(0))
        stage.goes_by(patience.GONE_FOR + 3 * HOUR)  # two answers "not found", apart, prove that it is lost
        stage.failed_at = next(record.changed_at for record in stage.here.fakes.catalog.chunks.values())
        stage.goes_by(HOUR)

    return lived(world(), act)


def refused_by_acs() -> Stage:
    """Play it: a role was taken away, or a key rotated."""

    def act(stage: Stage) -> None:
        announced(stage.here)
        fails(stage, "WitnessedSource", SourceRefusedError("403"))
        stage.goes_by(HOUR)

    return lived(world(), act)


def broken_media() -> Stage:
    """Play it: what ACS gives does not open, however often it is asked."""

    def act(stage: Stage) -> None:
        announced(stage.here, BROKEN)
        stage.goes_by(patience.STEADY_FOR + 2 * HOUR)  # only then is it final
        stage.failed_at = next(record.changed_at for record in stage.here.fakes.catalog.chunks.values())
        stage.goes_by(HOUR)

    return lived(world(), act)


def warned_media() -> Stage:
    """Play it: the same, and the operator chose to be warned only."""

    def act(stage: Stage) -> None:
        announced(stage.here, BROKEN)
        stage.goes_by(HOUR)

    return lived(world(media_check=MediaCheck.WARN), act)


def no_metadata() -> Stage:
    """Play it: the media is archived; the metadata never comes, and now nothing can come any more."""

    def act(stage: Stage) -> None:
        stage.here.holds(task(0), document=None)
        stage.here.source.objects.pop(task(0).metadata_location or "")
        stage.here.announces(event(chunk(0)))
        stage.goes_by(task(0).expires_at - stage.here.now)
        stage.fails_now()
        stage.goes_by(HOUR)

    return lived(world(), act)


def archive_refuses() -> Stage:
    """Play it: the primary archive answers 403; the second destination takes the chunk."""

    def act(stage: Stage) -> None:
        refused = StorageRefusedError("403")
        primary = stage.here.fakes.archive
        for method in ("put_media", "stage_block", "commit", "look_up", "put_once", "staged_blocks"):
            primary.fail_next(method, refused, times=ALWAYS)
        announced(stage.here)
        stage.goes_by(2 * HOUR)

    here = world()
    here.fakes = replace(here.fakes, fallback=FakeArchive())
    return lived(here, act)


def altered_blob() -> Stage:
    """Play it: somebody changes a blob of the archive whose turn it is in the coming night."""

    def act(stage: Stage) -> None:
        announced(stage.here)
        stage.goes_by(HOUR)
        known = stage.here.record(task(0))
        due = changed(known, read_whole_at=stage.here.now - SCRUB_DUE_AFTER)
        stage.here.fakes.catalog.save_chunk(due)
        name = stored_name(known)
        blob = stage.here.fakes.archive.blobs[name]
        stage.here.fakes.archive.blobs[name] = replace(blob, data=bytes(reversed(blob.data)))
        stage.fails_now()
        stage.goes_by(timedelta(days=1, hours=1))

    return lived(world(), act)


def keeps_failing() -> Stage:
    """Play it: ACS does not give the media, and the fifth try fails."""

    def act(stage: Stage) -> None:
        acs_down(stage)
        while not any(" attempt=5" in line.text for line in stage.lines):
            stage.goes_by(MINUTE)
        stage.fails_now()
        stage.goes_by(HOUR)

    return lived(world(), act)


def nobody_works(hours: float) -> Callable[[], Stage]:
    """Play it: tasks wait and no worker takes them, while the timer still runs."""

    def act(stage: Stage) -> None:
        announced(stage.here)
        end = stage.here.now + hours * HOUR
        stage.failed_at = end
        while stage.here.now < end + HOUR:
            stage.here.fakes.clock.advance(seconds=60)
            if stage.here.now.minute % 5 == 0:
                stage.here.reconciles()

    return lambda: lived(world(), act)
