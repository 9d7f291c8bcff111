"""The table of ACS's refusals."""

import pytest

from recording.adapters.acs.refusals import BY_ACS_CODE, BY_STATUS, control_error, refusal_of

EXPECTED = {
    "call_not_established": (409, ["8501"]),
    "recording_not_found": (404, ["8522"]),
    "already_recording": (409, ["8553", "8559"]),
    "conflicting_operation": (409, ["8519", "8571"]),
    "call_ended": (409, ["8528"]),
    "wrong_call_state": (409, ["8585"]),
    "pause_resume_not_allowed": (409, ["8573"]),
    "invalid_argument": (400, ["8523"]),
    "unsupported_format": (400, ["8557", "8562"]),
    "not_supported": (501, ["8520"]),
    "acs_forbidden": (502, ["7501", "7502", "7504", "7509", "7510", "7605"]),
    "throttled": (429, ["8516", "8529", "8530", "8589"]),
    "acs_unavailable": (503, ["9999"]),
}
FALLBACKS = [
    (None, "acs_unreachable"),
    (200, "acs_unavailable"),
    (302, "acs_error"),
    (400, "invalid_argument"),
    (401, "acs_unauthorized"),
    (418, "acs_error"),
    (429, "throttled"),
    (500, "acs_unavailable"),
    (599, "acs_unavailable"),
]


@pytest.mark.parametrize(("code", "facts"), EXPECTED.items())
def test_every_known_code_of_acs_has_one_stable_code(code: str, facts: tuple[int, list[str]]) -> None:
    """Other people's scripts rely on these."""
    for acs_code in facts[1]:
        refusal = refusal_of(400, acs_code, starting=False)
        assert (refusal.code, refusal.code.status) == (code, facts[0])


def test_the_table_has_no_code_beside_these() -> None:
    """A code that nobody wrote down is a code that nobody documents."""
    assert set(BY_ACS_CODE) == {acs_code for _, acs_codes in EXPECTED.values() for acs_code in acs_codes}


@pytest.mark.parametrize(("status", "code"), FALLBACKS)
@pytest.mark.parametrize("acs_code", [None, "", "12345"])
def test_without_a_known_code_the_status_decides(status: int | None, acs_code: str | None, code: str) -> None:
    """Front ends and proxies answer in their own way."""
    assert refusal_of(status, acs_code, starting=False).code == code


@pytest.mark.parametrize("status", [status for status in BY_STATUS if status >= 400])
def test_what_is_not_found_at_a_start_is_the_call(status: int) -> None:
    """ACS uses 8522 for calls, participants and recordings."""
    found = refusal_of(status, None, starting=True)
    assert found.code != "recording_not_found"


def test_an_error_carries_what_acs_said() -> None:
    """A person who asks Microsoft needs the original numbers."""
    error = control_error(400, "8559", starting=True)
    assert (error.acs_status, error.acs_code, error.status) == (400, "8559", 409)
    assert not error.retryable


@pytest.mark.parametrize("code", ["8589", "9999", "8571", "8501"])
def test_what_passes_by_itself_is_retryable(code: str) -> None:
    """The caller may simply try again."""
    assert control_error(400, code).retryable
