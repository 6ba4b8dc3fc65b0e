"""What the schemas of tools are made of, and what of them is listed."""

from __future__ import annotations

from typing import Any

from ...core.limits import IDS_PER_CALL
from ...ports.records import KINDS

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
STRINGS: Schema = {"type": "array", "items": STRING}
BOOLEAN: Schema = {"type": "boolean"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
OBJECT: Schema = {"type": "object"}
OBJECTS: Schema = {"type": "array", "items": OBJECT}
FRACTION: Schema = {"type": "number", "minimum": 0, "maximum": 1}
KIND: Schema = {"type": "string", "enum": list(KINDS)}
KIND_LIST: Schema = {"type": "array", "items": KIND}
IDS: Schema = {**STRINGS, "minItems": 1, "maxItems": IDS_PER_CALL}
# Not `type: [string, null]`, which providers with one type a schema drop or refuse (so says the MCP inspector).
CLEARABLE: Schema = {"anyOf": [STRING, {"type": "null"}]}

_UNLISTED = frozenset({"additionalProperties", "minimum", "maximum", "minItems", "maxItems"})
_QUIET = "quiet"


def about(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def choice(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def integer(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def quiet(schema: Schema) -> Schema:
    """An argument that is taken and documented, but not listed: for programs and people, or asked for by an error."""
    return {**schema, _QUIET: True}


def arguments(properties: Schema, *required: str) -> Schema:
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    return schema


def tool(
    name: str,
    title: str,
    description: str,
    properties: Schema,
    *required: str,
    reads: bool = False,
    destroys: bool = False,
    repeats: bool = False,
) -> Schema:
    return {
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": arguments(properties, *required),
        "outputSchema": OBJECT,  # the form of every answer is in docs/tools.md
        "annotations": {
            "readOnlyHint": reads,
            "destructiveHint": destroys,
            "idempotentHint": reads or repeats,
            "openWorldHint": False,
        },
    }


def listed(schema: Schema) -> Schema:
    """A tool as a client is shown it: without bounds, quiet arguments, and what is within its arguments."""
    given = schema["inputSchema"]
    shown = {name: _short(value) for name, value in given["properties"].items() if _QUIET not in value}
    return {**schema, "inputSchema": {**_bare(given), "properties": shown}}


def _short(schema: Schema) -> Schema:
    if "anyOf" in schema:
        return STRING
    short = _bare(schema)
    if "properties" in short:
        return about(OBJECT, ", ".join(short["properties"]))
    if "items" in short:
        short["items"] = {"type": short["items"]["type"]}
    return short


def _bare(schema: Schema) -> Schema:
    return {name: value for name, value in schema.items() if name not in _UNLISTED}
