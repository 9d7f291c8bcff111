"""Post to Teams: what needs attention becomes a card in a channel, by a workflow's webhook."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from recipes.inbox import word_of
from recipes.outside import Outside

NAME = "teams"
SWITCH = "TEAMS_WORKFLOW_URL"  # whoever knows it can post: a Key Vault reference
TITLES = {
    "at_risk": "Little time is left to archive a recording",
    "quarantined": "A file of a recording is held for an operator",
    "expired": "A file of a recording was lost at ACS",
    "missing": "No file of a recording was announced",
    "incomplete": "Files of a recording are missing",
    "unrecorded": "A call that must be recorded is not",
    "paused_too_long": "A recording stayed paused too long",
}
TYPES = frozenset(TITLES)
FACTS = ("recordingId", "index", "state", "reason", "code", "expiresAt", "chunks")


def act(event: Mapping[str, Any], outside: Outside) -> None:
    """Post a card. Raises OutsideError."""
    outside.call("POST", outside.setting(SWITCH), {}, message_of(event, outside), expected=(200, 202))


def message_of(event: Mapping[str, Any], outside: Outside) -> dict[str, Any]:
    """Return the message: one adaptive card, as the workflow template for webhooks takes it."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": title_of(event), "weight": "Bolder", "size": "Medium", "wrap": True},
            {"type": "FactSet", "facts": [{"title": name, "value": value} for name, value in facts_of(event).items()]},
        ],
        "actions": _links(event, outside),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def title_of(event: Mapping[str, Any]) -> str:
    """Return what happened, in a sentence."""
    return TITLES[word_of(event)]


def facts_of(event: Mapping[str, Any]) -> dict[str, str]:
    """Return what an event says, and when it happened; there is nothing personal in it."""
    told = {name: str(event["data"][name]) for name in FACTS if event["data"].get(name) is not None}
    return {"when": str(event["time"]), **told, "event": str(event["id"])}


def _links(event: Mapping[str, Any], outside: Outside) -> list[dict[str, str]]:
    recording_id = event["data"].get("recordingId")
    if not (recording_id and outside.has("CONSOLE_URL")):
        return []
    page = f"{outside.setting('CONSOLE_URL').rstrip('/').removesuffix('/index.html')}/index.html"  # opens unsigned
    url = f"{page}#/recording/{quote(recording_id, safe='')}"
    return [{"type": "Action.OpenUrl", "title": "Open in the console", "url": url}]
