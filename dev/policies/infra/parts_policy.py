"""What each resource is called, and the parts that must be whole: without them Azure makes another thing."""

from collections.abc import Iterator, Mapping
from typing import Any

from dev.policies.infra.bicep import Expression, Value, at
from dev.policies.infra.completeness import CONDITIONS
from dev.policies.infra.templates import MAIN, Check, Templates

# Every resource by its file and symbol, with its name as it is written. A name that changes makes a second, empty one
# beside the first one at the next `azd up`; a custom role of another id is refused: its own name is taken.
NAMES: Mapping[str, str] = {
    "event-subscription-function:topic": "topicName",
    "event-subscription-function:toFunction": "'recordings-to-function-${token}'",
    "main:group": "groupName",
    "acs-access:acs": "acsName",
    "acs-access:caller": "guid(resourceGroup().id, 'recording-caller', token)",
    "acs-access:call": "guid(acs.id, appPrincipalId, roleMode)",
    "acs-access:log": "'recording-archive-${token}'",
    "acs:acs": "name",
    "alerts:people": "'ag-${name}'",
    "alerts:logs": "one.name",
    "alerts:metrics": "one.name",
    "alerts:activities": "one.name",
    "archive-custodian-role:custodian": "guid(resourceGroup().id, 'recording-archive-custodian')",
    "archive-writer-role:writer": "guid(resourceGroup().id, 'recording-archive-writer')",
    "budget:budget": "name",
    "event-access:hostAccount": "hostAccountName",
    "event-access:queueService": "default",
    "event-access:queue": "queueName",
    "event-access:deadLetterAccount": "deadLetterAccountName",
    "event-access:deadLetterBlobs": "default",
    "event-access:deadLetters": "deadLetterContainer",
    "event-access:sends": "guid(queue.id, topicPrincipalId, queueMessageSender)",
    "event-access:buries": "guid(deadLetters.id, topicPrincipalId, blobContributor)",
    "event-subscription-queue:topic": "topicName",
    "event-subscription-queue:toQueue": "'recordings-to-queue-${token}'",
    "event-topic-facts:topic": "topicName",
    "event-topic-facts:log": "'recording-archive-${token}'",
    "event-topic-facts:reads": "guid(topic.id, appPrincipalId, reader)",
    "event-topic:topic": "name",
    "function-app:plan": "'plan-${name}'",
    "function-app:app": "name",
    "function-app:settings": "appsettings",
    "function-app:signIn": "authsettingsV2",
    "function-app:ftp": "ftp",
    "function-app:scm": "scm",
    "function-app:log": "to-workspace",
    "function-app:operatorRole": "guid(resourceGroup().id, 'recording-operator')",
    "function-app:operate": "guid(app.id, operatorsId, 'recording-operator')",
    "identity:identity": "name",
    "monitoring:workspace": "'log-${name}'",
    "monitoring:insights": "'appi-${name}'",
    "monitoring:sends": "guid(insights.id, appPrincipalId, metricsPublisher)",
    "monitoring:reads": "guid(workspace.id, appPrincipalId, logReader)",
    "monitoring:operatorsRead": "guid(workspace.id, operatorsId, logReader)",
    "monitoring:workbook": "guid(resourceGroup().id, 'recording-archive-workbook')",
    "network:guard": "'nsg-${name}'",
    "network:network": "'vnet-${name}'",
    "network:zones": "'privatelink.${service}.${environment().suffixes.storage}'",
    "network:vaultZone": "privatelink.vaultcore.azure.net",
    "network:vaultLink": "'vault-to-${name}'",
    "network:topicZone": "privatelink.eventgrid.azure.net",
    "network:topicLink": "'topic-to-${name}'",
    "network:links": "'${service}-to-${name}'",
    "outgoing-subscription:topic": "topicName",
    "outgoing-subscription:account": "hostAccountName",
    "outgoing-subscription:queues": "default",
    "outgoing-subscription:queue": "queueName",
    "outgoing-subscription:sends": "guid(queue.id, senderPrincipalId, queueMessageSender)",
    "outgoing-subscription:toQueue": "to-queue",
    "outgoing-topic:topic": "name",
    "outgoing-topic:publishes": "guid(topic.id, appPrincipalId, dataSender)",
    "outgoing-topic:log": "to-workspace",
    "private-endpoints:endpoints": "'pe-${one.name}'",
    "private-endpoints:names": "default",
    "seal-key:vault": "name",
    "seal-key:key": "seal",
    "seal-key:sign": "guid(key.id, appPrincipalId, cryptoUser)",
    "seal-key:uses": "uses-to-workspace",
    "storage-account:account": "name",
    "storage-account:blobs": "default",
    "storage-account:blobLog": "to-workspace",
    "storage-archive:account": "name",
    "storage-archive:blobs": "default",
    "storage-archive:recordings": "container",
    "storage-archive:checkpoints": "sealContainer",
    "storage-archive:bundles": "recording-exports",
    "storage-archive:lifecycle": "default",
    "storage-archive:write": "guid(account.id, appPrincipalId, writerRoleId)",
    "storage-archive:destroy": "guid(account.id, custodianPrincipalId, custodianRoleId)",
    "storage-archive:read": "guid(recordings.id, reader, blobReader)",
    "storage-archive:readLog": "reads-to-workspace",
    "storage-archive:keep": "recordings-are-kept",
    "storage-dead-letter:account": "name",
    "storage-dead-letter:blobs": "default",
    "storage-dead-letter:deadLetters": "recording-dead-letters",
    "storage-dead-letter:redrive": "guid(deadLetters.id, appPrincipalId, blobContributor)",
    "storage-dead-letter:operate": "guid(deadLetters.id, operatorsId, blobContributor)",
    "storage-host:account": "name",
    "storage-host:blobs": "default",
    "storage-host:containers": "container",
    "storage-host:quarantine": "recording-quarantine",
    "storage-host:queueService": "default",
    "storage-host:queues": "queue",
    "storage-host:tableService": "default",
    "storage-host:tables": "table",
    "storage-host:lifecycle": "default",
    "storage-host:queueLog": "to-workspace",
    "storage-host:access": "guid(account.id, appPrincipalId, role.value)",
    "storage-host:operate": "guid(account.id, operatorsId, role)",
    "storage-host:reviewHeld": "guid(quarantine.id, operatorsId, blobContributor)",
    "storage-host:keep": "catalog-is-kept",
    "webhooks-vault:vault": "name",
    "webhooks-vault:reads": "guid(vault.id, appPrincipalId, secretsUser)",
    "webhooks-vault:sets": "guid(vault.id, operatorsId, secretsOfficer)",
    "webhooks-vault:uses": "uses-to-workspace",
}
ROLE_NAMES = {
    "acs-access:caller": "'Recording Caller (${acsName}, ${token})'",
    "archive-custodian-role:custodian": "'Recording Archive Custodian (${name})'",
    "archive-writer-role:writer": "'Recording Archive Writer (${name})'",
    "function-app:operatorRole": "'Recording Operator (${name})'",
}
PARTS: Mapping[tuple[str, str], Any] = {
    ("alerts:people", "groupShortName"): "recordings",
    (
        "alerts:people",
        "emailReceivers",
    ): "[for (email, at) in alertEmails: { name: 'person-${at}', emailAddress: email, useCommonAlertSchema: true }]",
    ("alerts:metrics", "scopes"): ["one.scope"],
    ("alerts:metrics", "criteria"): {
        "odata.type": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
        "allOf": [
            {
                "criterionType": "StaticThresholdCriterion",
                "name": "one.metric",
                "metricNamespace": "one.type",
                "metricName": "one.metric",
                "operator": "one.operator",
                "threshold": "one.threshold",
                "timeAggregation": "one.aggregation",
            }
        ],
    },
    ("alerts:metrics", "actions"): "map(groups, group => { actionGroupId: group })",
    ("alerts:activities", "scopes"): ["one.scope"],
    ("alerts:activities", "condition"): {
        "allOf": [
            {"field": "category", "equals": "one.category"},
            {"field": "status", "equals": "one.status"},
            {"anyOf": "map(one.values, value => { field: one.field, equals: value })"},
        ]
    },
    ("alerts:activities", "actions"): {"actionGroups": "map(groups, group => { actionGroupId: group })"},
    ("private-endpoints:endpoints", "privateLinkServiceConnections"): [
        {"name": "one.name", "properties": {"privateLinkServiceId": "one.accountId", "groupIds": ["one.service"]}}
    ],
    ("private-endpoints:names", "privateDnsZoneConfigs"): [
        {"name": "one.service", "properties": {"privateDnsZoneId": "one.zoneId"}}
    ],
    ("network:vaultLink", "virtualNetwork"): {"id": "network.id"},
    ("network:topicLink", "virtualNetwork"): {"id": "network.id"},
    ("network:links", "virtualNetwork"): {"id": "network.id"},
    ("network:network", "subnets"): [
        {
            "name": "app",
            "properties": {
                "addressPrefix": "10.60.0.0/26",
                "networkSecurityGroup": {"id": "guard.id"},
                "delegations": [{"name": "flex", "properties": {"serviceName": "Microsoft.App/environments"}}],
            },
        },
        {
            "name": "endpoints",
            "properties": {"addressPrefix": "10.60.0.64/26", "networkSecurityGroup": {"id": "guard.id"}},
        },
    ],
    ("outgoing-subscription:toQueue", "deliveryWithResourceIdentity"): {
        "identity": {"type": "SystemAssigned"},
        "destination": {
            "endpointType": "StorageQueue",
            "properties": {
                "resourceId": "account.id",
                "queueName": "queueName",
                "queueMessageTimeToLiveInSeconds": 604800,
            },
        },
    },
    ("event-subscription-function:toFunction", "destination"): {
        "endpointType": "AzureFunction",
        "properties": {
            "resourceId": "'${functionAppId}/functions/ingest_event'",
            "maxEventsPerBatch": 1,
            "preferredBatchSizeInKilobytes": 64,
        },
    },
    ("function-app:app", "functionAppConfig"): {
        "deployment": {
            "storage": {
                "type": "blobContainer",
                "value": "packageUri",
                "authentication": {"type": "UserAssignedIdentity", "userAssignedIdentityResourceId": "identityId"},
            }
        },
        "runtime": {"name": "python", "version": "pythonVersion"},
        "scaleAndConcurrency": {
            "instanceMemoryMB": "instanceMemoryMB",
            "maximumInstanceCount": "maximumInstanceCount",
            "alwaysReady": "alwaysReady ? waiting : []",
        },
    },
    ("function-app:app", "serverFarmId"): "plan.id",
    ("monitoring:insights", "WorkspaceResourceId"): "workspace.id",
    ("function-app:app", "siteConfig"): {
        "minTlsVersion": "1.2",
        "scmMinTlsVersion": "1.2",
        "http20Enabled": True,
        "remoteDebuggingEnabled": False,
    },
    ("budget:budget", "notifications"): {
        "spent": {
            "enabled": True,
            "operator": "GreaterThan",
            "threshold": 80,
            "thresholdType": "Actual",
            "contactEmails": "alertEmails",
        },
        "foreseen": {
            "enabled": True,
            "operator": "GreaterThan",
            "threshold": 100,
            "thresholdType": "Forecasted",
            "contactEmails": "alertEmails",
        },
    },
    ("storage-account:account", "encryption"): {
        "keySource": "Microsoft.Storage",
        "requireInfrastructureEncryption": True,
        "services": {
            "blob": {"enabled": True},
            "file": {"enabled": True},
            "queue": {"enabled": True, "keyType": "Account"},
            "table": {"enabled": True, "keyType": "Account"},
        },
    },
    ("storage-account:blobs", "deleteRetentionPolicy"): {"enabled": True, "days": "softDeleteDays"},
    ("storage-account:blobs", "containerDeleteRetentionPolicy"): {"enabled": True, "days": "softDeleteDays"},
    ("archive-writer-role:writer", "permissions"): [
        {
            "actions": [
                "Microsoft.Storage/storageAccounts/blobServices/containers/read",
                "Microsoft.Storage/storageAccounts/read",
                "Microsoft.Storage/storageAccounts/blobServices/read",
                "Microsoft.Storage/storageAccounts/managementPolicies/read",
            ],
            "dataActions": [
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",
            ],
            "notActions": [],
            "notDataActions": [],
        }
    ],
    ("archive-custodian-role:custodian", "permissions"): [
        {
            "actions": ["Microsoft.Storage/storageAccounts/blobServices/containers/read"],
            "dataActions": [
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete",
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/deleteBlobVersion/action",
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/immutableStorage/runAsSuperUser/action",
            ],
            "notActions": [],
            "notDataActions": [],
        }
    ],
    ("function-app:operatorRole", "permissions"): [
        {
            "actions": [
                "Microsoft.Web/sites/read",
                "Microsoft.Web/sites/config/read",
                "Microsoft.Web/sites/config/list/action",
                "Microsoft.Web/sites/functions/read",
                "Microsoft.Web/sites/host/listkeys/action",
                "Microsoft.Web/sites/restart/action",
            ],
            "dataActions": [],
            "notActions": [],
            "notDataActions": [],
        }
    ],
    ("acs-access:caller", "permissions"): [
        {
            "actions": [
                "Microsoft.Communication/CommunicationServices/Read",
                "Microsoft.Communication/CommunicationServices/Write",
            ],
            "dataActions": [],
            "notActions": [],
            "notDataActions": [],
        }
    ],
    ("seal-key:vault", "publicNetworkAccess"): "Enabled",
    ("webhooks-vault:vault", "publicNetworkAccess"): "Enabled",
    ("acs-access:log", "logs"): [
        {"category": "CallRecordingSummary", "enabled": True},
        {"category": "CallRecordingOperational", "enabled": True},
    ],
    ("event-topic-facts:log", "logs"): [{"category": "DeliveryFailures", "enabled": True}],
    ("event-topic-facts:log", "metrics"): [{"category": "AllMetrics", "enabled": True}],
    ("function-app:log", "logs"): [{"category": "AppServiceAuthenticationLogs", "enabled": True}],
    ("function-app:log", "metrics"): [{"category": "AllMetrics", "enabled": True}],
    ("outgoing-topic:log", "logs"): [
        {"category": "PublishFailures", "enabled": True},
        {"category": "DeliveryFailures", "enabled": True},
    ],
    ("outgoing-topic:log", "metrics"): [{"category": "AllMetrics", "enabled": True}],
    ("seal-key:uses", "logs"): [{"category": "AuditEvent", "enabled": True}],
    ("storage-account:blobLog", "logs"): [
        {"category": "StorageWrite", "enabled": True},
        {"category": "StorageDelete", "enabled": True},
    ],
    ("storage-account:blobLog", "metrics"): [{"category": "Transaction", "enabled": True}],
    ("storage-archive:readLog", "logs"): [{"category": "StorageRead", "enabled": True}],
    ("storage-host:queueLog", "logs"): [{"category": "StorageWrite", "enabled": True}],
    ("webhooks-vault:uses", "logs"): [{"category": "AuditEvent", "enabled": True}],
}
# What each module of main.bicep makes is called so, for the same reason.
MODULES: Mapping[str, str] = {
    "identity": "'id-${token}'",
    "custodian": "'id-custodian-${token}'",
    "custodianRole": "token",
    "monitoring": "token",
    "hostStorage": "'sthost${token}'",
    "writerRole": "token",
    "archive": "'starch${token}'",
    "sealKey": "'kv-${token}'",
    "outgoingTopic": "'evgt-${token}'",
    "hooksVault": "'kv-hooks-${token}'",
    "fallback": "'stfall${token}'",
    "deadLetters": "'stdead${token}'",
    "newAcs": "acsName",
    "newTopic": "topicName",
    "network": "token",
    "app": "'func-${token}'",
    "alerts": "token",
    "budget": "'recordings-${token}'",
}
# What main.bicep hands out and hands on, as it is written.
MAIN_OUTPUTS: Mapping[str, str] = {
    "AZURE_RESOURCE_GROUP": "groupName",
    "FUNCTION_APP_NAME": "app.outputs.name",
    "FUNCTION_APP_ID": "app.outputs.id",
    "FUNCTION_APP_URI": "app.outputs.uri",
    "ACS_RESOURCE_ID": "acs.outputs.id",
    "ARCHIVE_ACCOUNT_NAME": "archive.outputs.name",
    "ENVIRONMENT_TOKEN": "token",
    "EVENT_TOPIC_SUBSCRIPTION": "acsSubscription",
    "EVENT_TOPIC_RESOURCE_GROUP": "acsGroupName",
    "EVENT_TOPIC_NAME": "topicName",
    "EVENTS_TOPIC_NAME": "eventsTopic ? outgoingTopic!.outputs.name : ''",
    "WEBHOOKS_VAULT_NAME": "webhooksVault ? hooksVault!.outputs.name : ''",
    "DEAD_LETTER_ACCOUNT_ID": "deadLetters.outputs.id",
    "DEAD_LETTER_CONTAINER": "deadLetters.outputs.containerName",
}
MAIN_VARIABLES: Mapping[str, Any] = {
    "sealTargets": [
        {
            "name": "'vault-${token}'",
            "accountId": "sealKey!.outputs.id",
            "service": "vault",
            "zoneId": "network!.outputs.vaultZoneId",
        }
    ],
    "outgoingTargets": [
        {
            "name": "'outgoing-topic-${token}'",
            "accountId": "outgoingTopic!.outputs.id",
            "service": "topic",
            "zoneId": "network!.outputs.topicZoneId",
        }
    ],
    "webhookTargets": [
        {
            "name": "'hooks-vault-${token}'",
            "accountId": "hooksVault!.outputs.id",
            "service": "vault",
            "zoneId": "network!.outputs.vaultZoneId",
        }
    ],
    "fallbackTargets": [
        {
            "name": "'fallback-blob-${token}'",
            "accountId": "fallback!.outputs.id",
            "service": "blob",
            "zoneId": "network!.outputs.blobZoneId",
        }
    ],
}
GIVEN: Mapping[tuple[str, str], Any] = {
    ("app", "subnetId"): "vnetEnabled ? network!.outputs.appSubnetId : ''",
    ("newAcs", "dataLocation"): "empty(acsDataLocation) ? region.acsData : acsDataLocation",
    ("fallback", "immutability"): "Off",
    ("fallback", "coldAfterDays"): -1,
    ("fallback", "archiveAfterDays"): -1,
    ("budget", "startDate"): "empty(budgetStart) ? thisMonth : budgetStart",
    ("budget", "alertEmails"): "emails",
}
# Parameters of main.bicep that a module knows under another name; all others have one name throughout.
RENAMED = {
    "dailyCapGb": "logDailyCapGb",
    "disableLocalAuth": "acsDisableLocalAuth",
    "immutabilityDays": "archiveImmutabilityDays",
    "lock": "lockArchive",
    "monthlyAmount": "monthlyBudget",
    "operatorsId": "operators",
    "otherActionGroupId": "alertActionGroup",
    "queueName": "eventsQueue",
    "readersId": "archiveReadersGroup",
    "retentionDays": "logRetentionDays",
    "roleMode": "acsRoleMode",
}
REGIONS = {"fallback": "fallbackLocation", "deadLetters": "deadLetterRegion"}  # every other module is in `location`
# What one module makes and another is given, by the other and its parameter.
PASSED_ON = {
    ("newTopic", "acsId"): "acs.outputs.id",
    ("eventAccess", "hostAccountName"): "hostStorage.outputs.name",
    ("eventAccess", "queueName"): "hostStorage.outputs.eventQueueName",
    ("eventAccess", "deadLetterAccountName"): "deadLetters.outputs.name",
    ("eventAccess", "deadLetterContainer"): "deadLetters.outputs.containerName",
    ("eventsToQueue", "hostAccountId"): "hostStorage.outputs.id",
    ("eventsToQueue", "queueName"): "hostStorage.outputs.eventQueueName",
    ("eventsToQueue", "deadLetterAccountId"): "deadLetters.outputs.id",
    ("eventsToQueue", "deadLetterContainer"): "deadLetters.outputs.containerName",
    ("outgoingQueue", "topicName"): "outgoingTopic!.outputs.name",
    ("outgoingQueue", "hostAccountName"): "hostStorage.outputs.name",
}
# What each log and each lock is of.
WATCHED: Mapping[str, str] = {
    "acs-access:log": "acs",
    "event-topic-facts:log": "topic",
    "function-app:log": "app",
    "outgoing-topic:log": "topic",
    "seal-key:uses": "vault",
    "storage-account:blobLog": "blobs",
    "storage-archive:keep": "account",
    "storage-archive:readLog": "blobs",
    "storage-host:keep": "account",
    "storage-host:queueLog": "queueService",
    "webhooks-vault:uses": "vault",
}
TARGETS = [
    [
        {
            "name": f"'{name}-${{token}}'",
            "accountId": f"{module}.outputs.id",
            "service": service,
            "zoneId": f"network!.outputs.{service}ZoneId",
        }
        for name, module, service in (
            ("host-blob", "hostStorage", "blob"),
            ("host-queue", "hostStorage", "queue"),
            ("host-table", "hostStorage", "table"),
            ("archive-blob", "archive", "blob"),
            ("dead-blob", "deadLetters", "blob"),
        )
    ],
    "empty(fallbackLocation) ? [] : fallbackTargets",
    "seal ? sealTargets : []",
    "eventsTopic ? outgoingTargets : []",
    "webhooksVault ? webhookTargets : []",
]
SETTINGS_BEGIN = (
    "union(extraSettings, empty(fallbackLocation) ? {} : fallbackSettings, seal ? sealSettings : {}, "
    "eventsTopic ? outgoingSettings : {}, webhooksVault ? webhookSettings : {}, tenantSettings, "
    "policySettings, linkSettings, hookHostSettings, hookNetworkSettings, signInSettings"
)
# What a module hands out that is more than the property of a resource.
OUTPUTS = {
    ("network", "appSubnetId"): "'${network.id}/subnets/app'",
    ("network", "endpointSubnetId"): "'${network.id}/subnets/endpoints'",
    ("function-app", "uri"): "'https://${app.properties.defaultHostName}'",
}


