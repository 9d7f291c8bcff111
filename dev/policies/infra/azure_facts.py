"""What Azure knows of the types in use and their published definitions do not say: places, needs, values, choices."""

from collections.abc import Mapping

from dev.policies.infra.bicep import Value

GLOBAL = {
    "Microsoft.Communication/communicationServices",
    "Microsoft.EventGrid/systemTopics",
    "Microsoft.Insights/actionGroups",
    "Microsoft.Insights/activityLogAlerts",
    "Microsoft.Insights/metricAlerts",
    "Microsoft.Network/privateDnsZones",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
}
UNTAGGED = {
    "Microsoft.Consumption/budgets",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions",
    "Microsoft.EventGrid/topics/eventSubscriptions",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies",
    "Microsoft.Web/sites/config",
}
UNPLACED = (UNTAGGED - {"Microsoft.Network/privateDnsZones/virtualNetworkLinks"}) | {
    "Microsoft.KeyVault/vaults/keys",
    "Microsoft.Insights/diagnosticSettings",
}
EXTENSIONS = {  # resources that say something of another one
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.Authorization/locks",
    "Microsoft.Authorization/roleAssignments",
}
NEEDS: Mapping[str, set[str]] = {  # what Azure's types call optional and a deployment needs
    "Microsoft.Authorization/roleDefinitions": {"roleName", "type", "assignableScopes", "permissions", "description"},
    "Microsoft.Authorization/roleAssignments": {"principalId", "principalType", "roleDefinitionId"},
    "Microsoft.Consumption/budgets": {"amount", "category", "timeGrain", "timePeriod", "notifications"},
    "Microsoft.EventGrid/systemTopics": {"source", "topicType"},
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": {"filter", "retryPolicy", "eventDeliverySchema"},
    "Microsoft.EventGrid/topics": {
        "inputSchema",
        "disableLocalAuth",
        "publicNetworkAccess",
        "minimumTlsVersionAllowed",
    },
    "Microsoft.EventGrid/topics/eventSubscriptions": {"filter", "retryPolicy", "eventDeliverySchema"},
    "Microsoft.Insights/actionGroups": {"emailReceivers"},
    "Microsoft.Insights/components": {"WorkspaceResourceId", "Application_Type"},
    "Microsoft.Insights/diagnosticSettings": {"workspaceId", "logs"},
    "Microsoft.Insights/metricAlerts": {"description", "autoMitigate", "actions"},
    "Microsoft.Insights/scheduledQueryRules": {
        "displayName",
        "description",
        "severity",
        "criteria",
        "actions",
        "scopes",
    },
    "Microsoft.Insights/workbooks": {"category", "displayName", "serializedData", "sourceId"},
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": {"registrationEnabled", "virtualNetwork"},
    "Microsoft.Network/privateEndpoints": {"subnet", "privateLinkServiceConnections"},
    "Microsoft.Network/virtualNetworks": {"addressSpace", "subnets"},
    "Microsoft.OperationalInsights/workspaces": {"sku", "retentionInDays", "workspaceCapping", "features"},
    "Microsoft.Storage/storageAccounts": {
        "accessTier",
        "encryption",
        "networkAcls",
        "publicNetworkAccess",
        "dnsEndpointType",
    },
    "Microsoft.Web/serverfarms": {"reserved", "zoneRedundant"},
    "Microsoft.Web/sites": {"serverFarmId", "functionAppConfig", "virtualNetworkSubnetId", "siteConfig"},
}
# Values that Azure reads and no type knows: exactly these.
VALUES: Mapping[str, Mapping[tuple[str, ...], Value]] = {
    "Microsoft.Authorization/roleDefinitions": {("type",): "CustomRole"},
    "Microsoft.EventGrid/systemTopics": {("topicType",): "Microsoft.Communication.CommunicationServices"},
    "Microsoft.Insights/components": {("Application_Type",): "web"},
    "Microsoft.Insights/workbooks": {("category",): "workbook"},
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": {("registrationEnabled",): False},
    "Microsoft.OperationalInsights/workspaces": {
        ("sku", "name"): "PerGB2018",
        ("features", "disableLocalAuth"): True,
        ("features", "enableLogAccessUsingOnlyResourcePermissions"): True,
    },
    "Microsoft.Storage/storageAccounts": {
        ("accessTier",): "Hot",
        ("dnsEndpointType",): "Standard",
        ("publicNetworkAccess",): "Enabled",
        ("encryption", "keySource"): "Microsoft.Storage",
        ("encryption", "requireInfrastructureEncryption"): True,
        ("sasPolicy", "sasExpirationPeriod"): "0.01:00:00",
    },
    "Microsoft.Web/serverfarms": {("reserved",): True},
    "Microsoft.Consumption/budgets": {
        ("category",): "Cost",
        ("timeGrain",): "Monthly",
        ("notifications", "spent", "threshold"): 80,
        ("notifications", "spent", "enabled"): True,
        ("notifications", "foreseen", "threshold"): 100,
        ("notifications", "foreseen", "enabled"): True,
        ("notifications", "foreseen", "thresholdType"): "Forecasted",
    },
}
KINDS = {
    "Microsoft.Insights/components": "web",
    "Microsoft.Insights/scheduledQueryRules": "LogAlert",
    "Microsoft.Insights/workbooks": "shared",
    "Microsoft.Storage/storageAccounts": "StorageV2",
    "Microsoft.Web/serverfarms": "functionapp",
    "Microsoft.Web/sites": "functionapp,linux",
}
CATEGORIES = {  # of diagnostic settings; a name that Azure does not know fails the deployment
    *(
        "CallRecordingSummary",
        "CallRecordingOperational",
        "DeliveryFailures",
        "PublishFailures",
        "AppServiceAuthenticationLogs",
    ),
    *("StorageRead", "StorageWrite", "StorageDelete", "AuditEvent", "AllMetrics", "Transaction"),
}
CHOICES: Mapping[str, list[Value]] = {
    "acsDataLocation": [
        *(
            "",
            "Africa",
            "Asia Pacific",
            "Australia",
            "Brazil",
            "Canada",
            "Europe",
            "France",
            "Germany",
            "India",
            "Japan",
        ),
        *("Korea", "Norway", "Switzerland", "UAE", "UK", "United States"),
    ],
    "acsRoleMode": ["builtin", "custom"],
    "archiveImmutability": ["Off", "Unlocked"],
    "archiveRedundancy": [
        *("", "Standard_LRS", "Standard_ZRS", "Standard_GRS", "Standard_GZRS", "Standard_RAGRS", "Standard_RAGZRS"),
    ],
    "hostRedundancy": ["", "Standard_LRS", "Standard_ZRS", "Standard_GRS", "Standard_GZRS"],
    "immutability": ["Off", "Unlocked", "Locked"],
    "instanceMemoryMB": [512, 2048, 4096],
    "mediaCheck": ["require", "warn", "off"],
    "pythonVersion": ["3.12", "3.13", "3.14"],
    "roleMode": ["builtin", "custom"],
}
