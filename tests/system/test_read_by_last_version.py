"""What this version writes, read by the code of 0.1.0 itself, which refuses a row or message that it does not know."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from dev.in_memory.builders import record, task
from dev.prove.last_version import FIRST_VERSION
from dev.world import REPOSITORY
from recording.adapters.table.rows import chunk_row, recording_row, reservation_row
from recording.domain.calls.consent import ConsentEntry, ConsentStep
from recording.domain.calls.pauses import CommandedPause
from recording.domain.schema import divided, joined, message_of
from recording.domain.state.chunk import (
    ChunkRecord,
    ChunkState,
    Dismissal,
    FallbackCopy,
    MetadataOutcome,
    SourceOutcome,
    Suspect,
)
from recording.domain.state.recording import LastAction, RecordingRecord, StartReservation

AT = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)
DECIDED = Dismissal(by="alice", note="heard it", at=AT)
# The reader runs in a process of its own, with the code of then and the libraries of now.
READER = """
import json
import sys
from recording.adapters._table_rows import document_of
from recording.domain.chunk import ChunkRecord, ChunkTask
from recording.domain.recording import RecordingRecord, StartReservation
kinds = {kind.__name__: kind for kind in (ChunkRecord, ChunkTask, RecordingRecord, StartReservation)}
for line in sys.stdin:
    what, kind, written = json.loads(line)
    try:
        kinds[kind].model_validate_json(written if isinstance(written, str) else document_of(written))
    except Exception as error:
        print(f"{what}: {error}")
"""


def _chunks() -> Iterator[tuple[str, ChunkRecord]]:
    """Yield a row for each word of the enumerations, with everything that later versions have added."""
    later = {
        "sha512": "0" * 128,
        "suspects": (Suspect(blob_name="x.wav", sha256="0" * 64, length_bytes=1, reason="media_truncated", at=AT),),
        "dismissed": DECIDED,
        "past_deadline_since": AT,
        "disposed_at": AT,
        "disposed_why": "rule: calls",
    }
    of_then: dict[str, list[Any]] = {
        "state": list(ChunkState),
        "metadata": list(MetadataOutcome),
        "source": list(SourceOutcome),
        "fallback": [FallbackCopy(blob_name="f.wav", length_bytes=1, sha256="0" * 64, kept_at=AT)],
    }
    for name, values in of_then.items():
        for value in values:
            word = value.value if isinstance(value, Enum) else "set"
            yield f"chunk, {name} {word}", record().model_copy(update={**later, name: value})


def _recordings() -> Iterator[tuple[str, RecordingRecord]]:
    """Yield a row for each last action: with consent that was withdrawn, a pause, an alarm, tags and an end."""
    for action in LastAction:
        yield (
            f"recording, {action.value}",
            RecordingRecord(
                recording_id="rec-1",
                acs_id="rec-1==",
                folder="2026/11/29/call/rec-1",
                call_id="call-1",
                server_call_id="server-1",
                started_here=True,
                started_at=AT,
                started_by="alice",
                request={"tags": {"order": "1042"}, "pauseOnStart": True},
                tenant="north",
                consent={"basis": "contract"},
                last_action=action,
                last_action_at=AT,
                pauses=(CommandedPause(id="p1", at=AT, ends_by=AT),),
                consents=tuple(ConsentEntry(step=step, at=AT) for step in ConsentStep),
                call_alarm="pause_overdue",
                call_alarm_since=AT,
                call_dismissed=DECIDED,
                announced_count=2,
                missing_since=AT,
                dismissed=DECIDED,
                tags={"order": "1043"},
                disposed_at=AT,
                certificate="certificates/1.json",
            ),
        )


def _written() -> Iterator[tuple[str, str, Any]]:
    yield from ((what, "ChunkRecord", chunk_row(one)) for what, one in _chunks())
    yield from ((what, "RecordingRecord", recording_row(one)) for what, one in _recordings())
    reservation = StartReservation(key="k", fingerprint="f", repeatability_id="r", first_sent=AT, recording_id="rec-1")
    yield "reservation", "StartReservation", reservation_row(reservation)
    yield "task", "ChunkTask", message_of(task())


@pytest.fixture(scope="module")
def last_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the code of 0.1.0, out of the history."""
    command = ["git", "-C", str(REPOSITORY), "archive", "--format=zip", FIRST_VERSION, "recording"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    if done.returncode:
        pytest.skip("0.1.0 is not in this clone: git fetch --unshallow")
    folder = tmp_path_factory.mktemp("last")
    with ZipFile(io.BytesIO(done.stdout)) as tree:
        tree.extractall(folder)
    return folder


def _refused(last_version: Path, written: list[tuple[str, str, Any]]) -> list[str]:
    lines = "\n".join(json.dumps(one, default=str) for one in written)
    done = subprocess.run(
        [sys.executable, "-c", READER],
        cwd=last_version,
        input=lines,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()


def test_rows_and_messages_of_this_version_are_read_by_the_last_one(last_version: Path) -> None:
    """A rollback finds calls under guard, decisions and destroyed recordings; it must not stumble over any of them."""
    written = list(_written())
    assert {kind for _, kind, _ in written} == {"ChunkRecord", "RecordingRecord", "StartReservation", "ChunkTask"}
    assert _refused(last_version, written) == []


def test_a_word_that_the_last_version_does_not_know_is_ours_again_when_we_read_it() -> None:
    """0.1.0 reads that the document never came, and leaves the source alone; this version reads what was said."""
    said = record().model_copy(update={"metadata": MetadataOutcome.NOT_ASKED, "metadata_reason": "foreign host"})
    first, later = divided(said)
    assert json.loads(first)["metadata"] == MetadataOutcome.NEVER_CAME
    assert ChunkRecord.model_validate(joined(first, later)).metadata is MetadataOutcome.NOT_ASKED
    assert ChunkRecord.model_validate(joined(first, "")).metadata is MetadataOutcome.NEVER_CAME


def test_the_reader_is_the_strict_one(last_version: Path) -> None:
    """Were it lenient, the test beside this one would prove nothing."""
    spoiled = json.loads(message_of(task())) | {"later": 1}
    assert "later" in "\n".join(_refused(last_version, [("spoiled", "ChunkTask", json.dumps(spoiled))]))
