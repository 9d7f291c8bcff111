"""Answers that grow: compressed or endless metadata over real TLS, and the memory that the adapter takes for it."""

import tempfile
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from dev.in_memory.builders import ACCESS_KEY
from dev.loopback import Answer, ConnectProxy, HttpServer, Script, certificates
from recording.adapters.acs.source import AcsSource
from recording.errors import SourceError
from recording.settings import AcsConnection

PATH = "/v1/objects/0-eus-d1-aa/content/acsmetadata"
LOCATION = f"https://storage.asm.skype.com{PATH}"
MOST_BYTES = 8 << 20  # the metadata's limit of 1 MiB, pieces of 1 MiB, and a connection; a bomb would take a thousand
ENCODINGS = ("gzip", "GZIP", "x-gzip", "deflate", "br", "zstd", "compress", "gzip, gzip", "identity, gzip", " gzip ")


def bomb(size: int) -> bytes:
    """Return this many zero bytes, in gzip's form."""
    packer, piece = zlib.compressobj(9, wbits=31), bytes(1 << 20)
    return b"".join(packer.compress(piece) for _ in range(size >> 20)) + packer.flush()


def answers(size: int) -> dict[str, Answer]:
    """Return hostile answers to a request for metadata, by what is wrong with them."""
    packed = bomb(size)
    told = {
        f"content of {size >> 20} MiB as {name!r}": Answer(200, packed, {"Content-Encoding": name})
        for name in ENCODINGS
    }
    twice = zlib.compress(packed, 9, wbits=31)
    return told | {
        "a bomb in a bomb": Answer(200, twice, {"Content-Encoding": "gzip"}),
        "a bomb in pieces": Answer(200, packed, {"Content-Encoding": "gzip"}, chunked=True),
        "a bomb without a length": Answer(200, packed, {"Content-Encoding": "gzip"}, length=-1),
        "a bomb that is not declared": Answer(200, packed),
        "a bomb behind an error": Answer(503, packed, {"Content-Encoding": "gzip"}),
        "32 MiB plain, without a length": Answer(200, bytes(32 << 20), length=-1),
        "a length of an exabyte": Answer(200, b"{}", length=10**18),
        "a length of 30 digits": Answer(200, b"{}", length=10**30),
    }


@contextmanager
def adapter() -> Iterator[tuple[AcsSource, Script]]:
    """Yield the real adapter, and the script of a TLS server that plays ACS's storage."""
    with tempfile.TemporaryDirectory() as folder:
        context, bundle = certificates(Path(folder))
        with HttpServer(context) as server, ConnectProxy(server.port) as proxy:
            endpoint = "https://contoso.unitedstates.communication.azure.com"
            key = SecretStr(ACCESS_KEY)
            source = AcsSource(AcsConnection(endpoint=endpoint, access_key=key, proxy_url=proxy.url, ca_bundle=bundle))
            try:
                yield source, server.new_script()
            finally:
                source.close()


def memory_taken(work: Callable[[], object]) -> int:
    """Return the most bytes that Python held at once during the work, above what it held before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _read(source: AcsSource) -> str:
    """Return what became of the answer: a reason for which it was refused, or how long the document was."""
    try:
        return f"{len(source.read_metadata(LOCATION))} bytes"
    except SourceError as error:
        return error.code


def prove_bombs(size: int = 1 << 30) -> tuple[str, list[str]]:
    """Return each hostile answer: refused, or taken as it stands and never unpacked; the memory stays small."""
    wrong, most, told = list[str](), 0, answers(size)
    with adapter() as (source, script):
        for name, answer in told.items():
            script.on("GET", PATH, answer)
            results = list[str]()
            most = max(most, taken := memory_taken(lambda: results.append(_read(source))))  # noqa: B023 - run at once
            if results[0].endswith(" bytes") and results[0] != f"{len(answer.body)} bytes":
                wrong.append(f"{name}: was unpacked to {results[0]}")
            if taken > MOST_BYTES:
                wrong.append(f"{name}: took {taken:,} bytes")
            if answer.headers and answer.status == 200 and results[0] != "unexpected_encoding":
                wrong.append(f"{name}: ended as {results[0]}")
    figures = f"compressed from {size >> 20:,} MiB: at most {most / (1 << 20):.1f} MiB of memory"
    return f"{len(told)} growing answers, {figures}", wrong
