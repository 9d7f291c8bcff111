"""Policies: the first that covers a recording holds; a setting with a fault names the place and never the value."""

import json

import pytest

from recording.domain.calls.policy import CallPolicy, ConsentRule, policy_for
from recording.settings import values

SALES = CallPolicy(name="sales", callers=("ada",), tags={"line": "sales"}, consent=ConsentRule.FIRST)
CARDS = CallPolicy(name="cards", tags={"line": "cards"}, longest_pause_seconds=60)


@pytest.mark.parametrize(
    ("caller", "tags", "expected"),
    [
        ("ada", {"line": "sales"}, "sales"),
        ("bob", {"line": "sales"}, "default"),
        ("ada", {"line": "cards", "more": "1"}, "cards"),
        (None, {"line": "cards"}, "cards"),
        ("ada", {}, "default"),
    ],
)
def test_the_first_policy_that_covers_a_recording_holds(
    caller: str | None, tags: dict[str, str], expected: str
) -> None:
    """Callers and tags must both fit."""
    assert policy_for((SALES, CARDS), caller, tags, consent_required=False).name == expected


@pytest.mark.parametrize("told", ["ABCDEF01-2345-6789-ABCD-EF0123456789", " abcdef01-2345-6789-abcd-ef0123456789 "])
def test_an_object_id_is_known_in_every_spelling(told: str) -> None:
    """Some tools print it in capitals; a policy that then covers nobody would fail without a word."""
    policy = CallPolicy.model_validate({"name": "desk", "callers": [told]})
    for caller in ("abcdef01-2345-6789-abcd-ef0123456789", "ABCDEF01-2345-6789-ABCD-EF0123456789"):
        assert policy.covers(caller, {})
    assert not policy.covers("abcdef01-2345-6789-abcd-ef0123456780", {})
    assert not policy.covers(None, {})


def test_the_older_setting_is_part_of_the_default() -> None:
    """CONSENT_REQUIRED goes on to mean what it meant."""
    assert policy_for((), None, {}, consent_required=True).consent is ConsentRule.AT_START
    assert policy_for((), None, {}, consent_required=False).consent is ConsentRule.NOT_REQUIRED


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ([{"name": "a", "longestPauseSeconds": 1}], "0.longestPauseSeconds"),
        ([{"name": "a"}, {"nmae": "b"}], "1.nmae"),
        ([{"name": "a", "consent": "secret-word"}], "0.consent"),
        ([{"name": "a"}, {"name": "a"}], "name of its own"),
        ({"name": "a"}, "must be a JSON list of policies"),
    ],
)
def test_a_fault_is_told_by_its_place(given: object, place: str) -> None:
    """A misspelt policy that is silently the default would record without consent."""
    with pytest.raises(ValueError, match="policies") as refusal:
        values.policies(json.dumps(given))
    assert place in str(refusal.value)
    assert "secret-word" not in str(refusal.value)


def test_what_is_no_json_is_refused() -> None:
    """Not a stack trace."""
    for text in ("", "[", "[" * 100_000, "null"):
        with pytest.raises(ValueError, match="polic"):
            values.policies(text)
