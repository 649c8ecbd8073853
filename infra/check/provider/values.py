"""Values as Terraform sends them: MessagePack, with a mark for what is not known yet."""

from __future__ import annotations

from typing import Any

import msgpack
from tf.gen import tfplugin_pb2 as pb


class Unknown:
    """What will be known after the apply."""

    def __repr__(self) -> str:
        return "(known after apply)"


UNKNOWN = Unknown()
# Terraform's kinds of unknown: a bare one, and one of which something is known (that it is not null, its prefix).
UNKNOWN_KINDS = (0, 12)


def decode(value: pb.DynamicValue) -> Any:
    """A value, with `UNKNOWN` in it."""
    if not value.msgpack:
        return None
    return msgpack.unpackb(value.msgpack, ext_hook=extension, strict_map_key=False)


def encode(value: Any) -> pb.DynamicValue:
    """The same, back."""
    return pb.DynamicValue(msgpack=msgpack.packb(value, default=unknown))


def extension(kind: int, data: bytes) -> Any:
    """Reads Terraform's own kinds of values."""
    return UNKNOWN if kind in UNKNOWN_KINDS else msgpack.ExtType(kind, data)


def unknown(value: Any) -> msgpack.ExtType:
    """Writes what is not known."""
    if value is UNKNOWN:
        return msgpack.ExtType(0, b"\0")
    raise TypeError(f"{value!r} is no value of Terraform's")


def has_unknown(value: Any) -> bool:
    """Whether anything in it is not known yet."""
    if isinstance(value, dict):
        return any(has_unknown(of) for of in value.values())
    if isinstance(value, list):
        return any(has_unknown(of) for of in value)
    return value is UNKNOWN
