"""What a row may be: the fakes of tables refuse what the service refuses, and take what it takes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dev.in_memory.fakes.limits import LONGEST_KEY, LONGEST_TEXT, MOST_PROPERTIES, check_row
from recording.adapters.table.tables import put_row, table_service
from recording.errors import StorageError
from recording.settings import Settings

KEYS = {"PartitionKey": "p", "RowKey": "r"}
PIECE = "x" * 16_000
TAKEN: dict[str, dict[str, Any]] = {
    "a long text": KEYS | {"text": "x" * LONGEST_TEXT},
    "a long text beyond the first plane": KEYS | {"text": "\U0001f600" * (LONGEST_TEXT // 2)},
    "many properties": KEYS | {f"p{number}": 1 for number in range(MOST_PROPERTIES)},
    "many pieces": KEYS | {f"json{number:02d}": PIECE for number in range(32)},
    "a long key": KEYS | {"RowKey": "r" * LONGEST_KEY},
}
REFUSED: dict[str, dict[str, Any]] = {
    "a longer text": KEYS | {"text": "x" * (LONGEST_TEXT + 1)},
    "a longer text beyond the first plane": KEYS | {"text": "\U0001f600" * (LONGEST_TEXT // 2 + 1)},
    "more properties": KEYS | {f"p{number}": 1 for number in range(MOST_PROPERTIES + 1)},
    "more pieces": KEYS | {f"json{number:02d}": PIECE for number in range(34)},
    "a longer key": KEYS | {"RowKey": "r" * (LONGEST_KEY + 1)},
    "a slash in a key": KEYS | {"RowKey": "a/b"},
    "a control character in a key": KEYS | {"RowKey": "a\u0007b"},
    "a number beyond 32 bits": KEYS | {"number": 2**31},
}
NOT_BY_AZURITE = {"more properties", "more pieces"}  # the service refuses them, its emulator does not


@pytest.fixture(params=["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def writes(request: pytest.FixtureRequest) -> Iterator[Callable[[dict[str, Any]], object]]:
    if request.param == "fake":
        yield check_row
        return
    settings: Settings = request.getfixturevalue("storage")
    with table_service(settings.host_storage) as service:
        table = service.get_table_client("chunks")
        yield lambda row: put_row(table, row)


@pytest.mark.parametrize("what", TAKEN)
def test_what_the_service_takes_is_taken(what: str, writes: Callable[[dict[str, Any]], object]) -> None:
    """A fake that is stricter would forbid what works."""
    writes(TAKEN[what])


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_service_refuses_is_refused(
    what: str, writes: Callable[[dict[str, Any]], object], request: pytest.FixtureRequest
) -> None:
    """A fake that takes it lets a row grow until it can be saved no more."""
    if "azurite" in request.node.callspec.id and what in NOT_BY_AZURITE:
        writes(REFUSED[what])
        return
    with pytest.raises(StorageError):
        writes(REFUSED[what])
