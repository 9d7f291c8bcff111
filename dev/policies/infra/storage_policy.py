"""What must be true of every storage account, and of the archive above all."""

import json
import re
from collections.abc import Iterator

from dev.policies.infra.bicep import Expression, Value, as_dict, as_list, at
from dev.policies.infra.evaluate import Evaluation, RefusedError
from dev.policies.infra.templates import Check, Templates, differs

ACCOUNT = "Microsoft.Storage/storageAccounts"
LOCKED_DOWN: dict[str, Value] = {
    "allowBlobPublicAccess": False,
    "allowCrossTenantReplication": False,
    "allowSharedKeyAccess": False,
    "defaultToOAuthAuthentication": True,
    "isLocalUserEnabled": False,
    "isSftpEnabled": False,
    "isHnsEnabled": False,  # version-level immutability does not go with it
    "minimumTlsVersion": "TLS1_2",
    "supportsHttpsTrafficOnly": True,
}


BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
WRITER = {
    f"{BLOBS}/read",
    f"{BLOBS}/blobs/read",
    f"{BLOBS}/blobs/write",
    f"{BLOBS}/blobs/add/action",
    # The doctor compares how the account is protected with how it should be.
    "Microsoft.Storage/storageAccounts/read",
    "Microsoft.Storage/storageAccounts/blobServices/read",
    "Microsoft.Storage/storageAccounts/managementPolicies/read",
}


def no_keys_to_storage(templates: Templates) -> Iterator[str]:
    """Check: no account key opens anything, nothing is readable by anybody, and no connection is in the clear."""
    for place, _, account in templates.made(ACCOUNT):
        yield from differs(place, LOCKED_DOWN, account.properties)
        if at(account.properties, "sasPolicy", "expirationAction") != "Block":
            yield f"{place}: a SAS of any length is taken"


def one_kind_of_account(templates: Templates) -> Iterator[str]:
    """Check: accounts are made in one file, so that what holds for it holds for all."""
    places = [place for place, _, _ in templates.made(ACCOUNT)]
    if places != ["infra/modules/storage-account.bicep:account"]:
        yield f"accounts are made at {places}"


def event_grid_gets_through(templates: Templates) -> Iterator[str]:
    """Event Grid has no private endpoints: behind a firewall it needs the exception for trusted services."""
    for place, _, account in templates.made(ACCOUNT):
        if at(account.properties, "networkAcls", "bypass") != "AzureServices":
            yield f"{place}: networkAcls.bypass"


def no_public_containers(templates: Templates) -> Iterator[str]:
    """Check: a container that anybody may list."""
    for place, _, container in templates.made(f"{ACCOUNT}/blobServices/containers"):
        if container.properties.get("publicAccess") != "None":
            yield place


def deletes_can_be_undone(templates: Templates) -> Iterator[str]:
    """Soft delete of blobs and containers, for at least a week."""
    for place, _, service in templates.made(f"{ACCOUNT}/blobServices"):
        for policy in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
            if at(service.properties, policy, "enabled") is not True:
                yield f"{place}: {policy}"
    for place, use in templates.uses("storage-account"):
        days = templates.files[place.partition(":")[0]].resolved(use.given.get("softDeleteDays"))
        if not isinstance(days, int) or days < 7:
            yield f"{place}: softDeleteDays"


def archive_keeps_versions(templates: Templates) -> Iterator[str]:
    """Check: what is overwritten in the archive is still there."""
    for _, use in _archive_accounts(templates):
        if use.get("versioning") is not True:
            yield "the archive is made without versioning"
    service = templates.module("storage-account").resources["blobs"].properties
    if service.get("isVersioningEnabled") != Expression("versioning", frozenset({"versioning"})):
        yield "versioning is not passed on"


def immutability_is_never_locked_by_default(templates: Templates) -> Iterator[str]:
    """Check: a locked policy cannot be undone, and Azure refuses to create one: locking is a separate step."""
    immutability, locked = (templates.main.parameters[name] for name in ("archiveImmutability", "archiveLocked"))
    if immutability.default != "Unlocked" or immutability.decorators.get("allowed") != ["Off", "Unlocked"]:
        yield "infra/main.bicep: archiveImmutability must be Unlocked by default, and can be nothing but that or Off"
    if locked.default is not False:
        yield "infra/main.bicep: archiveLocked must be off by default"
    given = templates.main.modules["archive"].given.get("immutability")
    wanted = "archiveImmutability == 'Off' ? 'Off' : archiveLocked ? 'Locked' : 'Unlocked'"
    if getattr(given, "text", "") != wanted:
        yield "infra/main.bicep: the archive's immutability is not the deployer's choice"
    for _, use in _archive_accounts(templates):
        if getattr(use.get("immutability"), "text", "") != "immutability":
            yield "storage-archive: immutability is not passed on"
    account = templates.module("storage-account").resources["account"].properties
    policy = getattr(account.get("immutableStorageWithVersioning"), "text", "")
    if not policy.startswith("immutability == 'Off' ? null : { enabled: true, immutabilityPolicy: {"):
        yield "storage-account: an archive that is to be immutable is not"
    states = re.findall(r"state: ([^ ]+)", templates.texts["infra/modules/storage-account.bicep"])
    if states != ["immutability"]:
        yield f"storage-account: the state of the policy is {states}"


