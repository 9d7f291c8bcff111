"""docs/architecture.md against the code: triggers, states, invariants, decisions."""

import re

import pytest

from dev.in_memory.builders import record
from dev.policies.markdown import rows_with, spans
from dev.policies.repository import DOCS, ROOT
from recording.domain.keep.stores import STORES
from recording.domain.state.chunk import ChunkState
from recording.domain.state.transitions import moved
from recording.errors import RecordingError
from tests.repo.docs.triggers import Trigger, triggers

PAGE = DOCS / "architecture.md"
TEXT = PAGE.read_text(encoding="utf-8")
INVARIANTS = {row[""].strip("*"): row for row in rows_with(PAGE, "promise", "proved by")}


def told(trigger: Trigger) -> tuple[str, str]:
    """How the page writes a trigger, and who may call it."""
    facts = trigger.facts
    if trigger.kind == "httpTrigger":
        level = {"function": "function key", "anonymous": "anonymous"}[facts["authLevel"].value]
        return f"{', '.join(trigger.methods)} `{facts['route']}`", level
    if trigger.kind == "queueTrigger":
        return f"queue `{facts['queueName']}`", "storage role"
    if trigger.kind == "timerTrigger":
        return f"timer `{facts['schedule']}`", "-"
    return {"eventGridTrigger": "Event Grid"}[trigger.kind], "system key"


def test_the_table_of_triggers_is_what_the_host_will_index() -> None:
    """Other people's scripts and subscriptions rely on these names."""
    page = {
        spans(row["function"])[0]: (row["trigger"], row["who may"]) for row in rows_with(PAGE, "function", "trigger")
    }
    assert page == {name: told(trigger) for name, trigger in triggers().items()}


def test_every_queue_table_and_container_is_on_the_page() -> None:
    """The table `audit` and the container of dead letters were missing: where would an auditor look?"""
    section = TEXT[TEXT.index("## Where things are stored") : TEXT.index("## States of a chunk")]
    listed = {name for row in re.findall(r"^\| (.+?) \|", section, re.MULTILINE) for name in spans(row)}
    there = {store.name for store in STORES if not store.name.endswith("-poison") and "{" not in store.name}
    assert there - listed == set()


def test_the_diagram_of_states_has_exactly_the_legal_transitions() -> None:
    """A picture that lies is worse than none."""
    drawn = set(re.findall(r"^    ([A-Z_]+) --> ([A-Z_]+)", TEXT, re.MULTILINE))
    assert drawn == {(start.value, end.value) for start in ChunkState for end in ChunkState if is_legal(start, end)}


def is_legal(start: ChunkState, end: ChunkState) -> bool:
    """Whether the rules let a chunk go from one state to another."""
    try:
        moved(record(start), end)
    except RecordingError:
        return False
    return True


def test_the_page_has_all_nine_invariants() -> None:
    """They are the promise."""
    assert list(INVARIANTS) == [f"I{number}" for number in range(1, 10)]


@pytest.mark.parametrize("name", INVARIANTS)
def test_an_invariant_is_proved_by_tests_that_say_so(name: str) -> None:
    """Each file named as proof exists and names the invariant itself."""
    proofs = spans(INVARIANTS[name]["proved by"])
    assert proofs
    silent = [path for path in proofs if not re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8"))]
    assert silent == []


@pytest.mark.parametrize("name", INVARIANTS)
def test_what_keeps_an_invariant_is_where_the_page_says(name: str) -> None:
    """A function that was renamed or moved must not be named any more."""
    for code, path in re.findall(r"((?:`\w+`(?:, )?)+)[^(;]*\(`([\w/.]+)`\)", INVARIANTS[name]["kept by"]):
        source = (ROOT / path).read_text(encoding="utf-8")
        assert [word for word in spans(code) if not re.search(rf"\b{word}\b", source)] == []


def test_every_decision_is_listed() -> None:
    """A decision that nobody finds is made again."""
    listed = set(re.findall(r"\(adr/([\w-]+\.md)\)", TEXT[TEXT.index("## Decisions") :]))
    assert listed == {path.name for path in (DOCS / "adr").glob("*.md")}
