"""Each resource against the shape of its type: every property is one that was looked at, of the right type.

`resource_types.json` has, for each type and version in use, the properties in use: a slice of Azure's published type
definitions. A property that is not in it is a fault, however valid it may be elsewhere; `!` marks what Azure requires.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dev.policies.infra.bicep import BicepFile, Expression, Value
from dev.policies.infra.templates import MAIN, Check, Templates, target

TYPES: dict[str, Any] = json.loads(Path(__file__).with_name("resource_types.json").read_text(encoding="utf-8"))
_META = {"parent", "scope", "dependsOn"}  # Bicep's own, on every resource
_KINDS = {"string": str, "int": int, "bool": bool}
_TEXT_OF_A_CALL = ("guid(", "string(", "toLower(", "loadTextContent(", "subscriptionResourceId(")
# What Flex Consumption takes in siteConfig; ARM refuses the rest.
FLEX_SITE_CONFIG = {
    "minTlsVersion",
    "scmMinTlsVersion",
    "http20Enabled",
    "remoteDebuggingEnabled",
    "ipSecurityRestrictions",
    "ipSecurityRestrictionsDefaultAction",
    "scmIpSecurityRestrictions",
    "scmIpSecurityRestrictionsDefaultAction",
    "scmIpSecurityRestrictionsUseMain",
}


def known_types(templates: Templates) -> Iterator[str]:
    """Check: each resource has a type and version that was looked at."""
    for path, file in templates.files.items():
        for symbol, resource in file.resources.items():
            if resource.what not in TYPES:
                yield f"{path}:{symbol}: {resource.what}"


def known_properties(templates: Templates) -> Iterator[str]:
    """Check: each property exists in that version, has its type, and what Azure requires is there."""
    for path, file in templates.files.items():
        for symbol, resource in file.resources.items():
            if resource.what in TYPES and not resource.is_existing:
                body: dict[str, Value] = {name: value for name, value in resource.body.items() if name not in _META}
                yield from _differs(f"{path}:{symbol}", TYPES[resource.what], body, file)


def flex_consumption_takes_it(templates: Templates) -> Iterator[str]:
    """Check: an allow-list: on Flex Consumption one property too many is a deployment that fails."""
    for place, _, app in templates.made("Microsoft.Web/sites"):
        config = app.properties.get("siteConfig")
        given = set(config) if isinstance(config, dict) else {"an expression"}
        yield from (f"{place}: siteConfig.{name}" for name in sorted(given - FLEX_SITE_CONFIG))
    for place, _, plan in templates.made("Microsoft.Web/serverfarms"):
        if plan.body.get("sku") != {"name": "FC1", "tier": "FlexConsumption"}:
            yield f"{place}: is another plan"


def parameters_have_their_types(templates: Templates) -> Iterator[str]:
    """Check: a module gets text where it wants text, and a number where it wants a number."""
    for path, file in templates.files.items():
        for symbol, use in file.modules.items():
            module = templates.files.get(target(path, use.what))
            for name, value in (use.given if module else {}).items():
                wanted = module.parameters[name].kind if module and name in module.parameters else ""
                if wanted in _KINDS:
                    yield from _differs(f"{path}:{symbol}.{name}", wanted, value, file)
        for symbol, resource in file.resources.items():
            named = file.parameters.get(getattr(resource.body.get("name"), "text", ""))
            if named is not None and named.kind != "string":
                yield f"{path}:{symbol}: its name is {named.kind}"
            many = file.parameters.get(getattr(resource.loop, "text", ""))
            if many is not None and many.kind != "array":
                yield f"{path}:{symbol}: is made for each of {many.kind}"
        for name, parameter in file.parameters.items():
            if not parameter.is_required and parameter.kind in _KINDS:
                yield from _differs(f"{path}: {name}", parameter.kind, parameter.default, file)


def one_name_has_one_type(templates: Templates) -> Iterator[str]:
    """Check: what several modules are given is the same thing in each; main.bicep takes some of it as text."""
    kinds: dict[str, dict[str, str]] = {}
    for path, file in templates.files.items():
        for name, parameter in file.parameters.items() if path != MAIN else ():
            kinds.setdefault(name, {}).setdefault(parameter.kind, path)
    yield from (
        f"{name} is {', '.join(f'{kind} in {path}' for kind, path in found.items())}"
        for name, found in kinds.items()
        if len(found) > 1
    )


def what_is_handed_on_is_text(templates: Templates) -> Iterator[str]:
    """Check: ids, names and addresses, as shells hand them on: another type is refused by the compiler, and later."""
    for name, parameter in templates.files["infra/event-subscription-function.bicep"].parameters.items():
        if parameter.kind != "string":
            yield f"infra/event-subscription-function.bicep: {name} is {parameter.kind}"
    for path in templates.files:
        for name, kind in re.findall(r"(?m)^output (\w+) (\w+) =", templates.texts[path]):
            if kind != "string":
                yield f"{path}: the output {name} is {kind}"


def _differs(place: str, shape: Any, value: Value, file: BicepFile) -> Iterator[str]:
    if isinstance(value, Expression):
        yield from _expression(place, shape, value, file)
    elif isinstance(shape, list):
        if value not in shape:
            yield f"{place}: {value!r} is none of {shape}"
    elif isinstance(shape, str):
        if shape in _KINDS and value is not None and type(value) is not _KINDS[shape]:
            yield f"{place}: {value!r} is no {shape}"
    elif "[]" in shape:
        yield from _list(place, shape["[]"], value, file)
    elif isinstance(value, dict):
        yield from _object(place, shape, value, file)
    elif value is not None:
        yield f"{place}: {value!r} is no object"


def _expression(place: str, shape: Any, value: Expression, file: BicepFile) -> Iterator[str]:
    """What can be told without a compiler: both sides of a condition, variables, parameters' types, and texts."""
    if value.branches:
        for branch in value.branches:
            yield from _differs(place, shape, branch, file)
        return
    resolved = file.variables.get(value.text)
    if resolved is not None:
        yield from _differs(place, shape, resolved, file)
        return
    kind = _kind(value, file)
    wanted = "string" if isinstance(shape, list) else shape if isinstance(shape, str) else _of_container(shape)
    if kind and wanted not in ("any", kind):
        yield f"{place}: {value.text} is {kind}, not {wanted}"


