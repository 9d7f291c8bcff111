"""The world in which events are tested: one recording is archived, and its events wait to be told."""

from dev.in_memory.builders import task
from dev.in_memory.fakes.outgoing import FakeOutgoing, FakeWay
from dev.in_memory.world import World, world


def archived(*ways: FakeWay) -> tuple[World, FakeOutgoing]:
    """Return a world with one recording of one chunk that is archived and followed up; nothing is sent yet."""
    here = world()
    outgoing = here.reports_to(*ways)
    here.holds(task())
    here.announces()
    here.runs_due()
    here.follows_up()
    return here, outgoing
