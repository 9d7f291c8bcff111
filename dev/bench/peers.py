"""What a user would pick instead, each in its own words: run by the benchmark in a process and environment of its own.

    python peers.py NAME JSON

The JSON says where the source and the sink are. Prints one line of JSON: seconds, CPU seconds, memory in MB.
Everything here is written as its own documentation shows it; nothing is slowed down on purpose.
"""

import asyncio
import hashlib
import http.client
import json
import os
import resource
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

MIB = 1 << 20
KEY = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
FOREVER = "sv=2025-11-05&sr=c&sp=racwdl&se=2099-01-01T00:00:00Z&sig=YWFh"


def main(name: str, text: str) -> None:
    """Runs one peer and reports what it took."""
    job = json.loads(text)
    begun = time.perf_counter()
    PEERS[name](job)  # imports are not part of the time of those that are libraries: they call `started`
    seconds = time.perf_counter() - (_STARTED or [begun])[0]
    proof = _read_back(job) if job["proof"] else 0.0
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in usage)
    rss = max(one.ru_maxrss for one in usage) * 1024 / 1e6
    print(json.dumps({"seconds": seconds + proof, "cpu": cpu, "rss_mb": rss}))


_STARTED: list[float] = []


def _started() -> None:
    _STARTED.append(time.perf_counter())


def sdk_sample(job: dict[str, Any]) -> None:
    """The published samples: download_recording, read, upload_blob."""
    call, blob = _sdks(job)
    _started()
    blob.upload_blob(call.download_recording(job["source"]).read(), overwrite=True)


def sdk_stream(job: dict[str, Any]) -> None:
    """The iterator straight into upload_blob, with the larger pieces that make it bearable."""
    call, blob = _sdks(job, connection_data_block_size=MIB)
    _started()
    pieces = call.download_recording(job["source"]).iter_bytes()
    blob.upload_blob(pieces, length=job["length"], overwrite=True, max_concurrency=4)


def _sdks(job: dict[str, Any], **options: Any) -> tuple[Any, Any]:
    from azure.communication.callautomation import CallAutomationClient
    from azure.storage.blob import BlobClient

    _lead_acs_to(job["port"])
    text = f"endpoint=https://bench.communication.azure.com/;accesskey={KEY}"
    call = CallAutomationClient.from_connection_string(text, connection_verify=job["ca"], **options)
    return call, BlobClient.from_blob_url(job["blob"], credential=KEY, connection_verify=job["ca"])


def _lead_acs_to(port: int) -> None:
    """ACS's host names lead to loopback, as a hosts file would do it."""
    from urllib3.util import connection

    plain = connection.create_connection

    def connect(address: tuple[str, int], *rest: Any, **options: Any) -> Any:
        is_acs = address[0].endswith(".asm.skype.com")
        return plain(("127.0.0.1", port) if is_acs else address, *rest, **options)

    connection.create_connection = connect


def rclone(job: dict[str, Any]) -> None:
    """`rclone copyurl`."""
    config = {"RCLONE_CONFIG_SINK_TYPE": "azureblob", "RCLONE_CONFIG_SINK_SAS_URL": f"{job['container']}?{FOREVER}"}
    _run(["rclone", "--ca-cert", job["ca"], "copyurl", job["direct"], f"sink:bench/{job['name']}"], config)


def azcopy(job: dict[str, Any]) -> None:
    """Curl into azcopy's pipe."""
    download = f'curl -sS --cacert "{job["ca"]}" "{job["direct"]}"'
    command = f'{download} | "{job["azcopy"]}" copy "{job["blob"]}?{FOREVER}" --from-to PipeBlob'
    _run(["bash", "-c", command], {"SSL_CERT_FILE": job["ca"], "AZCOPY_DISABLE_SYSLOG": "true"})


def _run(command: list[str], environment: dict[str, str]) -> None:
    _started()
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command[0]}: {(done.stdout + done.stderr)[-400:]}")


