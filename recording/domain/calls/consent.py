"""Consent as a state: what was given, amended and withdrawn, in order. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from recording.domain.times import UtcTime


class ConsentStep(StrEnum):
    """A statement about the consent to a recording."""

    GIVEN = "given"
    AMENDED = "amended"
    WITHDRAWN = "withdrawn"


class ConsentState(StrEnum):
    """Whether a recording has consent now."""

    NONE = "none"  # there is no statement
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class ConsentEntry(BaseModel):
    """One step, with its evidence; kept in the order in which it arrived, never changed.

    Attributes:
        at: when this app received it.
        by: the object id of the caller.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    step: ConsentStep
    at: UtcTime
    by: str | None = None
    basis: str | None = None
    reference: str | None = None
    captured_at: UtcTime | None = None
    captured_by: str | None = None


def consent_state(evidence: object, steps: Sequence[ConsentEntry]) -> ConsentState:
    """Return whether a recording has consent: by its last statement, else by the start request.

    Args:
        evidence: what the start request contained; empty or None if it contained none.
        steps: later statements, the earliest first.
    """
    if steps:
        return ConsentState.WITHDRAWN if steps[-1].step is ConsentStep.WITHDRAWN else ConsentState.GIVEN
    return ConsentState.GIVEN if evidence else ConsentState.NONE


def is_step_possible(state: ConsentState, step: ConsentStep) -> bool:
    """Return whether a statement may follow: only consent that is given can be amended or withdrawn."""
    if step is ConsentStep.GIVEN:
        return True
    return state is ConsentState.GIVEN


def as_shown(evidence: dict[str, Any] | None, steps: Sequence[ConsentEntry]) -> dict[str, Any]:
    """Return the state and every step in camelCase, for manifest, timeline and answers."""
    return {
        "state": consent_state(evidence, steps).value,
        "atStart": evidence,
        "steps": [
            {
                "step": entry.step.value,
                "at": entry.at.isoformat(),
                "by": entry.by,
                "basis": entry.basis,
                "reference": entry.reference,
                "capturedAt": entry.captured_at.isoformat() if entry.captured_at else None,
                "capturedBy": entry.captured_by,
            }
            for entry in steps
        ],
    }
