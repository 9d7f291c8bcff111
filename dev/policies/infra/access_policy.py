"""What must be true of the events' two ways, of the app, and of who may do what."""

import ipaddress
import itertools
import re
from collections.abc import Iterator

from dev.policies.infra.bicep import Declared, Expression, Value, as_list, at
from dev.policies.infra.evaluate import Evaluation
from dev.policies.infra.templates import Check, Templates, differs
from recording.http import console_files

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
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "12338af0-0e69-4776-bea7-57ae8d297424": "Key Vault Crypto User",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
    "d5a91429-5739-47e2-a06b-3470a27159e7": "EventGrid Data Sender",
}
LEAKS = (
    r"list(?:Keys|AccountSas|ServiceSas|Secrets|Credentials)\(",
    r"AccountKey=|accesskey=|SharedAccessSignature",
    r"[?&]code=|systemkey|@secure",
)
MAY_OWN_BLOBS = "storage-host"  # the Functions host asks for Owner, and only there
OPEN_PATHS = ["/runtime/webhooks/eventgrid", "/runtime/webhooks/EventGrid", "/api/health"]
CONSOLE = [f"/api/console/{name}" for name in console_files.files()]  # without data; each by its whole name
RECORDING_LOGS = [{"category": name, "enabled": True} for name in ("CallRecordingSummary", "CallRecordingOperational")]
# What the people who operate the app may do with it as a resource. Its settings hold no secret.
OPERATE = {
    "Microsoft.Web/sites/read",
    "Microsoft.Web/sites/config/read",
    "Microsoft.Web/sites/config/list/action",
    "Microsoft.Web/sites/functions/read",
    "Microsoft.Web/sites/host/listkeys/action",
    "Microsoft.Web/sites/restart/action",
}
SCOPES_OF_OPERATORS = {  # by module: where the group of operators has rights, and never on more
    "function-app": {"app"},
    "monitoring": {"workspace"},
    "storage-archive": {"recordings"},
    "storage-dead-letter": {"deadLetters"},
    "storage-host": {"account", "quarantine"},
    "webhooks-vault": {"vault"},
}
GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def two_ways_for_events(templates: Templates) -> Iterator[str]:
    """Check: a queue that needs no app, and the function; each covers for the other."""
    kinds = sorted(str(at(_destination(sub), "endpointType")) for _, _, sub in templates.made(SUBSCRIPTION))
    if kinds != ["AzureFunction", "StorageQueue"]:
        yield f"events go to {kinds}"


def every_subscription_retries_and_buries(templates: Templates) -> Iterator[str]:
    """Check: without a dead letter, Event Grid drops what a 400, 401 or 403 answered."""
    for place, _, sub in templates.made(SUBSCRIPTION):
        if at(sub.properties, "retryPolicy", "maxDeliveryAttempts") != 30:
            yield f"{place}: fewer than 30 attempts"
        buried = sub.properties.get("deadLetterWithResourceIdentity")
        if at(buried, "deadLetterDestination", "endpointType") != "StorageBlob":
            yield f"{place}: no dead letter"
        if at(buried, "identity", "type") != "SystemAssigned":
            yield f"{place}: only the system-assigned identity gets past a storage firewall"


def events_live_long_enough_and_not_longer(templates: Templates) -> Iterator[str]:
    """Check: the function's dead letters come while there are hours left; the queue goes on trying for the day."""
    wanted = {"AzureFunction": 240, "StorageQueue": 1440}
    for place, _, sub in templates.made(SUBSCRIPTION):
        kind = str(at(_destination(sub), "endpointType"))
        if at(sub.properties, "retryPolicy", "eventTimeToLiveInMinutes") != wanted.get(kind):
            yield f"{place}: eventTimeToLiveInMinutes"
        if kind == "StorageQueue" and at(_destination(sub), "properties", "queueMessageTimeToLiveInSeconds") != -1:
            yield f"{place}: messages vanish from the queue"


def exactly_one_event_type(templates: Templates) -> Iterator[str]:
    """Check: any other event would end in quarantine; any further filter would lose recordings."""
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
    """Check: there is nothing to leak: no key is read, none is handed over, none is in a command line."""
    for path, text in templates.texts.items():
        yield from (f"{path}: {found}" for found in re.findall("|".join(LEAKS), text, re.IGNORECASE))


