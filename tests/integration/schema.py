# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Checks a document against a JSON Schema, as far as docs/guide/info.schema.json uses the language."""

from __future__ import annotations

from typing import Any

TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}
KNOWN = {
    "$schema", "$ref", "$defs", "title", "description", "type", "required", "properties", "additionalProperties", "items",
    "minItems", "maxItems", "enum", "const",
}


def errors(value: Any, schema: dict, root: dict | None = None, where: str = "$") -> list[str]:
    """What is wrong, one line each. Unknown properties are errors too: the published schema names every key."""
    root = root or schema
    assert set(schema) <= KNOWN, f"this checker does not know {set(schema) - KNOWN}"
    if "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return errors(value, target, root, where)
    found = []
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(TYPES[kind](value) for kind in kinds):
        return [f"{where}: {value!r} is none of {kinds}"]
    if "const" in schema and value != schema["const"] or "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is not allowed")
    if isinstance(value, dict):
        found += _object_errors(value, schema, root, where)
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append(f"{where}: {len(value)} items")
        for index, item in enumerate(value):
            found += errors(item, schema.get("items", {}), root, f"{where}[{index}]")
    return found


def _object_errors(value: dict, schema: dict, root: dict, where: str) -> list[str]:
    found = [f"{where}: {name} is missing" for name in schema.get("required", []) if name not in value]
    for name, item in value.items():
        inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
        found += errors(item, inner, root, f"{where}.{name}") if inner else [f"{where}: {name} is not in the schema"]
    return found
