"""bootstrap/infrastructure.json as the module writes it, against the schema of the type that reads it."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import jsonschema

from terraform import COMPLETE, HERE, Problem, Resource, State

SCHEMA = HERE.parent.parent / "schema" / "infrastructure.schema.json"
KEY = "bootstrap/infrastructure.json"
# What the module writes where nothing optional is left out. The controller's own type reads it in its tests.
SAMPLE = HERE / "infrastructure.sample.json"

# The roles of a service: the one with which ECS starts its tasks, and the one that they have.
ROLES = ("execution", "tasks")

# Parts of ids, and no account's number.
MADE_UP = re.compile(r"(?<![0-9a-z:])(?!\d{12}\b)[0-9a-f]{10,17}(?![0-9a-z])")


def problems(state: State) -> list[str]:
    """What of it the controller could not use."""
    written = document(state)
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    found = [f"{KEY}: {path_of(error)}: {error.message}" for error in validator.iter_errors(written)]
    return found or [*unknown_parts(state, written), *unheld(written), *other_than_sample(state.name, written)]


def other_than_sample(name: str, written: dict[str, Any]) -> list[str]:
    """Whether the sample is still what the module writes."""
    if name != COMPLETE or as_text(written) == SAMPLE.read_text():
        return []
    return [f"{SAMPLE.name} is not what the module writes; run infra/check/run --sample, and look at what changed"]


def as_text(written: dict[str, Any]) -> str:
    """The document as it is kept: with zeros for what the stand-in makes up."""
    return MADE_UP.sub(lambda match: "0" * len(match[0]), json.dumps(written, indent=2, sort_keys=True)) + "\n"


def s3_object(state: State) -> Resource:
    """The object in the bucket."""
    for resource in state.of_kind("aws_s3_object"):
        if resource.values["key"] == KEY:
            return resource
    raise Problem(f"there is no aws_s3_object with the key {KEY}")


def document(state: State) -> dict[str, Any]:
    """What is written."""
    found = s3_object(state)
    written: dict[str, Any] = json.loads(found.values["content"])
    return written


def path_of(error: jsonschema.ValidationError) -> str:
    """Where in the document."""
    return ".".join(str(part) for part in error.absolute_path) or "the document"


def surroundings(written: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All surroundings by name."""
    platforms = {f"platforms.{name}": of for name, of in written.get("platforms", {}).items()}
    return {"defaults": written["defaults"], **platforms}


def unknown_parts(state: State, written: dict[str, Any]) -> list[str]:
    """Names in the document that nothing in the account has."""
    ids = {str(value) for resource in state.resources for value in flat(resource.values)} | reached_by_name(state)
    found = []
    for where, of in surroundings(written).items():
        named: list[tuple[str, Any]] = [("cluster", of["cluster"]), ("logGroup", of["logGroup"])]
        for kind in ROLES:
            named += [(f"roles.{kind}.{name}", arn) for name, arn in of["roles"][kind].items()]
        named += [("network.subnets", subnet) for subnet in of["network"]["subnets"]]
        for service, groups in of["network"]["securityGroups"].items():
            named += [(f"network.securityGroups.{service}", group) for group in groups]
        for part in (
            "loadBalancer.targetGroupArn",
            "loadBalancer.authTargetGroupArn",
            "database.host",
            "auth.clients",
            "auth.signingKey",
            "notificationTopic",
            "traceCollector",
        ):
            value = at(of, part)
            named += [(part, value)] if value else []
        found += [f"{KEY}: {where}.{part}: nothing has {value}" for part, value in named if str(value) not in ids]
    return found


def reached_by_name(state: State) -> set[str]:
    """Addresses of what Terraform itself puts into the Service Connect namespace."""
    services = [service.values for service in state.of_kind("aws_ecs_service")]
    connected = [of for values in services for of in values.get("service_connect_configuration") or []]
    aliases = [alias for of in connected for service in of["service"] for alias in service["client_alias"]]
    return {f"http://{alias['dns_name']}:{alias['port']}" for alias in aliases}


def unheld(written: dict[str, Any]) -> list[str]:
    """Services must have both roles where they have security groups, and the other way round; roles are not shared."""
    found = []
    for where, of in surroundings(written).items():
        groups = set(of["network"]["securityGroups"])
        for kind in ROLES:
            roles = of["roles"][kind]
            found += [f"{KEY}: {where}.roles.{kind}: {name} has none" for name in sorted(groups - roles.keys())]
            found += [f"{KEY}: {where}: {name} has no security groups" for name in sorted(roles.keys() - groups)]
            found += [
                f"{KEY}: {where}.roles.{kind}: there is none for {name}"
                for name in ("loanApi", "auth", "scoring")
                if name not in roles
            ]
            shared = [arn for arn, times in Counter(roles.values()).items() if times > 1]
            found += [f"{KEY}: {where}.roles.{kind}: several services have {arn}" for arn in shared]
        if len(of["network"]["subnets"]) < 2:
            found.append(f"{KEY}: {where}.network.subnets: name two, in different zones")
    return found


def at(of: Any, path: str) -> Any:
    """A value by its path; nothing where there is none."""
    for part in path.split("."):
        of = of.get(part) if isinstance(of, dict) else None
    return of


def flat(value: Any) -> list[Any]:
    """All single values in it."""
    if isinstance(value, dict):
        return [one for of in value.values() for one in flat(of)]
    if isinstance(value, list):
        return [one for of in value for one in flat(of)]
    return [value]
