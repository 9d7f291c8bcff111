"""Forged events by name: what each one lies about, and the reason with which it must be kept for a person.

Every one is a good event with one thing wrong, so that nothing else can be why it is refused.
"""

import json
from dataclasses import dataclass
from typing import Any

from dev.in_memory.builders import (
    CALL_ID,
    CONTAINER,
    RECORDING_ID,
    RESOURCE,
    chunk,
    cloud_event,
    document_id,
    event,
    event_file,
    location,
)
from recording.domain.incoming.events import LONGEST_SUBJECT, MOST_CHUNKS

HOST = "weu-storage.asm.skype.com"
PATH = f"/v1/objects/{document_id()}/content/video"
SUBJECT = f"/recording/call/{CALL_ID}/recordingId/{RECORDING_ID}"


@dataclass(frozen=True)
class Forged:
    """One forgery as it arrives, why it must be refused, and how much of it must be.

    Attributes:
        name: what it lies about.
        text: as it arrives.
        reason: of its entry in quarantine, or of its event in the log.
        taken: how many chunks of it are good and go to work all the same.
        is_kept: whether it leaves an entry; what is not our event at all, or only a side location, leaves none.
    """

    name: str
    text: str
    reason: str
    taken: int = 0
    is_kept: bool = True


def _told(reason: str, envelopes: dict[str, Any], *, taken: int = 0, is_kept: bool = True) -> list[Forged]:
    return [
        Forged(name, told if isinstance(told, str) else json.dumps(told), reason, taken, is_kept)
        for name, told in envelopes.items()
    ]


def _subject(call_id: str, recording_id: str = RECORDING_ID) -> dict[str, Any]:
    return event(subject=f"/recording/call/{call_id}/recordingId/{recording_id}")


def _twice(name: str, second: object, told: dict[str, Any] | None = None) -> str:
    """Return the event with a name in it a second time, as text: the last one counts in JSON."""
    text = json.dumps(told or event())
    at = text.index(f'"{name}": ')
    end = text.index(",", at)
    return f"{text[:end]}, {json.dumps(name)}: {json.dumps(second)}{text[end:]}"


