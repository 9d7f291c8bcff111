"""Plans of queries: the most selective filter is walked, all others are compared, and no month is left out."""

from datetime import UTC, datetime
from typing import Any

import pytest

from recording.domain.find.directory import inverse_month, inverse_ms
from recording.domain.find.find_query import FindQuery, FindState, is_in_state, plan_of
from recording.domain.find.index_keys import IndexKey, IndexKeys
from recording.domain.incoming.facts import Condition
from recording.errors import RequestError

KEYS = IndexKeys((IndexKey(b"new" * 11), IndexKey(b"old" * 11)))
NEW, OLD = KEYS.keys
SINCE, UNTIL = datetime(2026, 9, 30, 23, tzinfo=UTC), datetime(2026, 11, 2, 1, tzinfo=UTC)
ALL: dict[str, Any] = {
    "call": "server-call",
    "participant": "8:acs:ada",
    "number": "+4930123456",
    "tag": "queue:fx",
}


def plan(**filters: Any) -> Any:
    return plan_of(FindQuery.model_validate(filters), KEYS)


def walked(**filters: Any) -> list[str]:
    """Return how the partitions that a query walks begin."""
    return [span.first_partition for span in plan(**filters).spans]


def test_the_most_selective_filter_is_walked_and_the_others_are_compared() -> None:
    """A call has a few recordings, a person has many, a tag may be on millions."""
    left = dict(ALL)
    for name, first in (("call", "c!"), ("participant", "p!"), ("number", "p!"), ("tag", "g!")):
        found = plan(**left)
        assert all(span.first_partition.startswith(first) for span in found.spans)
        assert len(found.others) == len(left) - 1
        del left[name]
    assert walked()[0].startswith("t!")


def test_during_a_rotation_rows_under_either_key_are_found() -> None:
    """The first key writes, all of them find."""
    assert walked(participant="8:acs:ada") == [f"p!{key.participant('8:acs:ada')}" for key in (NEW, OLD)]
    assert plan(tag="queue:fx", call="c").others[0].partitions == tuple(
        f"g!{key.tag('queue:fx')}!" for key in KEYS.keys
    )


def test_a_participant_from_an_answer_is_found_by_its_hash() -> None:
    """Such a URL names no person."""
    assert walked(participant="h:0123") == ["p!0123"]


def test_a_whole_number_is_a_participant_and_an_ending_is_not() -> None:
    """People remember the last digits; the whole number finds a Teams user's phone as well."""
    assert walked(number="+49 30 123456") == walked(participant="+4930123456")
    assert walked(number="030 123456") == [f"n!{key.ending('0123456'[-7:])}" for key in (NEW, OLD)]


@pytest.mark.parametrize("state", [state for state in FindState if state is not FindState.ARCHIVED])
def test_a_rare_state_has_a_list_of_its_own(state: FindState) -> None:
    """What needs attention is found without walking everything; where a person is named, that is rarer still."""
    assert walked(state=state)[0].startswith("s!")
    assert walked(state=state, call="c")[0].startswith("c!")


def test_what_is_archived_is_nearly_everything() -> None:
    """A list of it would be as long as the index by time."""
    assert walked(state=FindState.ARCHIVED) == walked()


def test_a_span_has_both_ends_of_the_time_and_every_month_between() -> None:
    """The newest comes first, so the later time is where the walk begins."""
    (span,) = plan(**{"from": SINCE, "to": UNTIL}).spans
    assert (span.first_partition, span.last_partition) == (f"t!{inverse_month(UNTIL)}", f"t!{inverse_month(SINCE)}")
    assert (span.first_row, span.last_row) == (inverse_ms(UNTIL), f"{inverse_ms(SINCE)}~")
    october = f"t!{inverse_month(datetime(2026, 10, 15, tzinfo=UTC))}"
    assert span.first_partition < october < span.last_partition
    (call,) = plan(**{"from": SINCE, "to": UNTIL, "call": "c"}).spans
    assert call.first_partition == call.last_partition


def test_without_times_nothing_is_left_out() -> None:
    """Neither the first month that there can be nor the last."""
    (span,) = plan().spans
    for moment in (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)):
        assert span.first_partition <= f"t!{inverse_month(moment)}" <= span.last_partition
        assert span.first_row <= f"{inverse_ms(moment)}-id" <= span.last_row


@pytest.mark.parametrize(
    ("filters", "code"),
    [
        ({"number": "12"}, "invalid_number"),
        ({"tag": "no-colon"}, "invalid_tag"),
        ({"tag": ":no-name"}, "invalid_tag"),
        ({"from": UNTIL, "to": UNTIL}, "invalid_range"),
        ({"format": "ogg"}, "unknown_type"),
    ],
)
def test_a_query_that_cannot_be_answered_is_refused_by_its_own_code(filters: dict[str, Any], code: str) -> None:
    """An empty page would say that there is no such recording."""
    with pytest.raises(RequestError) as refused:
        FindQuery.model_validate(filters).check()
    assert refused.value.code == code


def test_at_risk_is_a_matter_of_time_and_the_others_are_conditions() -> None:
    """A pending chunk is at risk once its time is short, which no row can say beforehand."""
    assert is_in_state(FindState.AT_RISK, (), is_at_risk=True)
    assert not is_in_state(FindState.AT_RISK, (Condition.PENDING,), is_at_risk=False)
    assert is_in_state(FindState.HELD, (Condition.HELD, Condition.ARCHIVED), is_at_risk=False)
    assert not is_in_state(FindState.HELD, (Condition.ARCHIVED,), is_at_risk=True)
