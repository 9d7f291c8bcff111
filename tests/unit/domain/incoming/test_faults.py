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
