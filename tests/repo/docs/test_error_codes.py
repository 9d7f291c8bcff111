"""docs/errors.md against the source."""

import pytest

from recording import errors
from recording.errors import RecordingError
from tests.repo.docs.markdown import Row, rows_with, spans
from tests.repo.docs.raised_codes import http_statuses, raised_codes
from tests.repo.docs.repository import DOCS

ROWS: dict[str, Row] = {spans(row["code"])[0]: row for row in rows_with(DOCS / "errors.md", "code")}
CLASSES = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RecordingError)]


def test_the_page_has_exactly_the_codes_that_can_be_raised() -> None:
    """A code is a promise: programs rely on it, and a person who sees it looks here."""
    assert raised_codes() - ROWS.keys() == set(), "not documented"
    assert ROWS.keys() - raised_codes() == set(), "documented, but never raised"


@pytest.mark.parametrize(("code", "status"), sorted(http_statuses().items()))
def test_the_documented_status_is_the_one_that_is_answered(code: str, status: int) -> None:
    """Callers branch on it."""
    assert ROWS[code]["status"] == str(status)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_the_page_says_whether_trying_again_helps(kind: type[RecordingError]) -> None:
    """The tables and the error tree must not contradict each other."""
    assert ROWS[kind.code]["again?"] == ("yes" if kind.retryable else "no")


def test_the_walk_over_the_source_finds_codes_in_every_form_they_are_written() -> None:
    """If it overlooked a form, the comparison above would mean nothing."""
    forms = {
        "source_busy",
        "metadata_mismatch",
        "recording_not_found",
        "unreadable_task",
        "never_tried",
        "foreign_host",
    }
    assert forms <= raised_codes()
