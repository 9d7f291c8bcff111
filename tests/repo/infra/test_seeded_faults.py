"""Faults planted in copies of the templates, each found by the check that is there for it."""

import itertools
import re

import pytest

from dev.policies.infra import alert_play
from dev.policies.infra.checks import CHECKS
from dev.policies.infra.planted import FAULTS, PROMISED
from dev.policies.infra.planted.files import MAIN
from dev.policies.infra.templates import Check, Templates, load

# What a query shows and does not look for.
SHOWN = {"not named in the log", "behind", "differs", "yyyy-MM-dd", "yyyy-MM-dd HH"}


@pytest.fixture(scope="module")
def templates() -> Templates:
    """The templates as they are."""
    return load()


@pytest.mark.parametrize(
    ("check", "path", "old", "new"),
    FAULTS,
    ids=[f"{at}-{check.__name__}" for at, (check, *_) in enumerate(FAULTS)],
)
def test_a_planted_fault_is_found(templates: Templates, check: Check, path: str, old: str, new: str) -> None:
    """The check that is named for it bites; that it is content without the fault is the test beside this one."""
    assert next(check(templates.with_change(path, old, new)), None) is not None


TEXTS = [
    (path, text)
    for path, content in load().texts.items()
    if path.endswith(".kql")
    for text in sorted(set(re.findall(r'"([A-Za-z_.-]{4,}?[A-Za-z])"', re.sub(r"(?m)^//.*$", "", content))))
    if text not in SHOWN
]


@pytest.mark.parametrize(("path", "text"), TEXTS, ids=[f"{path.split('/')[-1][:-4]}-{text}" for path, text in TEXTS])
def test_each_text_that_a_query_looks_for_matters(templates: Templates, path: str, text: str) -> None:
    """Without it the alert misses a failure, stands when all is over, or fires on another thing."""
    changed = templates.with_change(path, f'"{text}"', f'"no.{text}"')
    alert = path.rpartition("/")[2].removesuffix(".kql")
    found = itertools.chain(alert_play.ends_wrongly(changed, alert), alert_play.fires_wrongly(changed, alert))
    assert next(found, None) is not None


def test_a_fault_that_cannot_be_planted_is_not_counted(templates: Templates) -> None:
    """Otherwise the list would grow old in silence."""
    with pytest.raises(ValueError, match="has no"):
        templates.with_change(MAIN, "not in there", "")


def test_every_check_has_a_planted_fault() -> None:
    """A check that nothing has tripped may be one that nothing can trip."""
    assert set(CHECKS) - {check for check, *_ in FAULTS} == set()


def test_there_are_many_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    """The number is printed, so that it can be held against what is promised."""
    with capsys.disabled():
        print(f"\nplanted faults: {len(FAULTS)} in {len({path for _, path, _, _ in FAULTS})} files")
    assert len(FAULTS) >= PROMISED
    assert len({(path, old, new) for _, path, old, new in FAULTS}) == len(FAULTS)
