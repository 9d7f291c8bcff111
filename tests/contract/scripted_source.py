"""The object that the scripted ACS storage serves, and how it is downloaded."""

from dev.loopback import Answer
from recording.adapters.acs.source import AcsSource

HOST = "storage.asm.skype.com"

PATH = "/v1/objects/0-eus-d1-aa/content/audio"

LOCATION = f"https://{HOST}{PATH}"

DELETE_PATH = "/v1/objects/0-eus-d1-aa"

DELETE = f"https://us-storage.asm.skype.com{DELETE_PATH}"

DATA = bytes(range(256)) * 8192  # 2 MiB


def whole(data: bytes = DATA, total: int | None = None) -> Answer:
    """A 206 for everything, as ACS gives it."""
    stated = len(data) if total is None else total
    return Answer(206, data, {"Content-Range": f"bytes 0-{stated - 1}/{stated}"})


def download(source: AcsSource, location: str = LOCATION) -> bytes:
    with source.open_content(location) as content:
        return b"".join(content.pieces())
