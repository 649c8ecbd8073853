"""The network as AWS would take it, and who leaves it: subnets within their VPC and none over another, descriptions in
letters it takes, ways out to the internet only for who calls somebody there."""

from __future__ import annotations

import re
from ipaddress import ip_network
from itertools import combinations

from terraform import State

DESCRIBED = ["aws_security_group", "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"]
# Source: Amazon EC2 API Reference, CreateSecurityGroup, "GroupDescription".
DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")

EVERYWHERE = ("0.0.0.0/0", "::/0")
# Who may reach the internet where the APIs of AWS are inside the VPC, and for what.
LET_OUT = {
    'aws_security_group.service["scoring"]': "the third party that scores",
    "aws_security_group.controller": "the region's APIs, of which some may have no endpoint",
    "aws_security_group.otel_collector[0]": "its image, which is in a registry of anybody's",
}


def problems(state: State) -> list[str]:
    """What AWS would refuse, and what should not get out."""
    return [*misplaced(state), *undescribable(state), *let_out(state)]


def let_out(state: State) -> list[str]:
    """Groups that reach the internet and need not."""
    if not any(endpoint.values["vpc_endpoint_type"] == "Interface" for endpoint in state.of_kind("aws_vpc_endpoint")):
        return []
    groups = {group.values["id"]: group.address for group in state.of_kind("aws_security_group")}
    return [
        f"{rule.address}: lets {group} out to anywhere, although the APIs of AWS are inside the VPC"
        for rule in state.of_kind("aws_vpc_security_group_egress_rule")
        if {rule.values.get("cidr_ipv4"), rule.values.get("cidr_ipv6")} & {*EVERYWHERE}
        and (group := groups.get(rule.values["security_group_id"], "an unknown group")) not in LET_OUT
    ]


def undescribable(state: State) -> list[str]:
    """Descriptions of security groups and their rules that EC2 does not take."""
    described = [resource for kind in DESCRIBED for resource in state.of_kind(kind)]
    return [
        f"{resource.address}: EC2 does not take the description {resource.values['description']!r}: letters, digits, "
        "spaces and ._-:/()#,@[]+=&;{}!$* only, 255 at most"
        for resource in described
        if not DESCRIPTION.fullmatch(resource.values.get("description") or "")
    ]


def misplaced(state: State) -> list[str]:
    """Subnets outside of their VPC, or over another."""
    blocks = {vpc.values["id"]: ip_network(vpc.values["cidr_block"]) for vpc in state.of_kind("aws_vpc")}
    subnets = [
        (subnet.address, subnet.values["vpc_id"], ip_network(subnet.values["cidr_block"]))
        for subnet in state.of_kind("aws_subnet")
    ]
    found = [
        f"{address}: {block} is outside of its VPC's {blocks[vpc]}"
        for address, vpc, block in subnets
        if vpc in blocks and not block.subnet_of(blocks[vpc])  # type: ignore[arg-type]
    ]
    for (address, vpc, block), (other, other_vpc, other_block) in combinations(subnets, 2):
        if vpc == other_vpc and block.overlaps(other_block):
            found.append(f"{address}: {block} overlaps {other_block} of {other}")
    return found
