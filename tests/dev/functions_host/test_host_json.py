"""host.json is read strictly: a mistyped setting would otherwise be lost in silence, here and in production."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dev.functions_host.functions import AppError
from dev.functions_host.host_json import HostJson, QueueSettings, parse_host_json, read_host_json


def parse(**content: Any) -> HostJson:
    return parse_host_json(json.dumps({"version": "2.0", **content}))


def test_the_defaults_are_those_of_the_storage_extension() -> None:
    """An app that sets nothing must behave here as it would in Azure."""
    threshold = 8 * (os.cpu_count() or 1)
    assert parse() == HostJson("api", QueueSettings(16, threshold, 60.0, 0, 5, is_base64=True))


def test_all_queue_settings_are_honoured() -> None:
    """Retry and poison rules rest on these numbers."""
    queues = {
        "batchSize": 2,
        "newBatchThreshold": 0,
        "maxPollingInterval": "00:00:02.500",
        "visibilityTimeout": "1.00:01:30",
        "maxDequeueCount": 40,
        "messageEncoding": "none",
    }
    parsed = parse(extensions={"queues": queues}).queues
    assert parsed == QueueSettings(2, 0, 2.5, 86490, 40, is_base64=False)


@pytest.mark.parametrize(("prefix", "expected"), [("", ""), ("/v1/calls/", "v1/calls")])
def test_the_route_prefix_may_be_empty_or_nested(prefix: str, expected: str) -> None:
    """Callers' URLs begin with it."""
    assert parse(extensions={"http": {"routePrefix": prefix}}).route_prefix == expected


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"version": "3.0"}, 'version must be "2.0"'),
        ({"extension": {}}, "extension is not a setting"),
        ({"extensions": []}, "extensions must be an object"),
        ({"extensions": {"queues": {"batchsize": 2}}}, "extensions.queues.batchsize is not a setting"),
        ({"extensions": {"queues": {"batchSize": 33}}}, "extensions.queues.batchSize .* from 1 to 32, not 33"),
        ({"extensions": {"queues": {"batchSize": True}}}, "batchSize must be a whole number"),
        ({"extensions": {"queues": {"maxDequeueCount": 0}}}, "maxDequeueCount"),
        ({"extensions": {"queues": {"visibilityTimeout": 30}}}, 'visibilityTimeout must look like "00:00:30"'),
        ({"extensions": {"queues": {"maxPollingInterval": "00:00:00.05"}}}, "maxPollingInterval must be at least"),
        ({"extensions": {"queues": {"messageEncoding": "utf8"}}}, "messageEncoding"),
        ({"extensions": {"http": {"routeprefix": "x"}}}, "extensions.http.routeprefix is not a setting"),
        ({"extensions": {"http": {"routePrefix": 1}}}, "routePrefix must be text"),
    ],
)
def test_a_faulty_setting_is_named_with_its_path(content: dict[str, Any], named: str) -> None:
    """The text alone must be enough to mend the file."""
    with pytest.raises(AppError, match=named):
        parse(**content)


@pytest.mark.parametrize(("text", "said"), [("{", "not JSON"), ("[]", "JSON object"), ("{}", "version")])
def test_a_file_that_is_no_host_json_is_refused(text: str, said: str) -> None:
    """The real host does not start without a valid one."""
    with pytest.raises(AppError, match=said):
        parse_host_json(text)


def test_faults_name_the_file(tmp_path: Path) -> None:
    """With several apps on one machine, the file matters."""
    with pytest.raises(AppError, match=r"no host\.json in"):
        read_host_json(tmp_path)
    (tmp_path / "host.json").write_text("{")
    with pytest.raises(AppError, match=str(tmp_path)):
        read_host_json(tmp_path)
