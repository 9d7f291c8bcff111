"""What a recorded file is to be: content, channels, format, length, people. Only documented ACS media can be named."""

from dataclasses import dataclass
from typing import Literal

Content = Literal["audio", "audioVideo"]
Channel = Literal["mixed", "unmixed"]
Format = Literal["wav", "mp3", "mp4"]

SAMPLE_RATE_HZ = 16_000
"""Every ACS recording carries 16 kHz sound (call recording overview, "recording types")."""
FRAMES_PER_SECOND = 16
WIDTH, HEIGHT = 1920, 1080
MP3_BITS_PER_SECOND = 48_000
WAV_BITS_PER_SECOND = 256_000
"""One channel of 16-bit samples; an unmixed WAV has this much per participant."""
WAV_HEADER_BYTES = 44
MAX_UNMIXED_CHANNELS = 5

DOCUMENTED_COMBINATIONS = frozenset(
    {("audioVideo", "mixed", "mp4"), ("audio", "mixed", "mp3"), ("audio", "mixed", "wav"), ("audio", "unmixed", "wav")}
)


class UnsupportedMediaError(ValueError):
    """The asked-for media is none that ACS documents."""


@dataclass(frozen=True)
class MediaSpec:
    """One chunk of a recording, as it should look and sound.

    Attributes:
        content: The REST name of the content type.
        channel: The REST name of the channel type.
        format: The REST name of the format type.
        duration_ms: What the file plays for. Paused time is already cut out.
        participants: Display names. Unmixed media has one channel for each, in this order.
        title: Shown in the picture and written as the title tag of mp4 and mp3, e.g. "Weekly sync, chunk 0".
        seed: Give every chunk its own: another seed is another sound, other colours and other bytes.

    Raises:
        UnsupportedMediaError: The combination is not documented, or the numbers do not fit it.
    """

    content: Content
    channel: Channel
    format: Format
    duration_ms: int
    participants: tuple[str, ...] = ()
    title: str = "Recording"
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.content, self.channel, self.format) not in DOCUMENTED_COMBINATIONS:
            raise UnsupportedMediaError(f"ACS has no {self.content} + {self.channel} + {self.format}")
        if self.duration_ms < 1:
            raise UnsupportedMediaError(f"a recording lasts at least a millisecond, not {self.duration_ms}")
        if self.channel == "unmixed" and not 1 <= len(self.participants) <= MAX_UNMIXED_CHANNELS:
            raise UnsupportedMediaError(f"unmixed audio has 1 to 5 channels, not {len(self.participants)}")

    @property
    def channels(self) -> int:
        """Return how many sound channels the file has: one, or one a participant when unmixed."""
        return len(self.participants) if self.channel == "unmixed" else 1

    @property
    def samples(self) -> int:
        """Return how many samples each channel has; a whole number, as there are 16 in a millisecond."""
        return self.duration_ms * SAMPLE_RATE_HZ // 1000


def wav_length_bytes(duration_ms: int, channels: int) -> int:
    """Return the exact length of an ACS WAV file: header plus 32 bytes per millisecond and channel."""
    return WAV_HEADER_BYTES + duration_ms * channels * WAV_BITS_PER_SECOND // 8 // 1000
