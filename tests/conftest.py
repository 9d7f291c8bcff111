"""Fixtures that every suite may use."""

import gc
import ipaddress
import os
import socket
from collections.abc import Generator, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import settings

from dev.azurite import Azurite, is_installed
from dev.in_memory import canaries

# No test is about time: a busy machine must not turn one red. Benchmarks measure.
settings.register_profile("no deadline", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=5)
settings.load_profile("no deadline")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `make fast`."""
    parser.addoption(
        "--fast", action="store_true", help="one case of each test, few examples of each property, nothing slow"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let properties be tried with few examples where a quick answer is asked for."""
    if config.getoption("--fast"):
        settings.load_profile("fast")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep one case of each test where a quick answer is asked for."""
    if config.getoption("--fast"):
        first = {(item.path, getattr(item, "originalname", item.name)): item for item in reversed(items)}
        chosen = {item for item in first.values() if item.get_closest_marker("slow") is None}
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = [item for item in items if item in chosen]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without looking for garbage: twenty thousand tests stay until the end, and each look goes through all."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Forget where an error was raised that a test was given: with its frames it keeps a whole world until the end."""
    try:
        return (yield)
    finally:
        callspec = getattr(item, "callspec", None)
        _forget_frames(callspec.params.values() if callspec is not None else ())


def _forget_frames(values: Iterable[object]) -> None:
    for value in values:
        if isinstance(value, BaseException):
            value.__traceback__ = value.__context__ = None
        elif isinstance(value, list | tuple):
            _forget_frames(value)


@pytest.fixture(autouse=True)
def watch() -> Iterator[canaries.Watch]:
    """Whatever a test does, no log record may tell a canary (`dev/in_memory/canaries.py`)."""
    with canaries.watched() as watching:
        yield watching
    assert watching.leaks == [], "a log tells what nobody may read"


@pytest.fixture(autouse=True, scope="session")
def no_foreign_names() -> Iterator[None]:
    """Tests talk to loopback only, so no name of another host is ever asked for: a resolver may take seconds."""
    plain = socket.getaddrinfo

    def find(host: Any, *rest: Any, **options: Any) -> Any:
        if str(host or "localhost").strip("[]") not in ("localhost", socket.gethostname()) and not _is_address(host):
            raise socket.gaierror(socket.EAI_NONAME, "no test resolves the names of others")
        return plain(host, *rest, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", find)
        yield


def _is_address(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return True


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
