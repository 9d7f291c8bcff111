"""What must be true of the events' two ways, of the app, and of who may do what."""

import re
from collections.abc import Iterator

from tests.repo.infra.bicep import Declared, Expression, Value, as_list, at
from tests.repo.infra.templates import Check, Templates, differs

EVENT_TYPE = "Microsoft.Communication.RecordingFileStatusUpdated"
SUBSCRIPTION = "Microsoft.EventGrid/systemTopics/eventSubscriptions"
ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": "Storage Queue Data Message Sender",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "73c42c96-874c-492b-b04d-ab87d138a893": "Log Analytics Reader",
    "09976791-48a7-449e-bb21-39d1a415f350": "Communication and Email Service Owner",
}
LEAKS = (
    r"list(?:Keys|AccountSas|ServiceSas|Secrets|Credentials)",
    r"AccountKey=|accesskey=|SharedAccessSignature",
    r"[?&]code=|systemkey|@secure",
)
MAY_OWN_BLOBS = "storage-host"  # the Functions host asks for Owner, and only there
GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def two_ways_for_events(templates: Templates) -> Iterator[str]:
    """A queue that needs no app, and the function; each covers for the other."""
    kinds = sorted(str(at(_destination(sub), "endpointType")) for _, _, sub in templates.made(SUBSCRIPTION))
    if kinds != ["AzureFunction", "StorageQueue"]:
        yield f"events go to {kinds}"


def every_subscription_retries_and_buries(templates: Templates) -> Iterator[str]:
    """Without a dead letter, Event Grid drops what a 400, 401 or 403 answered."""
    for place, _, sub in templates.made(SUBSCRIPTION):
        if at(sub.properties, "retryPolicy", "maxDeliveryAttempts") != 30:
            yield f"{place}: fewer than 30 attempts"
        buried = sub.properties.get("deadLetterWithResourceIdentity")
        if at(buried, "deadLetterDestination", "endpointType") != "StorageBlob":
            yield f"{place}: no dead letter"
        if at(buried, "identity", "type") != "SystemAssigned":
            yield f"{place}: only the system-assigned identity gets past a storage firewall"


def events_live_long_enough_and_not_longer(templates: Templates) -> Iterator[str]:
    """The function's dead letters come while there are hours left; the queue goes on trying for the day."""
    wanted = {"AzureFunction": 240, "StorageQueue": 1440}
    for place, _, sub in templates.made(SUBSCRIPTION):
        kind = str(at(_destination(sub), "endpointType"))
        if at(sub.properties, "retryPolicy", "eventTimeToLiveInMinutes") != wanted.get(kind):
            yield f"{place}: eventTimeToLiveInMinutes"
        if kind == "StorageQueue" and at(_destination(sub), "properties", "queueMessageTimeToLiveInSeconds") != -1:
            yield f"{place}: messages vanish from the queue"


def exactly_one_event_type(templates: Templates) -> Iterator[str]:
    """Any other event would end in quarantine; any further filter would lose recordings."""
    for place, _, sub in templates.made(SUBSCRIPTION):
        if sub.properties.get("filter") != {"includedEventTypes": [EVENT_TYPE]}:
            yield place


def the_queue_needs_no_key(templates: Templates) -> Iterator[str]:
    """Delivery to the queue is by the topic's own identity, which may send to that queue only."""
    queue = templates.module("event-subscription-queue").resources["toQueue"]
    if at(queue.properties, "deliveryWithResourceIdentity", "identity", "type") != "SystemAssigned":
        yield "event-subscription-queue: no identity"
    for place, _, topic in templates.made("Microsoft.EventGrid/systemTopics"):
        if at(topic.body, "identity", "type") != "SystemAssigned":
            yield f"{place}: no identity"
    sends = templates.module("event-access").resources["sends"]
    if getattr(sends.body.get("scope"), "text", "") != "queue":
        yield "event-access: the topic may send to more than the one queue"


def no_secrets(templates: Templates) -> Iterator[str]:
    """There is nothing to leak: no key is read, none is handed over, none is in a command line."""
    for path, text in templates.texts.items():
        yield from (f"{path}: {found}" for found in re.findall("|".join(LEAKS), text, re.IGNORECASE))


