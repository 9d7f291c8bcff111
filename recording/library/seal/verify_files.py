"""Verify files by the proofs stored beside them, and media by their proved receipts."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from recording.domain.archived.after import follows
from recording.domain.archived.layout import CERTIFICATES, is_derived_receipt, receipt_name
from recording.domain.foreign_json import read_json
from recording.domain.seal.checkpoint import SealFormatError, SignedCheckpoint, read_checkpoint
from recording.domain.seal.leaves import (
    SALT_BYTES,
    Kind,
    Leaf,
    Proved,
    is_as_written,
    is_written_once,
    kind_of,
    read_proofs,
    sealed_number,
)
from recording.domain.seal.merkle import is_included
from recording.library.seal.verdict import Files, Keys, Log, ProblemKind, Verdict

_MEDIA = (".wav", ".mp3", ".mp4", ".bin")
_BLOB_NAME = re.compile(rb"[A-Za-z0-9._/=+ -]{1,1024}\.json", re.ASCII)  # of any document that is sealed


@dataclass(frozen=True)
class _Case:
    """What all checks of one run share.

    Attributes:
        files: what is verified.
        log: the log among them, as far as it could be read; None when there is none.
        keys: the public keys that count.
        verdict: collects the problems.
        with_media: whether media is compared with its receipts.
        names: of all files.
        seen: the checkpoints met in documents of proofs, by number.
        receipts: the proved receipts of media, by name.
        proved: the content of proved receipts and of the documents that follow them, by name.
        folders: the folders in which the files of a folder were sealed, by its name.
    """

    files: Files
    log: Log | None
    keys: Keys
    verdict: Verdict
    with_media: bool
    names: frozenset[str] = frozenset()
    seen: dict[int, SignedCheckpoint] = field(default_factory=dict)
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    proved: dict[str, bytes] = field(default_factory=dict)
    folders: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def verify_files(
    files: Files, names: Sequence[str], log: Log | None, keys: Keys, verdict: Verdict, *, with_media: bool
) -> None:
    """Verify every file that a proof covers, and report each document that needs a proof and has none."""
    case = _Case(files, log, keys, verdict, with_media, frozenset(names))
    own = f"{log.prefix}" if log else None
    outside = [name for name in names if own is None or not _is_of_log(name, own)]
    proofs = defaultdict[str, list[Proved]](list)
    for name in outside:
        if sealed_number(name) is not None:
            proofs[_folder(name)] += _checked_proofs(name, case)
    for folder, about in proofs.items():
        for name in sorted({one.name for one in about}):
            proofs_of = sorted((one for one in about if one.name == name), key=lambda one: one.leaf)
            _check_file(f"{folder}{name}", proofs_of[-1], case)
            _check_earlier(f"{folder}{name}", proofs_of, case)
    sealed = {f"{folder}{one.name}" for folder, about in proofs.items() for one in about}
    for name in outside:
        if _needs_proof(name) and name not in sealed:
            verdict.report(ProblemKind.FILE_NOT_SEALED, name)
        if (log or proofs) and _needs_receipt(name) and receipt_name(name) not in sealed:
            verdict.report(ProblemKind.MEDIA_NOT_SEALED, name, "no receipt vouches for it")
    _check_one_log(case)
    _check_neighbours(case)
    _check_places(case)
    _check_what_came_after(case)


def _needs_proof(name: str) -> bool:
    """Return whether a document of this name must be sealed: of a recording, a certificate, or of a derived file."""
    is_certificate = f"/{CERTIFICATES}" in f"/{name}" and name.endswith(".json") and sealed_number(name) is None
    return kind_of(name) is not None or is_certificate or is_derived_receipt(name)


def _needs_receipt(name: str) -> bool:
    """Return whether this is archived media; suspect, conflicting and derived files are known by their names."""
    is_apart = ".suspect-" in name or ".conflict-" in name or "/derived." in f"/{name}"
    return name.endswith(_MEDIA) and not is_apart


def _check_one_log(case: _Case) -> None:
    """Check that all checkpoints beside files are of one log that only grew; otherwise the log has forked."""
    checkpoints = [case.seen[number].checkpoint for number in sorted(case.seen)]
    for before, after in pairwise(checkpoints):
        has_one_root = before.size != after.size or before.root == after.root  # one size has one root
        if before.origin != after.origin or before.size > after.size or before.at > after.at or not has_one_root:
            name = f"checkpoint {after.number}"
            case.verdict.report(
                ProblemKind.CHECKPOINT_OUT_OF_ORDER, name, f"it does not continue number {before.number}"
            )


def _check_neighbours(case: _Case) -> None:
    """Check that the proved receipts of a folder are about one recording, and stored where they say."""
    recordings = defaultdict[str, set[str]](set)
    for name, receipt in case.receipts.items():
        recordings[_folder(name)].add(str(receipt.get("recordingId")))
        blob = receipt.get("blobName")
        if not isinstance(blob, str):
            continue
        where = receipt_name(blob)
        is_there = name.rpartition("/")[2] == where.rpartition("/")[2]
        if not is_there or (case.log is not None and not f"/{name}".endswith(f"/{where}")):
            case.verdict.report(ProblemKind.FILE_ALTERED, name, f"it is the receipt of {where}")
    for folder, found in recordings.items():
        if len(found) > 1:
            case.verdict.report(ProblemKind.FILE_ALTERED, folder, "receipts of several recordings")


def _check_places(case: _Case) -> None:
    """Check that the files of a folder were sealed in one folder; where the log is there, in this very folder."""
    for folder, sealed in case.folders.items():
        is_here = case.log is None or all(f"/{folder}".endswith(f"/{one}") for one in sealed)
        if len(sealed) > 1 or not is_here:
            case.verdict.report(ProblemKind.FILE_ALTERED, folder, "its files were sealed in another folder")


def _is_of_log(name: str, prefix: str) -> bool:
    rest = name.removeprefix(prefix)
    return name.startswith(prefix) and rest.partition("/")[0] in ("checkpoints", "batches", "journal", "keys", "tokens")


def _folder(name: str) -> str:
    folder, slash, _ = name.rpartition("/")
    return folder + slash


def _checked_proofs(name: str, case: _Case) -> list[Proved]:
    """Return the proofs of a document that lead to the root of its signed checkpoint; report the others."""
    try:
        document = case.files.read(name) or b""
        raw, proofs = read_proofs(document)
        signed, is_whole = read_checkpoint(raw), is_as_written(document)
    except SealFormatError:
        case.verdict.report(ProblemKind.PROOF_ALTERED, name, "it cannot be read")
        return []
    if not is_whole:
        case.verdict.report(ProblemKind.PROOF_ALTERED, name, "it says more than was written")
    if not _is_genuine(signed, name, case):
        return []
    if len({one.name for one in proofs}) != len(proofs) or not all(_is_plain(one.name) for one in proofs):
        case.verdict.report(ProblemKind.PROOF_ALTERED, name, "it names a file twice, or one of another folder")
        return []
    return [one for one in proofs if _leads_to_root(one, signed, name, case)]


def _is_genuine(signed: SignedCheckpoint, name: str, case: _Case) -> bool:
    if signed.checkpoint.number != sealed_number(name):
        case.verdict.report(ProblemKind.PROOF_ALTERED, name, f"it holds checkpoint {signed.checkpoint.number}")
        return False
    if case.log is not None:
        known = case.log.checkpoints.get(signed.checkpoint.number)
        if known is None or known.raw != signed.raw:
            case.verdict.report(ProblemKind.PROOF_ALTERED, name, "its checkpoint is not the log's")
            return False
        return True
    twin = case.seen.setdefault(signed.checkpoint.number, signed)
    if twin.checkpoint != signed.checkpoint:
        case.verdict.report(ProblemKind.CHECKPOINT_OUT_OF_ORDER, name, "another checkpoint has its number: a fork")
    case.verdict.checkpoints += 1
    case.verdict.last_at = max(case.verdict.last_at or "", signed.checkpoint.at.isoformat())
    return case.keys.check(signed, name, case.verdict)


def _is_plain(name: str) -> bool:
    """Return whether this is a bare file name of printable characters, safe to show on a terminal."""
    return name.isprintable() and "/" not in name and "\\" not in name and name not in ("", ".", "..")


def _leads_to_root(one: Proved, signed: SignedCheckpoint, name: str, case: _Case) -> bool:
    leaf, this = Leaf(one.kind, one.digest), signed.checkpoint
    if not is_included(leaf.hash, one.leaf, this.size, one.path, this.root):
        case.verdict.report(ProblemKind.PROOF_ALTERED, name, f"the proof of {one.name} leads to no root")
        return False
    if case.log is not None:
        case.log.explained.add(leaf)
    return True


def _check_file(name: str, proof: Proved, case: _Case) -> None:
    content = case.files.read(name) if name in case.names else None
    if kind_of(name) is not (None if proof.kind is Kind.DOCUMENT else proof.kind):
        case.verdict.report(ProblemKind.PROOF_ALTERED, name, f"it was sealed as {proof.kind}")
    elif content is None:
        is_void = case.log is not None and proof.leaf in case.log.withdrawn
        if not is_void:
            case.verdict.report(ProblemKind.FILE_MISSING, name)
    elif not proof.matches(content):
        case.verdict.report(ProblemKind.FILE_ALTERED, name)
    elif not _is_in_its_place(name, proof, content, case):
        case.verdict.report(ProblemKind.FILE_ALTERED, name, "it was sealed under another name")
    else:
        case.verdict.files += 1
        if proof.kind in (Kind.RECEIPT, Kind.AFTER):
            case.proved[name] = content
        if proof.kind is Kind.RECEIPT or is_derived_receipt(name):
            _check_media(name, content, case)


def _check_earlier(name: str, proofs: Sequence[Proved], case: _Case) -> None:
    """Check earlier proofs: of this place, and of a document that is written once, with no other content.

    The content of a document that was written anew is gone, and with it what the random part of its salt could prove
    (docs/adr/0069).
    """
    newest = proofs[-1]
    for one in proofs[:-1]:
        sealed = one.blob_name
        if len(one.salt) < SALT_BYTES or (sealed and _folder(sealed) + name.rpartition("/")[2] != sealed):
            case.verdict.report(ProblemKind.PROOF_ALTERED, name, "an earlier proof of it was made in another place")
        elif sealed:
            case.folders[_folder(name)].add(_folder(sealed))
    content = case.files.read(name) if name in case.names and is_written_once(name, newest.kind) else None
    if content is None or not newest.matches(content):
        return
    if any(not one.matches(content) for one in proofs if one.blob_name == newest.blob_name):
        case.verdict.report(ProblemKind.FILE_ALTERED, name, "it was sealed before with another content")


def _check_what_came_after(case: _Case) -> None:
    """Check that each proved document that follows a receipt (`.after.json`) is about the receipt beside it."""
    for name, content in case.proved.items():
        receipt = case.proved.get(name.removesuffix(".after.json") + ".receipt.json")
        if receipt is not None and name.endswith(".after.json") and not follows(content, receipt):
            case.verdict.report(ProblemKind.FILE_ALTERED, name, "it follows another receipt")


def _is_in_its_place(name: str, proof: Proved, content: bytes, case: _Case) -> bool:
    """Return whether a file was sealed under this name; its folder is compared with those of its neighbours later.

    A leaf of an earlier version does not hold the name. Its content must not begin with one: that would be a newer
    leaf whose name was moved from the salt into the content.
    """
    sealed = proof.blob_name
    if sealed is None:
        return not _BLOB_NAME.match(content)
    case.folders[_folder(name)].add(_folder(sealed))
    return _folder(sealed) + name.rpartition("/")[2] == sealed


def _check_media(name: str, receipt: bytes, case: _Case) -> None:
    """Compare the media beside a proved receipt with it; media in the customer's own storage is not among the files."""
    try:
        document = read_json(receipt)
        blob_name, sha256 = document.get("blobName"), document.get("sha256")
    except (ValueError, AttributeError):
        return
    if not is_derived_receipt(name):
        case.receipts[name] = document
    if not case.with_media or not isinstance(blob_name, str):
        return
    media = _folder(name) + blob_name.rpartition("/")[2]
    found = case.files.digest(media)
    if found is None:
        case.verdict.report(ProblemKind.MEDIA_MISSING, media)
    elif found != sha256:
        case.verdict.report(ProblemKind.MEDIA_DIFFERS, media)
    else:
        case.verdict.media += 1
