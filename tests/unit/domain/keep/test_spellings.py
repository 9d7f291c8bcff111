"""Spellings: a name is found through compression and encodings, and reading ends."""

import base64
import gzip
import io
import zipfile
import zlib
from urllib.parse import quote

import pytest

from recording.domain.keep.spellings import readings

NAME = "Erika Mustermann, +4930123456"


def zipped(data: bytes) -> bytes:
    """Return a ZIP with one deflated file."""
    there = io.BytesIO()
    with zipfile.ZipFile(there, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("who.txt", data)
    return there.getvalue()


SPELLED = {
    "as it is": NAME.encode(),
    "gzip": gzip.compress(NAME.encode()),
    "gzip in the middle": b"head" + gzip.compress(NAME.encode()),
    "zlib": zlib.compress(NAME.encode()),
    "zip": zipped(NAME.encode()),
    "base64": base64.b64encode(NAME.encode()),
    "base64 for URLs": base64.urlsafe_b64encode(NAME.encode()),
    "percent": quote(NAME, safe="").encode(),
    "UTF-16": NAME.encode("utf-16-le"),
    "JSON escapes": "".join(f"\\u{ord(letter):04x}" for letter in NAME).encode(),
    "base64 of gzip": base64.b64encode(gzip.compress(NAME.encode())),
}


@pytest.mark.parametrize("how", SPELLED)
def test_a_name_is_found_in_every_spelling(how: str) -> None:
    """An erasure that overlooks one leaves the person in the archive."""
    assert any(NAME in text for text in readings(SPELLED[how]))


def test_reading_ends_however_deeply_something_is_packed() -> None:
    """A stored text must not stop the run that reads it."""
    packed = NAME.encode()
    for _ in range(20):
        packed = gzip.compress(packed)
    assert len(list(readings(packed))) < 100
