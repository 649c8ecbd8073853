"""A program of an image, run as ECS runs it: as its uid, with a root that is read-only, as the first process there is.

Namespaces of the kernel do what a container engine would: so it works where there is none. It takes root.
"""

import json
import os
import select
import signal
import subprocess
import time
from pathlib import Path

from .expecting import Wrong, expect
from .image import Image

PATIENCE_S = 20

# The mounts of a runtime: /proc, /dev, and at /tmp one folder of ours. All else of the root cannot be written.
ENTER = """
set -e
mkdir -p "$1/proc" "$1/dev"
mount --bind "$1" "$1"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
mount --bind "$2" "$1/tmp"
mount -o remount,ro,bind "$1/tmp"
mount -o remount,ro,bind "$1"
root=$1 user=$3
shift 3
exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" "$@"
"""


def command(image: Image, folder: Path, *arguments: str):
    """What starts the image's entrypoint, with `folder` at /tmp."""
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    start = ["bash", "-c", ENTER, "enter", str(image.root), str(folder), image.config["User"]]
    return [*namespaces, *start, *image.config["Entrypoint"], *arguments]


def environment(image: Image, extra=None):
    """The environment that the image and its task definition give."""
    return {**dict(entry.split("=", 1) for entry in image.config["Env"]), **(extra or {})}


def run(image: Image, folder: Path, *arguments: str, variables=None):
    """Runs the program to its end."""
    return subprocess.run(
        command(image, folder, *arguments),
        env=environment(image, {"PATH": os.environ["PATH"], **(variables or {})}),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S * 3,
        check=False,
    )


class Service:
    """A service that runs from its image. It ends with the `with` block."""

    def __init__(self, image: Image, folder: Path, variables):
        self.image, self.folder = image, folder
        variables = {
            "PATH": os.environ["PATH"],
            "LOAN_PLATFORM": "dev",
            "LOAN_LISTEN": "127.0.0.1:0",
            "LOAN_ADMIN": "127.0.0.1:0",
            "LOAN_SETTINGS": f"file:///tmp/{image.program}.json",
            "LOAN_LOG": "json",
            **variables,
        }
        self.log = (folder.parent / f"{image.program}.log").open("w+b")
        self.outer = subprocess.Popen(
            command(image, folder), env=environment(image, variables), stdout=subprocess.PIPE, stderr=self.log
        )

    def __enter__(self):
        try:
            self.addresses = self.first_line()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.outer.kill()
        self.outer.wait()
        self.log.close()

    def first_line(self):
        """Where it listens, which is the first thing that a service says."""
        ready, _, _ = select.select([self.outer.stdout], [], [], PATIENCE_S)
        line = self.outer.stdout.readline() if ready else b""
        if not line:
            self.log.seek(0)
            raise Wrong(f"{self.image.program} does not start: {self.log.read().decode()}")
        return json.loads(line)

    def pid(self):
        """The program's process, seen from outside: the only child of what made its namespaces."""
        children = Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()
        expect(len(children) == 1, f"{self.image.program} has {len(children)} processes")
        return int(children[0])

    def state(self):
        """What the kernel says of the process: uids, capabilities, its root."""
        folder = Path(f"/proc/{self.pid()}")
        lines = (folder / "status").read_text().splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        # Of the mounts at the same place the last is on top.
        mounts = [line.split() for line in (folder / "mountinfo").read_text().splitlines()]
        at_root = [mount[5].split(",") for mount in mounts if mount[4] == "/"]
        return status, at_root[-1]

    def check_health(self, admin=None):
        """ECS's health check: the same program in the same container, asked once."""
        asked = run(self.image, self.folder, "check-health", variables={"LOAN_ADMIN": admin or self.addresses["admin"]})
        return asked.returncode, asked.stderr

    def until_healthy(self):
        deadline = time.monotonic() + PATIENCE_S
        while (health := self.check_health())[0] != 0:
            expect(time.monotonic() < deadline, f"{self.image.program} is not healthy: {health[1]}")

    def stop(self):
        """Stops it as ECS does; its exit status."""
        os.kill(self.pid(), signal.SIGTERM)
        # A full pipe would hold it up.
        self.outer.communicate(timeout=PATIENCE_S * 2)
        return self.outer.returncode
