"""How the scripts build and push, and what they refuse."""

import os
import shutil
from pathlib import Path

from .expecting import expect
from .registry import free_port
from .workplace import PROGRAMS

ARM64_IN_ELF = b"\xb7\x00"


def the_same_input_makes_the_same_images(place, push, images, **_):
    """the same input makes the same digests, in another folder and under another umask"""
    elsewhere = place.folder / "elsewhere/programs"
    shutil.copytree(place.programs, elsewhere, copy_function=shutil.copyfile)
    before = os.umask(0o077)
    try:
        done = push("--programs", elsewhere, "--tag", "again")
    finally:
        os.umask(before)
    expect(place.names_of(done) == [image.name for image in images], done.stdout)


def a_tag_that_has_the_same_is_not_pushed_again(place, push, small, small_names, registry, **_):
    """a tag that has the same image already is not pushed again, and the names are printed"""
    done = push("--programs", small, "--tag", "small")
    expect(place.names_of(done) == small_names, done.stdout)
    expect("pushing" not in done.stderr and done.stderr.count("is there already") == 5, done.stderr)


def a_tag_is_never_moved(place, push, small, small_names, registry, **_):
    """a tag that has another image is refused, and not one of the five is pushed"""
    others = place.folder / "others"
    shutil.copytree(small, others)
    with (others / "score-provider").open("ab") as program:
        program.write(b"changed")
    # Four tags are free: the fifth has to be seen before they are taken.
    for program in PROGRAMS[:-1]:
        expect("half" not in registry.tags(f"loans/{program}"), program)
    tag_of_one(registry, small_names[-1], "half")
    done = push("--programs", others, "--tag", "half")
    expect(done.returncode == 1 and "loans/score-provider:half is there already, with other content" in done.stderr, done)
    expect(done.stdout == "", done.stdout)
    for program in PROGRAMS[:-1]:
        expect("half" not in registry.tags(f"loans/{program}"), f"{program} was pushed")


def a_registry_that_is_down_is_not_an_empty_one(push, small, **_):
    """a registry that does not answer is not taken for an empty one"""
    done = push("--programs", small, "--registry", f"127.0.0.1:{free_port()}/loans", "auth")
    expect(done.returncode == 1 and "does not say whether auth:" in done.stderr, done)


def a_dirty_tree_is_refused(place, push, small, **_):
    """files that differ from the revision are refused, or told by the label and the tag"""
    change = place.repository / "change"
    change.touch()
    try:
        done = push("--programs", small)
        expect(done.returncode == 1 and "--allow-dirty" in done.stderr, done)
        done = push("--programs", small, "--allow-dirty", "--no-push", "auth")
        expect(done.returncode == 0, done)
        config = place.config_of_output("auth")
        revision = config["config"]["Labels"]["org.opencontainers.image.revision"]
        expect(revision == f"{place.revision()}-dirty", revision)
    finally:
        change.unlink()


def cargo_builds_what_is_not_given(place, push, small, **_):
    """without --programs they are built in release with the locked dependencies"""
    stub = place.folder / "stub"
    stub.mkdir()
    target = place.repository / "target/release"
    (stub / "cargo").write_text(f'#!/bin/sh\necho "$*" >"{stub}/asked"\nmkdir -p "{target}"\ncp "{small}"/* "{target}"\n')
    (stub / "cargo").chmod(0o755)
    done = push("--no-push", variables={"PATH": f"{stub}:{os.environ['PATH']}"})
    expect(done.returncode == 0, done)
    asked = (stub / "asked").read_text().split()
    expect(asked == ["build", "--release", "--locked", *(f"--package={program}" for program in PROGRAMS)], asked)


def some_can_be_built_alone(place, base, registry, small, **_):
    """programs that are named are built and pushed without the others, and only the loan API asks for authorities"""
    arguments = ["--registry", f"{registry.address}/some", "--plain-http", "--base", base, "--programs", small]
    done = place.run("build-and-push.sh", *arguments, "--tag", "some", "auth", "scoring")
    expect(done.returncode == 0 and len(done.stdout.split()) == 2, done)
    pushed = [program for program in PROGRAMS if registry.tags(f"some/{program}")]
    expect(pushed == ["auth", "scoring"], pushed)


def unusable_programs_are_named(place, push, small, **_):
    """a program that is missing, for another processor, too new for the base, or without AWS is named, with what to do"""
    for spoil, found in [
        (lambda folder: (folder / "scoring").unlink(), "scoring is missing: cargo build --release --locked --package scoring"),
        (lambda folder: (folder / "auth").write_text("#!/bin/sh"), "auth is for something else, not for amd64"),
        (lambda folder: for_arm64(folder / "loan-api"), "loan-api is for arm64, not for amd64"),
        (lambda folder: append(folder / "auth", b"GLIBC_2.99"), "auth needs glibc 2.99, and the base has 2."),
        (lambda folder: shutil.copy("/usr/bin/false", folder / "loanctl"), "loanctl was built without AWS"),
    ]:
        spoilt = place.folder / "spoilt"
        shutil.copytree(small, spoilt)
        spoil(spoilt)
        done = push("--programs", spoilt, "--tag", "spoilt")
        shutil.rmtree(spoilt)
        expect(done.returncode == 1 and found in done.stderr, f"wanted '{found}': {done.stderr}")


