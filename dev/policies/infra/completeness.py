"""What a deployment needs of each part beyond its type: its place, what it belongs to, and values that Azure knows."""

import re
from collections.abc import Iterator

import yaml

from dev.policies.infra.azure_facts import (
    CATEGORIES,
    CHOICES,
    EXTENSIONS,
    GLOBAL,
    KINDS,
    NEEDS,
    UNPLACED,
    UNTAGGED,
    VALUES,
)
from dev.policies.infra.bicep import BicepFile, Declared, Value, as_dict, as_list, at
from dev.policies.infra.templates import MAIN, Check, Templates

OWN_GROUP, ACS_GROUP = "group", "resourceGroup(acsSubscription, acsGroupName)"
WITH_ACS = {"acs", "newTopic", "topic", "eventsToQueue"}  # modules that are deployed beside the resource
DECIDED_ELSEWHERE = {"location"}  # storage_policy holds it against regions.json


def modules_are_placed(templates: Templates) -> Iterator[str]:
    """Check: a template of a subscription puts each module into a group; a module has nothing but what Bicep knows."""
    for path, file in templates.files.items():
        for symbol, use in file.modules.items():
            yield from (
                f"{path}:{symbol}: {name}" for name in sorted(set(use.body) - {"name", "scope", "params", "dependsOn"})
            )
            if not use.body.get("name") or not use.given:
                yield f"{path}:{symbol}: no name or no params"
            scope = getattr(use.body.get("scope"), "text", "")
            wanted = "" if path != MAIN else ACS_GROUP if symbol in WITH_ACS else OWN_GROUP
            if scope != wanted and not (symbol == "newAcs" and scope == OWN_GROUP):
                yield f"{path}:{symbol}: in {scope or 'no group'}"
        names = [str(getattr(use.body.get("name"), "text", use.body.get("name"))) for use in file.modules.values()]
        yield from (
            f"{path}: two deployments are called {name}" for name in sorted({n for n in names if names.count(n) > 1})
        )


def scopes_are_known(templates: Templates) -> Iterator[str]:
    """Check: the whole is deployed to a subscription; each module, and the hook's template, to a group."""
    for path, text in templates.texts.items():
        if path.endswith(".bicep"):
            found = re.findall(r"^targetScope = '(.*)'$", text, re.MULTILINE)
            if found not in ([["subscription"]] if path == MAIN else [[], ["resourceGroup"]]):
                yield f"{path}: targetScope {found}"


def resources_belong_somewhere(templates: Templates) -> Iterator[str]:
    """Check: a child has its parent, an extension its resource; an existing resource has a name and no more."""
    for path, file in templates.files.items():
        for symbol, resource in file.resources.items():
            kind = resource.what.partition("@")[0]
            place = f"{path}:{symbol}"
            if not resource.body.get("name"):
                yield f"{place}: no name"
            if resource.is_existing and set(resource.body) - {"name", "parent", "scope"}:
                yield f"{place}: more than a name"
            if kind.count("/") > 1 and _kind_of(file, resource.body.get("parent")) != kind.rpartition("/")[0]:
                yield f"{place}: no parent, or of another kind"
            if (kind in EXTENSIONS) != ("scope" in resource.body):
                yield f"{place}: scope"
            if kind.endswith(ONLY_DEFAULT) and resource.body.get("name") != "default":
                yield f"{place}: is called {resource.body.get('name')}"


def _kind_of(file: BicepFile, value: Value) -> str:
    """Return the type of the resource that is meant, also of one of many."""
    symbol = re.match(r"\w+", getattr(value, "text", ""))
    meant = file.resources.get(symbol[0]) if symbol else None
    return meant.what.partition("@")[0] if meant else ""


ONLY_DEFAULT = (
    *("/blobServices", "/queueServices", "/tableServices"),
    *("/managementPolicies", "/privateDnsZoneGroups"),
)


def everything_is_where_it_must_be(templates: Templates) -> Iterator[str]:
    """Global types are global, all others in the region that was chosen; and all have the tags that azd looks for."""
    for path, file in templates.files.items():
        for symbol, resource in file.resources.items():
            kind = resource.what.partition("@")[0]
            if resource.is_existing or kind.startswith(
                ("Microsoft.Authorization/", "Microsoft.Storage/storageAccounts/")
            ):
                continue
            location, tags = resource.body.get("location"), resource.body.get("tags")
            if kind in GLOBAL and location != "global":
                yield f"{path}:{symbol}: is in {location}, not global"
            if kind not in GLOBAL | UNPLACED and getattr(location, "text", "") != "location":
                yield f"{path}:{symbol}: is in {location}"
            if kind not in UNTAGGED | {"Microsoft.Insights/diagnosticSettings"} and "tags" not in getattr(
                tags, "names", ()
            ):
                yield f"{path}:{symbol}: no tags"
    if as_dict(templates.main.variables.get("tags")).keys() != {"azd-env-name", "product"}:
        yield f"{MAIN}: tags"


