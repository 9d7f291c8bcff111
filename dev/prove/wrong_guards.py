"""Wrong guards, each of which the lives under policies must catch: a proof that cannot fail proves nothing."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from dev.prove.guarded_lives import live
from dev.prove.tags_and_ends import orders, wrong_alarms
from recording.control import consents as consenting
from recording.control import pause_notes, resumes, watching
from recording.control import pauses as pausing
from recording.control.guards import fire as guarding
from recording.control.guards import length
from recording.control.guards import pause as ending
from recording.control.notes import note
from recording.domain.calls.guards import GuardKind, GuardTask, read_guard
from recording.domain.calls.pauses import CommandedPause, open_pause
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.reconcile import missing_files
from recording.telemetry import Event

MOST_SEEDS = 20  # of a variant


@dataclass(frozen=True)
class Variant:
    """A guard that is wrong, the policy under which that shows, and a seed that has caught it before, if few do."""

    policy: str
    wrongly: Callable[[], Iterator[None]]
    seed: int = 0


@contextmanager
def _instead(place: dict[Any, Any], name: Any, wrong: Any) -> Iterator[None]:
    right = place[name]
    place[name] = wrong
    try:
        yield
    finally:
        place[name] = right


def _refusal_is_rest() -> Iterator[None]:
    """Take whatever ACS refuses to pause, and does not record, for paused."""
    right = pausing._check_it_rests

    def wrong(recording_id: str, known: Any, pause: CommandedPause, *rest: Any, **how: Any) -> None:
        right(recording_id, known, pause.model_copy(update={"settled": True}), *rest, **how)

    with _instead(vars(pausing), "_check_it_rests", wrong):
        yield


def _any_mark() -> Iterator[None]:
    """End whatever pause is open, whichever it is."""
    right = guarding._ACTS[GuardKind.PAUSE]

    def wrong(fired: Any) -> None:
        found = open_pause(fired.record.pauses)
        right(replace(fired, task=fired.task.model_copy(update={"mark": found.id})) if found else fired)

    with _instead(guarding._ACTS, GuardKind.PAUSE, wrong):
        yield


def _extends() -> Iterator[None]:
    """Let a second pause take the place of the first, whose guard then finds another one."""

    def wrong(name: str, wanted: CommandedPause, ports: Any, _stale: str) -> CommandedPause:
        def decide(row: RecordingRecord) -> Any:
            return {
                "pauses": (
                    *(pause for pause in row.pauses if pause.how is not None),
                    wanted.model_copy(update={"id": "?"}),
                )
            }

        note(name, ports, decide)
        return wanted

    with _instead(vars(pausing), "_note_pause", wrong):
        yield


def _by_own_clock() -> Iterator[None]:
    """End a pause when this instance's clock says so."""

    def wrong(record: RecordingRecord, ports: Any) -> None:
        pause = open_pause(record.pauses)
        if pause is not None and pause.ends_by is not None and pause.ends_by <= ports.clock.now():
            ports.control.resume(record.recording_id)

    with _instead(vars(missing_files), "send_guard_again", wrong):
        yield


def _consent_ends_any() -> Iterator[None]:
    """Resume when consent is given again, whatever else the recording is paused for."""

    def wrong(record: RecordingRecord, _policy: Any, ports: Any) -> None:
        if open_pause(record.pauses) is not None:
            resumes.resume_recording(record.recording_id, ports)

    with _instead(vars(consenting), "_go_on", wrong):
        yield


def _consent_ends_none() -> Iterator[None]:
    """Leave a recording paused when consent is given again."""
    with _instead(vars(consenting), "_go_on", lambda *_: None):
        yield


def _silent_withdrawal() -> Iterator[None]:
    """Say nothing about a call that must be recorded and whose consent is withdrawn."""
    with _instead(vars(consenting), "_report_withdrawn", lambda *_: None):
        yield


def _silent_early_stop() -> Iterator[None]:
    """Say nothing in the first look about a stop that was made before the start was noted."""
    with _instead(vars(watching), "_is_first_look_of_start", lambda *_: False):
        yield


def _overtaken_is_forgotten() -> Iterator[None]:
    """Take a pause that a resume has ended on the row for over, although ACS accepts it afterwards."""

    def wrong(name: str, _wanted: CommandedPause, ports: Any) -> Any:
        return pause_notes.note_action(name, LastAction.PAUSED, Event.PAUSED, ports), False

    with _instead(vars(pausing), "note_paused", wrong):
        yield


