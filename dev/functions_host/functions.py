"""What the host knows of a function: its trigger, its outputs and the words it was declared with."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

HTTP_TRIGGER = "httpTrigger"
QUEUE_TRIGGER = "queueTrigger"
TIMER_TRIGGER = "timerTrigger"
EVENT_GRID_TRIGGER = "eventGridTrigger"
QUEUE_OUTPUT = "queue"
HTTP_OUTPUT = "http"
RETURN = "$return"

_TRIGGERS = frozenset({HTTP_TRIGGER, QUEUE_TRIGGER, TIMER_TRIGGER, EVENT_GRID_TRIGGER})
_OUTPUTS = frozenset({QUEUE_OUTPUT, HTTP_OUTPUT})


class AppError(Exception):
    """The app, its host.json or its settings cannot be served; the text says what to change."""


@dataclass(frozen=True)
class Binding:
    """One binding of a function, as the decorators declared it."""

    name: str
    type: str
    is_output: bool
    properties: Mapping[str, Any]

    def text(self, key: str, default: str = "") -> str:
        """Return the property as text; absent and null both give the default."""
        value = self.properties.get(key)
        return default if value is None else str(value)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return the property as a yes or no; absent and null both give the default."""
        value = self.properties.get(key)
        return default if value is None else str(value).lower() == "true"


@dataclass(frozen=True)
class FunctionSpec:
    """One function of the app: exactly one trigger, any number of outputs."""

    name: str
    trigger: Binding
    outputs: tuple[Binding, ...]

    def output(self, name: str) -> Binding | None:
        """Return the output binding of that name (`$return` for the returned value), if declared."""
        return next((binding for binding in self.outputs if binding.name == name), None)

    @classmethod
    def from_raw_bindings(cls, name: str, raw_bindings: Iterable[str]) -> "FunctionSpec":
        """Read the JSON texts of an indexed function.

        Raises:
            AppError: a binding is of a kind this host does not serve.
        """
        bindings = [_parse_binding(name, text) for text in raw_bindings]
        triggers = [binding for binding in bindings if not binding.is_output]
        if len(triggers) != 1:
            raise AppError(f"function '{name}' has {len(triggers)} triggers and inputs; this host serves exactly one")
        return cls(name, triggers[0], tuple(binding for binding in bindings if binding.is_output))


def _parse_binding(function: str, text: str) -> Binding:
    properties: dict[str, Any] = json.loads(text)
    is_output = str(properties.get("direction", "")).upper() == "OUT"
    kind = str(properties["type"])
    if kind not in (_OUTPUTS if is_output else _TRIGGERS):
        raise AppError(f"function '{function}' uses the binding type '{kind}', which the built-in host does not serve")
    return Binding(str(properties["name"]), kind, is_output, properties)
