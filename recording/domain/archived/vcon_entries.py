"""What a vCon says about media files beside it, for an import: a neutral second way into the archive. Pure."""

import base64
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from recording.domain.archived.importing import ImportEntry, LackedChunk, VconEntry
from recording.domain.archived.vcon import LEFT_OUT
from recording.domain.formats import FormatType
from recording.domain.ids import is_opaque_id
from recording.errors import RequestError

ENDS = (".vcon.json", ".vcon")
_INLINE = re.compile(r"(?P<vcon>.+\.vcon(?:\.json)?)#(?P<at>[0-9]{1,6})", re.ASCII | re.DOTALL)
MOST_LACKED = 1000
LARGEST_VCON = 64 << 20  # it is read whole
_HASH = re.compile(r"(?P<algorithm>sha256|sha512)-(?P<digest>[A-Za-z0-9_-]+)", re.ASCII)
_HASH_BYTES = {"sha256": 32, "sha512": 64}
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_SEGMENT = re.compile(r"""[^"/?\\]+""")
_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})", re.ASCII)
_KNOWN_EXTENSIONS = ("lawful_basis",)
_FORMATS = {"wav": "wav", "x-wav": "wav", "vnd.wave": "wav", "mp3": "mp3", "x-mp3": "mp3", "mpeg": "mp3"}
_FORMATS |= {"mp4": "mp4", "x-mp4": "mp4"}


def is_vcon_name(name: str) -> bool:
    """Return whether a file is a vCon by its name."""
    return name.endswith(ENDS)


def vcon_entries(name: str, raw: bytes, names: Collection[str]) -> list[ImportEntry]:
    """Return an entry for each recording of a vCon whose media is stored beside it.

    Args:
        name: of the vCon's file; media is looked for in its folder.
        raw: the vCon, in its unsigned form.
        names: all files there are.

    Raises:
        RequestError: `invalid_request`; it is not a vCon of that form, or one of its media files is not there.
    """
    document = _document(name, raw)
    people = [_raw_id(party) for party in _dicts(document.get("parties"))]
    recordings, folder = recordings_in(document), name.rpartition("/")[0]
    places = [
        f"{name}#{at}" if body_of(one) is not None else _beside(folder, one, names) for at, one in enumerate(recordings)
    ]
    return [_entry(places[at], at, one, document, people) for at, one in enumerate(recordings)]


def lacked_before(metadata: bytes) -> list[dict[str, str]]:
    """Return what a recording lacked when it was imported, by a metadata document that the import has written."""
    try:
        source = json.loads(metadata)["source"]
        found = [LackedChunk.read(one) for one in source["leftOut"]] if source["kind"] == "import" else []
    except (ValueError, LookupError, TypeError, RecursionError, RequestError):
        return []
    return [{"what": one.what, "why": one.why} for one in found]


def _lacks(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what a vCon of ours says it lacks; an attachment of another form is another application's."""
    for one in _dicts(document.get("attachments")):
        if one.get("purpose") != LEFT_OUT or one.get("encoding") != "base64url":
            continue
        try:
            told = json.loads(bytes_of(str(one.get("body"))))
            return [{"what": lacked.what, "why": lacked.why} for lacked in map(LackedChunk.read, told[:MOST_LACKED])]
        except (ValueError, TypeError, LookupError, RecursionError, RequestError):
            continue
    return []


def names_in(vcon: str, raw: bytes) -> set[str]:
    """Return the files that a vCon that cannot be read may be about: of its own name, or whose name is in its text.

    Args:
        vcon: its file; its media is stored beside it.
        raw: as much of it as was read.
    """
    folder, slash, base = vcon.rpartition("/")
    stem = base.removesuffix(".json").removesuffix(".vcon")
    text = raw.decode("utf-8", "replace")
    plain = _ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), text).encode("utf-16", "surrogatepass")
    told = {*_SEGMENT.findall(text), *_SEGMENT.findall(plain.decode("utf-16", "replace"))}
    return {f"{folder}{slash}{one}" for one in (*told, *(f"{stem}.{extension}" for extension in FormatType))}


def inline_place(name: str) -> tuple[str, int] | None:
    """Return the vCon that media is inside of, and the number of its recording; None for a file of its own."""
    found = _INLINE.fullmatch(name)
    return (found["vcon"], int(found["at"])) if found else None


