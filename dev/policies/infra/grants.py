"""Who is given what, as one table: each role assignment, each custom role, and which identity each module is handed."""

from collections.abc import Iterator, Mapping

from dev.policies.infra.access_policy import ROLES
from dev.policies.infra.bicep import BicepFile, Expression, Value, as_list, at
from dev.policies.infra.templates import MAIN, Check, Templates
from recording.domain.names import EXPORT_CONTAINER, SEAL_CONTAINER

M = "infra/modules/"
APP, TOPIC, GROUP = "appPrincipalId", "topicPrincipalId", "operatorsId"
# Module and symbol: who, as what, on what. A new right is a new line here, and in the table of docs/deploy.md.
GRANTS: Mapping[str, tuple[str, str, str]] = {
    f"{M}acs-access.bicep:call": (APP, "Communication and Email Service Owner or caller.id", "acs"),
    f"{M}event-access.bicep:sends": (TOPIC, "Storage Queue Data Message Sender", "queue"),
    f"{M}event-access.bicep:buries": (TOPIC, "Storage Blob Data Contributor", "deadLetters"),
    f"{M}event-topic-facts.bicep:reads": (APP, "Reader", "topic"),
    f"{M}function-app.bicep:operate": (GROUP, "operatorRole.id", "app"),
    f"{M}monitoring.bicep:sends": (APP, "Monitoring Metrics Publisher", "insights"),
    f"{M}monitoring.bicep:reads": (APP, "Log Analytics Reader", "workspace"),
    f"{M}monitoring.bicep:operatorsRead": (GROUP, "Log Analytics Reader", "workspace"),
    f"{M}outgoing-topic.bicep:publishes": (APP, "EventGrid Data Sender", "topic"),
    f"{M}outgoing-subscription.bicep:sends": ("senderPrincipalId", "Storage Queue Data Message Sender", "queue"),
    f"{M}webhooks-vault.bicep:reads": (APP, "Key Vault Secrets User", "vault"),
    f"{M}webhooks-vault.bicep:sets": (GROUP, "Key Vault Secrets Officer", "vault"),
    f"{M}seal-key.bicep:sign": (APP, "Key Vault Crypto User", "key"),
    f"{M}storage-archive.bicep:write": (APP, "writerRoleId", "account"),
    f"{M}storage-archive.bicep:destroy": ("custodianPrincipalId", "custodianRoleId", "account"),
    f"{M}storage-archive.bicep:read": ("reader", "Storage Blob Data Reader", "recordings"),
    f"{M}storage-dead-letter.bicep:redrive": (APP, "Storage Blob Data Contributor", "deadLetters"),
    f"{M}storage-dead-letter.bicep:operate": (GROUP, "Storage Blob Data Contributor", "deadLetters"),
    f"{M}storage-host.bicep:access": (APP, "role.value", "account"),
    f"{M}storage-host.bicep:operate": (GROUP, "role", "account"),
    f"{M}storage-host.bicep:reviewHeld": (GROUP, "Storage Blob Data Contributor", "quarantine"),
}
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
CUSTODIAN = {
    "actions": {f"{BLOBS}/read"},
    "dataActions": {
        f"{BLOBS}/blobs/read",
        f"{BLOBS}/blobs/delete",
        f"{BLOBS}/blobs/deleteBlobVersion/action",
        f"{BLOBS}/blobs/immutableStorage/runAsSuperUser/action",
    },
}
# What a module's parameter of this name is, wherever a module has one.
HANDED = {
    "appPrincipalId": "identity.outputs.principalId",
    "identityId": "identity.outputs.id",
    "custodianPrincipalId": "custodian.outputs.principalId",
    "custodianId": "custodian.outputs.id",
    "custodianRoleId": "custodianRole.outputs.id",
    "writerRoleId": "writerRole.outputs.id",
    "topicPrincipalId": "topic.outputs.principalId",
    "senderPrincipalId": "outgoingTopic!.outputs.principalId",
    "readersId": "archiveReadersGroup",
    "operatorsId": "operators",
    "workspaceId": "monitoring.outputs.workspaceId",
    "vnetEnabled": "vnetEnabled",
    "lock": "lockArchive",
    "tags": "tags",
}
VAULT: Mapping[str, Value] = {
    "enableRbacAuthorization": True,
    "enableSoftDelete": True,
    "enablePurgeProtection": True,
    "softDeleteRetentionInDays": 90,
}


def each_right_is_in_the_table(templates: Templates) -> Iterator[str]:
    """Check: a role of another name, on more, or for another identity is a valid template and an open door."""
    found = {
        place: _grant(file, assignment.properties, assignment.body)
        for place, file, assignment in templates.made("Microsoft.Authorization/roleAssignments")
    }
    for place in sorted(found.keys() | GRANTS.keys()):
        if found.get(place) != GRANTS.get(place):
            yield f"{place}: {found.get(place)}, and the table has {GRANTS.get(place)}"