OTHER_RESOURCE: dict[str, Any] = {
    "topic of another resource": event(topic=RESOURCE.replace("contoso", "fabrikam")),
    "topic of another subscription": event(topic=RESOURCE.replace("6f1c0d52", "6f1c0d53", 1)),
    "no topic": event(topic=None),
    "topic with a slash more": event(topic=RESOURCE + "/"),
    "topic with a space more": event(topic=" " + RESOURCE),
    "topic with a line break": event(topic=RESOURCE + "\n"),
    "topic with a null byte": event(topic=RESOURCE + "\x00"),
    "topic with a look-alike letter": event(topic=RESOURCE.replace("contoso", "c\u043entoso")),
    "topic with a wide letter": event(topic=RESOURCE.replace("contoso", "\uff43ontoso")),
    "topic that only ends well": event(topic="/evil" + RESOURCE),
    "topic that is a list": event(topic=[RESOURCE]),
    "topic that is an object": event(topic={"id": RESOURCE}),
    "topic twice": _twice("topic", "/subscriptions/evil"),
    "source of another resource": cloud_event(source="/subscriptions/evil"),
    "no source": cloud_event(source=None),
    "stray brace in the topic": event_file("event_grid_recording_only"),
}
OTHER_TYPE: dict[str, Any] = {
    "another type": event(eventType="Microsoft.Communication.ChatMessageReceived"),
    "another type in a CloudEvent": cloud_event(type="Microsoft.Communication.CallEnded"),
    "type twice": _twice("eventType", "Microsoft.Storage.BlobCreated"),
    "a call has ended": event_file("event_grid_call_ended"),
    "validation of a subscription": event_file("event_grid_subscription_validation"),
}
UNREADABLE_TYPE: dict[str, Any] = {
    "type with a look-alike letter": event(eventType="Micr\u043esoft.Communication.RecordingFileStatusUpdated"),
    "type with more behind a null byte": event(eventType="Microsoft.Communication.RecordingFileStatusUpdated\x00x"),
    "type that is a number": event(eventType=7),
    "type that is a list": event(eventType=["Microsoft.Communication.RecordingFileStatusUpdated"]),
}
UNREADABLE_SUBJECT: dict[str, Any] = {
    "no subject": event(subject=None),
    "empty subject": event(subject=""),
    "subject that is a number": event(subject=7),
    "subject that is a list": event(subject=[SUBJECT]),
    "subject about something else": event(subject="/recording/something/else"),
    "subject without a call": event(subject=f"/recording/recordingId/{RECORDING_ID}"),
    "subject in front of a subject": event(subject=f"/evil{SUBJECT}"),
    "two recordings in the subject": event(subject=f"{SUBJECT}/recordingId/other"),
    "line break in the subject": event(subject=f"{SUBJECT}\r\nrecording.chunk.archived"),
    "null byte in the subject": event(subject=f"{SUBJECT}\x00"),
    "text that runs backwards": event(subject=f"/recording/call/\u202e{CALL_ID}/recordingId/{RECORDING_ID}"),
    "half a character in the subject": event(subject=f"{SUBJECT}\ud800"),
    "subject of a mebibyte": event(subject=f"/recording/call/{'x' * (1 << 20)}/recordingId/{RECORDING_ID}"),
    "subject one too long": event(subject=f"/recording/call/{CALL_ID}/serverCallId/{'s' * LONGEST_SUBJECT}"),
}
INVALID_ID: dict[str, Any] = {
    "call id that climbs": _subject(".."),
    "call id with an encoded climb": _subject("%2e%2e%2f"),
    "call id with a backslash": _subject("..\\..\\x"),
    "call id with a look-alike letter": _subject("\u0430bc"),
    "call id too long": _subject("c" * 513),
    "recording id that climbs": _subject(CALL_ID, ".."),
    "recording id of dots": _subject(CALL_ID, "...."),
    "recording id with a query": _subject(CALL_ID, "x?y=z"),
    "recording id with a fragment": _subject(CALL_ID, "x#y"),
    "placeholders instead of ids": event(subject="/recording/call/{call-id}/recordingId/{recording-id}"),
    "document id with a slash": event(chunk(documentId="../../manifest")),
    "document id of dots": event(chunk(documentId="..")),
    "document id with a backslash": event(chunk(documentId="..\\x")),
    "document id with a line break": event(chunk(documentId="x\r\nrecording.chunk.archived")),
    "document id with a null byte": event(chunk(documentId="x\x00")),
    "document id with a look-alike letter": event(chunk(documentId="\u0430")),
    "document id too long": event(chunk(documentId="d" * 513)),
}
UNREADABLE: dict[str, Any] = {
    "no data": event() | {"data": None},
    "data that is a list": event() | {"data": [event()["data"]]},
    "schema of a storage event": event() | {"data": {"api": "PutBlob", "url": location(document_id())}},
    "no storage info": event(data={"recordingStorageInfo": None}),
    "no chunks": event(data={"recordingStorageInfo": {"recordingChunks": []}}),
    "chunks that are an object": event(data={"recordingStorageInfo": {"recordingChunks": {"0": chunk()}}}),
    "too many chunks": event(data={"recordingStorageInfo": {"recordingChunks": [chunk()] * (MOST_CHUNKS + 1)}}),
    "envelope in lists in lists": json.dumps([[[[[event()]]]]]),
    "text instead of an event": '"Microsoft.Communication.RecordingFileStatusUpdated"',
    "number instead of an event": "7",
}
UNREADABLE_CHUNK: dict[str, Any] = {
    "a chunk that is text": event(data={"recordingStorageInfo": {"recordingChunks": ["x"]}}),
    "index below zero": event(chunk(index=-1)),
    "index that is no whole number": event(chunk(index=1.5)),
    "index that is no number": event(chunk(index=float("nan"))),
    "no document id": event(chunk(documentId=None)),
    "document id that is a number": event(chunk(documentId=7)),
    "document id that is half a character": event(chunk(documentId="\ud800")),
    "no content location": event(chunk(contentLocation=None)),
    "empty content location": event(chunk(contentLocation="")),
    "content location that is a list": event(chunk(contentLocation=[location(document_id())])),
    "location of a mebibyte": event(chunk(contentLocation=f"https://{HOST}/{'x' * (1 << 20)}")),
    "location of half a character": event(chunk(contentLocation=f"https://{HOST}/\ud800")),
}
NOT_JSON = {
    "nothing": "",
    "null byte": "\x00",
    "a page": "<html><body>Bad gateway</body></html>",
    "an event cut short": json.dumps(event())[:-1],
    "comment in JSON": "/* */ " + json.dumps(event()),
    "a hundred thousand brackets": "[" * 100_000,
    "a million braces": '{"data":' * 1_000_000,
    "eight mebibytes": "x" * (8 << 20),
    "number without end": json.dumps(event())[:-1] + ', "x": ' + "9" * 10_000,
    "time without end": json.dumps(event() | {"eventTime": "2026-" + "1" * 5000})[:-1],
}
UNSAFE = {
    "http": f"http://{HOST}{PATH}",
    "file": f"file:///{HOST}{PATH}",
    "script": f"javascript://{HOST}{PATH}",
    "no scheme": f"//{HOST}{PATH}",
    "user": f"https://evil.example@{HOST}{PATH}",
    "our host as user": f"https://{HOST}@evil.example{PATH}",
    "port": f"https://{HOST}:8443{PATH}",
    "backslash": f"https://evil.example\\@{HOST}{PATH}",
    "fragment": f"https://evil.example#@{HOST}{PATH}",
    "encoded host": f"https://evil.example%2f.{HOST}{PATH}",
    "encoded climb": f"https://{HOST}/v1/%2e%2e/x",
    "climb": f"https://{HOST}/v1/../x",
    "line break": f"https://{HOST}{PATH}\r\nHost: evil.example",
    "null byte": f"https://{HOST}{PATH}\x00",
    "tab in the host": f"https://evil.example\t.{HOST}{PATH}",
    "look-alike letter": f"https://weu-storage.\u0430sm.skype.com{PATH}",
    "look-alike dot": f"https://weu-storage.asm\u3002skype.com{PATH}",
    "punycode": f"https://xn--80ak6aa92e.{HOST}{PATH}",
    "loopback in brackets": f"https://[::1]{PATH}",
    "number for a host": f"https://2130706433{PATH}",
}
FOREIGN = {
    "another host": f"https://evil.example{PATH}",
    "our suffix in front": f"https://{HOST}.evil.example{PATH}",
    "suffix without its dot": f"https://evilasm.skype.com{PATH}",
    "the bare suffix": f"https://asm.skype.com{PATH}",
    "loopback": f"https://127.0.0.1{PATH}",
    "the metadata service": "https://169.254.169.254/metadata/identity/oauth2/token",
    "a container without storageType": f"{CONTAINER}/a.mp3",
}
EXTERNAL = {
    "another container": "https://other.blob.core.windows.net/calls/x",
    "climb out of the container": f"{CONTAINER}/../other/a",
}


