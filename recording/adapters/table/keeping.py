"""Fills the port Keeping with the table `custody`: a row for each recording, and rows that list holds by their case.

A row of the list is written before the recording's row and removed after it, so every active hold is listed; what the
recording's row does not confirm is passed over.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, TypeVar

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableEntity
from pydantic import BaseModel

from recording.adapters.azure_sdk.errors import translate_errors
from recording.adapters.table.records import UnreadableRecordError
from recording.adapters.table.rows import Row, pieces_of, text_of
from recording.adapters.table.tables import (
    add_row,
    get_row,
    put_row,
    put_rows,
    remove_place,
    replace_row,
    rows_of,
    table_service,
)
from recording.domain.ids import name_of
from recording.domain.keep.custody import Custody, case_key
from recording.domain.keep.erasure import Covering, Erasure, Scope, covering_of
from recording.domain.keep.rules import RuleSet
from recording.domain.model import with_changes
from recording.domain.names import CUSTODY_TABLE
from recording.errors import StorageError
from recording.errors.codes import Code
from recording.ports import Page, Unreadable
from recording.ports.library.keeping import Covered
from recording.settings import Settings

M = TypeVar("M", bound=BaseModel)
VERSION = 3  # of the documents that this version reads and writes
_HOLDS, _RULES, _ERASURES, _ROW = "!holds", "!rules", "!erasures", "custody"
_COVERED = "!covered"  # what approved requests cover, by recording
_ALL = "!all"  # the first row of it says that none is missing
_COVERED_COLUMNS = ("PartitionKey", "RowKey", "Timestamp")
MOST_AT_ONCE = 100  # rows of one partition in a request, by the service's limit


class TableKeeping:
    """The table `custody` in the host's account."""

    def __init__(self, settings: Settings) -> None:
        self._service = table_service(settings.host_storage)
        self._table = self._service.get_table_client(CUSTODY_TABLE)

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def custody(self, recording_id: str) -> Custody | None:
        """Return one recording's row."""
        row = get_row(self._table, _custody_keys(recording_id))
        return _custody(row) if row is not None else None

    def add_custody(self, custody: Custody) -> bool:
        """Add the row, listed first."""
        self._list(custody)
        return add_row(self._table, _row_of(custody))

    def save_custody(self, custody: Custody) -> Custody:
        """Replace the row under its ETag; holds are listed before and taken off the list after."""
        self._list(custody)
        etag = self._save(_row_of(custody), custody.etag)
        active = {hold.case for hold in custody.active_holds}
        for case in {hold.case for hold in custody.holds} - active:
            remove_place(self._table, _hold_keys(case, custody.recording_id))
        return with_changes(custody, {"etag": etag})

    def custodies(self, first: str, last: str) -> Iterator[Custody | Unreadable]:
        """Yield a range of partitions, page by page."""
        where = "PartitionKey ge @first and PartitionKey le @last and RowKey eq @row"
        with translate_errors("listing rows"):
            try:
                parameters = {"first": first, "last": last, "row": _ROW}
                for row in self._table.query_entities(where, parameters=parameters):
                    yield _readable(row)
            except ResourceNotFoundError:
                return

    def held(self, after: str = "", most: int = 1000) -> Page[Custody]:
        """Walk the list of holds and read each recording's row."""
        listed = list(islice(rows_of(self._table, _HOLDS, f"{after}!" if after else ""), most))
        found: list[Custody | Unreadable] = []
        for row in listed:
            named = row.get("recordingId")
            if not isinstance(named, str):
                found.append(Unreadable(str(row["RowKey"])))
                continue
            try:
                custody = self.custody(named)
            except StorageError as error:
                if error.code not in (Code.UNREADABLE_RECORD, Code.NEWER_RECORD):
                    raise
                found.append(Unreadable(named, error.code))
                continue
            if custody is not None and any(hold.case == row.get("holdCase") for hold in custody.active_holds):
                found.append(custody)
        return Page(tuple(found), str(listed[-1]["RowKey"]) if len(listed) == most else "")

    def rules(self) -> RuleSet:
        """Return the first row: numbers are stored so that the newest is first."""
        row = next(iter(rows_of(self._table, _RULES, page=1)), None)
        return _document(RuleSet, row) if row is not None else RuleSet()

    def add_rules(self, rules: RuleSet) -> bool:
        """Insert a row under the number; the service refuses a second one."""
        return add_row(self._table, _rules_row(rules))

    def rules_history(self) -> Iterator[RuleSet | Unreadable]:
        """Yield all rows, the oldest first."""
        for row in reversed(list(rows_of(self._table, _RULES))):
            try:
                yield _document(RuleSet, row)
            except UnreadableRecordError as error:
                yield Unreadable(f"{_RULES}/{row['RowKey']}", error.code)

    def reword_rules(self, rules: RuleSet) -> None:
        """Replace the row of this number, if there is one."""
        row = _rules_row(rules)
        if get_row(self._table, {name: row[name] for name in ("PartitionKey", "RowKey")}) is not None:
            put_row(self._table, row)

    def erasure(self, erasure_id: str) -> Erasure | None:
        """Return one row of the requests."""
        row = get_row(self._table, _request_keys(erasure_id))
        return with_changes(_document(Erasure, row), {"etag": row.metadata["etag"]}) if row is not None else None

    def add_erasure(self, erasure: Erasure) -> bool:
        """Insert a row."""
        return add_row(self._table, _request_row(erasure))

    def save_erasure(self, erasure: Erasure) -> Erasure:
        """Replace a row under its ETag."""
        return with_changes(erasure, {"etag": self._save(_request_row(erasure), erasure.etag)})

    def erasures(self) -> Iterator[Erasure | Unreadable]:
        """Yield all rows of the requests."""
        for row in rows_of(self._table, _ERASURES):
            try:
                yield with_changes(_document(Erasure, row), {"etag": row.metadata["etag"]})
            except UnreadableRecordError as error:
                yield Unreadable(str(row["RowKey"]), error.code)

    def list_covered(self, erasure: Erasure) -> None:
        """Write a row for each recording, a hundred in a request; the request's own row says whether it counts."""
        rows = [_covered_row(recording_id, erasure.erasure_id) for recording_id in dict.fromkeys(erasure.recordings)]
        for at in range(0, len(rows), MOST_AT_ONCE):
            put_rows(self._table, rows[at : at + MOST_AT_ONCE])

    def covered(self, after: str = "", most: int = 1000) -> Covered:
        """Read a page of the list; its first row says whether it is whole."""
        rows = list(islice(rows_of(self._table, _COVERED, after and f"{after}!", most, _COVERED_COLUMNS), most))
        keys = [str(row["RowKey"]) for row in rows]
        names = frozenset(key.partition("!")[0] for key in keys if key != _ALL)
        return Covered(names, keys[-1] if len(keys) == most else "", _ALL in keys)

    def covering(self, recording_id: str) -> tuple[Covering, ...] | None:
        """Read the rows of one recording, and of each request that they name its own row."""
        name, known = name_of(recording_id), set[str]()
        here = "PartitionKey eq @partition and"  # without brackets: the SDK takes them for a part of a parameter's name
        where = f"{here} RowKey eq @all or {here} RowKey gt @first and RowKey lt @last"
        parameters = {"partition": _COVERED, "all": _ALL, "first": f"{name}!", "last": f'{name}"'}
        with translate_errors("listing rows"), suppress(ResourceNotFoundError):
            rows = self._table.query_entities(where, parameters=parameters, select=list(_COVERED_COLUMNS))
            known = {str(row["RowKey"]) for row in rows}
        if _ALL not in known:
            return None
        return tuple(self._covering(key.partition("!")[2], recording_id) for key in sorted(known - {_ALL}))

    def all_are_listed(self) -> None:
        """Write the list's first row."""
        put_row(self._table, {"PartitionKey": _COVERED, "RowKey": _ALL})

    def unlist_covered(self, ended: Callable[[str], bool]) -> int:
        """Remove the rows of these requests."""
        rows = [row for row in rows_of(self._table, _COVERED, columns=_COVERED_COLUMNS) if row["RowKey"] != _ALL]
        gone = [row for row in rows if ended(str(row["RowKey"]).partition("!")[2])]
        for row in gone:
            remove_place(self._table, {"PartitionKey": _COVERED, "RowKey": row["RowKey"]})
        return len(gone)

    def _covering(self, erasure_id: str, recording_id: str) -> Covering:
        try:
            return covering_of(erasure_id, self.erasure(erasure_id), recording_id)
        except UnreadableRecordError:
            return Covering(erasure_id, Scope.RECORDING)

    def _save(self, row: Row, etag: str | None) -> str:
        """Replace a row under its ETag, and return the new one."""
        return str(replace_row(self._table, row, etag)["etag"])

    def _list(self, custody: Custody) -> None:
        for hold in custody.active_holds:
            keys = _hold_keys(hold.case, custody.recording_id)
            put_row(self._table, keys | {"recordingId": custody.recording_id, "holdCase": hold.case})


