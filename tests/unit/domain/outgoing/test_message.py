"""Messages of the outbox's queue: read back as written, tried again with growing waits, and never a crash."""

import pytest

from recording.domain.outgoing.events import Subject, SubjectKind
from recording.domain.outgoing.message import FIRST_AGAIN, LONGEST_AGAIN, NotifyTask, read_task

TASK = NotifyTask(subject=Subject(kind=SubjectKind.RECORDING, id="r"))


def test_a_message_is_read_as_it_was_written() -> None:
    """Older and newer versions read each other's."""
    assert read_task(TASK.as_message()) == TASK


def test_waits_grow_up_to_a_limit() -> None:
    """An outage of storage is not made worse, and its end is noticed within minutes."""
    waits, one = [], TASK
    for _ in range(40):
        waits.append(one.wait())
        one = one.again()
    assert (waits[0], waits[1], waits[-1]) == (FIRST_AGAIN, 2 * FIRST_AGAIN, LONGEST_AGAIN)
    assert waits == sorted(waits)


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "{}", "[" * 100_000, '{"subject": 7}'])
def test_what_is_not_a_message_is_none(text: str) -> None:
    """A poisoned queue must not stop the events behind it."""
    assert read_task(text) is None
