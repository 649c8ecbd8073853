"""A registry on loopback, and what is asked of it."""

import hashlib
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from .expecting import Wrong, expect

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
PATIENCE_S = 20


class Registry:
    """A real registry on a free port, without TLS, with its storage in a folder."""

    def __init__(self, folder: Path, storage=None):
        self.address = f"127.0.0.1:{free_port()}"
        folder.mkdir(parents=True)
        config = {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(storage or folder / "storage")}},
            "http": {"addr": self.address, "secret": "of this run"},
        }
        # JSON is YAML.
        (folder / "config.yml").write_text(json.dumps(config))
        self.log = folder / "log"
        with self.log.open("wb") as log:
            command = ["docker-registry", "serve", str(folder / "config.yml")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.wait_until_it_listens()

    def wait_until_it_listens(self):
        host, port = self.address.split(":")
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
                return
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise Wrong(f"no registry: {error}; {self.log.read_text()}") from error
                time.sleep(0.05)

    def stop(self):
        """Ends it."""
        self.process.kill()
        self.process.wait()

    def manifest(self, name: str):
        """The manifest of NAME@sha256:…, which must have that digest."""
        path, digest = name.removeprefix(f"{self.address}/").split("@")
        return json.loads(self.content(f"{path}/manifests/{digest}", digest))

    def blob(self, name: str, descriptor):
        """What a descriptor in the manifest of NAME@sha256:… points to."""
        path = name.removeprefix(f"{self.address}/").split("@")[0]
        return self.content(f"{path}/blobs/{descriptor['digest']}", descriptor["digest"])

    def tags(self, path: str):
        """The tags of a repository, none where there is no such one."""
        try:
            return json.loads(self.get(f"{path}/tags/list"))["tags"] or []
        except urllib.error.HTTPError as error:
            expect(error.code == 404, f"the registry says {error}")
            return []

    def put_manifest(self, path: str, tag: str, manifest: bytes):
        """Gives an image that is there a tag."""
        url = f"http://{self.address}/v2/{path}/manifests/{tag}"
        request = urllib.request.Request(url, manifest, {"Content-Type": MANIFEST}, method="PUT")
        urllib.request.urlopen(request, timeout=PATIENCE_S).close()

    def content(self, path: str, digest: str):
        body = self.get(path)
        expect(f"sha256:{hashlib.sha256(body).hexdigest()}" == digest, f"{path} has another digest")
        return body

    def get(self, path: str):
        request = urllib.request.Request(f"http://{self.address}/v2/{path}", headers={"Accept": MANIFEST})
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.read()


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
