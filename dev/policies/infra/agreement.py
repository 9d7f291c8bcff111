"""What the templates and the rest of the repository say of the same thing."""

import ast
import re
from collections.abc import Iterator

import yaml

from dev.policies.infra.bicep import as_dict, as_list, at
from dev.policies.infra.templates import MAIN, Check, Templates
from dev.policies.markdown import anchors, rows_with, spans
from dev.policies.repository import DOCS, ROOT
from recording.domain import names
from recording.domain.names import QUARANTINE_CONTAINER
from recording.settings import Settings
from recording.telemetry import Event

# Read by the Functions host or the exporter, not by the app's settings.
OF_THE_PLATFORM = {
    "PYTHON_THREADPOOL_THREAD_COUNT",
    "AzureWebJobsStorage__credential",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
}
HOOKS = ("preprovision", "postdeploy", "predown", "lock")
OF_AZD = {"AZURE_SUBSCRIPTION_ID", "AZURE_TENANT_ID", "SUBSCRIBE_TRIES", "SUBSCRIBE_PAUSE_SECONDS"}
SAFE_AZD = (1, 25)
# Read by the app and left out of the templates, each for its reason.
LEFT_OUT = {
    "CUSTODIAN_STORAGE": "a key",
    "CUSTODIAN_STORAGE__accountName": "the address is given: it is right in every cloud",
    "CUSTODIAN_PURGES": "the templates keep permanent deletes off",
    "ACS_CONNECTION_STRING": "a key; the templates use the identity",
    "AzureWebJobsStorage": "a key",
    "ARCHIVE_STORAGE": "a key",
    "AzureWebJobsStorage__accountName": "the addresses are given one by one: they are right in every cloud",
    "ARCHIVE_STORAGE__accountName": "the same",
    "DOWNLOAD_LINK_MINUTES": "off, for a link outlives a role; extraAppSettings for minutes",
    "RUNNING_PER_CALLER": "off; extraAppSettings for a limit",
    "START_RATE_PER_MINUTE": "the default; extraAppSettings for another limit",
    "WEBSITE_AUTH_ENABLED": "the platform sets it",
    "ACS_PROXY_URL": "extraAppSettings, where there is a proxy",
    "ACS_CA_BUNDLE": "extraAppSettings, where there is a proxy that opens TLS",
    "ACS_CONTENT_HOSTS": "the default is the list of the ACS SDK; extraAppSettings for another cloud",
    "ARCHIVE_PATH_TEMPLATE": "the default; extraAppSettings for another layout",
    "ARCHIVE_ACCESS_TIER": "the account's tier and the lifecycle rule do it",
    "EXTERNAL_STORAGE_CONTAINERS": "extraAppSettings, and a role on those containers by hand",
    "VERIFY_READBACK": "the default is the safe one",
    "INDEX_KEY": "extraAppSettings with a Key Vault reference; without it a key is made once",
    "DISPOSE_AFTER_DAYS": "the default; extraAppSettings for another wait",
    "HOLD_GRACE_DAYS": "the default; extraAppSettings for another wait",
    "COPY_SHA512": "the default is the complete one",
    "EVENTS_TOPIC_KEY": "a key",
    "EVENTS_TOPIC_CLIENT_ID": "the default is the app's identity",
    "SEAL_TIMESTAMP_URL": "extraAppSettings, where an authority is wanted",
    "PARQUET_CONTAINER": "extraAppSettings; off unless analysts are to have it",
    "PARQUET_TAGS": "the same",
    "COPY_TIME_BUDGET": "the default fits host.json",
    "EXPECTED_AFTER_HOURS": "the default; extraAppSettings for long calls",
    "MONITOR_ENDPOINT": "the default; extraAppSettings for another cloud",
    "COPY_SLOTS": "the default follows the memory there is",
    "COPY_BLOCK_MIB": "the default follows the size of the file",
    "FALLBACK_STORAGE": "a key",
    "FALLBACK_STORAGE__accountName": "as for the archive",
    "TELEMETRY_TRACE_RATIO": "the default",
    "DEAD_LETTER_STORAGE": "a key",
    "DEAD_LETTER_STORAGE__accountName": "as for the archive",
    "FALLBACK_AFTER": "the default",
    "CLAIM_SECONDS": "the default fits the network timeout",
}


