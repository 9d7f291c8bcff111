"""More faults to plant: rights, identities, settings, names, regions, network and both shells."""

from dev.policies.infra import alert_policy, connections, grants
from dev.policies.infra.templates import Check

FAULTS: list[tuple[Check, str, str, str]] = [
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
        grants.each_module_is_handed_the_right_identity,
        "infra/main.bicep",
        (
            "custodianPrincipalId: custodian.outputs.principalId\n"
            "    custodianRoleId: custodianRole.outputs.id\n"
            "    readersId: archiveReadersGroup\n"
            "    operatorsId: operators\n"
            "    immutability: archive"
        ),
        (
            "custodianPrincipalId: identity.outputs.principalId\n"
            "    custodianRoleId: custodianRole.outputs.id\n"
            "    readersId: archiveReadersGroup\n"
            "    operatorsId: operators\n"
            "    immutability: archive"
        ),
    ),
    (
        grants.each_module_is_handed_the_right_identity,
        "infra/main.bicep",
        "params: { name: 'id-custodian-${token}'",
        "params: { name: 'id-${token}'",
    ),
    (
        grants.each_module_is_handed_the_right_identity,
        "infra/main.bicep",
        ("readersId: archiveReadersGroup\n    operatorsId: operators\n    immutability: archive"),
        ("readersId: operators\n    operatorsId: archiveReadersGroup\n    immutability: archive"),
    ),
    (
        grants.each_module_is_handed_the_right_identity,
        "infra/main.bicep",
        "topicPrincipalId: topic.outputs.principalId",
        "topicPrincipalId: identity.outputs.principalId",
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
        grants.the_seal_has_its_key_and_its_place,
        "infra/main.bicep",
        "sealContainer: 'recording-seal'",
        "sealContainer: 'recordings-seal'",
    ),
    (
        grants.each_module_is_handed_the_right_identity,
        "infra/main.bicep",
        (
            "appPrincipalId: identity.outputs.principalId\n"
            "    writerRoleId: writerRole.outputs.id\n"
            "    custodianPrincipalId: custodian.outputs.principalId\n"
            "    custodianRoleId: custodianRole.outputs.id\n"
            "    readersId: archiveReadersGroup\n"
            "    operatorsId: operators\n"
            "    immutability: archive"
        ),
        (
            "appPrincipalId: identity.outputs.principalId\n"
            "    writerRoleId: custodianRole.outputs.id\n"
            "    custodianPrincipalId: custodian.outputs.principalId\n"
            "    custodianRoleId: writerRole.outputs.id\n"
            "    readersId: archiveReadersGroup\n"
            "    operatorsId: operators\n"
            "    immutability: archive"
        ),
    ),
    (
        grants.custom_roles_are_exact,
        "infra/modules/archive-custodian-role.bicep",
        "blobs/immutableStorage/runAsSuperUser/action'",
        "blobs/write'",
    ),
    (
        grants.custom_roles_are_exact,
        "infra/modules/archive-custodian-role.bicep",
        "blobs/deleteBlobVersion/action'\n",
        (
            "blobs/deleteBlobVersion/action'\n"
            "          "
            "'Microsoft.Storage/storageAccounts/blobServices/generateUserDelegation"
            "Key/action'\n"
        ),
    ),
    (
        grants.custom_roles_are_exact,
        "infra/modules/archive-writer-role.bicep",
        "notDataActions: []",
        ("notDataActions: ['Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write']"),
    ),
    (
        grants.the_seal_has_its_key_and_its_place,
        "infra/modules/seal-key.bicep",
        "enablePurgeProtection: true",
        "enablePurgeProtection: false",
    ),
    (
        grants.the_seal_has_its_key_and_its_place,
        "infra/modules/seal-key.bicep",
        "keyOps: ['sign', 'verify']",
        "keyOps: ['sign', 'verify', 'export']",
    ),
    (grants.each_right_is_in_the_table, "infra/modules/seal-key.bicep", "scope: key", "scope: vault"),
    (
        grants.the_seal_has_its_key_and_its_place,
        "infra/modules/seal-key.bicep",
        "enableRbacAuthorization: true",
        "enableRbacAuthorization: false",
    ),
    (
        grants.the_seal_has_its_key_and_its_place,
        "infra/modules/seal-key.bicep",
        "curveName: 'P-256'",
        "curveName: 'P-521'",
    ),
    (grants.the_seal_has_its_key_and_its_place, "infra/modules/seal-key.bicep", "kty: 'EC'", "kty: 'RSA'"),
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
        grants.each_assignment_has_a_name_of_its_own,
        "infra/modules/storage-archive.bicep",
        "name: guid(account.id, appPrincipalId, writerRoleId)",
        "name: guid(account.id, writerRoleId)",
    ),
    (
        grants.the_seal_has_its_key_and_its_place,
        "infra/modules/storage-archive.bicep",
        "'recording-exports'",
        "'recordings-export'",
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
        grants.each_module_is_handed_the_right_identity,
        "infra/modules/function-app.bicep",
        "userAssignedIdentityResourceId: identityId",
        "userAssignedIdentityResourceId: custodianId",
    ),
    (
        grants.each_module_is_handed_the_right_identity,
        "infra/modules/function-app.bicep",
        ", '${custodianId}': {} }",
        " }",
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
        grants.each_right_is_in_the_table,
        "infra/modules/acs-access.bicep",
        "'09976791-48a7-449e-bb21-39d1a415f350'",
        "'acdd72a7-3385-48ef-bd42-f606fba81ae7'",
    ),
    (
        connections.the_network_lets_through_what_it_must,
        "infra/modules/acs-access.bicep",
        "'https://${acs.properties.hostName}'",
        "'http://${acs.properties.hostName}'",
    ),
    (
        grants.each_right_is_in_the_table,
        "infra/modules/event-access.bicep",
        "scope: deadLetters",
        "scope: deadLetterAccount",
    ),
    (
        grants.each_right_is_in_the_table,
        "infra/modules/event-access.bicep",
        "'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'",
        "'0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'",
    ),
    (
        grants.each_right_is_in_the_table,
        "infra/modules/event-topic-facts.bicep",
        "'acdd72a7-3385-48ef-bd42-f606fba81ae7'",
        "'09976791-48a7-449e-bb21-39d1a415f350'",
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
        alert_policy.every_alert_is_on_and_reaches_people,
        "infra/modules/alerts.bicep",
        "useCommonAlertSchema: true",
        "useCommonAlertSchema: false",
    ),
    (
        alert_policy.each_subject_has_an_alert_of_its_own,
        "infra/modules/alerts.bicep",
        "equals: one.category",
        "equals: 'Administrative'",
    ),
    (
        alert_policy.each_subject_has_an_alert_of_its_own,
        "infra/modules/alerts.bicep",
        "by: ['document_id'], query: loadTextContent('../observability/chunk-at-risk.kql')",
        "by: ['recording_id'], query: loadTextContent('../observability/chunk-at-risk.kql')",
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
        grants.each_assignment_has_a_name_of_its_own,
        "infra/modules/storage-host.bicep",
        "name: guid(account.id, operatorsId, role)",
        "name: guid(account.id, operatorsId)",
    ),
    (
        grants.custom_roles_are_exact,
        "infra/modules/archive-writer-role.bicep",
        "assignableScopes: [resourceGroup().id]",
        "assignableScopes: [subscription().id]",
    ),
    (
        grants.each_right_is_in_the_table,
        "infra/modules/event-access.bicep",
        (
            "principalId: topicPrincipalId\n"
            "    principalType: 'ServicePrincipal'\n"
            "    roleDefinitionId: "
            "subscriptionResourceId('Microsoft.Authorization/roleDefinitions', "
            "queueMessageSender)"
        ),
        (
            "principalId: topicPrincipalId\n"
            "    principalType: 'ServicePrincipal'\n"
            "    roleDefinitionId: "
            "subscriptionResourceId('Microsoft.Authorization/roleDefinitions', "
            "blobContributor)"
        ),
    ),
    (
        grants.each_module_is_handed_the_right_identity,
        "infra/main.bicep",
        "lock: lockArchive\n    sealContainer: 'recording-seal'",
        "lock: false\n    sealContainer: 'recording-seal'",
    ),
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
        alert_policy.each_subject_has_an_alert_of_its_own,
        "infra/modules/alerts.bicep",
        "by: ['document_id'], query: loadTextContent('../observability/chunk-expired.kql')",
        "by: [], query: loadTextContent('../observability/chunk-expired.kql')",
    ),
    (
        alert_policy.each_subject_has_an_alert_of_its_own,
        "infra/modules/alerts.bicep",
        "equals: one.status",
        "equals: 'Started'",
    ),
    (
        connections.each_setting_leads_to_its_place,
        "infra/main.bicep",
        "SEAL_KEY: sealKey!.outputs.keyUri",
        "SEAL_KEY: sealKey!.outputs.id",
    ),
]
