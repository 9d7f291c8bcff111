"""DELETE_AFTER_DAYS: the rule that a deployment begins with, until somebody sets rules."""

from datetime import timedelta

from dev.in_memory.keep_world import RECORDING_ID, archived, blobs_of_recording, days_pass, put_rule
from dev.in_memory.world import World
from recording.domain.keep.rules import DEPLOYED
from recording.library.keep.explain import all_upcoming, explain
from recording.library.keep.holds import place_hold
from recording.library.keep.rules import current_rules, etag_of_rules


def deployed(days: int | None = 90) -> World:
    here, _ = archived()
    after = None if days is None else timedelta(days=days)
    here.settings = here.settings.model_copy(update={"delete_after": after, "dispose_after": timedelta(days=14)})
    return here


def test_without_it_nothing_is_ever_due() -> None:
    here = deployed(None)
    assert (current_rules(here.ports, here.settings).rules, explain_until(here)) == ((), None)


def test_it_is_told_as_a_rule_and_carried_out_in_two_steps() -> None:
    """With its name in the explanation, and a certificate at the end."""
    here = deployed()
    (rule,) = current_rules(here.ports, here.settings).rules
    assert (rule.name, rule.days, etag_of_rules(current_rules(here.ports, here.settings))) == (DEPLOYED, 90, '"0"')
    (reason,) = explain(RECORDING_ID, here.ports, here.settings).disposition.reasons
    assert reason.source == DEPLOYED
    soon = here.now + timedelta(days=91)
    assert [
        one.record.recording_id for part in all_upcoming(soon, here.ports, here.settings) for one in part.items
    ] == [RECORDING_ID]
    days_pass(here, 103)
    assert blobs_of_recording(here) != []
    days_pass(here, 3)
    assert blobs_of_recording(here) == []
    assert here.fakes.catalog.recordings[RECORDING_ID].certificate


def test_a_hold_keeps_what_a_lifecycle_rule_would_have_taken() -> None:
    here = deployed()
    place_hold(RECORDING_ID, "case-17", "dispute", "alice", here.ports)
    days_pass(here, 400, each=20)
    assert blobs_of_recording(here) != []


def test_with_the_first_rules_it_counts_for_nothing() -> None:
    """Also when they are rules of somebody who wants everything kept."""
    here = deployed()
    put_rule(here, "retain", 10)
    assert [rule.name for rule in current_rules(here.ports, here.settings).rules] == ["calls"]
    assert explain_until(here) is None


def explain_until(here: World) -> object:
    found = explain(RECORDING_ID, here.ports, here.settings).disposition
    return None if not found.is_due and DEPLOYED not in {reason.source for reason in found.reasons} else found
