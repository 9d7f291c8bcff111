"""Links that open one archived blob without this app: only where DOWNLOAD_LINK_MINUTES is set."""

from datetime import datetime
from typing import Protocol


class DownloadLinks(Protocol):
    """Signs links of the archive's own storage. Every method raises StorageError."""

    def link(self, name: str, file_name: str, media_type: str, until: datetime) -> str:
        """Return an https address that lets its holder read this blob, and do nothing else, until then.

        Browsers save it as `file_name`.

        Raises:
            StorageRefusedError: the account gives this app no such signature, until an operator acts.
        """
        ...
