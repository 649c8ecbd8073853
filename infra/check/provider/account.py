"""The account in memory: names, ids and ARNs in the form that AWS gives them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any

Json = dict[str, Any]

# The account of AWS's documentation: nobody's.
ACCOUNT = "123456789012"
PARTITION = "aws"

ID_PREFIXES = {
    "aws_vpc": "vpc",
    "aws_subnet": "subnet",
    "aws_security_group": "sg",
    "aws_default_security_group": "sg",
    "aws_vpc_security_group_ingress_rule": "sgr",
    "aws_vpc_security_group_egress_rule": "sgr",
    "aws_internet_gateway": "igw",
    "aws_nat_gateway": "nat",
    "aws_eip": "eipalloc",
    "aws_route_table": "rtb",
    "aws_route_table_association": "rtbassoc",
    "aws_vpc_endpoint": "vpce",
    "aws_flow_log": "fl",
    "aws_network_acl": "acl",
}

# Service and resource of an ARN, by type; {} are attributes of the resource, {hex} is made up.
ARNS = {
    "aws_acm_certificate": "acm:{region}:{account}:certificate/{uuid}",
    "aws_apigatewayv2_api": "apigateway:{region}::/apis/{short}",
    "aws_cloudtrail": "cloudtrail:{region}:{account}:trail/{name}",
    "aws_cloudwatch_event_rule": "events:{region}:{account}:rule/{name}",
    "aws_cloudwatch_log_group": "logs:{region}:{account}:log-group:{name}",
    "aws_cloudwatch_metric_alarm": "cloudwatch:{region}:{account}:alarm:{alarm_name}",
    "aws_db_parameter_group": "rds:{region}:{account}:pg:{name}",
    "aws_db_subnet_group": "rds:{region}:{account}:subgrp:{name}",
    "aws_ecr_repository": "ecr:{region}:{account}:repository/{name}",
    "aws_ecs_cluster": "ecs:{region}:{account}:cluster/{name}",
    "aws_ecs_service": "ecs:{region}:{account}:service/{cluster_name}/{name}",
    "aws_ecs_task_definition": "ecs:{region}:{account}:task-definition/{family}:1",
    "aws_eip": "ec2:{region}:{account}:elastic-ip/{id}",
    "aws_flow_log": "ec2:{region}:{account}:vpc-flow-log/{id}",
    "aws_iam_openid_connect_provider": "iam::{account}:oidc-provider/{issuer}",
    "aws_iam_policy": "iam::{account}:policy/{name}",
    "aws_iam_role": "iam::{account}:role{path}{name}",
    "aws_internet_gateway": "ec2:{region}:{account}:internet-gateway/{id}",
    "aws_kms_alias": "kms:{region}:{account}:{name}",
    "aws_kms_key": "kms:{region}:{account}:key/{uuid}",
    "aws_lb": "elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/{hex}",
    "aws_lb_listener": "elasticloadbalancing:{region}:{account}:listener/app/{of_lb}/{hex}",
    "aws_lb_listener_rule": "elasticloadbalancing:{region}:{account}:listener-rule/app/{of_listener}/{hex}",
    "aws_lb_target_group": "elasticloadbalancing:{region}:{account}:targetgroup/{name}/{hex}",
    "aws_rds_cluster": "rds:{region}:{account}:cluster:{cluster_identifier}",
    "aws_rds_cluster_instance": "rds:{region}:{account}:db:{identifier}",
    "aws_rds_cluster_parameter_group": "rds:{region}:{account}:cluster-pg:{name}",
    "aws_route_table": "ec2:{region}:{account}:route-table/{id}",
    "aws_s3_bucket": "s3:::{bucket}",
    "aws_s3_object": "s3:::{bucket}/{key}",
    "aws_secretsmanager_secret": "secretsmanager:{region}:{account}:secret:{name}-Ab1Cd2",
    "aws_security_group": "ec2:{region}:{account}:security-group/{id}",
    "aws_service_discovery_http_namespace": "servicediscovery:{region}:{account}:namespace/ns-{short}",
    "aws_service_discovery_private_dns_namespace": "servicediscovery:{region}:{account}:namespace/ns-{short}",
    "aws_sns_topic": "sns:{region}:{account}:{name}",
    "aws_sqs_queue": "sqs:{region}:{account}:{name}",
    "aws_subnet": "ec2:{region}:{account}:subnet/{id}",
    "aws_vpc": "ec2:{region}:{account}:vpc/{id}",
    "aws_vpc_endpoint": "ec2:{region}:{account}:vpc-endpoint/{id}",
}

# Types whose id is their ARN, or another attribute of theirs.
ID_IS = {
    "aws_acm_certificate": "arn",
    "aws_ecs_cluster": "arn",
    "aws_ecs_service": "arn",
    "aws_iam_openid_connect_provider": "arn",
    "aws_iam_policy": "arn",
    "aws_lb": "arn",
    "aws_lb_listener": "arn",
    "aws_lb_listener_rule": "arn",
    "aws_lb_target_group": "arn",
    "aws_secretsmanager_secret": "arn",
    "aws_sns_topic": "arn",
    "aws_sqs_queue": "url",
    "aws_kms_key": "key_id",
    "aws_cloudwatch_event_rule": "name",
    "aws_cloudwatch_log_group": "name",
    "aws_cloudwatch_metric_alarm": "alarm_name",
    "aws_db_subnet_group": "name",
    "aws_ecr_repository": "name",
    "aws_ecs_task_definition": "family",
    "aws_iam_role": "name",
    "aws_kms_alias": "name",
    "aws_rds_cluster": "cluster_identifier",
    "aws_rds_cluster_instance": "identifier",
    "aws_rds_cluster_parameter_group": "name",
    "aws_s3_bucket": "bucket",
    "aws_s3_object": "key",
}

NAMES = ("name", "bucket", "identifier", "cluster_identifier", "alarm_name", "family")

_seen: Counter[str] = Counter()


class Fields(dict[str, str]):
    """What an ARN is filled with; what is not there says so."""

    def __missing__(self, key: str) -> str:
        return f"made-up-{key.replace('_', '-')}"


def made_up(kind: str, state: Json, region: str) -> Json:
    """What AWS would have decided about a new resource of `kind`."""
    digest = digest_of(kind, state)
    known = {key: value for key, value in state.items() if isinstance(value, str)}
    region = known.get("region", region)
    found: Json = {"region": region, "owner_id": ACCOUNT}
    for name in NAMES:
        if name in state and name not in known:
            prefix = known.get(f"{name}_prefix") or f"{kind.removeprefix('aws_').replace('_', '-')}-"
            found[name] = f"{prefix}{digest[:12]}"
    fields = Fields({**known, **found, "account": ACCOUNT, "hex": digest[:16], "short": digest[:10]})
    fields["uuid"] = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
    fields["path"] = known.get("path", "/")
    fields["issuer"] = known.get("url", "").removeprefix("https://")
    fields["cluster_name"] = known.get("cluster", "").rsplit("/", 1)[-1]
    fields["of_lb"] = known.get("load_balancer_arn", "").rpartition(":loadbalancer/app/")[2]
    fields["of_listener"] = known.get("listener_arn", "").rpartition(":listener/app/")[2]
    found["id"] = fields["id"] = f"{ID_PREFIXES.get(kind, kind.removeprefix('aws_'))}-{digest[:17]}"
    if kind in ARNS:
        found["arn"] = fields["arn"] = f"arn:{PARTITION}:{ARNS[kind].format_map(fields)}"
    found.update(particulars(kind, fields))
    if kind in ID_IS:
        found["id"] = {**known, **found}[ID_IS[kind]]
    return found


def forget() -> None:
    """Begins anew: ids are those of a first run."""
    _seen.clear()


def digest_of(kind: str, state: Json) -> str:
    """What ids are made of: the same for the same resource in every run, and another for each of several alike."""
    said = f"{kind} {json.dumps(state, sort_keys=True, default=repr)}"
    _seen[said] += 1
    return hashlib.sha256(f"{said} {_seen[said]}".encode()).hexdigest()


def particulars(kind: str, of: Fields) -> Json:
    """Attributes that other resources build upon, in the form that they have."""
    region, arn, name = of["region"], of["arn"], of["name"]
    if kind == "aws_sqs_queue":
        return {"url": f"https://sqs.{region}.amazonaws.com/{ACCOUNT}/{name}"}
    if kind == "aws_kms_key":
        return {"key_id": of["uuid"]}
    if kind == "aws_kms_alias":
        return {"target_key_arn": f"arn:{PARTITION}:kms:{region}:{ACCOUNT}:key/{of['target_key_id']}"}
    if kind == "aws_lb":
        suffix = arn.rpartition(":loadbalancer/")[2]
        dns = f"{name}-{of['hex'][:9]}.{region}.elb.amazonaws.com"
        return {"arn_suffix": suffix, "dns_name": dns, "zone_id": "Z0000000000000"}
    if kind == "aws_lb_target_group":
        return {"arn_suffix": arn.rpartition(":")[2]}
    if kind == "aws_ecs_task_definition":
        return {"arn_without_revision": arn.removesuffix(":1"), "revision": 1}
    if kind == "aws_ecr_repository":
        host = f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com"
        return {"registry_id": ACCOUNT, "repository_url": f"{host}/{name}"}
    if kind == "aws_s3_bucket":
        bucket = of["bucket"]
        return {
            "bucket_domain_name": f"{bucket}.s3.amazonaws.com",
            "bucket_regional_domain_name": f"{bucket}.s3.{region}.amazonaws.com",
            "bucket_region": region,
        }
    if kind == "aws_rds_cluster":
        return database(of)
    if kind == "aws_apigatewayv2_api":
        return {
            "id": of["short"],
            "api_endpoint": f"https://{of['short']}.execute-api.{region}.amazonaws.com",
            "execution_arn": f"arn:{PARTITION}:execute-api:{region}:{ACCOUNT}:{of['short']}",
        }
    if kind == "aws_service_discovery_http_namespace":
        return {"id": f"ns-{of['short']}", "http_name": name}
    if kind == "aws_iam_role":
        return {"unique_id": f"AROA{of['hex'].upper()}", "create_date": "2026-01-01T00:00:00Z"}
    return {}


def database(of: Fields) -> Json:
    """An Aurora cluster. RDS names the secret of its user by itself."""
    identifier, region = of["cluster_identifier"], of["region"]
    secret = f"arn:{PARTITION}:secretsmanager:{region}:{ACCOUNT}:secret:rds!cluster-{of['uuid']}-Ab1Cd2"
    return {
        "cluster_resource_id": f"cluster-{of['hex'].upper()}",
        "endpoint": f"{identifier}.cluster-{of['short']}.{region}.rds.amazonaws.com",
        "reader_endpoint": f"{identifier}.cluster-ro-{of['short']}.{region}.rds.amazonaws.com",
        "port": 5432,
        "master_user_secret": [
            {"kms_key_id": of["master_user_secret_kms_key_id"], "secret_arn": secret, "secret_status": "active"}
        ],
    }
