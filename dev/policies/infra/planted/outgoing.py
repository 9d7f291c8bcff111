"""Faults of outgoing events to plant: who publishes, what the example brings, secrets, settings."""

from dev.policies.infra import connections, grants, outgoing_policy
from dev.policies.infra.planted.files import MAIN, Fault

TOPIC = "infra/modules/outgoing-topic.bicep"
EXAMPLE = "infra/modules/outgoing-subscription.bicep"
VAULT = "infra/modules/webhooks-vault.bicep"
APP = "infra/modules/function-app.bicep"
NETWORK = "infra/modules/network.bicep"

FAULTS: list[Fault] = [
    (outgoing_policy.the_topic_takes_the_app_and_no_key, TOPIC, "disableLocalAuth: true", "disableLocalAuth: false"),
    (outgoing_policy.the_topic_takes_the_app_and_no_key, TOPIC, "'CloudEventSchemaV1_0'", "'EventGridSchema'"),
    (outgoing_policy.the_topic_takes_the_app_and_no_key, TOPIC, "Allowed: '1.2'", "Allowed: '1.0'"),
    (
        outgoing_policy.the_topic_takes_the_app_and_no_key,
        TOPIC,
        "vnetEnabled ? 'Disabled' : 'Enabled'",
        "'Enabled'",
    ),
    (
        outgoing_policy.the_topic_takes_the_app_and_no_key,
        TOPIC,
        "identity: { type: 'SystemAssigned' }",
        "identity: { type: 'None' }",
    ),
    (
        outgoing_policy.the_topic_takes_the_app_and_no_key,
        TOPIC,
        "      { category: 'PublishFailures', enabled: true }\n",
        "",
    ),
    (
        outgoing_policy.nothing_goes_out_unless_it_is_asked_for,
        MAIN,
        "eventsTopic bool = false",
        "eventsTopic bool = true",
    ),
    (
        outgoing_policy.nothing_goes_out_unless_it_is_asked_for,
        MAIN,
        "eventsQueue string = ''",
        "eventsQueue string = 'told'",
    ),
    (outgoing_policy.the_example_brings_every_event_and_no_probe, EXAMPLE, "  'recording_archive.erased.v1'\n", ""),
    (
        outgoing_policy.the_example_brings_every_event_and_no_probe,
        EXAMPLE,
        "  'recording_archive.sealed.v1'\n",
        "  'recording_archive.sealed.v1'\n  'recording_archive.probe.v1'\n",
    ),
    (
        outgoing_policy.the_example_brings_every_event_and_no_probe,
        EXAMPLE,
        "eventDeliverySchema: 'CloudEventSchemaV1_0'",
        "eventDeliverySchema: 'EventGridSchema'",
    ),
    (outgoing_policy.the_example_brings_every_event_and_no_probe, EXAMPLE, "[queue, sends]", "[queue]"),
    (
        outgoing_policy.no_event_comes_back,
        MAIN,
        "contains(toLower(eventsQueue), 'recording-')",
        "contains(eventsQueue, 'recordings-')",
    ),
    (
        outgoing_policy.no_event_comes_back,
        MAIN,
        "queueName: eventsQueue",
        "queueName: hostStorage.outputs.eventQueueName",
    ),
    (outgoing_policy.no_event_comes_back, EXAMPLE, "endpointType: 'StorageQueue'", "endpointType: 'AzureFunction'"),
    (
        outgoing_policy.secrets_that_sign_stay_in_the_vault,
        MAIN,
        "WEBHOOKS: '@Microsoft.KeyVault(SecretUri=${hooksVault!.outputs.secretUri})'",
        "WEBHOOKS: webhookHosts",
    ),
    (
        outgoing_policy.secrets_that_sign_stay_in_the_vault,
        VAULT,
        "enablePurgeProtection: true",
        "enablePurgeProtection: false",
    ),
    (outgoing_policy.secrets_that_sign_stay_in_the_vault, VAULT, "secrets/webhooks'", "secrets/webhook'"),
    (
        outgoing_policy.secrets_that_sign_stay_in_the_vault,
        APP,
        "keyVaultReferenceIdentity: identityId",
        "keyVaultReferenceIdentity: custodianId",
    ),
    (
        outgoing_policy.settings_of_json_come_whole,
        MAIN,
        "TENANTS: base64ToString(tenantsBase64)",
        "TENANTS: tenantsBase64",
    ),
    (
        outgoing_policy.settings_of_json_come_whole,
        MAIN,
        "CALL_POLICIES: base64ToString(callPoliciesBase64)",
        "CALL_POLICIES: base64ToString(tenantsBase64)",
    ),
    (
        outgoing_policy.settings_of_json_come_whole,
        MAIN,
        "empty(webhookHosts) ? {} : { WEBHOOK_HOSTS: webhookHosts }",
        "empty(webhookHosts) ? {} : { WEBHOOK_HOSTS: webhookNetworks }",
    ),
    (outgoing_policy.settings_of_json_come_whole, MAIN, "tenantSettings, policySettings, link", "policySettings, link"),
    (
        grants.each_right_is_in_the_table,
        TOPIC,
        "  scope: topic\n  properties: {\n    principalId",
        "  scope: resourceGroup()\n  properties: {\n    principalId",
    ),
    (
        grants.each_right_is_in_the_table,
        TOPIC,
        "'d5a91429-5739-47e2-a06b-3470a27159e7'",
        "'acdd72a7-3385-48ef-bd42-f606fba81ae7'",
    ),
    (grants.each_right_is_in_the_table, EXAMPLE, "scope: queue\n", "scope: account\n"),
    (
        grants.each_right_is_in_the_table,
        VAULT,
        "'4633458b-17de-408a-b874-0445c86b69e6'",
        "'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'",
    ),
    (
        grants.each_module_is_handed_the_right_identity,
        MAIN,
        "senderPrincipalId: outgoingTopic!.outputs.principalId",
        "senderPrincipalId: identity.outputs.principalId",
    ),
    (connections.each_setting_leads_to_its_place, MAIN, "outgoingTopic!.outputs.endpoint", "outgoingTopic!.outputs.id"),
    (
        connections.the_network_lets_through_what_it_must,
        NETWORK,
        "privatelink.eventgrid.azure.net",
        "privatelink.eventgrid.windows.net",
    ),
    (
        connections.the_network_lets_through_what_it_must,
        VAULT,
        "vnetEnabled ? 'Deny' : 'Allow'",
        "'Allow'",
    ),
]
