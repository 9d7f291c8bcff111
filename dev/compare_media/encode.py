"""Writes files with an encoder's odd options, and damages them: short tones and flat pictures, made by PyAV."""

import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from dev.compare_media.odd_files import AFTER, BEFORE, layouts, rewrapped, wav_files

_RATE = 16_000
_SECONDS = 2
_MP4_FLAGS = (
    *("", "faststart", "frag_keyframe", "frag_keyframe+empty_moov", "frag_keyframe+empty_moov+default_base_moof"),
    *("frag_every_frame+empty_moov", "frag_keyframe+separate_moof", "frag_keyframe+omit_tfhd_offset+empty_moov"),
    *("dash+frag_keyframe", "cmaf+frag_keyframe", "negative_cts_offsets", "frag_keyframe+delay_moov"),
    *("frag_keyframe+hybrid_fragmented", "frag_keyframe+global_sidx+empty_moov+default_base_moof"),
)
_MP4_TRACKS = (("libx264", "aac"), ("libx264",), ("aac",), ("libopus",), ("libx264", "aac", "aac"))
REORDERED = {"preset": "medium", "bf": "2", "b_strategy": "0", "g": "250"}  # pictures are stored in another order
_MP4_OPTIONS: dict[str, dict[str, str]] = {
    "by-time": {"movflags": "empty_moov+default_base_moof", "frag_duration": "300000"},
    "by-size": {"movflags": "empty_moov", "frag_size": "3000"},
    "long-fragments": {"movflags": "empty_moov+frag_keyframe", "min_frag_duration": "1500000"},
    "runs-in-turn": {"movflags": "empty_moov", "frag_duration": "500000", "frag_interleave": "3"},
    "scale-7": {"video_track_timescale": "7"},
    "scale-1e9": {"video_track_timescale": "1000000000"},
    "movie-scale-1": {"movie_timescale": "1"},
    "movie-scale-90000": {"movie_timescale": "90000"},
    "brand": {"brand": "mp42"},
    "clock": {"movflags": "empty_moov+frag_keyframe", "write_prft": "wallclock"},
    "clock-dash": {"movflags": "dash+frag_keyframe", "write_prft": "pts"},
    "room-for-the-index": {"moov_size": "20000"},
    "no-table-of-fragments": {"movflags": "frag_keyframe+skip_trailer"},
    "smooth": {"movflags": "isml+frag_keyframe"},
    "no-segment-index": {"movflags": "dash+empty_moov+frag_keyframe+skip_sidx"},
    "hints": {"movflags": "rtphint"},
    "late": {"output_ts_offset": "5"},
}
_MP3_ENCODERS = {
    "abr": {"abr": "1", "b": "56000"},
    "no-reservoir": {"reservoir": "0"},
    "two-channels": {"joint_stereo": "0"},
}
_WAV_OPTIONS = {"bext": {"write_bext": "1"}, "peak": {"write_peak": "on"}}
_WAV_COMPRESSED = ("adpcm_ms", "adpcm_ima_wav", "adpcm_yamaha", "libmp3lame", "mp2", "flac")
_WAV_CODECS = ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_alaw", "pcm_mulaw")


def write_all(folder: Path) -> None:
    """Write every option's file into a folder, and damaged copies of each beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for flags, codecs, edits in product(_MP4_FLAGS, _MP4_TRACKS, ("0", "1")):
        name = f"{flags or 'plain'}-{'-'.join(codecs)}-edits{edits}.mp4"
        write_file(folder / name, {"movflags": flags, "use_editlist": edits}, codecs)
    for flags, pictures in product(_MP4_FLAGS, (1, 5)):
        name = f"{flags or 'plain'}-{pictures}-pictures-a-second.mp4"
        write_file(folder / name, {"movflags": flags}, ("libx264",), pictures=pictures, encoder=REORDERED)
    for rate, channels, xing, quality in product((8000, 16000, 24000, 44100, 48000), (1, 2), ("0", "1"), (None, "4")):
        name = f"{rate}-{channels}-xing{xing}-{'vbr' if quality else 'cbr'}.mp3"
        options = {"write_xing": xing, "id3v2_version": "3" if xing == "1" else "0"}
        write_file(folder / name, options, ("libmp3lame",), rate, channels, encoder={"q": quality} if quality else {})
    for codec, channels, rf64 in product(_WAV_CODECS, (1, 2, 3, 5), ("never", "always", "auto")):
        write_file(folder / f"{codec}-{channels}-{rf64}.wav", {"rf64": rf64}, (codec,), _RATE, channels)
    _write_more(folder)
    for path in sorted(folder.iterdir()):
        for kind, data in _damaged(path.read_bytes(), random.Random(path.name)):
            path.with_name(f"{path.stem}~{kind}{path.suffix}").write_bytes(data)
    _write_odd(folder)


def _write_more(folder: Path) -> None:
    """Write the options of the muxers and encoders that are rarely set, one in each file."""
    for (name, options), codecs in product(_MP4_OPTIONS.items(), _MP4_TRACKS[:3]):
        write_file(folder / f"{name}-{'-'.join(codecs)}.mp4", options, codecs)
    for (name, encoder), rate, xing in product(_MP3_ENCODERS.items(), (8000, 24000, 44100), ("0", "1")):
        options = {"write_xing": xing, "id3v2_version": "4", "write_id3v1": xing}
        write_file(folder / f"{name}-{rate}-xing{xing}.mp3", options, ("libmp3lame",), rate, 2, encoder=encoder)
    for name, options in _WAV_OPTIONS.items():
        write_file(folder / f"{name}.wav", options, ("pcm_s16le",))
    for codec, channels in product(_WAV_COMPRESSED, (1, 2)):
        write_file(folder / f"{codec}-{channels}.wav", {}, (codec,), _RATE, channels)


def _write_odd(folder: Path) -> None:
    """Write what no encoder does: the encoder's own sound and pictures, wrapped in every odd way."""
    for number, made in enumerate(wav_files()):
        (folder / f"odd-{number:03d}.wav").write_bytes(made.written())
    sound = (folder / "16000-1-xing0-cbr.mp3").read_bytes()
    for before, after in product(BEFORE, AFTER):
        (folder / f"odd-{before}-{after}.mp3".replace(" ", "_")).write_bytes(BEFORE[before] + sound + AFTER[after])
    for name in ("plain-libx264-aac-edits1", "frag_keyframe+empty_moov+default_base_moof-aac-edits0"):
        data = (folder / f"{name}.mp4").read_bytes()
        for number, layout in enumerate(layouts()):
            (folder / f"odd-{number:02d}-{name}.mp4").write_bytes(rewrapped(data, layout))


