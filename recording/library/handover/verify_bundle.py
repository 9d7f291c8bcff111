"""Verify a bundle of recordings, with Python 3.8 or later and openssl alone.

    python3 verify.py KEY.pem

KEY.pem is the archive's public key, as you were given it; several of them where it was changed. Run it in the folder
into which the bundle was unpacked. It reads files, starts `openssl dgst`, and changes nothing.

1. Each file has the digest that SHA256SUMS says, and no file was added.
2. The media has the digest of its receipt, which was written when it was archived.
3. Each sealed document is, byte for byte, a leaf of the tree whose root the archive's key signed (RFC 6962).
4. All media that a sealed manifest names is there, or export.json says why not.

Exit code 0: all of it is so. 1: something is not, and is named. 2: something has no proof: a document, media without a
receipt that the key signed (such as that of one speaker alone), or all of it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SALT, KINDS = 16, (".receipt.json", ".metadata.json", ".after.json")
PIECE = 1 << 20
MADE_HERE = ("SHA256SUMS", "VERIFY.txt", "export.json", "index.html", "verify.py")


def main(folder: Path, keys: list[Path]) -> int:
    """Verify a folder with these keys; return the exit code."""
    bad: list[str] = []
    listed = check_sums(folder, bad)
    left = left_out(folder, bad)
    check_media(folder, left, bad)
    proved = check_proofs(folder, keys, bad)
    check_manifests(folder, proved, left, bad)
    unproved = [name_of(path, folder) for path in without_proof(folder, proved)]
    if not proved:
        unproved.append("the bundle: the key proves nothing in it")
    for what in bad:
        print("WRONG      " + printable(what))
    for what in unproved:
        print("NO PROOF   " + printable(what))
    print(f"{listed} files, {len(proved)} documents proved, {len(bad)} wrong, {len(unproved)} without a proof")
    return 1 if bad else 2 if unproved else 0


def check_sums(folder: Path, bad: list[str]) -> int:
    """Check every file against the list, and that there is no other; return how many the list has."""
    listed = {}
    for line in (folder / "SHA256SUMS").read_bytes().decode("utf-8", "replace").split("\n")[:-1]:
        digest, _, name = line.partition("  ")
        listed[name] = digest
    for name, digest in sorted(listed.items()):
        path = folder / name
        if not path.is_file():
            bad.append(name + ": not there")
        elif digest_of(path) != digest:
            bad.append(name + ": not as it was packed")
    there = {name_of(path, folder) for path in folder.rglob("*") if path.is_file()}
    bad += [name + ": not in SHA256SUMS" for name in sorted(there - set(listed) - {"SHA256SUMS"})]
    return len(listed)


def left_out(folder: Path, bad: list[str]) -> set[str]:
    """Return what export.json says was left out."""
    told = read(folder / "export.json", folder, bad)
    try:
        return {str(one["what"]) for recording in told.get("recordings", ()) for one in recording.get("leftOut", ())}
    except (KeyError, TypeError, AttributeError):
        bad.append("export.json: it cannot be read")
        return set()


def check_media(folder: Path, left: set[str], bad: list[str]) -> None:
    """Check media against its receipt; what was left out need not be there."""
    for path in sorted(receipts_in(folder)):
        receipt = read(path, folder, bad)
        name = last_part(receipt.get("blobName"))
        media = path.parent / name
        if name and media.is_file() and digest_of(media) != receipt.get("sha256"):
            bad.append(name_of(media, folder) + ": not the media of its receipt")
        elif name and not media.is_file() and name not in left:
            bad.append(name_of(media, folder) + ": not there, and its receipt is")


def check_manifests(folder: Path, proved: set[Path], left: set[str], bad: list[str]) -> None:
    """Check that what the newest manifest of each recording names is there, where the key proves the manifest."""
    newest: dict[Path, tuple[int, Path]] = {}
    for path in folder.rglob("manifest*.json"):
        version = path.name[len("manifest.") : -len(".json")]
        number = int(version) if version.isdigit() else 1
        newest[path.parent] = max(newest.get(path.parent, (0, path)), (number, path))
    is_old = any(name.startswith("manifest") for name in left)  # a newer one is not here
    for _, path in sorted(newest.values()):
        chunks = read(path, folder, bad).get("chunks") if path in proved and not is_old else None
        for one in chunks if isinstance(chunks, list) else []:
            name, said = last_part(one.get("blobName")), f"chunk {one.get('index')}, "
            is_left = name in left or any(what.startswith((said, "the chunk of row ")) for what in left)
            if name and one.get("archived") and not is_left and not (path.parent / name).is_file():
                bad.append(name_of(path.parent / name, folder) + ": not there, and the sealed manifest names it")


def without_proof(folder: Path, proved: set[Path]) -> list[Path]:
    """Return the sealed kinds that are not proved, and other files of recordings without a proved receipt."""
    receipts = receipts_in(folder) & proved
    vouched = {path.parent / last_part(read(path, folder, []).get("blobName")) for path in receipts}
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = name_of(path, folder)
        is_ours = name in MADE_HERE or (name.startswith("keys/") and name.endswith(".pem"))
        if is_sealed_kind(path.name):
            found += [] if path in proved else [path]
        elif not is_ours and not path.match("seal.*.json") and not path.name.endswith(".vcon.json"):
            found += [] if path in vouched else [path]
    return found


def check_proofs(folder: Path, keys: list[Path], bad: list[str]) -> set[Path]:
    """Check every proof; return the files that are as their newest proof says."""
    newest: dict[Path, dict[str, Any]] = {}
    signed: dict[str, bool] = {}
    for path in sorted(folder.rglob("seal.*.json")):
        try:
            proofs = proofs_in(read(path, folder, bad), keys, signed)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            bad.append(f"{name_of(path, folder)}: {error}")
            continue
        for one in proofs:
            if one["leaf"] >= newest.get(path.parent / one["name"], one)["leaf"]:
                newest[path.parent / one["name"]] = one
    places: dict[Path, str] = {}
    proved: set[Path] = set()
    for path, one in sorted(newest.items()):
        fault = fault_of(path, one, places)
        if fault:
            bad.append(f"{name_of(path, folder)}: {fault}")
        else:
            proved.add(path)
    return proved


def proofs_in(document: dict[str, Any], keys: list[Path], signed: dict[str, bool]) -> list[dict[str, Any]]:
    """Return the proofs of a document that lead to a root that one of the keys signed, each with its salt in bytes.

    Raises:
        KeyError, TypeError, ValueError, IndexError: it cannot be read, or a proof leads elsewhere.
    """
    if not document:
        return []
    checkpoint, proofs = document["checkpoint"], list(document["files"])
    if checkpoint not in signed:
        signed[checkpoint] = is_signed(checkpoint, keys)
    if not signed[checkpoint]:
        raise ValueError("not signed by the key that you gave")
    _, size, root = checkpoint.split("\n")[:3]
    for one in proofs:
        if not leads_to(one, int(size), base64.b64decode(root)):
            raise ValueError(f"the proof of {one['name']!r} leads to no signed root")
        if "/" in one["name"] or "\\" in one["name"]:
            raise ValueError("it names a file of another folder")
    return [{**one, "salt": bytes.fromhex(one["salt"])} for one in proofs]


def fault_of(path: Path, one: dict[str, Any], places: dict[Path, str]) -> str | None:
    """Return why a file is not what its proof says, in the place where it was; None when it is."""
    salt = one["salt"]
    sealed = salt[SALT:].decode("utf-8", "replace")
    where, _, name = sealed.rpartition("/")
    if not path.is_file():
        return "not there, and its proof is"
    if hashlib.sha256(salt + path.read_bytes()).hexdigest() != one["digest"]:
        return "not as it was sealed"
    if sealed and name != path.name:
        return "it was sealed under another name"
    if sealed and places.setdefault(path.parent, where) != where:
        return "it was sealed in another folder than the files beside it"
    return None


def leads_to(one: dict[str, Any], size: int, root: bytes) -> bool:
    """Return whether a leaf and its path make up the root of a tree of that size."""
    found = hashlib.sha256(b"\0" + f"{one['kind']} {one['digest']}".encode()).digest()
    place, last, beside = one["leaf"], size - 1, [bytes.fromhex(each) for each in one["path"]]
    if not 0 <= place <= last:
        return False
    for each in beside:
        if last == 0:
            return False
        if place % 2 or place == last:
            found = hashlib.sha256(b"\1" + each + found).digest()
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            found = hashlib.sha256(b"\1" + found + each).digest()
        place, last = place // 2, last // 2
    return last == 0 and found == root


def is_signed(checkpoint: str, keys: list[Path]) -> bool:
    """Return whether one of the keys signed a checkpoint."""
    text, _, line = checkpoint.rpartition("\n\n")
    signature = base64.b64decode(line.split(" ")[2])[4:]
    with tempfile.TemporaryDirectory() as made:
        where = Path(made)
        (where / "text").write_bytes((text + "\n").encode())
        (where / "signature").write_bytes(signature)
        command = ["openssl", "dgst", "-sha256", "-signature", str(where / "signature")]
        asked = [[*command, "-verify", str(key), str(where / "text")] for key in keys]
        return any(subprocess.run(each, capture_output=True, check=False).returncode == 0 for each in asked)


def read(path: Path, folder: Path, bad: list[str]) -> dict[str, Any]:
    """Return a JSON document; an empty one, and a note, where it cannot be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        found = None
    if isinstance(found, dict):
        return found
    bad.append(name_of(path, folder) + ": it cannot be read")
    return {}