def nothing_that_is_needed_is_left_out(templates: Templates) -> Iterator[str]:
    """Azure's types call most things optional; a deployment without them is another one."""
    for path, file in templates.files.items():
        for symbol, resource in file.resources.items():
            if resource.is_existing:
                continue
            yield from _needs(f"{path}:{symbol}", resource.what.partition("@")[0], resource)


def _needs(place: str, kind: str, resource: Declared) -> Iterator[str]:
    yield from (f"{place}: {name} is left out" for name in sorted(NEEDS.get(kind, set()) - resource.properties.keys()))
    for way, value in VALUES.get(kind, {}).items():
        if at(resource.properties, *way) != value:
            yield f"{place}: {'.'.join(way)} must be {value!r}"
    if kind in KINDS and resource.body.get("kind") != KINDS[kind]:
        yield f"{place}: kind must be {KINDS[kind]!r}"
    for log in [*as_list(resource.properties.get("logs")), *as_list(resource.properties.get("metrics"))]:
        if kind == "Microsoft.Insights/diagnosticSettings" and (
            at(log, "category") not in CATEGORIES or at(log, "enabled") is not True
        ):
            yield f"{place}: {at(log, 'category')} is no category, or off"


def roles_are_named_as_azure_names_them(templates: Templates) -> Iterator[str]:
    """Check: the id of a role is a path: one letter, and the assignment fails in the middle of a deployment."""
    for path, text in templates.texts.items():
        for kind in re.findall(r"subscriptionResourceId\('([^']*)'", text):
            if kind != "Microsoft.Authorization/roleDefinitions":
                yield f"{path}: {kind}"
        for role in re.findall(r"'([0-9a-f]{8}-[^']*)'", text if path.endswith(".bicep") else ""):
            if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", role):
                yield f"{path}: {role} is no id"


def choices_are_those_that_azure_has(templates: Templates) -> Iterator[str]:
    """Check: a choice that Azure does not have fails late; one that is missing cannot be chosen."""
    for path, file in templates.files.items():
        for name, parameter in file.parameters.items():
            listed = parameter.decorators.get("allowed")
            if listed is not None and name not in DECIDED_ELSEWHERE and listed != CHOICES.get(name):
                yield f"{path}: {name} may be {listed}"
            default = parameter.default
            if name in CHOICES and not parameter.is_required and default not in CHOICES[name]:
                yield f"{path}: {name} is {default!r}"
            if name in CHOICES and listed is None:
                yield f"{path}: {name} may be anything"


def names_in_dns_lead_to_their_service(templates: Templates) -> Iterator[str]:
    """Check: a zone for blobs that is given to queues: the app finds no queue, and only behind a network."""
    network = templates.module("network")
    services = as_list(network.variables.get("services"))
    if services != ["blob", "queue", "table"]:
        yield f"network: {services}"
    for number, service in enumerate(services):
        if getattr(network.outputs.get(f"{service}ZoneId"), "text", "") != f"zones[{number}].id":
            yield f"network: {service}ZoneId"
    for service, zone in re.findall(r"service: '(\w+)', zoneId: network!\.outputs\.(\w+)ZoneId", templates.texts[MAIN]):
        if service != zone:
            yield f"{MAIN}: {service} by the zone of {zone}"
    text = templates.texts[MAIN]
    found = sorted(
        re.findall(r"name: '(\w+-\w+)-\$\{token\}', accountId: (\w+)!?\.outputs\.id, service: '(\w+)'", text)
    )
    if found != ENDPOINTS:
        yield f"{MAIN}: private endpoints {found}"
    for subnet in ("app", "endpoints"):
        names = [at(each, "name") for each in as_list(network.resources["network"].properties.get("subnets"))]
        if names.count(subnet) != 1 or f"/subnets/{subnet}'" not in templates.texts["infra/modules/network.bicep"]:
            yield f"network: no subnet {subnet}"


ENDPOINTS = [
    ("archive-blob", "archive", "blob"),
    ("dead-blob", "deadLetters", "blob"),
    ("fallback-blob", "fallback", "blob"),
    ("hooks-vault", "hooksVault", "vault"),
    ("host-blob", "hostStorage", "blob"),
    ("host-queue", "hostStorage", "queue"),
    ("host-table", "hostStorage", "table"),
    ("outgoing-topic", "outgoingTopic", "topic"),
]


