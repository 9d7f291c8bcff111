"""Start a transcription: when a recording is whole, Azure Speech gets a file for each speaker, without a SAS.

The archive splits unmixed audio into a WAV file for each channel, so the transcript knows who spoke without guessing.
What cannot be split goes as it is. Speech reads the files with its own identity, so no secret is in a request.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from recipes.inbox import word_of
from recipes.outside import Outside, OutsideError

NAME = "transcribe"
SWITCH = "SPEECH_ENDPOINT"  # https://NAME.cognitiveservices.azure.com
TYPES = frozenset({"archived", "incomplete"})
API_VERSION = "2024-11-15"
SCOPE = "https://cognitiveservices.azure.com/.default"
MOST_FILES = 1000  # of one transcription
HOURS_KEPT = 48  # of the result at Speech


def act(event: Mapping[str, Any], outside: Outside) -> None:
    """Start the transcription of a recording that is whole, once. Raises OutsideError, also while files are made."""
    recording_id = event["data"]["recordingId"]
    path = f"recordings/{quote(recording_id, safe='')}"
    _, recording = _archive(outside, "GET", path)
    if word_of(event) == "archived" and not recording["complete"]:
        return  # the event of its last file does it
    files = _speakers(outside, path) or sorted(chunk["blobName"] for chunk in recording["chunks"] if chunk["blobName"])
    key = hashlib.sha256("\n".join(files).encode()).hexdigest()
    if files and not outside.notes.has("transcription", key):
        for first in range(0, len(files), MOST_FILES):
            submit(files[first : first + MOST_FILES], str(event["id"]), outside)
        outside.notes.add("transcription", key)


def submit(files: Sequence[str], event_id: str, outside: Outside) -> None:
    """Ask Speech to transcribe these blobs of the archive. Raises OutsideError."""
    container = outside.setting("ARCHIVE_CONTAINER_URL").rstrip("/")
    content = {
        "displayName": f"recording archive {event_id}",  # no name, no number: it is listed at Speech
        "locale": outside.setting("SPEECH_LOCALE", "en-US"),
        "contentUrls": [f"{container}/{quote(name)}" for name in files],
        "properties": {"timeToLiveHours": HOURS_KEPT, "wordLevelTimestampsEnabled": True},
    }
    url = f"{outside.setting(SWITCH).rstrip('/')}/speechtotext/transcriptions:submit?api-version={API_VERSION}"
    outside.call("POST", url, _authorization(outside), content, expected=(201,))


def _speakers(outside: Outside, path: str) -> list[str]:
    """Return the blobs of the speakers; none where the archive says that it cannot be split, or has failed to."""
    status, told = _archive(outside, "POST", f"{path}/derived", {"kind": "speakers"}, also=(409, 422))
    if status != 202:
        if (told or {}).get("code") == "not_derivable":
            return []
        raise OutsideError(f"the archive makes no files yet: {(told or {}).get('code')}")
    if any(file["state"] == "failed" for file in told["files"]):
        return []
    if any(file["state"] != "made" for file in told["files"]):
        raise OutsideError("the speakers' files are being made")
    return sorted(file["blobName"] for file in told["files"])


def _archive(
    outside: Outside, method: str, path: str, content: Any = None, also: Sequence[int] = ()
) -> tuple[int, Any]:
    """Call the archive's API: as this app, whose role says what it may, and with the key that lets it in."""
    headers = outside.bearer(outside.setting("ARCHIVE_API_SCOPE")) if outside.has("ARCHIVE_API_SCOPE") else {}
    if outside.has("ARCHIVE_API_KEY"):
        headers["x-functions-key"] = outside.setting("ARCHIVE_API_KEY")
    url = f"{outside.setting('ARCHIVE_API_URL').rstrip('/')}/{path}"
    return outside.call(method, url, headers, content, expected=(200, 202), also=also)


def _authorization(outside: Outside) -> dict[str, str]:
    if outside.has("SPEECH_KEY"):
        return {"Ocp-Apim-Subscription-Key": outside.setting("SPEECH_KEY")}
    return outside.bearer(SCOPE)
