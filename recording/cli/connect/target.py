"""The app that is meant: settings of a deployed one, for use as the signed-in person, never as the app itself."""

import re
from collections.abc import Mapping
from pathlib import Path

from recording.domain.outgoing.endpoints import is_reference
from recording.errors import RequestError
from recording.settings import SettingsError

# Identities of the app, which a person cannot use; its telemetry, which is not of this program; its host's own.
_NOT_FOR_A_PERSON = re.compile(
    r".*__(clientId|credential|managedIdentityResourceId)|ACS_CLIENT_ID|APPLICATIONINSIGHTS_.*"
)
_LEFT_OPEN = "WEBHOOKS"  # no command needs the endpoints: their events wait for the app
_LINE = re.compile(r"""\s*([A-Za-z_][A-Za-z0-9_]*)=(?:"(.*)"|'(.*)'|(.*?))\s*""")
BY_HTTP = {
    "status": "GET /api/held",
    "ls": "GET /api/recordings",
    "show": "GET /api/recordings/{recordingId}",
    "find": "GET /api/recordings",
    "tag": "PATCH /api/recordings/{recordingId}",
    "doctor": "GET /api/health/deep",
    "redrive": "POST /api/held/redrive",
    "retry": "POST /api/held/retry",
    "accept": "POST /api/held/accept",
    "dismiss": "POST /api/held/dismiss",
}


def settings_for_a_person(settings: Mapping[str, str]) -> dict[str, str]:
    """Return an app's settings as the signed-in person can use them.

    Raises:
        SettingsError: a setting that is needed is a reference to Key Vault, whose value only the app receives.
    """
    kept = {name: value for name, value in settings.items() if not _NOT_FOR_A_PERSON.fullmatch(name)}
    hidden = {
        name: "is a Key Vault reference" for name, value in kept.items() if is_reference(value) and name != _LEFT_OPEN
    }
    if hidden:
        raise SettingsError(
            {name: f"{fault}: its value is not shown; use the HTTP API" for name, fault in hidden.items()}
        )
    return kept


def azd_values(environment: str, start: Path) -> dict[str, str]:
    """Return the values of an azd environment, from the nearest `.azure` folder upwards.

    Raises:
        RequestError: there is no such environment, or it was never provisioned.
    """
    for folder in (start, *start.parents):
        file = folder / ".azure" / environment / ".env"
        if file.is_file():
            return _read_values(file.read_text(encoding="utf-8"))
    known = sorted(path.parent.name for path in start.glob(".azure/*/.env"))
    others = f"; there are: {', '.join(known)}" if known else "; run this in the folder of azure.yaml"
    raise RequestError(f"there is no azd environment {environment} here{others}")


def app_of_environment(environment: str, start: Path) -> tuple[str, str, str | None]:
    """Return the name, resource group and subscription of the app that an azd environment deployed.

    Raises:
        RequestError: there is no such environment, or it was never provisioned.
    """
    values = azd_values(environment, start)
    try:
        return values["FUNCTION_APP_NAME"], values["AZURE_RESOURCE_GROUP"], values.get("AZURE_SUBSCRIPTION_ID")
    except KeyError as missing:
        raise RequestError(f"the azd environment {environment} has no {missing.args[0]}: run `azd provision`") from None


def network_hint(host: str, *, is_in_network: bool) -> str | None:
    """Return what to do from outside a virtual network; None where the app's storage is open to its people."""
    if not is_in_network:
        return None
    calls = ", ".join(f"{verb}: {call}" for verb, call in BY_HTTP.items() if verb != "ls")
    return (
        "This app is in a virtual network, and its storage answers from inside only. Run this there (jump host, VPN), "
        f"or ask the app itself at https://{host}: {calls}"
    )


def which_app(here: Path) -> str:
    """Return the options that name an app, for an operator who named none."""
    ways = "--app NAME -g GROUP (in Azure), --env AZD-ENVIRONMENT, or --settings FILE"
    there = ". This folder has one: --settings local.settings.json" if (here / "local.settings.json").is_file() else ""
    return f"Which app is meant? {ways}{there}"


def check_together(app: str | None, group: str | None, environment: str | None, settings: Path | None) -> None:
    """Check that the options do not contradict each other.

    Raises:
        RequestError: more than one app is named, or a name without its group.
    """
    if sum(each is not None for each in (app, environment, settings)) > 1:
        raise RequestError("name one app: --app NAME -g GROUP, --env NAME, or --settings FILE")
    if (app is None) != (group is None):
        raise RequestError("--app NAME and --resource-group GROUP belong together")


def _read_values(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for line in text.splitlines():
        if found := _LINE.fullmatch(line):
            double, single, bare = found[2], found[3], found[4]
            values[found[1]] = re.sub(r"\\(.)", r"\1", double) if double is not None else single or bare or ""
    return values
