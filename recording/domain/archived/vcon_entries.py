"""What a vCon says about media files beside it, for an import: a neutral second way into the archive. Pure."""

import base64
import binascii
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from recording.domain.archived.importing import ImportEntry
from recording.domain.ids import is_opaque_id
from recording.errors import RequestError

ENDS = (".vcon.json", ".vcon")
_HASH = re.compile(r"(?P<algorithm>sha256|sha512)-(?P<digest>[A-Za-z0-9_-]+)", re.ASCII)


def is_vcon_name(name: str) -> bool:
    """Return whether a file is a vCon by its name."""
    return name.endswith(ENDS)


def vcon_entries(name: str, raw: bytes, names: Collection[str]) -> list[ImportEntry]:
    """Return an entry for each recording of a vCon whose media lies beside it.

    Args:
        name: of the vCon's file; media is looked for in its folder.
        raw: the vCon, in its unsigned form.
        names: all files there are.

    Raises:
        RequestError: `invalid_request`; it is no vCon of that form, or one of its media files is not there.
    """
    document = _document(name, raw)
    people = [_raw_id(party) for party in _dicts(document.get("parties"))]
    recordings = [one for one in _dicts(document.get("dialog")) if one.get("type") == "recording"]
    folder = name.rpartition("/")[0]
    return [_entry(_beside(folder, one, names), at, one, document, people) for at, one in enumerate(recordings)]


def _document(name: str, raw: bytes) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise RequestError(f"{name} is not JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("uuid"), str):
        raise RequestError(f"{name} is no vCon in its unsigned form")
    if document.get("critical"):
        raise RequestError(f"{name} needs extensions that are not known here")
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
        **_hashes(dialog.get("content_hash")),
    }
    return ImportEntry.read({name: value for name, value in facts.items() if value is not None})


def _places(dialog: Mapping[str, Any], count: int) -> list[int]:
    """Return the parties of a dialog, whichever of the three forms it lists them in."""
    found: list[int] = []
    waiting: list[Any] = [dialog.get("parties")]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, list):
            waiting = [*one, *waiting]
        elif isinstance(one, int) and not isinstance(one, bool) and 0 <= one < count and one not in found:
            found.append(one)
    return found


def _raw_id(party: Mapping[str, Any]) -> str | None:
    """Return how a party is named in metadata: a number as ACS writes it, else by what is stable about it."""
    tel = party.get("tel")
    if isinstance(tel, str) and tel:
        bare = tel.removeprefix("tel:")
        return f"4:{bare}" if bare.startswith("+") else bare
    named = (party.get(name) for name in ("uuid", "sip", "mailto", "did"))
    return next((text for text in named if isinstance(text, str) and text), None)


def _hashes(told: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in told if isinstance(told, list) else [told]:
        match = _HASH.fullmatch(text) if isinstance(text, str) else None
        if match:
            try:
                digest = base64.urlsafe_b64decode(match["digest"] + "=" * (-len(match["digest"]) % 4))
            except (ValueError, binascii.Error):
                continue
            found[match["algorithm"]] = digest.hex()
    return found


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    for one in value if isinstance(value, list) else ():
        yield one if isinstance(one, dict) else {}
