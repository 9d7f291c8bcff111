"""CONTRIBUTING.md: what it says to open exists, and a stranger has few things to open."""

import re

import pytest

from dev.policies.markdown import rows_with, spans
from dev.policies.repository import ROOT

PAGE = ROOT / "CONTRIBUTING.md"
ANSWERS = {row["question"]: spans(row["open"]) for row in rows_with(PAGE, "question", "open")}
MOST_OPENINGS = 3
SETTING = re.compile(r"[A-Z]+(_[A-Z]+)+")


def is_place(span: str) -> bool:
    """Whether a code span names a file or folder."""
    return "/" in span or span.endswith(".py")


@pytest.mark.parametrize("question", ANSWERS)
def test_an_answer_is_found_in_few_openings(question: str) -> None:
    """Who seeks one place must not read ten; and a place that has moved is none."""
    places = [span for span in ANSWERS[question] if is_place(span)]
    assert 0 < len(places) <= MOST_OPENINGS
    assert [place for place in places if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("question", ANSWERS)
def test_what_an_answer_names_is_in_the_files_that_it_names(question: str) -> None:
    """A function that was renamed is searched for in vain."""
    files = [ROOT / span for span in ANSWERS[question] if is_place(span) and (ROOT / span).is_file()]
    texts = "\n".join(file.read_text(encoding="utf-8") for file in files)
    names = [span for span in ANSWERS[question] if not is_place(span) and not SETTING.fullmatch(span)]
    assert [name for name in names if not re.search(rf"^(?:def |class |){name}\b", texts, re.MULTILINE)] == []


def test_every_path_on_the_page_exists() -> None:
    """The checklists are followed line by line."""
    text = PAGE.read_text(encoding="utf-8")
    named = {
        span for span in spans(re.sub(r"```.*?```", "", text, flags=re.DOTALL)) if re.fullmatch(r"[\w./*-]+", span)
    }
    top = {path.name for path in ROOT.iterdir()}
    paths = {span for span in named if span.split("/")[0] in top and "/" in span}
    assert paths
    assert [path for path in sorted(paths) if not any(ROOT.glob(path.rstrip("/")))] == []
