"""Decides whether IAM allows a call, from the policies alone.

The order of judgement is the one that the IAM User Guide describes ("Policy evaluation logic") for calls within one
account: an explicit denial anywhere ends it; then an identity policy allows it, or a resource policy that names the
caller. Keys and roles are stricter: their own policy has to allow it, or to leave it to the account's policies.
There are no organisation policies, boundaries or session policies here. An operator or a principal that this file
does not know is an error, not a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Iterable, Mapping

Json = dict[str, Any]
Context = Mapping[str, Any]


class NotUnderstood(Exception):
    """A policy says something that is not evaluated here."""


@dataclass(frozen=True)
class Call:
    """One call: who, what, on what, under what circumstances."""

    who: str
    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Policy:
    """A document, and where it stands."""

    place: str
    document: Json


@dataclass(frozen=True)
class Decision:
    """Whether it is allowed, and by or for what."""

    allowed: bool
    reason: str


def decide(call: Call, identity: Iterable[Policy], resource: Policy | None = None) -> Decision:
    """Decides about `call`, with the policies of its caller and the one of what is called."""
    identity = list(identity)
    everything = [*identity, *([resource] if resource else [])]
    for policy in everything:
        for name, statement in statements(policy):
            if statement["Effect"] == "Deny" and concerns(call, statement, policy is resource):
                return Decision(False, f"{name} denies it")
    by_identity = allowing(call, identity, is_resource=False)
    by_resource = allowing(call, [resource] if resource else [], is_resource=True)
    if is_strict(call) and resource is not None:
        if by_resource:
            return Decision(True, by_resource)
        if not leaves_it_to_the_account(call, resource):
            return Decision(False, f"{resource.place} neither allows it nor leaves it to the account")
    allowed = by_identity or by_resource
    return Decision(bool(allowed), allowed or "no statement allows it")


def is_strict(call: Call) -> bool:
    """Whether the policy of what is called decides, and not that of the caller."""
    return call.action.startswith("kms:") or call.action.startswith("sts:AssumeRole")


def allowing(call: Call, policies: list[Policy], is_resource: bool) -> str:
    """The statement that allows it, if any."""
    for policy in policies:
        for name, statement in statements(policy):
            if statement["Effect"] == "Allow" and concerns(call, statement, is_resource):
                return f"{name} allows it"
    return ""


def leaves_it_to_the_account(call: Call, policy: Policy) -> bool:
    """Whether a key's policy lets the account's own policies decide, as it does by naming the account's root."""
    as_root = Call(root_of(call.who), call.action, call.resource, call.context)
    return any(
        statement["Effect"] == "Allow" and concerns(as_root, statement, True) for _, statement in statements(policy)
    )


def root_of(arn: str) -> str:
    """The account that somebody belongs to, as a principal."""
    parts = arn.split(":")
    return f"arn:{parts[1]}:iam::{parts[4]}:root" if len(parts) > 4 else ""


def statements(policy: Policy) -> list[tuple[str, Json]]:
    """The statements of a policy, each with a name to find it by."""
    return [
        (f"{policy.place}, statement {statement.get('Sid', number)}", statement)
        for number, statement in enumerate(many(policy.document.get("Statement", [])))
    ]


def concerns(call: Call, statement: Json, is_resource: bool) -> bool:
    """Whether a statement is about `call`."""
    return (
        (not is_resource or is_principal(call, statement))
        and is_action(call, statement)
        and is_on(call, statement)
        and holds(statement.get("Condition", {}), call)
    )


def is_action(call: Call, statement: Json) -> bool:
    """Whether it names the action."""
    if "NotAction" in statement:
        return not any(like(one.lower(), call.action.lower()) for one in many(statement["NotAction"]))
    return any(like(one.lower(), call.action.lower()) for one in many(statement.get("Action", [])))


