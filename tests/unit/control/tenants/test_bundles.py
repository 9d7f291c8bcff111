"""Exports within a scope: only bundles that were requested within it exist, whatever lies beside them."""

from datetime import UTC, datetime

import pytest

from dev.in_memory.fakes.archive import FakeArchive
from recording.control.tenants.bundles import ScopedBundles
from recording.domain.archived.exports import ExportRecord, bundle_name, state_name
from recording.domain.archived.layout import JSON
from recording.domain.incoming.tenants import Scope
from recording.errors import StorageError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
REQUESTED_BY = {"own": ("alpha",), "both": ("alpha", "beta"), "others": ("beta",), "whole": None}


@pytest.fixture
def bundles() -> ScopedBundles:
    """What alpha sees of four exports, and of a document that cannot be read."""
    whole = FakeArchive()
    for export_id, tenants in REQUESTED_BY.items():
        export = ExportRecord(export_id=export_id, requested_at=NOW, tenants=tenants)
        whole.put_once(state_name(export_id), export.model_dump_json().encode(), JSON)
        whole.put_once(bundle_name(export_id), export_id.encode(), "application/zip")
    whole.put_once(state_name("odd"), b"{", JSON)
    return ScopedBundles(whole, Scope(frozenset({"alpha"})))


def test_only_bundles_requested_within_the_scope_are_listed(bundles: ScopedBundles) -> None:
    """One that was requested for several tenants, or for the whole archive, holds recordings of others."""
    assert {blob.name for blob in bundles.list("")} == {state_name("own"), bundle_name("own")}


@pytest.mark.parametrize("export_id", ["both", "others", "whole", "odd", "never-made"])
def test_any_other_bundle_is_as_one_that_was_never_made(bundles: ScopedBundles, export_id: str) -> None:
    """The same answers, so that nothing is learned from the difference."""
    name = bundle_name(export_id)
    assert (bundles.get(name), bundles.look_up(name)) == (None, None)
    for read in (lambda: list(bundles.read(name)), lambda: bundles.read_range(name, 0, 1)):
        with pytest.raises(StorageError, match="no such blob"):
            read()
    assert b"".join(bundles.read(bundle_name("own"))) == b"own"
