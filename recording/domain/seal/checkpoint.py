"""Checkpoints: what is signed, in the form of C2SP's tlog-checkpoint and signed-note. Pure.

The signed text is everything before the first empty line, with its last line end:

    acme.blob.core.windows.net/recording-seal      the log's name
    1047                                           leaves
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=   the root over all of them
    number 42                                      checkpoints are numbered without a gap
    at 2026-11-28T09:35:00+00:00                   by the clock of the app
    previous 9f8a…                                 SHA-256 of the checkpoint before, as it is stored
    batch 04c1…                                    SHA-256 of the list of leaves that this one adds

    — acme.blob.core.windows.net/recording-seal <base64 of key id and signature>

The signature is ECDSA over P-256 with SHA-256 in DER, which is type 0x02 of signed-note and what `openssl dgst` reads.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

_DASH = "\N{EM DASH} "
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
KEY_ID_BYTES = 4


class SealFormatError(ValueError):
    """A stored document of the seal has another form than this app writes."""


@dataclass(frozen=True)
class Checkpoint:
    """One signed state of the log."""

    origin: str
    size: int
    root: bytes
    number: int
    at: datetime
    batch: str
    previous: str | None = None

    @property
    def text(self) -> bytes:
        """Return what is signed."""
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode(), f"number {self.number}"]
        lines += [f"at {self.at.isoformat()}"]
        lines += [f"previous {self.previous}"] if self.previous is not None else []
        lines += [f"batch {self.batch}"]
        return ("\n".join(lines) + "\n").encode()


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint as it is stored, with its signature and the id of the key that made it."""

    checkpoint: Checkpoint
    key_id: bytes
    signature: bytes
    raw: bytes

    @property
    def digest(self) -> str:
        """Return the SHA-256 by which the next checkpoint names this one."""
        return hashlib.sha256(self.raw).hexdigest()


def key_id_of(public_key: bytes) -> bytes:
    """Return the id of a public key in DER, as signed-note defines it for ECDSA."""
    return hashlib.sha256(public_key).digest()[:KEY_ID_BYTES]


def signed(checkpoint: Checkpoint, public_key: bytes, signature: bytes) -> SignedCheckpoint:
    """Return the checkpoint with its signature line."""
    key_id = key_id_of(public_key)
    line = f"{_DASH}{checkpoint.origin} {base64.b64encode(key_id + signature).decode()}\n"
    return SignedCheckpoint(checkpoint, key_id, signature, checkpoint.text + b"\n" + line.encode())


def read_checkpoint(raw: bytes) -> SignedCheckpoint:
    """Return a stored checkpoint.

    Raises:
        SealFormatError: it is none, or not byte by byte what this app would write.
    """
    try:
        text, _, last = raw.decode().rpartition("\n\n")
        checkpoint = _checkpoint(text.split("\n"))
        dash, name, encoded = last.removesuffix("\n").split(" ")
        joined = base64.b64decode(encoded, validate=True)
    except (ValueError, LookupError, binascii.Error) as error:
        raise SealFormatError(f"not a checkpoint ({type(error).__name__})") from None
    key_id, signature = joined[:KEY_ID_BYTES], joined[KEY_ID_BYTES:]
    is_plain = base64.b64encode(joined).decode() == encoded  # other last bits would decode to the same bytes
    if (f"{dash} ", name) != (_DASH, checkpoint.origin) or not signature or not is_plain:
        raise SealFormatError("not a checkpoint: its signature line is of another form")
    if raw != checkpoint.text + b"\n" + last.encode() or not last.endswith("\n"):
        raise SealFormatError("not a checkpoint: its text is of another form")
    return SignedCheckpoint(checkpoint, key_id, signature, raw)


def _checkpoint(lines: list[str]) -> Checkpoint:
    origin, size, root, *rest = lines
    facts = dict(line.split(" ", 1) for line in rest)
    if not {"number", "at", "batch"} <= set(facts) or not origin:
        raise ValueError("a line is missing")
    if not all(_NUMBER.fullmatch(number) for number in (size, facts["number"])):
        raise ValueError("a number is of another form")
    if not all(_HEX.fullmatch(facts[name]) for name in ("previous", "batch") if name in facts):
        raise ValueError("a digest is of another form")
    at = datetime.fromisoformat(facts["at"])
    if at.utcoffset() is None:
        raise ValueError("the time has no zone")
    return Checkpoint(
        origin=origin,
        size=int(size),
        root=base64.b64decode(root, validate=True),
        number=int(facts["number"]),
        at=at,
        batch=facts["batch"],
        previous=facts.get("previous"),
    )