def names_stay(templates: Templates) -> Iterator[str]:
    """Hold names: a resource of another name is another one, and one that is not made is missed only when needed."""
    found = {
        f"{_short(path)}:{symbol}": _plain(resource.body.get("name"))
        for path, file in templates.files.items()
        for symbol, resource in file.resources.items()
    }
    for place in sorted(NAMES.keys() | found.keys()):
        if found.get(place) != NAMES.get(place):
            yield f"{place}: is called {found.get(place)}, and the table has {NAMES.get(place)}"
    for path, file in templates.files.items():
        for symbol, resource in file.resources.items():
            name = f"{_short(path)}:{symbol}"
            if name in ROLE_NAMES and _plain(resource.properties.get("roleName")) != ROLE_NAMES[name]:
                yield f"{name}: the role is called {_plain(resource.properties.get('roleName'))}"


def parts_are_whole(templates: Templates) -> Iterator[str]:
    """Find an endpoint to nothing, a zone that no network uses, a role that cannot read, a log without its lines."""
    files = {_short(path): file for path, file in templates.files.items()}
    for (place, name), wanted in PARTS.items():
        module, _, symbol = place.partition(":")
        resource = files[module].resources.get(symbol)
        found = _plain(at(resource.properties, name)) if resource is not None else None
        if found != wanted:
            yield f"{place}: {name} is {found}"
    for (module, output), text in OUTPUTS.items():
        if _plain(files[module].outputs.get(output)) != text:
            yield f"{module}: {output} is {_plain(files[module].outputs.get(output))}"


