"""A stand-in for Docker's Python module, without an engine.

ministack runs its ECS rollout logic only where it can import `docker`. This module says that every
image is there and every container runs; one whose image has `crash` in its name exits soon after.
It knows what ministack's ECS calls, and nothing else.
"""

import hashlib
import itertools
import threading
import time

from . import errors

# Seconds from the start of a container to its crash: long enough to be seen running.
CRASH_AFTER = 0.2


class Image:
    def __init__(self, name):
        self.name = name
        self.id = "sha256:" + hashlib.sha256(name.encode()).hexdigest()
        self.attrs = {"Id": self.id, "RepoDigests": []}

    def tag(self, *_args, **_kwargs):
        return True


class Images:
    """Every image is there. Digests remember the name, tag included, that they were made from."""

    def __init__(self):
        self._names = {}

    def get(self, name):
        image = Image(name)
        self._names[image.id] = name
        return image

    def pull(self, name, **_kwargs):
        return self.get(name)

    def get_registry_data(self, name, **_kwargs):
        return self.get(name)

    def crashes(self, name):
        return "crash" in name or "crash" in self._names.get(name.partition("@")[2], "")


class Container:
    _numbers = itertools.count(1)

    def __init__(self, owner, image, crashes, name, labels):
        number = next(self._numbers)
        self.id = hashlib.sha256(f"{name}-{number}".encode()).hexdigest()
        self.image, self.name, self.labels = Image(image), name, labels or {}
        self.attrs = {"Created": "", "NetworkSettings": {"Networks": {}}, "State": {}}
        self._owner = owner
        self._exit_at = time.monotonic() + CRASH_AFTER if crashes else None
        self._stopped = False

    @property
    def status(self):
        crashed = self._exit_at is not None and time.monotonic() >= self._exit_at
        return "exited" if crashed or self._stopped else "running"

    def reload(self):
        pass

    def wait(self, **_kwargs):
        while self.status == "running":
            time.sleep(0.05)
        return {"StatusCode": 0 if self._stopped else 1}

    def logs(self, **kwargs):
        return iter(()) if kwargs.get("stream") else b""

    def stop(self, **_kwargs):
        self._stopped = True

    kill = stop

    def remove(self, **_kwargs):
        self._stopped = True
        self._owner.forget(self.id)


class Containers:
    def __init__(self, images):
        self._images, self._all, self._lock = images, {}, threading.Lock()

    def run(self, image, name=None, labels=None, **_kwargs):
        crashes = self._images.crashes(image)
        container = Container(self, image, crashes, name, labels)
        with self._lock:
            self._all[container.id] = container
        return container

    def get(self, container_id):
        with self._lock:
            try:
                return self._all[container_id]
            except KeyError:
                raise errors.NotFound(container_id) from None

    def list(self, filters=None, **_kwargs):
        wanted = (filters or {}).get("label", [])
        pairs = [label.partition("=")[::2] for label in wanted]
        with self._lock:
            return [
                container
                for container in self._all.values()
                if all(container.labels.get(key) == value for key, value in pairs)
            ]

    def forget(self, container_id):
        with self._lock:
            self._all.pop(container_id, None)


class DockerClient:
    def __init__(self):
        self.images = Images()
        self.containers = Containers(self.images)

    def ping(self):
        return True

    def close(self):
        pass


_client = DockerClient()


def from_env(**_kwargs):
    return _client
