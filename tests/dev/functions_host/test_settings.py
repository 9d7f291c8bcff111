"""Settings reach the app as they do under Core Tools."""

import os
from pathlib import Path

import pytest

from dev.functions_host.functions import AppError, Binding, FunctionSpec
from dev.functions_host.settings import (
    effective_settings,
    exported,
    is_disabled,
    read_local_settings,
    resolve_names,
)

FUNCTION = FunctionSpec("work", Binding("message", "queueTrigger", False, {}), ())


def test_comments_and_trailing_commas_are_accepted(tmp_path: Path) -> None:
    """Core Tools accepts them, and the example file explains itself in comments."""
    path = tmp_path / "local.settings.json"
    path.write_text('{\n // why\n "IsEncrypted": false,\n "Values": {"A": "1", /* note */ "B": "",},\n}')
    assert read_local_settings(path) == {"A": "1", "B": ""}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"Values": {"A": 1}}', "value of A must be text"),
        ('{"IsEncrypted": true, "Values": {}}', "encrypted"),
        ('{"Values": []}', '"Values"'),
        ("{", "local.settings.json"),
    ],
)
def test_a_faulty_settings_file_says_what_to_change(tmp_path: Path, text: str, said: str) -> None:
    """Settings are written by hand; the message must be enough."""
    path = tmp_path / "local.settings.json"
    path.write_text(text)
    with pytest.raises(AppError, match=said):
        read_local_settings(path)


def test_an_absent_settings_file_points_to_the_example(tmp_path: Path) -> None:
    """It is the first step after a clone."""
    with pytest.raises(AppError, match=r"local\.settings\.json\.example"):
        read_local_settings(tmp_path / "local.settings.json")


def test_the_environment_wins_over_the_file_and_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Core Tools does the same; two hosts in one test run must not see each other's settings."""
    monkeypatch.setenv("SAMPLE_A", "environment")
    with exported({"SAMPLE_A": "file", "SAMPLE_B": "file"}):
        assert (os.environ["SAMPLE_A"], os.environ["SAMPLE_B"]) == ("environment", "file")
        assert effective_settings({"SAMPLE_A": "file"})["SAMPLE_A"] == "environment"
    assert os.environ["SAMPLE_A"] == "environment"
    assert "SAMPLE_B" not in os.environ


def test_names_in_percent_signs_come_from_the_settings() -> None:
    """Queue names and schedules are configured this way."""
    assert resolve_names("%QUEUE%-poison", {"QUEUE": "chunks"}) == "chunks-poison"
    with pytest.raises(AppError, match="QUEUE, which is not set"):
        resolve_names("%QUEUE%", {"QUEUE": ""})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("AzureWebJobs.work.Disabled", "true", True),
        ("AzureWebJobs_work_Disabled", "1", True),
        ("AzureWebJobs.work.Disabled", "false", False),
        ("AzureWebJobs.other.Disabled", "true", False),
    ],
)
def test_a_function_can_be_disabled_by_a_setting(name: str, value: str, expected: bool) -> None:
    """Operators switch single functions off this way."""
    assert is_disabled(FUNCTION, {name: value}) is expected