def settings_that_are_set_are_read(templates: Templates) -> Iterator[str]:
    """Check: a setting that nobody reads does nothing, and whoever set it believes that it does."""
    unread = app_settings(templates) - documented_settings() - OF_THE_PLATFORM
    yield from (f"{name} is set, and nobody reads it" for name in sorted(unread))


def settings_that_are_read_are_set(templates: Templates) -> Iterator[str]:
    """Check: a setting is set, or there is a reason why not."""
    missing = (documented_settings() | OF_THE_PLATFORM) - app_settings(templates) - LEFT_OUT.keys()
    yield from (f"{name} is read, and not set" for name in sorted(missing))
    both = (app_settings(templates) & LEFT_OUT.keys()) | (LEFT_OUT.keys() - documented_settings())
    yield from (f"{name} is not left out" for name in sorted(both))


def queues_are_those_of_the_triggers(templates: Templates) -> Iterator[str]:
    """Check: a queue of another name is a queue that nobody reads."""
    named = re.findall(r"queue_name=([A-Z_]+)", (ROOT / "function_app.py").read_text(encoding="utf-8"))
    triggers = {str(getattr(names, constant)) for constant in named}
    host = templates.module("storage-host")
    made = {str(name) for name in as_list(host.variables.get("queueNames"))}
    if made != triggers | {f"{name}-poison" for name in triggers}:
        yield f"queues {sorted(made)}"
    if as_list(host.variables.get("queueNames"))[:1] != ["recording-events"]:
        yield "the queue for events is not the first one"


def tables_are_those_of_the_code(templates: Templates) -> Iterator[str]:
    """Check: the app would make another one, if it may, and two would be half full."""
    made = {str(name) for name in as_list(templates.module("storage-host").variables.get("tableNames"))}
    if made != tables_of_the_code():
        yield f"tables {sorted(made)}, and the code has {sorted(tables_of_the_code())}"


def containers_are_those_of_the_code(templates: Templates) -> Iterator[str]:
    """Check: the archive's writer may not make containers: one of the right name must be there."""
    host = as_list(templates.module("storage-host").variables.get("containerNames"))
    if QUARANTINE_CONTAINER not in host:
        yield f"storage-host: {QUARANTINE_CONTAINER}"
    letters = templates.module("storage-dead-letter").resources["deadLetters"].body.get("name")
    if letters != Settings.model_fields["dead_letter_container"].default:
        yield f"storage-dead-letter: {letters}"
    pages = (DOCS / "deploy.md").read_text(encoding="utf-8")
    for place, _, lock in templates.made("Microsoft.Authorization/locks"):
        if f"`{lock.body.get('name')}`" not in pages:
            yield f"{place}: docs/deploy.md does not say how {lock.body.get('name')} is removed"
    for module, setting in (("archive", "archive_container"), ("fallback", "fallback_container")):
        if templates.main.modules[module].given.get("container") != Settings.model_fields[setting].default:
            yield f"{MAIN}: the container of {module}"


def the_function_is_there(templates: Templates) -> Iterator[str]:
    """Event Grid is pointed at a function by its name."""
    sub = templates.files["infra/event-subscription-function.bicep"].resources["toFunction"]
    resource = getattr(at(sub.properties, "destination", "properties", "resourceId"), "text", "")
    name = resource.rstrip("'").rpartition("/functions/")[2]
    if name not in functions():
        yield f"there is no function {name!r}"
    for waiting in as_list(templates.module("function-app").variables.get("waiting")):
        group, _, function = str(at(waiting, "name")).partition(":")
        if group != "http" and function not in functions():
            yield f"there is no function {function!r} to keep waiting"