def the_whole_hands_on_what_is_asked_for(templates: Templates) -> Iterator[str]:
    """Hold names of accounts, where another is an empty one, and outputs, which hooks and pages look for."""
    main = templates.main
    given = {symbol: _plain(use.given["name"]) for symbol, use in main.modules.items() if "name" in use.given}
    yield from _differences("the name of", MODULES, given)
    yield from _differences("output", MAIN_OUTPUTS, {name: _plain(value) for name, value in main.outputs.items()})
    targets = {name: _plain(value) for name, value in main.variables.items() if name.endswith("Targets")}
    yield from _differences("variable", MAIN_VARIABLES, targets)
    handed = {(symbol, name): _plain(main.modules[symbol].given.get(name)) for symbol, name in GIVEN}
    yield from _differences("parameter", GIVEN, handed)
    targets_given = getattr(main.modules["endpoints"].given.get("targets"), "given", ())
    if [_plain(each) for each in targets_given] != TARGETS:
        yield f"{MAIN}: the private endpoints are {[_plain(each) for each in targets_given]}"
    settings = main.modules["app"].given.get("appSettings")
    if not str(_plain(settings)).startswith(f"{SETTINGS_BEGIN}, {{\n"):
        yield f"{MAIN}: the settings are put together in another way"
    (last,) = [value for value in getattr(settings, "given", ()) if at(value, "ACS_ENDPOINT") is not None]
    if at(last, "AzureWebJobsStorage__credential") != "managedidentity":
        yield f"{MAIN}: the host signs in as somebody else"


