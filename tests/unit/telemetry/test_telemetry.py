"""Logs: stable names, closed fields, nothing personal."""

import logging

import pytest

from dev.in_memory.builders import ACCESS_KEY, event, task
from dev.in_memory.world import world
from recording.telemetry import FIELDS, Event, emit


def test_a_field_outside_the_list_cannot_be_logged() -> None:
    """What has no field cannot slip in."""
    with pytest.raises(ValueError, match="not a log field"):
        emit(Event.STARTED, content_location="https://storage.asm.skype.com/x")
    assert not {"content_location", "participant", "phone_number", "token", "tags"} & FIELDS


def test_line_breaks_cannot_forge_a_log_line(caplog: pytest.LogCaptureFixture) -> None:
    """An id comes from outside."""
    caplog.set_level(logging.INFO)
    emit(Event.STARTED, recording_id='x\r\n00:00 CRITICAL all is lost "')

    assert len(caplog.messages[0].splitlines()) == 1


@pytest.mark.slow
def test_a_whole_life_leaves_nothing_personal_in_the_logs(caplog: pytest.LogCaptureFixture) -> None:
    """Ids yes; participants, keys and locations no, on good days and on bad ones."""
    caplog.set_level(logging.DEBUG)
    here = world()
    here.holds(task())
    here.announces(event())
    here.announces(event(id="other", eventType="Something.Else"))
    here.runs()
    lost = world()
    lost.announces(event())
    lost.runs(hours=60)
    text = "\n".join(caplog.messages) + str([vars(record) for record in caplog.records])

    for secret in ("8:acs:", "/v1/objects/", "https://", ACCESS_KEY, "+4930"):
        assert secret not in text
    assert "recording.chunk.archived" in text
    assert "recording.chunk.expired" in text
