"""An archive of two tenants: the same things happen to both, with words that give the second one away."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import azure.functions as func

from dev.in_memory.builders import chunk, document_id, event, location, metadata, task
from dev.in_memory.fakes.outgoing import FakeWay
from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.world import World, world
from recording.domain.incoming.tenants import Tenants
from recording.domain.names import OUTBOX_QUEUE
from recording.domain.outgoing.events import Subject, SubjectKind
from recording.domain.outgoing.message import NotifyTask
from recording.domain.state.chunk import ChunkState, ChunkTask
from recording.http import console
from recording.library.derived.make import derive_message
from recording.library.handover.export import export_message
from recording.ports import DeadLetter, QuarantineEntry
from tests.repo.docs.triggers import fresh_app

ALPHA, BETA, ALL = "alpha", "beta", "all"
GROUPS = {
    ALPHA: "aaaaaaaa-0000-4000-8000-000000000001",
    BETA: "bbbbbbbb-0000-4000-8000-000000000002",
    ALL: "cccccccc-0000-4000-8000-000000000003",
}
DOCUMENT = {
    "tag": "desk",
    "seeAll": {"groups": [GROUPS[ALL]]},
    "tenants": [
        {"name": ALPHA, "groups": [GROUPS[ALPHA]], "tagValues": ["desk-alpha"]},
        {"name": BETA, "groups": [GROUPS[BETA]], "tagValues": ["desk-beta"]},
    ],
}
TENANTS = Tenants.model_validate(DOCUMENT)
PERSON = "4:+493012345678"  # is in recordings of both
CANARY = "canary-of-beta"


@dataclass
class Known:
    """What there is of one tenant, by its ids."""

    name: str
    recording: str = ""  # archived, with a second file that is held
    running: str = ""
    call: str = ""
    export: str = ""
    derived: str = ""  # a joined file of what is archived
    erasure: str = ""
    entry: str = ""  # of the quarantine
    case: str = ""

    @property
    def held(self) -> str:
        return f"{self.recording}/000001-{self.document(1)}"

    def document(self, number: int) -> str:
        """The id of a file in ACS's storage."""
        return document_id(number + (100 if self.name == ALPHA else 200))


def caller(who: str, *, number: int = 1) -> dict[str, str]:
    """The headers of a signed-in member of a tenant who may do everything there."""
    object_id = f"{number:08d}-{who}"
    claims = [("oid", object_id), ("groups", GROUPS[who]), ("roles", "Recording.Admin")]
    document = {"claims": [{"typ": kind, "val": value} for kind, value in claims]}
    return {
        "X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(document).encode()).decode(),
        "X-MS-CLIENT-PRINCIPAL-ID": object_id,
    }


@cache
def functions() -> dict[str, Any]:
    """The HTTP functions by name, as the host would call them."""
    found = {one.get_function_name(): one for one in fresh_app().get_functions()}
    return {name: one.get_user_function() for name, one in found.items() if one.get_trigger().type == "httpTrigger"}


def asked(
    name: str,
    who: str,
    path: Mapping[str, str] | None = None,
    body: Any = None,
    query: Mapping[str, str] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    number: int = 1,
) -> func.HttpResponse:
    """The answer of a function to a member of a tenant."""
    request = func.HttpRequest(
        method,
        f"https://app.azurewebsites.net/api/{name}",
        headers={**caller(who, number=number), **(headers or {})},
        params=dict(query or {}),
        route_params=dict(path or {}),
        body=json.dumps(body).encode() if body is not None else b"",
    )
    answer: func.HttpResponse = functions()[name](request)
    return answer