def _resumed_goes_on() -> Iterator[None]:
    """Leave a recording alone that another application has resumed although consent is withdrawn."""
    with _instead(vars(watching), "_rest_again", lambda *_: None):
        yield


def _unread_is_dropped() -> Iterator[None]:
    """Drop a message that is not a guard."""
    with _instead(vars(guarding), "keep_unread", lambda *_: None):
        yield


def _any_number() -> Iterator[None]:
    """Read a guard whatever its numbers are."""

    def wrong(text: str) -> GuardTask | None:
        right = read_guard(text)
        try:
            content = json.loads(text)
        except ValueError:
            return right
        if right is not None or content["kind"] not in GuardKind:
            return right
        known = {"recording_id": content["recordingId"], "kind": GuardKind(content["kind"])}
        return GuardTask.model_construct(**known, mark=content["mark"], seconds=content["seconds"])

    with _instead(vars(guarding), "read_guard", wrong):
        yield


def _without(kind: GuardKind) -> Callable[[], Iterator[None]]:
    def forget() -> Iterator[None]:
        with _instead(guarding._ACTS, kind, lambda _fired: None):
            yield

    return forget


def _silent() -> Iterator[None]:
    """Say nothing about a pause that was too long."""
    with ExitStack() as stack:
        for module in (guarding, length, ending):
            stack.enter_context(_instead(vars(module), "report_unrecorded_call", lambda *_: None))
        yield


VARIANTS: Mapping[str, Variant] = {
    "what has not begun counts as paused": Variant("pause, then resume", _refusal_is_rest),
    "a guard ends any pause": Variant("pause, then resume", _any_mark),
    "a second pause loses the guard of the first": Variant("pause, then stop", _extends),
    "a pause ends by the instance's own clock": Variant("pause, then resume", _by_own_clock),
    "no guard ends a pause": Variant("not required", _without(GuardKind.PAUSE)),
    "nobody waits for consent": Variant("consent first", _without(GuardKind.CONSENT)),
    "a withdrawal is not looked after": Variant("required at start", _without(GuardKind.WITHDRAWAL)),
    "a recording lasts forever": Variant("longest recording", _without(GuardKind.LONGEST)),
    "a long pause is not reported": Variant("must be recorded", _silent),
    "a stop is not reported": Variant("must be recorded, or stopped", _silent),
    "consent ends a pause for a card number": Variant("must be recorded, with consent", _consent_ends_any),
    "consent that is given again ends nothing": Variant("must be recorded, with consent", _consent_ends_none),
    "a stop by others is not reported": Variant("must be recorded", _without(GuardKind.WATCH)),
    "a stop before the start is noted is not reported": Variant("must be recorded for its caller", _silent_early_stop),
    "a pause that a resume overtakes is forgotten": Variant("must be recorded", _overtaken_is_forgotten, 172),
    "what others resume without consent goes on": Variant("must be recorded, with consent", _resumed_goes_on, 122),
    "a message that is not a guard is dropped": Variant("not required", _unread_is_dropped),
    "a guard has any number": Variant("must be recorded", _any_number),
    "a withdrawal is not reported": Variant("must be recorded, with consent", _silent_withdrawal),
}


def _no_tags_let_off() -> Iterator[None]:
    """Leave the watch as it is when tags let a recording off."""
    with _instead(vars(watching), "_let_off", lambda _before, after, *_: after):
        yield


def _any_end_is_open() -> Iterator[None]:
    """Forget that a recording was over before tags brought it under its policy, or let it off."""
    with _instead(vars(watching), "_is_over_elsewhere", lambda _: False):
        yield


# Caught by the orders of tags around an end.
OF_TAGS: Mapping[str, Callable[[], Iterator[None]]] = {
    "tags let nothing off": _no_tags_let_off,
    "an end is judged by later tags": _any_end_is_open,
}


def order_that_catches(name: str, length: int) -> str | None:
    """Return what the first order says in which a wrong variant raises an alarm too many, or none."""
    with contextmanager(OF_TAGS[name])():
        return next(filter(None, map(wrong_alarms, orders(length))), None)


def caught_at(name: str, most: int) -> int | None:
    """Return the seed at which a wrong variant is caught: one that has caught it before, else the first that does."""
    variant = VARIANTS[name]
    seeds = dict.fromkeys((variant.seed, *range(most)))
    with contextmanager(variant.wrongly)():
        return next((seed for seed in seeds if live(seed, variant.policy).violations), None)
