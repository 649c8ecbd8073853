"""The calls of calls.toml against the rendered policies: each allowed or denied as the table says, and no more."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Iterator

import documents
import lint
from iam import Call, NotUnderstood, Policy, decide, many
from rust_calls import made_by
from terraform import COMPLETE, HERE, Problem, State

TABLE = HERE / "calls.toml"
KINDS = ("allowed", "denied", "passes", "stopped")
# Whoever comes to an endpoint: its policy is about the account, not about the role.
ANYBODY = "arn:{partition}:iam::{account}:role/anybody"
ALL = Policy("a policy that allows everything", {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})


@dataclass(frozen=True)
class Row:
    """One call of the table, with names filled in."""

    allowed: bool
    who: str
    call: Call
    part: str

    def __str__(self) -> str:
        said = {key: value for key, value in self.call.context.items() if key not in COMMON}
        return f"{self.who}: {self.call.action} on {self.call.resource}" + (f" with {said}" if said else "")


# What AWS tells of every call; a row may say otherwise.
COMMON: dict[str, Any] = {
    "aws:SecureTransport": "true",
    "aws:PrincipalAccount": "{account}",
    "aws:ResourceAccount": "{account}",
    "aws:RequestedRegion": "{region}",
    "aws:ViaAWSService": "false",
    "aws:PrincipalIsAWSService": "false",
}


def problems(state: State) -> list[str]:
    """Calls that are decided otherwise than the table says, and permissions that it does not know."""
    table, names = read(), names_of(state)
    principals: dict[str, str] = table["principals"]
    roles = documents.roles(state)
    found = [f"there is no role {role} for {who}" for who, role in missing(state, principals)]
    for row in rows(table, names, roles, state.name):
        if principals.get(row.who, "*") != "*" and principals[row.who] not in roles:
            continue
        found += problems_of(state, row, identity(state, principals.get(row.who), roles))
    return found + endpoint_problems(state, table, names) + unknown_permissions(state, table, names)


def missing(state: State, principals: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Roles that the table names and a complete environment has not."""
    roles = documents.roles(state)
    for who, role in principals.items():
        if state.name == COMPLETE and role != "*" and role not in roles:
            yield who, role


def problems_of(state: State, row: Row, policies: list[Policy]) -> list[str]:
    """What is wrong with one decision."""
    if not lint.fits(row.call.action, row.call.resource):
        return [f"{row}: the action is never on a resource of this form, so this proves nothing; mend calls.toml"]
    try:
        decision = decide(row.call, policies, documents.policy_of(state, row.call.resource))
    except NotUnderstood as error:
        return [f"{row}: cannot be decided: {error}"]
    if decision.allowed == row.allowed:
        return []
    verb = "must be allowed" if row.allowed else "must be denied"
    return [f"{row}: {verb}, but {decision.reason}"]


def endpoint_problems(state: State, table: dict[str, Any], names: dict[str, str]) -> list[str]:
    """What endpoints of the VPC let through and should not, or stop and should let through."""
    found = []
    for passes, name, call in endpoint_rows(table, names):
        policy = endpoint_policy(state, name)
        if policy is not None:
            found += endpoint_problem(passes, name, call, policy)
        elif name == "s3" or state.name == COMPLETE:
            found.append(f"there is no endpoint of {name}, or it has no policy")
    return found


def endpoint_rows(table: dict[str, Any], names: dict[str, str]) -> Iterator[tuple[bool, str, Call]]:
    """Whether it passes, the endpoint's service, and the call."""
    for kind in ("passes", "stopped"):
        for row in table[kind]:
            for name, action, on in product(many(row["endpoint"]), many(row["action"]), many(row["on"])):
                call = Call(filled(ANYBODY, names), action, filled(on, names), filled(row_context(row), names))
                yield kind == "passes", name, call


def endpoint_problem(passes: bool, name: str, call: Call, policy: Policy) -> list[str]:
    """What is wrong with one decision of an endpoint."""
    said = f"the endpoint of {name}: {call.action} on {call.resource} for {call.context['aws:PrincipalAccount']}"
    decision = decide(call, [], policy)
    if decision.allowed == passes:
        return []
    return [f"{said}: must {'pass' if passes else 'be stopped'}, but {decision.reason}"]


def row_context(row: dict[str, Any]) -> dict[str, Any]:
    """What AWS tells of a row's call besides who calls."""
    return {**COMMON, **row.get("with", {})}


def endpoint_policy(state: State, name: str) -> Policy | None:
    """The policy of an endpoint, by the service that it leads to."""
    suffix = f".{region_of(state)}.{name}"
    for endpoint in state.of_kind("aws_vpc_endpoint"):
        if endpoint.values["service_name"].endswith(suffix):
            return documents.policy_in(endpoint, "policy")
    return None


def identity(state: State, role: str | None, roles: dict[str, Any]) -> list[Policy]:
    """The policies of whoever calls; an AWS service has none."""
    if role == "*":
        return [ALL]
    return documents.of_role(state, roles[role]) if role in roles else []


