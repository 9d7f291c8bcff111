"""What the page says: numbers that are true, what to do about each code, days that are clear on paper, too."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dev.console.server import ConsoleServer
from recording.domain.watched.attention import Attention
from recording.errors.codes import Code
from tests.console.conftest import Visit

SCREENS = ("now", "search?range=any", "kept", "requests", "held", "audit", "health")
LOSSES = {Attention.LOST, Attention.AT_RISK, Attention.MISSING}
_A_CAPITAL_WITHIN = re.compile(r"[a-z,:] (?:Today|Yesterday) ")


def settled(page: Page, server: ConsoleServer, screen: str) -> str:
    page.goto(f"{server.url}#/{screen}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)
    return page.locator("main").inner_text()


def answered(page: Page, items: list[dict[str, Any]]) -> None:
    body = json.dumps({"attention": items, "attentionCount": len(items), "queues": [], "volume": {"today": {}}})
    page.route("**/console/api/now*", lambda route: route.fulfill(body=body, content_type="application/json"))


@pytest.mark.parametrize("kind", Attention)
def test_the_first_line_calls_lost_only_what_is_lost(kind: Attention, visits: Visit, server: ConsoleServer) -> None:
    """A timer that is late and a seal that differs are bad, and no recording is lost by them."""
    with visits() as page:
        answered(page, [{"id": "x", "kind": kind.value, "reason": kind.value, "at": server.day.now.isoformat()}])
        settled(page, server, "now")
        loss, other = "1 recording file is lost, missing or at risk", "1 thing waits for a decision or a fix"
        expect(page.locator(".verdict .big")).to_have_text(loss if kind in LOSSES else other)


@pytest.mark.parametrize("screen", ["now", "held"])
def test_what_to_do_is_what_the_code_says(screen: str, visits: Visit, server: ConsoleServer) -> None:
    """The operator on call must not be sent to another page to look a code up."""
    with visits() as page:
        told = settled(page, server, screen)
        listed = [code for code in (Code.SOURCE_REFUSED, Code.FOREIGN_HOST) if code.value.replace("_", " ") in told]
        assert listed  # another test of this day may have decided about one of them
        for code in listed:
            assert re.sub(r"[`*]", "", code.remedy) in told
        if Code.FOREIGN_HOST in listed:
            refused = page.get_by_role("listitem").filter(has_text="foreign host").first
            assert "accept" not in refused.inner_text().lower()


@pytest.mark.parametrize("screen", SCREENS)
def test_sentences_are_read_and_not_parsed(screen: str, visits: Visit, server: ConsoleServer) -> None:
    """No marks of Markdown, and no capital in the middle of a sentence."""
    with visits() as page:
        told = settled(page, server, screen)
        assert "`" not in told
        assert "**" not in told
        assert _A_CAPITAL_WITHIN.findall(told) == []


def test_on_paper_a_day_has_its_date(visits: Visit, server: ConsoleServer) -> None:
    """A print is read years later, when no day is today any more."""
    with visits() as page:
        settled(page, server, f"recording/{server.day.ids['mp3']}")
        page.emulate_media(media="print")
        shown = page.evaluate("getComputedStyle(document.querySelector('h1 time'), '::before').content")
        assert str(server.day.now.year) in shown


def test_the_page_claims_the_proof_that_was_made_and_no_other(visits: Visit, server: ConsoleServer) -> None:
    """It said of everything that it was read back byte by byte, also where nobody had read it (VERIFY_READBACK)."""
    catalog, name = server.day.world.fakes.catalog, server.day.ids["wav"]
    (before,) = catalog.chunks_of(name)
    told = ("length equals the source's declared total", "the media opens")
    kept = catalog.save_chunk(before.model_copy(update={"verified_how": told}))
    with visits() as page:
        settled(page, server, f"recording/{name}")
        proof = page.get_by_role("region", name="Proof")
        expect(proof.locator(".proofs li")).to_have_text(list(told))
        expect(proof.get_by_text("read back")).to_have_count(0)
    catalog.save_chunk(kept.model_copy(update={"verified_how": before.verified_how}))


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ({"detail": "`next` is not of this query"}, "Next is not of this query."),
        ({"title": "storage busy"}, "Storage busy."),
        ({"detail": "The key does not answer."}, "The key does not answer."),
        ({}, "The server answered 503."),
    ],
)
def test_a_refusal_is_read_as_a_sentence(
    answer: dict[str, str], shown: str, visits: Visit, server: ConsoleServer
) -> None:
    """The API writes its details for programs: lower case, no full stop, names in backticks."""
    with visits() as page:
        body = json.dumps(answer)
        page.route(
            "**/console/api/recordings/search",
            lambda route: route.fulfill(status=503, body=body, content_type="application/problem+json"),
        )
        page.goto(f"{server.url}#/search?range=any")
        expect(page.get_by_role("alert").get_by_text(shown, exact=True)).to_be_visible()