def console_asked(  # noqa: PLR0917 - what a request is made of
    here: World,
    method: str,
    path: str,
    who: str,
    body: Any = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> func.HttpResponse:
    """The answer of the console's route to a member of a tenant."""
    request = func.HttpRequest(
        method,
        f"https://app.azurewebsites.net/api/console/api/{path}",
        headers={**caller(who), "Sec-Fetch-Site": "same-origin", console.MARK: "1", **(headers or {})},
        params=dict(query or {}),
        route_params={"path": path},
        body=json.dumps(body).encode() if body is not None else b"",
    )
    return console.answer(request, lambda: (here.ports, here.settings), lambda _: FakeProbe())


def empty() -> World:
    """A world with two tenants and nothing in it."""
    return world(platform_auth=True, tenants=TENANTS)


def content(answer: func.HttpResponse) -> dict[str, Any]:
    """The JSON of an answer."""
    found: dict[str, Any] = json.loads(answer.get_body())
    return found


def fill(here: World, who: str) -> Known:
    """Let everything happen to one tenant: starts, files, holds, an export, an erasure, refused things."""
    known = Known(who, case=f"case-{CANARY if who == BETA else who}")
    hook = FakeWay(f"hook-{who}", tenant=who)
    if here.fakes.outgoing is None:
        here.reports_to(hook)
    else:
        here.fakes.outgoing.ways.append(hook)
    word = CANARY if who == BETA else who
    known.call = base64.b64encode(f"https://call-{word}".encode()).decode()
    started = asked("start_recording", who, body={"serverCallId": known.call, "tags": {"case": word}}, method="POST")
    assert started.status_code == 201, started.get_body()
    known.recording = content(started)["recordingId"]
    del here.fakes.control.states[known.recording]  # the call is over
    subject = f"/recording/call/call-{word}/serverCallId/{known.call}/recordingId/{known.recording}"
    tasks = [_task(known, number, f"call-{word}") for number in (0, 1)]
    for one in tasks:
        here.holds(one, document=metadata(one, participants=[{"participantId": PERSON}]))
    here.announces(event(*(chunk(n, known.document(n)) for n in (0, 1)), subject=subject, id=f"event-{word}"))
    here.runs_due()
    second = here.fakes.catalog.get_chunk(tasks[1].key)
    assert second is not None
    here.fakes.catalog.save_chunk(
        second.model_copy(update={"state": ChunkState.QUARANTINED, "quarantine_reason": "media_suspect"})
    )
    running = asked("start_recording", who, body={"serverCallId": f"{known.call}cg=="}, method="POST")
    known.running = content(running)["recordingId"]
    asked("pause_recording", who, {"recordingId": known.running}, {"reason": f"card {word}"}, method="POST")
    here.follows_up()
    refused = json.dumps(event(subject=subject, id=f"odd-{word}"))
    entry = QuarantineEntry("unreadable_chunk", f"odd {word}", refused, "event_queue", here.now)
    known.entry = here.fakes.quarantine.put(entry)
    here.fakes.queue.poison(tasks[1].model_dump_json())
    here.fakes.queue.poison_event(refused)
    if here.fakes.dead_letters is not None:
        here.fakes.dead_letters.kept[f"{word}.json"] = DeadLetter(f"{word}.json", f"[{refused}]", here.now)
    hold = {"reason": f"matter {word}"}
    placed = asked("hold_recording", who, {"recordingId": known.recording, "case": known.case}, hold, method="PUT")
    assert placed.status_code == 200, placed.get_body()
    deriving = asked("derive_recording", who, {"recordingId": known.recording}, {"kind": "joined"}, method="POST")
    assert deriving.status_code == 202, deriving.get_body()
    for text in here.fakes.derived.take():
        derive_message(text, here.ports)
    (made,) = content(asked("list_derived", who, {"recordingId": known.recording}))["files"]
    known.derived = made["derivedId"]
    exported = asked("request_export", who, body={"recordings": [known.recording], "note": word}, method="POST")
    assert exported.status_code == 202, exported.get_body()
    known.export = content(exported)["exportId"]
    export_message(json.dumps({"exportId": known.export}), here.ports, here.settings)
    erasing = asked("request_erasure", who, body={"participant": PERSON, "reason": word}, method="POST")
    assert erasing.status_code == 201, erasing.get_body()
    known.erasure = content(erasing)["erasureId"]
    here.fakes.leftovers.gives_up(OUTBOX_QUEUE, message_about(known.recording))
    here.notifies()
    return known


def message_about(recording_id: str) -> str:
    """A message that asks for the events of a recording."""
    return NotifyTask(subject=Subject(kind=SubjectKind.RECORDING, id=recording_id)).as_message()


def _task(known: Known, number: int, call: str) -> ChunkTask:
    document = known.document(number)
    return task(number, document, recording_id=known.recording, call_id=call, content_location=location(document))


entered: list[World] = []  # the functions work in the last one


def enter(here: World) -> World:
    """Let the functions work in this world from now on."""
    entered[:] = [here]
    return here


def worlds() -> tuple[World, World, Known, Known]:
    """An archive with two tenants, one in which the second never did anything, and what there is of each."""
    with_both = enter(empty())
    alpha, beta = fill(with_both, ALPHA), fill(with_both, BETA)
    alone = enter(empty())
    own = fill(alone, ALPHA)
    assert (own.recording, own.running) == (alpha.recording, alpha.running)
    return with_both, alone, beta, alpha


def outcome(answer: func.HttpResponse) -> tuple[int, str | None]:
    """Status and code of an answer."""
    is_problem = answer.mimetype == "application/problem+json"
    return answer.status_code, content(answer).get("code") if is_problem else None
