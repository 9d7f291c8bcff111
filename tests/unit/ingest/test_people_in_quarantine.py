"""What is refused is kept for an operator, without the people in it, in whatever form they are told."""

import base64
import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from dev.in_memory.builders import RESOURCE, cloud_event, event
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.world import World, world
from recording.domain.incoming.delivery import as_kept
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.quarantine import Origin
from recording.ingest import ingest_text
from recording.operate.held import redrive


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


TOLD: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "escaped": lambda text: text.replace("+", "\\u002b"),
    "escaped in capitals": lambda text: text.replace("+", "\\u002B"),
    "text of text": lambda text: json.dumps(text.replace("+", "\\u002B"))[:-1],
    "base64": _base64,
    "base64 on several lines": lambda text: base64.encodebytes(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 of UTF-16": lambda text: base64.b64encode(text.encode("utf-16")).decode(),
    "base64 with a damaged letter": lambda text: base64.b64encode(text.encode() + b"\xff").decode(),
    "base64 as a JSON text": lambda text: json.dumps(_base64(text)),
    "base64 with escapes": lambda text: json.dumps(base64.encodebytes(text.encode()).decode()).replace("/", "\\/"),
    "base64 in a text that is cut": lambda text: '{"data_base64": "' + _base64(text + " " * 20)[:-9],
    "base64 of base64 in JSON": lambda text: _base64(json.dumps({"data_base64": _base64(text)})[:-2]),
    "base64 in a list": lambda text: json.dumps([[_base64(text)]]),
}


def people_in(payload: str) -> list[str]:
    """Return which people a payload tells: plainly, escaped, or in base64, however often."""
    told = [one for one in (PHONE.removeprefix("+"), PARTICIPANT) if one in payload.replace("\0", "")]
    for found in re.findall(r"[A-Za-z0-9+/_-]{24,}", re.sub(r"\\[nr]|\s|\\(?=/)", "", payload)):
        plain = found.replace("-", "+").replace("_", "/")
        told += (
            people_in(base64.b64decode(plain + "=" * (-len(plain) % 4)).decode("latin-1"))
            if len(plain) % 4 != 1
            else []
        )
    return told


@pytest.mark.parametrize("form", TOLD)
@pytest.mark.parametrize("damage", [lambda text: text[:-1], lambda text: text.replace("/recording/", "/x/")])
def test_no_person_is_in_a_refused_message(here: World, form: str, damage: Callable[[str], str]) -> None:
    """A text that is cut cannot be read, and is searched for people nevertheless."""
    ingest_text(TOLD[form](damage(json.dumps(event()))), Origin.EVENT_QUEUE, here.ports, here.settings)
    (entry,) = here.fakes.quarantine.kept.values()
    assert not people_in(entry.payload)


def _in_base64(envelope: dict[str, Any]) -> dict[str, Any]:
    data = envelope.pop("data")
    return {**envelope, "data_base64": _base64(json.dumps(data))}


FORMS: dict[str, dict[str, Any]] = {
    "base64": _in_base64(cloud_event()),
    "base64 for URLs": {
        **_in_base64(cloud_event()),
        "data_base64": TOLD["base64 for URLs"](json.dumps(event()["data"])),
    },
    "base64 beside null": {**_in_base64(cloud_event()), "Data": None},
    "base64 beside data": {**cloud_event(), "DATA_BASE64": _base64(json.dumps(event()["data"]))},
    "text": {**event(), "data": json.dumps(event()["data"])},
    "other capitals": {("DATA" if name == "data" else name): fact for name, fact in event().items()},
    "base64 in an attribute": {**cloud_event(), "comment": _base64(f"called by {PHONE}, {PARTICIPANT}")},
}


@pytest.mark.parametrize("form", FORMS)
def test_no_person_is_in_a_refused_event_that_can_be_redriven(form: str) -> None:
    """Its data may be an object, text or base64; what is left out of it is not needed to ingest it."""
    here = world(acs={"resource_id": RESOURCE.replace("contoso", "fabrikam").lower()})
    here.announces(FORMS[form])
    (entry,) = here.fakes.quarantine.kept.values()
    assert (entry.reason, people_in(entry.payload), "startedBy" in entry.payload) == ("other_resource", [], False)
    done = redrive(here.ports, world().settings, HeldFilter(reason="other_resource"))
    assert (len(done.sent), len(here.fakes.queue.tasks)) == (1, 1)


def test_data_in_base64_that_is_cut_names_nobody(here: World) -> None:
    """It cannot be ingested again, and is still kept."""
    cut = json.dumps(event()["data"])[:-1]
    here.announces({**_in_base64(cloud_event()), "data_base64": _base64(cut)})
    (entry,) = here.fakes.quarantine.kept.values()
    assert (entry.reason, people_in(entry.payload)) == ("unreadable_event", [])
    assert "recordingStorageInfo" in base64.b64decode(json.loads(entry.payload)["data_base64"]).decode()


@pytest.mark.parametrize("inner", ["", "nobody is named in this text", f"called by {PHONE}"])
def test_base64_of_base64_takes_no_long_time(inner: str) -> None:
    """Each layer might be read in several ways."""
    while len(inner) < 500_000:
        inner = base64.b64encode(inner.encode() or bytes(9)).decode()
    before = time.process_time()
    assert len(as_kept(inner)) >= 500_000
    assert time.process_time() - before < 5
