"""What waits for a setting, and loops that are bounded: nothing is given up, nothing is passed over."""

from datetime import timedelta

import pytest

from dev.in_memory.builders import task
from dev.in_memory.fakes.outgoing import FakeWay
from dev.in_memory.world import World
from recording.adapters.outgoing.unresolved import UnresolvedWebhooks
from recording.domain.outgoing.delivery import Entry, Progress, Result, WayHealth, after_try, health_after
from recording.domain.outgoing.from_records import unrecorded
from recording.domain.state.recording import Unrecorded
from recording.errors.codes import Code
from recording.library.notify import catch_up


def test_an_event_waits_for_a_setting_for_weeks() -> None:
    """The vault was closed for longer than any receiver may fail; then every event goes out."""
    here = World()
    outgoing = here.reports_to(FakeWay("crm"))
    (crm,) = outgoing.ways
    outgoing.ways[:] = [UnresolvedWebhooks()]  # type: ignore[list-item]  # a way as good as any
    here.holds(task())
    here.announces()
    here.runs(hours=2, until_quiet=False)
    health = outgoing.outbox.health(UnresolvedWebhooks.name)
    assert health.code == Code.WEBHOOKS_UNRESOLVED
    now, progress = here.now, Progress()
    for _ in range(50):
        now += timedelta(hours=12)
        progress = after_try(progress, Result.WAITS, health.code, now, 0.5)
        health = health_after(health, Result.WAITS, health.code, now, is_lost=progress.is_over)
    assert (progress.is_over, progress.tries, health.is_disabled, health.given_up) == (False, 0, False, 0)
    outgoing.outbox.ways[health.way] = WayHealth(way=health.way, disabled_at=now)  # by an older version
    here.runs(hours=1, until_quiet=False)
    assert outgoing.outbox.entries
    outgoing.ways[:] = [crm]
    here.runs(hours=1, until_quiet=False)
    assert "send" in crm.calls
    assert outgoing.outbox.entries == {}


def test_what_waits_is_looked_at_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """More waits than one run reads: the runs go round, and no subject is passed over."""
    here = World()
    here.reports_to(FakeWay("crm"))
    outgoing = here.ports.outgoing
    assert outgoing is not None
    for number in range(7):
        outgoing.outbox.add(
            Entry(event=unrecorded(f"call-{number}", Unrecorded(reason="stopped", at=here.now)), added_at=here.now)
        )
    monkeypatch.setattr(catch_up, "MOST_WAITING", 3)
    seen: set[str] = set()
    for _ in range(3):
        found = catch_up._waiting_in_turn(here.ports, outgoing)
        assert len(found) == 3
        seen |= set(map(catch_up._name_of, found))
    assert len(seen) == 7
