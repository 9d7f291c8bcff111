"""The settings of a deployed app, put in place of this process's own."""

import os

import pytest

from recording.settings import Setting, Settings, use_settings_of_app

NAMES = [part.name for field in Settings.model_fields.values() for part in field.metadata if isinstance(part, Setting)]


def test_no_setting_of_this_process_is_taken_for_one_of_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell's own DISPOSE_AFTER_DAYS would otherwise be shown, and used, as the deployed app's."""
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "")  # what the call sets is taken back after the test
    for name in NAMES:
        monkeypatch.setenv(name, "of this shell")
    use_settings_of_app({"ARCHIVE_CONTAINER": "of the app"})
    left = {name: os.environ[name] for name in NAMES if name in os.environ}
    assert len(NAMES) > 30
    assert left == {"ARCHIVE_CONTAINER": "of the app"}, "its beginning belongs in _OF_AN_APP"
