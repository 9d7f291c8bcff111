"""The calls that every adapter over tables makes: rows by key, listings, conditional writes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity, TableServiceClient, UpdateMode

from recording.adapters.azure_sdk.clients import CLIENT_OPTIONS, attempt, credential
from recording.adapters.azure_sdk.errors import error_code_of, is_refused_condition, translate_errors
from recording.adapters.table import rows
from recording.errors import ClaimLostError, StorageError
from recording.settings import StorageConnection, needed

T = TypeVar("T")


def table_service(connection: StorageConnection) -> TableServiceClient:
    """Return a client for the account, by connection string or identity."""
    if connection.connection_string:
        text = connection.connection_string.get_secret_value()
        return TableServiceClient.from_connection_string(text, **CLIENT_OPTIONS)
    uri, identity = needed(connection.table_uri, "tableServiceUri"), credential(connection.client_id)
    return TableServiceClient(uri, credential=identity, **CLIENT_OPTIONS)


def get_row(
    table: TableClient, keys: rows.Row, columns: tuple[str, ...] | None = None, doing: str = "reading a row"
) -> TableEntity | None:
    """Return a row, or these columns of it; None when there is none."""
    with translate_errors(doing):
        try:
            return attempt(
                lambda: table.get_entity(
                    keys["PartitionKey"], keys["RowKey"], select=list(columns) if columns else None
                )
            )
        except ResourceNotFoundError:
            return None


def rows_of(
    table: TableClient,
    partition: str,
    first: str = "",
    page: int | None = None,
    columns: tuple[str, ...] | None = None,
    *,
    and_that: str = "",
) -> Iterator[TableEntity]:
    """Yield all rows of a partition by row key, from the first one on, page by page; nothing when the table is missing.

    Args:
        table: where.
        partition: which.
        first: the row key to begin at.
        page: rows in a page; None leaves it to the service, which sends a thousand.
        columns: which columns to read; None for all.
        and_that: a further condition, as the service spells it.
    """
    with translate_errors("listing rows"):
        try:
            where = f"PartitionKey eq @partition and RowKey ge @first{and_that}"
            parameters = {"partition": partition, "first": first}
            selected = list(columns) if columns else None
            yield from table.query_entities(where, parameters=parameters, results_per_page=page, select=selected)
        except ResourceNotFoundError:
            return


def rows_beyond(
    table: TableClient, partition: str, and_that: str = "", columns: tuple[str, ...] = rows.DOCUMENT_COLUMNS
) -> Iterator[TableEntity]:
    """Yield all rows of the partitions after this one that `and_that` is true of.

    Names made of ids come after those with an exclamation mark.
    """
    with translate_errors("listing rows"):
        try:
            yield from table.query_entities(
                f"PartitionKey gt @partition{and_that}",
                parameters={"partition": partition},
                select=list(columns),
            )
        except ResourceNotFoundError:
            return


def until_it_fails(listed: Iterable[T]) -> tuple[list[T], StorageError | None]:
    """Return what a listing gave before it failed, and why it failed."""
    found: list[T] = []
    try:
        for one in listed:
            found.append(one)
    except StorageError as error:
        return found, error
    return found, None


def add_row(table: TableClient, row: rows.Row) -> bool:
    """Insert a row, and make the table when it is missing. False, and no change, when there is such a row."""
    with translate_errors("adding a row"):
        try:
            _writing(table, lambda: table.create_entity(row))
        except HttpResponseError as error:
            if is_refused_condition(error):
                return False
            raise
    return True


def put_row(table: TableClient, row: rows.Row) -> dict[str, Any]:
    """Write a row whatever is there, make the table when it is missing, and return what the service says of the row."""
    with translate_errors("writing a row"):
        return _writing(table, lambda: table.upsert_entity(row, mode=UpdateMode.REPLACE))


def put_rows(table: TableClient, together: Sequence[rows.Row]) -> None:
    """Write up to a hundred rows of one partition whatever is there, in one request; the table is made when missing."""
    operations = [("upsert", row, {"mode": UpdateMode.REPLACE}) for row in together]
    with translate_errors("writing rows"):
        _writing(table, lambda: table.submit_transaction(operations))


def replace_row(table: TableClient, row: rows.Row, etag: str | None, doing: str = "saving a row") -> dict[str, Any]:
    """Replace a row that still has this ETag, and return what the service says of the new one.

    Raises:
        ClaimLostError: it was not read before, has changed since, or is gone.
    """
    if etag is None:
        raise ClaimLostError("a row that was not read cannot be saved")
    with translate_errors(doing):
        try:
            return attempt(lambda: _update(table, row, etag))
        except HttpResponseError as error:
            if is_refused_condition(error) or isinstance(error, ResourceNotFoundError):
                raise ClaimLostError("the row has changed since it was read") from None
            raise


def _update(table: TableClient, row: rows.Row, etag: str) -> dict[str, Any]:
    return table.update_entity(row, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified)


def remove_place(table: TableClient, keys: rows.Row) -> None:
    """Remove the row with these keys, whatever it holds by now; an absent one is success."""
    with translate_errors("removing a row"), suppress(ResourceNotFoundError):
        attempt(lambda: table.delete_entity(keys["PartitionKey"], keys["RowKey"]))


def remove_rows(table: TableClient, together: Sequence[rows.Row]) -> None:
    """Remove up to a hundred rows of one partition in one request, whatever they say; those that are gone are fine."""
    operations = [("delete", {name: row[name] for name in ("PartitionKey", "RowKey")}) for row in together]
    with translate_errors("removing rows"):
        try:
            attempt(lambda: table.submit_transaction(operations))
        except HttpResponseError as error:
            if error.status_code != 404:
                raise
        else:
            return
    for row in together:  # another worker has removed one of them, and a transaction is all or nothing
        remove_place(table, row)


def remove_row(table: TableClient, row: TableEntity) -> None:
    """Remove a row if it is still as it was read; one that has changed stays."""
    with suppress(ClaimLostError):
        remove_unchanged(table, row, row.metadata["etag"])


def remove_unchanged(table: TableClient, keys: rows.Row, etag: str | None) -> None:
    """Remove a row that still has this ETag; nothing there is fine.

    Raises:
        ClaimLostError: it was not read before, or has changed since.
    """
    if etag is None:
        raise ClaimLostError("a row that was not read cannot be removed")
    with translate_errors("removing a row"):
        try:
            attempt(lambda: _delete(table, keys, etag))
        except ResourceNotFoundError:
            return
        except HttpResponseError as error:
            if is_refused_condition(error):
                raise ClaimLostError("the row has changed since it was read") from None
            raise


def _delete(table: TableClient, keys: rows.Row, etag: str) -> None:
    table.delete_entity(keys["PartitionKey"], keys["RowKey"], etag=etag, match_condition=MatchConditions.IfNotModified)


def _writing(table: TableClient, call: Callable[[], T]) -> T:
    """Return the result of a call that writes; the table is made when it turns out to be missing."""
    try:
        return attempt(call)
    except HttpResponseError as error:  # of a transaction it is another class than of a single row
        if error_code_of(error) != "TableNotFound":
            raise
    with suppress(ResourceExistsError):  # another worker may be faster
        attempt(table.create_table)
    return attempt(call)
