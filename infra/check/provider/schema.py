"""The schema: from aws-schema.json into the provider protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tf.gen import tfplugin_pb2 as pb

Json = dict[str, Any]

NESTING = {
    "single": pb.Schema.NestedBlock.SINGLE,
    "list": pb.Schema.NestedBlock.LIST,
    "set": pb.Schema.NestedBlock.SET,
}
# `write_only` is field 11 of Attribute, a boolean; the stubs are older than it.
WRITE_ONLY = b"\x58\x01"


def load(path: Path) -> Json:
    """The schema that extract.py wrote."""
    found: Json = json.loads(path.read_text())
    return found


def described(found: Json) -> pb.GetProviderSchema.Response:
    """The whole schema in the protocol's words."""
    return pb.GetProviderSchema.Response(
        provider=schema(found["provider"]),
        resource_schemas={name: schema(kind) for name, kind in found["resource_schemas"].items()},
        data_source_schemas={name: schema(kind) for name, kind in found["data_source_schemas"].items()},
    )


def schema(kind: Json) -> pb.Schema:
    """One type."""
    return pb.Schema(version=0, block=block(kind["block"]))


def block(found: Json) -> pb.Schema.Block:
    """A block: its attributes and the blocks in it."""
    return pb.Schema.Block(
        attributes=[attribute(name, of) for name, of in found.get("attributes", {}).items()],
        block_types=[nested(name, of) for name, of in found.get("block_types", {}).items()],
    )


def attribute(name: str, found: Json) -> pb.Schema.Attribute:
    """An attribute with its flags."""
    written = pb.Schema.Attribute(
        name=name,
        type=json.dumps(found["type"]).encode(),
        required=found.get("required", False),
        optional=found.get("optional", False),
        computed=found.get("computed", False),
    )
    if found.get("write_only"):
        written.MergeFromString(WRITE_ONLY)
    return written


def nested(name: str, found: Json) -> pb.Schema.NestedBlock:
    """A kind of block within a block."""
    return pb.Schema.NestedBlock(
        type_name=name,
        block=block(found["block"]),
        nesting=NESTING[found["nesting_mode"]],
        min_items=found.get("min_items", 0),
        max_items=found.get("max_items", 0),
    )
