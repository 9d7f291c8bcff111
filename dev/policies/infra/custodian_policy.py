"""What must be true of destroying: one identity may and no rule of age does, and it fits into a month."""

import re
from collections.abc import Iterator

from dev.policies.infra.bicep import Value, as_dict, as_list, at
from dev.policies.infra.evaluate import Evaluation
from dev.policies.infra.templates import Check, Templates
from recording.domain.watched.protection import ERASURE_LIMIT_DAYS, LEAST_SOFT_DELETE, RUN_DAYS

ARCHIVE = "infra/modules/storage-archive.bicep"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
CUSTODIAN = {
    f"{BLOBS}/read",
    f"{BLOBS}/blobs/read",
    f"{BLOBS}/blobs/delete",
    f"{BLOBS}/blobs/deleteBlobVersion/action",
    f"{BLOBS}/blobs/immutableStorage/runAsSuperUser/action",  # to set and clear legal holds
}
DECIDE_DAYS = 7  # of the month are left for the two people who decide
ARCHIVES = ("archive", "fallback")


def the_custodian_destroys_and_does_nothing_else(templates: Templates) -> Iterator[str]:
    """Check: it cannot write: whoever steals this identity can forge nothing, and what it destroys is logged."""
    role = templates.module("archive-custodian-role").resources["custodian"]
    granted: set[str] = set()
    for permission in as_list(role.properties.get("permissions")):
        granted |= {*map(str, as_list(at(permission, "actions"))), *map(str, as_list(at(permission, "dataActions")))}
    yield from (f"archive-custodian-role: {action}" for action in sorted(granted ^ CUSTODIAN))


def the_custodian_is_an_identity_of_its_own(templates: Templates) -> Iterator[str]:
    """Check: two identities, and the app reaches for the second one by its own setting only."""
    names = [templates.main.modules[symbol].given.get("name") for symbol in ("identity", "custodian")]
    if len({getattr(name, "text", name) for name in names}) != 2:
        yield "infra/main.bicep: the custodian is the app's identity"
    app = templates.module("function-app").resources["app"].body
    held = as_dict(at(app, "identity", "userAssignedIdentities"))
    if len(held) != 2 or not any("custodianId" in str(name) for name in held):
        yield "function-app: it does not have the custodian's identity"
    if _given(templates, "app", "custodianId") != "custodian.outputs.id":
        yield "infra/main.bicep: the app is given another identity as custodian"
    settings = templates.texts["infra/main.bicep"]
    uses = re.findall(r"^ *(\w+): custodian\.outputs\.clientId$", settings, re.MULTILINE)
    if uses != ["CUSTODIAN_STORAGE__clientId"]:
        yield f"infra/main.bicep: the custodian's identity is used by {uses}"
    if not re.search(r"^ *CUSTODIAN_STORAGE__blobServiceUri: archive\.outputs\.blobUri$", settings, re.MULTILINE):
        yield "infra/main.bicep: the custodian is not led to the archive"


def the_role_is_the_custodians_alone(templates: Templates) -> Iterator[str]:
    """Check: in the archives, and for nobody else."""
    for symbol in ARCHIVES:
        wanted = {
            "custodianPrincipalId": "custodian.outputs.principalId",
            "custodianRoleId": "custodianRole.outputs.id",
            "appPrincipalId": "identity.outputs.principalId",
            "writerRoleId": "writerRole.outputs.id",
        }
        for parameter, value in wanted.items():
            if _given(templates, symbol, parameter) != value:
                yield f"infra/main.bicep:{symbol}: {parameter} is {_given(templates, symbol, parameter)}"
    found = []
    for place, _, assignment in templates.made("Microsoft.Authorization/roleAssignments"):
        who, what = (
            getattr(assignment.properties.get(name), "text", "") for name in ("principalId", "roleDefinitionId")
        )
        if "custodian" in f"{who}{what}".lower():
            found.append((place, who, what, getattr(assignment.body.get("scope"), "text", "")))
    if found != [(f"{ARCHIVE}:destroy", "custodianPrincipalId", "custodianRoleId", "account")]:
        yield f"the custodian's role is given as {found}"


