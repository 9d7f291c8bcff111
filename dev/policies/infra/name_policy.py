"""Names that Azure takes: long enough, not too long, of the right letters, and no two environments' the same."""

import re
from collections.abc import Iterator, Mapping

from dev.policies.infra.bicep import BicepFile, Expression, Value, as_list, at
from dev.policies.infra.completeness import ACS_GROUP
from dev.policies.infra.templates import MAIN, Check, Templates, target

WORDS = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
LOWER_WORDS = r"[a-z0-9](?:-?[a-z0-9])*"
ANY = r"[^<>%&\\?/]*[^<>%&\\?/. ]"
STORAGE = "Microsoft.Storage/storageAccounts"
LIMITS: Mapping[str, tuple[int, int, str]] = {  # least and most letters, and which; from Azure's rules of names
    "Microsoft.Communication/communicationServices": (1, 63, WORDS),
    "Microsoft.Consumption/budgets": (1, 63, r"[\w-]+"),
    "Microsoft.EventGrid/systemTopics": (3, 50, WORDS),
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": (3, 64, WORDS),
    "Microsoft.EventGrid/topics": (3, 50, WORDS),
    "Microsoft.EventGrid/topics/eventSubscriptions": (3, 64, WORDS),
    "Microsoft.Insights/actionGroups": (1, 260, ANY),
    "Microsoft.Insights/components": (1, 260, ANY),
    "Microsoft.Insights/diagnosticSettings": (1, 260, ANY),
    "Microsoft.KeyVault/vaults": (3, 24, r"[A-Za-z](?:-?[A-Za-z0-9])*"),
    "Microsoft.KeyVault/vaults/keys": (1, 127, r"[A-Za-z0-9-]+"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": (3, 128, r"[A-Za-z0-9][\w-]*"),
    "Microsoft.Network/networkSecurityGroups": (1, 80, r"\w[\w.-]*"),
    "Microsoft.Network/virtualNetworks": (2, 64, r"\w[\w.-]*"),
    "Microsoft.OperationalInsights/workspaces": (4, 63, WORDS),
    "Microsoft.Resources/resourceGroups": (1, 90, r"[\w().-]*[\w()-]"),
    STORAGE: (3, 24, r"[a-z0-9]+"),
    f"{STORAGE}/blobServices/containers": (3, 63, LOWER_WORDS),
    f"{STORAGE}/queueServices/queues": (3, 63, LOWER_WORDS),
    f"{STORAGE}/tableServices/tables": (3, 63, r"[A-Za-z][A-Za-z0-9]*"),
    "Microsoft.Web/serverfarms": (1, 60, WORDS),
    # The Functions host makes its id of the first 32 letters: of longer names, two would be one.
    "Microsoft.Web/sites": (2, 32, WORDS),
}
MOST_OF_A_DEPLOYMENT, MOST_OF_A_SHORT_NAME = 64, 12
# What a name is made of, at its longest: uniqueString() gives 13 letters.
LONGEST: Mapping[str, str] = {
    "token": "a" * 13,
    "environmentName": "e" * 32,
    "resourceGroupName": "g" * 90,
    "eventsQueue": "q" * 63,
}


def names_are_those_that_azure_takes(templates: Templates) -> Iterator[str]:
    """Check: one letter too many fails a deployment in the middle, and only where the environment has a long name."""
    for path, file in templates.files.items():
        for symbol, resource in file.resources.items():
            kind = resource.what.partition("@")[0]
            if resource.is_existing or kind not in LIMITS:
                continue
            found = {name for name in spelled(templates, path, resource.body.get("name"), resource.loop) if name}
            if not found:
                yield f"{path}:{symbol}: nobody can say what it is called"
            least, most, letters = LIMITS[kind]
            for name in sorted(found):
                if not least <= len(name) <= most or not re.fullmatch(letters, name):
                    yield f"{path}:{symbol}: {name} is no name for {kind}"
    for place, _, group in templates.made("Microsoft.Insights/actionGroups"):
        if len(str(group.properties.get("groupShortName"))) > MOST_OF_A_SHORT_NAME:
            yield f"{place}: groupShortName is too long"


def deployments_beside_the_resource_have_names_of_their_own(templates: Templates) -> Iterator[str]:
    """Check: two environments on one resource deploy into one group: of the same name, the second waits or fails."""
    for path, file in templates.files.items():
        for symbol, use in file.modules.items():
            names = list(spelled(templates, path, use.body.get("name")))
            if any(len(name) > MOST_OF_A_DEPLOYMENT for name in names):
                yield f"{path}:{symbol}: the deployment's name is too long"
            text = getattr(use.body.get("name"), "text", "")
            if path == MAIN and getattr(use.body.get("scope"), "text", "") == ACS_GROUP and "-${token}'" not in text:
                yield f"{path}:{symbol}: another environment's deployment has the same name"


def spelled(templates: Templates, path: str, value: Value, loop: Value = None) -> Iterator[str]:
    """Yield every name that an expression can be, at its longest; nothing where that cannot be told."""
    file = templates.files[path]
    if isinstance(value, str):
        yield value
    elif isinstance(value, Expression) and value.branches:
        yield from (name for branch in value.branches for name in spelled(templates, path, branch, loop))
    elif isinstance(value, Expression) and value.text.startswith("'"):
        yield from _written(templates, path, value.text[1:-1], loop)
    elif isinstance(value, Expression):
        yield from _named(templates, path, file, value.text, loop)


def _written(templates: Templates, path: str, text: str, loop: Value) -> Iterator[str]:
    found = re.search(r"\$\{(\w+)\}", text)
    if found is None:
        if "${" not in text:
            yield text
        return
    for part in _named(templates, path, templates.files[path], found[1], loop):
        yield from _written(templates, path, text[: found.start()] + part + text[found.end() :], loop)


def _named(templates: Templates, path: str, file: BicepFile, name: str, loop: Value) -> Iterator[str]:
    """Yield what stands behind a name: a constant, a variable, what a module is given, or what a loop goes over."""
    if path == MAIN and name in LONGEST:
        yield LONGEST[name]
    elif name in file.variables:
        yield from spelled(templates, path, file.variables[name], loop)
    elif name in file.parameters:
        yield from _given(templates, path, file, name)
    elif isinstance(loop, Expression):
        yield from (str(item) for item in as_list(file.resolved(loop)) if isinstance(item, str))


def _given(templates: Templates, path: str, file: BicepFile, name: str) -> Iterator[str]:
    if path == MAIN:
        yield from (text for text in [file.parameters[name].default] if isinstance(text, str))
    for other, user in templates.files.items():
        for use in user.modules.values():
            if target(other, use.what) == path:
                yield from spelled(templates, other, at(use.given, name))
    if path.count("/") == 1 and path != MAIN:  # the template of a hook, which is given the token of the main one
        yield LONGEST["token"]


CHECKS: list[Check] = [
    names_are_those_that_azure_takes,
    deployments_beside_the_resource_have_names_of_their_own,
]
