"""The port Custodian: what the fake and Azure's blobs both promise, on an account without versions, as Azurite is.

What Azurite cannot do (versions, soft delete, immutability, legal holds) is a model with the documented rules; the last
tests hold the model against them, and the adapter's requests against the service's documented parameters.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from dev.in_memory.builders import settings
from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.fakes.ports import Fakes
from dev.in_memory.keep_world import attached
from recording.adapters.blob import custodian as adapter_of
from recording.adapters.blob.archive import BlobArchive
from recording.adapters.blob.custodian import BlobCustodian
from recording.domain.keep.destroy import Place, StoredVersion
from recording.ports import Archive, Custodian
from recording.ports.library.keeping import DestroyAnswer, HoldAnswer
from recording.settings import Settings, StorageConnection

Both = tuple[Custodian, Archive]


@pytest.fixture(params=["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def both(request: pytest.FixtureRequest) -> Iterator[Both]:
    if request.param == "fake":
        fakes = Fakes()
        yield attached(fakes, versioned=False), fakes.archive
        return
    known: Settings = request.getfixturevalue("storage")
    known = known.model_copy(update={"custodian_storage": known.archive_storage})
    custodian, archive = BlobCustodian(known), BlobArchive(known)
    yield custodian, archive
    custodian.close()
    archive.close()


def names(custodian: Custodian, prefix: str = "a/", place: Place = Place.ARCHIVE) -> list[str]:
    return [version.name for version in custodian.versions(place, prefix) if not version.is_deleted]


def test_what_is_destroyed_is_gone_and_nothing_else(both: Both) -> None:
    """By its exact name: what begins alike stays."""
    custodian, archive = both
    assert names(custodian) == []
    for name in ("a/1.wav", "a/1.wav.receipt.json", "b/1.wav"):
        archive.put_once(name, b"bytes", "audio/wav")
    (version,) = [one for one in custodian.versions(Place.ARCHIVE, "a/1.wav") if one.name == "a/1.wav"]
    assert (version.length_bytes, version.is_current, version.is_held, version.immutable_until) == (
        5,
        True,
        False,
        None,
    )
    assert custodian.destroy(version) is DestroyAnswer.DONE
    assert custodian.destroy(version) is DestroyAnswer.DONE
    assert names(custodian) == ["a/1.wav.receipt.json"]
    assert archive.get("b/1.wav") is not None
    assert archive.get("a/1.wav") is None


def test_an_account_without_legal_holds_says_so(both: Both) -> None:
    """Then the row of the recording alone counts."""
    custodian, archive = both
    archive.put_once("a/1.wav", b"bytes", "audio/wav")
    (version,) = custodian.versions(Place.ARCHIVE, "a/")
    assert custodian.set_legal_hold(version, is_held=True) is HoldAnswer.UNSUPPORTED
    assert names(custodian) == ["a/1.wav"]


def test_a_place_that_is_not_there_is_empty(both: Both) -> None:
    """Without a second destination or dead letters there is nothing of the recording in them."""
    custodian, _ = both
    assert names(custodian, "", Place.FALLBACK) == []
    assert names(custodian, "", Place.DEAD_LETTERS) == []
    assert names(custodian, "", Place.QUARANTINE) == []


# --- the model of what Azurite cannot do -----------------------------------------------------------------------------


def versioned(**rules: Any) -> tuple[FakeCustodian, Fakes]:
    fakes = Fakes()
    return attached(fakes, **rules), fakes


def only(custodian: FakeCustodian) -> list[StoredVersion]:
    return list(custodian.versions(Place.ARCHIVE, ""))


def test_each_write_makes_a_version_and_all_of_them_must_go() -> None:
    """Deleting the current version alone would leave every byte."""
    custodian, fakes = versioned()
    for text in (b"one", b"two"):
        found = fakes.archive.get("a/manifest.json")
        fakes.archive.put_if_unchanged("a/manifest.json", text, "application/json", found[1] if found else None)
    assert [version.is_current for version in only(custodian)] == [False, True]
    custodian.destroy(only(custodian)[1])
    assert fakes.archive.blobs == {}
    assert [one.data for one in custodian.remaining()] == [b"one"]
    custodian.destroy(only(custodian)[0])
    assert custodian.remaining() == []


def test_softly_deleted_bytes_stay_to_the_day_that_is_told() -> None:
    """The end of bytes is a day, and the listing says which."""
    custodian, fakes = versioned(soft_delete=timedelta(days=14))
    fakes.archive.put_once("a/1", b"bytes", "x")
    custodian.destroy(only(custodian)[0])
    (left,) = only(custodian)
    assert left.gone_at == fakes.clock.now() + timedelta(days=14)
    fakes.clock.advance(days=13.9)
    assert len(custodian.remaining()) == 1
    fakes.clock.advance(days=0.1)
    assert custodian.remaining() == []


def test_purging_ends_softly_deleted_bytes_at_once() -> None:
    """Where the account allows permanent deletes."""
    custodian, fakes = versioned(soft_delete=timedelta(days=14))
    fakes.archive.put_once("a/1", b"bytes", "x")
    custodian.destroy(only(custodian)[0])
    custodian.purges = True
    custodian.destroy(only(custodian)[0])
    assert custodian.remaining() == []


def test_a_policy_and_a_hold_refuse_until_they_end() -> None:
    """A policy ends by its day, a hold when it is cleared; neither is an error."""
    custodian, fakes = versioned(immutable=timedelta(days=7))
    fakes.archive.put_once("a/1", b"bytes", "x")
    (version,) = only(custodian)
    assert version.immutable_until == fakes.clock.now() + timedelta(days=7)
    assert custodian.destroy(version) is DestroyAnswer.REFUSED
    fakes.clock.advance(days=7)
    assert custodian.set_legal_hold(version, is_held=True) is HoldAnswer.DONE
    assert custodian.destroy(version) is DestroyAnswer.REFUSED
    custodian.set_legal_hold(version, is_held=False)
    assert custodian.destroy(version) is DestroyAnswer.DONE
    assert custodian.set_legal_hold(version, is_held=True) is HoldAnswer.GONE


# --- the adapter's requests to an account that has all of it ---------------------------------------------------------


class Recorded:
    """Stands for a blob's client: notes how it was called, and answers as it is told."""

    def __init__(self, *answers: Exception | None) -> None:
        self.asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self._answers = list(answers)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> None:
            self.asked.append((name, given, named))
            answer = self._answers.pop(0) if self._answers else None
            if answer is not None:
                raise answer

        return call

    def get_blob_client(self, _name: str) -> "Recorded":
        return self


