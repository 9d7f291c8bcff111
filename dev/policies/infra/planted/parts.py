"""Faults to plant into what is decided before anything is made, into names, and into parts that must be whole."""

from dev.policies.infra import decision_policy, parts_policy
from dev.policies.infra.planted.files import Fault

M = "infra/modules/"
MAIN = "infra/main.bicep"
HOST, ENDPOINTS, NETWORK = f"{M}storage-host.bicep", f"{M}private-endpoints.bicep", f"{M}network.bicep"
REFUSES, CHOOSES = (
    decision_policy.what_does_not_go_together_is_refused_by_name,
    decision_policy.what_is_chosen_is_what_is_made,
)
STAY, WHOLE = parts_policy.names_stay, parts_policy.parts_are_whole
HANDS_ON, OPTIONAL = (
    parts_policy.the_whole_hands_on_what_is_asked_for,
    parts_policy.what_is_optional_is_so_wherever_it_stands,
)
REACHES = parts_policy.each_choice_reaches_its_part

FAULTS: list[Fault] = [
    (REFUSES, MAIN, "  'WEBSITE_TIME_ZONE'\n", ""),
    (REFUSES, MAIN, "length(operators) != 36", "length(operators) != 37"),
    (REFUSES, MAIN, "monthlyBudget > 0 && empty(emails) ?", "monthlyBudget > 1 && empty(emails) ?"),
    (REFUSES, MAIN, "archiveAfterDays >= 0 &&", "archiveAfterDays >= 1 &&"),
    (REFUSES, MAIN, "contains(hostSku, 'GZRS') && !hasGeoZones", "contains(hostSku, 'GZRS') && hasGeoZones"),
    (CHOOSES, MAIN, "!empty(archiveRedundancy) ? archiveRedundancy : ", ""),
    (CHOOSES, MAIN, "hasZones ? 'Standard_ZRS' : 'Standard_GRS'\nvar dead", "'Standard_ZRS'\nvar dead"),
    (CHOOSES, MAIN, "'rg-${environmentName}'", "'${environmentName}'"),
    (
        CHOOSES,
        HOST,
        "operatorsId == '' ? [] : [roles.queueContributor",
        "operatorsId != '' ? [] : [roles.queueContributor",
    ),
    (CHOOSES, HOST, "[roles.queueContributor, roles.tableContributor]", "[roles.queueContributor]"),
    (CHOOSES, f"{M}storage-archive.bicep", "empty(tiers) ? { tierToCool", "!empty(tiers) ? { tierToCool"),
    (STAY, f"{M}monitoring.bicep", "name: 'log-${name}'", "name: 'logs-${name}'"),
    (STAY, f"{M}archive-writer-role.bicep", "'recording-archive-writer'", "'recording-writer'"),
    (STAY, f"{M}archive-writer-role.bicep", "'Recording Archive Writer (${name})'", "'Recording Archive Writer'"),
    (STAY, NETWORK, "resource links ", "resource otherLinks "),
    (WHOLE, ENDPOINTS, "properties: { privateLinkServiceId: one.accountId, groupIds: [one.service] }", ""),
    (WHOLE, ENDPOINTS, ", properties: { privateDnsZoneId: one.zoneId }", ""),
    (WHOLE, NETWORK, "virtualNetwork: { id: network.id }", "virtualNetwork: {}"),
    (WHOLE, NETWORK, "'${network.id}/subnets/app'", "'${network.id}/subnets/endpoints'"),
    (WHOLE, f"{M}function-app.bicep", "          type: 'blobContainer'\n", ""),
    (WHOLE, f"{M}function-app.bicep", "{ name: 'python', version", "{ version"),
    (WHOLE, f"{M}seal-key.bicep", "    publicNetworkAccess: 'Enabled'\n", ""),
    (WHOLE, f"{M}seal-key.bicep", "      { category: 'AuditEvent', enabled: true }\n", ""),
    (
        WHOLE,
        f"{M}archive-writer-role.bicep",
        "          'Microsoft.Storage/storageAccounts/managementPolicies/read'\n",
        "",
    ),
    (WHOLE, f"{M}outgoing-subscription.bicep", "queueMessageTimeToLiveInSeconds: 604800", ""),
    (HANDS_ON, MAIN, "name: 'starch${token}'", "name: 'archive${token}'"),
    (HANDS_ON, MAIN, "output WEBHOOKS_VAULT_NAME ", "output HOOKS_VAULT_NAME "),
    (HANDS_ON, MAIN, "seal ? sealTargets : []", "sealTargets"),
    (HANDS_ON, MAIN, "seal ? sealSettings : {}", "{}"),
    (HANDS_ON, MAIN, "vnetEnabled ? network!.outputs.appSubnetId : ''", "''"),
    (
        HANDS_ON,
        MAIN,
        "AzureWebJobsStorage__credential: 'managedidentity'",
        "AzureWebJobsStorage__credential: 'identity'",
    ),
    (
        OPTIONAL,
        f"{M}function-app.bicep",
        "roleAssignments@2022-04-01' = if (operatorsId != '') {",
        "roleAssignments@2022-04-01' = {",
    ),
    (parts_policy.logs_and_locks_are_of_their_resource, f"{M}acs-access.bicep", "  scope: acs\n", "  scope: caller\n"),
    (
        parts_policy.logs_and_locks_are_of_their_resource,
        HOST,
        "    workspaceId: workspaceId\n    logs:",
        "    workspaceId: appPrincipalId\n    logs:",
    ),
    (WHOLE, f"{M}function-app.bicep", "serverFarmId: plan.id", "serverFarmId: app.id"),
    (REACHES, MAIN, "dailyCapGb: logDailyCapGb", "dailyCapGb: archiveImmutabilityDays"),
    (REACHES, MAIN, "coolAfterDays: coolAfterDays", "coolAfterDays: coldAfterDays"),
    (REACHES, MAIN, "    location: fallbackLocation\n", "    location: location\n"),
    (REACHES, MAIN, "topicName: outgoingTopic!.outputs.name", "topicName: hooksVault!.outputs.name"),
    (
        parts_policy.deleted_blobs_stay_as_long_everywhere,
        f"{M}storage-dead-letter.bicep",
        "softDeleteDays: 14",
        "softDeleteDays: 7",
    ),
]
