"""Rebuild: one field of one document that nobody can read costs that field, or that file, and nothing beside it."""

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dev.in_memory.fakes.archive import FakeBlob
from dev.in_memory.world import World
from recording.library.rebuild import Rebuilt, rebuild
from recording.operate.verify_recording import verify
from tests.unit.library.corpus import CALLS, PEOPLE
from tests.unit.library.test_rebuild import archived, loses_its_tables

ODD: list[Any] = [
    True,
    -1,
    10**30,
    float("inf"),
    "x",
    "9999-12-31T23:59:59+00:00",
    [],
    [1],
    {},
    {"a": [1]},
    [{"index": [1], "documentId": {}}],
    "\ud800",
]
_OF_MANIFEST = ["tenant", "consent", "consents", "moreConsents", "commandedPauses", "missingRanges", "startedBy"]
_OF_RECEIPT = ["blobName", "suspects", "accepted", "erasedSpeakers", "externalLocation", "recordingDurationMs"]


@pytest.fixture(scope="module")
def stored() -> dict[str, FakeBlob]:
    """The blobs of two recordings of two files each."""
    told = [{"chunks": 2, "call": CALLS[0], "people": PEOPLE[:1], "tags": {"case": "1"}}] * 2
    return dict(archived(told).fakes.archive.blobs)


def _places(document: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of each value of a document; of a list, those of the first element."""
    items = list(document.items()) if isinstance(document, dict) else list(enumerate(document))[:1]
    for name, value in items:
        yield (*before, name)
        if isinstance(value, dict | list):
            yield from _places(value, (*before, name))


def _with(document: Any, place: tuple[Any, ...], value: object) -> bytes:
    changed = copy.deepcopy(document)
    inner = changed
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    return json.dumps(changed).encode()


def _rebuilt(stored: dict[str, FakeBlob], name: str, content: bytes) -> tuple[World, Rebuilt]:
    """Rebuild the archive with other content under this name; nothing may be raised."""
    here = loses_its_tables(archived([]))
    here.fakes.archive.blobs = {**stored, name: replace(stored[name], data=content)}
    done = rebuild(here.ports, here.settings, from_start=True)
    for recording_id in here.fakes.catalog.recordings:
        verify(recording_id, here.ports, here.settings)
    return here, done


@pytest.mark.slow
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:12])
def test_an_odd_field_of_a_manifest_costs_no_file(stored: dict[str, FakeBlob], odd: object) -> None:
    """A run ended at the first odd entry, before everything that sorts behind it, and an odd tag cost the recording."""
    name = next(name for name in sorted(stored) if name.endswith("manifest.json"))
    document = json.loads(stored[name].data)
    for place in [*_places(document), *((one,) for one in _OF_MANIFEST)]:
        _, done = _rebuilt(stored, name, _with(document, place, odd))
        assert (done.folders, done.recordings, done.chunks) == (2, 2, 4), (place, done.problems)


@pytest.mark.slow
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:12])
def test_an_odd_field_of_a_receipt_costs_no_other_file(stored: dict[str, FakeBlob], odd: object) -> None:
    """A year 9999 or an index of thirty digits ended the rebuild, or each look at the recording afterwards."""
    name = next(name for name in sorted(stored) if name.endswith(".receipt.json"))
    document = json.loads(stored[name].data)
    for place in [*_places(document), *((one,) for one in _OF_RECEIPT)]:
        _, done = _rebuilt(stored, name, _with(document, place, odd))
        assert (done.folders, done.recordings) == (2, 2), (place, done.problems)
        assert done.chunks == 4 or (done.chunks == 3 and done.problems), (place, done.problems)


@pytest.mark.parametrize(("field", "odd"), [("tags", {"a": [1]}), ("startedBy", True), ("consents", [1])])
def test_a_field_that_is_left_out_is_a_problem_of_the_report(
    stored: dict[str, FakeBlob], field: str, odd: object
) -> None:
    """Rules may decide by a tag: that it did not come back must be seen."""
    name = next(name for name in sorted(stored) if name.endswith("manifest.json"))
    _, done = _rebuilt(stored, name, _with(json.loads(stored[name].data), (field,), odd))
    assert [place for place, _ in done.problems] == [name]
