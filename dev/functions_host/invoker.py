"""Runs one invocation: the function, then its outputs, then one line in the log. Knows how many are running."""

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping

from azure.functions.meta import Datum

from dev.functions_host.engines.engine import Call, Engine, FunctionFailedError
from dev.functions_host.functions import RETURN, FunctionSpec
from dev.functions_host.queue.output import QueueOutputs

log = logging.getLogger("host.invocation")


class Invoker:
    """The one way in which functions are run, whatever triggered them."""

    def __init__(self, engine: Engine, outputs: QueueOutputs) -> None:
        self._engine = engine
        self._outputs = outputs
        self._idle = asyncio.Event()
        self._idle.set()
        self.running: dict[str, str] = {}

    async def invoke(
        self, function: FunctionSpec, trigger: Datum, metadata: Mapping[str, Datum] | None = None, reason: str = ""
    ) -> Datum | None:
        """Run the function and write its outputs; the returned value is the answer.

        Raises:
            FunctionFailedError: the function raised, or an output could not be written although it had succeeded.
        """
        call = Call(str(uuid.uuid4()), function, trigger, metadata or {})
        self.running[call.invocation_id] = function.name
        self._idle.clear()
        try:
            return await self._run_and_log(call, reason)
        finally:
            del self.running[call.invocation_id]
            if not self.running:
                self._idle.set()

    async def wait_idle(self) -> None:
        """Return when nothing runs."""
        await self._idle.wait()

    async def _run_and_log(self, call: Call, reason: str) -> Datum | None:
        started = time.monotonic()
        facts = {"id": call.invocation_id, "reason": reason or call.function.trigger.type}
        try:
            returned = await self._run(call)
        except FunctionFailedError as error:
            log.error(  # noqa: TRY400 - the stack of the function is the one that matters, and it is in the message
                "Functions.%s failed in %d ms: %s\n%s",
                call.function.name,
                _ms(started),
                error,
                error.stack,
                extra=facts,
            )
            raise
        log.info("Functions.%s succeeded in %d ms", call.function.name, _ms(started), extra=facts)
        return returned

    async def _run(self, call: Call) -> Datum | None:
        outcome = await self._engine.invoke(call)
        values = dict(outcome.outputs)
        if outcome.returned is not None:
            values[RETURN] = outcome.returned
        await self._outputs.write(call.function, values)
        return outcome.returned


def _ms(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
