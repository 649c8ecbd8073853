# What the controller may do: the calls that controller/aws makes, on what bears a platform's names.

locals {
  ecs_arn        = "arn:${local.partition}:ecs:${local.region}:${local.account}"
  cloudwatch_arn = "arn:${local.partition}:cloudwatch:${local.region}:${local.account}"

  # PLATFORM-SERVICE, and those that `loanctl verify` makes and removes. The controller's own service is called
  # otherwise. Sources: controller/aws/src/ecs/names.rs, controller/aws/src/ecs/probe.rs.
  platform_service_names = [for name in keys(local.all_services) : "*-${name}"]
  verify_service_names   = ["loanctl_verify_*"]
  service_names          = concat(local.platform_service_names, local.verify_service_names)

  service_arns          = [for name in local.service_names : "${local.ecs_arn}:service/${local.cluster_name}/${name}"]
  platform_service_arns = [for name in local.platform_service_names : "${local.ecs_arn}:service/${local.cluster_name}/${name}"]

  # Families are called as services are. What is only being registered has no revision in its ARN yet.
  families             = { for name in local.service_names : name => "${local.ecs_arn}:task-definition/${name}" }
  task_definition_arns = flatten([for family in values(local.families) : [family, "${family}:*"]])

  platform_task_definition_arns = flatten([
    for name in local.platform_service_names : [local.families[name], "${local.families[name]}:*"]
  ])

  # Source: controller/aws/src/ecs/owner.rs.
  owner_tag   = "lending.dev/managed-by"
  owner_tags  = [local.owner_tag, "lending.dev/platform", "lending.dev/service", "lending.dev/generation", "lending.dev/store"]
  owner_value = "loanctl"
}

data "aws_iam_policy_document" "controller" {
  # ---- Documents

  statement {
    sid       = "ReadDocuments"
    actions   = ["s3:GetObject"]
    resources = [for prefix in concat(["specs/", "bootstrap/"], local.controller_prefixes) : "${local.bucket_arn}/${prefix}*"]
  }

  # Without a condition on the prefix: S3 says of an object that is not there whether it is missing only to who may
  # list the bucket, and that request has no prefix.
  statement {
    sid       = "ListDocuments"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arn]
  }

  statement {
    sid       = "WriteItsOwn"
    actions   = ["s3:PutObject", "s3:DeleteObject"]
    resources = concat([for prefix in local.controller_prefixes : "${local.bucket_arn}/${prefix}*"], ["${local.bucket_arn}/specs/.verify"])
  }

  statement {
    sid       = "UseTheBucketsKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.storage.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${local.region}.amazonaws.com"]
    }
  }

  # ---- Hints

  statement {
    sid       = "TakeHints"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
    resources = [aws_sqs_queue.hints.arn]
  }

  statement {
    sid       = "UseTheQueuesKey"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.messages.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["sqs.${local.region}.amazonaws.com"]
    }
  }

  # ---- Services

  # One that is there already under a platform's name is adopted, so what it is tagged with is no condition.
  statement {
    sid       = "KeepServices"
    actions   = ["ecs:UpdateService", "ecs:DescribeServices"]
    resources = local.service_arns

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.main.arn]
    }
  }

  # By then it bears the controller's tag: what is adopted is tagged first.
  statement {
    sid       = "RemoveServices"
    actions   = ["ecs:DeleteService"]
    resources = local.platform_service_arns

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.main.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/${local.owner_tag}"
      values   = [local.owner_value]
    }
  }

  # `loanctl verify` asks for a service that there is not.
  statement {
    sid       = "AskForNobody"
    actions   = ["ecs:DescribeServices"]
    resources = ["${local.ecs_arn}:service/${local.cluster_name}/loanctl-verify"]
  }

  # New ones of platforms carry the controller's tag from the first moment.
  statement {
    sid       = "MakeServices"
    actions   = ["ecs:CreateService"]
    resources = local.platform_service_arns

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.main.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/${local.owner_tag}"
      values   = [local.owner_value]
    }
  }

  statement {
    sid       = "TryServices"
    actions   = ["ecs:CreateService", "ecs:DeleteService"]
    resources = [for name in local.verify_service_names : "${local.ecs_arn}:service/${local.cluster_name}/${name}"]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.main.arn]
    }
  }

  statement {
    sid       = "RegisterTaskDefinitions"
    actions   = ["ecs:RegisterTaskDefinition"]
    resources = local.task_definition_arns
  }

  # With its three tags and no others: one that is adopted gets them too, and so does one that `loanctl verify` tries.
  statement {
    sid       = "TagThem"
    actions   = ["ecs:TagResource"]
    resources = concat(local.service_arns, local.platform_task_definition_arns)

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "aws:TagKeys"
      values   = local.owner_tags
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/${local.owner_tag}"
      values   = [local.owner_value]
    }
  }

  # IAM knows no resource for it.
  statement {
    sid       = "ListServices"
    actions   = ["ecs:ListServices"]
    resources = ["*"]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.main.arn]
    }
  }

  # IAM knows neither a resource nor a condition for it.
  statement {
    sid       = "ReadTaskDefinitions"
    actions   = ["ecs:DescribeTaskDefinition"]
    resources = ["*"]
  }

  statement {
    sid       = "GiveTasksTheirRoles"
    actions   = ["iam:PassRole"]
    resources = flatten([for name in keys(local.services) : [aws_iam_role.task[name].arn, aws_iam_role.execution[name].arn]])

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }

  # ---- Automatic scaling

  # A target's ARN has a number that nobody knows before, and no service's name; conditions narrow it to counts of ECS
  # services. `loanctl verify` scales what it makes by the same statement.
  statement {
    sid = "ScaleServices"
    actions = [
      "application-autoscaling:RegisterScalableTarget",
      "application-autoscaling:DeregisterScalableTarget",
      "application-autoscaling:PutScalingPolicy",
    ]
    resources = ["arn:${local.partition}:application-autoscaling:${local.region}:${local.account}:scalable-target/*"]

    condition {
      test     = "StringEquals"
      variable = "application-autoscaling:service-namespace"
      values   = ["ecs"]
    }

    condition {
      test     = "StringEquals"
      variable = "application-autoscaling:scalable-dimension"
      values   = ["ecs:service:DesiredCount"]
    }
  }

  statement {
    sid       = "ReadScaling"
    actions   = ["application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies"]
    resources = ["*"]
  }

  # ---- Alarms, metrics, dashboards

  statement {
    sid       = "KeepAlarms"
    actions   = ["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:TagResource"]
    resources = ["${local.cloudwatch_arn}:alarm:LoanPlatform/*"]
  }

  # They are listed by the beginning of their names, and a list is of all.
  statement {
    sid       = "ReadAlarms"
    actions   = ["cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory"]
    resources = ["${local.cloudwatch_arn}:alarm:*"]
  }

  # IAM knows no resource for them.
  statement {
    sid       = "ReadMetricsAndListDashboards"
    actions   = ["cloudwatch:GetMetricData", "cloudwatch:ListDashboards"]
    resources = ["*"]
  }

  statement {
    sid       = "KeepDashboards"
    actions   = ["cloudwatch:PutDashboard", "cloudwatch:GetDashboard", "cloudwatch:DeleteDashboards"]
    resources = ["arn:${local.partition}:cloudwatch::${local.account}:dashboard/LoanPlatform-*"]
  }
}

resource "aws_iam_role_policy" "controller" {
  name   = "task"
  role   = aws_iam_role.task["controller"].id
  policy = data.aws_iam_policy_document.controller.json
}
