"""Each check refuses what it is there for, and says where: faults.toml, one fault at a time."""

from __future__ import annotations

import shutil
import tempfile
import tomllib
import unittest
from itertools import count
from pathlib import Path
from typing import Any

from chain import Chain
from terraform import HERE, Problem, StandIn

MODULE = HERE.parent / "bootstrap"
FAULTS: list[dict[str, Any]] = tomllib.loads((HERE / "tests" / "faults.toml").read_text())["fault"]


class Faults(unittest.TestCase):
    """One test a fault; they are added below."""

    stand_in: StandIn
    work: tempfile.TemporaryDirectory[str]
    numbers = count()

    @classmethod
    def setUpClass(cls) -> None:
        cls.work = tempfile.TemporaryDirectory(prefix="infra-faults-")
        cls.stand_in = StandIn().__enter__()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.stand_in.__exit__(None, None, None)
        cls.work.cleanup()

    def with_faults(self, faults: list[dict[str, Any]]) -> Path:
        """A copy of the module with `faults` in it."""
        folder = Path(self.work.name) / f"seeded-{next(self.numbers)}"
        shutil.copytree(MODULE, folder, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
        for fault in faults:
            path = folder / fault["file"]
            text, old = path.read_text(), fault.get("old", "")
            self.assertIn(old, text, f"{fault['name']}: {fault['file']} is written otherwise; mend faults.toml")
            path.write_text(text.replace(old, fault["new"], 1) if old else text + fault["new"])
        return folder

    def refusal(self, check: str, faults: list[dict[str, Any]]) -> str:
        """What a check says of a module with faults."""
        module = self.with_faults(faults)
        environment = faults[0].get("environment", "dev")
        chain = Chain(module, module.with_name(f"{module.name}-work"), self.stand_in, (environment,))
        name, _, rest = check.partition(" ")
        with self.assertRaises(Problem, msg=f"{check} takes it") as raised:
            if name == "test":
                chain.scratch.test(rest)
            else:
                chain.checks()[check]()
        return str(raised.exception)

    def assert_says(self, fault: dict[str, Any], said: str) -> None:
        """The message names what it must; wraps of lines do not matter."""
        plain = " ".join(said.split())
        for part in fault["says"]:
            self.assertIn(part, plain, f"{fault['name']}: {said}")

    def test_checkov(self) -> None:
        """All of checkov's at once."""
        faults = [fault for fault in FAULTS if fault["check"] == "checkov"]
        said = self.refusal("checkov", faults)
        for fault in faults:
            with self.subTest(fault["name"]):
                self.assert_says(fault, said)


def add(fault: dict[str, Any]) -> None:
    """Adds the test of a fault."""

    def test(self: Faults) -> None:
        self.assert_says(fault, self.refusal(fault["check"], [fault]))

    test.__doc__ = f"{fault['check']}: {fault['name']}"
    setattr(Faults, "test_" + "_".join(fault["name"].lower().replace("'", "").replace(".", "_").split()), test)


for seeded in FAULTS:
    if seeded["check"] != "checkov":
        add(seeded)
