"""What may happen to the app, and what each deployed alert must make of it."""

from dev.policies.infra.alert_cases import archive_access, edges, operations, recordings, work
from dev.policies.infra.alert_cases.case import Case

CASES: tuple[Case, ...] = (
    *work.CASES,
    *recordings.CASES,
    *operations.CASES,
    *archive_access.CASES,
    *edges.CASES,
)
