"""The watch over all logs: it catches what is planted, and error bodies full of secrets do not reach a log."""

import logging
from collections.abc import Callable

import pytest

from dev.in_memory import canaries
from dev.loopback import Answer, World
from recording.adapters.acs.source import AcsSource
from recording.errors import SourceError
from recording.settings import AcsConnection
from recording.telemetry import Event, emit

LOG = logging.getLogger("recording.planted")
ALL = " ".join(canaries.CANARIES.values())
LOCATION = "https://storage.asm.skype.com/v1/objects/0-eus-d1-aa/content/audio"


def _raised() -> None:
    try:
        dict[str, str]()[ALL]
    except KeyError:
        LOG.exception("it failed")


LEAKS: dict[str, Callable[[], None]] = {
    "text": lambda: LOG.warning("this is %s", ALL),
    "argument": lambda: LOG.warning("this is %(it)s", {"it": ALL}),
    "field": lambda: LOG.warning("this is fine", extra={"detail": ALL}),
    "traceback": _raised,
    "the app's own event": lambda: emit(Event.STARTED, detail=ALL),
    "another library": lambda: logging.getLogger("azure.core").info(ALL),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_a_planted_leak_is_caught(watch: canaries.Watch, leak: Callable[[], None]) -> None:
    """A watch that sees nothing would pass every test of the suite."""
    leak()
    caught = {found.partition(" in ")[0] for found in watch.leaks}
    watch.leaks.clear()  # this one was meant
    assert caught == set(canaries.CANARIES)


def test_the_watch_is_on_in_tests_that_do_not_ask_for_it(request: pytest.FixtureRequest) -> None:
    """It has to be in every test, or the leak is in the other one."""
    assert "watch" in request.fixturenames
    assert any(isinstance(handler, canaries.Watch) for handler in logging.getLogger().handlers)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_an_error_body_full_of_secrets_tells_none(
    acs: AcsConnection, world: World, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """Whatever ACS writes into an error stays there: not in our error, and not in a log of any library."""
    caplog.set_level(logging.INFO)  # below that, urllib3 logs what it requests; no host shows it
    world.script.anything(Answer(status, ALL.encode(), {"x-ms-error": ALL}))
    source = AcsSource(acs)
    with pytest.raises(SourceError) as failed, source.open_content(f"{LOCATION}?{canaries.SIGNATURE}"):
        pass
    source.close()
    assert canaries.seen_in(f"{failed.value!r} {failed.value.__cause__!r}") == []