def locking_is_typed(templates: Templates) -> Iterator[str]:
    """Check: nothing locks the archive but a script that a person answers, twice, with the account's name."""
    for path, text in templates.texts.items():
        if re.search(r"immutability-state|setImmutability", text) and not re.search(r"hooks/lock\.(sh|ps1)$", path):
            yield f"{path}: locks"
    project = templates.texts["azure.yaml"]
    if "lock" in re.findall(r"hooks/(\w+)\.", project):
        yield "azure.yaml: locks without being asked"
    for path, twice, compare in (
        ("infra/hooks/lock.sh", 'for time in "" " again"', '[ "$typed" = "$account" ]'),
        ("infra/hooks/lock.ps1", "foreach ($time in '', ' again')", "-cne $account"),
    ):
        text = templates.texts[path]
        if twice not in text or compare not in text or text.index(compare) > text.index("--immutability-state"):
            yield f"{path}: does not ask twice before it locks"


def each_tier_is_the_one_that_was_asked_for(templates: Templates) -> Iterator[str]:
    """Check: a rule of age moves to its own tier and nowhere else; one that is off does nothing."""
    path = "infra/modules/storage-archive.bicep"
    for variable, parameter, action in (
        ("cool", "coolAfterDays", "tierToCool"),
        ("cold", "coldAfterDays", "tierToCold"),
        ("archived", "archiveAfterDays", "tierToArchive"),
    ):
        others = dict.fromkeys(("coolAfterDays", "coldAfterDays", "archiveAfterDays"), 3)
        on = Evaluation(templates, path, **{**others, parameter: 7}).value(variable)
        off = Evaluation(templates, path, **{**others, parameter: -1}).value(variable)
        at_once = Evaluation(templates, path, **{**others, parameter: 0}).value(variable)
        if at_once != {action: {"daysAfterModificationGreaterThan": 0}}:
            yield f"{path}: {variable} is off with 0"
        if on != {action: {"daysAfterModificationGreaterThan": 7}} or off != {}:
            yield f"{path}: {variable} is {on}, or {off} when it is off"
    tiers = Evaluation(templates, path, coolAfterDays=1, coldAfterDays=2, archiveAfterDays=3).value("tiers")
    if sorted(tiers) != ["tierToArchive", "tierToCold", "tierToCool"]:
        yield f"{path}: tiers"


def quarantine_ends(templates: Templates) -> Iterator[str]:
    """Refused events have call ids and locations in them; nothing else of that account is ever deleted by age."""
    rules = _rules(templates, "storage-host")
    for rule in rules:
        if at(rule, "definition", "filters", "prefixMatch") != ["recording-quarantine/"]:
            yield "storage-host: a rule deletes more than the quarantine"
        if at(rule, "enabled") is not True:
            yield "storage-host: the rule is off"
    if [
        getattr(at(rule, "definition", "actions", "baseBlob", "delete", "daysAfterModificationGreaterThan"), "text", "")
        for rule in rules
    ] != ["quarantineDays"]:
        yield "storage-host: the quarantine is kept for ever"


def redundancy_is_the_regions(templates: Templates) -> Iterator[str]:
    """Check: each account gets what the region has; only copies that may be lost are kept in one place."""
    wanted = {
        "hostStorage": "hostSku",
        "archive": "archiveSku",
        "fallback": "'Standard_LRS'",
        "deadLetters": "'Standard_LRS'",
    }
    for symbol, sku in wanted.items():
        given = templates.main.modules[symbol].given.get("redundancy")
        if getattr(given, "text", f"'{given}'") != sku:
            yield f"infra/main.bicep:{symbol}: redundancy"
    regions = json.loads(templates.texts["infra/regions.json"])
    if as_list(templates.main.parameters["location"].decorators.get("allowed")) != sorted(regions):
        yield "infra/main.bicep: the regions are not those of regions.json"
    for name, facts in regions.items():
        with_defaults = Evaluation(templates, environmentName="e", location=name)
        if facts["other"] and (facts["other"] not in regions or regions[facts["other"]]["acsData"] != facts["acsData"]):
            yield f"infra/regions.json: {name}: {facts['other']} is another geography"
        if facts["geoZones"] and not facts["zones"]:
            yield f"infra/regions.json: {name}: paired zones without zones"
        try:
            with_defaults.value("groupName")
        except RefusedError as error:
            yield f"infra/main.bicep: the defaults do not fit {name}: {error}"
        if with_defaults.value("deadLetterRegion") != (facts["other"] or name):
            yield f"infra/main.bicep: dead letters of {name}"


