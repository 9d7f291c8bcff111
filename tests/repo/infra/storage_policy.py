"""What must be true of every storage account, and of the archive above all."""

import re
from collections.abc import Iterator

from tests.repo.infra.bicep import Expression, Value, as_dict, as_list, at
from tests.repo.infra.templates import Check, Templates, differs

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


def no_keys_to_storage(templates: Templates) -> Iterator[str]:
    """No account key opens anything, nothing is readable by anybody, and no connection is in the clear."""
    for place, _, account in templates.made(ACCOUNT):
        yield from differs(place, LOCKED_DOWN, account.properties)
        if at(account.properties, "sasPolicy", "expirationAction") != "Block":
            yield f"{place}: a SAS of any length is taken"


def one_kind_of_account(templates: Templates) -> Iterator[str]:
    """Accounts are made in one file, so that what holds for it holds for all."""
    places = [place for place, _, _ in templates.made(ACCOUNT)]
    if places != ["infra/modules/storage-account.bicep:account"]:
        yield f"accounts are made at {places}"


def event_grid_gets_through(templates: Templates) -> Iterator[str]:
    """Event Grid has no private endpoints: behind a firewall it needs the exception for trusted services."""
    for place, _, account in templates.made(ACCOUNT):
        if at(account.properties, "networkAcls", "bypass") != "AzureServices":
            yield f"{place}: networkAcls.bypass"


def no_public_containers(templates: Templates) -> Iterator[str]:
    """A container that anybody may list."""
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
        days = use.given.get("softDeleteDays")
        if not isinstance(days, int) or days < 7:
            yield f"{place}: softDeleteDays"


def archive_keeps_versions(templates: Templates) -> Iterator[str]:
    """What is overwritten in the archive is still there."""
    for _, use in _archive_accounts(templates):
        if use.get("versioning") is not True:
            yield "the archive is made without versioning"
    service = templates.module("storage-account").resources["blobs"].properties
    if service.get("isVersioningEnabled") != Expression("versioning", frozenset({"versioning"})):
        yield "versioning is not passed on"


def immutability_is_never_locked_by_default(templates: Templates) -> Iterator[str]:
    """A locked policy cannot be undone by anybody: nobody gets it without having asked for it."""
    if templates.main.parameters["archiveImmutability"].default != "Unlocked":
        yield "infra/main.bicep: archiveImmutability must be Unlocked by default"
    for _, use in _archive_accounts(templates):
        if not isinstance(use.get("immutability"), Expression):
            yield "the archive's immutability is not the deployer's choice"
    given = re.findall(r"state: ([^ ]+)", templates.texts["infra/modules/storage-account.bicep"])
    if given != ["immutability"]:
        yield f"storage-account: the state of the policy is {given}"
    for path, text in templates.texts.items():
        if path.endswith(".json") and "Locked" in text.replace("Unlocked", ""):
            yield f"{path}: Locked"


def archive_writer_cannot_delete(templates: Templates) -> Iterator[str]:
    """Whoever steals the app's identity can add to the archive, and that is all."""
    role = templates.module("archive-writer-role").resources["writer"]
    for permission in as_list(role.properties.get("permissions")):
        granted = [*as_list(at(permission, "actions")), *as_list(at(permission, "dataActions"))]
        for action in granted:
            if re.search(
                r"\*|delete|immutableStorage|permanentDelete|move|manageOwnership", str(action), re.IGNORECASE
            ):
                yield f"the writer may {action}"
    for symbol, resource in templates.module("storage-archive").resources.items():
        if getattr(resource.properties.get("principalId"), "text", "") == "appPrincipalId" and not _is_writer(
            resource.properties.get("roleDefinitionId")
        ):
            yield f"storage-archive:{symbol}: the app has another role than the writer's"


def archive_is_locked(templates: Templates) -> Iterator[str]:
    """The account is not removed by mistake with its resource group."""
    locks = [lock for place, _, lock in templates.made("Microsoft.Authorization/locks") if "storage-archive" in place]
    if [lock.properties.get("level") for lock in locks] != ["CanNotDelete"]:
        yield "storage-archive: no CanNotDelete lock"
    if templates.main.parameters["lockArchive"].default is not True:
        yield "infra/main.bicep: lockArchive must be on by default"


def nothing_is_deleted_by_default(templates: Templates) -> Iterator[str]:
    """Deleting recordings, and moving them where they cannot be played, is a choice."""
    for name in ("archiveAfterDays", "deleteAfterDays"):
        if templates.main.parameters[name].default != -1:
            yield f"infra/main.bicep: {name} must be -1 by default"


def dead_letters_lie_apart(templates: Templates) -> Iterator[str]:
    """When the queue's account is down, the dead letters are what is left."""
    given = templates.main.modules["eventsToQueue"].given
    owners = [
        str(getattr(given.get(key), "text", "")).split(".")[0] for key in ("hostAccountId", "deadLetterAccountId")
    ]
    names = [templates.main.modules[owner].given.get("name") for owner in owners if owner in templates.main.modules]
    texts = {getattr(name, "text", name) for name in names}
    if len(texts) != 2:
        yield "the queue and its dead letters are in one account"


def storage_is_logged(templates: Templates) -> Iterator[str]:
    """Writes to poison queues and deletes in the archive are told by the service itself."""
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
    archive_writer_cannot_delete,
    archive_is_locked,
    nothing_is_deleted_by_default,
    dead_letters_lie_apart,
    storage_is_logged,
]
