"""Faults in what leads where: settings, variables, names, regions, the network and both shells."""

from dev.policies.infra import connections
from dev.policies.infra.planted.files import Fault

FAULTS: list[Fault] = [
    (
        connections.each_setting_leads_to_its_place,
        "infra/main.bicep",
        "ARCHIVE_STORAGE__blobServiceUri: archive.outputs.blobUri",
        "ARCHIVE_STORAGE__blobServiceUri: hostStorage.outputs.blobUri",
    ),
    (
        connections.each_setting_leads_to_its_place,
        "infra/main.bicep",
        "DEAD_LETTER_STORAGE__blobServiceUri: deadLetters.outputs.blobUri",
        "DEAD_LETTER_STORAGE__blobServiceUri: archive.outputs.blobUri",
    ),
    (
        connections.each_setting_leads_to_its_place,
        "infra/main.bicep",
        "FALLBACK_STORAGE__blobServiceUri: fallback!.outputs.blobUri",
        "FALLBACK_STORAGE__blobServiceUri: archive.outputs.blobUri",
    ),
    (
        connections.each_setting_leads_to_its_place,
        "infra/main.bicep",
        "AzureWebJobsStorage__queueServiceUri: hostStorage.outputs.queueUri",
        "AzureWebJobsStorage__queueServiceUri: hostStorage.outputs.tableUri",
    ),
    (
        connections.each_setting_leads_to_its_place,
        "infra/main.bicep",
        "DELETE_AFTER_DAYS: string(deleteAfterDays)",
        "DELETE_AFTER_DAYS: string(oldVersionDays)",
    ),
    (
        connections.each_setting_leads_to_its_place,
        "infra/main.bicep",
        "RETENTION_HOURS: retentionHours",
        "RETENTION_HOURS: atRiskHours",
    ),
    (
        connections.each_setting_leads_to_its_place,
        "infra/main.bicep",
        ("ARCHIVE_IMMUTABILITY: archiveImmutability == 'Off' ? 'Off' : archiveLocked ? 'Locked' : 'Unlocked'"),
        "ARCHIVE_IMMUTABILITY: 'Unlocked'",
    ),
    (
        connections.names_are_the_environments_own,
        "infra/main.bicep",
        "uniqueString(subscription().id, environmentName, location)",
        "uniqueString(environmentName)",
    ),
    (
        connections.each_setting_leads_to_its_place,
        "infra/main.bicep",
        "MONITOR_WORKSPACE_ID: monitoring.outputs.workspaceCustomerId",
        "MONITOR_WORKSPACE_ID: monitoring.outputs.workspaceId",
    ),
    (
        connections.each_setting_leads_to_its_place,
        "infra/main.bicep",
        "ACS_CLIENT_ID: identity.outputs.clientId",
        "ACS_CLIENT_ID: identity.outputs.principalId",
    ),
    (
        connections.names_are_the_environments_own,
        "infra/main.bicep",
        "existingAcsSubscription) ? subscription().subscriptionId : existingAcsSubscription",
        ("existingAcsSubscription) ? subscription().subscriptionId : subscription().subscriptionId"),
    ),
    (
        connections.the_network_lets_through_what_it_must,
        "infra/modules/seal-key.bicep",
        "vnetEnabled ? 'Deny' : 'Allow'",
        "'Allow'",
    ),
    (
        connections.the_network_lets_through_what_it_must,
        "infra/modules/storage-account.bicep",
        "vnetEnabled ? 'Deny' : 'Allow'",
        "vnetEnabled ? 'Allow' : 'Deny'",
    ),
    (
        connections.what_is_kept_is_kept_as_long_as_the_pages_say,
        "infra/modules/storage-account.bicep",
        "changeFeed: { enabled: versioning }",
        "changeFeed: { enabled: false }",
    ),
    (
        connections.what_is_kept_is_kept_as_long_as_the_pages_say,
        "infra/modules/storage-archive.bicep",
        "var softDeleteDays = 14",
        "var softDeleteDays = 7",
    ),
    (
        connections.what_is_kept_is_kept_as_long_as_the_pages_say,
        "infra/modules/storage-archive.bicep",
        "prefixMatch: ['${container}/']",
        "prefixMatch: []",
    ),
    (
        connections.what_is_kept_is_kept_as_long_as_the_pages_say,
        "infra/modules/storage-archive.bicep",
        "= if (lock) {\n  name: 'recordings-are-kept'\n  scope: account",
        "= if (lock) {\n  name: 'recordings-are-kept'\n  scope: recordings",
    ),
    (
        connections.what_is_kept_is_kept_as_long_as_the_pages_say,
        "infra/modules/function-app.bicep",
        ("openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'"),
        "openIdIssuer: '${environment().authentication.loginEndpoint}common/v2.0'",
    ),
    (
        connections.what_is_kept_is_kept_as_long_as_the_pages_say,
        "infra/modules/function-app.bicep",
        "zoneRedundant: zoneRedundant }",
        "zoneRedundant: false }",
    ),
    (
        connections.what_is_kept_is_kept_as_long_as_the_pages_say,
        "infra/modules/monitoring.bicep",
        "sourceId: workspace.id",
        "sourceId: insights.id",
    ),
    (
        connections.the_network_lets_through_what_it_must,
        "infra/modules/acs.bicep",
        "publicNetworkAccess: 'Enabled'",
        "publicNetworkAccess: 'Disabled'",
    ),
    (
        connections.the_network_lets_through_what_it_must,
        "infra/modules/acs-access.bicep",
        "'https://${acs.properties.hostName}'",
        "'http://${acs.properties.hostName}'",
    ),
    (
        connections.the_network_lets_through_what_it_must,
        "infra/modules/network.bicep",
        "privatelink.vaultcore.azure.net",
        "privatelink.vault.azure.net",
    ),
    (
        connections.the_network_lets_through_what_it_must,
        "infra/modules/network.bicep",
        "securityRules: []",
        (
            "securityRules: [{ name: 'deny', properties: { access: 'Deny', "
            "direction: 'Outbound', priority: 100, protocol: '*', "
            "sourceAddressPrefix: '*', sourcePortRange: '*', "
            "destinationAddressPrefix: 'Internet', destinationPortRange: '*' } }]"
        ),
    ),
    (
        connections.the_network_lets_through_what_it_must,
        "infra/modules/network.bicep",
        "addressPrefix: '10.60.0.0/26'",
        "addressPrefix: '10.60.0.0/28'",
    ),
    (
        connections.each_variable_is_named_like_its_parameter,
        "infra/main.parameters.json",
        "${ARCHIVE_LOCKED=false}",
        "${ARCHIVE_LOCK=false}",
    ),
    (
        connections.each_variable_is_named_like_its_parameter,
        "infra/main.parameters.json",
        "${COOL_AFTER_DAYS=30}",
        "${COLD_AFTER_DAYS=30}",
    ),
    (
        connections.regions_are_as_azure_says,
        "infra/regions.json",
        '"norwayeast": { "zones": true, "geoZones": true',
        '"norwayeast": { "zones": true, "geoZones": false',
    ),
    (
        connections.regions_are_as_azure_says,
        "infra/regions.json",
        '"westus": { "zones": false',
        '"westus": { "zones": true',
    ),
    (connections.regions_are_as_azure_says, "infra/regions.json", '"acsData": "Germany"', '"acsData": "Deutschland"'),
    (
        connections.regions_are_as_azure_says,
        "infra/regions.json",
        '"acsData": "Germany"',
        '"acsData": "United States"',
    ),
    (
        connections.regions_are_as_azure_says,
        "infra/regions.json",
        '"acsData": "Australia", "other": "australiasoutheast"',
        '"acsData": "Australia", "other": "australiaeast"',
    ),
    (
        connections.regions_are_as_azure_says,
        "infra/regions.json",
        '"acsData": "UK", "other": "ukwest"',
        '"acsData": "UK", "other": ""',
    ),
    (connections.both_shells_do_the_same, "infra/hooks/predown.sh", "exit 1", "exit 0"),
    (connections.both_shells_do_the_same, "infra/hooks/preprovision.sh", "exit 1", "exit 0"),
    (
        connections.both_shells_do_the_same,
        "infra/hooks/preprovision.sh",
        "Microsoft.App Microsoft.EventGrid",
        "Microsoft.EventGrid",
    ),
    (
        connections.both_shells_do_the_same,
        "infra/hooks/postdeploy.sh",
        "--template-file infra/event-subscription-function.bicep",
        "--template-file infra/modules/event-subscription-queue.bicep",
    ),
    (
        connections.both_shells_do_the_same,
        "infra/hooks/postdeploy.sh",
        "tries=${SUBSCRIBE_TRIES:-10}",
        "tries=${SUBSCRIBE_TRIES:-1}",
    ),
    (
        connections.both_shells_do_the_same,
        "infra/hooks/postdeploy.sh",
        "    exit 1\n  fi\n  echo",
        "    exit 0\n  fi\n  echo",
    ),
    (connections.both_shells_do_the_same, "infra/hooks/postdeploy.ps1", "-ge", "-gt"),
    (connections.both_shells_do_the_same, "infra/hooks/preprovision.ps1", "Microsoft.EventGrid", "Microsoft.EventHub"),
    (
        connections.both_shells_do_the_same,
        "infra/hooks/lock.sh",
        "--immutability-state Locked",
        "--immutability-state Unlocked",
    ),
    (
        connections.both_shells_do_the_same,
        "infra/hooks/lock.sh",
        "azd env set ARCHIVE_LOCKED true",
        "azd env set ARCHIVE_LOCKED false",
    ),
    (connections.both_shells_do_the_same, "infra/hooks/lock.ps1", "$days", "1"),
    (
        connections.each_variable_is_named_like_its_parameter,
        "infra/main.parameters.json",
        "${OPERATORS=}",
        "${OPERATOR_GROUP=}",
    ),
    (connections.both_shells_do_the_same, "infra/hooks/predown.ps1", "exit 1\n  }\n  Write", "exit 0\n  }\n  Write"),
    (
        connections.both_shells_do_the_same,
        "infra/hooks/lock.ps1",
        "azd env set ARCHIVE_LOCKED true",
        "azd env set ARCHIVE_LOCKED false",
    ),
    (
        connections.both_shells_do_the_same,
        "infra/hooks/postdeploy.ps1",
        "--template-file infra/event-subscription-function.bicep",
        "--template-file infra/main.bicep",
    ),
    (
        connections.the_network_lets_through_what_it_must,
        "infra/modules/network.bicep",
        "environment().suffixes.storage",
        "environment().suffixes.sqlServerHostname",
    ),
    (
        connections.each_setting_leads_to_its_place,
        "infra/main.bicep",
        "SEAL_KEY: sealKey!.outputs.keyUri",
        "SEAL_KEY: sealKey!.outputs.id",
    ),
]
