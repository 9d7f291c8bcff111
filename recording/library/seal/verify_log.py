"""Verify the log: numbers without a gap, each checkpoint chained to the last, signed, and over just these leaves."""

import hashlib
import re
from collections.abc import Sequence

from recording.domain.seal import leaves as form
from recording.domain.seal.checkpoint import SealFormatError, SignedCheckpoint, read_checkpoint
from recording.domain.seal.leaves import OF_ROWS, Batch, Kind, Line, leaf_of, withdrawn_by
from recording.domain.seal.merkle import Tree
from recording.library.seal.verdict import Files, Keys, Log, ProblemKind, Verdict
from recording.library.seal.verify_beside import check_keys, check_tokens

_NUMBERED = {
    "checkpoints": re.compile(r"(?P<number>[0-9]{10})\.txt", re.ASCII),
    "batches": re.compile(r"(?P<number>[0-9]{10})-[0-9a-f]{16}\.json", re.ASCII),
    "journal": re.compile(r"(?P<number>[0-9]{10})-[0-9a-f]{16}\.jsonl", re.ASCII),
}
_NAME = re.compile(rf"(?P<prefix>(?:.*/)?)checkpoints/{_NUMBERED['checkpoints'].pattern}", re.ASCII)


def verify_log(files: Files, names: Sequence[str], keys: Keys, verdict: Verdict) -> Log | None:
    """Verify the log among the files; None when there is none."""
    found = [match for name in names if (match := _NAME.fullmatch(name))]
    if not found:
        return None
    log, tree = Log(found[0]["prefix"]), Tree()
    last: SignedCheckpoint | None = None
    batches: list[Batch] = []
    _check_is_alone(found, log, verdict)
    for number in _numbers(found, log, verdict):
        signed = _checkpoint(number, files, log, keys, verdict)
        if signed is not None:
            _check_order(signed, last, number, log, verdict)
            batch, tree = _leaves(signed, tree, log, files, verdict)
            batches += [batch] if batch else []
            last = signed
    _check_end(names, log, verdict)
    _check_rows(batches, log, files, verdict)
    check_keys(log, names, files, verdict)
    check_tokens(log, batches, names, files, verdict)
    verdict.leaves, verdict.withdrawn = len(log.leaves), len(log.withdrawn)
    verdict.last_at = last.checkpoint.at.isoformat() if last else None
    return log


def _check_is_alone(found: Sequence[re.Match[str]], log: Log, verdict: Verdict) -> None:
    for prefix in sorted({match["prefix"] for match in found} - {log.prefix}):
        verdict.report(ProblemKind.CHECKPOINT_OUT_OF_ORDER, f"{prefix}checkpoints", "a second log")


def _check_end(names: Sequence[str], log: Log, verdict: Verdict) -> None:
    """Report leaves and rows that no checkpoint covers, and files that do not belong to a log.

    A run of the timer whose worker died leaves leaves and rows behind the last checkpoint; they are covered once the
    next run has made that checkpoint.
    """
    last = max(log.checkpoints, default=-1)
    for name in names:
        folder, _, rest = name.removeprefix(log.prefix).partition("/")
        if not name.startswith(log.prefix) or folder not in _NUMBERED:
            continue
        matched = _NUMBERED[folder].fullmatch(rest)
        if matched is None:
            verdict.report(ProblemKind.CHECKPOINT_OUT_OF_ORDER, name, "no file of a log has this name")
        elif int(matched["number"]) > last:
            verdict.report(ProblemKind.LOG_CUT, name, f"no checkpoint covers it; the last one is number {last}")


def _numbers(found: Sequence[re.Match[str]], log: Log, verdict: Verdict) -> list[int]:
    """Return the numbers of all checkpoints among the files; report each gap once, however large."""
    numbers = sorted({int(match["number"]) for match in found if match["prefix"] == log.prefix})
    for before, number in zip([-1, *numbers], numbers, strict=False):
        if number > before + 1:
            name = f"{log.prefix}{form.checkpoint_name(before + 1)}"
            verdict.report(ProblemKind.CHECKPOINT_MISSING, name, f"{number - before - 1} up to number {number - 1}")
    return numbers


def _checkpoint(number: int, files: Files, log: Log, keys: Keys, verdict: Verdict) -> SignedCheckpoint | None:
    name = f"{log.prefix}{form.checkpoint_name(number)}"
    raw = files.read(name)
    if raw is None:
        verdict.report(ProblemKind.CHECKPOINT_MISSING, name)
        return None
    try:
        signed = read_checkpoint(raw)
    except SealFormatError:
        verdict.report(ProblemKind.CHECKPOINT_ALTERED, name)
        return None
    verdict.checkpoints += 1
    log.checkpoints[number] = signed
    keys.check(signed, name, verdict)
    return signed


