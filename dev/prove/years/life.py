"""One life of seven years: calls are recorded, something happens on some days, each night the daily run, and a look."""

import random
from unittest import mock

from dev.prove.years import people, stores, workers
from dev.prove.years.arrivals import bring_late_chunk, record_call
from dev.prove.years.witness import Witness
from dev.prove.years.world import DENSE_DAYS, Years, YearsWorld
from recording.domain.keep import custody

_ACTS: dict[str, workers.Act] = {
    act.__name__: act
    for act in (
        *(people.hold, people.release, people.make_rules, people.erase, people.erase_voice, people.tag),
        *(bring_late_chunk, workers.hand_over, stores.set_aside, stores.copy_and_derive),
        *(workers.write_newer_row, workers.gather_old_facts, workers.write_old_rules),
    )
}


class Life:
    """One world over some days."""

    def __init__(self, seed: int, days: int) -> None:
        self.world = YearsWorld(seed, days, list(_ACTS))
        self.witness = Witness(self.world)
        self._crowded = random.Random(f"crowded {seed}")  # draws of its own

    def run(self) -> Years:
        """Live."""
        world, habits = self.world, self.world.habits
        births = sorted(world.random.randrange(max(world.days - 400, 30)) for _ in range(habits.recordings))
        names, weights = list(_ACTS), habits.weights(list(_ACTS))
        people.make_rules(world)
        for day in range(world.days):
            workers.end_newer_rows(world)
            while births and births[0] <= day:
                births.pop(0)
                record_call(world)
            if world.known and world.random.random() < habits.pace:
                (name,) = world.random.choices(names, weights)
                _ACTS[name](world, world.any_recording())
            # Most nights decide as of a recording with more chunks than a row can name.
            most_named = self._crowded.choice((0, 0, 0, custody.MOST_NAMED))
            with mock.patch.object(custody, "MOST_NAMED", most_named):
                workers.run_night(world)
            self.witness.look_around()
            world.here.fakes.clock.advance(days=1)
        world.done.counts["days"] = world.days
        return world.done


__all__ = ["DENSE_DAYS", "Life", "Years"]
