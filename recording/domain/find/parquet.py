"""Write Parquet: the part of the format that a table of plain columns needs, and nothing else. Pure.

One data page for each column and group of rows, values as they are (PLAIN), compressed with GZIP. Every column may hold
nulls. A library for this would add 20 to 150 MB to the deployed app, paid at each cold start (docs/adr/0036).
Format: https://parquet.apache.org/docs/file-format/
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

GROUP = 50_000  # rows; a reader works on groups in parallel, and skips those it does not want
MAGIC = b"PAR1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GZIP = 2  # the codec
_RLE, _PLAIN = 3, 0  # encodings
_OPTIONAL = 1
_TRUE, _I32, _I64, _BINARY, _LIST, _STRUCT = 1, 5, 6, 8, 9, 12  # types of Thrift's compact protocol


class Kind(Enum):
    """The type of a column: Parquet's physical type and its converted type."""

    FLAG = (0, None)
    WHOLE = (2, None)  # 64 bits
    NUMBER = (5, None)  # a double
    TEXT = (6, 0)  # UTF-8
    TIME = (2, 10)  # microseconds since 1970, UTC


@dataclass(frozen=True)
class Column:
    """A column; its values are at the same place in each row."""

    name: str
    kind: Kind


def parquet(columns: Sequence[Column], rows: Sequence[Sequence[Any]], created_by: str) -> bytes:
    """Return a whole file.

    Args:
        columns: their names are different.
        rows: each with a value or None for each column; a whole number of more than 64 bits is written as None.
        created_by: the program, as the format asks for.
    """
    out, groups = bytearray(MAGIC), []
    for first in range(0, len(rows), GROUP):
        group = rows[first : first + GROUP]
        chunks = [
            _chunk(out, column, [_fitting(column, row[at]) for row in group]) for at, column in enumerate(columns)
        ]
        total = sum(size for _, size in chunks)
        groups.append(
            _struct((1, _LIST, _list(_STRUCT, [told for told, _ in chunks])), (2, _I64, total), (3, _I64, len(group)))
        )
    root = _struct((4, _BINARY, b"schema"), (5, _I32, len(columns)))
    footer = _struct(
        (1, _I32, 1),
        (2, _LIST, _list(_STRUCT, [root, *map(_element, columns)])),
        (3, _I64, len(rows)),
        (4, _LIST, _list(_STRUCT, groups)),
        (6, _BINARY, created_by.encode()),
    )
    return bytes(out) + footer + struct.pack("<I", len(footer)) + MAGIC


def _fitting(column: Column, value: Any) -> Any:
    """Return a value that its type has room for; None in place of a number from elsewhere that it has not."""
    is_whole = column.kind is Kind.WHOLE and value is not None
    return None if is_whole and not -(1 << 63) <= value < 1 << 63 else value


def _element(column: Column) -> bytes:
    physical, converted = column.kind.value
    fields: list[tuple[int, int, Any]] = [(1, _I32, physical), (3, _I32, _OPTIONAL), (4, _BINARY, column.name.encode())]
    if converted is not None:
        fields.append((6, _I32, converted))
    if column.kind is Kind.TIME:  # newer readers look here for whether it is in UTC
        microseconds = _struct((2, _STRUCT, _struct()))
        fields.append((10, _STRUCT, _struct((8, _STRUCT, _struct((1, _TRUE, b""), (2, _STRUCT, microseconds))))))
    return _struct(*fields)


def _chunk(out: bytearray, column: Column, values: list[Any]) -> tuple[bytes, int]:
    """Add a column's page; return what the footer says of it, and its size before compression."""
    plain = _levels(values) + _plain(column.kind, [value for value in values if value is not None])
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(plain) + packer.flush()
    page = _struct((1, _I32, len(values)), (2, _I32, _PLAIN), (3, _I32, _RLE), (4, _I32, _RLE))
    header = _struct((1, _I32, 0), (2, _I32, len(plain)), (3, _I32, len(packed)), (5, _STRUCT, page))
    offset = len(out)
    out += header + packed
    told = _struct(
        (1, _I32, column.kind.value[0]),
        (2, _LIST, _list(_I32, [_zigzag(_PLAIN), _zigzag(_RLE)])),
        (3, _LIST, _list(_BINARY, [_text(column.name.encode())])),
        (4, _I32, _GZIP),
        (5, _I64, len(values)),
        (6, _I64, len(header) + len(plain)),
        (7, _I64, len(header) + len(packed)),
        (9, _I64, offset),
    )
    return _struct((2, _I64, offset), (3, _STRUCT, told)), len(header) + len(plain)


def _levels(values: list[Any]) -> bytes:
    """Return which values are present: one run if all are, else a bit for each."""
    if all(value is not None for value in values):
        runs = _varint(len(values) << 1) + b"\x01"
    else:
        bits = sum(1 << at for at, value in enumerate(values) if value is not None)
        octets = (len(values) + 7) // 8
        runs = _varint(octets << 1 | 1) + bits.to_bytes(octets, "little")
    return struct.pack("<I", len(runs)) + runs


def _plain(kind: Kind, values: list[Any]) -> bytes:
    if kind is Kind.FLAG:
        bits = sum(1 << at for at, value in enumerate(values) if value)
        return bits.to_bytes((len(values) + 7) // 8, "little")
    if kind is Kind.NUMBER:
        return struct.pack(f"<{len(values)}d", *values)
    if kind is Kind.TEXT:
        texts = [value.encode(errors="replace") for value in values]
        return b"".join(part for text in texts for part in (struct.pack("<I", len(text)), text))
    whole = [(value - _EPOCH) // timedelta(microseconds=1) for value in values] if kind is Kind.TIME else values
    return struct.pack(f"<{len(whole)}q", *whole)


# --- Thrift's compact protocol, in which page headers and the footer are written -------------------------------------


def _struct(*fields: tuple[int, int, Any]) -> bytes:
    """Write fields in the order of their numbers: number, type, value."""
    return b"".join(_fields(fields)) + b"\0"


def _fields(fields: Sequence[tuple[int, int, Any]]) -> Iterator[bytes]:
    last = 0
    for number, kind, value in fields:
        yield bytes([(number - last) << 4 | kind])
        last = number
        if kind in (_I32, _I64):
            yield _zigzag(value)
        else:
            yield _text(value) if kind == _BINARY else value


def _list(kind: int, values: Sequence[bytes]) -> bytes:
    count = len(values)
    head = bytes([count << 4 | kind]) if count < 15 else bytes([0xF0 | kind]) + _varint(count)
    return head + b"".join(values)


def _text(value: bytes) -> bytes:
    return _varint(len(value)) + value


def _zigzag(number: int) -> bytes:
    return _varint(number << 1 if number >= 0 else (-number << 1) - 1)


def _varint(number: int) -> bytes:
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)
