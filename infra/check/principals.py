"""Who is named in trust and resource policies: nobody in general, and no service on behalf of just anyone."""

from __future__ import annotations

import re
from typing import Any

from documents import resource_policies
from iam import many
from terraform import State

# Keys that tell on whose behalf somebody calls. Source: IAM User Guide, "The confused deputy problem".
CALLERS = (
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "kms:calleraccount",
    "kms:encryptioncontext:",
)
# Source: Amazon ECR User Guide, "Amazon ECR interface VPC endpoints".
LAYERS = re.compile(r"arn:[^:]+:s3:::prod-[a-z0-9-]+-starport-layer-bucket/\*")


def problems(state: State) -> list[str]:
    """What is wrong with whom the policies name."""
    found: list[str] = []
    for place, policy in resource_policies(state).items():
        for number, statement in enumerate(many(policy.document.get("Statement", []))):
            if is_layers(place, statement):
                continue
            name = statement.get("Sid", number)
            found += [f"{place}, statement {name}: {problem}" for problem in problems_of(statement)]
    return found


def is_layers(place: str, statement: dict[str, Any]) -> bool:
    """Whether it lets ECR's layers through an endpoint, which are fetched in ECR's name, and nothing else."""
    resources = many(statement.get("Resource", []))
    return (
        place.startswith("aws_vpc_endpoint.")
        and many(statement.get("Action", [])) == ["s3:GetObject"]
        and all(LAYERS.fullmatch(resource) for resource in resources)
    )


def problems_of(statement: dict[str, Any]) -> list[str]:
    """What is wrong with whom one statement allows something."""
    if statement["Effect"] != "Allow":
        return []
    if "NotPrincipal" in statement:
        return ["allows all but some; name who may"]
    named = statement.get("Principal", {})
    if named == "*" or "*" in many(named.get("AWS", [])):
        return [] if limits_callers(statement) else ["allows everybody; name who may, or a condition on who calls"]
    if "Federated" in named:
        return federated(statement)
    if "Service" in named and not limits_callers(statement):
        services = ", ".join(many(named["Service"]))
        return [f"lets {services} act for anybody's account; add a condition on aws:SourceAccount or aws:SourceArn"]
    return []


def limits_callers(statement: dict[str, Any]) -> bool:
    """Whether a condition tells who calls, or for whom."""
    return any(key.lower().startswith(CALLERS) for key in condition_keys(statement))


def condition_keys(statement: dict[str, Any]) -> list[str]:
    """The keys of its conditions, but for those that hold where a key is missing."""
    conditions = statement.get("Condition", {})
    return [key for operator, keys in conditions.items() if not operator.endswith("IfExists") for key in keys]


def federated(statement: dict[str, Any]) -> list[str]:
    """Somebody else's word on who calls is taken for one audience and for subjects that are named in full."""
    found = []
    conditions = statement.get("Condition", {})
    values = {key: many(of) for keys in conditions.values() for key, of in keys.items()}
    for suffix in (":aud", ":sub"):
        named = [value for key, of in values.items() if key.endswith(suffix) for value in of]
        if not named:
            found.append(f"has no condition on the {suffix.strip(':')} of the token")
        found += [f"takes any {value} for the {suffix.strip(':')} of the token" for value in named if "*" in value]
    return found
