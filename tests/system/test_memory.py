"""I8: memory is flat in the file's size."""

import threading
import time

from tests.system.steps import Steps

MIB = 1 << 20
CHUNK_BYTES = 1 << 30
MOST_ABOVE_IDLE = 114 * MIB  # 120 MB


class PeakMemory:
    """Samples the host's resident memory until it is told to stop."""

    def __init__(self, steps: Steps) -> None:
        assert steps.world.host is not None
        self._host = steps.world.host
        self.peak = self._host.rss_bytes()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> "PeakMemory":
        """Starts sampling."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stops sampling."""
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(0.05):
            self.peak = max(self.peak, self._host.rss_bytes())


def test_a_chunk_of_one_gib_needs_no_more_memory_than_a_small_one(own_world: Steps) -> None:
    """A small instance must be able to archive the largest chunk."""
    host = own_world.world.host
    assert host is not None
    warm = own_world.simulator.create_objects(duration_ms=1000)
    own_world.wait_until_archived(warm[0]["recordingId"], chunks=1)
    time.sleep(1)
    idle = host.rss_bytes()

    with PeakMemory(own_world) as memory:
        made = own_world.simulator.create_objects(
            channel="unmixed", participants=["A", "B", "C", "D", "E"], wav_bytes=CHUNK_BYTES
        )
        chunks = own_world.wait_until_archived(made[0]["recordingId"], chunks=1, patience=240)

    assert chunks[0]["state"] == "SOURCE_DELETED"
    assert chunks[0]["sha256"] == made[0]["sha256"]
    assert chunks[0]["lengthBytes"] > CHUNK_BYTES - MIB
    assert memory.peak - idle <= MOST_ABOVE_IDLE
