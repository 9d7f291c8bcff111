"""Settings: every fault at once, by name, without values."""

import pytest

from recording.settings import SettingsError, read_settings

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="

GOOD = {
    "ACS_CONNECTION_STRING": f"endpoint=https://contoso.communication.azure.com/;accesskey={SECRET}",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "ARCHIVE_STORAGE": "UseDevelopmentStorage=true",
}

IDENTITY = {
    "ACS_ENDPOINT": "https://contoso.communication.azure.com/",
    "AzureWebJobsStorage__accountName": "hostaccount",
    "AzureWebJobsStorage__clientId": "an-id",
    "ARCHIVE_STORAGE__blobServiceUri": "https://archive.blob.core.windows.net",
}


def test_connection_strings_and_identity_both_work() -> None:
    """Identity before keys, but keys for those who have nothing else."""
    keys, identity = read_settings(GOOD), read_settings(IDENTITY)

    assert keys.acs.endpoint == identity.acs.endpoint == "https://contoso.communication.azure.com"
    assert keys.acs.access_key is not None
    assert identity.acs.access_key is None
    assert identity.host_storage.queue_uri == "https://hostaccount.queue.core.windows.net"
    assert identity.archive_storage.blob_uri == "https://archive.blob.core.windows.net"


BAD = {
    "ACS_CONNECTION_STRING": "endpoint=https://x/;accesskey=%%%",
    "ACS_PROXY_URL": "http://user:hunter2@proxy:3128",
    "ACS_CA_BUNDLE": "/no/such/file",
    "ACS_RESOURCE_ID": "somewhere",
    "ACS_CONTENT_HOSTS": "https://x",
    "ARCHIVE_CONTAINER": "No_Container",
    "ARCHIVE_PATH_TEMPLATE": "{documentId}",
    "ARCHIVE_ACCESS_TIER": "Archive",
    "EXTERNAL_STORAGE_CONTAINERS": "https://x.blob.core.windows.net/c?sig=secret",
    "RETENTION_HOURS": "soon",
    "AT_RISK_HOURS": "-1",
    "VERIFY_READBACK": "maybe",
    "MEDIA_CHECK": "sometimes",
    "COPY_TIME_BUDGET": "1",
    "CLAIM_SECONDS": "0",
    "CONSENT_REQUIRED": "ja",
}


def test_all_faults_are_told_at_once_by_name_and_without_values() -> None:
    """An operator mends everything in one go; a log may be read by anybody."""
    with pytest.raises(SettingsError) as failure:
        read_settings(BAD)

    assert set(failure.value.faults) == {*BAD, "AzureWebJobsStorage", "ARCHIVE_STORAGE"}
    for value in ("%%%", "hunter2", "secret", "/no/such/file", "somewhere"):
        assert value not in str(failure.value)


@pytest.mark.parametrize(
    "missing", ["ACS_ENDPOINT", "AzureWebJobsStorage__accountName", "ARCHIVE_STORAGE__blobServiceUri"]
)
def test_a_missing_setting_is_named(missing: str) -> None:
    """By the name that has to be set."""
    with pytest.raises(SettingsError) as failure:
        read_settings({name: value for name, value in IDENTITY.items() if name != missing})

    assert list(failure.value.faults) == [missing.partition("__")[0]]


def test_a_key_and_an_identity_together_are_refused() -> None:
    """Whoever sets both does not know which one is used."""
    with pytest.raises(SettingsError) as failure:
        read_settings({**GOOD, "ACS_ENDPOINT": "https://contoso.communication.azure.com"})

    assert list(failure.value.faults) == ["ACS_ENDPOINT"]


@pytest.mark.parametrize(
    "text",
    [
        "AccountName=archive",
        "DefaultEndpointsProtocol=https;AccountName=archive;EndpointSuffix=core.windows.net",
        "AccountName=archive;AccountKey=",
        "AccountName=archive;AccountKey=YOUR-KEY",
        f"AccountName=archive;AccountKey={SECRET[:-3]}",
        f"AccountKey={SECRET}",
        "UseDevelopmentStorage=false",
        "archive",
    ],
)
def test_a_storage_connection_string_without_a_usable_credential_is_refused_by_name(text: str) -> None:
    """The SDK would take it and call as nobody, or fail at a placeholder: then nothing says why."""
    with pytest.raises(SettingsError) as failure:
        read_settings({**GOOD, "ARCHIVE_STORAGE": text})

    assert list(failure.value.faults) == ["ARCHIVE_STORAGE"]
    assert SECRET not in str(failure.value)


@pytest.mark.parametrize("credential", [f"AccountKey={SECRET}", "SharedAccessSignature=sv=2026&sig=x"])
def test_a_storage_connection_string_with_a_credential_is_taken(credential: str) -> None:
    """Names of the parts in any case, as the SDK reads them."""
    assert read_settings({**GOOD, "ARCHIVE_STORAGE": f"accountname=archive;{credential}"}).archive_storage


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    """A debug line is enough to leak a key."""
    assert SECRET not in repr(read_settings(GOOD))
    assert SECRET not in str(read_settings(GOOD).model_dump())


