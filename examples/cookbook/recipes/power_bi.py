"""Refresh Power BI when the archive has written the night's Parquet files, once for each night; see recordings.pq."""

from typing import Any

from azure.core.exceptions import AzureError
from azure.storage.blob import ContainerClient

from recipes.outside import Outside, OutsideError

NAME = "power-bi"
SWITCH = "POWER_BI_DATASET"
SCOPE = "https://analysis.windows.net/powerbi/api/.default"
FOLDER = "directory/month="


def refresh(outside: Outside) -> bool:
    """Ask for a refresh if there are newer files than at the last one; returns whether it did. Raises OutsideError."""
    newest = _newest(outside)
    if newest is None or outside.notes.has(NAME, newest):
        return False
    base = outside.setting("POWER_BI_API", "https://api.powerbi.com")
    group, dataset = outside.setting("POWER_BI_WORKSPACE"), outside.setting(SWITCH)
    url = f"{base}/v1.0/myorg/groups/{group}/datasets/{dataset}/refreshes"
    outside.call("POST", url, outside.bearer(SCOPE), {"notifyOption": "NoNotification"}, expected=(202,))
    outside.notes.add(NAME, newest)
    return True


def _newest(outside: Outside) -> str | None:
    """Return when the newest file was written, as a key; None where there is none."""
    try:
        with _container(outside) as container:
            times = [blob.last_modified for blob in container.list_blobs(FOLDER)]
    except AzureError as error:
        raise OutsideError(f"the files cannot be listed ({type(error).__name__})") from None
    return f"{max(times):%Y%m%dT%H%M%S}" if times else None


def _container(outside: Outside) -> Any:
    if outside.has("PARQUET_CONNECTION"):  # a machine without an identity
        return ContainerClient.from_connection_string(
            outside.setting("PARQUET_CONNECTION"), outside.setting("PARQUET_CONTAINER")
        )
    url = f"https://{outside.setting('PARQUET_ACCOUNT')}.blob.core.windows.net"
    return ContainerClient(url, outside.setting("PARQUET_CONTAINER"), credential=outside.credential)