def the_app_is_hardened(templates: Templates) -> Iterator[str]:
    """Check: only TLS, only deployments by identity, and no client certificates: with them Event Grid loses events."""
    for place, _, app in templates.made("Microsoft.Web/sites"):
        # Public: Event Grid has no other way to the function than the internet.
        reached: dict[str, Value] = {"httpsOnly": True, "clientCertEnabled": False, "publicNetworkAccess": "Enabled"}
        yield from differs(place, reached, app.properties)
        wanted: dict[str, Value] = {"minTlsVersion": "1.2", "scmMinTlsVersion": "1.2", "remoteDebuggingEnabled": False}
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
    if at(sign_in, "globalValidation", "excludedPaths") != [*OPEN_PATHS, *CONSOLE]:
        yield "function-app: excludedPaths"
    if (
        at(sign_in, "globalValidation", "requireAuthentication") is not True
        or at(sign_in, "platform", "enabled") is not True
    ):
        yield "function-app: sign-in is not required"
    if at(sign_in, "globalValidation", "unauthenticatedClientAction") != "Return401":
        yield "function-app: who is not signed in must get 401"


def only_known_roles(templates: Templates) -> Iterator[str]:
    """Check: each role that is given was chosen here, by its id; the largest is given in one place."""
    for path in templates.files:
        for role in re.findall(rf"'({GUID})'", templates.texts[path]):
            if role not in ROLES:
                yield f"{path}: {role} is not a role that was chosen"
            elif ROLES[role] == "Storage Blob Data Owner" and MAY_OWN_BLOBS not in path:
                yield f"{path}: owns blobs"


def roles_are_given_narrowly(templates: Templates) -> Iterator[str]:
    """Check: a role holds for one resource, never for a group or subscription."""
    for place, _, assignment in templates.made("Microsoft.Authorization/roleAssignments"):
        if not isinstance(assignment.body.get("scope"), Expression):
            yield f"{place}: no scope"


def acs_takes_no_key(templates: Templates) -> Iterator[str]:
    """Check: a new resource takes identities only, which also makes the role's right to list keys worthless."""
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
    """Check: ACS's own log is the only witness of a recording without an event; the rest is others' calls."""
    log = templates.module("acs-access").resources.get("log")
    if log is None or as_list(log.properties.get("logs")) != RECORDING_LOGS:
        yield "acs-access: the log of the resource's recordings is not kept, or more than that"


def environments_share_no_name(templates: Templates) -> Iterator[str]:
    """Check: two environments on one resource: a name without the token takes the other one's events or log away."""
    shared = {"acs-access", "event-topic-facts", "event-subscription-queue", "event-subscription-function"}
    kinds = ("Microsoft.Insights/diagnosticSettings", SUBSCRIPTION)
    for kind in kinds:
        for place, file, resource in templates.made(kind):
            if not any(module in place for module in shared):
                continue
            if not str(getattr(resource.body.get("name"), "text", "")).endswith("-${token}'"):
                yield f"{place}: the name is not the environment's own"
            if not file.parameters["token"].is_required:
                yield f"{place}: the token may be left out"
    for symbol in ("acs", "topic", "eventsToQueue"):
        if getattr(templates.main.modules[symbol].given.get("token"), "text", "") != "token":
            yield f"infra/main.bicep:{symbol}: the token is not passed on"


def people_come_in_groups(templates: Templates) -> Iterator[str]:
    """Check: a right is taken away by leaving the group; a role assignment outlives the parameter that made it."""
    for place, _, assignment in templates.made("Microsoft.Authorization/roleAssignments"):
        given = getattr(assignment.properties.get("principalId"), "text", "")
        kind = assignment.properties.get("principalType")
        wanted = "Group" if given in ("operatorsId", "reader") else "ServicePrincipal"
        if kind != wanted:
            yield f"{place}: {given} is a {kind}"
    archive = "infra/modules/storage-archive.bicep"
    for readers, operators in itertools.product(("", "readers"), ("", "operators")):
        found = Evaluation(templates, archive, readersId=readers, operatorsId=operators).value("readers")
        if found != [group for group in (readers, operators) if group]:
            yield f"{archive}: {found} may read"


