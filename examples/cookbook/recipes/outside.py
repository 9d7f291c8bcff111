"""What is outside of the recipes: settings, tokens of this app's identity, calls by HTTP, notes of what is done."""

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, Protocol

import requests
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables import TableClient
from azure.identity import DefaultAzureCredential

TIMEOUT = (5, 20)  # seconds to connect, and to answer
LARGEST_ANSWER = 4 << 20
STORAGE = "AzureWebJobsStorage"
NOTES = "CookbookNotes"


class OutsideError(Exception):
    """What a recipe needs is not there, or did not do what it was asked; trying again later may help.

    The text names no address.
    """


class Notes(Protocol):
    """What is done, so that no event is worked on twice."""

    def has(self, what: str, key: str) -> bool:
        """Return whether it is done."""

    def add(self, what: str, key: str) -> None:
        """Note that it is done; doing so twice is fine."""


class Outside:
    """The way to everything else.

    Args:
        settings: the environment, unless a test says otherwise.
        credential: this app's identity.
        notes: a table in the app's own storage.
    """

    def __init__(
        self, settings: Mapping[str, str] | None = None, credential: Any = None, notes: Notes | None = None
    ) -> None:
        self._settings = os.environ if settings is None else settings
        self._credential = credential
        self._notes = notes

    def has(self, name: str) -> bool:
        """Return whether a setting is there."""
        return bool(self._settings.get(name))

    def setting(self, name: str, default: str | None = None) -> str:
        """Return a setting. Raises OutsideError when it must be there and is not."""
        value = self._settings.get(name) or default
        if value is None:
            raise OutsideError(f"the setting {name} is missing")
        return value

    @cached_property
    def credential(self) -> Any:
        """Return the identity: managed in Azure, the developer's own elsewhere."""
        return self._credential or DefaultAzureCredential()

    @cached_property
    def notes(self) -> Notes:
        """Return the notes."""
        return self._notes or TableNotes(self)

    def bearer(self, scope: str) -> dict[str, str]:
        """Return the header with a token of this app's identity. Raises OutsideError when there is none now."""
        try:
            return {"Authorization": f"Bearer {self.credential.get_token(scope).token}"}
        except AzureError as error:
            raise OutsideError(f"this app's identity gets no token ({type(error).__name__})") from None

    def call(  # noqa: PLR0917 - a request has so many parts
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: Any = None,
        expected: Collection[int] = (200,),
        also: Collection[int] = (),
    ) -> tuple[int, Any]:
        """Return status and content of an answer; redirects are not followed.

        Args:
            method: of HTTP.
            url: where to.
            headers: beside those of JSON.
            content: sent as JSON.
            expected: statuses that mean done.
            also: statuses that the caller wants to see as well.

        Raises:
            OutsideError: no answer, or one of another status.
        """
        try:
            answer = requests.request(
                method, url, headers=dict(headers), json=content, timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            raise OutsideError(f"no answer ({type(error).__name__})") from None  # its text has the address
        if answer.status_code not in (*expected, *also):
            raise OutsideError(f"answered {answer.status_code}")
        return answer.status_code, _json(answer)


class TableNotes:
    """Notes as rows of a table in the app's storage, by identity where the setting names an account."""

    def __init__(self, outside: Outside) -> None:
        account = outside.setting(f"{STORAGE}__accountName", "")
        self._table = (
            TableClient(f"https://{account}.table.core.windows.net", NOTES, credential=outside.credential)
            if account
            else TableClient.from_connection_string(outside.setting(STORAGE), NOTES)
        )

    def has(self, what: str, key: str) -> bool:
        """See `Notes.has`."""
        try:
            self._table.get_entity(what, key)
        except ResourceNotFoundError:
            return False
        return True

    def add(self, what: str, key: str) -> None:
        """See `Notes.add`."""
        row = {"PartitionKey": what, "RowKey": key}
        try:
            self._table.upsert_entity(row)
        except ResourceNotFoundError:  # the very first note
            with suppress(ResourceExistsError):
                self._table.create_table()
            self._table.upsert_entity(row)


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json() if answer.content and len(answer.content) <= LARGEST_ANSWER else None
    except ValueError:
        return None