def is_sealed_kind(name: str) -> bool:
    """Return whether a document of this name is sealed."""
    return name.endswith(KINDS) or (name.startswith(("manifest.", "derived.")) and name.endswith(".json"))


def receipts_in(folder: Path) -> set[Path]:
    """Return the receipts of media and of derived files."""
    return {*folder.rglob("*.receipt.json"), *folder.rglob("derived.*.json")}


def last_part(name: object) -> str:
    """Return the last part of a blob's name; empty without a name."""
    return str(name or "").rpartition("/")[2]


def printable(text: str) -> str:
    """Return text for a terminal: what would move its cursor or hide a line is shown as a question mark."""
    return "".join(one if one.isprintable() else "?" for one in text)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(PIECE), b""):
            digest.update(piece)
    return digest.hexdigest()


def name_of(path: Path, folder: Path) -> str:
    """Return a file's name in the bundle."""
    return path.relative_to(folder).as_posix()


def run(folder: Path, given: list[str]) -> int:
    """Verify with the keys that were given, or else with those that came with the bundle; return the exit code."""
    if any(name in ("-h", "--help") for name in given):
        print(__doc__)
        return 0
    absent = [name for name in given if not Path(name).is_file()]
    for name in absent:
        print(f"{name}: there is no such file; give the archive's public key")
    if absent:
        return 1
    keys = [Path(name) for name in given] or sorted((folder / "keys").glob("*.pem"))
    if not given and keys:
        print("The keys in keys/ came with the bundle and prove nothing: pass the key that you received separately.")
    if not keys:
        print("No key was passed, and none came with the bundle: no signature is checked.")
    return main(folder, keys)


if __name__ == "__main__":
    sys.exit(run(Path(), sys.argv[1:]))
