"""What is wrong with a body, in plain words."""

from typing import Any

import pytest

from recording.domain.find.find_query import FindQuery
from recording.domain.incoming.requests import Consent, Exact, HeldFilter, PauseRequest, StartRequest
from recording.errors import RequestError

CALL = {"serverCallId": "aHR0cHM6Ly9jYWxs"}
CONSENT = {"basis": "contract", "reference": "C-7", "capturedBy": "ivr"}


@pytest.mark.parametrize(
    ("model", "body", "told"),
    [
        (StartRequest, [], "body: must be a JSON object"),
        (StartRequest, {**CALL, "formt": "mp3"}, "formt: is not known here; is it misspelled?"),
        (StartRequest, {**CALL, "format": 3}, "format: must be text"),
        (Consent, {**CONSENT, "capturedAt": "yesterday"}, "capturedAt: must be a time in ISO 8601"),
        (Consent, CONSENT, "capturedAt: is missing"),
        (PauseRequest, {"maxSeconds": 1}, "maxSeconds: must be 5 or more"),
        (PauseRequest, {"maxSeconds": 10**6}, "maxSeconds: must be 86400 or less"),
        (PauseRequest, {"maxSeconds": "x"}, "maxSeconds: must be a whole number"),
        (PauseRequest, {"reason": ""}, "reason: must have 1 characters or more"),
        (FindQuery, {"state": "lsot"}, "state: must be one of 'recording'"),
        (HeldFilter, {"reason": {}}, "reason: must be text"),
    ],
)
def test_a_caller_reads_what_to_change(model: type[Exact], body: Any, told: str) -> None:
    """`Value error, Invalid isoformat string` is the talk of a library, and repeats what was sent."""
    with pytest.raises(RequestError) as refusal:
        model.read(body)
    assert told in str(refusal.value)
    for word in ("Input should", "Value error", "Extra inputs", "StartRequest", "yesterday", "lsot"):
        assert word not in str(refusal.value)


@pytest.mark.parametrize("model", [StartRequest, PauseRequest, HeldFilter, FindQuery])
@pytest.mark.parametrize("name", ["+4915112345678", "4:+4915112345678", "8:acs:1f0c2d3e-aaaa_0000-bbbb"])
def test_a_field_that_is_named_after_a_person_is_not_repeated(model: type[Exact], name: str) -> None:
    """A caller who puts a number where a name belongs is told so, and no log or page in between learns it."""
    with pytest.raises(RequestError) as refusal:
        model.read({name: "x", "y" * 5000: 1})
    assert name not in str(refusal.value)
    assert "12345678" not in str(refusal.value)
    assert "is not known here" in str(refusal.value)
    assert len(str(refusal.value)) < 1000
