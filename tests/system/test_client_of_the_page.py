"""The client of docs/api.md works as printed, against the running app."""

import re
from typing import Any

import pytest

from dev.policies.repository import DOCS
from tests.system.steps import PATIENCE_SECONDS, Steps


def client_of_the_page() -> dict[str, Any]:
    """Run the page's program as a module of its own."""
    (program,) = re.findall(r"```python\n(.*?)```", (DOCS / "api.md").read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(program, "client.py", "exec"), names)  # noqa: S102 - the page is ours
    return names


def test_a_caller_records_and_waits_for_the_proof(world: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is copied by whoever writes the first line against the API."""
    monkeypatch.setenv("APP", world.world.host_url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    client = client_of_the_page()
    call = world.simulator.create_call(["Ann", "+4930901820"])
    first = client["record"](call["serverCallId"], "order-of-the-page")
    assert client["record"](call["serverCallId"], "order-of-the-page") == first
    world.simulator.advance(20)
    client["stop"](first)
    world.simulator.advance(10)
    (name,) = client["wait_until_archived"](first, seconds=PATIENCE_SECONDS)
    assert name.endswith(".wav")
