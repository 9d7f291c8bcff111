"""What must be true of outgoing events: who publishes, what the example does, where the secrets are, and no loop."""

import re
from collections.abc import Iterator, Mapping

from dev.policies.infra.bicep import Value, as_dict, as_list, at
from dev.policies.infra.templates import MAIN, Check, Templates
from recording.domain import names
from recording.domain.outgoing.events import EventType

TOPIC: Mapping[str, Value] = {
    "inputSchema": "CloudEventSchemaV1_0",
    "disableLocalAuth": True,
    "minimumTlsVersionAllowed": "1.2",
}
TOPIC_ACCESS = "vnetEnabled ? 'Disabled' : 'Enabled'"
VAULT: Mapping[str, Value] = {
    "enableRbacAuthorization": True,
    "enableSoftDelete": True,
    "enablePurgeProtection": True,
    "softDeleteRetentionInDays": 90,
}
IN_BASE64 = {"TENANTS": "tenantsBase64", "CALL_POLICIES": "callPoliciesBase64"}
AS_IT_IS = {
    "EVENTS_API_URL": "eventsApiUrl",
    "WEBHOOK_HOSTS": "webhookHosts",
    "WEBHOOK_NETWORKS": "webhookNetworks",
}
OFF: Mapping[str, Value] = {
    "eventsTopic": False,
    "eventsQueue": "",
    "webhooksVault": False,
    **dict.fromkeys((*IN_BASE64.values(), *AS_IT_IS.values()), ""),
}


def the_topic_takes_the_app_and_no_key(templates: Templates) -> Iterator[str]:
    """Check: whoever may publish tells every receiver what is archived; a key would let anybody who reads it."""
    topic = templates.module("outgoing-topic").resources["topic"]
    yield from (f"outgoing-topic: {name}" for name, value in TOPIC.items() if topic.properties.get(name) != value)
    if _text(topic.properties.get("publicNetworkAccess")) != TOPIC_ACCESS:
        yield "outgoing-topic: publicNetworkAccess"
    if at(topic.body, "identity", "type") != "SystemAssigned":
        yield "outgoing-topic: no identity, so nothing gets past a storage firewall"
    log = templates.module("outgoing-topic").resources["log"].properties
    if [at(one, "category") for one in as_list(log.get("logs"))] != ["PublishFailures", "DeliveryFailures"]:
        yield "outgoing-topic: what fails is not logged"


def nothing_goes_out_unless_it_is_asked_for(templates: Templates) -> Iterator[str]:
    """Check: an archive tells nobody anything by default."""
    for name, value in OFF.items():
        if templates.main.parameters[name].default != value:
            yield f"{MAIN}: {name} is on by default"


def the_example_brings_every_event_and_no_probe(templates: Templates) -> Iterator[str]:
    """Check: a type that is added to the code and not to the list would be missing in silence."""
    module = templates.module("outgoing-subscription")
    sub = module.resources["toQueue"].properties
    wanted = [kind.wire_name for kind in EventType]
    if as_list(module.variables.get("eventTypes")) != wanted or _text(at(sub, "filter", "includedEventTypes")) != (
        "eventTypes"
    ):
        yield "outgoing-subscription: brings other types than there are"
    if sub.get("eventDeliverySchema") != "CloudEventSchemaV1_0":
        yield "outgoing-subscription: eventDeliverySchema"
    if at(sub, "deliveryWithResourceIdentity", "identity", "type") != "SystemAssigned":
        yield "outgoing-subscription: no identity"
    if sub.get("retryPolicy") != {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440}:
        yield "outgoing-subscription: retryPolicy"
    for symbol in ("toQueue",):
        before = [_text(each) for each in as_list(module.resources[symbol].body.get("dependsOn"))]
        if before != ["queue", "sends"]:
            yield f"outgoing-subscription:{symbol}: does not wait for {before}"


def no_event_comes_back(templates: Templates) -> Iterator[str]:
    """Check: our own events in our own queue of events would be read, refused and counted for ever."""
    ours = {value for name, value in vars(names).items() if name.endswith("_QUEUE")}
    prefix = "recording-"
    if not all(name.startswith(prefix) for name in ours):
        yield f"a queue of the app does not begin with {prefix}"
    if f"contains(toLower(eventsQueue), '{prefix}') ? ['EVENTS_QUEUE:" not in templates.texts[MAIN]:
        yield f"{MAIN}: a queue of the app may be named for the example"
    given = templates.main.modules["outgoingQueue"].given
    if _text(given.get("queueName")) != "eventsQueue":
        yield f"{MAIN}: the example fills {_text(given.get('queueName'))}"
    for path, text in templates.texts.items():
        if "Microsoft.EventGrid/topics/eventSubscriptions" in text and "AzureFunction" in text:
            yield f"{path}: our events lead to a function"


def secrets_that_sign_stay_in_the_vault(templates: Templates) -> Iterator[str]:
    """Check: a secret in a parameter is in the history of deployments, and in every log of a pipeline."""
    module = templates.module("webhooks-vault")
    vault = module.resources["vault"].properties
    yield from (f"webhooks-vault: {name}" for name, value in VAULT.items() if vault.get(name) != value)
    if _text(module.outputs.get("secretUri")) != "'${vault.properties.vaultUri}secrets/webhooks'":
        yield "webhooks-vault: secretUri"
    given = as_dict(templates.main.variables.get("webhookSettings"))
    if _text(given.get("WEBHOOKS")) != "'@Microsoft.KeyVault(SecretUri=${hooksVault!.outputs.secretUri})'":
        yield f"{MAIN}: WEBHOOKS is {_text(given.get('WEBHOOKS'))}"
    for path, text in templates.texts.items():
        if re.search(r"vaults/secrets@|whsec_", text):
            yield f"{path}: has a secret"
    app = templates.module("function-app").resources["app"].properties
    if _text(app.get("keyVaultReferenceIdentity")) != "identityId":
        yield "function-app: references are read as an identity that the app does not have"


def settings_of_json_come_whole(templates: Templates) -> Iterator[str]:
    """Azd puts a value into a JSON file as it is: the first quote would end it."""
    for name, parameter in IN_BASE64.items():
        yield from _chosen(templates, name, f"base64ToString({parameter})", f"empty({parameter}) ?")
    for name, parameter in AS_IT_IS.items():
        yield from _chosen(templates, name, parameter, f"empty({parameter}) ?")


def _chosen(templates: Templates, name: str, wanted: str, condition: str) -> Iterator[str]:
    """A setting is set when its parameter is, and may else stand among the further ones."""
    names_given = getattr(templates.main.modules["app"].given.get("appSettings"), "names", ())
    for variable, value in templates.main.variables.items():
        branches: tuple[Value, ...] = getattr(value, "branches", ())
        if variable in names_given and len(branches) == 2 and name in as_dict(branches[1]):
            if _text(as_dict(branches[1])[name]) != wanted or not _text(value).startswith(condition):
                yield f"{MAIN}: {name} is {_text(value)}"
            return
    yield f"{MAIN}: {name} is not set"


def _text(value: object) -> str:
    return str(getattr(value, "text", value))


CHECKS: list[Check] = [
    the_topic_takes_the_app_and_no_key,
    nothing_goes_out_unless_it_is_asked_for,
    the_example_brings_every_event_and_no_probe,
    no_event_comes_back,
    secrets_that_sign_stay_in_the_vault,
    settings_of_json_come_whole,
]