def each_choice_reaches_its_part(templates: Templates) -> Iterator[str]:
    """Hold parameters and results against where they go: days for gigabytes, or a name for a region, still compile."""
    for path, file in templates.files.items():
        for symbol, use in file.modules.items():
            for name, value in use.given.items():
                text = str(_plain(value))
                wanted = REGIONS.get(symbol, "location") if name == "location" else RENAMED.get(name, name)
                if path != MAIN:
                    wanted = name
                if (text in file.parameters or name == "location") and text != wanted:
                    yield f"{path}:{symbol}: {name} is {text}"
    for (symbol, name), wanted in PASSED_ON.items():
        if _plain(templates.main.modules[symbol].given.get(name)) != wanted:
            yield f"{MAIN}:{symbol}: {name} is not {wanted}"


def logs_and_locks_are_of_their_resource(templates: Templates) -> Iterator[str]:
    """Hold scopes: a log of the role in place of the account is taken by Azure, and an alert sees nothing for good."""
    found = {
        f"{_short(path)}:{symbol}": _plain(resource.body.get("scope"))
        for path, file in templates.files.items()
        for symbol, resource in file.resources.items()
        if resource.what.startswith(("Microsoft.Insights/diagnosticSettings@", "Microsoft.Authorization/locks@"))
    }
    for place in sorted(WATCHED.keys() | found.keys()):
        if found.get(place) != WATCHED.get(place):
            yield f"{place}: is of {found.get(place)}"
    for place, _, log in templates.made("Microsoft.Insights/diagnosticSettings"):
        if _plain(log.properties.get("workspaceId")) != "workspaceId":
            yield f"{place}: is kept in {_plain(log.properties.get('workspaceId'))}"


