"""One model of attention: whatever states meet in one world, no face of the app is green while another one is red."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.in_memory.builders import RECORDING_ID, document_id, event, record, task
from dev.in_memory.world import World, world
from dev.story.faces import faces_of
from recording.cli.__main__ import main
from recording.domain.find.short_ids import short_id
from recording.domain.state.chunk import ChunkState, Dismissal, FallbackCopy
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.domain.watched.attention import Attention, by_urgency
from recording.domain.watched.looks import RECONCILED, SCRUBBED, ReconcileLook, ScrubLook
from recording.operate.attention import needs_attention
from recording.ports import QuarantineEntry
from recording.reconcile.overdue import reconcile

pytestmark = pytest.mark.slow

Plant = Callable[[World], None]
NAMES = [f"{RECORDING_ID[:-4]}{end}" for end in ("AAAA", "BBBB", "CCCC")]
_REASONS = [None, "source_busy", "source_refused", "copy_paused", "claim_held", "storage_refused"]
_HOURS = st.integers(min_value=-30, max_value=23)


@st.composite
def chunks(draw: st.DrawFn) -> Plant:
    """Plant a chunk in any state, at any distance from its deadline, decided or not."""
    name, index, state = draw(st.sampled_from(NAMES)), draw(st.integers(0, 3)), draw(st.sampled_from(list(ChunkState)))
    left, attempts, error = draw(_HOURS), draw(st.sampled_from([0, 1, 4, 5, 14])), draw(st.sampled_from(_REASONS))
    is_kept, is_decided = draw(st.booleans()), draw(st.booleans())
    reason = draw(st.sampled_from(["media_suspect", "conflict", "source_forbidden"]))

    def plant(here: World) -> None:
        of = task(index, document_id(index), recording_id=name, expires_at=here.now + timedelta(hours=left))
        here.fakes.catalog.add_chunk(
            record(
                state,
                task=of,
                attempts=attempts,
                last_error=error,
                changed_at=here.now,
                next_attempt_at=here.now + timedelta(minutes=4),
                quarantine_reason=reason if state is ChunkState.QUARANTINED else None,
                fallback=FallbackCopy(blob_name="a", length_bytes=1, sha256="b", kept_at=here.now) if is_kept else None,
                dismissed=Dismissal(by=None, note="seen", at=here.now) if is_decided else None,
            )
        )

    return plant


@st.composite
def recordings(draw: st.DrawFn) -> Plant:
    """Plant a recording that is running or over, in any alarm, decided before or after that was raised."""
    name, is_over = draw(st.sampled_from(NAMES)), draw(st.booleans())
    call = draw(st.sampled_from([None, "pause_overdue", "consent_missing"]))
    decided = draw(st.sampled_from([None, -60, 1]))
    call_decided = draw(st.sampled_from([None, -60, 1]))

    def plant(here: World) -> None:
        def decision(minutes: int | None) -> Dismissal | None:
            return None if minutes is None else Dismissal(by=None, note="x", at=here.now + timedelta(minutes=minutes))

        facts = {
            "recording_id": name,
            "started_here": True,
            "started_at": here.now - timedelta(hours=9),
            "last_action": LastAction.STOPPED if is_over else LastAction.STARTED,
            "last_action_at": here.now - timedelta(hours=3),
            "call_alarm": call,
            "call_alarm_since": here.now if call else None,
            "stands": call,
            "dismissed": decision(decided),
            "call_dismissed": decision(call_decided),
        }
        if name not in here.fakes.catalog.recordings:
            here.fakes.catalog.add_recording(RecordingRecord.model_validate(facts))

    return plant


@st.composite
def others(draw: st.DrawFn) -> Plant:
    """Plant what is held elsewhere, or what a timer owes."""
    kind = draw(st.sampled_from(["refused", "conflict", "poison", "late", "behind", "silent"]))
    name = draw(st.sampled_from(NAMES))

    def plant(here: World) -> None:
        now = here.now
        if kind == "refused":
            foreign = event(id="forged", subject=f"/recording/call/x/serverCallId/x/recordingId/{name}", topic="/other")
            here.announces(foreign)
        elif kind == "conflict":
            here.fakes.quarantine.put(QuarantineEntry("unreadable_event", "no JSON", name, "event_queue", now))
        elif kind == "poison":
            here.fakes.queue.poison(task(recording_id=name).model_dump_json())
        elif kind == "late":
            here.fakes.catalog.save_cursor(RECONCILED, ReconcileLook(at=now - timedelta(hours=1)).model_dump_json())
        else:
            look = ScrubLook(at=now - timedelta(hours=31 * (kind == "silent")), behind=2 * (kind == "behind"))
            here.fakes.catalog.save_cursor(SCRUBBED, look.model_dump_json())

    return plant


@settings(max_examples=25)
@given(st.lists(st.one_of(chunks(), recordings(), others()), max_size=7), st.booleans())
def test_no_face_is_green_while_another_is_red(plants: list[Plant], does_reconcile: bool) -> None:
    """Status, lists, doctor, deep health and `GET held` count the same things, before and after a run of reconcile."""
    here = world()
    for plant in plants:
        plant(here)
    if does_reconcile:
        reconcile(here.ports, here.settings)
    assert list(faces_of(here).disagreements()) == []


@settings(max_examples=15)
@given(st.lists(st.one_of(chunks(), recordings()), min_size=1, max_size=6))
def test_whatever_needs_attention_is_found_by_its_state(plants: list[Plant]) -> None:
    """`ls --state lost` names every recording of which something is lost, whatever else is wrong with it."""
    here = world()
    for plant in plants:
        plant(here)
    reconcile(here.ports, here.settings)
    items = needs_attention(here.ports, here.settings).items
    assert list(items) == by_urgency(items)
    for kind in Attention:
        told: list[str] = []
        assert main(("ls", "--state", kind.value), lambda: (here.ports, here.settings), told.append) == 0
        listed = {line.split()[0] for line in "".join(told).splitlines()[1:]}
        wanted = {short_id(item.recording_id) for item in items if item.kind is kind and item.recording_id}
        assert wanted <= listed, kind
