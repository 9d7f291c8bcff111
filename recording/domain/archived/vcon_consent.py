"""Consent in a vCon, as its extension `lawful_basis` writes it (draft-howe-vcon-lawful-basis). Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from recording.domain.calls.consent import ConsentEntry, ConsentState, consent_state

EXTENSION = "lawful_basis"
CONSENT = "consent"
# The six of Article 6 of the GDPR; what a caller calls otherwise is the consent that this app asks for.
_BASES = (CONSENT, "contract", "legal_obligation", "vital_interests", "public_task", "legitimate_interests")


def lawful_basis_of(
    evidence: Mapping[str, Any] | None, steps: Sequence[ConsentEntry], begun: datetime | None, *, is_redacted: bool
) -> dict[str, Any] | None:
    """Return the body of the attachment; None where nothing is known about consent.

    Args:
        evidence: what the start request brought.
        steps: later statements, the earliest first.
        begun: when the recording began, where the evidence has no time of its own.
        is_redacted: leave out the reference, and who captured it.
    """
    state = consent_state(evidence, steps)
    if state is ConsentState.NONE:
        return None
    said = [_of_evidence(evidence or {})] + [_of_step(step) for step in steps]
    at = next((one["at"] for one in reversed(said) if one["at"]), begun.isoformat() if begun else None)
    basis = next((one["basis"] for one in reversed(said) if one["basis"]), CONSENT)
    reference = next((one["reference"] for one in reversed(said) if one["reference"]), None)
    plain = str(basis).strip().lower().replace(" ", "_").replace("-", "_")
    grant = {"purpose": "recording", "granted": state is ConsentState.GIVEN, "granted_at": at}
    body: dict[str, Any] = {
        "lawful_basis": plain if plain in _BASES else CONSENT,
        "expiration": None,
        "purpose_grants": [grant],
    }
    if reference and not is_redacted:
        proof = {"proof_type": "external_system", "timestamp": at, "proof_data": {"reference": reference}}
        body["proof_mechanisms"] = [proof]
    return body


def _of_evidence(evidence: Mapping[str, Any]) -> dict[str, Any]:
    at = evidence.get("capturedAt") or evidence.get("captured_at")
    text = at.isoformat() if isinstance(at, datetime) else at
    return {"at": text, "basis": evidence.get("basis"), "reference": evidence.get("reference")}


def _of_step(step: ConsentEntry) -> dict[str, Any]:
    at = step.captured_at or step.at
    return {"at": at.isoformat(), "basis": step.basis, "reference": step.reference}
