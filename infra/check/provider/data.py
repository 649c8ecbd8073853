"""Data sources: what an account would answer."""

from __future__ import annotations

from typing import Any

from .account import ACCOUNT, PARTITION
from .policy_document import rendered

Json = dict[str, Any]

# Role of the session that runs Terraform here.
ROLE = "terraform"


def answer(kind: str, config: Json, region: str) -> Json:
    """What the data source `kind` says; what is not in it is made up."""
    region = config.get("region") or region
    if kind == "aws_iam_policy_document":
        return rendered(config)
    if kind == "aws_caller_identity":
        arn = f"arn:{PARTITION}:sts::{ACCOUNT}:assumed-role/{ROLE}/check"
        return {"account_id": ACCOUNT, "id": ACCOUNT, "arn": arn, "user_id": "AROA0000000000000000:check"}
    if kind == "aws_iam_session_context":
        return session(config["arn"])
    if kind == "aws_region":
        endpoint = f"ec2.{region}.amazonaws.com"
        return {"id": region, "name": region, "region": region, "endpoint": endpoint, "description": region}
    if kind == "aws_partition":
        suffix = "amazonaws.com"
        return {"id": PARTITION, "partition": PARTITION, "dns_suffix": suffix, "reverse_dns_prefix": "com.amazonaws"}
    if kind == "aws_availability_zones":
        names = [f"{region}{letter}" for letter in "abc"]
        ids = [f"{region}-az{number}" for number in (1, 2, 3)]
        return {"id": region, "names": names, "zone_ids": ids, "group_names": [region]}
    if kind == "aws_elb_service_account":
        return {"id": "000000000000", "arn": f"arn:{PARTITION}:iam::000000000000:root"}
    if kind in ("aws_prefix_list", "aws_ec2_managed_prefix_list"):
        return {"id": "pl-00000000", "name": config.get("name") or "made-up", "cidr_blocks": ["192.0.2.0/24"]}
    if kind == "aws_service_principal":
        return {"name": f"{config['service_name']}.amazonaws.com"}
    return {"region": region}


def session(arn: str) -> Json:
    """The role behind a session; anybody else is who they are."""
    if ":assumed-role/" not in arn:
        return {"id": arn, "issuer_arn": arn, "issuer_id": "", "issuer_name": "", "session_name": ""}
    name, session_name = arn.split("/")[1:3]
    issuer = f"arn:{PARTITION}:iam::{ACCOUNT}:role/{name}"
    return {
        "id": arn,
        "issuer_arn": issuer,
        "issuer_id": "AROA0000000000000000",
        "issuer_name": name,
        "session_name": session_name,
    }