def archive_writer_cannot_delete(templates: Templates) -> Iterator[str]:
    """Check: whoever steals the app's identity can add to the archive, and that is all."""
    role = templates.module("archive-writer-role").resources["writer"]
    for permission in as_list(role.properties.get("permissions")):
        granted = [*as_list(at(permission, "actions")), *as_list(at(permission, "dataActions"))]
        for action in granted:
            if re.search(
                r"\*|delete|immutableStorage|permanentDelete|move|manageOwnership", str(action), re.IGNORECASE
            ):
                yield f"the writer may {action}"
            if str(action) not in WRITER:
                yield f"the writer may {action}, which no code does"
    for symbol, resource in templates.module("storage-archive").resources.items():
        if getattr(resource.properties.get("principalId"), "text", "") == "appPrincipalId" and not _is_writer(
            resource.properties.get("roleDefinitionId")
        ):
            yield f"storage-archive:{symbol}: the app has another role than the writer's"


def archive_is_locked(templates: Templates) -> Iterator[str]:
    """Check: the account is not removed by mistake with its resource group."""
    locks = list(templates.made("Microsoft.Authorization/locks"))
    for module in ("storage-archive", "storage-host"):
        levels = [lock.properties.get("level") for place, _, lock in locks if module in place]
        if levels != ["CanNotDelete"]:
            yield f"{module}: no CanNotDelete lock"
    if templates.main.parameters["lockArchive"].default is not True:
        yield "infra/main.bicep: lockArchive must be on by default"


def nothing_goes_out_of_reach_by_default(templates: Templates) -> Iterator[str]:
    """Moving recordings where they cannot be played is a choice."""
    if templates.main.parameters["archiveAfterDays"].default != -1:
        yield "infra/main.bicep: archiveAfterDays must be -1 by default"


def dead_letters_lie_apart(templates: Templates) -> Iterator[str]:
    """Check: when the queue's account is down, the dead letters are what is left."""
    given = templates.main.modules["eventsToQueue"].given
    owners = [
        str(getattr(given.get(key), "text", "")).split(".")[0] for key in ("hostAccountId", "deadLetterAccountId")
    ]
    names = [templates.main.modules[owner].given.get("name") for owner in owners if owner in templates.main.modules]
    texts = {getattr(name, "text", name) for name in names}
    if len(texts) != 2:
        yield "the queue and its dead letters are in one account"


def storage_is_logged(templates: Templates) -> Iterator[str]:
    """Check: writes to poison queues and deletes in the archive are told by the service itself."""
    wanted = {"storage-account": {"StorageWrite", "StorageDelete"}, "storage-host": {"StorageWrite"}}
    for name, categories in wanted.items():
        logged = {
            at(log, "category")
            for _, resource in templates.module(name).resources.items()
            if resource.what.startswith("Microsoft.Insights/diagnosticSettings@")
            for log in as_list(resource.properties.get("logs"))
            if at(log, "enabled") is True
        }
        yield from (f"{name}: {category} is not logged" for category in sorted(categories - logged))


def _archive_accounts(templates: Templates) -> Iterator[tuple[str, dict[str, object]]]:
    for place, use in templates.uses("storage-account"):
        if "storage-archive" in place:
            yield place, dict(as_dict(use.given))


def _rules(templates: Templates, module: str) -> list[Value]:
    (policy,) = [
        resource
        for resource in templates.module(module).resources.values()
        if resource.what.startswith("Microsoft.Storage/storageAccounts/managementPolicies@")
    ]
    return as_list(at(policy.properties, "policy", "rules"))


def _is_writer(role: object) -> bool:
    return isinstance(role, Expression) and role.text == "writerRoleId"


CHECKS: list[Check] = [
    no_keys_to_storage,
    one_kind_of_account,
    event_grid_gets_through,
    no_public_containers,
    deletes_can_be_undone,
    archive_keeps_versions,
    immutability_is_never_locked_by_default,
    locking_is_typed,
    each_tier_is_the_one_that_was_asked_for,
    quarantine_ends,
    redundancy_is_the_regions,
    archive_writer_cannot_delete,
    archive_is_locked,
    nothing_goes_out_of_reach_by_default,
    dead_letters_lie_apart,
    storage_is_logged,
]
