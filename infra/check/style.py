"""Style of the module: what Terraform accepts and a reviewer does not.

Files are formatted when this runs (`terraform fmt -check` goes first), so blocks begin and end at the left margin.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

OPENING = re.compile(r"^(resource|data|variable|output|module|provider|locals|terraform|moved|check|import)\b(.*)\{$")
LABELS = re.compile(r'"([^"]+)"')
SNAKE_CASE = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")
ACCOUNT_NUMBER = re.compile(r"(?<![\w.{-])\d{12}(?![\w}-])")
LOCAL_NAME = re.compile(r"^  (\w+)\s*=")
SKIP = re.compile(r"checkov:skip=(\w*)(.*)")
# As the README writes them: `aws_lb.main` for a resource, a row that begins with `project` for an input or an output.
RESOURCE_NAMED = re.compile(r"`(aws_\w+)\.(\w+)")
ROW_OF = re.compile(r"^\| `(\w+)` \|", re.M)
ASSIGNMENT = re.compile(r"^(\w+)\s*=")


@dataclass(frozen=True)
class Block:
    """A block at the left margin."""

    place: str
    kind: str
    labels: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its last label."""
        return self.labels[-1] if self.labels else ""

    def says(self, argument: str) -> bool:
        """Whether an argument of its own is there."""
        return any(re.match(rf"^  {argument}\s*=", line) for line in self.lines)


def problems(module: Path) -> list[str]:
    """Everything that is wrong, each with its place."""
    files = sorted(path for path in module.rglob("*.tf") if ".terraform" not in path.parts)
    blocks = [block for path in files for block in blocks_of(path, module)]
    text = "\n".join(path.read_text() for path in files)
    values = sorted(module.rglob("*.tfvars"))
    return [
        *undescribed(blocks),
        *misnamed(blocks),
        *unused(blocks, text),
        *unpinned(blocks, module),
        *line_problems([*files, *values], module),
        *undeclared(blocks, values, module),
        *misdocumented(blocks, module / "README.md"),
    ]


def blocks_of(path: Path, module: Path) -> list[Block]:
    """The blocks of a file."""
    found: list[Block] = []
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if opening := OPENING.match(line):
            length = next((i for i, inner in enumerate(lines[number:]) if inner == "}"), 0)
            labels = tuple(LABELS.findall(opening[2]))
            place = f"{path.relative_to(module)}:{number + 1}"
            found.append(Block(place, opening[1], labels, tuple(lines[number + 1 : number + length])))
    return found


def undescribed(blocks: list[Block]) -> list[str]:
    """Variables and outputs say what they are."""
    wanted = {"variable": ("description", "type"), "output": ("description",)}
    return [
        f"{block.place}: {block.kind} {block.name} has no {argument}; add one"
        for block in blocks
        for argument in wanted.get(block.kind, ())
        if not block.says(argument)
    ]


def misnamed(blocks: list[Block]) -> list[str]:
    """Names within Terraform are in snake case."""
    named = [
        (block.place, block.kind, block.name)
        for block in blocks
        if block.kind in ("resource", "data", "variable", "output", "module")
    ]
    named += [(block.place, "local", name) for block in blocks if block.kind == "locals" for name in local_names(block)]
    return [
        f"{place}: {kind} {name} is not in snake case; use lower-case words with _ between"
        for place, kind, name in named
        if not SNAKE_CASE.match(name)
    ]


def local_names(block: Block) -> list[str]:
    """What a `locals` block names."""
    return [match[1] for line in block.lines if (match := LOCAL_NAME.match(line))]


def unused(blocks: list[Block], text: str) -> list[str]:
    """Nothing is declared that nothing uses."""
    declared = [(block.place, f"var.{block.name}") for block in blocks if block.kind == "variable"]
    declared += [
        (block.place, f"local.{name}") for block in blocks if block.kind == "locals" for name in local_names(block)
    ]
    declared += [(block.place, f"data.{'.'.join(block.labels)}") for block in blocks if block.kind == "data"]
    return [f"{place}: nothing uses {name}; remove it" for place, name in declared if not is_used(name, text)]


def is_used(name: str, text: str) -> bool:
    """Whether `name` is referred to. A variable's own validation is no use of it, but then something else is."""
    references = len(re.findall(rf"(?<![\w.]){re.escape(name)}\b", text))
    if not name.startswith("var."):
        return references > 0
    declaration = re.search(rf'^variable "{name.removeprefix("var.")}" \{{$.*?^\}}$', text, re.M | re.S)
    own = len(re.findall(rf"(?<![\w.]){re.escape(name)}\b", declaration[0])) if declaration else 0
    return references > own


def unpinned(blocks: list[Block], module: Path) -> list[str]:
    """The module says which Terraform and which provider it is written for."""
    settings = "\n".join(line for block in blocks if block.kind == "terraform" for line in block.lines)
    found = []
    if "required_version" not in settings:
        found.append("versions.tf: there is no required_version; name the oldest Terraform that works")
    if not re.search(r'version\s*=\s*"~> \d+\.\d+"', settings):
        found.append('versions.tf: the provider is not pinned; write version = "~> MAJOR.MINOR"')
    return found


def line_problems(files: list[Path], module: Path) -> list[str]:
    """What single lines must not have."""
    found = []
    for path in files:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            place = f"{path.relative_to(module)}:{number}"
            if ACCOUNT_NUMBER.search(line):
                found.append(f"{place}: an account number; take it from data.aws_caller_identity, or from a variable")
            skip = SKIP.search(line)
            if skip and len(skip[2].strip(": ")) < 10:
                found.append(f"{place}: checkov:skip without a reason; say why after the check's name")
            if re.search(r"\bStatement\s*=\s*\[", line):
                found.append(f"{place}: a policy in JSON; write it as data.aws_iam_policy_document, which is checked")
    return found


def undeclared(blocks: list[Block], values: list[Path], module: Path) -> list[str]:
    """Terraform only warns of values for variables that are not there."""
    declared = {block.name for block in blocks if block.kind == "variable"}
    found = []
    for path in values:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            given = ASSIGNMENT.match(line)
            if given and given[1] not in declared:
                found.append(f"{path.relative_to(module)}:{number}: there is no variable {given[1]}")
    return found


def misdocumented(blocks: list[Block], readme: Path) -> list[str]:
    """What the README names is there, and every input and output is in it."""
    text = readme.read_text()
    resources = {block.labels for block in blocks if block.kind == "resource"}
    named = dict.fromkeys(RESOURCE_NAMED.findall(text))
    rows = set(ROW_OF.findall(text))
    return [
        *(f"{readme.name}: there is no {kind}.{name}" for kind, name in named if (kind, name) not in resources),
        *(
            f"{block.place}: {readme.name} has no row of {block.kind} {block.name}"
            for block in blocks
            if block.kind in ("variable", "output") and block.name not in rows
        ),
    ]
