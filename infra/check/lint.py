"""Every rendered identity policy, by parliament's database of actions, resources and conditions."""

from __future__ import annotations

import json
import re
import warnings
from functools import lru_cache

from documents import actions_of, identity_policies
from iam import Policy, many
from terraform import State

with warnings.catch_warnings():
    # Its sources have an escape that newer Pythons warn of.
    warnings.simplefilter("ignore")
    import parliament

# Actions that have resources and are allowed on all of them, and why.
ON_ALL = {
    # Source: CloudWatch API Reference, "DescribeAlarms": composite alarms are told only to who may ask of all.
    "cloudwatch:DescribeAlarms",
    "cloudwatch:DescribeAlarmHistory",
}


def problems(state: State) -> list[str]:
    """What is wrong with the policies of roles."""
    found: list[str] = []
    for role, policy in identity_policies(state):
        found += [f"{policy.place} (role {role}): {problem}" for problem in problems_of(policy)]
    return found


def problems_of(policy: Policy) -> list[str]:
    """What is wrong with one policy."""
    analyzed = parliament.analyze_policy_string(json.dumps(policy.document))
    found = [words(finding) for finding in analyzed.findings if not is_known(finding)]
    found += [
        f"the action {action} has a wildcard; name each action" for action in actions_of([policy]) if "*" in action
    ]
    for statement in many(policy.document["Statement"]):
        if statement["Effect"] == "Allow" and ("NotAction" in statement or "NotResource" in statement):
            found.append("a statement allows all but some; name what it allows")
    return found


def is_known(finding: parliament.finding.Finding) -> bool:
    """Whether it is about actions that are allowed on everything for a reason."""
    return finding.issue == "RESOURCE_STAR" and set(finding.detail or ()) <= ON_ALL


def words(finding: parliament.finding.Finding) -> str:
    """A finding in a line."""
    detail = finding.detail or ""
    where = finding.location.get("string") or finding.location.get("filepath") or ""
    return " ".join(str(part) for part in (finding.issue, detail, where) if part)


def known_action(action: str) -> bool:
    """Whether IAM has an action of this name."""
    service, _, name = action.partition(":")
    try:
        return bool(parliament.expand_action(f"{service}:{name}"))
    except parliament.UnknownActionException:
        return False
    except parliament.UnknownPrefixException:
        return False


def changing_actions(service: str) -> list[str]:
    """The actions of a service that do more than list and read."""
    return [
        privilege["privilege"]
        for definition in parliament.iam_definition
        if definition["prefix"] == service
        for privilege in definition["privileges"]
        if privilege["access_level"] not in ("List", "Read")
    ]


@lru_cache(maxsize=None)
def fits(action: str, resource: str) -> bool:
    """Whether an action can be on a resource of this form."""
    service, _, name = action.partition(":")
    # What is only being registered has no revision yet, which the database does not know. Source: aws/aws-cdk#25768.
    if re.search(r":task-definition/[^:]+$", resource):
        resource += ":1"
    for definition in parliament.iam_definition:
        if definition["prefix"] != service:
            continue
        forms = {of["resource"]: of["arn"] for of in definition["resources"]}
        for privilege in definition["privileges"]:
            if privilege["privilege"].lower() == name.lower():
                named = [of["resource_type"].rstrip("*") for of in privilege["resource_types"]]
                kinds = [kind for kind in named if kind]
                return not kinds or any(is_form(kind, forms.get(kind, "*"), resource) for kind in kinds)
    return False


def is_form(kind: str, form: str, resource: str) -> bool:
    """Whether an ARN has the form of a kind of resource."""
    return parliament.is_arn_match(kind, re.sub(r"\$\{\w+\}", "*", form), resource)
