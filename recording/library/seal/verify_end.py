"""Verify that the end of the log is there: against checkpoints kept elsewhere, and against the clock.

A log whose last checkpoints were removed, with all that they covered, is consistent in itself. Two things reveal it: a
checkpoint of the removed part that was kept elsewhere, and the time, since a checkpoint is made each day even when
nothing was written.
"""

from collections.abc import Sequence
from datetime import datetime

from recording.domain.seal.checkpoint import SealFormatError, read_checkpoint
from recording.domain.seal.leaves import checkpoint_name, read_proofs
from recording.library.seal.log import LATEST, Memory, memory_of
from recording.library.seal.verdict import Log, ProblemKind, Verdict


def check_witnesses(witnesses: Sequence[bytes], log: Log | None, verdict: Verdict) -> None:
    """Report each checkpoint that a witness knows and the log has not.

    Raises:
        ValueError: a witness names no checkpoint.
    """
    for known in [one for text in witnesses for one in _named_in(text)]:
        name = f"{log.prefix if log else ''}{checkpoint_name(known.number)}"
        found = log.checkpoints.get(known.number) if log is not None else None
        if found is None:
            verdict.report(ProblemKind.LOG_CUT, name, "a witness has this checkpoint, and the log has not")
        elif found.digest != known.digest:
            verdict.report(ProblemKind.LOG_CUT, name, "a witness has another checkpoint of this number: a fork")


def check_age(copied_at: datetime | None, verdict: Verdict) -> None:
    """Report a log that ended longer before the copy was made than a day without anything to seal explains."""
    if copied_at is None or verdict.last_at is None:
        return
    age = copied_at - datetime.fromisoformat(verdict.last_at)
    if age > LATEST:
        hours = int(age.total_seconds() // 3600)
        verdict.report(ProblemKind.LOG_CUT, "checkpoints", f"it ends {hours} hours before the copy was made")


def _named_in(text: bytes) -> list[Memory]:
    """Return the checkpoints that a witness names: itself, the one in a document of proofs, or one a line."""
    for read in (_checkpoint_in, lambda raw: _checkpoint_in(read_proofs(raw)[0])):
        try:
            return [read(text)]
        except SealFormatError:
            continue
    lines = [line for line in text.decode(errors="replace").splitlines() if line.strip()]
    known = [memory_of(line) for line in lines]
    found = [one for one in known if one is not None]
    if not found or len(found) != len(lines):
        raise ValueError("a witness is a checkpoint, a document of proofs, or lines of a number and a digest")
    return found


def _checkpoint_in(raw: bytes) -> Memory:
    signed = read_checkpoint(raw)
    return Memory(signed.checkpoint.number, signed.digest)
