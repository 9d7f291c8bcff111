"""Leaves and their documents: what is written is read as it was, and what is not exactly that is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from recording.domain.seal.checkpoint import SealFormatError
from recording.domain.seal.leaves import (
    SALT_BYTES,
    Batch,
    Kind,
    Line,
    Proved,
    canonical,
    is_as_written,
    is_written_once,
    kind_of,
    leaf_of,
    read_batch,
    read_journal,
    read_proofs,
    salt_for,
    salt_of_file,
    sealed_name,
    sealed_number,
    withdrawn_by,
    written_journal,
    written_proofs,
)

SECRET, CONTENT = b"secret", b"what was archived"
NAME = "2026/11/23/call/recording/0000-doc.receipt.json"
SALT = salt_of_file(SECRET, NAME, CONTENT)
LEAF = leaf_of(Kind.RECEIPT, SALT, CONTENT)
BATCH = Batch(3, 7, (b"\x01" * 32, b"\x02" * 32), (LEAF,), "ab", datetime(2026, 11, 23, tzinfo=UTC), ("r1",), "cd")
PROOF = Proved("0000-doc.receipt.json", Kind.RECEIPT, SALT, LEAF.digest, 7, (b"\x03" * 32,))
ROW = Line(8, Kind.AUDIT, b"salt", {"caller": "ada", "action": "get"})
GONE = Line(9, Kind.AUDIT, b"", None, "row-9")


def test_a_file_passes_for_itself_in_its_own_place_only() -> None:
    """Otherwise an earlier version, or another recording's file, could be put in its place."""
    assert PROOF.matches(CONTENT)
    assert not PROOF.matches(CONTENT + b" ")
    elsewhere = replace(PROOF, salt=SALT[:SALT_BYTES] + b"2026/11/23/call/other/0000-doc.receipt.json")
    assert not elsewhere.matches(CONTENT)
    assert PROOF.blob_name == NAME
    assert replace(PROOF, salt=SALT[:SALT_BYTES]).blob_name is None


def test_a_leaf_reveals_nothing_without_its_salt() -> None:
    """Two recordings with the same document have unlike leaves; the same work done again has the same."""
    assert leaf_of(Kind.RECEIPT, salt_of_file(b"other", NAME, CONTENT), CONTENT) != LEAF
    assert salt_for(SECRET, NAME, CONTENT) == salt_for(SECRET, NAME, CONTENT)
    assert salt_for(SECRET, NAME, CONTENT) != salt_for(SECRET, NAME, CONTENT + b" ")


@pytest.mark.parametrize(
    ("name", "kind", "once"),
    [
        ("f/0000-doc.receipt.json", Kind.RECEIPT, True),
        ("f/0000-doc.metadata.json", Kind.METADATA, True),
        ("f/0000-doc.after.json", Kind.AFTER, True),
        ("f/derived.mix.receipt.json", Kind.RECEIPT, False),
        ("f/manifest.json", Kind.MANIFEST, False),
        ("f/manifest.0001.json", Kind.MANIFEST, False),
    ],
)
def test_documents_are_told_by_their_names(name: str, kind: Kind, *, once: bool) -> None:
    """What grows is sealed in each version, all else once."""
    assert kind_of(name) is kind
    assert is_written_once(name, kind) is once


@pytest.mark.parametrize("name", ["f/0000-doc.wav", "f/manifest.1.json", "f/seal.0000000003.json", "f/manifest.json/x"])
def test_media_and_proofs_are_not_sealed_themselves(name: str) -> None:
    """A receipt has the media's digest, and a proof of a proof would never end."""
    assert kind_of(name) is None


@pytest.mark.parametrize(("folder", "name"), [("f/g", "f/g/seal.0000000012.json"), ("", "seal.0000000012.json")])
def test_proofs_name_their_checkpoint(folder: str, name: str) -> None:
    """A verifier finds it without a list."""
    assert sealed_name(folder, 12) == name
    assert sealed_number(name) == 12
    assert sealed_number(name.replace("0000000012", "12")) is None


