"""Media of hours for the figures: twenty seconds are rendered and then repeated, so that it takes seconds to make."""

from pathlib import Path
from typing import Any

import av

from dev.media.render import render
from dev.media.sound import sound
from dev.media.spec import MP3_BITS_PER_SECOND, SAMPLE_RATE_HZ, MediaSpec

PIECE_SECONDS = 20


def long_mp3(path: Path, hours: float) -> None:
    """Write an mp3 of so many hours, in frames of one size as ACS writes them."""
    spec = MediaSpec("audio", "mixed", "mp3", PIECE_SECONDS * 1000, ("A", "B"), seed=1)
    piece = path.with_suffix(".piece.mp3")
    with av.open(str(piece), "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as container:
        audio = container.add_stream("libmp3lame", rate=SAMPLE_RATE_HZ, layout="mono")
        audio.bit_rate = MP3_BITS_PER_SECOND
        position = 0
        for block in sound(spec):
            frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, position
            container.mux(audio.encode(frame))
            position += len(block)
        container.mux(audio.encode(None))
    content = piece.read_bytes()
    with path.open("wb") as file:
        for _ in range(round(hours * 3600 / PIECE_SECONDS)):
            file.write(content)
    piece.unlink()


def long_mp4(path: Path, length_bytes: int, hours: float) -> float:
    """Write an mp4 of so many hours and about this length, its index at the end, as ACS does; return its seconds.

    The made-up picture needs a tenth of what ACS's video does, so that each frame is filled up with what decoders drop
    (filler data, H.264 section 7.3.2.7): then the file has the length, the frames and so the index of a real one.
    """
    spec = MediaSpec("audioVideo", "mixed", "mp4", PIECE_SECONDS * 1000, ("A", "B"), seed=1)
    piece = path.with_suffix(".piece.mp4")
    size = render(spec, piece).length_bytes
    times = max(1, round(hours * 3600 / PIECE_SECONDS))
    with av.open(str(piece)) as source, av.open(str(path), "w", format="mp4") as target:
        streams = {one.index: target.add_stream_from_template(one) for one in source.streams}
        packets = [packet for packet in source.demux() if packet.dts is not None]
        pictures = sum(packet.stream.type == "video" for packet in packets)
        filler = _filler((length_bytes / times - size) / pictures)
        kept = [
            (_filled(p, filler), p.stream.index, p.pts, p.dts, p.duration, p.time_base, p.is_keyframe) for p in packets
        ]
        spans = {
            one.index: _span([packet for packet in packets if packet.stream.index == one.index])
            for one in source.streams
        }
        for number in range(times):
            for data, index, pts, dts, duration, base, is_key in kept:
                packet = av.Packet(data)
                packet.stream, packet.time_base, packet.duration, packet.is_keyframe = (
                    streams[index],
                    base,
                    duration,
                    is_key,
                )
                packet.pts, packet.dts = (pts or 0) + number * spans[index], (dts or 0) + number * spans[index]
                target.mux(packet)
    piece.unlink()
    return float(times * PIECE_SECONDS)


def _filled(packet: Any, filler: bytes) -> bytes:
    """Return the bytes of a packet; a picture's with filler behind them."""
    return bytes(packet) + (filler if packet.stream.type == "video" else b"")


def _filler(length: float) -> bytes:
    """Return a NAL unit of filler data with its length in front, as mp4 has them; none where there is no room."""
    inner = round(length) - 4
    return b"" if inner < 3 else inner.to_bytes(4, "big") + b"\x0c" + b"\xff" * (inner - 2) + b"\x80"


def _span(packets: list[Any]) -> int:
    """Return how far one repetition of a stream reaches, in its own time base."""
    last = packets[-1]
    return int(last.dts + max(last.duration or 0, last.dts - packets[-2].dts) - packets[0].dts)
