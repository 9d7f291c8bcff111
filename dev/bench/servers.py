"""Starts the benchmark's servers, each in a process of its own, so that none waits for another's interpreter.

The throttled source and the sink are written in Python (`source`, `sink`). The fast ones are nginx: it serves the
source's files, throws away what is put, and repeats the CRC64 that it is told, without looking at the bytes. Lists of
blocks go on to a small sink behind it, so that they are there when the copy is read back.
"""

import contextlib
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import trustme

from dev.bench import content, http1
from dev.bench.sink import Sink
from dev.bench.source import Source, SourceOptions

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = REPOSITORY / ".local-world" / "bench" / "files"
NAMES = ("127.0.0.1", "localhost", "*.asm.skype.com")
_SMALL_BUFFER = 64 * 1024  # what is on its way when a client dies counts as fetched, so little should be


@dataclass(frozen=True)
class Certificate:
    """A CA made for this run, and a server certificate for all names; paths of PEM files."""

    ca: Path
    server: Path


@dataclass(frozen=True)
class Served:
    """Where a server listens."""

    port: int

    @property
    def url(self) -> str:
        """Return its address on loopback."""
        return f"https://127.0.0.1:{self.port}"


@contextlib.contextmanager
def certificate() -> Iterator[Certificate]:
    """Yield files that live as long as the block."""
    with tempfile.TemporaryDirectory(prefix="bench-tls-") as folder:
        made = Certificate(Path(folder) / "ca.pem", Path(folder) / "server.pem")
        ca = trustme.CA()
        ca.cert_pem.write_to_path(str(made.ca))
        ca.issue_cert(*NAMES).private_key_and_cert_chain_pem.write_to_path(str(made.server))
        yield made


@contextlib.contextmanager
def python_server(
    kind: str, tls: Certificate, first_byte_ms: float = 0, megabytes: float = 0, burst_megabytes: float = 0
) -> Iterator[Served]:
    """Run a `source` or a `sink`; the port speaks plain HTTP, too."""
    numbers = [str(number) for number in (first_byte_ms, megabytes, burst_megabytes)]
    command = [sys.executable, "-m", "dev.bench.servers", kind, str(tls.server), *numbers]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPOSITORY, text=True)
    try:
        assert process.stdout is not None  # noqa: S101 - for the type checker; PIPE is given above
        port = int(process.stdout.readline())
        yield Served(port)
    finally:
        process.terminate()
        process.communicate()


@contextlib.contextmanager
def throttled(tls: Certificate) -> Iterator[tuple[Served, Served]]:
    """Run a source of 40 ms and 12 MB/s for each connection, and a sink."""
    with python_server("source", tls, 40, 12) as source, python_server("sink", tls) as sink:
        yield source, sink


def stats_of(served: Served) -> dict[str, int]:
    """Return what a Python server has counted so far."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    try:
        connection.request("GET", "/stats")
        found: dict[str, int] = json.load(connection.getresponse())
    finally:
        connection.close()
    return found


def has_nginx() -> bool:
    """Return whether the fast servers can be started (Debian: nginx-light)."""
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") is not None


@contextlib.contextmanager
def nginx(tls: Certificate, lengths: Iterable[int], kinds: Iterable[str] = ("wav",)) -> Iterator[Served]:
    """Run source and sink in one: GET serves the file that a path names, PUT throws the body away."""
    for length, kind in itertools.product(lengths, kinds):
        _make_file(length, kind)
    with (
        python_server("sink", tls) as lists,
        tempfile.TemporaryDirectory(prefix="bench-nginx-") as folder,
        socket.create_server(("127.0.0.1", 0)) as free,
    ):
        port = free.getsockname()[1]
        free.close()
        config = Path(folder) / "nginx.conf"
        config.write_text(_config(Path(folder), tls, port, lists.port), encoding="utf-8")
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"
        process = subprocess.Popen([program, "-p", folder, "-c", str(config), "-g", "daemon off;"])
        try:
            _wait_for(port)
            yield Served(port)
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait()


def _make_file(length: int, kind: str) -> None:
    FILES.mkdir(parents=True, exist_ok=True)
    path = FILES / f"{content.object_id(length, kind)}.bin"
    if not path.is_file() or path.stat().st_size != length:
        with path.open("wb") as file:
            for piece in content.pieces(length, kind=kind):
                file.write(piece)


def _config(folder: Path, tls: Certificate, port: int, lists: int) -> str:
    return f"""
    worker_processes 2; pid {folder}/pid; error_log {folder}/error.log crit; {"user root;" if os.getuid() == 0 else ""}
    events {{ worker_connections 512; }}
    http {{
      access_log off; sendfile on; client_max_body_size 0; client_body_buffer_size 256k; keepalive_requests 1000000;
      client_body_temp_path {folder}/body; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
      uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; output_buffers 2 512k;
      types {{ }} default_type application/xml;
      map $request_method $etag_given {{ PUT '"0x1"'; default $sent_http_etag; }}
      map "$request_method $arg_comp" $is_thrown_away {{ "PUT blocklist" 0; ~^PUT 1; default 0; }}
      server {{
        listen 127.0.0.1:{port} ssl; ssl_certificate {tls.server}; ssl_certificate_key {tls.server};
        ssl_protocols TLSv1.3; ssl_buffer_size 16k;
        location ~ "(0-bench-d[1-3]-[0-9a-f]+)" {{
          add_header x-ms-content-crc64 $http_x_ms_content_crc64; add_header Content-MD5 $http_content_md5;
          add_header ETag $etag_given; add_header Last-Modified "Tue, 24 Nov 2026 00:00:00 GMT";
          add_header x-ms-blob-type BlockBlob; proxy_hide_header ETag; proxy_hide_header Last-Modified;
          proxy_hide_header x-ms-content-crc64; proxy_hide_header Content-MD5; proxy_http_version 1.1;
          if ($arg_comp = blocklist) {{ proxy_pass http://127.0.0.1:{lists}; }}
          if ($is_thrown_away) {{ return 201; }}
          if ($request_method = DELETE) {{ return 200; }}
          alias {FILES}/$1.bin;
        }}
      }}
    }}"""


def _wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        threading.Event().wait(0.05)
    raise TimeoutError("nginx did not start")


def main(kind: str, pem: str, first_byte_ms: str, megabytes: str, burst_megabytes: str) -> None:
    """Run one Python server until it is terminated, and print its port."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    numbers = float(first_byte_ms) / 1000, float(megabytes) * 1e6, float(burst_megabytes) * 1e6
    app = Sink(*numbers[:2]) if kind == "sink" else Source(SourceOptions(*numbers))
    with http1.Server(app, tls, send_buffer=_SMALL_BUFFER if kind == "source" else None) as server:
        print(server.port, flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main(*sys.argv[1:])
