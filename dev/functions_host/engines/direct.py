"""The engine for Python 3.11 and 3.12: calls the functions with azure-functions' own converters."""

import asyncio
import importlib
import inspect
import json
import os
import threading
import traceback
import types
import typing
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.functions import FunctionRegister
from azure.functions.meta import Datum, get_binding_registry

from dev.functions_host.engines.engine import (
    APP_MODULE,
    DIRECT,
    Call,
    FunctionFailedError,
    Outcome,
    WorkerLoop,
    make_importable,
)
from dev.functions_host.functions import RETURN, AppError, Binding, FunctionSpec


class DirectEngine:
    """Decodes, calls and encodes with the code every worker version uses; the worker's stricter indexer is missing."""

    name = DIRECT

    def __init__(self) -> None:
        self._functions: dict[str, _Function] = {}

    async def start(self, app_dir: Path) -> list[FunctionSpec]:
        """Import `function_app` and check that every parameter has a binding."""
        self._pool = ThreadPoolExecutor(_thread_count(), thread_name_prefix="function")
        self._worker = WorkerLoop()
        try:
            make_importable(app_dir)
            indexed = await self._worker.run(_index())
        except BaseException:
            await self.stop()
            raise
        self._functions = {function.spec.name: function for function in indexed}
        return [function.spec for function in indexed]

    async def invoke(self, call: Call) -> Outcome:
        """Run a sync function in the thread pool and an async one on the worker's loop."""
        return await self._worker.run(self._run(call))

    async def stop(self) -> None:
        """Let go of the pool; a function that still runs keeps its thread until it ends."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._worker.stop()

    async def _run(self, call: Call) -> Outcome:
        function = self._functions[call.function.name]
        try:
            outs = {name: _Out() for name in function.out_encoders}
            arguments = {**function.decode(call), **outs, **function.context(call)}
            returned = await self._call(function.call, arguments)
            return function.encode(returned, outs)
        except Exception as error:  # noqa: BLE001 - whatever the app raises is the outcome of the invocation
            raise FunctionFailedError(f"{type(error).__name__}: {error}", traceback.format_exc()) from None

    async def _call(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> object:
        if inspect.iscoroutinefunction(function):
            return await function(**arguments)
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(**arguments))


@dataclass(frozen=True)
class _Function:
    spec: FunctionSpec
    call: Callable[..., Any]
    wants_context: bool
    out_encoders: Mapping[str, Callable[[Any], Datum]]

    def decode(self, call: Call) -> dict[str, Any]:
        converter = _converter(self.spec.trigger.type)
        return {self.spec.trigger.name: converter.decode(call.trigger, trigger_metadata=dict(call.metadata))}

    def context(self, call: Call) -> dict[str, Any]:
        return {"context": _Context(call.invocation_id, self.spec.name)} if self.wants_context else {}

    def encode(self, returned: object, outs: Mapping[str, "_Out"]) -> Outcome:
        given = {name: out.get() for name, out in outs.items()}
        outputs = {name: self.out_encoders[name](value) for name, value in given.items() if value is not None}
        return Outcome(self._encode_return(returned), outputs)

    def _encode_return(self, returned: object) -> Datum | None:
        binding = self.spec.output(RETURN)
        if binding is None and returned is not None:
            raise TypeError(
                f"function '{self.spec.name}' has no $return binding but returned {type(returned).__name__}"
            )
        if binding is None:
            return None
        return _encode(binding, returned)


class _Out:
    """What stands behind `func.Out`: a place for one value."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, value: Any) -> None:
        self._value = value

    def get(self) -> Any:
        return self._value


class _Context:
    """What `func.Context` offers besides tracing and retries, which only the worker engine has."""

    def __init__(self, invocation_id: str, function_name: str) -> None:
        self.invocation_id = invocation_id
        self.function_name = function_name
        self.function_directory = str(Path.cwd())
        self.thread_local_storage = threading.local()


async def _index() -> list[_Function]:
    try:
        return [_describe(function) for function in _find_app().get_functions()]
    except AppError:
        raise
    except Exception as error:
        raise AppError(
            f"the app cannot be indexed: {type(error).__name__}: {error}\n{traceback.format_exc()}"
        ) from error


def _find_app() -> FunctionRegister:
    module = importlib.import_module(APP_MODULE)
    apps = {id(value): value for value in vars(module).values() if isinstance(value, FunctionRegister)}
    if len(apps) != 1:
        raise AppError(f"{APP_MODULE}.py must hold exactly one FunctionApp at top level, found {len(apps)}")
    return next(iter(apps.values()))


def _describe(indexed: Any) -> _Function:
    spec = FunctionSpec.from_raw_bindings(str(indexed.get_function_name()), indexed.get_raw_bindings())
    call = indexed.get_user_function()
    hints = typing.get_type_hints(call)
    parameters = set(inspect.signature(call).parameters)
    out_names = [binding.name for binding in spec.outputs if binding.name != RETURN]
    _check_parameters(spec, parameters - {"context"}, {spec.trigger.name, *out_names})
    encoders = {name: _out_encoder(spec, name, hints.get(name)) for name in out_names}
    return _Function(spec, call, "context" in parameters, encoders)


def _check_parameters(spec: FunctionSpec, declared: set[str], bound: set[str]) -> None:
    if declared != bound:
        raise AppError(
            f"function '{spec.name}': parameters without a binding {sorted(declared - bound)}, "
            f"bindings without a parameter {sorted(bound - declared)}"
        )


def _out_encoder(spec: FunctionSpec, name: str, annotation: Any) -> Callable[[Any], Datum]:
    """Follow the worker: `Out[str]` and `Out[bytes]` pass as they are, everything else goes through the converter."""
    inner = next(iter(typing.get_args(annotation)), None)
    if isinstance(inner, types.GenericAlias):
        raise AppError(f"function '{spec.name}': Out[{inner}] is refused by the worker; write typing.List[...]")
    if inner in (str, bytes):
        return _encode_generic
    binding = next(output for output in spec.outputs if output.name == name)
    return lambda value: _encode(binding, value)


def _encode_generic(value: Any) -> Datum:
    if isinstance(value, str):
        return Datum(value, "string")
    if isinstance(value, (bytes, bytearray)):
        return Datum(bytes(value), "bytes")
    if isinstance(value, (dict, list)):
        return Datum(json.dumps(value), "json")
    raise NotImplementedError(f"an output cannot hold {type(value).__name__}")


def _encode(binding: Binding, value: Any) -> Datum:
    encoded: Datum = _converter(binding.type).encode(value, expected_type=None)
    return encoded


def _converter(binding_type: str) -> Any:
    return get_binding_registry().get(binding_type)  # type: ignore[no-untyped-call]  # the SDK does not annotate it


def _thread_count() -> int | None:
    """PYTHON_THREADPOOL_THREAD_COUNT; unset or unusable means Python's own default, as in the worker."""
    text = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT", "")
    return int(text) if text.isdecimal() and int(text) > 0 else None
