"""Time-stamps: the request in DER, and which answers grant one."""

import hashlib

import pytest

from recording.domain.seal.stamps import is_granted, stamp_request

DIGEST = hashlib.sha256(b"checkpoint").digest()


def answer(status: int, kind: int = 0x02) -> bytes:
    """Return a TimeStampResp with this status and nothing else."""
    return bytes([0x30, 5, 0x30, 3, kind, 1, status])


def test_the_request_has_the_digest_and_asks_for_certificates() -> None:
    """`openssl ts -query -sha256 -cert -no_nonce` writes the same 59 bytes."""
    algorithm = bytes.fromhex("300d06096086480165030402010500")
    imprint = bytes([0x30, len(algorithm) + 34]) + algorithm + bytes([0x04, 32]) + DIGEST
    content = b"\x02\x01\x01" + imprint + b"\x01\x01\xff"
    assert stamp_request(DIGEST) == bytes([0x30, len(content)]) + content


@pytest.mark.parametrize(("status", "granted"), [(0, True), (1, True), (2, False), (3, False), (5, False)])
def test_only_granted_answers_count(status: int, granted: bool) -> None:
    """RFC 3161: 0 is granted, 1 granted with changes; the rest are refusals and warnings."""
    assert is_granted(answer(status)) is granted


@pytest.mark.parametrize(
    "odd", [b"", b"\x30", b"<html>", answer(0)[:-1], answer(0, kind=0x04), b"\x30\x84\xff\xff\xff\xff"]
)
def test_what_is_not_an_answer_grants_nothing(odd: bytes) -> None:
    """A proxy may answer in place of the authority."""
    assert not is_granted(odd)
