"""Checkpoints and signatures: the form, byte by byte, and what `openssl` says to it."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.fakes.seal import ORIGIN, FakeSealKey
from recording.domain.seal.checkpoint import Checkpoint, SealFormatError, key_id_of, read_checkpoint, signed
from recording.domain.seal.signature import der_of, is_signed, key_of_pem, pem_of, public_key_of
from recording.domain.seal.stamps import is_granted, stamp_request

KEY = FakeSealKey()
CHECKPOINT = Checkpoint(
    origin=ORIGIN,
    size=1047,
    root=bytes(range(32)),
    number=42,
    at=datetime(2026, 11, 28, 9, 35, tzinfo=UTC),
    batch="ab" * 32,
    previous="cd" * 32,
)


def made(checkpoint: Checkpoint = CHECKPOINT) -> bytes:
    return signed(checkpoint, KEY.public_key(), KEY.sign(checkpoint.text)).raw


def test_a_checkpoint_has_the_form_of_the_published_one() -> None:
    """Name, size and root in the first three lines, extensions behind them, and a signature line after a blank one."""
    lines = made().decode().split("\n")
    assert lines[:3] == [ORIGIN, "1047", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]
    assert lines[3:7] == [
        "number 42",
        "at 2026-11-28T09:35:00+00:00",
        f"previous {'cd' * 32}",
        f"batch {'ab' * 32}",
    ]
    assert lines[7] == ""
    assert lines[8].startswith(f"— {ORIGIN} ")
    assert lines[9:] == [""]


def test_a_checkpoint_is_read_as_it_was_written() -> None:
    read = read_checkpoint(made())
    assert read.checkpoint == CHECKPOINT
    assert read.key_id == key_id_of(KEY.public_key())
    assert is_signed(KEY.public_key(), read.signature, read.checkpoint.text)


@given(st.integers(0), st.integers(0, 255))
def test_no_changed_byte_passes(place: int, other: int) -> None:
    """Either it is not read at all, or the signature does not fit what is read."""
    raw = made()
    at = place % len(raw)
    changed = raw[:at] + bytes([other]) + raw[at + 1 :]
    if changed == raw:
        return
    try:
        read = read_checkpoint(changed)
    except SealFormatError:
        return
    is_right_key = read.key_id == key_id_of(KEY.public_key())
    assert not is_right_key or not is_signed(KEY.public_key(), read.signature, read.checkpoint.text)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n",
        b"\xff",
        made().replace(b"number 42", b"number 042"),
        made().replace(b"number 42\n", b""),
        made().replace(b"1047", b"-1"),
        made().replace(b"+00:00", b""),
        made().replace(b"previous cd", b"previous zz"),
        made() + b"\n",
        made().removesuffix(b"\n"),
        made().replace(b"\n\n", b"\nmore lines\n\n"),
    ],
)
def test_what_is_no_checkpoint_is_refused(raw: bytes) -> None:
    """There is one spelling of a checkpoint, so nothing can hide in another one."""
    with pytest.raises(SealFormatError):
        read_checkpoint(raw)


def test_openssl_reads_the_key_and_accepts_the_signature(tmp_path: Path) -> None:
    """An auditor needs nothing of ours."""
    read = read_checkpoint(made())
    (tmp_path / "key.pem").write_bytes(pem_of(KEY.public_key()))
    (tmp_path / "sig").write_bytes(read.signature)
    (tmp_path / "text").write_bytes(read.checkpoint.text)
    command = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "sig", "text"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout == b"Verified OK\n"
    (tmp_path / "text").write_bytes(read.checkpoint.text.replace(b"1047", b"1048"))
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1


@given(st.binary(min_size=64, max_size=64))
def test_two_numbers_become_a_signature_in_der(raw: bytes) -> None:
    """Key Vault writes them one behind the other; every leading zero and every high bit counts."""
    numbers = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    assert decode_dss_signature(der_of(raw)) == numbers


def test_a_public_key_is_the_same_from_its_coordinates_and_from_pem() -> None:
    key = KEY.public_key()
    assert public_key_of(key[-64:-32], key[-32:]) == key
    assert key_of_pem(pem_of(key)) == key
    for bad in (b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", pem_of(key)[:90]):
        with pytest.raises(ValueError, match="not a public key"):
            key_of_pem(bad)


def test_a_wrong_key_text_or_signature_is_no_signature() -> None:
    signature = KEY.sign(b"text")
    assert is_signed(KEY.public_key(), signature, b"text")
    assert not is_signed(KEY.public_key(), signature, b"other")
    assert not is_signed(FakeSealKey(7).public_key(), signature, b"text")
    assert not is_signed(KEY.public_key(), b"", b"text")
    assert not is_signed(b"no key", signature, b"text")


def test_the_next_checkpoint_names_this_one_by_its_bytes() -> None:
    read = read_checkpoint(made())
    later = signed(CHECKPOINT, KEY.public_key(), KEY.sign(CHECKPOINT.text))
    assert read.digest != later.digest or read.raw == later.raw
    assert CHECKPOINT.at + timedelta() == read.checkpoint.at


def test_a_time_stamp_is_asked_for_as_openssl_asks(tmp_path: Path) -> None:
    """The request is small enough to be written by hand, and openssl must read it."""
    (tmp_path / "request.tsq").write_bytes(stamp_request(bytes(32)))
    command = ["openssl", "ts", "-query", "-in", "request.tsq", "-text"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, text=True).stdout
    assert "Hash Algorithm: sha256" in told
    assert "Certificate required: yes" in told


@pytest.mark.parametrize(
    ("answer", "granted"),
    [
        (bytes.fromhex("3005300302010" + "0"), True),
        (bytes.fromhex("30053003020101"), True),
        (bytes.fromhex("30053003020102"), False),
        (b"", False),
        (b"\x30\x84\xff", False),
        (b"<html>", False),
    ],
)
def test_only_a_granted_time_stamp_counts(answer: bytes, granted: bool) -> None:
    assert is_granted(answer) is granted
