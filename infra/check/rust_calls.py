"""What the programs call on AWS, found in their sources.

A call of the SDK is `.operation()` on a client, or a request's builder under `operation::`; both are named after the
API's operation. Documents go through object_store, whose methods are few.
"""

from __future__ import annotations

import re
from pathlib import Path

from terraform import Problem

# Clients by crate, and the services that they call in IAM's words. A crate that is not here is an error.
CRATES = {
    "aws-sdk-ecs": "ecs",
    "aws-sdk-cloudwatch": "cloudwatch",
    "aws-sdk-sqs": "sqs",
    "aws-sdk-applicationautoscaling": "application-autoscaling",
}
# Methods of object_store's S3, and what each takes.
STORE = {
    "get": "s3:GetObject",
    "get_opts": "s3:GetObject",
    "head": "s3:GetObject",
    "put": "s3:PutObject",
    "put_opts": "s3:PutObject",
    "delete": "s3:DeleteObject",
    "list": "s3:ListBucket",
    "list_with_delimiter": "s3:ListBucket",
    "copy": "s3:PutObject",
    "rename": "s3:DeleteObject",
}
# Operations that IAM knows by another name.
SPELLED = {"delete_message_batch": "DeleteMessage"}

PERMISSION = re.compile(r'"((?:ecs|cloudwatch|sqs|application-autoscaling):[A-Z]\w+)')
BUILDER = re.compile(r"\boperation::(\w+)::builders::")
METHOD = re.compile(r"\.(\w+)\(\)")
STORED = re.compile(r"\bstore\s*\.(\w+)\(")
DEPENDENCY = re.compile(r"^(aws-sdk-[\w-]+)", re.M)

Made = dict[str, str]


def made_by(root: Path) -> dict[str, tuple[set[str], Made]]:
    """Calls of each program: the services that it calls, and each action with the place that calls it."""
    check_crates(root)
    controller = sdk_calls(root / "controller" / "aws" / "src")
    controller |= store_calls(root / "controller" / "aws" / "src")
    service = store_calls(root / "services" / "kit" / "src")
    database = database_calls(root / "services" / "loan-api" / "src")
    found = {name: ({"s3"}, service) for name in ("auth", "scoring", "score-provider")}
    found["loan-api"] = ({"s3", "rds-db"}, service | database)
    found["controller"] = ({*CRATES.values(), "s3"}, controller)
    return found


def check_crates(root: Path) -> None:
    """No client of a service that is not looked at here."""
    for manifest in [root / "Cargo.toml", *root.glob("controller/*/Cargo.toml"), *root.glob("services/*/Cargo.toml")]:
        for crate in DEPENDENCY.findall(manifest.read_text()):
            if crate not in CRATES:
                raise Problem(f"{manifest.relative_to(root)}: {crate} is not known to infra/check/rust_calls.py")


def sources(folder: Path) -> list[tuple[str, str]]:
    """Sources without their tests, by place."""
    found = []
    for path in sorted(folder.rglob("*.rs")):
        if path.stem in ("tests", "fake", "fixture") or "tests" in path.parts:
            continue
        text = path.read_text().split("#[cfg(test)]\nmod tests")[0]
        text = re.sub(r"^\s*//.*$", "", text, flags=re.M)
        found.append((str(path.relative_to(folder.parents[2])), text))
    if not found:
        raise Problem(f"{folder}: there are no sources; mend infra/check/rust_calls.py")
    return found


def sdk_calls(folder: Path) -> Made:
    """Operations of the SDK, named by the permissions that the sources themselves name."""
    texts = sources(folder)
    permissions = {permission for _, text in texts for permission in PERMISSION.findall(text)}
    by_operation: dict[str, list[str]] = {}
    for permission in permissions:
        by_operation.setdefault(snake(permission.split(":")[1]), []).append(permission)
    made: Made = {}
    for place, text in texts:
        named = set(PERMISSION.findall(text))
        for operation in operations_in(text):
            fitting = by_operation.get(operation, [])
            if not fitting:
                raise Problem(
                    f'{place}: {operation}: no source names the permission that it takes, as in "ecs:ListServices"'
                )
            for permission in [of for of in fitting if of in named] or fitting:
                made.setdefault(permission, place)
    for permission in permissions - made.keys():
        place = next(place for place, text in texts if permission in text)
        raise Problem(f"{place}: names {permission}, and nothing calls it")
    return made


def operations_in(text: str) -> set[str]:
    """Operations that a source calls."""
    found = set(BUILDER.findall(text))
    if "aws_sdk_" in text or "connection." in text or "client" in text:
        found |= {name for name in METHOD.findall(text) if is_operation(name)}
    return {snake(SPELLED[name]) if name in SPELLED else name for name in found}


VERBS = (
    "create",
    "delete",
    "deregister",
    "describe",
    "disable",
    "enable",
    "execute",
    "get",
    "list",
    "put",
    "receive",
    "register",
    "run",
    "send",
    "set",
    "start",
    "stop",
    "tag",
    "untag",
    "update",
)
SUBJECTS = (
    "alarm",
    "cluster",
    "dashboard",
    "message",
    "metric",
    "polic",
    "queue",
    "resource",
    "scal",
    "service",
    "task",
)


def is_operation(name: str) -> bool:
    """Whether a method is called like an operation of these services: `describe_services`, `put_metric_alarm`."""
    verb, _, rest = name.partition("_")
    return verb in VERBS and any(subject in rest for subject in SUBJECTS)


def store_calls(folder: Path) -> Made:
    """Methods of object_store in the files that know S3."""
    made: Made = {}
    for place, text in sources(folder):
        if "AmazonS3" not in text:
            continue
        for method in STORED.findall(text):
            if method in STORE:
                made.setdefault(STORE[method], place)
    return made


def database_calls(folder: Path) -> Made:
    """The log-in to the database, which is a signature and no call."""
    for place, text in sources(folder):
        if re.search(r'SERVICE: &str = "rds-db"', text):
            return {"rds-db:connect": place}
    raise Problem(f"{folder}: nothing logs in to the database by IAM any more; mend infra/check/rust_calls.py")


def snake(name: str) -> str:
    """`DescribeServices` as `describe_services`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
