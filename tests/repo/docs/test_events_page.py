"""docs/events.md as a receiver reads it: what it says about signatures verifies what the archive sends."""

import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from dev.in_memory.builders import settings
from dev.policies.repository import DOCS
from recording.adapters.outgoing.webhooks import WebhookWay
from recording.domain.outgoing.documents import webhook_body
from recording.domain.outgoing.endpoints import WebhookEndpoint
from recording.domain.outgoing.events import EventType, OutgoingEvent, SealedData, Subject, SubjectKind, event_of

PAGE = (DOCS / "events.md").read_text(encoding="utf-8")
OLD, NEW = "whsec_" + "QUJD" * 8, "whsec_" + "/+8A" * 8
SUBJECT = Subject(kind=SubjectKind.SEAL, id="seal")


def sent(*secrets: str, ago: timedelta = timedelta()) -> tuple[bytes, dict[str, str]]:
    """Return a body and its headers, as the archive posts them."""
    keys = tuple(SecretStr(secret) for secret in secrets)
    way = WebhookWay(settings(), WebhookEndpoint(name="crm", url=SecretStr("https://hooks.contoso.com/"), secrets=keys))
    now = datetime.now(UTC)
    event: OutgoingEvent = event_of(EventType.SEALED, SUBJECT, now, SealedData(checkpoint=7, leaves=3), "7")
    body = webhook_body(event, "")
    return body, way.headers(event.id, now - ago, body)


def receiver_of_the_page() -> Callable[[bytes, dict[str, str], list[str]], dict[str, Any]]:
    """Return the function that the page prints."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(program, "receiver.py", "exec"), names)  # noqa: S102 - the page is ours
    found: Callable[[bytes, dict[str, str], list[str]], dict[str, Any]] = names["genuine"]
    return found


def test_the_receiver_of_the_page_believes_what_the_archive_signs_and_nothing_else() -> None:
    """It is copied into systems that open tickets and start jobs."""
    genuine = receiver_of_the_page()
    body, headers = sent(NEW, OLD)
    capitals = {name.title(): value for name, value in headers.items()}
    for known in ([NEW], [OLD], [OLD, NEW]):
        assert genuine(body, capitals, known)["data"]["checkpoint"] == 7
    wrong: list[tuple[bytes, dict[str, str], list[str]]] = [
        (body.replace(b"7", b"8"), headers, [NEW]),
        (body, headers | {"webhook-id": "0" * 32}, [NEW]),
        (*sent(NEW, ago=timedelta(minutes=6)), [NEW]),
        (*sent(OLD), [NEW]),
        (body, headers, []),
    ]
    for content, said, known in wrong:
        with pytest.raises(PermissionError):
            genuine(content, said, known)


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_openssl_says_what_the_archive_says(tmp_path: Path, secret: str) -> None:
    """By hand is how a receiver in another language is debugged."""
    (script,) = [block for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) if "openssl" in block]
    body, headers = sent(OLD, NEW)
    (tmp_path / "body").write_bytes(body)
    given = {"SECRET": secret, "WEBHOOK_ID": headers["webhook-id"], "WEBHOOK_TIMESTAMP": headers["webhook-timestamp"]}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", **given},
        capture_output=True,
        text=True,
        check=True,
    )
    signatures = [part.removeprefix("v1,") for part in headers["webhook-signature"].split(" ")]
    assert done.stdout.strip() == signatures[[OLD, NEW].index(secret)]