def unusable_arguments_are_named(place, push, small, **_):
    """arguments that are missing or unsafe are named, with what to do"""
    for arguments, status, found in [
        (["--base", ""], 2, "--base needs a value"),
        (["--base", "example/base:latest"], 2, "what a tag names can change"),
        (["--base", "oci:/nowhere"], 1, "/nowhere is not an image layout: run base.sh"),
        (["--architecture", "arm64"], 1, "is for amd64, not for arm64"),
        (["--architecture", "sparc"], 2, "'sparc' is not one of x86_64, arm64"),
        (["--registry", "registry.example/loans"], 2, "'registry.example/loans' is not on loopback"),
        (["--registry", "https://user@registry.example"], 2, "without scheme, user"),
        (["--tag", "not a tag"], 2, "'not a tag' is no tag"),
        (["--database-ca", "/dev/null"], 1, "/dev/null has no certificates in PEM"),
        (["scorer"], 2, "there is no program 'scorer': loanctl loan-api"),
        (["--databse-ca", "x"], 2, "there is no argument '--databse-ca'"),
    ]:
        done = push("--programs", small, *arguments)
        expect(done.returncode == status and found in done.stderr, f"wanted {status} and '{found}': {done}")
    done = place.run("build-and-push.sh", "--registry", "127.0.0.1:1/loans", "--base", "oci:/nowhere")
    expect(done.returncode == 2 and "--database-ca is missing" in done.stderr, done)


def a_missing_tool_is_named(place, push, small, **_):
    """a tool that is not installed is named, with its package"""
    for tools, found in [
        (("skopeo",), "skopeo is not installed: apt-get install skopeo"),
        (("buildah", "podman"), "podman is not installed: apt-get install buildah"),
    ]:
        path = all_commands_but(tools, place.folder / f"without-{tools[0]}")
        done = push("--programs", small, variables={"PATH": str(path)})
        expect(done.returncode == 1 and found in done.stderr, done)


def images_for_graviton_are_built_anywhere(place, push, small, **_):
    """images for arm64 are built on any machine, from a base of arm64"""
    made = place.run("base.sh", "--architecture", "arm64")
    expect(made.returncode == 0, made)
    programs = place.folder / "arm64"
    shutil.copytree(small, programs)
    for_arm64(programs / "auth")
    base = made.stdout.strip()
    done = push("--programs", programs, "--architecture", "arm64", "--base", base, "--no-push", "auth")
    expect(done.returncode == 0, done)
    found = place.config_of_output("auth")["architecture"]
    expect(found == "arm64", f"it is for {found}")


def nothing_is_left_behind(place, **_):
    """nothing is left behind: no storage of a builder, no login"""
    expect(place.leftovers() == [], place.leftovers())
    found = [str(path) for path in (place.folder / "home").rglob("*") if path.is_file() and "auth" in path.name]
    expect(found == [], found)


def tag_of_one(registry, name, tag):
    """Gives an image that is there one more tag."""
    path = name.removeprefix(f"{registry.address}/").split("@")[0]
    registry.put_manifest(path, tag, registry.get(f"{path}/manifests/{name.split('@')[1]}"))


def for_arm64(program: Path):
    """Makes it say that it is for arm64. It is not run."""
    content = bytearray(program.read_bytes())
    content[18:20] = ARM64_IN_ELF
    program.write_bytes(content)


def append(program: Path, content: bytes):
    with program.open("ab") as file:
        file.write(content)


def all_commands_but(tools, folder: Path):
    """A folder for PATH with every command of the system's, less some."""
    folder.mkdir()
    for place in ("/usr/sbin", "/usr/bin"):
        for command in Path(place).iterdir():
            if command.name not in tools and not (folder / command.name).exists():
                (folder / command.name).symlink_to(command)
    return folder


CHECKS = [
    the_same_input_makes_the_same_images,
    a_tag_that_has_the_same_is_not_pushed_again,
    a_tag_is_never_moved,
    a_registry_that_is_down_is_not_an_empty_one,
    a_dirty_tree_is_refused,
    cargo_builds_what_is_not_given,
    some_can_be_built_alone,
    unusable_programs_are_named,
    unusable_arguments_are_named,
    a_missing_tool_is_named,
    images_for_graviton_are_built_anywhere,
    nothing_is_left_behind,
]
