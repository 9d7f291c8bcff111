"""Each method of the archive refuses for hours, or for good, for each of the reasons that last."""

import json
from collections.abc import Callable

import pytest

from dev.in_memory.builders import event, metadata, task, wav
from dev.in_memory.world import World, intercept, leave_alone, world
from recording.domain.state.chunk import ChunkState
from recording.domain.state.transitions import is_archived, is_finished
from recording.errors import BlobLockedError, RecordingError, StorageBusyError, StorageError, StorageRefusedError
from recording.telemetry import Event

pytestmark = pytest.mark.slow

REASONS: dict[str, Callable[[], StorageError]] = {
    "a policy, a hold or a lease": lambda: BlobLockedError("409 BlobImmutableDueToPolicy"),
    "a firewall": lambda: StorageRefusedError("403 AuthorizationFailure"),
    "a quota": lambda: StorageBusyError("507 Insufficient Storage"),
    "a conflict": lambda: StorageError("409 FeatureNotSupported"),
}
METHODS = (
    "stage_block",
    "staged_blocks",
    "commit",
    "put_media",
    "committed_blocks",
    "fill",
    "read_range",
    "read",
    "put_once",
    "put_if_unchanged",
    "get",
    "look_up",
    "list",
)
ALARMS = ("ERROR", "CRITICAL")
SIZES = {"one block": None, "many blocks": 64 * 1024}
MOST_MANIFESTS = 3  # versions of it, where it may not be rewritten
MOST_CALLS = 10_000  # in nine days: some for each attempt, and never a hot loop
every_refusal = pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS)
every_method = pytest.mark.parametrize("method", METHODS)
every_size = pytest.mark.parametrize("block_bytes", SIZES.values(), ids=SIZES)


def refused(method: str, reason: Callable[[], StorageError], block_bytes: int | None) -> tuple[World, list[str]]:
    """Return a world whose archive refuses all calls of a method from now on, and the list of those calls."""
    calls: list[str] = []
    here = world(copy_block_bytes=block_bytes)
    here.holds(task(), wav(20_000), metadata(task(), chunkDuration=20_000))
    here.announces(event(data={"recordingDurationMs": 20_000}))

    def decide(port: str, called: str) -> tuple[RecordingError | None, bool]:
        if (port, called) != ("FakeArchive", method):
            return None, False
        calls.append(called)
        return reason(), False

    intercept(here, decide)
    return here, calls


@every_size
@every_refusal
@every_method
def test_a_method_that_refuses_for_hours_delays_and_costs_nothing(
    method: str, reason: Callable[[], StorageError], block_bytes: int | None
) -> None:
    """The witness beside every DELETE objects when the archive does not hold all of it; afterwards all is as ever."""
    here, _ = refused(method, reason, block_bytes)
    here.runs(hours=5, until_quiet=False)
    leave_alone(here)
    here.runs(hours=5)
    assert (here.state(), here.source.objects) == (ChunkState.SOURCE_DELETED, {})
    blobs = here.fakes.archive.blobs
    assert [blob.data for name, blob in blobs.items() if name.endswith(".wav")] == [wav(20_000)]
    assert any(json.loads(blob.data)["complete"] for name, blob in blobs.items() if "manifest." in name)
    if method != "get":  # none can be compared then
        assert sum("manifest." in name for name in blobs) <= MOST_MANIFESTS


@pytest.mark.parametrize("reason", ["a policy, a hold or a lease", "a quota"])
@every_method
def test_a_method_that_refuses_for_good_ends_named(method: str, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    """ACS forgets the file at its deadline; the chunk is archived by then or ends with an alarm, after few calls."""
    here, calls = refused(method, REASONS[reason], None if method == "put_media" else SIZES["many blocks"])
    here.runs(hours=24, until_quiet=False)
    here.forgets(task())
    here.runs(hours=24 * 8.5, until_quiet=False)
    found = here.record()
    assert is_finished(found), (found.state, found.last_error)
    assert here.fakes.queue.sent == []
    assert len(calls) < MOST_CALLS
    told = {entry.getMessage().split()[0] for entry in caplog.records if entry.levelname in ALARMS}
    assert is_archived(found) or told & {Event.CHUNK_EXPIRED, Event.CHUNK_QUARANTINED}
