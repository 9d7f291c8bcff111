"""The erasure clock: what the account's protection costs of the month that the law gives."""

import pytest

from recording.domain.watched.protection import ERASURE_LIMIT_DAYS, Immutability, Protection, erasure_days


@pytest.mark.parametrize(
    ("policy", "days", "soft", "purges", "expected"),
    [
        (Immutability.OFF, 30, 14, False, 15),
        (Immutability.UNLOCKED, 30, 30, False, 61),
        (Immutability.LOCKED, 14, 14, False, 29),
        (Immutability.OFF, 7, 14, False, 15),
        (Immutability.LOCKED, 7, 14, False, 22),  # as infra/ deploys it
        (Immutability.LOCKED, 14, 14, True, 15),
        (Immutability.OFF, None, None, False, 1),
    ],
)
def test_immutability_and_soft_delete_add_up(
    *, policy: Immutability, days: int | None, soft: int | None, purges: bool, expected: int
) -> None:
    """The defaults of a template can make the month impossible."""
    found = Protection(
        has_versions=True,
        soft_delete_days=soft,
        container_soft_delete_days=soft,
        immutability=policy,
        immutability_days=days,
        allows_purges=purges,
    )
    assert erasure_days(found, purges=purges) == expected
    assert (expected > ERASURE_LIMIT_DAYS) == (policy is Immutability.UNLOCKED)


def test_a_setting_alone_shortens_nothing() -> None:
    """Where the account does not allow permanent deletes, soft delete counts whatever the setting says."""
    found = Protection(
        has_versions=True, soft_delete_days=14, container_soft_delete_days=14, immutability=Immutability.OFF
    )
    assert erasure_days(found, purges=True) == 15
