"""The simulator's own interface, under `/_simulator/`: make calls and media, move the clock, script faults, look.

Plain http on loopback, JSON, and no credentials: it must never listen anywhere else. Mistakes are answered 400 or 404
with `{"error": …}`. docs: every route with its method is in `AdminApi.routes`.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from aiohttp import web
from pydantic import BaseModel, ValidationError

from dev.acs_simulator.admin.made_objects import make_objects
from dev.acs_simulator.admin.views import (
    Advance,
    CallView,
    ClockView,
    Crowd,
    FaultView,
    Health,
    Joining,
    JournalView,
    Leaving,
    NewCall,
    NewFault,
    NewObjects,
    ObjectView,
    RecordingView,
)
from dev.acs_simulator.events.calls import CALL_ENDED, CALL_STARTED, call_events
from dev.acs_simulator.events.file_status import Event
from dev.acs_simulator.state.model import Call
from dev.acs_simulator.world import World
from dev.event_grid import SubscriptionRefusedError

PREFIX = "/_simulator"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer(shown: BaseModel | Sequence[BaseModel], status: int = 200) -> web.Response:
    """Show one thing, or a list of things."""
    if isinstance(shown, BaseModel):
        return _line(shown.model_dump_json(by_alias=True), status)
    return _line("[" + ",".join(one.model_dump_json(by_alias=True) for one in shown) + "]", status)


def answer_json(content: object, status: int = 200) -> web.Response:
    """Show what is JSON already."""
    return _line(json.dumps(content), status)


def _line(text: str, status: int) -> web.Response:
    """Answer with a whole line, so that curl leaves the prompt on the next one."""
    return web.Response(status=status, text=text + "\n", content_type="application/json")


@web.middleware
async def explain_mistakes(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a request that cannot be understood with what is wrong in it."""
    try:
        return await handler(request)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors())
        return answer_json({"error": faults}, 400)
    except (ValueError, LookupError, SubscriptionRefusedError) as error:
        return answer_json({"error": str(error)}, 400)
    except web.HTTPException as error:
        return answer_json({"error": error.text or error.reason}, error.status)


async def not_here(request: web.Request) -> web.Response:
    """Answer a request for which there is no route: say what there is."""
    routes = sorted(
        {f"{route.method} {route.resource.canonical}" for route in request.app.router.routes() if route.resource}
    )
    there = [route for route in routes if PREFIX in route and not route.startswith("HEAD")]
    error = f"{request.method} {request.path} is not here. The simulator's own interface has: {', '.join(there)}"
    return answer_json({"error": error}, 404)


