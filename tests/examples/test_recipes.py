"""The recipes of the cookbook against strict stand-ins: each event once, by identity, and genuine only."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest
from azure.identity import CredentialUnavailableError
from pydantic import SecretStr

from dev.cookbook.others import SPEECH_KEY, Asked, Identity, Others, token_for
from dev.in_memory.builders import settings as built
from dev.policies.repository import ROOT
from recipes import ON, TryAgainError, inbox, power_bi, run, teams, ticket, transcribe
from recipes.outside import Outside, OutsideError
from recording.adapters.outgoing.webhooks import WebhookWay
from recording.domain.find.for_analysts import FACTS
from recording.domain.find.parquet import Kind, parquet
from recording.domain.outgoing.documents import cloud_event, webhook_body
from recording.domain.outgoing.endpoints import WebhookEndpoint
from recording.domain.outgoing.events import (
    ArchivedData,
    CallData,
    EventType,
    OutgoingEvent,
    Subject,
    SubjectKind,
    TroubledData,
    event_of,
)
from tests.examples.notes import Notes

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's verifier looks at the clock of this machine, and the first test may have run long ago."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC))


SECRET, OLD = "whsec_" + "QUJD" * 8, "whsec_" + "REVG" * 8
FOLDER = ROOT / "examples" / "cookbook"
SUBJECT = Subject(kind=SubjectKind.RECORDING, id="rec-1")
SCOPE = "api://archive/.default"


@pytest.fixture
def others() -> Iterator[Others]:
    with Others() as running:
        yield running


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def outside(others: Others, notes: Notes) -> Outside:
    return Outside(settings_of(others), Identity(), notes)


def settings_of(others: Others) -> dict[str, str]:
    return {
        **others.settings(),
        "ARCHIVE_API_URL": f"{others.url}/api",
        "ARCHIVE_API_SCOPE": SCOPE,
        "ARCHIVE_API_KEY": "key-of-the-app",
        "ARCHIVE_CONTAINER_URL": "https://account.blob.core.windows.net/recordings",
        "CONSOLE_URL": "https://archive.contoso.com/api/console",
    }


def quarantined() -> OutgoingEvent:
    data = TroubledData(recording_id="rec-1", index=0, document_id="doc", state="quarantined", code="media_suspect")
    return event_of(EventType.QUARANTINED, SUBJECT, NOW, data, "1")


def archived(*marks: object) -> OutgoingEvent:
    data = ArchivedData(recording_id="rec-1", index=0, document_id="doc", state="cataloged")
    return event_of(EventType.ARCHIVED, SUBJECT, NOW, data, *marks)


def told(event: OutgoingEvent) -> dict[str, Any]:
    """As it is on the queue."""
    return cloud_event(event, "https://archive.contoso.com/api")


def signed(event: OutgoingEvent, *secrets: str, at: datetime | None = None) -> tuple[bytes, dict[str, str]]:
    """As the archive itself sends it."""
    keys = tuple(SecretStr(secret) for secret in secrets)
    way = WebhookWay(built(), WebhookEndpoint(name="crm", url=SecretStr("https://hooks.contoso.com/"), secrets=keys))
    body = webhook_body(event, "")
    return body, way.headers(event.id, at or NOW, body)


# --- the inbox -------------------------------------------------------------------------------------------------------


def test_an_event_reads_alike_by_webhook_and_by_event_grid() -> None:
    """The recipes need not know how it came."""
    body, headers = signed(quarantined(), SECRET)
    event = inbox.verified(body, headers, [SECRET])
    by_grid = cloud_event(quarantined(), "")
    assert all(event[name] == by_grid[name] for name in ("id", "type", "subject", "sequence", "time", "data"))


def test_while_a_secret_is_replaced_either_one_will_do() -> None:
    """On both sides."""
    for known in ([SECRET], [OLD], [SECRET, OLD]):
        assert inbox.verified(*signed(quarantined(), SECRET, OLD), known)["id"] == quarantined().id


def test_what_is_forged_changed_or_old_is_not_believed() -> None:
    """Whoever finds the address must not open tickets."""
    body, headers = signed(quarantined(), SECRET)
    old = signed(quarantined(), SECRET, at=NOW - timedelta(minutes=6))
    wrong: list[tuple[bytes, dict[str, str], list[str]]] = [
        (body, headers, [OLD]),
        (body, headers, []),
        (body.replace(b"rec-1", b"rec-2"), headers, [SECRET]),
        (body, {**headers, "webhook-id": "0" * 32}, [SECRET]),
        (body, {name: value for name, value in headers.items() if name != "webhook-signature"}, [SECRET]),
        (body, {**headers, "webhook-signature": "v1"}, [SECRET]),
        (*old, [SECRET]),
    ]
    for content, said, secrets in wrong:
        with pytest.raises(inbox.NotGenuineError):
            inbox.verified(content, said, secrets)


# --- once ------------------------------------------------------------------------------------------------------------


def test_an_event_that_comes_again_is_worked_on_once(others: Others, outside: Outside) -> None:
    """The archive delivers at least once."""
    for _ in range(3):
        run(told(quarantined()), ON, outside)
    assert (len(others.messages), len(others.tickets)) == (1, 1)
    assert others.tickets[0]["correlation_id"] == quarantined().id


def test_a_worker_that_dies_before_its_note_opens_no_second_ticket(
    others: Others, outside: Outside, notes: Notes
) -> None:
    """A ticket is looked for by the event's id; a card in Teams may come twice, which the page says."""
    for recipe in (ticket, teams):
        notes.deaths = 1
        with pytest.raises(SystemError):
            run(told(quarantined()), [recipe], outside)
        run(told(quarantined()), [recipe], outside)
    assert (len(others.tickets), len(others.messages)) == (1, 2)


