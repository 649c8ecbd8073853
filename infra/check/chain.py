"""The chain: each check by name, in order, one line each. Started by `infra/check/run`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

import changes
import infrastructure
import lint
import metrics
import network
import principals
import scan
import simulate
import style
from terraform import COMPLETE, HERE, Problem, Scratch, StandIn, State

ROOT = HERE.parent.parent
# Every environment that the module is delivered for, and one with all that is optional.
ENVIRONMENTS = {
    "dev": ["environments/dev.tfvars"],
    "production": ["environments/production.tfvars"],
    COMPLETE: ["environments/production.tfvars", str(HERE / "everything.tfvars")],
}


class Chain:
    """One module under check."""

    def __init__(
        self, module: Path, work: Path, stand_in: StandIn, environments: tuple[str, ...] = tuple(ENVIRONMENTS)
    ) -> None:
        self.module = module
        self.environments = environments
        self.scratch = Scratch.of(module, work / "module", stand_in)
        self.states: dict[str, State] = {}

    def checks(self) -> dict[str, Callable[[], str]]:
        """Every check; each answers what it has seen, or raises a `Problem`."""
        applies = {f"apply {name}": lambda name=name: self.apply(name) for name in self.environments}
        return {
            "fmt": self.format,
            "style": lambda: none_of(style.problems(self.module)),
            "validate": self.validate,
            "test": lambda: self.scratch.test(),
            **applies,
            "network": lambda: self.each(network.problems),
            "lint": lambda: self.each(lint.problems),
            "principals": lambda: self.each(principals.problems),
            "simulate": lambda: self.each(simulate.problems),
            "calls": lambda: none_of(simulate.table_problems(ROOT)),
            "infrastructure": lambda: self.each(infrastructure.problems),
            "changes": lambda: self.each(changes.problems),
            "metrics": lambda: self.each(metrics.problems),
            "checkov": lambda: none_of(scan.problems(self.module)),
        }

    def format(self) -> str:
        """Layout, and with it syntax."""
        done = subprocess.run(
            ["terraform", "fmt", "-check", "-diff", "-recursive", "-no-color", str(self.module)],
            capture_output=True,
            text=True,
            env=self.scratch.environment(),
        )
        if done.returncode != 0:
            raise Problem(f"run `terraform fmt -recursive`:\n{done.stdout}{done.stderr}")
        return ""

    def validate(self) -> str:
        """Names, types, nesting and references."""
        self.scratch.validate()
        return ""

    def apply(self, name: str) -> str:
        """Applies an environment in memory, and plans once more."""
        variables = [self.scratch.folder / path for path in ENVIRONMENTS[name]]
        state = self.scratch.apply(name, variables)
        self.scratch.plan_again(variables)
        self.states[name] = state
        return f"{len(state.resources)} resources, and a second plan is empty"

    def each(self, problems: Callable[[State], list[str]]) -> str:
        """Runs a check on what each apply has made."""
        for name in self.environments:
            if name not in self.states:
                self.apply(name)
        found = [f"{name}: {problem}" for name, state in self.states.items() for problem in problems(state)]
        return none_of(found)


def none_of(problems: list[str]) -> str:
    """Raises where there are any."""
    if problems:
        raise Problem("\n".join(dict.fromkeys(problems)))
    return ""


def run(chain: Chain, only: list[str]) -> int:
    """Runs the checks; the number that failed."""
    passed = failed = 0
    for name, check in chain.checks().items():
        if only and name not in only and name.split()[0] not in only:
            continue
        start = time.monotonic()
        try:
            seen = check()
        except Problem as problem:
            failed += 1
            print(f"FAILED  {name}", flush=True)
            print("\n".join(f"        {line}" for line in str(problem).splitlines()), flush=True)
        else:
            passed += 1
            said = f": {seen}" if seen else ""
            print(f"ok      {name}{said} ({time.monotonic() - start:.1f} s)", flush=True)
    print(f"{passed} passed, {failed} failed")
    return failed


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="infra/check/run", description="Checks infra/bootstrap without an account.")
    parser.add_argument("--module", type=Path, default=HERE.parent / "bootstrap", help="the module, infra/bootstrap")
    parser.add_argument("--work", type=Path, default=ROOT / "target" / "infra-check", help="where copies are made")
    parser.add_argument(
        "--sample", action="store_true", help="write infrastructure.sample.json anew, and check nothing"
    )
    parser.add_argument("only", nargs="*", help="names of checks; all without any")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    # Several may run at once, each on a copy of its own.
    with StandIn() as stand_in, tempfile.TemporaryDirectory(prefix="run-", dir=given.work) as folder:
        chain = Chain(given.module.resolve(), Path(folder), stand_in)
        if given.sample:
            chain.apply(COMPLETE)
            infrastructure.SAMPLE.write_text(infrastructure.as_text(infrastructure.document(chain.states[COMPLETE])))
            return 0
        failed = run(chain, given.only)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
