"""The doctor's checks of outgoing events: the topic accepts them, and the webhooks' endpoints answer."""

from recording.domain.outgoing.delivery import Result
from recording.domain.outgoing.endpoints import TOPIC_WAY
from recording.errors.codes import Code
from recording.operate.doctor.findings import Said, SkippedError
from recording.ports import Ports
from recording.ports.outgoing import Answer, Way
from recording.ports.probe import Probe
from recording.settings import Settings


def check_events_topic(ports: Ports, _settings: Settings, _probe: Probe) -> Said:
    """Publish a probe event, which proves address, network, identity and role (docs/adr/0053)."""
    found = [way for way in _ways(ports) if way.name == TOPIC_WAY]
    if not found:
        raise SkippedError("EVENTS_TOPIC_ENDPOINT is not set")
    answer = found[0].probe(ports.clock.now())
    if answer.result is Result.DELIVERED:
        return "a probe published; receivers drop it by its type", None
    return _fault(answer), _remedy(answer)


def check_webhooks(ports: Ports, _settings: Settings, _probe: Probe) -> Said:
    """Send HEAD to each endpoint, which discloses nothing to it, and read its state."""
    ways = [way for way in _ways(ports) if way.name != TOPIC_WAY]
    if not ways or ports.outgoing is None:
        raise SkippedError("WEBHOOKS is not set")
    told: list[str] = []
    remedies: list[str] = []
    for way in ways:
        answer, health = way.probe(ports.clock.now()), ports.outgoing.outbox.health(way.name)
        if answer.result is not Result.DELIVERED:
            told.append(f"{way.name}: {_fault(answer)}")
            remedies.append(_remedy(answer))
        elif health.is_disabled:
            told.append(f"{way.name}: answers, and is {Code.ENDPOINT_DISABLED}")
            remedies.append(Code.ENDPOINT_DISABLED.remedy)
        else:
            told.append(f"{way.name}: answers")
    return "; ".join(told), " ".join(dict.fromkeys(remedies)) or None


def _ways(ports: Ports) -> list[Way]:
    return list(ports.outgoing.ways) if ports.outgoing is not None else []


def _fault(answer: Answer) -> str:
    return (answer.code or Code.ENDPOINT_UNREACHABLE).value


def _remedy(answer: Answer) -> str:
    return (answer.code or Code.ENDPOINT_UNREACHABLE).remedy
