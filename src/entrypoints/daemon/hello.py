"""What a client says of itself, and whether this daemon serves it. Decisions only; no I/O."""

from __future__ import annotations

import msgspec

from ... import __version__
from ...core.limits import AGENT_CHARS
from ...core.redaction.names import refuse_secret
from ...core.redaction.redactor import scrubbed
from ...core.scope import parse_scope
from ...core.text import checked_line
from ...ports.errors import Rejected
from ...ports.scopes import GLOBAL, within
from ..settings import Settings, ToolSet, unknown_names
from .address import PREFIX
from .link import LONGEST, VERSION, line


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a client. An empty text stands for a setting that the client does not have."""

    agent_memory_link: int
    version: str = ""
    database: str = ""
    scope: str = ""
    agent_id: str = ""
    admin_key: str = ""
    tools: str = ""
    names: tuple[str, ...] = ()


class Terms(msgspec.Struct, frozen=True):
    """What holds for one client's calls, whatever their arguments say."""

    scope: str
    agent_id: str
    admin_key: str
    tools: ToolSet = "all"


class Declined(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def line(self) -> bytes:
        return line(accepted=False, code=self.code, message=scrubbed(str(self)), version=__version__)


_DECODER = msgspec.json.Decoder(Hello)
_LONGEST_NAMES = 200


def read_hello(text: bytes) -> Hello:
    if len(text) > LONGEST:
        raise Declined("version", f"the first line is longer than {LONGEST} bytes")
    try:
        hello = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Declined(
            "version", f"the first line must say who connects ({error}); use `agent-memory mcp` as the client"
        ) from None
    if hello.agent_memory_link != VERSION:
        raise Declined(
            "version",
            f"this daemon (version {__version__}) speaks link {VERSION}, the client (version {hello.version}) "
            f"link {hello.agent_memory_link}: restart the older of them",
        )
    return hello


def terms_for(hello: Hello, settings: Settings) -> Terms:
    """A client narrows what the daemon allows, and never widens it."""
    if hello.database != settings.database:
        raise Declined("database", f"this daemon serves {settings.database}, not {hello.database}")
    scope, agent = _scope(hello.scope, settings.scope), _agent(hello.agent_id, settings.agent_id)
    if settings.redact:
        _refuse_secrets(SCOPE=hello.scope, AGENT_ID=hello.agent_id)
    return Terms(
        scope,
        agent,
        _admin_key(hello.admin_key, settings.admin_key),
        _tools(hello.tools, settings.tools),
    )


def accepted(terms: Terms, hello: Hello, instance: str) -> bytes:
    warnings = [scrubbed(warning) for warning in unknown_names(hello.names[:_LONGEST_NAMES])]
    return line(accepted=True, version=__version__, instance=instance, scope=terms.scope, warnings=warnings)


def _refuse_secrets(**given: str) -> None:
    for name, value in given.items():
        try:
            refuse_secret(value, PREFIX + name)
        except Rejected as error:
            raise Declined("misconfigured", str(error)) from None


def _scope(asked: str, ceiling: str) -> str:
    try:
        scope = parse_scope(asked, PREFIX + "SCOPE") if asked else GLOBAL
    except Rejected as error:
        raise Declined("misconfigured", str(error)) from None
    if within(scope, ceiling):
        return scope
    if within(ceiling, scope):
        return ceiling
    raise Declined(
        "ceiling", f"this daemon is limited to {ceiling!r}, this client to {scope!r}: nothing is in both"
    )


def _agent(asked: str, pinned: str) -> str:
    if asked and pinned and asked != pinned:
        raise Declined(
            "agent", f"this daemon writes as {pinned!r} for everyone, this client is to write as {asked!r}"
        )
    try:
        return checked_line(asked, f"{PREFIX}AGENT_ID", most=AGENT_CHARS) or pinned
    except Rejected as error:
        raise Declined("misconfigured", str(error)) from None


def _admin_key(asked: str, needed: str) -> str:
    """Either alone guards. Two that differ could be met by no call."""
    if asked and needed and asked != needed:
        raise Declined("admin_key", f"{PREFIX}ADMIN_KEY of this client is not the daemon's")
    return asked or needed


def _tools(asked: str, offered: ToolSet) -> ToolSet:
    """The fewer of both."""
    if asked.lower() not in {"", "all", "core"}:
        raise Declined("misconfigured", f"{PREFIX}TOOLS={asked!r}: all or core")
    return "core" if asked.lower() == "core" else offered
