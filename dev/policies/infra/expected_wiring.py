"""What main.bicep hands on: outputs, variables, and the parameters of each module."""

from collections.abc import Mapping
from typing import Any

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
    ("alerts", "runbook"): "runbookPage",
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
