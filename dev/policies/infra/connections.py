"""What is connected with what: settings with places, parameters with variables, one shell with the other."""

import json
import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network

from dev.policies.infra.azure_facts import CHOICES
from dev.policies.infra.bicep import Expression, Value, as_dict, as_list, at
from dev.policies.infra.evaluate import Evaluation
from dev.policies.infra.templates import MAIN, Check, Templates

STORES = {  # the prefix of a setting: the account that it leads to
    "AzureWebJobsStorage": "hostStorage",
    "ARCHIVE_STORAGE": "archive",
    "CUSTODIAN_STORAGE": "archive",
    "DEAD_LETTER_STORAGE": "deadLetters",
    "FALLBACK_STORAGE": "fallback",
}
PLACES = {
    "ACS_ENDPOINT": "acs.outputs.endpoint",
    "ACS_RESOURCE_ID": "acs.outputs.id",
    "ARCHIVE_RESOURCE_ID": "archive.outputs.id",
    "ARCHIVE_CONTAINER": "archive.outputs.containerName",
    "FALLBACK_CONTAINER": "fallback.outputs.containerName",
    "DEAD_LETTER_CONTAINER": "deadLetters.outputs.containerName",
    "MONITOR_WORKSPACE_ID": "monitoring.outputs.workspaceCustomerId",
    "SEAL_KEY": "sealKey.outputs.keyUri",
    "EVENTS_TOPIC_ENDPOINT": "outgoingTopic.outputs.endpoint",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "monitoring.outputs.insightsConnectionString",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "'ClientId=${identity.outputs.clientId};Authorization=AAD'",
    "ARCHIVE_IMMUTABILITY": "archiveImmutability == 'Off' ? 'Off' : archiveLocked ? 'Locked' : 'Unlocked'",
}
CHOSEN = {  # settings that are a parameter of the same name
    *("RETENTION_HOURS", "AT_RISK_HOURS", "DELETE_AFTER_DAYS", "MEDIA_CHECK", "CONSENT_REQUIRED"),
}
NAMED_BY_AZD = {
    "environmentName": "AZURE_ENV_NAME",
    "location": "AZURE_LOCATION",
    "pythonVersion": "APP_PYTHON_VERSION",
    "instanceMemoryMB": "INSTANCE_MEMORY_MB",
}
SMALLEST_OF_FLEX = 27  # the prefix of the smallest subnet that Flex Consumption takes
ZONES = {"blob": "blob", "queue": "queue", "table": "table"}
FIREWALL = "vnetEnabled ? 'Deny' : 'Allow'"
# Regions of Flex Consumption without availability zones, and those with zones whose pair, if any, gives no GZRS.
WITHOUT_ZONES = {
    *("australiasoutheast", "northcentralus", "southindia", "ukwest", "westcentralus", "westus"),
}
WITHOUT_PAIRED_ZONES = {"italynorth", "spaincentral"}
# Where a new Communication Services resource keeps its data, by region: the country's own where Microsoft lists one.
DATA_IS_IN: Mapping[str, set[str]] = {
    "Africa": {"southafricanorth"},
    "Asia Pacific": {"eastasia", "southeastasia"},
    "Australia": {"australiaeast", "australiasoutheast"},
    "Brazil": {"brazilsouth"},
    "Canada": {"canadacentral"},
    "Europe": {"italynorth", "northeurope", "spaincentral", "swedencentral", "westeurope"},
    "France": {"francecentral"},
    "Germany": {"germanywestcentral"},
    "India": {"centralindia", "southindia"},
    "Japan": {"japaneast"},
    "Korea": {"koreacentral"},
    "Norway": {"norwayeast"},
    "UAE": {"uaenorth"},
    "UK": {"uksouth", "ukwest"},
    "United States": {
        *("centralus", "eastus", "eastus2", "northcentralus", "southcentralus"),
        *("westcentralus", "westus", "westus2", "westus3"),
    },
}
SAME_IN_BOTH = (  # what the two shells of a hook must have in common
    r"Microsoft\.\w+(?:\.\w+)?",
    r"infra/[\w/.-]+\.bicep",
    r"--[a-z][a-z-]+ (?:Locked|false|none|json|tsv)\b",
    r"env set \w+(?: true| false)?",
    r"env get-value \w+",
)
DEFAULTS = {"SUBSCRIBE_TRIES": "10", "SUBSCRIBE_PAUSE_SECONDS": "15"}