def is_on(call: Call, statement: Json) -> bool:
    """Whether it names the resource. A trust policy names none: it is about its own role."""
    if "NotResource" in statement:
        return not any(like(filled(one, call), call.resource) for one in many(statement["NotResource"]))
    if "Resource" not in statement:
        return call.action.startswith("sts:")
    return any(like(filled(one, call), call.resource) for one in many(statement["Resource"]))


def is_principal(call: Call, statement: Json) -> bool:
    """Whether it names the caller."""
    if "NotPrincipal" in statement:
        raise NotUnderstood("NotPrincipal; name whom it is about, or deny under a condition")
    named = statement.get("Principal", {})
    if named == "*":
        return True
    for kind, identifiers in named.items():
        if kind not in ("AWS", "Service", "Federated"):
            raise NotUnderstood(f"principals of kind {kind}")
        if any(one in ("*", call.who) for one in many(identifiers)):
            return True
    return False


def holds(conditions: Json, call: Call) -> bool:
    """Whether all conditions hold."""
    return all(
        one_holds(operator, key, [str(value) for value in many(values)], call)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def one_holds(operator: str, key: str, wanted: list[str], call: Call) -> bool:
    """Whether one condition holds."""
    given = value_of(call.context, key)
    if operator == "Null":
        return any((given is None) == (value.lower() == "true") for value in wanted)
    quantifier, _, plain = operator.rpartition(":")
    optional = plain.endswith("IfExists")
    plain = plain.removesuffix("IfExists")
    negative = "Not" in plain
    matches = MATCHES.get(plain.replace("Not", "", 1))
    if matches is None or quantifier not in ("", "ForAnyValue", "ForAllValues"):
        raise NotUnderstood(f"the condition operator {operator}")
    if given is None:
        return optional or negative or quantifier == "ForAllValues"

    def fits(value: str) -> bool:
        found = any(matches(filled(one, call), value) for one in wanted)
        return found != negative

    values = [str(value) for value in many(given)]
    of_all = quantifier == "ForAllValues" or (negative and not quantifier)
    return all(map(fits, values)) if of_all else any(map(fits, values))


def value_of(context: Context, key: str) -> Any:
    """What a key says; the names of keys have no case."""
    return next((value for name, value in context.items() if name.lower() == key.lower()), None)


def filled(pattern: str, call: Call) -> str:
    """A pattern with IAM's variables filled in. A variable that is not given matches nothing."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name in ("*", "?", "$"):
            return {"*": "\0star", "?": "\0mark", "$": "$"}[name]
        found = value_of(call.context, name)
        return "\0absent" if found is None else str(found)

    return re.sub(r"\$\{([^}]+)\}", value, pattern)


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """IAM's wildcards as a regular expression."""
    written = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    written = written.replace("\0star", r"\*").replace("\0mark", r"\?")
    return re.compile(written, re.S)


def like(pattern: str, value: str) -> bool:
    """Whether `value` fits a pattern with `*` and `?`."""
    return compiled(pattern).fullmatch(value) is not None


def arn_like(pattern: str, value: str) -> bool:
    """The same part by part, as ARNs are compared: no wildcard reaches over a colon but in the last part."""
    patterns, values = pattern.split(":", 5), value.split(":", 5)
    return len(patterns) == len(values) and all(map(like, patterns, values))


def number(compare: Any) -> Any:
    """Compares numbers."""
    return lambda wanted, value: compare(float(value), float(wanted))


MATCHES = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringEqualsIgnoreCase": lambda wanted, value: wanted.lower() == value.lower(),
    "StringLike": like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
    "NumericEquals": number(lambda value, wanted: value == wanted),
    "NumericLessThan": number(lambda value, wanted: value < wanted),
    "NumericLessThanEquals": number(lambda value, wanted: value <= wanted),
    "NumericGreaterThan": number(lambda value, wanted: value > wanted),
    "NumericGreaterThanEquals": number(lambda value, wanted: value >= wanted),
}


def many(value: Any) -> list[Any]:
    """One or many, as a list."""
    return value if isinstance(value, list) else [value]
