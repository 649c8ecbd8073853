"""Where the scripts are tried: a small repository with a copy of them, so that its revision is known and its tree clean."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from .expecting import Wrong, expect

PROGRAMS = ("loanctl", "loan-api", "auth", "scoring", "score-provider")
SOURCE = Path(__file__).resolve().parents[3]
# 2026-01-02 03:04:05 UTC
COMMITTED = 1767323045


class Workplace:
    """A folder with a repository, the programs that go into images, and what the scripts have made of them."""

    def __init__(self, folder: Path, built: Path):
        self.folder = folder
        self.repository = folder / "repository"
        self.programs = folder / "programs"
        self.database_ca = folder / "database-ca.pem"
        self.copy_the_scripts()
        self.copy_the_programs(built)
        self.make_certificate(self.database_ca, "/CN=authority of the check")

    def copy_the_scripts(self):
        target = self.repository / "infra/images"
        target.mkdir(parents=True)
        for name in ("Containerfile", "base.sh", "build-and-push.sh", "registry.sh", "tools.sh"):
            shutil.copy(SOURCE / "infra/images" / name, target)
        shutil.copy(SOURCE / "Cargo.toml", self.repository)
        (self.repository / ".gitignore").write_text("target/\n")
        self.commit()

    def commit(self):
        """Commits all there is, at a known time."""
        nobody = {"GIT_AUTHOR_NAME": "check", "GIT_AUTHOR_EMAIL": "check", "GIT_COMMITTER_NAME": "check"}
        nobody |= {"GIT_COMMITTER_EMAIL": "check", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        at = {"GIT_AUTHOR_DATE": f"@{COMMITTED} +0000", "GIT_COMMITTER_DATE": f"@{COMMITTED} +0000"}
        for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "The scripts"]):
            subprocess.run(["git", "-C", self.repository, *arguments], env={**os.environ, **nobody, **at}, check=True)

    def revision(self):
        """The commit that images are labelled with."""
        shown = subprocess.run(
            ["git", "-C", self.repository, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        )
        return shown.stdout.strip()

    def copy_the_programs(self, built: Path):
        self.programs.mkdir()
        for program in PROGRAMS:
            if not (built / program).is_file():
                raise Wrong(f"{built / program} is missing: cargo build --locked --package {program}, or name another folder")
            # As the release profile leaves them.
            stripped = ["strip", "--strip-debug", "-o", self.programs / program, built / program]
            subprocess.run(stripped, check=True)

    def make_certificate(self, path: Path, subject: str, *more: str):
        """A certificate that signs itself, and its key beside it."""
        arguments = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        files = ["-keyout", path.with_suffix(".key"), "-out", path]
        subprocess.run(["openssl", "req", *arguments, *files, "-subj", subject, *more], capture_output=True, check=True)

    def small_programs(self, name: str, loanctl="true"):
        """Five programs that only end with 0, for what is not about the programs themselves."""
        folder = self.folder / name
        folder.mkdir()
        for program in PROGRAMS:
            shutil.copy(f"/usr/bin/{loanctl if program == 'loanctl' else 'true'}", folder / program)
        return folder

    def run(self, script: str, *arguments, variables=None, inside=()):
        """Runs one of the scripts in the repository, inside of what another command makes."""
        # Nobody's logins and settings: only what is given here.
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return subprocess.run(
            [*inside, self.repository / "infra/images" / script, *map(str, arguments)],
            env={**kept, "HOME": str(home), **(variables or {})},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def names_of(self, done):
        """The five names by digest that a run of build-and-push.sh printed."""
        expect(done.returncode == 0, f"build-and-push.sh ended with {done.returncode}: {done.stderr}")
        names = done.stdout.split()
        found = [name.split("@sha256:")[0].rsplit("/", 1)[1] for name in names]
        expect(tuple(found) == PROGRAMS, f"build-and-push.sh printed {done.stdout!r}")
        return names

    def config_of_output(self, program: str):
        """What the image says of itself that the last run has built."""
        return self.shown(program, "--config")

    def layers_of_output(self, program: str):
        """The digests of its layers."""
        return [layer["digest"] for layer in self.shown(program, "--raw")["layers"]]

    def shown(self, program: str, part: str):
        layout = self.repository / "target/images/out" / program
        shown = subprocess.run(["skopeo", "inspect", part, f"oci:{layout}"], capture_output=True, check=True)
        return json.loads(shown.stdout)

    def leftovers(self):
        """What runs have left behind besides their results."""
        return [path.name for path in (self.repository / "target/images").glob("work.*")]
