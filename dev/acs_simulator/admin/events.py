"""The part of the admin API that is about events: who gets them, what was published, how delivery goes."""

import json

from aiohttp import web

from dev.acs_simulator.admin.api import PREFIX, answer, answer_json
from dev.acs_simulator.events.link import EventLink
from dev.acs_simulator.events.subscriptions import DeliveryView, NewSubscription, PendingView
from dev.event_grid import DeliveryPlan


class AdminEvents:
    """Handlers over the topic."""

    def __init__(self, link: EventLink) -> None:
        self._link = link

    def routes(self) -> list[web.RouteDef]:
        """Return every route about events."""
        return [
            web.get(f"{PREFIX}/subscriptions", self.subscriptions),
            web.post(f"{PREFIX}/subscriptions", self.subscribe),
            web.get(f"{PREFIX}/events", self.events),
            web.post(f"{PREFIX}/events", self.publish),
            web.get(f"{PREFIX}/deliveries", self.deliveries),
            web.get(f"{PREFIX}/deliveries/pending", self.pending),
            web.post(f"{PREFIX}/deliveries/plans", self.plan),
        ]

    async def subscriptions(self, _: web.Request) -> web.Response:
        """GET subscriptions: who gets events."""
        return answer(self._link.subscriptions)

    async def subscribe(self, request: web.Request) -> web.Response:
        """POST subscriptions: adds one; 400 tells why the endpoint was refused."""
        asked = NewSubscription.model_validate_json(await request.read())
        return answer(await self._link.subscribe(asked), 201)

    async def events(self, _: web.Request) -> web.Response:
        """GET events: every event published, oldest first."""
        await self._link.published()
        return answer_json(self._link.events)

    async def publish(self, request: web.Request) -> web.Response:
        """POST events: publishes any event of Event Grid's schema."""
        event = json.loads(await request.read())
        if not isinstance(event, dict):
            raise web.HTTPBadRequest(text="one event, as a JSON object")
        self._link.accept(event)
        return answer_json(event, 201)

    async def deliveries(self, _: web.Request) -> web.Response:
        """GET deliveries: every attempt, oldest first."""
        return answer([DeliveryView.of(record) for record in self._link.deliveries()])

    async def pending(self, _: web.Request) -> web.Response:
        """GET deliveries/pending: what is neither delivered nor given up."""
        return answer([PendingView.of(pending) for pending in self._link.pending()])

    async def plan(self, request: web.Request) -> web.Response:
        """POST deliveries/plans: spoils the next deliveries; see `dev.event_grid.DeliveryPlan`."""
        plan = DeliveryPlan.model_validate_json(await request.read())
        self._link.script(plan)
        return answer(plan, 201)
