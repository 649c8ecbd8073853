"""Terraform on a scratch copy of the module, talking to the stand-in provider."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Sequence

HERE = Path(__file__).resolve().parent
# The environment in which nothing optional is left out.
COMPLETE = "everything"
LEFT_OUT = shutil.ignore_patterns(".terraform", "*.tfstate*", ".terraform.lock.hcl")
# States are kept in the scratch copy, whatever the module says of a bucket.
LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'


class Problem(Exception):
    """What a check has found, in words that name the place."""


class StandIn:
    """The stand-in provider, for as long as the block lasts."""

    def __init__(self) -> None:
        # A socket's path has room for some hundred characters, which that of a checkout may take by itself.
        self.folder = tempfile.TemporaryDirectory(prefix="infra-check-")
        self.process: subprocess.Popen[str] | None = None
        self.reattach = ""

    def __enter__(self) -> StandIn:
        command = [sys.executable, "-m", "provider", str(HERE / "aws-schema.json"), f"{self.folder.name}/aws.sock"]
        self.process = subprocess.Popen(
            command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=quiet_python()
        )
        assert self.process.stdout is not None
        self.reattach = self.process.stdout.readline().strip()
        if not self.reattach:
            raise Problem("the stand-in provider did not start; its own words stand above")
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        assert self.process is not None and self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()
        self.folder.cleanup()


def quiet_python() -> dict[str, str]:
    """An environment in which Python leaves nothing beside the sources."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass
class Scratch:
    """A copy of the module that Terraform may write to."""

    folder: Path
    stand_in: StandIn
    is_ready: bool = False

    @classmethod
    def of(cls, module: Path, folder: Path, stand_in: StandIn) -> Scratch:
        """Copies `module` to `folder`, anew."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(module, folder, ignore=LEFT_OUT)
        (folder / "backend_override.tf").write_text(LOCAL_STATE)
        return cls(folder, stand_in)

    def run(self, *arguments: str, accept: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
        """Runs Terraform; whatever code is not in `accept` is a problem."""
        done = subprocess.run(
            ["terraform", *arguments], cwd=self.folder, text=True, capture_output=True, env=self.environment()
        )
        if done.returncode not in accept:
            # Plans are long, and what is wrong is told apart from them; only tests tell it among the rest.
            said = done.stderr or done.stdout
            if arguments[0] == "test":
                said = failures(done.stdout) + done.stderr
            raise Problem(f"terraform {arguments[0]}:\n{clean(said)}")
        return done

    def environment(self) -> dict[str, str]:
        """Nothing of the user's own: no configuration, no look for updates, no credentials."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "TF_"))}
        return {
            **kept,
            "TF_CLI_CONFIG_FILE": os.devnull,
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
            "TF_REATTACH_PROVIDERS": self.stand_in.reattach,
        }

    def ready(self) -> None:
        """Initialises, once."""
        if not self.is_ready:
            self.run("init", "-backend=false", "-no-color")
            self.is_ready = True

    def validate(self) -> None:
        """Names, types, nesting and references, by Terraform's own word."""
        self.ready()
        self.run("validate", "-no-color")

    def test(self, *files: str) -> str:
        """Terraform's own tests, or those of some files; the last line of what they say."""
        self.ready()
        said = self.run("test", "-no-color", *(f"-filter={file}" for file in files)).stdout.strip().splitlines()
        return said[-1] if said else ""

    def apply(self, name: str, variables: Sequence[Path]) -> State:
        """Applies in memory, with variables from files; `name` is what the state is called."""
        (self.folder / "terraform.tfstate").unlink(missing_ok=True)
        self.run("init", "-reconfigure", "-no-color")
        self.is_ready = True
        self.run("apply", "-auto-approve", "-no-color", *var_files(variables))
        shown = self.run("show", "-json").stdout
        return State(json.loads(shown), name)

    def plan_again(self, variables: Sequence[Path]) -> None:
        """A second plan, which must be empty."""
        done = self.run("plan", "-detailed-exitcode", "-no-color", *var_files(variables), accept=(0, 2))
        if done.returncode == 2:
            changes = done.stdout.rpartition("Terraform will perform the following actions:")[2]
            raise Problem(clean("a second plan is not empty:\n" + changes))


def failures(said: str) -> str:
    """Of what `terraform test` says, the runs that failed and why."""
    lines = said.splitlines()
    passing = ("... in progress", "... tearing down", "... pass", "... skip")
    return "\n".join(line for line in lines if not line.endswith(passing)) + "\n"


def var_files(variables: Sequence[Path]) -> list[str]:
    """How Terraform is told of files with variables."""
    return [f"-var-file={path.resolve()}" for path in variables]


def clean(text: str) -> str:
    """What Terraform says, without frames and empty lines."""
    lines = (re.sub(r"^[│╷╵ ]+", "", line).rstrip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)


@dataclass(frozen=True)
class Resource:
    """A resource in a state."""

    address: str
    kind: str
    values: dict[str, Any]


class State:
    """What is there after an apply."""

    def __init__(self, shown: dict[str, Any], name: str = "") -> None:
        self.name = name
        values = shown.get("values", {})
        self.outputs = {name: of.get("value") for name, of in values.get("outputs", {}).items()}
        self.resources = list(resources_in(values.get("root_module", {})))

    def of_kind(self, kind: str) -> list[Resource]:
        """All resources of a type."""
        return [resource for resource in self.resources if resource.kind == kind]

    def at(self, address: str) -> Resource:
        """The resource at an address."""
        for resource in self.resources:
            if resource.address == address:
                return resource
        raise Problem(f"{address}: there is no such resource")


def resources_in(module: dict[str, Any]) -> list[Resource]:
    """The resources of a module and of those within it."""
    own = [Resource(of["address"], of["type"], of["values"]) for of in module.get("resources", [])]
    for child in module.get("child_modules", []):
        own.extend(resources_in(child))
    return own