def _check_order(
    signed: SignedCheckpoint, last: SignedCheckpoint | None, number: int, log: Log, verdict: Verdict
) -> None:
    """Check number, name and time, and that the checkpoint before is the one that this one names."""
    name, this = f"{log.prefix}{form.checkpoint_name(number)}", signed.checkpoint
    if this.number != number:
        verdict.report(ProblemKind.CHECKPOINT_OUT_OF_ORDER, name, f"it is number {this.number}")
    before = last.checkpoint if last else None
    if number == 0 and this.previous is not None:
        verdict.report(ProblemKind.CHECKPOINT_OUT_OF_ORDER, name, "the first one names one before it")
    if before is None or before.number != number - 1:
        return  # that one is missing, which is reported already
    if this.previous != (last.digest if last else None):
        verdict.report(ProblemKind.CHECKPOINT_OUT_OF_ORDER, name, "it was made after another one")
    if this.origin != before.origin or this.at < before.at or this.size < before.size:
        verdict.report(ProblemKind.CHECKPOINT_OUT_OF_ORDER, name, "it does not continue the one before")


def _leaves(
    signed: SignedCheckpoint, tree: Tree, log: Log, files: Files, verdict: Verdict
) -> tuple[Batch | None, Tree]:
    """Check that the root of a checkpoint follows from the leaves before it and its own.

    Returns:
        Its batch, None when it cannot be read; and the tree to grow next.
    """
    this = signed.checkpoint
    name = f"{log.prefix}{form.batch_name(this.number, this.batch)}"
    raw = files.read(name)
    try:
        if raw is None or hashlib.sha256(raw).hexdigest() != this.batch:
            raise SealFormatError("another digest")
        batch = form.read_batch(raw)
        grown = Tree(batch.first, batch.frontier, tuple(leaf.hash for leaf in batch.leaves))
    except ValueError:
        verdict.report(ProblemKind.LEAVES_ALTERED, name, "not the leaves that were signed" if raw else "not there")
        return None, Tree()
    if this.number == 0 and batch.first:
        verdict.report(ProblemKind.LEAVES_ALTERED, name, "the log does not begin with its first leaf")
    is_next = tree.size in (0, batch.first) and (not tree.size or tree.root() == _root_before(batch))
    if not is_next or (grown.size, grown.root()) != (this.size, this.root):
        verdict.report(ProblemKind.LEAVES_ALTERED, name, "they do not make up the root that was signed")
    log.leaves.update(enumerate(batch.leaves, start=batch.first))
    return batch, grown.settled()


def _root_before(batch: Batch) -> bytes:
    return Tree(batch.first, batch.frontier).root()


def _check_rows(batches: Sequence[Batch], log: Log, files: Files, verdict: Verdict) -> None:
    """Check every row against its leaf; a withdrawn row needs a sealed statement that says so."""
    withdrawn: list[tuple[Line, str]] = []
    for batch in batches:
        expected = {at for at, leaf in enumerate(batch.leaves, start=batch.first) if leaf.kind in OF_ROWS}
        name = f"{log.prefix}{form.journal_name(batch.number, batch.journal or '')}"
        lines = _lines(name, files, verdict) if batch.journal else []
        for line in lines:
            if line.row is None:
                withdrawn.append((line, name))
            else:
                _check_row(line, expected, log, name, verdict)
        if missing := expected - {line.leaf for line in lines}:
            verdict.report(ProblemKind.ROW_MISSING, name, f"{len(missing)} of {len(expected)} rows")
    for line, name in withdrawn:
        if line.leaf not in log.withdrawn:
            verdict.report(ProblemKind.ROW_MISSING, name, f"leaf {line.leaf} was withdrawn, and nothing says why")
        elif line.row_id != log.withdrawn[line.leaf]:
            verdict.report(ProblemKind.ROW_ALTERED, name, f"leaf {line.leaf} stood for another row")


def _lines(name: str, files: Files, verdict: Verdict) -> list[Line]:
    raw = files.read(name) or b""
    try:
        lines = form.read_journal(raw)
    except SealFormatError:
        verdict.report(ProblemKind.ROW_ALTERED, name, "it cannot be read")
        return []
    places = [line.leaf for line in lines]
    if form.written_journal(lines) != raw or places != sorted(set(places)):
        verdict.report(ProblemKind.ROW_ALTERED, name, "rows were added to, repeated or put in another order")
    return lines


def _check_row(line: Line, expected: set[int], log: Log, name: str, verdict: Verdict) -> None:
    leaf = leaf_of(line.kind, line.salt, line.content)
    if line.leaf not in expected or log.leaves.get(line.leaf) != leaf:
        verdict.report(ProblemKind.ROW_ALTERED, name, f"leaf {line.leaf}")
        return
    verdict.rows += 1
    log.explained.add(leaf)
    if line.kind is Kind.WITHDRAWAL and line.row:
        for at, row in withdrawn_by(line).items():
            log.withdrawn[at] = row or log.withdrawn.get(at)
