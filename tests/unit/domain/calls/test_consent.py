"""Consent: the last statement counts, and only what was given can be amended or withdrawn."""

from datetime import UTC, datetime, timedelta

import pytest

from recording.domain.calls.consent import ConsentEntry, ConsentState, ConsentStep, as_shown, consent_state
from recording.domain.calls.consent import is_step_possible as is_possible

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
GIVEN, AMENDED, WITHDRAWN = (
    ConsentEntry(step=step, at=NOW + timedelta(minutes=number)) for number, step in enumerate(ConsentStep)
)


@pytest.mark.parametrize(
    ("evidence", "steps", "state"),
    [
        (None, (), ConsentState.NONE),
        ({}, (), ConsentState.NONE),
        ({"basis": "spoken"}, (), ConsentState.GIVEN),
        (None, (GIVEN,), ConsentState.GIVEN),
        ({"basis": "spoken"}, (WITHDRAWN,), ConsentState.WITHDRAWN),
        (None, (GIVEN, AMENDED), ConsentState.GIVEN),
        (None, (GIVEN, AMENDED, WITHDRAWN), ConsentState.WITHDRAWN),
        (None, (GIVEN, WITHDRAWN, GIVEN), ConsentState.GIVEN),
    ],
)
def test_the_last_statement_counts(
    evidence: dict[str, str] | None, steps: tuple[ConsentEntry, ...], state: ConsentState
) -> None:
    """Without one, it is what the start request contained."""
    assert consent_state(evidence, steps) is state


@pytest.mark.parametrize("state", ConsentState)
@pytest.mark.parametrize("step", ConsentStep)
def test_only_given_consent_is_amended_or_withdrawn(state: ConsentState, step: ConsentStep) -> None:
    """It may be given at any time, also again after a withdrawal."""
    assert is_possible(state, step) is (step is ConsentStep.GIVEN or state is ConsentState.GIVEN)


def test_what_is_shown_keeps_every_step_in_its_order() -> None:
    """The manifest is evidence: the withdrawal does not hide what was given before it."""
    shown = as_shown({"basis": "spoken"}, (GIVEN, WITHDRAWN))
    assert (shown["state"], shown["atStart"]) == ("withdrawn", {"basis": "spoken"})
    assert [(step["step"], step["at"]) for step in shown["steps"]] == [
        ("given", "2026-11-23T09:00:00+00:00"),
        ("withdrawn", "2026-11-23T09:02:00+00:00"),
    ]
