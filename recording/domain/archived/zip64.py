"""ZIP64 (APPNOTE 6.3, stored entries only): headers as bytes, so that an archive can be made of blocks in any order.

A local header is written once its entry's CRC is known, and goes in front of the entry when the blocks are committed.
So nothing is written twice, every reader finds sizes where it looks for them, and a run continues with the next entry.
"""

import struct
import zlib
from dataclasses import dataclass
from datetime import datetime

MOST_ENTRIES = 1_000_000  # far more than blocks; the format has no such limit
_LARGEST_32, _LARGEST_16 = 0xFFFFFFFF, 0xFFFF
_NEEDS_ZIP64, _UTF8, _STORED = 45, 0x0800, 0
_UNIX_FILE = 0o100644 << 16
_MADE_BY = 3 << 8 | _NEEDS_ZIP64  # Unix, so that file modes count


@dataclass(frozen=True)
class ZipEntry:
    """One file of an archive."""

    name: str
    length_bytes: int
    crc32: int
    at: datetime
    offset: int = 0  # of its local header


def crc_of(data: bytes, before: int = 0) -> int:
    """Return the CRC-32 of some bytes behind others."""
    return zlib.crc32(data, before)


def local_header(entry: ZipEntry) -> bytes:
    """Return what goes in front of an entry's bytes; sizes are always in the ZIP64 field."""
    name = entry.name.encode()
    extra = struct.pack("<HHQQ", 1, 16, entry.length_bytes, entry.length_bytes)
    date, time = _dos(entry.at)
    fields = (0x04034B50, _NEEDS_ZIP64, _UTF8, _STORED, time, date, entry.crc32, _LARGEST_32, _LARGEST_32)
    return struct.pack("<IHHHHHIIIHH", *fields, len(name), len(extra)) + name + extra


def central_header(entry: ZipEntry) -> bytes:
    """Return an entry's line in the directory at the end."""
    name = entry.name.encode()
    extra = struct.pack("<HHQQQ", 1, 24, entry.length_bytes, entry.length_bytes, entry.offset)
    date, time = _dos(entry.at)
    fields = (0x02014B50, _MADE_BY, _NEEDS_ZIP64, _UTF8, _STORED, time, date, entry.crc32, _LARGEST_32, _LARGEST_32)
    more = (len(name), len(extra), 0, 0, 0, _UNIX_FILE, _LARGEST_32)
    return struct.pack("<IHHHHHHIII", *fields) + struct.pack("<HHHHHII", *more) + name + extra


def end_records(count: int, directory_offset: int, directory_length: int) -> bytes:
    """Return what ends an archive."""
    zip64 = struct.pack(
        "<IQHHIIQQQQ",
        0x06064B50,
        44,
        _MADE_BY,
        _NEEDS_ZIP64,
        0,
        0,
        count,
        count,
        directory_length,
        directory_offset,
    )
    locator = struct.pack("<IIQI", 0x07064B50, 0, directory_offset + directory_length, 1)
    few = min(count, _LARGEST_16)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, few, few, _LARGEST_32, _LARGEST_32, 0)
    return zip64 + locator + end


def _dos(at: datetime) -> tuple[int, int]:
    """Return date and time as DOS wrote them: from 1980 on, in steps of two seconds."""
    year = min(max(at.year, 1980), 2107)
    return (year - 1980) << 9 | at.month << 5 | at.day, at.hour << 11 | at.minute << 5 | at.second // 2
