"""The JSON of find, tags and timelines, in the one dialect of `views`."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any, Self

from recording.domain.incoming.facts import KnownParticipant
from recording.http.views import View
from recording.http.views.recordings import UnreadView
from recording.library.directory import Found, FoundPage
from recording.library.importing import Imported
from recording.library.rebuild import Rebuilt
from recording.library.reindex import Reindexed
from recording.operate.timeline import Moment, Story


class ParticipantView(View):
    """A participant by a hash that `participant=h:…` finds again."""

    key: str
    channels: tuple[int, ...]
    is_number: bool

    @classmethod
    def of(cls, one: KnownParticipant) -> Self:
        """Show a participant by a hash, which identifies no one."""
        return cls(key=f"h:{one.key}", channels=one.channels, is_number=one.number_key is not None)


class FoundView(View):
    """A recording that was found."""

    recording_id: str
    call_id: str | None
    server_call_id: str | None
    started_at: datetime
    started_here: bool
    started_by: str | None
    duration_ms: float | None
    length_bytes: int
    chunk_count: int
    archived_count: int
    formats: tuple[str, ...]
    content: str | None
    channel: str | None
    pause_count: int
    paused_ms: float
    participants: tuple[ParticipantView, ...]
    more_participants: int
    session_end_reason: str | None
    states: tuple[str, ...]
    tags: dict[str, str]
    consent: dict[str, Any] | None
    folder: str | None
    unreadable: tuple[str, ...]

    @classmethod
    def of(cls, found: Found) -> Self:
        """Show a recording with its facts and states."""
        record, facts = found.recording, found.facts
        noted = ("recording_id", "call_id", "server_call_id", "started_here", "started_by", "folder")
        derived = (
            "started_at",
            "duration_ms",
            "length_bytes",
            "chunk_count",
            "archived_count",
            "formats",
            "content",
            "channel",
            "pause_count",
            "paused_ms",
            "more_participants",
            "session_end_reason",
        )
        return cls(
            participants=tuple(ParticipantView.of(one) for one in facts.participants),
            states=tuple(found.states),
            tags=record.current_tags,
            consent=record.consent,
            unreadable=facts.unread_rows,
            **{name: getattr(record, name) for name in noted},
            **{name: getattr(facts, name) for name in derived},
        )


class FoundPageView(View):
    """A page of what was found; `next` is null on the last one."""

    count: int
    recordings: tuple[FoundView, ...]
    next: str | None
    unreadable: tuple[str, ...]

    @classmethod
    def of(cls, page: FoundPage) -> Self:
        """Show a page."""
        shown = tuple(FoundView.of(one) for one in page.items)
        return cls(count=len(shown), recordings=shown, next=page.next, unreadable=page.unreadable)


class TimelineMomentView(View):
    """Something that happened to a recording, and who asked for it; `local_at` is in the zone that was asked for."""

    at: datetime
    local_at: datetime | None
    kind: str
    what: str
    index: int | None
    document_id: str | None
    who: str | None
    outcome: str | None

    @classmethod
    def of(cls, moment: Moment, zone: tzinfo | None = None) -> Self:
        """Show a moment."""
        local_at = moment.at.astimezone(zone) if zone is not None else None
        names = cls.model_fields.keys() - {"local_at"}
        return cls(local_at=local_at, **{name: getattr(moment, name) for name in names})


class TimelineView(View):
    """A timeline, the earliest moment first, and the rows that it could not read."""

    recording_id: str
    time_zone: str | None
    moments: tuple[TimelineMomentView, ...]
    unreadable: tuple[UnreadView, ...]

    @classmethod
    def of(cls, recording_id: str, story: Story, zone: tzinfo | None = None) -> Self:
        """Show a story."""
        moments = tuple(TimelineMomentView.of(one, zone) for one in story.moments)
        unreadable = tuple(map(UnreadView.of, story.unread))
        time_zone = str(zone) if zone is not None else None
        return cls(recording_id=recording_id, time_zone=time_zone, moments=moments, unreadable=unreadable)


class ProblemView(View):
    """What a run left out: a blob, folder or recording, and why."""

    name: str
    reason: str

    @classmethod
    def all_of(cls, problems: Iterable[tuple[str, str]]) -> tuple[Self, ...]:
        """Show problems."""
        return tuple(cls(name=name, reason=reason) for name, reason in problems)


class RebuiltView(View):
    """What a rebuild did."""

    folders: int
    recordings: int
    chunks: int
    known: int
    unfinished: int
    problems: tuple[ProblemView, ...]

    @classmethod
    def of(cls, done: Rebuilt) -> Self:
        """Show a run."""
        return cls(**{**vars(done), "problems": ProblemView.all_of(done.problems)})


class ReindexedView(View):
    """What a reindex did."""

    seen: int
    written: int
    problems: tuple[ProblemView, ...]

    @classmethod
    def of(cls, done: Reindexed) -> Self:
        """Show a run."""
        return cls(**{**vars(done), "problems": ProblemView.all_of(done.problems)})


class ImportedView(View):
    """What an import did, or with a dry run would do."""

    copied: int
    in_place: int
    known: int
    length_bytes: int
    problems: tuple[ProblemView, ...]

    @classmethod
    def of(cls, done: Imported) -> Self:
        """Show a run."""
        return cls(**{**vars(done), "problems": ProblemView.all_of(done.problems)})
