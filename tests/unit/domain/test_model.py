"""Frozen models are copied with checked changes only: pydantic's own copy accepts any name and any value."""

import ast
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from dev.in_memory.builders import settings
from recording.domain.archived.exports import ExportRecord
from recording.domain.calls.guards import GuardKind, GuardTask
from recording.domain.calls.pauses import CommandedPause
from recording.domain.find.find_query import FindQuery
from recording.domain.incoming.facts import RecordingFacts
from recording.domain.keep.custody import Custody
from recording.domain.model import with_changes
from recording.domain.outgoing.delivery import Entry, WayHealth
from recording.domain.outgoing.events import EventType, OutgoingEvent, Subject, SubjectKind
from recording.domain.outgoing.message import NotifyTask

PACKAGE = Path(__file__).parents[3] / "recording"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SUBJECT = Subject(kind=SubjectKind.RECORDING, id="r")
EVENT = OutgoingEvent(id="e", type=EventType.ARCHIVED, subject=SUBJECT, at=NOW, data={"recordingId": "r"})
LATER: dict[str, Any] = {"fieldOfANewerVersion": [1]}
COPIED: list[tuple[BaseModel, dict[str, object]]] = [
    (settings(), {"archive_container": "other", "archive_access_tier": None}),
    (settings().archive_storage, {"client_id": "a-client"}),
    (FindQuery.model_validate({"from": NOW, "to": NOW + timedelta(days=1), "limit": 7}), {"next": "a-token"}),
    (GuardTask.model_validate({"recordingId": "r", "kind": GuardKind.PAUSE, **LATER}), {"attempt": 3}),
    (NotifyTask.model_validate({"subject": SUBJECT, "event": EVENT, **LATER}), {"attempt": 3}),
    (EVENT, {"tenant": "north"}),
    (Entry.model_validate({"event": EVENT, "added_at": NOW, **LATER}), {"etag": '"1"'}),
    (WayHealth.model_validate({"way": "event-grid", "failed_at": NOW, **LATER}), {"etag": '"1"'}),
    (Custody(recording_id="r"), {"etag": '"1"'}),
    (ExportRecord(export_id="e", requested_at=NOW, tenants=("north",)), {"done": 1, "left_out": (), "sha256": "ab"}),
    (RecordingFacts(started_at=NOW, duration_ms=1.5, formats=("wav",)), {"pause_count": 1, "participants": ()}),
    (CommandedPause(id="p", at=NOW), {"settled": True}),
]


@pytest.mark.parametrize(("model", "changes"), COPIED, ids=lambda value: type(value).__name__)
def test_a_checked_copy_differs_by_its_changes_alone(model: BaseModel, changes: dict[str, object]) -> None:
    """Also when the document has fields of a newer version, which a rollback must not lose."""
    copied = with_changes(model, changes)
    assert dict(copied) == {**dict(model), **changes}
    assert type(copied) is type(model)


@pytest.mark.parametrize(("model", "changes"), COPIED, ids=lambda value: type(value).__name__)
def test_a_misspelt_name_is_refused(model: BaseModel, changes: dict[str, object]) -> None:
    """Also by models that keep the unknown fields of a stored document: a change is never one of those."""
    with pytest.raises(TypeError, match="has no"):
        with_changes(model, {f"{name}x": value for name, value in changes.items()})


@pytest.mark.parametrize(("model", "changes"), COPIED, ids=lambda value: type(value).__name__)
def test_a_value_of_another_type_is_refused(model: BaseModel, changes: dict[str, object]) -> None:
    """What is wrong in memory would be unreadable in storage."""
    for name in changes:
        with pytest.raises(TypeError, match=name):
            with_changes(model, {name: object()})


@cache
def nodes() -> list[tuple[str, ast.AST]]:
    """Every node of the package's code, and where it is."""
    return [
        (f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}", node)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]


@pytest.mark.slow
def test_no_module_copies_a_model_unchecked() -> None:
    """`model_copy(update=…)` checks neither names nor values, and the type checker does not see them."""
    calls = {
        place
        for place, node in nodes()
        if isinstance(node, ast.Attribute) and node.attr in ("model_copy", "model_construct")
    }
    assert calls == set()


@pytest.mark.slow
def test_no_module_rebuilds_a_model_from_its_dump() -> None:
    """`{**model.model_dump(), **changes}` keeps a misspelt name as a field of a newer version, and changes nothing."""
    rebuilt = {
        place
        for place, node in nodes()
        if isinstance(node, ast.Dict)
        for name, value in zip(node.keys, node.values, strict=True)
        if name is None and isinstance(value, ast.Call) and ast.unparse(value.func).endswith(".model_dump")
    }
    assert rebuilt == set()
