"""Erase a person or recordings: one person requests it, another approves it, the custodian carries it out.

Approval puts a claim on the custody row of every recording that the request covers; from then on disposition decides:
a hold or a legal retention refuses it for now, and the daily run asks again. The same run erases what names the person
outside recordings, and does so for some weeks after the request is done, for what arrives late.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from recording.control.tenants import as_owner, names_of
from recording.domain.ids import is_opaque_id, without_numbers
from recording.domain.keep import custody as rules_of_custody
from recording.domain.keep import erasure as rules_of
from recording.domain.keep.custody import Claim, Custody, CustodyState, SpeakerClaim
from recording.domain.keep.erasure import (
    Erasure,
    ErasureRequest,
    ErasureState,
    Scope,
    hashes_of_request,
)
from recording.domain.model import with_changes
from recording.domain.times import newest_first
from recording.errors import ClaimLostError, RecordingError, RequestError, StorageError
from recording.errors.codes import OF_ONE_ROW, Code
from recording.library.follow_up import library_of
from recording.library.keep.assess import (
    Assessed,
    as_it_is,
    assessed,
    custody_of,
    keeping_of,
    rules_in_force,
)
from recording.library.keep.covered import find_covered, subject_of, widen
from recording.library.keep.destroy import destroy_again
from recording.library.keep.holds import change_custody
from recording.library.keep.speaker import SpeakerOutcome, erase_speaker
from recording.library.keep.speaker_files import SpeakerTask
from recording.library.keep.sweep import sweep_and_note
from recording.library.keep.sweep_run import Run, SweepPausedError
from recording.ports import Custodian, Page, Ports, Unreadable
from recording.ports.bulkhead import ODD_CONTENT, code_of
from recording.ports.stored import page_in_order
from recording.settings import Settings
from recording.telemetry import Event, emit

MOST_LISTED = 200  # requests in one answer
MOST_FAILED = 3  # requests, each with the time limits of storage, before it is asked whether it answers
EVERY = timedelta(hours=20)  # between two looks through the other stores, while a request is open or watched
CURSOR, ENDED = "dispose_erasure", "/"  # the cursor: the request that was begun last; with the mark, the run went on


@dataclass(frozen=True)
class ErasureStatus:
    """A request, and what is decided about each recording that it covers.

    Attributes:
        unread: the recordings among them whose row in the catalog cannot be read: nothing is decided about them.
    """

    erasure: Erasure
    items: tuple[Assessed, ...]
    state: ErasureState
    unread: tuple[str, ...] = ()

    @property
    def is_erased(self) -> bool:
        """Return whether nothing is left to do at recordings; of one that cannot be read nobody can say that."""
        return not self.unread and all(
            one.state is CustodyState.DISPOSED or self._is_silenced(one) for one in self.items
        )

    def _is_silenced(self, one: Assessed) -> bool:
        claims = one.custody.speakers if one.custody else ()
        return any(claim.request_id == self.erasure.erasure_id and claim.done_at is not None for claim in claims)


def request_erasure(body: Any, by: str | None, ports: Ports, settings: Settings) -> Erasure:
    """Request an erasure; nothing is erased before another person approves it.

    Args:
        body: an `ErasureRequest`.
        by: the object id of the person who asks; None for a key holder, who may not.
        ports: catalog, directory, custody.
        settings: for finding the recordings.

    Raises:
        RequestError: the body is not valid, `second_person_needed` (it is not known who asks), or
            `too_many_recordings`.
        StorageError: storage does not answer.
    """
    request = ErasureRequest.read(body)
    if by is None:
        raise RequestError("an erasure needs two people who are signed in; sign in", code=Code.SECOND_PERSON_NEEDED)
    participant, words = hashes_of_request(request, library_of(ports)[1].keys())
    made = Erasure(
        version=1 if request.scope is Scope.RECORDING else 2,
        erasure_id=uuid4().hex,
        reason=without_numbers(request.reason),
        requested_by=by,
        requested_at=ports.clock.now(),
        participant=participant,
        words=words,
        scope=request.scope,
        recordings=tuple(dict.fromkeys(request.recordings)),
        tenants=names_of(ports.scope),
    )
    made = with_changes(made, {"recordings": find_covered(made, ports, settings)})
    keeping_of(ports).add_erasure(made)
    return made


def approve_erasure(erasure_id: str, by: str | None, ports: Ports, settings: Settings) -> Erasure:
    """Approve a request as a second person: every recording that it covers at that moment gets its claim.

    Raises:
        RequestError: `erasure_not_found`, `second_person_needed`, `erasure_decided`, `erasure_expired`,
            `too_many_recordings`, or `too_many_erasures`; then nothing is changed.
        StorageError: storage does not answer; the daily run completes the claims.
    """
    keeping = keeping_of(ports)
    known = _read_erasure(erasure_id, ports)
    wanted = rules_of.approved(
        known, by, ports.clock.now(), find_covered(known, as_owner(ports, known.tenants), settings)
    )
    _check_room(wanted, ports)
    list_in_force(ports)
    keeping.list_covered(wanted)  # before the decision is saved: then no approved request is missing on the list
    try:
        saved = keeping.save_erasure(wanted)
    except ClaimLostError:
        raise RequestError("the request has been decided meanwhile", code=Code.ERASURE_DECIDED) from None
    claim(saved, ports)
    ports.catalog.save_cursor("dispose", "unfinished")  # so that the next hour's run carries it out
    return saved


def _check_room(erasure: Erasure, ports: Ports) -> None:
    """Check that each recording can take the claim of a request, before anything of the approval is written.

    Raises:
        RequestError: `too_many_erasures`.
        StorageError: storage does not answer.
    """
    if erasure.scope is Scope.RECORDING:
        return
    for recording_id in erasure.recordings:
        row = custody_of(recording_id, ports)
        if isinstance(row, Custody):
            rules_of_custody.check_takes_speaker(row)


def list_in_force(ports: Ports) -> None:
    """List the recordings that requests in force cover, once: an earlier version approved requests without a list.

    Raises:
        StorageError: storage does not answer.
    """
    whole = keeping_of(as_owner(ports, None))
    if whole.covered(most=1).is_whole:
        return
    now = ports.clock.now()
    for erasure in whole.erasures():
        if not isinstance(erasure, Unreadable) and erasure.is_watched(now):
            whole.list_covered(erasure)
    whole.all_are_listed()


def claim(erasure: Erasure, ports: Ports) -> None:
    """Put the claim of an approved request on every custody row; repeating it changes nothing.

    Raises:
        StorageError: storage does not answer.
    """
    if erasure.approved_at is None:
        return
    keeping_of(ports).list_covered(erasure)
    approval: dict[str, Any] = {"request_id": erasure.erasure_id, "approved_at": erasure.approved_at}
    is_whole = erasure.scope is Scope.RECORDING
    made = Claim(**approval)
    speaker = SpeakerClaim(**approval, else_recording=erasure.scope is Scope.SPEAKER_ELSE_RECORDING)

    def add(row: Custody) -> Custody:
        return rules_of_custody.claimed(row, made) if is_whole else rules_of_custody.speaker_claimed(row, speaker)

    for recording_id in erasure.recordings:
        try:
            change_custody(recording_id, add, ports)
        except RequestError as error:  # others were approved at the same moment: the request stays open
            emit(Event.DISPOSE_REFUSED, recording_id=recording_id, code=error.code)
        except StorageError as error:  # an unreadable row keeps its own recording, and must not stop other claims
            if error.code not in OF_ONE_ROW:
                raise
            emit(Event.DISPOSE_REFUSED, recording_id=recording_id, code=error.code)


def erasure_status(erasure_id: str, ports: Ports, settings: Settings) -> ErasureStatus:
    """Return a request with what is erased and what is refused, why, and until when.

    Raises:
        RequestError: `erasure_not_found`.
        StorageError: storage does not answer.
    """
    return _status(_read_erasure(erasure_id, ports), ports, settings)


def list_erasures(ports: Ports) -> list[Erasure | Unreadable]:
    """Return the requests: rows that cannot be read, then those that need a second person, then the newest.

    Raises:
        StorageError: storage does not answer.
    """
    return sorted(keeping_of(ports).erasures(), key=_place_of)


def page_of_erasures(ports: Ports, after: str = "", most: int = MOST_LISTED) -> Page[Erasure | Unreadable]:
    """Return a page of that list, behind `next` of the page before. Raises as `list_erasures`."""
    return page_in_order(list_erasures(ports), _place_of, after, most)


def name_of_erasure(one: Erasure | Unreadable) -> str:
    """Return the id of a request, or the key of its row, which is made of the id."""
    return one.where if isinstance(one, Unreadable) else one.erasure_id


def _place_of(one: Erasure | Unreadable) -> str:
    """Return where a request stands in the list; one that is decided between two pages moves back."""
    if isinstance(one, Unreadable):
        return f"!{one.where}"
    return f"{int(one.state is not ErasureState.REQUESTED)}-{newest_first(one.requested_at)}-{one.erasure_id}"


@dataclass
class CarriedOn:
    """How far a run came with the requests.

    Attributes:
        is_whole: whether it reached all whose sweep was due.
        failed: why others could not be carried on.
    """

    is_whole: bool = True
    failed: list[Exception] = field(default_factory=list)


def broken_off(ports: Ports) -> str:
    """Return the request in which the last run ended, because the host ended it; "" where it went on.

    Raises:
        StorageError: storage does not answer.
    """
    position = ports.catalog.cursor(CURSOR)
    return "" if position.endswith(ENDED) else position


def carry_on(
    custodian: Custodian,
    ports: Ports,
    settings: Settings,
    is_over: Callable[[], bool] = lambda: False,
    skipped: str = "",
) -> CarriedOn:
    """Complete claims, erase traces, and note what is done; begin behind the request at which the last call ended.

    A request that always fails keeps no other waiting; after every few of them, storage is asked whether it answers.

    Args:
        custodian: destroys.
        ports: requests, and the stores.
        settings: of the deployment.
        is_over: whether the time is over; no further request is begun then.
        skipped: a request that is not carried on by this call.

    Raises:
        StorageError: storage does not answer; the next run continues.
    """
    done, now = CarriedOn(), ports.clock.now()
    failed, ended, begun = done.failed, set[str](), ""
    try:
        list_in_force(ports)
    except (RecordingError, *ODD_CONTENT) as error:  # each request that is carried on is listed by itself
        failed.append(error)
    for erasure in _in_turn(ports):
        if isinstance(erasure, Unreadable):
            emit(Event.DISPOSE_REFUSED, entry=erasure.where, code=erasure.code)
            continue
        if not erasure.is_watched(now):
            ended |= {erasure.erasure_id} if erasure.state_at(now) is not ErasureState.REQUESTED else set()
            continue
        if is_over() or erasure.erasure_id == skipped:
            done.is_whole = done.is_whole and _is_just_swept(erasure, now)
            continue
        begun = erasure.erasure_id
        try:
            ports.catalog.save_cursor(CURSOR, begun)
            _carry_on_one(erasure, custodian, ports, settings, is_over)
        except SweepPausedError:
            done.is_whole = False
        except ClaimLostError:  # another instance works on it at this moment
            continue
        except (RecordingError, *ODD_CONTENT) as error:
            failed.append(error)
            code = code_of(error)
            emit(Event.DISPOSE_REFUSED, entry=erasure.erasure_id, code=code)
            if len(failed) % MOST_FAILED == 0:
                ports.catalog.time()
    if begun:
        ports.catalog.save_cursor(CURSOR, f"{begun}{ENDED}")
    keeping_of(ports).unlist_covered(ended.__contains__)
    return done


def _in_turn(ports: Ports) -> list[Erasure | Unreadable]:
    """Return the requests in the order of their ids, those behind the one that was begun last before the others.

    So each has its turn, also where one of them always fails, or takes all the time that a run has.
    """
    last = ports.catalog.cursor(CURSOR).removesuffix(ENDED)
    return sorted(keeping_of(ports).erasures(), key=lambda one: (name_of_erasure(one) <= last, name_of_erasure(one)))


def _is_just_swept(erasure: Erasure, now: datetime) -> bool:
    return erasure.swept_at is not None and now < erasure.swept_at + EVERY


def _carry_on_one(
    erasure: Erasure, custodian: Custodian, ports: Ports, settings: Settings, is_over: Callable[[], bool]
) -> None:
    """Do what is left of one request.

    Raises:
        SweepPausedError: the time is over; the next run continues.
        StorageError: storage does not answer.
    """
    now, left_out = ports.clock.now(), 0
    is_just_swept = _is_just_swept(erasure, now)
    if not is_just_swept:
        erasure, left_out = widen(erasure, ports, settings)
    claim(erasure, ports)
    status = _status(erasure, ports, settings)
    was_done = erasure.state is ErasureState.DONE
    if was_done and is_just_swept:
        return
    if was_done:
        for one in status.items:
            destroy_again(one.record.recording_id, custodian, ports)
    is_last = status.is_erased and (erasure.unswept is None or erasure.unswept.is_about(erasure))
    if was_done or status.is_erased or not is_just_swept:
        run = Run(erasure, subject_of(erasure, ports), custodian, ports, settings)
        run.is_erased, run.is_over = status.is_erased, is_over
        run.is_full = not was_done and (status.is_erased or erasure.swept_at is None)
        erasure = sweep_and_note(run, left_out)
    if is_last and not erasure.kept and not was_done:
        keeping_of(ports).save_erasure(with_changes(erasure, {"done_at": now}))


def erase_speakers(row: Custody, custodian: Custodian, ports: Ports, settings: Settings) -> str | None:
    """Carry out the requests about speakers in a recording; return the outcome, None when there is nothing to do.

    Raises:
        StorageError: storage does not answer; the next run continues.
    """
    done: str | None = None
    for claimed in sorted(row.speakers, key=lambda one: one.request_id != row.speaker_of):
        erasure = keeping_of(ports).erasure(claimed.request_id)
        if erasure is not None:
            task = SpeakerTask(erasure, claimed, subject_of(erasure, ports), custodian, ports, settings)
            outcome = erase_speaker(row.recording_id, task)
            done = done if outcome is SpeakerOutcome.NOTHING else outcome.value
    return done


def _status(erasure: Erasure, ports: Ports, settings: Settings) -> ErasureStatus:
    rules, now = rules_in_force(ports, settings), ports.clock.now()
    records = ports.catalog.get_recordings(erasure.recordings)
    read = [record for record in records if record is not None and not isinstance(record, Unreadable)]
    found = (assessed(one, custody_of(one.recording_id, ports), rules, now, settings) for one in read)
    items = [as_it_is(one, ports, erasure.erasure_id) for one in found]
    of_each = zip(erasure.recordings, records, strict=True)
    unread = tuple(recording_id for recording_id, record in of_each if isinstance(record, Unreadable))
    return ErasureStatus(erasure, tuple(items), erasure.state_at(now), unread)


def _read_erasure(erasure_id: str, ports: Ports) -> Erasure:
    found = keeping_of(ports).erasure(erasure_id) if is_opaque_id(erasure_id) else None  # no row has another key
    if found is None:
        raise RequestError("there is no such request for erasure", code=Code.ERASURE_NOT_FOUND)
    return found
