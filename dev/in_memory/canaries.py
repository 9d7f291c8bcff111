"""Secrets and people that exist only in tests, and a watch over every log record for them.

Every test goes through the watch (`tests/conftest.py`): one that makes anything log a canary fails. `dev/in_memory`
plants them in every event, metadata document and connection; Azurite's own key is the storage key of all tests.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

PHONE = "+4915550100199"
PARTICIPANT = "8:acs:0ca7a121-0000-4f0b-9d2a-ca7a121ca7a1_00000001-cafe-cafe-cafe"
ACS_KEY = "Y2FuYXJ5LWFjcy1rZXktbm90LWEta2V5"
STORAGE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq"  # how Azurite's published key begins
SIGNATURE = "sig=Y2FuYXJ5c2lnbmF0dXJl"
SHOWN = ("recording", "azure")  # the loggers that the host shows from INFO on
CANARIES = {
    "phone number": PHONE,
    "participant": PARTICIPANT,
    "ACS key": ACS_KEY,
    "storage key": STORAGE_KEY,
    "signature": SIGNATURE,
}


def seen_in(text: str) -> list[str]:
    """Return which canaries a text contains."""
    return [name for name, value in CANARIES.items() if value in text]


class Watch(logging.Handler):
    """Notes which canaries log records tell: in the text, in a traceback, or in the fields beside the text."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.leaks: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Inspect one record."""
        text = f"{self.format(record)} {vars(record)}"
        self.leaks += [f"{name} in a record of {record.name!r}" for name in seen_in(text)]


@contextmanager
def watched() -> Iterator[Watch]:
    """Yield a watch at the root of all loggers; what does not reach the root is not shown to anybody either."""
    watch, root = Watch(), logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in SHOWN}
    root.addHandler(watch)
    for name in SHOWN:
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        yield watch
    finally:
        root.removeHandler(watch)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