def _differences(what: str, wanted: Mapping[Any, Any], found: Mapping[Any, Any]) -> Iterator[str]:
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            yield f"{MAIN}: {what} {name} is {found.get(name)}"


def what_is_optional_is_so_wherever_it_stands(templates: Templates) -> Iterator[str]:
    """Look at each resource: that one of two with the same name has its condition says nothing of the other."""
    for path, file in templates.files.items():
        for symbol, resource in file.resources.items():
            if symbol not in CONDITIONS.keys() - templates.main.modules.keys() or resource.is_existing or resource.loop:
                continue
            if f"resource {symbol} '{resource.what}' = if ({CONDITIONS[symbol]}) {{" not in templates.texts[path]:
                yield f"{path}:{symbol}: is made whether it was asked for or not"


def deleted_blobs_stay_as_long_everywhere(templates: Templates) -> Iterator[str]:
    """Ask for the fourteen days that the pages promise of every account, and for versions in the archive only."""
    for module in ("storage-host", "storage-dead-letter"):
        if templates.module(module).modules["storage"].given.get("softDeleteDays") != 14:
            yield f"{module}: softDeleteDays"
    if templates.module("storage-account").parameters["versioning"].default is not False:
        yield "storage-account: versions of everything are kept"


def _short(path: str) -> str:
    return path.removeprefix("infra/").removeprefix("modules/").removesuffix(".bicep")


def _plain(value: Value) -> Any:
    """Return a value with the text of each expression in its place."""
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


CHECKS: list[Check] = [
    names_stay,
    parts_are_whole,
    the_whole_hands_on_what_is_asked_for,
    each_choice_reaches_its_part,
    logs_and_locks_are_of_their_resource,
    what_is_optional_is_so_wherever_it_stands,
    deleted_blobs_stay_as_long_everywhere,
]
