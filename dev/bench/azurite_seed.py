"""Fills Azurite's tables by its own file: a hundred thousand recordings by requests would take an hour.

Azurite keeps its tables in one JSON document. A first run with one row shows how this version writes it, and the rows
are put in where that row was. Node reads no text of more than half a gigabyte, so large tables get an Azurite each.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from azure.data.tables import TableServiceClient

from dev.azurite import Azurite

_FILE = "__azurite_db_table__.json"
Row = dict[str, Any]


@contextmanager
def seeded(folder: Path, table: str, rows: Iterable[Row]) -> Iterator[Azurite]:
    """Yield an Azurite whose table has these rows; their values are texts and booleans."""
    with Azurite(folder) as first, TableServiceClient.from_connection_string(first.connection_string) as service:
        service.create_table(table).create_entity({"PartitionKey": "p", "RowKey": "r", "text": "t"})
    path = folder / _FILE
    whole = json.loads(path.read_text(encoding="utf-8"))
    (kept,) = (one for one in whole["collections"] if one["name"].endswith(f"${table}"))
    keys = _replace(kept, rows)
    for name, index in kept["binaryIndices"].items():
        place = 0 if name == "PartitionKey" else 1
        index.update({"values": sorted(range(len(keys)), key=lambda at: keys[at][place]), "dirty": False})
    kept["maxId"] = len(keys)
    path.write_text(json.dumps(whole, separators=(",", ":")), encoding="utf-8")
    del whole, kept
    with Azurite(folder) as azurite:
        yield azurite


def _replace(kept: dict[str, Any], rows: Iterable[Row]) -> list[tuple[str, str]]:
    """Put the rows where the first run's row is, in its form; return their keys."""
    (form,) = kept["data"]
    stamps = {name: value for name, value in form["properties"].items() if name.startswith("Timestamp")}
    keys: list[tuple[str, str]] = []
    kept["data"] = []
    for number, row in zip(count(1), rows, strict=False):
        own = {"PartitionKey": row["PartitionKey"], "RowKey": row["RowKey"], "$loki": number}
        kept["data"].append({**form, **own, "properties": {**row, **stamps}})
        keys.append((row["PartitionKey"], row["RowKey"]))
    return keys
