"""A recording whose vCon is made and checked, against a schema of the draft and what a schema cannot say."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]

from dev.in_memory.builders import event, metadata, task, wav
from dev.in_memory.world import World, world

SCHEMA = json.loads((Path(__file__).parents[3] / "fixtures" / "vcon.schema.json").read_text(encoding="utf-8"))
NUMBER, AGENT = "4:+4930123456", "8:orgid:0a6d2f9e-77b1-4c1d-8e3e-2b1f5d9c4a10"
BOT = "28:6f1c0d52-3a4e-4f0b-9d2a-5b7f6f0e11a3"


def check(document: dict[str, Any]) -> dict[str, Any]:
    """The schema, and what a schema cannot say: every index leads somewhere."""
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    parties, dialog = len(document["parties"]), document["dialog"]
    for one in dialog:
        flat = [place for part in one["parties"] for place in (part if isinstance(part, list) else [part])]
        assert all(place is None or place < parties for place in flat)
    assert dialog[0]["type"] == "recording-set"
    assert dialog[0]["recordings"] == [at for at, one in enumerate(dialog) if one["type"] == "recording"]
    assert all(dialog[one["recording_set"]] is dialog[0] for one in dialog if "recording_set" in one)
    for one in document["attachments"]:
        assert one["party"] < parties
        assert one["dialog"] < len(dialog)
    return document


def unmixed(people: list[dict[str, Any]], channels: int = 3) -> World:
    """Return a world with one archived recording, a channel for each speaker."""
    here = world()
    of = task()
    info: dict[str, Any] = {"contentType": "audio", "channelType": "unmixed", "format": "wav"}
    info |= {"audioConfiguration": {"sampleRate": 16000, "channels": channels}}
    pauses = [{"startTime": "2026-11-23T08:56:01Z", "duration": 400}]
    told = metadata(of, participants=people, recordingInfo=info, pauseResumeIntervals=pauses)
    here.holds(of, wav(channels=channels), told)
    here.announces(event())
    here.runs(hours=1)
    return here
