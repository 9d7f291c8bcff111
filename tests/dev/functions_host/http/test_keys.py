"""Keys open exactly what they open in production."""

import pytest

from dev.functions_host.functions import AppError
from dev.functions_host.http.keys import EVENT_GRID_KEY, new_keys, presented_key

KEYS = new_keys(
    ["start"],
    {
        "master": "M",
        "host/default": "H",
        "function/start/default": "F",
        f"system/{EVENT_GRID_KEY}": "E",
        "system/other": "S",
    },
)


@pytest.mark.parametrize(
    ("level", "opening"),
    [
        ("ANONYMOUS", [None, "", "wrong", "M", "H", "F", "E", "S"]),
        ("FUNCTION", ["M", "H", "F"]),
        ("SYSTEM", ["M", "E", "S"]),
        ("ADMIN", ["M"]),
    ],
)
def test_a_level_is_opened_by_its_own_keys_and_the_master_key(level: str, opening: list[str | None]) -> None:
    """A key that opens too much hides a missing key from the tests."""
    candidates = [None, "", "wrong", "M", "H", "F", "E", "S"]
    assert [key for key in candidates if KEYS.may_call("start", level, key)] == opening


def test_a_functions_own_key_opens_no_other_function() -> None:
    """That is what they are for."""
    assert not KEYS.may_call("stop", "function", "F")


def test_a_webhook_is_opened_by_its_own_system_key_and_the_master_key() -> None:
    """Event Grid holds the system key of its extension only."""
    opening = [key for key in (None, "M", "H", "F", "E", "S") if KEYS.may_call_webhook(EVENT_GRID_KEY, key)]
    assert opening == ["M", "E"]


def test_the_header_wins_over_the_query() -> None:
    """A wrong header with a right code is refused by the real host, too."""
    assert presented_key({"x-functions-key": "header"}, {"code": "query"}) == "header"
    assert presented_key({}, {"code": "query"}) == "query"
    assert presented_key({}, {}) is None


def test_keys_that_are_not_given_are_random() -> None:
    """A fixed default would end up in someone's script."""
    first, second = new_keys(["start"]), new_keys(["start"])
    assert first.master != second.master
    assert first.functions["start"]["default"] != second.functions["start"]["default"]


@pytest.mark.parametrize("name", ["default", "function/start", "master/x", "other/x"])
def test_a_key_name_of_another_form_is_refused(name: str) -> None:
    """A mistyped name would give a key that opens nothing."""
    with pytest.raises(AppError, match="function/FUNCTION/NAME"):
        new_keys([], {name: "value"})