def each_setting_leads_to_its_place(templates: Templates) -> Iterator[str]:
    """Check: an address of another account is an address: the app starts, and writes where nobody looks."""
    for name, value in _settings(templates).items():
        prefix, _, service = name.partition("__")
        wanted = PLACES.get(name)
        if prefix in STORES and service.endswith("ServiceUri"):
            wanted = f"{STORES[prefix]}.outputs.{service.removesuffix('ServiceUri')}Uri"
        elif service == "clientId" or name == "ACS_CLIENT_ID":
            who = "custodian" if prefix == "CUSTODIAN_STORAGE" else "identity"
            wanted = f"{who}.outputs.clientId"
        elif name in CHOSEN:
            parameter = re.sub(r"_(\w)", lambda found: found[1].upper(), name.lower())
            wanted = parameter if value == parameter else f"string({parameter})"
        if wanted is not None and value.replace("!", "") != wanted:
            yield f"{MAIN}: {name} is {value}, not {wanted}"
    given = templates.main.modules["archive"].given.get("immutability")
    if getattr(given, "text", "") != PLACES["ARCHIVE_IMMUTABILITY"]:
        yield f"{MAIN}: the archive has another policy than the app is told"


def each_variable_is_named_like_its_parameter(templates: Templates) -> Iterator[str]:
    """Check: a variable that sets another parameter is one that nobody finds."""
    parameters = json.loads(templates.texts["infra/main.parameters.json"])["parameters"]
    for name, given in parameters.items():
        variable = re.sub(r"(?<!^)(?=[A-Z](?![A-Z]))", "_", name).upper()
        found = re.fullmatch(r"\$\{(\w+)(?:=.*)?\}", given["value"])
        if not found or found[1] != NAMED_BY_AZD.get(name, variable):
            yield f"infra/main.parameters.json: {name} is {given['value']}"


def names_are_the_environments_own(templates: Templates) -> Iterator[str]:
    """Check: names of storage accounts are the world's: they depend on subscription, environment and region."""
    token = getattr(templates.main.variables.get("token"), "text", "")
    if token != "toLower(uniqueString(subscription().id, environmentName, location))":
        yield f"{MAIN}: token is {token}"
    here = Evaluation(
        templates,
        environmentName="e",
        location="westeurope",
        existingAcsName="acs",
        existingAcsResourceGroup="rg-calls",
        existingAcsSubscription="THEIRS",
    )
    if here.value("acsSubscription") != "THEIRS":
        yield f"{MAIN}: the subscription of an existing resource is not taken"


def regions_are_as_azure_says(templates: Templates) -> Iterator[str]:
    """Check: a zone that is not there fails a deployment; one that is there and not told is a copy that is not made."""
    for name, facts in json.loads(templates.texts["infra/regions.json"]).items():
        if facts["zones"] is not (name not in WITHOUT_ZONES):
            yield f"infra/regions.json: zones of {name}"
        if facts["geoZones"] is not (name not in WITHOUT_ZONES | WITHOUT_PAIRED_ZONES):
            yield f"infra/regions.json: paired zones of {name}"
        if facts["acsData"] not in CHOICES["acsDataLocation"] or name not in DATA_IS_IN.get(facts["acsData"], set()):
            yield f"infra/regions.json: {name}: {facts['acsData']} is not where its data belongs"
        neighbours = DATA_IS_IN.get(facts["acsData"], set()) - {name}
        if (facts["other"] not in neighbours) if neighbours else facts["other"]:
            yield f"infra/regions.json: {name}: dead letters in {facts['other'] or 'the same region'}"


def the_network_lets_through_what_it_must(templates: Templates) -> Iterator[str]:
    """Closed for others only when there is a network, open outwards, and large enough for the platform."""
    for module, symbol in (("storage-account", "account"), ("seal-key", "vault"), ("webhooks-vault", "vault")):
        acls = templates.module(module).resources[symbol].properties.get("networkAcls")
        if getattr(at(acls, "defaultAction"), "text", "") != FIREWALL or at(acls, "bypass") != "AzureServices":
            yield f"{module}: networkAcls"
    network = templates.module("network").resources
    if network["guard"].properties.get("securityRules") != []:
        yield "network: a rule that stops recordings, or lets strangers in"
    (app,) = [s for s in as_list(network["network"].properties.get("subnets")) if at(s, "name") == "app"]
    if IPv4Network(str(at(app, "properties", "addressPrefix"))).prefixlen > SMALLEST_OF_FLEX:
        yield "network: the app's subnet is too small"
    if network["vaultZone"].body.get("name") != "privatelink.vaultcore.azure.net":
        yield "network: the zone of the vault"
    if network["topicZone"].body.get("name") != "privatelink.eventgrid.azure.net":
        yield "network: the zone of the topic"
    zone = getattr(network["zones"].body.get("name"), "text", "")
    if zone != "'privatelink.${service}.${environment().suffixes.storage}'":
        yield f"network: {zone}"
    acs = templates.module("acs").resources["acs"].properties
    if acs.get("publicNetworkAccess") != "Enabled":
        yield "acs: nobody reaches it"
    if (
        getattr(templates.module("acs-access").outputs.get("endpoint"), "text", "")
        != "'https://${acs.properties.hostName}'"
    ):
        yield "acs-access: endpoint"


