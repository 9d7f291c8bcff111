"""Input and result of verifying: files by name, the keys that count, the log, and a list of problems."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from recording.domain.seal.checkpoint import SignedCheckpoint, key_id_of
from recording.domain.seal.leaves import Leaf
from recording.domain.seal.signature import is_signed, key_of_pem

PIECE = 4 << 20  # bytes of a file in memory at a time


class ProblemKind(StrEnum):
    """A way in which files are not as they were sealed."""

    CHECKPOINT_MISSING = "checkpoint_missing"
    CHECKPOINT_ALTERED = "checkpoint_altered"
    CHECKPOINT_OUT_OF_ORDER = "checkpoint_out_of_order"
    LOG_CUT = "log_cut"
    SIGNATURE_WRONG = "signature_wrong"
    KEY_UNKNOWN = "key_unknown"
    KEY_ALTERED = "key_altered"
    TOKEN_ALTERED = "token_altered"  # noqa: S105 - a time-stamp
    LEAVES_ALTERED = "leaves_altered"
    ROW_ALTERED = "row_altered"
    ROW_MISSING = "row_missing"
    PROOF_ALTERED = "proof_altered"
    FILE_ALTERED = "file_altered"
    FILE_MISSING = "file_missing"
    FILE_NOT_SEALED = "file_not_sealed"
    MEDIA_DIFFERS = "media_differs"
    MEDIA_MISSING = "media_missing"
    MEDIA_NOT_SEALED = "media_not_sealed"
    LEAF_WITHOUT_FILE = "leaf_without_file"


@dataclass(frozen=True, order=True)
class Problem:
    """One difference, at one file."""

    name: str
    kind: ProblemKind
    detail: str = ""


@dataclass
class Verdict:
    """What was found.

    Attributes:
        problems: empty when everything is as it was sealed.
        checkpoints: how many were checked.
        leaves: how many the log has; 0 without a log.
        files: documents whose content is proved.
        media: media files that are as their proved receipts say.
        rows: rows of the journals that are proved.
        withdrawn: leaves that a sealed statement declares void.
        last_at: when the last checkpoint was made.
        keys: the ids of the keys that signed, and whether each was given by the verifier.
    """

    problems: list[Problem] = field(default_factory=list)
    checkpoints: int = 0
    leaves: int = 0
    files: int = 0
    media: int = 0
    rows: int = 0
    withdrawn: int = 0
    last_at: str | None = None
    keys: dict[str, bool] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Return whether there was nothing to verify at all."""
        return not (self.checkpoints or self.files or self.problems)

    def report(self, kind: ProblemKind, name: str, detail: str = "") -> None:
        """Note a problem."""
        self.problems.append(Problem(name, kind, detail))


class Files(Protocol):
    """Some files by name, with slashes, from wherever they were copied to."""

    def names(self) -> Sequence[str]:
        """Return all of them, sorted."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return a small file; None when it is not there."""
        ...

    def digest(self, name: str) -> str | None:
        """Return the SHA-256 of a file of any size; None when it is not there."""
        ...


class FolderFiles:
    """The files under a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return all files, sorted."""
        return sorted(path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file())

    def read(self, name: str) -> bytes | None:
        """Return a small file."""
        path = self._folder / name
        return path.read_bytes() if path.is_file() else None

    def digest(self, name: str) -> str | None:
        """Return the SHA-256 of a file, read in pieces."""
        path = self._folder / name
        if not path.is_file():
            return None
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
        return digest.hexdigest()


@dataclass
class Keys:
    """The public keys that count, by their ids; keys that arrived with the files vouch only for their order."""

    by_id: dict[bytes, bytes]
    given: frozenset[bytes]

    def check(self, signed: SignedCheckpoint, name: str, verdict: Verdict) -> bool:
        """Return whether a checkpoint is signed by one of the keys; report what is wrong."""
        key = self.by_id.get(signed.key_id)
        if key is None:
            verdict.report(ProblemKind.KEY_UNKNOWN, name, f"key {signed.key_id.hex()}")
            return False
        if not is_signed(key, signed.signature, signed.checkpoint.text):
            verdict.report(ProblemKind.SIGNATURE_WRONG, name)
            return False
        verdict.keys[signed.key_id.hex()] = signed.key_id in self.given
        return True


def keys_of(files: Files, given: Sequence[bytes]) -> Keys:
    """Return the keys to check with: those given as PEM, or, without any, those stored among the files.

    Raises:
        ValueError: a given key is not a public key on P-256.
    """
    if given:
        keys = {key_id_of(key): key for key in map(key_of_pem, given)}
        return Keys(keys, frozenset(keys))
    return Keys({key_id_of(key): key for key in _found_keys(files)}, frozenset())


def _found_keys(files: Files) -> Iterator[bytes]:
    for name in files.names():
        if name.endswith(".pem"):
            try:
                yield key_of_pem(files.read(name) or b"")
            except ValueError:
                continue


@dataclass
class Log:
    """A log as far as it could be read.

    Attributes:
        prefix: of the names of its files.
        checkpoints: by number.
        leaves: by their place.
        withdrawn: by the place of each leaf that was declared void, the id of the row that it stood for; None for a
            document, and where the statement does not name the row.
        explained: the leaves whose content is among the files.
    """

    prefix: str
    checkpoints: dict[int, SignedCheckpoint] = field(default_factory=dict)
    leaves: dict[int, Leaf] = field(default_factory=dict)
    withdrawn: dict[int, str | None] = field(default_factory=dict)
    explained: set[Leaf] = field(default_factory=set)

    def unexplained(self) -> Mapping[int, str]:
        """Return the leaves that no file and no statement explains, with their kinds."""
        left = {at: leaf for at, leaf in self.leaves.items() if leaf not in self.explained and at not in self.withdrawn}
        return {at: leaf.kind.value for at, leaf in sorted(left.items())}
