"""The JSON of holds, rules and dispositions, in the one dialect of `views`."""

from datetime import datetime
from typing import Any, Self

from recording.domain.keep.custody import Custody, CustodyState
from recording.domain.keep.disposition import Reason, RefusedClaim
from recording.domain.keep.erasure import Erasure
from recording.domain.keep.holds import Hold
from recording.domain.keep.rules import RuleSet
from recording.http.views import View
from recording.library.keep.assess import Assessed
from recording.library.keep.erasures import ErasureStatus
from recording.library.keep.explain import Upcoming
from recording.ports import Page, Unreadable


class HoldView(View):
    """One case that holds, or held, a recording."""

    case: str
    reason: str
    by: str | None
    since: datetime
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None

    @classmethod
    def of(cls, hold: Hold) -> Self:
        """Show a hold."""
        return cls(**{name: getattr(hold, name) for name in cls.model_fields})


class HoldsView(View):
    """The holds of a recording, those that hold it now and those that were released."""

    recording_id: str
    held: bool
    holds: tuple[HoldView, ...]

    @classmethod
    def of(cls, custody: Custody) -> Self:
        """Show a recording's holds."""
        holds = tuple(HoldView.of(hold) for hold in custody.holds)
        return cls(recording_id=custody.recording_id, held=bool(custody.active_holds), holds=holds)


class HeldRecordingsView(View):
    """A page of the recordings that are held."""

    count: int
    recordings: tuple[HoldsView, ...]
    next: str | None
    unreadable: tuple[str, ...]

    @classmethod
    def of(cls, page: Page[Custody]) -> Self:
        """Show a page."""
        rows = {row.recording_id: row for row in page.items if isinstance(row, Custody)}
        unreadable = tuple(row.where for row in page.items if isinstance(row, Unreadable))
        shown = tuple(HoldsView.of(row) for row in rows.values())
        return cls(count=len(shown), recordings=shown, next=page.next or None, unreadable=unreadable)


class ReasonView(View):
    """Why a recording is kept or goes."""

    because: str
    source: str | None
    since: datetime | None
    until: datetime | None

    @classmethod
    def of(cls, reason: Reason) -> Self:
        """Show a reason."""
        return cls(because=reason.because, source=reason.source, since=reason.since, until=reason.until)


class RefusedClaimView(View):
    """A request for erasure that is not carried out now."""

    erasure_id: str
    because: str
    until: datetime | None

    @classmethod
    def of(cls, claim: RefusedClaim) -> Self:
        """Show a refusal."""
        return cls(erasure_id=claim.request_id, because=claim.because, until=claim.until)


class StorageRefusalView(View):
    """Why storage does not let a recording be destroyed yet."""

    reason: str
    until: datetime | None
    at: datetime
    blobs: int


class DispositionView(View):
    """What holds for a recording: until when it is kept, why, what blocks, and what is to be done."""

    recording_id: str
    action: str
    kept_until: datetime | None
    state: str
    reasons: tuple[ReasonView, ...]
    blocked_by: tuple[ReasonView, ...]
    refused_erasures: tuple[RefusedClaimView, ...]
    rules: int
    marked_at: datetime | None
    refused_by_storage: StorageRefusalView | None
    disposed_at: datetime | None
    gone_at: datetime | None
    certificate: str | None

    @classmethod
    def of(cls, one: Assessed) -> Self:
        """Show an assessment."""
        found, row = one.disposition, one.custody or Custody(recording_id=one.record.recording_id)
        refused = row.refused
        return cls(
            recording_id=one.record.recording_id,
            action=found.action,
            kept_until=found.kept_until,
            state=row.state,
            reasons=tuple(ReasonView.of(reason) for reason in found.reasons),
            blocked_by=tuple(ReasonView.of(reason) for reason in found.blocked_by),
            refused_erasures=tuple(RefusedClaimView.of(claim) for claim in found.refused),
            rules=found.rules,
            marked_at=row.mark.at if row.mark else None,
            refused_by_storage=StorageRefusalView(
                reason=refused.reason, until=refused.until, at=refused.at, blobs=refused.blobs
            )
            if refused
            else None,
            disposed_at=row.disposed_at,
            gone_at=row.gone_at,
            certificate=row.certificate,
        )


