"""The workers of the years: the nightly run and exports, with deaths, rivals and people between any two calls.

And workers of other versions, which write rows, facts and rules in their own way.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from dev.in_memory.world import WorkerDiedError, intercept, leave_alone
from dev.prove.years import people
from dev.prove.years.arrivals import bring_late_chunk
from dev.prove.years.known import Known
from dev.prove.years.world import Handed, YearsWorld
from recording.domain.archived.exports import bundle_name
from recording.domain.ids import name_of
from recording.domain.keep.custody import CustodyState
from recording.domain.keep.rules import RuleSet
from recording.domain.state.records import changed
from recording.errors import RecordingError, RequestError, StorageBusyError
from recording.errors.codes import Code
from recording.library.handover.export import export_message, request_export
from recording.library.keep.dispose import dispose

Act = Callable[[YearsWorld, Known], None]
TROUBLES = ("death", "death", "rival", "busy")
MOST_CALLS = {"": 60, "save_custody": 5, "destroy": 8, "decision": 2, "begun": 8}  # up to which trouble comes


# --- the daily run ---------------------------------------------------------------------------------------------------


def run_night(world: YearsWorld) -> None:
    """Run the daily run, in some nights with trouble, and go on in the next hour."""
    if world.random.random() < world.habits.trouble:
        _with_trouble(world, lambda: _dispose(world), always=True)
        world.here.fakes.clock.advance(seconds=1)  # a decision of the next run is another one
    _dispose(world)
    world.here.follows_up()


def _dispose(world: YearsWorld) -> None:
    dispose(world.here.ports, world.here.settings)


def _with_trouble(world: YearsWorld, work: Callable[[], object], *, always: bool = False) -> None:
    """Do some work whose worker may die at a call, or meet a rival or a person there, or find storage busy."""
    what = "hand" if world.random.random() < world.habits.hands else world.random.choice(TROUBLES)
    if not always and world.random.random() < 0.5:
        what = "nothing"
    moments = ["decision", "begun"] if what == "hand" and world.random.random() < 0.7 else list(MOST_CALLS)
    moment = world.random.choice(moments)
    at, after = world.random.randrange(1, MOST_CALLS[moment]), world.random.random() < 0.5
    calls, is_inside = 0, False

    def decide(_port: str, method: str) -> tuple[Exception | None, bool]:
        nonlocal calls, is_inside
        if is_inside or what == "nothing" or not _is_at(world, moment, method):
            return None, False
        calls += 1
        if calls != at:
            return None, False
        if what in ("rival", "hand"):
            is_inside, world.deciding = True, _decided(world, method)
            _meanwhile(world, is_rival=what == "rival")
            is_inside, world.deciding = False, None
            return None, False
        world.counts("deaths" if what == "death" else "busy")
        return WorkerDiedError("gone") if what == "death" else StorageBusyError("busy"), after

    intercept(world.here, decide)
    with suppress(WorkerDiedError, RecordingError):
        work()
    leave_alone(world.here)


def _is_at(world: YearsWorld, moment: str, method: str) -> bool:
    """Return whether a call is at a moment: any, of this method, of a decision, or after one."""
    if moment == "decision":
        return _decided(world, method) is not None
    if moment == "begun":
        return method == "versions" and any(world.is_begun(one) for one in world.known.values())
    return moment in ("", method)


def _decided(world: YearsWorld, method: str) -> str | None:
    """Return the recording whose destruction is decided by this call: the row about it is the trail's last."""
    trail = world.here.fakes.audit.written
    is_so = method == "save_custody" and bool(trail) and trail[-1].outcome == "destroying"
    return trail[-1].recording_id if is_so else None


