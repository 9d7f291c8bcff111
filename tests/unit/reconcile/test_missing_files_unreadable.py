"""A chunk's row that cannot be read was announced: its recording is neither missing nor done, and is named."""

import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, task
from dev.in_memory.world import World, world
from recording.control.recordings import get_recording
from recording.domain.formats import MORE_TO_COME
from recording.domain.state.records import changed
from recording.domain.watched.attention import Attention
from recording.errors.codes import Code
from recording.operate.attention import needs_attention


def spoiled(*indexes: int, code: Code = Code.UNREADABLE_RECORD, of: int = 1) -> World:
    """Return a world with an archived recording of `of` chunks, some of whose rows are another version's."""
    here = world()
    for index in range(of):
        here.holds(task(index, document_id(index)))
    ends = {index: MORE_TO_COME if index < of - 1 else "SessionEnded" for index in range(of)}
    here.announces(event(*[chunk(index, document_id(index), endReason=ends[index]) for index in range(of)]))
    here.runs_due()
    here.follows_up()
    here.fakes.catalog.unreadable = {key for key, one in here.fakes.catalog.chunks.items() if one.task.index in indexes}
    here.fakes.catalog.unreadable_code = code
    return here


def goes_by(here: World, hours: float) -> None:
    """Let time go by; reconcile runs every five minutes."""
    for _ in range(round(hours * 12)):
        here.fakes.clock.advance(minutes=5)
        here.follows_up()
        here.reconciles()


def events(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    """Return the entries of the log's lines of one kind."""
    return [str(vars(one).get("entry")) for one in caplog.records if one.getMessage().split()[0] == name]


@pytest.mark.parametrize("code", [Code.UNREADABLE_RECORD, Code.NEWER_RECORD])
@pytest.mark.parametrize(("indexes", "of"), [((0,), 1), ((0,), 2), ((1,), 2), ((0, 1), 2)])
def test_a_recording_with_such_a_row_is_neither_missing_nor_settled_and_is_named(
    indexes: tuple[int, ...], of: int, code: Code, caplog: pytest.LogCaptureFixture
) -> None:
    """An alarm of a missing file would send people to look for what is there; "settled" would look away."""
    here = spoiled(*indexes, code=code, of=of)
    goes_by(here, 5)
    record = here.fakes.catalog.recordings[RECORDING_ID]
    assert (record.settled_at, record.missing_since, record.incomplete_since) == (None, None, None)
    assert not events(caplog, "recording.missing") + events(caplog, "recording.incomplete")
    named = set(events(caplog, "recording.needs_attention"))
    rows = {"/".join(key) for key in here.fakes.catalog.unreadable if isinstance(key, tuple)}
    assert rows <= named
    told = get_recording(RECORDING_ID, here.ports, here.settings)
    assert (told["expectation"], told["complete"], told["missingIndexes"]) == ("unreadable", False, [])


def test_it_is_named_in_status_until_it_can_be_read() -> None:
    """Its chunk is in no index of open or held ones, so no other listing would say it."""
    here = spoiled(0, of=2)
    goes_by(here, 2)
    (item,) = [one for one in needs_attention(here.ports, here.settings).items if one.kind is Attention.UNREADABLE]
    assert item.id == "/".join(next(iter(here.fakes.catalog.unreadable)))
    here.fakes.catalog.unreadable.clear()
    goes_by(here, 2)
    assert not needs_attention(here.ports, here.settings).items
    assert here.fakes.catalog.recordings[RECORDING_ID].settled_at is not None


def test_a_gap_beside_such_a_row_is_still_an_alarm(caplog: pytest.LogCaptureFixture) -> None:
    """No row stands for that index, readable or not."""
    here = world()
    here.holds(task(0, document_id(0)))
    here.holds(task(2, document_id(2)))
    here.announces(event(chunk(0, document_id(0), endReason=MORE_TO_COME), chunk(2, document_id(2))))
    here.runs_due()
    here.fakes.catalog.unreadable = {key for key, one in here.fakes.catalog.chunks.items() if one.task.index == 0}
    goes_by(here, 3)
    assert len(events(caplog, "recording.incomplete")) == 1
    told = get_recording(RECORDING_ID, here.ports, here.settings)
    assert (told["expectation"], told["missingIndexes"]) == ("incomplete", [1])
    kinds = {one.kind for one in needs_attention(here.ports, here.settings).items}
    assert kinds == {Attention.INCOMPLETE, Attention.UNREADABLE}


def test_acs_is_not_asked_for_ever_about_a_recording_of_such_rows() -> None:
    """Its files were announced: whether ACS still records says nothing more."""
    here = spoiled(0)
    here.fakes.control.states.clear()
    record = here.fakes.catalog.recordings[RECORDING_ID]
    here.fakes.catalog.recordings[RECORDING_ID] = changed(record, asked_at=None, look_at=None)
    goes_by(here, 3)
    assert here.fakes.catalog.recordings[RECORDING_ID].asked_at is None


def test_a_row_that_can_be_read_again_settles_it_within_two_hours() -> None:
    """A newer version's row can be read after the upgrade."""
    here = spoiled(0)
    goes_by(here, 30)
    here.fakes.catalog.unreadable.clear()
    goes_by(here, 2)
    assert here.fakes.catalog.recordings[RECORDING_ID].settled_at is not None
