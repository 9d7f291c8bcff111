"""The engine for Python 3.13 and newer: drives Microsoft's production worker library without gRPC or protobuf.

The library is duck-typed: it reads attributes off the request and builds its answers with whatever message
classes it was given. Unset fields must read as None, as they would in protobuf. Its state is global to the
process, so only one app can run at a time; a second start is refused until the first has stopped.
"""

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from azure.functions.meta import Datum

from dev.functions_host.engines.engine import WORKER, Call, FunctionFailedError, Outcome, WorkerLoop, make_importable
from dev.functions_host.functions import AppError, FunctionSpec

_one_app_at_a_time = threading.Lock()


class WorkerEngine:
    """Indexes, decodes, calls and encodes exactly as production does."""

    name = WORKER

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    async def start(self, app_dir: Path) -> list[FunctionSpec]:
        """Run the worker's own indexer over the app."""
        import azure_functions_runtime

        if not _one_app_at_a_time.acquire(blocking=False):
            raise AppError("the worker library runs one app per process; stop the other host first")
        logging.getLogger("azure.functions").setLevel(logging.WARNING)  # it logs every call at INFO; so does the host
        os.environ.setdefault("AzureWebJobsScriptRoot", str(app_dir))
        self._library: Any = azure_functions_runtime
        self._library.start_threadpool_executor()
        self._worker = WorkerLoop()
        return await self._index_or_stop(app_dir)

    async def invoke(self, call: Call) -> Outcome:
        """Hand one invocation request to the library and read its answer."""
        request = _request(invocation_request=self._invocation(call))
        answer = await self._worker.run(self._library.invocation_request(request))
        _raise_unless_successful(answer, FunctionFailedError)
        outputs = {item.name: datum for item in answer.output_data if (datum := _to_datum(item.data)) is not None}
        return Outcome(_to_datum(answer.return_value), outputs)

    async def stop(self) -> None:
        """End the worker's loop; its thread pool is dropped without waiting."""
        self._worker.stop()
        if (pool := self._library.get_threadpool_executor()) is not None:
            pool.shutdown(wait=False, cancel_futures=True)
        _one_app_at_a_time.release()

    async def _index_or_stop(self, app_dir: Path) -> list[FunctionSpec]:
        try:
            make_importable(app_dir)
            return await self._index(app_dir)
        except BaseException:
            await self.stop()
            raise

    async def _index(self, app_dir: Path) -> list[FunctionSpec]:
        properties = {"protos": _PROTOS, "host": "127.0.0.1"}
        init = SimpleNamespace(capabilities={}, function_app_directory=str(app_dir.resolve()))
        started = await self._worker.run(
            self._library.worker_init_request(_request(properties, worker_init_request=init))
        )
        _raise_unless_successful(started, _cannot_index)
        listed = await self._worker.run(self._library.functions_metadata_request(_request()))
        found = listed.function_metadata_results or []
        self._ids = {function.name: function.function_id for function in found}
        return [FunctionSpec.from_raw_bindings(function.name, function.raw_bindings) for function in found]

    def _invocation(self, call: Call) -> SimpleNamespace:
        trigger = _ParameterBinding(name=call.function.trigger.name, data=_to_typed_data(call.trigger))
        return SimpleNamespace(
            invocation_id=call.invocation_id,
            function_id=self._ids[call.function.name],
            input_data=[trigger],
            trigger_metadata={name: _to_typed_data(datum) for name, datum in call.metadata.items()},
            trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )


class _Message:
    """Stands in for a protobuf message: built from keywords, unset fields read as None."""

    oneof: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> None:
        if name.startswith("__") or name == "TypedData":  # the library probes for TypedData and expects an error
            raise AttributeError(name)

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's name for it
        return next((name for name in self.oneof if name in self.__dict__), None)


class _TypedData(_Message):
    oneof = ("string", "json", "bytes", "http", "int", "double", "collection_bytes", "collection_string")


class _ParameterBinding(_Message):
    oneof = ("data",)


def _message(name: str, **constants: Any) -> type[_Message]:
    return type(name, (_Message,), constants)


_PLAIN_MESSAGES = (
    "WorkerInitResponse",
    "WorkerMetadata",
    "RpcException",
    "RpcFunctionMetadata",
    "RpcRetryOptions",
    "FunctionMetadataResponse",
    "InvocationResponse",
    "RpcHttp",
    "NullableString",
    "NullableBool",
    "NullableDouble",
    "NullableTimestamp",
    "Timestamp",
)
_SAME_SITE = SimpleNamespace(**{"None": "", "Lax": "Lax", "Strict": "Strict", "ExplicitNone": "None"})
_PROTOS = SimpleNamespace(
    TypedData=_TypedData,
    ParameterBinding=_ParameterBinding,
    # The numbers of FunctionRpc.proto: direction and data type of a binding share one class.
    BindingInfo=_message(
        "BindingInfo", **{"in": 0, "out": 1, "inout": 2, "undefined": 0, "string": 1, "binary": 2, "stream": 3}
    ),
    StatusResult=_message("StatusResult", Failure=0, Success=1, Cancelled=2),
    RpcHttpCookie=_message("RpcHttpCookie", SameSite=_SAME_SITE),
    **{name: _message(name) for name in _PLAIN_MESSAGES},
)


def _request(properties: Mapping[str, Any] | None = None, **content: Any) -> SimpleNamespace:
    return SimpleNamespace(request=SimpleNamespace(**content), properties=properties or {})


def _raise_unless_successful(answer: Any, error: Any) -> None:
    if answer.result.status != _PROTOS.StatusResult.Success:
        raise error(answer.result.exception.message, answer.result.exception.stack_trace or "")


def _cannot_index(message: str, stack: str) -> AppError:
    return AppError(f"the app cannot be indexed: {message}\n{stack}")


def _to_typed_data(datum: Datum) -> _TypedData:
    if datum.type != "http":
        return _TypedData(**{str(datum.type): datum.value})
    parts = {
        key: {name: item.value for name, item in datum.value[key].items()} for key in ("headers", "params", "query")
    }
    body = _TypedData(bytes=datum.value["body"].value)
    return _TypedData(
        http=_PROTOS.RpcHttp(method=datum.value["method"].value, url=datum.value["url"].value, body=body, **parts)
    )


def _to_datum(data: Any) -> Datum | None:
    """Return the library's answer in the words of azure-functions, so that both engines speak alike."""
    kind = data.WhichOneof("data") if data is not None else None
    if kind is None:
        return None
    if kind != "http":
        return Datum(getattr(data, kind), kind)
    headers = {name: Datum(value, "string") for name, value in data.http.headers.items()}
    status = Datum(data.http.status_code, "string")
    body = _to_datum(data.http.body) or Datum(b"", "bytes")
    return Datum({"status_code": status, "headers": headers, "cookies": data.http.cookies, "body": body}, "http")