def test_each_document_is_read_as_it_was_written() -> None:
    """Also with everything absent that may be absent."""
    for batch in (BATCH, Batch(0, 0, (), ())):
        assert read_batch(batch.written()) == batch
    assert read_proofs(written_proofs(b"head", [PROOF])) == (b"head", [PROOF])
    assert read_journal(written_journal([ROW, GONE])) == [ROW, GONE]


def test_a_withdrawn_row_leaves_neither_its_content_nor_its_salt() -> None:
    """Either one would let a guess be tried."""
    (text,) = written_journal([replace(GONE, salt=b"salt")]).splitlines()
    assert json.loads(text) == {"leaf": 9, "kind": "audit", "withdrawn": True, "id": "row-9"}


def _changed(raw: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(raw), **changes}).encode()


READERS: list[tuple[Callable[[bytes], object], bytes, dict[str, Any]]] = [
    (read_batch, BATCH.written(), {"number": True}),
    (read_batch, BATCH.written(), {"number": 3.0}),
    (read_batch, BATCH.written(), {"first": "7"}),
    (read_batch, BATCH.written(), {"leaves": ["unknown ab"]}),
    (read_batch, BATCH.written(), {"leaves": None}),
    (read_batch, BATCH.written(), {"frontier": ["no hex"]}),
    (read_batch, BATCH.written(), {"auditUntil": "yesterday"}),
    (read_proofs, written_proofs(b"head", [PROOF]), {"files": [{}]}),
    (read_proofs, written_proofs(b"head", [PROOF]), {"files": {"a": 1}}),
    (read_journal, written_journal([ROW]), {"leaf": True}),
    (read_journal, written_journal([ROW]), {"row": None}),
    (read_journal, written_journal([ROW]), {"salt": "no hex"}),
    (read_journal, written_journal([ROW]), {"kind": "unknown"}),
]


@pytest.mark.parametrize(("read", "raw", "changes"), READERS)
def test_what_is_not_of_the_form_is_refused_in_one_way(
    read: Callable[[bytes], object], raw: bytes, changes: dict[str, Any]
) -> None:
    """A verifier reports it as altered; any other exception would end the verification."""
    read(raw)
    with pytest.raises(SealFormatError):
        read(_changed(raw, **changes))


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_refused_in_the_same_way(raw: bytes) -> None:
    """Files come from a disk that others may write."""
    for read in (read_batch, read_proofs):
        with pytest.raises(SealFormatError):
            read(raw)


def test_a_document_of_proofs_has_one_spelling() -> None:
    """What a reader skips could carry something that nobody sealed."""
    raw = written_proofs(b"head", [PROOF])
    assert is_as_written(raw)
    assert not is_as_written(_changed(raw))
    assert not is_as_written(_changed(raw, more=1))


def test_a_withdrawal_names_rows_only_where_each_leaf_has_one() -> None:
    """A list that is too short would give the wrong row to a leaf."""
    said: dict[str, Any] = {"leaves": [3, 4], "rows": ["r3", ""]}
    assert withdrawn_by(replace(ROW, row=said)) == {3: "r3", 4: None}
    assert withdrawn_by(replace(ROW, row={**said, "rows": ["r3"]})) == {3: None, 4: None}
    assert withdrawn_by(replace(ROW, row={"leaves": [3, True, "5"]})) == {3: None}
    assert withdrawn_by(GONE) == {}


def test_a_row_has_one_canonical_text() -> None:
    """Its leaf was made of it, so order and absent values must not matter."""
    assert canonical({"b": 1, "a": None, "c": "ü"}) == b'{"b":1,"c":"\\u00fc"}'
    assert canonical({"c": "ü", "b": 1}) == canonical({"b": 1, "c": "ü", "d": None})
