# Changes of what the platform is protected by, which people are told of when they happen: those of Terraform too, so that
# whoever expects none sees one.

locals {
  # Calls by their names in CloudTrail. Sources: EC2 API Reference, actions; AWS KMS Developer Guide, "Logging AWS KMS API
  # calls"; S3 User Guide, "Amazon S3 CloudTrail events"; IAM API Reference, actions. A pattern has 2,048 characters at most
  # (EventBridge User Guide, quotas), so those of the network are in four rules. That none is missing: infra/check/changes.py.
  watched = {
    filters = {
      says    = "Security groups and network ACLs"
      service = "ec2"
      detail = {
        eventName = [
          "CreateSecurityGroup", "DeleteSecurityGroup", "ModifySecurityGroupRules",
          "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress",
          "UpdateSecurityGroupRuleDescriptionsIngress", "UpdateSecurityGroupRuleDescriptionsEgress",
          "AssociateSecurityGroupVpc", "DisassociateSecurityGroupVpc",
          "CreateNetworkAcl", "DeleteNetworkAcl", "CreateNetworkAclEntry", "ReplaceNetworkAclEntry", "DeleteNetworkAclEntry",
          "ReplaceNetworkAclAssociation", "CreateManagedPrefixList", "ModifyManagedPrefixList", "DeleteManagedPrefixList",
          "RestoreManagedPrefixListVersion",
        ]
      }
    }
    ways = {
      says    = "Routes, gateways and their addresses"
      service = "ec2"
      detail = {
        eventName = [
          "CreateRoute", "ReplaceRoute", "DeleteRoute", "CreateRouteTable", "DeleteRouteTable", "AssociateRouteTable",
          "DisassociateRouteTable", "ReplaceRouteTableAssociation", "EnableVgwRoutePropagation", "DisableVgwRoutePropagation",
          "CreateInternetGateway", "DeleteInternetGateway", "AttachInternetGateway", "DetachInternetGateway",
          "CreateEgressOnlyInternetGateway", "DeleteEgressOnlyInternetGateway", "CreateCarrierGateway", "DeleteCarrierGateway",
          "CreateVpnGateway", "DeleteVpnGateway", "AttachVpnGateway", "DetachVpnGateway",
          "CreateNatGateway", "DeleteNatGateway", "AssociateNatGatewayAddress", "DisassociateNatGatewayAddress",
          "AssignPrivateNatGatewayAddress", "UnassignPrivateNatGatewayAddress",
          "AllocateAddress", "ReleaseAddress", "AssociateAddress", "DisassociateAddress",
        ]
      }
    }
    connections = {
      says    = "Endpoints, peering, and attachments to transit gateways"
      service = "ec2"
      detail = {
        eventName = [
          "CreateVpcEndpoint", "ModifyVpcEndpoint", "DeleteVpcEndpoints", "AcceptVpcEndpointConnections", "RejectVpcEndpointConnections",
          "CreateVpcEndpointConnectionNotification", "ModifyVpcEndpointConnectionNotification", "DeleteVpcEndpointConnectionNotifications",
          "CreateVpcEndpointServiceConfiguration", "ModifyVpcEndpointServiceConfiguration", "DeleteVpcEndpointServiceConfigurations",
          "ModifyVpcEndpointServicePermissions",
          "CreateVpcPeeringConnection", "AcceptVpcPeeringConnection", "RejectVpcPeeringConnection", "DeleteVpcPeeringConnection",
          "ModifyVpcPeeringConnectionOptions",
          "CreateTransitGatewayVpcAttachment", "ModifyTransitGatewayVpcAttachment", "DeleteTransitGatewayVpcAttachment",
          "AcceptTransitGatewayVpcAttachment", "RejectTransitGatewayVpcAttachment",
        ]
      }
    }
    network = {
      says    = "The VPC itself, its subnets and its flow logs"
      service = "ec2"
      detail = {
        eventName = [
          "CreateVpc", "DeleteVpc", "ModifyVpcAttribute", "ModifyVpcTenancy", "AssociateVpcCidrBlock", "DisassociateVpcCidrBlock",
          "CreateDefaultVpc", "CreateDefaultSubnet", "CreateSubnet", "DeleteSubnet", "ModifySubnetAttribute", "AssociateSubnetCidrBlock",
          "DisassociateSubnetCidrBlock", "CreateSubnetCidrReservation", "DeleteSubnetCidrReservation",
          "CreateFlowLogs", "DeleteFlowLogs", "CreateDhcpOptions", "DeleteDhcpOptions", "AssociateDhcpOptions",
          "ModifyVpcBlockPublicAccessOptions", "CreateVpcBlockPublicAccessExclusion", "ModifyVpcBlockPublicAccessExclusion",
          "DeleteVpcBlockPublicAccessExclusion",
        ]
      }
    }
    keys = {
      says    = "The end of a key, or another policy for it"
      service = "kms"
      detail = {
        eventName = ["ScheduleKeyDeletion", "DisableKey", "DisableKeyRotation", "PutKeyPolicy"]
        resources = { ARN = [aws_kms_key.storage.arn, aws_kms_key.logs.arn, aws_kms_key.messages.arn] }
      }
    }
    buckets = {
      says    = "Policies and protections of the buckets"
      service = "s3"
      detail = {
        eventName = [
          "PutBucketPolicy", "DeleteBucketPolicy", "PutBucketAcl", "PutBucketPublicAccessBlock", "DeleteBucketPublicAccessBlock",
          "PutBucketOwnershipControls", "DeleteBucketOwnershipControls", "PutBucketVersioning", "PutBucketObjectLockConfiguration",
          "PutBucketEncryption", "DeleteBucketEncryption", "PutBucketLifecycle", "DeleteBucketLifecycle", "PutBucketNotification",
          "PutBucketLogging", "PutBucketReplication", "DeleteBucketReplication", "DeleteBucket",
        ]
        requestParameters = { bucketName = [local.bucket_name, local.log_bucket_name, local.trail_bucket_name] }
      }
    }
    trail = {
      says    = "The trail itself"
      service = "cloudtrail"
      detail  = { eventName = ["StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors", "PutInsightSelectors"] }
    }
    # The module's own roles, by the beginning of their names; all of their policies are part of them. And who may come by a
    # token of the pipeline's.
    roles = {
      says    = "Roles, their policies, and issuers of tokens"
      service = "iam"
      detail = {
        "$or" = [
          {
            eventName = [
              "CreateRole", "UpdateRole", "DeleteRole", "UpdateAssumeRolePolicy", "PutRolePolicy", "DeleteRolePolicy",
              "AttachRolePolicy", "DetachRolePolicy", "PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary",
            ]
            requestParameters = { roleName = [{ prefix = "${local.name}-" }] }
          },
          {
            eventName = [
              "CreateOpenIDConnectProvider", "DeleteOpenIDConnectProvider", "UpdateOpenIDConnectProviderThumbprint",
              "AddClientIDToOpenIDConnectProvider", "RemoveClientIDFromOpenIDConnectProvider",
            ]
          },
        ]
      }
    }
  }

  watched_patterns = {
    for name, it in local.watched : name => jsonencode({
      source      = ["aws.${it.service}"]
      detail-type = ["AWS API Call via CloudTrail"]
      detail      = merge({ eventSource = ["${it.service}.amazonaws.com"] }, it.detail)
    })
  }

  # IAM is one service for all regions, and tells of itself in this one alone. Its events are sent on to the region of
  # everything else, where the rule `roles` waits for them. In China and GovCloud EventBridge sends nothing to other regions.
  # Sources: IAM User Guide, "Logging IAM and AWS STS API calls with AWS CloudTrail"; EventBridge User Guide, "Sending and
  # receiving events between AWS Regions".
  iam_region     = "us-east-1"
  forwards_roles = var.cloudtrail && local.partition == "aws" && local.region != local.iam_region
}