def recordings_in(document: object) -> list[dict[str, Any]]:
    """Return the dialogs of a vCon that are recordings."""
    dialogs = _dicts(document.get("dialog")) if isinstance(document, dict) else ()
    return [one for one in dialogs if one.get("type") == "recording"]


def body_of(dialog: Mapping[str, Any]) -> str | None:
    """Return the media inside a dialog, in base64url; None where it is somewhere else."""
    body = dialog.get("body")
    return body if isinstance(body, str) and body and dialog.get("encoding") == "base64url" else None


def bytes_of(text: str) -> bytes:
    """Return what a text in base64url without padding stands for.

    Raises:
        ValueError: it is not base64url.
    """
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _document(name: str, raw: bytes) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise RequestError(f"{name} is not JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("uuid"), str):
        raise RequestError(f"{name} is not an unsigned vCon")
    critical = document.get("critical")
    if critical and not (isinstance(critical, list) and all(one in _KNOWN_EXTENSIONS for one in critical)):
        raise RequestError(f"{name} needs extensions that this app does not know")
    if not _UUID.fullmatch(document["uuid"]):
        raise RequestError(f"{name} has an id that is not a UUID")
    return document


def _beside(folder: str, dialog: Mapping[str, Any], names: Collection[str]) -> str:
    """Return the file of a dialog, by its file name or the last part of its URL; nothing is fetched from elsewhere."""
    told = [str(dialog.get("filename") or ""), str(dialog.get("url") or "").partition("?")[0]]
    for candidate in told:
        for path in (f"{folder}/{candidate}", f"{folder}/{PurePosixPath(candidate).name}"):
            found = path.removeprefix("/")
            if candidate and ".." not in found and found in names:
                return found
    raise RequestError("the media of a recording is not beside its vCon")


def _entry(
    blob: str, at: int, dialog: Mapping[str, Any], document: Mapping[str, Any], people: list[str | None]
) -> ImportEntry:
    uuid = str(document["uuid"])
    facts = {
        "blob": blob,
        "recordingId": f"vcon-{uuid}" if is_opaque_id(f"vcon-{uuid}") else None,
        "index": at,
        "startedAt": dialog.get("start"),
        "participants": [one for one in (people[place] for place in _places(dialog, len(people))) if one],
        "tags": {"vcon": uuid},
        "format": _FORMATS.get(str(dialog.get("mediatype")).partition("/")[2]) if inline_place(blob) else None,
        "leftOut": _lacks(document),
        **_hashes(dialog.get("content_hash")),
    }
    return VconEntry.read({name: value for name, value in facts.items() if value is not None})


def _places(dialog: Mapping[str, Any], count: int) -> list[int]:
    """Return the parties of a dialog, whichever of the three forms it lists them in."""
    found = dict[int, None]()
    waiting: list[Any] = [dialog.get("parties")]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += reversed(one)
        elif isinstance(one, int) and not isinstance(one, bool) and 0 <= one < count:
            found.setdefault(one)
    return list(found)


def _raw_id(party: Mapping[str, Any]) -> str | None:
    """Return how a party is named in metadata: a number as ACS writes it, else by what is stable about it."""
    tel = party.get("tel")
    if isinstance(tel, str) and tel:
        bare = tel.removeprefix("tel:")
        return f"4:{bare}" if bare.startswith("+") else bare
    named = (party.get(name) for name in ("uuid", "sip", "mailto", "did"))
    return next((text for text in named if isinstance(text, str) and text), None)


def _hashes(told: object) -> dict[str, str]:
    """Return the digests that a dialog names; one that names some, and none to be checked, is not taken.

    Raises:
        RequestError: `invalid_request`.
    """
    found: dict[str, str] = {}
    texts = told if isinstance(told, list) else [told] if told is not None else []
    for match in filter(None, (_HASH.fullmatch(text) for text in texts if isinstance(text, str))):
        try:
            digest = bytes_of(match["digest"]).hex()
        except ValueError:
            digest = ""
        algorithm = match["algorithm"]
        if len(digest) != 2 * _HASH_BYTES[algorithm] or found.setdefault(algorithm, digest) != digest:
            raise RequestError("a content_hash of a vCon is of another length, or there are two that differ")
    if texts and not found:
        raise RequestError("the content_hash of a vCon is of an algorithm that is not checked here")
    return found


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    for one in value if isinstance(value, list) else ():
        yield one if isinstance(one, dict) else {}
