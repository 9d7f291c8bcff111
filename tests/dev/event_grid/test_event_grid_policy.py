"""The rules themselves, row by row of the service's page."""

from datetime import timedelta

import pytest

from dev.event_grid.policy import NO_CONNECTION, TIMED_OUT, Answer, answer_of, give_up_reason, wait_after


@pytest.mark.parametrize("status", [200, 201, 202, 203, 204])
def test_only_200_to_204_are_delivered(status: int) -> None:
    """A 206 or a redirect is a failure."""
    assert answer_of(status).is_accepted


@pytest.mark.parametrize("status", [205, 206, 302, 307, 404, 500])
def test_every_other_status_is_a_failure(status: int) -> None:
    """Also those that many clients take for success."""
    assert not answer_of(status).is_accepted


def test_the_schedule_is_that_of_the_service() -> None:
    """How long the archive may be down before an event comes again."""
    failed = answer_of(500)
    waits = [wait_after(failed, attempt, is_azure_resource=False).total_seconds() for attempt in range(1, 13)]
    assert waits == [10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 43_200, 43_200]


@pytest.mark.parametrize(
    ("status", "webhook", "resource"), [(503, 30, 30), (408, 120, 120), (404, 10, 300), (401, 10, 300), (500, 10, 10)]
)
def test_some_answers_wait_longer(status: int, webhook: int, resource: int) -> None:
    """A function app that is being deployed answers 404 or 503."""
    answer = answer_of(status)
    assert wait_after(answer, 1, is_azure_resource=False) == timedelta(seconds=webhook)
    assert wait_after(answer, 1, is_azure_resource=True) == timedelta(seconds=resource)
    assert wait_after(answer, 6, is_azure_resource=True) == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("status", "webhook", "resource"),
    [
        (400, "UndeliverableDueToHttpBadRequest", "UndeliverableDueToHttpBadRequest"),
        (403, "UndeliverableDueToHttpForbidden", "UndeliverableDueToHttpForbidden"),
        (413, "UndeliverableDueToHttpPayloadTooLarge", "UndeliverableDueToHttpPayloadTooLarge"),
        (401, "UndeliverableDueToHttpUnauthorized", None),
        (404, None, None),
        (429, None, None),
        (500, None, None),
        (503, None, None),
    ],
)
def test_some_answers_end_it_at_once(status: int, webhook: str | None, resource: str | None) -> None:
    """The trap: hardening that answers 401 or 403 loses recordings."""
    assert give_up_reason(answer_of(status), 1, 30, is_azure_resource=False) == webhook
    assert give_up_reason(answer_of(status), 1, 30, is_azure_resource=True) == resource


@pytest.mark.parametrize("answer", [TIMED_OUT, NO_CONNECTION, answer_of(500)])
def test_the_last_attempt_is_the_last(answer: Answer) -> None:
    """Also when nobody answered."""
    assert give_up_reason(answer, 4, 5, is_azure_resource=False) is None
    assert give_up_reason(answer, 5, 5, is_azure_resource=False) == "MaxDeliveryAttemptsExceeded"
