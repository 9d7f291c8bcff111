"""How long a queue listener waits before it looks again: random exponential growth between two bounds."""

import random
from dataclasses import dataclass, field

MINIMUM_SECONDS = 0.1  # QueuePollingIntervals.Minimum of the storage extension
_JITTER = (0.8, 1.2)


@dataclass
class PollingBackoff:
    """Starts at 100 ms, grows while nothing is found, and falls back to 100 ms after a find."""

    maximum_seconds: float
    chance: random.Random = field(default_factory=random.Random)
    _misses: int = 0

    def after(self, *, found: bool) -> float:
        """Return seconds to wait after a look that did or did not find messages."""
        if found:
            self._misses = 0
            return MINIMUM_SECONDS
        self._misses = min(self._misses + 1, 30)  # 2**30 is far beyond any maximum; keep the power small
        growth = (2.0**self._misses - 1) * MINIMUM_SECONDS * self.chance.uniform(*_JITTER)
        return min(MINIMUM_SECONDS + growth, self.maximum_seconds)
