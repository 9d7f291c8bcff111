"""Protection of the archive's account as it is, beside how it should be: versions, deletes, immutability. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

ERASURE_LIMIT_DAYS = 30  # GDPR 12(3): one month
RUN_DAYS = 1  # an approved erasure is carried out within the day
LEAST_SOFT_DELETE = 7  # days in which a delete can be undone


class Immutability(StrEnum):
    """The account's policy for versions: none, one that can still be changed, one that cannot."""

    OFF = "Off"
    UNLOCKED = "Unlocked"
    LOCKED = "Locked"


@dataclass(frozen=True)
class Protection:
    """How an account is protected.

    Attributes:
        has_versions: each overwritten or deleted blob is kept as a version.
        soft_delete_days: for how long a delete of a blob can be undone; None where it cannot.
        container_soft_delete_days: the same for a container.
        immutability: the account's policy.
        immutability_days: for how long a new version can be neither changed nor deleted.
        deletes: for each active lifecycle rule that deletes blobs or versions of the archive, after how many days.
        allows_purges: softly deleted versions may be purged before their days are over, by an identity with that right.
    """

    has_versions: bool
    soft_delete_days: int | None
    container_soft_delete_days: int | None
    immutability: Immutability
    immutability_days: int | None = None
    deletes: tuple[tuple[str, float], ...] = ()
    allows_purges: bool = False


def told_of(found: Protection) -> str:
    """Return in words how an account is protected."""
    immutable = f"immutable for {found.immutability_days} days ({found.immutability.lower()})"
    soft = f"deletes undone for {found.soft_delete_days} days" if found.soft_delete_days else "no soft delete"
    rules = ", ".join(f"{name} after {days:g} days" for name, days in found.deletes)
    return "; ".join(
        [
            "versions" if found.has_versions else "no versions",
            soft,
            immutable if found.immutability is not Immutability.OFF else "not immutable",
            f"deleted by rule: {rules}" if rules else "nothing deletes recordings",
        ]
    )


def faults_of(found: Protection, expected: Immutability | None) -> Iterator[str]:
    """Yield each way in which an account is protected less than it should be.

    Args:
        found: as it is.
        expected: the policy that was asked for at deployment; None where none was given.
    """
    if not found.has_versions:
        yield "no versions are kept: what is overwritten is gone"
    for what, days in (("blob", found.soft_delete_days), ("container", found.container_soft_delete_days)):
        if (days or 0) < LEAST_SOFT_DELETE:
            yield f"soft delete keeps a deleted {what} for less than {LEAST_SOFT_DELETE} days, or not at all"
    if expected is not None and _strength(found.immutability) < _strength(expected):
        yield f"immutability is {found.immutability}, not {expected}"
    for rule, after in found.deletes:
        yield f"the lifecycle rule {rule} deletes after {after:g} days and knows no holds; only the custodian may"


def erasure_days(found: Protection, *, purges: bool = False) -> int:
    """Return after how many days at most the bytes of a recording made today are gone, once its erasure is approved."""
    immutable = found.immutability_days or 0 if found.immutability is not Immutability.OFF else 0
    is_at_once = purges and found.allows_purges
    return RUN_DAYS + immutable + (0 if is_at_once else found.soft_delete_days or 0)


def _strength(immutability: Immutability) -> int:
    return list(Immutability).index(immutability)
