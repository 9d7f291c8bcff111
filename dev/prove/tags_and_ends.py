"""Tags that bring a call under a policy or let it off, around its end: all orders; the tags at the end decide."""

from collections.abc import Iterator
from itertools import product

from dev.in_memory.builders import chunk, document_id, event, settings
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import World
from recording.control.recordings import start_recording
from recording.control.resumes import stop_recording
from recording.domain.calls.policy import CallPolicy
from recording.domain.outgoing.events import EventType
from recording.library.tags import change_tags

POLICY = CallPolicy(name="desk", tags={"desk": "fx"}, must_be_recorded=True)
STEPS = ("tag", "untag", "look", "stop", "stop elsewhere")
ENDS = ("stop", "stop elsewhere")
LATER = 12  # looks after an order
Order = tuple[bool, tuple[str, ...]]  # whether the start has the tag, and what follows


def orders(length: int) -> Iterator[Order]:
    """Yield every order of so many steps that has one end."""
    for tagged, steps in product((True, False), product(STEPS, repeat=length)):
        if sum(step in ENDS for step in steps) == 1:
            yield tagged, steps


def judged(length: int) -> tuple[int, list[str]]:
    """Return how many orders there are, and what is wrong with the alarms of some."""
    found = [wrong_alarms(order) for order in orders(length)]
    return len(found), [said for said in found if said]


def wrong_alarms(order: Order) -> str:
    """Return what is wrong with the alarms of an order; nothing if there is one just where the end broke the policy."""
    tagged, steps = order
    here = World(settings=settings(call_policies=(POLICY,)), pool=one_thread_pool())
    here.reports_to()
    body = {"serverCallId": "aHR0cHM6Ly9jYWxs", **({"tags": {"desk": "fx"}} if tagged else {})}
    name = str(start_recording(body, "key", "ada", here.ports, here.settings)["recordingId"])
    here.fakes.control.settle()
    expected = 0
    for step in steps:
        if step in ("tag", "untag"):
            tagged = step == "tag"
            change_tags(name, {"tags": {"desk": "fx" if tagged else None}}, "*", here.ports, here.settings)
        elif step in ENDS:
            expected = int(tagged)
            _end(here, name, step)
        else:
            _look(here)
    for _ in range(LATER):
        _look(here)
    outgoing = here.fakes.outgoing
    kept = outgoing.outbox.kept.values() if outgoing is not None else ()
    alarms = len({one.id for one in kept if one.type is EventType.UNRECORDED})
    start = "with" if order[0] else "without"
    return (
        "" if alarms == expected else f"{alarms} alarms and not {expected}: start {start} the tag, {', '.join(steps)}"
    )


def _end(here: World, name: str, step: str) -> None:
    if step == "stop":
        stop_recording(name, here.ports, here.settings)
    else:
        del here.fakes.control.states[name]
        subject = f"/recording/call/call-{name}/serverCallId/x/recordingId/{name}"
        here.announces(event(chunk(0, document_id(1)), subject=subject, data={"sessionEndReason": "InitiatorLeft"}))


def _look(here: World) -> None:
    here.fakes.clock.advance(seconds=61)
    here.guards()
    here.notifies()
