"""The admin endpoints that scripts rely on."""

import json
from typing import Any

import pytest

from tests.dev.functions_host.sample_world import RunningSample, wait_until

pytestmark = pytest.mark.azurite


def admin(sample: RunningSample, method: str, path: str, **body: Any) -> Any:
    headers = {"x-functions-key": sample.host.keys.master}
    content = json.dumps(body).encode() if body else None
    return sample.request(method, f"/admin/{path}", headers=headers, body=content)


def test_ping_is_open_and_everything_else_wants_the_master_key(sample: RunningSample) -> None:
    """Other keys open functions, never the administration."""
    assert sample.request("GET", "/admin/host/ping").status == 200
    for key in ("", sample.host.keys.host["default"], sample.host.keys.system["eventgrid_extension"]):
        assert sample.request("GET", "/admin/host/status", headers={"x-functions-key": key}).status == 401
    assert json.loads(admin(sample, "GET", "host/status").data)["state"] == "Running"


def test_functions_are_listed_with_their_bindings(sample: RunningSample) -> None:
    """It is how deployments check what has arrived."""
    listed = {function["name"]: function for function in json.loads(admin(sample, "GET", "functions").data)}
    assert sorted(listed) == sorted(sample.host.functions)
    assert listed["work"]["config"]["bindings"][0]["type"] == "queueTrigger"
    assert json.loads(admin(sample, "GET", "functions/work").data) == listed["work"]
    assert admin(sample, "GET", "functions/nosuch").status == 404


def test_a_timer_and_a_queue_function_can_be_run_by_hand(sample: RunningSample) -> None:
    """Operators start the reconcile this way; the answer comes before the run."""
    assert admin(sample, "POST", "functions/tick", input="").status == 202
    wait_until(lambda: sample.world.traces(tick=False))
    assert admin(sample, "POST", "functions/work", input=json.dumps({"name": "by hand"})).status == 202
    wait_until(lambda: sample.world.traces(task="by hand", at="end"))
    assert admin(sample, "POST", "functions/ingest", input=json.dumps({"id": "x", "data": {"fail": 1}})).status == 202


@pytest.mark.parametrize(("name", "status"), [("hello", 400), ("nosuch", 404)])
def test_what_cannot_be_run_by_hand_says_so(sample: RunningSample, name: str, status: int) -> None:
    """HTTP functions have a URL of their own."""
    assert admin(sample, "POST", f"functions/{name}", input="").status == status


def test_a_body_that_is_not_json_is_refused(sample: RunningSample) -> None:
    """A run with the wrong input is worse than none."""
    headers = {"x-functions-key": sample.host.keys.master}
    assert sample.request("POST", "/admin/functions/work", headers=headers, body=b"{").status == 400


@pytest.mark.parametrize("kind", ["keys", "functionkeys", "systemkeys"])
def test_keys_can_be_listed_set_used_and_deleted(sample: RunningSample, kind: str) -> None:
    """Key rotation is part of the runbook."""
    assert json.loads(admin(sample, "PUT", f"host/{kind}/extra", value="v").data) == {"name": "extra", "value": "v"}
    assert {"name": "extra", "value": "v"} in json.loads(admin(sample, "GET", f"host/{kind}").data)["keys"]
    opened = sample.request("POST", "/api/echo?code=v").status
    assert opened == (401 if kind == "systemkeys" else 200)
    assert admin(sample, "DELETE", f"host/{kind}/extra").status == 204
    assert admin(sample, "GET", f"host/{kind}/extra").status == 404
    assert admin(sample, "DELETE", f"host/{kind}/extra").status == 404


def test_a_key_without_a_value_becomes_a_random_one(sample: RunningSample) -> None:
    """As in the real host, which makes one up."""
    made = json.loads(admin(sample, "POST", "host/keys/random").data)["value"]
    assert len(made) > 40
    names = [key["name"] for key in json.loads(admin(sample, "GET", "functions/echo/keys").data)["keys"]]
    assert names == ["default"]


def test_a_drained_host_takes_no_messages_until_it_is_resumed(sample: RunningSample) -> None:
    """Scale-in drains first; HTTP goes on."""
    assert json.loads(admin(sample, "GET", "host/drain/status").data)["state"] == "Disabled"
    assert admin(sample, "POST", "host/drain").status == 202
    wait_until(lambda: json.loads(admin(sample, "GET", "host/drain/status").data)["state"] == "Completed")
    sample.world.send("chunks", {"name": "later"})
    assert sample.request("GET", "/api/hello/Ada").status == 200
    assert sample.world.traces(task="later") == []
    assert sample.world.count("chunks") == 1
    assert admin(sample, "POST", "host/resume").status == 200
    wait_until(lambda: sample.world.traces(task="later", at="end"))
