"""infra/up, with a Terraform and a build that only write down what they are told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

from terraform import HERE

INFRA = HERE.parent
DIGEST = "sha256:" + "0" * 64
# Each writes its name and arguments to the log. Terraform knows outputs once there was an apply.
TERRAFORM = """#!/bin/sh
echo "terraform $*" >>"$LOG"
case "$*" in
  *output*) [ -z "$UNINITIALISED" ] || exit 1; [ -f "$STATE" ] && cat "$STATE" || echo "{}" ;;
  *apply*) cp "$MADE" "$STATE"; echo "Apply complete!" ;;
esac
"""
BUILD = """#!/bin/sh
echo "build $*" >>"$LOG"
[ -z "$UNBUILDABLE" ] || exit 1
case "$*" in *--no-push*) exit 0 ;; esac
echo "registry.example/loan-dev/loanctl@DIGEST"
echo "registry.example/loan-dev/auth@DIGEST"
""".replace("DIGEST", DIGEST)
BASE = ["--base", "oci:base", "--without-database-ca"]


def outputs(environment: str = "dev", stand_in: bool = True) -> dict[str, Any]:
    """What Terraform tells of an account."""
    tasks = {name: "arn" for name in ("loanApi", "auth", "scoring", *(["scoreProvider"] if stand_in else []))}
    defaults = {"architecture": "Arm64", "roles": {"tasks": tasks}}
    values = {
        "registry": f"registry.example/loan-{environment}",
        "cluster": f"loan-{environment}",
        "infrastructure": {"defaults": defaults},
    }
    return {name: {"value": value} for name, value in values.items()}


class Up(unittest.TestCase):
    """In a folder of its own, with the script and what it calls."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="infra-up-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.variables: dict[str, str] = {}
        (self.root / "infra" / "images").mkdir(parents=True)
        (self.root / "bin").mkdir()
        shutil.copy(INFRA / "up", self.root / "infra" / "up")
        shutil.copy(INFRA / "images" / "tools.sh", self.root / "infra" / "images")
        shutil.copytree(INFRA / "bootstrap" / "environments", self.root / "infra" / "bootstrap" / "environments")
        self.write("bin/terraform", TERRAFORM)
        self.write("infra/images/build-and-push.sh", BUILD)
        self.made(outputs())

    def write(self, path: str, text: str) -> None:
        """A program."""
        (self.root / path).write_text(text)
        (self.root / path).chmod(0o755)

    def made(self, of: dict[str, Any]) -> None:
        """What an apply makes."""
        (self.root / "made.json").write_text(json.dumps(of))

    def is_there(self, of: dict[str, Any]) -> None:
        """What is there already."""
        (self.root / "state.json").write_text(json.dumps(of))

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs it."""
        environment = {
            **os.environ,
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "LOG": str(self.root / "log"),
            "STATE": str(self.root / "state.json"),
            "MADE": str(self.root / "made.json"),
            "UNBUILDABLE": "",
            "UNINITIALISED": "",
            **self.variables,
        }
        command = [str(self.root / "infra" / "up"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment)

    def done(self) -> list[str]:
        """What was run, but for looks at the state."""
        log = self.root / "log"
        lines = log.read_text().replace(f"-chdir={self.root}/infra/bootstrap ", "").splitlines() if log.exists() else []
        return [line for line in lines if "output" not in line]

    def test_an_empty_account_gets_all_but_the_controller_first(self) -> None:
        """Build, apply, push, apply."""
        ran = self.up("dev", *BASE, "--", "-var-file=/own.tfvars")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        apply = "terraform apply -var-file=environments/dev.tfvars -var-file=/own.tfvars"
        self.assertEqual(
            self.done(),
            [
                "build --no-push --base oci:base --without-database-ca",
                apply,
                "build --registry registry.example/loan-dev --architecture Arm64 --base oci:base --without-database-ca",
                f"{apply} -var controller_image=registry.example/loan-dev/loanctl@{DIGEST}",
            ],
        )
        self.assertEqual(ran.stdout.splitlines()[0], f"registry.example/loan-dev/loanctl@{DIGEST}")
        self.assertNotIn("Apply complete!", ran.stdout)

    def test_an_account_with_a_controller_is_never_applied_without_it(self) -> None:
        """Push, apply."""
        self.is_there(outputs())
        self.assertEqual(self.up("dev", *BASE).returncode, 0)
        applies = [line for line in self.done() if "apply" in line]
        self.assertEqual(len(applies), 1)
        self.assertIn("controller_image=", applies[0])

    def test_what_cannot_be_built_fails_before_anything_is_made(self) -> None:
        """No apply."""
        self.variables["UNBUILDABLE"] = "yes"
        self.assertEqual(self.up("dev", *BASE).returncode, 1)
        self.assertEqual([line for line in self.done() if "apply" in line], [])

    def test_a_failed_push_starts_nothing(self) -> None:
        """No apply either."""
        self.is_there(outputs())
        self.variables["UNBUILDABLE"] = "yes"
        self.assertEqual(self.up("dev", *BASE).returncode, 1)
        self.assertEqual([line for line in self.done() if "apply" in line], [])

    def test_where_there_is_no_stand_in_its_image_is_not_pushed(self) -> None:
        """It has no repository."""
        self.is_there(outputs("production", stand_in=False))
        self.assertEqual(self.up("production", *BASE).returncode, 0)
        self.assertTrue(self.done()[0].endswith(" loanctl loan-api auth scoring"), self.done())

    def test_the_state_of_another_environment_is_refused(self) -> None:
        """It would be replaced."""
        self.is_there(outputs("production"))
        ran = self.up("dev", *BASE)
        self.assertEqual((ran.returncode, self.done()), (1, []))
        self.assertIn("the state is that of loan-production, not of dev", ran.stderr)

    def test_without_a_state_it_says_how_to_get_one(self) -> None:
        """Not initialised."""
        self.variables["UNINITIALISED"] = "yes"
        ran = self.up("dev", *BASE)
        self.assertEqual((ran.returncode, self.done()), (1, []))
        self.assertIn("init -backend-config=", ran.stderr)

    def test_unusable_arguments_do_nothing(self) -> None:
        """Exit code 2, and what is wrong."""
        cases = (([], "ENVIRONMENT"), (["staging", *BASE], "staging.tfvars"), (["dev"], "--base is missing"))
        for arguments, said in cases:
            with self.subTest(arguments):
                ran = self.up(*arguments)
                self.assertEqual((ran.returncode, self.done()), (2, []))
                self.assertIn(said, ran.stderr)


if __name__ == "__main__":
    unittest.main()
