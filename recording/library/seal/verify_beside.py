"""Verify what is stored beside the log: the public keys that signed it, and the time-stamps of its checkpoints."""

import hashlib
from collections.abc import Sequence

from recording.domain.seal import leaves as form
from recording.domain.seal.checkpoint import key_id_of
from recording.domain.seal.leaves import Batch
from recording.domain.seal.signature import key_of_pem, pem_of
from recording.library.seal.verdict import Files, Log, ProblemKind, Verdict


def check_keys(log: Log, names: Sequence[str], files: Files, verdict: Verdict) -> None:
    """Check that each key that signed a checkpoint is stored under its id, and no key under another one's id."""
    signed = {f"{log.prefix}{form.key_name(one.key_id)}" for one in log.checkpoints.values()}
    there = {name for name in names if name.startswith(f"{log.prefix}{form.KEYS}")}
    for name in sorted(signed - there):
        verdict.report(ProblemKind.KEY_ALTERED, name, "not there, and it signed checkpoints")
    for name in sorted(there):
        if name != f"{log.prefix}{_name_of(files.read(name) or b'')}":
            verdict.report(ProblemKind.KEY_ALTERED, name, "not the key of this id")


def _name_of(pem: bytes) -> str:
    """Return the name that a public key has; "" for anything but a key exactly as this app writes it."""
    try:
        key = key_of_pem(pem)
    except ValueError:
        return ""
    return form.key_name(key_id_of(key)) if pem_of(key) == pem else ""


def check_tokens(log: Log, batches: Sequence[Batch], names: Sequence[str], files: Files, verdict: Verdict) -> None:
    """Check that each time-stamp is over its checkpoint, and is the one that the next checkpoint sealed.

    The authority's signature in it is not checked here; `openssl ts -verify` does, with the authority's certificate.
    """
    sealed = {batch.number - 1: batch.stamp for batch in batches if batch.stamp}
    there = {name for name in names if name.startswith(f"{log.prefix}{form.TOKENS}")}
    expected = {f"{log.prefix}{form.token_name(number)}": number for number in {*log.checkpoints, *sealed}}
    for name in sorted(there - expected.keys()):
        verdict.report(ProblemKind.TOKEN_ALTERED, name, "over no checkpoint of the log")
    for name, number in sorted(expected.items()):
        token = files.read(name) if name in there else None
        known = log.checkpoints.get(number)
        if token is None:
            if number in sealed:
                verdict.report(ProblemKind.TOKEN_ALTERED, name, "not there, and the next checkpoint sealed it")
        elif number in sealed and hashlib.sha256(token).hexdigest() != sealed[number]:
            verdict.report(ProblemKind.TOKEN_ALTERED, name, "not as the next checkpoint sealed it")
        elif known is not None and bytes.fromhex(known.digest) not in token:
            verdict.report(ProblemKind.TOKEN_ALTERED, name, "over other bytes than its checkpoint")
