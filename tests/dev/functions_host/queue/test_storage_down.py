"""A host whose storage is down says so at once, with the address."""

import asyncio
import logging

import pytest

from dev.azurite import ACCOUNT, ACCOUNT_KEY
from dev.functions_host.engines.engine import Outcome
from dev.functions_host.host_json import QueueSettings
from dev.functions_host.queue.connections import QueueConnections
from dev.functions_host.queue.listener import create_listener
from dev.world import free_port


async def nothing(*_: object) -> Outcome:
    """No message ever arrives."""
    return Outcome(None, {})


def test_the_first_look_tells_that_storage_is_down(caplog: pytest.LogCaptureFixture) -> None:
    """The SDK's own retries kept a dead address silent for most of a minute."""
    port = free_port()
    address = f"http://127.0.0.1:{port}/{ACCOUNT}"
    settings = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};QueueEndpoint={address};"

    async def look_for_two_seconds() -> None:
        connections = QueueConnections({"AzureWebJobsStorage": settings})
        listener = create_listener(connections, "", "tasks", QueueSettings(), nothing, lease_seconds=30)
        listener.start()
        for _ in range(100):
            if caplog.records:
                break
            await asyncio.sleep(0.1)
        await listener.stop()
        await connections.close()

    with caplog.at_level(logging.WARNING, logger="host.queue"):
        asyncio.run(look_for_two_seconds())
    assert "queue tasks cannot be read" in caplog.text
    assert str(port) in caplog.text