def test_a_side_that_fails_is_tried_again_and_keeps_no_other_from_its_part(others: Others, outside: Outside) -> None:
    """Teams answers 503 once; the ticket is there after the first try, and once only."""
    others.failures = 1
    with pytest.raises(TryAgainError, match="teams: answered 503"):
        run(told(quarantined()), ON, outside)
    assert (len(others.messages), len(others.tickets)) == (0, 1)
    run(told(quarantined()), ON, outside)
    assert (len(others.messages), len(others.tickets)) == (1, 1)


class NoIdentity:
    """An identity that gets no token: the platform's endpoint does not answer."""

    def get_token(self, *_: str, **__: Any) -> Any:
        raise CredentialUnavailableError("the endpoint did not answer")


def test_a_recipe_that_cannot_begin_keeps_no_other_from_its_part(others: Others, notes: Notes) -> None:
    """No token, a setting that was forgotten, an answer that nobody expects: the ticket is opened all the same."""
    incomplete = {**told(archived()), "type": EventType.INCOMPLETE.wire_name}
    without = {name: value for name, value in settings_of(others).items() if name != "ARCHIVE_API_URL"}
    others.routes["GET /api/recordings/rec-1"] = lambda _: (200, {"complete": True, "chunks": []})
    others.routes["POST /api/recordings/rec-1/derived"] = lambda _: (202, None)
    cases = [
        (settings_of(others), NoIdentity(), "this app's identity gets no token"),
        (without, Identity(), "the setting ARCHIVE_API_URL is missing"),
        (settings_of(others), Identity(), "transcribe: TypeError"),
    ]
    for at, (chosen, identity, said) in enumerate(cases):
        with pytest.raises(TryAgainError, match=said):
            run({**incomplete, "id": f"{at:032}"}, ON, Outside(chosen, identity, notes))
    assert (len(others.messages), len(others.tickets), others.transcriptions) == (3, 3, [])


def test_nothing_is_sent_after_a_redirect_and_no_address_is_told(others: Others, outside: Outside) -> None:
    """A workflow's URL is a secret, and a redirect could take it elsewhere."""
    others.routes = {f"POST {key.partition(' ')[2]}": lambda _: (307, None) for key in others.routes}
    with pytest.raises(TryAgainError) as failure:
        run(told(quarantined()), ON, outside)
    assert "sig=" not in str(failure.value)
    assert others.url not in str(failure.value)
    gone = Outside({"TEAMS_WORKFLOW_URL": "http://127.0.0.1:9/?sig=teams"}, Identity(), Notes())
    with pytest.raises(OutsideError) as silence:
        gone.call("POST", gone.setting("TEAMS_WORKFLOW_URL"), {})
    assert "sig=" not in str(silence.value)