def what_is_named_twice_is_named_alike(templates: Templates) -> Iterator[str]:
    """Check: an existing resource is found by its parameter; a hook has its shell, a sign-in its issuer."""
    for path, file in templates.files.items():
        for symbol, resource in file.resources.items():
            name = resource.body.get("name")
            if resource.is_existing and not isinstance(name, str) and getattr(name, "text", "") not in file.parameters:
                yield f"{path}:{symbol}: is named by {getattr(name, 'text', name)}"
    project = yaml.safe_load(templates.texts["azure.yaml"])
    for hook, shells in project["hooks"].items():
        for system, shell in (("posix", "sh"), ("windows", "pwsh")):
            if at(shells, system, "shell") != shell:
                yield f"azure.yaml: {hook} has no {shell}"
    if project.get("metadata", {}).get("template", "").partition("@")[0] != project["name"]:
        yield "azure.yaml: the template is not named"
    sign_in = templates.module("function-app").resources["signIn"].properties
    provider = at(sign_in, "identityProviders", "azureActiveDirectory")
    if at(provider, "enabled") is not True or "loginEndpoint" not in getattr(
        at(provider, "registration", "openIdIssuer"), "text", ""
    ):
        yield "function-app: nobody vouches for who signs in"
    role = templates.module("acs-access").resources["caller"]
    if "if (roleMode == 'custom')" not in templates.texts["infra/modules/acs-access.bicep"] or not role.properties:
        yield "acs-access: the custom role is made for another mode"


ORDER = {  # what no reference says: the one before must be there
    "acs": ["newAcs"],
    "topic": ["newTopic"],
    "eventsToQueue": ["topic", "eventAccess"],
    "app": ["endpoints"],
}


def one_thing_comes_after_the_other(templates: Templates) -> Iterator[str]:
    """Check: what only names an account, a topic or a setting does not wait for it, and Azure would not find it."""
    for symbol, before in ORDER.items():
        if _symbols(templates.main.modules[symbol]) != before:
            yield f"{MAIN}:{symbol}: does not wait for {before}"
    if _symbols(templates.module("function-app").resources["signIn"]) != ["settings"]:
        yield "function-app:signIn: does not wait for the settings"
    for path, file in templates.files.items():
        if "storage" not in file.modules:
            continue
        made = {symbol for symbol, resource in file.resources.items() if not resource.is_existing}
        for symbol in made:
            body = file.resources[symbol].body
            parent = getattr(body.get("parent"), "text", "") or getattr(body.get("scope"), "text", "")
            if parent not in made and not set(_symbols(file.resources[symbol])) & (made | {"storage"}):
                yield f"{path}:{symbol}: does not wait for the account"


def _symbols(declared: Declared) -> list[str]:
    return [getattr(each, "text", "") for each in as_list(declared.body.get("dependsOn"))]


def details_that_no_type_knows(templates: Templates) -> Iterator[str]:
    """Check: one value each, where another one is valid and wrong."""
    account = templates.module("storage-account").resources["account"].properties
    immutable = getattr(account.get("immutableStorageWithVersioning"), "branches", (None, None))[1]
    if (
        at(immutable, "enabled") is not True
        or at(immutable, "immutabilityPolicy", "allowProtectedAppendWrites") is not False
    ):
        yield "storage-account: immutability is off, or lets appends through"
    services = as_dict(at(account, "encryption", "services"))
    if sorted(services) != ["blob", "file", "queue", "table"] or any(
        at(each, "enabled") is not True for each in services.values()
    ):
        yield "storage-account: a service without encryption"
    for module in ("storage-archive", "storage-host"):
        for resource in templates.module(module).resources.values():
            for rule in as_list(at(resource.properties, "policy", "rules")):
                if at(rule, "definition", "filters", "blobTypes") != ["blockBlob"] or at(rule, "type") != "Lifecycle":
                    yield f"{module}: the rule is for other blobs"
    sub = templates.files["infra/event-subscription-function.bicep"].resources["toFunction"].properties
    batch = at(sub, "destination", "properties")
    if (at(batch, "maxEventsPerBatch"), at(batch, "preferredBatchSizeInKilobytes")) != (1, 64):
        yield "event-subscription-function: one failing event takes others with it"
    if (
        at(templates.module("function-app").resources["signIn"].properties, "login", "tokenStore", "enabled")
        is not False
    ):
        yield "function-app: tokens of people are kept"
    if at(templates.module("acs").resources["acs"].body, "identity", "type") != "SystemAssigned":
        yield "acs: no identity, which recording to your own storage needs"
    yield from _details_of_the_host(templates)
    caller = templates.module("acs-access")
    granted = [at(each, "actions") for each in as_list(caller.resources["caller"].properties.get("permissions"))]
    spaces = "Microsoft.Communication/CommunicationServices"
    if granted != [[f"{spaces}/Read", f"{spaces}/Write"]]:
        yield f"acs-access: the custom role may {granted}"
    if templates.texts["infra/modules/acs-access.bicep"].count("roleMode == 'custom'") != 2:
        yield "acs-access: the role is not the one of the mode"


