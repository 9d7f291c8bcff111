"""Translate the Azure SDKs' exceptions into our own error tree, once.

A message names the operation, the HTTP status and the service's error code; where no connection was made, the host that
did not answer. It never repeats the SDK's own message, and the SDK's exception is not chained: both may contain
addresses, headers and signatures.
"""

import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, ResourceNotFoundError

from recording.adapters.azure_sdk.retry_after import read_retry_after
from recording.adapters.azure_sdk.unreached import no_connection
from recording.errors import (
    BlobLockedError,
    RecordingError,
    SourceBusyError,
    SourceGoneError,
    SourceRefusedError,
    StorageBusyError,
    StorageError,
    StorageRefusedError,
)
from recording.errors.codes import Code

# Transient codes whose statuses otherwise mean a lasting refusal.
PASSING_CODES = frozenset(
    {
        "AccountBeingCreated",
        "ContainerBeingDeleted",
        "Crc64Mismatch",  # the bytes were damaged in transit
        "InternalError",
        "Md5Mismatch",  # likewise
        "OperationTimedOut",
        "QueueBeingDeleted",
        "ServerBusy",
        "TableBeingDeleted",
    }
)

# A code that comes with a 500 but lasts: Azurite's word for what an emulator does not do.
LASTING_CODES = frozenset({"FeatureNotSupported"})

# Codes that come with a 409 or 412 and last: no other writer was faster, the blob may not be written (or read) at all.
LOCKED_CODES = frozenset(
    {
        "BlobArchived",
        "BlobBeingRehydrated",
        "BlobImmutableDueToPolicy",
        "BlobImmutableDueToLegalHold",
        "BlobNotInImmutableState",
        "ContainerImmutableDueToPolicy",
        "LeaseIdMissing",
        "LeaseIdMismatchWithBlobOperation",
        "LeaseIdMismatchWithContainerOperation",
        "LeaseLost",
        "LeaseNotPresentWithBlobOperation",
    }
)

# Exceptions inside the SDKs when an answer is truncated or comes from a proxy instead of storage: observed with
# azure-data-tables 12.7 (AttributeError, TypeError), blob 12.31 (ValueError) and queue 12.18 (XML's SyntaxError); and
# with JSON that is nested too deep (RecursionError).
UNREADABLE_ANSWER = (AttributeError, KeyError, RecursionError, SyntaxError, TypeError, ValueError)


_CODE = re.compile(r"[A-Za-z0-9._-]{1,80}", re.ASCII)
_TOKEN_SERVICES = ("/oauth2/", "/metadata/identity/", "/msi/token")  # in the addresses of token services


@dataclass(frozen=True)
class ErrorFamily:
    """Our errors for each kind of failure."""

    busy: type[RecordingError]
    refused: type[RecordingError]
    gone: type[RecordingError]
    other: type[RecordingError]


STORAGE = ErrorFamily(StorageBusyError, StorageRefusedError, StorageError, StorageError)
SOURCE = ErrorFamily(SourceBusyError, SourceRefusedError, SourceGoneError, SourceBusyError)


@contextmanager
def translate_errors(doing: str, family: ErrorFamily = STORAGE) -> Iterator[None]:
    """Translate everything that an SDK raises inside into the family; only SDK calls belong inside.

    Args:
        doing: the operation, for the message; without locations and secrets.
        family: the errors to raise.
    """
    try:
        yield
    except AzureError as error:
        kind = _kind_of(error, family)
        if family is STORAGE and has_no_token(error):
            message = f"{doing} failed: no token, so it was not asked ({type(error).__name__})"
            raise StorageRefusedError(message, code=Code.TOKEN_UNAVAILABLE) from None
        raise kind(f"{doing} failed ({describe(error)})", retry_after=retry_after(error)) from None
    except UNREADABLE_ANSWER as error:
        raise family.busy(f"{doing} failed: the answer cannot be read ({_place_of(error)})") from None


def _place_of(error: Exception) -> str:
    """Return the type of an exception and where it was raised, without its message, which may contain anything."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {last.name}, line {last.lineno}"


def describe(error: AzureError) -> str:
    """Return the safe facts: type of exception, HTTP status, service's code, or the unreachable host."""
    facts = (type(error).__name__, status_of(error), error_code_of(error))
    told = " ".join(str(fact) for fact in facts if fact)
    unreached = no_connection(error) if status_of(error) is None else None
    return f"{told}: {unreached}" if unreached else told


def status_of(error: AzureError) -> int | None:
    """Return the HTTP status of the answer, if there was one."""
    return error.status_code if isinstance(error, HttpResponseError) else None


def error_code_of(error: AzureError) -> str | None:
    """Return the service's stable code.

    The SDKs give an enum, a string or nothing, and on HEAD only the header has it. Anything else than a code is
    dropped: a proxy may have written an address there, and it would be logged.
    """
    code = getattr(error, "error_code", None)
    if code is None:
        code = _headers(error).get("x-ms-error-code")
    text = str(getattr(code, "value", code) or "")
    return text if _CODE.fullmatch(text) else None


def has_no_token(error: AzureError) -> bool:
    """Return whether the identity got no token, so that the service itself was never called."""
    if not isinstance(error, ClientAuthenticationError):
        return False
    request = getattr(error.response, "request", None)
    return error.response is None or any(part in str(getattr(request, "url", "")) for part in _TOKEN_SERVICES)


def retry_after(error: AzureError) -> timedelta | None:
    """Return how long the service asks to wait."""
    return read_retry_after(_headers(error).get("Retry-After"), datetime.now(UTC))


def may_pass(error: AzureError) -> bool:
    """Return whether the failure is transient: no answer, a broken one, throttling, or a server's fault."""
    status = status_of(error)
    if isinstance(error, ClientAuthenticationError) or error_code_of(error) in LASTING_CODES:
        return False
    return status is None or status < 400 or status in (408, 429) or status >= 500 or _has_passing_code(error)


def is_refused_condition(error: HttpResponseError) -> bool:
    """Return whether a conditional write was refused because of an existing blob (409 or 412)."""
    return status_of(error) in (409, 412) and not _has_passing_code(error) and not is_locked(error)


def is_locked(error: AzureError) -> bool:
    """Return whether the refusal is lasting: the blob is protected or archived, and no race was lost."""
    return error_code_of(error) in LOCKED_CODES


def _headers(error: AzureError) -> Mapping[str, str]:
    response = error.response if isinstance(error, HttpResponseError) else None
    return getattr(response, "headers", {})


def _has_passing_code(error: AzureError) -> bool:
    return error_code_of(error) in PASSING_CODES


def _kind_of(error: AzureError, family: ErrorFamily) -> type[RecordingError]:
    if isinstance(error, ClientAuthenticationError) or status_of(error) in (401, 403):
        return family.refused
    if isinstance(error, ResourceNotFoundError) and not _has_passing_code(error):
        return family.gone
    if family is STORAGE and is_locked(error):
        return BlobLockedError
    return family.busy if may_pass(error) else family.other
