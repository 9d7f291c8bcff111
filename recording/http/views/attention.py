"""What is held and what needs attention, as it is shown."""

from datetime import datetime
from typing import Self

from recording.domain.watched.attention import AttentionItem
from recording.errors.codes import Code
from recording.http.views import View, seconds
from recording.operate.attention import NeedsAttention
from recording.operate.decide import Accepted, Decided
from recording.operate.held import Redriven
from recording.operate.held_items import Held

LONGEST_SHOWN = 2048  # characters of each payload in a list


class AttentionItemView(View):
    """One thing that needs attention; `meaning` and `remedy` are those of its code, in Markdown."""

    id: str
    kind: str
    reason: str
    meaning: str | None
    remedy: str | None
    at: datetime
    fault: str | None
    recording_id: str | None
    document_id: str | None
    index: int | None
    state: str | None
    attempts: int
    next_attempt_at: datetime | None
    time_left_seconds: int | None

    @classmethod
    def of(cls, item: AttentionItem) -> Self:
        """Show an item of the model."""
        names = cls.model_fields.keys() - {"time_left_seconds", "meaning", "remedy"}
        shown = {name: getattr(item, name) for name in names}
        code = Code.of(item.reason)
        told = (code.meaning, code.remedy) if code else (None, None)
        return cls(time_left_seconds=seconds(item.time_left), meaning=told[0], remedy=told[1], **shown)


class HeldView(View):
    """One held thing; `payload` is cut in a list, and whole for the one that was asked for by its id."""

    id: str
    kind: str
    reason: str
    at: datetime
    recording_id: str | None
    document_id: str | None
    index: int | None
    state: str | None
    attempts: int
    redrives: int
    event_time: datetime | None
    time_left_seconds: int | None
    entries: tuple[str, ...]
    suspects: tuple[str, ...]
    payload: str

    @classmethod
    def of(cls, one: Held, *, whole: bool = False) -> Self:
        """Show a held thing."""
        names = cls.model_fields.keys() - {"time_left_seconds", "payload"}
        shown = {name: getattr(one, name) for name in names}
        payload = one.payload if whole else one.payload[:LONGEST_SHOWN]
        return cls(time_left_seconds=seconds(one.time_left), payload=payload, **shown)


class HeldListView(View):
    """What needs attention, and which of it is held."""

    count: int
    held: tuple[HeldView, ...]
    attention_count: int
    attention_complete: bool
    attention: tuple[AttentionItemView, ...]

    @classmethod
    def of(cls, found: NeedsAttention, *, top: int | None = None, whole: bool = False) -> Self:
        """Show at most `top` of each; the counts are of all."""
        return cls(
            count=len(found.held),
            held=tuple(HeldView.of(one, whole=whole) for one in found.held[:top]),
            attention_count=len(found.items),
            attention_complete=found.complete,
            attention=tuple(AttentionItemView.of(item) for item in found.items[:top]),
        )


class RedrivenView(View):
    """What a redrive did, or with `dryRun` would do."""

    redriven: tuple[str, ...]
    skipped: tuple[str, ...]
    dry_run: bool

    @classmethod
    def of(cls, done: Redriven, *, dry_run: bool) -> Self:
        """Show the outcome."""
        return cls(redriven=done.sent, skipped=done.skipped, dry_run=dry_run)


class DecidedView(View):
    """What a decision did, by the ids of attention items."""

    done: tuple[str, ...]
    skipped: tuple[str, ...]

    @classmethod
    def of(cls, decided: Decided) -> Self:
        """Show the outcome."""
        return cls(done=decided.done, skipped=decided.skipped)


class AcceptedView(View):
    """Which bytes are the recording now."""

    id: str
    recording_id: str
    blob_name: str

    @classmethod
    def of(cls, accepted: Accepted) -> Self:
        """Show the outcome."""
        return cls(id=accepted.id, recording_id=accepted.recording_id, blob_name=accepted.blob_name)
