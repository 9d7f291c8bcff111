"""A small client of the admin API: what tests and the demo use to make calls, move time and look."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import urllib3

JSON = dict[str, Any]
T = TypeVar("T")

POLL_SECONDS = 0.02
REQUEST_SECONDS = 300.0
"""Long enough to render a gigabyte."""


class SimulatorError(Exception):
    """The simulator refused a request; the text says why."""


class SimulatorClient:
    """Talks to `{admin_url}/_simulator/`. Answers are the JSON of `dev.acs_simulator.admin.views`, in camelCase.

    Every method raises SimulatorError when the simulator refuses, and urllib3's errors when it cannot be reached.
    """

    def __init__(self, admin_url: str) -> None:
        self._base = f"{admin_url.rstrip('/')}/_simulator"
        self._pool = urllib3.PoolManager(timeout=REQUEST_SECONDS, retries=False)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def health(self) -> JSON:
        """Return whether the simulator itself works: `status` is ok or failing, `failures` says why."""
        return self._one("GET", "health")

    def create_call(self, participants: Sequence[str | JSON] | None = None, **options: Any) -> JSON:
        """Begin a call; a participant is a name, a phone number, or an object. Options are those of `NewCall`."""
        people = {} if participants is None else {"participants": list(participants)}
        return self._one("POST", "calls", {**people, **options})

    def begin_calls(self, count: int, agents: int = 20) -> list[JSON]:
        """Begin many calls at once, each with a caller by telephone and one of so many agents."""
        return self._many("POST", "crowd", {"calls": count, "agents": agents})

    def join(self, call_id: str, *participants: str | JSON) -> JSON:
        """Let people come into a call that goes on."""
        return self._one("POST", f"calls/{call_id}/join", {"participants": list(participants)})

    def leave(self, call_id: str, participant: str) -> JSON:
        """Let somebody leave a call that goes on, by raw id or display name."""
        return self._one("POST", f"calls/{call_id}/leave", {"participant": participant})

    def end_call(self, call_id: str) -> JSON:
        """End a call, and its recording with it."""
        return self._one("POST", f"calls/{call_id}/end")

    def calls(self) -> list[JSON]:
        """Return every call, oldest first."""
        return self._many("GET", "calls")

    def recordings(self) -> list[JSON]:
        """Return every recording, ended ones too."""
        return self._many("GET", "recordings")

    def objects(self, recording_id: str | None = None) -> list[JSON]:
        """Return every object that ever was (of one recording), deleted ones too."""
        return [one for one in self._many("GET", "objects") if recording_id in (None, one["recordingId"])]

    def create_objects(self, **options: Any) -> list[JSON]:
        """Make one recording's media without a call; options are those of `NewObjects`."""
        return self._many("POST", "objects", options)

    def wait_for_objects(self, recording_id: str, count: int = 1, timeout_seconds: float = 20.0) -> list[JSON]:
        """Return the recording's objects, once there are `count` of them. Raises TimeoutError."""
        return self.wait_until(
            lambda: objects if len(objects := self.objects(recording_id)) >= count else None, timeout_seconds
        )

    def now(self) -> str:
        """Return the simulated time, ISO 8601."""
        return str(self._one("GET", "clock")["now"])

    def advance(self, seconds: float) -> str:
        """Move the simulated time forward and return it."""
        return str(self._one("POST", "clock", {"advanceSeconds": seconds})["now"])

    def add_fault(
        self,
        operation: str,
        kind: str,
        *,
        times: int | None = 1,
        skip: int = 0,
        for_seconds: float | None = None,
        only_expired: bool = False,
        recording_id: str | None = None,
        document_id: str | None = None,
        index: int | None = None,
        **arguments: str | float | bool | None,
    ) -> JSON:
        """Script a fault of the table of faults.

        `times` None means for ever; with `for_seconds` it strikes for so long, however often. `skip` lets that many
        requests pass before.
        """
        count = times if for_seconds is None else None
        fault: JSON = {"operation": operation, "kind": kind, "count": count, "skip": skip, "arguments": arguments}
        fault |= {"forSeconds": for_seconds, "onlyExpired": only_expired}
        matching = {"recordingId": recording_id, "documentId": document_id, "index": index}
        return self._one("POST", "faults", {**fault, **matching})

    def faults(self) -> list[JSON]:
        """Return the script, with what is left of each fault."""
        return self._many("GET", "faults")

    def clear_faults(self) -> None:
        """Forget the script."""
        self._request("DELETE", "faults")

    def journal(self, **wanted: Any) -> list[JSON]:
        """Return the requests seen, those whose fields have the wanted values: `journal(operation="delete")`."""
        return [entry for entry in self._many("GET", "journal") if wanted.items() <= entry.items()]

    def foreign_contacts(self) -> list[JSON]:
        """Return every attempt to reach a host that is not ACS. All were refused."""
        return self.journal(isForeign=True)

    def subscribe_webhook(self, url: str, **options: Any) -> JSON:
        """Subscribe a webhook; refused when it does not pass Event Grid's validation handshake."""
        return self._one("POST", "subscriptions", {"kind": "webhook", "url": url, **options})

    def subscribe_queue(self, connection_string: str, queue: str, **options: Any) -> JSON:
        """Subscribe a storage queue."""
        target = {"kind": "storage_queue", "connectionString": connection_string, "queue": queue}
        return self._one("POST", "subscriptions", {**target, **options})

    def subscriptions(self) -> list[JSON]:
        """Return every subscription."""
        return self._many("GET", "subscriptions")

    def publish(self, event: JSON) -> JSON:
        """Publish any event of Event Grid's schema."""
        return self._one("POST", "events", event)

    def events(self) -> list[JSON]:
        """Return every event published, oldest first."""
        return self._many("GET", "events")

    def deliveries(self) -> list[JSON]:
        """Return every attempt to deliver an event."""
        return self._many("GET", "deliveries")

    def pending_deliveries(self) -> list[JSON]:
        """Return what is neither delivered nor given up."""
        return self._many("GET", "deliveries/pending")

    def plan_deliveries(self, fault: str, **options: Any) -> JSON:
        """Spoil the next deliveries (duplicate, reorder, batch, delay, drop, probation); see `DeliveryPlan`."""
        return self._one("POST", "deliveries/plans", {"fault": fault, **options})

    def wait_until(self, probe: Callable[[], T | None], timeout_seconds: float = 20.0) -> T:
        """Return the first answer of `probe` that is true. Raises TimeoutError."""
        give_up_at = time.monotonic() + timeout_seconds
        while not (found := probe()):
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"nothing after {timeout_seconds} s; health: {self.health()}")
            time.sleep(POLL_SECONDS)
        return found

    def _one(self, method: str, path: str, body: JSON | None = None) -> JSON:
        answer: JSON = json.loads(self._request(method, path, body))
        return answer

    def _many(self, method: str, path: str, body: JSON | None = None) -> list[JSON]:
        answer: list[JSON] = json.loads(self._request(method, path, body))
        return answer

    def _request(self, method: str, path: str, body: JSON | None = None) -> bytes:
        answer = self._pool.request(method, f"{self._base}/{path}", body=None if body is None else json.dumps(body))
        if answer.status >= 400:
            raise SimulatorError(f"{method} {path}: {answer.status} {answer.data.decode()}")
        return answer.data