def write_file(
    path: Path,
    options: dict[str, str],
    codecs: tuple[str, ...],
    rate: int = _RATE,
    channels: int = 1,
    *,
    encoder: dict[str, str] | None = None,
    pictures: int = 16,
) -> None:
    """Write one file with an encoder's options; none where it does not know the combination.

    The picture has so many `pictures` a second, and at least as many as take two seconds at the usual rate.
    """
    import av

    rate = 48_000 if "libopus" in codecs else rate
    try:
        with av.open(str(path), "w", options={name: told for name, told in options.items() if told}) as container:
            streams = [
                _pictures_of(container, pictures, encoder or {})
                if codec == "libx264"
                else _sound_of(container, codec, rate, channels, encoder or {})
                for codec in codecs
            ]
            for stream in streams:
                for frame in _pictures() if stream.type == "video" else _sound(stream, rate, channels):
                    container.mux(stream.encode(frame))
            for stream in streams:
                container.mux(stream.encode(None))
    except (av.FFmpegError, ValueError):  # this encoder does not know the combination
        path.unlink(missing_ok=True)


def _pictures_of(container: Any, pictures: int, encoder: dict[str, str]) -> Any:
    options = {"g": "8", "preset": "ultrafast", "threads": "1", **encoder}
    stream = container.add_stream("libx264", rate=pictures, options=options)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    return stream


def _sound_of(container: Any, codec: str, rate: int, channels: int, encoder: dict[str, str]) -> Any:
    layout = {1: "mono", 2: "stereo", 3: "2.1", 5: "5.0"}[channels]
    return container.add_stream(codec, rate=rate, layout=layout, options=encoder)


def _pictures() -> Iterator[Any]:
    import av
    import numpy as np

    for number in range(16 * _SECONDS):
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), number * 7, "u1"), format="rgb24")
        frame.pts = number
        yield frame


def _sound(stream: Any, rate: int, channels: int) -> Iterator[Any]:
    import av
    import numpy as np

    curve = 9000 * np.sin(2 * np.pi * 300 * np.arange(rate * _SECONDS) / rate)
    samples = np.repeat(curve.astype("<i2"), channels).reshape(1, -1)
    step = 960 * channels
    for at in range(0, samples.shape[1], step):
        frame = av.AudioFrame.from_ndarray(samples[:, at : at + step], format="s16", layout=stream.layout.name)
        frame.sample_rate, frame.pts = rate, at // channels
        yield frame


def _damaged(data: bytes, dice: random.Random) -> Iterator[tuple[str, bytes]]:
    """Cut, blank, shift and lengthen a file at places that depend on its name only."""
    at = dice.randrange(len(data) // 4, len(data) * 3 // 4)
    yield "cut", data[:at]
    yield "last-cut", data[: -dice.randrange(1, 40)]
    hole = min(len(data) - at, 1500)
    yield "hole", data[:at] + bytes(hole) + data[at + hole :]
    yield "zeros-after", data + bytes(64)
    yield "lost", data[:at] + data[at + hole :]
    yield "lost-8", data[:at] + data[at + 8 :]
    yield "twice", data[: at + hole] + data[at:]
    yield "begun-again", data[:at] + data
    place = data.find(b"moov")
    if place >= 0:
        size = int.from_bytes(data[place - 4 : place], "big")
        at = place + 4 + dice.randrange(max(size - 520, 1))
        yield "index-hole", data[:at] + bytes(512) + data[at + 512 :]
        at = place + 4 + dice.randrange(size - 8)
        yield "bit", data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]
