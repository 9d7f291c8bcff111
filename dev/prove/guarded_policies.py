"""The policies of calls that lives are led under, one for each kind of rule."""

from collections.abc import Mapping

from recording.domain.calls.policy import CallPolicy, ConsentRule, TimeIsUp, Withdrawal

POLICIES: Mapping[str, CallPolicy] = {
    "not required": CallPolicy(name="plain"),
    "required at start": CallPolicy(name="start", consent=ConsentRule.AT_START, on_withdrawal=Withdrawal.STOP),
    "consent first": CallPolicy(name="first", consent=ConsentRule.FIRST, consent_within_seconds=60),
    "pause, then resume": CallPolicy(name="cards", longest_pause_seconds=90),
    "pause, then stop": CallPolicy(name="stops", longest_pause_seconds=90, on_pause_timeout=TimeIsUp.STOP),
    "pause, then alarm": CallPolicy(name="alarms", longest_pause_seconds=90, on_pause_timeout=TimeIsUp.ALARM),
    "must be recorded": CallPolicy(name="desk", longest_pause_seconds=90, must_be_recorded=True),
    "must be recorded for its caller": CallPolicy(
        name="trader", callers=("ada",), longest_pause_seconds=90, must_be_recorded=True
    ),
    "must be recorded, with consent": CallPolicy(
        name="advice", consent=ConsentRule.AT_START, longest_pause_seconds=90, must_be_recorded=True
    ),
    "must be recorded, or stopped": CallPolicy(
        name="deal",
        longest_pause_seconds=90,
        on_pause_timeout=TimeIsUp.STOP,
        on_withdrawal=Withdrawal.STOP,
        must_be_recorded=True,
        longest_recording_seconds=1200,
        warn_before_seconds=300,
    ),
    "longest recording": CallPolicy(name="capped", longest_recording_seconds=1200, warn_before_seconds=300),
    "running per caller": CallPolicy(name="few"),
}
LIMIT = 2  # recordings of a caller at once, where that is the policy