def _located(kind: str, locations: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {
        f"{kind} content location: {name}": event(chunk(contentLocation=url)) for name, url in locations.items()
    }
    last = next(iter(locations.values()))
    told[f"{kind}: told twice, the second in capitals"] = event(chunk(CONTENTLOCATION=last))
    told[f"{kind}: told twice"] = _twice("contentLocation", last)
    return told


def _beside(kind: str, locations: dict[str, str]) -> dict[str, Any]:
    """The location of metadata or delete alone is forged: it is not called, and the media is archived."""
    return {
        f"{kind} {place}: {name}": event(chunk(**{place: url}))
        for place in ("metadataLocation", "deleteLocation")
        for name, url in locations.items()
    }


def _second(changes: dict[str, Any]) -> dict[str, Any]:
    return {f"only the second chunk: {changes}": event(chunk(0), chunk(1, **changes))}


FORGED = (
    *_told("other_resource", OTHER_RESOURCE),
    *_told("other_event_type", OTHER_TYPE, is_kept=False),
    *_told("unreadable_event", UNREADABLE_TYPE),
    *_told("unreadable_subject", UNREADABLE_SUBJECT),
    *_told("invalid_id", INVALID_ID),
    *_told("unreadable_event", UNREADABLE),
    *_told("unreadable_event", NOT_JSON),
    *_told("unreadable_chunk", UNREADABLE_CHUNK),
    *_told("index_out_of_range", {"index that is huge": event(chunk(index=10**300))}),
    *_told("unsafe_location", _beside("unsafe", UNSAFE), taken=1, is_kept=False),
    *_told("foreign_host", _beside("foreign", FOREIGN), taken=1, is_kept=False),
    *_told("invalid_id", _second({"documentId": "a/b"}), taken=1),
    *_told("foreign_host", _second({"contentLocation": FOREIGN["another host"]}), taken=1),
    *_told("unsafe_location", _second({"contentLocation": UNSAFE["http"]}), taken=1),
    *_told("unsafe_location", _located("unsafe", UNSAFE)),
    *_told("foreign_host", _located("foreign", FOREIGN)),
    *_told(
        "foreign_host",
        {
            name: event(chunk(contentLocation=url), data={"storageType": "blob"})
            for name, url in list(EXTERNAL.items())[:1]
        },
    ),
    *_told(
        "unsafe_location",
        {
            name: event(chunk(contentLocation=url), data={"storageType": "blob"})
            for name, url in list(EXTERNAL.items())[1:]
        },
    ),
)
