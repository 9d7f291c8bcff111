"""One life of seven years: what people, calls and workers do each day, the daily run, and a witness who looks.

The witness stands beside every version that is destroyed, and each evening holds what is left against a reference that
shares no code with the app.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dev.in_memory.builders import chunk, document_id, event, metadata, settings, task, wav
from dev.in_memory.erasure_world import spelt
from dev.in_memory.keep_world import attached
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone
from dev.prove.years_known import Known, Rule
from recording.domain.archived.exports import bundle_name, state_name
from recording.domain.ids import name_of
from recording.domain.keep.custody import CustodyState
from recording.domain.keep.destroy import Place, StoredVersion
from recording.domain.keep.rules import RuleSet
from recording.domain.state.chunk import ChunkTask
from recording.domain.state.records import changed
from recording.errors import RecordingError, RequestError, StorageBusyError, StorageError
from recording.errors.codes import Code
from recording.library.handover.export import export_message, request_export
from recording.library.keep.dispose import dispose
from recording.library.keep.erasures import approve_erasure, request_erasure
from recording.library.keep.holds import place_hold, release_hold
from recording.library.keep.retention import set_rules
from recording.library.tags import change_tags
from recording.ports import QuarantineEntry

RECORDINGS = 12
DENSE_DAYS = 120
DURATION_MS = 500
DELAY_DAYS = 14
SLACK_DAYS = 1  # the daily run comes once a day
TAGS, KINDS = ("sales", "help"), ("phone", "teams")
REST = b"\x33\x44"  # what the second speaker says
BUNDLE_DAYS, UNFINISHED_DAYS = 7, 14
UNMIXED = {"contentType": "audio", "channelType": "unmixed", "format": "wav"}
SECOND = {"phone": "4:+4915550100888", "teams": "8:orgid:0d0d0d0d-1111-2222-3333-555555555555"}


@dataclass
class Years:
    """What a life came to."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


@dataclass
class _Handed:
    """A bundle, as those who asked for it know it."""

    recordings: tuple[str, ...]
    asked: datetime
    finished: datetime | None = None

    @property
    def over_at(self) -> datetime:
        """Return when its time is over."""
        if self.finished is not None:
            return self.finished + timedelta(days=BUNDLE_DAYS)
        return self.asked + timedelta(days=UNFINISHED_DAYS)


