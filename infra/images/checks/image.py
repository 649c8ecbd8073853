"""An image as it lies in a registry, unpacked."""

import io
import json
import stat
import subprocess
import tarfile
from pathlib import Path

from .expecting import expect
from .registry import Registry


class Image:
    """One image, read from the registry by digest and unpacked into a folder."""

    def __init__(self, registry: Registry, name: str, folder: Path):
        self.name = name
        self.program = name.split("@")[0].rsplit("/", 1)[1]
        self.manifest = registry.manifest(name)
        self.description = json.loads(registry.blob(name, self.manifest["config"]))
        self.config = self.description["config"]
        self.labels = self.config["Labels"]
        self.root = folder / self.program
        self.root.mkdir(parents=True)
        # What tar says of each file: extracting as another user would lose it.
        self.entries = {}
        for layer in self.manifest["layers"]:
            self.unpack(registry.blob(name, layer))

    def unpack(self, layer: bytes):
        with tarfile.open(fileobj=io.BytesIO(layer), mode="r:gz") as archive:
            for entry in archive:
                path = f"/{entry.name.strip('/')}"
                expect(not Path(path).name.startswith(".wh."), f"{self.program}: a layer removes {path}")
                self.entries[path] = entry
        subprocess.run(["tar", "-xz", "-C", self.root], input=layer, check=True)

    def compressed_size(self):
        """Bytes that are pulled."""
        return sum(layer["size"] for layer in self.manifest["layers"])

    def executables(self):
        """Paths of all that can be started."""
        files = ((path, entry) for path, entry in self.entries.items() if entry.isfile())
        return {path for path, entry in files if entry.mode & 0o111}

    def files_that_more_than_root_may_change(self):
        """Paths that are not root's, that anybody may write, or that raise whoever starts them."""
        risky = stat.S_IWGRP | stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID
        entries = ((path, entry) for path, entry in self.entries.items() if not entry.issym())
        return {path for path, entry in entries if entry.uid or entry.gid or entry.mode & risky}
