"""What a stranger meets first: the page, the recipes, and answers that say what is not here."""

import json
import subprocess
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import urllib3
from azure.communication.callautomation import CallAutomationClient
from azure.core.exceptions import HttpResponseError
from typer.testing import CliRunner

from dev.acs_simulator.admin.page import BUTTONS
from dev.acs_simulator.command import app
from dev.acs_simulator.exports import LANGUAGES, exports
from dev.acs_simulator.threaded import SimulatorHandle


def test_the_page_is_there_and_each_of_its_buttons_scripts_a_fault(simulator: SimulatorHandle) -> None:
    """A button for a fault that does not exist would do nothing, silently."""
    answer = urllib3.request("GET", f"{simulator.addresses.admin_url}/")
    assert answer.headers["Content-Type"].startswith("text/html")
    for text, operation, kind, arguments in BUTTONS:
        assert text.encode() in answer.data
        simulator.client.add_fault(operation, kind, **json.loads(arguments))
    assert len(simulator.client.faults()) == len(BUTTONS)


def test_the_page_says_how_to_connect_from_each_language(simulator: SimulatorHandle) -> None:
    """Whoever opens it has lost the terminal that printed the lines."""
    page = unescape(urllib3.request("GET", f"{simulator.addresses.admin_url}/").data.decode())
    for language, recipe in exports(simulator.addresses).items():
        assert f"<summary>{language}</summary>" in page
        assert recipe in page


def test_an_unknown_path_of_the_admin_api_says_what_there_is(simulator: SimulatorHandle) -> None:
    """Nobody has to look into the source for a route."""
    answer = urllib3.request("GET", f"{simulator.addresses.admin_url}/_simulator/call")
    assert answer.status == 404
    assert "POST /_simulator/calls" in answer.json()["error"]


def test_what_is_not_simulated_says_so(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """The SDK's `create_call` would otherwise fail without a word."""
    with pytest.raises(HttpResponseError, match="not simulated") as caught:
        sdk.get_call_connection("x").get_call_properties()
    response: Any = caught.value.response
    assert (response.status_code, response.json()["error"]["code"]) == (404, "NotSimulated")


def test_every_recipe_has_the_addresses_and_no_placeholder(simulator: SimulatorHandle) -> None:
    """A recipe is pasted, not read."""
    told = exports(simulator.addresses)
    assert set(told) == set(LANGUAGES)
    for language in ("shell", "python", "dotnet", "java"):
        assert simulator.addresses.connection_string in told[language]
    places = ("<connection>", "<proxy>", "<ca>", "<file>", "<admin>", "<proxy_host>", "<proxy_port>")
    assert not [place for place in places for text in told.values() if place in text]


def test_a_shell_takes_the_exports_of_a_folder_with_a_space(simulator: SimulatorHandle) -> None:
    """`~/My Projects` is where people work."""
    spaced = replace(simulator.addresses, ca_bundle=Path("/a folder/ca.pem"))
    script = f'{exports(spaced)["shell"]}\nprintf %s "$SSL_CERT_FILE"'
    told = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
    assert told.stdout == "/a folder/ca.pem"
    assert "'/a folder/ca.pem'" in exports(spaced)["curl"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--port", "99999"], "65535"),
        (["--port=-1"], "greater than or equal to 0"),
        (["--tls-port=-1"], "greater than or equal to 0"),
        (["--data", __file__], "is a file"),
        (["--export", "cobol"], "dotnet"),
        (["--access-key", "%%%"], "base64"),
    ],
)
def test_a_wrong_option_is_answered_with_a_sentence(arguments: list[str], told: str) -> None:
    """A traceback is nobody's answer."""
    result = CliRunner().invoke(app, ["--port", "0", "--proxy-port", "0", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output


def test_a_port_in_use_is_answered_with_a_hint(simulator: SimulatorHandle) -> None:
    """The commonest first mistake: one is running already."""
    port = simulator.addresses.admin_url.rpartition(":")[2]
    result = CliRunner().invoke(app, ["--port", port, "--proxy-port", "0"])
    assert result.exit_code == 2
    assert "--port" in result.output


@pytest.mark.parametrize("route", ["calls", "crowd", "objects", "clock", "faults"])
@pytest.mark.parametrize("body", [b'{"nobody": 1}', b"[]", b"{"])
def test_a_body_that_cannot_be_read_is_answered_with_its_fields(
    simulator: SimulatorHandle, route: str, body: bytes
) -> None:
    """A library's report with links to its own pages helps nobody."""
    routes = urllib3.request("GET", f"{simulator.addresses.admin_url}/_simulator/nowhere").json()["error"]
    if f"POST /_simulator/{route}" not in routes:
        pytest.fail(f"there is no {route}: {routes}")
    answer = urllib3.request("POST", f"{simulator.addresses.admin_url}/_simulator/{route}", body=body)
    assert answer.status == 400
    told = answer.json()["error"]
    assert "http" not in told
    assert "validation error" not in told
    assert "nobody" in told or "body" in told
