"""The doctor's check of tenants, from their settings alone."""

from collections import Counter
from collections.abc import Iterator

from recording.domain.counted import counted
from recording.domain.incoming.tenants import Tenants
from recording.operate.doctor.findings import FoundWarning, Said
from recording.ports import Ports
from recording.ports.probe import Probe
from recording.settings import Settings


def check_tenants(_ports: Ports, settings: Settings, _probe: Probe) -> Said:
    """Find tenants without members, members of several, and an archive that no caller sees as a whole."""
    tenants = settings.tenants
    if tenants is None:
        return "none: everyone with a role sees everything", None
    found = counted(len(tenants.tenants), "tenant")
    if not settings.platform_auth:
        return found, "Turn App Service authentication on: where there are tenants, a key alone gives no access."
    odd = list(oddities(tenants))
    if odd:
        raise FoundWarning(f"{found}; {'; '.join(odd)}", "Correct TENANTS, unless it is meant so (docs/security.md).")
    return f"{found}, each with members of its own", None


def oddities(tenants: Tenants) -> Iterator[str]:
    """Yield what is valid but rarely intended, by tenant names; no id is repeated."""
    for tenant in tenants.tenants:
        if tenant.is_empty:
            yield f"{tenant.name} has no members"
    if tenants.see_all.is_empty:
        yield "no role or group sees all: recordings without a tenant are visible to the command line only"
    uses = Counter(member for one in tenants.tenants for member in {*one.groups, *one.roles, *one.apps})
    shared = {member for member, count in uses.items() if count > 1}
    names = [one.name for one in tenants.tenants if shared & {*one.groups, *one.roles, *one.apps}]
    if names:
        yield f"the same members belong to several of {', '.join(names)}: their starts need the tag"
        if tenants.tag is None:
            yield "and there is no tag, so that they can start nothing"
    for tenant in tenants.tenants:
        if tenants.tag is not None and not tenant.tag_values:
            yield f"no value of the tag stands for {tenant.name}"
