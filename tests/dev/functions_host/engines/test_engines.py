"""Both engines refuse the same mistakes at start, and treat a function alike."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from azure.functions.meta import Datum

from dev.functions_host.engines.choice import create_engine
from dev.functions_host.engines.engine import DIRECT, WORKER, Call, Engine, FunctionFailedError, Outcome
from dev.functions_host.functions import AppError, FunctionSpec

ENGINES = [DIRECT, WORKER] if sys.version_info >= (3, 13) else [DIRECT]
HEAD = "import asyncio, os, threading, time, typing\nimport azure.functions as func\napp = func.FunctionApp()\n"
QUEUE = '@app.queue_trigger(arg_name="m", queue_name="q", connection="C")\n'
OUTPUT = '@app.queue_output(arg_name="o", queue_name="r", connection="C")\n'


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return create_engine(request.param)


Work = Callable[[Engine, list[FunctionSpec]], Coroutine[Any, Any, Any]]


def with_app(engine: Engine, app_dir: Path, body: str, work: Work) -> Any:
    """Writes the app, starts the engine over it, does the work and stops."""
    (app_dir / "function_app.py").write_text(HEAD + body)

    async def run() -> Any:
        functions = await engine.start(app_dir)
        try:
            return await work(engine, functions)
        finally:
            await engine.stop()

    return asyncio.run(run())


async def invoke(engine: Engine, functions: list[FunctionSpec], text: str = "hi") -> Outcome:
    metadata = {"Id": Datum("1", "string"), "DequeueCount": Datum("2", "json")}
    return await engine.invoke(Call("i1", functions[0], Datum(text, "string"), metadata))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (f"{QUEUE}def f(message: func.QueueMessage): pass", "message"),
        (f"{QUEUE}{OUTPUT}def f(m: func.QueueMessage, o: func.Out[list[str]]): pass", "list"),
        ("import nosuchmodule", "nosuchmodule"),
        ("app = None", "app"),
        ("@app.blob_trigger(arg_name='b', path='p', connection='C')\ndef f(b: func.InputStream): pass", "blobTrigger"),
    ],
)
def test_a_mistake_in_the_app_stops_the_start(engine: Engine, tmp_path: Path, body: str, said: str) -> None:
    """A plain call of the function shows none of these; production does, after the deployment."""

    async def nothing(_engine: Engine, _functions: list[FunctionSpec]) -> None:
        pytest.fail("the app was accepted")

    with pytest.raises(AppError, match=said):
        with_app(engine, tmp_path, body, nothing)


def test_a_directory_without_an_app_is_named(engine: Engine, tmp_path: Path) -> None:
    """The usual mistake is to start in the wrong directory."""
    with pytest.raises(AppError, match=f"no function_app.py in {tmp_path}"):
        asyncio.run(engine.start(tmp_path))


def test_a_value_returned_without_a_return_binding_fails_the_invocation(engine: Engine, tmp_path: Path) -> None:
    """The function has done its work by then, and is run again: a classic way to do it five times."""
    body = f"{QUEUE}def f(m: func.QueueMessage): return 7"
    with pytest.raises(FunctionFailedError, match="return"):
        with_app(engine, tmp_path, body, invoke)


def test_an_exception_comes_with_its_name_and_stack(engine: Engine, tmp_path: Path) -> None:
    """The log is all that is left of it."""
    body = f"{QUEUE}async def f(m: func.QueueMessage): raise KeyError('lost')"
    with pytest.raises(FunctionFailedError, match="KeyError: 'lost'") as caught:
        with_app(engine, tmp_path, body, invoke)
    assert "function_app.py" in caught.value.stack


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        ("func.Out[str]", "'text'", Datum("text", "string")),
        ("func.Out[bytes]", "b'bytes'", Datum(b"bytes", "bytes")),
        ("func.Out[typing.List[str]]", "['a', 'b']", Datum(json.dumps(["a", "b"]), "json")),
        ("func.Out[str]", "{'a': 1}", Datum(json.dumps({"a": 1}), "json")),
        ("func.Out[str]", "None", None),
    ],
)
def test_outputs_are_encoded_by_their_annotation(
    engine: Engine, tmp_path: Path, annotation: str, value: str, expected: Datum | None
) -> None:
    """What the host writes to the queue depends on it."""
    body = f"{QUEUE}{OUTPUT}def f(m: func.QueueMessage, o: {annotation}): o.set({value})"
    outcome: Outcome = with_app(engine, tmp_path, body, invoke)
    found = outcome.outputs.get("o")
    assert (found and (found.value, found.type)) == (expected and (expected.value, expected.type))


def test_the_function_sees_the_message_and_its_metadata(engine: Engine, tmp_path: Path) -> None:
    """Backing off by dequeue count needs the count."""
    returned = '@app.queue_output(arg_name="$return", queue_name="r", connection="C")\n'
    text = "f'{m.get_body()} {m.id} {m.dequeue_count} {context.function_name} {context.invocation_id}'"
    body = f"{QUEUE}{returned}def f(m: func.QueueMessage, context: func.Context) -> str: return {text}"
    outcome: Outcome = with_app(engine, tmp_path, body, invoke)
    assert outcome.returned is not None
    assert outcome.returned.value == "b'hi' 1 2 f i1"


def test_sync_functions_run_side_by_side_up_to_the_thread_count(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting bounds how many copies run in one instance."""
    monkeypatch.setenv("PYTHON_THREADPOOL_THREAD_COUNT", "2")
    body = f"seen = []\n{QUEUE}def f(m: func.QueueMessage):\n    seen.append(threading.get_ident()); time.sleep(0.05)"

    async def six(engine: Engine, functions: list[FunctionSpec]) -> int:
        await asyncio.gather(*(invoke(engine, functions) for _ in range(6)))
        return len(set(sys.modules["function_app"].seen))

    assert with_app(engine, tmp_path, body, six) == 2


def test_a_blocking_async_function_stalls_the_app_and_not_the_host(engine: Engine, tmp_path: Path) -> None:
    """As in production, where the host is another process; it would hide here if they shared a loop."""
    body = f"{QUEUE}async def f(m: func.QueueMessage): time.sleep(0.3)"

    async def ticks(engine: Engine, functions: list[FunctionSpec]) -> int:
        call, count = asyncio.create_task(invoke(engine, functions)), 0
        while not call.done():
            await asyncio.sleep(0.02)
            count += 1
        return count

    assert with_app(engine, tmp_path, body, ticks) >= 5


def test_an_engine_can_be_started_again_after_it_has_stopped(engine: Engine, tmp_path: Path) -> None:
    """Tests start many hosts in one process; each must see a fresh app."""
    body = f"{QUEUE}def f(m: func.QueueMessage): pass"
    for _ in range(2):
        outcome: Outcome = with_app(create_engine(engine.name), tmp_path, body, invoke)
        assert outcome.returned is None


def test_an_unknown_engine_is_refused() -> None:
    """A typing mistake must not choose for you."""
    with pytest.raises(AppError, match="unknown engine 'direkt'"):
        create_engine("direkt")
