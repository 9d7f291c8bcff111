"""The asynchronous SDK sees the same simulator: the whole life of a recording in one go."""

import asyncio
import hashlib
import ssl
from typing import Any

import pytest
from azure.communication.callautomation.aio import CallAutomationClient
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from dev.acs_simulator.options import BearerTokens, SimulatorOptions
from dev.acs_simulator.threaded import SimulatorHandle
from tests.dev.acs_simulator.helpers import CONTENT, DELETE, WAV, make_object


class StaticToken:
    """A credential as azure-identity gives one, with a token that looks like a JWT."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://communication.azure.com//.default",)
        return AccessToken(self._token, 4_102_444_800)

    async def close(self) -> None: ...

    async def __aenter__(self) -> "StaticToken":
        return self

    async def __aexit__(self, *_: object) -> None: ...


def reached_through_proxy(simulator: SimulatorHandle) -> dict[str, Any]:
    """How a client is pointed at the simulator."""
    return {
        "proxies": {"https": simulator.addresses.proxy_url},
        "connection_verify": str(simulator.addresses.ca_bundle),
        "disable_redirect_cleanup": True,
        "retry_total": 0,
    }


async def read_all(client: CallAutomationClient, url: str, **options: Any) -> bytes:
    stream: Any = await client.download_recording(url, **options)
    return b"".join([piece async for piece in stream.iter_bytes()])


def test_the_asynchronous_sdk_records_downloads_and_deletes(simulator: SimulatorHandle) -> None:
    """Apps that are asynchronous must be able to use the same local world."""

    async def live() -> None:
        address = simulator.addresses
        client = CallAutomationClient.from_connection_string(
            address.connection_string, **reached_through_proxy(simulator)
        )
        async with client:
            call = simulator.client.create_call()
            recording = await client.start_recording(server_call_id=call["serverCallId"], **WAV)
            recording_id = recording.recording_id or ""
            simulator.client.advance(3)
            assert (await client.get_recording_properties(recording_id)).recording_state == "active"
            await client.pause_recording(recording_id)
            simulator.client.advance(1)
            await client.resume_recording(recording_id)
            simulator.client.advance(2)
            await client.stop_recording(recording_id)
            simulator.client.advance(10)
            (stored,) = await asyncio.to_thread(simulator.client.wait_for_objects, recording_id)
            body = await read_all(client, CONTENT.format(stored["documentId"]))
            assert hashlib.sha256(body).hexdigest() == stored["sha256"]
            part = await read_all(client, CONTENT.format(stored["documentId"]), offset=10, length=5)
            assert part == body[10:15]
            await client.delete_recording(DELETE.format(stored["documentId"]))
            assert simulator.client.objects()[0]["deletedAt"] is not None

    asyncio.run(live())


class TestBearerTokens:
    """Production uses a managed identity; the SDK refuses bearer tokens over anything but TLS."""

    @pytest.fixture(params=[BearerTokens.JWT, BearerTokens.REFUSE, BearerTokens.ANY])
    def options(self, request: pytest.FixtureRequest) -> SimulatorOptions:
        return SimulatorOptions(bearer_tokens=request.param)

    @pytest.mark.parametrize("token", ["header.claims.signature", "opaque"])
    def test_a_token_is_let_in_only_if_the_simulator_was_told_to(
        self, simulator: SimulatorHandle, options: SimulatorOptions, token: str
    ) -> None:
        """A test of the key must not pass because of a token."""
        stored = make_object(simulator)

        async def live() -> int:
            credential: Any = StaticToken(token)
            address = simulator.addresses
            client = CallAutomationClient(address.endpoint, credential, **reached_through_proxy(simulator))
            async with client:
                try:
                    return len(await read_all(client, CONTENT.format(stored["documentId"])))
                except ClientAuthenticationError:
                    return 0

        is_expected = {
            BearerTokens.JWT: token.count(".") == 2,
            BearerTokens.REFUSE: False,
            BearerTokens.ANY: True,
        }[options.bearer_tokens]
        assert (asyncio.run(live()) == stored["lengthBytes"]) is is_expected
        (entry,) = simulator.client.journal(operation="content")
        assert entry["credential"] == ("bearer" if is_expected else None)


def test_nobody_is_reached_who_does_not_trust_the_authority(simulator: SimulatorHandle) -> None:
    """The certificate is checked, so a forgotten ACS_CA_BUNDLE fails here as it would in production."""

    async def live() -> None:
        address = simulator.addresses
        client = CallAutomationClient.from_connection_string(
            address.connection_string, proxies={"https": address.proxy_url}, retry_total=0
        )
        async with client:
            with pytest.raises(Exception) as caught:  # noqa: PT011  which class depends on the transport
                await client.get_recording_properties("any")
        assert any(isinstance(error, ssl.SSLError) for error in chain(caught.value))
        assert simulator.client.journal() == []

    asyncio.run(live())


def chain(error: BaseException | None) -> list[BaseException]:
    """The error and all its causes."""
    found = []
    while error is not None:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
