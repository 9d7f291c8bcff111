"""Asks PyAV what a file really plays; in processes of their own, since a decoder may hang or crash."""

import io
import json
import math
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

_LONGEST_SECONDS = 60.0  # a file that takes longer than this to decode is cut short and says so
_JUDGES_AT_ONCE = 2
_FILES_A_PROCESS = 25  # to start one costs more than to decode a short file


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
    some = [paths[at : at + _FILES_A_PROCESS] for at in range(0, len(paths), _FILES_A_PROCESS)]
    with ThreadPoolExecutor(_JUDGES_AT_ONCE) as pool:
        return list(chain.from_iterable(pool.map(_judge_some, some)))


def _judge_some(paths: Sequence[Path]) -> list[Verdict]:
    """Judge files in one process; those behind one that hangs or crashes it are judged apart."""
    try:
        told = subprocess.run(_command(paths), capture_output=True, timeout=_LONGEST_SECONDS, check=False).stdout
    except subprocess.TimeoutExpired as error:
        told = error.stdout or b""
    lines = [line for line in told.splitlines(keepends=True) if line.endswith(b"\n")]
    found = [_read(line) for line in lines[: len(paths)]]
    return found + [_judge_apart(path) for path in paths[len(found) :]]


def _judge_apart(path: Path) -> Verdict:
    try:
        done = subprocess.run(_command([path]), capture_output=True, timeout=_LONGEST_SECONDS, check=True)
    except subprocess.TimeoutExpired:
        return Verdict(problem="PyAV does not end")
    except subprocess.CalledProcessError as error:
        return Verdict(problem=f"PyAV dies ({error.returncode})")
    return _read(done.stdout.splitlines()[-1])


def _command(paths: Sequence[Path]) -> list[str]:
    return [sys.executable, "-m", "dev.compare_media.judge", *map(str, paths)]


def _read(line: bytes) -> Verdict:
    facts = json.loads(line)
    return Verdict(**{**facts, "codecs": tuple(facts["codecs"])})


def lenient(version: str) -> dict[str, Any]:
    """Return what lets tags that are not UTF-8 pass; PyAV 19 and newer do so by themselves and refuse the word."""
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


def played_ms(data: bytes) -> float:
    """Return how long the sound of a small file plays, decoded here; 0 where nothing opens or nothing is decoded."""
    import av

    try:
        with av.open(io.BytesIO(data), "r", **lenient(av.__version__)) as container:
            stream = next(iter(container.streams.audio), None)
            if stream is None or stream.codec_context is None:
                return 0.0
            total = 0.0
            for packet in container.demux(stream):
                with suppress(av.FFmpegError):
                    total += math.fsum(frame.samples * 1000 / frame.sample_rate for frame in packet.decode())
            return total
    except (av.FFmpegError, ValueError, IndexError):
        return 0.0


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
    for name in sys.argv[1:]:
        sys.stdout.write(json.dumps(asdict(play(Path(name)))) + "\n")
        sys.stdout.flush()