KEYED = f"AccountName=one;AccountKey={SECRET}"
ONE_BY_IDENTITY = {"DEAD_LETTER_STORAGE__blobServiceUri": "https://one.blob.core.windows.net"}
ARCHIVE_IN_ONE = {**GOOD, "ARCHIVE_STORAGE": KEYED, "AzureWebJobsStorage": KEYED}
SAME_PLACE = {
    "dead letters in the archive": {"DEAD_LETTER_STORAGE": KEYED, "DEAD_LETTER_CONTAINER": "recordings"},
    "and the account named otherwise": {**ONE_BY_IDENTITY, "DEAD_LETTER_CONTAINER": "recordings"},
    "dead letters among the bundles": {"DEAD_LETTER_STORAGE": KEYED, "DEAD_LETTER_CONTAINER": "recording-exports"},
    "dead letters in the quarantine": {"DEAD_LETTER_STORAGE": KEYED, "DEAD_LETTER_CONTAINER": "recording-quarantine"},
    "dead letters in the fallback": {
        "FALLBACK_STORAGE": KEYED,
        "DEAD_LETTER_STORAGE": KEYED,
        "DEAD_LETTER_CONTAINER": "recordings-fallback",
    },
    "a fallback that is the archive": {"FALLBACK_STORAGE": KEYED, "FALLBACK_CONTAINER": "recordings"},
    "an archive in the quarantine": {"ARCHIVE_CONTAINER": "recording-quarantine"},
    "an archive in the seal's log": {"ARCHIVE_CONTAINER": "recording-seal"},
}


@pytest.mark.parametrize("said", SAME_PLACE.values(), ids=SAME_PLACE)
def test_two_kinds_of_files_in_one_container_are_refused(said: dict[str, str]) -> None:
    """What is read as a dead letter is removed afterwards: with the archive's container, the archive would be."""
    with pytest.raises(SettingsError) as failure:
        read_settings({**ARCHIVE_IN_ONE, **said})

    (name,) = failure.value.faults
    assert name == next(setting for setting in reversed(said) if setting.endswith("_CONTAINER"))
    assert "a container of its own" in failure.value.faults[name]


@pytest.mark.parametrize(
    "said",
    [
        {"FALLBACK_STORAGE": KEYED.replace("one", "two"), "FALLBACK_CONTAINER": "recordings"},
        {"DEAD_LETTER_STORAGE": KEYED.replace("one", "two"), "DEAD_LETTER_CONTAINER": "recordings"},
        {"DEAD_LETTER_CONTAINER": "recordings", "FALLBACK_CONTAINER": "recordings"},
        {"FALLBACK_STORAGE": KEYED, "DEAD_LETTER_STORAGE": KEYED},
        {"CUSTODIAN_STORAGE": KEYED},
        {"CUSTODIAN_STORAGE__blobServiceUri": "https://ONE.blob.core.windows.net/"},
    ],
)
def test_one_name_in_two_accounts_is_two_containers(said: dict[str, str]) -> None:
    """As is a container that nothing uses; and the custodian's storage is the archive."""
    assert read_settings({**ARCHIVE_IN_ONE, **said}).archive_container == "recordings"


@pytest.mark.parametrize(
    "said",
    [
        {"CUSTODIAN_STORAGE": KEYED.replace("one", "two")},
        {"CUSTODIAN_STORAGE__accountName": "two"},
        {"CUSTODIAN_STORAGE__blobServiceUri": "https://two.blob.core.windows.net"},
    ],
)
def test_a_custodian_of_another_account_is_refused(said: dict[str, str]) -> None:
    """It finds nothing there, and a certificate says that all is destroyed."""
    with pytest.raises(SettingsError) as failure:
        read_settings({**ARCHIVE_IN_ONE, **said})

    assert list(failure.value.faults) == ["CUSTODIAN_STORAGE"]


@pytest.mark.parametrize("name", ["COPY_TIME_BUDGET", "FALLBACK_AFTER"])
@pytest.mark.parametrize("text", ["00:00:00", "00:00:09", "25:00:00", "99:59:59"])
def test_a_time_is_in_its_range_in_either_form(name: str, text: str) -> None:
    """With no time at all no copy ever gets on; minutes in the place of hours are a day."""
    with pytest.raises(SettingsError) as failure:
        read_settings({**GOOD, name: text})

    assert list(failure.value.faults) == [name]


@pytest.mark.parametrize("text", ["00:00:10", "24:00:00", "00:25:00"])
def test_a_time_at_the_ends_of_its_range_is_taken(text: str) -> None:
    """As in seconds."""
    assert read_settings({**GOOD, "COPY_TIME_BUDGET": text}).copy_time_budget.total_seconds() >= 10
