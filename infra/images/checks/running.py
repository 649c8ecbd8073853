"""What the programs do when they are run from their images."""

import json
import subprocess

from . import container
from .expecting import expect
from .tls import TlsServer
from .workplace import SOURCE

SETTINGS_OF_THE_PROVIDER = {
    "platform": "dev",
    "service": "scoreProvider",
    "epoch": 1,
    "sequence": 1,
    "revision": "r1",
    "scoringRevision": "none",
    "settings": {"latency": {"p50": "0ms", "p99": "0ms"}, "errorRate": 0, "hangRate": 0, "seed": 1},
}
# Nobody listens there: services start without what they call.
DATABASE = {"LOAN_DATABASE_HOST": "127.0.0.1", "LOAN_DATABASE_PORT": "1", "LOAN_DATABASE_NAME": "loans"}
DATABASE |= {"LOAN_DATABASE_USER": "loans", "LOAN_DATABASE_PASSWORD": "unused"}


def every_program_says_its_version(images, place, mounted, **_):
    """every program runs from its image, as its uid on a root that is read-only, and says its version"""
    for image in images:
        done = container.run(image, mounted, "--version")
        wanted = f"{image.program} {image.labels['org.opencontainers.image.version']}\n"
        expect((done.returncode, done.stdout) == (0, wanted), f"{done.stdout}{done.stderr}")


def a_shell_cannot_be_started(images, mounted, **_):
    """a shell cannot be started in any of them"""
    for image in images:
        image.config["Entrypoint"], real = ["/bin/sh", "-c", "true"], image.config["Entrypoint"]
        done = container.run(image, mounted)
        image.config["Entrypoint"] = real
        expect(done.returncode == 127 and "No such file" in done.stderr, f"{image.program}: {done}")


def every_service_starts_and_stops(images, mounted, **_):
    """every service starts from its image, is healthy to `PROGRAM check-health`, and stops at SIGTERM as the first process"""
    for image in services(images):
        with container.Service(image, mounted, variables_of(image)) as service:
            service.until_healthy()
            status, of_root = service.state()
            expect(status["Uid"].split() == ["65532"] * 4, f"{image.program}: uid {status['Uid']}")
            expect(int(status["CapEff"], 16) == 0 and status["NoNewPrivs"] == "1", f"{image.program}: {status}")
            expect("ro" in of_root, f"{image.program}: the root is {of_root}")
            status = service.stop()
            expect(status == 0, f"{image.program} ended with {status}")


def a_health_check_of_nobody_fails(images, mounted, **_):
    """a health check fails where nobody serves, and says so"""
    for image in images:
        nobody = {"LOAN_ADMIN": "127.0.0.1:1", "LOAN_LISTEN": "127.0.0.1:1"}
        done = container.run(image, mounted, "check-health", variables=nobody)
        expect(done.returncode == 1 and "nothing answers at 127.0.0.1:1" in done.stderr, f"{image.program}: {done}")


def the_controller_trusts_the_authorities_of_its_image(images, place, mounted, **_):
    """the controller trusts the authorities in its image's bundle, and no others"""
    loanctl = images[0]
    bundle = loanctl.root / "etc/ssl/certs/ca-certificates.crt"
    of_debian = bundle.read_bytes()
    authorities = of_debian.count(b"BEGIN CERTIFICATE")
    expect(authorities > 100, f"{authorities} authorities")
    certificate = place.folder / "server.pem"
    for_loopback = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    place.make_certificate(certificate, "/CN=127.0.0.1", *for_loopback)
    credentials = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}

    def trusts(server):
        before = server.trusted
        arguments = ["controller", "--store", "s3://nobody", "--region", "eu-west-1", "--endpoint-url", server.address]
        done = container.run(loanctl, mounted, *arguments, variables=credentials)
        expect(done.returncode == 1, done)
        return server.trusted > before

    with TlsServer(certificate) as server:
        expect(not trusts(server), "it trusts a server that nobody has signed for")
        bundle.write_bytes(of_debian + certificate.read_bytes())
        expect(trusts(server), "it does not read the bundle")
    bundle.write_bytes(of_debian)


def a_spec_takes_the_names(images, mounted, **_):
    """a spec takes the printed names as images: the controller in its image says that it is valid"""
    names = {image.program: image.name for image in images}
    spec = (SOURCE / "specs/local.yaml").read_text()
    for program in names.keys() - {"loanctl"}:
        expect(f"image: {program}:0.1.0" in spec, f"specs/local.yaml names no image of {program}")
        spec = spec.replace(f"image: {program}:0.1.0", f"image: {names[program]}")
    (mounted / "local.yaml").write_text(spec)
    done = container.run(images[0], mounted, "validate", "/tmp/local.yaml")
    expect(done.returncode == 0, f"{done.stdout}{done.stderr}")


def services(images):
    """All but the controller, which cannot start without an account, and has no health check of its own."""
    return [image for image in images if image.program != "loanctl"]


def variables_of(image):
    if image.program == "loan-api":
        return DATABASE
    if image.program == "auth":
        made = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], capture_output=True, text=True, check=True)
        return {"LOAN_CLIENTS": "[]", "LOAN_SIGNING_KEY": made.stdout}
    return {}


def prepare(mounted):
    """Puts the settings there that a service needs to be of use."""
    mounted.mkdir()
    (mounted / "score-provider.json").write_text(json.dumps(SETTINGS_OF_THE_PROVIDER))


CHECKS = [
    every_program_says_its_version,
    a_shell_cannot_be_started,
    every_service_starts_and_stops,
    a_health_check_of_nobody_fails,
    the_controller_trusts_the_authorities_of_its_image,
    a_spec_takes_the_names,
]
