"""The servers that tests of the Redis adapters stand on."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent_memory_contract.servers.redis import SOURCES, private_server, shared_server
from agent_memory_contract.servers.redis_process import Address, answers
from agent_memory_contract.servers.run_folder import RUN_VARIABLE

_CRASHING = """
import os, signal, sys
from agent_memory_contract.servers.redis import shared_server
print(shared_server(sys.argv[1]).port, os.environ["AGENT_MEMORY_TEST_RUN"], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def ask(address: Address, *commands: str) -> bytes:
    """The answers to inline commands, as they came."""
    with socket.create_connection((address.host, address.port), timeout=10) as connection:
        connection.sendall("".join(f"{command}\r\n" for command in (*commands, "QUIT")).encode())
        said = b""
        while some := connection.recv(4096):
            said += some
    return said.removesuffix(b"+OK\r\n")


@pytest.mark.parametrize("source", SOURCES)
def test_a_shared_server_answers(source: str) -> None:
    assert answers(shared_server(source))


def test_a_killed_server_comes_back_empty_on_the_same_port() -> None:
    process = private_server()
    assert ask(process.address, "SET kept 1") == b"+OK\r\n"
    process.kill()
    assert not answers(process.address)
    process.start()
    assert ask(process.address, "GET kept") == b"$-1\r\n"


def test_a_durable_server_keeps_what_it_acknowledged_through_a_crash() -> None:
    process = private_server(durable=True)
    assert ask(process.address, "SET kept 1") == b"+OK\r\n"
    process.kill()
    process.start()
    assert ask(process.address, "GET kept") == b"$1\r\n1\r\n"


def test_a_server_takes_options_and_a_password() -> None:
    process = private_server("--requirepass", "sesame", "--maxmemory", "4mb")
    assert process.address.password == "sesame"
    assert ask(process.address, "GET a").startswith(b"-NOAUTH")
    assert b"4194304" in ask(process.address, "AUTH sesame", "CONFIG GET maxmemory")


@pytest.mark.skipif(SOURCES[0] == "container", reason="no program of Redis or Valkey")
def test_nothing_is_left_of_a_run_that_was_killed() -> None:
    environment = {name: value for name, value in os.environ.items() if name != RUN_VARIABLE}
    command = [sys.executable, "-c", _CRASHING, SOURCES[0]]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False, text=True)
    port, folder = done.stdout.split()
    deadline = time.monotonic() + 30
    while answers(Address(host="127.0.0.1", port=int(port))) or list(Path(folder).glob("*/data")):
        assert time.monotonic() < deadline, "the server outlived its run"
        time.sleep(0.05)
    shutil.rmtree(folder)