def _meanwhile(world: YearsWorld, *, is_rival: bool) -> None:
    """Let a second worker run, or a person act, between two calls of a worker.

    Rules and tags count for decisions that were not taken yet; after one was, they are left alone.
    """
    if is_rival:
        world.counts("second workers")
        _dispose(world)
        return
    acts: list[Act] = [people.hold, people.hold, people.release, bring_late_chunk, people.erase]
    if not any(world.is_begun(one) for one in world.known.values()):
        acts += [*[people.make_rules] * 4, people.tag, people.erase_voice]
    if world.known:
        world.random.choice(acts)(world, world.any_recording())
        world.counts("acts between two calls")


# --- exports ---------------------------------------------------------------------------------------------------------


def hand_over(world: YearsWorld, one: Known) -> None:
    """Have a bundle of one recording or two made, by a worker that may die, while the daily run may come."""
    ids = {one.recording_id, world.any_recording().recording_id}
    ids = {name for name in ids if world.is_there(world.known[name])}
    if not ids:
        return
    here = world.here
    try:
        asked = request_export({"recordings": sorted(ids)}, "carol", here.ports, here.settings)
    except RequestError as error:
        if error.code is not Code.ERASURE_APPROVED:
            raise
        world.counts("bundles refused")
        return
    export_id = str(asked["exportId"])
    world.bundles[export_id] = made = Handed(tuple(sorted(ids)), world.now)
    for _ in range(2):
        for message in here.fakes.export_queue.take():
            _with_trouble(world, lambda message=message: _work_on_export(world, message))  # type: ignore[misc]
        here.fakes.export_queue.sent.append((export_id, world.now))  # delivered twice
    here.fakes.export_queue.take()
    if bundle_name(export_id) in here.fakes.bundles.blobs:
        made.finished = world.now
    world.counts("bundles")


def _work_on_export(world: YearsWorld, export_id: str) -> None:
    with suppress(RecordingError):  # the bundle was destroyed meanwhile
        export_message(json.dumps({"exportId": export_id}), world.here.ports, world.here.settings)


# --- other versions --------------------------------------------------------------------------------------------------


def write_newer_row(world: YearsWorld, one: Known) -> None:
    """Have a newer version write what this one cannot read, for some days."""
    if world.state(one) not in (CustodyState.KEPT, CustodyState.MARKED):
        return
    one.unreadable_until = world.now + timedelta(days=world.random.randrange(1, 40))
    world.here.fakes.keeping.unreadable.add(name_of(one.recording_id))
    world.counts("rows of a newer version")


def end_newer_rows(world: YearsWorld) -> None:
    """Make rows of a newer version readable again whose days are over."""
    for one in world.known.values():
        if one.unreadable_until is not None and not one.is_unreadable(world.now):
            one.unreadable_until = None
            world.here.fakes.keeping.unreadable.discard(name_of(one.recording_id))


def gather_old_facts(world: YearsWorld, one: Known) -> None:
    """Have an older version gather the facts: it notes nobody's class, and no later field."""
    record = world.here.fakes.catalog.recordings[one.recording_id]
    if record.facts is None or not world.is_there(one):
        return
    nobody = {"kind": None, "number_key": None}
    people_of_old = tuple(person.model_copy(update=nobody) for person in record.facts.participants)
    facts = record.facts.model_copy(update={"participants": people_of_old, "kinds": (), "unread": False})
    world.here.fakes.catalog.save_recording(changed(record, facts=facts))
    one.has_old_facts = True
    world.counts("facts of an older version")


def write_old_rules(world: YearsWorld, _one: Known) -> None:
    """Put rules in force as an older version wrote them: without the fields that came later."""
    world.rules = [(action, days, True, tag, "") for action, days, _, tag, _ in people.chosen_rules(world)]
    made = [
        {"name": f"rule {at}", "action": action, "days": days, "when": {"tags": {"line": tag} if tag else {}}}
        for at, (action, days, _, tag, _) in enumerate(world.rules)
    ]
    keeping = world.here.fakes.keeping
    number = keeping.rules().number + 1
    keeping.add_rules(RuleSet.model_validate_json(json.dumps({"number": number, "rules": made})))
    world.rules_have_changed()
    world.counts("rules of an older version")
