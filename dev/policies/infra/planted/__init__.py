"""Faults to plant in copies of the templates, the hooks and the queries, each with the check that must find it."""

from dev.policies.infra.planted import (
    access,
    agreement,
    alerts,
    completeness,
    connections,
    custodian,
    grants,
    names,
    outgoing,
    parts,
    queries,
    shapes,
    storage,
    templates,
)
from dev.policies.infra.planted.files import Fault

PROMISED = 400
FAULTS: list[Fault] = [
    fault
    for module in (
        templates,
        shapes,
        storage,
        custodian,
        access,
        agreement,
        completeness,
        connections,
        grants,
        names,
        outgoing,
        parts,
        alerts,
        queries,
    )
    for fault in module.FAULTS
]