def refusal(status: int, code: str) -> HttpResponseError:
    error = HttpResponseError("refused")
    error.status_code, error.error_code = status, code  # type: ignore[attr-defined]  # as the SDK sets it
    return error


def answered(version: StoredVersion, blob: Recorded, *, purges: bool = False) -> DestroyAnswer:
    custodian = object.__new__(BlobCustodian)
    custodian._purges, custodian._containers = purges, {Place.ARCHIVE: blob}  # type: ignore[dict-item]
    return custodian.destroy(version)


CURRENT = StoredVersion(Place.ARCHIVE, "a/1", "2026-11-23T09:00:00.0000000Z")
EARLIER = StoredVersion(Place.ARCHIVE, "a/1", "2026-11-22T09:00:00.0000000Z", is_current=False)
DELETED = StoredVersion(Place.ARCHIVE, "a/1", "v", is_current=False, gone_at=datetime(2026, 12, 1, tzinfo=UTC))


def test_a_current_version_is_deleted_by_name_and_then_by_its_id() -> None:
    """By its id alone the service refuses: it is the root blob."""
    blob = Recorded()
    assert answered(CURRENT, blob) is DestroyAnswer.DONE
    assert [named for _, _, named in blob.asked] == [{}, {"version_id": CURRENT.version}]


def test_an_earlier_version_is_deleted_by_its_id_alone() -> None:
    """By name the current one would go."""
    blob = Recorded()
    assert answered(EARLIER, blob) is DestroyAnswer.DONE
    assert [named for _, _, named in blob.asked] == [{"version_id": EARLIER.version}]


@pytest.mark.parametrize("code", ["BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold", "LeaseIdMissing"])
def test_what_is_protected_is_refused_and_no_error(code: str) -> None:
    """And after a refusal by name, the version is not asked for by its id."""
    blob = Recorded(refusal(409, code))
    assert answered(CURRENT, blob) is DestroyAnswer.REFUSED
    assert len(blob.asked) == 1


def test_softly_deleted_versions_are_purged_only_where_it_is_asked_for() -> None:
    """And an account that does not allow it keeps them to their day."""
    untouched = Recorded()
    assert answered(DELETED, untouched) is DestroyAnswer.DONE
    assert untouched.asked == []
    purged = Recorded()
    assert answered(DELETED, purged, purges=True) is DestroyAnswer.DONE
    assert purged.asked[0][2] == {"blob_delete_type": "Permanent", "version_id": "v"}
    assert answered(DELETED, Recorded(refusal(409, "PermanentDeleteNotEnabled")), purges=True) is DestroyAnswer.DONE
    assert answered(DELETED, Recorded(ResourceNotFoundError("gone")), purges=True) is DestroyAnswer.DONE
    assert (
        answered(DELETED, Recorded(refusal(403, "AuthorizationPermissionMismatch")), purges=True) is DestroyAnswer.DONE
    )


@pytest.mark.parametrize("version", [CURRENT, EARLIER])
def test_what_is_destroyed_now_is_purged_now(version: StoredVersion) -> None:
    """No later run looks at a recording that is gone: what this one leaves stays to the end of soft delete."""
    blob = Recorded()
    assert answered(version, blob, purges=True) is DestroyAnswer.DONE
    assert blob.asked[-1][2] == {"blob_delete_type": "Permanent", "version_id": version.version}
    protected = Recorded(refusal(409, "BlobImmutableDueToPolicy"))
    assert answered(version, protected, purges=True) is DestroyAnswer.REFUSED
    assert len(protected.asked) == 1


def test_the_custodian_reaches_another_account_by_its_own_identity() -> None:
    """The writer's identity could not delete there either."""
    own = StorageConnection(blob_uri="https://archive.blob.core.windows.net", client_id="custodian")
    other = StorageConnection(blob_uri="https://fallback.blob.core.windows.net", client_id="writer")
    known = settings(custodian_storage=own, fallback_storage=other)
    found = adapter_of.as_custodian(other, known)
    assert found is not None
    assert (found.blob_uri, found.client_id) == (other.blob_uri, "custodian")
    assert adapter_of.as_custodian(None, known) is None