class UpcomingView(View):
    """A part of what goes before a day."""

    before: datetime
    rules: int
    seen: int
    count: int
    recordings: tuple[DispositionView, ...]
    next: str | None

    @classmethod
    def of(cls, part: Upcoming, before: datetime) -> Self:
        """Show a part."""
        shown = tuple(DispositionView.of(one) for one in part.items)
        return cls(before=before, rules=part.rules, seen=part.seen, count=len(shown), recordings=shown, next=part.next)


class RulesView(View):
    """The rules in force, with who made them, when and why."""

    number: int
    at: datetime | None
    by: str | None
    note: str
    rules: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, rules: RuleSet) -> Self:
        """Show rules."""
        shown = tuple(rule.model_dump(mode="json", by_alias=True) for rule in rules.rules)
        return cls(number=rules.number, at=rules.at, by=rules.by, note=rules.note, rules=shown)


class ErasureItemView(View):
    """The state of a request for one recording."""

    recording_id: str
    state: str
    refused_because: str | None
    refused_until: datetime | None
    certificate: str | None
    gone_at: datetime | None

    @classmethod
    def of(cls, one: Assessed, erasure_id: str) -> Self:
        """Show one recording of a request."""
        row = one.custody
        speaker = next((each for each in row.speakers if each.request_id == erasure_id), None) if row else None
        if row is not None and speaker is not None and row.state is not CustodyState.DISPOSED:
            return cls(
                recording_id=one.record.recording_id,
                state="SPEAKER_ERASED" if speaker.done_at else row.state,
                refused_because=speaker.refused,
                refused_until=speaker.until,
                certificate=one.certificate if speaker.done_at else None,
                gone_at=row.gone_at,
            )
        refused = next((claim for claim in one.disposition.refused if claim.request_id == erasure_id), None)
        storage = row.refused if row else None
        return cls(
            recording_id=one.record.recording_id,
            state=one.state,
            refused_because=refused.because if refused else storage.reason if storage else None,
            refused_until=refused.until if refused else storage.until if storage else None,
            certificate=row.certificate if row else None,
            gone_at=row.gone_at if row else None,
        )


class KeptTracesView(View):
    """Traces outside recordings that are still there: where, why, until when, how many."""

    place: str
    reason: str
    until: datetime | None
    count: int


class _RequestView(View):
    """What every view of a request for erasure shows; the participant is not named."""

    erasure_id: str
    state: str
    reason: str
    requested_by: str
    requested_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    done_at: datetime | None


class ErasureView(_RequestView):
    """A request for erasure with its recordings."""

    traces_erased: int
    traces_left: tuple[KeptTracesView, ...]
    recordings: tuple[ErasureItemView, ...]
    unreadable: tuple[str, ...]

    @classmethod
    def of(cls, status: ErasureStatus) -> Self:
        """Show a request with its recordings."""
        found = status.erasure
        names = _RequestView.model_fields.keys() - {"state"}
        items = tuple(ErasureItemView.of(one, found.erasure_id) for one in status.items)
        left = tuple(
            KeptTracesView(place=one.place, reason=one.reason, until=one.until, count=one.count) for one in found.kept
        )
        told = {name: getattr(found, name) for name in names}
        more = {"traces_erased": found.swept, "traces_left": left, "recordings": items, "unreadable": status.unread}
        return cls(state=status.state, **more, **told)


class ErasureRowView(_RequestView):
    """A request for erasure in the list of all."""

    recordings: int

    @classmethod
    def of(cls, found: Erasure) -> Self:
        """Show a request without its recordings."""
        names = [name for name in cls.model_fields if name != "recordings"]
        return cls(recordings=len(found.recordings), **{name: getattr(found, name) for name in names})
