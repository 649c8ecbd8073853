"""The login to ECR, at a registry that has its name, its port, TLS and a password: in a network of its own."""

import base64
import json
import os
import subprocess
from pathlib import Path

from .expecting import expect
from .registry import Registry

HOST = "000000000000.dkr.ecr.eu-west-1.amazonaws.com"
PASSWORD = "twelve-hours"

# Nobody else sees the registry, and nothing leaves: the network has only its own loopback. All ends with the last command.
INSIDE = """
set -e
ip link set lo up
mount --bind "$1" /etc/hosts
docker-registry serve "$2" >"$2.log" 2>&1 &
for _ in $(seq 200); do
  if (exec 3<>/dev/tcp/127.0.0.1/443) 2>/dev/null; then break; fi
  sleep 0.05
done
shift 2
"$@"
"""


def a_login_to_ecr_leaves_no_trace(place, base, small, **_):
    """it logs in to ECR by itself; the password is on no command line and in no file that stays"""
    ecr = Ecr(place, "login")
    done = ecr.push(base, small)
    expect(done.returncode == 0, done)
    digest = ecr.digest_of_tag("auth", "first")
    expect(done.stdout == f"{HOST}/loans/auth@{digest}\n", f"the registry has {digest}: {done.stdout}")
    asked = ecr.command_lines()
    expect("aws ecr get-login-password --region eu-west-1" in asked, asked)
    expect("skopeo copy" in asked and "buildah" in asked, asked)
    secrets = [PASSWORD, base64.b64encode(f"AWS:{PASSWORD}".encode()).decode()]
    for secret in secrets:
        expect(secret not in asked + done.stdout + done.stderr, f"the password was told: {asked}{done.stderr}")
        holding = [path for path in kept_files(place) if secret.encode() in path.read_bytes()]
        expect(holding == [], f"the password is still in {holding}")


def a_login_that_is_refused_is_named(place, base, small, **_):
    """a login that ECR or the AWS command line refuses ends the run, with what to look at"""
    for name, aws in [("wrong", "echo another"), ("none", "echo 'Unable to locate credentials' >&2; exit 253")]:
        done = Ecr(place, name, aws).push(base, small)
        expect(done.returncode == 1 and f"no login to {HOST}" in done.stderr, done)
        expect("aws sts get-caller-identity" in done.stderr and done.stdout == "", done)


def a_base_can_come_from_a_registry(place, base, small, **_):
    """a base by digest is taken from a registry, with the same login, and makes the same layers as from a folder"""
    ecr = Ecr(place, "base")
    done = ecr.push(ecr.hold(base), small)
    expect(done.returncode == 0, done)
    layers = place.layers_of_output("auth")
    done = ecr.push(base, small, tag="second")
    expect(done.returncode == 0, done)
    expect(len(layers) == 2 and layers == place.layers_of_output("auth"), layers)


class Ecr:
    """What stands in for ECR, and for the AWS command line."""

    def __init__(self, place, name: str, aws=f"echo {PASSWORD}"):
        self.place = place
        self.folder = place.folder / f"ecr-{name}"
        self.stubs = self.folder / "stubs"
        self.stubs.mkdir(parents=True)
        self.certificate = self.folder / "certificate.pem"
        place.make_certificate(self.certificate, f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}")
        self.write_config()
        (self.folder / "hosts").write_text(f"127.0.0.1 localhost {HOST}\n")
        self.stub("aws", aws)
        for tool in ("skopeo", "buildah"):
            self.stub(tool, f'exec /usr/bin/{tool} "$@"')

    def write_config(self):
        # By the C library's crypt: the registry takes bcrypt only.
        hashed = subprocess.run(
            ["perl", "-e", "print crypt($ARGV[0], '$2y$05$abcdefghijklmnopqrstuu')", PASSWORD],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        (self.folder / "users").write_text(f"AWS:{hashed}\n")
        tls = {"certificate": str(self.certificate), "key": str(self.certificate.with_suffix(".key"))}
        config = {
            "version": "0.1",
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "storage")}},
            "http": {"addr": "127.0.0.1:443", "secret": "of this run", "tls": tls},
            "auth": {"htpasswd": {"realm": "ecr", "path": str(self.folder / "users")}},
        }
        (self.folder / "config.yml").write_text(json.dumps(config))

    def stub(self, name: str, then: str):
        """A command that notes how it was called, and goes on."""
        stub = self.stubs / name
        stub.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.folder}/command-lines"\n{then}\n')
        stub.chmod(0o755)

    def push(self, base, programs, tag="first"):
        """Runs build-and-push.sh for one program where ECR is this registry."""
        namespaces = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
        inside = [*namespaces, "bash", "-c", INSIDE, "inside", self.folder / "hosts", self.folder / "config.yml"]
        arguments = ["--registry", f"{HOST}/loans", "--base", base, "--programs", programs, "--tag", tag, "auth"]
        variables = {"PATH": f"{self.stubs}:{os.environ['PATH']}", "SSL_CERT_FILE": str(self.certificate)}
        return self.place.run("build-and-push.sh", *arguments, variables=variables, inside=inside)

    def hold(self, base):
        """Puts a base into the registry; its name there by digest."""
        # Where no login is asked for, with the same storage.
        registry = Registry(self.folder / "open", storage=self.folder / "storage")
        try:
            copied = ["skopeo", "copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false"]
            subprocess.run([*copied, base, f"docker://{registry.address}/loans/base:12"], check=True)
        finally:
            registry.stop()
        return f"{HOST}/loans/base@{self.digest_of_tag('base', '12')}"

    def digest_of_tag(self, program: str, tag: str):
        link = f"docker/registry/v2/repositories/loans/{program}/_manifests/tags/{tag}/current/link"
        return (self.folder / "storage" / link).read_text()

    def command_lines(self):
        return (self.folder / "command-lines").read_text()


def kept_files(place):
    """All files where the script could have left something."""
    folders = (place.repository, place.folder / "home")
    small = 1024 * 1024
    return [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.stat().st_size < small]


CHECKS = [
    a_login_to_ecr_leaves_no_trace,
    a_login_that_is_refused_is_named,
    a_base_can_come_from_a_registry,
]