def adlfs(job: dict[str, Any]) -> None:
    """fsspec: an http file copied into an Azure file."""
    import fsspec

    os.environ["SSL_CERT_FILE"] = job["ca"]
    sink = fsspec.filesystem("abfs", connection_string=job["connection"])
    source = fsspec.filesystem("https")
    _started()
    with source.open(job["direct"]) as read, sink.open(f"bench/{job['name']}", "wb") as write:
        while piece := read.read(8 * MIB):
            write.write(piece)


def smart_open(job: dict[str, Any]) -> None:
    """smart_open: http to azure."""
    import smart_open as library
    from azure.storage.blob import BlobServiceClient

    client = BlobServiceClient.from_connection_string(job["connection"], connection_verify=job["ca"])
    os.environ["REQUESTS_CA_BUNDLE"] = job["ca"]
    _started()
    with (
        library.open(job["direct"], "rb") as read,
        library.open(f"azure://bench/{job['name']}", "wb", transport_params={"client": client}) as write,
    ):
        while piece := read.read(8 * MIB):
            write.write(piece)


def obstore_stream(job: dict[str, Any]) -> None:
    """obstore: one GET streamed into one multipart put."""
    import obstore

    source, path, sink = _stores(job)
    _started()

    async def copy() -> None:
        answer = await obstore.get_async(source, path)
        await obstore.put_async(sink, job["name"], answer.stream(min_chunk_size=8 * MIB), chunk_size=8 * MIB)

    asyncio.run(copy())


def obstore_ranges(job: dict[str, Any]) -> None:
    """obstore: eight ranges of 8 MiB at once, in order into one multipart put."""
    import obstore

    source, path, sink = _stores(job)
    _started()
    step = 8 * MIB

    def part(start: int) -> bytes:
        return bytes(obstore.get_range(source, path, start=start, end=min(start + step, job["length"])))

    def parts() -> Any:
        starts = list(range(0, job["length"], step))
        with ThreadPoolExecutor(8) as pool:
            waiting = [pool.submit(part, start) for start in starts[:8]]
            for start in [*starts[8:], *[None] * 8]:
                if waiting:
                    yield waiting.pop(0).result()
                if start is not None:
                    waiting.append(pool.submit(part, start))

    obstore.put(sink, job["name"], parts(), chunk_size=step, max_concurrency=8)


def _stores(job: dict[str, Any]) -> tuple[Any, str, Any]:
    from obstore.store import AzureStore, HTTPStore

    options = {"allow_invalid_certificates": True, "timeout": "600s"}
    base, _, path = job["direct"].partition("/v1/")
    sink = AzureStore("bench", account_name="bench", account_key=KEY, endpoint=job["account"], client_options=options)
    return HTTPStore.from_url(f"{base}/v1", client_options=options), path, sink


def _read_back(job: dict[str, Any]) -> float:
    """The proof that none of them gives: all of it read back and hashed, as fast as the standard library can."""
    begun = time.perf_counter()
    host, _, path = job["blob"].removeprefix("https://").partition("/")
    connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=job["ca"]))
    connection.request("GET", f"/{path}")
    answer, digest, view = connection.getresponse(), hashlib.sha256(), memoryview(bytearray(MIB))
    while count := answer.readinto(view):
        digest.update(view[:count])
    connection.close()
    if digest.hexdigest() != job["sha256"]:
        sys.exit("the copy differs from the source")
    return time.perf_counter() - begun


PEERS: dict[str, Callable[[dict[str, Any]], None]] = {
    "SDK sample": sdk_sample,
    "SDK stream": sdk_stream,
    "rclone copyurl": rclone,
    "azcopy pipe": azcopy,
    "adlfs": adlfs,
    "smart_open": smart_open,
    "obstore stream": obstore_stream,
    "obstore ranges": obstore_ranges,
}

if __name__ == "__main__":
    sys.path = [place for place in sys.path if place != str(Path(__file__).parent)]  # this folder holds common names
    main(sys.argv[1], sys.argv[2])
