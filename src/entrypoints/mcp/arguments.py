"""From the JSON of a call to the request it means, or to an error that names the argument and what is allowed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from ...ports.errors import Rejected
from .surrogates import lone_surrogate

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T", bound=msgspec.Struct)

_AT = re.compile(r"^(?P<problem>.*?)(?: - at `\$\.?(?P<path>.*?)`)?$", re.DOTALL)
_STEP = re.compile(r"\[[^\]]*\]|[^.\[\]]+")
_SHOWN = 120
_FIELD = re.compile(r"(?:unknown|required) field `(?P<name>.*?)`")


def decode_arguments(
    decoder: msgspec.json.Decoder[T], raw: bytes | msgspec.Raw, schema: Mapping[str, Any]
) -> T:
    """`null` for an argument that has no use for it means that it was left out: some models fill in every field. `10.0`
    is the integer that it is in JSON Schema.
    """
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        if "got `null`" not in str(error) and "Expected `int" not in str(error):
            raise explained(str(error), schema) from None
        return _decode_leniently(decoder.type, raw, schema)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if broken := lone_surrogate(bytes(raw)):
            raise Rejected(f"{broken[1]}: lone surrogate; send valid Unicode", broken[1]) from None
        raise Rejected(f"arguments: not valid JSON ({error})", "arguments") from None


def _decode_leniently(kind: type[T], raw: bytes | msgspec.Raw, schema: Mapping[str, Any]) -> T:
    given: Any = msgspec.json.decode(raw)
    if isinstance(given, dict):
        given = _settled(cast("dict[str, Any]", given), schema["properties"])
        if isinstance(given.get("entries"), list):
            given["entries"] = [
                _settled(cast("dict[str, Any]", entry), schema["properties"])
                if isinstance(entry, dict)
                else entry
                for entry in cast("list[Any]", given["entries"])
            ]
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise explained(str(error), schema) from None


def _settled(given: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without nulls, and with integers for what equals one."""
    return {
        name: int(value)
        if isinstance(value, float) and value.is_integer() and fields.get(name, {}).get("type") == "integer"
        else value
        for name, value in given.items()
        if value is not None or _has_use_for_null(fields.get(name))
    }


def _has_use_for_null(schema: Mapping[str, Any] | None) -> bool:
    """Unknown arguments keep theirs, so that they are still refused by name."""
    return schema is None or {"type": "null"} in schema.get("anyOf", ())


def explained(message: str, schema: Mapping[str, Any]) -> Rejected:
    """From what msgspec says of arguments that do not fit."""
    match = _AT.match(message)
    assert match is not None
    problem = _short(match["problem"].replace("`", ""))
    path = match["path"] or ""
    allowed = _at(schema, path)
    named = _FIELD.search(message)
    if named is not None:
        field = _short(f"{path}.{named['name']}" if path else named["name"])
        if "unknown" in message:
            names = ", ".join(allowed.get("properties", ())) or "none"
            return Rejected(f"{field}: no such argument; allowed here: {names}", field)
        values = allowed.get("properties", {}).get(named["name"], {}).get("enum", ())
        return Rejected(f"{field} is missing" + (f"; allowed: {', '.join(values)}" if values else ""), field)
    field = path or "arguments"
    if "enum" in allowed:
        problem += f"; allowed: {', '.join(allowed['enum'])}"
    elif "maximum" in allowed:
        problem += f"; allowed: {allowed['minimum']} to {allowed['maximum']}"
    return Rejected(f"{field}: {problem[0].lower()}{problem[1:]}", field)


def _short(text: str) -> str:
    """What a caller sent may be long; what it is told about it need not be."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _at(schema: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """The schema of what the path points to; empty where it says nothing. A list of plain objects (`entries`) holds
    "the fields above": those that stand before it.
    """
    above: dict[str, Any] = {}
    for step in _STEP.findall(path):
        if not step.startswith("["):
            fields = schema.get("properties", {})
            above = dict(list(fields.items())[: list(fields).index(step)]) if step in fields else {}
            schema = fields.get(step, {})
        elif schema.get("items") == {"type": "object"}:
            schema = {"properties": above}
        else:
            schema = schema.get("items", {})
    return schema