def _custody_keys(recording_id: str) -> Row:
    return {"PartitionKey": name_of(recording_id), "RowKey": _ROW}


def _hold_keys(case: str, recording_id: str) -> Row:
    return {"PartitionKey": _HOLDS, "RowKey": case_key(case, recording_id)}


def _request_keys(erasure_id: str) -> Row:
    return {"PartitionKey": _ERASURES, "RowKey": name_of(erasure_id)}


def _covered_row(recording_id: str, erasure_id: str) -> Row:
    return {"PartitionKey": _COVERED, "RowKey": f"{name_of(recording_id)}!{erasure_id}"}


def _row_of(custody: Custody) -> Row:
    columns = {"recordingId": custody.recording_id, "state": custody.state.value, "held": bool(custody.active_holds)}
    return _custody_keys(custody.recording_id) | columns | pieces_of(custody.model_dump_json())


def _rules_row(rules: RuleSet) -> Row:
    keys = {"PartitionKey": _RULES, "RowKey": f"{999_999_999 - rules.number:09d}"}
    return keys | pieces_of(rules.model_dump_json())


def _request_row(erasure: Erasure) -> Row:
    state = {"state": erasure.state.value}
    return _request_keys(erasure.erasure_id) | state | pieces_of(erasure.model_dump_json())


def _custody(row: TableEntity) -> Custody:
    found = _document(Custody, row)
    if name_of(found.recording_id) != row["PartitionKey"]:  # a copy must not decide about another recording
        raise UnreadableRecordError("a row describes another recording than its key names")
    return with_changes(found, {"etag": row.metadata["etag"]})


def _readable(row: TableEntity) -> Custody | Unreadable:
    try:
        return _custody(row)
    except UnreadableRecordError as error:
        return Unreadable(str(row["PartitionKey"]), error.code)


def _document(model: type[M], row: Mapping[str, Any]) -> M:
    """Return the document of a row.

    Raises:
        UnreadableRecordError: damaged, or `newer_record`: a newer version must decide about this recording.
    """
    try:
        document = json.loads(text_of(row))
        version = document.get("version", VERSION)
        if isinstance(version, int) and version > VERSION:
            raise UnreadableRecordError(f"a {model.__name__} of a newer version", code=Code.NEWER_RECORD)
        return model.model_validate_json(json.dumps(document))
    except (ValueError, AttributeError, RecursionError):
        raise UnreadableRecordError(f"a row is not a {model.__name__} of this version") from None