def test_an_id_that_is_none_of_ours_becomes_no_query(others: Others, outside: Outside) -> None:
    """`^` would add a condition to the query of the ticket system."""
    with pytest.raises(TryAgainError, match="id"):
        run({**told(quarantined()), "id": "1^ORactive=true"}, ON, outside)
    assert all(asked.method == "POST" for asked in others.asked)


def test_a_card_and_a_ticket_say_what_happened_and_where_to_look(others: Others, outside: Outside) -> None:
    """Whoever is on call goes on from there."""
    run(told(quarantined()), ON, outside)
    (card,) = others.messages
    facts = {fact["title"]: fact["value"] for fact in card["body"][1]["facts"]}
    assert (facts["recordingId"], facts["code"]) == ("rec-1", "media_suspect")
    assert card["actions"][0]["url"] == "https://archive.contoso.com/api/console/index.html#/recording/rec-1"
    (ticket,) = others.tickets
    assert "code: media_suspect" in ticket["description"]
    refused = event_of(
        EventType.UNRECORDED, Subject(kind=SubjectKind.CALL, id="c"), NOW, CallData(reason="start_refused"), "1"
    )
    run(told(refused), ON, outside)
    assert others.messages[-1]["actions"] == []
    assert others.tickets[-1]["urgency"] == "1"


@pytest.mark.parametrize("written", ["/api/console", "/api/console/", "/api/console/index.html"])
def test_the_link_of_a_card_opens_for_a_person_who_is_not_signed_in_yet(written: str) -> None:
    """App Service authentication answers 401 in place of the page, but for the files that the templates leave open."""
    chosen = Outside({"CONSOLE_URL": f"https://archive.contoso.com{written}"}, Identity(), Notes())
    (action,) = teams.message_of(told(quarantined()), chosen)["attachments"][0]["content"]["actions"]
    path = urlsplit(action["url"]).path
    assert f"'{path}'" in (ROOT / "infra" / "modules" / "function-app.bicep").read_text("utf-8")


# --- transcriptions --------------------------------------------------------------------------------------------------


def archive(others: Others, *, complete: bool = True, answers: list[tuple[int, Any]] | None = None) -> None:
    """Let the stand-in play the archive's API as docs/api.md has it."""
    left = answers or [(202, {"files": [{"state": "made", "blobName": f"a/{n} ö.wav"} for n in range(3)]})]

    def admitted(asked: Asked, content: tuple[int, Any]) -> tuple[int, Any]:
        is_in = asked.headers.get("x-functions-key") == "key-of-the-app"
        return content if is_in and asked.headers.get("authorization") == f"Bearer {token_for(SCOPE)}" else (401, None)

    def derived(asked: Asked) -> tuple[int, Any]:
        assert asked.content == {"kind": "speakers"}
        return admitted(asked, left.pop(0) if len(left) > 1 else left[0])

    recording = {"complete": complete, "chunks": [{"blobName": "a/0.mp3"}, {"blobName": None}]}
    others.routes["GET /api/recordings/rec-1"] = lambda asked: admitted(asked, (200, recording))
    others.routes["POST /api/recordings/rec-1/derived"] = derived


def test_a_whole_recording_is_transcribed_once_by_a_file_for_each_speaker(others: Others, outside: Outside) -> None:
    """By identity, without a SAS; a second event of the same files starts nothing."""
    archive(others)
    for mark in ("chunk 0", "chunk 0", "chunk 1"):
        run(told(archived(mark)), ON, outside)
    (asked,) = others.transcriptions
    assert asked["contentUrls"] == [
        f"https://account.blob.core.windows.net/recordings/a/{n}%20%C3%B6.wav" for n in range(3)
    ]


def test_the_key_of_speech_is_used_only_where_it_is_set(others: Others, notes: Notes) -> None:
    """Identity before keys."""
    archive(others)
    keyed = Outside({**settings_of(others), "SPEECH_KEY": SPEECH_KEY}, Identity(), notes)
    run(told(archived()), [transcribe], keyed)
    assert len(others.transcriptions) == 1
    assert "authorization" not in others.asked[-1].headers


