"""The rules that tell of changes: patterns that fit, calls that there are, and none of the network's left out."""

from __future__ import annotations

import json
import re
from typing import Any

import lint
from iam import many
from terraform import State

# Source: EventBridge User Guide, quotas, "Event pattern size".
LONGEST = 2048
# What a change of the network is about, in the names of EC2's actions.
ABOUT = re.compile(
    "SecurityGroup|NetworkAcl|PrefixList|Route|Gateway|Address$|VpcEndpoint|VpcPeering|VpcAttachment|Subnet|FlowLogs"
    "|DhcpOptions|Vpc(Attribute|Tenancy|CidrBlock|BlockPublicAccess)|(Create|Delete|Default)Vpc$"
)
# What this network has not, or what changes nothing in it: Outposts, VPNs of clients, tables within a transit gateway,
# the other side of a VPN, and services that others reach by endpoints in their networks.
NOT_HERE = re.compile(
    "LocalGateway|ClientVpn|CustomerGateway|VpnConnection|TransitGateway(?!VpcAttachment)"
    "|PrivateDnsVerification|ServicePayerResponsibility|ExportTransit"
)
# Services whose names in CloudTrail are those that IAM has for them; S3 has others.
SAME_NAMES = ("ec2", "kms", "iam", "cloudtrail")


def problems(state: State) -> list[str]:
    """What is wrong with the rules; nothing where there are none."""
    rules = {rule.address: rule.values["event_pattern"] for rule in state.of_kind("aws_cloudwatch_event_rule")}
    told = {address: json.loads(pattern) for address, pattern in rules.items() if "CloudTrail" in pattern}
    return [*too_long(rules), *unknown_calls(told), *left_out(told)] if told else too_long(rules)


def too_long(rules: dict[str, str]) -> list[str]:
    """Patterns that EventBridge does not take."""
    return [
        f"{address}: its pattern has {len(pattern)} characters, and EventBridge takes {LONGEST}"
        for address, pattern in rules.items()
        if len(pattern) > LONGEST
    ]


def unknown_calls(told: dict[str, dict[str, Any]]) -> list[str]:
    """Calls that are misspelt: nobody would ever be told of them."""
    return [
        f"{address}: {service} has no call {name}"
        for address, pattern in told.items()
        for service in services_of(pattern)
        if service in SAME_NAMES
        for name in names_of(pattern["detail"])
        if not lint.known_action(f"{service}:{name}")
    ]


def left_out(told: dict[str, dict[str, Any]]) -> list[str]:
    """Calls that change the network, and no rule has."""
    named = {name for pattern in told.values() if "ec2" in services_of(pattern) for name in names_of(pattern["detail"])}
    changing = {name for name in lint.changing_actions("ec2") if ABOUT.search(name) and not NOT_HERE.search(name)}
    return [f"no rule tells of {name}, which changes the network" for name in sorted(changing - named)]


def services_of(pattern: dict[str, Any]) -> list[str]:
    """The services that a pattern is about."""
    return [source.removeprefix("aws.") for source in many(pattern["source"])]


def names_of(detail: dict[str, Any]) -> list[str]:
    """The calls that a pattern names, in its alternatives too."""
    return [*detail.get("eventName", []), *(name for one in detail.get("$or", []) for name in names_of(one))]
