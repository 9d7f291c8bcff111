"""Check in one pass, in flat memory, that a file opens as its format, and how long it plays."""

from recording.domain.media.facts import MediaFacts
from recording.domain.media.probe import SNIFF_BYTES, MediaProbe, sniff

__all__ = ["SNIFF_BYTES", "MediaFacts", "MediaProbe", "sniff"]
