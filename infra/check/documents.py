"""The policies that an apply has rendered: who may do what, and who may use what."""

from __future__ import annotations

import json
from typing import Any

from iam import Policy, many
from terraform import Resource, State

# Where a policy stands, and whose it is: type, attribute with the policy, attribute that names what it is about.
RESOURCE_POLICIES = (
    ("aws_s3_bucket_policy", "policy", "bucket"),
    ("aws_sqs_queue_policy", "policy", "queue_url"),
    ("aws_sqs_queue", "policy", "arn"),
    ("aws_sns_topic_policy", "policy", "arn"),
    ("aws_sns_topic", "policy", "arn"),
    ("aws_kms_key", "policy", "arn"),
    ("aws_kms_key_policy", "policy", "key_id"),
    ("aws_ecr_repository_policy", "policy", "repository"),
    ("aws_secretsmanager_secret_policy", "policy", "secret_arn"),
    ("aws_vpc_endpoint", "policy", "arn"),
    ("aws_cloudwatch_log_resource_policy", "policy_document", "policy_name"),
    ("aws_iam_role", "assume_role_policy", "arn"),
)


def roles(state: State) -> dict[str, Resource]:
    """Roles by address."""
    return {role.address: role for role in state.of_kind("aws_iam_role")}


def identity_policies(state: State) -> list[tuple[str, Policy]]:
    """Every policy of a role, with the role's name."""
    found = [(of.values["role"], policy_in(of, "policy")) for of in state.of_kind("aws_iam_role_policy")]
    managed = {of.values["arn"]: policy_in(of, "policy") for of in state.of_kind("aws_iam_policy")}
    for attachment in state.of_kind("aws_iam_role_policy_attachment"):
        arn = attachment.values["policy_arn"]
        if arn in managed:
            found.append((attachment.values["role"], managed[arn]))
    return [(name.rsplit("/", 1)[-1], policy) for name, policy in found if policy is not None]


def of_role(state: State, role: Resource) -> list[Policy]:
    """The policies of one role."""
    return [policy for name, policy in identity_policies(state) if name == role.values["name"]]


def resource_policies(state: State) -> dict[str, Policy]:
    """Policies of what is called, by the address of where they stand."""
    found = {}
    for kind, attribute, _ in RESOURCE_POLICIES:
        for resource in state.of_kind(kind):
            policy = policy_in(resource, attribute)
            if policy is not None:
                found[resource.address] = policy
    return found


def policy_of(state: State, arn: str) -> Policy | None:
    """The policy of what has the ARN; of its bucket, where it is an object."""
    bucket = arn.split(":::", 1)[1].split("/", 1)[0] if ":::" in arn else ""
    for kind, attribute, key in RESOURCE_POLICIES:
        for resource in state.of_kind(kind):
            named = str(resource.values.get(key) or "")
            same = named == bucket if kind == "aws_s3_bucket_policy" else is_same(named, arn)
            if named and same and (policy := policy_in(resource, attribute)):
                return policy
    return None


def is_same(named: str, arn: str) -> bool:
    """Whether a name, an address or an ARN means what has `arn`."""
    return named == arn or (
        not named.startswith("arn:") and named.rsplit("/", 1)[-1] in arn.replace("/", ":").split(":")[5:]
    )


def policy_in(resource: Resource, attribute: str) -> Policy | None:
    """The policy in an attribute, if there is one."""
    text: Any = resource.values.get(attribute)
    if not text or not str(text).startswith("{"):
        return None
    where = resource.address if attribute == "policy" else f"{resource.address} ({attribute})"
    return Policy(where, json.loads(text))


def actions_of(policies: list[Policy]) -> dict[str, str]:
    """Every action that is allowed, with the policy that allows it."""
    return {
        action: policy.place
        for policy in policies
        for statement in many(policy.document.get("Statement", []))
        if statement["Effect"] == "Allow"
        for action in many(statement.get("Action", []))
    }