def operators_reach_what_they_need(templates: Templates) -> Iterator[str]:
    """Check: host keys and package are in the account of the queues: operators get no role over all its blobs."""
    role = templates.module("function-app").resources["operatorRole"]
    for permission in as_list(role.properties.get("permissions")):
        granted = {*map(str, as_list(at(permission, "actions"))), *map(str, as_list(at(permission, "dataActions")))}
        yield from (f"function-app: operators may {action}" for action in sorted(granted ^ OPERATE))
    for place, _, assignment in templates.made("Microsoft.Authorization/roleAssignments"):
        if getattr(assignment.properties.get("principalId"), "text", "") == "operatorsId":
            module = place.rpartition("/")[2].partition(".")[0]
            scope = getattr(assignment.body.get("scope"), "text", "")
            if scope not in SCOPES_OF_OPERATORS.get(module, set()):
                yield f"{place}: operators on {scope}"
    operate = templates.module("storage-host")
    listed = getattr(operate.variables.get("operatorRoles"), "text", "")
    if "blob" in listed.lower():
        yield "storage-host: operators on every blob of the host"


def the_app_knows_that_people_sign_in(templates: Templates) -> Iterator[str]:
    """Check: roles are asked for because a setting of ours says so, not only because of what the platform sets."""
    chosen = templates.main.variables.get("signInSettings")
    if getattr(chosen, "branches", ()) != ({}, {"APP_SIGN_IN_REQUIRED": "true"}):
        yield "infra/main.bicep: signInSettings"
    if not getattr(chosen, "text", "").startswith("empty(entraClientId) ?"):
        yield "infra/main.bicep: sign-in is not asked for with an Entra application"
    if "signInSettings" not in getattr(templates.main.modules["app"].given.get("appSettings"), "names", ()):
        yield "infra/main.bicep: signInSettings are not given"


def the_network_is_one_that_flex_takes(templates: Templates) -> Iterator[str]:
    """Check: the app's subnet is delegated to what Flex Consumption runs on, and no subnet is in another one."""
    network = templates.module("network").resources["network"].properties
    space = ipaddress.IPv4Network(str(as_list(at(network, "addressSpace", "addressPrefixes"))[0]))
    subnets = as_list(network.get("subnets"))
    ranges = [ipaddress.IPv4Network(str(at(subnet, "properties", "addressPrefix"))) for subnet in subnets]
    if any(one.overlaps(other) for one, other in itertools.combinations(ranges, 2)):
        yield "network: subnets overlap"
    if any(not one.subnet_of(space) for one in ranges):
        yield "network: a subnet is outside the address space"
    joined = templates.module("function-app").resources["app"].properties.get("virtualNetworkSubnetId")
    if getattr(joined, "text", "") != "subnetId == '' ? null : subnetId":
        yield "function-app: the app is not in its subnet, or always in one"
    (app,) = [subnet for subnet in subnets if at(subnet, "name") == "app"]
    names = [at(each, "properties", "serviceName") for each in as_list(at(app, "properties", "delegations"))]
    if names != ["Microsoft.App/environments"]:
        yield f"network: the app's subnet is delegated to {names}"


def waiting_instances_fit_zones(templates: Templates) -> Iterator[str]:
    """Check: with zones, Flex Consumption refuses a group of one instance; events have a group of their own."""
    app = templates.module("function-app")
    each = app.variables.get("each")
    if getattr(each, "branches", ()) != (2, 1) or not getattr(each, "text", "").startswith("zoneRedundant ?"):
        yield "function-app: each"
    waiting = as_list(app.variables.get("waiting"))
    names = [at(group, "name") for group in waiting]
    if names != ["http", "function:ingest_event", "function:archive_chunk"]:
        yield f"function-app: {names} wait"
    if any(getattr(at(group, "instanceCount"), "text", "") != "each" for group in waiting):
        yield "function-app: a number of its own"


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
    environments_share_no_name,
    people_come_in_groups,
    operators_reach_what_they_need,
    the_app_knows_that_people_sign_in,
    the_network_is_one_that_flex_takes,
    waiting_instances_fit_zones,
]
