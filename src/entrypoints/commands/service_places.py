"""Where the service's files stand: the user's own, or the system's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ...ports.errors import Misconfigured
from .service_units import SERVICE, SOCKET

if TYPE_CHECKING:
    from collections.abc import Mapping


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """`root`: another system's files below this folder (an image that is being built), where nothing is started.
    `sysusers` is None for a user's service.
    """

    system: bool
    root: Path | None
    units: Path
    environment: Path
    sysusers: Path | None

    @property
    def service(self) -> Path:
        return self.units / SERVICE

    @property
    def socket(self) -> Path:
        return self.units / SOCKET


def places(environment: Mapping[str, str], *, system: bool, root: Path | None) -> Places:
    if system:
        top = root or Path("/")
        return Places(
            system=True,
            root=root,
            units=top / "etc/systemd/system",
            environment=top / "etc/agent-memory.env",
            sysusers=top / "etc/sysusers.d/agent-memory.conf",
        )
    config = _config_home(environment)
    return Places(
        system=False,
        root=None,
        units=config / "systemd/user",
        environment=config / "agent-memory/agent-memory.env",
        sysusers=None,
    )


def _config_home(environment: Mapping[str, str]) -> Path:
    """The XDG base directory for configuration, which systemd's user manager reads as well."""
    given = environment.get("XDG_CONFIG_HOME", "")
    if given.startswith("/"):
        return Path(given)
    home = environment.get("HOME", "")
    if not home.startswith("/"):
        raise Misconfigured("neither XDG_CONFIG_HOME nor HOME names a folder: whose service is this to be?")
    return Path(home) / ".config"