def the_app_is_hardened(templates: Templates) -> Iterator[str]:
    """Only TLS, only deployments by identity; and no client certificates, which Event Grid answers with lost events."""
    for place, _, app in templates.made("Microsoft.Web/sites"):
        yield from differs(place, {"httpsOnly": True, "clientCertEnabled": False}, app.properties)
        wanted = {"minTlsVersion": "1.2", "scmMinTlsVersion": "1.2", "ftpsState": "Disabled"}
        config = app.properties.get("siteConfig")
        yield from differs(place, wanted, config if isinstance(config, dict) else {})
        if at(app.body, "identity", "type") != "UserAssigned":
            yield f"{place}: no identity"
    policies = templates.made("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    closed = {policy.body.get("name") for _, _, policy in policies if policy.properties.get("allow") is False}
    yield from (f"passwords for {name} are open" for name in sorted({"ftp", "scm"} - closed))


def sign_in_leaves_events_and_health_out(templates: Templates) -> Iterator[str]:
    """Event Grid does not retry a 401: authentication in front of its webhook loses recordings."""
    sign_in = templates.module("function-app").resources["signIn"].properties
    if at(sign_in, "globalValidation", "excludedPaths") != ["/runtime/webhooks/eventgrid", "/api/health"]:
        yield "function-app: excludedPaths"
    if at(sign_in, "globalValidation", "unauthenticatedClientAction") != "Return401":
        yield "function-app: who is not signed in must get 401"


def only_known_roles(templates: Templates) -> Iterator[str]:
    """Each role that is given was chosen here, by its id; the largest is given in one place."""
    for path in templates.files:
        for role in re.findall(rf"'({GUID})'", templates.texts[path]):
            if role not in ROLES:
                yield f"{path}: {role} is not a role that was chosen"
            elif ROLES[role] == "Storage Blob Data Owner" and MAY_OWN_BLOBS not in path:
                yield f"{path}: owns blobs"


def roles_are_given_narrowly(templates: Templates) -> Iterator[str]:
    """A role holds for one resource, never for a group or subscription."""
    for place, _, assignment in templates.made("Microsoft.Authorization/roleAssignments"):
        if not isinstance(assignment.body.get("scope"), Expression):
            yield f"{place}: no scope"


def acs_takes_no_key(templates: Templates) -> Iterator[str]:
    """A new resource takes identities only, which also makes the role's right to list keys worthless."""
    if templates.main.parameters["acsDisableLocalAuth"].default is not True:
        yield "infra/main.bicep: acsDisableLocalAuth must be on by default"
    acs = templates.module("acs").resources["acs"].properties
    if getattr(acs.get("disableLocalAuth"), "text", "") != "disableLocalAuth":
        yield "acs: disableLocalAuth"


def telemetry_takes_no_key(templates: Templates) -> Iterator[str]:
    """Application Insights' connection string names a place; it must not open it."""
    for place, _, insights in templates.made("Microsoft.Insights/components"):
        if insights.properties.get("DisableLocalAuth") is not True:
            yield place


def acs_tells_what_it_recorded(templates: Templates) -> Iterator[str]:
    """ACS's own log is the only witness of a recording whose event never came."""
    log = templates.module("acs-access").resources.get("log")
    if log is None or as_list(log.properties.get("logs")) != [{"categoryGroup": "allLogs", "enabled": True}]:
        yield "acs-access: the log of the resource is not kept"


def _destination(subscription: Declared) -> Value:
    with_identity = at(subscription.properties, "deliveryWithResourceIdentity", "destination")
    return with_identity or subscription.properties.get("destination")


CHECKS: list[Check] = [
    two_ways_for_events,
    every_subscription_retries_and_buries,
    events_live_long_enough_and_not_longer,
    exactly_one_event_type,
    the_queue_needs_no_key,
    no_secrets,
    the_app_is_hardened,
    sign_in_leaves_events_and_health_out,
    only_known_roles,
    roles_are_given_narrowly,
    acs_takes_no_key,
    telemetry_takes_no_key,
    acs_tells_what_it_recorded,
]