HOST_ROLES = {
    "blobOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "queueContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "tableContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}


def _details_of_the_host(templates: Templates) -> Iterator[str]:
    host = templates.module("storage-host")
    if host.variables.get("roles") != HOST_ROLES:
        yield f"storage-host: the app's roles are {host.variables.get('roles')}"
    names = as_list(host.variables.get("containerNames"))
    if names[:1] != ["app-package"] or getattr(host.outputs.get("packageContainer"), "text", "") != "containerNames[0]":
        yield "storage-host: the package is in another container"
    if getattr(host.outputs.get("eventQueueName"), "text", "") != "queueNames[0]":
        yield "storage-host: events are put on another queue"
    for subnet in as_list(templates.module("network").resources["network"].properties.get("subnets")):
        if getattr(at(subnet, "properties", "networkSecurityGroup", "id"), "text", "") != "guard.id":
            yield f"network: {at(subnet, 'name')} has no security group"
    registration = at(
        templates.module("function-app").resources["signIn"].properties,
        *("identityProviders", "azureActiveDirectory", "registration"),
    )
    if getattr(at(registration, "clientId"), "text", "") != "entraClientId":
        yield "function-app: people sign in to another application"
    for name, bounds in BOUNDS.items():
        found = templates.main.parameters[name].decorators
        if (found.get("minValue"), found.get("maxValue"), found.get("minLength"), found.get("maxLength")) != bounds:
            yield f"{MAIN}: {name} has other bounds"


BOUNDS = {  # least and most value, least and most length
    "environmentName": (None, None, 1, 32),
    "resourceGroupName": (None, None, None, 90),
    "coolAfterDays": (-1, 36500, None, None),
    "coldAfterDays": (-1, 36500, None, None),
    "archiveAfterDays": (-1, 36500, None, None),
    "deleteAfterDays": (-1, 36500, None, None),
    "monthlyBudget": (0, None, None, None),
    "logRetentionDays": (30, 730, None, None),
    "logDailyCapGb": (-1, None, None, None),
    "archiveImmutabilityDays": (1, 146000, None, None),
    "quarantineDays": (7, None, None, None),
    "maximumInstanceCount": (1, 1000, None, None),
}
CONDITIONS = {
    "fallback": "!empty(fallbackLocation)",
    "newAcs": "empty(existingAcsName)",
    "newTopic": "empty(existingSystemTopicName)",
    "network": "vnetEnabled",
    "endpoints": "vnetEnabled",
    "budget": "monthlyBudget > 0 && !empty(alertEmails)",
    "caller": "roleMode == 'custom'",
    "signIn": "entraClientId != ''",
    "keep": "lock",
    "operatorRole": "operatorsId != ''",
    "sealKey": "seal",
    "outgoingTopic": "eventsTopic",
    "outgoingQueue": "eventsTopic && !empty(eventsQueue)",
    "hooksVault": "webhooksVault",
    "sets": "operatorsId != ''",
    "checkpoints": "sealContainer != ''",
    "bundles": "sealContainer != ''",
    "operate": "operatorsId != ''",
    "operatorsRead": "operatorsId != ''",
    "reviewHeld": "operatorsId != ''",
}


def what_is_optional_is_made_when_it_is_asked_for(templates: Templates) -> Iterator[str]:
    """Check: a condition that is turned round makes a second resource, or none."""
    seen = set()
    for path, text in templates.texts.items():
        for symbol, condition in re.findall(
            r"^(?:module|resource) (\w+) '[^']+' = if \((.*)\) \{$", text, re.MULTILINE
        ):
            seen.add(symbol)
            if condition != CONDITIONS.get(symbol):
                yield f"{path}:{symbol}: if {condition}"
    yield from (f"{symbol} is always made" for symbol in sorted(CONDITIONS.keys() - seen))
    audiences = at(
        templates.module("function-app").resources["signIn"].properties,
        *("identityProviders", "azureActiveDirectory", "validation", "allowedAudiences"),
    )
    if [getattr(each, "text", each) for each in as_list(audiences)] != ["'api://${entraClientId}'", "entraClientId"]:
        yield "function-app: tokens for others are taken"
    if getattr(templates.main.parameters["thisMonth"].default, "text", "") != "utcNow('yyyy-MM-01')":
        yield f"{MAIN}: thisMonth"


CHECKS: list[Check] = [
    modules_are_placed,
    scopes_are_known,
    resources_belong_somewhere,
    everything_is_where_it_must_be,
    nothing_that_is_needed_is_left_out,
    roles_are_named_as_azure_names_them,
    choices_are_those_that_azure_has,
    names_in_dns_lead_to_their_service,
    what_is_named_twice_is_named_alike,
    one_thing_comes_after_the_other,
    details_that_no_type_knows,
    what_is_optional_is_made_when_it_is_asked_for,
]
