"""What a chunk looks like: up to nine named tiles, a level bar in each, the title and a running clock.

Everything that stands still is drawn once. A frame is that drawing with the bars and the clock written over its
brightness plane, which costs about a millisecond; the encoder then finds little that changed.
"""

import colorsys
import unicodedata
from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dev.media.sound import voices
from dev.media.spec import FRAMES_PER_SECOND, HEIGHT, WIDTH, MediaSpec

Plane = NDArray[np.uint8]
"""A whole YUV 4:2:0 picture as PyAV takes it: the first HEIGHT rows are brightness, the rest is colour."""

TILES = 9
TILE_WIDTH, TILE_HEIGHT, GAP = 612, 312, 20
HEADER_HEIGHT = 84
BAR_WIDTH, BAR_HEIGHT, BAR_BRIGHTNESS = 560, 18, 225
BAR_LEFT, BAR_TOP = 26, 272
CLOCK_LEFT, CLOCK_TOP, CLOCK_SIZE = 1696, 18, 44
BACKGROUND = (24, 26, 34)
BACKGROUND_BRIGHTNESS = 39


def frames(spec: MediaSpec) -> Iterator[av.VideoFrame]:
    """Yield every frame of the chunk; the last one is shown until the recorded time is over."""
    still, clock_faces = _still(spec), _clock_glyphs()
    levels = _levels(spec)
    for number in range(len(levels)):
        picture = still.copy()
        _write_clock(picture, clock_faces, number // FRAMES_PER_SECOND)
        for place, level in enumerate(levels[number][:TILES]):
            _write_bar(picture, place, level)
        yield av.VideoFrame.from_ndarray(picture, format="yuv420p")


def _levels(spec: MediaSpec) -> NDArray[np.float64]:
    """Return how loud each participant is in each frame, shaped (frames, participants)."""
    count = -(-spec.duration_ms * FRAMES_PER_SECOND // 1000)
    seconds = np.arange(count) / FRAMES_PER_SECOND
    heard = voices(spec)[: len(spec.participants)]
    return np.stack([voice.loudness(seconds) for voice in heard], axis=1) if heard else np.zeros((count, 0))


def _still(spec: MediaSpec) -> Plane:
    image = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    draw = ImageDraw.Draw(image)
    draw.ellipse((GAP + 6, 28, GAP + 34, 56), fill=(220, 50, 50))
    draw.text((GAP + 52, 18), _drawable(spec.title)[:70], fill=(240, 240, 240), font=ImageFont.load_default(CLOCK_SIZE))
    for place, name in enumerate(spec.participants[:TILES]):
        _draw_tile(draw, place, name, spec.seed)
    drawn = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
    return np.asarray(drawn.reformat(format="yuv420p").to_ndarray(), dtype=np.uint8)


def _draw_tile(draw: ImageDraw.ImageDraw, place: int, name: str, seed: int) -> None:
    left, top = _corner(place)
    box = (left, top, left + TILE_WIDTH, top + TILE_HEIGHT)
    draw.rounded_rectangle(box, 18, fill=_colour(place, seed, 0.32))
    middle = left + TILE_WIDTH // 2
    draw.ellipse((middle - 78, top + 30, middle + 78, top + 186), fill=_colour(place, seed, 0.72))
    draw.text((middle, top + 108), _initials(name), anchor="mm", fill="white", font=ImageFont.load_default(64))
    draw.text((left + BAR_LEFT, top + 218), _drawable(name)[:32], fill=(240, 240, 240), font=ImageFont.load_default(34))
    bar = (left + BAR_LEFT, top + BAR_TOP, left + BAR_LEFT + BAR_WIDTH - 1, top + BAR_TOP + BAR_HEIGHT - 1)
    draw.rectangle(bar, fill=(16, 16, 16))


def _corner(place: int) -> tuple[int, int]:
    row, column = divmod(place, 3)
    return GAP + column * (TILE_WIDTH + GAP), HEADER_HEIGHT + row * (TILE_HEIGHT + GAP)


def _colour(place: int, seed: int, brightness: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb((seed * 0.137 + place / TILES) % 1, 0.55, brightness)
    return round(red * 255), round(green * 255), round(blue * 255)


def _initials(name: str) -> str:
    return "".join(word[0] for word in _drawable(name).split()[:2]).upper()


def _drawable(text: str) -> str:
    """Without accents: Pillow's own font, the only one every machine has, draws ASCII and no more."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _clock_glyphs() -> dict[str, Plane]:
    return {character: _glyph(character) for character in "0123456789:"}


def _glyph(character: str) -> Plane:
    width = 16 if character == ":" else 28
    image = Image.new("L", (width, CLOCK_SIZE + 8), BACKGROUND_BRIGHTNESS)
    ImageDraw.Draw(image).text(
        (width // 2, 0), character, anchor="ma", fill=235, font=ImageFont.load_default(CLOCK_SIZE)
    )
    return np.asarray(image)


def _write_clock(picture: Plane, faces: dict[str, Plane], second: int) -> None:
    text = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    drawn = np.concatenate([faces[character] for character in text], axis=1)
    height, width = drawn.shape
    picture[CLOCK_TOP : CLOCK_TOP + height, CLOCK_LEFT : CLOCK_LEFT + width] = drawn


def _write_bar(picture: Plane, place: int, level: float) -> None:
    left, top = _corner(place)
    first, length = left + BAR_LEFT, round(level * BAR_WIDTH)
    picture[top + BAR_TOP : top + BAR_TOP + BAR_HEIGHT, first : first + length] = BAR_BRIGHTNESS
