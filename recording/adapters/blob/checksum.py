"""Let Blob storage verify what it receives: CRC64, and MD5 where the service does not support CRC64.

CRC64 takes about a fortieth of MD5's time. The service returns the CRC64 that it computed, so a service that merely
ignores the header (an emulator, a proxy that drops it) is noticed.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from azure.core.exceptions import HttpResponseError

from recording.adapters.azure_sdk.errors import LASTING_CODES, error_code_of
from recording.domain.archived.blocks import crc64_of

Send = Callable[[Mapping[str, str]], Mapping[str, Any]]
_UNKNOWN_HEADER = LASTING_CODES | {"UnsupportedHeader"}


class ServiceChecksum:
    """Remembers which checksum the service understands; one for each account."""

    def __init__(self) -> None:
        self._knows_crc64 = True

    def send(self, data: bytes | bytearray | memoryview, send: Send, crc64: int | None = None) -> None:
        """Send data with a checksum that the service verifies before it stores anything.

        Args:
            data: what will be sent.
            send: sends it with the headers it is given, and returns the answer's headers by the SDK's names.
            crc64: of the data, where the caller knows it, so that it is computed only once.
        """
        if self._knows_crc64:
            known = crc64_of(data) if crc64 is None else crc64
            if self._is_checked(known.to_bytes(8, "little"), send):
                return
        self._knows_crc64 = False
        send({"Content-MD5": base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()})

    def _is_checked(self, crc64: bytes, send: Send) -> bool:
        try:
            answer = send({"x-ms-content-crc64": base64.b64encode(crc64).decode()})
        except HttpResponseError as error:
            if error_code_of(error) in _UNKNOWN_HEADER:
                return False
            raise
        return bytes(answer.get("content_crc64") or b"") == crc64