def _kind(value: Expression, file: BicepFile) -> str:
    if value.text in file.parameters:
        return file.parameters[value.text].kind
    return "string" if value.text.startswith(("'", *_TEXT_OF_A_CALL)) or value.text.endswith(".id") else ""


def _of_container(shape: dict[str, Any]) -> str:
    return "array" if "[]" in shape else "object"


def _list(place: str, shape: Any, value: Value, file: BicepFile) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{place}: {value!r} is no list"
        return
    for at, item in enumerate(value):
        yield from _differs(f"{place}[{at}]", shape, item, file)


def _object(place: str, shape: dict[str, Any], value: dict[str, Value], file: BicepFile) -> Iterator[str]:
    if "by" in shape:
        kind = value.get(shape["by"])
        if not isinstance(kind, str) or kind not in shape["of"]:
            yield f"{place}.{shape['by']}: {kind!r}"
            return
        shape, value = shape["of"][kind], {name: item for name, item in value.items() if name != shape["by"]}
    required = {name.removesuffix("!") for name in shape if name.endswith("!")}
    yield from (f"{place}: {name} is missing" for name in sorted(required - value.keys()))
    for name, item in value.items():
        expected = shape.get(f"{name}!", shape.get(name, shape.get("*")))
        if expected is None:
            yield f"{place}: {name} was never looked at"
        else:
            yield from _differs(f"{place}.{name}", expected, item, file)


CHECKS: list[Check] = [
    known_types,
    known_properties,
    flex_consumption_takes_it,
    parameters_have_their_types,
    what_is_handed_on_is_text,
    one_name_has_one_type,
]
