"""Withdraw rows from the seal's journals: the log stays whole, and a sealed statement says which leaves are void.

A journal cannot be changed in place. Its new text is written beside it, the custodian destroys the old one, and the new
text is written under its name; a run that ends in between is continued by the next one.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from recording.domain.archived.layout import JSON
from recording.domain.keep.destroy import Place, StoredVersion
from recording.domain.seal.checkpoint import SealFormatError
from recording.domain.seal.leaves import (
    JOURNALS,
    Kind,
    Line,
    read_journal,
    read_proofs,
    sealed_number,
    written_journal,
    written_proofs,
)
from recording.library.seal.waiting import SECRET_BYTES
from recording.ports import Custodian, Ports
from recording.ports.library.keeping import DestroyAnswer
from recording.ports.library.seal import SealPorts, ToSeal, Waiting

BESIDE = ".withdrawing"
MOST_NAMED = 200  # rows in one statement: it is stored in a table, whose columns hold 32,000 characters
_LINES = "application/x-ndjson"


@dataclass
class Withdrawn:
    """What was done.

    Attributes:
        count: rows that were withdrawn.
        refused: versions of journals that storage protects from being destroyed.
    """

    count: int = 0
    refused: list[StoredVersion] = field(default_factory=list)


def withdraw_rows(
    is_to_go: Callable[[bytes], bool],
    certificate: str,
    custodian: Custodian,
    ports: Ports,
    *,
    after: str = "",
    reached: Callable[[str, Withdrawn], object] = lambda _name, _done: None,
) -> Withdrawn:
    """Withdraw from every journal the rows that are to go.

    Args:
        is_to_go: decides by a row's bytes.
        certificate: the id of the document that says why; it is sealed with the numbers of the leaves.
        custodian: the identity that may destroy.
        ports: the seal.
        after: the name of a journal; those up to it are passed over.
        reached: is given the name of each journal that was taken, with what was done until then.

    Raises:
        StorageError: storage does not answer; the next run continues.
    """
    done, seal = Withdrawn(), ports.seal
    if seal is None:
        return done
    names = [blob.name for blob in seal.store.list(JOURNALS)]
    for name in [one for one in names if one.endswith(BESIDE)]:
        _replace(name.removesuffix(BESIDE), custodian, seal, done)
    for name in sorted(one for one in names if not one.endswith(BESIDE) and one > after):
        stored = seal.store.get(name)
        gone = _rows_of(stored[0], is_to_go) if stored else []
        if stored and gone:
            for first in range(0, len(gone), MOST_NAMED):
                _declare_void(gone[first : first + MOST_NAMED], certificate, ports, seal)
            seal.store.put_once(name + BESIDE, _without(stored[0], {line.leaf for line in gone}), _LINES)
            done.count += len(gone) if _replace(name, custodian, seal, done) else 0
        reached(name, done)
    return done


def withdraw_documents(folder: str, names: Sequence[str], certificate: str, ports: Ports) -> list[int]:
    """Have the leaves of some documents declared void, and their salts removed from the proofs in the folder.

    The caller has the custodian destroy the earlier versions of the proofs. Repeating it withdraws nothing more.

    Args:
        folder: of the documents and their proofs.
        names: of the documents, with the folder.
        certificate: the id of the document that says why.
        ports: the archive, and the list of what is to be sealed.

    Returns:
        The numbers of the leaves.

    Raises:
        StorageError: the archive cannot be read, or the list cannot be written.
    """
    gone, void = {name.removeprefix(f"{folder}/") for name in names}, list[int]()
    for blob in ports.archive.list(f"{folder}/seal."):
        stored = ports.archive.get(blob.name) if sealed_number(blob.name) is not None else None
        if ports.seal is None or stored is None:
            continue
        try:
            checkpoint, proofs = read_proofs(stored[0])
        except SealFormatError:  # `seal verify` reports it
            continue
        leaves = [one.leaf for one in proofs if one.name in gone]
        if leaves:
            facts = {"leaves": leaves, "at": ports.clock.now().isoformat()}
            ports.seal.waiting.add(ToSeal(Waiting.WITHDRAWAL, certificate, secrets.token_bytes(SECRET_BYTES), facts))
            left = written_proofs(checkpoint, [one for one in proofs if one.name not in gone])
            ports.archive.put_if_unchanged(blob.name, left, JSON, stored[1])
            void += leaves
    return void


def _declare_void(gone: Sequence[Line], certificate: str, ports: Ports, seal: SealPorts) -> None:
    """Have a statement sealed that names the leaves, and the ids of the audit rows that they stood for."""
    facts = {
        "leaves": [line.leaf for line in gone],
        "rows": [_id_of(line) for line in gone],
        "at": ports.clock.now().isoformat(),
    }
    seal.waiting.add(ToSeal(Waiting.WITHDRAWAL, certificate, secrets.token_bytes(SECRET_BYTES), facts))


def _rows_of(raw: bytes, is_to_go: Callable[[bytes], bool]) -> list[Line]:
    try:
        return [line for line in read_journal(raw) if line.row is not None and is_to_go(line.content)]
    except SealFormatError:  # `seal verify` reports it
        return []


def _without(raw: bytes, gone: set[int]) -> bytes:
    """Return a journal without the content of some rows; their ids stay: they are a time and a random number."""
    return written_journal(
        [replace(one, row=None, row_id=_id_of(one)) if one.leaf in gone else one for one in read_journal(raw)]
    )


def _id_of(line: Line) -> str | None:
    found = line.row.get("id") if line.row and line.kind is Kind.AUDIT else None
    return str(found) if found else None


def _replace(name: str, custodian: Custodian, seal: SealPorts, done: Withdrawn) -> bool:
    """Put the text beside a journal in its place; return False, and note it, where storage protects the journal."""
    beside = seal.store.get(name + BESIDE)
    if beside is None:
        return False
    there = seal.store.get(name)
    if there is None or there[0] != beside[0]:
        refused = _destroy(name, custodian)
        done.refused += refused
        if refused:
            return False
        seal.store.put_once(name, beside[0], _LINES)
    _destroy(name + BESIDE, custodian)
    return True


def _destroy(name: str, custodian: Custodian) -> list[StoredVersion]:
    versions = [one for one in custodian.versions(Place.SEAL, name) if one.name == name]
    return [one for one in versions if custodian.destroy(one) is DestroyAnswer.REFUSED]
