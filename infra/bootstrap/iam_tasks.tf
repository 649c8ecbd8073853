# Roles of tasks: one for each service, one for the controller and one for the collector of traces, each with what its program calls and no more.

locals {
  task_roles = toset(concat(keys(local.services), ["controller"], local.has_traces ? ["otel-collector"] : []))
}

# ECS alone takes a task's role, for tasks of this account and region.
# Source: ECS Developer Guide, "Amazon ECS task IAM role".
data "aws_iam_policy_document" "ecs_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:ecs:${local.region}:${local.account}:*"]
    }
  }
}

resource "aws_iam_role" "task" {
  for_each = local.task_roles

  name               = "${local.name}-task-${each.key}"
  description        = "Tasks of ${each.key}"
  assume_role_policy = data.aws_iam_policy_document.ecs_trust.json
}

# ---- Services ------------------------------------------------------------------------------------------------------

data "aws_iam_policy_document" "service" {
  for_each = local.services

  statement {
    sid       = "ReadItsSettings"
    actions   = ["s3:GetObject"]
    resources = ["${local.bucket_arn}/settings/*/${each.key}.json"]
  }

  statement {
    sid       = "DecryptThem"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.storage.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${local.region}.amazonaws.com"]
    }
  }

  dynamic "statement" {
    for_each = each.key == "loan-api" && var.database_login == "Iam" ? [1] : []

    content {
      sid       = "LogInToTheDatabase"
      actions   = ["rds-db:connect"]
      resources = ["arn:${local.partition}:rds-db:${local.region}:${local.account}:dbuser:${aws_rds_cluster.main.cluster_resource_id}/${local.database_user}"]
    }
  }
}

resource "aws_iam_role_policy" "service" {
  for_each = local.services

  name   = "task"
  role   = aws_iam_role.task[each.key].id
  policy = data.aws_iam_policy_document.service[each.key].json
}
