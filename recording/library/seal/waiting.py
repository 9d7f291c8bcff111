"""Put things on the list of what is to be sealed; the timer does the rest."""

import secrets

from recording.domain.seal.checkpoint import SealFormatError
from recording.domain.seal.leaves import read_proofs, sealed_number
from recording.ports import Ports
from recording.ports.seal import ToSeal, Waiting

SECRET_BYTES = 16


def seal_recording(recording_id: str, ports: Ports) -> None:
    """Have the documents of a recording sealed, those that are not yet or have changed.

    Raises:
        StorageError: the list cannot be written.
    """
    _add(Waiting.RECORDING, recording_id, ports)


def seal_file(blob_name: str, ports: Ports) -> None:
    """Have a document of the archive sealed: a hold, an export's manifest, a certificate.

    Raises:
        StorageError: the list cannot be written.
    """
    _add(Waiting.FILE, blob_name, ports)


def withdraw_folder(folder: str, certificate: str, ports: Ports) -> list[int]:
    """Have a folder's leaves declared void before its files are destroyed; returns their numbers.

    Without this statement, which is sealed as well, whoever verifies the log later finds files missing.

    Args:
        folder: whose files are about to be destroyed, with the proofs beside them.
        certificate: the id of the certificate that says why.
        ports: the archive, and the list.

    Raises:
        StorageError: the archive cannot be read, or the list cannot be written.
    """
    leaves = sorted({leaf for name in _sealed_in(folder, ports) for leaf in _leaves_in(name, ports)})
    if leaves and ports.seal is not None:
        facts = {"leaves": leaves, "at": ports.clock.now().isoformat()}
        ports.seal.waiting.add(ToSeal(Waiting.WITHDRAWAL, certificate, secrets.token_bytes(SECRET_BYTES), facts))
    return leaves


def _sealed_in(folder: str, ports: Ports) -> list[str]:
    return [blob.name for blob in ports.archive.list(f"{folder}/seal.") if sealed_number(blob.name) is not None]


def _leaves_in(name: str, ports: Ports) -> list[int]:
    stored = ports.archive.get(name)
    try:
        return [proof.leaf for proof in read_proofs(stored[0])[1]] if stored else []
    except SealFormatError:
        return []


def _add(what: Waiting, name: str, ports: Ports) -> None:
    if ports.seal is not None:
        ports.seal.waiting.add(ToSeal(what, name, secrets.token_bytes(SECRET_BYTES)))
