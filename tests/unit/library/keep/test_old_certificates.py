"""Certificates of earlier releases: rules by their names, and no requests; they prove and are shown as ever."""

import json
from dataclasses import replace
from typing import Any

import pytest

from dev.in_memory.keep_world import RECORDING_ID, archived, days_pass, put_rule
from dev.in_memory.world import World
from recording.library.keep.explain import certificate_of
from recording.operate.drift import compare_recording
from recording.operate.verify_recording import verify


def destroyed_by_an_earlier_release(**said: Any) -> tuple[World, bytes]:
    """Return a world after a destruction, with the certificate in the words of then; None leaves a field out."""
    here, _ = archived()
    put_rule(here, "delete", 1)
    days_pass(here, 16)
    (name,) = (one for one in here.fakes.archive.blobs if one.startswith("_certificates/"))
    blob = here.fakes.archive.blobs[name]
    content = {key: one for key, one in (json.loads(blob.data) | said).items() if one is not None}
    raw = json.dumps(content).encode()
    here.fakes.archive.blobs[name] = replace(blob, data=raw)
    return here, raw


@pytest.mark.parametrize(
    "said",
    [
        {"why": "deleted_by_rule: five years"},
        {"why": "a rule of before", "rules": ["five years", "calls"]},
        {"rules": None, "erasures": None, "holdsBefore": None, "app": None, "schema": None},
        {"schema": 99, "unheardOf": {"x": 1}},
    ],
)
def test_a_certificate_in_other_words_still_says_which_files_may_be_gone(said: dict[str, Any]) -> None:
    """Their absence is no drift, and the document is handed out as it is stored."""
    here, raw = destroyed_by_an_earlier_release(**said)
    assert compare_recording(RECORDING_ID, here.ports, here.settings).drifts == ()
    verified = verify(RECORDING_ID, here.ports, here.settings)
    assert verified is not None
    assert verified.is_destroyed
    assert certificate_of(RECORDING_ID, None, here.ports, here.settings) == raw
    assert certificate_of(RECORDING_ID, "a-request", here.ports, here.settings) == raw
