"""Our signature is the SDK's own, byte for byte."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.communication.callautomation._shared import policy as sdk
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.transport import HttpRequest

from recording.adapters.acs.signing import signed_headers
from tests.contract.conftest import ACCESS_KEY, ENDPOINT

AT = datetime(2026, 11, 3, 9, 5, 7, tzinfo=UTC)
SIGNED = ("x-ms-date", "x-ms-content-sha256", "Authorization")


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
@pytest.mark.parametrize("target", ["/v1/objects/0-eus-d1-aa/content/audio", "/v1/objects/a?x=1&y=2", "/"])
@pytest.mark.parametrize("body", ["", "{}"])
def test_the_signature_equals_the_sdks(method: str, target: str, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's policy is the only published definition of the scheme for storage locations."""
    monkeypatch.setattr(sdk, "get_current_utc_time", lambda: AT.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    request = HttpRequest(method, f"https://storage.asm.skype.com{target}")
    request.body = body
    policy = sdk.HMACCredentialsPolicy(ENDPOINT, ACCESS_KEY)
    policy.on_request(PipelineRequest(request, PipelineContext(None)))
    ours = signed_headers(method, target, ENDPOINT.removeprefix("https://"), ACCESS_KEY, at=AT, body=body.encode())
    assert ours == {name: request.headers[name] for name in SIGNED}


def test_the_date_is_utc() -> None:
    """ACS refuses a signature that is minutes off."""
    headers = signed_headers("GET", "/", "host", ACCESS_KEY, at=AT)
    assert headers["x-ms-date"] == "Tue, 03 Nov 2026 09:05:07 GMT"


def test_every_part_is_signed() -> None:
    """A signature that covers less could be used for something else."""
    base: dict[str, Any] = {"method": "GET", "path_and_query": "/a", "host": "h", "at": AT, "body": b""}
    other = {"method": "PUT", "path_and_query": "/a?", "host": "g", "at": AT + timedelta(seconds=1), "body": b"x"}
    variants = [base, *({**base, name: value} for name, value in other.items())]
    signatures = {signed_headers(**variant, access_key=ACCESS_KEY)["Authorization"] for variant in variants}
    assert len(signatures) == len(variants)
