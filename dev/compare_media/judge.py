"""Asks PyAV what a file really plays; each file in a process of its own, since a decoder may hang or crash."""

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_LONGEST_SECONDS = 60.0  # a file that takes longer than this to decode is cut short and says so
_JUDGES_AT_ONCE = 2


@dataclass(frozen=True)
class Verdict:
    """Report what PyAV found: the decoded length in ms of the longest track, or why there is none."""

    container: str | None = None
    codecs: tuple[str, ...] = ()
    plays_ms: float = 0.0
    channels: int | None = None
    errors: int = 0  # packets that could not be decoded
    problem: str | None = None


def judge(paths: Sequence[Path]) -> list[Verdict]:
    """Return PyAV's verdict on each file, in their order."""
    with ThreadPoolExecutor(_JUDGES_AT_ONCE) as pool:
        return list(pool.map(_judge_apart, paths))


def _judge_apart(path: Path) -> Verdict:
    command = [sys.executable, "-m", "dev.compare_media.judge", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_LONGEST_SECONDS, check=True)
    except subprocess.TimeoutExpired:
        return Verdict(problem="PyAV does not end")
    except subprocess.CalledProcessError as error:
        return Verdict(problem=f"PyAV dies ({error.returncode})")
    facts = json.loads(done.stdout.splitlines()[-1])
    return Verdict(**{**facts, "codecs": tuple(facts["codecs"])})


def lenient(version: str) -> dict[str, Any]:
    """Return what lets tags that are no UTF-8 pass; PyAV 19 and newer do so by themselves and refuse the word."""
    return {"metadata_errors": "ignore"} if int(version.split(".", maxsplit=1)[0]) < 19 else {}


def play(path: Path) -> Verdict:
    """Decode a whole file in this process."""
    import av

    try:
        with av.open(str(path), **lenient(av.__version__)) as container:
            streams = [s for s in container.streams if _is_played(s)]
            played: dict[int, float] = dict.fromkeys((s.index for s in streams), 0.0)
            errors = 0
            for packet in container.demux(streams):
                try:
                    for frame in packet.decode():
                        played[packet.stream.index] += _length_ms(frame, packet)
                except av.FFmpegError:
                    errors += 1
            sound: Any = next((s for s in streams if s.type == "audio"), None)
            return Verdict(
                container.format.name,
                tuple(s.codec_context.name for s in streams),
                max(played.values(), default=0.0),
                sound.channels if sound is not None else None,
                errors,
            )
    except (av.FFmpegError, ValueError, OSError, MemoryError, IndexError) as error:
        return Verdict(problem=type(error).__name__)


def _is_played(stream: Any) -> bool:
    """Return whether a stream is sound or moving picture: a cover is a picture, but is not played."""
    from av.stream import Disposition

    is_cover = bool(stream.disposition & (Disposition.attached_pic | Disposition.still_image))
    return stream.type in ("audio", "video") and stream.codec_context is not None and not is_cover


def _length_ms(frame: Any, packet: Any) -> float:
    import av

    if isinstance(frame, av.AudioFrame):
        return frame.samples * 1000 / frame.sample_rate if frame.sample_rate else 0.0
    rate = packet.stream.average_rate or packet.stream.guessed_rate
    return float(1000 / rate) if rate else 0.0


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(play(Path(sys.argv[1])))) + "\n")
