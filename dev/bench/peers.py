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
import tempfile
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MIB = 1 << 20
KEY = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
FOREVER = "sv=2025-11-05&sr=c&sp=racwdl&se=2099-01-01T00:00:00Z&sig=YWFh"


def main(name: str, text: str) -> None:
    """Run one peer and reports what it took."""
    job = json.loads(text)
    begun = time.perf_counter()
    with _watched_children() as highest:
        PEERS[name](job)  # imports are not part of the time of those that are libraries: they call `started`
    begun, idle_cpu = (_STARTED or [(begun, 0.0)])[0]
    seconds = time.perf_counter() - begun
    proof = _read_back(job) if job["proof"] else 0.0
    cpu = _cpu_seconds() - idle_cpu
    if job["digest"] and len(_DIGEST) != 1:
        sys.exit(f"{name} did not hash what it read")
    rss = max(_peak_mb("self"), *highest)
    print(json.dumps({"seconds": seconds + proof, "cpu": cpu, "rss_mb": rss}), flush=True)
    os._exit(0)  # a library that aborts while the interpreter ends has done its work all the same


_STARTED: list[tuple[float, float]] = []  # time, and the CPU that imports have used, as ours is not counted either
_DIGEST: list[str] = []  # of the source's bytes, as they went by


def _started() -> None:
    _STARTED.append((time.perf_counter(), _cpu_seconds()))


def _cpu_seconds() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


class _Hasher:
    """SHA-256 of what goes by, if the job asks for it."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._digest = hashlib.sha256() if job["digest"] else None

    def update(self, piece: Any) -> Any:
        """Hash a piece and hand it on."""
        if self._digest is not None:
            self._digest.update(piece)
        return piece

    def end(self) -> None:
        """Keep the digest for the comparison."""
        if self._digest is not None:
            _DIGEST.append(self._digest.hexdigest())


def _peak_mb(process: str) -> float:
    """The most memory a process has had: `ru_maxrss` would be its parent's, which survives fork and exec."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return max((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM")), default=0.0)


@contextmanager
def _watched_children() -> Iterator[list[float]]:
    """The most memory that all of this process's children had together, looked at twenty times a second."""
    highest, is_over = [0.0], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.05):
            highest[0] = max(highest[0], sum(_peak_mb(child) for child in _children(os.getpid())))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield highest
    is_over.set()
    thread.join()


def _children(process: int) -> list[str]:
    found = []
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found += listed.read_text(encoding="ascii").split()
        except OSError:
            continue  # a thread that has ended
    return found + [child for one in found for child in _children(int(one))]


def sdk_sample(job: dict[str, Any]) -> None:
    """Copy as the published samples do: download_recording, read, upload_blob."""
    call, blob = _sdks(job)
    hasher = _Hasher(job)
    _started()
    blob.upload_blob(hasher.update(call.download_recording(job["source"]).read()), overwrite=True)
    hasher.end()


def sdk_stream(job: dict[str, Any]) -> None:
    """Copy with the iterator straight into upload_blob, in the larger pieces that make it bearable."""
    call, blob = _sdks(job, connection_data_block_size=MIB)
    hasher = _Hasher(job)
    _started()
    pieces = map(hasher.update, call.download_recording(job["source"]).iter_bytes())
    blob.upload_blob(pieces, length=job["length"], overwrite=True, max_concurrency=4)
    hasher.end()


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
    """Copy by `rclone copyurl`, which tells no digest: a script that wants one reads the source again."""
    config = {"RCLONE_CONFIG_SINK_TYPE": "azureblob", "RCLONE_CONFIG_SINK_SAS_URL": f"{job['container']}?{FOREVER}"}
    _run(["rclone", "--ca-cert", job["ca"], "copyurl", job["direct"], f"sink:bench/{job['name']}"], config)
    if job["digest"]:
        _DIGEST.append(_sha256_at(job["direct"], job["ca"]))


def azcopy(job: dict[str, Any]) -> None:
    """Copy by curl into azcopy's pipe, past sha256sum where a digest is asked for."""
    kept = Path(tempfile.gettempdir()) / f"bench-{os.getpid()}.sha256"
    tee = f' | tee >(sha256sum > "{kept}")' if job["digest"] else ""
    download = f'curl -sS --cacert "{job["ca"]}" "{job["direct"]}"{tee}'
    command = f'{download} | "{job["azcopy"]}" copy "{job["blob"]}?{FOREVER}" --from-to PipeBlob'
    _run(["bash", "-o", "pipefail", "-c", command], {"SSL_CERT_FILE": job["ca"], "AZCOPY_DISABLE_SYSLOG": "true"})
    if job["digest"]:
        while not (kept.exists() and kept.stat().st_size):
            time.sleep(0.001)  # the shell does not wait for sha256sum
        _DIGEST.append(kept.read_text(encoding="ascii").split()[0])
        kept.unlink()


def _run(command: list[str], environment: dict[str, str]) -> None:
    _started()
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        if "libsecret-1.so" in said:
            sys.exit("azcopy needs libsecret (Debian: apt-get install libsecret-1-0)")
        sys.exit(f"{command[0]}: {said[-400:]}")