resource "aws_cloudwatch_event_rule" "watched" {
  for_each = { for name, it in local.watched : name => it if var.cloudtrail }

  name          = "${local.name}-changed-${each.key}"
  description   = "Changes: ${each.value.says}"
  event_pattern = local.watched_patterns[each.key]
}

resource "aws_cloudwatch_event_target" "watched" {
  for_each = aws_cloudwatch_event_rule.watched

  rule      = each.value.name
  target_id = "notifications"
  arn       = aws_sns_topic.notifications.arn
}

resource "aws_cloudwatch_event_rule" "forwarded" {
  count  = local.forwards_roles ? 1 : 0
  region = local.iam_region

  name          = local.forwarding_rule
  description   = "Changes of roles, sent on to ${local.region}"
  event_pattern = local.watched_patterns["roles"]
}

resource "aws_cloudwatch_event_target" "forwarded" {
  count  = local.forwards_roles ? 1 : 0
  region = local.iam_region

  rule      = aws_cloudwatch_event_rule.forwarded[0].name
  target_id = "home"
  arn       = local.home_bus_arn
  role_arn  = aws_iam_role.event_forwarder[0].arn

  # EventBridge looks at once whether the role may.
  depends_on = [aws_iam_role_policy.event_forwarder]
}

# ---- Who sends them on ---------------------------------------------------------------------------------------------

locals {
  forwarding_rule = "${local.name}-roles-elsewhere"
  home_bus_arn    = "arn:${local.partition}:events:${local.region}:${local.account}:event-bus/default"
}

# EventBridge names the rule. Source: EventBridge User Guide, "Using IAM policy conditions".
data "aws_iam_policy_document" "event_forwarder_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:events:${local.iam_region}:${local.account}:rule/${local.forwarding_rule}"]
    }
  }
}

resource "aws_iam_role" "event_forwarder" {
  count = local.forwards_roles ? 1 : 0

  name               = "${local.name}-event-forwarder"
  description        = "Sends changes of roles on from ${local.iam_region}"
  assume_role_policy = data.aws_iam_policy_document.event_forwarder_trust.json
}

data "aws_iam_policy_document" "event_forwarder" {
  statement {
    sid       = "SendHome"
    actions   = ["events:PutEvents"]
    resources = [local.home_bus_arn]
  }
}

resource "aws_iam_role_policy" "event_forwarder" {
  count = local.forwards_roles ? 1 : 0

  name   = "forward"
  role   = aws_iam_role.event_forwarder[0].id
  policy = data.aws_iam_policy_document.event_forwarder.json
}