def every_alert_has_its_query_and_its_page(templates: Templates) -> Iterator[str]:
    """Check: whoever is woken finds the section of the same name."""
    alerts = templates.module("alerts")
    logs = as_list(alerts.variables.get("logAlerts"))
    for alert in logs:
        name, query = str(at(alert, "name")), getattr(at(alert, "query"), "text", "")
        if query != f"loadTextContent('../observability/{name}.kql')":
            yield f"{name} asks {query}"
    queries = {path.split("/")[-1][:-4] for path in templates.texts if path.endswith(".kql")}
    yield from (f"nobody asks {name}.kql" for name in sorted(queries - {at(alert, "name") for alert in logs}))
    untold = alert_names(templates) - anchors(DOCS / "runbook.md")
    yield from (f"docs/runbook.md has no section {name}" for name in sorted(untold))


def queries_name_what_is_logged(templates: Templates) -> Iterator[str]:
    """Check: an alert on a name that nothing logs is silence."""
    known = {event.value for event in Event}
    for path, text in templates.texts.items():
        if "/observability/" in path:
            for name in set(re.findall(r'"(recording\.[a-z_.]*[a-z_])(?=\\*")', text)) - known:
                yield f"{path}: {name}"


def the_hooks_pass_what_is_there(templates: Templates) -> Iterator[str]:
    """Check: a hook's variables are outputs or choices, its parameters the template's; both shells do the same."""
    needed = templates.files["infra/event-subscription-function.bicep"].parameters.keys()
    chosen = set(re.findall(r"\$\{(\w+)", templates.texts["infra/main.parameters.json"]))
    known = templates.main.outputs.keys() | chosen | OF_AZD
    for hook in HOOKS:
        posix, windows = (templates.texts[f"infra/hooks/{hook}.{suffix}"] for suffix in ("sh", "ps1"))
        used = set(re.findall(r"\$\{?([A-Z][A-Z_]+)\b", posix))
        if used != set(re.findall(r"\$env:(\w+)", windows)):
            yield f"infra/hooks/{hook}: the shells read different variables"
        yield from (f"infra/hooks/{hook}: {name} is not an output" for name in sorted(used - known))
        if "set -eu\n" not in posix or "$ErrorActionPreference = 'Stop'\n" not in windows:
            yield f"infra/hooks/{hook}: goes on after a failure"
        if posix.count("exit 1") + posix.count('stop "') == 0 and hook != "lock":
            yield f"infra/hooks/{hook}: never fails"
    for path in ("infra/hooks/postdeploy.sh", "infra/hooks/postdeploy.ps1"):
        if set(re.findall(r"^\s+(\w+)=\S+ [\\`]$", templates.texts[path], re.MULTILINE)) != needed:
            yield f"{path}: the parameters are not those of the template"


def azd_finds_its_parts(templates: Templates) -> Iterator[str]:
    """Check: the service has the tag that azd looks for; the template and the hooks are where azure.yaml says."""
    project = yaml.safe_load(templates.texts["azure.yaml"])
    name, service = next(iter(project["services"].items()))
    if f"'azd-service-name': '{name}'" not in templates.texts["infra/modules/function-app.bicep"]:
        yield f"azure.yaml: no resource has the tag of {name}"
    if (service["host"], service["language"], service["project"]) != ("function", "python", "."):
        yield "azure.yaml: is no function app"
    if f"azd deploy {name} " not in (ROOT / ".github/workflows/deploy.yml").read_text("utf-8"):
        yield "the workflow deploys another service"
    if (project["infra"]["path"], project["infra"]["module"]) != ("infra", "main"):
        yield "azure.yaml: the template is elsewhere"
    if set(project["hooks"]) != {"preprovision", "postdeploy", "predown"}:
        yield f"azure.yaml: the hooks are {sorted(project['hooks'])}"
    for hook, shells in project["hooks"].items():
        for shell in shells.values():
            if shell["run"] not in templates.texts or hook not in shell["run"]:
                yield f"azure.yaml: {hook} runs {shell['run']}"
            if shell.get("continueOnError"):
                yield f"azure.yaml: {hook} may fail"


