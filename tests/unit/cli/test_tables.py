"""Tables: on a narrow screen a cell may be cut with a mark, or folded; nothing of it is lost without a word."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dev.in_memory.world import World
from recording.cli.connect.session import Column, Session, table
from recording.cli.output.printing import printable
from tests.unit.cli.conftest import SHORT, Run

WIDE = "案件番号二〇二六年第一七号事件について調査中"
LONG = f"ABC-{'0123456789' * 10}-END"


def _shown(columns: list[Column], rows: list[list[Any]], width: int) -> list[str]:
    """Return the lines of a table on a screen of this width."""
    told: list[str] = []
    session = Session(lambda: (None, None), lambda _: None, told.append)  # type: ignore[arg-type,return-value]  # no storage
    session.console.width = width
    session.show({}, table(session, columns, rows))
    return "".join(told).splitlines()


def _of(place: tuple[int, int], lines: list[str]) -> str:
    """Return what a column shows, of all lines below the header, without spaces."""
    shown = []
    for each in lines[1:]:
        at, kept = 0, ""
        for character in each:
            kept += character if place[0] <= at < place[1] else ""
            at += cell_len(character)
        shown.append(kept)
    return "".join("".join(shown).split())


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Mn", "Me", "Mc", "Zs", "Cf", "Cc", "Cn", "Co")), min_size=1)


@given(TEXTS)
def test_in_a_pipe_nothing_is_cut_whatever_the_script(words: str) -> None:
    """A case in Chinese has cells of twice the width, and lost half of itself without a mark."""
    columns = [Column("A"), Column("B", may_be_cut=True, keeps_end=True), Column("C", may_wrap=True)]
    lines = _shown(columns, [[words, words, words]], 4000)
    shown = unicodedata.normalize("NFC", "".join(lines[1:]))
    assert shown.count(unicodedata.normalize("NFC", printable(words))) >= 3


@pytest.mark.parametrize("long", [LONG, WIDE * 3, "é" * 120, "a b " * 40])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_long_cell_takes_no_other_column_with_it_and_is_shown_whole(long: str, width: int) -> None:
    """One hold with a long case left one letter of each recording, and no date, in the list of all holds."""
    columns = [Column("RECORDING"), Column("CASE"), Column("SINCE"), Column("WHY", may_wrap=True)]
    rows: list[list[Any]] = [["1db88f8f", long, "09:00", "because"], ["2db88f8f", "L-17", "10:00", "so"]]
    lines = _shown(columns, rows, width)
    assert all(cell_len(line) <= width for line in lines)
    text = "\n".join(lines)
    assert all(word in text for word in ("1db88f8f", "2db88f8f", "09:00", "10:00", "L-17", "because", "so"))
    begins = lines[0].index("CASE")
    assert _of((begins, lines[0].index("SINCE")), lines) == "".join(long.split()) + "L-17"


@pytest.mark.parametrize("name", [WIDE * 4 + ".metadata.json", "x" * 200 + ".metadata.json"])
def test_a_name_that_loses_its_middle_says_so_and_keeps_its_end(name: str) -> None:
    """The end of a file's name says what it is."""
    lines = _shown([Column("FILE", may_be_cut=True, keeps_end=True), Column("PROOF")], [[name, "proved"]], 60)
    assert all(cell_len(line) <= 60 for line in lines)
    assert "…" in lines[1]
    assert ".metadata.json" in lines[1]
    assert lines[1].endswith("proved")


@pytest.mark.parametrize("case", [LONG, WIDE])
def test_a_case_is_listed_as_it_must_be_typed_to_release_it(
    here: World, run: Run, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal and in a pipe."""
    run("hold", SHORT, "--case", case, "--note", "why")
    assert case in run("holds")[1]
    monkeypatch.setenv("COLUMNS", "80")
    told = run("holds")[1]
    assert SHORT in told
    assert here.fakes.keeping is not None