class AdminApi:
    """Handlers over one world.

    Args:
        world: What is shown and changed.
        health: Is asked for what only the servers know.
        settle: Lets deliveries under way finish, for so many seconds at most.
        publish: Takes the events of calls.
        published: Returns once what was published is with the topic.
    """

    def __init__(
        self,
        world: World,
        health: Callable[[], Health],
        settle: Callable[[float], Awaitable[None]],
        publish: Callable[[Event], None],
        published: Callable[[], Awaitable[None]],
    ) -> None:
        self._world = world
        self._health = health
        self._settle = settle
        self._publish = publish
        self._published = published

    def routes(self) -> list[web.RouteDef]:
        """Return every route of the interface that is not about events."""
        return [
            web.get(f"{PREFIX}/health", self.health),
            web.get(f"{PREFIX}/calls", self.calls),
            web.post(f"{PREFIX}/calls", self.create_call),
            web.post(f"{PREFIX}/calls/{{call_id}}/join", self.join_call),
            web.post(f"{PREFIX}/calls/{{call_id}}/leave", self.leave_call),
            web.post(f"{PREFIX}/calls/{{call_id}}/end", self.end_call),
            web.post(f"{PREFIX}/crowd", self.begin_crowd),
            web.get(f"{PREFIX}/recordings", self.recordings),
            web.get(f"{PREFIX}/objects", self.objects),
            web.post(f"{PREFIX}/objects", self.create_objects),
            web.get(f"{PREFIX}/clock", self.clock),
            web.post(f"{PREFIX}/clock", self.advance),
            web.get(f"{PREFIX}/faults", self.faults),
            web.post(f"{PREFIX}/faults", self.add_fault),
            web.delete(f"{PREFIX}/faults", self.clear_faults),
            web.get(f"{PREFIX}/journal", self.journal),
        ]

    async def health(self, _: web.Request) -> web.Response:
        """GET health: whether the simulator itself works."""
        return answer(self._health())

    async def calls(self, _: web.Request) -> web.Response:
        """GET calls: every call, oldest first."""
        return answer([CallView.of(call) for call in self._world.calls.all()])

    async def create_call(self, request: web.Request) -> web.Response:
        """POST calls: begins a call."""
        asked = NewCall.model_validate_json(await request.read() or b"{}")
        established_at = self._world.clock.now() + timedelta(seconds=asked.establish_after_seconds)
        people = asked.people(self._resource)
        call = self._world.calls.create(people, established_at, asked.kind, asked.recording_kind, asked.platform)
        self._tell(call, CALL_STARTED)
        return answer(CallView.of(call), 201)

    async def begin_crowd(self, request: web.Request) -> web.Response:
        """POST crowd: begins many calls at once."""
        asked = Crowd.model_validate_json(await request.read() or b"{}")
        now = self._world.clock.now()
        calls = [self._world.calls.create(people, now) for people in asked.people(self._resource)]
        for call in calls:
            self._tell(call, CALL_STARTED)
        return answer([CallView.of(call) for call in calls], 201)

    async def join_call(self, request: web.Request) -> web.Response:
        """POST calls/{call_id}/join: people come into a call that goes on."""
        call = self._call(request.match_info["call_id"])
        asked = Joining.model_validate_json(await request.read())
        self._world.calls.join(call, asked.people(self._resource), self._world.clock.now())
        return answer(CallView.of(call))

    async def leave_call(self, request: web.Request) -> web.Response:
        """POST calls/{call_id}/leave: a participant leaves a call that goes on."""
        call = self._call(request.match_info["call_id"])
        asked = Leaving.model_validate_json(await request.read())
        self._world.calls.leave(call, asked.participant, self._world.clock.now())
        return answer(CallView.of(call))

    async def end_call(self, request: web.Request) -> web.Response:
        """POST calls/{call_id}/end: ends a call, and its recording with it."""
        call = self._call(request.match_info["call_id"])
        is_over = call.ended_at is not None
        self._world.recordings.end_call(call, self._world.clock.now())
        if not is_over:
            self._tell(call, CALL_ENDED)
        return answer(CallView.of(call))

    async def recordings(self, _: web.Request) -> web.Response:
        """GET recordings: every recording, ended ones too."""
        now = self._world.clock.now()
        return answer([RecordingView.of(recording, now) for recording in self._world.recordings.all()])

    async def objects(self, _: web.Request) -> web.Response:
        """GET objects: every object that ever was."""
        now = self._world.clock.now()
        return answer([ObjectView.of(stored, now) for stored in self._world.objects.all()])

    async def create_objects(self, request: web.Request) -> web.Response:
        """POST objects: one recording's media, made without a call."""
        asked = NewObjects.model_validate_json(await request.read() or b"{}")
        stored = await make_objects(self._world, asked)
        await self._published()
        now = self._world.clock.now()
        return answer([ObjectView.of(one, now) for one in stored], 201)

    async def clock(self, _: web.Request) -> web.Response:
        """GET clock: the simulated time."""
        return answer(ClockView(now=self._world.clock.now()))

    async def advance(self, request: web.Request) -> web.Response:
        """POST clock: moves the simulated time forward; deliveries under way would time out, so they go first."""
        asked = Advance.model_validate_json(await request.read())
        await self._settle(asked.settle_seconds)
        return answer(ClockView(now=self._world.clock.advance(timedelta(seconds=asked.advance_seconds))))

    async def faults(self, _: web.Request) -> web.Response:
        """GET faults: the script, with what is left of each."""
        return answer([FaultView.of(scripted) for scripted in self._world.faults.all()])

    async def add_fault(self, request: web.Request) -> web.Response:
        """POST faults: scripts a fault."""
        asked = NewFault.model_validate_json(await request.read())
        return answer(FaultView.of(self._world.faults.add(asked.fault())), 201)

    async def clear_faults(self, _: web.Request) -> web.Response:
        """DELETE faults: forgets the script."""
        self._world.faults.clear()
        return web.Response(status=204)

    async def journal(self, _: web.Request) -> web.Response:
        """GET journal: every request seen, and every refused contact with a foreign host."""
        return answer([JournalView.of(entry) for entry in self._world.journal.all()])

    @property
    def _resource(self) -> str:
        return self._world.options.immutable_resource_id

    def _tell(self, call: Call, event_type: str) -> None:
        for event in call_events(call, event_type, self._world.options, self._world.clock.now()):
            self._publish(event)

    def _call(self, call_id: str) -> Call:
        call = self._world.calls.by_id(call_id)
        if call is None:
            raise web.HTTPNotFound(text=f"no call {call_id}")
        return call
