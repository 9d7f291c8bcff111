"""Azurite can be started, reached and stopped, with and without memory of what it held."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from dev import azurite as module
from dev.azurite import Azurite, AzuriteError, Ports

pytestmark = pytest.mark.azurite


def free_ports() -> Ports:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = Ports(*(listening.getsockname()[1] for listening in sockets))
    for listening in sockets:
        listening.close()
    return ports


def test_blob_queue_and_table_answer_as_soon_as_it_is_started(azurite: Azurite) -> None:
    """Everything else in the local world begins with its connection string."""
    with BlobServiceClient.from_connection_string(azurite.connection_string) as blobs:
        assert blobs.get_account_information()["sku_name"]
    with QueueServiceClient.from_connection_string(azurite.connection_string) as queues:
        assert "analytics_logging" in queues.get_service_properties()
    with TableServiceClient.from_connection_string(azurite.connection_string) as tables:
        tables.create_table("answers")
        assert "answers" in [table.name for table in tables.list_tables()]


def test_what_is_kept_on_disk_survives_a_restart_on_the_same_ports(tmp_path: Path) -> None:
    """The system that stays up must find its recordings again after a night."""
    ports = free_ports()
    with Azurite(tmp_path, ports) as first, BlobServiceClient.from_connection_string(first.connection_string) as blobs:
        blobs.create_container("kept").upload_blob("blob", b"still here")
        before = first.connection_string
    with Azurite(tmp_path, ports) as again, BlobServiceClient.from_connection_string(before) as blobs:
        assert again.connection_string == before
        assert blobs.get_blob_client("kept", "blob").download_blob().readall() == b"still here"


def test_a_port_in_use_is_reported_in_azurites_own_words() -> None:
    """A second `make up` must say why it cannot start, and must not wait for a minute."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(AzuriteError, match="EADDRINUSE"):
        Azurite(ports=Ports(blob=taken.getsockname()[1])).start()


def test_a_missing_installation_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The first thing a newcomer meets must be an instruction, not a stack."""
    monkeypatch.setattr(module, "COMMAND", tmp_path / "absent")
    with pytest.raises(AzuriteError, match="npm ci"):
        Azurite().start()


def test_the_command_prints_the_connection_string_and_ends_on_sigterm(tmp_path: Path) -> None:
    """`python -m dev azurite` runs under supervisors that end it with SIGTERM."""
    code = (
        f"from dev.azurite import main, Ports; raise SystemExit(main(ports=Ports{tuple(vars(free_ports()).values())}))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}
    ) as command:
        assert command.stdout is not None
        assert command.stdout.readline().startswith("DefaultEndpointsProtocol=http;")
        command.send_signal(signal.SIGTERM)
        assert command.wait(20) == 0


def test_a_machine_without_node_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It was told to run `npm ci`, which is a part of what is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AzuriteError, match="`node` is not on PATH"):
        Azurite().start()
