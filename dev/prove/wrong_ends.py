"""Wrong variants that crash points, orders of deliveries and outages must catch: each proof can fail."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from unittest import mock

from dev.prove import crashes, orders, outages
from dev.prove.simulation import silent_log
from dev.prove.wrong_variants import give_up_after_five_tries
from recording.archive import claim, copy, delete_source
from recording.archive.claim import Work
from recording.archive.manifest import latest_manifest, rewrite_manifest
from recording.domain.state.chunk import ChunkRecord
from recording.domain.watched import deadline
from recording.domain.watched.deadline import Urgency
from recording.errors import ContentConflictError

MOST_ORDERS = 200  # of 5,040
Wrongly = Callable[[], AbstractContextManager[object]]


@contextmanager
def no_claim_ends() -> Iterator[None]:
    """Break a rule: a chunk waits for the worker that has claimed it, dead or not."""

    def left(record: ChunkRecord, _now: datetime, length: timedelta) -> timedelta:
        return length if record.claim_owner is not None else timedelta()

    with mock.patch.object(claim, "_claim_left", left):
        yield


@contextmanager
def a_copy_is_a_strangers() -> Iterator[None]:
    """Break a rule: what an earlier attempt has committed counts as other bytes under the chunk's name."""
    conflict = ContentConflictError("other bytes are archived under the same ids")
    with (
        mock.patch.object(copy, "_own_earlier_copy", return_value=None),
        mock.patch.object(copy, "_compare_with_stored", side_effect=conflict),
    ):
        yield


@contextmanager
def one_manifest_is_enough() -> Iterator[None]:
    """Break a rule: the first chunk of a recording writes the manifest, and no other writes it again."""

    def keep(work: Work) -> None:
        if latest_manifest(work.task.folder, work.ports.archive)[1] is None:
            rewrite_manifest(work.task, work.ports)

    with mock.patch.object(delete_source, "keep_manifest", keep):
        yield


@contextmanager
def nobody_is_warned() -> Iterator[None]:
    """Break a rule: how little time is left is told to nobody."""
    with mock.patch.object(deadline, "urgency", return_value=Urgency.SAFE):
        yield


def crash_that_catches(wrong: Wrongly) -> str | None:
    """Return the first trouble of the plain plan after which a wrong variant ends otherwise than on a calm day."""
    plan = crashes.PLANS[0]
    with silent_log(), wrong():
        calm = crashes.live(plan)
        points = crashes.single_points(plan)
        return next((f"{point}" for point in points if crashes.differences(plan, calm.picture, point)), None)


def order_that_catches(wrong: Wrongly) -> str | None:
    """Return the first order after which a wrong variant ends otherwise than after the first one."""
    with silent_log(), wrong():
        calm = orders.live(orders.ORDERS[0], orders.WAYS[0], 0)
        step = len(orders.ORDERS) // MOST_ORDERS
        numbers = range(0, len(orders.ORDERS), step)
        ends = ((number, orders.live(orders.ORDERS[number], orders.WAYS[0], number)) for number in numbers)
        return next((f"order {number}" for number, end in ends if end != calm), None)


def outage_that_catches(wrong: Wrongly) -> str | None:
    """Return the first outage in which a wrong variant loses a recording within a day, or without a word."""
    with wrong():
        for part in outages.PARTS:
            for hours in outages.HOURS:
                lived = outages.Outage(part, hours, 0).run()
                if lived.untold or (lived.lost and hours < outages.DAY):
                    return f"{part} down for {hours} hours"
    return None


CAUGHT_BY: Mapping[Wrongly, Callable[[Wrongly], str | None]] = {
    no_claim_ends: crash_that_catches,
    a_copy_is_a_strangers: crash_that_catches,
    one_manifest_is_enough: order_that_catches,
    give_up_after_five_tries: outage_that_catches,
    nobody_is_warned: outage_that_catches,
}
