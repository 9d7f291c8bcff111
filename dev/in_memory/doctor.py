"""What the doctor looks with in an in-memory world."""

from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.world import World
from recording.domain.state.quarantine import Origin
from recording.ingest import ingest_event


def probe_of(here: World) -> FakeProbe:
    """Return a probe of this world: an app that takes events, an account as infra/ deploys it."""
    probe = FakeProbe()
    probe.time, probe.has_webhook = here.now, False
    probe.takes = lambda envelope, path: ingest_event(envelope, Origin(path), here.ports, here.settings)
    return probe