def rules_of_age_only_tier(templates: Templates) -> Iterator[str]:
    """Check: a rule knows no hold; a version of an old recording is old from its first day. Refused events end."""
    for place, _, policy in templates.made("Microsoft.Storage/storageAccounts/managementPolicies"):
        for rule in as_list(at(policy.properties, "policy", "rules")):
            actions = as_dict(at(rule, "definition", "actions"))
            if "storage-host" in place and at(rule, "name") == "quarantine-ends":
                actions = {name: what for name, what in actions.items() if name != "baseBlob"}
            if any(_deletes(action) for action in actions.values()) or set(actions) - {"baseBlob"}:
                yield f"{place}: it does more than to move"
    if re.search(r"\bdelete: *\{", templates.texts[ARCHIVE]):
        yield f"{ARCHIVE}: something deletes"
    for days in ((-1, -1, -1), (30, 90, -1), (0, 1, 2)):
        cool, cold, archived = days
        here = Evaluation(templates, ARCHIVE, coolAfterDays=cool, coldAfterDays=cold, archiveAfterDays=archived)
        moves = here.value("tiers") | here.value("unmoved")
        if not moves or not all(name.startswith("tierTo") for name in moves):
            yield f"{ARCHIVE}: {days} makes {moves}, which Azure refuses, so that an earlier rule stays"
    (rule,) = as_list(at(templates.module("storage-archive").resources["lifecycle"].properties, "policy", "rules"))
    if getattr(at(rule, "enabled"), "text", "") != "!empty(tiers)":
        yield f"{ARCHIVE}: the rule is on with nothing to move"
    if getattr(at(rule, "definition", "actions", "baseBlob"), "text", "") != "union(cool, cold, archived, unmoved)":
        yield f"{ARCHIVE}: the rule moves something else"


def an_erasure_fits_into_the_month(templates: Templates) -> Iterator[str]:
    """Immutability, soft delete and the nightly run, of each account in which something of a person can lie."""
    immutable = templates.main.parameters["archiveImmutabilityDays"].default
    if not isinstance(immutable, int):
        yield "infra/main.bicep: archiveImmutabilityDays has no default"
        return
    for place, use in templates.uses("storage-account"):
        soft = templates.files[place.partition(":")[0]].resolved(use.given.get("softDeleteDays"))
        days = RUN_DAYS + (immutable if "storage-archive" in place else 0) + (soft if isinstance(soft, int) else 400)
        if days > ERASURE_LIMIT_DAYS - DECIDE_DAYS:
            yield f"{place}: bytes are gone {days} days after an approval, and {DECIDE_DAYS} are for the decision"
    if immutable < LEAST_SOFT_DELETE:
        yield "infra/main.bicep: immutability is too short to notice anything"
    if templates.main.parameters["deleteAfterDays"].default != -1:
        yield "infra/main.bicep: recordings are destroyed without being asked for"
    if _setting(templates, "DELETE_AFTER_DAYS") != "string(deleteAfterDays)":
        yield "infra/main.bicep: the custodian is not told of DELETE_AFTER_DAYS"


def _deletes(action: Value) -> bool:
    return "delete" in as_dict(action)


def _given(templates: Templates, symbol: str, parameter: str) -> str:
    given = templates.main.modules[symbol].given.get(parameter)
    return str(getattr(given, "text", given))


def _setting(templates: Templates, name: str) -> str:
    found = re.search(rf"^ *{name}: (.+)$", templates.texts["infra/main.bicep"], re.MULTILINE)
    return found[1] if found else ""


CHECKS: list[Check] = [
    the_custodian_destroys_and_does_nothing_else,
    the_custodian_is_an_identity_of_its_own,
    the_role_is_the_custodians_alone,
    rules_of_age_only_tier,
    an_erasure_fits_into_the_month,
]
