"""Renders `data.aws_iam_policy_document` as the provider does."""

from __future__ import annotations

import json
import zlib
from typing import Any

Json = dict[str, Any]


def rendered(config: Json) -> Json:
    """What the data source answers."""
    document = base(config)
    statements = [statement(of) for of in config.get("statement") or []]
    document["Statement"] = merged(document["Statement"], statements)
    for text in config.get("override_policy_documents") or []:
        if text:
            document["Statement"] = merged(document["Statement"], listed(json.loads(text).get("Statement", [])))
    written = {key: document[key] for key in ("Version", "Id", "Statement") if document.get(key)}
    return {
        "json": json.dumps(written, indent=2),
        "minified_json": json.dumps(written, separators=(",", ":")),
        "id": str(zlib.crc32(json.dumps(written).encode())),
        "version": document["Version"],
    }


def base(config: Json) -> Json:
    """The documents that it builds upon."""
    document: Json = {
        "Version": config.get("version") or "2012-10-17",
        "Id": config.get("policy_id"),
        "Statement": [],
    }
    for text in config.get("source_policy_documents") or []:
        if text:
            document["Statement"] = merged(document["Statement"], listed(json.loads(text).get("Statement", [])))
    return document


def merged(first: list[Json], then: list[Json]) -> list[Json]:
    """Both, where a statement with the `Sid` of an earlier one replaces it."""
    found = list(first)
    for added in then:
        places = [i for i, of in enumerate(found) if added.get("Sid") and of.get("Sid") == added["Sid"]]
        if places:
            found[places[0]] = added
        else:
            found.append(added)
    return found


def statement(config: Json) -> Json:
    """One statement."""
    written: Json = {"Sid": config.get("sid"), "Effect": config.get("effect") or "Allow"}
    for key, name in (
        ("Action", "actions"),
        ("NotAction", "not_actions"),
        ("Resource", "resources"),
        ("NotResource", "not_resources"),
    ):
        written[key] = one_or_many([variables(of) for of in config.get(name) or []])
    written["Principal"] = principals(config.get("principals") or [])
    written["NotPrincipal"] = principals(config.get("not_principals") or [])
    written["Condition"] = conditions(config.get("condition") or [])
    return {key: value for key, value in written.items() if value}


def principals(config: list[Json]) -> Any:
    """Who it is about. `*` of type `*` is everybody."""
    if any(of["type"] == "*" for of in config):
        return "*"
    found: dict[str, list[str]] = {}
    for of in config:
        found.setdefault(of["type"], []).extend(of["identifiers"])
    return {kind: one_or_many(identifiers) for kind, identifiers in found.items()}


def conditions(config: list[Json]) -> Json:
    """Under what conditions."""
    found: Json = {}
    for of in config:
        values = [variables(value) for value in of["values"]]
        held = found.setdefault(of["test"], {}).setdefault(of["variable"], [])
        held.extend(values)
    return {test: {key: one_or_many(values) for key, values in of.items()} for test, of in found.items()}


def variables(text: str) -> str:
    """IAM's own variables, which HCL writes with an ampersand."""
    return text.replace("&{", "${")


def one_or_many(values: list[str]) -> Any:
    """A single value stands by itself."""
    return values[0] if len(values) == 1 else values


def listed(value: Any) -> list[Json]:
    """A single statement stands by itself too."""
    return value if isinstance(value, list) else [value]
