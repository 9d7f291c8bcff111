"""A recording with three speakers, and the worker that makes files from it."""

import io
import wave
from typing import Any

import numpy as np

from dev.in_memory.builders import RECORDING_ID, chunk, event, mp3, task
from dev.in_memory.world import World, world
from recording.library.derived.ask import list_derived, request_derived
from recording.library.derived.make import derive_message

CHANNELS = 3


def spoken(number: int, frames: int = 5000, channels: int = CHANNELS) -> bytes:
    """A chunk whose every sample says which chunk, channel and place it is of."""
    with io.BytesIO() as file:
        with wave.open(file, "wb") as writer:
            writer.setnchannels(channels)
            writer.setsampwidth(2)
            writer.setframerate(16_000)
            samples = np.arange(frames * channels, dtype="<i2") * 7 + number
            writer.writeframes(samples.tobytes())
        return file.getvalue()


def sung(number: int) -> bytes:
    """A chunk of frames."""
    return mp3(50 + number)


def archived(*media: bytes, of: World | None = None, missing: tuple[int, ...] = ()) -> World:
    """A world in which these chunks of one recording are archived."""
    here = of or world()
    numbers = [number for number in range(len(media) + len(missing)) if number not in missing]
    for number, content in zip(numbers, media, strict=True):
        here.holds(task(number), content)
    here.announces(event(*(chunk(number) for number in numbers)))
    here.runs_due()
    here.runs(hours=1)
    here.follows_up()
    assert len(media) == sum(1 for one in here.fakes.catalog.chunks_of(RECORDING_ID) if one.cataloged_at)
    return here


def asks(here: World, kind: str = "joined") -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = request_derived(RECORDING_ID, {"kind": kind}, here.ports)["files"]
    return told


def works(here: World) -> None:
    """The host hands out messages until there are none."""
    while messages := here.fakes.derived.take():
        for text in messages:
            derive_message(text, here.ports)


def made(here: World, kind: str = "joined") -> list[dict[str, Any]]:
    asks(here, kind)
    works(here)
    told = list_derived(RECORDING_ID, here.ports)
    assert [one["state"] for one in told] == ["made"] * len(told), told
    return told


def stored(here: World, one: dict[str, Any]) -> bytes:
    data: bytes = here.fakes.archive.blobs[one["blobName"]].data
    return data


def sound_of(data: bytes) -> bytes:
    with wave.open(io.BytesIO(data)) as reader:
        samples: bytes = reader.readframes(reader.getnframes())
        return samples
