#!/usr/bin/env python3
"""Rebuilds the AWS provider's schema from the published bindings of a language: `npm pack @cdktn/provider-aws@25.7.0`.

    extract.py PACKAGE.tgz types.txt aws-schema.json

The provider itself comes in no package, but these bindings are generated from its schema and tell nearly all of it:
a comment for each attribute has its name and flags, accessors have its type, and the typings say what is a block.
What they do not tell: `sensitive`, `deprecated`, limits above one on how many blocks there may be, and validators.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FLAGS = re.compile(r"^ {4}// (\w+) - computed: (true|false), optional: (true|false), required: (true|false)$")
CLASS = re.compile(r"^class (\w+) extends cdktn\.(\w+) \{$")
NESTED = re.compile(r"^ {4}_\w+ = new ([\w.]+)\(this, \"\w+\"(?:, (true|false))?\);$")
GETTER = re.compile(r"^ {8}return (.+);$")
INTERFACE = re.compile(r"^export interface (\w+)\b")
BLOCK_COMMENT = re.compile(r"^ {4}\* (\w+) block$")
HCL_FUNCTION = re.compile(r"^function (\w+)ToHclTerraform\(")
HCL_NAME = re.compile(r"^ {8,12}(\w+): \{$")
HCL_TYPE = re.compile(r"^ {12,16}type: \"(\w+)\",$")
HCL_STORAGE = re.compile(r"^ {12,16}storageClassType: \"(\w+)\",$")
VERSION = re.compile(r"providerVersion: '([\d.]+)'")

SIMPLE_TYPES: dict[str, Any] = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
    "getStringMapAttribute": ["map", "string"],
    "getNumberMapAttribute": ["map", "number"],
    "getBooleanMapAttribute": ["map", "bool"],
}
ROOTS = ("TerraformResource", "TerraformDataSource", "TerraformProvider")


class ExtractError(Exception):
    """The bindings say something that this program does not understand."""


@dataclass
class Member:
    """What a class says of one attribute or block."""

    name: str
    computed: bool
    optional: bool
    required: bool
    accessor: str = ""
    nested: str = ""
    is_set: bool = False


@dataclass
class Bindings:
    """What the files of one type say."""

    classes: dict[str, list[Member]] = field(default_factory=dict)
    root: str = ""
    version: str = ""
    blocks: dict[str, set[str]] = field(default_factory=dict)
    hcl_types: dict[str, dict[str, str]] = field(default_factory=dict)
    hcl_storage: dict[str, dict[str, str]] = field(default_factory=dict)


def read_members(lines: list[str], found: Bindings) -> None:
    """Reads the classes of a `.js` file: flags, accessors, nested classes."""
    current: list[Member] = []
    for line in lines:
        if opened := CLASS.match(line):
            current = found.classes.setdefault(opened[1], [])
            if opened[2] in ROOTS:
                found.root = opened[1]
        elif flags := FLAGS.match(line):
            computed, optional, required = (value == "true" for value in flags.groups()[1:])
            current.append(Member(flags[1], computed, optional, required))
        elif current and not current[-1].accessor and not current[-1].nested:
            if nested := NESTED.match(line):
                current[-1].nested, current[-1].is_set = nested[1], nested[2] == "true"
            elif getter := GETTER.match(line):
                current[-1].accessor = getter[1]


def read_hcl_types(lines: list[str], found: Bindings) -> None:
    """Reads how each attribute is written, which tells lists, sets and single objects apart."""
    owner, name = "", ""
    for line in lines:
        if function := HCL_FUNCTION.match(line):
            owner = function[1][0].upper() + function[1][1:]
        elif line.startswith("    synthesizeHclAttributes()"):
            owner = found.root
        elif named := HCL_NAME.match(line):
            name = named[1]
        elif kind := HCL_TYPE.match(line):
            found.hcl_types.setdefault(owner, {})[name] = kind[1]
        elif storage := HCL_STORAGE.match(line):
            found.hcl_storage.setdefault(owner, {})[name] = storage[1]


def read_blocks(lines: list[str], found: Bindings) -> None:
    """Reads which members are blocks: the typings call them so."""
    owner = ""
    for line in lines:
        if interface := INTERFACE.match(line):
            owner = interface[1]
        elif block := BLOCK_COMMENT.match(line):
            found.blocks.setdefault(owner, set()).add(block[1])


def simple_type(member: Member) -> Any:
    """The type that an accessor returns."""
    call = re.search(r"this\.(\w+)\(", member.accessor)
    kind = SIMPLE_TYPES.get(call[1]) if call else None
    if kind is None:
        raise ExtractError(f"{member.name}: accessor {member.accessor!r} is of no known type")
    if "Fn.tolist" in member.accessor:
        return ["set", kind[1]]
    return kind


def nested_class(bindings: Bindings, member: Member) -> tuple[str, bool]:
    """The class of a nested object, and whether there may be several."""
    several = member.nested.endswith("List")
    if several:
        return member.nested.removesuffix("List") + "OutputReference", True
    return member.nested, False


def attribute_type(bindings: Bindings, member: Member) -> Any:
    """The type of an attribute, of objects too."""
    if not member.nested:
        return simple_type(member)
    library = re.fullmatch(r"cdktn\.(String|Number|Boolean)Map(List)?", member.nested)
    if library:
        inner = ["map", {"String": "string", "Number": "number", "Boolean": "bool"}[library[1]]]
        return ["set" if member.is_set else "list", inner] if library[2] else inner
    name, several = nested_class(bindings, member)
    if name not in bindings.classes:
        raise ExtractError(f"{member.name}: there is no class {name}")
    fields = {of.name: attribute_type(bindings, of) for of in bindings.classes[name]}
    shape = ["object", fields]
    if several:
        return ["set" if member.is_set else "list", shape]
    return shape


def attribute(bindings: Bindings, member: Member) -> Json:
    """An attribute as `terraform providers schema -json` writes it."""
    found: Json = {"type": attribute_type(bindings, member)}
    for flag in ("computed", "optional", "required"):
        if getattr(member, flag):
            found[flag] = True
    if member.name.endswith("_wo") and not member.computed:
        found["write_only"] = True
    return found


def block_type(bindings: Bindings, member: Member, hcl: str) -> Json:
    """A kind of nested block."""
    name, several = nested_class(bindings, member)
    nesting = "single" if hcl == "struct" else ("set" if member.is_set or hcl == "set" else "list")
    found: Json = {"nesting_mode": nesting, "block": block(bindings, name)}
    if nesting != "single":
        if member.required:
            found["min_items"] = 1
        if not several:
            found["max_items"] = 1
    return found


def block(bindings: Bindings, class_name: str) -> Json:
    """A block: attributes, and the blocks in it."""
    interface = class_name.removesuffix("OutputReference")
    is_root = class_name == bindings.root
    blocks = bindings.blocks.get(f"{interface}Config" if is_root else interface, set())
    hcl_types = bindings.hcl_types.get(interface, {})
    found: Json = {}
    for member in bindings.classes[class_name]:
        if member.name in blocks and member.nested:
            found.setdefault("block_types", {})[member.name] = block_type(
                bindings, member, hcl_types.get(member.name, "")
            )
        else:
            found.setdefault("attributes", {})[member.name] = attribute(bindings, member)
    return found


def provider_block(bindings: Bindings, owner: str) -> Json:
    """The provider's own arguments, which have no flags in the bindings. All are optional but its blocks' own."""
    found: Json = {}
    for name, storage in bindings.hcl_storage.get(owner, {}).items():
        kind = bindings.hcl_types[owner][name]
        simple = {
            "string": "string",
            "number": "number",
            "boolean": "bool",
            "stringList": "string",
            "stringMap": "string",
        }
        if storage in simple:
            inner = simple[storage]
            type_ = inner if kind == "simple" else [kind, inner]
            found.setdefault("attributes", {})[name] = {"type": type_, "optional": True}
        else:
            nested = provider_block(bindings, storage.removesuffix("List"))
            nesting = "set" if kind == "set" else "list"
            found.setdefault("block_types", {})[name] = {"nesting_mode": nesting, "block": nested}
    return found


def folder_of(name: str) -> str:
    """Folder of a type in the package: `ecs-cluster`, `data-aws-region`, `provider`."""
    if name == "provider":
        return "provider"
    kind = f"data-{name.removeprefix('data.')}" if name.startswith("data.") else name.removeprefix("aws_")
    return kind.replace("_", "-")


def read_package(package: Path, names: list[str]) -> dict[str, Bindings]:
    """Streams the tarball, and reads what it says of `names`."""
    by_folder = {folder_of(name): name for name in names}
    found: dict[str, Bindings] = {name: Bindings() for name in names}
    hcl_later: list[tuple[Bindings, list[str]]] = []
    with tarfile.open(package, "r|gz") as archive:
        for entry in archive:
            parts = entry.name.split("/")
            if len(parts) < 4 or parts[1] != "lib" or parts[2] not in by_folder:
                continue
            if not entry.name.endswith((".js", ".d.ts")):
                continue
            content = archive.extractfile(entry)
            if content is None:
                continue
            lines = content.read().decode().splitlines()
            bindings = found[by_folder[parts[2]]]
            if entry.name.endswith(".d.ts"):
                read_blocks(lines, bindings)
                continue
            read_members(lines, bindings)
            version = next((match[1] for line in lines if (match := VERSION.search(line))), "")
            bindings.version = bindings.version or version
            hcl_later.append((bindings, lines))
    for bindings, lines in hcl_later:
        read_hcl_types(lines, bindings)
    return found


def schema_of(found: dict[str, Bindings]) -> Json:
    """All of it, in the words of `terraform providers schema -json`."""
    schema: Json = {"provider": {}, "resource_schemas": {}, "data_source_schemas": {}}
    for name, bindings in sorted(found.items()):
        if not bindings.root:
            raise ExtractError(f"{name}: the package has no such type; mend its name in types.txt")
        if name == "provider":
            schema["provider"] = {"block": provider_block(bindings, bindings.root)}
            schema["provider"]["block"]["attributes"].pop("alias", None)
            continue
        try:
            described = {"block": block(bindings, bindings.root)}
        except ExtractError as error:
            raise ExtractError(f"{name}: {error}") from error
        if name.startswith("data."):
            schema["data_source_schemas"][name.removeprefix("data.")] = described
        else:
            schema["resource_schemas"][name] = described
    return schema


def read_types(path: Path) -> list[str]:
    """The types that are wanted, without comments."""
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return ["provider", *(line for line in lines if line)]


def main(arguments: list[str]) -> int:
    """Writes the schema; prints what was found."""
    if len(arguments) != 3:
        print("usage: extract.py PACKAGE.tgz types.txt aws-schema.json", file=sys.stderr)
        return 2
    package, types, out = map(Path, arguments)
    found = read_package(package, read_types(types))
    version = next(bindings.version for bindings in found.values() if bindings.version)
    document = {
        "//": "Derived by extract.py from the npm package @cdktn/provider-aws 25.7.0 (MPL-2.0); see README.md.",
        "provider_version": version,
        **schema_of(found),
    }
    out.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    print(f"{len(found) - 1} types of hashicorp/aws {version} in {out}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ExtractError as problem:
        sys.exit(f"extract.py: {problem}")
