"""docs/configuration.md and local.settings.json.example against recording/settings/__init__.py."""

from collections.abc import Iterator, Mapping

import json5
import pytest

from dev.policies.markdown import rows_with, spans
from dev.policies.repository import DOCS, ROOT
from recording.settings import SettingsError, read_settings

KEYS = {
    "ACS_CONNECTION_STRING": "endpoint=https://contoso.europe.communication.azure.com/;accesskey=bm90LWEta2V5",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "ARCHIVE_STORAGE": "UseDevelopmentStorage=true",
}
IDENTITY = {
    "ACS_ENDPOINT": "https://contoso.europe.communication.azure.com",
    "AzureWebJobsStorage__accountName": "contosohost",
    "ARCHIVE_STORAGE__blobServiceUri": "https://contosoarchive.blob.core.windows.net",
    "DEAD_LETTER_STORAGE__blobServiceUri": "https://contosodead.blob.core.windows.net",
    "CUSTODIAN_STORAGE__blobServiceUri": "https://contosoarchive.blob.core.windows.net",
    "FALLBACK_STORAGE__blobServiceUri": "https://contosofallback.blob.core.windows.net",
}
OF_THE_HOST = {"FUNCTIONS_WORKER_RUNTIME"}


class Watched(Mapping[str, str]):
    """An environment that remembers what was asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values_given, self.asked = values, set[str]()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.values_given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_given)

    def __len__(self) -> int:
        return len(self.values_given)


def documented() -> dict[str, str]:
    """Each setting of the page with its default, as it is written there."""
    return {spans(row["setting"])[0]: row["default"] for row in rows_with(DOCS / "configuration.md", "setting")}


def test_the_page_has_exactly_the_settings_that_are_read() -> None:
    """A setting that nobody describes is never set right, and one that nobody reads does nothing."""
    environments = [Watched(KEYS), Watched(IDENTITY)]
    for environment in environments:
        read_settings(environment)
    read = environments[0].asked | environments[1].asked
    assert read == documented().keys()


@pytest.mark.parametrize(("name", "default"), [(n, spans(d)[0]) for n, d in documented().items() if spans(d)])
def test_a_documented_default_is_the_default(name: str, default: str) -> None:
    """Setting it by hand changes nothing."""
    assert read_settings({**KEYS, name: default}) == read_settings(KEYS)


def test_a_setting_without_a_default_says_so() -> None:
    """Whoever reads the table must know what happens when a setting is left out."""
    defaults = [default for default in documented().values() if not spans(default)]
    assert all(default == "not set" or default.startswith("required") for default in defaults)


def test_the_example_works_and_has_only_what_is_documented() -> None:
    """It is copied before anything is read."""
    example = json5.loads((ROOT / "local.settings.json.example").read_text(encoding="utf-8"))["Values"]
    assert example.keys() - OF_THE_HOST <= documented().keys()
    given = {name: value for name, value in example.items() if name not in OF_THE_HOST}
    with pytest.raises(SettingsError, match="placeholder"):
        read_settings(given)
    read_settings({**given, "ACS_ENDPOINT": given["ACS_ENDPOINT"].replace("YOUR-RESOURCE", "contoso")})


def test_what_is_required_is_in_the_example_in_one_of_its_forms() -> None:
    """Whoever fills in the example has an app that starts."""
    example = json5.loads((ROOT / "local.settings.json.example").read_text(encoding="utf-8"))["Values"]
    required = {name for name, default in documented().items() if default.startswith("required")}
    assert required - example.keys() == {"ACS_CONNECTION_STRING"}  # the other form of ACS_ENDPOINT
