"""All queue and timer listeners of one app, started, drained and resumed together."""

import asyncio
from collections.abc import Mapping

from azure.functions.meta import Datum

from dev.functions_host.functions import QUEUE_OUTPUT, QUEUE_TRIGGER, TIMER_TRIGGER, FunctionSpec
from dev.functions_host.host_json import QueueSettings
from dev.functions_host.invoker import Invoker
from dev.functions_host.options import HostOptions
from dev.functions_host.queue.connections import QueueConnections
from dev.functions_host.queue.listener import QueueListener, create_listener
from dev.functions_host.settings import resolve_names
from dev.functions_host.timer.listener import TimerListener, TimerStatusFile
from dev.functions_host.timer.schedule import parse_schedule


class Listeners:
    """What makes functions run without a request."""

    def __init__(self) -> None:
        self.queues: list[QueueListener] = []
        self.timers: list[TimerListener] = []

    def start(self) -> None:
        """Begin (or begins again) to listen."""
        for listener in self._all():
            listener.start()

    async def stop(self) -> None:
        """Take nothing new and return when everything taken has ended."""
        await asyncio.gather(*(listener.stop() for listener in self._all()))

    def _all(self) -> list[QueueListener | TimerListener]:
        return [*self.queues, *self.timers]

    def notify(self, queue_name: str) -> None:
        """Wake the listeners of a queue that this host has just written to."""
        for listener in self.queues:
            if listener.queue_name == queue_name:
                listener.notify()


class ListenerFactory:
    """Builds the listeners from what the functions declare. The settings are those the app sees."""

    def __init__(
        self,
        connections: QueueConnections,
        settings: Mapping[str, str],
        queues: QueueSettings,
        options: HostOptions,
    ) -> None:
        self._connections = connections
        self._settings = settings
        self._queues = queues
        self._options = options

    def add(self, function: FunctionSpec, invoker: Invoker, listeners: Listeners) -> None:
        """Add the listener of one function, if its trigger needs one.

        Raises:
            AppError: a name, connection or schedule of this function cannot be resolved.
        """
        self._check_outputs(function)
        if function.trigger.type == QUEUE_TRIGGER:
            listeners.queues.append(self._queue(function, invoker))
        elif function.trigger.type == TIMER_TRIGGER:
            listeners.timers.append(self._timer(function, invoker))

    def _queue(self, function: FunctionSpec, invoker: Invoker) -> QueueListener:
        async def run(content: Datum, metadata: Mapping[str, Datum]) -> None:
            await invoker.invoke(function, content, metadata, f"new queue message on '{name}'")

        name = self._resolve(function.trigger.text("queueName"))
        connection = function.trigger.text("connection")
        lease = self._options.queue_lease_seconds
        return create_listener(self._connections, connection, name, self._queues, run, lease_seconds=lease)

    def _timer(self, function: FunctionSpec, invoker: Invoker) -> TimerListener:
        async def run(content: Datum) -> None:
            await invoker.invoke(function, content, reason="timer fired")

        trigger = function.trigger
        schedule = parse_schedule(self._resolve(trigger.text("schedule")))
        is_monitored = trigger.flag("useMonitor", default=True) and schedule.is_monitored_by_default
        status = (
            TimerStatusFile(self._options.timer_state_dir / "timers" / f"{function.name}.json")
            if is_monitored
            else None
        )
        return TimerListener(schedule, run, status, run_on_startup=trigger.flag("runOnStartup"))

    def _check_outputs(self, function: FunctionSpec) -> None:
        for output in function.outputs:
            if output.type == QUEUE_OUTPUT:
                self._connections.queue(output.text("connection"), self._resolve(output.text("queueName")))

    def _resolve(self, text: str) -> str:
        return resolve_names(text, self._settings)