def adlfs(job: dict[str, Any]) -> None:
    """Copy by fsspec: an http file into an Azure file."""
    import fsspec

    os.environ["SSL_CERT_FILE"] = job["ca"]
    sink = fsspec.filesystem("abfs", connection_string=job["connection"])
    source = fsspec.filesystem("https")
    hasher = _Hasher(job)
    _started()
    with source.open(job["direct"]) as read, sink.open(f"bench/{job['name']}", "wb") as write:
        while piece := read.read(8 * MIB):
            write.write(hasher.update(piece))
    hasher.end()


def smart_open(job: dict[str, Any]) -> None:
    """Copy by smart_open: http to azure."""
    import smart_open as library
    from azure.storage.blob import BlobServiceClient

    client = BlobServiceClient.from_connection_string(job["connection"], connection_verify=job["ca"])
    os.environ["REQUESTS_CA_BUNDLE"] = job["ca"]
    hasher = _Hasher(job)
    _started()
    with (
        library.open(job["direct"], "rb") as read,
        library.open(f"azure://bench/{job['name']}", "wb", transport_params={"client": client}) as write,
    ):
        while piece := read.read(8 * MIB):
            write.write(hasher.update(piece))
    hasher.end()


def obstore_stream(job: dict[str, Any]) -> None:
    """Copy by obstore: one GET streamed into one multipart put."""
    import obstore

    source, path, sink = _stores(job)
    hasher = _Hasher(job)
    _started()

    async def hashed(pieces: Any) -> AsyncIterator[Any]:
        async for piece in pieces:
            yield hasher.update(piece)

    async def copy() -> None:
        answer = await obstore.get_async(source, path)
        pieces = answer.stream(min_chunk_size=8 * MIB)
        await obstore.put_async(sink, job["name"], hashed(pieces) if job["digest"] else pieces, chunk_size=8 * MIB)

    asyncio.run(copy())
    hasher.end()


def obstore_ranges(job: dict[str, Any]) -> None:
    """Copy by obstore: eight ranges of 8 MiB at once, in order into one multipart put."""
    _obstore_ranges(job, at_once=8, step=8 * MIB)


def obstore_32_ranges(job: dict[str, Any]) -> None:
    """Copy by obstore with as many connections as we may use: 32 ranges of 2 MiB, uploads of 8 MiB."""
    _obstore_ranges(job, at_once=32, step=2 * MIB)


def _obstore_ranges(job: dict[str, Any], at_once: int, step: int) -> None:
    import obstore

    source, path, sink = _stores(job)
    hasher = _Hasher(job)
    _started()

    def part(start: int) -> Any:
        return obstore.get_range(source, path, start=start, end=min(start + step, job["length"]))

    def parts() -> Any:
        starts = list(range(0, job["length"], step))
        with ThreadPoolExecutor(at_once) as pool:
            waiting = deque(pool.submit(part, start) for start in starts[:at_once])
            for start in [*starts[at_once:], *[None] * at_once]:
                if waiting:
                    yield hasher.update(waiting.popleft().result())
                if start is not None:
                    waiting.append(pool.submit(part, start))

    obstore.put(sink, job["name"], parts(), chunk_size=max(step, 5 * MIB), max_concurrency=8)
    hasher.end()


def _stores(job: dict[str, Any]) -> tuple[Any, str, Any]:
    from obstore.store import AzureStore, HTTPStore

    options = {"allow_invalid_certificates": True, "timeout": "600s"}
    base, _, path = job["direct"].partition("/v1/")
    sink = AzureStore("bench", account_name="bench", account_key=KEY, endpoint=job["account"], client_options=options)
    return HTTPStore.from_url(f"{base}/v1", client_options=options), path, sink


def _read_back(job: dict[str, Any]) -> float:
    """Return the proof that none of them gives: all of it read back, hashed and compared."""
    begun = time.perf_counter()
    if _sha256_at(job["blob"], job["ca"]) != _DIGEST[0]:
        sys.exit("the copy differs from the source")
    return time.perf_counter() - begun


def _sha256_at(url: str, ca: str) -> str:
    host, _, path = url.removeprefix("https://").partition("/")
    connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=ca))
    connection.request("GET", f"/{path}")
    answer, digest, view = connection.getresponse(), hashlib.sha256(), memoryview(bytearray(MIB))
    while count := answer.readinto(view):
        digest.update(view[:count])
    connection.close()
    return digest.hexdigest()


PEERS: dict[str, Callable[[dict[str, Any]], None]] = {
    "SDK sample": sdk_sample,
    "SDK stream": sdk_stream,
    "rclone copyurl": rclone,
    "azcopy pipe": azcopy,
    "adlfs": adlfs,
    "smart_open": smart_open,
    "obstore stream": obstore_stream,
    "obstore ranges": obstore_ranges,
    "obstore 32 ranges": obstore_32_ranges,
}

if __name__ == "__main__":
    sys.path = [place for place in sys.path if place != str(Path(__file__).parent)]  # this folder holds common names
    main(sys.argv[1], sys.argv[2])
