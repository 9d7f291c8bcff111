"""Does a file open as its format, and how long does it play? Answered while the bytes go by, in flat memory."""

from recording.domain.media.facts import MediaFacts
from recording.domain.media.probe import SNIFF_BYTES, MediaProbe, sniff

__all__ = ["SNIFF_BYTES", "MediaFacts", "MediaProbe", "sniff"]
