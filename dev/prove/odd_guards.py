"""Messages in the queue of guards that are not guards: each must end in the quarantine, and none come back."""

import json
import random

from dev.in_memory.world import World
from recording.domain.calls.guards import MOST_SECONDS, GuardKind
from recording.domain.ids import without_numbers

PUT, MOST = 0.02, 3  # of the steps of a life; messages of a life


class OddGuards:
    """Puts messages of another writer among the guards, and looks for them at the end.

    It draws dice of its own: what a life would be without them changes little.
    """

    def __init__(self, here: World, seed: str) -> None:
        self._here, self._dice = here, random.Random(seed)
        self._sent: list[str] = []
        self.dice = random.Random(f"{seed}, delivered")  # of what goes wrong about them

    def may_come(self) -> None:
        """Put a message about one of the recordings into the queue, now and then."""
        running = sorted(self._here.fakes.control.states)
        if running and len(self._sent) < MOST and self._dice.random() < PUT:
            text = self._message(self._dice.choice(running))
            self._sent.append(text)
            self._here.fakes.guards.sent.append((text, self._here.now))

    def is_one(self, body: str) -> bool:
        """Return whether a message is one of them."""
        return body in self._sent

    @property
    def count(self) -> int:
        """Return how many messages have come."""
        return len(self._sent)

    def lost(self) -> list[str]:
        """Return what has become of the messages that were not quarantined, or are offered to a worker again."""
        kept = {entry.payload for entry in self._here.fakes.quarantine.kept.values()}
        waiting = {body for body, _ in self._here.fakes.guards.sent}
        return [
            *(f"a message was dropped: {text}" for text in self._sent if without_numbers(text) not in kept),
            *(f"a message comes back: {text}" for text in self._sent if text in waiting),
        ]

    def _message(self, name: str) -> str:
        guard = {"version": 1, "recordingId": name, "kind": GuardKind.WATCH.value, "seconds": 60, "mark": ""}
        number = 10 ** self._dice.randrange(10, 40)
        return self._dice.choice(
            (
                json.dumps({**guard, "kind": "dance", "mark": str(number)}),
                json.dumps({**guard, "seconds": MOST_SECONDS + number}),
                json.dumps({**guard, "kind": GuardKind.CONSENT.value, "seconds": -number}),
                json.dumps({**guard, "mark": "7" * 600, "attempt": number}),
                f"resume {name} {number}",
            )
        )
