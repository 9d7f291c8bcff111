"""What a media file says of itself, as the walkers report it."""

from dataclasses import dataclass

from recording.domain.formats import FormatType


@dataclass(frozen=True)
class MediaFacts:
    """What a file says of itself.

    Attributes:
        format: as the bytes show, whatever was announced; the announced one if they show none.
        duration_ms: how long the media that is there plays; None where no length could be read.
        channels: of the sound.
        sample_rate: of the sound, in Hz.
        fault: a short stable sentence when the file does not open, or holds less than it promises.
        remarks: short stable sentences for the receipt, about what is odd and disturbs no player.
        container: the exact form, such as `RIFF`, `RF64`, `mp4` or `fragmented mp4`.
        has_video: whether there is a picture; None where it is unknown.
        promised_ms: how long the header says it plays, where the file holds less and that is the fault.
    """

    format: FormatType | None
    duration_ms: float | None = None
    channels: int | None = None
    sample_rate: int | None = None
    fault: str | None = None
    remarks: tuple[str, ...] = ()
    container: str | None = None
    has_video: bool | None = None
    promised_ms: float | None = None
