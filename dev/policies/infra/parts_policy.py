"""What each resource is called, and the parts that must be whole: without them Azure makes another thing."""

from collections.abc import Iterator, Mapping
from typing import Any

from dev.policies.infra.bicep import Expression, Value, at
from dev.policies.infra.completeness import CONDITIONS
from dev.policies.infra.expected_names import MODULES, NAMES, ROLE_NAMES, WATCHED
from dev.policies.infra.expected_parts import OUTPUTS, PARTS
from dev.policies.infra.expected_wiring import (
    GIVEN,
    MAIN_OUTPUTS,
    MAIN_VARIABLES,
    PASSED_ON,
    REGIONS,
    RENAMED,
    SETTINGS_BEGIN,
    TARGETS,
)
from dev.policies.infra.templates import MAIN, Check, Templates


def names_stay(templates: Templates) -> Iterator[str]:
    """Hold names: a resource of another name is another one, and one that is not made is missed only when needed."""
    found = {
        f"{_short(path)}:{symbol}": _plain(resource.body.get("name"))
        for path, file in templates.files.items()
        for symbol, resource in file.resources.items()
    }
    for place in sorted(NAMES.keys() | found.keys()):
        if found.get(place) != NAMES.get(place):
            yield f"{place}: is called {found.get(place)}, and the table has {NAMES.get(place)}"
    for path, file in templates.files.items():
        for symbol, resource in file.resources.items():
            name = f"{_short(path)}:{symbol}"
            if name in ROLE_NAMES and _plain(resource.properties.get("roleName")) != ROLE_NAMES[name]:
                yield f"{name}: the role is called {_plain(resource.properties.get('roleName'))}"


def parts_are_whole(templates: Templates) -> Iterator[str]:
    """Find an endpoint to nothing, a zone that no network uses, a role that cannot read, a log without its lines."""
    files = {_short(path): file for path, file in templates.files.items()}
    for (place, name), wanted in PARTS.items():
        module, _, symbol = place.partition(":")
        resource = files[module].resources.get(symbol)
        found = _plain(at(resource.properties, name)) if resource is not None else None
        if found != wanted:
            yield f"{place}: {name} is {found}"
    for (module, output), text in OUTPUTS.items():
        if _plain(files[module].outputs.get(output)) != text:
            yield f"{module}: {output} is {_plain(files[module].outputs.get(output))}"


def the_whole_hands_on_what_is_asked_for(templates: Templates) -> Iterator[str]:
    """Hold names of accounts, where another is an empty one, and outputs, which hooks and pages look for."""
    main = templates.main
    given = {symbol: _plain(use.given["name"]) for symbol, use in main.modules.items() if "name" in use.given}
    yield from _differences("the name of", MODULES, given)
    yield from _differences("output", MAIN_OUTPUTS, {name: _plain(value) for name, value in main.outputs.items()})
    targets = {name: _plain(value) for name, value in main.variables.items() if name.endswith("Targets")}
    yield from _differences("variable", MAIN_VARIABLES, targets)
    handed = {(symbol, name): _plain(main.modules[symbol].given.get(name)) for symbol, name in GIVEN}
    yield from _differences("parameter", GIVEN, handed)
    targets_given = getattr(main.modules["endpoints"].given.get("targets"), "given", ())
    if [_plain(each) for each in targets_given] != TARGETS:
        yield f"{MAIN}: the private endpoints are {[_plain(each) for each in targets_given]}"
    settings = main.modules["app"].given.get("appSettings")
    if not str(_plain(settings)).startswith(f"{SETTINGS_BEGIN}, {{\n"):
        yield f"{MAIN}: the settings are put together in another way"
    (last,) = [value for value in getattr(settings, "given", ()) if at(value, "ACS_ENDPOINT") is not None]
    if at(last, "AzureWebJobsStorage__credential") != "managedidentity":
        yield f"{MAIN}: the host signs in as somebody else"


def each_choice_reaches_its_part(templates: Templates) -> Iterator[str]:
    """Hold parameters and results against where they go: days for gigabytes, or a name for a region, still compile."""
    for path, file in templates.files.items():
        for symbol, use in file.modules.items():
            for name, value in use.given.items():
                text = str(_plain(value))
                wanted = REGIONS.get(symbol, "location") if name == "location" else RENAMED.get(name, name)
                if path != MAIN:
                    wanted = name
                if (text in file.parameters or name == "location") and text != wanted:
                    yield f"{path}:{symbol}: {name} is {text}"
    for (symbol, name), wanted in PASSED_ON.items():
        if _plain(templates.main.modules[symbol].given.get(name)) != wanted:
            yield f"{MAIN}:{symbol}: {name} is not {wanted}"


def logs_and_locks_are_of_their_resource(templates: Templates) -> Iterator[str]:
    """Hold scopes: a log of the role in place of the account is taken by Azure, and an alert sees nothing for good."""
    found = {
        f"{_short(path)}:{symbol}": _plain(resource.body.get("scope"))
        for path, file in templates.files.items()
        for symbol, resource in file.resources.items()
        if resource.what.startswith(("Microsoft.Insights/diagnosticSettings@", "Microsoft.Authorization/locks@"))
    }
    for place in sorted(WATCHED.keys() | found.keys()):
        if found.get(place) != WATCHED.get(place):
            yield f"{place}: is of {found.get(place)}"
    for place, _, log in templates.made("Microsoft.Insights/diagnosticSettings"):
        if _plain(log.properties.get("workspaceId")) != "workspaceId":
            yield f"{place}: is kept in {_plain(log.properties.get('workspaceId'))}"


def _differences(what: str, wanted: Mapping[Any, Any], found: Mapping[Any, Any]) -> Iterator[str]:
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            yield f"{MAIN}: {what} {name} is {found.get(name)}"


def what_is_optional_is_so_wherever_it_stands(templates: Templates) -> Iterator[str]:
    """Look at each resource: that one of two with the same name has its condition says nothing of the other."""
    for path, file in templates.files.items():
        for symbol, resource in file.resources.items():
            if symbol not in CONDITIONS.keys() - templates.main.modules.keys() or resource.is_existing or resource.loop:
                continue
            if f"resource {symbol} '{resource.what}' = if ({CONDITIONS[symbol]}) {{" not in templates.texts[path]:
                yield f"{path}:{symbol}: is made whether it was asked for or not"


def deleted_blobs_stay_as_long_everywhere(templates: Templates) -> Iterator[str]:
    """Ask for the fourteen days that the pages promise of every account, and for versions in the archive only."""
    for module in ("storage-host", "storage-dead-letter"):
        if templates.module(module).modules["storage"].given.get("softDeleteDays") != 14:
            yield f"{module}: softDeleteDays"
    if templates.module("storage-account").parameters["versioning"].default is not False:
        yield "storage-account: versions of everything are kept"


def _short(path: str) -> str:
    return path.removeprefix("infra/").removeprefix("modules/").removesuffix(".bicep")


def _plain(value: Value) -> Any:
    """Return a value with the text of each expression in its place."""
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


CHECKS: list[Check] = [
    names_stay,
    parts_are_whole,
    the_whole_hands_on_what_is_asked_for,
    each_choice_reaches_its_part,
    logs_and_locks_are_of_their_resource,
    what_is_optional_is_so_wherever_it_stands,
    deleted_blobs_stay_as_long_everywhere,
]
