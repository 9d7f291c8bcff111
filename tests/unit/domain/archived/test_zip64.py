"""ZIP64 headers against Python's own reader, with sizes and offsets that need 64 bits."""

import io
import struct
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.domain.archived.zip64 import ZipEntry, central_header, crc_of, end_records, local_header

AT = datetime(2026, 11, 28, 9, 35, 8, tzinfo=UTC)


def made(files: dict[str, bytes]) -> bytes:
    content, directory = b"", b""
    for name, data in files.items():
        entry = ZipEntry(name, len(data), crc_of(data), AT, len(content))
        content += local_header(entry) + data
        directory += central_header(entry)
    return content + directory + end_records(len(files), len(content), len(directory))


@given(st.dictionaries(st.text("abcäü/ ._-0", min_size=1, max_size=20), st.binary(max_size=200), max_size=8))
def test_what_is_written_is_read_by_others(files: dict[str, bytes]) -> None:
    """Names in any script, empty files, no files at all."""
    with zipfile.ZipFile(io.BytesIO(made(files))) as opened:
        assert opened.testzip() is None
        assert {info.filename: opened.read(info) for info in opened.infolist()} == files
        assert all(info.date_time == (2026, 11, 28, 9, 35, 8) for info in opened.infolist())


def test_sizes_and_offsets_above_four_gib_are_told() -> None:
    """Of a sparse file: only the directory is read."""
    entry = ZipEntry("large.mp4", 6 << 30, 7, AT, 5 << 30)
    directory = central_header(entry)
    offset = (11 << 30) + 100

    class Sparse(io.RawIOBase):
        """A file of zeros with a directory at its end."""

        end = directory + end_records(1, offset, len(directory))
        place = 0

        def seekable(self) -> bool:
            return True

        def readable(self) -> bool:
            return True

        def seek(self, to: int, whence: int = 0) -> int:
            self.place = to + {0: 0, 1: self.place, 2: offset + len(self.end)}[whence]
            return self.place

        def tell(self) -> int:
            return self.place

        def read(self, size: int = -1) -> bytes:
            start = self.place - offset
            data = self.end[start : start + size if size >= 0 else None] if start >= 0 else bytes(max(size, 0))
            self.place += len(data)
            return data

    with zipfile.ZipFile(Sparse()) as opened:
        (info,) = opened.infolist()
        assert (info.file_size, info.header_offset) == (6 << 30, 5 << 30)


def test_a_local_header_tells_the_size_before_the_data() -> None:
    """So a reader that streams needs no descriptor behind an entry."""
    header = local_header(ZipEntry("a", 5 << 30, 1, AT))
    flags = struct.unpack_from("<H", header, 6)[0]
    assert not flags & 8
    assert struct.unpack_from("<Q", header, 30 + 1 + 4)[0] == 5 << 30


@pytest.mark.slow
@pytest.mark.parametrize("count", [65_535, 65_536])
def test_more_entries_than_sixteen_bits_count_are_all_read(count: int) -> None:
    """A bundle of five thousand recordings has more files than that; the old field is full, and the new one counts."""
    content, directory = bytearray(), bytearray()
    for number in range(count):
        entry = ZipEntry(f"{number}", 0, 0, AT, len(content))
        content += local_header(entry)
        directory += central_header(entry)
    whole = bytes(content + directory) + end_records(count, len(content), len(directory))
    with zipfile.ZipFile(io.BytesIO(whole)) as opened:
        names = opened.namelist()
        assert (len(names), names[-1]) == (count, f"{count - 1}")
        assert opened.read(names[-1]) == b""
    assert struct.unpack_from("<HH", whole, len(whole) - 22 + 8) == (min(count, 0xFFFF),) * 2
