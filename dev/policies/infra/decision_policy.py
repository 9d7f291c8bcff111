"""What the templates decide before anything is made: executed for what goes together, and for what does not."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from dev.policies.infra.evaluate import Evaluation, RefusedError
from dev.policies.infra.templates import MAIN, Check, Templates

GROUP_ID = "6f1a2b3c-0000-4000-8000-00000000abcd"
ACTION_GROUP = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/actionGroups/a"
IN_ZONES, WITHOUT_PAIR, WITHOUT_ZONES = "westeurope", "italynorth", "westus"  # as in infra/regions.json
SKUS = ["Standard_LRS", "Standard_ZRS", "Standard_GRS", "Standard_GZRS", "Standard_RAGRS", "Standard_RAGZRS"]
HOST_SKUS = ["Standard_LRS", "Standard_ZRS", "Standard_GRS", "Standard_GZRS"]
# Settings that other plans need and Flex Consumption refuses, as Microsoft's page of deprecated settings lists them.
REFUSED_BY_FLEX = (
    *("ENABLE_ORYX_BUILD", "FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_WORKER_PROCESS_COUNT", "FUNCTIONS_WORKER_RUNTIME"),
    *("FUNCTIONS_WORKER_RUNTIME_VERSION", "SCM_DO_BUILD_DURING_DEPLOYMENT", "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING"),
    *("WEBSITE_CONTENTOVERVNET", "WEBSITE_CONTENTSHARE", "WEBSITE_DNS_SERVER", "WEBSITE_RUN_FROM_PACKAGE"),
    *("WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT", "WEBSITE_SKIP_CONTENTSHARE_VALIDATION", "WEBSITE_TIME_ZONE"),
    "WEBSITE_VNET_ROUTE_ALL",
)
# Parameters that do not go together, and what the refusal begins with and says: the name of what is to be set.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"existingAcsName": "acs"}, "EXISTING_ACS_NAME and EXISTING_ACS_RESOURCE_GROUP: both or none."),
    ({"existingAcsResourceGroup": "rg-calls"}, "EXISTING_ACS_NAME and EXISTING_ACS_RESOURCE_GROUP: both or none."),
    ({"existingSystemTopicName": "topic"}, "EXISTING_SYSTEM_TOPIC_NAME: only with an existing"),
    ({"existingAcsName": "acs", "existingAcsResourceGroup": "rg-e"}, "EXISTING_ACS_RESOURCE_GROUP: is the group of"),
    ({"existingAcsName": "acs", "existingAcsResourceGroup": "RG-E"}, "EXISTING_ACS_RESOURCE_GROUP: is the group of"),
    (
        {"existingAcsName": "acs", "existingAcsResourceGroup": "mine", "resourceGroupName": "mine"},
        "EXISTING_ACS_RESOURCE_GROUP: is the group of this app, which azd down deletes.",
    ),
    ({"archiveLocked": True, "archiveImmutability": "Off"}, "ARCHIVE_LOCKED: "),
    ({"existingAcsSubscription": "OTHER"}, "EXISTING_ACS_SUBSCRIPTION: "),
    (
        {"environmentName": "e."},
        "AZURE_ENV_NAME, or RESOURCE_GROUP_NAME: the name of a resource group must not end with",
    ),
    (
        {"resourceGroupName": "mine."},
        "AZURE_ENV_NAME, or RESOURCE_GROUP_NAME: the name of a resource group must not end",
    ),
    ({"operators": "The operators"}, "OPERATORS: "),
    ({"archiveReadersGroup": "readers@example.com"}, "ARCHIVE_READERS_GROUP: "),
    ({"entraClientId": "recordings"}, "ENTRA_CLIENT_ID: "),
    ({"alertActionGroup": "pager"}, "ALERT_ACTION_GROUP: "),
    *(({"runbookUrl": url}, "RUNBOOK_URL: ") for url in ("docs/runbook.md", "http://a/b", "https://a/b#chunk-expired")),
    ({"monthlyBudget": 1}, "MONTHLY_BUDGET: "),
    ({"monthlyBudget": 100, "alertEmails": " , "}, "MONTHLY_BUDGET: "),
    ({"logDailyCapGb": 0}, "LOG_DAILY_CAP_GB: "),
    ({"zoneRedundant": True, "maximumInstanceCount": 1}, "MAXIMUM_INSTANCE_COUNT: "),
    (
        {"extraAppSettings": "A=1;FUNCTIONS_WORKER_RUNTIME=python;ENABLE_ORYX_BUILD=1"},
        "EXTRA_APP_SETTINGS: Flex Consumption refuses FUNCTIONS_WORKER_RUNTIME, ENABLE_ORYX_BUILD.",
    ),
    *(
        ({"extraAppSettings": f"{name}=x"}, f"EXTRA_APP_SETTINGS: Flex Consumption refuses {name}.")
        for name in REFUSED_BY_FLEX
    ),
    ({"eventsQueue": "told"}, "EVENTS_QUEUE: needs"),
    ({"eventsQueue": "recording-events", "eventsTopic": True}, "EVENTS_QUEUE: may be a queue of the app"),
    ({"eventsQueue": "Recording-Outbox", "eventsTopic": True}, "EVENTS_QUEUE: may be a queue of the app"),
    ({"webhooksVault": True}, "WEBHOOK_HOSTS: "),
    ({"archiveRedundancy": "Standard_ZRS", "archiveAfterDays": 0}, "ARCHIVE_AFTER_DAYS: "),
    ({"archiveRedundancy": "Standard_RAGZRS", "archiveAfterDays": 180}, "ARCHIVE_AFTER_DAYS: "),
    ({"location": WITHOUT_ZONES, "archiveRedundancy": "Standard_ZRS"}, "ARCHIVE_REDUNDANCY: the region has no zones."),
    (
        {"location": WITHOUT_PAIR, "archiveRedundancy": "Standard_GZRS"},
        "ARCHIVE_REDUNDANCY: the region has no zones with a paired region.",
    ),
    ({"location": WITHOUT_ZONES, "hostRedundancy": "Standard_ZRS"}, "HOST_REDUNDANCY: the region has no zones."),
    (
        {"location": WITHOUT_PAIR, "hostRedundancy": "Standard_GZRS"},
        "HOST_REDUNDANCY: the region has no zones with a paired region.",
    ),
    ({"location": WITHOUT_ZONES, "zoneRedundant": True}, "ZONE_REDUNDANT: "),
]
# Parameters that go together: a guard that refuses everything would pass with the list above.
TAKEN: list[dict[str, Any]] = [
    {"operators": GROUP_ID, "archiveReadersGroup": GROUP_ID, "entraClientId": GROUP_ID},
    {"alertActionGroup": ACTION_GROUP},
    {"alertActionGroup": ACTION_GROUP.replace("/subscriptions", "/Subscriptions")},
    {"runbookUrl": "https://git.contoso.com/docs/runbook.md"},
    {"monthlyBudget": 100, "alertEmails": "a@example.com"},
    {"logDailyCapGb": -1},
    {"logDailyCapGb": 1},
    {"maximumInstanceCount": 1},
    {"zoneRedundant": True, "maximumInstanceCount": 2},
    {"extraAppSettings": "START_RATE_PER_MINUTE=600;WEBSITE_TIMES=1"},
    {"environmentName": "a.b-c_d(e)"},
    {"archiveImmutability": "Off"},
    {"archiveLocked": True},
    {"existingAcsName": "acs", "existingAcsResourceGroup": "rg-calls", "existingSystemTopicName": "topic"},
    {"existingAcsName": "acs", "existingAcsResourceGroup": "rg-calls", "existingAcsSubscription": "OTHER"},
    {"existingAcsName": "acs", "existingAcsResourceGroup": "rg-e", "existingAcsSubscription": "OTHER"},
    {"eventsTopic": True},
    {"eventsTopic": True, "eventsQueue": "told"},
    {"webhooksVault": True, "webhookHosts": "hooks.contoso.com"},
    {"webhooksVault": True, "webhookNetworks": "10.1.0.0/16"},
    *({"archiveRedundancy": sku, "archiveAfterDays": 180} for sku in SKUS if "ZRS" not in sku),
    *({"archiveRedundancy": sku, "archiveAfterDays": -1} for sku in SKUS),
    *({"hostRedundancy": sku} for sku in HOST_SKUS),
    *({"location": WITHOUT_PAIR, "archiveRedundancy": sku, "hostRedundancy": sku} for sku in HOST_SKUS[:3]),
    {"location": WITHOUT_PAIR, "zoneRedundant": True},
    *({"location": WITHOUT_ZONES, "archiveRedundancy": sku, "hostRedundancy": sku} for sku in HOST_SKUS[:3:2]),
]
_JSON = '[{"name": "fx"}]'
# Parameters, and what variables are worth then.
DECIDED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {},
        {
            "tags": {"azd-env-name": "e", "product": "acs-recording-archive"},
            "wantedGroup": "rg-e",
            "groupName": "rg-e",
            "acsName": f"acs-/subscriptions/sub-e-{IN_ZONES}",
            "acsGroupName": "rg-e",
            "acsSubscription": "SUB",
            "topicName": f"recordings-/subscriptions/sub-e-{IN_ZONES}",
            "archiveSku": "Standard_GZRS",
            "hostSku": "Standard_ZRS",
            "emails": [],
            "runbookPage": "docs/runbook.md",
            "extraSettings": {},
            "signInSettings": {},
            "tenantSettings": {},
            "policySettings": {},
            "linkSettings": {},
            "hookHostSettings": {},
            "hookNetworkSettings": {},
        },
    ),
    ({"location": WITHOUT_PAIR}, {"archiveSku": "Standard_ZRS", "hostSku": "Standard_ZRS"}),
    ({"location": WITHOUT_ZONES}, {"archiveSku": "Standard_GRS", "hostSku": "Standard_GRS"}),
    *(({"archiveRedundancy": sku}, {"archiveSku": sku, "hostSku": "Standard_ZRS"}) for sku in SKUS),
    *(({"hostRedundancy": sku}, {"archiveSku": "Standard_GZRS", "hostSku": sku}) for sku in HOST_SKUS),
    ({"deadLetterLocation": "uksouth"}, {"deadLetterRegion": "uksouth"}),
    ({"resourceGroupName": "mine"}, {"wantedGroup": "mine", "groupName": "mine"}),
    (
        {
            "existingAcsName": "acs",
            "existingAcsResourceGroup": "rg-calls",
            "existingAcsSubscription": "OTHER",
            "existingSystemTopicName": "topic",
        },
        {"acsName": "acs", "acsGroupName": "rg-calls", "acsSubscription": "OTHER", "topicName": "topic"},
    ),
    ({"alertEmails": " ,a@x,,b@x "}, {"emails": ["a@x", "b@x"]}),
    ({"runbookUrl": "https://a/runbook.md"}, {"runbookPage": "https://a/runbook.md"}),
    (
        {"extraAppSettings": ";A=1;B=x=y;;"},
        {"extraPairs": ["A=1", "B=x=y"], "extraNames": ["A", "B"], "extraSettings": {"A": "1", "B": "x=y"}},
    ),
    ({"entraClientId": GROUP_ID}, {"signInSettings": {"APP_SIGN_IN_REQUIRED": "true"}}),
    ({"eventsApiUrl": "https://a/api"}, {"linkSettings": {"EVENTS_API_URL": "https://a/api"}}),
    ({"webhookHosts": "a.example"}, {"hookHostSettings": {"WEBHOOK_HOSTS": "a.example"}}),
    ({"webhookNetworks": "10.1.0.0/16"}, {"hookNetworkSettings": {"WEBHOOK_NETWORKS": "10.1.0.0/16"}}),
    ({"tenantsBase64": base64.b64encode(_JSON.encode()).decode()}, {"tenantSettings": {"TENANTS": _JSON}}),
    ({"callPoliciesBase64": base64.b64encode(_JSON.encode()).decode()}, {"policySettings": {"CALL_POLICIES": _JSON}}),
]
_QUEUES, _TABLES = "974c5e8b-45b9-4653-ba55-5f855dd0fb88", "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"
_HOST, _ARCHIVE = "infra/modules/storage-host.bicep", "infra/modules/storage-archive.bicep"
# The same of modules: the file, its parameters, a variable and what it is worth.
DECIDED_IN_MODULES: list[tuple[str, dict[str, Any], str, Any]] = [
    (_HOST, {"operatorsId": ""}, "operatorRoles", []),
    (_HOST, {"operatorsId": GROUP_ID}, "operatorRoles", [_QUEUES, _TABLES]),
    (
        _ARCHIVE,
        {"coolAfterDays": -1, "coldAfterDays": -1, "archiveAfterDays": -1},
        "unmoved",  # Azure takes no rule without an action; this one is off
        {"tierToCool": {"daysAfterModificationGreaterThan": 36500}},
    ),
    *(
        (_ARCHIVE, {"coolAfterDays": -1, "coldAfterDays": -1, "archiveAfterDays": -1, name: 30}, "unmoved", {})
        for name in ("coolAfterDays", "coldAfterDays", "archiveAfterDays")
    ),
]


def refusal(templates: Templates, **given: Any) -> str:
    """Return why these parameters are refused, or nothing."""
    try:
        Evaluation(templates, **{"environmentName": "e", "location": IN_ZONES, **given}).value("groupName")
    except RefusedError as error:
        return str(error)
    return ""


def what_does_not_go_together_is_refused_by_name(templates: Templates) -> Iterator[str]:
    """Ask that what would fail after twenty minutes names the variable to set; what is right is not refused."""
    for given, named in REFUSED:
        said = refusal(templates, **given)
        if not said.startswith(named) or not said.endswith("."):
            yield f"{MAIN}: {given} is not refused with {named!r}: {said!r}"
    for given in TAKEN:
        if said := refusal(templates, **given):
            yield f"{MAIN}: {given} is refused: {said}"


def what_is_chosen_is_what_is_made(templates: Templates) -> Iterator[str]:
    """Compare names, redundancies and settings with what was given and what was left out."""
    for given, wanted in DECIDED:
        here = Evaluation(templates, **{"environmentName": "e", "location": IN_ZONES, **given})
        for name, value in wanted.items():
            if (found := here.value(name)) != value:
                yield f"{MAIN}: {name} is {json.dumps(found)} with {given}"
    for path, given, name, value in DECIDED_IN_MODULES:
        if (found := Evaluation(templates, path, **given).value(name)) != value:
            yield f"{path}: {name} is {json.dumps(found)} with {given}"


CHECKS: list[Check] = [what_does_not_go_together_is_refused_by_name, what_is_chosen_is_what_is_made]
