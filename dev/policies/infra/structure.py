"""What a compiler would refuse first, and the style that keeps the templates checkable here."""

import json
import re
from collections.abc import Iterator

from dev.policies.infra.bicep import BicepFile
from dev.policies.infra.templates import MAIN, Check, Templates, target

FUNCTIONS = frozenset(
    [
        "concat",
        "base64ToString",
        "contains",
        "empty",
        "endsWith",
        "fail",
        "filter",
        "first",
        "intersection",
        "join",
        "loadJsonContent",
        "map",
        "min",
        "skip",
        "toObject",
        "environment",
        "guid",
        "items",
        "length",
        "loadTextContent",
        "replace",
        "resourceGroup",
        "resourceId",
        "split",
        "startsWith",
        "string",
        "subscription",
        "subscriptionResourceId",
        "tenant",
        "toLower",
        "union",
        "uniqueString",
        "utcNow",
    ]
)
COMPUTED = {"thisMonth"}  # by Bicep itself, at the time of the deployment
UNCHECKABLE = {
    r"'br[:/]": "a registry module must be restored before it can be read",
    r"resourceInput<": "resourceInput<> is unknown to the reader",
    r"^\s*\.\.\.": "a spread hides what is set",
    r"\[for [^\n]*: if": "a filtered loop is unknown to the reader",
}


def syntax(templates: Templates) -> Iterator[str]:
    """Check: every file is Bicep, and every JSON file JSON."""
    for path, file in templates.files.items():
        yield from (f"{path}: {fault}" for fault in file.faults)
    for path, text in templates.texts.items():
        if path.endswith(".json"):
            try:
                json.loads(text)
            except ValueError as error:
                yield f"{path}: {error}"


def checkable_style(templates: Templates) -> Iterator[str]:
    """Check: nothing is used that these checks cannot see through."""
    for path in templates.files:
        for pattern, why in UNCHECKABLE.items():
            if re.search(pattern, templates.texts[path], re.MULTILINE):
                yield f"{path}: {why}"


def names(templates: Templates) -> Iterator[str]:
    """Check: each name that is used is declared, and each declared parameter and variable is used."""
    for path, file in templates.files.items():
        local = set(re.findall(r"\[for \(?(\w+)(?:, (\w+)\))?", templates.texts[path]))
        declared = file.parameters.keys() | file.variables.keys()
        known = declared | file.resources.keys() | file.modules.keys() | FUNCTIONS | {n for pair in local for n in pair}
        yield from (f"{path}: {name} is not declared" for name in sorted(file.used - known))
        yield from (f"{path}: {name} is not used" for name in sorted(declared - file.used))


def modules(templates: Templates) -> Iterator[str]:
    """Check: each module exists and gets the parameters it has; each output that is read exists."""
    for path, file in templates.files.items():
        for symbol, use in file.modules.items():
            module = templates.files.get(target(path, use.what))
            if module is None:
                yield f"{path}:{symbol}: {use.what} does not exist"
                continue
            yield from _parameters(f"{path}:{symbol}", set(use.given), module)
            for output in re.findall(rf"\b{symbol}!?\.outputs\.(\w+)", templates.texts[path]):
                if output not in module.outputs:
                    yield f"{path}:{symbol}: there is no output {output}"


def _parameters(place: str, given: set[str], module: BicepFile) -> Iterator[str]:
    required = {name for name, parameter in module.parameters.items() if parameter.is_required}
    yield from (f"{place}: there is no parameter {name}" for name in sorted(given - module.parameters.keys()))
    yield from (f"{place}: the parameter {name} is not given" for name in sorted(required - given))


def loaded_files(templates: Templates) -> Iterator[str]:
    """Check: each file that is loaded exists."""
    for path in templates.files:
        for reference in re.findall(r"load(?:Text|Json)Content\('([^']+)'\)", templates.texts[path]):
            if target(path, reference) not in templates.texts:
                yield f"{path}: {reference} does not exist"


def documented_parameters(templates: Templates) -> Iterator[str]:
    """Check: whoever deploys reads the descriptions and nothing else."""
    for name, parameter in templates.main.parameters.items():
        if "description" not in parameter.decorators:
            yield f"{MAIN}: {name} has no description"


def parameters_file(templates: Templates) -> Iterator[str]:
    """Check: whatever can be chosen can be chosen with `azd env set`; and a default stands in one place only."""
    filled = json.loads(templates.texts["infra/main.parameters.json"])["parameters"]
    yield from _parameters("infra/main.parameters.json", set(filled), templates.main)
    for name in sorted(templates.main.parameters.keys() - filled.keys() - COMPUTED):
        yield f"infra/main.parameters.json: {name} cannot be set"
    for name, entry in filled.items():
        parameter = templates.main.parameters.get(name)
        if parameter is None or parameter.is_required:
            continue
        default = re.sub(r"^\$\{\w+=(.*)\}$", r"\1", entry["value"])
        written = str(parameter.default).lower() if isinstance(parameter.default, bool) else str(parameter.default)
        if default != written:
            yield f"infra/main.parameters.json: the default of {name} is {written!r}"


CHECKS: list[Check] = [
    syntax,
    checkable_style,
    names,
    modules,
    loaded_files,
    documented_parameters,
    parameters_file,
]
