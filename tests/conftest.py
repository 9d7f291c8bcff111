"""Fixtures that every suite may use."""

import gc
import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from dev.azurite import Azurite, is_installed
from dev.in_memory import canaries

# No test is about time: a busy machine must not turn one red. Benchmarks measure.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without looking for garbage: twenty thousand tests stay until the end, and each look goes through all."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(autouse=True)
def watch() -> Iterator[canaries.Watch]:
    """Whatever a test does, no log record may tell a canary (`dev/in_memory/canaries.py`)."""
    with canaries.watched() as watching:
        yield watching
    assert watching.leaks == [], "a log tells what nobody may read"


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One Azurite in memory for the whole run (one per xdist worker); tests choose names of their own in it."""
    if not is_installed():
        missing("Azurite is not installed: run 'npm ci'")
    with Azurite() as running:
        yield running


def missing(what: str) -> None:
    """In CI an absent tool is a failure: a skipped test proves nothing there."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(what)
    pytest.skip(what)