def an_old_azd_is_refused(templates: Templates) -> Iterator[str]:
    """Before 1.24.1, azd deletes the group of an existing Communication Services resource with its phone numbers."""
    project = yaml.safe_load(templates.texts["azure.yaml"])
    found = re.fullmatch(r">= ?(\d+)\.(\d+)\.\d+", str(project.get("requiredVersions", {}).get("azd", "")))
    if not found or (int(found[1]), int(found[2])) < SAFE_AZD:
        yield "azure.yaml: requiredVersions"
    limits = {
        "infra/hooks/predown.sh": r'"\$major" -eq (\d+) \] && \[ "\$minor" -lt (\d+)',
        "infra/hooks/predown.ps1": r"\[int\]\$Matches\[1\] -eq (\d+) -and \[int\]\$Matches\[2\] -lt (\d+)",
    }
    for path, pattern in limits.items():
        limit = re.search(pattern, templates.texts[path])
        if limit is None or (int(limit[1]), int(limit[2])) < SAFE_AZD:
            yield f"{path}: lets an old azd delete"


def copies_have_the_threads_that_were_tested(templates: Templates) -> Iterator[str]:
    """Check: the platform defaults to five threads, the host takes twelve messages: seven would wait."""
    local = re.search(r'"PYTHON_THREADPOOL_THREAD_COUNT": "(\d+)"', (ROOT / "dev/world.py").read_text("utf-8"))
    given = templates.main.modules["app"].given.get("appSettings")
    set_to = [
        value.get("PYTHON_THREADPOOL_THREAD_COUNT") for value in getattr(given, "given", ()) if isinstance(value, dict)
    ]
    if local is None or local[1] not in set_to:
        yield f"infra/main.bicep: {set_to} threads, and {local and local[1]} in the local world"


def severities(templates: Templates) -> dict[str, int]:
    """Return each alert with its severity."""
    variables = templates.module("alerts").variables
    alerts = [*as_list(variables.get("logAlerts")), *as_list(variables.get("metricAlerts"))]
    told = {str(at(alert, "name")): int(str(at(alert, "severity"))) for alert in alerts}
    # Azure gives alerts on its own notes the lowest severity.
    return told | {str(at(alert, "name")): 4 for alert in as_list(variables.get("activityAlerts"))}


def alert_names(templates: Templates) -> set[str]:
    """Return the names of all alerts."""
    return set(severities(templates))


def app_settings(templates: Templates) -> set[str]:
    """Return the settings that the function app is given."""
    given = templates.main.modules["app"].given.get("appSettings")
    named = (templates.main.variables.get(name) for name in getattr(given, "names", ()))
    chosen = [branch for value in named for branch in (value, *getattr(value, "branches", ()))]
    return {name for value in (*getattr(given, "given", ()), *chosen) for name in as_dict(value)}


def documented_settings() -> set[str]:
    """Return the settings that are read: another test holds the page against the code."""
    return {spans(row["setting"])[0] for row in rows_with(DOCS / "configuration.md", "setting", "default")}


def tables_of_the_code() -> set[str]:
    """Return the tables that the code names, each in one place."""
    return {value for name, value in vars(names).items() if name.endswith("_TABLE")}


def functions() -> set[str]:
    """Return the names of the functions."""
    tree = ast.parse((ROOT / "function_app.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


CHECKS: list[Check] = [
    settings_that_are_set_are_read,
    settings_that_are_read_are_set,
    queues_are_those_of_the_triggers,
    tables_are_those_of_the_code,
    containers_are_those_of_the_code,
    the_function_is_there,
    every_alert_has_its_query_and_its_page,
    queries_name_what_is_logged,
    the_hooks_pass_what_is_there,
    azd_finds_its_parts,
    an_old_azd_is_refused,
    copies_have_the_threads_that_were_tested,
]
