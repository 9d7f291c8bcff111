"""The host is killed, again and again, in the middle of its copies; the archive ends the same."""

import random
import time

from tests.system.steps import Steps, digests

KILLS = 4


def test_killing_the_host_at_any_moment_ends_in_the_same_archive(own_world: Steps) -> None:
    """SIGKILL leaves claims, staged blocks and hidden messages behind; the next worker starts from what was saved."""
    world, moments = own_world.world, random.Random(20261123)
    host = world.host
    assert host is not None
    made = []
    for _ in range(3):
        made += own_world.simulator.create_objects(wav_bytes=24_000_000, chunks=2)
        made += own_world.simulator.create_objects(format="mp3", duration_ms=20_000, chunks=2)
    for _ in range(KILLS):
        time.sleep(moments.uniform(0.05, 1.2))
        host.kill()
        world.start_host()

    for recording_id in {one["recordingId"] for one in made}:
        own_world.wait_until_archived(recording_id, chunks=2, patience=120)

    assert own_world.archived_of(made) == digests(made)
    assert len(own_world.archived()) == len(made)
    assert [one for one in own_world.simulator.objects() if not one["deletedAt"]] == []
