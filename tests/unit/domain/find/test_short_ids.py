"""Short names of ids: what a person types names exactly what the screen shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import RECORDING_ID
from recording.domain.find.short_ids import LENGTH, SHORTEST, is_named_by, item_name, named_by, short_id
from recording.domain.ids import name_of

OTHER = f"{RECORDING_ID[:-4]}aGVs"
IDS = st.one_of(st.text(min_size=1, max_size=40), st.sampled_from([RECORDING_ID, OTHER]))


@given(IDS)
def test_the_short_name_that_is_shown_names_its_id(value: str) -> None:
    """It is copied from one command into the next."""
    if len(short_id(value)) >= SHORTEST:
        assert is_named_by(value, short_id(value))
    assert len(short_id(value)) <= LENGTH


def test_ids_that_begin_alike_have_different_short_names() -> None:
    """All of ACS's recording ids begin alike, so a prefix of the id would distinguish nothing."""
    assert RECORDING_ID[:100] == OTHER[:100]
    assert short_id(RECORDING_ID) != short_id(OTHER)


@pytest.mark.parametrize(
    "typed",
    [
        RECORDING_ID,
        name_of(RECORDING_ID),
        name_of(RECORDING_ID)[:10],
        name_of(RECORDING_ID).removeprefix("h-")[:4].upper(),
        f"…{RECORDING_ID[-6:]}",
        f"...{RECORDING_ID[-6:]}",
    ],
)
def test_an_id_is_named_in_each_form_that_people_see(typed: str) -> None:
    """As ACS writes it, as the folder is called, as the console shortens it."""
    assert is_named_by(RECORDING_ID, typed)


@pytest.mark.parametrize(
    "typed", ["", "h-", name_of(RECORDING_ID).removeprefix("h-")[:3], f"…{RECORDING_ID[-3:]}", "…", "zzzz"]
)
def test_too_little_names_nothing(typed: str) -> None:
    """Three characters would match too many, and nothing would match all."""
    assert not is_named_by(RECORDING_ID, typed)


def test_an_id_that_is_typed_whole_is_meant_alone() -> None:
    """It may be the beginning of another one."""
    assert named_by("call-1", ["call-1", "call-12", "call-12"]) == ["call-1"]
    assert named_by("call-", ["call-12", "call-1", "call-12"]) == ["call-1", "call-12"]
    assert named_by("call-3", ["call-12", "call-1"]) == []


def test_things_that_need_attention_have_names_that_can_be_typed() -> None:
    """A chunk by its recording and index, a recording by its own short name, anything else by a digest."""
    assert item_name("x", RECORDING_ID, 2) == f"{short_id(RECORDING_ID)}/2"
    assert item_name(RECORDING_ID, RECORDING_ID, None) == short_id(RECORDING_ID)
    assert len(item_name("x\x1b[2J", None, None)) == LENGTH
    assert item_name("x\x1b[2J", None, None).isalnum()
