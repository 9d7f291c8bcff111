"""Connections are read from the settings in every form that the storage extension reads."""

import asyncio

import pytest

from dev.functions_host.functions import AppError
from dev.functions_host.queue.connections import QueueConnections

CONNECTION = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;QueueEndpoint=http://127.0.0.1:9/a;"


def url_of(connection: str, settings: dict[str, str]) -> str:
    async def read() -> str:
        connections = QueueConnections(settings)
        try:
            return str(connections.queue(connection, "chunks").url)
        finally:
            await connections.close()

    return asyncio.run(read())


@pytest.mark.parametrize(
    ("connection", "settings", "url"),
    [
        ("", {"AzureWebJobsStorage": CONNECTION}, "http://127.0.0.1:9/a/chunks"),
        ("ARCHIVE_STORAGE", {"ARCHIVE_STORAGE": CONNECTION}, "http://127.0.0.1:9/a/chunks"),
        ("Other", {"AzureWebJobsOther": CONNECTION}, "http://127.0.0.1:9/a/chunks"),
        (
            "AzureWebJobsStorage",
            {"AzureWebJobsStorage": "UseDevelopmentStorage=true"},
            "http://127.0.0.1:10001/devstoreaccount1/chunks",
        ),
        ("S", {"S__accountName": "acct"}, "https://acct.queue.core.windows.net/chunks"),
        (
            "S",
            {"S__queueServiceUri": "https://q.example", "S__credential": "managedidentity", "S__clientId": "c"},
            "https://q.example/chunks",
        ),
    ],
)
def test_a_connection_may_be_a_string_or_an_identity(connection: str, settings: dict[str, str], url: str) -> None:
    """Production uses the identity form, the local world the string; both must resolve by the same names."""
    assert url_of(connection, settings) == url


def test_a_connection_that_is_not_configured_names_the_settings_to_set() -> None:
    """The message is the documentation at that moment."""
    with pytest.raises(AppError, match="ARCHIVE_STORAGE__queueServiceUri"):
        url_of("ARCHIVE_STORAGE", {})
