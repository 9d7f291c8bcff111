"""All checks of the templates, in the order in which they are named."""

from dev.policies.infra import (
    access_policy,
    agreement,
    alert_play,
    alert_policy,
    alert_rows,
    completeness,
    connections,
    custodian_policy,
    decision_policy,
    grants,
    name_policy,
    outgoing_policy,
    parts_policy,
    shapes,
    storage_policy,
    structure,
)
from dev.policies.infra.templates import Check

CHECKS: list[Check] = [
    check
    for module in (
        structure,
        shapes,
        completeness,
        storage_policy,
        custodian_policy,
        access_policy,
        grants,
        agreement,
        connections,
        name_policy,
        outgoing_policy,
        decision_policy,
        parts_policy,
        alert_policy,
        alert_play,
        alert_rows,
    )
    for check in module.CHECKS
]
