"""Standard Webhooks 1.0 verified twice: by the library, and by a reading of the specification of our own.

A receiver that trusts one implementation alone would not notice that the sender uses the same one wrongly.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

TOLERANCE = timedelta(minutes=5)
PREFIX = "whsec_"


class VerifiersDisagreeError(Exception):
    """One of the two accepts what the other one refuses: a bug in one of them."""


def is_genuine(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Return whether a delivery is signed with the secret, and recent.

    Raises:
        VerifiersDisagreeError: the two verifiers give different answers.
    """
    library, own = _by_the_library(secret, headers, body), is_signed(secret, headers, body, now)
    if library is not own:
        raise VerifiersDisagreeError(f"the library says {library}, the second implementation {own}")
    return own


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Return whether one of the signatures is ours, over id, time and body; what cannot be read is not."""
    told = {name.lower(): value for name, value in headers.items()}
    try:
        event_id, at = told["webhook-id"], told["webhook-timestamp"]
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        age = abs(now.timestamp() - int(at))
        given = [part.partition(",") for part in told["webhook-signature"].split(" ")]
        signatures = [base64.b64decode(text, validate=True) for version, _, text in given if version == "v1"]
    except (KeyError, ValueError, binascii.Error):
        return False
    expected = hmac.digest(key, b".".join((event_id.encode(), at.encode(), body)), hashlib.sha256)
    return age <= TOLERANCE.total_seconds() and any(hmac.compare_digest(expected, one) for one in signatures)


def _by_the_library(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True
