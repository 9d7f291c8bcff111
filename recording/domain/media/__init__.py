"""Does a file open as its format, and how long does it play? Answered while the bytes go by, in flat memory."""

from recording.domain.media.probe import MediaFacts, MediaProbe, sniff

__all__ = ["MediaFacts", "MediaProbe", "sniff"]
