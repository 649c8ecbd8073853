"""Subnets as AWS would take them: within their VPC, and none over another."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import combinations

from terraform import State


def problems(state: State) -> list[str]:
    """What AWS would refuse of the subnets."""
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