def each_assignment_has_a_name_of_its_own(templates: Templates) -> Iterator[str]:
    """Check: the name is made of what is given to whom: two assignments of one name replace each other."""
    for place, _, assignment in templates.made("Microsoft.Authorization/roleAssignments"):
        name = getattr(assignment.body.get("name"), "text", "")
        scope = _text(assignment.body.get("scope"))
        given = _text(assignment.properties.get("principalId"))
        if not name.startswith(f"guid({scope}.id, {given}, ") or name.count(",") < 2:
            yield f"{place}: is called {name}"


def custom_roles_are_exact(templates: Templates) -> Iterator[str]:
    """Check: the custodian destroys and writes nothing; and no role takes back what it gives."""
    role = templates.module("archive-custodian-role").resources["custodian"]
    (permission,) = as_list(role.properties.get("permissions"))
    for kind, wanted in CUSTODIAN.items():
        listed = [str(action) for action in as_list(at(permission, kind))]
        if set(listed) != wanted or len(listed) != len(wanted):
            yield f"archive-custodian-role: {kind} {sorted(set(listed) ^ wanted)}"
    for place, _, made in templates.made("Microsoft.Authorization/roleDefinitions"):
        for permission in as_list(made.properties.get("permissions")):
            if at(permission, "notActions") != [] or at(permission, "notDataActions") != []:
                yield f"{place}: takes back what it gives"
        scopes = "".join(_text(each) for each in as_list(made.properties.get("assignableScopes")))
        if scopes != "resourceGroup().id":
            yield f"{place}: can be given in {scopes}"


def each_module_is_handed_the_right_identity(templates: Templates) -> Iterator[str]:
    """Check: the app's identity and the custodian's are two: exchanged, the app deletes and the custodian cannot."""
    for symbol, use in templates.main.modules.items():
        for name, wanted in HANDED.items():
            if name in use.given and _text(use.given[name]) != wanted:
                yield f"{MAIN}:{symbol}: {name} is {_text(use.given[name])}"
    names: dict[tuple[str, str], str] = {}
    for symbol, use in templates.main.modules.items():
        key = use.what, _text(use.given.get("name"))
        if key in names:
            yield f"{MAIN}: {symbol} and {names[key]} make one resource"
        names[key] = symbol
    app = templates.module("function-app").resources["app"]
    attached = at(app.body, "identity", "userAssignedIdentities")
    if sorted(str(key) for key in (attached if isinstance(attached, dict) else {})) != [
        "'${custodianId}'",
        "'${identityId}'",
    ]:
        yield "function-app: the app does not have both identities"
    storage = at(app.properties, "functionAppConfig", "deployment", "storage", "authentication")
    if _text(at(storage, "userAssignedIdentityResourceId")) != "identityId":
        yield "function-app: the package is read as somebody else"


def the_seal_has_its_key_and_its_place(templates: Templates) -> Iterator[str]:
    """Check: a key that can be taken out, purged or used by others proves nothing; and a container has one name."""
    module = templates.module("seal-key")
    vault, key = module.resources["vault"].properties, module.resources["key"].properties
    yield from (f"seal-key: {name}" for name, value in VAULT.items() if vault.get(name) != value)
    if (key.get("kty"), key.get("curveName"), key.get("keyOps")) != ("EC", "P-256", ["sign", "verify"]):
        yield f"seal-key: the key is {key}"
    archive = templates.module("storage-archive").resources
    if templates.main.modules["archive"].given.get("sealContainer") != SEAL_CONTAINER:
        yield f"{MAIN}: the seal is looked for in {SEAL_CONTAINER}"
    if archive["bundles"].body.get("name") != EXPORT_CONTAINER:
        yield f"storage-archive: exports are looked for in {EXPORT_CONTAINER}"


def _grant(file: BicepFile, properties: Mapping[str, Value], body: Mapping[str, Value]) -> tuple[str, str, str]:
    return _text(properties.get("principalId")), _role(file, properties.get("roleDefinitionId")), _text(body["scope"])


def _role(file: BicepFile, given: Value) -> str:
    """Return the name of a role: of Azure's by its id, of our own by its symbol."""
    if isinstance(given, Expression) and given.branches:
        one, other = given.branches
        return f"{_role(file, other)} or {_role(file, one)}"
    if isinstance(given, Expression) and given.given:
        named = file.resolved(given.given[-1])
        return ROLES.get(str(named), _text(named))
    return _text(given)


def _text(value: Value) -> str:
    return value.text if isinstance(value, Expression) else str(value)


CHECKS: list[Check] = [
    each_right_is_in_the_table,
    each_assignment_has_a_name_of_its_own,
    custom_roles_are_exact,
    each_module_is_handed_the_right_identity,
    the_seal_has_its_key_and_its_place,
]