class Life:
    """One world over some days."""

    def __init__(self, seed: int, days: int) -> None:
        self.days = days
        self.is_dense = days <= DENSE_DAYS  # much in few days, for wrong variants
        self.pace = 0.7 if self.is_dense else 0.09
        self.random = random.Random(f"years {seed}")
        self.here = World(settings=settings(), seed=seed, pool=one_thread_pool())
        self.custodian = attached(self.here.fakes, has_holds=self.random.random() < 0.5)
        self.custodian.soft_delete = timedelta(days=self.random.choice((0, 7)))
        self.custodian.on_destroy = self._witness
        self.known: dict[str, Known] = {}
        self.rules: list[Rule] = []
        self.late: Counter[str] = Counter()
        self.bundles: dict[str, _Handed] = {}
        self.odd: dict[str, tuple[str, ...]] = {}  # entries of the quarantine, and whom they name
        self.done = Years()

    def run(self) -> Years:
        """Live."""
        births = sorted(self.random.randrange(max(self.days - 400, 30)) for _ in range(RECORDINGS))
        for day in range(self.days):
            while births and births[0] <= day:
                births.pop(0)
                self._records()
            if self.random.random() < self.pace:
                self._something_happens()
            self._night()
            self._evening()
            self.here.fakes.clock.advance(days=1)
        self.done.counts["days"] = self.days
        return self.done

    # --- what people and calls do ------------------------------------------------------------------------------------

    def _records(self) -> None:
        number, now = len(self.known), self.here.now
        kind = self.random.choice(KINDS)
        made = Known(number, now, "", frozenset({"acs", kind}), is_mixed=self.random.random() < 0.3, arrived=now)
        recording_id, tag = made.recording_id, self.random.choice(("", *TAGS))
        self._arrives(made, 0, now)
        facts = self.here.fakes.catalog.recordings[recording_id].facts
        assert facts is not None
        made.ended = facts.started_at + timedelta(milliseconds=(facts.duration_ms or 0) + facts.paused_ms)
        self.known[recording_id] = made
        if tag:
            made.tag = tag
            change_tags(recording_id, {"tags": {"line": tag}}, "*", self.here.ports)
            self.here.follows_up()
        self.done.counts["recordings"] += 1

    def _arrives(self, one: Known, index: int, began: datetime) -> None:
        document, recording_id = document_id(one.number * 50 + index), one.recording_id
        made = task(index, document, recording_id=recording_id)
        self.here.holds(made, _media(one), _metadata(one, made))
        said = event(
            chunk(index, document),
            subject=f"/recording/call/call-{recording_id}/serverCallId/x/recordingId/{recording_id}",
            id=f"{recording_id}-{index}",
            eventTime=self.here.now.isoformat(),
            data={
                "recordingStartTime": began.isoformat(),
                "recordingDurationMs": DURATION_MS,
                "recordingChannelType": _channels(one),
            },
        )
        self.here.announces(said)
        self.here.runs_due()
        self.here.follows_up()
        one.arrived, one.has_old_facts = self.here.now, False
        one.has_voice, one.is_gone = True, False

    def _something_happens(self) -> None:
        if not self.known:
            return
        acts: tuple[Callable[[Known], None], ...] = (
            *(self._hold, self._hold, self._release, self._release, self._rule, self._rule, self._late),
            *(self._erase, self._erase_voice, self._erase_voice, self._export, self._export, self._odd_entry),
            *(self._newer_row, self._old_worker, self._old_rules),
        )
        self.random.choice(acts)(self.known[self.random.choice(sorted(self.known))])

    def _hold(self, one: Known) -> None:
        case = f"case-{self.random.randrange(3)}"
        held = {hold.case for hold in self._cases(one)}
        try:
            place_hold(one.recording_id, case, "lawsuit", None, self.here.ports)
        except RequestError as error:
            if self._is_there(one) and self._state(one) is not CustodyState.DESTROYING:
                self._object(f"{one.recording_id} is there and cannot be held: {error.code}")
            return
        except StorageError:
            if not one.is_unreadable(self.here.now):
                raise
            return
        if case not in held:
            one.holds.append((self.here.now, None))
        self.done.counts["holds"] += 1

    def _release(self, one: Known) -> None:
        active = list(self._cases(one))
        if not active or one.is_unreadable(self.here.now):
            return
        release_hold(one.recording_id, self.random.choice(active).case, "over", None, self.here.ports)
        place = next(at for at, (_, end) in enumerate(one.holds) if end is None)
        one.holds[place] = (one.holds[place][0], self.here.now)
        self.done.counts["releases"] += 1

    def _rule(self, _one: Known) -> None:
        self.rules = self._made_rules()
        body = [
            {
                "name": f"rule {at}",
                "action": action,
                "days": days,
                "legal": legal,
                "when": {"tags": {"line": tag} if tag else {}, "participants": [kind] if kind else []},
            }
            for at, (action, days, legal, tag, kind) in enumerate(self.rules)
        ]
        set_rules({"note": "policy", "rules": body}, "*", "alice", self.here.ports)
        self.done.counts["rules"] += 1

    def _old_rules(self, _one: Known) -> None:
        """Rules as an older version wrote them: without the fields that came later."""
        self.rules = [(action, days, True, tag, "") for action, days, _, tag, _ in self._made_rules()]
        made = [
            {"name": f"rule {at}", "action": action, "days": days, "when": {"tags": {"line": tag} if tag else {}}}
            for at, (action, days, _, tag, _) in enumerate(self.rules)
        ]
        number = self.here.fakes.keeping.rules().number + 1
        self.here.fakes.keeping.add_rules(RuleSet.model_validate_json(json.dumps({"number": number, "rules": made})))
        self.done.counts["rules of an older version"] += 1

    def _made_rules(self) -> list[Rule]:
        choose = self.random.choice
        return [
            (
                choose(("retain", "delete", "delete", "retain_and_delete")),
                self.random.randrange(2, 40) if self.is_dense else self.random.randrange(20, 1500),
                self.random.random() < 0.7,
                choose(("", *TAGS)),
                choose(("", "", "", *KINDS)),
            )
            for _ in range(self.random.randrange(4))
        ]

    def _erase(self, one: Known) -> None:
        if self._approves({"recordings": [one.recording_id], "reason": "letter"}):
            one.asked.append(self.here.now)
            self.done.counts["erasures"] += 1

    def _erase_voice(self, one: Known) -> None:
        """The first speaker asks: for the own voice, or where that cannot be taken out, for the whole recording."""
        if not self._is_there(one) or one.voices:
            return
        scope = self.random.choice(("speaker", "speaker_else_recording"))
        if not self._approves({"participant": one.person, "scope": scope, "reason": "letter"}):
            return
        if not one.is_mixed:
            one.voices.append(self.here.now)
        elif scope == "speaker_else_recording":
            one.asked.append(self.here.now)
        self.done.counts["erasures of a voice"] += 1

    def _approves(self, body: dict[str, Any]) -> bool:
        ports = self.here.ports
        asked = request_erasure(body, "alice", ports, self.here.settings)
        if self.random.random() < 0.2:
            return False
        approve_erasure(asked.erasure_id, "bob", ports, self.here.settings)
        return True

    def _late(self, one: Known) -> None:
        self.late[one.recording_id] += 1
        if self.late[one.recording_id] < 40:
            self._arrives(one, self.late[one.recording_id], one.ended)
            self.done.counts["late chunks"] += 1

    def _export(self, one: Known) -> None:
        """A bundle of one recording or two is made, by a worker that may die, while the daily run may come."""
        ids = {one.recording_id, self.random.choice(sorted(self.known))}
        ids = {name for name in ids if self._is_there(self.known[name])}
        if not ids:
            return
        try:
            asked = request_export({"recordings": sorted(ids)}, "carol", self.here.ports, self.here.settings)
        except RequestError as error:
            if error.code is not Code.ERASURE_APPROVED:
                raise
            self.done.counts["bundles refused"] += 1
            return
        export_id = str(asked["exportId"])
        self.bundles[export_id] = made = _Handed(tuple(sorted(ids)), self.here.now)
        for _ in range(2):
            for message in self.here.fakes.export_queue.take():
                self._with_trouble(lambda message=message: self._works_on_export(message))  # type: ignore[misc]
            self.here.fakes.export_queue.sent.append((export_id, self.here.now))  # delivered twice
        self.here.fakes.export_queue.take()
        if bundle_name(export_id) in self.here.fakes.bundles.blobs:
            made.finished = self.here.now
        self.done.counts["bundles"] += 1

    def _works_on_export(self, export_id: str) -> None:
        with suppress(RecordingError):  # the bundle was destroyed meanwhile
            export_message(json.dumps({"exportId": export_id}), self.here.ports, self.here.settings)

    def _odd_entry(self, one: Known) -> None:
        """Something about one recording, or about two, is kept for a person."""
        ids = tuple(sorted({one.recording_id, self.random.choice(sorted(self.known))}))
        if not all(self._is_there(self.known[name]) for name in ids):
            return
        told = ", ".join(f"recordingId={name}" for name in ids)
        payload = self.random.choice(spelt(f"{told} number {len(self.odd)}"))
        name = self.here.fakes.quarantine.put(QuarantineEntry("odd", "d", payload, "event_queue", self.here.now))
        self.odd[name] = ids
        self.done.counts["quarantined"] += 1

    # --- other versions ----------------------------------------------------------------------------------------------

    def _newer_row(self, one: Known) -> None:
        """A worker of a newer version has written what this one cannot read, for some days."""
        if self._state(one) not in (None, CustodyState.KEPT, CustodyState.MARKED) or self._state(one) is None:
            return
        one.unreadable_until = self.here.now + timedelta(days=self.random.randrange(1, 40))
        self.here.fakes.keeping.unreadable.add(name_of(one.recording_id))
        self.done.counts["rows of a newer version"] += 1

    def _old_worker(self, one: Known) -> None:
        """A worker of an older version gathers the facts: it notes nobody's class, and no later field."""
        record = self.here.fakes.catalog.recordings[one.recording_id]
        if record.facts is None or not self._is_there(one):
            return
        nobody = {"kind": None, "number_key": None}
        people = tuple(person.model_copy(update=nobody) for person in record.facts.participants)
        facts = record.facts.model_copy(update={"participants": people, "kinds": (), "unread": False})
        self.here.fakes.catalog.save_recording(changed(record, facts=facts))
        one.has_old_facts = True
        self.done.counts["facts of an older version"] += 1

    # --- the daily run -----------------------------------------------------------------------------------------------

    def _night(self) -> None:
        for one in self.known.values():
            if one.unreadable_until is not None and not one.is_unreadable(self.here.now):
                one.unreadable_until = None
                self.here.fakes.keeping.unreadable.discard(name_of(one.recording_id))
        if self.random.random() < 0.25:
            self._with_trouble(lambda: dispose(self.here.ports, self.here.settings), always=True)
        dispose(self.here.ports, self.here.settings)  # the next hour's run goes on
        self.here.follows_up()

    def _with_trouble(self, work: Callable[[], object], *, always: bool = False) -> None:
        """Do some work whose worker may die at a call, or meet a second one there, or find storage busy."""
        what = self.random.choice(("death", "death", "rival", "busy"))
        if not always and self.random.random() < 0.5:
            what = "nothing"
        at, after, calls, is_inside = self.random.randrange(1, 60), self.random.random() < 0.5, 0, False

        def decide(_port: str, _method: str) -> tuple[Exception | None, bool]:
            nonlocal calls, is_inside
            calls += not is_inside
            if is_inside or calls != at or what == "nothing":
                return None, False
            if what == "rival":
                is_inside = True
                self.done.counts["second workers"] += 1
                dispose(self.here.ports, self.here.settings)
                is_inside = False
                return None, False
            self.done.counts["deaths" if what == "death" else "busy"] += 1
            return WorkerDiedError("gone") if what == "death" else StorageBusyError("busy"), after

        intercept(self.here, decide)
        with suppress(WorkerDiedError, RecordingError):
            work()
        leave_alone(self.here)

    # --- the witness -------------------------------------------------------------------------------------------------

    def _object(self, what: str) -> None:
        self.done.violations.append(f"{self.here.now:%Y-%m-%d}: {what}")

    def _witness(self, version: StoredVersion) -> None:
        """Say at the moment of destruction whether it may go."""
        self.done.counts["versions destroyed"] += 1
        if version.place is Place.EXPORTS:
            self._witness_bundle(version)
        elif version.place is Place.QUARANTINE:
            self._witness_entry(version)
        elif (one := self._owner(version)) is None:
            self._object(f"{version.name} belongs to nobody")
        elif one.answer(self.rules, self.here.now) == "keep":
            if not one.voices or one.answer(self.rules, self.here.now, voices=True) == "keep":
                self._object(f"{one.recording_id} destroyed while it must be kept")
            elif any(record.blob_name == version.name for record in self.here.fakes.catalog.chunks.values()):
                self._object(f"{version.name} destroyed though only a voice goes")

    def _witness_bundle(self, version: StoredVersion) -> None:
        made = self.bundles.get(version.name.partition("/")[0])
        if made is None or self.here.now >= made.asked + timedelta(days=BUNDLE_DAYS):
            return
        if not any(self._is_going(self.known[name]) for name in made.recordings):
            self._object(f"the bundle {version.name} destroyed before its time")

    def _witness_entry(self, version: StoredVersion) -> None:
        ids = self.odd.get(version.name, ())
        if len(ids) > 1 and any(self.known[name].is_held for name in ids):
            self._object(f"an entry about {' and '.join(ids)} destroyed under a hold")
        if ids and not any(self._is_going(self.known[name]) for name in ids):
            self._object(f"an entry about {' and '.join(ids)} destroyed though nobody goes")

    def _is_going(self, one: Known) -> bool:
        """Return whether it, or a voice in it, may be destroyed now, or has been."""
        answers = [one.answer(self.rules, self.here.now)]
        answers += [one.answer(self.rules, self.here.now, voices=True)] if one.voices else []
        return answers != ["keep"] * len(answers) or not self._is_there(one)

    def _evening(self) -> None:
        """Look for what is still there although its time, and the stated delay, are over."""
        left = [one for one in self.custodian.remaining() if not one.facts.is_deleted]
        there = {one.recording_id for version in left if (one := self._owner(version.facts)) is not None}
        for one in self.known.values():
            self._look_at(one, is_there=one.recording_id in there)
            if one.voices:
                self._listen_to(one, left)
        for version in left:
            self._look_beside(version.facts, there)

    def _look_at(self, one: Known, *, is_there: bool) -> None:
        if not is_there and self._state(one) is CustodyState.DISPOSED and not one.is_gone:
            one.is_destroyed(self.rules)
        if not is_there or one.answer(self.rules, self.here.now) == "keep":
            one.since = None
            return
        one.since = one.since or self.here.now
        if self.here.now - max(one.since, one.arrived) > timedelta(days=DELAY_DAYS + SLACK_DAYS):
            self._object(f"{one.recording_id} is kept past its time")
            one.since = None

    def _listen_to(self, one: Known, left: list[Any]) -> None:
        """Hear whether the first speaker is gone from all that is stored, bundles too."""
        is_due = one.answer(self.rules, self.here.now, voices=True) != "keep"
        marks = (one.voice + REST) * 2, one.person.encode()
        is_heard = any(mark in version.data for version in left for mark in marks)
        if one.has_voice and not is_heard:
            one.has_voice = one.has_old_facts = False
        if not is_due or not is_heard:
            one.voice_since = None
            return
        one.voice_since = one.voice_since or self.here.now
        if self.here.now - max(one.voice_since, one.arrived) > timedelta(days=SLACK_DAYS):
            self._object(f"the voice in {one.recording_id} is kept past its time")
            one.voice_since = None

    def _look_beside(self, version: StoredVersion, there: set[str]) -> None:
        if version.place is Place.QUARANTINE and version.name in self.odd:
            if not there.intersection(self.odd[version.name]):
                self._object(f"an entry about {' and '.join(self.odd[version.name])} outlives them")
        elif version.place is Place.EXPORTS:
            made = self.bundles[version.name.partition("/")[0]]
            is_note = version.name == state_name(version.name.partition("/")[0])
            if not is_note and self.here.now > made.over_at + timedelta(days=SLACK_DAYS):
                self._object(f"the bundle {version.name} is kept past its time")
            if not is_note and not there.issuperset(made.recordings):
                self._object(f"the bundle {version.name} outlives a recording in it")

    def _owner(self, version: StoredVersion) -> Known | None:
        if version.place is not Place.ARCHIVE or version.name.startswith("_certificates/"):
            return None
        return next((one for name, one in self.known.items() if f"/{name}/" in version.name), None)

    def _is_there(self, one: Known) -> bool:
        names = self.here.fakes.archive.blobs
        return any(f"/{one.recording_id}/" in name for name in names)

    def _cases(self, one: Known) -> Any:
        row = self.here.fakes.keeping.rows.get(name_of(one.recording_id))
        return row.active_holds if row else ()

    def _state(self, one: Known) -> CustodyState | None:
        row = self.here.fakes.keeping.rows.get(name_of(one.recording_id))
        return row.state if row else None


def _channels(one: Known) -> str:
    return "Mixed" if one.is_mixed else "Unmixed"


def _media(one: Known) -> bytes:
    whole = wav(DURATION_MS, 1 if one.is_mixed else 2)
    frame = one.voice if one.is_mixed else one.voice + REST
    return whole[:44] + frame * ((len(whole) - 44) // len(frame))


def _metadata(one: Known, of: ChunkTask) -> bytes:
    """Return who is in it; everybody has a channel where there are two."""
    (second,) = one.kinds - {"acs"}
    people: list[dict[str, Any]] = [{"participantId": one.person}, {"participantId": SECOND[second]}]
    if not one.is_mixed:
        people = [{**person, "channel": number} for number, person in enumerate(people)]
    info = {**UNMIXED, "channelType": "mixed"} if one.is_mixed else UNMIXED
    return metadata(of, recordingInfo=info, participants=people, chunkDuration=DURATION_MS)
