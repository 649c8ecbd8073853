"""What is in the images that were pushed, read back from the registry."""

import re
from datetime import datetime, timezone

from . import workplace
from .expecting import expect

# Compressed. The base is small beside the programs; one that grows has got something that nobody runs.
LARGEST_BASE_BYTES = 4 * 1024 * 1024


def five_manifests_are_there_by_digest(images, **_):
    """five manifests, configurations and layers are in the registry, each with the digest that names it"""
    # Reading them has compared the digests.
    expect([image.program for image in images] == list(workplace.PROGRAMS), [image.name for image in images])
    for image in images:
        size = image.compressed_size() / 1e6
        print(f"     {image.program}: {size:.1f} MB compressed, in {len(image.manifest['layers'])} layers")


def the_user_is_a_number_and_not_root(images, **_):
    """each is run by user 65532, which the controller's task definitions ask for"""
    for image in images:
        expect(image.config["User"] == "65532:65532", f"{image.program}: {image.config['User']}")


def nothing_but_the_program_can_be_started(images, **_):
    """nothing can be started but the program and glibc's own two files: no shell, no package manager"""
    glibc = re.compile(r"/(usr/)?lib(64)?/.*(ld-linux-[^/]*|libc)\.so\.[0-9]")
    for image in images:
        others = {path for path in image.executables() if not glibc.fullmatch(path)}
        expect(others == {f"/usr/bin/{image.program}"}, f"{image.program}: {sorted(others)}")
        expect(image.config["Entrypoint"] == [f"/usr/bin/{image.program}"], image.config["Entrypoint"])
        expect("Cmd" not in image.config, f"{image.program} has a command of its own")


def only_root_could_change_a_file(images, **_):
    """all files are root's, none is setuid, and nobody else may write but to /tmp"""
    for image in images:
        risky = image.files_that_more_than_root_may_change()
        expect(risky == {"/tmp"}, f"{image.program}: {sorted(risky)}")


def the_layer_of_the_base_is_shared_and_small(images, **_):
    """all five share the layer of the base, and it is small"""
    layers = [image.manifest["layers"][0] for image in images]
    expect(len({layer["digest"] for layer in layers}) == 1, layers)
    expect(layers[0]["size"] <= LARGEST_BASE_BYTES, f"the base has {layers[0]['size']} bytes")
    expect(all(len(image.manifest["layers"]) == 2 for image in images if image.program != "loan-api"), "more layers")


def labels_say_where_it_comes_from(images, place, base_digest, **_):
    """labels name program, version, revision and base, and the time of the revision"""
    version = re.search(r'^version = "(.*)"', (place.repository / "Cargo.toml").read_text(), re.MULTILINE)[1]
    committed = datetime.fromtimestamp(workplace.COMMITTED, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    for image in images:
        wanted = {"title": image.program, "version": version, "revision": place.revision(), "created": committed}
        wanted |= {"base.digest": base_digest, "licenses": "Apache-2.0"}
        for name, value in wanted.items():
            found = image.labels.get(f"org.opencontainers.image.{name}")
            expect(found == value, f"{image.program}: {name} is {found}, not {value}")
        expect(image.description["created"] == committed, image.description["created"])


def scanners_find_the_packages(images, **_):
    """the Debian packages of the base are on record where scanners look for them"""
    for image in images:
        packages = {path.name for path in (image.root / "var/lib/dpkg/status.d").iterdir()}
        expect(packages == {"libc6", "libgcc-s1", "gcc-12-base", "ca-certificates"}, packages)
        for package in packages:
            record = (image.root / "var/lib/dpkg/status.d" / package).read_text()
            expect(re.search(r"^Version: .", record, re.MULTILINE), f"{package}: {record}")
        expect("ID=debian\n" in (image.root / "etc/os-release").read_text(), "no release")


def only_the_loan_api_has_authorities_of_a_database(images, place, **_):
    """the authorities of the database are in the loan API alone, which is told where"""
    for image in images:
        path = image.root / "etc/ssl/database-ca.pem"
        told = "LOAN_DATABASE_CA_FILE=/etc/ssl/database-ca.pem" in image.config["Env"]
        expect((path.exists(), told) == ((image.program == "loan-api"),) * 2, image.program)
        expect(not told or path.read_bytes() == place.database_ca.read_bytes(), "other authorities than were given")


CHECKS = [
    five_manifests_are_there_by_digest,
    the_user_is_a_number_and_not_root,
    nothing_but_the_program_can_be_started,
    only_root_could_change_a_file,
    the_layer_of_the_base_is_shared_and_small,
    labels_say_where_it_comes_from,
    scanners_find_the_packages,
    only_the_loan_api_has_authorities_of_a_database,
]
