"""Events as they arrived, held against what is published about them: the JSON Schemas and the AsyncAPI document.

Nothing of the app is asked: a receiver has these files, and no more.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import yaml

from dev.event_grid.receiver import BY_GRID, BY_WEBHOOK, Received

DOCS = Path(__file__).resolve().parents[2] / "docs"
CHANNELS = {BY_GRID: "topic", BY_WEBHOOK: "webhook"}


def declared_types() -> frozenset[str]:
    """Return the types that the AsyncAPI document declares, in every channel the same.

    Raises:
        ValueError: a channel declares others than another one.
    """
    found = {frozenset(message["name"] for message in _messages(channel)) for channel in CHANNELS.values()}
    if len(found) != 1:
        raise ValueError("the channels declare different types")
    return next(iter(found))


def faults_of(event: Received) -> list[str]:
    """Return what is wrong with an event by the published forms; nothing for a valid one."""
    found = [message for message in _messages(CHANNELS[event.way]) if message["name"] == event.type]
    if len(found) != 1:
        return [f"{event.type} is declared {len(found)} times for {event.way}"]
    checker = jsonschema.Draft202012Validator(found[0]["payload"], format_checker=jsonschema.FormatChecker())
    return [
        f"{event.type} by {event.way}: {error.json_path}: {error.message}"
        for error in checker.iter_errors(event.document)
    ]


def _messages(channel: str) -> list[dict[str, Any]]:
    return list(_document()["channels"][channel]["messages"].values())


@cache
def _document() -> dict[str, Any]:
    """Return the AsyncAPI document with what its references stand for."""
    path = DOCS / "asyncapi.yaml"
    document: dict[str, Any] = _resolved(yaml.safe_load(path.read_text("utf-8")), path)
    return document


def _resolved(node: Any, file: Path) -> Any:
    if isinstance(node, dict) and "$ref" in node:
        return _resolved(*_target(node["$ref"], file))
    if isinstance(node, dict):
        return {name: _resolved(value, file) for name, value in node.items()}
    return [_resolved(value, file) for value in node] if isinstance(node, list) else node


def _target(reference: str, file: Path) -> tuple[Any, Path]:
    name, _, pointer = reference.partition("#")
    path = (file.parent / name).resolve() if name else file
    place = _read(path)
    for step in _steps(pointer):
        place = place[step]
    return place, path


def _steps(pointer: str) -> Iterator[str]:
    return (step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


@cache
def _read(path: Path) -> Any:
    text = path.read_text("utf-8")
    return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