def test_a_recording_that_lacks_files_waits_for_them_or_for_the_word_that_they_do_not_come(
    others: Others, outside: Outside
) -> None:
    """Half a transcript that looks whole is worse than none."""
    archive(others, complete=False)
    run(told(archived()), ON, outside)
    assert others.transcriptions == []
    half = {**told(archived("x")), "type": EventType.INCOMPLETE.wire_name}
    run(half, [transcribe], outside)
    assert len(others.transcriptions) == 1


def test_the_speakers_files_are_waited_for(others: Others, outside: Outside) -> None:
    """They are made by a queue; the host brings the event again."""
    made = (202, {"files": [{"state": "made", "blobName": "a/speaker-0.wav"}]})
    archive(others, answers=[(409, {"code": "not_archived"}), (202, {"files": [{"state": "requested"}]}), made])
    for _ in range(2):
        with pytest.raises(TryAgainError):
            run(told(archived()), [transcribe], outside)
    run(told(archived()), [transcribe], outside)
    assert len(others.transcriptions) == 1


def test_what_cannot_be_split_is_transcribed_as_it_is(others: Others, outside: Outside) -> None:
    """Mixed audio as MP3, for one."""
    archive(others, answers=[(409, {"code": "not_derivable"})])
    run(told(archived()), [transcribe], outside)
    (asked,) = others.transcriptions
    assert asked["contentUrls"] == ["https://account.blob.core.windows.net/recordings/a/0.mp3"]


def test_what_could_not_be_split_is_transcribed_as_it_is(others: Others, outside: Outside) -> None:
    """The archive has tried and says so; waiting for it would end on the poison queue."""
    archive(others, answers=[(202, {"files": [{"state": "made", "blobName": "a/s.wav"}, {"state": "failed"}]})])
    run(told(archived()), [transcribe], outside)
    (asked,) = others.transcriptions
    assert asked["contentUrls"] == ["https://account.blob.core.windows.net/recordings/a/0.mp3"]


def test_no_file_is_left_out_of_a_long_recording(others: Others, outside: Outside) -> None:
    """Speech takes a thousand files at most, so there is more than one transcription."""
    many = [{"state": "made", "blobName": f"a/{number:05d}.wav"} for number in range(2345)]
    archive(others, answers=[(202, {"files": many})])
    run(told(archived()), [transcribe], outside)
    sent = [asked["contentUrls"] for asked in others.transcriptions]
    assert [len(urls) for urls in sent] == [1000, 1000, 345]
    assert len({url for urls in sent for url in urls}) == 2345


# --- Power BI --------------------------------------------------------------------------------------------------------

M_TYPES = {
    "type text": Kind.TEXT,
    "type datetimezone": Kind.TIME,
    "type number": Kind.NUMBER,
    "Int64.Type": Kind.WHOLE,
    "type logical": Kind.FLAG,
}


def test_the_query_names_every_column_of_the_files_with_its_type(tmp_path: Any) -> None:
    """A column that is renamed would fail the refresh at night, in somebody's workspace."""
    query = (FOLDER / "recordings.pq").read_text("utf-8")
    named = re.findall(r'\{"(\w+)", ([\w. ]+)\}', query)
    assert [(name, M_TYPES[kind]) for name, kind in named] == [(column.name, column.kind) for column in FACTS]
    path = tmp_path / "part-0000.parquet"
    path.write_bytes(parquet(list(FACTS), [], "test"))
    columns = [row[0] for row in duckdb.read_parquet(str(path)).description]
    assert columns == [name for name, _ in named]


def test_a_night_is_refreshed_once(others: Others, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer looks every half hour; without new files nothing is asked."""
    nights: list[str | None] = [None, "20261128T024512", "20261128T024512", "20261129T024508"]
    monkeypatch.setattr(power_bi, "_newest", lambda _outside: nights.pop(0))
    assert [power_bi.refresh(outside) for _ in range(4)] == [False, True, False, True]
    assert others.refreshes == 2


def test_a_refresh_that_is_refused_is_asked_for_again(
    others: Others, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Power BI throttles; the next look asks again."""
    monkeypatch.setattr(power_bi, "_newest", lambda _outside: "20261128T024512")
    others.failures = 1
    with pytest.raises(OutsideError, match="503"):
        power_bi.refresh(outside)
    assert power_bi.refresh(outside)
