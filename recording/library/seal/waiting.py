"""Put recordings, documents and statements on the list of what is to be sealed; the timer seals them."""

import secrets
from collections.abc import Callable, Iterable

from recording.domain.seal.checkpoint import SealFormatError
from recording.domain.seal.leaves import read_proofs, sealed_number
from recording.ports import Ports, Unreadable
from recording.ports.library.seal import ToSeal, Waiting

SECRET_BYTES = 16


def seal_recording(recording_id: str, ports: Ports) -> None:
    """Have those documents of a recording sealed that are not sealed yet, or have changed.

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
    """Have a folder's leaves declared void before its files are destroyed; return their numbers.

    Without this statement, which is sealed as well, a later verification reports the files as missing.

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


def offline_proofs(folders: Iterable[str], ports: Ports) -> list[str]:
    """Return the proofs of these folders that are in the archive tier, so that their leaves cannot be declared void.

    Raises:
        StorageError: the archive does not list its blobs.
    """
    if ports.seal is None:
        return []
    listed = (blob for folder in folders for blob in ports.archive.list(f"{folder}/seal."))
    return [blob.name for blob in listed if blob.is_offline and sealed_number(blob.name) is not None]


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


def seal_all(ports: Ports, progress: Callable[[int], object] = lambda _: None) -> int:
    """Have every recording of the catalog sealed where it is not; return how many were put on the list.

    For an archive that is older than its seal, and after the table `seal` was lost. Sealed documents stay as they are.

    Args:
        ports: catalog and list.
        progress: receives the number of recordings so far, after each page.

    Raises:
        StorageError: the catalog does not answer, or the list cannot be written.
    """
    count, position = 0, ""
    while True:
        page = ports.catalog.recordings_page(position)
        for record in page.items:
            if not isinstance(record, Unreadable):
                seal_recording(record.recording_id, ports)
                count += 1
        progress(count)
        if page.error:
            raise page.error
        if not page.next:
            return count
        position = page.next
