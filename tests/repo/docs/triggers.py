"""The triggers of function_app.py, as the host would index them."""

import importlib.util
from dataclasses import dataclass
from typing import Any

from dev.policies.repository import ROOT


@dataclass(frozen=True)
class Trigger:
    """One function: its trigger's type and what the host knows of it."""

    name: str
    kind: str
    facts: dict[str, Any]

    @property
    def methods(self) -> list[str]:
        """The HTTP methods."""
        return [method.value for method in self.facts.get("methods", ())]


def triggers() -> dict[str, Trigger]:
    """All of them by name."""
    return {function.get_function_name(): _trigger(function) for function in fresh_app().get_functions()}


def fresh_app() -> Any:
    """The app from a fresh module: an app lists its functions only once."""
    spec = importlib.util.spec_from_file_location("function_app_listed", ROOT / "function_app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.app


def _trigger(function: Any) -> Trigger:
    facts = next(b.get_dict_repr() for b in function.get_bindings() if b.type.lower().endswith("trigger"))
    return Trigger(function.get_function_name(), facts["type"], facts)