def what_is_kept_is_kept_as_long_as_the_pages_say(templates: Templates) -> Iterator[str]:
    """Check: soft delete, change feed, lock and ageing are as docs/deploy.md says."""
    archive, account = templates.module("storage-archive"), templates.module("storage-account")
    if archive.variables.get("softDeleteDays") != 14:
        yield "storage-archive: softDeleteDays"
    if getattr(at(account.resources["blobs"].properties, "changeFeed", "enabled"), "text", "") != "versioning":
        yield "storage-account: changeFeed"
    for module in ("storage-archive", "storage-host"):
        if getattr(templates.module(module).resources["keep"].body.get("scope"), "text", "") != "account":
            yield f"{module}: the lock is on another thing than the account"
    rules = as_list(at(archive.resources["lifecycle"].properties, "policy", "rules"))
    for rule in rules:
        prefixes = as_list(at(rule, "definition", "filters", "prefixMatch"))
        if not prefixes or any(not _of_the_container(prefix) for prefix in prefixes):
            yield "storage-archive: a rule of age is for more than recordings"
    issuer = at(
        templates.module("function-app").resources["signIn"].properties,
        *("identityProviders", "azureActiveDirectory", "registration", "openIdIssuer"),
    )
    if getattr(issuer, "text", "") != "'${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'":
        yield "function-app: people of other tenants sign in"
    plan = templates.module("function-app").resources["plan"].properties
    if getattr(plan.get("zoneRedundant"), "text", "") != "zoneRedundant":
        yield "function-app: zones are not passed on"
    if (
        getattr(templates.module("monitoring").resources["workbook"].properties["sourceId"], "text", "")
        != "workspace.id"
    ):
        yield "monitoring: the workbook asks another place"


def both_shells_do_the_same(templates: Templates) -> Iterator[str]:
    """Check: nobody here runs PowerShell: what one shell asks Azure for, the other asks for, word by word."""
    hooks = sorted({path.rpartition(".")[0] for path in templates.texts if path.startswith("infra/hooks/")})
    for hook in hooks:
        posix, windows = (templates.texts[f"{hook}.{suffix}"] for suffix in ("sh", "ps1"))
        for pattern in SAME_IN_BOTH:
            one, other = (
                {word for line in text.splitlines() if not line.startswith("#") for word in re.findall(pattern, line)}
                for text in (posix, windows)
            )
            one, other = one - ONLY_ONE, other - ONLY_ONE
            if one != other:
                yield f"{hook}: the shells differ: {sorted(one ^ other)}"
    for name, value in DEFAULTS.items():
        if f"${{{name}:-{value}}}" not in templates.texts["infra/hooks/postdeploy.sh"]:
            yield f"infra/hooks/postdeploy.sh: {name}"
        if f"$env:{name} }} else {{ {value} }}" not in templates.texts["infra/hooks/postdeploy.ps1"]:
            yield f"infra/hooks/postdeploy.ps1: {name}"
    for suffix in ("sh", "ps1"):
        if (
            "--template-file infra/event-subscription-function.bicep"
            not in templates.texts[f"infra/hooks/postdeploy.{suffix}"]
        ):
            yield f"infra/hooks/postdeploy.{suffix}: deploys another template"
        lock = templates.texts[f"infra/hooks/lock.{suffix}"]
        if not re.search(r'--immutability-state Locked --immutability-period "?\$days"? ', lock):
            yield f"infra/hooks/lock.{suffix}: locks for other days"
        for hook in ("postdeploy", "predown", "preprovision", "lock"):
            if re.search(r"\bexit 0\b", templates.texts[f"infra/hooks/{hook}.{suffix}"]):
                yield f"infra/hooks/{hook}.{suffix}: stops as if all were well"
    if "-ge $tries" not in templates.texts["infra/hooks/postdeploy.ps1"]:
        yield "infra/hooks/postdeploy.ps1: another number of tries"


# Words that one shell needs and the other says in its own way: tables against objects.
ONLY_ONE = {"--output tsv", "--output json", "--output none"}


def _of_the_container(prefix: Value) -> bool:
    text = prefix.text if isinstance(prefix, Expression) else str(prefix)
    return text.startswith("'${container}/")


def _settings(templates: Templates) -> Mapping[str, str]:
    """Return every setting of the app with the expression that it is given."""
    given = templates.main.modules["app"].given.get("appSettings")
    named = (templates.main.variables.get(name) for name in sorted(getattr(given, "names", ())))
    chosen = [branch for value in named for branch in (value, *getattr(value, "branches", ()))]
    found: dict[str, str] = {}
    for value in (*getattr(given, "given", ()), *chosen):
        found |= {name: getattr(one, "text", str(one)) for name, one in as_dict(value).items()}
    return found


CHECKS: list[Check] = [
    each_setting_leads_to_its_place,
    each_variable_is_named_like_its_parameter,
    names_are_the_environments_own,
    regions_are_as_azure_says,
    the_network_lets_through_what_it_must,
    what_is_kept_is_kept_as_long_as_the_pages_say,
    both_shells_do_the_same,
]