def unknown_permissions(state: State, table: dict[str, Any], names: dict[str, str]) -> list[str]:
    """Actions that a role is allowed and no row needs."""
    known = {role: who for who, role in table["principals"].items()}
    needed: dict[str, set[str]] = {}
    for row in table["allowed"]:
        for who, action in product(many(row["who"]), many(row["action"])):
            needed.setdefault(who, set()).add(action.lower())
    found = []
    for address, role in documents.roles(state).items():
        policies = documents.of_role(state, role)
        if policies and address not in known:
            found.append(f"{address}: calls.toml does not name this role; say there what it is for")
            continue
        for action, place in documents.actions_of(policies).items():
            if action.lower() not in needed.get(known[address], set()):
                found.append(
                    f"{place}: {action} is allowed to {known[address]}, and calls.toml has no call that needs it"
                )
    return found


def rows(table: dict[str, Any], names: dict[str, str], roles: dict[str, Any], environment: str) -> Iterator[Row]:
    """Every call of the table."""
    for kind in ("allowed", "denied"):
        for row in table[kind]:
            if row.get("only", environment) != environment:
                continue
            for who, action, on in product(many(row["who"]), many(row["action"]), many(row["on"])):
                filling = {**names, "who": who}
                caller = filled(who, filling)
                role = table["principals"].get(who)
                arn = roles[role].values["arn"] if role in roles else caller
                if role == "*":
                    arn = filled("arn:{partition}:iam::{account}:role/" + who, names)
                context = filled({**principal(arn), **row_context(row)}, filling)
                yield Row(kind == "allowed", who, Call(arn, action, filled(on, filling), context), row.get("part", ""))


def principal(arn: str) -> dict[str, str]:
    """What AWS tells of who calls."""
    if not arn.startswith("arn:"):
        return {"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": arn}
    return {"aws:PrincipalArn": arn, "aws:PrincipalType": "AssumedRole"}


@cache
def read() -> dict[str, Any]:
    """The table."""
    return tomllib.loads(TABLE.read_text())


def names_of(state: State) -> dict[str, str]:
    """What the names in the table stand for."""
    values = {"partition": "aws", "account": account_of(state), "region": region_of(state)}
    for name, path in read()["names"].items():
        address, _, attribute = path.rpartition(".")
        values[name] = state.at(address).values[attribute]
    # RDS's own, which no resource of the module is.
    values["database_secret"] = state.outputs["database"]["master_secret_arn"]
    ends = "{region}:{account}"
    for name, pattern in (
        ("ecs", f"arn:{{partition}}:ecs:{ends}"),
        ("alarm", f"arn:{{partition}}:cloudwatch:{ends}:alarm"),
        ("dashboard", "arn:{partition}:cloudwatch::{account}:dashboard"),
        (
            "scalable_target",
            f"arn:{{partition}}:application-autoscaling:{ends}:scalable-target/0ec5123456789abcdef0123456789abcdef",
        ),
    ):
        values[name] = filled(pattern, values)
    return values


def account_of(state: State) -> str:
    """The account's number."""
    return str(state.at("data.aws_caller_identity.current").values["account_id"])


def region_of(state: State) -> str:
    """The region."""
    return str(state.at("data.aws_region.current").values["region"])


def filled(value: Any, names: dict[str, str]) -> Any:
    """A value of the table with names filled in, keys of contexts too."""
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda match: name_in(match[1], names), value)
    if isinstance(value, list):
        return [filled(of, names) for of in value]
    return {filled(key, names): filled(of, names) for key, of in value.items()}


def name_in(name: str, names: dict[str, str]) -> str:
    """What a name stands for."""
    if name not in names:
        raise Problem(f"calls.toml: {{{name}}} is no name in [names]")
    return names[name]


def table_problems(root: Path) -> list[str]:
    """Where the table and the sources of the programs disagree about what is called."""
    table = read()
    found = [f"calls.toml: IAM knows no action {action}" for action in unknown_actions(table)]
    for who, (services, made) in made_by(root).items():
        noted = {
            action: row
            for row in table["allowed"]
            for action in many(row["action"])
            if who in many(row["who"]) and action.split(":")[0] in services and "part" not in row
        }
        found += [
            f"{place}: calls {action}, and calls.toml has no row of it for {who}"
            for action, place in made.items()
            if action not in noted
        ]
        found += [
            f"calls.toml: {action} for {who}: nothing in the sources calls it; remove it, or say in `part` why it is needed"
            for action in noted
            if action not in made
        ]
    return found


def unknown_actions(table: dict[str, Any]) -> list[str]:
    """Actions that are misspelt: a denial of one would prove nothing."""
    rows_of_all = [row for kind in KINDS for row in table.get(kind, [])]
    named = {action for row in rows_of_all for action in many(row["action"])}
    return sorted(action for action in named if not lint.known_action(action))
