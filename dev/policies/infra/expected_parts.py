"""The parts of resources that must be whole, as they are written."""

from collections.abc import Mapping
from typing import Any

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
# What a module hands out that is more than the property of a resource.
OUTPUTS = {
    ("network", "appSubnetId"): "'${network.id}/subnets/app'",
    ("network", "endpointSubnetId"): "'${network.id}/subnets/endpoints'",
    ("function-app", "uri"): "'https://${app.properties.defaultHostName}'",
}
