"""The inbox: an event is believed when a secret of ours signed it within five minutes (Standard Webhooks 1.0)."""

from collections.abc import Mapping, Sequence
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


class NotGenuineError(Exception):
    """Nobody who knows a secret has sent this, or it is old."""


def verified(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> dict[str, Any]:
    """Return the event in a genuine delivery, in the form that it has as a CloudEvent: with its id and time.

    Args:
        body: as it arrived, to the byte.
        headers: `webhook-id`, `webhook-timestamp` and `webhook-signature`, in any case.
        secrets: `whsec_…`; two while one replaces the other.

    Raises:
        NotGenuineError: no secret verifies it.
    """
    told = {name.lower(): value for name, value in headers.items()}
    for secret in secrets:
        try:
            event: dict[str, Any] = Webhook(secret).verify(body, told)
        except (WebhookVerificationError, ValueError):
            continue
        return {**event, "id": told["webhook-id"], "time": event["timestamp"]}
    raise NotGenuineError("no secret of ours verifies the signature")


def word_of(event: Mapping[str, Any]) -> str:
    """Return the word in `recording_archive.<word>.v1`."""
    return str(event["type"]).removeprefix("recording_archive.").removesuffix(".v1")
